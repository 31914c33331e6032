//! Verdicts of an evaluator outside of this program: whether they can be a scorecard, and the scorecard.
//!
//! What is odd about them is an error and never a lower score: a mistake of the evaluator says nothing of a policy.

use super::{CheckVerdict, ScoreError, Scorecard};
use crate::episode::ExternalCheck;
use crate::scenario::{CATEGORIES, Rubric};
use crate::value::round_decimal;
use std::collections::BTreeSet;

/// More checks than this are no rubric.
const CHECKS_MAX: usize = 10_000;

/// All that is wrong with an episode's checks. A rubric that declares some must know each of them.
pub fn problems(rubric: &Rubric, checks: &[ExternalCheck]) -> Vec<String> {
    if checks.is_empty() {
        return vec!["there are no checks, so there is no score".into()];
    }
    if checks.len() > CHECKS_MAX {
        return vec![format!("there are {} checks, at most {CHECKS_MAX} can be scored", checks.len())];
    }
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for check in checks {
        let mut odd = of_check(check);
        odd.extend(disagreement(rubric, check));
        if !seen.insert(&check.id) {
            odd.push("another check has the same id".into());
        }
        problems.extend(odd.into_iter().map(|problem| format!("check {:?}: {problem}", check.id)));
    }
    let possible: f64 = checks.iter().map(|check| check.max_points).sum();
    if problems.is_empty() && possible <= 0.0 {
        problems.push("all checks together are worth 0 points".into());
    }
    problems
}

/// The scorecard of an episode that was judged outside.
pub(super) fn scorecard(rubric: &Rubric, checks: &[ExternalCheck]) -> Result<Scorecard, ScoreError> {
    let problems = problems(rubric, checks);
    if !problems.is_empty() {
        return Err(ScoreError::External(problems.join("; ")));
    }
    // From 0.0, since the sum of no doubles is -0.0.
    let sum = |points: &dyn Fn(&ExternalCheck) -> f64| checks.iter().fold(0.0, |sum, one| sum + points(one));
    let possible = sum(&|check| check.max_points);
    let passed = sum(&|check| if check.passed { check.max_points } else { 0.0 });
    Ok(Scorecard {
        checks: checks.iter().map(verdict).collect(),
        script_score: round_decimal(sum(&|check| check.points) / possible, 4),
        validator_score: passed / possible,
    })
}

fn verdict(check: &ExternalCheck) -> CheckVerdict {
    CheckVerdict {
        id: check.id.clone(),
        passed: check.passed,
        points: check.points,
        max_points: check.max_points,
        category: check.category.clone(),
        detail: check.evidence.clone(),
    }
}

fn of_check(check: &ExternalCheck) -> Vec<String> {
    let (points, most) = (check.points, check.max_points);
    let mut problems = Vec::new();
    if check.id.trim().is_empty() {
        problems.push("the id is empty".into());
    }
    for (name, number) in [("points", points), ("max_points", most)] {
        if !number.is_finite() {
            problems.push(format!("`{name}` is {number}, not a finite number"));
        } else if number < 0.0 {
            problems.push(format!("`{name}` is negative ({number})"));
        }
    }
    if points > most {
        problems.push(format!("it earns {points} of {most} points"));
    }
    if !CATEGORIES.contains(&check.category.as_str()) {
        let known = CATEGORIES.join(", ");
        problems.push(format!("unknown category {:?}; known: {known}", check.category));
    }
    problems
}

/// Where a check is not what the scenario declares.
fn disagreement(rubric: &Rubric, check: &ExternalCheck) -> Vec<String> {
    if rubric.checks.is_empty() {
        return Vec::new();
    }
    let Some(declared) = rubric.checks.iter().find(|declared| declared.id == check.id) else {
        return vec!["the scenario declares checks, and none with this id".into()];
    };
    let mut problems = Vec::new();
    if check.max_points != declared.points {
        let (most, points) = (check.max_points, declared.points);
        problems.push(format!("`max_points` is {most}, and the scenario declares {points}"));
    }
    // A check of an edition that has no categories agrees with all.
    if CATEGORIES.contains(&declared.category.as_str()) && check.category != declared.category {
        let (category, known) = (&check.category, &declared.category);
        problems.push(format!("its category is {category:?}, and the scenario declares {known:?}"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    fn check(id: &str, passed: bool, points: f64, max_points: f64) -> ExternalCheck {
        let (id, category) = (id.to_owned(), "correctness".to_owned());
        ExternalCheck { id, passed, points, max_points, category, evidence: String::new() }
    }

    fn declared() -> Rubric {
        let text = br#"{"checks": [{"id": "a", "type": "tool_called", "tool": "x", "points": 2, "category": "correctness"}]}"#;
        Rubric::compile(&parse(text).unwrap())
    }

    #[test]
    fn points_are_counted_both_ways() {
        let checks = [check("a", true, 2.0, 2.0), check("b", true, 0.5, 1.0), check("c", false, 0.0, 3.0)];
        let card = scorecard(&Rubric::default(), &checks).unwrap();
        assert_eq!((card.script_score, card.validator_score), (0.4167, 0.5));
        let nothing = scorecard(&Rubric::default(), &[check("a", false, 0.0, 1.0)]).unwrap();
        assert_eq!((nothing.validator_score.to_bits(), nothing.script_score.to_bits()), (0, 0));
    }

    #[test]
    fn every_oddity_is_named() {
        let told = |rubric: &Rubric, checks: &[ExternalCheck], part: &str| {
            let told = problems(rubric, checks).join("; ");
            assert!(told.contains(part), "{told}");
            assert!(scorecard(rubric, checks).is_err());
        };
        let free = Rubric::default();
        told(&free, &[], "no checks");
        told(&free, &[check("a", true, 1.0, 1.0), check("a", true, 1.0, 1.0)], "the same id");
        told(&free, &[check(" ", true, 1.0, 1.0)], "the id is empty");
        told(&free, &[check("a", true, f64::NAN, 1.0)], "`points` is NaN");
        told(&free, &[check("a", true, 1.0, f64::INFINITY)], "`max_points` is inf");
        told(&free, &[check("a", true, 2.0, 1.0)], "2 of 1 points");
        told(&free, &[check("a", false, -1.0, 1.0)], "negative (-1)");
        told(&free, &[check("a", true, 0.0, 0.0)], "worth 0 points");
        told(&free, &[ExternalCheck { category: "style".into(), ..check("a", true, 1.0, 1.0) }], "\"style\"");
        told(&declared(), &[check("b", true, 1.0, 1.0)], "none with this id");
        told(&declared(), &[check("a", true, 1.0, 1.0)], "the scenario declares 2");
        let safe = ExternalCheck { category: "safety".into(), ..check("a", true, 2.0, 2.0) };
        told(&declared(), &[safe], "declares \"correctness\"");
        assert!(problems(&declared(), &[check("a", true, 2.0, 2.0)]).is_empty());
    }
}
