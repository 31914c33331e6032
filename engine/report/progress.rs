//! How the run went: the best so far over its episodes, and what is believed of every candidate at its end.
//!
//! The search itself is told the records again, so that these are its own beliefs and not a second opinion.

use crate::event::{Belief, Event, Step};
use crate::search::{Search, Standing};
use crate::stats::interval::{Estimate, Interval};
use crate::store::{Record, whole_plans};
use crate::units::PackHash;
use serde::Serialize;
use std::collections::BTreeMap;

/// So many points of the curve at most and at least.
const POINTS_MAX: u32 = 60;
const POINTS_MIN: u32 = 8;
/// A point takes the search an estimate of all candidates that it knows, and so many estimates are made in all.
const ESTIMATES_MAX: u32 = 6_000;

/// The best candidate after so many episodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestPoint {
    /// Episodes that were attempted until then.
    pub episodes: u32,
    pub candidate: PackHash,
    /// Its objective, as the search believed then.
    pub objective: Estimate,
}

/// What telling the records again gives.
pub(super) struct Progress {
    pub best: Vec<BestPoint>,
    /// The search's last beliefs, by candidate.
    pub objectives: BTreeMap<PackHash, Estimate>,
    /// By how much an edit changed the objective, by candidate.
    pub effects: BTreeMap<PackHash, Belief>,
}

impl Progress {
    pub fn of(records: &[Record]) -> Progress {
        let told = whole_plans(records);
        let episodes = told.iter().filter(|record| is_episode(&record.event)).count() as u32;
        let candidates =
            told.iter().filter(|record| matches!(record.event, Event::Proposed(_))).count() as u32;
        // On the way half of the candidates are known on average.
        let points = (2 * ESTIMATES_MAX / candidates.max(1)).clamp(POINTS_MIN, POINTS_MAX);
        let apart = episodes.div_ceil(points).max(1);
        let mut search = Search::new();
        let (mut best, mut seen, mut next) = (Vec::new(), 0, apart);
        for (index, record) in told.iter().enumerate() {
            search.tell(&record.event);
            seen += u32::from(is_episode(&record.event));
            let is_last = index + 1 == told.len();
            // Within a plan the search is never asked what it believes.
            let is_whole =
                is_last || matches!(told[index + 1].event, Event::Planned(_) | Event::RunFinished(_));
            let is_due =
                seen >= next || (is_last && best.last().is_none_or(|b: &BestPoint| b.episodes < seen));
            if is_whole && is_due && seen > 0 {
                next = seen + apart;
                best.extend(search.best().map(|standing| point(seen, standing)));
            }
        }
        let objectives = match seen {
            // Before the first episode nothing is known, and the search's first guess is no measurement.
            0 => BTreeMap::new(),
            _ => search
                .standings()
                .into_iter()
                .map(|standing| (standing.candidate.clone(), estimate(&standing)))
                .collect(),
        };
        let ids = search.candidates().map(|candidate| candidate.id.clone());
        let effects = ids.filter_map(|id| Some((id.clone(), search.effect(&id)?))).collect();
        Progress { best, objectives, effects }
    }
}

fn is_episode(event: &Event) -> bool {
    matches!(event, Event::EpisodeScored(_) | Event::EpisodeUnmeasured(_))
}

fn point(episodes: u32, standing: Standing) -> BestPoint {
    BestPoint { episodes, objective: estimate(&standing), candidate: standing.candidate }
}

fn estimate(standing: &Standing) -> Estimate {
    Estimate {
        value: standing.objective,
        interval: standing.se.map(|se| Interval::around(standing.objective, se)),
    }
}

/// The plan of every step, by the ordinal of what the step led to.
pub(super) fn steps(records: &[Record]) -> BTreeMap<u32, &Step> {
    let plans = records.iter().filter_map(|record| match &record.event {
        Event::Planned(planned) => Some((record.ordinal, planned)),
        _ => None,
    });
    plans.flat_map(|(ordinal, planned)| (ordinal + 1..).zip(&planned.steps)).collect()
}
