//! A provider that answers as a test wants it to, over real HTTP, until it is dropped.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::Runtime;

/// A request as the provider got it.
pub struct Asked {
    pub path: String,
    pub authorization: String,
    pub headers: HeaderMap,
    pub body: Value,
    /// The same as it came.
    pub raw: Bytes,
    /// Chat completions before this one.
    pub before: u32,
}

impl Asked {
    /// Whether it asks the model, and not only about it.
    pub fn is_question(&self) -> bool {
        self.path.ends_with("/chat/completions")
    }
}

pub struct Fake {
    port: u16,
    _runtime: Runtime,
}

impl Fake {
    pub fn start(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Fake {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (answer, questions) = (Arc::new(answer), Arc::new(AtomicU32::new(0)));
        let handler = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let mut asked = Asked {
                path: uri.path().to_owned(),
                authorization: authorization.unwrap_or_default().to_owned(),
                headers: headers.clone(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
                raw: body,
                before: 0,
            };
            let count = u32::from(asked.is_question());
            asked.before = questions.fetch_add(count, Ordering::SeqCst);
            answer(&asked)
        };
        runtime.spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Fake { port, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }
}

/// A failure with this body.
pub fn failure(status: u16, body: impl Into<String>) -> Response {
    (StatusCode::from_u16(status).expect("a status"), body.into()).into_response()
}

/// A whole answer of the model.
pub fn says(text: &str) -> Response {
    reply(&json!({"role": "assistant", "content": text}), "stop")
}

/// A call of a tool, with empty hands.
pub fn calls(tool: &str, arguments: &Value) -> Response {
    let function = json!({"name": tool, "arguments": arguments.to_string()});
    let call = json!({"id": "call_1", "type": "function", "function": function});
    reply(&json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
}

/// The list of models that a server serves.
pub fn serves(names: &[&str]) -> Response {
    let models: Vec<Value> = names.iter().map(|name| json!({"id": name, "object": "model"})).collect();
    axum::Json(json!({"object": "list", "data": models})).into_response()
}

fn reply(message: &Value, finish: &str) -> Response {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110});
    let choice = json!({"index": 0, "message": message, "finish_reason": finish});
    axum::Json(json!({"model": "fake-1", "choices": [choice], "usage": usage})).into_response()
}
