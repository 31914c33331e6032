//! What is believed of every candidate's pass rate on every check.
//!
//! A child is its parent with a small change, so its checks are believed to be near the parent's, nearer where the
//! edit did not aim. Beliefs are normal distributions along the lineage (`stats::lineage`), so an episode of a
//! child also tells of its parent and its siblings. Comparing means of single noisy scenario scores instead throws
//! most of an episode's evidence away.

mod base;
mod view;

use super::target::CheckRef;
use crate::event::{CheckEntry, RunStarted, ScenarioEntry};
use crate::score::objective::objective;
use crate::score::{CheckVerdict, Scorecard};
use crate::stats::design::DesignEffect;
use crate::stats::lineage::{Elimination, Lineage, Seen};
use crate::units::PackHash;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use base::Base;
pub(super) use view::{Estimate, View};

/// By how much a check moves that an edit aims at (variance), before anything is known of the writer's edits.
const AIMED_VARIANCE: f64 = 0.18 * 0.18;
/// The same for the other checks.
const ASIDE_VARIANCE: f64 = 0.06 * 0.06;
/// The incumbent's checks before they are seen: about the mean over all candidates.
const ROOT_VARIANCE: f64 = 0.22 * 0.22;
/// The mean before anything is seen, as passes in so many episodes.
const ROOT_PASSES: f64 = 1.2;
const ROOT_EPISODES: f64 = 2.0;
/// No check is so certain that one episode says nothing new.
const NOISE_MIN: f64 = 0.03;

/// The evidence of a run, and what follows from it.
#[derive(Clone, Debug)]
pub(super) struct Beliefs {
    lineage: Lineage,
    places: HashMap<PackHash, usize>,
    checks: Vec<CheckRef>,
    checks_by_name: HashMap<(usize, String), usize>,
    /// Normalised weights of the scenarios.
    weights: Vec<f64>,
    rho: f64,
    nodes: Vec<Node>,
    /// How many nodes there were at the last evidence.
    observed: usize,
    /// The plan of their elimination, until there are more.
    elimination: OnceLock<Arc<Elimination>>,
    /// What follows from the evidence, until more comes.
    base: OnceLock<Arc<Base>>,
    /// The same for all nodes.
    view: OnceLock<Arc<View>>,
}

/// A candidate's evidence.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Of what it is made.
    origin: Vec<(usize, f64)>,
    /// The checks at which its edit aimed.
    aims: BTreeSet<usize>,
    tallies: Vec<Tally>,
    /// What its episodes scored, by scenario.
    scores: Vec<Vec<f64>>,
}

/// What was seen of a check.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// The sum of what it earned, each between 0 and 1.
    pub earned: f64,
    /// In how many episodes it passed whole.
    pub passed: u32,
    pub episodes: u32,
}

impl Beliefs {
    /// Begins with the incumbent alone, of which nothing is known.
    pub fn new(run: &RunStarted) -> Beliefs {
        let search: Vec<&ScenarioEntry> =
            run.scenarios.iter().filter(|scenario| !scenario.held_out).collect();
        let total: f64 = search.iter().map(|scenario| scenario.weight).sum();
        let mut beliefs = Beliefs {
            lineage: Lineage::new(),
            places: HashMap::from([(run.incumbent.id.clone(), 0)]),
            checks: Vec::new(),
            checks_by_name: HashMap::new(),
            weights: search.iter().map(|scenario| scenario.weight / total.max(f64::MIN_POSITIVE)).collect(),
            rho: run.profile.rho,
            nodes: vec![Node::default()],
            observed: 1,
            elimination: OnceLock::new(),
            base: OnceLock::new(),
            view: OnceLock::new(),
        };
        for (scenario, entry) in search.iter().enumerate() {
            beliefs.know(scenario, &entry.checks);
        }
        beliefs
    }

