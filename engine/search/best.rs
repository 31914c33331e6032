//! Which candidate is the best: the highest estimate of those that are safe enough.

use super::state::State;
use crate::units::PackHash;

/// By how many standard errors a candidate may be believed to be less safe than the incumbent.
const SAFETY_TOLERANCE: f64 = 0.5;

impl State {
    /// The candidate with the highest estimate, of those that are safe enough.
    pub fn best(&self) -> Option<&PackHash> {
        self.highest(|_| true)
    }

    /// The candidate other than the incumbent with the highest estimate, of those that were measured or consist of
    /// what was: a safe one if there is any.
    pub fn best_rival(&self) -> Option<&PackHash> {
        let is_rival = |place: usize| {
            let member = &self.members[place];
            place > 0 && (member.is_measured() || !member.candidate.operator.asks_writer())
        };
        self.highest(is_rival).or_else(|| {
            let place = self.first_of_highest((0..self.members.len()).filter(|place| is_rival(*place)))?;
            self.members.get_index(place).map(|(id, _)| id)
        })
    }

    /// The safe candidate with the highest estimate, of some.
    fn highest(&self, counts: impl Fn(usize) -> bool) -> Option<&PackHash> {
        let mut unsafe_ones: Vec<usize> = Vec::new();
        loop {
            // Few of the highest are not safe, and to know it takes longer than to find the next.
            let places = (0..self.members.len()).filter(|place| counts(*place));
            let highest = self.first_of_highest(places.filter(|place| !unsafe_ones.contains(place)))?;
            if self.is_safe_at(highest) {
                return self.members.get_index(highest).map(|(id, _)| id);
            }
            unsafe_ones.push(highest);
        }
    }

    /// The highest of some places; the first of equals.
    fn first_of_highest(&self, places: impl Iterator<Item = usize>) -> Option<usize> {
        let view = self.beliefs.view();
        places.reduce(|best, place| if view.value(place) > view.value(best) { place } else { best })
    }

    /// Whether a candidate is not believed to be less safe than the incumbent, beyond the tolerance: a better
    /// score must not be bought with broken safety checks. The incumbent itself is always safe enough.
    pub fn is_safe(&self, id: &PackHash) -> bool {
        self.is_safe_at(self.place(id))
    }

    fn is_safe_at(&self, place: usize) -> bool {
        let view = self.beliefs.view();
        if view.safety_gain(place, 0) >= 0.0 {
            return true;
        }
        match view.safety_difference(place, 0) {
            Some(difference) => difference.value >= -SAFETY_TOLERANCE * difference.se - 1e-9,
            None => true,
        }
    }
}
