//! A world served to other optimizers on a loopback port: episodes that a ledger counts, the simulated writer in
//! the OpenAI dialect, and a judge who knows the truth and answers only who knows a token.

use super::answer::answer;
use super::world::World;
use crate::endpoint::Access;
use crate::endpoint::chat;
use crate::episode::{AssistantTurn, Message, Usage};
use crate::llm::{Finish, Reply};
use crate::score::Margin;
use crate::value::parse;
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::TcpListener;

const BODY_BYTES_MAX: usize = 16 << 20;
/// The file of a pack that is the policy.
const POLICY: &str = "AGENTS.md";
/// The writer's name.
const WRITER: &str = "lab-writer";
/// What a token of English text holds on average.
const BYTES_PER_TOKEN: usize = 4;

/// A world on a loopback port.
pub struct LabServer {
    listener: TcpListener,
    served: Arc<Served>,
}

struct Served {
    world: World,
    budget: u32,
    judge: Access,
    episodes: AtomicU32,
    writer_calls: AtomicU32,
}

impl LabServer {
    /// Binds to a loopback port; 0 takes a free one. Who brings the token is told the truth.
    pub async fn bind(
        world: World,
        budget: u32,
        port: u16,
        token: SecretString,
    ) -> anyhow::Result<LabServer> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let judge = Access::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Some(token)).map_err(anyhow::Error::msg)?;
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        let (episodes, writer_calls) = (AtomicU32::new(0), AtomicU32::new(0));
        Ok(LabServer { listener, served: Arc::new(Served { world, budget, judge, episodes, writer_calls }) })
    }

    /// The URL below which the routes are.
    pub fn base_url(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// Answers until the future is dropped.
    pub async fn run(self) -> anyhow::Result<()> {
        let router = Router::new()
            .route("/world", get(world))
            .route("/episode", post(episode))
            .route("/v1/chat/completions", post(complete))
            .route("/v1/models", get(models))
            .route("/judge", post(judge))
            .route("/ledger", get(ledger))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(self.served);
        axum::serve(self.listener, router).await.context("serve the world")
    }
}

impl Served {
    /// Takes an episode out of the budget and gives its number; none where the budget is spent.
    fn take_episode(&self) -> Option<u32> {
        let take = |taken: u32| (taken < self.budget).then_some(taken + 1);
        self.episodes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()
    }
}

async fn world(State(served): State<Arc<Served>>) -> Response {
    let world = &served.world;
    let check = |check: &super::world::WorldCheck| json!({ "id": check.id, "category": check.category, "points": check.points });
    let scenario = |scenario: &super::world::WorldScenario| {
        let checks: Vec<Value> = world.checks[scenario.checks.clone()].iter().map(check).collect();
        json!({ "name": scenario.name, "weight": scenario.weight, "checks": checks })
    };
    let (Margin::Additive(delta) | Margin::Multiplicative(delta)) = world.profile.margin;
    reply(json!({
        "world": world.definition.name,
        "seed": world.seed.0,
        "scenarios": world.scenarios.iter().map(scenario).collect::<Vec<Value>>(),
        "start": world.start,
        "rho": world.profile.rho,
        "delta": delta,
        "budget": served.budget,
    }))
}

/// What the protocol of external evaluators sends, as far as a world needs it.
#[derive(Deserialize)]
struct EpisodeRequest {
    version: u32,
    scenario: NamedScenario,
    pack: Files,
}

#[derive(Deserialize)]
struct NamedScenario {
    name: String,
}

#[derive(Deserialize)]
struct Files {
    files: BTreeMap<String, String>,
}

