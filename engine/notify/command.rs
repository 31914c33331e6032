//! A command of the user's as a channel. It gets the text as its last argument, the whole message as JSON on its standard
//! input, and parts of it in its environment; no shell reads any of these, and no variable with a key is handed on.

use super::http::Refusal;
use super::notice::Notice;
use crate::agent::external::process::{Program, Trouble};
use crate::llm::variables::is_secret_variable;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

/// Runs the command for a message.
pub(super) async fn run(words: &[String], notice: &Notice, limit: Duration) -> Result<(), Refusal> {
    let refused = |problem: String| Refusal { problem, may_pass: false, wait: None };
    let json = serde_json::to_vec(notice)
        .map_err(|error| refused(format!("the message cannot be written: {error}")))?;
    let program = Program {
        words: words.iter().cloned().chain([notice.text.clone()]).collect(),
        folder: PathBuf::from("."),
        withheld: std::env::vars_os().map(|(name, _)| name).filter(|name| is_secret_variable(name)).collect(),
        given: variables(notice),
    };
    let ran = program.run(&json, limit).await.map_err(|trouble| {
        refused(match trouble {
            Trouble::NotStarted(error) => format!("it cannot be started: {error}"),
            Trouble::OutOfTime { .. } => format!("it did not end within {} s", limit.as_secs()),
            Trouble::TooMuch => "it printed without end".to_owned(),
            Trouble::Lost(error) => format!("it was lost: {error}"),
        })
    })?;
    match (ran.status.success(), ran.status.code()) {
        (true, _) => Ok(()),
        // What it says may hold anything, and is not repeated.
        (false, Some(code)) => Err(refused(format!("it ended with exit code {code}"))),
        (false, None) => Err(refused("a signal ended it".to_owned())),
    }
}

fn variables(notice: &Notice) -> Vec<(String, SecretString)> {
    let event = serde_json::to_value(notice.event).ok().and_then(|event| Some(event.as_str()?.to_owned()));
    let given = [
        ("PACKWRIGHT_TITLE", notice.title.clone()),
        ("PACKWRIGHT_EVENT", event.unwrap_or_default()),
        ("PACKWRIGHT_NEEDS_YOU", u8::from(notice.needs_you).to_string()),
        ("PACKWRIGHT_RUN", notice.run.clone().unwrap_or_default()),
        ("PACKWRIGHT_ACTION", notice.action.clone().unwrap_or_default()),
    ];
    given.map(|(name, value)| (name.to_owned(), value.into())).into()
}
