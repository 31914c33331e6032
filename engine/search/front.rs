//! The Pareto front per check: every candidate that is believed to be the best at something. Parents are
//! drawn from it, so that what only one candidate can do is not lost.

use super::state::State;
use crate::units::PackHash;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeMap;

/// How often the best candidate is the parent; else one is drawn from the front.
const BEST_FIRST: f64 = 0.8;
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

/// The measured candidates, safe enough, that have the highest believed pass rate on at least one check.
pub(super) fn front(state: &State) -> Vec<&PackHash> {
    let mut leaders: BTreeMap<(usize, &str), (f64, &PackHash)> = BTreeMap::new();
    let mut measured: Vec<&PackHash> =
        state.beliefs.live().filter(|id| state.members[*id].is_measured() && state.is_safe(id)).collect();
    for id in &measured {
        for (check, rate) in state.beliefs.rates(id) {
            let leader = leaders.entry((check.scenario, &check.id)).or_insert((rate, id));
            if rate > leader.0 {
                *leader = (rate, id);
            }
        }
    }
    measured.retain(|id| leaders.values().any(|(_, leader)| leader == id));
    measured
}
