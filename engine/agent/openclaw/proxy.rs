//! The endpoint that stands where gateways expect a model: it hands each request to the conversation that the
//! gateway is having, and knows no model itself.

use crate::agent::openclaw::conversation::{Conversation, Refused};
use crate::endpoint::{Access, chat};
use crate::value::{Value, parse};
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const BODY_BYTES_MAX: usize = 32 << 20;

/// A proxy for any number of gateways.
pub(super) struct Proxy {
    base_url: String,
    key: String,
    desk: Arc<Desk>,
    server: JoinHandle<()>,
}

/// The conversation of each gateway, by the gateway's number.
struct Desk {
    access: Access,
    conversations: Mutex<HashMap<u64, Arc<Conversation>>>,
}

/// Ends a conversation when it is dropped: what a gateway asks later is refused.
pub(super) struct Listening {
    desk: Arc<Desk>,
    gateway: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.desk.conversations.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.gateway);
    }
}

impl Proxy {
    pub async fn start() -> anyhow::Result<Proxy> {
        let host = Ipv4Addr::LOCALHOST;
        let key = format!("{:032x}", rand::random::<u128>());
        let access = Access::new(host.into(), Some(key.clone().into())).map_err(anyhow::Error::msg)?;
        let desk = Arc::new(Desk { access, conversations: Mutex::default() });
        let listener = TcpListener::bind((host, 0)).await.context("listen for gateways")?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/{gateway}/v1/chat/completions", post(answer))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(desk.clone());
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Proxy { base_url, key, desk, server })
    }

    /// The base URL for one gateway.
    pub fn url_of(&self, gateway: u64) -> String {
        format!("{}/{gateway}/v1", self.base_url)
    }

    /// What gateways must bring.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn listen(&self, gateway: u64, conversation: Arc<Conversation>) -> Listening {
        let mut conversations = self.desk.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        conversations.insert(gateway, conversation);
        Listening { desk: self.desk.clone(), gateway }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State(desk): State<Arc<Desk>>,
    Path(gateway): Path<u64>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if !desk.access.allows(&headers) {
        return refused();
    }
    let conversation =
        desk.conversations.lock().unwrap_or_else(PoisonError::into_inner).get(&gateway).cloned();
    // What an ended episode still asks is nobody's trouble.
    let Some(conversation) = conversation else { return refused() };
    let document = body.map_err(|error| error.to_string());
    let document = document.and_then(|body| parse(&body).map_err(|error| error.to_string()));
    let reply = match document {
        Ok(document) => conversation.answer(&document).await,
        Err(problem) => Err(conversation.refuse(&problem)),
    };
    match reply {
        Ok(reply) => {
            ([(header::CONTENT_TYPE, "text/event-stream")], chat::streamed("model", &reply)).into_response()
        }
        Err(Refused) => refused(),
    }
}

/// A status and words after which gateways do not try again: they look for words like those for an overload or a
/// conversation that is too long, so a reason must not be among them.
fn refused() -> Response {
    const WORDS: &str = "the engine ends this episode here";
    let body = Value::object([("error", Value::object([("message", WORDS.into())]))]);
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], body.compact()).into_response()
}
