//! Confirmation: one finalist, frozen before anything is looked at, against the incumbent on fresh episodes in equal
//! counts; and the verdict. Whatever picked the finalist flatters it, so the fresh episodes must show the gain alone,
//! and with all others together.
//!
//! They are looked at twice, as planned beforehand: what is clear after the first part needs no second.

use super::beliefs::Estimate;
use super::comparison::{Pair, Paired, Sample, judge, mean};
use super::plan::{finalist, run, unmeasured_scenario};
use super::prospects;
use super::state::State;
use crate::event::{Belief, Phase, Planned, Posterior, ProposalFault, Sealed, Verdict};
use crate::score::SAFETY;
use crate::stats::Values;
use crate::stats::discrepancy::{Mixture, reconciled};
use crate::stats::lineage::Normal;
use crate::stats::looks::look_levels;
use crate::units::PackHash;

/// So many joint draws of finalist and incumbent.
const DRAWS: usize = 4_000;
/// The two looks, and one plan that makes up for what could not be measured.
const PLANS_MAX: u32 = 3;
/// The part of the passes before the first look.
const FIRST_LOOK: f64 = 0.6;
/// With fewer pairs there is one look only.
const FIRST_PAIRS_MIN: u32 = 8;
/// The chance that equal packs are told apart, over both looks.
const ALPHA: f64 = 0.05;
/// The gain that confirmation is made for, in margins: less may not win by the margin, more takes less.
const GAIN_SHOWN: f64 = 1.75;
/// Less probably better than this, a finalist is not called the best: with 0.5, what was called the best was worse than
/// the incumbent in a quarter of the nights in which nothing could be gained, and was reported too high for being picked.
const BEST_MIN: f64 = 0.7;
/// A finalist this unlikely to be better is not worth the second part.
const HOPELESS: f64 = 0.02;

/// Plans the pairs that are missing; none when all were measured, or no more can be paid, or the matter is clear.
pub(super) fn plan(state: &State) -> Option<Planned> {
    let finalist = finalist(state)?;
    let plans = state.plans(Phase::Confirm);
    if plans >= PLANS_MAX || state.is_cut || (plans == 1 && is_clear(state, &finalist)) {
        return None;
    }
    let passes = if plans == 0 { first_passes(state) } else { state.allotment.confirmation_passes };
    let kept = state.allotment.held_out;
    let pairs_max = state.run.budget.saturating_sub(state.started).saturating_sub(kept) / 2;
    let mut steps = Vec::new();
    for pass in 0..passes {
        for scenario in &state.scenarios {
            let measured = pairs(state, &finalist, scenario).len() as u32;
            if pass < passes.saturating_sub(measured) && steps.len() < pairs_max as usize {
                steps.push(pair(state, &finalist, scenario, pass));
            }
        }
    }
    (!steps.is_empty())
        .then(|| Planned { phase: Phase::Confirm, steps: steps.into_iter().flatten().collect() })
}

/// The passes that probably show a gain worth having, by the noise of the episodes; none before the incumbent was
/// measured.
pub(super) fn passes(state: &State) -> Option<u32> {
    let incumbent = state.beliefs.view().value(0);
    let margin = state.run.profile.threshold(incumbent) - incumbent;
    prospects::passes(state, GAIN_SHOWN * margin)
}

/// The passes before the first look.
fn first_passes(state: &State) -> u32 {
    let all = state.allotment.confirmation_passes;
    let first = (f64::from(all) * FIRST_LOOK).ceil() as u32;
    if first * state.allotment.scenarios < FIRST_PAIRS_MIN { all } else { first }
}

/// Whether the first look decides: the finalist has won, or can hardly win.
fn is_clear(state: &State, finalist: &PackHash) -> bool {
    if first_passes(state) == state.allotment.confirmation_passes {
        return false;
    }
    let hopeless = posterior(state, finalist).probability_better < HOPELESS;
    hopeless || matches!(verdict(state), Verdict::Better(_))
}