    /// Adds a child as a combination of candidates. `aims` says at which checks its edit aimed.
    pub fn add(&mut self, id: &PackHash, origin: &[(PackHash, f64)], aims: impl Fn(&CheckRef) -> bool) {
        let origin: Option<Vec<(usize, f64)>> = self.resolve(origin).filter(|origin| !origin.is_empty());
        let origin = origin.unwrap_or_else(|| vec![(0, 1.0)]);
        self.lineage.add(&origin);
        self.places.insert(id.clone(), self.nodes.len());
        let aims = (0..self.checks.len()).filter(|check| aims(&self.checks[*check])).collect();
        self.nodes.push(Node { origin, aims, ..Node::default() });
        self.view = OnceLock::new();
    }

    /// Takes an episode: what each check earned, between 0 and 1, and the scenario's score.
    pub fn observe(&mut self, id: &PackHash, scenario: usize, card: &Scorecard, earned: &[f64], score: f64) {
        let Some(&place) = self.places.get(id) else { return };
        self.learn(scenario, card);
        let checks = self.checks.len();
        let node = &mut self.nodes[place];
        node.tallies.resize(checks, Tally::default());
        for (verdict, earned) in card.checks.iter().zip(earned) {
            let Some(&check) = self.checks_by_name.get(&(scenario, verdict.id.clone())) else { continue };
            node.tallies[check].earned += earned;
            node.tallies[check].passed += u32::from(verdict.passed);
            node.tallies[check].episodes += 1;
        }
        self.repeat(id, scenario, score);
    }

    /// Takes a score that tells how much episodes vary, and nothing else.
    pub fn repeat(&mut self, id: &PackHash, scenario: usize, score: f64) {
        let Some(&place) = self.places.get(id) else { return };
        let node = &mut self.nodes[place];
        node.scores.resize(self.weights.len(), Vec::new());
        node.scores[scenario].push(score);
        if self.observed < self.nodes.len() {
            self.observed = self.nodes.len();
            self.elimination = OnceLock::new();
        }
        self.base = OnceLock::new();
        self.view = OnceLock::new();
    }

    /// What follows from the evidence.
    pub fn view(&self) -> &View {
        self.view.get_or_init(|| Arc::new(View::of(self, self.base().clone())))
    }

    fn base(&self) -> &Arc<Base> {
        let elimination =
            || self.elimination.get_or_init(|| Arc::new(self.lineage.plan_first(self.observed)));
        self.base.get_or_init(|| Arc::new(Base::of(self, elimination())))
    }

    /// The checks, and what was seen of them for a candidate.
    pub fn tally(&self, id: &PackHash, check: usize) -> Tally {
        let node = self.places.get(id).map(|place| &self.nodes[*place]);
        node.and_then(|node| node.tallies.get(check).copied()).unwrap_or_default()
    }

    pub fn checks(&self) -> &[CheckRef] {
        &self.checks
    }

    /// The normalised weight of a scenario.
    pub fn weight(&self, scenario: usize) -> f64 {
        self.weights[scenario]
    }

    fn place(&self, id: &PackHash) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The places of a combination's parts; none where one of them is unknown.
    fn resolve(&self, origin: &[(PackHash, f64)]) -> Option<Vec<(usize, f64)>> {
        origin.iter().map(|(parent, part)| Some((self.place(parent)?, *part))).collect()
    }

    /// The objective that a combination is believed to have, which nobody has made yet.
    pub fn promise(&self, origin: &[(PackHash, f64)]) -> Option<f64> {
        let origin = self.resolve(origin)?;
        Some(self.view().promise(&origin, self))
    }

    /// The objective at some pass rates, in the order of the checks.
    fn value(&self, rates: impl Iterator<Item = f64>) -> f64 {
        let scores = self.scores(rates);
        let weighted: Vec<(f64, f64)> = self.weights.iter().copied().zip(scores).collect();
        objective(&weighted, self.rho, None).map_or(0.0, |objective| objective.value)
    }

