//! What follows from the evidence: believed pass rates and objectives of all candidates, and how the objectives of
//! the best and the newest vary together.
//!
//! Checks are believed independently of each other given the lineage, so the covariance of a scenario's score is
//! the sum of its checks' covariances, weighted by their shares squared.

use super::Beliefs;
use super::evidence::Evidence;
use super::spread::{Spread, moves};
use super::table::{Common, Parts, Table};
use crate::stats::design::DesignEffect;
use crate::stats::joint::Joint;
use crate::stats::normal;
use crate::stats::values::{ScenarioDraws, Values, objective_draws, penalised};
use nalgebra::DMatrix;
use rand::rngs::ChaCha8Rng;
use std::sync::Arc;

/// The candidates whose differences are told: all of them, up to so many, else the best and the newest.
const SHORT_MAX: usize = 64;
const NEWEST: usize = 24;
/// What scenarios have in common is held in steps of so much, in proportion, so that an episode of one scenario leaves
/// the others' equations as they are.
const STEP: f64 = 0.02;

/// The beliefs about all candidates at one moment.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    evidence: Vec<Arc<Evidence>>,
    tables: Vec<Arc<Table>>,
    values: Vec<f64>,
    /// What safety checks earn, as a share of all points.
    safeties: Vec<f64>,
    /// Candidates of which differences are told, in their order.
    short: Vec<usize>,
    /// The variance of one episode's score, by scenario.
    episode_variances: Vec<f64>,
}

/// The same with what the candidates are. Candidates are named by their places.
#[derive(Clone, Copy, Debug)]
pub(in crate::search) struct View<'a> {
    beliefs: &'a Beliefs,
    solution: &'a Solution,
}

/// An estimate with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::search) struct Estimate {
    pub value: f64,
    pub se: f64,
}

impl Estimate {
    /// The probability that it is above a threshold.
    pub fn probability_above(&self, threshold: f64) -> f64 {
        normal::above(self.value, self.se * self.se, threshold)
    }
}

impl Solution {
    /// Solves what has changed.
    pub fn of(beliefs: &Beliefs, before: Option<&Solution>, stale: &[bool]) -> Solution {
        let scenarios = 0..beliefs.weights.len();
        let known = |scenario: usize| before.map(|before| &before.evidence[scenario]);
        let evidence: Vec<Arc<Evidence>> = scenarios
            .clone()
            .map(|scenario| match known(scenario).filter(|_| !stale[scenario]) {
                Some(known) => Arc::clone(known),
                None => {
                    let before = known(scenario).map(Arc::as_ref);
                    Arc::new(Evidence::of(beliefs, scenario, before))
                }
            })
            .collect();
        let common = common(&evidence);
        let tables: Vec<Arc<Table>> = scenarios
            .map(|scenario| {
                let table = before.map(|before| &before.tables[scenario]);
                match table.filter(|table| !stale[scenario] && table.common == common) {
                    Some(table) => Arc::clone(table),
                    None => {
                        let evidence = Arc::clone(&evidence[scenario]);
                        Arc::new(Table::of(beliefs, scenario, evidence, common))
                    }
                }
            })
            .collect();
        let episode_variance = |(scenario, evidence): (usize, &Arc<Evidence>)| {
            let checks = beliefs.checks_of(scenario).iter().zip(&evidence.variances);
            let squares = checks.map(|(check, variance)| check.share * check.share * variance);
            squares.sum::<f64>() * common.design_effect
        };
        let episode_variances = evidence.iter().enumerate().map(episode_variance).collect();
        let (values, safeties, short) = (Vec::new(), Vec::new(), Vec::new());
        let mut solution = Solution { evidence, tables, values, safeties, short, episode_variances };
        for candidate in 0..beliefs.nodes.len() {
            solution.conclude(beliefs, candidate);
        }
        solution.short = short_list(&solution.values);
        solution
    }

    /// Adds the next candidate, of which nothing was seen yet: it changes nothing that is believed of the others.
    pub fn extend(&mut self, beliefs: &Beliefs) {
        let candidate = self.values.len();
        for (scenario, table) in self.tables.iter_mut().enumerate() {
            Arc::make_mut(table).extend(beliefs, scenario, candidate);
        }
        self.conclude(beliefs, candidate);
        let is_short = |(parent, _): &(usize, f64)| self.short.binary_search(parent).is_ok();
        if beliefs.nodes[candidate].origin.iter().all(is_short) {
            self.short.push(candidate);
        }
    }

