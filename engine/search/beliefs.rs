//! What is believed of every candidate's pass rate on every check.
//!
//! A child is its parent with a small change, so its checks are believed to be near the parent's, nearer
//! where the change did not aim. Beliefs are normal distributions with the covariance of the lineage, so an
//! episode of a child also tells of its parent and its siblings. Comparing means of single noisy scenario
//! scores instead throws most of an episode's evidence away.

use super::target::CheckRef;
use crate::event::{CheckEntry, RunStarted};
use crate::score::objective::objective;
use crate::units::PackHash;

/// What is believed of an incumbent before it was seen, as if from so many passes in so many episodes: most
/// checks pass nearly always or nearly never.
const ROOT_PASSES: f64 = 0.36;
const ROOT_EPISODES: f64 = 0.6;
/// How far a check moves that an edit aims at, and one that it does not. The latter is much: one rule for
/// how to act touches checks of all scenarios. Measured on the built-in suite and on ClawBench: 0.17 and 0.20.
/// With less, beliefs stay behind what was seen, and side effects are overlooked.
const AIMED_VARIANCE: f64 = 0.35 * 0.35;
const ASIDE_VARIANCE: f64 = 0.2 * 0.2;
/// Checks of one episode fail together, so they are worth less than independent ones. (1.2 to 1.5 there.)
const DESIGN_EFFECT: f64 = 1.3;
const NOISE_MIN: f64 = 0.03;
/// Beyond this many candidates the worst are forgotten, so that an update costs little.
const LIVE_MAX: usize = 48;

/// Beliefs of all live candidates.
#[derive(Clone, Debug)]
pub(super) struct Beliefs {
    live: Vec<PackHash>,
    checks: Vec<Belief>,
    /// Normalised weights of the scenarios.
    weights: Vec<f64>,
    rho: f64,
}

/// One check's beliefs, in the order of the live candidates.
#[derive(Clone, Debug)]
struct Belief {
    check: CheckRef,
    mean: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    /// What calibration saw, while the incumbent is alone.
    passed: f64,
    trials: f64,
}

/// An estimate of a candidate's objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub value: f64,
    pub se: f64,
}

impl Beliefs {
    /// Begins with the incumbent alone, of which nothing is known.
    pub fn new(run: &RunStarted) -> Beliefs {
        let search: Vec<_> = run.scenarios.iter().filter(|scenario| !scenario.held_out).collect();
        let total: f64 = search.iter().map(|scenario| scenario.weight).sum();
        let weights = search.iter().map(|scenario| scenario.weight / total.max(f64::MIN_POSITIVE)).collect();
        let live = vec![run.incumbent.id.clone()];
        let mut beliefs = Beliefs { live, checks: Vec::new(), weights, rho: run.profile.rho };
        for (index, scenario) in search.iter().enumerate() {
            beliefs.know(index, &scenario.checks);
        }
        beliefs
    }

    /// Learns of a scenario's checks, unless they are known. An external evaluator names them with its first result.
    pub fn know(&mut self, scenario: usize, checks: &[CheckEntry]) {
        if self.checks.iter().any(|belief| belief.check.scenario == scenario) {
            return;
        }
        let possible: f64 = checks.iter().map(|check| check.points).sum();
        let candidates = self.live.len();
        self.checks.extend(checks.iter().map(|check| Belief {
            check: CheckRef {
                scenario,
                id: check.id.clone(),
                category: check.category.clone(),
                points: check.points,
                share: if possible > 0.0 { check.points / possible } else { 0.0 },
            },
            // What is known of no candidate is the same for all.
            mean: vec![root_rate(0.0, 0.0); candidates],
            covariance: vec![vec![root_variance(0.0, 0.0); candidates]; candidates],
            passed: 0.0,
            trials: 0.0,
        }));
    }

    /// Adds a child as a combination of live candidates; one with a forgotten parent starts from the
    /// incumbent, which is never forgotten. `aims` says at which checks its edit aimed.
    pub fn add(&mut self, id: &PackHash, origin: &[(PackHash, f64)], aims: impl Fn(&CheckRef) -> bool) {
        let origin = self.resolve(origin).unwrap_or_else(|| vec![(0, 1.0)]);
        self.live.push(id.clone());
        for belief in &mut self.checks {
            let moved = if aims(&belief.check) { AIMED_VARIANCE } else { ASIDE_VARIANCE };
            belief.add(&origin, moved);
        }
    }

