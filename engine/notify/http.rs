//! Posting a message to a webhook or to Telegram: one attempt, and what may come of it. Redirects are not followed, since
//! an address holds secrets; of what a server answers nothing is repeated but its status, and Telegram's own words.

use super::notice::Notice;
use crate::llm::http::{client_to, retry_after_ms};
use crate::llm::secrets::Secrets;
use crate::report::plain;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// More of an answer is not read.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const SHOWN_CHARACTERS_MAX: usize = 120;

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub problem: String,
    /// Whether it may arrive if it is sent again, and how long the server asks to wait before.
    pub may_pass: bool,
    pub wait: Option<Duration>,
}

/// Posts the message as JSON.
pub(super) async fn webhook(address: &SecretString, notice: &Notice, limit: Duration) -> Result<(), Refusal> {
    let url = url(address.expose_secret())?;
    let request = client(&url, limit)?.post(url).header("idempotency-key", &notice.key).json(notice);
    let answer = request.send().await.map_err(lost)?;
    match answer.status().is_success() {
        true => Ok(()),
        false => Err(refused(&answer)),
    }
}

/// What Telegram answers.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

/// Has the bot send the text, as it is and without previews of links.
pub(super) async fn telegram(
    (api, token, chat): (&str, &SecretString, &str),
    notice: &Notice,
    limit: Duration,
) -> Result<(), Refusal> {
    let url = url(&format!("{api}/bot{}/sendMessage", token.expose_secret()))?;
    let body = json!({"chat_id": chat, "text": notice.text, "link_preview_options": {"is_disabled": true}});
    let mut answer = client(&url, limit)?.post(url).json(&body).send().await.map_err(lost)?;
    let mut refusal = refused(&answer);
    let bytes = beginning(&mut answer).await;
    match serde_json::from_slice::<Answer>(&bytes) {
        Ok(told) if told.ok && answer.status().is_success() => Ok(()),
        Ok(told) => {
            let secrets = Secrets::of([token]);
            let words: String =
                plain(&secrets.hide(&told.description)).chars().take(SHOWN_CHARACTERS_MAX).collect();
            refusal.problem = format!("{}: {words}", refusal.problem);
            refusal.wait = told.parameters.retry_after.map(Duration::from_secs).or(refusal.wait);
            Err(refusal)
        }
        // Something on the way answers in Telegram's place.
        Err(_) if answer.status().is_success() => {
            Err(Refusal { problem: "what answers is not Telegram".to_owned(), may_pass: true, wait: None })
        }
        Err(_) => Err(refusal),
    }
}

fn client(url: &Url, limit: Duration) -> Result<Client, Refusal> {
    client_to(url).timeout(limit).build().map_err(lost)
}

fn url(text: &str) -> Result<Url, Refusal> {
    text.parse().map_err(|_| Refusal {
        problem: "the address is wrong".to_owned(),
        may_pass: false,
        wait: None,
    })
}

fn refused(answer: &Response) -> Refusal {
    let status = answer.status();
    let hint = match status.as_u16() {
        300..=399 => ", a redirect, which is not followed; name the new address",
        401 | 403 | 404 | 410 => "; is the address right, and its secret?",
        _ => "",
    };
    Refusal {
        problem: format!("HTTP {}{hint}", status.as_u16()),
        may_pass: may_pass(status),
        wait: retry_after_ms(answer.headers(), SystemTime::now()).map(Duration::from_millis),
    }
}

fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500..=599)
}

/// What happened, without the address.
fn lost(error: reqwest::Error) -> Refusal {
    let problem = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "no answer in time",
        (false, true) => "no connection",
        (false, false) => "the connection was lost",
    };
    Refusal { problem: problem.to_owned(), may_pass: !error.is_builder(), wait: None }
}

async fn beginning(answer: &mut Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    bytes
}
