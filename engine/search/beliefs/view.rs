//! What follows from the evidence: believed pass rates and objectives of all candidates, and how the objectives of
//! the best and the newest vary together.
//!
//! Checks are believed independently of each other given the lineage, so the covariance of a scenario's score is
//! the sum of its checks' covariances, weighted by their shares squared.

use super::{AIMED_VARIANCE, ASIDE_VARIANCE, Beliefs, ROOT_VARIANCE};
use crate::search::target::CheckRef;
use crate::stats::joint::Joint;
use crate::stats::lineage::Normal;
use crate::stats::normal;
use nalgebra::DMatrix;
use std::collections::HashMap;

/// The candidates whose covariance is computed: all of them, up to so many, else the best and the newest.
const SHORT_MAX: usize = 64;
const NEWEST: usize = 24;
/// How much evidence the expected size of an edit's moves is worth, as a sum of expected squared moves.
const EXPECTED_PRIOR: f64 = 5.0;
/// By how much that size may be wrong.
const SCALE_MIN: f64 = 0.25;
const SCALE_MAX: f64 = 12.0;

/// Beliefs about all candidates at one moment. Candidates are named by their places.
#[derive(Clone, Debug)]
pub(in crate::search) struct View {
    /// By check, then candidate.
    rates: Vec<Vec<f64>>,
    /// By check, then short-listed candidate.
    rate_variances: Vec<Vec<f64>>,
    values: Vec<f64>,
    safeties: Vec<f64>,
    short: Vec<usize>,
    short_places: HashMap<usize, usize>,
    /// Of the short-listed candidates' scores, by scenario.
    scores: Vec<Joint>,
    /// Of the linear part of their objectives.
    objectives: Joint,
    /// Of what their safety checks earn.
    safety: Joint,

    /// The variance of one episode's score, by scenario.
    pub episode_variances: Vec<f64>,
}

/// An estimate with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::search) struct Estimate {
    pub value: f64,
    pub se: f64,
}

impl Estimate {
    /// The probability that it is above a threshold.
    pub fn probability_above(&self, threshold: f64) -> f64 {
        normal::above(self.value, self.se * self.se, threshold)
    }
}

impl View {
    pub(super) fn of(beliefs: &Beliefs) -> View {
        let variances: Vec<f64> =
            (0..beliefs.checks.len()).map(|check| beliefs.check_variance(check)).collect();
        let design_effect = beliefs.design_effect(&variances).value();
        let moves = moves(beliefs, &variances);
        let elimination = beliefs.lineage.plan();
        let posteriors: Vec<_> = (0..beliefs.checks.len())
            .map(|check| {
                let root = Normal { mean: beliefs.pooled_rate(check), variance: ROOT_VARIANCE };
                let seen = beliefs.seen(check, variances[check] * design_effect);
                elimination.posterior(root, &beliefs.moved(check, moves), &seen)
            })
            .collect();
        let rates: Vec<Vec<f64>> = posteriors.iter().map(|posterior| posterior.means().to_vec()).collect();
        let values = values(beliefs, &rates);
        let safeties = safeties(beliefs, &rates);
        let short = short_list(&values);
        let joints: Vec<Joint> = posteriors.iter().map(|posterior| posterior.joint(&short)).collect();
        let pull = |check: &CheckRef| beliefs.weights[check.scenario] * check.share;
        let checks = || beliefs.checks.iter().zip(&joints);
        let sum = |parts: &mut dyn Iterator<Item = (f64, &Joint)>| {
            Joint::sum(parts).unwrap_or_else(|| nothing(short.len()))
        };
        let scores = (0..beliefs.weights.len())
            .map(|scenario| {
                let own = checks().filter(|(check, _)| check.scenario == scenario);
                sum(&mut own.map(|(check, joint)| (check.share, joint)))
            })
            .collect();
        let objectives = sum(&mut checks().map(|(check, joint)| (pull(check), joint)));
        let safe = checks().filter(|(check, _)| check.is_safety());
        let safety = sum(&mut safe.map(|(check, joint)| (pull(check), joint)));
        let variances_of = |joint: &Joint| joint.covariance.diagonal().iter().copied().collect();
        let rate_variances = joints.iter().map(variances_of).collect();
        let mut episode_variances = vec![0.0; beliefs.weights.len()];
        for (check, variance) in beliefs.checks.iter().zip(&variances) {
            episode_variances[check.scenario] += check.share * check.share * variance * design_effect;
        }
        let short_places = short.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        View {
            rates,
            rate_variances,
            values,
            safeties,
            short,
            short_places,
            scores,
            objectives,
            safety,
            episode_variances,
        }
    }

    /// The believed pass rate of a check.
    pub fn rate(&self, candidate: usize, check: usize) -> f64 {
        self.rates[check][candidate].clamp(0.0, 1.0)
    }

    /// The standard deviation of that belief; none for a candidate far from the best.
    pub fn rate_sd(&self, candidate: usize, check: usize) -> Option<f64> {
        Some(self.rate_variances[check][*self.short_places.get(&candidate)?].max(0.0).sqrt())
    }

    /// The objective at the believed pass rates.
    pub fn value(&self, candidate: usize) -> f64 {
        self.values[candidate]
    }

    /// The objective and how uncertain it is; none for a candidate far from the best.
    pub fn estimate(&self, candidate: usize) -> Option<Estimate> {
        let place = *self.short_places.get(&candidate)?;
        let variance = self.objectives.covariance[(place, place)];
        Some(Estimate { value: self.values[candidate], se: variance.max(0.0).sqrt() })
    }

