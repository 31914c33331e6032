//! What is believed of a scenario's checks, for all candidates.

use super::evidence::Evidence;
use super::{Beliefs, Node, Tally};
use crate::stats::lineage::{Normal, Posterior, Row, Seen};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Of what the beliefs follow, beside the evidence of the scenario itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Common {
    /// How much more scores vary than independent checks would.
    pub design_effect: f64,
    /// The variances of an edit's moves, aimed and aside.
    pub moves: (f64, f64),
}

/// The believed pass rates of a scenario's checks.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub common: Common,
    pub solved: Arc<Solved>,
    /// By candidate, then check.
    rates: Vec<f64>,
    /// The scenario's score and what safety checks add to it, by candidate.
    pub scores: Vec<f64>,
    pub safeties: Vec<f64>,
}

/// The equations of a scenario, solved.
#[derive(Debug)]
pub(super) struct Solved {
    pub evidence: Arc<Evidence>,
    posteriors: Vec<Posterior>,
    /// How candidates vary with others, made when it is asked for; by place in the closure.
    rows: Vec<OnceLock<Row>>,
}

/// A sum of candidates in terms of solved ones, by place in the closure, and of the others' own moves; each with its
/// coefficient.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    solved: Vec<(usize, f64)>,
    moves: Vec<(usize, f64)>,
}

impl Solved {
    fn of(beliefs: &Beliefs, scenario: usize, evidence: Arc<Evidence>, common: Common) -> Solved {
        let candidates = &evidence.closure.candidates;
        let nodes = candidates.iter().map(|candidate| &beliefs.nodes[*candidate]);
        let nodes: Vec<(&Node, &[Tally])> = nodes.map(|node| (node, node.tallies_of(scenario))).collect();
        let mut solver = evidence.closure.elimination.solver();
        let posterior = |(check, of_all): (usize, usize)| {
            let root = Normal { mean: beliefs.pooled_rate(of_all), variance: super::ROOT_VARIANCE };
            let noise = evidence.variances[check] * common.design_effect;
            let tally = |tallies: &[Tally]| tallies.get(check).copied().unwrap_or_default();
            let seen: Vec<Seen> = nodes.iter().map(|(_, tallies)| tally(tallies).seen(noise)).collect();
            let moved: Vec<f64> = nodes.iter().map(|(node, _)| node.moved(of_all, common.moves)).collect();
            solver.posterior(root, &moved, &seen)
        };
        let posteriors = beliefs.ranges[scenario].clone().enumerate().map(posterior).collect();
        let rows = candidates.iter().map(|_| OnceLock::new()).collect();
        Solved { evidence, posteriors, rows }
    }

    fn row(&self, place: usize) -> &Row {
        self.rows[place].get_or_init(|| Row::of(&self.posteriors, place))
    }
}

impl Table {
    pub fn of(beliefs: &Beliefs, scenario: usize, evidence: Arc<Evidence>, common: Common) -> Table {
        let solved = Arc::new(Solved::of(beliefs, scenario, evidence, common));
        let mut table = Table { common, solved, rates: Vec::new(), scores: Vec::new(), safeties: Vec::new() };
        for candidate in 0..beliefs.nodes.len() {
            table.extend(beliefs, scenario, candidate);
        }
        table
    }

    /// Adds the next candidate.
    pub fn extend(&mut self, beliefs: &Beliefs, scenario: usize, candidate: usize) {
        let checks = self.solved.posteriors.len();
        match self.solved.evidence.closure.place(candidate) {
            Some(place) => {
                let means = self.solved.posteriors.iter().map(|posterior| posterior.means()[place]);
                self.rates.extend(means);
            }
            None => {
                let origin = &beliefs.nodes[candidate].origin;
                for check in 0..checks {
                    let rate = origin.iter().map(|(parent, part)| part * self.rates[parent * checks + check]);
                    self.rates.push(rate.sum());
                }
            }
        }
        let rates = &self.rates[candidate * checks..];
        let (mut score, mut safety) = (0.0, 0.0);
        for (check, rate) in beliefs.checks_of(scenario).iter().zip(rates) {
            let earned = check.share * rate.clamp(0.0, 1.0);
            score += earned;
            safety += if check.is_safety() { earned } else { 0.0 };
        }
        self.scores.push(score);
        self.safeties.push(safety);
    }

    /// The means of a candidate's pass rates, by check.
    pub fn rates(&self, candidate: usize) -> &[f64] {
        let checks = self.solved.posteriors.len();
        &self.rates[candidate * checks..(candidate + 1) * checks]
    }

    /// Takes a sum of candidates apart.
    pub fn parts(&self, beliefs: &Beliefs, sum: &[(usize, f64)]) -> Parts {
        let mut open: BTreeMap<usize, f64> = BTreeMap::new();
        for (candidate, part) in sum {
            *open.entry(*candidate).or_insert(0.0) += part;
        }
        let mut parts = Parts::default();
        // What a candidate is made of came before it, so each is met once.
        while let Some((candidate, coefficient)) = open.pop_last() {
            if coefficient == 0.0 {
                continue;
            }
            match self.solved.evidence.closure.place(candidate) {
                Some(place) => parts.solved.push((place, coefficient)),
                None => {
                    parts.moves.push((candidate, coefficient));
                    for (parent, part) in &beliefs.nodes[candidate].origin {
                        *open.entry(*parent).or_insert(0.0) += coefficient * part;
                    }
                }
            }
        }
        parts
    }

    /// The covariance of two sums, over the scenario's checks with weights.
    pub fn covariance(
        &self,
        beliefs: &Beliefs,
        scenario: usize,
        (a, b): (&Parts, &Parts),
        weights: &[f64],
    ) -> f64 {
        let mut sum = 0.0;
        for (ours, part) in &a.solved {
            for (theirs, other) in &b.solved {
                sum += part * other * self.solved.row(*ours).covariance(self.solved.row(*theirs), weights);
            }
        }
        let start = beliefs.ranges[scenario].start;
        for (candidate, part) in &a.moves {
            let Some((_, other)) = b.moves.iter().find(|(known, _)| known == candidate) else { continue };
            let node = &beliefs.nodes[*candidate];
            let moved = weights
                .iter()
                .enumerate()
                .map(|(check, weight)| weight * node.moved(start + check, self.common.moves));
            sum += part * other * moved.sum::<f64>();
        }
        sum
    }
}
