//! A world: scenarios with checks, hidden rules that shift their pass rates, and what every policy is worth.

use super::definition::Definition;
use super::policy_text;
use crate::score::{CheckVerdict, Profile, Scorecard};
use crate::units::Seed;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The grid on which the average over luck is taken: with this step the sum is exact to more digits than
/// doubles have for any luck that a definition allows below 4, and nearly so above.
const LUCK_STEP: f64 = 0.4;
const LUCK_POINTS: i32 = 18;

/// A simulated benchmark whose truth is known.
#[derive(Clone, Debug)]
pub struct World {
    pub definition: Definition,
    pub seed: Seed,
    pub profile: Profile,
    pub scenarios: Vec<WorldScenario>,
    /// All checks, those of a scenario together; `c17` is the one at 17.
    pub checks: Vec<WorldCheck>,
    pub rules: Vec<Rule>,
    /// The rules that mend a check, by check.
    pub(super) mends: Vec<Vec<usize>>,
    /// Pairs of rules that harm each other, by their smaller number.
    pub(super) conflicts: BTreeMap<usize, Vec<usize>>,
    /// The policy to be beaten.
    pub start: String,
    /// What it is worth.
    pub start_value: f64,
}

/// A scenario of a world.
#[derive(Clone, Debug)]
pub struct WorldScenario {
    pub name: String,
    pub weight: f64,
    /// Where its checks stand.
    pub checks: Range<usize>,
}

/// A check of a world.
#[derive(Clone, Debug)]
pub struct WorldCheck {
    pub id: String,
    pub category: &'static str,
    pub points: f64,
    /// The logit of its pass rate under an empty policy.
    pub(super) base: f64,
    /// How much the objective moves with its pass rate.
    pub(super) pull: f64,
}

/// What a rule does: the checks with the shift of their logits.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub effects: Vec<(usize, f64)>,
}

impl World {
    /// What a policy is worth: the objective of its expected scores, over all luck.
    pub fn value(&self, policy: &str) -> f64 {
        self.value_of(&policy_text::rules(policy), policy.chars().count())
    }

    /// The same of some rules in so many characters.
    pub fn value_of(&self, rules: &BTreeSet<usize>, chars: usize) -> f64 {
        let scores = self.expected(&self.logits(rules, chars));
        let scores: Vec<(f64, f64)> =
            self.scenarios.iter().zip(scores).map(|(scenario, score)| (scenario.weight, score)).collect();
        self.profile.objective(&scores).map_or(0.0, |objective| objective.value)
    }

    /// What the policy really gains over the start policy.
    pub fn gain(&self, policy: &str) -> f64 {
        self.value(policy) - self.start_value
    }

    /// One attempt at a scenario.
    pub fn episode(&self, policy: &str, scenario: usize, rng: &mut ChaCha8Rng) -> Scorecard {
        let logits = self.logits(&policy_text::rules(policy), policy.chars().count());
        let luck = self.definition.sigma * normal(rng);
        let checks = self.scenarios[scenario].checks.clone();
        let verdicts: Vec<CheckVerdict> = checks
            .map(|at| {
                let own = self.definition.check_sigma * normal(rng);
                self.verdict(at, rng.random_bool(logistic(logits[at] + luck + own)))
            })
            .collect();
        let possible: f64 = verdicts.iter().map(|verdict| verdict.max_points).sum();
        let score = verdicts.iter().map(|verdict| verdict.points).sum::<f64>() / possible;
        Scorecard { checks: verdicts, script_score: (score * 1e4).round() / 1e4, validator_score: score }
    }

    /// The text of the bullet that is a rule.
    pub fn bullet(&self, rule: usize) -> String {
        const WHEN: [&str; 7] = [
            "before you answer",
            "when mail and calendar differ",
            "for each request",
            "when something is urgent",
            "before anything is sent",
            "at the end",
            "when a task is open",
        ];
        const WHAT: [&str; 11] = [
            "compare what the sources say",
            "list the open points in order",
            "ask before you act",
            "name who owns the next step",
            "check the shared notes first",
            "keep private matters out",
            "say what you did not find",
            "put the deadline first",
            "draft instead of sending",
            "read the whole thread",
            "give one clear recommendation",
        ];
        format!("- rule-{rule}: {}, {}.", WHEN[rule % WHEN.len()], WHAT[rule % WHAT.len()])
    }

    /// The rules that mend a check.
    pub fn mends(&self, check: usize) -> &[usize] {
        &self.mends[check]
    }

    /// What a rule is worth by itself, about: small changes of rates added up.
    pub fn benefit(&self, rule: usize) -> f64 {
        let effect = |(check, shift): &(usize, f64)| {
            let rate = logistic(self.checks[*check].base);
            shift * rate * (1.0 - rate) * self.checks[*check].pull
        };
        self.rules.get(rule).map_or(0.0, |rule| rule.effects.iter().map(effect).sum())
    }

    /// The place of a check by its id; none where there is no such check.
    pub fn check(&self, id: &str) -> Option<usize> {
        id.strip_prefix('c')?.parse().ok().filter(|at| *at < self.checks.len())
    }

    /// The place of a scenario by its name.
    pub fn scenario(&self, name: &str) -> Option<usize> {
        self.scenarios.iter().position(|scenario| scenario.name == name)
    }