/// The greatest p-value that is a win now: at the first look less than at the last, so that both together are wrong
/// in no more than one run of twenty.
fn level(state: &State) -> f64 {
    let (first, all) = (first_passes(state), state.allotment.confirmation_passes);
    if first == all {
        return ALPHA;
    }
    let levels = look_levels(ALPHA, &[f64::from(first) / f64::from(all.max(1)), 1.0]);
    levels[if state.plans(Phase::Confirm) <= 1 { 0 } else { 1 }]
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

/// Says whether the finalist is better.
pub(super) fn verdict(state: &State) -> Verdict {
    let Some(finalist) = &state.frozen else {
        return Verdict::NotMeasured { reason: why_unconfirmed(state) };
    };
    match sample(state, finalist) {
        Ok(sample) => {
            let mut rng = state.run.seed.child("confirmation", &[]).rng();
            let verdict = judge(&state.run.profile, &sample, &mut rng);
            prospects::tell(state, finalist, &sample, verdict)
        }
        Err(reason) => Verdict::NotMeasured { reason },
    }
}

/// The finalist where it is probably better than the incumbent by all episodes; else the incumbent.
pub(super) fn better(state: &State) -> Option<&PackHash> {
    let finalist = state.frozen.as_ref()?;
    let is_better = posterior(state, finalist).probability_better > BEST_MIN;
    Some(if is_better { finalist } else { state.incumbent() })
}

/// What all episodes of the run say of the finalist: those of the search, pooled along the lineage, and the fresh
/// ones, which show how far the pooling is to be trusted.
fn posterior(state: &State, finalist: &PackHash) -> Posterior {
    let drawn = pooled(state, finalist);
    let differences = (0..drawn.draws).map(|draw| drawn.row(draw)).map(|row| row[1] - row[0]);
    let pooled = spread(differences.collect());
    let believed = match fresh(state, finalist) {
        Some(fresh) => reconciled(pooled, fresh),
        None => Mixture::of(pooled),
    };
    let incumbent = state.beliefs.view().value(0);
    let margin = state.run.profile.threshold(incumbent) - incumbent;
    Posterior {
        difference: Belief {
            mean: believed.mean(),
            low: believed.quantile(0.05),
            high: believed.quantile(0.95),
        },
        probability_better: believed.probability_above(0.0),
        probability_margin: believed.probability_above(margin),
    }
}

/// The objective of the finalist or the incumbent by all of its episodes, once fresh ones were run.
pub(super) fn value(state: &State, id: &PackHash) -> Option<Estimate> {
    let finalist = state.frozen.as_ref()?;
    let pick: fn(&Pair) -> f64 = match id {
        id if id == finalist => |pair| pair.finalist,
        id if id == state.incumbent() => |pair| pair.incumbent,
        _ => return None,
    };
    let drawn = pooled(state, finalist);
    let column = usize::from(id == finalist);
    let pooled = spread((0..drawn.draws).map(|draw| drawn.row(draw)[column]).collect());
    let believed = reconciled(pooled, fresh_objective(state, finalist, pick)?);
    Some(Estimate { value: believed.mean(), se: believed.variance().sqrt() })
}

/// Joint draws of the objectives of incumbent and finalist by the episodes of the search, pooled along the lineage.
fn pooled(state: &State, finalist: &PackHash) -> Values {
    let mut rng = state.run.seed.child("pooled", &[]).rng();
    let pair = [0, state.place(finalist)];
    state.beliefs.view().objectives(&pair, DRAWS, &mut rng)
}

/// The mean and variance of some draws.
fn spread(draws: Vec<f64>) -> Normal {
    let count = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / count;
    let variance = draws.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    Normal { mean, variance }
}

/// The difference by the fresh pairs alone; none while a scenario has none.
fn fresh(state: &State, finalist: &PackHash) -> Option<Normal> {
    let ours = fresh_objective(state, finalist, |pair| pair.finalist)?;
    let theirs = fresh_objective(state, finalist, |pair| pair.incumbent)?;
    Some(Normal { mean: ours.mean - theirs.mean, variance: ours.variance + theirs.variance })
}

/// The objective of one side of the fresh pairs, with the variance of its linear part.
fn fresh_objective(state: &State, finalist: &PackHash, pick: fn(&Pair) -> f64) -> Option<Normal> {
    let variances = state.beliefs.view().episode_variances();
    let (mut scores, mut variance) = (Vec::new(), 0.0);
    for (scenario, name) in state.scenarios.iter().enumerate() {
        let (weight, pairs) = (state.beliefs.weight(scenario), pairs(state, finalist, name));
        if pairs.is_empty() {
            return None;
        }
        scores.push((weight, pick(&mean(&pairs))));
        variance += weight * weight * variances[scenario] / pairs.len() as f64;
    }
    Some(Normal { mean: state.run.profile.objective(&scores)?.value, variance })
}

/// What the scenarios say that the search never saw, once they were run.
fn sealed(state: &State, finalist: &PackHash) -> Option<Sealed> {
    let (ours, theirs) = (&state.members[finalist].sealed, &state.members[state.incumbent()].sealed);
    let pairs: Vec<(f64, f64)> = state
        .run
        .scenarios
        .iter()
        .filter_map(|scenario| {
            let difference = ours.get(&scenario.name)? - theirs.get(&scenario.name)?;
            Some((scenario.weight, difference))
        })
        .collect();
    let weights: f64 = pairs.iter().map(|(weight, _)| weight).sum();
    if pairs.is_empty() || weights <= 0.0 {
        return None;
    }
    let difference = pairs.iter().map(|(weight, difference)| weight * difference).sum::<f64>() / weights;
    // Sealed scenarios vary as the others do, as far as anybody knows.
    let variances = state.beliefs.view().episode_variances();
    let variance = variances.iter().sum::<f64>() / variances.len().max(1) as f64;
    let squares: f64 = pairs.iter().map(|(weight, _)| (weight / weights).powi(2)).sum();
    Some(Sealed { episodes: pairs.len() as u32, difference, se: (2.0 * variance * squares).sqrt() })
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
            format!("it does not hold beyond the suite: {}", names.join(", "))
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
    let is_first = state.plans(Phase::Confirm) <= 1;
    let passes = if is_first { first_passes(state) } else { state.allotment.confirmation_passes };
    let planned = passes * state.allotment.scenarios;
    Ok(Sample {
        scenarios,
        planned,
        has_safety,
        posterior: Some(posterior(state, finalist)),
        sealed: sealed(state, finalist),
        p_value_max: level(state),
    })
}

/// The repeats in which both packs were measured.
fn pairs(state: &State, finalist: &PackHash, scenario: &str) -> Vec<Pair> {
    let fresh = |id: &PackHash| state.members[id].confirmed.get(scenario);
    let (Some(ours), Some(theirs)) = (fresh(finalist), fresh(state.incumbent())) else { return Vec::new() };
    ours.iter().filter_map(|(repeat, fresh)| Some(Pair::of(*fresh, *theirs.get(repeat)?))).collect()
}
