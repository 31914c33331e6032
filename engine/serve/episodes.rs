//! Episodes of a run, page by page: for the page as JSON, for other programs as CSV and JSON lines; and one of them with
//! all that was said in it.

use super::Served;
use super::catalog::lock;
use super::problem::Problem;
use super::runs::{LIMIT, LIMIT_MAX, parameters};
use super::trace::{EpisodeRow, Trace};
use crate::store::Store;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Files for programs have longer pages.
const FILE_LIMIT: usize = 5_000;
const FILE_LIMIT_MAX: usize = 20_000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct EpisodeQuery {
    /// Episodes in one answer, 1 to 500; 1 to 20,000 of files.
    limit: Option<usize>,
    /// The `next` of the answer before.
    cursor: Option<u32>,
    /// Which come first; the newest when absent, and the oldest in files.
    order: Option<Order>,
    /// Only those of the candidate whose hash begins so.
    candidate: Option<String>,
    /// Only those of this scenario.
    scenario: Option<String>,
    /// Only those that ended so, such as `errored`.
    outcome: Option<String>,
}

/// Which episodes come first, by their places among the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    Newest,
    Oldest,
}

/// A page of episodes.
#[derive(Serialize, ToSchema)]
pub(super) struct EpisodeList {
    episodes: Vec<EpisodeRow>,
    /// The cursor of the next page; null on the last one.
    next: Option<u32>,
    /// All that the run has until now, whatever is asked for.
    total: usize,
}

impl EpisodeQuery {
    fn admits(&self, row: &EpisodeRow) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        self.candidate.as_ref().is_none_or(|start| row.candidate.starts_with(start.as_str()))
            && is(&self.scenario, &row.scenario)
            && is(&self.outcome, &row.outcome)
    }

    /// The rows of a page. A cursor is the ordinal of the row before.
    fn page(&self, trace: &Trace, limit: usize, usual: Order) -> EpisodeList {
        let row = |place: &usize| &trace.episodes[*place];
        let wanted = |row: &&EpisodeRow| self.admits(row);
        let mut episodes: Vec<EpisodeRow> = match self.order.unwrap_or(usual) {
            Order::Newest => {
                let before = trace.by_ordinal.range(..self.cursor.unwrap_or(u32::MAX));
                before.rev().map(|(_, place)| row(place)).filter(wanted).take(limit + 1).cloned().collect()
            }
            Order::Oldest => {
                let after =
                    trace.by_ordinal.range(self.cursor.map_or(0, |cursor| cursor.saturating_add(1))..);
                after.map(|(_, place)| row(place)).filter(wanted).take(limit + 1).cloned().collect()
            }
        };
        let has_more = episodes.len() > limit;
        episodes.truncate(limit);
        let next = episodes.last().filter(|_| has_more).map(|row| row.ordinal);
        EpisodeList { episodes, next, total: trace.episodes.len() }
    }
}

/// List the episodes of a run.
#[utoipa::path(get, path = "/runs/{id}/episodes", operation_id = "list_episodes", tag = "results", params(("id" = String, Path), EpisodeQuery), responses(
    (status = 200, body = EpisodeList),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    query: Result<Query<EpisodeQuery>, QueryRejection>,
) -> Result<Json<EpisodeList>, Problem> {
    let query = parameters(query)?;
    let trace = served.trace(&id).await?;
    let page = query.page(&lock(&trace), query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX), Order::Newest);
    Ok(Json(page))
}

/// Episodes as CSV with a header line, page by page; `Link` names the next page.
#[utoipa::path(get, path = "/runs/{id}/episodes.csv", operation_id = "episodes_csv", tag = "results", params(("id" = String, Path), EpisodeQuery), responses(
    (status = 200, body = String, content_type = "text/csv", headers(("Link" = String, description = "The next page, if there is one"))),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn csv(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    query: Result<Query<EpisodeQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = parameters(query)?;
    let page = file_page(&served, &id, &query).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in &page.episodes {
        writer.serialize(row).map_err(|error| Problem::failed(&error.into()))?;
    }
    let content = writer.into_inner().map_err(|error| Problem::failed(&error.into_error().into()))?;
    Ok(file(&id, "csv", "text/csv; charset=utf-8", content, &query, page.next))
}

