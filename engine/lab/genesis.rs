//! How a world comes about: everything about it is drawn from its seed, each part from a stream of its own, so
//! that families which differ in one number differ in that alone.

use super::definition::Definition;
use super::world::{Rule, World, WorldCheck, WorldScenario, normal};
use crate::scenario::CATEGORIES;
use crate::score::Profile;
use crate::units::Seed;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::collections::{BTreeMap, BTreeSet};

/// An effect that counts as mending a check, in logits.
const MENDS_MIN: f64 = 0.3;

impl World {
    /// Draws the world of a seed. Families with the same numbers draw the same worlds.
    pub fn new(definition: &Definition, seed: Seed) -> World {
        let scenarios = scenarios(definition, &mut draws(seed, "scenarios"));
        let checks = checks(definition, &scenarios, &mut draws(seed, "checks"));
        let mut world = World {
            definition: definition.clone(),
            seed,
            profile: Profile::default(),
            scenarios,
            checks,
            rules: Vec::new(),
            mends: Vec::new(),
            conflicts: BTreeMap::new(),
            start: String::new(),
            start_value: 0.0,
        };
        let rng = &mut draws(seed, "rules");
        world.rules = (0..definition.rules).map(|_| world.draw_rule(rng)).collect();
        let held = world.draw_start(&mut draws(seed, "start"));
        world.draw_conflicts(&held, &mut draws(seed, "conflicts"));
        world.mends = world.mending();
        world.start = world.start_policy(&held);
        world.start_value = world.value(&world.start);
        world
    }

    fn mending(&self) -> Vec<Vec<usize>> {
        let mut mends = vec![Vec::new(); self.checks.len()];
        for (at, rule) in self.rules.iter().enumerate() {
            let mut shifts: BTreeMap<usize, f64> = BTreeMap::new();
            for (check, shift) in &rule.effects {
                *shifts.entry(*check).or_default() += shift;
            }
            for (check, _) in shifts.into_iter().filter(|(_, shift)| *shift > MENDS_MIN) {
                mends[check].push(at);
            }
        }
        mends
    }

    fn draw_rule(&self, rng: &mut ChaCha8Rng) -> Rule {
        let definition = &self.definition;
        if rng.random_bool(definition.idle) {
            return Rule::default();
        }
        if let Some(whole) = definition.whole {
            let mut all: Vec<usize> = (0..self.scenarios.len()).collect();
            all.shuffle(rng);
            all.truncate(between(whole.scenarios, rng));
            let mut effects = Vec::new();
            for scenario in all {
                let shift = whole.mean + whole.sd * normal(rng);
                effects.extend(self.scenarios[scenario].checks.clone().map(|check| (check, shift)));
            }
            return Rule { effects };
        }
        let mut near: Vec<usize> = (0..self.scenarios.len()).collect();
        near.shuffle(rng);
        near.truncate(definition.aimed.scenarios);
        let near: Vec<usize> = near.into_iter().flat_map(|at| self.scenarios[at].checks.clone()).collect();
        let anywhere: Vec<usize> = (0..self.checks.len()).collect();
        let (aimed, aside) = (definition.aimed, definition.aside);
        let mut effects = some_of(&near, between(aimed.checks, rng), rng)
            .map(|check| (check, aimed.mean + aimed.sd * normal(rng)))
            .collect::<Vec<_>>();
        let others = some_of(&anywhere, between(aside.checks, rng), rng).collect::<Vec<_>>();
        effects.extend(others.into_iter().map(|check| (check, aside.mean + aside.sd * normal(rng))));
        Rule { effects }
    }

