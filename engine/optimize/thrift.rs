//! Thrift: when a limit of money, tokens, calls or time comes closer, the search ends while enough is left for
//! a verdict. What an episode takes is measured in the run itself.

use super::Engine;
use super::journal::Journal;
use crate::budget::Limit;
use crate::event::SearchEnded;
use crate::search::Search;
use std::time::Instant;

/// Episodes differ, so the verdict's are taken to cost more than the mean says.
const SAFETY: f64 = 1.15;

/// Whether the search must end now, and what is left for the verdict.
pub(super) fn must_end(engine: &Engine, search: &Search, journal: &Journal<'_>) -> Option<SearchEnded> {
    if search.has_ended() || search.is_confirming() {
        return None;
    }
    let affordable = affordable(engine, journal);
    if search.is_cut() {
        // A limit was reached sooner than its mean said.
        let (episodes, limit) = affordable.or_else(|| Some((0.0, engine.ledger.last_refusal()?)))?;
        return Some(SearchEnded { limit, episodes: (episodes / SAFETY) as u32 });
    }
    let (episodes, limit) = affordable?;
    let episodes = (episodes / SAFETY) as u32;
    (episodes < search.episodes_needed(episodes)).then_some(SearchEnded { limit, episodes })
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
