//! Worlds over HTTP, with the routes of ClawBench's mock server: other programs set a scenario, agents call
//! tools, and the record of both can be read.
//!
//! The reference has one world for everybody; it stands at the root. Each `/s/<session>/…` has the same routes
//! for a world of its own, so that many episodes can share one endpoint.

mod route;
mod session;
mod sessions;

use crate::endpoint::Access;
use crate::value::Value;
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use route::{Route, route};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;

pub use session::{Scene, Session};
pub use sessions::{Sessions, Setting, Workspace};

/// The longest body of a request.
const BODY_BYTES_MAX: usize = 4 << 20;

/// An endpoint that listens.
pub struct WorldServer {
    listener: TcpListener,
    served: Arc<Served>,
}

struct Served {
    sessions: Arc<Sessions>,
    access: Access,
}

impl WorldServer {
    /// Binds to an address; port 0 takes a free one.
    pub async fn bind(
        sessions: Arc<Sessions>,
        host: IpAddr,
        port: u16,
        access: Access,
    ) -> anyhow::Result<WorldServer> {
        let address = SocketAddr::from((host, port));
        let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
        Ok(WorldServer { listener, served: Arc::new(Served { sessions, access }) })
    }

    /// The base URL to give to a client.
    pub fn base_url(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// Answers until the future is dropped.
    pub async fn run(self) -> anyhow::Result<()> {
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(self.served);
        axum::serve(self.listener, router).await.context("serve the world")
    }
}

/// An answer before it is sent.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    fn ok(body: Value) -> Answer {
        Answer { status: StatusCode::OK, body }
    }

    fn problem(status: StatusCode, detail: impl Into<String>) -> Answer {
        Answer { status, body: Value::object([("detail", detail.into().into())]) }
    }
}

async fn answer(
    State(served): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if !served.access.allows(&headers) {
        let problem = Answer::problem(StatusCode::UNAUTHORIZED, "Unauthorized");
        return ([(header::WWW_AUTHENTICATE, "Bearer")], sent(&problem)).into_response();
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return sent(&Answer::problem(rejection.status(), rejection.body_text())),
    };
    let path = percent_decoded(uri.path());
    match route(&method, &path) {
        Route::Missing => sent(&Answer::problem(StatusCode::NOT_FOUND, "Not Found")),
        Route::WrongMethod { allowed } => {
            let problem = Answer::problem(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
            ([(header::ALLOW, allowed)], sent(&problem)).into_response()
        }
        Route::Elsewhere { path } => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
            let location = format!("http://{host}{}", percent_encoded(&path));
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response()
        }
        Route::End { session } => sent(&served.sessions.end(session)),
        Route::Act { session, act } => {
            sent(&served.sessions.with(session, |session| session.act(act, &body)))
        }
    }
}

fn sent(answer: &Answer) -> Response {
    (answer.status, [(header::CONTENT_TYPE, "application/json")], answer.body.compact()).into_response()
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = code.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn percent_encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b':' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
