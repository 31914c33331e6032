//! The circuit breaker: tells the failure of a step from an outage.
//!
//! A step that failed for the infrastructure is held back until something proves that the infrastructure
//! works: a later success, or a model that answers a short question. Then the failure was the step's own and
//! is made again a few times, and then recorded as one. Where nothing proves it, it is an outage: the steps stay open, cost nothing of the
//! budget, and are done again.

use super::journal::Outcome;
use crate::episode::FailureClass;
use crate::event::{Event, ProposalFault, Step};
use std::collections::BTreeMap;
use std::time::Duration;

/// So many failures without a success between them make an outage likely enough to ask.
const FAILURES_MAX: u32 = 6;
/// So many failures without a success between them are an outage even when models answer short questions.
const FAILURES_WITHOUT_SUCCESS_MAX: u32 = 20;
/// A step that fails in passing is made so often before its failure is recorded.
const ATTEMPTS_MAX: u32 = 3;

/// What the steps of this process say about the infrastructure, over all plans. Agent and writer may be
/// different models, so the success of one says nothing of the other.
#[derive(Default)]
pub(super) struct Breaker {
    agent: Lane,
    writer: Lane,
    /// How long was waited since anything worked.
    waited: Duration,
}

/// The steps of one model.
#[derive(Default)]
struct Lane {
    /// Something has worked since the process began.
    has_worked: bool,
    /// Failures since the last success or proof.
    failures: u32,
    /// Failures released since the last success.
    released: u32,
    held: Vec<Failed>,
    /// How often steps failed, by their ordinals.
    attempts: BTreeMap<u32, u32>,
}

/// What is to be done with steps that were held back.
#[derive(Default)]
pub(super) struct Released {
    pub record: Vec<Outcome>,
    pub redo: Vec<(u32, Step)>,
}

/// A step that failed.
struct Failed {
    step: Step,
    outcome: Outcome,
}

impl Breaker {
    /// Takes what a step led to, and gives what is to be recorded or done again now.
    pub(super) fn take(&mut self, step: Step, outcome: Outcome) -> Released {
        let lane = match step {
            Step::Run(_) => &mut self.agent,
            Step::Propose(_) => &mut self.writer,
        };
        match sign(&outcome.event) {
            Sign::Failure(_) => {
                lane.failures += 1;
                lane.held.push(Failed { step, outcome });
                Released::default()
            }
            Sign::Success => {
                let mut released = lane.release();
                lane.has_worked = true;
                lane.released = 0;
                self.waited = Duration::ZERO;
                released.record.push(outcome);
                released
            }
            Sign::None => Released { record: vec![outcome], redo: Vec::new() },
        }
    }

    /// Whether there have been too many failures in a row to begin more steps.
    pub(super) fn is_open(&self) -> bool {
        self.lanes().any(|lane| lane.failures >= FAILURES_MAX)
    }

    /// Whether no failure waits for a proof.
    pub(super) fn is_clear(&self) -> bool {
        self.lanes().all(|lane| lane.held.is_empty())
    }

    /// Whether the agent's model and the writer's are to be asked if they answer.
    pub(super) fn suspects(&self) -> (bool, bool) {
        (!self.agent.held.is_empty(), !self.writer.held.is_empty())
    }

    /// Whether waiting may help: what has never worked is more likely set up wrongly.
    pub(super) fn has_worked(&self) -> bool {
        self.lanes().filter(|lane| !lane.held.is_empty()).all(|lane| lane.has_worked)
    }

    /// The infrastructure works: the failures held back were the steps' own.
    pub(super) fn release(&mut self) -> Released {
        let mut released = self.agent.release();
        let others = self.writer.release();
        released.record.extend(others.record);
        released.redo.extend(others.redo);
        released
    }

    /// There was an outage, and it is over: the steps are to be done again.
    pub(super) fn reopen(&mut self) -> Vec<(u32, Step)> {
        let lanes = [&mut self.agent, &mut self.writer].into_iter();
        let held: Vec<Failed> = lanes
            .flat_map(|lane| {
                lane.failures = 0;
                std::mem::take(&mut lane.held)
            })
            .collect();
        held.into_iter().map(|failed| (failed.outcome.ordinal, failed.step)).collect()
    }

