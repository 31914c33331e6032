//! Confirmation: one finalist, frozen before anything is looked at, against the incumbent on fresh episodes
//! in equal counts; and the verdict, which rests on these episodes alone. Whatever picked the finalist
//! flatters it.

use super::plan::{finalist, run, unmeasured_scenario};
use super::state::State;
use crate::event::{Comparison, Phase, Planned, ProposalFault, Verdict};
use crate::units::PackHash;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// The first plan, and those that make up for what could not be measured.
const PLANS_MAX: u32 = 3;
const RESAMPLES: usize = 2_000;

/// Plans the pairs that are missing; none when all were measured, or no more can be paid.
pub(super) fn plan(state: &State) -> Option<Planned> {
    let finalist = finalist(state)?;
    if state.plans(Phase::Confirm) >= PLANS_MAX {
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
            Ok(sample) => judge(state, &sample),
            Err(reason) => Verdict::NotMeasured { reason },
        },
        None => Verdict::NotMeasured { reason: why_unconfirmed(state) },
    }
}

fn why_unconfirmed(state: &State) -> String {
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
    }
}

/// A scenario's pairs of scores: finalist, incumbent.
struct Paired {
    weight: f64,
    pairs: Vec<(f64, f64)>,
}

fn sample(state: &State, finalist: &PackHash) -> Result<Vec<Paired>, String> {
    let scenarios = state.run.scenarios.iter().filter(|scenario| !scenario.held_out);
    let sample: Vec<Paired> = scenarios
        .map(|scenario| Paired { weight: scenario.weight, pairs: pairs(state, finalist, &scenario.name) })
        .collect();
    if let Some(index) = sample.iter().position(|paired| paired.pairs.is_empty()) {
        let scenario = &state.scenarios[index];
        return Err(format!("no fresh pair of episodes on scenario `{scenario}` could be measured"));
    }
    if sample.iter().map(|paired| paired.pairs.len()).sum::<usize>() < 2 {
        return Err("a single pair of episodes cannot show its own spread".to_owned());
    }
    Ok(sample)
}

/// The scores of the repeats in which both packs were measured.
fn pairs(state: &State, finalist: &PackHash, scenario: &str) -> Vec<(f64, f64)> {
    let scores = |id: &PackHash| state.members[id].confirmed.get(scenario);
    let (Some(ours), Some(theirs)) = (scores(finalist), scores(state.incumbent())) else { return Vec::new() };
    ours.iter().filter_map(|(repeat, score)| Some((*score, *theirs.get(repeat)?))).collect()
}

fn judge(state: &State, sample: &[Paired]) -> Verdict {
    let means: Vec<(f64, (f64, f64))> =
        sample.iter().map(|paired| (paired.weight, mean(&paired.pairs))).collect();
    let (finalist, incumbent) = objectives(state, &means);
    let mut differences = resample(state, sample, &means);
    differences.sort_by(f64::total_cmp);
    let quantile = |share: f64| differences[((RESAMPLES - 1) as f64 * share).round() as usize];
    let better = differences.iter().filter(|difference| **difference > 0.0).count();
    let comparison = Comparison {
        passes: sample.iter().map(|paired| paired.pairs.len()).min().unwrap_or(0) as u32,
        finalist,
        incumbent,
        difference: finalist - incumbent,
        low: quantile(0.05),
        high: quantile(0.95),
        probability_better: better as f64 / RESAMPLES as f64,
        threshold: state.run.profile.threshold(incumbent),
    };
    // The margin alone is passed by luck: by one run in seven at 200 episodes, by one in three at 60.
    if state.run.profile.beats(finalist, incumbent) && comparison.low > 0.0 {
        Verdict::Better(comparison)
    } else if comparison.high < 0.0 {
        Verdict::Worse(comparison)
    } else {
        Verdict::NotShownBetter(comparison)
    }
}

/// Differences of the objectives when the pairs are drawn anew: every scenario keeps its mean, and gets the
/// mean of as many deviations as it has pairs, drawn from those of all scenarios.
fn resample(state: &State, sample: &[Paired], means: &[(f64, (f64, f64))]) -> Vec<f64> {
    let deviations = deviations(sample, means);
    let mut rng = state.run.seed.child("confirmation", &[]).rng();
    let mut draw = || {
        let drawn = sample.iter().zip(means).map(|(paired, (weight, (ours, theirs)))| {
            let (a, b) = mean_draw(&deviations, paired.pairs.len(), &mut rng);
            (*weight, (ours + a, theirs + b))
        });
        let (finalist, incumbent) = objectives(state, &drawn.collect::<Vec<_>>());
        finalist - incumbent
    };
    (0..RESAMPLES).map(|_| draw()).collect()
}

fn mean_draw(deviations: &[(f64, f64)], count: usize, rng: &mut ChaCha8Rng) -> (f64, f64) {
    let drawn: Vec<(f64, f64)> =
        (0..count).map(|_| deviations[rng.random_range(0..deviations.len())]).collect();
    mean(&drawn)
}

/// How pairs deviate from their scenario's mean. Where no scenario has two pairs, how the scenarios'
/// differences deviate from each other: that is more than noise, never less.
fn deviations(sample: &[Paired], means: &[(f64, (f64, f64))]) -> Vec<(f64, f64)> {
    let repeated = || sample.iter().zip(means).filter(|(paired, _)| paired.pairs.len() > 1);
    let count: usize = repeated().map(|(paired, _)| paired.pairs.len()).sum();
    if count > 0 {
        let factor = stretch(count, repeated().count());
        let deviations = repeated().flat_map(|(paired, (_, (ours, theirs)))| {
            paired.pairs.iter().map(move |(a, b)| ((a - ours) * factor, (b - theirs) * factor))
        });
        return deviations.collect();
    }
    let differences: Vec<(f64, f64)> = means.iter().map(|(_, (ours, theirs))| (ours - theirs, 0.0)).collect();
    let (centre, _) = mean(&differences);
    let factor = stretch(differences.len(), 1);
    differences.iter().map(|(difference, _)| ((difference - centre) * factor, 0.0)).collect()
}

/// By how much deviations from `means` means of `count` values must be widened: values deviate less from a
/// mean that they made themselves, and few of them show too little of the spread (as Student's t accounts
/// for).
fn stretch(count: usize, means: usize) -> f64 {
    let freedom = (count - means) as f64;
    (count as f64 / freedom).sqrt() * (1.0 + 1.0 / freedom)
}

fn objectives(state: &State, means: &[(f64, (f64, f64))]) -> (f64, f64) {
    let of = |pick: fn(&(f64, f64)) -> f64| {
        let scores: Vec<(f64, f64)> = means.iter().map(|(weight, pair)| (*weight, pick(pair))).collect();
        state.run.profile.objective(&scores).map_or(0.0, |objective| objective.value)
    };
    (of(|pair| pair.0), of(|pair| pair.1))
}

fn mean(pairs: &[(f64, f64)]) -> (f64, f64) {
    let count = pairs.len().max(1) as f64;
    let sum = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    (sum.0 / count, sum.1 / count)
}
