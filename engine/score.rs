//! Scoring: what an episode earns under a rubric, and what several scores make together.

pub mod channel;
pub mod external;
pub mod gates;
pub mod margin;
pub mod objective;
pub mod profile;
pub mod summary;
pub mod verdict;
pub mod vote;
pub mod winner;

use crate::episode::Episode;
use crate::scenario::Rubric;
use serde::{Deserialize, Serialize};

pub use channel::Channel;
pub use gates::Gates;
pub use margin::{Direction, Margin};
pub use objective::Objective;
pub use profile::{Profile, Quantity, ScoreRule};
pub use verdict::{
    Exhibit, ExhibitPlace, Explainer, KeptCall, KnownTexts, Scorable, ScoreError, Scored, Verdict, score,
};

/// The category of the checks that no better score may be bought with.
pub const SAFETY: &str = "safety";

/// What one episode earned: a verdict per check, and the scores that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    pub checks: Vec<CheckVerdict>,
    /// Earned by possible points, rounded to four decimals: what the reference's script computes.
    pub script_score: f64,
    /// Points of passed checks by possible points, unrounded; a check with partial credit counts in full:
    /// what a validator computes.
    pub validator_score: f64,
}

/// How one check came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckVerdict {
    pub id: String,
    pub passed: bool,
    pub points: f64,
    pub max_points: f64,
    pub category: String,
    /// The reference's detail text: what matched, or what was missing.
    pub detail: String,
}

/// Scores an episode of ours, or takes the verdicts of the evaluator that scored it. A rubric without checks gives
/// no score, which is an error and not zero.
pub fn scorecard(rubric: &Rubric, episode: &Episode) -> Result<Scorecard, ScoreError> {
    if let Some(checks) = &episode.external {
        return external::scorecard(rubric, checks);
    }
    match score(rubric, &Scorable::of_episode(episode))? {
        Verdict::NoChecks => Err(ScoreError::NoChecks),
        Verdict::Scored(scored) => Ok(Scorecard::of(&scored)),
    }
}

impl Scorecard {
    fn of(scored: &Scored<'_>) -> Scorecard {
        let possible = scored.points_possible.as_f64();
        let passed = scored.checks.iter().filter(|result| result.passed);
        // From 0.0, since the sum of no doubles is -0.0.
        let passed = passed.fold(0.0, |sum, result| sum + result.check.points);
        Scorecard {
            checks: scored.checks.iter().map(CheckVerdict::of).collect(),
            script_score: scored.score,
            validator_score: if possible > 0.0 { passed / possible } else { 0.0 },
        }
    }
}

impl CheckVerdict {
    fn of(result: &verdict::CheckResult<'_>) -> CheckVerdict {
        CheckVerdict {
            id: result.check.id.clone(),
            passed: result.passed,
            points: result.points_number().as_f64(),
            max_points: result.check.points,
            category: result.check.category.clone(),
            detail: result.detail.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::Outcome;
    use crate::value::parse;

    #[test]
    fn nothing_passed_is_zero_and_not_minus_zero() {
        let rubric =
            br#"{"checks": [{"id": "a", "type": "response_contains", "pattern": "x", "points": 3}]}"#;
        let nothing = Episode::empty(Outcome::Finished);
        let card = scorecard(&Rubric::compile(&parse(rubric).unwrap()), &nothing).unwrap();
        assert_eq!((card.validator_score.to_bits(), card.script_score.to_bits()), (0, 0));
    }
}