    /// How long was waited since anything worked.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }

    pub(super) fn note_wait(&mut self, wait: Duration) {
        self.waited += wait;
    }

    /// Whether everything fails though the models answer short questions.
    pub(super) fn is_hopeless(&self) -> bool {
        self.lanes().any(|lane| lane.released >= FAILURES_WITHOUT_SUCCESS_MAX)
    }

    /// Why the last step failed.
    pub(super) fn last_problem(&self) -> Option<&str> {
        match sign(&self.lanes().find_map(|lane| lane.held.last())?.outcome.event) {
            Sign::Failure(problem) => Some(problem),
            Sign::Success | Sign::None => None,
        }
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        [&self.agent, &self.writer].into_iter()
    }
}

impl Lane {
    fn release(&mut self) -> Released {
        self.failures = 0;
        self.released += self.held.len() as u32;
        let mut released = Released::default();
        for failed in std::mem::take(&mut self.held) {
            let ordinal = failed.outcome.ordinal;
            let attempts = self.attempts.entry(ordinal).or_insert(0);
            *attempts += 1;
            if *attempts < ATTEMPTS_MAX && is_passing(&failed.outcome.event) {
                released.redo.push((ordinal, failed.step));
            } else {
                released.record.push(failed.outcome);
            }
        }
        released
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
        Event::EpisodeUnmeasured(unmeasured) if unmeasured.class == FailureClass::Limit => Sign::None,
        Event::EpisodeUnmeasured(unmeasured) => Sign::Failure(&unmeasured.reason),
        Event::ProposalFailed(failed) => match &failed.reason {
            ProposalFault::Unreachable { problem } => Sign::Failure(problem),
            ProposalFault::LimitReached { .. } => Sign::None,
            _ if !failed.operator.asks_writer() => Sign::None,
            _ => Sign::Success,
        },
        Event::Proposed(proposed) if !proposed.candidate.operator.asks_writer() => Sign::None,
        Event::EpisodeScored(scored) if scored.cached => Sign::None,
        _ => Sign::Success,
    }
}

