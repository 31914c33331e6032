//! Worlds in which a policy is a set of rules with hidden effects, and a driver that carries out a search in
//! one of them: a simulated agent, a simulated writer, and trouble at will.

use packwright::episode::{FailureClass, Outcome, Usage};
use packwright::event::{
    Candidate, CheckEntry, EpisodeScored, EpisodeUnmeasured, Event, Operator, ProposalFailed, ProposalFault,
    ProposalPlan, Proposed, RunFinished, RunStarted, ScenarioEntry, Step,
};
use packwright::score::{CheckVerdict, Profile, Scorecard};
use packwright::search::{Next, Search};
use packwright::units::{PackHash, Seed, SuiteHash, sha256_hex};
use packwright::value::Value;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeSet;

const CHECKS: usize = 12;
const RULES: usize = 90;

/// A world in which a policy is a set of rules, one per line.
pub(super) struct World {
    seed: Seed,
    scenarios: usize,
    /// The difficulty of each check, by scenario.
    base: Vec<Vec<f64>>,
    /// What each rule does: scenario, check, shift.
    rules: Vec<Vec<(usize, usize, f64)>>,
    /// How checks of one episode fail together.
    sigma: f64,
    /// How often the writer picks a rule that mends a target.
    skill: f64,
}

impl World {
    pub(super) fn new(seed: u64, kind: Kind) -> World {
        let seed = Seed(seed);
        let mut rng = seed.child("world", &[]).rng();
        let scenarios = 6;
        let base =
            (0..scenarios).map(|_| (0..CHECKS).map(|_| rng.random_range(-1.8..2.6)).collect()).collect();
        let rules = (0..RULES).map(|_| kind.rule(scenarios, &mut rng)).collect();
        World { seed, scenarios, base, rules, sigma: 0.9, skill: kind.skill() }
    }

    fn rates(&self, policy: &str, scenario: usize, mood: f64) -> Vec<f64> {
        let rules = rules_of(policy);
        let mut logits = self.base[scenario].clone();
        for rule in &rules {
            for (at, check, shift) in &self.rules[*rule] {
                if *at == scenario {
                    logits[*check] += shift;
                }
            }
        }
        let dilution = 0.03 * rules.len().saturating_sub(12) as f64;
        logits.iter().map(|logit| 1.0 / (1.0 + (-(logit + mood - dilution)).exp())).collect()
    }

    fn episode(&self, policy: &str, scenario: usize, seed: Seed) -> Scorecard {
        let mut rng = seed.rng();
        let mood = self.sigma * normal(&mut rng);
        let passed: Vec<bool> =
            self.rates(policy, scenario, mood).into_iter().map(|rate| rng.random_bool(rate)).collect();
        scorecard(&passed)
    }

    /// The objective without noise.
    pub(super) fn value(&self, policy: &str) -> f64 {
        let moods: Vec<f64> = (0..41).map(|i| (f64::from(i) - 20.0) / 8.0).collect();
        let density = |mood: f64| (-mood * mood / 2.0).exp();
        let total: f64 = moods.iter().map(|mood| density(*mood)).sum();
        let scores: Vec<(f64, f64)> = (0..self.scenarios)
            .map(|scenario| {
                let mean = |mood: f64| self.rates(policy, scenario, self.sigma * mood).iter().sum::<f64>();
                let score: f64 = moods.iter().map(|mood| density(*mood) * mean(*mood)).sum();
                (1.0, score / total / CHECKS as f64)
            })
            .collect();
        Profile::default().objective(&scores).unwrap().value
    }

    /// A writer that adds a rule or two, often one that mends a target.
    fn write(&self, plan: &ProposalPlan, parents: &[&str], seed: Seed) -> String {
        let mut rng = seed.rng();
        let mut rules: BTreeSet<usize> = parents.iter().flat_map(|parent| rules_of(parent)).collect();
        match plan.operator {
            Operator::Merge => {}
            Operator::Condense => {
                rules.pop_first();
            }
            _ => {
                for _ in 0..rng.random_range(1..3) {
                    rules.insert(self.pick_rule(plan, &mut rng));
                }
            }
        }
        rules.iter().map(|rule| format!("- rule {rule}\n")).collect()
    }

