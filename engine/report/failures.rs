//! The checks that the shown candidate fails, each with what is to be seen of its newest failure.

use super::Gathered;
use super::archive::Archive;
use super::grid::{Cell, GridCheck};
use crate::score::Exhibit;
use serde::Serialize;

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// The place of the check.
    pub check: usize,
    pub passed: u32,
    pub episodes: u32,
    /// The ordinal of the newest episode in which it failed.
    pub episode: u32,
    /// The score's own words.
    pub detail: String,
    /// The text that matched or nearly matched; none where there is nothing to be seen, and where the rubric or the
    /// transcript is not known.
    pub exhibit: Option<Exhibit>,
    /// The place of the nearest candidate, the shown one or an ancestor, with which it passed; none where none did.
    pub passed_by: Option<usize>,
}

/// The failures of a candidate by its cells, the dearest first.
pub(super) fn failures(
    checks: &[GridCheck],
    cells: &[Cell],
    gathered: &Gathered<'_>,
    archive: &Archive,
) -> Vec<Failure> {
    let failure = |cell: &Cell| {
        let episode = cell.failed_at?;
        let scored = gathered.scored.iter().find(|scored| scored.ordinal == episode)?;
        let id = &checks[cell.check].check;
        let verdict = scored.event.scorecard.checks.iter().find(|verdict| verdict.id == *id)?;
        Some(Failure {
            check: cell.check,
            passed: cell.passed,
            episodes: cell.episodes,
            episode,
            detail: verdict.detail.clone(),
            exhibit: archive.exhibit(episode, cell.check).cloned(),
            passed_by: cell.passed_by,
        })
    };
    let mut failures: Vec<Failure> = cells.iter().filter_map(failure).collect();
    let lost = |failure: &Failure| checks[failure.check].lost.unwrap_or(-1.0);
    failures.sort_by(|a, b| lost(b).total_cmp(&lost(a)));
    failures
}
