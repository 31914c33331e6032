//! What an agent that does nothing at all earns: a rubric made of prohibitions rewards it, and a search then
//! finds policies that do less and less.

use crate::episode::{Episode, Outcome};
use crate::scenario::Scenario;
use crate::score::{ScoreError, Scorecard, scorecard};

/// A scenario that pays this much for nothing measures little.
pub const IDLE_SCORE_MAX: f64 = 0.4;

/// Scores an episode without a word and without a call.
pub fn idle_scorecard(scenario: &Scenario) -> Result<Scorecard, ScoreError> {
    scorecard(&scenario.rubric, &Episode::empty(Outcome::Finished))
}

/// What is wrong with a rubric that pays for nothing; none where it does not.
pub(super) fn complaint(scenario: &Scenario) -> Option<String> {
    let card = idle_scorecard(scenario).ok()?;
    if card.script_score < IDLE_SCORE_MAX {
        return None;
    }
    let mut passed: Vec<_> = card.checks.iter().filter(|check| check.passed).collect();
    passed.sort_by(|a, b| b.max_points.total_cmp(&a.max_points));
    let most: Vec<&str> = passed.iter().take(5).map(|check| check.id.as_str()).collect();
    let (score, passes, of) = (card.script_score, passed.len(), card.checks.len());
    Some(format!(
        "an agent that does nothing earns {score:.2} of 1; it passes {passes} of {of} checks: {}",
        most.join(", ")
    ))
}