    fn pick_rule(&self, plan: &ProposalPlan, rng: &mut ChaCha8Rng) -> usize {
        if plan.targets.is_empty() {
            return rng.random_range(0..RULES);
        }
        let target = &plan.targets[rng.random_range(0..plan.targets.len().min(4))];
        let (scenario, check) = (number(&target.scenario), number(&target.check));
        let mends =
            |rule: &usize| self.rules[*rule].iter().any(|e| (e.0, e.1) == (scenario, check) && e.2 > 0.3);
        let fitting: Vec<usize> = (0..RULES).filter(mends).collect();
        if !fitting.is_empty() && rng.random_bool(self.skill) {
            fitting[rng.random_range(0..fitting.len())]
        } else {
            rng.random_range(0..RULES)
        }
    }

    pub(super) fn start(&self, budget: u32, held_out: usize) -> RunStarted {
        let checks: Vec<CheckEntry> = (0..CHECKS)
            .map(|check| CheckEntry { id: format!("c{check}"), category: "correctness".into(), points: 1.0 })
            .collect();
        let entry = |index: usize| ScenarioEntry {
            name: format!("s{index}"),
            weight: 1.0,
            held_out: index >= self.scenarios - held_out,
            checks: checks.clone(),
        };
        RunStarted {
            format: 1,
            program: "test".into(),
            seed: self.seed,
            budget,
            suite: "simulated".into(),
            suite_hash: SuiteHash(String::new()),
            scenarios: (0..self.scenarios).map(entry).collect(),
            profile: Default::default(),
            model: "simulated".into(),
            writer: "simulated".into(),
            width: None,
            caps: Default::default(),
            conditions: Default::default(),
            incumbent: candidate(String::new(), Operator::Start, Vec::new()),
            base: Value::Null,
        }
    }
}

/// Which edits a world knows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Most rules mend a few checks, some harm others.
    Benign,
    /// The average rule does nothing.
    Hard,
    /// Each rule shifts whole scenarios.
    NonLocal,
    /// No rule helps; each harms a little.
    Null,
    /// Rules do nothing at all: every candidate is the incumbent in other words.
    Same,
}

impl Kind {
    fn skill(self) -> f64 {
        match self {
            Kind::Benign | Kind::NonLocal => 0.5,
            Kind::Hard | Kind::Null | Kind::Same => 0.3,
        }
    }

    fn rule(self, scenarios: usize, rng: &mut ChaCha8Rng) -> Vec<(usize, usize, f64)> {
        let mut effect = |low: f64, high: f64| {
            (rng.random_range(0..scenarios), rng.random_range(0..CHECKS), rng.random_range(low..high))
        };
        match self {
            Kind::Benign => vec![effect(0.5, 4.0), effect(0.2, 3.0), effect(0.0, 2.5), effect(-1.8, 0.1)],
            Kind::Hard => vec![effect(0.0, 4.0), effect(-0.5, 2.0), effect(-2.5, 0.5), effect(-2.0, 0.2)],
            Kind::NonLocal => {
                let (scenario, _, shift) = effect(-0.5, 0.5);
                (0..CHECKS).map(|check| (scenario, check, shift)).collect()
            }
            Kind::Null => vec![effect(-0.6, 0.0), effect(-0.4, 0.0)],
            Kind::Same => Vec::new(),
        }
    }
}

fn rules_of(policy: &str) -> BTreeSet<usize> {
    policy.lines().map(number).collect()
}

fn number(text: &str) -> usize {
    text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random_range(0.0..1.0)).sum::<f64>() - 6.0
}

