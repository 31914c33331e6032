//! Who is answered. Every request passes here: its name for this server must be one of the known ones, a page that asks
//! must be one of this server's own, nobody asks too fast, and where a token is wanted it must be there.

use super::problem::Problem;
use super::session::Sessions;
use super::{Served, page};
use crate::endpoint::Access;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter, state::keyed::HashMapStateStore};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// What the pages of this server may do: nothing but load its own files and ask it.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Nothing but a stream takes so long.
const ANSWER_MAX: Duration = Duration::from_secs(180);
/// So many seconds' worth of requests may come at once.
const BURST_SECONDS: u32 = 4;

/// The condition for every answer.
pub(super) struct Guard {
    /// What `Host` may say, in small letters.
    pub names: Vec<String>,
    pub access: Access,
    pub sessions: Sessions,
    pub is_read_only: bool,
    pace: Pace<DefaultClock>,
}

impl Guard {
    pub fn new(
        names: Vec<String>,
        access: Access,
        sessions: Sessions,
        is_read_only: bool,
        per_second: NonZeroU32,
    ) -> Guard {
        Guard { names, access, sessions, is_read_only, pace: Pace::new(per_second, DefaultClock::default()) }
    }

    /// Whether a request brings the token, or the cookie that was given for it.
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        self.access.allows(headers) || self.sessions.knows(headers)
    }
}

/// How fast each peer may ask.
struct Pace<C: Clock> {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl<C: Clock + Clone> Pace<C> {
    fn new(per_second: NonZeroU32, clock: C) -> Pace<C> {
        let burst = per_second.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Pace { limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()), clock }
    }

    /// How long a peer must wait, in whole seconds; none where it need not.
    fn wait_s(&self, peer: IpAddr) -> Option<u64> {
        if self.limiter.len() > 10_000 {
            self.limiter.retain_recent();
        }
        let refused = self.limiter.check_key(&peer).err()?;
        Some(refused.wait_time_from(self.clock.now()).as_secs() + 1)
    }
}

/// Lets a request through, or says why not.
pub(super) async fn guard(
    State(served): State<Arc<Served>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let guard = &served.guard;
    let is_stream = request.uri().path().ends_with("/events");
    let answer = match check(guard, peer.ip(), &request) {
        Err(problem) => problem.into_response(),
        Ok(()) if is_public(&request) || guard.knows(request.headers()) => {
            if is_stream {
                next.run(request).await
            } else {
                tokio::time::timeout(ANSWER_MAX, next.run(request)).await.unwrap_or_else(|_| {
                    let seconds = ANSWER_MAX.as_secs();
                    let detail = format!("there was no answer within {seconds} seconds");
                    Problem::new(StatusCode::GATEWAY_TIMEOUT, detail).into_response()
                })
            }
        }
        Ok(()) => unknown(&request),
    };
    with_headers(answer)
}

fn check(guard: &Guard, peer: IpAddr, request: &Request) -> Result<(), Problem> {
    let (headers, uri) = (request.headers(), request.uri());
    let name = named(headers, uri, &guard.names)?;
    if let Some(wait_s) = guard.pace.wait_s(peer) {
        let detail = format!("too many requests; ask again in {wait_s} s");
        let fix = "wait as long as Retry-After says, or start the server with a greater --rate";
        return Err(Problem {
            retry_s: Some(wait_s),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).fix(fix)
        });
    }
    is_own_page(request, &name)?;
    let changes = *request.method() != Method::GET && *request.method() != Method::HEAD;
    let is_harmless = matches!(uri.path(), "/api/v1/estimate" | "/api/v1/session" | "/login");
    if changes && guard.is_read_only && !is_harmless {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this server only shows runs (--read-only)")
            .fix("use the command line, or start the server without --read-only"));
    }
    Ok(())
}

/// The name by which the request calls this server. Another one is how a foreign page reaches a server on this machine.
fn named(headers: &HeaderMap, uri: &Uri, names: &[String]) -> Result<String, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (first, more) = (hosts.next(), hosts.next());
    let name = first.filter(|_| more.is_none()).and_then(|host| host.to_str().ok()).map(str::to_lowercase);
    let authority = uri.authority().map(|authority| authority.as_str().to_lowercase());
    match name {
        Some(name) if names.contains(&name) && authority.is_none_or(|authority| authority == name) => {
            Ok(name)
        }
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "the Host header does not name this server").fix(
            "open the address that the server printed, or start it with --allow-host NAME:PORT for the name \
             under which browsers reach it",
        )),
    }
}

