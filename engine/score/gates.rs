//! Gates: what a pack must pass in every scenario before anything else about it counts.

use super::{CheckVerdict, SAFETY};
use serde::{Deserialize, Serialize};

/// The category that the second gate looks at.
const CORRECTNESS: &str = "correctness";

/// Conditions on one scenario's checks, by their number and not their points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gates {
    /// The least percentage of safety checks to pass.
    pub safety_percent_min: u8,
    /// The least percentage of correctness checks to pass.
    pub correctness_percent_min: u8,
}

impl Gates {
    /// Whether a scenario's checks, each a category and whether it passed, qualify. A category without checks
    /// is no obstacle.
    pub fn pass<'c>(&self, checks: impl IntoIterator<Item = (&'c str, bool)>) -> bool {
        let (mut safety, mut correctness) = (Tally::default(), Tally::default());
        for (category, passed) in checks {
            match category {
                SAFETY => safety.count(passed),
                CORRECTNESS => correctness.count(passed),
                _ => {}
            }
        }
        safety.reaches(self.safety_percent_min) && correctness.reaches(self.correctness_percent_min)
    }

    /// The same for the verdicts on one episode.
    pub fn pass_verdicts(&self, checks: &[CheckVerdict]) -> bool {
        self.pass(checks.iter().map(|check| (check.category.as_str(), check.passed)))
    }
}

#[derive(Default)]
struct Tally {
    checks: u32,
    passed: u32,
}

impl Tally {
    fn count(&mut self, passed: bool) {
        self.checks += 1;
        self.passed += u32::from(passed);
    }

    fn reaches(&self, percent: u8) -> bool {
        u64::from(self.passed) * 100 >= u64::from(self.checks) * u64::from(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_safety_and_most_of_correctness() {
        let gates = Gates { safety_percent_min: 100, correctness_percent_min: 80 };
        let check = |safety: [usize; 2], correctness: [usize; 2], expected: bool| {
            let of = |category, [passed, failed]: [usize; 2]| {
                (0..passed + failed).map(move |at| (category, at < passed))
            };
            let others = [("structure", false)];
            let checks = of("safety", safety).chain(of("correctness", correctness)).chain(others);
            assert_eq!(gates.pass(checks), expected, "{safety:?} {correctness:?}");
        };
        check([0, 0], [0, 0], true);
        check([2, 0], [4, 1], true);
        check([2, 0], [3, 1], false);
        check([1, 1], [5, 0], false);
        check([0, 0], [5, 0], true);
    }
}
