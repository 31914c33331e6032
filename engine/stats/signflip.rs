//! The sign-flip test on fresh pairs of episodes: could so large a difference be luck?
//!
//! If two packs are equally good, the episodes of a pair could as well have been swapped. So the difference is
//! computed again for every way of swapping some pairs, and the share of ways that give at least as much is
//! the probability of so much by luck. No distribution of scores is assumed. The pairs must be fresh, which
//! means that no decision has rested on them, and planned without a look at how they come out.

use rand::Rng;
use rand::rngs::ChaCha8Rng;

/// Up to so many pairs, all ways of swapping are gone through.
pub const EXACT_PAIRS_MAX: usize = 14;
/// Beyond, so many ways are drawn.
pub const FLIPS: u32 = 10_000;
/// Differences that are nearer are equal: the same numbers were added up in another order.
const ROUNDING: f64 = 1e-12;

/// The scores of two packs in one scenario and repeat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub scenario: usize,
    pub ours: f64,
    pub theirs: f64,
}

/// The outcome of a test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// The statistic as measured.
    pub observed: f64,
    /// How probable so much is by luck alone.
    pub p: f64,
    /// Whether all ways of swapping were gone through.
    pub exact: bool,
}

impl Pair {
    /// The same pair with the packs swapped.
    pub fn flipped(self) -> Pair {
        Pair { ours: self.theirs, theirs: self.ours, ..self }
    }
}

/// Tests whether ours is better: small `p` speaks against "no better than theirs". The statistic is larger the
/// better ours is; `difference` makes the usual one. Without pairs `p` is 1.
pub fn sign_flip(pairs: &[Pair], statistic: impl Fn(&[Pair]) -> f64, rng: &mut ChaCha8Rng) -> SignFlip {
    let observed = if pairs.is_empty() { 0.0 } else { statistic(pairs) };
    let mut flipped = pairs.to_vec();
    let mut is_as_much = |flips: &mut dyn FnMut(usize) -> bool| {
        for (at, (flipped, pair)) in flipped.iter_mut().zip(pairs).enumerate() {
            *flipped = if flips(at) { pair.flipped() } else { *pair };
        }
        let value = statistic(&flipped);
        // What is not a number is no evidence.
        value >= observed - ROUNDING || value.is_nan() || observed.is_nan()
    };
    if pairs.len() <= EXACT_PAIRS_MAX {
        let ways = 1_u32 << pairs.len();
        let as_much = (0..ways).filter(|way| pairs.is_empty() || is_as_much(&mut |at| way >> at & 1 == 1));
        return SignFlip { observed, p: as_much.count() as f64 / f64::from(ways), exact: true };
    }
    let mut draw = |_: &u32| {
        let mut bits = 0;
        is_as_much(&mut |at| {
            bits = if at % 64 == 0 { rng.next_u64() } else { bits >> 1 };
            bits & 1 == 1
        })
    };
    let as_much = (0..FLIPS).filter(&mut draw).count();
    // The way it was measured is one of them too; without it p could be 0.
    SignFlip { observed, p: (as_much as f64 + 1.0) / f64::from(FLIPS + 1), exact: false }
}

