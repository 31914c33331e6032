//! The objective of several candidates on joint draws, and what can be asked of it: means, intervals, how
//! probable it is that one is better than another by some margin, or the best, or on the front.
//!
//! Each draw is one way the world may be, the same for all candidates; the objective is computed in each,
//! variance penalty included, never from noisy means.

use super::joint::{Draws, Joint};
use crate::score::objective::objective;
use rand::rngs::ChaCha8Rng;

/// A scenario's weight and the joint draws of the candidates' scores there.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioDraws {
    pub weight: f64,
    pub scores: Draws,
}

/// A number per draw and candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    pub draws: usize,
    pub candidates: usize,
    /// Draw by draw.
    pub values: Vec<f64>,
}

/// How much more one candidate is worth than another, with the bounds of the middle nine tenths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl ScenarioDraws {
    /// Draws a scenario's scores: the sums of its checks' rates by their shares of the points, within 0 and 1.
    /// None where the scenario has no checks.
    ///
    /// The sum is drawn, and not each check: that is the same distribution for a tenth of the time.
    pub fn of<'j>(
        weight: f64,
        checks: impl IntoIterator<Item = (f64, &'j Joint)>,
        draws: usize,
        rng: &mut ChaCha8Rng,
    ) -> Option<ScenarioDraws> {
        Some(ScenarioDraws::of_score(weight, &Joint::sum(checks)?, draws, rng))
    }

    /// Draws a scenario's scores, within 0 and 1, from what is believed of them.
    pub fn of_score(weight: f64, score: &Joint, draws: usize, rng: &mut ChaCha8Rng) -> ScenarioDraws {
        let mut scores = score.draws(draws, rng);
        scores.values.iter_mut().for_each(|score| *score = score.clamp(0.0, 1.0));
        ScenarioDraws { weight, scores }
    }
}

/// Computes the objective of every draw and candidate from `(weight, score)` pairs in the order of the
/// scenarios.
pub fn objective_draws(scenarios: &[ScenarioDraws], objective: impl Fn(&[(f64, f64)]) -> f64) -> Values {
    let Some(first) = scenarios.first().map(|scenario| &scenario.scores) else {
        return Values { draws: 0, candidates: 0, values: Vec::new() };
    };
    let is_alike = |scores: &Draws| (scores.draws, scores.candidates) == (first.draws, first.candidates);
    assert!(
        scenarios.iter().all(|s| is_alike(&s.scores)),
        "all scenarios have the same draws and candidates"
    );
    let mut pairs: Vec<(f64, f64)> = scenarios.iter().map(|scenario| (scenario.weight, 0.0)).collect();
    let mut value = |at: usize| {
        pairs.iter_mut().zip(scenarios).for_each(|(pair, scenario)| pair.1 = scenario.scores.values[at]);
        objective(&pairs)
    };
    let values = (0..first.values.len()).map(&mut value).collect();
    Values { draws: first.draws, candidates: first.candidates, values }
}

/// The default objective: weighted mean − ρ × weighted variance. Without any weight it is 0 for all.
pub fn penalised(rho: f64) -> impl Fn(&[(f64, f64)]) -> f64 {
    move |scores| objective(scores, rho, None).map_or(0.0, |objective| objective.value)
}

/// Returns for each candidate how probable it is that no other is at least as good in every scenario and
/// better in one.
pub fn front_probability(scenarios: &[ScenarioDraws]) -> Vec<f64> {
    let Some(first) = scenarios.first().map(|scenario| &scenario.scores) else { return Vec::new() };
    let dominates = |draw: usize, a: usize, b: usize| {
        let mut is_better = false;
        let holds = scenarios.iter().all(|scenario| {
            let (a, b) = (scenario.scores.row(draw)[a], scenario.scores.row(draw)[b]);
            is_better |= a > b;
            a >= b
        });
        holds && is_better
    };
    let is_on_front =
        |draw: usize, candidate| !(0..first.candidates).any(|other| dominates(draw, other, candidate));
    let count = |candidate| (0..first.draws).filter(|draw| is_on_front(*draw, candidate)).count();
    (0..first.candidates).map(|candidate| count(candidate) as f64 / first.draws as f64).collect()
}

impl Values {
    /// One draw of all candidates.
    pub fn row(&self, draw: usize) -> &[f64] {
        &self.values[draw * self.candidates..][..self.candidates]
    }

    /// A candidate's mean; NaN without draws.
    pub fn mean(&self, candidate: usize) -> f64 {
        self.column(candidate).sum::<f64>() / self.draws as f64
    }

    /// The value that a share `q` of a candidate's draws lie below, between the nearest two; NaN without draws.
    pub fn quantile(&self, candidate: usize, q: f64) -> f64 {
        quantiles(self.column(candidate).collect(), [q])[0]
    }

    /// How probable it is that candidate `a` is worth more than `b` by more than a margin.
    pub fn probability_above(&self, a: usize, b: usize, margin: f64) -> f64 {
        self.share(|row| row[a] - row[b] > margin)
    }

    /// How probable anything is that can be said of a draw of all candidates, such as a rule of winning.
    pub fn share(&self, holds: impl Fn(&[f64]) -> bool) -> f64 {
        (0..self.draws).filter(|draw| holds(self.row(*draw))).count() as f64 / self.draws as f64
    }