    /// How much better one candidate is than another; none where one is far from the best.
    pub fn difference(&self, candidate: usize, other: usize) -> Option<Estimate> {
        let se =
            spread(&self.objectives, *self.short_places.get(&candidate)?, *self.short_places.get(&other)?);
        Some(Estimate { value: self.values[candidate] - self.values[other], se })
    }

    /// How much more one candidate earns by safety checks than another.
    pub fn safety_difference(&self, candidate: usize, other: usize) -> Option<Estimate> {
        let se = spread(&self.safety, *self.short_places.get(&candidate)?, *self.short_places.get(&other)?);
        Some(Estimate { value: self.safeties[candidate] - self.safeties[other], se })
    }

    /// The scores of two candidates on a scenario: means, and the covariance of the pair.
    pub fn score_pair(&self, scenario: usize, candidate: usize, other: usize) -> Option<Joint> {
        let pair = [*self.short_places.get(&candidate)?, *self.short_places.get(&other)?];
        let joint = &self.scores[scenario];
        Some(Joint {
            means: pair.iter().map(|place| joint.means[*place]).collect(),
            covariance: DMatrix::from_fn(2, 2, |row, column| joint.covariance[(pair[row], pair[column])]),
        })
    }

    /// The objective of a combination of candidates.
    pub(super) fn promise(&self, origin: &[(usize, f64)], beliefs: &Beliefs) -> f64 {
        let mut scores = vec![0.0; beliefs.weights.len()];
        for (check, rates) in beliefs.checks.iter().zip(&self.rates) {
            let rate: f64 = origin.iter().map(|(candidate, part)| part * rates[*candidate]).sum();
            scores[check.scenario] += check.share * rate.clamp(0.0, 1.0);
        }
        beliefs.objective(&scores)
    }

    /// The candidates of which differences are known.
    pub fn short(&self) -> &[usize] {
        &self.short
    }
}

fn spread(joint: &Joint, a: usize, b: usize) -> f64 {
    joint.difference(a, b).1.sqrt()
}

/// The sum of no checks.
fn nothing(candidates: usize) -> Joint {
    Joint { means: vec![0.0; candidates], covariance: DMatrix::zeros(candidates, candidates) }
}

fn short_list(values: &[f64]) -> Vec<usize> {
    let mut short: Vec<usize> = (0..values.len()).collect();
    if short.len() > SHORT_MAX {
        let oldest_new = values.len() - NEWEST;
        let mut others: Vec<usize> = (1..oldest_new).collect();
        others.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        others.truncate(SHORT_MAX - NEWEST - 1);
        short = std::iter::once(0).chain(others).chain(oldest_new..values.len()).collect();
        short.sort_unstable();
    }
    short
}

fn values(beliefs: &Beliefs, rates: &[Vec<f64>]) -> Vec<f64> {
    let mut scores = vec![vec![0.0; beliefs.weights.len()]; beliefs.nodes.len()];
    for (check, rates) in beliefs.checks.iter().zip(rates) {
        for (scores, rate) in scores.iter_mut().zip(rates) {
            scores[check.scenario] += check.share * rate.clamp(0.0, 1.0);
        }
    }
    scores.iter().map(|scores| beliefs.objective(scores)).collect()
}

fn safeties(beliefs: &Beliefs, rates: &[Vec<f64>]) -> Vec<f64> {
    let mut safeties = vec![0.0; beliefs.nodes.len()];
    for (check, rates) in beliefs.checks.iter().zip(rates).filter(|(check, _)| check.is_safety()) {
        for (safety, rate) in safeties.iter_mut().zip(rates) {
            *safety += beliefs.weights[check.scenario] * check.share * rate.clamp(0.0, 1.0);
        }
    }
    safeties
}

/// The variances of an edit's moves, aimed and aside: as expected, times how much more candidates differ from the
/// incumbent than noise and the expected moves on the way to them explain. One rule for how to act may move checks
/// of all scenarios, and a writer may do much or little at once; what fits one benchmark misleads on another.
fn moves(beliefs: &Beliefs, variances: &[f64]) -> (f64, f64) {
    let root = &beliefs.nodes[0];
    let (mut excess, mut expected) = (EXPECTED_PRIOR, EXPECTED_PRIOR);
    for (check, variance) in variances.iter().enumerate() {
        let Some(theirs) = root.tallies.get(check).filter(|tally| tally.episodes > 0) else { continue };
        let mut moved = vec![0.0; beliefs.nodes.len()];
        for (place, node) in beliefs.nodes.iter().enumerate().skip(1) {
            let own = if node.aims.contains(&check) { AIMED_VARIANCE } else { ASIDE_VARIANCE };
            let before: f64 = node.origin.iter().map(|(parent, part)| part * moved[*parent]).sum();
            moved[place] = before.max(0.0) + own;
            let Some(ours) = node.tallies.get(check).filter(|tally| tally.episodes > 0) else { continue };
            let (n, m) = (f64::from(ours.episodes), f64::from(theirs.episodes));
            let difference = ours.earned / n - theirs.earned / m;
            excess += difference * difference - variance * (1.0 / n + 1.0 / m);
            expected += moved[place];
        }
    }
    let scale = (excess / expected).clamp(SCALE_MIN, SCALE_MAX);
    (AIMED_VARIANCE * scale, ASIDE_VARIANCE * scale)
}
