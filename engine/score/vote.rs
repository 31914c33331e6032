//! The vote: how a validator makes one scenario score out of several runs of the same scenario.
//!
//! A check passes when it passed in at least half of the planned runs, so that a run lost to a time-out counts
//! against every check. The score is points of passed checks by possible points.

use super::CheckVerdict;
use crate::value::Value;
use indexmap::IndexMap;

/// One check of one run, as the vote reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ballot {
    pub id: String,
    pub passed: bool,
    pub max_points: f64,
}

/// What the runs decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Whether each check passed, in the order in which the runs first named them.
    pub passed: IndexMap<String, bool>,
    /// The scenario's score.
    pub score: f64,
}

/// Votes over the runs that gave a result; none where no run did, which validators count as 0.
pub fn vote(runs: &[Vec<Ballot>], quorum: usize) -> Option<Decision> {
    if runs.is_empty() {
        return None;
    }
    // A check that occurs twice in one run votes twice.
    let mut tallies: IndexMap<&str, Tally> = IndexMap::new();
    for ballot in runs.iter().flatten() {
        let tally = tallies.entry(&ballot.id).or_insert(Tally { votes: 0, max_points: ballot.max_points });
        tally.votes += usize::from(ballot.passed);
    }
    let points = |counts: &dyn Fn(&Tally) -> bool| {
        tallies.values().filter(|tally| counts(tally)).fold(0.0, |sum, tally| sum + tally.max_points)
    };
    let possible = points(&|_| true);
    let score = if possible > 0.0 { points(&|tally| tally.votes >= quorum) / possible } else { 0.0 };
    let passed = tallies.iter().map(|(id, tally)| ((*id).to_owned(), tally.votes >= quorum)).collect();
    Some(Decision { passed, score })
}

/// How many runs must pass a check: half of those that were planned, rounded up.
pub fn quorum(planned_runs: usize) -> usize {
    planned_runs.div_ceil(2)
}

struct Tally {
    votes: usize,
    max_points: f64,
}

impl Ballot {
    /// Reads a check from the result that the reference's script prints; none for one without an id, which
    /// has no vote. A check without `max_points` has as many as its `points`, or 1.
    pub fn read(check: &Value) -> Option<Ballot> {
        let number = |key: &str| check.get(key).and_then(Value::as_f64);
        Some(Ballot {
            id: check.get("id")?.as_str()?.to_owned(),
            passed: check.get("passed").is_some_and(Value::is_truthy),
            max_points: number("max_points").or_else(|| number("points")).unwrap_or(1.0),
        })
    }
}

impl From<&CheckVerdict> for Ballot {
    fn from(verdict: &CheckVerdict) -> Ballot {
        Ballot { id: verdict.id.clone(), passed: verdict.passed, max_points: verdict.max_points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_half_of_the_planned_runs() {
        let check = |planned: usize, expected: usize| assert_eq!(quorum(planned), expected);
        check(1, 1);
        check(2, 1);
        check(3, 2);
        check(4, 2);
    }

    #[test]
    fn no_result_is_not_a_score() {
        assert_eq!(vote(&[], 1), None);
        assert_eq!(vote(&[vec![]], 1).map(|decision| decision.score), Some(0.0));
    }

    #[test]
    fn a_check_without_an_id_has_no_vote() {
        assert_eq!(Ballot::read(&Value::object([("passed", Value::Bool(true))])), None);
    }
}
