//! Beginning runs: what one would take, and the run itself. A run costs money, so every start has a key from who asks, and
//! the same key begins one run, however often it comes.

use super::Served;
use super::catalog::lock;
use super::options::RunOptions;
use super::problem::Problem;
use super::program::{parsed, refusal};
use crate::shell::in_shell;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};
use utoipa::ToSchema;

/// So many keys are remembered; the oldest ones are forgotten.
const KEYS_MAX: usize = 1_000;
const KEY_BYTES_MAX: usize = 200;

/// What is asked about or begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    #[serde(default)]
    pub options: RunOptions,
}

/// What a run would take.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EstimateAnswer {
    /// What `optimize estimate --json` says; null where nothing could be estimated.
    #[schema(value_type = Option<Object>)]
    pub estimate: Option<serde_json::Value>,
    /// Why a run with these options is not begun; null where it can be.
    pub problem: Option<String>,
    /// What it would cost at most, in words.
    pub at_most: String,
    /// What the command line would be.
    pub command: String,
}

/// A run that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Begun {
    pub run: String,
    /// The process that works at it; null where it has ended already.
    pub process: Option<u32>,
}

impl Begun {
    /// What the command said that it has begun.
    fn told(told: &serde_json::Value) -> Result<Begun, Problem> {
        let process = told["process"].as_u64().and_then(|process| process.try_into().ok());
        let named = told["run"].as_str().map(|run| Begun { run: run.to_owned(), process });
        named.ok_or_else(|| {
            let detail = format!("the command does not say which run it has begun: {told}");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
                .fix("GET /api/v1/runs lists the runs; look there before it is begun again")
        })
    }
}

/// The starts that were asked for, by their keys.
#[derive(Default)]
pub(super) struct Starts(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    by_key: HashMap<String, Arc<Start>>,
    order: std::collections::VecDeque<String>,
}

struct Start {
    request: RunRequest,
    /// What came of it; none while nothing was begun.
    outcome: tokio::sync::Mutex<Option<Result<Begun, Problem>>>,
}

impl Starts {
    /// The start of this key, or none where it was used for another run.
    fn of(&self, key: &str, request: &RunRequest) -> Option<Arc<Start>> {
        let mut asked = lock(&self.0);
        if let Some(start) = asked.by_key.get(key) {
            return (start.request == *request).then(|| start.clone());
        }
        if asked.order.len() >= KEYS_MAX
            && let Some(oldest) = asked.order.pop_front()
        {
            asked.by_key.remove(&oldest);
        }
        let start = Arc::new(Start { request: request.clone(), outcome: tokio::sync::Mutex::default() });
        asked.order.push_back(key.to_owned());
        asked.by_key.insert(key.to_owned(), start.clone());
        Some(start)
    }
}

/// Say what a run with these options would take; nothing is begun or spent.
#[utoipa::path(post, path = "/estimate", tag = "runs", request_body = RunRequest, responses(
    (status = 200, body = EstimateAnswer),
    (status = 400, description = "The body is no JSON", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "An option is wrong, or nothing that a page may set", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn estimate(
    State(served): State<Arc<Served>>,
    request: Result<Json<RunRequest>, JsonRejection>,
) -> Result<Json<EstimateAnswer>, Problem> {
    let RunRequest { options } = body(request)?;
    let words = served.words(&options)?;
    let command: Vec<String> = words.iter().map(|word| in_shell(word)).collect();
    let command = format!("optimize {}", command.join(" ")).trim_end().to_owned();
    let arguments = ["estimate", "--json"].map(str::to_owned).into_iter().chain(words).map(OsString::from);
    let output = served.program.run(arguments.collect(), true).await?;
    let refused = refusal(&output, StatusCode::UNPROCESSABLE_ENTITY);
    let (estimate, problem) = match output.status.code() {
        Some(0) => (Some(parsed(&output)?), None),
        // It knows what the run would take, and that this decides nothing.
        Some(3) if !output.stdout.is_empty() => (Some(parsed(&output)?), Some(refused.detail)),
        Some(3) => (None, Some(refused.detail)),
        _ => return Err(refused),
    };
    let at_most = at_most(&options, &served.given, estimate.as_ref());
    Ok(Json(EstimateAnswer { estimate, problem, at_most, command }))
}

/// The most that a run would cost, in words.
fn at_most(options: &RunOptions, given: &[String], estimate: Option<&serde_json::Value>) -> String {
    let limit = given.iter().position(|word| word == "--max-usd").and_then(|at| given.get(at + 1)).cloned();
    let limit =
        limit.or_else(|| given.iter().find_map(|word| word.strip_prefix("--max-usd=").map(str::to_owned)));
    if let Some(limit) = options.max_usd.clone().or(limit) {
        return format!("${limit}: no call is made that could exceed it");
    }
    let Some(estimate) = estimate else { return "not known".to_owned() };
    let is_offline = |role: &str| estimate[role]["is_offline"] == true;
    match estimate["usd"]["high"].as_f64() {
        _ if is_offline("agent") && is_offline("writer") => {
            "nothing: the offline model asks nobody".to_owned()
        }
        Some(high) => format!(
            "about ${high:.2} by the estimate, which is no limit: set max-usd, and no call is made that could exceed it"
        ),
        None => "not known: a model has no price, and no limit of dollars is set".to_owned(),
    }
}

/// Begin a run in the background.
///
/// The same `Idempotency-Key` with the same options begins one run and is answered alike, as long as this server runs. It
/// is pushed nowhere unless the server was started with `--allow-push`.
#[utoipa::path(post, path = "/runs", tag = "runs", request_body = RunRequest,
    params(("Idempotency-Key" = String, Header, description = "Another text for every run that is wanted, such as a UUID")),
    responses(
        (status = 201, description = "The run goes on in a process of its own", body = Begun, headers(("Location" = String, description = "Where it is told"))),
        (status = 400, description = "The key is missing, or the body is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The server only shows runs", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key was used for a run with other options", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "An option is wrong, or nothing that a page may set", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "It was begun, and its models do not answer", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn start(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    request: Result<Json<RunRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let key = key(&headers)?;
    let request = body(request)?;
    let words = served.words(&request.options)?;
    let start = served.starts.of(&key, &request).ok_or_else(|| {
        Problem::new(StatusCode::CONFLICT, "this Idempotency-Key was used for a run with other options")
            .fix("send another key for another run")
    })?;
    // Who goes away in the middle leaves no run half begun.
    let begun = tokio::spawn(async move { begin_once(&served, &start, words).await });
    let begun = begun.await.map_err(|error| Problem::failed(&error.into()))??;
    let place = format!("/api/v1/runs/{}", begun.run);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(begun)).into_response())
}

