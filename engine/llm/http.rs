//! Sending a request to a provider and telling what came of it: a JSON document, a failure that may pass,
//! or one that will not. Secrets are taken out of whatever comes back.

use super::LlmError;
use super::connect::Connection;
use super::failure::{Refusal, names_output_limit, refusal, retry_delay_ms};
use super::provider::{ModelName, base_url, is_unprintable};
use super::secrets::Secrets;
use crate::episode::{AssistantTurn, Usage};
use crate::value::{Value, parse};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

const CONNECT_MS_MAX: u64 = 10_000;
/// No reply of a chat model is larger.
const BODY_BYTES_MAX: usize = 32 << 20;
/// So much of an error's body is shown.
const ERROR_CHARACTERS_MAX: usize = 600;
/// The limit of one attempt when the caller sets none.
const ATTEMPT_MS_MAX: u64 = 600_000;

/// A client of one provider and model.
#[derive(Clone)]
pub struct Http {
    client: Client,
    base_url: Url,
    key: Option<SecretString>,
    model: ModelName,
    key_variable: String,
    extra_headers: HeaderMap,
    /// Kept out of all that comes back.
    secrets: Secrets,
}

/// How the key is sent.
#[derive(Clone, Copy)]
pub enum KeyHeader {
    Bearer,
    XApiKey,
    XGoogApiKey,
}

impl Http {
    pub fn new(connection: &Connection) -> Result<Http, String> {
        let model = &connection.model;
        let base_url = base_url(connection.base_url.as_deref().unwrap_or(model.provider.base_url()))?;
        let builder = client_to(&base_url).connect_timeout(Duration::from_millis(CONNECT_MS_MAX));
        let client = builder.build().map_err(|error| format!("set up the HTTP client: {error}"))?;
        let (key, key_variable) = (connection.key.clone(), connection.key_variable.clone());
        let extra_headers = headers_of(&connection.headers)?;
        let secrets = Secrets::of(connection.secrets.iter().chain(&key));
        Ok(Http { client, base_url, key, model: model.clone(), key_variable, extra_headers, secrets })
    }

    pub fn model(&self) -> &ModelName {
        &self.model
    }

    /// Where the model answers.
    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The names that the server's `models` list has.
    pub async fn models(&self) -> Result<Vec<String>, LlmError> {
        let url = format!("{}/models", self.base_url.as_str().trim_end_matches('/'));
        let exchange = async {
            let request = self.client.get(&url).headers(self.headers(KeyHeader::Bearer, &[])?);
            let response = request.send().await.map_err(|error| self.transport(&error))?;
            self.read(response).await
        };
        let limit = Duration::from_millis(CONNECT_MS_MAX);
        let document = match tokio::time::timeout(limit, exchange).await {
            Ok(document) => document?,
            Err(_) => return Err(self.transient("no list of models in time".into(), None)),
        };
        let models = document.get("data").and_then(Value::as_list).unwrap_or_default();
        Ok(models.iter().filter_map(|model| Some(model.get("id")?.as_str()?.to_owned())).collect())
    }

