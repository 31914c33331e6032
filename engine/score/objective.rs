//! The objective: what the scores of all scenarios make together. The variance term prefers a policy that
//! does well everywhere to one that excels here and fails there.

use serde::{Deserialize, Serialize};

/// The objective with its parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// The weighted mean of the scores.
    pub mean: f64,
    /// The weighted population variance of the scores; 0 for a single one.
    pub variance: f64,
    /// Mean − ρ × variance, within 0 and 1, on the grid if there is one.
    pub value: f64,
}

/// Computes clamp(mean − ρ × variance) over `(weight, score)` pairs; none where the weights have no positive
/// sum, or a number is not finite.
///
/// Sums run in the given order in plain doubles, as validators compute them: for the same last digit the
/// pairs must be in the order of the scenarios' names.
pub fn objective(scores: &[(f64, f64)], rho: f64, grid: Option<f64>) -> Option<Objective> {
    let weights: f64 = sum(scores, |(weight, _)| weight);
    if weights <= 0.0 {
        return None;
    }
    let mean = sum(scores, |(weight, score)| weight * score) / weights;
    let variance = match scores {
        // Rounding of the mean must not look like unevenness.
        [_] => 0.0,
        _ => sum(scores, |(weight, score)| weight * (score - mean).powi(2)) / weights,
    };
    let value = on_grid((mean - rho * variance).clamp(0.0, 1.0), grid);
    value.is_finite().then_some(Objective { mean, variance, value })
}

/// Adds up from positive zero; the standard library's sum starts from negative zero.
fn sum(scores: &[(f64, f64)], term: impl Fn((f64, f64)) -> f64) -> f64 {
    scores.iter().fold(0.0, |sum, pair| sum + term(*pair))
}

/// Python's `round(round(value / step) * step, 10)`.
fn on_grid(value: f64, grid: Option<f64>) -> f64 {
    let Some(step) = grid else { return value };
    let snapped = (value / step).round_ties_even() * step;
    // Printing rounds the exact binary value half to even, which is what Python's round does.
    format!("{snapped:.10}").parse().unwrap_or(snapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(scores: &[(f64, f64)], grid: Option<f64>) -> Option<f64> {
        objective(scores, 0.1, grid).map(|objective| objective.value)
    }

    #[test]
    fn nothing_measured_is_not_zero() {
        assert_eq!(value(&[], None), None);
        assert_eq!(value(&[(0.0, 1.0)], None), None);
        assert_eq!(value(&[(1.0, f64::NAN)], None), None);
        assert_eq!(value(&[(1.0, 0.0)], None), Some(0.0));
    }

    #[test]
    fn uneven_scores_cost_a_tenth_of_their_variance() {
        let result = objective(&[(1.0, 0.0), (1.0, 1.0)], 0.1, None).unwrap();
        assert_eq!(result, Objective { mean: 0.5, variance: 0.25, value: 0.475 });
    }

    #[test]
    fn the_value_stays_within_bounds() {
        assert_eq!(objective(&[(1.0, 0.0), (9.0, 0.1)], 100.0, None).unwrap().value, 0.0);
        assert_eq!(objective(&[(1.0, 1.5)], 0.1, None).unwrap().value, 1.0);
    }

    #[test]
    fn the_grid_rounds_halves_to_even() {
        let check =
            |score: f64, expected: f64| assert_eq!(value(&[(1.0, score)], Some(0.05)), Some(expected));
        check(0.875, 0.9);
        check(0.925, 0.9);
        check(0.975, 1.0);
        check(0.025, 0.0);
        check(0.35, 0.35);
    }
}