    /// How much more candidate `a` is worth than `b`.
    pub fn difference(&self, a: usize, b: usize) -> Difference {
        let differences: Vec<f64> =
            (0..self.draws).map(|draw| self.row(draw)[a] - self.row(draw)[b]).collect();
        let mean = differences.iter().sum::<f64>() / self.draws as f64;
        let [low, high] = quantiles(differences, [0.05, 0.95]);
        Difference { mean, low, high }
    }

    /// How probable it is of each candidate that it is the best; candidates that are equal share a draw.
    pub fn probability_best(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.candidates];
        for draw in 0..self.draws {
            let row = self.row(draw);
            let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let is_best = |value: &f64| *value == best;
            let part = 1.0 / (row.iter().filter(|value| is_best(value)).count() * self.draws) as f64;
            shares.iter_mut().zip(row).filter(|(_, v)| is_best(v)).for_each(|(share, _)| *share += part);
        }
        shares
    }

    /// The candidate with the highest mean, the first of equals; none without candidates or draws.
    pub fn best(&self) -> Option<usize> {
        argmax((0..self.candidates).map(|candidate| self.mean(candidate)))
    }

    fn column(&self, candidate: usize) -> impl Iterator<Item = f64> {
        assert!(candidate < self.candidates, "there are only {} candidates", self.candidates);
        self.values.iter().skip(candidate).step_by(self.candidates).copied()
    }
}

/// The place of the highest number, the first of equals; NaN is never the highest.
pub(super) fn argmax(numbers: impl Iterator<Item = f64>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, number) in numbers.enumerate().filter(|(_, number)| !number.is_nan()) {
        if best.is_none_or(|(_, highest)| number > highest) {
            best = Some((at, number));
        }
    }
    best.map(|(at, _)| at)
}

fn quantiles<const N: usize>(mut numbers: Vec<f64>, shares: [f64; N]) -> [f64; N] {
    numbers.sort_by(f64::total_cmp);
    shares.map(|share| {
        let Some(last) = numbers.len().checked_sub(1) else { return f64::NAN };
        let place = share.clamp(0.0, 1.0) * last as f64;
        let (below, above) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
        below + (above - below) * place.fract()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;
    use nalgebra::DMatrix;

    fn values(rows: &[&[f64]]) -> Values {
        Values { draws: rows.len(), candidates: rows[0].len(), values: rows.concat() }
    }

    fn scenario(weight: f64, rows: &[&[f64]]) -> ScenarioDraws {
        let scores = Draws { draws: rows.len(), candidates: rows[0].len(), values: rows.concat() };
        ScenarioDraws { weight, scores }
    }

    #[test]
    fn the_objective_is_computed_within_each_draw() {
        let scenarios =
            [scenario(1.0, &[&[0.0, 0.5], &[1.0, 0.2]]), scenario(1.0, &[&[1.0, 0.5], &[1.0, 0.4]])];
        let values = objective_draws(&scenarios, penalised(0.1));
        let expected = [0.475, 0.5, 1.0, 0.3 - 0.1 * 0.01];
        assert!(values.values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-15));
        let worst = objective_draws(&scenarios, |pairs| pairs.iter().map(|p| p.1).fold(1.0, f64::min));
        assert_eq!(worst.values, [0.0, 0.5, 1.0, 0.2]);
        assert_eq!(objective_draws(&[], penalised(0.1)).best(), None);
    }

    #[test]
    fn summaries_of_a_few_draws() {
        let values = values(&[&[0.0, 1.0], &[1.0, 1.0], &[2.0, 1.0], &[3.0, 1.0]]);
        assert_eq!((values.mean(0), values.mean(1), values.best()), (1.5, 1.0, Some(0)));
        assert_eq!(
            [0.0, 0.5, 0.9, 1.0].map(|q| (values.quantile(0, q) * 1e9).round() / 1e9),
            [0.0, 1.5, 2.7, 3.0]
        );
        assert_eq!([-1.0, 0.0, 1.0].map(|margin| values.probability_above(0, 1, margin)), [0.75, 0.5, 0.25]);
        let difference = values.difference(0, 1);
        assert!((difference.mean - 0.5).abs() < 1e-12 && (difference.low + 0.85).abs() < 1e-12);
        assert_eq!(values.probability_best(), [0.625, 0.375]);
    }

    #[test]
    fn the_front_is_of_those_that_nobody_dominates() {
        let scenarios = [scenario(1.0, &[&[0.2, 0.8, 0.1, 0.2]]), scenario(3.0, &[&[0.9, 0.1, 0.1, 0.9]])];
        assert_eq!(front_probability(&scenarios), [1.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn probabilities_agree_with_the_normal_distribution() {
        let check = Joint {
            means: vec![0.5, 0.6],
            covariance: DMatrix::from_row_slice(2, 2, &[0.01, 0.005, 0.005, 0.01]),
        };
        let scenario =
            ScenarioDraws::of(1.0, [(0.5, &check), (0.5, &check)], 20_000, &mut Seed(1).rng()).unwrap();
        let values = objective_draws(&[scenario], penalised(0.1));
        // The difference has mean 0.1 and variance 2 × 0.25 × 0.01.
        assert!((values.probability_above(1, 0, 0.05) - 0.7602).abs() < 0.01);
        assert!((values.quantile(0, 0.95) - (0.5 + 1.645 * 0.005_f64.sqrt())).abs() < 0.004);
    }
}
