//! Confirmation: one finalist, frozen before anything is looked at, against the incumbent on fresh episodes
//! in equal counts; and the verdict, which rests on these episodes alone. Whatever picked the finalist
//! flatters it.

use super::comparison::{Pair, Paired, Sample, judge};
use super::plan::{finalist, run, unmeasured_scenario};
use super::state::State;
use crate::event::{Phase, Planned, ProposalFault, Verdict};
use crate::score::SAFETY;
use crate::units::PackHash;

/// The first plan, and those that make up for what could not be measured.
const PLANS_MAX: u32 = 3;

/// Plans the pairs that are missing; none when all were measured, or no more can be paid.
pub(super) fn plan(state: &State) -> Option<Planned> {
    let finalist = finalist(state)?;
    if state.plans(Phase::Confirm) >= PLANS_MAX || state.is_cut {
        return None;
    }
    let kept = state.allotment.held_out;
    let pairs_max = state.run.budget.saturating_sub(state.started).saturating_sub(kept) / 2;
    let mut steps = Vec::new();
    for pass in 0..state.allotment.confirmation_passes {
        for scenario in &state.scenarios {
            let measured = pairs(state, &finalist, scenario).len() as u32;
            if pass < state.allotment.confirmation_passes.saturating_sub(measured)
                && steps.len() < pairs_max as usize
            {
                steps.push(pair(state, &finalist, scenario, pass));
            }
        }
    }
    (!steps.is_empty())
        .then(|| Planned { phase: Phase::Confirm, steps: steps.into_iter().flatten().collect() })
}

/// Both packs under the same repeat, which neither has used; who goes first alternates.
fn pair(state: &State, finalist: &PackHash, scenario: &str, pass: u32) -> [crate::event::Step; 2] {
    let incumbent = state.incumbent();
    let fresh = state.members[finalist].repeat(scenario).max(state.members[incumbent].repeat(scenario));
    let mut pair = [run(finalist, scenario, fresh + pass), run(incumbent, scenario, fresh + pass)];
    if pass % 2 == 1 {
        pair.reverse();
    }
    pair
}

/// Says whether the finalist is better, by the confirmation episodes.
pub(super) fn verdict(state: &State) -> Verdict {
    match &state.frozen {
        Some(finalist) => match sample(state, finalist) {
            Ok(sample) => {
                let mut rng = state.run.seed.child("confirmation", &[]).rng();
                judge(&state.run.profile, &sample, &mut rng)
            }
            Err(reason) => Verdict::NotMeasured { reason },
        },
        None => Verdict::NotMeasured { reason: why_unconfirmed(state) },
    }
}

fn why_unconfirmed(state: &State) -> String {
    if let Some(limited) = state.limited.as_ref().filter(|_| state.is_limited()) {
        return format!("{} before a candidate could be confirmed", limited.limit);
    }
    if !state.allotment.can_confirm() {
        return state.allotment.shortage();
    }
    if let Some(scenario) = unmeasured_scenario(state) {
        return format!("no episode of the incumbent on scenario `{scenario}` could be measured");
    }
    if finalist(state).is_some() {
        return "the run ended before a candidate was confirmed".to_owned();
    }
    match &state.last_fault {
        Some(fault) => {
            format!("no candidate was measured; the writer's last proposal failed: {}", describe(fault))
        }
        None => "no candidate was measured".to_owned(),
    }
}

fn describe(fault: &ProposalFault) -> String {
    match fault {
        ProposalFault::Unreachable { problem } | ProposalFault::Unusable { problem } => problem.clone(),
        ProposalFault::Duplicate { of } => format!("it repeats candidate {}", of.short()),
        ProposalFault::TooLong { utf16_units } => format!("its {utf16_units} UTF-16 units are too long"),
        ProposalFault::Overfitted { names } => {
            format!("it names facts of the fixtures: {}", names.join(", "))
        }
        ProposalFault::LimitReached { limit } => limit.to_string(),
    }
}

fn sample(state: &State, finalist: &PackHash) -> Result<Sample, String> {
    let searched = state.run.scenarios.iter().filter(|scenario| !scenario.held_out);
    // Checks that an external evaluator names are known by what was scored alone.
    let mut fresh = state.members[finalist].confirmed.values().flat_map(|repeats| repeats.values());
    let has_safety = fresh.any(|fresh| fresh.safety.is_some())
        || searched.clone().flat_map(|scenario| &scenario.checks).any(|check| check.category == SAFETY);
    let scenarios: Vec<Paired> = searched
        .map(|scenario| Paired { weight: scenario.weight, pairs: pairs(state, finalist, &scenario.name) })
        .collect();
    if let Some(index) = scenarios.iter().position(|paired| paired.pairs.is_empty()) {
        let scenario = &state.scenarios[index];
        return Err(format!("no fresh pair of episodes on scenario `{scenario}` could be measured"));
    }
    if scenarios.iter().map(|paired| paired.pairs.len()).sum::<usize>() < 2 {
        return Err("a single pair of episodes cannot show its own spread".to_owned());
    }
    let planned = state.allotment.confirmation_passes * state.allotment.scenarios;
    Ok(Sample { scenarios, planned, has_safety })
}

/// The repeats in which both packs were measured.
fn pairs(state: &State, finalist: &PackHash, scenario: &str) -> Vec<Pair> {
    let fresh = |id: &PackHash| state.members[id].confirmed.get(scenario);
    let (Some(ours), Some(theirs)) = (fresh(finalist), fresh(state.incumbent())) else { return Vec::new() };
    ours.iter().filter_map(|(repeat, fresh)| Some(Pair::of(*fresh, *theirs.get(repeat)?))).collect()
}