    /// The next candidate's objective.
    fn conclude(&mut self, beliefs: &Beliefs, candidate: usize) {
        let scores = self.tables.iter().map(|table| table.scores[candidate]);
        self.values.push(beliefs.objective(scores));
        let safeties = self.tables.iter().zip(&beliefs.weights);
        self.safeties.push(safeties.map(|(table, weight)| weight * table.safeties[candidate]).sum());
    }
}

/// What all scenarios' evidence says together: the design effect, and how far edits move checks. One rule for how to act
/// may move checks of all scenarios, and a writer may do much or little at once; what fits one benchmark misleads on
/// another.
fn common(evidence: &[Arc<Evidence>]) -> Common {
    let design: DesignEffect = evidence.iter().map(|evidence| evidence.design).sum();
    let spread: Spread = evidence.iter().map(|evidence| evidence.spread).sum();
    let design_effect = stepped(design.value());
    Common { design_effect, moves: moves(stepped(spread.scale(design_effect))) }
}

fn stepped(value: f64) -> f64 {
    ((value.ln() / STEP).round() * STEP).exp()
}

fn short_list(values: &[f64]) -> Vec<usize> {
    if values.len() <= SHORT_MAX {
        return (0..values.len()).collect();
    }
    let oldest_new = values.len() - NEWEST;
    let mut others: Vec<usize> = (1..oldest_new).collect();
    let best = SHORT_MAX - NEWEST - 1;
    others.select_nth_unstable_by(best - 1, |a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    others.truncate(best);
    let mut short: Vec<usize> = std::iter::once(0).chain(others).chain(oldest_new..values.len()).collect();
    short.sort_unstable();
    short
}

impl<'a> View<'a> {
    pub(super) fn of(beliefs: &'a Beliefs, solution: &'a Solution) -> View<'a> {
        View { beliefs, solution }
    }

    fn is_short(&self, candidate: usize) -> bool {
        self.solution.short.binary_search(&candidate).is_ok()
    }

    /// A sum of candidates taken apart, by scenario.
    fn parts(&self, sum: &[(usize, f64)]) -> Vec<Parts> {
        self.solution.tables.iter().map(|table| table.parts(self.beliefs, sum)).collect()
    }

    /// The covariance of two sums in a scenario's score, of the checks that count.
    fn covariance(
        &self,
        scenario: usize,
        parts: (&Parts, &Parts),
        counts: impl Fn(&super::CheckRef) -> bool,
    ) -> f64 {
        let square = |check| if counts(check) { check.share * check.share } else { 0.0 };
        let squares: Vec<f64> = self.beliefs.checks_of(scenario).iter().map(square).collect();
        self.solution.tables[scenario].covariance(self.beliefs, scenario, parts, &squares)
    }

    /// The standard error of a sum of objectives' linear parts, of the checks that count; none where one is far from the
    /// best.
    fn se(&self, sum: &[(usize, f64)], counts: impl Fn(&super::CheckRef) -> bool) -> Option<f64> {
        let is_known = sum.iter().all(|(candidate, _)| self.is_short(*candidate));
        let parts = is_known.then(|| self.parts(sum))?;
        let weighted = parts.iter().enumerate().map(|(scenario, parts)| {
            let weight = self.beliefs.weights[scenario];
            weight * weight * self.covariance(scenario, (parts, parts), &counts)
        });
        Some(weighted.sum::<f64>().max(0.0).sqrt())
    }

    /// Joint draws of the objectives of some candidates, the variance penalty computed within each. They may be far from
    /// the best: what confirmation shows can move a finalist there.
    pub fn objectives(&self, candidates: &[usize], draws: usize, rng: &mut ChaCha8Rng) -> Values {
        let parts: Vec<Vec<Parts>> =
            candidates.iter().map(|candidate| self.parts(&[(*candidate, 1.0)])).collect();
        let drawn: Vec<ScenarioDraws> = (0..self.beliefs.weights.len())
            .map(|scenario| {
                let checks = self.beliefs.checks_of(scenario);
                let mean = |candidate: &usize| {
                    let rates = self.solution.tables[scenario].rates(*candidate);
                    checks.iter().zip(rates).map(|(check, rate)| check.share * rate).sum()
                };
                let size = candidates.len();
                let covariance = DMatrix::from_fn(size, size, |a, b| {
                    let parts = (&parts[a.max(b)][scenario], &parts[a.min(b)][scenario]);
                    self.covariance(scenario, parts, |_| true)
                });
                let joint = Joint { means: candidates.iter().map(mean).collect(), covariance };
                ScenarioDraws::of_score(self.beliefs.weights[scenario], &joint, draws, rng)
            })
            .collect();
        objective_draws(&drawn, penalised(self.beliefs.rho))
    }

    /// The believed pass rate of a check.
    pub fn rate(&self, candidate: usize, check: usize) -> f64 {
        let scenario = self.beliefs.checks[check].scenario;
        let place = check - self.beliefs.ranges[scenario].start;
        self.solution.tables[scenario].rates(candidate)[place].clamp(0.0, 1.0)
    }

    /// The standard deviation of that belief; none for a candidate far from the best.
    pub fn rate_sd(&self, candidate: usize, check: usize) -> Option<f64> {
        if !self.is_short(candidate) {
            return None;
        }
        let scenario = self.beliefs.checks[check].scenario;
        let mut weights = vec![0.0; self.beliefs.ranges[scenario].len()];
        weights[check - self.beliefs.ranges[scenario].start] = 1.0;
        let table = &self.solution.tables[scenario];
        let parts = table.parts(self.beliefs, &[(candidate, 1.0)]);
        Some(table.covariance(self.beliefs, scenario, (&parts, &parts), &weights).max(0.0).sqrt())
    }

    /// The objective at the believed pass rates.
    pub fn value(&self, candidate: usize) -> f64 {
        self.solution.values[candidate]
    }

    /// The objective and how uncertain its linear part is; none for a candidate far from the best.
    pub fn estimate(&self, candidate: usize) -> Option<Estimate> {
        let se = self.se(&[(candidate, 1.0)], |_| true)?;
        Some(Estimate { value: self.value(candidate), se })
    }

    /// How much better one candidate is than another; none where one is far from the best.
    pub fn difference(&self, candidate: usize, other: usize) -> Option<Estimate> {
        let se = self.se(&[(candidate, 1.0), (other, -1.0)], |_| true)?;
        Some(Estimate { value: self.value(candidate) - self.value(other), se })
    }

    /// The same without how uncertain it is.
    pub fn gain(&self, candidate: usize, other: usize) -> Option<f64> {
        let is_known = self.is_short(candidate) && self.is_short(other);
        is_known.then(|| self.value(candidate) - self.value(other))
    }

    /// How much more one candidate earns by safety checks than another.
    pub fn safety_difference(&self, candidate: usize, other: usize) -> Option<Estimate> {
        let se = self.se(&[(candidate, 1.0), (other, -1.0)], super::CheckRef::is_safety)?;
        Some(Estimate { value: self.safety_gain(candidate, other), se })
    }

    /// The same without how uncertain it is.
    pub fn safety_gain(&self, candidate: usize, other: usize) -> f64 {
        self.solution.safeties[candidate] - self.solution.safeties[other]
    }

    /// The variance of one episode's score, by scenario.
    pub fn episode_variances(&self) -> &'a [f64] {
        &self.solution.episode_variances
    }

    /// The believed scores of a candidate, by scenario.
    pub fn scores(&self, candidate: usize) -> Vec<f64> {
        self.solution.tables.iter().map(|table| table.scores[candidate]).collect()
    }

    /// The objective of a combination of candidates.
    pub(super) fn promise(&self, origin: &[(usize, f64)]) -> f64 {
        let score = |(scenario, table): (usize, &Arc<Table>)| {
            let rate =
                |check| origin.iter().map(|(parent, part)| part * table.rates(*parent)[check]).sum::<f64>();
            let checks = self.beliefs.checks_of(scenario).iter().enumerate();
            checks.map(|(place, check)| check.share * rate(place).clamp(0.0, 1.0)).sum::<f64>()
        };
        self.beliefs.objective(self.solution.tables.iter().enumerate().map(score))
    }

    /// The candidates of which differences are known.
    pub fn short(&self) -> &'a [usize] {
        &self.solution.short
    }
}
