//! Thrift: what limits of money, tokens, calls and time leave of the budget. What an episode takes is measured in
//! the run itself, and the search is told when fewer episodes are affordable than it plans with, or when another round of
//! proposals would take what a verdict needs.

use super::Engine;
use super::journal::Journal;
use crate::budget::Limit;
use crate::event::Limited;
use crate::search::Search;
use std::time::Instant;

/// Episodes differ, and calls fail, so further ones are taken to cost more than the mean says.
const SAFETY: f64 = 1.15;
/// The search is told again when what is affordable has changed by this part.
const NEWS: f64 = 0.05;

/// What the search must be told of the limits, if anything is new.
pub(super) fn limited(engine: &Engine, search: &Search, journal: &Journal<'_>) -> Option<Limited> {
    let is_cut = search.is_cut() && search.told_affordable() != Some(0);
    if search.is_confirming() && !is_cut {
        return None;
    }
    let afterwards = affordable(engine, journal, search.writer_calls_next());
    let safely = |(episodes, _): (f64, Limit)| (episodes / SAFETY) as u32;
    let ends_proposals = search.writer_calls_next() > 0
        && afterwards.is_some_and(|afterwards| !search.affords_verdict(safely(afterwards)));
    let known = if ends_proposals { affordable(engine, journal, 0) } else { afterwards };
    let (episodes, limit) = match known {
        Some(known) => (safely(known), known.1),
        // A limit was reached before anything could be measured.
        None => (0, engine.ledger.last_refusal().filter(|_| is_cut)?),
    };
    // What cuts an episode leaves less than one of its calls may take.
    let episodes = if is_cut { 0 } else { episodes };
    let is_news = is_cut
        || ends_proposals
        || match search.told_affordable() {
            None => episodes < search.episodes_left(),
            Some(told) => f64::from(told.abs_diff(episodes)) > NEWS * f64::from(told),
        };
    is_news.then_some(Limited { limit, episodes, ends_proposals })
}

/// How many episodes are affordable after so many more calls of writers, and the limit that says so; none where nothing
/// is limited or measured.
fn affordable(engine: &Engine, journal: &Journal<'_>, writer_calls: u32) -> Option<(f64, Limit)> {
    let by_calls = engine.ledger.episodes_left(journal.paid().episodes, writer_calls);
    let by_time = engine.ledger.deadline().and_then(|deadline| {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis() as f64;
        let each = journal.paid().mean_ms()? / engine.control.parallel() as f64;
        Some((left / each.max(1.0), Limit::RUN_TIME))
    });
    [by_calls, by_time].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0))
}
