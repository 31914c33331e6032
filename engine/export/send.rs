//! Sending spans to a collector: OTLP over HTTP, in protobuf, as every collector takes it.
//!
//! What a collector refuses for the moment (429, 502, 503, 504, a lost connection) is sent again a few times, as patiently
//! as it asks.

use super::otlp::proto::{ExportTraceServiceResponse, Span};
use super::otlp::request;
use crate::llm::http::{client_to, retry_after_ms};
use anyhow::{Context, bail};
use backon::{BackoffBuilder, ExponentialBuilder};
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use std::time::{Duration, SystemTime};

/// Spans in one request, and their bytes; collectors refuse much more.
const SPANS_MAX: usize = 256;
const BYTES_MAX: usize = 2_000_000;
const REQUEST_MAX: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(60);
const TRIES: usize = 5;
/// So much of an answer is shown.
const SHOWN_MAX: usize = 300;

/// Where traces go.
pub struct Collector {
    /// The address of the traces, `http://127.0.0.1:4318/v1/traces`.
    pub address: reqwest::Url,
    /// Values are secret.
    pub headers: HeaderMap,
    /// How long to wait before a second try; later ones wait longer.
    pub first_wait: Duration,
}

/// What the collector took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub spans: usize,
    pub requests: usize,
    /// Spans that the collector says it dropped, and why.
    pub rejected: i64,
    pub complaint: String,
}

/// The address of traces at an endpoint: as it is where it names a path, else with the usual one.
pub fn traces_address(endpoint: &str) -> anyhow::Result<reqwest::Url> {
    let mut url = reqwest::Url::parse(endpoint)
        .with_context(|| format!("{endpoint:?} is no address; one is http://127.0.0.1:4318"))?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("{endpoint:?} is no address of HTTP; one is http://127.0.0.1:4318");
    }
    if !url.path().ends_with("/v1/traces") {
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// Sends all spans, in as many requests as it takes; fails at the first that is refused for good.
pub async fn send(collector: &Collector, spans: Vec<Span>) -> anyhow::Result<Sent> {
    let client = client(&collector.address)?;
    let mut sent = Sent::default();
    for batch in batches(spans) {
        let count = batch.len();
        let answer = post(&client, collector, request(batch).encode_to_vec()).await.with_context(|| {
            format!("send traces to {}; {} spans were taken before", collector.address, sent.spans)
        })?;
        sent.spans += count;
        sent.requests += 1;
        if let Some(partial) = answer.partial_success {
            sent.rejected += partial.rejected_spans;
            if !partial.error_message.is_empty() {
                sent.complaint = shown(&partial.error_message);
            }
        }
    }
    Ok(sent)
}

fn client(address: &reqwest::Url) -> anyhow::Result<reqwest::Client> {
    client_to(address).timeout(REQUEST_MAX).build().context("make the HTTP client")
}

fn batches(spans: Vec<Span>) -> Vec<Vec<Span>> {
    let mut batches: Vec<Vec<Span>> = Vec::new();
    let mut bytes = 0;
    for span in spans {
        let length = span.encoded_len();
        match batches.last_mut() {
            Some(batch) if batch.len() < SPANS_MAX && bytes + length <= BYTES_MAX => {
                bytes += length;
                batch.push(span);
            }
            _ => {
                bytes = length;
                batches.push(vec![span]);
            }
        }
    }
    batches
}

async fn post(
    client: &reqwest::Client,
    collector: &Collector,
    body: Vec<u8>,
) -> anyhow::Result<ExportTraceServiceResponse> {
    let mut waits = ExponentialBuilder::default()
        .with_min_delay(collector.first_wait)
        .with_max_delay(WAIT_MAX)
        .with_max_times(TRIES - 1)
        .build();
    loop {
        let request = client
            .post(collector.address.clone())
            .headers(collector.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(body.clone());
        let (problem, asked) = match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                let bytes = answer.bytes().await.context("read the answer")?;
                // Some collectors answer in JSON or with nothing; they took the spans all the same.
                return Ok(ExportTraceServiceResponse::decode(bytes).unwrap_or_default());
            }
            Ok(answer) => {
                let status = answer.status();
                let asked = retry_after_ms(answer.headers(), SystemTime::now());
                let text = shown(&answer.text().await.unwrap_or_default());
                if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
                    bail!("the collector refuses with {status}: {text}");
                }
                (format!("the collector answers {status}: {text}"), asked.map(Duration::from_millis))
            }
            Err(error) => (format!("{:#}", anyhow::Error::from(error.without_url())), None),
        };
        let Some(wait) = waits.next() else { bail!("{problem}; tried {TRIES} times") };
        tokio::time::sleep(asked.unwrap_or(wait).min(WAIT_MAX)).await;
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_gets_the_usual_path() {
        let check = |endpoint: &str, expected: &str| {
            assert_eq!(traces_address(endpoint).unwrap().as_str(), expected);
        };
        check("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces");
        check("https://example.com/otlp/", "https://example.com/otlp/v1/traces");
        check("https://example.com/otlp/v1/traces", "https://example.com/otlp/v1/traces");
        for wrong in ["127.0.0.1:4318", "ftp://example.com", ""] {
            assert!(traces_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests_hold_neither_too_many_spans_nor_too_many_bytes() {
        let span = |bytes: usize| Span { name: "x".repeat(bytes), ..Span::default() };
        let counts = |spans| batches(spans).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(counts(vec![span(1); SPANS_MAX + 3]), [SPANS_MAX, 3]);
        assert_eq!(counts(vec![span(BYTES_MAX / 2); 3]), [1, 1, 1]);
        assert_eq!(counts(vec![span(3 * BYTES_MAX)]), [1], "what is too long is sent alone");
        assert!(batches(Vec::new()).is_empty());
    }
}