    /// The `Date` of whatever the server answers at its base URL; none where it sends none.
    pub async fn server_time(&self) -> Result<Option<SystemTime>, LlmError> {
        let limit = Duration::from_millis(CONNECT_MS_MAX);
        let request = self.client.get(self.base_url.clone()).timeout(limit);
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| httpdate::parse_http_date(date).ok()))
    }

    /// Posts a JSON document to a path below the base URL and returns the JSON document of a success.
    pub async fn post(
        &self,
        path: &str,
        key_header: KeyHeader,
        extra_headers: &[(&'static str, &'static str)],
        body: &Value,
        attempt_ms_max: Option<u64>,
    ) -> Result<Value, LlmError> {
        let url = format!("{}/{path}", self.base_url.as_str().trim_end_matches('/'));
        let attempt = Duration::from_millis(attempt_ms_max.unwrap_or(ATTEMPT_MS_MAX));
        let exchange = async {
            let request =
                self.client.post(&url).headers(self.headers(key_header, extra_headers)?).body(body.compact());
            let response = request.send().await.map_err(|error| self.transport(&error))?;
            self.read(response).await
        };
        match tokio::time::timeout(attempt, exchange).await {
            Ok(result) => result,
            Err(_) if attempt_ms_max.is_some() => {
                Err(LlmError::DeadlineReached { model: self.model.to_string() })
            }
            Err(_) => Err(self.lost(format!("no answer within {} s", attempt.as_secs()), Usage::default())),
        }
    }

    fn headers(
        &self,
        key_header: KeyHeader,
        extra: &[(&'static str, &'static str)],
    ) -> Result<HeaderMap, LlmError> {
        let mut headers = self.extra_headers.clone();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in extra {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Some(key) = &self.key {
            let (name, text) = match key_header {
                KeyHeader::Bearer => ("authorization", format!("Bearer {}", key.expose_secret())),
                KeyHeader::XApiKey => ("x-api-key", key.expose_secret().to_owned()),
                KeyHeader::XGoogApiKey => ("x-goog-api-key", key.expose_secret().to_owned()),
            };
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                self.setup_refused("the key holds characters that no key has; is it cut or quoted?".into())
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    async fn read(&self, mut response: Response) -> Result<Value, LlmError> {
        let status = response.status();
        let retry_after_ms = retry_after_ms(response.headers(), SystemTime::now());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(
                    self.lost(format!("a reply of more than {BODY_BYTES_MAX} bytes"), Usage::default())
                );
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(self.refused(status, &body, retry_after_ms));
        }
        match parse(&body) {
            Ok(document) => Ok(self.secrets.hide_in(document)),
            Err(error) => {
                let problem = format!("a reply that is not JSON ({error}): {}", self.excerpt(&body));
                Err(self.lost(problem, Usage::default()))
            }
        }
    }

    /// The turn without secrets that were put together from several texts of its document, or cut off.
    pub(super) fn without_secrets(&self, mut turn: AssistantTurn) -> AssistantTurn {
        let calls = turn.tool_calls.iter_mut();
        let texts = calls.flat_map(|call| [&mut call.id, &mut call.tool, &mut call.arguments]);
        for text in texts.chain([&mut turn.text]) {
            if let Cow::Owned(shown) = self.secrets.hide(text) {
                *text = shown;
            }
        }
        turn
    }

    /// The error that a provider gives in place of a reply, though its status is that of a success. OpenRouter
    /// writes the status that it means into the error's code.
    pub fn error_in_reply(&self, error: &Value, counted: Usage) -> LlmError {
        let status = match error.get("code") {
            Some(Value::Int(code)) => u16::try_from(*code).ok().filter(|code| (400..=599).contains(code)),
            _ => None,
        };
        // A provider that took the request and failed at it may not fail again.
        let refusal = refusal(status.unwrap_or(500), &error.compact());
        let problem = format!("an error in place of a reply: {}", self.excerpt(error.compact().as_bytes()));
        match self.of_refusal(refusal, problem, None) {
            // It had begun, so it may be charged.
            LlmError::Transient { problem, .. } => self.lost(problem, counted),
            LlmError::RequestRefused { problem, .. } => self.request_refused(problem, counted),
            error => error,
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8], retry_after_ms: Option<u64>) -> LlmError {
        let text = String::from_utf8_lossy(body);
        let refusal = refusal(status.as_u16(), &text);
        let hint = match (refusal, status.as_u16()) {
            (Refusal::Setup, 404) => "; is the model's name right, and the base URL?".into(),
            (Refusal::Setup, 401 | 403) if self.key.is_none() => {
                format!("; the server wants a key: set {}", self.key_variable)
            }
            (Refusal::Setup, 401 | 403) => format!("; is the key in {} right?", self.key_variable),
            (Refusal::Request, _) if names_output_limit(&text) => {
                "; set a limit that the model has, by --max-output or --writer-max-output".into()
            }
            (Refusal::Setup, 402 | 429) => "; is the account out of credit?".into(),
            _ => String::new(),
        };
        let retry_after_ms = retry_after_ms.or_else(|| retry_delay_ms(&text));
        let problem = format!("HTTP {status}{hint}: {}", self.excerpt(body));
        if gave_up_waiting(status) {
            return self.lost(problem, Usage::default());
        }
        self.of_refusal(refusal, problem, retry_after_ms)
    }

    fn of_refusal(&self, refusal: Refusal, problem: String, retry_after_ms: Option<u64>) -> LlmError {
        let model = self.model.to_string();
        match refusal {
            Refusal::Passing => self.transient(problem, retry_after_ms),
            Refusal::Request => self.request_refused(problem, Usage::default()),
            Refusal::TooLong => LlmError::ContextOverflow { model, problem },
            Refusal::Setup => self.setup_refused(problem),
        }
    }

    /// The beginning of an error's body, on one line and without secrets.
    pub fn excerpt(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let text = self.secrets.hide(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match text.char_indices().nth(ERROR_CHARACTERS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None if text.is_empty() => "(an empty body)".into(),
            None => text,
        }
    }

    /// The name of the model that answered, where it can be shown.
    pub(super) fn resolved_model(&self, name: Option<&Value>) -> Option<String> {
        let name = name?.as_str()?;
        (!name.is_empty() && !name.contains(is_unprintable)).then(|| name.to_owned())
    }

    fn transport(&self, error: &reqwest::Error) -> LlmError {
        let mut problem = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            problem = format!("{problem}: {error}");
            cause = error.source();
        }
        match (error.is_builder(), error.is_connect()) {
            (true, _) => self.setup_refused(problem),
            (false, true) => self.transient(problem, None),
            (false, false) => self.lost(problem, Usage::default()),
        }
    }

    fn transient(&self, problem: String, retry_after_ms: Option<u64>) -> LlmError {
        LlmError::Transient { model: self.model.to_string(), problem, retry_after_ms }
    }

    /// The provider may have charged what we did not get.
    pub fn lost(&self, problem: String, usage: Usage) -> LlmError {
        LlmError::Lost { model: self.model.to_string(), problem, usage: Box::new(usage) }
    }

    pub fn request_refused(&self, problem: String, usage: Usage) -> LlmError {
        LlmError::RequestRefused { model: self.model.to_string(), problem, usage: Box::new(usage) }
    }

    fn setup_refused(&self, problem: String) -> LlmError {
        LlmError::SetupRefused { model: self.model.to_string(), problem }
    }
}

/// Whether something between us and the model gave up waiting, while the model may have gone on.
fn gave_up_waiting(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 502 | 504 | 520..=524)
}

