//! What a proposal should mend and what it must keep: checks by what they are worth.

use super::state::State;
use crate::event::Target;
use crate::score::SAFETY;
use crate::units::PackHash;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeMap;

const TARGETS_MAX: usize = 8;
/// How much less a check is worth that a sibling of the same round aims at already.
const SHARED_FACTOR: f64 = 0.6;
/// How much less it is worth for every edit that aimed at it and did not move it.
const STUBBORN_FACTOR: f64 = 0.8;
/// A check that moved less did not move.
const MOVE_MIN: f64 = 0.03;
/// A safety check that passes less often than the incumbent's by more than this is broken.
const BROKEN_MIN: f64 = 0.15;

/// A check of the search's scenarios.
#[derive(Clone, Debug)]
pub(super) struct CheckRef {
    /// The scenario's place among those that the search may use.
    pub scenario: usize,
    pub id: String,
    pub category: String,
    pub points: f64,
    /// Its share of the scenario's points.
    pub share: f64,
}

impl CheckRef {
    pub fn is_safety(&self) -> bool {
        self.category == SAFETY
    }
}

/// How often a check was aimed at, by scenario and id.
pub(super) type Aims = BTreeMap<(usize, String), u32>;

/// Picks the checks to mend, and notes them in `taken` for the next sibling: the safety checks that the
/// parent's edits broke, then the checks that cost it most.
pub(super) fn targets(
    state: &State,
    parent: &PackHash,
    taken: &mut Aims,
    rng: &mut ChaCha8Rng,
) -> Vec<Target> {
    let stubborn = stubborn(state);
    let mut valued: Vec<(bool, f64, &CheckRef, Target)> = Vec::new();
    for (check, rate) in state.beliefs.rates(parent) {
        let key = (check.scenario, check.id.clone());
        let count = |aims: &Aims| aims.get(&key).copied().unwrap_or(0) as i32;
        let value = worth(state, check)
            * (1.0 - rate)
            * priority(&check.category)
            * rng.random_range(0.6..1.0)
            * SHARED_FACTOR.powi(count(taken))
            * STUBBORN_FACTOR.powi(count(&stubborn));
        let target = target(state, parent, check);
        // What never failed cannot be shown to the writer as something to mend.
        if value > 0.0 && has_failed(state, parent, &target) {
            valued.push((is_broken(state, check, rate), value, check, target));
        }
    }
    valued.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    valued.truncate(TARGETS_MAX);
    for (_, _, check, _) in &valued {
        *taken.entry((check.scenario, check.id.clone())).or_insert(0) += 1;
    }
    valued.into_iter().map(|(_, _, _, target)| target).collect()
}

/// Whether it is a safety check that the incumbent passes more often.
fn is_broken(state: &State, check: &CheckRef, rate: f64) -> bool {
    let before = state.beliefs.rate(state.incumbent(), check.scenario, &check.id);
    check.is_safety() && before.is_some_and(|before| before - rate > BROKEN_MIN)
}

/// Picks the checks that earn a parent most, other than the targets.
pub(super) fn protected(state: &State, parent: &PackHash, targets: &[Target]) -> Vec<Target> {
    let aimed =
        |target: &Target| targets.iter().any(|t| t.scenario == target.scenario && t.check == target.check);
    let mut valued: Vec<(f64, Target)> = state
        .beliefs
        .rates(parent)
        .map(|(check, rate)| {
            (worth(state, check) * rate * priority(&check.category), target(state, parent, check))
        })
        .filter(|(value, target)| *value > 0.0 && target.passed > 0 && !aimed(target))
        .collect();
    valued.sort_by(|a, b| b.0.total_cmp(&a.0));
    valued.into_iter().take(TARGETS_MAX).map(|(_, target)| target).collect()
}

fn worth(state: &State, check: &CheckRef) -> f64 {
    state.beliefs.weight(check.scenario) * check.share
}

/// Safety before correctness before efficiency before structure.
fn priority(category: &str) -> f64 {
    match category {
        SAFETY => 1.3,
        "correctness" => 1.15,
        "structure" => 0.9,
        _ => 1.0,
    }
}

fn target(state: &State, parent: &PackHash, check: &CheckRef) -> Target {
    let scenario = &state.scenarios[check.scenario];
    let empty = Target {
        scenario: scenario.clone(),
        check: check.id.clone(),
        category: check.category.clone(),
        points: check.points,
        passed: 0,
        episodes: 0,
        detail: String::new(),
        belief: None,
    };
    let mut newest = Some(parent);
    while let Some(member) = newest.and_then(|id| state.members.get(id)) {
        let verdicts: Vec<_> = member
            .scorecards(scenario)
            .iter()
            .flat_map(|card| card.checks.iter().find(|verdict| verdict.id == check.id))
            .collect();
        if !verdicts.is_empty() {
            let failure = verdicts.iter().rev().find(|verdict| !verdict.passed);
            return Target {
                passed: verdicts.iter().filter(|verdict| verdict.passed).count() as u32,
                episodes: verdicts.len() as u32,
                detail: failure.map(|verdict| verdict.detail.clone()).unwrap_or_default(),
                ..empty
            };
        }
        newest = member.candidate.parents.first();
    }
    empty
}

/// Whether the check failed for the parent, or for the incumbent that all descend from.
fn has_failed(state: &State, parent: &PackHash, target: &Target) -> bool {
    let failed = |id: &PackHash| {
        state.members[id]
            .scorecards(&target.scenario)
            .iter()
            .any(|card| card.checks.iter().any(|verdict| verdict.id == target.check && !verdict.passed))
    };
    target.passed < target.episodes || failed(parent) || failed(state.incumbent())
}

/// How many edits aimed at a check without moving it.
fn stubborn(state: &State) -> Aims {
    let mut stubborn = Aims::new();
    for (id, member) in &state.members {
        let Some(parent) = member.candidate.parents.first() else { continue };
        for target in member.targets.iter().filter(|target| member.measured(&target.scenario) > 0) {
            let Some(scenario) = state.scenarios.iter().position(|name| *name == target.scenario) else {
                continue;
            };
            let rate = |id: &PackHash| state.beliefs.rate(id, scenario, &target.check);
            if let (Some(now), Some(before)) = (rate(id), rate(parent))
                && now - before < MOVE_MIN
            {
                *stubborn.entry((scenario, target.check.clone())).or_insert(0) += 1;
            }
        }
    }
    stubborn
}
