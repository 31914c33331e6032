//! What worlds of a definition are like, by their truth: how good the start policy is, how much better the best
//! known one, what an edit of the writer is worth, and what blind acceptance gains.

use super::draft::{Brief, carry_out, draft};
use super::policy_text::rules;
use super::world::World;
use crate::event::Operator;
use serde::Serialize;
use std::collections::BTreeSet;

/// Edits of the start policy that are averaged.
const EDITS: usize = 60;
/// About what a bullet has.
const CHARS_PER_RULE: usize = 62;

/// A world's portrait.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Survey {
    /// What the start policy is worth.
    pub start: f64,
    /// What the best known policy is worth more: by adding and removing rules one by one while that gains.
    pub headroom: f64,
    /// What an edit of the start policy gains on average, and the share of edits that gain.
    pub edit: f64,
    pub helpful_edits: f64,
    /// By how much luck makes the passes of one policy differ: the standard deviation of the score of one pass.
    pub noise: f64,
}

/// Looks at a world's truth.
pub fn survey(world: &World) -> Survey {
    let rng = &mut world.seed.child("survey", &[]).rng();
    let mut targets: Vec<usize> = (0..world.checks.len()).collect();
    let gains: Vec<f64> = (0..EDITS)
        .map(|at| {
            let places = targets.len();
            targets.rotate_left(at % places);
            let brief = Brief { policy: &world.start, targets: &targets, operator: Operator::Patch };
            draft(world, &brief, rng).map_or(0.0, |edits| world.gain(&carry_out(&world.start, &edits)))
        })
        .collect();
    let mut pass = || {
        let scores: Vec<(f64, f64)> = (0..world.scenarios.len())
            .map(|at| (world.scenarios[at].weight, world.episode(&world.start, at, rng).validator_score))
            .collect();
        world.profile.objective(&scores).map_or(0.0, |objective| objective.value)
    };
    let passes: Vec<f64> = (0..EDITS).map(|_| pass()).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let centre = mean(&passes);
    let squares: Vec<f64> = passes.iter().map(|pass| (pass - centre).powi(2)).collect();
    Survey {
        start: world.start_value,
        headroom: headroom(world),
        edit: mean(&gains),
        helpful_edits: gains.iter().filter(|gain| **gain > 0.0).count() as f64 / EDITS as f64,
        noise: mean(&squares).sqrt(),
    }
}

fn headroom(world: &World) -> f64 {
    let held = rules(&world.start);
    let other_chars = world.start.chars().count().saturating_sub(CHARS_PER_RULE * held.len());
    let value = |rules: &BTreeSet<usize>| world.value_of(rules, other_chars + CHARS_PER_RULE * rules.len());
    let (mut best, mut best_value) = (held, world.start_value);
    loop {
        let toggled = |rule: usize| {
            let mut rules = best.clone();
            if !rules.remove(&rule) {
                rules.insert(rule);
            }
            rules
        };
        let next = (0..world.rules.len())
            .map(|rule| (value(&toggled(rule)), rule))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match next {
            Some((next_value, rule)) if next_value > best_value + 1e-9 => {
                (best, best_value) = (toggled(rule), next_value);
            }
            _ => return best_value - world.start_value,
        }
    }
}
