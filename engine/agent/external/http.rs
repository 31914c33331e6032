//! An evaluator behind HTTP: a request is posted, the reply is the body of the answer.

use super::words::excerpt;
use crate::episode::FailureClass;
use crate::llm::http::client_to;
use reqwest::{Client, StatusCode, Url};
use std::error::Error as _;
use std::time::Duration;

/// A reply that is longer is none.
const BODY_BYTES_MAX: usize = 16 << 20;
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// So much of a refusal is shown, in characters.
const REFUSAL_CHARS_MAX: usize = 400;

/// A server that evaluates.
pub(super) struct Server {
    client: Client,
    url: Url,
}

/// Why there is no reply.
pub(super) struct Refusal {
    pub problem: String,
    pub class: FailureClass,
    /// The server never got the request.
    pub is_unread: bool,
}

impl Server {
    pub fn new(url: Url) -> Result<Server, String> {
        let client = client_to(&url)
            .connect_timeout(CONNECT_MAX)
            .build()
            .map_err(|error| format!("set up the HTTP client: {error}"))?;
        Ok(Server { client, url })
    }

    /// Posts a request and returns the body of the answer.
    pub async fn ask(&self, request: String, limit: Duration) -> Result<Vec<u8>, Refusal> {
        let post = self.client.post(self.url.clone()).header("content-type", "application/json");
        let sent = post.timeout(limit).body(request).send().await;
        let mut response = sent.map_err(|error| lost(&error, limit))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| lost(&error, limit))? {
            if body.len() + part.len() > BODY_BYTES_MAX {
                let problem = format!("the reply is longer than {} MB", BODY_BYTES_MAX >> 20);
                return Err(Refusal { problem, class: FailureClass::Request, is_unread: false });
            }
            body.extend_from_slice(&part);
        }
        if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
    }

    /// Whether anybody answers there at all.
    pub async fn is_there(&self, limit: Duration) -> Result<(), String> {
        let asked = self.client.get(self.url.clone()).timeout(limit).send().await;
        asked.map(|_| ()).map_err(|error| lost(&error, limit).problem)
    }
}

fn lost(error: &reqwest::Error, limit: Duration) -> Refusal {
    let transient =
        |problem: String, is_unread| Refusal { problem, class: FailureClass::Transient, is_unread };
    if error.is_connect() {
        // The address is shown already, and the innermost error says why.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        return transient(format!("no connection: {cause}"), true);
    }
    if error.is_timeout() {
        return transient(format!("no reply within {} s", limit.as_secs_f64()), false);
    }
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    transient(format!("the reply was lost: {cause}"), false)
}

fn refused(status: StatusCode, body: &[u8]) -> Refusal {
    let class = match status.as_u16() {
        408 | 425 | 429 | 500..=599 => FailureClass::Transient,
        400 | 409 | 413 | 415 | 422 => FailureClass::Request,
        // What is not there, or wants somebody else, is for the user to mend.
        _ => FailureClass::Setup,
    };
    let said = excerpt(&String::from_utf8_lossy(body), REFUSAL_CHARS_MAX);
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let is_unread = matches!(status.as_u16(), 429 | 503);
    Refusal { problem: format!("HTTP {}{said}", status.as_u16()), class, is_unread }
}
