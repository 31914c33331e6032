//! Re-scoring: what the recorded episodes of a run earn under other rubrics, which verdicts of checks flip, and
//! whether the run would have concluded otherwise.
//!
//! Nothing is attempted anew and nothing is changed. Rubrics see an agent's words, its tool calls and their answers,
//! all of which a transcript keeps; what cannot be graded from it is not measured. The search is told the records again
//! with the new scorecards, so that the conclusion comes from the lines that a run's own conclusion comes from. What it
//! would have proposed under the new rubrics nobody knows.

mod change;
mod conclusion;
mod flips;
mod grade;

use crate::event::{Event, RunStarted};
use crate::scenario::Suite;
use crate::store::{Record, Transcript};
use crate::units::{PackHash, RunId};
use serde::Serialize;
use std::collections::BTreeMap;

pub use change::{Encounters, RubricChange, SuiteChange, WeightChange};
pub use conclusion::{Believed, Conclusion};
pub use flips::{CheckRow, Flip, LostEpisode, Mark};

/// The version of the form of `optimize rescore --json`.
const FORMAT: u32 = 1;

/// A run as it was, and the suite by which it is graded again.
pub struct Source<'a> {
    pub run: RunId,
    pub records: &'a [Record],
    pub transcripts: &'a [Transcript],
    /// What the run kept of its rubrics and of what agents met; none in runs from before that was kept.
    pub kept_rubrics: Option<&'a str>,
    pub kept_encounters: Option<&'a BTreeMap<String, String>>,
    pub suite: &'a Suite,
}

/// What a run's episodes earn under other rubrics.
#[derive(Clone, Debug, Serialize)]
pub struct Rescored {
    pub format: u32,
    pub run: RunId,
    /// The episodes are of the offline model, which predicts nothing about a real one.
    pub is_offline: bool,
    /// The candidate that the run began with.
    pub incumbent: PackHash,
    pub suite: SuiteChange,
    pub episodes: Episodes,
    /// Passed checks that fail now, and failed ones that pass, by scenario, check and candidate.
    pub flips: Vec<Flip>,
    /// Every check before and after, over all episodes.
    pub checks: Vec<CheckRow>,
    /// Episodes that had a score and have none under the new rubrics.
    pub lost: Vec<LostEpisode>,
    /// What this program concludes from the records as they are, and from those graded again.
    pub before: Conclusion,
    pub after: Conclusion,
    /// Whether the run itself recorded another verdict than `before`: it was made by another version of the program.
    pub recorded_otherwise: bool,
}

/// How many episodes were graded, and what became of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Episodes {
    pub graded: u32,
    /// Judged by an evaluator outside of this program; its verdicts stand.
    pub judged_outside: u32,
    /// Had a score and has none now.
    pub lost: u32,
    /// Had none, since the old rubric could not score it, and has one now.
    pub found: u32,
    /// Failed for the infrastructure: there is nothing to grade.
    pub unmeasured: u32,
    /// Episodes in which at least one check flipped.
    pub flipped: u32,
    /// Checks that flipped, over all episodes.
    pub flips: u32,
}

impl Rescored {
    /// Whether anything that the run rests on is another: a verdict of a check, a score, or the conclusion.
    pub fn differs(&self) -> bool {
        self.episodes.flips > 0
            || self.episodes.lost > 0
            || self.episodes.found > 0
            || self.checks.iter().any(|row| row.before != row.after)
            || self.before != self.after
    }

    /// The pack that stands after the run, before and after: the finalist that won, or the incumbent.
    pub fn winners(&self) -> [&PackHash; 2] {
        [&self.before, &self.after].map(|conclusion| conclusion.winner().unwrap_or(&self.incumbent))
    }
}

/// How a suite differs from the one that a run met, without grading anything; none when the run never started.
pub fn suite_change(source: &Source<'_>) -> Option<SuiteChange> {
    Some(change::between(source, started(source.records)?))
}

/// Grades the episodes of a run by the rubrics of a suite; none when the run never started.
pub fn rescore(source: &Source<'_>) -> Option<Rescored> {
    let started = started(source.records)?;
    let graded = grade::grade(source);
    let tally = flips::tally(source.records, &graded.records);
    let [before, after] = [source.records, &graded.records].map(conclusion::conclude);
    let recorded = source.records.iter().find_map(|record| match &record.event {
        Event::RunFinished(finished) => Some(&finished.verdict),
        _ => None,
    });
    Some(Rescored {
        format: FORMAT,
        run: source.run.clone(),
        is_offline: started.model.split('/').any(|part| part == "offline"),
        incumbent: started.incumbent.id.clone(),
        suite: change::between(source, started),
        episodes: Episodes { graded: graded.graded, judged_outside: graded.judged_outside, ..tally.episodes },
        recorded_otherwise: recorded.is_some_and(|recorded| *recorded != before.verdict),
        flips: tally.flips,
        checks: tally.checks,
        lost: tally.lost,
        before,
        after,
    })
}

fn started(records: &[Record]) -> Option<&RunStarted> {
    match records.first().map(|record| &record.event) {
        Some(Event::RunStarted(started)) => Some(started),
        _ => None,
    }
}