    /// Takes what a candidate got on a check in one episode, between 0 and 1.
    pub fn observe(&mut self, id: &PackHash, scenario: usize, check: &str, value: f64) {
        let Some(index) = self.index(id) else { return };
        let alone = self.live.len() == 1;
        for belief in self.checks.iter_mut() {
            if belief.check.scenario == scenario && belief.check.id == check {
                if alone { belief.calibrate(value) } else { belief.observe(index, value) }
            }
        }
    }

    /// Forgets the worst candidates beyond the limit, except those to be kept.
    pub fn forget_worst(&mut self, keep: impl Fn(&PackHash) -> bool) {
        while self.live.len() > LIVE_MAX {
            let worst = (0..self.live.len())
                .filter(|index| !keep(&self.live[*index]))
                .min_by(|a, b| self.value(*a).total_cmp(&self.value(*b)));
            let Some(worst) = worst else { return };
            self.live.remove(worst);
            for belief in &mut self.checks {
                belief.forget(worst);
            }
        }
    }

    /// The candidates that beliefs are held of, the oldest first.
    pub fn live(&self) -> impl Iterator<Item = &PackHash> {
        self.live.iter()
    }

    /// The checks with the pass rate that a candidate is believed to have.
    pub fn rates(&self, id: &PackHash) -> impl Iterator<Item = (&CheckRef, f64)> {
        let index = self.index(id);
        self.checks.iter().filter_map(move |belief| Some((&belief.check, belief.rate(index?))))
    }

    /// The pass rate that a candidate is believed to have on a check.
    pub fn rate(&self, id: &PackHash, scenario: usize, check: &str) -> Option<f64> {
        let index = self.index(id)?;
        let belief = self.checks.iter().find(|b| b.check.scenario == scenario && b.check.id == check)?;
        Some(belief.rate(index))
    }

    /// The normalised weight of a scenario.
    pub fn weight(&self, scenario: usize) -> f64 {
        self.weights[scenario]
    }

    /// Estimates a candidate's objective.
    pub fn estimate(&self, id: &PackHash) -> Option<Estimate> {
        let index = self.index(id)?;
        let variance: f64 = self
            .checks
            .iter()
            .map(|belief| self.pull(belief).powi(2) * belief.covariance[index][index])
            .sum();
        Some(Estimate { value: self.value(index), se: variance.max(0.0).sqrt() })
    }

    /// Estimates the objective of a combination of live candidates that nobody has made yet.
    pub fn predict(&self, origin: &[(PackHash, f64)]) -> Option<f64> {
        let origin = self.resolve(origin)?;
        let rate = |belief: &Belief| origin.iter().map(|(parent, part)| part * belief.mean[*parent]).sum();
        Some(self.objective(|belief| f64::clamp(rate(belief), 0.0, 1.0)))
    }

    /// By how many standard errors one candidate is believed to be better than another.
    pub fn lead(&self, id: &PackHash, other: &PackHash) -> f64 {
        let (Some(a), Some(b)) = (self.index(id), self.index(other)) else { return 0.0 };
        in_standard_errors(self.value(a) - self.value(b), self.variance_between(a, b, |_| true))
    }

    /// By how many standard errors one candidate is believed to be safer than another: to earn more of the
    /// points of safety checks.
    pub fn safety_lead(&self, id: &PackHash, other: &PackHash) -> f64 {
        let (Some(a), Some(b)) = (self.index(id), self.index(other)) else { return 0.0 };
        let safety = self.checks.iter().filter(|belief| belief.check.is_safety());
        let difference = safety.map(|belief| self.pull(belief) * (belief.rate(a) - belief.rate(b))).sum();
        in_standard_errors(difference, self.variance_between(a, b, CheckRef::is_safety))
    }