async fn begin_once(served: &Served, start: &Start, words: Vec<String>) -> Result<Begun, Problem> {
    let mut outcome = start.outcome.lock().await;
    if let Some(known) = outcome.as_ref() {
        return known.clone();
    }
    let push = (!served.may_push && !words.iter().any(|word| word == "--no-push")).then_some("--no-push");
    let fixed = ["--detach", "--json"].into_iter().chain(push).map(str::to_owned);
    let output = served.program.run(fixed.chain(words).map(OsString::from).collect(), false).await?;
    served.catalog.look_again();
    let begun = match output.status.code() {
        // What has ended already has no better pack, or has one.
        Some(0 | 4 | 6) => parsed(&output).and_then(|told| Begun::told(&told)),
        _ => Err(refusal(&output, StatusCode::UNPROCESSABLE_ENTITY)),
    };
    // What was refused began nothing, and may be asked for again when that is mended.
    if !matches!(output.status.code(), Some(2 | 3)) {
        *outcome = Some(begun.clone());
    }
    begun
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        let problem =
            Problem::new(StatusCode::BAD_REQUEST, "the header Idempotency-Key is missing, or too long");
        return Err(problem.fix("send a text of your own for every run that you want, such as a UUID, and the same one again for the same run"));
    }
    Ok(key.to_owned())
}

/// The body, or what is wrong with it.
pub(super) fn body<T>(request: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    request.map(|Json(body)| body).map_err(|rejection| {
        let problem = Problem::new(rejection.status(), rejection.body_text());
        problem.fix("/api/v1/openapi.json says what the body holds; send it as application/json")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_one_run() {
        let starts = Starts::default();
        let request =
            |budget| RunRequest { options: RunOptions { budget: Some(budget), ..RunOptions::default() } };
        let first = starts.of("a", &request(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &starts.of("a", &request(1)).unwrap()));
        assert!(starts.of("a", &request(2)).is_none());
        for number in 0..KEYS_MAX {
            starts.of(&format!("k{number}"), &request(1));
        }
        assert!(starts.of("a", &request(2)).is_some(), "the oldest key is forgotten");
    }

    #[test]
    fn the_most_that_it_costs_is_the_limit_or_no_promise() {
        let none = RunOptions::default();
        let limited = RunOptions { max_usd: Some("5".into()), ..RunOptions::default() };
        let estimate = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        let paid = estimate(
            r#"{"usd": {"high": 12.345}, "agent": {"is_offline": false}, "writer": {"is_offline": true}}"#,
        );
        assert!(at_most(&limited, &[], Some(&paid)).starts_with("$5: no call"));
        assert!(at_most(&none, &["--max-usd".into(), "7".into()], Some(&paid)).starts_with("$7: no call"));
        assert!(at_most(&none, &["--max-usd=8".into()], Some(&paid)).starts_with("$8: no call"));
        assert!(
            at_most(&none, &[], Some(&paid)).starts_with("about $12.35 by the estimate, which is no limit")
        );
        let offline =
            estimate(r#"{"usd": null, "agent": {"is_offline": true}, "writer": {"is_offline": true}}"#);
        assert!(at_most(&none, &[], Some(&offline)).starts_with("nothing"));
        assert!(at_most(&none, &[], None).starts_with("not known"));
    }
}
