//! What is believed of every candidate's pass rate on every check.
//!
//! A child is its parent with a small change, so its checks are believed to be near the parent's, nearer where the
//! edit did not aim. Beliefs are normal distributions along the lineage (`stats::lineage`), so an episode of a
//! child also tells of its parent and its siblings. Comparing means of single noisy scenario scores instead throws
//! most of an episode's evidence away.

mod evidence;
mod spread;
mod table;
mod view;

use super::target::CheckRef;
use crate::event::{CheckEntry, RunStarted, ScenarioEntry};
use crate::score::objective::objective;
use crate::score::{CheckVerdict, Scorecard};
use crate::stats::lineage::{Lineage, Seen};
use crate::units::PackHash;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use view::Solution;
pub(super) use view::{Estimate, View};

/// The incumbent's checks before they are seen: about the mean over all candidates, but hardly anything is said by
/// that. A prior that says more believes of the incumbent what its children gained, and understates their gain.
const ROOT_VARIANCE: f64 = 0.5 * 0.5;
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
    /// By scenario, where its checks stand in the list of all.
    ranges: Vec<Range<usize>>,
    nodes: Vec<Node>,
    /// By scenario, which candidates its evidence is of.
    seen: Vec<SeenIn>,
    /// By check, what all candidates earned together and in how many episodes.
    pooled: Vec<(f64, f64)>,
    /// By scenario, whether there is evidence that `solved` does not know.
    stale: Vec<bool>,
    /// What followed from the evidence when it was last asked for; knows all candidates.
    solved: Option<Arc<Solution>>,
    /// What follows from it now.
    solution: OnceLock<Arc<Solution>>,
}

/// The candidates that a scenario's evidence is of.
#[derive(Clone, Debug, Default)]
struct SeenIn {
    /// Those that were seen there, and those that they are made of.
    closed: BTreeSet<usize>,
    /// Those that were seen more than once.
    repeated: BTreeSet<usize>,
}