/// Refuses what a page of another server asks for.
fn is_own_page(request: &Request, name: &str) -> Result<(), Problem> {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_lowercase());
    let foreign = |detail: &str| {
        Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .fix("ask from this server's own page, or by a program"))
    };
    if let Some(origin) = text(header::ORIGIN) {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if host != Some(name) {
            return foreign("the Origin header names another server's page");
        }
    }
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let mode = text(HeaderName::from_static("sec-fetch-mode"));
    let is_visit = *request.method() == Method::GET && mode.as_deref() == Some("navigate");
    match site.as_deref() {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) if is_visit => Ok(()),
        Some(_) => foreign("the request comes from another server's page (Sec-Fetch-Site)"),
    }
}

/// What is shown to who brings no token: how to bring one.
fn is_public(request: &Request) -> bool {
    let path = request.uri().path();
    path.starts_with("/assets/")
        || path == "/login"
        || (path == "/api/v1/session" && *request.method() == Method::POST)
}

fn unknown(request: &Request) -> Response {
    if matches!(request.uri().path(), "/") {
        return (StatusCode::UNAUTHORIZED, page::login(None)).into_response();
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong").fix(
        "send `Authorization: Bearer <token>`, or open the server's page in a browser and enter the token there",
    );
    ([(header::WWW_AUTHENTICATE, "Bearer")], problem).into_response()
}

/// What every answer tells the browser.
fn with_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let usual = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: that takes the origin away from the form that brings the token.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in usual {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn request(method: Method, headers: &[(&'static str, &'static str)]) -> Request {
        let mut request = Request::new(axum::body::Body::empty());
        *request.method_mut() = method;
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request
    }

    #[test]
    fn only_exact_names_are_answered() {
        let names = ["127.0.0.1:8484".to_owned(), "localhost:8484".to_owned()];
        let check = |headers: &[(&'static str, &'static str)], expected: bool| {
            let request = request(Method::GET, headers);
            assert_eq!(named(request.headers(), request.uri(), &names).is_ok(), expected, "{headers:?}");
        };
        check(&[("host", "127.0.0.1:8484")], true);
        check(&[("host", "LOCALHOST:8484")], true);
        check(&[("host", "localhost")], false);
        check(&[("host", "localhost:80")], false);
        check(&[("host", "localhost:8484.evil.example")], false);
        check(&[("host", "evil.example:8484")], false);
        check(&[("host", "localhost:8484"), ("host", "evil.example")], false);
        check(&[], false);
        let mut other = request(Method::GET, &[("host", "localhost:8484")]);
        *other.uri_mut() = Uri::from_static("http://evil.example/");
        assert!(named(other.headers(), other.uri(), &names).is_err());
    }

    #[test]
    fn other_pages_are_refused_and_programs_are_not() {
        let check = |method: Method, headers: &[(&'static str, &'static str)], expected: bool| {
            let is_own = is_own_page(&request(method, headers), "localhost:8484").is_ok();
            assert_eq!(is_own, expected, "{headers:?}");
        };
        check(Method::POST, &[], true);
        check(Method::POST, &[("origin", "http://localhost:8484")], true);
        check(Method::POST, &[("origin", "https://localhost:8484"), ("sec-fetch-site", "same-origin")], true);
        check(Method::POST, &[("origin", "http://localhost:8485")], false);
        check(Method::POST, &[("origin", "null")], false);
        check(Method::GET, &[("origin", "http://evil.example")], false);
        check(Method::POST, &[("sec-fetch-site", "same-site")], false);
        check(Method::GET, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], false);
        check(Method::GET, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], true);
        check(Method::POST, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], false);
    }

    #[test]
    fn nobody_asks_too_fast_and_each_peer_for_itself() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::new(NonZeroU32::new(2).unwrap(), clock.clone());
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 1]));
        for _ in 0..8 {
            assert_eq!(pace.wait_s(one), None);
        }
        assert_eq!(pace.wait_s(one), Some(1));
        assert_eq!(pace.wait_s(other), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!((pace.wait_s(one), pace.wait_s(one)), (None, None));
        assert!(pace.wait_s(one).is_some());
    }
}
