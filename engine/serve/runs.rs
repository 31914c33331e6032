//! Runs as they are: the list, page by page, and one run with its curve, its bars and its candidates.

use super::catalog::{Listing, lock};
use super::problem::Problem;
use super::stream::Cursor;
use super::trace::{CandidateRow, ScenarioBar, Trace};
use super::view::{LimitRow, Measure, RunRow, State as RunState};
use super::{Served, is_known};
use crate::control::Status;
use crate::report::BestPoint;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

pub(super) const LIMIT: usize = 50;
pub(super) const LIMIT_MAX: usize = 500;
/// A curve has no more points than this.
const POINTS_MAX: usize = 300;
/// So much of a log is shown.
const LOG_BYTES: u64 = 64 * 1024;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Runs in one answer, 1 to 500.
    limit: usize,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// Only runs in this state.
    state: Option<RunState>,
    /// Only runs whose id, suite, models, verdict or note has this text in it.
    q: Option<String>,
}

impl Default for ListQuery {
    fn default() -> ListQuery {
        ListQuery { limit: LIMIT, cursor: None, state: None, q: None }
    }
}

/// A page of the list of runs, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct RunList {
    runs: Vec<Arc<RunRow>>,
    /// The cursor of the next page; null on the last one.
    next: Option<String>,
    /// Runs that the filter admits, on all pages.
    matching: usize,
    total: usize,
    /// How many runs of the folder are in each state.
    states: BTreeMap<&'static str, usize>,
    /// From where `events?since=` goes on.
    change: String,
}

/// A run with all that its page begins with.
#[derive(Serialize, ToSchema)]
pub(super) struct RunDetail {
    run: RunRow,
    /// Which part of the search is under way.
    phase: Option<String>,
    /// Steps under way: episodes and proposals.
    under_way: Option<u32>,
    parallel: Option<u16>,
    process: Option<u32>,
    limits: LimitRow,
    profile: Option<String>,
    /// What to mind, the worst first.
    warnings: Vec<String>,
    best: Curve,
    scenarios: Vec<ScenarioBar>,
    candidates: usize,
    /// The best candidates by what the search believes, ten at most.
    leading: Vec<CandidateRow>,
    episodes: usize,
    /// From where `events?since=` goes on.
    cursor: String,
}

/// The best so far over the episodes.
#[derive(Serialize, ToSchema)]
pub(super) struct Curve {
    points: Vec<PointRow>,
    /// How many points there are in all; where it is more than are shown, those between are left out.
    of: usize,
}

/// A point of the curve.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct PointRow {
    /// Episodes that were attempted until then.
    episodes: u32,
    candidate: String,
    objective: Measure,
}

pub(super) fn points(best: &[BestPoint]) -> Vec<PointRow> {
    let row = |point: &BestPoint| PointRow {
        episodes: point.episodes,
        candidate: point.candidate.0.clone(),
        objective: point.objective.into(),
    };
    best.iter().map(row).collect()
}

impl Curve {
    /// All points, or so many that are evenly apart, with those at which the best became another one, the first and the
    /// last.
    fn of(best: &[BestPoint]) -> Curve {
        let step = best.len().div_ceil(POINTS_MAX / 2).max(1);
        let is_change = |at: usize| at == 0 || best[at].candidate != best[at - 1].candidate;
        let changes = (0..best.len()).filter(|at| is_change(*at)).count();
        let shows_changes = changes <= POINTS_MAX / 2;
        let shown = |at: usize| {
            best.len() <= POINTS_MAX
                || at.is_multiple_of(step)
                || at + 1 == best.len()
                || (shows_changes && is_change(at))
        };
        let kept: Vec<BestPoint> =
            (0..best.len()).filter(|at| shown(*at)).map(|at| best[at].clone()).collect();
        Curve { points: points(&kept), of: best.len() }
    }
}

