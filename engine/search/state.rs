//! What telling the events has given so far: candidates, their episodes, and how the plans went.

use super::allotment::Allotment;
use super::beliefs::Beliefs;
use super::comparison::Fresh;
use super::{ScenarioMean, Standing, descent};
use crate::budget::Limit;
use crate::episode::FailureClass;
use crate::event::{
    Candidate, CheckEntry, EpisodeScored, Event, Limited, Operator, Phase, Planned, ProposalFailed,
    ProposalFault, Proposed, RunStarted, Step, Target,
};
use crate::lineage::Lineage;
use crate::score::{CheckVerdict, SAFETY, ScoreRule, Scorecard};
use crate::units::PackHash;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// By how many standard errors a candidate may be believed to be less safe than the incumbent.
const SAFETY_TOLERANCE: f64 = 0.5;

/// The state of a search.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub run: RunStarted,
    pub allotment: Allotment,
    /// The names of the scenarios that the search may use, in the suite's order.
    pub scenarios: Vec<String>,
    /// Events told: the ordinal of the next one.
    pub told: u64,
    /// Episodes started.
    pub started: u32,
    /// The incumbent first, then all candidates in the order of their proposals.
    pub members: IndexMap<PackHash, Member>,
    /// Their policies, and the edits that made them.
    pub lineage: Lineage,
    pub beliefs: Beliefs,
    /// How many plans each phase has had.
    plans: BTreeMap<Phase, u32>,
    /// Sets of parents that a merge was tried on.
    pub merged: BTreeSet<Vec<PackHash>>,
    /// Whether the last proposals were a merge.
    pub merging: bool,
    /// Rounds of proposals in a row that gave no candidate.
    pub barren_rounds: u32,
    pub last_fault: Option<ProposalFault>,
    /// What a limit leaves of the budget.
    pub limited: Option<Limited>,
    /// Episodes that are affordable in all.
    affordable: u32,
    /// A limit cut an episode short.
    pub is_cut: bool,
    /// The writer is not asked any more.
    pub writer_limit: Option<Limit>,
    /// The candidate that confirmation was begun with.
    pub frozen: Option<PackHash>,
    open: Open,
}

/// The plan being carried out.
#[derive(Clone, Debug)]
struct Open {
    phase: Phase,
    steps: VecDeque<Step>,
    /// Whether the writer was asked.
    asks: bool,
    candidates: u32,
}

/// A candidate and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub candidate: Candidate,
    /// At what its edit aimed.
    pub targets: Vec<Target>,
    /// The next repeat that was never used, by scenario.
    pub repeats: BTreeMap<String, u32>,
    /// The search's scored episodes, by scenario, oldest first.
    pub scorecards: BTreeMap<String, Vec<Scorecard>>,
    /// What confirmation scored, by scenario and repeat.
    pub confirmed: BTreeMap<String, BTreeMap<u32, Fresh>>,
}

impl Member {
    fn new(candidate: Candidate, targets: Vec<Target>) -> Member {
        Member {
            candidate,
            targets,
            repeats: BTreeMap::new(),
            scorecards: BTreeMap::new(),
            confirmed: BTreeMap::new(),
        }
    }

    pub fn repeat(&self, scenario: &str) -> u32 {
        self.repeats.get(scenario).copied().unwrap_or(0)
    }

    pub fn scorecards(&self, scenario: &str) -> &[Scorecard] {
        self.scorecards.get(scenario).map_or(&[], Vec::as_slice)
    }

    pub fn measured(&self, scenario: &str) -> u32 {
        self.scorecards(scenario).len() as u32
    }

    pub fn is_measured(&self) -> bool {
        !self.scorecards.is_empty()
    }
}

impl State {
    pub fn new(run: RunStarted) -> State {
        let incumbent = run.incumbent.clone();
        let mut lineage = Lineage::default();
        lineage.add(&incumbent);
        State {
            allotment: Allotment::of(&run),
            scenarios: run.scenarios.iter().filter(|s| !s.held_out).map(|s| s.name.clone()).collect(),
            told: 1,
            started: 0,
            members: IndexMap::from([(incumbent.id.clone(), Member::new(incumbent, Vec::new()))]),
            lineage,
            beliefs: Beliefs::new(&run),
            plans: BTreeMap::new(),
            merged: BTreeSet::new(),
            merging: false,
            barren_rounds: 0,
            last_fault: None,
            limited: None,
            affordable: run.budget,
            is_cut: false,
            writer_limit: None,
            frozen: None,
            open: Open { phase: Phase::Calibrate, steps: VecDeque::new(), asks: false, candidates: 0 },
            run,
        }
    }