fn headers_of(pairs: &[(String, SecretString)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let header = HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))?;
        let mut value = HeaderValue::from_str(value.expose_secret())
            .map_err(|_| format!("the value of the header {name} holds characters that no header has"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

/// What every client of this program has in common: its name, TLS, no proxy to this machine itself, and no redirects, since
/// requests may carry secrets.
pub(crate) fn client_to(url: &Url) -> ClientBuilder {
    // Fails where one is installed already, which is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("packwright/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) { builder.no_proxy() } else { builder }
}

/// Whether a server is this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

/// How long the provider asks us to wait: `retry-after-ms`, or `retry-after` in seconds or as a date.
pub(crate) fn retry_after_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let until = || {
        let then = httpdate::parse_http_date(text("retry-after")?).ok()?;
        // By the provider's own clock, which need not be ours.
        let now = text("date").and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
        Some(then.duration_since(now).unwrap_or_default().as_secs_f64() * 1000.0)
    };
    let wait_ms = number("retry-after-ms")
        .or_else(|| number("retry-after").map(|seconds| seconds * 1000.0))
        .or_else(until)?;
    (wait_ms.is_finite() && wait_ms >= 0.0).then_some(wait_ms as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_that_a_provider_asks_for_is_read() {
        let check = |pairs: &[(&'static str, &'static str)], expected: Option<u64>| {
            let now = httpdate::parse_http_date("Fri, 06 Feb 2026 08:00:00 GMT").unwrap();
            let pairs = pairs.iter();
            let headers =
                pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(retry_after_ms(&headers.collect(), now), expected);
        };
        check(&[], None);
        check(&[("retry-after", "2")], Some(2_000));
        check(&[("retry-after", "0.5")], Some(500));
        check(&[("retry-after", "2"), ("retry-after-ms", "700")], Some(700));
        check(&[("retry-after", "-2")], None);
        check(&[("retry-after", "soon")], None);
        check(&[("retry-after", "Fri, 06 Feb 2026 08:01:30 GMT")], Some(90_000));
        check(&[("retry-after", "Fri, 06 Feb 2026 07:00:00 GMT")], Some(0));
        let by_its_clock =
            [("retry-after", "Fri, 06 Feb 2026 07:00:09 GMT"), ("date", "Fri, 06 Feb 2026 07:00:00 GMT")];
        check(&by_its_clock, Some(9_000));
    }
}