/// Whether the same step may succeed when it is made again.
fn is_passing(event: &Event) -> bool {
    match event {
        Event::EpisodeUnmeasured(unmeasured) => unmeasured.class == FailureClass::Transient,
        Event::ProposalFailed(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::{EpisodeKey, Usage};
    use crate::event::{EpisodeScored, EpisodeUnmeasured, Operator, ProposalFailed, ProposalPlan};
    use crate::score::Scorecard;
    use crate::units::PackHash;

    fn key(ordinal: u32) -> EpisodeKey {
        EpisodeKey { candidate: PackHash("c".into()), scenario: "s".into(), repeat: ordinal }
    }

    fn fail(breaker: &mut Breaker, ordinal: u32) -> Vec<u32> {
        fail_as(breaker, ordinal, FailureClass::Request)
    }

    fn fail_as(breaker: &mut Breaker, ordinal: u32, class: FailureClass) -> Vec<u32> {
        let reason = format!("down {ordinal}");
        let event = EpisodeUnmeasured { key: key(ordinal), reason, class, usage: Usage::default() };
        take(breaker, ordinal, Event::EpisodeUnmeasured(event))
    }

    fn succeed(breaker: &mut Breaker, ordinal: u32) -> Vec<u32> {
        score(breaker, ordinal, false)
    }

    fn score(breaker: &mut Breaker, ordinal: u32, cached: bool) -> Vec<u32> {
        let event = EpisodeScored {
            key: key(ordinal),
            outcome: crate::episode::Outcome::Finished,
            scorecard: Scorecard { script_score: 1.0, validator_score: 1.0, checks: Vec::new() },
            tool_calls: 0,
            model_calls: 1,
            usage: Usage::default(),
            resolved_model: None,
            cached,
        };
        take(breaker, ordinal, Event::EpisodeScored(event))
    }

    fn take(breaker: &mut Breaker, ordinal: u32, event: Event) -> Vec<u32> {
        let outcome = Outcome { ordinal, event, episode: None, took_ms: 1 };
        ordinals(breaker.take(Step::Run(key(ordinal)), outcome).record)
    }

    fn ordinals(outcomes: Vec<Outcome>) -> Vec<u32> {
        outcomes.into_iter().map(|outcome| outcome.ordinal).collect()
    }

    /// What the writer answered, usable or not.
    fn propose(breaker: &mut Breaker, ordinal: u32, operator: Operator) -> Vec<u32> {
        let reason = ProposalFault::Unusable { problem: "empty".into() };
        let event = Event::ProposalFailed(ProposalFailed { operator, reason, usage: Usage::default() });
        let plan = ProposalPlan::of(operator, Vec::new(), 1);
        let outcome = Outcome { ordinal, event, episode: None, took_ms: 1 };
        ordinals(breaker.take(Step::Propose(plan), outcome).record)
    }

    #[test]
    fn a_failure_is_recorded_once_a_success_of_the_same_model_follows() {
        let mut breaker = Breaker::default();
        assert_eq!(fail(&mut breaker, 1), [0; 0]);
        assert_eq!(propose(&mut breaker, 2, Operator::Merge), [2]);
        assert_eq!(propose(&mut breaker, 3, Operator::Condense), [3], "the writer's success proves nothing");
        assert_eq!(score(&mut breaker, 9, true), [9], "an episode of last night proves nothing");
        assert!(!breaker.has_worked());
        assert_eq!(succeed(&mut breaker, 4), [1, 4]);
        assert!(breaker.is_clear() && breaker.has_worked());
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let mut breaker = Breaker::default();
        for ordinal in 1..=FAILURES_MAX {
            assert!(!breaker.is_open());
            fail(&mut breaker, ordinal);
        }
        assert!(breaker.is_open());
        assert_eq!(breaker.suspects(), (true, false));
        assert_eq!(breaker.last_problem(), Some("down 6"));
        assert_eq!(ordinals(breaker.release().record), [1, 2, 3, 4, 5, 6]);
        assert!(!breaker.is_open());
    }

    #[test]
    fn what_may_pass_is_made_again_a_few_times() {
        let mut breaker = Breaker::default();
        for attempt in 1..=ATTEMPTS_MAX {
            assert_eq!(fail_as(&mut breaker, 1, FailureClass::Transient), [0; 0]);
            let released = breaker.release();
            let redo: Vec<u32> = released.redo.iter().map(|(ordinal, _)| *ordinal).collect();
            let expected = if attempt < ATTEMPTS_MAX { (vec![1], vec![]) } else { (vec![], vec![1]) };
            assert_eq!((redo, ordinals(released.record)), expected, "attempt {attempt}");
        }
    }

    #[test]
    fn a_limit_is_no_failure_of_the_infrastructure() {
        let mut breaker = Breaker::default();
        assert_eq!(fail_as(&mut breaker, 1, FailureClass::Limit), [1]);
        assert!(breaker.is_clear());
    }

    #[test]
    fn after_an_outage_the_steps_are_open_again() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, 1);
        fail(&mut breaker, 2);
        assert_eq!(breaker.reopen(), [(1, Step::Run(key(1))), (2, Step::Run(key(2)))]);
        assert!(breaker.is_clear() && !breaker.is_hopeless(), "nothing was recorded");
    }

    #[test]
    fn failures_that_go_on_are_hopeless_until_something_works() {
        let mut breaker = Breaker::default();
        for ordinal in 0..FAILURES_WITHOUT_SUCCESS_MAX {
            assert!(!breaker.is_hopeless());
            fail(&mut breaker, ordinal);
            breaker.release();
            propose(&mut breaker, 90, Operator::Patch);
        }
        assert!(breaker.is_hopeless());
        succeed(&mut breaker, 99);
        assert!(!breaker.is_hopeless());
    }
}