    /// The variance of the difference between two candidates, over some of the checks.
    fn variance_between(&self, a: usize, b: usize, counts: impl Fn(&CheckRef) -> bool) -> f64 {
        let counted = self.checks.iter().filter(|belief| counts(&belief.check));
        counted.map(|belief| self.pull(belief).powi(2) * belief.variance_between(a, b)).sum()
    }

    /// How much the objective moves with a check, the variance penalty aside.
    fn pull(&self, belief: &Belief) -> f64 {
        self.weights[belief.check.scenario] * belief.check.share
    }

    fn value(&self, index: usize) -> f64 {
        self.objective(|belief| belief.rate(index))
    }

    fn objective(&self, rate: impl Fn(&Belief) -> f64) -> f64 {
        let mut scores: Vec<(f64, f64)> = self.weights.iter().map(|weight| (*weight, 0.0)).collect();
        for belief in &self.checks {
            scores[belief.check.scenario].1 += belief.check.share * rate(belief);
        }
        objective(&scores, self.rho, None).map_or(0.0, |objective| objective.value)
    }

    /// The places of a combination's parts; none where one of them is forgotten or there are none.
    fn resolve(&self, origin: &[(PackHash, f64)]) -> Option<Vec<(usize, f64)>> {
        let parts: Option<Vec<_>> =
            origin.iter().map(|(parent, part)| Some((self.index(parent)?, *part))).collect();
        parts.filter(|parts| !parts.is_empty())
    }

    fn index(&self, id: &PackHash) -> Option<usize> {
        self.live.iter().position(|live| live == id)
    }
}

impl Belief {
    fn rate(&self, index: usize) -> f64 {
        self.mean[index].clamp(0.0, 1.0)
    }

    fn variance_between(&self, a: usize, b: usize) -> f64 {
        self.covariance[a][a] + self.covariance[b][b] - 2.0 * self.covariance[a][b]
    }

    fn add(&mut self, origin: &[(usize, f64)], moved: f64) {
        let mean = origin.iter().map(|(parent, part)| part * self.mean[*parent]).sum();
        let row: Vec<f64> = (0..self.mean.len())
            .map(|other| origin.iter().map(|(parent, part)| part * self.covariance[*parent][other]).sum())
            .collect();
        let own: f64 = origin.iter().map(|(parent, part)| part * row[*parent]).sum::<f64>() + moved;
        for (others, covariance) in self.covariance.iter_mut().zip(&row) {
            others.push(*covariance);
        }
        self.covariance.push(row.into_iter().chain([own]).collect());
        self.mean.push(mean);
    }

    /// Takes one more episode of the incumbent, while it is alone.
    fn calibrate(&mut self, value: f64) {
        self.passed += value;
        self.trials += 1.0;
        self.mean = vec![root_rate(self.passed, self.trials)];
        self.covariance = vec![vec![root_variance(self.passed, self.trials)]];
    }

    /// The usual update of a normal belief by one noisy observation.
    fn observe(&mut self, index: usize, value: f64) {
        let towards = self.covariance[index].clone();
        let total = towards[index] + noise(self.rate(index));
        let surprise = (value - self.mean[index]) / total;
        for (other, covariance) in towards.iter().enumerate() {
            self.mean[other] += covariance * surprise;
            for (entry, with) in self.covariance[other].iter_mut().zip(&towards) {
                *entry -= covariance * with / total;
            }
        }
    }

    fn forget(&mut self, index: usize) {
        self.mean.remove(index);
        self.covariance.remove(index);
        for row in &mut self.covariance {
            row.remove(index);
        }
    }
}

fn in_standard_errors(difference: f64, variance: f64) -> f64 {
    if variance > 0.0 { difference / variance.sqrt() } else { 0.0 }
}

/// The incumbent's pass rate after so many passes in so many episodes, and how uncertain it is.
fn root_rate(passed: f64, episodes: f64) -> f64 {
    (passed + ROOT_PASSES) / (episodes + ROOT_EPISODES)
}

fn root_variance(passed: f64, episodes: f64) -> f64 {
    noise(root_rate(passed, episodes)) / (episodes + ROOT_EPISODES + 1.0)
}

/// The variance of one episode's outcome on a check.
fn noise(rate: f64) -> f64 {
    (rate * (1.0 - rate)).max(NOISE_MIN) * DESIGN_EFFECT
}
