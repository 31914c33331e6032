//! Sessions of browsers: who enters the token gets a cookie that stands for it, since pages cannot send headers with a
//! stream. The cookie is another secret than the token, no script can read it, and it ends with the server.

use super::problem::Problem;
use super::{Served, page};
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a browser stays known.
const AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// The oldest one ends where another begins.
const SESSIONS_MAX: usize = 100;

/// The browsers that have brought the token.
pub(super) struct Sessions {
    /// Servers on one machine share their cookies, so each has a name of its own.
    name: String,
    /// By the digest of the cookie's value.
    begun: Mutex<HashMap<[u8; 32], Instant>>,
}

/// What the form of the page sends.
#[derive(Deserialize)]
pub(super) struct Login {
    token: String,
}

impl Sessions {
    pub fn new(port: u16) -> Sessions {
        Sessions { name: format!("packwright_{port}"), begun: Mutex::default() }
    }

    pub fn knows(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs =
            cookies.flat_map(|cookie| cookie.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == self.name).map(|(_, value)| digest(value));
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        values.any(|value| begun.get(&value).is_some_and(|at| at.elapsed() < AGE_MAX))
    }

    /// The header that begins a session.
    fn begin(&self, is_secure: bool) -> String {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        let value = URL_SAFE_NO_PAD.encode(bytes);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, at| at.elapsed() < AGE_MAX);
        if begun.len() >= SESSIONS_MAX
            && let Some(oldest) = begun.iter().min_by_key(|(_, at)| **at).map(|(value, _)| *value)
        {
            begun.remove(&oldest);
        }
        begun.insert(digest(&value), Instant::now());
        let secure = if is_secure { "; Secure" } else { "" };
        let age = AGE_MAX.as_secs();
        format!("{}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}", self.name)
    }

    /// Ends the sessions that a request brings, and gives the header that tells the browser.
    fn end(&self, headers: &HeaderMap) -> String {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        for (_, value) in
            cookies.flat_map(|cookie| cookie.split(';')).filter_map(|pair| pair.trim().split_once('='))
        {
            begun.remove(&digest(value));
        }
        format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", self.name)
    }
}

fn digest(value: &str) -> [u8; 32] {
    Sha256::digest(value).into()
}

/// The page that asks for the token.
pub(super) async fn login_page() -> Response {
    page::login(None).into_response()
}

/// Begins a session for who brings the token in the page's form.
pub(super) async fn login(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    Form(login): Form<Login>,
) -> Response {
    if !served.guard.access.opens(&login.token) {
        let words = "That is not the token. It is what PACKWRIGHT_SERVE_TOKEN or the token file held when the \
                     server was started.";
        return (StatusCode::UNAUTHORIZED, page::login(Some(words))).into_response();
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let cookie = served.guard.sessions.begin(origin.starts_with("https://"));
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// End the session of this browser.
#[utoipa::path(delete, path = "/session", tag = "server", responses(
    (status = 204, description = "The browser is forgotten"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn logout(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, served.guard.sessions.end(&headers))]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_a_cookie_that_was_given_is_known_and_not_after_its_end() {
        let sessions = Sessions::new(80);
        let cookie = sessions.begin(false);
        assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains("Secure"));
        let value = cookie.split(';').next().unwrap().to_owned();
        let headers =
            |text: &str| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(text).unwrap())]);
        let check =
            |text: &str, expected: bool| assert_eq!(sessions.knows(&headers(text)), expected, "{text}");
        check(&value, true);
        check(&format!("a=b; {value}"), true);
        check(&value[..value.len() - 1], false);
        check(&value.replace("packwright_80", "packwright_81"), false);
        check("packwright_80=", false);
        sessions.end(&headers(&value));
        check(&value, false);
    }
}