    /// The scenarios' scores at some pass rates.
    fn scores(&self, rates: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut scores = vec![0.0; self.weights.len()];
        for (check, rate) in self.checks.iter().zip(rates) {
            scores[check.scenario] += check.share * rate.clamp(0.0, 1.0);
        }
        scores
    }

    /// What safety checks earn at some pass rates, as a share of all points.
    fn safety(&self, rates: impl Iterator<Item = f64>) -> f64 {
        let checks = self.checks.iter().zip(self.pulls()).zip(rates);
        let safe = checks.filter(|((check, _), _)| check.is_safety());
        safe.map(|((_, pull), rate)| pull * rate.clamp(0.0, 1.0)).sum()
    }

    /// What a check's rate adds to a scenario's score, by check.
    fn shares(&self, scenario: usize) -> Vec<f64> {
        let share = |check: &CheckRef| if check.scenario == scenario { check.share } else { 0.0 };
        self.checks.iter().map(share).collect()
    }

    /// What a check's rate adds to the weighted mean of scores, by check.
    fn pulls(&self) -> impl Iterator<Item = f64> {
        self.checks.iter().map(|check| self.weights[check.scenario] * check.share)
    }

    /// An external evaluator names its checks with its first results.
    fn learn(&mut self, scenario: usize, card: &Scorecard) {
        if self.checks.iter().any(|check| check.scenario == scenario) {
            return;
        }
        let entry = |verdict: &CheckVerdict| CheckEntry {
            id: verdict.id.clone(),
            category: verdict.category.clone(),
            points: verdict.max_points,
        };
        self.know(scenario, &card.checks.iter().map(entry).collect::<Vec<_>>());
    }

    fn know(&mut self, scenario: usize, checks: &[CheckEntry]) {
        let possible: f64 = checks.iter().map(|check| check.points).sum();
        for check in checks {
            let share = if possible > 0.0 { check.points / possible } else { 0.0 };
            self.checks_by_name.insert((scenario, check.id.clone()), self.checks.len());
            self.checks.push(CheckRef {
                scenario,
                id: check.id.clone(),
                category: check.category.clone(),
                points: check.points,
                share,
            });
        }
    }

    /// The mean pass rate of a check over all candidates, with a little of one half.
    fn pooled_rate(&self, check: usize) -> f64 {
        let tallies = self.nodes.iter().filter_map(|node| node.tallies.get(check));
        let (earned, episodes) =
            tallies.fold((0.0, 0.0), |(sum, n), tally| (sum + tally.earned, n + f64::from(tally.episodes)));
        (earned + ROOT_PASSES) / (episodes + ROOT_EPISODES)
    }

    /// The variance that one episode's outcome would have if checks were independent.
    fn check_variance(&self, check: usize) -> f64 {
        let rate = self.pooled_rate(check);
        (rate * (1.0 - rate)).max(NOISE_MIN)
    }

    /// How much more an episode's score varies than independent checks would.
    fn design_effect(&self, variances: &[f64]) -> DesignEffect {
        let mut modelled = vec![0.0; self.weights.len()];
        for (check, variance) in self.checks.iter().zip(variances) {
            modelled[check.scenario] += check.share * check.share * variance;
        }
        let mut effect = DesignEffect::default();
        for node in &self.nodes {
            for (scores, modelled) in node.scores.iter().zip(&modelled).filter(|(scores, _)| scores.len() > 1)
            {
                effect.note(scores, *modelled);
            }
        }
        effect
    }
}

impl Node {
    /// What was seen of a check.
    fn seen(&self, check: usize, noise: f64) -> Seen {
        match self.tallies.get(check) {
            Some(tally) if tally.episodes > 0 => {
                let episodes = f64::from(tally.episodes);
                Seen { mean: tally.earned / episodes, precision: episodes / noise }
            }
            _ => Seen { mean: 0.0, precision: 0.0 },
        }
    }

    /// By how much its edit may have moved a check (variance).
    fn moved(&self, check: usize, (aimed, aside): (f64, f64)) -> f64 {
        if self.aims.contains(&check) { aimed } else { aside }
    }
}
