//! Which operator and which writer a proposal goes to: by what they gained so far for what they cost, with a share of
//! proposals that follow the prior whatever was gained.

use super::descent::path;
use super::round::gain;
use super::state::State;
use crate::event::Operator;
use crate::stats::bandit::Bandit;
use crate::units::PackHash;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// The share of proposals whose operator follows the prior.
const PRIOR_SHARE: f64 = 0.6;
/// From this share of the length limit on, policies are shortened more often.
const LONG: f64 = 0.7;
const OPERATORS: [Operator; 4] = [Operator::Patch, Operator::Rewrite, Operator::Condense, Operator::Revert];

/// What operators and writers gained so far.
pub(super) struct Portfolio {
    operators: Bandit,
    writers: Bandit,
    names: Vec<String>,
}

impl Portfolio {
    /// Counts the attempts of a run: what each gained by what is believed now, and what it cost.
    pub fn of(state: &State) -> Portfolio {
        let names: Vec<String> = state.run.writers().map(str::to_owned).collect();
        let mut operators = Bandit::new(OPERATORS.len());
        let mut writers = Bandit::new(names.len());
        for attempt in &state.attempts {
            let member = attempt.candidate.as_ref().map(|id| (id, &state.members[id]));
            if member.is_some_and(|(id, _)| !state.is_seen(id)) {
                continue;
            }
            let gain = member.and_then(|(id, _)| gain(state, id)).unwrap_or(0.0);
            let cost = if member.is_some() { 1.0 } else { FAILED_COST };
            if let Some(arm) = OPERATORS.iter().position(|operator| *operator == attempt.operator) {
                operators.note(arm, gain, cost);
            }
            let writer = attempt.writer.as_ref().and_then(|name| names.iter().position(|n| n == name));
            if let Some(arm) = writer {
                writers.note(arm, gain, cost);
            }
        }
        Portfolio { operators, writers, names }
    }

    /// The operator of the next edit of a policy.
    pub fn operator(&self, state: &State, parent: &PackHash, rng: &mut ChaCha8Rng) -> Operator {
        if !rng.random_bool(PRIOR_SHARE) {
            return OPERATORS[self.operators.choose(rng)];
        }
        let shares = shares(state, parent);
        let mut left = rng.random_range(0.0..shares.iter().map(|(_, share)| share).sum::<f64>());
        for (operator, share) in shares {
            left -= share;
            if left < 0.0 {
                return operator;
            }
        }
        Operator::Patch
    }

    /// The writer to be asked.
    pub fn writer(&self, rng: &mut ChaCha8Rng) -> String {
        self.names[self.writers.choose(rng)].clone()
    }
}

/// What a proposal that gave no candidate cost, in passes over the scenarios.
const FAILED_COST: f64 = 0.2;

/// How often each operator is used before anything is known of them: reverting the more often, the more was edited;
/// condensing the more often, the more of its limit a policy fills.
fn shares(state: &State, parent: &PackHash) -> [(Operator, f64); 4] {
    let edits = path(&state.members, parent).len() as f64;
    let units = state.members[parent].candidate.agents_md.encode_utf16().count() as f64;
    let filled = units / f64::from(state.run.profile.policy_utf16_max().max(1));
    let revert = (0.01 * edits).min(0.15);
    let condense = if filled > LONG { 0.4 } else { 0.02 + 0.05 * filled };
    [
        (Operator::Patch, 0.65),
        (Operator::Rewrite, 0.08),
        (Operator::Condense, condense),
        (Operator::Revert, revert),
    ]
}
