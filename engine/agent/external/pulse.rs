//! Whether an evaluator is there at all: asked in the place of the agent's model when episodes fail in a row.

use super::{Evaluator, External, process, spec, works};
use crate::episode::{FailureClass, Outcome};
use crate::llm::{Llm, LlmError, Reply, Request};
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// So many failures before the first success are the evaluator's own, not an outage.
const FAILURES_MAX: u32 = 3;
/// So many failures in a row that the user must mend are not worth another episode.
const SETUP_FAILURES_MAX: u32 = 3;
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// How an evaluator has done until now.
#[derive(Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Default)]
struct State {
    has_worked: bool,
    failures: u32,
    /// In a row, of those that the user must mend.
    setup_failures: u32,
    last: String,
}

/// An evaluator in the place of a model: it answers when it is there.
pub(super) struct Pulse {
    external: Arc<External>,
}

impl Health {
    pub fn note(&self, outcome: &Outcome) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.has_worked |= works(outcome);
        match outcome {
            Outcome::Errored { reason, class } => {
                let is_setup = *class == FailureClass::Setup;
                state.failures += 1;
                state.setup_failures = if is_setup { state.setup_failures + 1 } else { 0 };
                state.last.clone_from(reason);
            }
            _ => state.setup_failures = 0,
        }
    }

    /// Why the evaluator does not work: it never did, or it wants something of the user.
    fn complaint(&self) -> Option<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.has_worked && state.setup_failures >= SETUP_FAILURES_MAX {
            return Some(format!(
                "the last {} episodes failed alike; last: {}",
                state.setup_failures, state.last
            ));
        }
        let never_works = !state.has_worked && state.failures >= FAILURES_MAX;
        never_works.then(|| {
            format!("none of the first {} episodes was evaluated; last: {}", state.failures, state.last)
        })
    }
}

impl Pulse {
    pub fn of(external: Arc<External>) -> Pulse {
        Pulse { external }
    }

    async fn look(&self) -> Result<(), LlmError> {
        let model = || self.external.name.clone();
        let settings = &self.external.settings;
        match (&settings.evaluator, &self.external.server) {
            (Evaluator::Http(_), Some(server)) => server
                .is_there(ANSWER_MAX)
                .await
                .map_err(|problem| LlmError::Transient { model: model(), problem, retry_after_ms: None })?,
            (Evaluator::Command(line) | Evaluator::Tests(line), _) => {
                let words = spec::words(line).unwrap_or_default();
                let program = words.first().map(String::as_str).unwrap_or_default();
                if process::found(program, &settings.folder).is_none() {
                    let problem = "its program is not there any more".to_owned();
                    return Err(LlmError::SetupRefused { model: model(), problem });
                }
            }
            (Evaluator::Http(_), None) => {}
        }
        match self.external.health.complaint() {
            Some(problem) => Err(LlmError::SetupRefused { model: model(), problem }),
            None => Ok(()),
        }
    }
}

impl Llm for Pulse {
    fn name(&self) -> &str {
        &self.external.name
    }

    fn complete<'a>(&'a self, _: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move { self.look().await.map(|()| Reply::says("")) })
    }
}
