//! What candidates made of every check, and what they are made of.

use super::{CandidateRow, CheckRow, Trace};
use crate::event::{CheckEntry, EpisodeScored};
use std::collections::BTreeSet;

impl Trace {
    /// Counts what the checks of an episode came to.
    pub(super) fn count(&mut self, place: usize, scored: &EpisodeScored) {
        let name = &scored.key.scenario;
        let known = self.started.iter_mut().flat_map(|started| &mut started.scenarios);
        // An external evaluator names its checks with its first results.
        for entry in known.filter(|entry| entry.name == *name && entry.checks.is_empty()) {
            let checks = scored.scorecard.checks.iter().map(|check| CheckEntry {
                id: check.id.clone(),
                category: check.category.clone(),
                points: check.max_points,
            });
            entry.checks = checks.collect();
        }
        let tallies = self.tallies.entry((place, name.clone())).or_default();
        for check in &scored.scorecard.checks {
            let tally = tallies.entry(check.id.clone()).or_default();
            tally.passed += u32::from(check.passed);
            tally.episodes += 1;
        }
    }

    /// All checks with what some candidates made of them.
    pub fn checks(&self, candidates: &[CandidateRow]) -> Vec<CheckRow> {
        let places: Vec<usize> = candidates.iter().map(|row| self.places[&row.id]).collect();
        let scenarios = self.started.iter().flat_map(|started| &started.scenarios);
        let rows = scenarios.flat_map(|scenario| {
            let by_candidate: Vec<_> =
                places.iter().map(|place| self.tallies.get(&(*place, scenario.name.clone()))).collect();
            scenario.checks.iter().map(move |check| CheckRow {
                scenario: scenario.name.clone(),
                check: check.id.clone(),
                category: check.category.clone(),
                points: check.points,
                held_out: scenario.held_out,
                tallies: by_candidate
                    .iter()
                    .map(|tallies| tallies.and_then(|it| it.get(&check.id)).copied())
                    .collect(),
            })
        });
        rows.collect()
    }

    /// The best candidates and the pack to beat with all of which they are made, in the order in which they came.
    pub fn family(&mut self, best: usize) -> Vec<CandidateRow> {
        let ranked = self.ranked();
        let mut open: Vec<usize> = ranked.iter().take(best).map(|row| self.places[&row.id]).collect();
        open.extend((!self.candidates.is_empty()).then_some(0));
        let mut family = BTreeSet::new();
        while let Some(place) = open.pop() {
            if family.insert(place) {
                let parents = self.candidates[place].parents.iter();
                open.extend(parents.filter_map(|parent| self.places.get(parent)));
            }
        }
        let mut rows: Vec<CandidateRow> =
            ranked.into_iter().filter(|row| family.contains(&self.places[&row.id])).collect();
        rows.sort_by_key(|row| self.places[&row.id]);
        rows
    }
}