    /// Chooses the rules of the start policy. Where nothing may gain, it turns what they do into help, and what
    /// all others do into harm.
    fn draw_start(&mut self, rng: &mut ChaCha8Rng) -> BTreeSet<usize> {
        let start = self.definition.start;
        let mut order: Vec<usize> = (0..self.rules.len()).collect();
        order.shuffle(rng);
        if self.definition.no_gain {
            let held: BTreeSet<usize> = order.into_iter().take(start.helpful).collect();
            for (at, rule) in self.rules.iter_mut().enumerate() {
                let turn = |shift: f64| if held.contains(&at) { shift.abs() } else { shift.min(0.0) };
                rule.effects.iter_mut().for_each(|(_, shift)| *shift = turn(*shift));
            }
            return held;
        }
        let (helpful, others): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|rule| self.benefit(*rule) > 0.0);
        let harmful = others.into_iter().filter(|rule| self.benefit(*rule) < 0.0);
        helpful.into_iter().take(start.helpful).chain(harmful.take(start.harmful)).collect()
    }

    /// Pairs rules that are not both in the start policy, and that do something.
    fn draw_conflicts(&mut self, held: &BTreeSet<usize>, rng: &mut ChaCha8Rng) {
        let wanted = self.definition.conflicts.pairs;
        let count = self.rules.len();
        let mut pairs = BTreeSet::new();
        // A few rules may not have so many pairs.
        for _ in 0..20 * wanted {
            let (one, other) = (rng.random_range(0..count), rng.random_range(0..count));
            let does = |rule: usize| !self.rules[rule].effects.is_empty();
            let fits = one < other && does(one) && does(other);
            if pairs.len() < wanted && fits && !(held.contains(&one) && held.contains(&other)) {
                pairs.insert((one, other));
            }
        }
        for (one, other) in pairs {
            self.conflicts.entry(one).or_default().push(other);
        }
    }

    fn start_policy(&self, held: &BTreeSet<usize>) -> String {
        const NEUTRAL: [&str; 5] = [
            "Be friendly and keep a professional tone.",
            "Write in the language of the request.",
            "Use plain words where they will do.",
            "Thank people for what they sent.",
            "Prefer short paragraphs.",
        ];
        let neutral = (0..self.definition.start.neutral).map(|at| match NEUTRAL.get(at) {
            Some(text) => format!("- {text}"),
            None => format!("- Keep note {at} in mind."),
        });
        let bullets: Vec<String> = held.iter().map(|rule| self.bullet(*rule)).chain(neutral).collect();
        let section = |at: usize| -> String {
            bullets.iter().skip(at).step_by(3).map(|bullet| format!("{bullet}\n")).collect()
        };
        format!(
            "# Assistant\n\nYou help one person with mail, chat, calendar and tasks.\n\n\
             ## Gathering\n\n{}\n## Acting\n\n{}\n## Answering\n\n{}",
            section(0),
            section(1),
            section(2)
        )
    }
}

fn scenarios(definition: &Definition, rng: &mut ChaCha8Rng) -> Vec<WorldScenario> {
    // Every scenario gets its share of the checks, give or take a fifth, and all checks are given.
    let weights: Vec<f64> = (0..definition.scenarios).map(|_| rng.random_range(0.8..1.2)).collect();
    let total: f64 = weights.iter().sum();
    let spare = (definition.checks - definition.scenarios) as f64;
    let mut sum = 0.0;
    let mut end = 0;
    let mut scenarios = Vec::new();
    for (at, weight) in weights.iter().enumerate() {
        let begin = end;
        sum += weight;
        end = at + 1 + (spare * sum / total).round() as usize;
        let weight = f64::from(rng.random_range(0..3_u8)).mul_add(0.25, 1.0);
        scenarios.push(WorldScenario { name: format!("s{at}"), weight, checks: begin..end });
    }
    scenarios
}

fn checks(definition: &Definition, scenarios: &[WorldScenario], rng: &mut ChaCha8Rng) -> Vec<WorldCheck> {
    // As often as in the real benchmark.
    const OFTEN: [u32; CATEGORIES.len()] = [4, 7, 2, 3];
    let total: f64 = scenarios.iter().map(|scenario| scenario.weight).sum();
    let mut checks = Vec::new();
    for scenario in scenarios {
        let begin = checks.len();
        for at in scenario.checks.clone() {
            let mut lot = rng.random_range(0..OFTEN.iter().sum());
            let mut category = 0;
            while lot >= OFTEN[category] {
                lot -= OFTEN[category];
                category += 1;
            }
            checks.push(WorldCheck {
                id: format!("c{at}"),
                category: CATEGORIES[category],
                points: f64::from(rng.random_range(1..5_u8)),
                base: definition.base.mean + definition.base.sd * normal(rng),
                pull: 0.0,
            });
        }
        let possible: f64 = checks[begin..].iter().map(|check| check.points).sum();
        for check in &mut checks[begin..] {
            check.pull = scenario.weight / total * check.points / possible;
        }
    }
    checks
}

fn draws(seed: Seed, purpose: &str) -> ChaCha8Rng {
    seed.child("world", &[purpose]).rng()
}

fn between([low, high]: [usize; 2], rng: &mut ChaCha8Rng) -> usize {
    rng.random_range(low..=high)
}

/// Some different ones of a list, in random order.
fn some_of(list: &[usize], count: usize, rng: &mut ChaCha8Rng) -> std::vec::IntoIter<usize> {
    let mut list = list.to_vec();
    list.shuffle(rng);
    list.truncate(count);
    list.into_iter()
}
