//! What follows from the evidence: believed pass rates and objectives of all candidates, and how the objectives of
//! the best and the newest vary together.
//!
//! Checks are believed independently of each other given the lineage, so the covariance of a scenario's score is
//! the sum of its checks' covariances, weighted by their shares squared. Candidates that came after the last
//! evidence change nothing that is believed of the others: they are sums of these, and of moves of their own.

use super::Beliefs;
use super::base::Base;
use crate::stats::joint::Joint;
use crate::stats::normal;
use crate::stats::values::{ScenarioDraws, Values, objective_draws, penalised};
use nalgebra::DMatrix;
use rand::rngs::ChaCha8Rng;
use std::sync::Arc;

/// Beliefs about all candidates at one moment. Candidates are named by their places.
#[derive(Clone, Debug)]
pub(in crate::search) struct View {
    base: Arc<Base>,
    /// Those that came after.
    newest: Vec<Newest>,
    short: Vec<usize>,
}

/// A candidate that came after the last evidence.
#[derive(Clone, Debug)]
struct Newest {
    /// By check.
    rates: Vec<f64>,
    value: f64,
    safety: f64,
    /// None where it is made of one far from the best.
    parts: Option<Parts>,
    /// By check, the variance of its own move.
    moved: Vec<f64>,
}

/// A sum of short-listed candidates and of the newest ones' own moves, each with its coefficient.
#[derive(Clone, Debug, Default)]
struct Parts {
    short: Vec<(usize, f64)>,
    moves: Vec<(usize, f64)>,
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

impl Parts {
    fn add(&mut self, other: &Parts, part: f64) {
        add(&mut self.short, &other.short, part);
        add(&mut self.moves, &other.moves, part);
    }
}

fn add(sum: &mut Vec<(usize, f64)>, others: &[(usize, f64)], part: f64) {
    for (place, coefficient) in others {
        match sum.iter_mut().find(|(known, _)| known == place) {
            Some((_, sum)) => *sum += part * coefficient,
            None => sum.push((*place, part * coefficient)),
        }
    }
    sum.retain(|(_, coefficient)| *coefficient != 0.0);
}

impl View {
    pub(super) fn of(beliefs: &Beliefs, base: Arc<Base>) -> View {
        let short = base.short.clone();
        let mut view = View { base, newest: Vec::new(), short };
        for place in view.base.count..beliefs.nodes.len() {
            let newest = view.descended(beliefs, place);
            view.short.extend(newest.parts.is_some().then_some(place));
            view.newest.push(newest);
        }
        view
    }

    /// A candidate of which nothing was seen yet.
    fn descended(&self, beliefs: &Beliefs, place: usize) -> Newest {
        let node = &beliefs.nodes[place];
        let rates: Vec<f64> = (0..beliefs.checks.len())
            .map(|check| node.origin.iter().map(|(parent, part)| part * self.mean(*parent, check)).sum())
            .collect();
        let mut parts = Some(Parts { moves: vec![(place - self.base.count, 1.0)], ..Parts::default() });
        for (parent, part) in &node.origin {
            parts = parts.zip(self.parts(*parent)).map(|(mut sum, parent)| {
                sum.add(&parent, *part);
                sum
            });
        }
        let moved = (0..beliefs.checks.len()).map(|check| node.moved(check, self.base.moves)).collect();
        let (value, safety) = (beliefs.value(rates.iter().copied()), beliefs.safety(rates.iter().copied()));
        Newest { rates, value, safety, parts, moved }
    }

    fn parts(&self, candidate: usize) -> Option<Parts> {
        match candidate.checked_sub(self.base.count) {
            Some(newest) => self.newest[newest].parts.clone(),
            None => {
                let place = self.base.short.binary_search(&candidate).ok()?;
                Some(Parts { short: vec![(place, 1.0)], moves: Vec::new() })
            }
        }
    }

    /// The variance of a sum, over checks with weights.
    fn variance(&self, parts: &Parts, weights: &[f64]) -> f64 {
        self.covariance(parts, parts, weights).max(0.0)
    }

    /// The covariance of two sums, over checks with weights.
    fn covariance(&self, a: &Parts, b: &Parts, weights: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (ours, part) in &a.short {
            for (theirs, other) in &b.short {
                sum += part * other * self.base.spread.covariance(*ours, *theirs, weights);
            }
        }
        for (newest, part) in &a.moves {
            let Some((_, other)) = b.moves.iter().find(|(move_of, _)| move_of == newest) else { continue };
            let moved = self.newest[*newest].moved.iter().zip(weights);
            sum += part * other * moved.map(|(moved, weight)| moved * weight).sum::<f64>();
        }
        sum
    }