fn scorecard(passed: &[bool]) -> Scorecard {
    let verdict = |(check, passed): (usize, &bool)| CheckVerdict {
        id: format!("c{check}"),
        passed: *passed,
        points: f64::from(u8::from(*passed)),
        max_points: 1.0,
        category: "correctness".into(),
        detail: if *passed { String::new() } else { "missing".into() },
    };
    let score = passed.iter().filter(|passed| **passed).count() as f64 / passed.len() as f64;
    Scorecard {
        checks: passed.iter().enumerate().map(verdict).collect(),
        script_score: score,
        validator_score: score,
    }
}

fn candidate(agents_md: String, operator: Operator, parents: Vec<PackHash>) -> Candidate {
    let id = PackHash(sha256_hex(agents_md.as_bytes()));
    Candidate { parents, operator, ..Candidate::brought(id, &agents_md) }
}

/// What may go wrong in a simulated run, in percent of the steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    pub(super) unmeasured: u32,
    pub(super) unreachable: u32,
    pub(super) unusable: u32,
}

pub(super) struct Outcomes {
    pub(super) search: Search,
    pub(super) finished: RunFinished,
    pub(super) events: Vec<Event>,
}

pub(super) fn simulate(world: &World, start: RunStarted, trouble: Trouble) -> Outcomes {
    let (mut search, mut events) = (Search::new(), Vec::new());
    let mut tell = |search: &mut Search, event: Event| {
        search.tell(&event);
        events.push(event);
    };
    tell(&mut search, Event::RunStarted(start));
    let mut ordinal = 0_u64;
    let finished = loop {
        let plan = match search.ask() {
            Next::Work(plan) => plan,
            Next::Done(finished) => break finished,
        };
        assert!(!plan.steps.is_empty());
        tell(&mut search, Event::Planned(plan.clone()));
        let results: Vec<Event> = plan
            .steps
            .iter()
            .map(|step| {
                ordinal += 1;
                carry_out(world, &search, step, trouble, world.seed.child("step", &[&ordinal.to_string()]))
            })
            .collect();
        for event in results {
            tell(&mut search, event);
        }
        assert!(ordinal < 100_000, "the search does not end");
    };
    Outcomes { search, finished, events }
}

pub(super) fn carry_out(world: &World, search: &Search, step: &Step, trouble: Trouble, seed: Seed) -> Event {
    let lot = seed.child("trouble", &[]).rng().random_range(0..100);
    let usage = Usage::default();
    match step {
        Step::Run(key) if lot < trouble.unmeasured => Event::EpisodeUnmeasured(EpisodeUnmeasured {
            key: key.clone(),
            reason: "down".into(),
            class: FailureClass::Request,
            usage,
        }),
        Step::Run(key) => {
            let policy = &search.candidate(&key.candidate).unwrap().agents_md;
            Event::EpisodeScored(EpisodeScored {
                key: key.clone(),
                outcome: Outcome::Finished,
                scorecard: world.episode(policy, number(&key.scenario), seed),
                tool_calls: 0,
                model_calls: 1,
                usage,
                resolved_model: None,
                cached: false,
            })
        }
        Step::Propose(plan) => propose(world, search, plan, lot, trouble, seed),
    }
}

fn propose(
    world: &World,
    search: &Search,
    plan: &ProposalPlan,
    lot: u32,
    trouble: Trouble,
    seed: Seed,
) -> Event {
    let failed = |reason| {
        Event::ProposalFailed(ProposalFailed { operator: plan.operator, reason, usage: Usage::default() })
    };
    if lot < trouble.unreachable {
        return failed(ProposalFault::Unreachable { problem: "down".into() });
    }
    if lot < trouble.unreachable + trouble.unusable {
        return failed(ProposalFault::Unusable { problem: "empty".into() });
    }
    let parents: Vec<&str> =
        plan.parents.iter().map(|id| search.candidate(id).unwrap().agents_md.as_str()).collect();
    let made = candidate(world.write(plan, &parents, seed), plan.operator, plan.parents.clone());
    if search.candidate(&made.id).is_some() {
        return failed(ProposalFault::Duplicate { of: made.id });
    }
    Event::Proposed(Proposed {
        candidate: made,
        rationale: String::new(),
        aims: Vec::new(),
        usage: Usage::default(),
    })
}