/// A candidate's evidence.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Of what it is made.
    origin: Vec<(usize, f64)>,
    /// The checks at which its edit aimed.
    aims: BTreeSet<usize>,
    /// By scenario, then check.
    tallies: BTreeMap<usize, Vec<Tally>>,
    /// What its episodes scored, by scenario.
    scores: BTreeMap<usize, Vec<f64>>,
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
        let seen = SeenIn { closed: BTreeSet::from([0]), ..SeenIn::default() };
        let mut beliefs = Beliefs {
            lineage: Lineage::new(),
            places: HashMap::from([(run.incumbent.id.clone(), 0)]),
            checks: Vec::new(),
            checks_by_name: HashMap::new(),
            weights: search.iter().map(|scenario| scenario.weight / total.max(f64::MIN_POSITIVE)).collect(),
            rho: run.profile.rho,
            ranges: vec![0..0; search.len()],
            nodes: vec![Node::default()],
            seen: vec![seen; search.len()],
            pooled: Vec::new(),
            stale: vec![true; search.len()],
            solved: None,
            solution: OnceLock::new(),
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
        self.settle();
        if let Some(mut solved) = self.solved.take() {
            Arc::make_mut(&mut solved).extend(self);
            self.solved = Some(solved);
        }
    }

    /// Takes an episode: what each check earned, between 0 and 1, and the scenario's score.
    pub fn observe(&mut self, id: &PackHash, scenario: usize, card: &Scorecard, earned: &[f64], score: f64) {
        let Some(&place) = self.places.get(id) else { return };
        self.learn(scenario, card);
        let range = self.ranges[scenario].clone();
        let tallies = self.nodes[place].tallies.entry(scenario).or_default();
        tallies.resize(range.len(), Tally::default());
        for (verdict, earned) in card.checks.iter().zip(earned) {
            let Some(&check) = self.checks_by_name.get(&(scenario, verdict.id.clone())) else { continue };
            let tally = &mut tallies[check - range.start];
            tally.earned += earned;
            tally.passed += u32::from(verdict.passed);
            tally.episodes += 1;
            self.pooled[check].0 += earned;
            self.pooled[check].1 += 1.0;
        }
        self.close(place, scenario);
        self.repeat(id, scenario, score);
    }

    /// Takes a score that tells how much episodes vary, and nothing else.
    pub fn repeat(&mut self, id: &PackHash, scenario: usize, score: f64) {
        let Some(&place) = self.places.get(id) else { return };
        let scores = self.nodes[place].scores.entry(scenario).or_default();
        scores.push(score);
        if scores.len() > 1 {
            self.seen[scenario].repeated.insert(place);
        }
        self.settle();
        self.stale[scenario] = true;
    }

    /// Puts a candidate and all of which it is made among those that a scenario's evidence is of.
    fn close(&mut self, place: usize, scenario: usize) {
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            if self.seen[scenario].closed.insert(place) {
                open.extend(self.nodes[place].origin.iter().map(|(parent, _)| *parent));
            }
        }
    }

    /// Keeps what was solved, before something changes.
    fn settle(&mut self) {
        if let Some(solution) = self.solution.take() {
            self.solved = Some(solution);
            self.stale.fill(false);
        }
    }

    /// What follows from the evidence.
    pub fn view(&self) -> View<'_> {
        let solution = self.solution.get_or_init(|| match &self.solved {
            Some(solved) if !self.stale.contains(&true) => Arc::clone(solved),
            solved => Arc::new(Solution::of(self, solved.as_deref(), &self.stale)),
        });
        View::of(self, solution)
    }

    /// The checks, and what was seen of them for a candidate.
    pub fn tally(&self, id: &PackHash, check: usize) -> Tally {
        self.place(id).map(|place| self.tally_at(place, check)).unwrap_or_default()
    }

    /// The same by the candidate's place.
    pub fn tally_at(&self, place: usize, check: usize) -> Tally {
        let scenario = self.checks[check].scenario;
        let tallies = self.nodes[place].tallies.get(&scenario);
        let tally = tallies.and_then(|tallies| tallies.get(check - self.ranges[scenario].start));
        tally.copied().unwrap_or_default()
    }

    /// The place of a scenario's check.
    pub fn check(&self, scenario: usize, id: &str) -> Option<usize> {
        let range = self.ranges[scenario].clone();
        self.checks_of(scenario).iter().position(|check| check.id == id).map(|place| range.start + place)
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
        Some(self.view().promise(&origin))
    }

    /// The objective at some scores of the scenarios.
    fn objective(&self, scores: impl Iterator<Item = f64>) -> f64 {
        let weighted: Vec<(f64, f64)> = self.weights.iter().copied().zip(scores).collect();
        objective(&weighted, self.rho, None).map_or(0.0, |objective| objective.value)
    }

    fn checks_of(&self, scenario: usize) -> &[CheckRef] {
        &self.checks[self.ranges[scenario].clone()]
    }

    /// An external evaluator names its checks with its first results.
    fn learn(&mut self, scenario: usize, card: &Scorecard) {
        if !self.ranges[scenario].is_empty() {
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
        self.ranges[scenario] = self.checks.len()..self.checks.len() + checks.len();
        self.stale[scenario] = true;
        for check in checks {
            self.pooled.push((0.0, 0.0));
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
        let (earned, episodes) = self.pooled[check];
        (earned + ROOT_PASSES) / (episodes + ROOT_EPISODES)
    }
}

impl Node {
    /// What was seen of a scenario's checks; nothing where it was not seen there.
    fn tallies_of(&self, scenario: usize) -> &[Tally] {
        self.tallies.get(&scenario).map_or(&[], Vec::as_slice)
    }

    /// By how much its edit may have moved a check (variance).
    fn moved(&self, check: usize, (aimed, aside): (f64, f64)) -> f64 {
        if self.aims.contains(&check) { aimed } else { aside }
    }
}

impl Tally {
    /// The mean with its precision, where one episode has so much noise.
    fn seen(&self, noise: f64) -> Seen {
        match self.episodes {
            0 => Seen { mean: 0.0, precision: 0.0 },
            episodes => {
                let episodes = f64::from(episodes);
                Seen { mean: self.earned / episodes, precision: episodes / noise }
            }
        }
    }
}

#[cfg(test)]
mod tests;
