//! What to do when a model does not answer: told from the kind of the failure and the status that the provider
//! answered with.

use packwright::llm::LlmError;
use packwright::llm::connect::Connection;
use packwright::scenario::problem::did_you_mean;

/// So many of a server's models are named.
const NAMES_MAX: usize = 8;

/// What the client says of an output limit that the model does not have.
const LIMIT_HINT: &str = "set a limit that the model has";

/// What to do.
pub struct Advice {
    text: String,
    /// The server may know better names for models.
    pub is_about_the_name: bool,
}

/// What to do about a failure of a model.
pub fn advice(error: &LlmError, connection: &Connection) -> Advice {
    let (problem, status) = match error {
        LlmError::DeadlineReached { .. } => {
            return of(
                "a server that loads its model first is slow once: try again, or with a longer --wait",
            );
        }
        LlmError::CapReached { .. } => return of("raise the limit that the message names"),
        LlmError::Transient { problem, .. }
        | LlmError::Lost { problem, .. }
        | LlmError::Garbled { problem, .. }
        | LlmError::RequestRefused { problem, .. }
        | LlmError::ContextOverflow { problem, .. }
        | LlmError::SetupRefused { problem, .. } => (problem, status_of(problem)),
    };
    match error {
        LlmError::SetupRefused { .. } => of_setup(status, connection),
        LlmError::Transient { .. } | LlmError::Lost { .. } | LlmError::Garbled { .. } => {
            of_trouble(problem, status, connection)
        }
        LlmError::RequestRefused { .. } if problem.contains(LIMIT_HINT) => {
            of("give a limit that the model has, for example --writer-max-output 8000")
        }
        _ => of(
            "correct the parameter that the provider names: --max-output, --writer-max-output, --temperature, \
             --thinking or --effort",
        ),
    }
}

fn of_setup(status: Option<u16>, connection: &Connection) -> Advice {
    let variable = &connection.key_variable;
    match status {
        Some(401 | 403) if connection.key.is_none() => {
            of(format!("put a line {variable}=… into .env, or export it"))
        }
        Some(401 | 403) => of(format!(
            "correct {variable} in the environment or in .env (the environment wins), and see that the key may \
             use this model"
        )),
        Some(402 | 429) => {
            of("add credit to the provider's account or raise its limit, or name another --model")
        }
        Some(404) => Advice {
            text: "correct the model's name, or --base-url, which usually ends in /v1".into(),
            is_about_the_name: true,
        },
        Some(300..=399) => of("name the address that the server points to with --base-url"),
        _ => Advice {
            text: format!("mend what the provider names: the model, the key in {variable}, or its credit"),
            is_about_the_name: true,
        },
    }
}

fn of_trouble(problem: &str, status: Option<u16>, connection: &Connection) -> Advice {
    let place = place_of(connection);
    match status {
        Some(429) => {
            of("wait until the provider's limit allows more; a run with a smaller --parallel asks less")
        }
        Some(500..) => {
            of("try again later: the provider has trouble; a run would wait for it (--outage-wait)")
        }
        Some(_) => of("try again"),
        None if problem.starts_with("a reply that is not JSON") => {
            of(format!("correct --base-url: no API answers at {place}; its address usually ends in /v1"))
        }
        None if problem.starts_with("error sending request") && connection.base_url.is_some() => {
            of(format!("start the server at {place}, or correct --base-url"))
        }
        None if problem.starts_with("error sending request") => {
            of(format!("see that this machine reaches {place}: network, proxy (HTTPS_PROXY), clock"))
        }
        None => of("try again; if it stays so, the server does not speak the provider's protocol"),
    }
}

impl Advice {
    /// The advice, with the names that the server has.
    pub fn with_names(self, names: Vec<String>, connection: &Connection) -> String {
        let asked = &connection.model.name;
        let hint = did_you_mean(asked, names.iter().map(String::as_str)).or_else(|| {
            let shown: Vec<&str> = names.iter().take(NAMES_MAX).map(String::as_str).collect();
            let more = if names.len() > NAMES_MAX { " and others" } else { "" };
            (!shown.is_empty() && !names.contains(asked))
                .then(|| format!("the server has {}{more}", shown.join(", ")))
        });
        hint.map_or(self.text.clone(), |hint| format!("{}; {hint}", self.text))
    }
}

fn of(text: impl Into<String>) -> Advice {
    Advice { text: text.into(), is_about_the_name: false }
}

fn place_of(connection: &Connection) -> &str {
    connection.base_url.as_deref().unwrap_or(connection.model.provider.base_url())
}

/// The status of the answer; none where there was no answer, or none with a status of failure.
fn status_of(problem: &str) -> Option<u16> {
    problem.strip_prefix("HTTP ")?.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_advice() {
        let connection = Connection::to("openai/gpt-x".parse().unwrap(), Some("http://h/v1".into()));
        let check = |error: LlmError, expected: &str| {
            let text = advice(&error, &connection).with_names(Vec::new(), &connection);
            assert!(text.contains(expected), "{error}: {text}");
        };
        let model = || "openai/gpt-x".to_owned();
        let setup = |problem: &str| LlmError::SetupRefused { model: model(), problem: problem.into() };
        let passing = |problem: &str| LlmError::Transient {
            model: model(),
            problem: problem.into(),
            retry_after_ms: None,
        };
        check(setup("HTTP 401 Unauthorized; the server wants a key"), "PACKWRIGHT_API_KEY=…");
        check(setup("HTTP 402 Payment Required"), "add credit");
        check(setup("HTTP 404 Not Found"), "the model's name");
        check(setup("HTTP 301 Moved Permanently"), "--base-url");
        check(setup("HTTP 400 Bad Request: api_key_invalid"), "the key in PACKWRIGHT_API_KEY");
        check(passing("HTTP 429 Too Many Requests"), "--parallel");
        check(passing("HTTP 503 Service Unavailable"), "--outage-wait");
        check(passing("a reply that is not JSON (x): <html>"), "no API answers at http://h/v1");
        check(
            passing("error sending request for url (http://h/v1): refused"),
            "start the server at http://h/v1",
        );
        check(passing("a reply without a choice: {}"), "does not speak");
        check(LlmError::DeadlineReached { model: model() }, "--wait");
        check(
            LlmError::RequestRefused { model: model(), problem: "HTTP 400".into(), usage: Box::default() },
            "--writer-max-output",
        );
    }

    #[test]
    fn the_servers_own_names_are_told() {
        let connection = Connection::to("openai/gpt-5-mni".parse().unwrap(), None);
        let check = |names: &[&str], expected: &str| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(of("see").with_names(names, &connection), expected);
        };
        check(&[], "see");
        check(&["gpt-5", "gpt-5-mini"], "see; did you mean `gpt-5-mini`?");
        check(&["llama-3", "qwen-2"], "see; the server has llama-3, qwen-2");
    }
}
