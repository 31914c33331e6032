//! Serving a model of this program to other programs, in the OpenAI chat-completions dialect.
//!
//! So another optimizer, or a gateway, can be run against the very model that the engine was run against.
//! Loopback only.

use crate::endpoint::chat;
use crate::episode::Message;
use crate::llm::{Llm, Reply, Request};
use crate::units::Seed;
use crate::value::{Value, parse};
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;

const BODY_BYTES_MAX: usize = 16 << 20;
/// What a token of English text holds on average.
const BYTES_PER_TOKEN: usize = 4;

/// A model server on a loopback port.
pub struct ModelServer {
    listener: TcpListener,
    served: Arc<Served>,
}

struct Served {
    model: Arc<dyn Llm>,
    seed: Seed,
    conversations: AtomicU64,
}

impl ModelServer {
    /// Binds to a loopback port; 0 takes a free one.
    pub async fn bind(model: Arc<dyn Llm>, port: u16, seed: Seed) -> anyhow::Result<ModelServer> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        Ok(ModelServer {
            listener,
            served: Arc::new(Served { model, seed, conversations: AtomicU64::new(0) }),
        })
    }

    /// The base URL to give to a client.
    pub fn base_url(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}/v1", self.listener.local_addr()?))
    }

    /// Answers until the future is dropped.
    pub async fn run(self) -> anyhow::Result<()> {
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/v1/models", get(models))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(self.served);
        axum::serve(self.listener, router).await.context("serve the model")
    }
}

async fn models(State(served): State<Arc<Served>>) -> Response {
    let model = Value::object([("id", Value::from(served.model.name())), ("object", Value::from("model"))]);
    json(
        StatusCode::OK,
        &Value::object([("object", Value::from("list")), ("data", Value::List(vec![model]))]),
    )
}

async fn complete(State(served): State<Arc<Served>>, body: Bytes) -> Response {
    let request = match parse(&body)
        .map_err(|error| error.to_string())
        .and_then(|document| served.request(&document))
    {
        Ok(request) => request,
        Err(problem) => return failure(StatusCode::BAD_REQUEST, &problem),
    };
    let answer = served.model.complete(&request.request).await;
    let reply = match answer {
        Ok(reply) => counted(numbered(reply, request.conversation), body.len()),
        Err(error) => return failure(StatusCode::BAD_GATEWAY, &error.to_string()),
    };
    let name = served.model.name();
    if request.is_streamed {
        let head = [(header::CONTENT_TYPE, "text/event-stream")];
        return (head, chat::streamed(name, &reply)).into_response();
    }
    json(StatusCode::OK, &chat::completion(name, &reply))
}

/// Puts the conversation's number into the ids of the calls, where the next request brings it back.
fn numbered(mut reply: Reply, conversation: u64) -> Reply {
    for call in &mut reply.turn.tool_calls {
        call.id = format!("call_{conversation}_{}", call.id);
    }
    reply
}

/// A model without tokens of its own is counted by bytes, so that callers have something to account for.
fn counted(mut reply: Reply, request_bytes: usize) -> Reply {
    let tokens = |bytes: usize| Some(bytes.div_ceil(BYTES_PER_TOKEN) as u64);
    let calls = reply.turn.tool_calls.iter().map(|call| call.tool.len() + call.arguments.len());
    let reply_bytes = reply.turn.text.len() + calls.sum::<usize>();
    let counts = (reply.usage.input_tokens, reply.usage.output_tokens);
    if counts == (None, None) {
        reply.usage.input_tokens = tokens(request_bytes);
        reply.usage.output_tokens = tokens(reply_bytes);
    }
    reply
}

/// A request with the conversation that it belongs to.
struct Numbered {
    request: Request,
    conversation: u64,
    is_streamed: bool,
}

impl Served {
    /// Reads a request. The model draws its randomness per conversation, which the protocol does not name: a
    /// `seed` in the request does, or else the number that we put into the ids of our own tool calls.
    fn request(&self, document: &Value) -> Result<Numbered, String> {
        let mut request = chat::request(document)?;
        let conversation = self.conversation(document, &request.messages);
        request.seed = self.seed.child("conversation", &[&conversation.to_string()]);
        let is_streamed = document.get("stream").is_some_and(Value::is_truthy);
        Ok(Numbered { request, conversation, is_streamed })
    }

    fn conversation(&self, document: &Value, messages: &[Message]) -> u64 {
        if let Some(Value::Int(seed)) = document.get("seed") {
            return seed.unsigned_abs();
        }
        let calls = messages.iter().filter_map(|message| match message {
            Message::Assistant(turn) => turn.tool_calls.first(),
            _ => None,
        });
        let known =
            calls.filter_map(|call| call.id.strip_prefix("call_")?.split('_').next()?.parse().ok()).next();
        known.unwrap_or_else(|| self.conversations.fetch_add(1, Ordering::Relaxed))
    }
}

fn failure(status: StatusCode, problem: &str) -> Response {
    json(status, &Value::object([("error", Value::object([("message", Value::from(problem))]))]))
}

fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.compact()).into_response()
}