/// Episodes as lines of JSON, page by page; `Link` names the next page.
#[utoipa::path(get, path = "/runs/{id}/episodes.jsonl", operation_id = "episodes_jsonl", tag = "results", params(("id" = String, Path), EpisodeQuery), responses(
    (status = 200, body = String, content_type = "application/jsonl", headers(("Link" = String, description = "The next page, if there is one"))),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn jsonl(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    query: Result<Query<EpisodeQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = parameters(query)?;
    let page = file_page(&served, &id, &query).await?;
    let mut content = Vec::new();
    for row in &page.episodes {
        serde_json::to_writer(&mut content, row).map_err(|error| Problem::failed(&error.into()))?;
        content.push(b'\n');
    }
    Ok(file(&id, "jsonl", "application/jsonl", content, &query, page.next))
}

async fn file_page(served: &Served, id: &str, query: &EpisodeQuery) -> Result<EpisodeList, Problem> {
    let trace = served.trace(id).await?;
    let limit = query.limit.unwrap_or(FILE_LIMIT).clamp(1, FILE_LIMIT_MAX);
    Ok(query.page(&lock(&trace), limit, Order::Oldest))
}

/// A page of a file. The link keeps what was asked for.
fn file(
    id: &str,
    ending: &str,
    kind: &'static str,
    content: Vec<u8>,
    query: &EpisodeQuery,
    next: Option<u32>,
) -> Response {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = id.chars().map(plain).collect();
    let name = format!("attachment; filename=\"{name}-episodes.{ending}\"");
    let mut response =
        ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], content)
            .into_response();
    if let Some(next) = next {
        let order = query.order.map(|order| if order == Order::Newest { "newest" } else { "oldest" });
        let mut address = format!("/api/v1/runs/{}/episodes.{ending}?cursor={next}", encoded(id));
        let texts = [
            ("limit", query.limit.map(|limit| limit.to_string())),
            ("order", order.map(str::to_owned)),
            ("candidate", query.candidate.clone()),
            ("scenario", query.scenario.clone()),
            ("outcome", query.outcome.clone()),
        ];
        for (name, value) in texts {
            address += &value.map_or(String::new(), |value| format!("&{name}={}", encoded(&value)));
        }
        if let Ok(link) = HeaderValue::from_str(&format!("<{address}>; rel=\"next\"")) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    response
}

fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

/// An episode with what was said and done in it.
#[derive(Serialize, ToSchema)]
pub(super) struct EpisodeDetail {
    episode: EpisodeRow,
    /// The episode as the run keeps it: response, tool calls, transcript; null where none was kept.
    #[schema(value_type = Option<Object>)]
    kept: Option<serde_json::Value>,
}

/// Show an episode: what the agent said, which tools it called, and what they answered.
#[utoipa::path(get, path = "/runs/{id}/episodes/{ordinal}", operation_id = "show_episode", tag = "results",
    params(("id" = String, Path), ("ordinal" = u32, Path)),
    responses(
        (status = 200, body = EpisodeDetail),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn detail(
    State(served): State<Arc<Served>>,
    Path((id, ordinal)): Path<(String, String)>,
) -> Result<Json<EpisodeDetail>, Problem> {
    let folder = served.folder(&id)?;
    let trace = served.trace(&id).await?;
    let known = ordinal.parse().ok().and_then(|ordinal| {
        let trace = lock(&trace);
        Some(trace.episodes[*trace.by_ordinal.get(&ordinal)?].clone())
    });
    let missing = || {
        Problem::new(StatusCode::NOT_FOUND, "the run has no such episode")
            .fix("its episodes have the ordinals in .../episodes")
    };
    let episode: EpisodeRow = known.ok_or_else(missing)?;
    let ordinal = episode.ordinal;
    let kept = tokio::task::spawn_blocking(move || Store::open_to_read(&folder)?.episode(ordinal)).await;
    let kept = kept.map_err(|error| Problem::failed(&error.into()))??;
    let kept = kept.map(serde_json::to_value).transpose().map_err(|error| Problem::failed(&error.into()))?;
    Ok(Json(EpisodeDetail { episode, kept }))
}
