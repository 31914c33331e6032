//! What an episode through a gateway came to, from what the proxy and the gateway's client saw of it.
//!
//! A gateway answers with words of its own where something failed, so an answer counts only where the model had
//! the last word. Everything else is the agent out of time, or the infrastructure's doing.

use crate::agent::builtin::is_hanging;
use crate::episode::{FailureClass, Outcome};
use std::time::Duration;

/// So much of the provider's trouble changes no outcome.
const TROUBLE_MAX: Duration = Duration::from_secs(1);

/// What is known of an episode when the gateway has answered or broken off.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub trouble: Option<Trouble>,
    /// The call that the gateway did not wait for.
    pub in_flight: Option<InFlight>,
    pub elapsed: Duration,
    /// When the gateway gives a run up.
    pub limit: Duration,
    /// What the provider's failures took of the time.
    pub waited: Duration,
    pub model_calls: u32,
    pub replies: usize,
    /// The model was never told what came of the calls of its last turn.
    pub is_open: bool,
}

/// Why an episode did not end in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// The gateway offers other tools than it must: it could run commands on this machine.
    Unsafe(String),
    /// The model gave no reply, or was not asked, which ends the episode so.
    NoReply(Outcome),
    OutOfTurns,
}

/// A call of the model that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub took: Duration,
    pub failed_attempts: u32,
}

impl Ending {
    /// How the episode ended, given what the gateway answered.
    pub fn outcome(&self, answer: &Result<String, String>) -> Outcome {
        match (&self.trouble, answer) {
            (Some(Trouble::Unsafe(reason)), _) => {
                errored(format!("the gateway was stopped: {reason}"), FailureClass::Setup)
            }
            (Some(Trouble::NoReply(outcome)), _) => outcome.clone(),
            (Some(Trouble::OutOfTurns), _) => Outcome::TurnLimit,
            (None, _) if self.in_flight.is_some() => {
                self.cut("hung up while the model was being asked", answer)
            }
            (None, Err(problem)) => transient(format!("the gateway failed: {problem}")),
            (None, Ok(_)) if self.model_calls == 0 => self.cut("answered without asking the model", answer),
            (None, Ok(_)) if self.is_open => self.cut("did not go on after a turn with tool calls", answer),
            (None, Ok(_)) => Outcome::Finished,
        }
    }

    /// The gateway ended a run in the middle: for its time limit, or since it failed.
    fn cut(&self, what: &str, answer: &Result<String, String>) -> Outcome {
        if self.elapsed < self.limit {
            let (Ok(words) | Err(words)) = answer;
            let words: String = words.chars().take(200).collect();
            return transient(format!("the gateway {what}: {words}"));
        }
        // The gateway's clock runs on while the provider is in trouble, for which no policy is to blame.
        let failed_attempts = self.in_flight.map_or(0, |call| call.failed_attempts);
        if self.waited > TROUBLE_MAX || failed_attempts > 0 {
            let waited = self.waited.as_secs();
            return transient(format!(
                "out of time, of which the provider's failures took {waited} s before the last call, in which \
                 {failed_attempts} attempts failed"
            ));
        }
        if self.in_flight.is_some_and(|call| is_hanging(call.took, self.limit)) {
            return transient("the model was silent for half of the episode's time".into());
        }
        if self.replies == 0 {
            return transient("out of time before the model's first reply".into());
        }
        Outcome::TimedOut
    }
}

fn transient(reason: String) -> Outcome {
    errored(reason, FailureClass::Transient)
}

fn errored(reason: String, class: FailureClass) -> Outcome {
    Outcome::Errored { reason, class }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An episode that ended in order after three replies in 20 of 170 seconds.
    fn ending() -> Ending {
        Ending {
            trouble: None,
            in_flight: None,
            elapsed: Duration::from_secs(20),
            limit: Duration::from_secs(170),
            waited: Duration::ZERO,
            model_calls: 3,
            replies: 3,
            is_open: false,
        }
    }

    fn asking(took_s: u64, failed_attempts: u32) -> Option<InFlight> {
        Some(InFlight { took: Duration::from_secs(took_s), failed_attempts })
    }

    fn check(ending: &Ending, expected: &str) {
        for answer in [Ok("The gateway's own words.".to_owned()), Err("connection reset".to_owned())] {
            let outcome = ending.outcome(&answer);
            assert!(format!("{outcome:?}").starts_with(expected), "{ending:?} {answer:?}: {outcome:?}");
        }
    }

    #[test]
    fn only_an_answer_of_the_model_is_one() {
        let words = || Ok("The gateway's own words.".to_owned());
        assert_eq!(ending().outcome(&words()), Outcome::Finished);
        assert!(!ending().outcome(&Err("HTTP 500".into())).is_scored());
        assert!(!Ending { model_calls: 0, replies: 0, ..ending() }.outcome(&words()).is_scored());
        assert!(!Ending { is_open: true, ..ending() }.outcome(&words()).is_scored());
        let late = Ending { is_open: true, elapsed: Duration::from_secs(171), ..ending() };
        assert_eq!(late.outcome(&words()), Outcome::TimedOut);
    }

    #[test]
    fn a_gateway_that_breaks_down_is_no_slow_agent() {
        check(&Ending { in_flight: asking(5, 0), ..ending() }, "Errored");
        let late = Ending { elapsed: Duration::from_secs(170), in_flight: asking(5, 0), ..ending() };
        check(&late, "TimedOut");
    }

    #[test]
    fn a_provider_in_trouble_is_no_slow_agent() {
        let late = Ending { elapsed: Duration::from_secs(171), in_flight: asking(60, 0), ..ending() };
        check(&late, "TimedOut");
        check(&Ending { in_flight: asking(60, 1), ..late.clone() }, "Errored");
        check(&Ending { in_flight: asking(85, 0), ..late.clone() }, "Errored");
        check(&Ending { waited: Duration::from_secs(30), ..late.clone() }, "Errored");
        check(&Ending { replies: 0, ..late.clone() }, "Errored");
        // What the engine's own bookkeeping took.
        check(&Ending { waited: Duration::from_millis(40), ..late }, "TimedOut");
    }

    #[test]
    fn what_was_seen_wins_over_what_is_guessed() {
        let late = Ending { elapsed: Duration::from_secs(171), ..ending() };
        check(&Ending { trouble: Some(Trouble::Unsafe("exec".into())), ..late.clone() }, "Errored");
        check(&Ending { trouble: Some(Trouble::OutOfTurns), ..late.clone() }, "TurnLimit");
        let full = Some(Trouble::NoReply(Outcome::ContextFull));
        check(&Ending { trouble: full, in_flight: asking(1, 0), ..late }, "ContextFull");
    }
}
