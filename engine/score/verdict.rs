//! Scores one episode under one rubric, exactly as the reference does: every check's verdict, points and
//! detail text, and the sums. What the reference raises on is an error here, never a lower score.

mod check;
mod exhibit;
mod json;
mod scorable;
mod texts;

use crate::scenario::{Check, Lead, Rubric};
use crate::value::{Number, Value, round_decimal};
use check::Evidence;
use std::borrow::Cow;
use std::fmt;
use texts::{Flat, LaidOut, Scanned};

pub use exhibit::{Exhibit, ExhibitPlace, Explainer, KeptCall, KnownTexts};
pub use scorable::Scorable;

/// What the reference's `score_episode` gives.
#[derive(Clone, Debug)]
pub enum Verdict<'r> {
    /// The rubric has no checks. That is no score at all, which is not zero.
    NoChecks,
    Scored(Scored<'r>),
}

/// The verdicts of all checks, and their sums.
#[derive(Clone, Debug)]
pub struct Scored<'r> {
    /// Earned by possible points, rounded to four decimals; 0 where nothing is possible.
    pub score: f64,
    pub points_earned: Number,
    pub points_possible: Number,
    pub passed: usize,
    pub failed: usize,
    pub checks: Vec<CheckResult<'r>>,
    /// In the order of first appearance.
    pub by_category: Vec<CategoryResult<'r>>,
}

/// How one check came out.
#[derive(Clone, Debug)]
pub struct CheckResult<'r> {
    pub check: &'r Check,
    pub passed: bool,
    pub points: Points,
    pub detail: Detail<'r>,
}

/// What a check earned of its points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Points {
    All,
    Nothing,
    /// A share, which the reference always writes as a float.
    Partial(f64),
}

/// A detail text: what all episodes have in common, and what this one adds.
#[derive(Clone, Debug)]
pub struct Detail<'r> {
    lead: Option<&'r Lead>,
    rest: Cow<'static, str>,
}

/// The sums of one category.
#[derive(Clone, Debug)]
pub struct CategoryResult<'r> {
    /// A check of the category, which knows its name.
    check: &'r Check,
    pub earned: Number,
    pub possible: Number,
    pub score: f64,
    pub passed: usize,
    pub failed: usize,
}

/// Why an episode has no score: where the reference raises, and where a pattern asks for too much work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    #[error("{0}")]
    Rubric(String),
    #[error("the episode {0}")]
    Episode(String),
    #[error("check {index} ('{id}'): {problem}")]
    Check {
        /// Counted from 0.
        index: usize,
        id: String,
        problem: String,
    },
    #[error(
        "check {index} ('{id}'): its pattern reached the bound of matching work; make the pattern simpler"
    )]
    MatchLimit { index: usize, id: String },
    #[error("the rubric has no checks, so there is no score")]
    NoChecks,
    /// The evaluator outside of this program gave verdicts that are none.
    #[error("the evaluator's verdicts: {0}")]
    External(String),
}

/// Scores an episode under a rubric.
pub fn score<'r>(rubric: &'r Rubric, episode: &Scorable<'_>) -> Result<Verdict<'r>, ScoreError> {
    if let Some(defect) = rubric.defect() {
        return Err(ScoreError::Rubric(defect.to_owned()));
    }
    if rubric.checks.is_empty() {
        return Ok(Verdict::NoChecks);
    }
    let fields = episode.fields()?;
    let flat = Flat::of(fields);
    let laid_out = LaidOut::of(fields);
    let evidence = Evidence { fields, texts: Scanned::new(fields, &flat, &laid_out) };
    let mut checks = Vec::with_capacity(rubric.checks.len());
    for (index, check) in rubric.checks.iter().enumerate() {
        checks.push(check::evaluate(check, &evidence).map_err(|failure| failure.of_check(index, check))?);
    }
    Ok(Verdict::Scored(sum_up(checks)))
}

fn sum_up(checks: Vec<CheckResult<'_>>) -> Scored<'_> {
    let (mut earned, mut possible) = (Number::ZERO, Number::ZERO);
    let mut by_category: Vec<CategoryResult<'_>> = Vec::with_capacity(4);
    for result in &checks {
        let points = (result.points_number(), result.check.definition().max_points_number);
        earned = earned.plus(points.0);
        possible = possible.plus(points.1);
        let same = |category: &CategoryResult<'_>| category.name().py_eq(&result.check.definition().category);
        match by_category.iter_mut().find(|category| same(category)) {
            Some(category) => category.add(points, result.passed),
            None => by_category.push(CategoryResult::first(result.check, points, result.passed)),
        }
    }
    for category in &mut by_category {
        category.score = share(category.earned, category.possible);
    }
    let passed = checks.iter().filter(|result| result.passed).count();
    Scored {
        score: share(earned, possible),
        points_earned: earned,
        points_possible: possible,
        passed,
        failed: checks.len() - passed,
        checks,
        by_category,
    }
}

fn share(earned: Number, possible: Number) -> f64 {
    if possible.is_positive() { round_decimal(earned.as_f64() / possible.as_f64(), 4) } else { 0.0 }
}

impl<'r> CategoryResult<'r> {
    fn first(check: &'r Check, points: (Number, Number), passed: bool) -> CategoryResult<'r> {
        let mut category = CategoryResult {
            check,
            earned: Number::ZERO,
            possible: Number::ZERO,
            score: 0.0,
            passed: 0,
            failed: 0,
        };
        category.add(points, passed);
        category
    }

    fn add(&mut self, (earned, possible): (Number, Number), passed: bool) {
        self.earned = self.earned.plus(earned);
        self.possible = self.possible.plus(possible);
        *(if passed { &mut self.passed } else { &mut self.failed }) += 1;
    }

    /// The category as the rubric has it: normally a string.
    pub fn name(&self) -> &'r Value {
        &self.check.definition().category
    }
}

impl CheckResult<'_> {
    /// The points earned, as a number that can be added up.
    pub fn points_number(&self) -> Number {
        match self.points {
            Points::All => self.check.definition().max_points_number,
            Points::Nothing => Number::ZERO,
            Points::Partial(points) => Number::Float(points),
        }
    }

    /// The points earned, as the result shows them.
    pub fn points_value(&self) -> Value {
        match self.points {
            Points::All => self.check.definition().max_points.clone(),
            Points::Nothing => Value::Int(0),
            Points::Partial(points) => Value::Float(points),
        }
    }
}

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.lead.map_or("", |lead| &lead.text))?;
        f.write_str(&self.rest)
    }
}
