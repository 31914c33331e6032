//! What a comparison of pairs can show before it is paid for: the smallest difference that it finds, and the
//! pairs that a difference takes.
//!
//! Normal approximations, for plans. A verdict rests on `signflip` and on posterior draws.

use super::normal;

/// The error and the power that plans are made for.
pub const ALPHA: f64 = 0.05;
pub const POWER: f64 = 0.8;

/// A scenario of a planned comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedScenario {
    pub weight: f64,
    /// The variance of the difference between the two episodes of a pair: twice an episode's variance, unless
    /// pairs share their luck.
    pub pair_variance: f64,
    pub pairs: u32,
}

/// Returns the standard error of the weighted mean difference; none where a scenario that counts has no pairs.
pub fn standard_error(scenarios: &[PlannedScenario]) -> Option<f64> {
    let counting = || scenarios.iter().filter(|scenario| scenario.weight > 0.0);
    let total: f64 = counting().map(|scenario| scenario.weight).sum();
    if total <= 0.0 || counting().any(|scenario| scenario.pairs == 0) {
        return None;
    }
    let part = |s: &PlannedScenario| (s.weight / total).powi(2) * s.pair_variance / f64::from(s.pairs);
    Some(counting().map(part).sum::<f64>().sqrt())
}

/// Returns the true difference that a one-sided test at `alpha` calls significant with probability `power`.
pub fn detectable(standard_error: f64, alpha: f64, power: f64) -> f64 {
    reach(alpha, power) * standard_error
}

/// Returns how probable it is that a one-sided test at `alpha` calls a true difference significant.
pub fn power_of(difference: f64, standard_error: f64, alpha: f64) -> f64 {
    normal::above(difference, standard_error.powi(2), normal::quantile(1.0 - alpha) * standard_error)
}

/// Returns how many pairs per scenario find a difference, were it true, with probability `power`; none where
/// it is not positive, or beyond all counting. For "exceeds by δ" pass the difference less δ. The scenarios'
/// own `pairs` are not read.
pub fn pairs_to_decide(
    scenarios: &[PlannedScenario],
    difference: f64,
    alpha: f64,
    power: f64,
) -> Option<u32> {
    let once: Vec<PlannedScenario> =
        scenarios.iter().map(|scenario| PlannedScenario { pairs: 1, ..*scenario }).collect();
    let pairs = (detectable(standard_error(&once)?, alpha, power) / difference).powi(2).ceil();
    (difference > 0.0 && pairs < f64::from(u32::MAX))
        .then(|| (pairs as u32).max(pairs_min(scenarios.len(), alpha)))
}

/// Fewer pairs than this cannot give a `p` of `alpha` or less, however they come out: of `n` pairs the best
/// outcome is one of 2ⁿ.
fn pairs_min(scenarios: usize, alpha: f64) -> u32 {
    let pairs = (1..64).find(|pairs| 0.5_f64.powi(*pairs) <= alpha).unwrap_or(64);
    (pairs as u32).div_ceil(scenarios.max(1) as u32)
}

fn reach(alpha: f64, power: f64) -> f64 {
    normal::quantile(1.0 - alpha) + normal::quantile(power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn equal(scenarios: usize, pair_variance: f64, pairs: u32) -> Vec<PlannedScenario> {
        vec![PlannedScenario { weight: 1.5, pair_variance, pairs }; scenarios]
    }

    #[test]
    fn errors_and_reach_have_closed_forms() {
        assert!((standard_error(&equal(5, 0.05, 4)).unwrap() - (0.05_f64 / 20.0).sqrt()).abs() < 1e-12);
        assert_eq!(standard_error(&equal(5, 0.05, 0)), None);
        assert_eq!(standard_error(&[]), None);
        // 1.6449 + 0.8416.
        assert!((detectable(0.1, ALPHA, POWER) - 0.248_65).abs() < 1e-4);
    }

    #[test]
    fn small_margins_take_hundreds_of_episodes() {
        // Two passes over five scenarios differ by 0.1 at random.
        let scenarios = equal(5, 0.05, 1);
        let check = |difference, expected| {
            assert_eq!(pairs_to_decide(&scenarios, difference, ALPHA, POWER), expected)
        };
        check(0.05, Some(25));
        check(0.10, Some(7));
        check(0.15, Some(3));
        check(0.9, Some(1));
        check(0.0, None);
        check(-0.1, None);
        check(f64::NAN, None);
        check(1e-9, None);
        assert_eq!(pairs_to_decide(&equal(1, 1e-6, 1), 0.5, ALPHA, POWER), Some(5));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn plans_and_power_agree(rows in vec((0.1..3.0f64, 0.001..0.2f64, 1..20u32), 1..12), difference in 0.01..0.5f64) {
            let scenario = |(weight, pair_variance, pairs)| PlannedScenario { weight, pair_variance, pairs };
            let mut scenarios: Vec<PlannedScenario> = rows.into_iter().map(scenario).collect();
            let error = standard_error(&scenarios).unwrap();
            prop_assert!((power_of(detectable(error, ALPHA, POWER), error, ALPHA) - POWER).abs() < 1e-6);
            let pairs = pairs_to_decide(&scenarios, difference, ALPHA, POWER).unwrap();
            scenarios.iter_mut().for_each(|scenario| scenario.pairs = pairs);
            prop_assert!(power_of(difference, standard_error(&scenarios).unwrap(), ALPHA) >= POWER - 1e-6);
        }
    }
}
