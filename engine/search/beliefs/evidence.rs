//! The evidence of one scenario: its candidates, its noise, and how far they lie apart.
//!
//! A candidate that was never seen in a scenario, and of which nothing is made that was, tells nothing about the
//! scenario's checks. So each scenario has equations of its own, of those candidates alone that were seen there and of
//! those that they are made of, and an episode changes no other scenario's.

use super::spread::Spread;
use super::{Beliefs, NOISE_MIN};
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
    /// How far candidates' scores lie apart.
    pub spread: Spread,
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

    /// What the values of those add up to, each with its part, of which the candidate at a place is made.
    pub fn sum(&self, place: usize, values: &[f64]) -> f64 {
        self.origins[place].iter().map(|(origin, part)| part * values[*origin]).sum()
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
        let spread = Spread::of(beliefs, scenario, &closure, &variances);
        Evidence { closure, variances, design, spread }
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
