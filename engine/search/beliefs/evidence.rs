//! The evidence of one scenario: its candidates, its noise, and how far they moved.
//!
//! A candidate that was never seen in a scenario, and of which nothing is made that was, tells nothing about the
//! scenario's checks. So each scenario has equations of its own, of those candidates alone that were seen there and of
//! those that they are made of, and an episode changes no other scenario's.

use super::{AIMED_VARIANCE, ASIDE_VARIANCE, Beliefs, NOISE_MIN, Node, Tally};
use crate::stats::design::DesignEffect;
use crate::stats::lineage::Elimination;
use std::sync::Arc;

/// The candidates that were seen in a scenario with all of which they are made.
#[derive(Debug)]
pub(super) struct Closure {
    /// In their order; the incumbent is the first.
    pub candidates: Vec<usize>,
    /// By place in that list: of which others each is made.
    origins: Vec<Vec<(usize, f64)>>,
    pub elimination: Elimination,
}

/// What the episodes of a scenario say by themselves.
#[derive(Debug)]
pub(super) struct Evidence {
    pub closure: Arc<Closure>,
    /// By check, the variance that one episode's outcome would have if checks were independent.
    pub variances: Vec<f64>,
    /// How much more a score varies than that.
    pub design: DesignEffect,
    /// By how much candidates differ from the incumbent beyond noise, as a sum of squares.
    pub excess: f64,
    /// The same as expected.
    pub expected: f64,
}

impl Closure {
    fn of(beliefs: &Beliefs, scenario: usize) -> Closure {
        let candidates: Vec<usize> = beliefs.seen[scenario].closed.iter().copied().collect();
        let place = |candidate: &usize| {
            candidates.binary_search(candidate).expect("what a candidate is made of is in the closure")
        };
        let origin = |candidate: &usize| {
            let origin = beliefs.nodes[*candidate].origin.iter();
            origin.map(|(parent, part)| (place(parent), *part)).collect()
        };
        let origins = candidates.iter().map(origin).collect();
        Closure { elimination: beliefs.lineage.plan_of(&candidates), candidates, origins }
    }

    pub fn place(&self, candidate: usize) -> Option<usize> {
        self.candidates.binary_search(&candidate).ok()
    }
}

impl Evidence {
    /// Takes the evidence of a scenario, with what is known of it from before.
    pub fn of(beliefs: &Beliefs, scenario: usize, before: Option<&Evidence>) -> Evidence {
        let is_same =
            |before: &&Evidence| before.closure.candidates.len() == beliefs.seen[scenario].closed.len();
        let closure = match before.filter(is_same) {
            Some(before) => Arc::clone(&before.closure),
            None => Arc::new(Closure::of(beliefs, scenario)),
        };
        let variance = |check: usize| {
            let rate = beliefs.pooled_rate(check);
            (rate * (1.0 - rate)).max(NOISE_MIN)
        };
        let variances: Vec<f64> = beliefs.ranges[scenario].clone().map(variance).collect();
        let design = design(beliefs, scenario, &variances);
        let (excess, expected) = moved(beliefs, scenario, &closure, &variances);
        Evidence { closure, variances, design, excess, expected }
    }
}

/// How much more an episode's score varies than independent checks would.
fn design(beliefs: &Beliefs, scenario: usize, variances: &[f64]) -> DesignEffect {
    let checks = beliefs.checks_of(scenario).iter().zip(variances);
    let modelled = checks.map(|(check, variance)| check.share * check.share * variance).sum();
    let mut effect = DesignEffect::default();
    for candidate in &beliefs.seen[scenario].repeated {
        effect.note(&beliefs.nodes[*candidate].scores[&scenario], modelled);
    }
    effect
}

/// By how much more candidates differ from the incumbent than noise explains, and by how much the expected moves on the
/// way to them do, as sums of squares over checks and candidates.
fn moved(beliefs: &Beliefs, scenario: usize, closure: &Closure, variances: &[f64]) -> (f64, f64) {
    let (mut excess, mut expected) = (0.0, 0.0);
    let nodes = closure.candidates.iter().map(|candidate| &beliefs.nodes[*candidate]);
    let nodes: Vec<(&Node, &[Tally])> = nodes.map(|node| (node, node.tallies_of(scenario))).collect();
    let tally = |place: usize, check: usize| nodes[place].1.get(check).filter(|tally| tally.episodes > 0);
    let mut moved = vec![0.0; nodes.len()];
    for (check, variance) in variances.iter().enumerate() {
        let Some(theirs) = tally(0, check) else { continue };
        let (of_all, m) = (beliefs.ranges[scenario].start + check, f64::from(theirs.episodes));
        for (place, (node, _)) in nodes.iter().enumerate().skip(1) {
            let own = node.moved(of_all, (AIMED_VARIANCE, ASIDE_VARIANCE));
            let before: f64 = closure.origins[place].iter().map(|(parent, part)| part * moved[*parent]).sum();
            moved[place] = before.max(0.0) + own;
            let Some(ours) = tally(place, check) else { continue };
            let n = f64::from(ours.episodes);
            let difference = ours.earned / n - theirs.earned / m;
            excess += difference * difference - variance * (1.0 / n + 1.0 / m);
            expected += moved[place];
        }
    }
    (excess, expected)
}