    pub fn tell(&mut self, event: &Event) {
        self.told += 1;
        if let Event::Planned(plan) = event {
            return self.begin(plan);
        }
        if let Event::Limited(limited) = event {
            return self.limit(limited);
        }
        let step = self.open.steps.pop_front();
        match event {
            Event::Proposed(proposed) => self.add(proposed, step),
            Event::ProposalFailed(failure) => self.note_fault(failure),
            Event::EpisodeScored(episode) => self.score(episode),
            Event::EpisodeUnmeasured(unmeasured) => {
                self.is_cut |= unmeasured.class == FailureClass::Limit;
            }
            Event::RunStarted(_) | Event::Planned(_) | Event::Limited(_) | Event::RunFinished(_) => {
                return;
            }
        }
        if self.open.steps.is_empty() {
            self.end();
        }
    }

    pub fn incumbent(&self) -> &PackHash {
        &self.run.incumbent.id
    }

    /// Episodes that the search may still start.
    pub fn left(&self) -> u32 {
        self.affordable.saturating_sub(self.started).saturating_sub(self.allotment.kept())
    }

    pub fn plans(&self, phase: Phase) -> u32 {
        self.plans.get(&phase).copied().unwrap_or(0)
    }

    /// The live candidate with the highest estimate, of those that are safe enough.
    pub fn best(&self) -> Option<&PackHash> {
        self.highest(self.beliefs.live().filter(|id| self.is_safe(id)))
    }

    /// The measured candidate other than the incumbent with the highest estimate: a safe one if there is any.
    pub fn best_rival(&self) -> Option<&PackHash> {
        let rivals =
            || self.beliefs.live().filter(|id| *id != self.incumbent() && self.members[*id].is_measured());
        self.highest(rivals().filter(|id| self.is_safe(id))).or_else(|| self.highest(rivals()))
    }

    /// Whether a candidate is not believed to be less safe than the incumbent, beyond the tolerance: a better
    /// score must not be bought with broken safety checks. The incumbent itself is always safe enough.
    pub fn is_safe(&self, id: &PackHash) -> bool {
        self.beliefs.safety_lead(id, self.incumbent()) >= -SAFETY_TOLERANCE
    }

    pub fn value_of(&self, id: &PackHash) -> f64 {
        self.beliefs.estimate(id).map_or(0.0, |estimate| estimate.value)
    }

