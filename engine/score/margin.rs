//! The margin by which one pack must be better than another, whichever way better is.

use serde::{Deserialize, Serialize};

/// By how much a candidate must be better than the incumbent; always strictly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// A fixed distance: incumbent + δ; − δ where lower is better.
    Additive(f64),
    /// A share of the incumbent: incumbent × (1 + δ); × (1 − δ) where lower is better.
    Multiplicative(f64),
}

/// Which way is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Higher,
    Lower,
}

impl Margin {
    /// What a challenger must pass.
    pub fn threshold(self, direction: Direction, incumbent: f64) -> f64 {
        match (self, direction) {
            (Margin::Additive(delta), Direction::Higher) => incumbent + delta,
            (Margin::Additive(delta), Direction::Lower) => incumbent - delta,
            (Margin::Multiplicative(delta), Direction::Higher) => incumbent * (1.0 + delta),
            (Margin::Multiplicative(delta), Direction::Lower) => incumbent * (1.0 - delta),
        }
    }

    /// Whether the challenger is better by more than the margin; by just as much is not enough.
    pub fn is_exceeded(self, direction: Direction, challenger: f64, incumbent: f64) -> bool {
        let threshold = self.threshold(direction, incumbent);
        match direction {
            Direction::Higher => challenger > threshold,
            Direction::Lower => challenger < threshold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_must_be_exceeded_strictly() {
        let check = |margin: Margin, incumbent: f64, challenger: f64, expected: bool| {
            let exceeded = margin.is_exceeded(Direction::Higher, challenger, incumbent);
            assert_eq!(exceeded, expected, "{margin:?} {incumbent} {challenger}");
        };
        check(Margin::Additive(0.05), 0.80, 0.85, false);
        check(Margin::Additive(0.05), 0.80, 0.8501, true);
        check(Margin::Additive(0.05), 0.0, 0.05, false);
        check(Margin::Additive(0.05), 0.97, 1.0, false);
        check(Margin::Multiplicative(0.1), 0.5, 0.55, false);
        check(Margin::Multiplicative(0.1), 0.5, 0.551, true);
        check(Margin::Multiplicative(0.1), 0.0, 0.001, true);
        check(Margin::Additive(0.05), f64::NAN, 1.0, false);
    }

    #[test]
    fn where_lower_is_better_a_challenger_must_stay_below() {
        let check = |margin: Margin, incumbent: f64, challenger: f64, expected: bool| {
            let exceeded = margin.is_exceeded(Direction::Lower, challenger, incumbent);
            assert_eq!(exceeded, expected, "{margin:?} {incumbent} {challenger}");
        };
        check(Margin::Multiplicative(0.1), 2.0, 1.8, false);
        check(Margin::Multiplicative(0.1), 2.0, 1.79, true);
        check(Margin::Multiplicative(0.1), 0.0, 0.0, false);
        check(Margin::Additive(0.5), 2.0, 1.5, false);
        check(Margin::Additive(0.5), 2.0, 1.4, true);
        check(Margin::Additive(0.5), 2.0, f64::NAN, false);
    }
}
