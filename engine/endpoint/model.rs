//! Serving a model of this program to other programs, in the OpenAI chat-completions dialect.
//!
//! So another optimizer, or a gateway, can be run against the very model that the engine was run against.
//! Loopback only.

use crate::episode::{AssistantTurn, Message, ToolRequest, ToolResult};
use crate::llm::{Finish, Llm, Reply, Request, ToolSchema};
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
    match served.model.complete(&request.request).await {
        Ok(reply) => json(StatusCode::OK, &reply_value(served.model.name(), &reply, request.conversation)),
        Err(error) => failure(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

/// A request with the conversation that it belongs to.
struct Numbered {
    request: Request,
    conversation: u64,
}

impl Served {
    /// Reads a request. The model draws its randomness per conversation, which the protocol does not name: a
    /// `seed` in the request does, or else the number that we put into the ids of our own tool calls.
    fn request(&self, document: &Value) -> Result<Numbered, String> {
        if document.get("stream").is_some_and(Value::is_truthy) {
            return Err("streaming is not supported; send \"stream\": false".into());
        }
        let entries =
            document.get("messages").and_then(Value::as_list).ok_or("\"messages\" must be a list")?;
        let mut system = Vec::new();
        let mut messages = Vec::new();
        for entry in entries {
            match entry.get("role").and_then(Value::as_str) {
                Some("system" | "developer") => system.push(text(entry.get("content"))),
                Some("user") => messages.push(Message::User(text(entry.get("content")))),
                Some("assistant") => messages.push(Message::Assistant(assistant_turn(entry))),
                Some("tool") => messages.push(Message::ToolResult(ToolResult {
                    id: text(entry.get("tool_call_id")),
                    tool: String::new(),
                    content: text(entry.get("content")),
                    is_error: false,
                })),
                other => return Err(format!("unknown role {other:?} in \"messages\"")),
            }
        }
        name_results(&mut messages);
        let conversation = self.conversation(document, &messages);
        let tools = document.get("tools").and_then(Value::as_list).unwrap_or_default();
        Ok(Numbered {
            request: Request {
                system: system.join("\n\n"),
                messages,
                tools: tools.iter().filter_map(tool_schema).collect(),
                output_tokens_max: None,
                seed: self.seed.child("conversation", &[&conversation.to_string()]),
                attempt_ms_max: None,
            },
            conversation,
        })
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

fn assistant_turn(entry: &Value) -> AssistantTurn {
    let calls = entry.get("tool_calls").and_then(Value::as_list).unwrap_or_default();
    let tool_calls = calls.iter().map(|call| ToolRequest {
        id: text(call.get("id")),
        tool: text(call.get("function").and_then(|function| function.get("name"))),
        arguments: text(call.get("function").and_then(|function| function.get("arguments"))),
    });
    AssistantTurn { text: text(entry.get("content")), tool_calls: tool_calls.collect(), reasoning: None }
}

/// Tool messages do not say which tool they come from; the calls that they answer do.
fn name_results(messages: &mut [Message]) {
    let calls: Vec<(String, String)> = messages
        .iter()
        .filter_map(|message| match message {
            Message::Assistant(turn) => {
                Some(turn.tool_calls.iter().map(|call| (call.id.clone(), call.tool.clone())))
            }
            _ => None,
        })
        .flatten()
        .collect();
    for message in messages {
        if let Message::ToolResult(result) = message
            && let Some((_, tool)) = calls.iter().find(|(id, _)| *id == result.id)
        {
            result.tool.clone_from(tool);
        }
    }
}

fn tool_schema(tool: &Value) -> Option<ToolSchema> {
    let function = tool.get("function")?;
    Some(ToolSchema {
        name: function.get("name")?.as_str()?.to_owned(),
        description: text(function.get("description")),
        parameters: function.get("parameters").cloned().unwrap_or(Value::Null),
    })
}

/// A content: a string, or the text parts of a list.
fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::List(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

fn reply_value(model: &str, reply: &Reply, conversation: u64) -> Value {
    let finish = match reply.finish {
        Finish::Stop => "stop",
        Finish::ToolCalls => "tool_calls",
        Finish::Length => "length",
        Finish::Refused => "content_filter",
    };
    let calls = reply.turn.tool_calls.iter().map(|call| {
        Value::object([
            ("id", Value::from(format!("call_{conversation}_{}", call.id))),
            ("type", Value::from("function")),
            (
                "function",
                Value::object([
                    ("name", Value::from(call.tool.as_str())),
                    ("arguments", Value::from(call.arguments.as_str())),
                ]),
            ),
        ])
    });
    let mut message =
        vec![("role", Value::from("assistant")), ("content", Value::from(reply.turn.text.as_str()))];
    if !reply.turn.tool_calls.is_empty() {
        message.push(("tool_calls", Value::List(calls.collect())));
    }
    let message = Value::Map(message.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
    let choice = Value::object([
        ("index", Value::Int(0)),
        ("message", message),
        ("finish_reason", Value::from(finish)),
    ]);
    Value::object([
        ("id", Value::from(format!("chatcmpl-{conversation}"))),
        ("object", Value::from("chat.completion")),
        ("created", Value::Int(0)),
        ("model", Value::from(model)),
        ("choices", Value::List(vec![choice])),
    ])
}

fn failure(status: StatusCode, problem: &str) -> Response {
    json(status, &Value::object([("error", Value::object([("message", Value::from(problem))]))]))
}

fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.compact()).into_response()
}
