//! The circuit breaker: tells a single failure from an outage.
//!
//! A step that failed for the infrastructure is held back until a later step succeeds: only then was it a
//! single failure, and is recorded as one. When failures go on without a success, it is an outage; the
//! steps stay open, cost nothing of the budget, and are done when the run is resumed.

use super::journal::Outcome;
use crate::event::{Event, Operator, ProposalFault};

/// So many failures without a success between them are an outage.
const FAILURES_MAX: usize = 6;

/// Judges the outcomes of one plan.
#[derive(Default)]
pub(super) struct Breaker {
    /// The plan before this one failed, too.
    failed_before: bool,
    succeeded: bool,
    held: Vec<Outcome>,
}

impl Breaker {
    /// Begins with a plan; `failed_before` says whether most of the last one failed.
    pub(super) fn new(failed_before: bool) -> Breaker {
        Breaker { failed_before, ..Breaker::default() }
    }

    /// Takes an outcome, and gives what is to be recorded now.
    pub(super) fn take(&mut self, outcome: Outcome) -> Vec<Outcome> {
        match sign(&outcome.event) {
            Sign::Failure(_) => {
                self.held.push(outcome);
                Vec::new()
            }
            Sign::Success => {
                self.succeeded = true;
                let mut ready = std::mem::take(&mut self.held);
                ready.push(outcome);
                ready
            }
            Sign::None => vec![outcome],
        }
    }

    /// Whether there have been too many failures in a row to begin more steps.
    pub(super) fn is_open(&self) -> bool {
        self.held.len() >= FAILURES_MAX
    }

    /// The failures held back at the end of the plan: single failures to be recorded, or an outage.
    pub(super) fn settle(self) -> Result<Vec<Outcome>, String> {
        // A plan may have less than the failures of an outage. One failure alone may be the step's own fault.
        let nothing_works = !self.succeeded && (self.held.len() > 1 || self.failed_before);
        match self.held.last().map(|outcome| sign(&outcome.event)) {
            Some(Sign::Failure(last)) if self.is_open() || nothing_works => {
                Err(format!("no attempt succeeds any more; the last failed with: {last}"))
            }
            _ => Ok(self.held),
        }
    }
}

/// What an event says about the infrastructure.
enum Sign<'a> {
    Failure(&'a str),
    Success,
    /// It needed none.
    None,
}

fn sign(event: &Event) -> Sign<'_> {
    match event {
        Event::EpisodeUnmeasured(unmeasured) => Sign::Failure(&unmeasured.reason),
        Event::ProposalFailed(failed) => match &failed.reason {
            ProposalFault::Unreachable { problem } => Sign::Failure(problem),
            _ if failed.operator == Operator::Merge => Sign::None,
            _ => Sign::Success,
        },
        Event::Proposed(proposed) if proposed.candidate.operator == Operator::Merge => Sign::None,
        _ => Sign::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::{EpisodeKey, Usage};
    use crate::event::{EpisodeUnmeasured, ProposalFailed};
    use crate::units::PackHash;

    fn outage(ordinal: u32) -> Outcome {
        let key = EpisodeKey { candidate: PackHash("c".into()), scenario: "s".into(), repeat: ordinal };
        let event = EpisodeUnmeasured { key, reason: format!("down {ordinal}"), usage: Usage::default() };
        Outcome { ordinal, event: Event::EpisodeUnmeasured(event), episode: None, took_ms: 1 }
    }

    fn success(ordinal: u32) -> Outcome {
        proposal(ordinal, Operator::Trim)
    }

    fn proposal(ordinal: u32, operator: Operator) -> Outcome {
        let reason = ProposalFault::Unusable { problem: "empty".into() };
        let failed = ProposalFailed { operator, reason, usage: Usage::default() };
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

    /// What is recorded of the held failures at the end of a plan; none when it is an outage.
    fn settled(failed_before: bool, outcomes: Vec<Outcome>) -> Option<Vec<u32>> {
        let mut breaker = Breaker::new(failed_before);
        for outcome in outcomes {
            breaker.take(outcome);
        }
        breaker.settle().ok().map(ordinals)
    }

    #[test]
    fn failures_without_a_success_are_an_outage() {
        let mut breaker = Breaker::default();
        breaker.take(success(0));
        for ordinal in 1..7 {
            assert!(!breaker.is_open());
            breaker.take(outage(ordinal));
        }
        assert!(breaker.is_open());
        let reason = breaker.settle().err().unwrap();
        assert_eq!(reason, "no attempt succeeds any more; the last failed with: down 6");
    }

    #[test]
    fn a_plan_of_which_nothing_succeeds_is_an_outage() {
        assert_eq!(settled(false, vec![outage(1), outage(2)]), None);
        assert_eq!(settled(false, vec![outage(1), proposal(2, Operator::Merge), outage(3)]), None);
        assert_eq!(settled(false, vec![success(1), outage(2), outage(3)]), Some(vec![2, 3]));
        assert_eq!(settled(true, vec![success(1), outage(2)]), Some(vec![2]));
    }

    #[test]
    fn one_failure_alone_is_an_outage_only_after_a_plan_that_failed() {
        assert_eq!(settled(false, vec![outage(1)]), Some(vec![1]));
        assert_eq!(settled(true, vec![outage(1)]), None);
        assert_eq!(settled(true, vec![]), Some(vec![]));
        assert_eq!(settled(true, vec![proposal(1, Operator::Merge)]), Some(vec![]));
    }
}
