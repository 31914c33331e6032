//! The search: what to try next, decided from what was told.
//!
//! Ask and tell: `ask` names the next plan, the caller carries it out and tells every event, `ask` again.
//! Telling is the only thing that changes the state, so a run that was cut off goes on by telling its
//! recorded events. The strategy: measure the incumbent; let the writer mend what costs most; believe every
//! check by what was seen of it along the lineage; put together what helped, unless it is less safe; freeze
//! one finalist, and compare it with the incumbent on fresh episodes that picked neither.

mod allotment;
mod beliefs;
mod best;
mod comparison;
mod confirmation;
mod front;
mod lessons;
mod descent;
mod member;
mod paired;
mod plan;
mod portfolio;
mod prospects;
mod round;
mod state;
mod target;

use crate::budget::Limit;
use crate::event::{Belief, Candidate, Event, Planned, RunFinished, RunStarted, Stop, Verdict};
use crate::lineage::Lineage;
use crate::score::Profile;
use crate::stats::normal::WITHIN_90;
use crate::units::PackHash;
use allotment::Allotment;

pub use allotment::Division;
pub use comparison::{Fresh, Pair, Paired};
pub use paired::{PairedDifference, paired_difference};
pub use plan::{candidates_looked_at, wave};
pub use round::PROPOSALS;
use state::State;

/// A search in progress.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// None until the run has started.
    state: Option<State>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is moved twice")]
pub enum Next {
    Work(Planned),
    Done(RunFinished),
}

/// What the search believes of a candidate, by the episodes of the search alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub candidate: PackHash,
    /// Scored episodes that entered the estimate.
    pub episodes: u32,
    /// The search's scenarios in the suite's order.
    pub scenarios: Vec<ScenarioMean>,
    /// The objective, estimated with the help of the candidate's relatives.
    pub objective: f64,
    /// The standard error of the estimate; none where it was not computed.
    pub se: Option<f64>,
}

/// What a candidate scored on a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioMean {
    pub scenario: String,
    pub episodes: u32,
    /// None where nothing was measured.
    pub mean: Option<f64>,
}

/// How much luck is in the episodes of a run, measured by repeating the incumbent's and shrunk to what is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The standard deviation of one episode's score, over the scenarios by their weights.
    pub episode_sd: f64,
    /// The standard deviation of an evaluation with one episode per scenario.
    pub pass_sd: f64,
    /// The smallest true gain that the planned confirmation shows with a power of 0.8.
    pub detectable: f64,
}

/// Why a run with these settings could not decide anything, and what would be enough; none where it can.
pub fn shortage(run: &RunStarted) -> Option<String> {
    shortage_of(Allotment::of(run))
}

/// What the episodes of a run's budget are for.
pub fn division(run: &RunStarted) -> Division {
    Allotment::of(run).division()
}

/// The fewest episodes that pay for three proposals and a final comparison.
pub fn enough(run: &RunStarted) -> u32 {
    Allotment::of(run).enough()
}

/// The same for a budget and a suite alone: scenarios that the search may use, and those held out.
pub fn shortage_of_budget(budget: u32, scenarios: u32, held_out: u32) -> Option<String> {
    shortage_of(Allotment::divide(budget, scenarios, held_out))
}

fn shortage_of(allotment: Allotment) -> Option<String> {
    (!allotment.can_confirm()).then(|| allotment.shortage())
}

impl Search {
    /// Returns a search that waits for its `RunStarted`.
    pub fn new() -> Search {
        Search::default()
    }

    /// Takes the next event in the order of ordinals.
    pub fn tell(&mut self, event: &Event) {
        match (&mut self.state, event) {
            (None, Event::RunStarted(run)) => self.state = Some(State::new(run.clone())),
            (None, _) | (Some(_), Event::RunStarted(_)) => {}
            (Some(state), event) => state.tell(event),
        }
    }

    /// Says what to do next; called when every step of the last plan has been told.
    ///
    /// The same state gives the same answer: what looks random is drawn from the run's seed.
    pub fn ask(&self) -> Next {
        let state = self.state.as_ref().expect("a search is asked after it was told of its start");
        match plan::next(state) {
            Some(plan) => Next::Work(plan),
            None => Next::Done(conclude(state, plan::stop(state))),
        }
    }

    /// The candidate with the highest estimate, the incumbent included; once one is being confirmed, it or the
    /// incumbent, by all episodes.
    pub fn best(&self) -> Option<Standing> {
        let state = self.state.as_ref()?;
        let best = if state.frozen.is_some() { confirmation::better(state) } else { state.best() };
        Some(state.standing(best?))
    }