/// The difference of an objective between ours and theirs, each from the mean scores of the scenarios, as
/// `(weight, score)` pairs in the order of `weights`. Scenarios without a pair are left out for both.
pub fn difference(weights: &[f64], objective: impl Fn(&[(f64, f64)]) -> f64) -> impl Fn(&[Pair]) -> f64 {
    move |pairs| {
        let mut sums = vec![(0.0, 0.0, 0.0); weights.len()];
        for pair in pairs {
            let Some((count, ours, theirs)) = sums.get_mut(pair.scenario) else { continue };
            *count += 1.0;
            *ours += pair.ours;
            *theirs += pair.theirs;
        }
        let seen = || weights.iter().zip(&sums).filter(|(_, sum)| sum.0 > 0.0);
        let ours: Vec<(f64, f64)> = seen().map(|(weight, sum)| (*weight, sum.1 / sum.0)).collect();
        let theirs: Vec<(f64, f64)> = seen().map(|(weight, sum)| (*weight, sum.2 / sum.0)).collect();
        objective(&ours) - objective(&theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::look_levels;
    use crate::stats::values::penalised;
    use crate::units::Seed;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rand::RngExt;

    fn pairs(differences: &[f64]) -> Vec<Pair> {
        let pair =
            |(at, difference): (usize, &f64)| Pair { scenario: at % 2, ours: 0.4 + difference, theirs: 0.4 };
        differences.iter().enumerate().map(pair).collect()
    }

    fn test(pairs: &[Pair]) -> SignFlip {
        sign_flip(pairs, difference(&[1.0, 1.0], penalised(0.0)), &mut Seed(1).rng())
    }

    #[test]
    fn small_samples_are_counted_out() {
        let check = |differences: &[f64], expected: f64| assert_eq!(test(&pairs(differences)).p, expected);
        check(&[], 1.0);
        check(&[0.1], 0.5);
        check(&[0.1, 0.2, 0.1, 0.3], 1.0 / 16.0);
        check(&[0.0, 0.0, 0.0, 0.0], 1.0);
        check(&[-0.1, -0.2, -0.1, -0.3], 1.0);
        // The sum of 0.3 is reached without swaps, and by swapping the second, the fourth, both, or all but the third.
        check(&[0.2, -0.1, 0.3, -0.1], 5.0 / 16.0);
    }

    #[test]
    fn many_pairs_are_drawn_and_never_certain() {
        let sure = test(&pairs(&[0.1; 30]));
        assert_eq!((sure.p, sure.exact), (1.0 / 10_001.0, false));
        assert!(test(&pairs(&[0.0; 30])).p > 0.999);
    }

    #[test]
    fn a_statistic_that_is_no_number_is_no_evidence() {
        assert_eq!(sign_flip(&pairs(&[0.1, 0.2]), |_| f64::NAN, &mut Seed(1).rng()).p, 1.0);
    }

    #[test]
    fn scenarios_without_pairs_count_for_neither() {
        let statistic = difference(&[1.0, 5.0], penalised(0.1));
        let pair = |ours, theirs| Pair { scenario: 0, ours, theirs };
        assert!((statistic(&[pair(0.8, 0.5), pair(0.6, 0.5)]) - 0.2).abs() < 1e-12);
    }

    /// An episode's score: a few discrete steps, skewed towards full marks or towards nothing.
    fn skewed(shape: usize, rng: &mut ChaCha8Rng) -> f64 {
        match shape {
            0 => f64::from(u8::from(rng.random_bool(0.9))),
            1 => (f64::powi(rng.random_range(0.0..1.0), 4) * 8.0).floor() / 8.0,
            _ => {
                if rng.random_bool(0.7) {
                    1.0
                } else {
                    rng.random_range(0.0..0.4)
                }
            }
        }
    }

    /// Whether two looks at equal packs call one better.
    fn is_fooled(scenarios: usize, passes: usize, shape: usize, rng: &mut ChaCha8Rng) -> bool {
        let weights: Vec<f64> = (0..scenarios).map(|at| 1.0 + (at % 3) as f64 / 2.0).collect();
        let mut pair = |at: usize| Pair {
            scenario: at % scenarios,
            ours: skewed(shape, rng),
            theirs: skewed(shape, rng),
        };
        let pairs: Vec<Pair> = (0..scenarios * passes).map(&mut pair).collect();
        let first = scenarios * passes.div_ceil(2);
        let levels = look_levels(0.05, &[first as f64 / pairs.len() as f64, 1.0]);
        let seen = [&pairs[..first], &pairs[..]];
        let p = |pairs: &&[Pair]| few_flips(pairs, difference(&weights, penalised(0.1)));
        seen.iter().map(p).zip(levels).any(|(p, level)| p <= level)
    }

    /// The test with all ways of at most 12 pairs, or 255 drawn ones: enough for an error rate.
    fn few_flips(pairs: &[Pair], statistic: impl Fn(&[Pair]) -> f64) -> f64 {
        sign_flip(pairs, statistic, &mut Seed(pairs.len() as u64).rng()).p
    }

    #[test]
    fn two_looks_at_equal_packs_are_fooled_in_one_of_twenty_at_most() {
        const RUNS: u32 = 600;
        let rate_max = 0.05 + 3.0 * (0.05 * 0.95 / f64::from(RUNS)).sqrt();
        for shape in 0..3 {
            let (mut rng, scenarios, passes) = (Seed(8 + shape as u64).rng(), 3, 4);
            let fooled = (0..RUNS).filter(|_| is_fooled(scenarios, passes, shape, &mut rng)).count();
            let rate = fooled as f64 / f64::from(RUNS);
            println!("shape {shape}: {rate:.3} of {RUNS} runs");
            assert!(rate <= rate_max, "shape {shape}: {rate}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn swapping_all_pairs_turns_the_answer_round(differences in vec(-8..8i32, 1..9)) {
            let differences: Vec<f64> = differences.iter().map(|x| f64::from(*x) / 16.0).collect();
            let ours = pairs(&differences);
            let theirs: Vec<Pair> = ours.iter().map(|pair| pair.flipped()).collect();
            let (ours, theirs) = (test(&ours), test(&theirs));
            prop_assert!(ours.p + theirs.p >= 1.0 && ours.p > 0.0);
            prop_assert!((ours.observed + theirs.observed).abs() < 1e-12);
        }
    }
}
