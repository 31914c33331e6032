//! What a verdict means for the next days: the chance to win a single evaluation by the profile's rule, and how many
//! more episodes would probably decide what is open.

use super::Noise;
use super::comparison::Sample;
use super::state::State;
use crate::event::{Comparison, Posterior, Verdict};
use crate::stats::normal::WITHIN_90;
use crate::stats::power::{ALPHA, POWER, PlannedScenario, detectable, pairs_to_decide, standard_error};
use crate::units::PackHash;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// So many evaluations are drawn.
const EVALUATIONS: u32 = 4_000;
/// A run that would take more than this many times what it had is not worth naming.
const FACTOR_MAX: u32 = 50;

/// Adds the prospects to a verdict.
pub(super) fn tell(state: &State, finalist: &PackHash, sample: &Sample, verdict: Verdict) -> Verdict {
    let told = |comparison: Comparison, is_open: bool| Comparison {
        chance: chance(state, finalist, comparison.posterior.as_ref()),
        episodes_to_decide: if is_open { episodes_to_decide(state, sample, &comparison) } else { None },
        ..comparison
    };
    match verdict {
        Verdict::Better(comparison) => Verdict::Better(told(comparison, false)),
        Verdict::NotShownBetter(comparison) => Verdict::NotShownBetter(told(comparison, true)),
        Verdict::Worse(comparison) => Verdict::Worse(told(comparison, false)),
        Verdict::NotMeasured { reason } => Verdict::NotMeasured { reason },
    }
}

/// The chance that the finalist exceeds the threshold in one evaluation with one episode per scenario each: the
/// difference is drawn from what all episodes say, over the scenarios as the search saw them, with an episode's noise on
/// top of every score.
fn chance(state: &State, finalist: &PackHash, posterior: Option<&Posterior>) -> Option<f64> {
    let (view, place) = (state.beliefs.view(), state.place(finalist));
    let seen = view.value(place) - view.value(0);
    let believed = posterior?.difference;
    let sd = (believed.high - believed.low) / (2.0 * WITHIN_90);
    let (ours, theirs) = (view.scores(place), view.scores(0));
    let scenarios: Vec<(f64, [f64; 2], f64)> = (0..state.scenarios.len())
        .map(|scenario| {
            let noise = view.episode_variances()[scenario].sqrt();
            (state.beliefs.weight(scenario), [ours[scenario], theirs[scenario]], noise)
        })
        .collect();
    let mut rng: ChaCha8Rng = state.run.seed.child("chance", &[]).rng();
    let profile = &state.run.profile;
    let wins = (0..EVALUATIONS).filter(|_| {
        let more = believed.mean + sd * normal(&mut rng) - seen;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (weight, means, noise) in &scenarios {
            let mut score = |mean: f64| (mean + noise * normal(&mut rng)).clamp(0.0, 1.0);
            ours.push((*weight, score(means[0] + more)));
            theirs.push((*weight, score(means[1])));
        }
        let value =
            |scores: &[(f64, f64)]| profile.objective(scores).map_or(0.0, |objective| objective.value);
        profile.beats(value(&ours), value(&theirs))
    });
    Some(f64::from(wins.count() as u32) / f64::from(EVALUATIONS))
}

/// The passes of both packs that show a gain with the usual power; none before the incumbent was measured.
pub(super) fn passes(state: &State, gain: f64) -> Option<u32> {
    is_calibrated(state).then(|| pairs_to_decide(&planned(state, 1), gain, ALPHA, POWER)).flatten()
}

fn is_calibrated(state: &State) -> bool {
    let incumbent = &state.members[state.incumbent()];
    state.scenarios.iter().all(|scenario| incumbent.measured(scenario) > 0)
}

/// How much episodes vary, and what the planned confirmation can find; none before the incumbent was measured.
pub(super) fn noise(state: &State) -> Option<Noise> {
    if !is_calibrated(state) {
        return None;
    }
    let scenarios = planned(state, state.allotment.confirmation_passes);
    let weights: f64 = scenarios.iter().map(|scenario| scenario.weight).sum();
    let variance: f64 = scenarios.iter().map(|s| s.weight * s.pair_variance / 2.0).sum::<f64>() / weights;
    let detectable = detectable(standard_error(&scenarios)?, ALPHA, POWER);
    Some(Noise { episode_sd: variance.sqrt(), pass_sd: pass_sd(&scenarios), detectable })
}

/// The standard deviation of the mean over one episode per scenario.
fn pass_sd(scenarios: &[PlannedScenario]) -> f64 {
    let variance = scenarios.iter().map(|s| s.weight * s.weight * s.pair_variance / 2.0).sum::<f64>();
    variance.sqrt() / scenarios.iter().map(|scenario| scenario.weight).sum::<f64>()
}

/// The scenarios of a comparison with so many pairs each.
fn planned(state: &State, pairs: u32) -> Vec<PlannedScenario> {
    let variances = state.beliefs.view().episode_variances();
    let planned = |scenario: usize| PlannedScenario {
        weight: state.beliefs.weight(scenario),
        pair_variance: 2.0 * variances[scenario],
        pairs,
    };
    (0..state.scenarios.len()).map(planned).collect()
}

/// How many more episodes of confirmation would probably show the gain that is believed now.
fn episodes_to_decide(state: &State, sample: &Sample, comparison: &Comparison) -> Option<u32> {
    let gain = sample.posterior.map_or(comparison.difference, |posterior| posterior.difference.mean);
    let scenarios = planned(state, comparison.passes);
    let passes = pairs_to_decide(&scenarios, gain, ALPHA, POWER)?;
    let episodes = passes.checked_mul(2 * state.scenarios.len() as u32)?;
    let more = episodes.saturating_sub(2 * sample.scenarios.len() as u32 * comparison.passes);
    (more > 0 && more <= FACTOR_MAX.saturating_mul(state.run.budget)).then_some(more)
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}
