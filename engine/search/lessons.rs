//! What earlier edits did, as the writer is told: the best and the worst, one line each.

use super::round::effect;
use super::state::State;
use crate::event::{Belief, Lesson};
use crate::stats::normal::WITHIN_90;

/// So many of the best, and of the worst.
const EACH_MAX: usize = 5;

/// The edits of writers with the clearest effects, the best first.
pub(super) fn lessons(state: &State) -> Vec<Lesson> {
    let mut lessons: Vec<Lesson> = state
        .members
        .iter()
        .filter(|(id, member)| member.candidate.operator.asks_writer() && state.is_seen(id))
        .filter_map(|(id, member)| {
            let effect = effect(state, id)?;
            let margin = WITHIN_90 * effect.se;
            let effect =
                Belief { mean: effect.value, low: effect.value - margin, high: effect.value + margin };
            Some(Lesson { candidate: id.clone(), said: member.said.clone(), effect })
        })
        .collect();
    lessons.sort_by(|a, b| b.effect.mean.total_cmp(&a.effect.mean));
    if lessons.len() > 2 * EACH_MAX {
        lessons.drain(EACH_MAX..lessons.len() - EACH_MAX);
    }
    lessons
}