async fn episode(State(served): State<Arc<Served>>, body: Bytes) -> Response {
    let request: EpisodeRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            return refusal(StatusCode::BAD_REQUEST, format!("not a request for an episode: {error}"));
        }
    };
    if request.version != 1 {
        return refusal(StatusCode::BAD_REQUEST, format!("version {} is not known; 1 is", request.version));
    }
    let Some(scenario) = served.world.scenario(&request.scenario.name) else {
        let problem = format!("the world has no scenario {:?}; GET /world lists them", request.scenario.name);
        return refusal(StatusCode::BAD_REQUEST, problem);
    };
    let Some(policy) = request.pack.files.get(POLICY) else {
        return refusal(StatusCode::BAD_REQUEST, format!("the pack has no file {POLICY}"));
    };
    let Some(number) = served.take_episode() else {
        return refusal(StatusCode::FORBIDDEN, format!("the ledger's {} episodes are spent", served.budget));
    };
    let mut rng = served.world.seed.child("served episode", &[&number.to_string()]).rng();
    let card = served.world.episode(policy, scenario, &mut rng);
    let checks: Vec<Value> = card
        .checks
        .iter()
        .map(|check| {
            json!({
                "id": check.id,
                "passed": check.passed,
                "points": check.points,
                "max_points": check.max_points,
                "category": check.category,
                "evidence": check.detail,
            })
        })
        .collect();
    reply(json!({ "version": 1, "checks": checks, "outcome": "finished" }))
}

async fn complete(State(served): State<Arc<Served>>, body: Bytes) -> Response {
    let document = parse(&body).map_err(|error| error.to_string());
    let request = match document.and_then(|document| chat::request(&document)) {
        Ok(request) => request,
        Err(problem) => {
            let error = json!({ "error": { "message": problem } });
            return (StatusCode::BAD_REQUEST, JSON, error.to_string()).into_response();
        }
    };
    let asked = request.messages.iter().filter_map(|message| match message {
        Message::User(text) => Some(text.as_str()),
        _ => None,
    });
    let prompt: Vec<&str> = std::iter::once(request.system.as_str()).chain(asked).collect();
    let number = served.writer_calls.fetch_add(1, Ordering::Relaxed);
    let mut rng = served.world.seed.child("served answer", &[&number.to_string()]).rng();
    let text = answer(&served.world, &prompt.join("\n\n"), &mut rng);
    let tokens = |bytes: usize| Some(bytes.div_ceil(BYTES_PER_TOKEN) as u64);
    let usage =
        Usage { input_tokens: tokens(body.len()), output_tokens: tokens(text.len()), ..Usage::default() };
    let reply = Reply {
        turn: AssistantTurn { text, ..AssistantTurn::default() },
        finish: Finish::Stop,
        usage,
        resolved_model: None,
        waited_ms: 0,
        recalled_ms: None,
    };
    (JSON, chat::completion(WRITER, &reply).compact()).into_response()
}

async fn models() -> Response {
    reply(json!({ "object": "list", "data": [{ "id": WRITER, "object": "model" }] }))
}

/// A policy to be judged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Judged {
    policy: String,
}

async fn judge(State(served): State<Arc<Served>>, headers: HeaderMap, body: Bytes) -> Response {
    if !served.judge.allows(&headers) {
        return no_token();
    }
    match serde_json::from_slice::<Judged>(&body) {
        Ok(Judged { policy }) => {
            let world = &served.world;
            reply(json!({ "value": world.value(&policy), "start": world.start_value }))
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, format!("not a policy to be judged: {error}")),
    }
}

async fn ledger(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    if !served.judge.allows(&headers) {
        return no_token();
    }
    let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
    reply(json!({ "episodes": count(&served.episodes), "writer_calls": count(&served.writer_calls) }))
}

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

fn no_token() -> Response {
    let problem =
        "the judge answers who sends `Authorization: Bearer <token>` with the token of the first line";
    refusal(StatusCode::UNAUTHORIZED, problem.into())
}

fn reply(document: Value) -> Response {
    (JSON, document.to_string()).into_response()
}

fn refusal(status: StatusCode, problem: String) -> Response {
    (status, JSON, json!({ "error": problem }).to_string()).into_response()
}
