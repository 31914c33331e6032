//! What a search concludes from records: whom it would confirm, and the verdict on whom it did confirm.

use crate::event::{Event, Phase, Verdict};
use crate::search::Search;
use crate::store::{Record, whole_plans};
use crate::units::PackHash;
use serde::Serialize;

/// What a run's records come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conclusion {
    /// The candidate that the search would take into the confirmation by these scores; none without a candidate.
    pub chosen: Option<PackHash>,
    /// The candidate that the run did confirm; none where it did not come to that.
    pub confirmed: Option<PackHash>,
    /// Of the confirmed candidate against the incumbent.
    pub verdict: Verdict,
    /// What the search believed before the confirmation, the highest first.
    pub believed: Vec<Believed>,
}

/// The objective of a candidate as the search believes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Believed {
    pub candidate: PackHash,
    /// Episodes of the search.
    pub episodes: u32,
    pub objective: f64,
}

impl Conclusion {
    /// The finalist that won; none where the incumbent stays.
    pub fn winner(&self) -> Option<&PackHash> {
        self.confirmed.as_ref().filter(|_| matches!(self.verdict, Verdict::Better(_)))
    }
}

/// Tells a search the records up to the first open plan, as a run under way does.
pub(super) fn conclude(records: &[Record]) -> Conclusion {
    let told = whole_plans(records);
    let confirmation = told.iter().position(|record| match &record.event {
        Event::Planned(planned) => planned.phase == Phase::Confirm,
        _ => false,
    });
    let (searching, rest) = told.split_at(confirmation.unwrap_or(told.len()));
    let mut search = Search::new();
    searching.iter().for_each(|record| search.tell(&record.event));
    let chosen = search.finalist();
    let believed = search.standings().into_iter().map(|standing| Believed {
        candidate: standing.candidate,
        episodes: standing.episodes,
        objective: standing.objective,
    });
    let believed = believed.collect();
    rest.iter().for_each(|record| search.tell(&record.event));
    let none = || Verdict::NotMeasured { reason: "the run never started".to_owned() };
    Conclusion {
        chosen,
        confirmed: confirmation.and_then(|_| search.finalist()),
        verdict: search.verdict().unwrap_or_else(none),
        believed,
    }
}
