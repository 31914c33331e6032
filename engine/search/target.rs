//! What a proposal should mend and what it must keep: checks by what they are worth.

use super::state::State;
use crate::event::{Belief, Target};
use crate::score::SAFETY;
use crate::stats::normal::WITHIN_90;
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

/// How often a check was aimed at, by its place among all.
pub(super) type Aims = BTreeMap<usize, u32>;

/// Picks the checks to mend, and notes them in `taken` for the next sibling: the safety checks that the
/// parent's edits broke, then the checks that cost it most.
pub(super) fn targets(
    state: &State,
    parent: &PackHash,
    taken: &mut Aims,
    rng: &mut ChaCha8Rng,
) -> Vec<Target> {
    let stubborn = stubborn(state);
    let (view, place) = (state.beliefs.view(), state.place(parent));
    let mut valued: Vec<(bool, f64, usize)> = Vec::new();
    for (index, check) in state.beliefs.checks().iter().enumerate() {
        let rate = view.rate(place, index);
        let count = |aims: &Aims| aims.get(&index).copied().unwrap_or(0) as i32;
        let value = worth(state, check)
            * (1.0 - rate)
            * priority(&check.category)
            * rng.random_range(0.6..1.0)
            * SHARED_FACTOR.powi(count(taken))
            * STUBBORN_FACTOR.powi(count(&stubborn));
        // What never failed cannot be shown to the writer as something to mend.
        if value > 0.0 && has_failed(state, parent, index) {
            let is_broken = check.is_safety() && view.rate(0, index) - rate > BROKEN_MIN;
            valued.push((is_broken, value, index));
        }
    }
    valued.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    valued.truncate(TARGETS_MAX);
    for (_, _, check) in &valued {
        *taken.entry(*check).or_insert(0) += 1;
    }
    valued.into_iter().map(|(_, _, check)| target(state, parent, check)).collect()
}

/// Picks the checks that earn a parent most, other than the targets.
pub(super) fn protected(state: &State, parent: &PackHash, targets: &[Target]) -> Vec<Target> {
    let (view, place) = (state.beliefs.view(), state.place(parent));
    let is_aimed = |check: &CheckRef| {
        let scenario = &state.scenarios[check.scenario];
        targets.iter().any(|target| target.scenario == *scenario && target.check == check.id)
    };
    let checks = state.beliefs.checks().iter().enumerate();
    let mut valued: Vec<(f64, usize)> = checks
        .filter(|(_, check)| !is_aimed(check))
        .map(|(index, check)| {
            (worth(state, check) * view.rate(place, index) * priority(&check.category), index)
        })
        .filter(|(value, _)| *value > 0.0)
        .collect();
    valued.sort_by(|a, b| b.0.total_cmp(&a.0));
    let targets = valued.into_iter().map(|(_, check)| target(state, parent, check));
    targets.filter(|target| target.passed > 0).take(TARGETS_MAX).collect()
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

/// A check as evidence for the writer: what was seen of the parent, or of its nearest ancestor with episodes.
fn target(state: &State, parent: &PackHash, index: usize) -> Target {
    let check = &state.beliefs.checks()[index];
    let scenario = state.scenarios[check.scenario].clone();
    let mut newest = Some(parent);
    let (mut passed, mut episodes, mut detail) = (0, 0, String::new());
    while let Some((id, member)) = newest.and_then(|id| state.members.get_key_value(id)) {
        let tally = state.beliefs.tally(id, index);
        if tally.episodes > 0 {
            (passed, episodes) = (tally.passed, tally.episodes);
            let failure = member.failures.get(&(scenario.clone(), check.id.clone()));
            detail = failure.cloned().unwrap_or_default();
            break;
        }
        newest = member.candidate.parents.first();
    }
    let belief = believed(state, parent, index);
    let (check, category, points) = (check.id.clone(), check.category.clone(), check.points);
    Target { scenario, check, category, points, passed, episodes, detail, belief }
}

/// The believed pass rate with its 90 % interval.
fn believed(state: &State, id: &PackHash, check: usize) -> Option<Belief> {
    let (view, place) = (state.beliefs.view(), state.place(id));
    let (mean, margin) = (view.rate(place, check), WITHIN_90 * view.rate_sd(place, check)?);
    Some(Belief { mean, low: (mean - margin).max(0.0), high: (mean + margin).min(1.0) })
}

/// Whether the check failed for the parent or one of its ancestors.
fn has_failed(state: &State, parent: &PackHash, check: usize) -> bool {
    let mut next = Some(parent);
    while let Some(member) = next.and_then(|id| state.members.get(id)) {
        let tally = state.beliefs.tally(&member.candidate.id, check);
        if tally.passed < tally.episodes {
            return true;
        }
        next = member.candidate.parents.first();
    }
    false
}

/// How many edits aimed at a check without moving it.
fn stubborn(state: &State) -> Aims {
    let view = state.beliefs.view();
    let mut stubborn = Aims::new();
    for (place, member) in state.members.values().enumerate() {
        if !member.is_measured() {
            continue;
        }
        let Some(parent) = member.candidate.parents.first().map(|parent| state.place(parent)) else {
            continue;
        };
        let aims = member.targets.iter().filter(|target| member.measured(&target.scenario) > 0);
        for check in aims.filter_map(|target| state.check(&target.scenario, &target.check)) {
            if view.rate(place, check) - view.rate(parent, check) < MOVE_MIN {
                *stubborn.entry(check).or_insert(0) += 1;
            }
        }
    }
    stubborn
}
