//! What an answer says where there is none: RFC 9457 problem details, with what to do about it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was not answered, and how that is mended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// What is wrong with this request.
    pub detail: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// After how many seconds another attempt may succeed; it stands in `Retry-After`.
    #[serde(skip)]
    pub retry_s: Option<u64>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("Problem").to_owned();
        Problem { status: status.as_u16(), title, detail: detail.into(), fix: None, retry_s: None }
    }

    /// The same with what to do.
    pub fn fix(self, fix: impl Into<String>) -> Problem {
        Problem { fix: Some(fix.into()), ..self }
    }

    pub fn no_run(id: &str) -> Problem {
        // What is no id is not repeated at any length.
        let id: String = id.chars().take(64).collect();
        Problem::new(StatusCode::NOT_FOUND, format!("there is no run {id:?}"))
            .fix("GET /api/v1/runs lists them all")
    }

    /// Something on this machine failed; it is no fault of the request.
    pub fn failed(error: &anyhow::Error) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}"))
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Problem {
        Problem::failed(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).expect("texts and numbers can be written");
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(seconds) = self.retry_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
