//! The circuit breaker: tells a single failure from an outage.
//!
//! A step that failed for the infrastructure is held back until a later step succeeds: only then was it a
//! single failure, and is recorded as one. When failures go on without a success, it is an outage; the
//! steps stay open, cost nothing of the budget, and are done when the run is resumed.

use super::journal::Outcome;
use crate::event::{Event, ProposalFault};

/// So many failures without a success between them are an outage.
const FAILURES_MAX: usize = 6;

#[derive(Default)]
pub(super) struct Breaker {
    held: Vec<Outcome>,
}

impl Breaker {
    /// Takes an outcome, and gives what is to be recorded now.
    pub(super) fn take(&mut self, outcome: Outcome) -> Vec<Outcome> {
        if failure(&outcome.event).is_some() {
            self.held.push(outcome);
            return Vec::new();
        }
        let mut ready = std::mem::take(&mut self.held);
        ready.push(outcome);
        ready
    }

    /// Whether there have been too many failures in a row to begin more steps.
    pub(super) fn is_open(&self) -> bool {
        self.held.len() >= FAILURES_MAX
    }

    /// The failures held back at the end of a plan: single failures to be recorded, or an outage.
    pub(super) fn settle(&mut self) -> Result<Vec<Outcome>, String> {
        if self.is_open() {
            let last = self.held.last().and_then(|outcome| failure(&outcome.event)).unwrap_or_default();
            return Err(format!(
                "{} attempts failed one after the other, the last with: {last}",
                self.held.len()
            ));
        }
        Ok(std::mem::take(&mut self.held))
    }
}

/// Why an event is a failure of the infrastructure; none when it is not one.
fn failure(event: &Event) -> Option<&str> {
    match event {
        Event::EpisodeUnmeasured(unmeasured) => Some(&unmeasured.reason),
        Event::ProposalFailed(failed) => match &failed.reason {
            ProposalFault::Unreachable { problem } => Some(problem),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::{EpisodeKey, Usage};
    use crate::event::{EpisodeUnmeasured, Operator, ProposalFailed};
    use crate::units::PackHash;

    fn outage(ordinal: u32) -> Outcome {
        let key = EpisodeKey { candidate: PackHash("c".into()), scenario: "s".into(), repeat: ordinal };
        let event = EpisodeUnmeasured { key, reason: format!("down {ordinal}"), usage: Usage::default() };
        Outcome { ordinal, event: Event::EpisodeUnmeasured(event), episode: None, took_ms: 1 }
    }

    fn success(ordinal: u32) -> Outcome {
        let reason = ProposalFault::Unusable { problem: "empty".into() };
        let failed = ProposalFailed { operator: Operator::Trim, reason, usage: Usage::default() };
        Outcome { ordinal, event: Event::ProposalFailed(failed), episode: None, took_ms: 1 }
    }

    fn ordinals(outcomes: Vec<Outcome>) -> Vec<u32> {
        outcomes.into_iter().map(|outcome| outcome.ordinal).collect()
    }

    #[test]
    fn a_single_failure_is_recorded_once_a_success_follows() {
        let mut breaker = Breaker::default();
        assert_eq!(ordinals(breaker.take(outage(1))), Vec::<u32>::new());
        assert_eq!(ordinals(breaker.take(success(2))), [1, 2]);
        assert_eq!(ordinals(breaker.settle().unwrap()), Vec::<u32>::new());
    }

    #[test]
    fn failures_without_a_success_are_an_outage() {
        let mut breaker = Breaker::default();
        for ordinal in 0..6 {
            assert!(!breaker.is_open());
            breaker.take(outage(ordinal));
        }
        assert!(breaker.is_open());
        let reason = breaker.settle().err().unwrap();
        assert_eq!(reason, "6 attempts failed one after the other, the last with: down 5");
    }
}