    /// All candidates, the highest estimate first.
    pub fn standings(&self) -> Vec<Standing> {
        let Some(state) = &self.state else { return Vec::new() };
        let mut standings: Vec<Standing> = state.members.keys().map(|id| state.standing(id)).collect();
        standings.sort_by(|a, b| b.objective.total_cmp(&a.objective));
        standings
    }

    /// The candidate that is being confirmed, or the one that would be now; none without a candidate.
    pub fn finalist(&self) -> Option<PackHash> {
        plan::finalist(self.state.as_ref()?)
    }

    /// What the run would conclude if it ended now; none before it has started.
    pub fn verdict(&self) -> Option<Verdict> {
        self.state.as_ref().map(confirmation::verdict)
    }

    /// How much luck is in the episodes; none before the incumbent was measured, and where nothing can be confirmed.
    pub fn noise(&self) -> Option<Noise> {
        self.state.as_ref().and_then(prospects::noise)
    }

    /// By how much a candidate's edit is believed to have changed the objective of its first parent, with the 90 %
    /// interval; none for the incumbent, and where one of the two is far from the best.
    pub fn effect(&self, id: &PackHash) -> Option<Belief> {
        let state = self.state.as_ref().filter(|state| state.members.contains_key(id))?;
        let effect = round::effect(state, id)?;
        let margin = WITHIN_90 * effect.se;
        Some(Belief { mean: effect.value, low: effect.value - margin, high: effect.value + margin })
    }

    /// A candidate that was proposed in this run, or the incumbent.
    pub fn candidate(&self, id: &PackHash) -> Option<&Candidate> {
        Some(&self.state.as_ref()?.members.get(id)?.candidate)
    }

    /// The policies of all candidates with the edits that made them.
    pub fn lineage(&self) -> &Lineage {
        &self.state.as_ref().expect("a search is asked after it was told of its start").lineage
    }

    /// All candidates, the incumbent first.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.state.iter().flat_map(|state| state.members.values()).map(|member| &member.candidate)
    }

    /// The rules that the run counts by.
    pub fn profile(&self) -> Option<&Profile> {
        Some(&self.state.as_ref()?.run.profile)
    }

    /// Episodes that the budget has left.
    pub fn episodes_left(&self) -> u32 {
        self.state.as_ref().map_or(0, |state| state.run.budget.saturating_sub(state.started))
    }

    /// How many more episodes were affordable when the search was told of that, less those begun since; none
    /// where it was told of no limit.
    pub fn told_affordable(&self) -> Option<u32> {
        let state = self.state.as_ref()?;
        state.limited.as_ref().map(|_| state.affordable_left())
    }

    /// Whether so many more episodes would leave what is kept for the verdict, or at least enough for one.
    pub fn affords_verdict(&self, episodes: u32) -> bool {
        let Some(state) = self.state.as_ref().filter(|state| state.frozen.is_none()) else { return true };
        let keeps = state.limited.is_none() || episodes >= state.allotment.kept();
        keeps && state.divided(episodes).can_confirm()
    }

    /// Calls of writers that the next round of proposals may make: each proposal one, and one to mend the answer; and
    /// one to put together what contradicts itself. None where writers are asked no more.
    pub fn writer_calls_next(&self) -> u32 {
        let asking = self.state.as_ref().filter(|state| state.writer_limit.is_none());
        asking.map_or(0, |state| 2 * round::width(state) + 1)
    }

    /// Whether the user asked for the end, so that nothing more is begun.
    pub fn is_asked_to_stop(&self) -> bool {
        let limited = self.state.as_ref().and_then(|state| state.limited.as_ref());
        limited.is_some_and(|limited| limited.limit == Limit::STOPPED)
    }

    /// Whether a limit cut an episode short.
    pub fn is_cut(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.is_cut)
    }

    /// Whether the verdict's own episodes are under way.
    pub fn is_confirming(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.frozen.is_some())
    }

    /// How many episodes the plans so far have started, the unmeasured ones included.
    pub fn episodes_started(&self) -> u32 {
        self.state.as_ref().map_or(0, |state| state.started)
    }
}

fn conclude(state: &State, stop: Stop) -> RunFinished {
    RunFinished { stop, finalist: plan::finalist(state), verdict: confirmation::verdict(state) }
}