    /// Joint draws of the objectives of some candidates, the variance penalty computed within each; none where one is
    /// far from the best.
    pub fn objectives(
        &self,
        candidates: &[usize],
        beliefs: &Beliefs,
        draws: usize,
        rng: &mut ChaCha8Rng,
    ) -> Option<Values> {
        let parts: Vec<Parts> =
            candidates.iter().map(|candidate| self.parts(*candidate)).collect::<Option<_>>()?;
        let drawn: Vec<ScenarioDraws> = (0..beliefs.weights.len())
            .map(|scenario| {
                let shares = beliefs.shares(scenario);
                let squares: Vec<f64> = shares.iter().map(|share| share * share).collect();
                let mean = |candidate: &usize| {
                    let means = shares.iter().enumerate();
                    means.map(|(check, share)| share * self.mean(*candidate, check)).sum()
                };
                let size = candidates.len();
                let covariance = DMatrix::from_fn(size, size, |a, b| {
                    self.covariance(&parts[a.max(b)], &parts[a.min(b)], &squares)
                });
                let joint = Joint { means: candidates.iter().map(mean).collect(), covariance };
                ScenarioDraws::of(beliefs.weights[scenario], [(1.0, &joint)], draws, rng)
            })
            .collect::<Option<_>>()?;
        Some(objective_draws(&drawn, penalised(beliefs.rho)))
    }

    fn mean(&self, candidate: usize, check: usize) -> f64 {
        match candidate.checked_sub(self.base.count) {
            Some(newest) => self.newest[newest].rates[check],
            None => self.base.rates[check][candidate],
        }
    }

    /// The believed pass rate of a check.
    pub fn rate(&self, candidate: usize, check: usize) -> f64 {
        self.mean(candidate, check).clamp(0.0, 1.0)
    }

    /// The standard deviation of that belief; none for a candidate far from the best.
    pub fn rate_sd(&self, candidate: usize, check: usize) -> Option<f64> {
        let mut weights = vec![0.0; self.base.rates.len()];
        weights[check] = 1.0;
        Some(self.variance(&self.parts(candidate)?, &weights).sqrt())
    }

    /// The objective at the believed pass rates.
    pub fn value(&self, candidate: usize) -> f64 {
        match candidate.checked_sub(self.base.count) {
            Some(newest) => self.newest[newest].value,
            None => self.base.values[candidate],
        }
    }

    fn safety(&self, candidate: usize) -> f64 {
        match candidate.checked_sub(self.base.count) {
            Some(newest) => self.newest[newest].safety,
            None => self.base.safeties[candidate],
        }
    }

    /// The objective and how uncertain its linear part is; none for a candidate far from the best.
    pub fn estimate(&self, candidate: usize) -> Option<Estimate> {
        let variance = self.variance(&self.parts(candidate)?, &self.base.pulls);
        Some(Estimate { value: self.value(candidate), se: variance.sqrt() })
    }

    /// How much better one candidate is than another; none where one is far from the best.
    pub fn difference(&self, candidate: usize, other: usize) -> Option<Estimate> {
        let variance = self.variance(&self.apart(candidate, other)?, &self.base.pulls);
        Some(Estimate { value: self.value(candidate) - self.value(other), se: variance.sqrt() })
    }

    /// How much more one candidate earns by safety checks than another.
    pub fn safety_difference(&self, candidate: usize, other: usize) -> Option<Estimate> {
        let variance = self.variance(&self.apart(candidate, other)?, &self.base.safety_pulls);
        Some(Estimate { value: self.safety(candidate) - self.safety(other), se: variance.sqrt() })
    }

    fn apart(&self, candidate: usize, other: usize) -> Option<Parts> {
        let mut parts = self.parts(candidate)?;
        parts.add(&self.parts(other)?, -1.0);
        Some(parts)
    }

    /// The variance of one episode's score, by scenario.
    pub fn episode_variances(&self) -> &[f64] {
        &self.base.episode_variances
    }

    /// The believed scores of a candidate, by scenario.
    pub fn scores(&self, candidate: usize, beliefs: &Beliefs) -> Vec<f64> {
        beliefs.scores((0..beliefs.checks.len()).map(|check| self.mean(candidate, check)))
    }

    /// The objective of a combination of candidates.
    pub(super) fn promise(&self, origin: &[(usize, f64)], beliefs: &Beliefs) -> f64 {
        let rate = |check| origin.iter().map(|(candidate, part)| part * self.mean(*candidate, check)).sum();
        beliefs.value((0..beliefs.checks.len()).map(rate))
    }

    /// The candidates of which differences are known.
    pub fn short(&self) -> &[usize] {
        &self.short
    }
}
