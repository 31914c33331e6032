//! The parent of a proposal: mostly the best candidate, sometimes one that is believed to be the best at some
//! check, so that what only one candidate can do is not lost.

use super::state::State;
use crate::units::PackHash;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeSet;

/// How often the best candidate is the parent; else one is drawn from the front.
const BEST_FIRST: f64 = 0.8;
/// Rates that are nearer are equal: the same numbers were added up in another order.
const ROUNDING: f64 = 1e-9;
/// Keeps the front's lowest member in the draw.
const FLOOR: f64 = 0.02;

/// Draws the parent of a proposal.
pub(super) fn draw_parent(state: &State, rng: &mut ChaCha8Rng) -> PackHash {
    let best = state.best().unwrap_or(state.incumbent());
    if rng.random_bool(BEST_FIRST) {
        return best.clone();
    }
    let front = front(state);
    let lowest = front.iter().map(|id| state.value_of(id)).fold(f64::INFINITY, f64::min);
    let weight = |id: &PackHash| (state.value_of(id) - lowest + FLOOR).powi(2);
    let mut left = rng.random_range(0.0..1.0) * front.iter().map(|id| weight(id)).sum::<f64>();
    for id in &front {
        left -= weight(id);
        if left < 0.0 {
            return (*id).clone();
        }
    }
    best.clone()
}

/// The measured candidates, safe enough, that have the highest believed pass rate on at least one check; of equals the
/// newest, which has its ancestors' other gains too.
fn front(state: &State) -> Vec<&PackHash> {
    let view = state.beliefs.view();
    let is_in = |place: &usize| {
        let (id, member) = state.members.get_index(*place).expect("beliefs know members alone");
        member.is_measured() && state.is_safe(id)
    };
    let mut places: Vec<usize> = view.short().iter().copied().filter(is_in).collect();
    let leaders: BTreeSet<usize> = (0..state.beliefs.checks().len())
        .filter_map(|check| {
            let rate = |place: usize| view.rate(place, check);
            let places = places.iter().copied();
            places.reduce(|best, place| if rate(place) >= rate(best) - ROUNDING { place } else { best })
        })
        .collect();
    places.retain(|place| leaders.contains(place));
    places.into_iter().filter_map(|place| state.members.get_index(place)).map(|(id, _)| id).collect()
}