    fn verdict(&self, at: usize, passed: bool) -> CheckVerdict {
        let check = &self.checks[at];
        CheckVerdict {
            id: check.id.clone(),
            passed,
            points: if passed { check.points } else { 0.0 },
            max_points: check.points,
            category: check.category.into(),
            detail: if passed { String::new() } else { "not found in what the agent did".into() },
        }
    }

    /// The logits of all checks without luck.
    fn logits(&self, rules: &BTreeSet<usize>, chars: usize) -> Vec<f64> {
        let mut logits: Vec<f64> = self.checks.iter().map(|check| check.base).collect();
        for rule in rules.iter().filter_map(|rule| self.rules.get(*rule)) {
            for (check, shift) in &rule.effects {
                logits[*check] += shift;
            }
        }
        for (one, others) in rules.iter().filter_map(|rule| self.conflicts.get_key_value(rule)) {
            for other in others.iter().filter(|other| rules.contains(other)) {
                let touched = self.rules[*one].effects.iter().chain(&self.rules[*other].effects);
                for (check, _) in touched {
                    logits[*check] += self.definition.conflicts.shift;
                }
            }
        }
        let dilution = &self.definition.dilution;
        let above = chars.saturating_sub(dilution.free_chars) as f64 / 1000.0;
        logits.iter().map(|logit| logit - dilution.per_1000_chars * above).collect()
    }

    /// The expected score of each scenario: the shared luck and a check's own add up to one normal variable.
    fn expected(&self, logits: &[f64]) -> Vec<f64> {
        let luck = self.definition.sigma.hypot(self.definition.check_sigma);
        let points: Vec<(f64, f64)> = (-LUCK_POINTS..=LUCK_POINTS)
            .map(|at| f64::from(at) * LUCK_STEP)
            .map(|deviation| (luck * deviation, (-deviation * deviation / 2.0).exp()))
            .collect();
        let total: f64 = points.iter().map(|(_, density)| density).sum();
        let rate = |logit: f64| -> f64 {
            points.iter().map(|(luck, density)| density * logistic(logit + luck)).sum::<f64>() / total
        };
        let score = |scenario: &WorldScenario| {
            let checks = scenario.checks.clone();
            let possible: f64 = self.checks[checks.clone()].iter().map(|check| check.points).sum();
            checks.map(|at| self.checks[at].points * rate(logits[at])).sum::<f64>() / possible
        };
        self.scenarios.iter().map(score).collect()
    }
}

pub(super) fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// A draw from the standard normal distribution.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0..1.0_f64)).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random_range(0.0..1.0_f64)).cos()
}

#[cfg(test)]
mod tests {
    use super::super::survey::survey;
    use super::*;

    fn world(family: &str, seed: u64) -> World {
        World::new(&Definition::named(family).unwrap(), Seed(seed))
    }

    #[test]
    fn a_seed_gives_one_world() {
        for family in Definition::names() {
            let (one, again, other) = (world(family, 1), world(family, 1), world(family, 2));
            assert_eq!((&one.start, one.start_value), (&again.start, again.start_value));
            let episode = |world: &World| world.episode(&world.start, 0, &mut Seed(3).rng());
            assert_eq!(episode(&one), episode(&again));
            assert_ne!(one.start_value, other.start_value);
        }
    }

    #[test]
    fn the_default_world_has_the_shape_of_the_benchmark() {
        for seed in 0..20 {
            let world = world("default", seed);
            assert_eq!((world.scenarios.len(), world.checks.len()), (5, 61));
            let sizes: Vec<usize> = world.scenarios.iter().map(|scenario| scenario.checks.len()).collect();
            assert!(sizes.iter().all(|size| (8..=16).contains(size)), "{sizes:?}");
            assert!(world.scenarios.iter().all(|scenario| (1.0..=1.5).contains(&scenario.weight)));
        }
    }

    #[test]
    fn the_truth_is_what_many_episodes_average_to() {
        const EPISODES: u32 = 20_000;
        for family in ["default", "noisy"] {
            let world = world(family, 5);
            let rng = &mut Seed(1).rng();
            let mut sums = vec![(0.0, 0.0); world.scenarios.len()];
            for (at, (sum, squares)) in sums.iter_mut().enumerate() {
                for _ in 0..EPISODES {
                    let score = world.episode(&world.start, at, rng).validator_score;
                    *sum += score;
                    *squares += score * score;
                }
            }
            let rules = policy_text::rules(&world.start);
            let truth = world.expected(&world.logits(&rules, world.start.chars().count()));
            for ((sum, squares), truth) in sums.into_iter().zip(truth) {
                let mean = sum / f64::from(EPISODES);
                let se = ((squares / f64::from(EPISODES) - mean * mean) / f64::from(EPISODES)).sqrt();
                assert!((mean - truth).abs() < 4.0 * se, "{family}: {mean} ± {se}, and the truth is {truth}");
            }
        }
    }

    #[test]
    fn where_nothing_may_gain_nothing_gains() {
        for seed in 0..10 {
            let survey = survey(&world("null", seed));
            assert_eq!(survey.headroom, 0.0, "seed {seed}");
            assert!(survey.edit <= 0.0 && survey.helpful_edits == 0.0, "seed {seed}: {survey:?}");
        }
    }
}
