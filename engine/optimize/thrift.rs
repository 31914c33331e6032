//! Thrift: what limits of money, tokens, calls and time leave of the budget. What an episode takes is measured in
//! the run itself, and the search is told when fewer episodes are affordable than it plans with, so that it keeps
//! enough for a verdict.

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
    let (episodes, limit) = match affordable(engine, journal) {
        Some(known) => known,
        // A limit was reached before anything could be measured.
        None => (0.0, engine.ledger.last_refusal().filter(|_| is_cut)?),
    };
    // What cuts an episode leaves less than one of its calls may take.
    let episodes = if is_cut { 0 } else { (episodes / SAFETY) as u32 };
    let is_news = is_cut
        || match search.told_affordable() {
            None => episodes < search.episodes_left(),
            Some(told) => f64::from(told.abs_diff(episodes)) > NEWS * f64::from(told),
        };
    is_news.then_some(Limited { limit, episodes })
}

/// How many episodes are affordable, and the limit that says so; none where nothing is limited or measured.
fn affordable(engine: &Engine, journal: &Journal<'_>) -> Option<(f64, Limit)> {
    let by_calls = engine.ledger.episodes_left(journal.paid().episodes);
    let by_time = engine.ledger.deadline().and_then(|deadline| {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis() as f64;
        let each = journal.paid().mean_ms()? / engine.parallel.max(1) as f64;
        Some((left / each.max(1.0), Limit::RUN_TIME))
    });
    [by_calls, by_time].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0))
}
