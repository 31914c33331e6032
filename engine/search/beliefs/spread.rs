//! How far edits move checks: expected before a run, and widened by how far its candidates' scores lie apart.
//!
//! It is measured on scores, not on checks. Most edits leave most checks as they are, so the mean squared move of a
//! check is small wherever there are many; but a rule that matters moves many checks of a scenario at once, which
//! shows in its score alone. Beliefs that are too narrow there spread what one edit did over all edits before it, and
//! the search cannot see what an edit broke elsewhere.

use super::evidence::Closure;
use super::{Beliefs, Node, Tally};

/// By how much a check moves that an edit aims at (variance), before anything is known of the writer's edits.
const AIMED_VARIANCE: f64 = 0.18 * 0.18;
/// The same for the other checks.
const ASIDE_VARIANCE: f64 = 0.06 * 0.06;
/// By how much the moves of the other checks may be wider than expected. They are never believed to be narrower: where
/// scores hardly differ that is as well luck that candidates share as edits that do nothing.
const SCALE_MAX: f64 = 30.0;
/// How much evidence the expected size of the moves is worth, in the units of `Spread`.
const PRIOR: f64 = 2.0;

/// How far the scores of candidates lie from the incumbent's, as sums over candidates. The unit is the variance that one
/// episode's score would have if its checks were independent; and each candidate counts by the inverse of the
/// variance of its squared difference, as it is expected to be (a normal deviation's square varies by twice the square of
/// its variance).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    /// Squared differences.
    squares: f64,
    /// What luck explains of them, once for each unit of the design effect.
    luck: f64,
    /// What moves of checks explain at which edits aimed on the way, if they are as expected.
    aimed: f64,
    /// The same of other checks.
    aside: f64,
}

impl Spread {
    /// Measures a scenario. `variances` are those of one episode's outcome, by check.
    pub fn of(beliefs: &Beliefs, scenario: usize, closure: &Closure, variances: &[f64]) -> Spread {
        let checks = beliefs.checks_of(scenario);
        let squares: Vec<f64> = checks.iter().map(|check| check.share * check.share).collect();
        let unit: f64 = squares.iter().zip(variances).map(|(square, variance)| square * variance).sum();
        if unit <= 0.0 {
            return Spread::default();
        }
        let all: f64 = squares.iter().sum();
        let range = beliefs.ranges[scenario].clone();
        // What an edit moves by itself.
        let own = |node: &Node| {
            let at: f64 = node.aims.range(range.clone()).map(|check| squares[check - range.start]).sum();
            (AIMED_VARIANCE * at / unit, ASIDE_VARIANCE * (all - at).max(0.0) / unit)
        };
        let nodes: Vec<&Node> = closure.candidates.iter().map(|place| &beliefs.nodes[*place]).collect();
        let incumbent = nodes[0].tallies_of(scenario);
        let (mut aimed, mut aside) = (vec![0.0; nodes.len()], vec![0.0; nodes.len()]);
        let mut spread = Spread::default();
        for (place, node) in nodes.iter().enumerate().skip(1) {
            let own = own(node);
            aimed[place] = closure.sum(place, &aimed).max(0.0) + own.0;
            aside[place] = closure.sum(place, &aside).max(0.0) + own.1;
            let (mut difference, mut luck) = (0.0, 0.0);
            for (check, (ours, theirs)) in node.tallies_of(scenario).iter().zip(incumbent).enumerate() {
                if let (Some(ours), Some(theirs)) = (mean(ours), mean(theirs)) {
                    difference += checks[check].share * (ours.0 - theirs.0);
                    luck += squares[check] * variances[check] * (ours.1 + theirs.1) / unit;
                }
            }
            if luck > 0.0 {
                let (aimed, aside) = (aimed[place], aside[place]);
                let weight = (luck + aimed + aside).powi(-2);
                spread.squares += weight * difference * difference / unit;
                spread.luck += weight * luck;
                spread.aimed += weight * aimed;
                spread.aside += weight * aside;
            }
        }
        spread
    }

    /// By how much moves aside are wider than expected.
    pub fn scale(&self, design_effect: f64) -> f64 {
        let unexplained = self.squares - design_effect * self.luck - self.aimed;
        ((unexplained + PRIOR) / (self.aside + PRIOR)).clamp(1.0, SCALE_MAX)
    }
}

/// The variances of an edit's moves, aimed and aside. Where edits move all checks alike, aims say nothing.
pub(super) fn moves(scale: f64) -> (f64, f64) {
    let aside = ASIDE_VARIANCE * scale;
    (AIMED_VARIANCE.max(aside), aside)
}

/// The mean of what a check earned, with the part of one episode's variance that it has.
fn mean(tally: &Tally) -> Option<(f64, f64)> {
    let episodes = f64::from(tally.episodes);
    (tally.episodes > 0).then(|| (tally.earned / episodes, 1.0 / episodes))
}

/// Measurements of several scenarios together.
impl std::iter::Sum for Spread {
    fn sum<I: Iterator<Item = Spread>>(spreads: I) -> Spread {
        spreads.fold(Spread::default(), |sum, spread| Spread {
            squares: sum.squares + spread.squares,
            luck: sum.luck + spread.luck,
            aimed: sum.aimed + spread.aimed,
            aside: sum.aside + spread.aside,
        })
    }
}
