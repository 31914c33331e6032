//! Two packs on pairs of episodes, outside of a run: the statistics of a verdict's fresh episodes, without what only a
//! run knows.

use super::comparison::{PAIRS_MIN, Paired, Sample, compare};
use crate::event::SafetyChange;
use crate::score::Profile;
use crate::units::Seed;
use serde::Serialize;

/// By how much the second pack's objective is higher than the first one's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairedDifference {
    pub first: f64,
    pub second: f64,
    pub difference: f64,
    /// The 90 % interval.
    pub low: f64,
    pub high: f64,
    /// The shares of resamples in which the second is better, and worse.
    pub probability_better: f64,
    pub probability_worse: f64,
    /// The chance that equal packs show as much of a gain, and as much of a loss.
    pub p_better: f64,
    pub p_worse: f64,
    /// What the second earns more by safety checks; none where no scenario has one.
    pub safety: Option<SafetyChange>,
}

/// Compares two packs, the first as the incumbent; none where a scenario has no pair, or there are too few in all to
/// show how far they may be wrong. The same pairs and seed give the same numbers.
pub fn paired_difference(
    profile: &Profile,
    scenarios: &[Paired],
    has_safety: bool,
    seed: Seed,
) -> Option<PairedDifference> {
    let pairs: usize = scenarios.iter().map(|paired| paired.pairs.len()).sum();
    let is_empty = scenarios.is_empty() || scenarios.iter().any(|paired| paired.pairs.is_empty());
    if is_empty || pairs < PAIRS_MIN as usize {
        return None;
    }
    let rng = || seed.child("paired", &[]).rng();
    let of = |scenarios: Vec<Paired>, rng: &mut _| {
        let (planned, posterior, sealed, p_value_max) = (pairs as u32, None, None, 1.0);
        compare(profile, &Sample { scenarios, planned, has_safety, posterior, sealed, p_value_max }, rng)
    };
    let gain = of(scenarios.to_vec(), &mut rng());
    let loss = of(scenarios.iter().map(Paired::swapped).collect(), &mut rng());
    Some(PairedDifference {
        first: gain.incumbent,
        second: gain.finalist,
        difference: gain.difference,
        low: gain.low,
        high: gain.high,
        probability_better: gain.probability_better,
        probability_worse: loss.probability_better,
        p_better: gain.p_value?,
        p_worse: loss.p_value?,
        safety: gain.safety,
    })
}

#[cfg(test)]
mod tests {
    use super::super::comparison::{Fresh, Pair};
    use super::*;

    fn scenarios(differences: &[f64]) -> Vec<Paired> {
        let fresh = |score: f64| Fresh { score, safety: None };
        let pair = |difference: &f64| Pair::of(fresh(0.5 + difference), fresh(0.5));
        let of = |differences: &[f64]| Paired { weight: 1.0, pairs: differences.iter().map(pair).collect() };
        differences.chunks(2).map(of).collect()
    }

    fn compared(differences: &[f64]) -> Option<PairedDifference> {
        paired_difference(&Profile::default(), &scenarios(differences), false, Seed(1))
    }

    #[test]
    fn a_gain_and_a_loss_mirror_each_other() {
        let differences = [0.1, 0.12, 0.08, 0.05, 0.15, 0.11, 0.09, 0.1];
        let (gain, loss) = (compared(&differences).unwrap(), compared(&differences.map(|d| -d)).unwrap());
        assert!(gain.probability_better > 0.99 && gain.p_better < 0.01 && gain.low > 0.0, "{gain:?}");
        assert!((gain.probability_better - loss.probability_worse).abs() < 0.02);
        assert_eq!((gain.p_better, gain.p_worse), (loss.p_worse, loss.p_better));
        assert_eq!(gain.safety, None);
    }

    #[test]
    fn equal_packs_are_neither_and_too_few_pairs_say_nothing() {
        let same = compared(&[0.05, -0.05, 0.02, -0.02, 0.04, -0.04]).unwrap();
        assert!(same.probability_better < 0.7 && same.probability_worse < 0.7, "{same:?}");
        assert_eq!(compared(&[0.1; 4]), None);
        let mut missing = scenarios(&[0.1; 8]);
        missing[0].pairs.clear();
        assert_eq!(paired_difference(&Profile::default(), &missing, false, Seed(1)), None);
    }
}
