//! What telling the events has given so far: candidates, their episodes, and how the plans went.

use super::allotment::Allotment;
use super::beliefs::Beliefs;
use super::comparison::Fresh;
use super::member::{Attempt, Member};
use super::target::CheckRef;
use super::{ScenarioMean, Standing, confirmation, descent};
use crate::budget::Limit;
use crate::episode::FailureClass;
use crate::event::{
    Aim, EpisodeScored, Event, Limited, Operator, Phase, Planned, ProposalFailed, ProposalFault, Proposed,
    RunStarted, Step, Target, Tuned,
};
use crate::lineage::Lineage;
use crate::score::{CheckVerdict, SAFETY, ScoreRule, Scorecard};
use crate::units::PackHash;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    /// Proposals that were made, in order.
    pub attempts: Vec<Attempt>,
    /// What was combined already, by operator, parents and edges.
    pub combined: BTreeSet<(Operator, Vec<PackHash>, Vec<PackHash>)>,
    /// Combinations that were made since a candidate was looked at.
    pub combinations: u32,
    /// The candidates of the last round of proposals.
    pub newest: Vec<PackHash>,
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
            members: IndexMap::from([(incumbent.id.clone(), Member::new(incumbent))]),
            lineage,
            beliefs: Beliefs::new(&run),
            plans: BTreeMap::new(),
            attempts: Vec::new(),
            combined: BTreeSet::new(),
            combinations: 0,
            newest: Vec::new(),
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
        if let Event::Tuned(tuned) = event {
            return self.tune(tuned);
        }
        let step = self.open.steps.pop_front();
        match event {
            Event::Proposed(proposed) => self.add(proposed, step),
            Event::ProposalFailed(failure) => self.note_fault(failure, step),
            Event::EpisodeScored(episode) => self.score(episode),
            Event::EpisodeUnmeasured(unmeasured) => {
                self.is_cut |= unmeasured.class == FailureClass::Limit;
            }
            Event::RunStarted(_)
            | Event::Planned(_)
            | Event::Limited(_)
            | Event::Tuned(_)
            | Event::RunFinished(_) => return,
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

    /// Whether what an edit does was seen: in its candidate, or where it was made instead.
    pub fn is_seen(&self, id: &PackHash) -> bool {
        let member = &self.members[id];
        let seen = member.rebased_to.as_ref().map_or(member, |rebased| &self.members[rebased]);
        seen.is_measured()
    }

    pub fn plans(&self, phase: Phase) -> u32 {
        self.plans.get(&phase).copied().unwrap_or(0)
    }

    /// The place of a check in the beliefs.
    pub fn check(&self, scenario: &str, id: &str) -> Option<usize> {
        let scenario = self.scenarios.iter().position(|known| known == scenario)?;
        self.beliefs.check(scenario, id)
    }

    /// The place of a candidate in the beliefs.
    pub fn place(&self, id: &PackHash) -> usize {
        self.members.get_index_of(id).expect("every candidate that is named is a member")
    }

    pub fn value_of(&self, id: &PackHash) -> f64 {
        self.beliefs.view().value(self.place(id))
    }

    pub fn standing(&self, id: &PackHash) -> Standing {
        let mean_of = |scenario: &String| {
            let scores = self.members[id].scores.get(scenario).map_or(&[][..], Vec::as_slice);
            let mean = (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64);
            ScenarioMean { scenario: scenario.clone(), episodes: scores.len() as u32, mean }
        };
        let scenarios: Vec<ScenarioMean> = self.scenarios.iter().map(mean_of).collect();
        let view = self.beliefs.view();
        let estimate = confirmation::value(self, id).or_else(|| view.estimate(self.place(id)));
        Standing {
            candidate: id.clone(),
            episodes: scenarios.iter().map(|scenario| scenario.episodes).sum(),
            scenarios,
            objective: estimate.map_or(view.value(self.place(id)), |estimate| estimate.value),
            se: estimate.map(|estimate| estimate.se),
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
        match plan.phase {
            Phase::Propose if self.open.asks => self.newest.clear(),
            Phase::Propose => self.combinations += u32::from(plan.steps.iter().any(combines)),
            Phase::Screen => self.combinations = 0,
            Phase::Calibrate | Phase::Evaluate | Phase::Confirm | Phase::HeldOut => {}
        }
        for step in &plan.steps {
            self.reserve(plan.phase, step);
        }
    }

    fn reserve(&mut self, phase: Phase, step: &Step) {
        match step {
            Step::Propose(plan) if !plan.operator.asks_writer() || plan.operator == Operator::Reconcile => {
                self.combined.insert((plan.operator, plan.parents.clone(), plan.edges.clone()));
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
        let id = &candidate.id;
        // Two proposals of one plan cannot see each other, so they may have had the same idea.
        let is_new = !self.members.contains_key(id);
        let (targets, edges) = match step {
            Some(Step::Propose(plan)) => (aimed_at(plan.targets, &proposed.aims), plan.edges),
            _ => (Vec::new(), Vec::new()),
        };
        self.attempts.push(Attempt {
            operator: candidate.operator,
            writer: candidate.writer.clone(),
            candidate: is_new.then(|| id.clone()),
        });
        if !is_new {
            return;
        }
        let origin = descent::origin(&self.members, candidate.operator, &candidate.parents, &edges);
        let scenarios = &self.scenarios;
        let aims = |check: &CheckRef| {
            let is = |scenario: &str, id: &str| scenario == scenarios[check.scenario] && id == check.id;
            targets.iter().any(|target| is(&target.scenario, &target.check))
        };
        self.beliefs.add(id, &origin, aims);
        self.lineage.add(candidate);
        let rebased = edges.first().filter(|_| candidate.operator == Operator::Rebase);
        let rebased = rebased.and_then(|edge| self.members.get_mut(edge));
        let (targets, said) = match rebased {
            Some(edge) => {
                edge.rebased_to = Some(id.clone());
                (edge.targets.clone(), edge.said.clone())
            }
            None => (targets, proposed.rationale.clone()),
        };
        let member = Member { said, targets, ..Member::new(candidate.clone()) };
        self.members.insert(id.clone(), member);
        self.newest.push(id.clone());
        self.open.candidates += 1;
    }

    /// Divides what is still affordable instead of the budget.
    fn limit(&mut self, limited: &Limited) {
        // Who asks for the end wants no more episodes, whoever could pay for them.
        self.is_cut |= limited.limit == Limit::STOPPED;
        if limited.ends_proposals {
            self.writer_limit = Some(limited.limit);
        }
        if self.frozen.is_none() {
            self.allotment = self.divided(limited.episodes);
        }
        self.affordable = self.affordable_with(limited.episodes);
        self.limited = Some(limited.clone());
    }

    /// Divides the new budget. What the old limits left is forgotten: where the new ones leave less than the budget,
    /// that is told again.
    fn tune(&mut self, tuned: &Tuned) {
        self.run.budget = tuned.budget.unwrap_or(self.run.budget).max(self.started);
        (self.limited, self.writer_limit, self.is_cut) = (None, None, false);
        self.affordable = self.run.budget;
        if self.frozen.is_none() {
            self.allotment = self.divided(self.affordable_left());
        }
    }

    /// How everything would be divided if so many more episodes were affordable.
    pub fn divided(&self, episodes: u32) -> Allotment {
        let held_out = self.run.scenarios.iter().filter(|scenario| scenario.held_out).count() as u32;
        let affordable = self.affordable_with(episodes);
        let divided = Allotment::divide(affordable, self.allotment.scenarios, held_out);
        confirmation::passes(self).map_or(divided, |passes| divided.fitted(passes)).within(episodes)
    }

    fn affordable_with(&self, episodes: u32) -> u32 {
        self.started.saturating_add(episodes).min(self.run.budget)
    }

    /// Affordable episodes that were not begun.
    pub fn affordable_left(&self) -> u32 {
        self.affordable.saturating_sub(self.started)
    }

    /// Whether a limit came before the budget was spent.
    pub fn is_limited(&self) -> bool {
        let is_less = self.affordable < self.run.budget;
        self.limited.as_ref().is_some_and(|limited| is_less || limited.limit == Limit::STOPPED)
    }

    fn note_fault(&mut self, failure: &ProposalFailed, step: Option<Step>) {
        if let ProposalFault::LimitReached { limit } = failure.reason {
            self.writer_limit = Some(limit);
        }
        let writer = match step {
            Some(Step::Propose(plan)) => plan.writer,
            _ => None,
        };
        self.attempts.push(Attempt { operator: failure.operator, writer, candidate: None });
        self.last_fault = Some(failure.reason.clone());
    }

    fn score(&mut self, episode: &EpisodeScored) {
        let (key, card) = (&episode.key, &episode.scorecard);
        let score = self.value(card);
        let fresh = Fresh { score, safety: self.safety(card) };
        let Some(member) = self.members.get_mut(&key.candidate) else { return };
        match self.open.phase {
            Phase::Confirm => {
                member.confirmed.entry(key.scenario.clone()).or_default().insert(key.repeat, fresh);
            }
            Phase::HeldOut => {
                member.sealed.insert(key.scenario.clone(), score);
                return;
            }
            Phase::Calibrate | Phase::Propose | Phase::Screen | Phase::Evaluate => {
                member.scores.entry(key.scenario.clone()).or_default().push(score);
                for verdict in card.checks.iter().filter(|verdict| !verdict.passed) {
                    let check = (key.scenario.clone(), verdict.id.clone());
                    member.failures.insert(check, verdict.detail.clone());
                }
            }
        }
        if let Some(scenario) = self.scenarios.iter().position(|name| *name == key.scenario) {
            if self.open.phase == Phase::Confirm {
                // Beliefs stay those of the search, beside which the verdict puts what is fresh.
                return self.beliefs.repeat(&key.candidate, scenario, score);
            }
            let earned: Vec<f64> = card.checks.iter().map(|verdict| self.earned(verdict)).collect();
            self.beliefs.observe(&key.candidate, scenario, card, &earned, score);
        }
    }

    fn end(&mut self) {
        if self.open.phase == Phase::Calibrate
            && let Some(passes) = confirmation::passes(self)
        {
            let episodes = self.affordable_left();
            self.allotment = self.allotment.fitted(passes).within(episodes);
        }
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

/// Whether a step puts together what was tried.
fn combines(step: &Step) -> bool {
    matches!(step, Step::Propose(proposal) if proposal.operator != Operator::Rebase)
}

/// Whether a step asks the writer.
fn asks_writer(step: &Step) -> bool {
    matches!(step, Step::Propose(proposal) if proposal.operator.asks_writer())
}

/// The targets at which the writer says its edit aims; all that it was shown, where it does not say.
fn aimed_at(mut targets: Vec<Target>, aims: &[Aim]) -> Vec<Target> {
    let is_aimed = |target: &Target| {
        aims.iter().any(|aim| (&aim.scenario, &aim.check) == (&target.scenario, &target.check))
    };
    if targets.iter().any(is_aimed) {
        targets.retain(is_aimed);
    }
    targets
}
