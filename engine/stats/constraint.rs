//! Constraints that no better score may buy off, safety first of all: how probable it is that a candidate
//! passes every one of some checks often enough, and no less often than another candidate does.

use super::joint::Joint;
use super::normal;

/// Returns for each candidate how probable it is that all the checks pass at least at a rate. Given the
/// evidence, checks are independent; without checks the answer is 1.
pub fn probability_all_at_least(checks: &[Joint], candidates: usize, rate: f64) -> Vec<f64> {
    let probability = |candidate: usize| {
        let holds = |check: &Joint| {
            normal::above(check.means[candidate], check.covariance[(candidate, candidate)], rate)
        };
        checks.iter().map(holds).product()
    };
    (0..candidates).map(probability).collect()
}

/// Returns how probable it is that on all the checks `candidate` passes at most `slack` less often than `other`.
pub fn probability_none_below(checks: &[Joint], candidate: usize, other: usize, slack: f64) -> f64 {
    let holds = |check: &Joint| {
        let (mean, variance) = check.difference(candidate, other);
        normal::above(mean, variance, -slack)
    };
    checks.iter().map(holds).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    fn joint(means: [f64; 2], covariance: [f64; 4]) -> Joint {
        Joint { means: means.into(), covariance: DMatrix::from_row_slice(2, 2, &covariance) }
    }

    #[test]
    fn every_check_must_hold() {
        let half = joint([0.9, 0.9], [0.01, 0.0, 0.0, 0.0]);
        let sure = joint([0.95, 0.5], [0.0; 4]);
        let check = |checks: &[Joint], expected: [f64; 2]| {
            let found = probability_all_at_least(checks, 2, 0.9);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        };
        check(&[], [1.0, 1.0]);
        check(std::slice::from_ref(&half), [0.5, 1.0]);
        check(&[half.clone(), half.clone()], [0.25, 1.0]);
        check(&[half, sure], [0.5, 0.0]);
    }

    #[test]
    fn what_two_candidates_share_does_not_make_one_less_safe() {
        let alike = joint([0.8, 0.8], [0.04, 0.04, 0.04, 0.04]);
        assert_eq!(probability_none_below(&[alike], 1, 0, 0.01), 1.0);
        let apart = joint([0.8, 0.8], [0.04, 0.0, 0.0, 0.04]);
        assert!((probability_none_below(&[apart], 1, 0, 0.0) - 0.5).abs() < 1e-9);
    }
}
