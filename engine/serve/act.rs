//! What a run that goes on may be told: pause, go on, stop, other limits. Each is the command of the same name.

use super::Served;
use super::options::fields_of;
use super::problem::Problem;
use super::program::refusal;
use super::start::body;
use super::view::RunRow;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::sync::Arc;
use utoipa::ToSchema;

/// How a run is to end.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StopRequest {
    /// Drop what is under way instead of finishing it; the run has no end then, and can be resumed.
    pub now: bool,
}

/// What is to be changed; what is absent stays as it is. All are for the whole run, what is spent included; the text
/// `none` lifts a limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TuneRequest {
    /// Episodes in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u32>,
    /// Steps under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u16>,
    /// Dollars, such as `30`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<String>,
    /// Such as `7h30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_time: Option<String>,
}

impl TuneRequest {
    /// The words of the command line, each whole.
    fn words(&self) -> Vec<OsString> {
        let fields = fields_of(self);
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // No command takes a text with this in it.
        fields
            .iter()
            .map(|(name, value)| format!("--{name}={}", text(value).replace('\0', " ")).into())
            .collect()
    }
}

/// Begin nothing more until the run is resumed.
#[utoipa::path(post, path = "/runs/{id}/pause", tag = "control", params(("id" = String, Path)), responses(
    (status = 200, description = "How the run is now", body = RunRow),
    (status = 403, description = "The server only shows runs", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It cannot be paused as it is", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn pause(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
) -> Result<Json<RunRow>, Problem> {
    tell(&served, &id, "pause", Vec::new()).await
}

/// Go on with a run that was paused or cut off.
///
/// One that was cut off goes on in a new process in the background. It pushes a winner only where the server was started
/// with `--allow-push`.
#[utoipa::path(post, path = "/runs/{id}/resume", tag = "control", params(("id" = String, Path)), responses(
    (status = 200, description = "How the run is now", body = RunRow),
    (status = 403, description = "The server only shows runs", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is at its end, or under way", body = Problem, content_type = "application/problem+json"),
    (status = 502, description = "Its models do not answer", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn resume(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
) -> Result<Json<RunRow>, Problem> {
    let row = served.row(&id).await?;
    if row.verdict.is_some() {
        let problem = Problem::new(StatusCode::CONFLICT, format!("run {id} has come to its end"));
        return Err(problem.fix("start another run; it begins with the best pack so far"));
    }
    let push = (!served.may_push).then_some("--no-push");
    let words = ["--detach", "--json"].into_iter().chain(push).map(OsString::from);
    tell(&served, &id, "resume", words.collect()).await
}

/// Come to an end with what there is, or at once.
#[utoipa::path(post, path = "/runs/{id}/stop", tag = "control", params(("id" = String, Path)), request_body = StopRequest, responses(
    (status = 200, description = "How the run is now", body = RunRow),
    (status = 403, description = "The server only shows runs", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "No process works at it", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn stop(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    request: Result<Json<StopRequest>, JsonRejection>,
) -> Result<Json<RunRow>, Problem> {
    let StopRequest { now } = body(request)?;
    tell(&served, &id, "stop", now.then(|| "--now".into()).into_iter().collect()).await
}

/// Change the budget, the limits or the concurrency, also of a run that was cut off.
#[utoipa::path(post, path = "/runs/{id}/tune", tag = "control", params(("id" = String, Path)), request_body = TuneRequest, responses(
    (status = 200, description = "How the run is now", body = RunRow),
    (status = 403, description = "The server only shows runs", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It cannot be changed like this", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A value is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn tune(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    request: Result<Json<TuneRequest>, JsonRejection>,
) -> Result<Json<RunRow>, Problem> {
    let request = body(request)?;
    tell(&served, &id, "tune", request.words()).await
}

/// Runs a command for a run, to its end even where who asked has gone away.
async fn tell(
    served: &Arc<Served>,
    id: &str,
    command: &str,
    more: Vec<OsString>,
) -> Result<Json<RunRow>, Problem> {
    served.folder(id)?;
    let mut words: Vec<OsString> = vec![command.into(), id.into()];
    words.extend(more);
    let acting = served.clone();
    let output = tokio::spawn(async move { acting.program.run(words, false).await }).await;
    let output = output.map_err(|error| Problem::failed(&error.into()))??;
    served.catalog.look_again();
    match output.status.code() {
        // A run that is resumed may be at its end already.
        Some(0 | 4 | 6) => Ok(Json(served.row(id).await?)),
        _ => Err(refusal(&output, StatusCode::CONFLICT)),
    }
}
