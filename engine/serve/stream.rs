//! Changes as they come, as server-sent events. Every event has an id from which a stream that broke goes on; where that
//! is not possible any more, the page is told to read everything again.

use super::Served;
use super::catalog::lock;
use super::problem::Problem;
use super::runs::{PointRow, points};
use super::trace::{CandidateRow, EpisodeRow, ScenarioBar, Trace};
use super::view::RunRow;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

/// Streams at once; each is a browser or a program that looks on.
pub(super) const STREAMS_MAX: usize = 64;
/// How often it is looked whether anything changed.
const LOOK: Duration = Duration::from_millis(500);
/// A change of more than this is read anew instead.
const ROWS_MAX: usize = 1_000;

/// From where on changes are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// The `change` of a list, or the `cursor` of a run; `Last-Event-ID` goes before it.
    since: Option<String>,
}

/// What changed in the list of runs.
#[derive(Serialize, ToSchema)]
pub(super) struct ListChange {
    runs: Vec<Arc<RunRow>>,
    gone: Vec<String>,
}

/// What changed in a run; a part that is absent did not change.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct RunChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunRow>,
    /// New ones, in the order in which they ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    episodes: Vec<EpisodeRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<CandidateRow>,
    /// New points of the best so far.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    best: Vec<PointRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scenarios: Vec<ScenarioBar>,
}

/// How much of a run somebody knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cursor {
    epoch: String,
    episodes: usize,
    candidates: usize,
    best: usize,
}

impl Cursor {
    pub fn of(trace: &Trace) -> Cursor {
        Cursor {
            epoch: trace.epoch.clone(),
            episodes: trace.episodes.len(),
            candidates: trace.candidates.len(),
            best: trace.best.len(),
        }
    }

    fn read(text: &str) -> Option<Cursor> {
        let mut parts = text.split('.');
        let epoch = parts.next()?.to_owned();
        let mut number = || parts.next()?.parse().ok();
        Some(Cursor { epoch, episodes: number()?, candidates: number()?, best: number()? })
    }

    /// Whether a trace still has all that comes after it, and not too much.
    fn fits(&self, trace: &Trace) -> bool {
        self.epoch == trace.epoch
            && (trace.episodes.len().wrapping_sub(self.episodes)) <= ROWS_MAX
            && self.candidates <= trace.candidates.len()
            && self.best <= trace.best.len()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.epoch, self.episodes, self.candidates, self.best)
    }
}

fn since(headers: &HeaderMap, query: Since) -> Option<String> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    last.or(query.since)
}

fn place(served: &Served) -> Result<OwnedSemaphorePermit, Problem> {
    served.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{STREAMS_MAX} streams are open already");
        let problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).fix("close pages that nobody looks at");
        Problem { retry_s: Some(10), ..problem }
    })
}

fn change(news: &impl Serialize) -> Event {
    let data = serde_json::to_string(news).expect("rows are texts and finite numbers");
    Event::default().event("change").data(data)
}

fn reset() -> Event {
    Event::default().event("reset").data("{}")
}

/// Changes in the list of runs: `change` events with rows that are new or differ, `reset` where the list must be read anew.
#[utoipa::path(get, path = "/events", operation_id = "watch_runs", tag = "live", params(Since), responses(
    (status = 200, description = "Server-sent events; the data of `change` is a ListChange", body = ListChange, content_type = "text/event-stream"),
    (status = 503, description = "Too many streams", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Query(query): Query<Since>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = place(&served)?;
    let epoch = format!("{:x}", served.catalog.epoch());
    let known = since(&headers, query).and_then(|text| {
        let (theirs, change) = text.split_once('.')?;
        (theirs == epoch).then(|| change.parse::<u64>().ok())?
    });
    let events = unfold((served, known, true, place), move |(served, known, is_first, place)| {
        let epoch = epoch.clone();
        async move {
            let (mut known, mut is_first) = (known, is_first);
            loop {
                if !is_first {
                    tokio::time::sleep(LOOK).await;
                }
                is_first = false;
                let Ok(listing) = served.listing().await else { continue };
                let (event, next) = match known {
                    Some(known) if known == listing.change => continue,
                    Some(before) if before < listing.change => {
                        let runs: Vec<_> = listing
                            .rows
                            .iter()
                            .filter(|it| it.change > before)
                            .map(|it| it.row.clone())
                            .collect();
                        let gone = listing
                            .gone
                            .iter()
                            .filter(|(_, change)| *change > before)
                            .map(|(id, _)| id.clone());
                        (change(&ListChange { runs, gone: gone.collect() }), listing.change)
                    }
                    _ => (reset(), listing.change),
                };
                known = Some(next);
                let event = event.id(format!("{epoch}.{next}"));
                return Some((Ok(event), (served, known, false, place)));
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Changes in a run: `change` events with what is new, `reset` where the run must be read anew.
#[utoipa::path(get, path = "/runs/{id}/events", operation_id = "watch_run", tag = "live", params(("id" = String, Path), Since), responses(
    (status = 200, description = "Server-sent events; the data of `change` is a RunChange", body = RunChange, content_type = "text/event-stream"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Too many streams", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn run(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    Query(query): Query<Since>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    served.folder(&id)?;
    let watcher = Watcher {
        place: place(&served)?,
        served,
        id,
        known: since(&headers, query).and_then(|text| Cursor::read(&text)),
        row: None,
        is_first: true,
    };
    let events = unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Who watches a run, and what they know of it.
struct Watcher {
    served: Arc<Served>,
    id: String,
    known: Option<Cursor>,
    row: Option<RunRow>,
    is_first: bool,
    #[expect(dead_code, reason = "held as long as the stream is open")]
    place: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next event; none where the run is gone.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if !std::mem::take(&mut self.is_first) {
                tokio::time::sleep(LOOK).await;
            }
            let row = self.served.row(&self.id).await.ok()?;
            // A store that cannot be read at this moment may be a moment later.
            let Ok(trace) = self.served.trace(&self.id).await else { continue };
            let trace = lock(&trace);
            let now = Cursor::of(&trace);
            let known = match self.known.take().filter(|known| known.fits(&trace)) {
                Some(known) => known,
                None => {
                    self.known = Some(now.clone());
                    return Some(reset().id(now.to_string()));
                }
            };
            let is_other_row = self.row.as_ref() != Some(&row);
            self.known = Some(now.clone());
            if known == now && !is_other_row {
                continue;
            }
            let news = RunChange {
                run: is_other_row.then(|| row.clone()),
                episodes: trace.episodes[known.episodes..].to_vec(),
                candidates: trace.candidates[known.candidates..].to_vec(),
                best: points(&trace.best[known.best..]),
                scenarios: if known.episodes < now.episodes { trace.bars() } else { Vec::new() },
            };
            self.row = Some(row);
            return Some(change(&news).id(now.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor { epoch: "a-1".into(), episodes: 5, candidates: 2, best: 3 };
        assert_eq!(Cursor::read(&cursor.to_string()), Some(cursor));
        for text in ["", "a", "a.1", "a.1.2", "a.1.2.x", "a.-1.2.3"] {
            assert_eq!(Cursor::read(text), None, "{text}");
        }
    }
}