/// List the runs, newest first.
#[utoipa::path(get, path = "/runs", operation_id = "list_runs", tag = "runs", params(ListQuery), responses(
    (status = 200, body = RunList, headers(("ETag" = String))),
    (status = 304, description = "Nothing has changed since the ETag in If-None-Match"),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "The token is missing or wrong", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "Wrong Host or Origin", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = parameters(query)?;
    let listing = served.listing().await?;
    let change = format!("{:x}.{}", served.catalog.epoch(), listing.change);
    let tag = format!("\"{change}\"");
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let page = page(&listing, &query, change);
    Ok(([(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".to_owned())], Json(page)).into_response())
}

fn page(listing: &Listing, query: &ListQuery, change: String) -> RunList {
    let mut states: BTreeMap<&'static str, usize> = BTreeMap::new();
    for listed in &listing.rows {
        *states.entry(listed.row.state.word()).or_default() += 1;
    }
    let wanted = query.q.as_ref().map(|text| text.to_lowercase()).filter(|text| !text.is_empty());
    let admits = |row: &RunRow| {
        query.state.is_none_or(|state| row.state == state)
            && wanted.as_ref().is_none_or(|text| has(row, text))
    };
    let matching: Vec<&Arc<RunRow>> =
        listing.rows.iter().map(|listed| &listed.row).filter(|row| admits(row)).collect();
    let after = |row: &&&Arc<RunRow>| query.cursor.as_ref().is_none_or(|cursor| row.id < *cursor);
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let mut runs: Vec<Arc<RunRow>> =
        matching.iter().filter(after).take(limit + 1).map(|row| (*row).clone()).collect();
    let has_more = runs.len() > limit;
    runs.truncate(limit);
    let next = runs.last().filter(|_| has_more).map(|row| row.id.clone());
    RunList { next, matching: matching.len(), total: listing.rows.len(), states, change, runs }
}

fn has(row: &RunRow, text: &str) -> bool {
    let verdict = row.verdict.as_ref().map(|verdict| &verdict.words);
    let texts = [
        Some(&row.id),
        row.suite.as_ref(),
        row.model.as_ref(),
        row.writer.as_ref(),
        row.note.as_ref(),
        verdict,
    ];
    texts.into_iter().flatten().any(|it| it.to_lowercase().contains(text))
}

/// The parameters of a request, or what is wrong with them.
pub(super) fn parameters<T>(
    query: Result<Query<T>, axum::extract::rejection::QueryRejection>,
) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|rejection| {
        Problem::new(StatusCode::BAD_REQUEST, rejection.body_text())
            .fix("/api/v1/openapi.json says what it may be")
    })
}

/// Tell a run: how it stands, its best so far, its scenarios and its leading candidates.
#[utoipa::path(get, path = "/runs/{id}", operation_id = "show_run", tag = "runs", params(("id" = String, Path)), responses(
    (status = 200, body = RunDetail),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn detail(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
) -> Result<Json<RunDetail>, Problem> {
    let row = served.row(&id).await?;
    if row.state == RunState::Unreadable {
        return Ok(Json(RunDetail::unreadable(row)));
    }
    let trace = served.trace(&id).await?;
    let status = served.catalog.last_told(&id).filter(|_| row.state.is_live());
    let detail = super::blocking(move || RunDetail::of(row, status.as_ref(), &mut lock(&trace))).await?;
    Ok(Json(detail))
}

impl RunDetail {
    fn of(row: RunRow, status: Option<&Status>, trace: &mut Trace) -> RunDetail {
        let caps = status.map(|status| status.caps);
        let limits = caps.or(trace.started.as_ref().map(|started| *started.caps)).unwrap_or_default();
        let phase = status.and_then(|status| serde_json::to_value(status.phase?).ok());
        let limits = LimitRow::of(&limits);
        RunDetail {
            phase: phase.and_then(|phase| phase.as_str().map(str::to_owned)),
            under_way: status.map(|status| status.under_way),
            parallel: status.and_then(|status| status.parallel),
            process: status.and_then(|status| status.process),
            profile: trace.started.as_ref().map(|started| started.profile.name.clone()),
            warnings: warnings(&row, limits),
            limits,
            best: Curve::of(&trace.best),
            scenarios: trace.bars(),
            candidates: trace.candidates.len(),
            leading: trace.ranked().into_iter().take(10).collect(),
            episodes: trace.episodes.len(),
            cursor: Cursor::of(trace).to_string(),
            run: row,
        }
    }

    /// Nothing more than that it cannot be read.
    fn unreadable(row: RunRow) -> RunDetail {
        RunDetail {
            phase: None,
            under_way: None,
            parallel: None,
            process: None,
            limits: LimitRow::default(),
            profile: None,
            warnings: vec![format!(
                "{}; `optimize runs doctor {}` looks at it",
                row.note.clone().unwrap_or_default(),
                row.id
            )],
            best: Curve { points: Vec::new(), of: 0 },
            scenarios: Vec::new(),
            candidates: 0,
            leading: Vec::new(),
            episodes: 0,
            cursor: String::new(),
            run: row,
        }
    }
}

/// What to mind of a run.
fn warnings(row: &RunRow, limits: LimitRow) -> Vec<String> {
    let mut warnings = Vec::new();
    let attempted = row.scored + row.unmeasured;
    match row.state {
        RunState::CutOff => {
            warnings.push("No process works at this run: it was cut off, and can be resumed.".to_owned())
        }
        RunState::Waiting => warnings.push("A model does not answer; the run waits for it.".to_owned()),
        _ => {}
    }
    if row.unmeasured * 10 > attempted {
        warnings.push(format!("{} of {attempted} episodes could not be measured.", row.unmeasured));
    }
    let spent = row.spent.and_then(|spent| spent.usd);
    if let (Some(limit), Some(spent), true) = (limits.usd, spent, row.state.is_live())
        && spent >= 0.8 * limit
    {
        warnings.push(format!("${spent:.2} of the limit of ${limit:.2} are spent."));
    }
    if row.model.as_deref().is_some_and(|model| model.starts_with("offline")) {
        warnings.push(
            "Made with the offline model: it shows how the tool works, not how a real model would do."
                .to_owned(),
        );
    }
    warnings
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Rows in one answer, 1 to 500.
    limit: usize,
    /// The `next` of the answer before.
    cursor: Option<usize>,
}

impl Default for PageQuery {
    fn default() -> PageQuery {
        PageQuery { limit: LIMIT, cursor: None }
    }
}

/// A page of the candidates.
#[derive(Serialize, ToSchema)]
pub(super) struct CandidateList {
    candidates: Vec<CandidateRow>,
    /// The cursor of the next page; null on the last one.
    next: Option<usize>,
    total: usize,
}

/// List the candidates of a run, the best by what the search believes first.
#[utoipa::path(get, path = "/runs/{id}/candidates", operation_id = "list_candidates", tag = "results", params(("id" = String, Path), PageQuery), responses(
    (status = 200, body = CandidateList),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn candidates(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<CandidateList>, Problem> {
    let query = parameters(query)?;
    let trace = served.trace(&id).await?;
    let ranked = super::blocking(move || lock(&trace).ranked()).await?;
    let total = ranked.len();
    let (from, limit) = (query.cursor.unwrap_or(0), query.limit.clamp(1, LIMIT_MAX));
    let candidates: Vec<CandidateRow> = ranked.into_iter().skip(from).take(limit).collect();
    let end = from.saturating_add(candidates.len());
    Ok(Json(CandidateList { candidates, next: (end < total).then_some(end), total }))
}

/// What the run's process in the background said.
#[derive(Serialize, ToSchema)]
pub(super) struct LogTail {
    /// The last lines.
    lines: Vec<String>,
    /// Whether there are earlier ones.
    is_cut: bool,
}

/// Show the end of a run's log; without one, since nothing of it ran in the background, no lines.
#[utoipa::path(get, path = "/runs/{id}/log", operation_id = "show_log", tag = "results", params(("id" = String, Path)), responses(
    (status = 200, body = LogTail),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn log(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
) -> Result<Json<LogTail>, Problem> {
    let path = served.folder(&id)?.join("run.log");
    let read = tokio::task::spawn_blocking(move || tail(&path))
        .await
        .map_err(|error| Problem::failed(&error.into()))?;
    Ok(Json(read.map_err(|error| Problem::failed(&error.into()))?))
}

fn tail(path: &std::path::Path) -> std::io::Result<LogTail> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(LogTail { lines: Vec::new(), is_cut: false });
        }
        Err(error) => return Err(error),
    };
    let from = file.metadata()?.len().saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // The first line may have lost its beginning.
    let lines = text.lines().skip(usize::from(from > 0)).map(crate::report::plain).collect();
    Ok(LogTail { lines, is_cut: from > 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::interval::Estimate;
    use crate::units::PackHash;

    #[test]
    fn a_long_curve_keeps_its_turns_and_its_ends() {
        let point = |at: u32| BestPoint {
            episodes: at,
            candidate: PackHash((at / 700).to_string()),
            objective: Estimate { value: 0.5, interval: None },
        };
        let best: Vec<BestPoint> = (1..=2_000).map(point).collect();
        let curve = Curve::of(&best);
        assert_eq!(curve.of, 2_000);
        assert!(curve.points.len() <= POINTS_MAX, "{}", curve.points.len());
        let kept: Vec<u32> = curve.points.iter().map(|point| point.episodes).collect();
        for at in [1, 700, 1_400, 2_000] {
            assert!(kept.contains(&at), "{at}");
        }
        assert_eq!(Curve::of(&best[..300]).points.len(), 300);
        assert_eq!(Curve::of(&[]).of, 0);
    }
}