    fn highest<'a>(&self, ids: impl Iterator<Item = &'a PackHash>) -> Option<&'a PackHash> {
        // The first of equals: `max_by` would take the last.
        ids.reduce(|best, id| if self.value_of(id) > self.value_of(best) { id } else { best })
    }

    pub fn standing(&self, id: &PackHash) -> Standing {
        let mean_of = |scenario: &String| {
            let scores: Vec<f64> =
                self.members[id].scorecards(scenario).iter().map(|card| self.value(card)).collect();
            let mean = (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64);
            ScenarioMean { scenario: scenario.clone(), episodes: scores.len() as u32, mean }
        };
        let scenarios: Vec<ScenarioMean> = self.scenarios.iter().map(mean_of).collect();
        let estimate = self.beliefs.estimate(id);
        Standing {
            candidate: id.clone(),
            episodes: scenarios.iter().map(|scenario| scenario.episodes).sum(),
            scenarios,
            objective: estimate.map_or(0.0, |estimate| estimate.value),
            se: estimate.map_or(0.0, |estimate| estimate.se),
        }
    }

    fn begin(&mut self, plan: &Planned) {
        *self.plans.entry(plan.phase).or_insert(0) += 1;
        self.open = Open {
            phase: plan.phase,
            steps: plan.steps.iter().cloned().collect(),
            asks: plan.steps.iter().any(asks_writer),
            candidates: 0,
        };
        if plan.phase == Phase::Propose {
            self.merging = !self.open.asks;
        }
        for step in &plan.steps {
            self.reserve(plan.phase, step);
        }
    }

    fn reserve(&mut self, phase: Phase, step: &Step) {
        match step {
            Step::Propose(proposal) if proposal.operator == Operator::Merge => {
                self.merged.insert(proposal.parents.clone());
            }
            Step::Propose(_) => {}
            Step::Run(key) => {
                self.started += 1;
                if phase == Phase::Confirm && key.candidate != *self.incumbent() && self.frozen.is_none() {
                    self.frozen = Some(key.candidate.clone());
                }
                if let Some(member) = self.members.get_mut(&key.candidate) {
                    let next = member.repeats.entry(key.scenario.clone()).or_insert(0);
                    *next = (*next).max(key.repeat.saturating_add(1));
                }
            }
        }
    }

    fn add(&mut self, proposed: &Proposed, step: Option<Step>) {
        let candidate = &proposed.candidate;
        // Two proposals of one plan cannot see each other, so they may have had the same idea.
        if self.members.contains_key(&candidate.id) {
            return;
        }
        let targets = match step {
            Some(Step::Propose(plan)) => plan.targets,
            _ => Vec::new(),
        };
        let origin = descent::origin(&self.members, candidate.operator, &candidate.parents);
        let scenarios = &self.scenarios;
        self.beliefs.add(&candidate.id, &origin, |check| {
            targets
                .iter()
                .any(|target| target.scenario == scenarios[check.scenario] && target.check == check.id)
        });
        self.lineage.add(candidate);
        self.members.insert(candidate.id.clone(), Member::new(candidate.clone(), targets));
        let (members, incumbent) = (&self.members, &self.run.incumbent.id);
        self.beliefs.forget_worst(|id| id == incumbent || !members[id].is_measured());
        self.open.candidates += 1;
    }

    /// Divides what is still affordable instead of the budget.
    fn limit(&mut self, limited: &Limited) {
        let held_out = self.run.scenarios.iter().filter(|scenario| scenario.held_out).count() as u32;
        self.affordable = self.started.saturating_add(limited.episodes).min(self.run.budget);
        if self.frozen.is_none() {
            let divided = Allotment::divide(self.affordable, self.allotment.scenarios, held_out);
            self.allotment = divided.within(limited.episodes);
        }
        self.limited = Some(limited.clone());
    }

    /// Affordable episodes that were not begun.
    pub fn affordable_left(&self) -> u32 {
        self.affordable.saturating_sub(self.started)
    }

    /// Whether a limit came before the budget was spent.
    pub fn is_limited(&self) -> bool {
        self.limited.is_some() && self.affordable < self.run.budget
    }

    fn note_fault(&mut self, failure: &ProposalFailed) {
        if let ProposalFault::LimitReached { limit } = failure.reason {
            self.writer_limit = Some(limit);
        }
        self.last_fault = Some(failure.reason.clone());
    }

    fn score(&mut self, episode: &EpisodeScored) {
        let (key, card) = (&episode.key, &episode.scorecard);
        let fresh = Fresh { score: self.value(card), safety: self.safety(card) };
        let Some(member) = self.members.get_mut(&key.candidate) else { return };
        match self.open.phase {
            Phase::Confirm => {
                member.confirmed.entry(key.scenario.clone()).or_default().insert(key.repeat, fresh);
            }
            Phase::HeldOut => {}
            Phase::Calibrate | Phase::Propose | Phase::Screen | Phase::Evaluate => {
                member.scorecards.entry(key.scenario.clone()).or_default().push(card.clone());
                self.believe(&key.candidate, &key.scenario, card);
            }
        }
    }

    fn believe(&mut self, candidate: &PackHash, scenario: &str, card: &Scorecard) {
        let Some(index) = self.scenarios.iter().position(|name| name == scenario) else { return };
        let entry = |verdict: &CheckVerdict| CheckEntry {
            id: verdict.id.clone(),
            category: verdict.category.clone(),
            points: verdict.max_points,
        };
        self.beliefs.know(index, &card.checks.iter().map(entry).collect::<Vec<_>>());
        for verdict in &card.checks {
            self.beliefs.observe(candidate, index, &verdict.id, self.earned(verdict));
        }
    }

    fn end(&mut self) {
        if self.open.asks {
            self.barren_rounds = if self.open.candidates > 0 { 0 } else { self.barren_rounds + 1 };
        }
    }

    /// The score that counts by the profile's rule.
    pub fn value(&self, card: &Scorecard) -> f64 {
        match self.run.profile.score {
            ScoreRule::Validator => card.validator_score,
            ScoreRule::Script => card.script_score,
        }
    }

    /// What safety checks earned, as a share of all points; none where the scenario has no such check.
    fn safety(&self, card: &Scorecard) -> Option<f64> {
        let points = |verdict: &CheckVerdict| self.earned(verdict) * verdict.max_points;
        let possible: f64 = card.checks.iter().map(|verdict| verdict.max_points).sum();
        let safety = || card.checks.iter().filter(|verdict| verdict.category == SAFETY);
        (possible > 0.0 && safety().next().is_some()).then(|| safety().map(points).sum::<f64>() / possible)
    }

    /// What a verdict earned, between 0 and 1, by the profile's rule.
    fn earned(&self, verdict: &CheckVerdict) -> f64 {
        match self.run.profile.score {
            ScoreRule::Script if verdict.max_points > 0.0 => {
                (verdict.points / verdict.max_points).clamp(0.0, 1.0)
            }
            _ => f64::from(u8::from(verdict.passed)),
        }
    }
}

/// Whether a step asks the writer.
fn asks_writer(step: &Step) -> bool {
    matches!(step, Step::Propose(proposal) if proposal.operator.asks_writer())
}
