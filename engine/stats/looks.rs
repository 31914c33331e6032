//! The levels of planned looks: whoever tests twice at 5 % is fooled more often than that.
//!
//! The error is spent as Lan and DeMets (Biometrika 70, 1983) do after O'Brien and Fleming: nearly nothing at an
//! early look, nearly all at the last one, so that a last look costs hardly any power.

use super::normal;

const SQRT_2_PI: f64 = 2.506_628_274_631_000_7;

/// Returns the level of each planned look, which a one-sided `p` must not exceed, so that all together are
/// fooled with probability `alpha` at most. `information` is the share of the planned evidence at each look,
/// ascending, 1 at the last; if the last stops short of 1 some of the error stays unspent.
///
/// The second level uses that its test sees the first look's evidence again, which it takes to be normal; any
/// further look gets what it may spend alone.
pub fn look_levels(alpha: f64, information: &[f64]) -> Vec<f64> {
    let mut spent = 0.0;
    let mut levels = Vec::with_capacity(information.len());
    for (look, share) in information.iter().enumerate() {
        let may_spend = (spending(alpha, *share) - spent).max(0.0);
        spent += may_spend;
        let level = match look {
            1 => second_level(levels[0], may_spend, information[0] / share),
            _ => may_spend,
        };
        levels.push(level);
    }
    levels
}

/// The error that may be spent until a share of the evidence is in.
fn spending(alpha: f64, share: f64) -> f64 {
    match share {
        1.0.. => alpha,
        _ if share > 0.0 => 2.0 * normal::below(normal::quantile(alpha / 2.0) / share.sqrt()),
        _ => 0.0,
    }
}

/// The level at which a second test errs with probability `may_spend` where the first one did not reject.
/// `overlap` is the share of the second's evidence that the first saw.
fn second_level(first: f64, may_spend: f64, overlap: f64) -> f64 {
    if !(0.0..1.0).contains(&overlap) || may_spend <= 0.0 {
        return may_spend;
    }
    let bound = normal::quantile(1.0 - first).min(9.0);
    let spent = |level: f64| second_error(bound, normal::quantile(1.0 - level), overlap);
    let (mut low, mut high) = (may_spend, (first + may_spend).min(1.0));
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if spent(middle) > may_spend { high = middle } else { low = middle }
    }
    low
}

/// The probability that the first normal variable stays below its bound and the second, correlated with √overlap,
/// reaches its own; by Simpson's rule.
fn second_error(first: f64, second: f64, overlap: f64) -> f64 {
    const STEPS: u32 = 200;
    let (from, width) = (-9.0, (first + 9.0) / f64::from(STEPS));
    let density = |z: f64| (-z * z / 2.0).exp() / SQRT_2_PI;
    let at = |z: f64| density(z) * normal::below((overlap.sqrt() * z - second) / (1.0 - overlap).sqrt());
    let weight = |step: u32| {
        if step == 0 || step == STEPS {
            1.0
        } else if step % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    (0..=STEPS).map(|step| weight(step) * at(from + width * f64::from(step))).sum::<f64>() * width / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;
    use proptest::prelude::*;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn levels_are_those_of_the_tables() {
        let check = |alpha: f64, information: &[f64], expected: &[f64]| {
            let levels = look_levels(alpha, information);
            let near = levels.iter().zip(expected).all(|(level, expected)| (level - expected).abs() < 2e-5);
            assert!(near && levels.len() == expected.len(), "{levels:?} {expected:?}");
        };
        check(0.05, &[1.0], &[0.05]);
        // Bounds of 2.963 and 1.969 standard errors.
        check(0.025, &[0.5, 1.0], &[0.001_525, 0.024_5]);
        check(0.05, &[0.0, 1.0], &[0.0, 0.05]);
        check(0.05, &[], &[]);
    }

    #[test]
    fn two_looks_at_noise_are_fooled_as_often_as_planned() {
        let (mut rng, runs) = (Seed(4).rng(), 40_000);
        let levels = look_levels(0.05, &[0.5, 1.0]);
        let bounds: Vec<f64> = levels.iter().map(|level| normal::quantile(1.0 - level)).collect();
        let mut is_fooled = |_: &u32| {
            let (early, late): (f64, f64) =
                (StandardNormal.sample(&mut rng), StandardNormal.sample(&mut rng));
            early >= bounds[0] || (early + late) / 2.0_f64.sqrt() >= bounds[1]
        };
        let rate = (0..runs).filter(&mut is_fooled).count() as f64 / f64::from(runs);
        assert!((rate - 0.05).abs() < 3.5 * (0.05 * 0.95 / f64::from(runs)).sqrt(), "{rate}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_level_exceeds_alpha_and_none_is_wasted(alpha in 0.001..0.2f64, first in 0.05..0.95f64) {
            let levels = look_levels(alpha, &[first, 1.0]);
            prop_assert!(levels.iter().all(|level| (0.0..alpha + 1e-12).contains(level)) && levels[0] + levels[1] >= alpha - 1e-9);
        }
    }
}
