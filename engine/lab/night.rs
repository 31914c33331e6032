//! A night: one whole optimization of a world's start policy, by the search or by a plain strategy, with as many
//! episodes as the budget has; and what it really came to.

use super::baseline::{self, Baseline};
use super::draft::{Brief, carry_out, draft};
use super::world::World;
use crate::episode::{EpisodeKey, Outcome, Usage};
use crate::event::{
    Candidate, CheckEntry, EpisodeScored, Event, Operator, Phase, ProposalFailed, ProposalFault,
    ProposalPlan, Proposed, RunFinished, RunStarted, ScenarioEntry, Step, Verdict,
};
use crate::policy::Policy;
use crate::score::Scorecard;
use crate::search::{Next, Search, Standing};
use crate::units::{PackHash, Seed, SuiteHash, sha256_hex};
use crate::value::Value;
use rand::rngs::ChaCha8Rng;
use serde::Serialize;

/// What 95 % of a normal distribution lie within, in standard deviations.
const WITHIN_95: f64 = 1.96;

/// How a night is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// The search of this program.
    Search,
    Baseline(Baseline),
}

impl Strategy {
    /// All strategies, the search first.
    pub fn all() -> Vec<Strategy> {
        std::iter::once(Strategy::Search).chain(Baseline::ALL.map(Strategy::Baseline)).collect()
    }

    /// The strategy of that name.
    pub fn named(name: &str) -> Option<Strategy> {
        Strategy::all().into_iter().find(|strategy| strategy.name() == name)
    }

    pub fn name(self) -> String {
        match self {
            Strategy::Search => "search".into(),
            Strategy::Baseline(baseline) => baseline.name(),
        }
    }
}

/// What a night came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Night {
    pub seed: u64,
    /// What the best policy by the strategy's own account really gains over the start policy.
    pub gain: f64,
    /// What the policy that would be deployed really gains: nothing where the start policy is kept.
    pub deployed: f64,
    /// By how much the best policy is reported better than it is; none where it was never measured.
    pub optimism: Option<f64>,
    /// Whether the strategy says that it found a better policy.
    pub won: bool,
    pub episodes: u32,
    /// What was stated with a certainty, and whether it is true.
    pub statements: Vec<Statement>,
    /// The stated probability that the finalist is better than the start policy, and whether it is.
    pub forecast: Option<(f64, bool)>,
}

impl Night {
    /// Whether a better policy is claimed that is not better.
    pub fn is_false_win(&self) -> bool {
        self.won && self.deployed <= 0.0
    }
}

/// Something that was stated with a certainty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    pub what: &'static str,
    pub is_true: bool,
}

/// Spends a night on a world; the same world, budget and strategy give the same night.
pub fn night(world: &World, budget: u32, strategy: Strategy) -> Night {
    match strategy {
        Strategy::Search => searched(world, budget),
        Strategy::Baseline(plain) => {
            let result = baseline::run(world, budget, plain);
            let gain = world.gain(&result.policy);
            Night {
                seed: world.seed.0,
                gain,
                // Nothing stands between such a strategy's claim and what is deployed.
                deployed: if result.claims { gain } else { 0.0 },
                optimism: result.reported.map(|reported| reported - world.value(&result.policy)),
                won: result.claims,
                episodes: result.episodes,
                statements: Vec::new(),
                forecast: None,
            }
        }
    }
}

fn searched(world: &World, budget: u32) -> Night {
    let started = run_started(world, budget);
    let mut search = Search::new();
    search.tell(&Event::RunStarted(started));
    let mut found = None;
    let mut ordinal = 0_u64;
    let finished = loop {
        let plan = match search.ask() {
            Next::Work(plan) => plan,
            Next::Done(finished) => break finished,
        };
        if plan.phase == Phase::Confirm && found.is_none() {
            found = search.best();
        }
        search.tell(&Event::Planned(plan.clone()));
        let mut done = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            ordinal += 1;
            done.push(Desk { world, search: &search }.carry_out(step, ordinal));
        }
        for event in done {
            search.tell(&event);
        }
    };
    summarized(world, &search, found.or_else(|| search.best()), &finished)
}

fn summarized(world: &World, search: &Search, found: Option<Standing>, finished: &RunFinished) -> Night {
    let policy_of = |id: &PackHash| search.candidate(id).map_or("", |candidate| candidate.agents_md.as_str());
    let best = found.map(|found| {
        let now = search.standings().into_iter().find(|now| now.candidate == found.candidate);
        now.unwrap_or(found)
    });
    let value = best.as_ref().map(|best| world.value(policy_of(&best.candidate)));
    let deployed = match (&finished.verdict, &finished.finalist) {
        (Verdict::Better(_), Some(finalist)) => world.gain(policy_of(finalist)),
        _ => 0.0,
    };
    let finalist = finished.finalist.as_ref().map(|finalist| world.gain(policy_of(finalist)));
    let (mut statements, forecast) = stated(&finished.verdict, finalist);
    if let (Some(best), Some(value)) = (&best, value) {
        let is_true = (best.objective - value).abs() <= WITHIN_95 * best.se;
        statements.push(Statement { what: "value of the best, 95 %", is_true });
    }
    Night {
        seed: world.seed.0,
        gain: value.map_or(0.0, |value| value - world.start_value),
        deployed,
        optimism: best.zip(value).map(|(best, value)| best.objective - value),
        won: matches!(finished.verdict, Verdict::Better(_)),
        episodes: search.episodes_started(),
        statements,
        forecast,
    }
}

/// What a verdict states, beside what the finalist really gains.
fn stated(verdict: &Verdict, gain: Option<f64>) -> (Vec<Statement>, Option<(f64, bool)>) {
    let (
        Verdict::Better(comparison) | Verdict::NotShownBetter(comparison) | Verdict::Worse(comparison),
        Some(gain),
    ) = (verdict, gain)
    else {
        return (Vec::new(), None);
    };
    let mut statements = vec![Statement {
        what: "difference, 90 %",
        is_true: (comparison.low..=comparison.high).contains(&gain),
    }];
    match verdict {
        Verdict::Better(_) => statements.push(Statement { what: "better", is_true: gain > 0.0 }),
        Verdict::Worse(_) => statements.push(Statement { what: "worse", is_true: gain < 0.0 }),
        _ => {}
    }
    (statements, Some((comparison.probability_better, gain > 0.0)))
}

/// Where steps of a plan are carried out.
struct Desk<'a> {
    world: &'a World,
    search: &'a Search,
}

impl Desk<'_> {
    /// Carries out a step; what is random in it depends on its ordinal alone.
    fn carry_out(&self, step: &Step, ordinal: u64) -> Event {
        let mut rng = Seed(self.world.seed.0 ^ ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rng();
        let usage = Usage::default();
        match step {
            Step::Run(key) => Event::EpisodeScored(EpisodeScored {
                key: key.clone(),
                outcome: Outcome::Finished,
                scorecard: self.episode(key, &mut rng),
                tool_calls: 0,
                model_calls: 1,
                usage,
                resolved_model: None,
                cached: false,
            }),
            Step::Propose(plan) => match self.propose(plan, &mut rng) {
                Ok(candidate) => {
                    Event::Proposed(Proposed { candidate, rationale: String::new(), aims: Vec::new(), usage })
                }
                Err(reason) => {
                    Event::ProposalFailed(ProposalFailed { operator: plan.operator, reason, usage })
                }
            },
        }
    }

    fn episode(&self, key: &EpisodeKey, rng: &mut ChaCha8Rng) -> Scorecard {
        let policy = self.search.candidate(&key.candidate).map_or("", |candidate| &candidate.agents_md);
        let scenario =
            self.world.scenario(&key.scenario).expect("plans name scenarios that they were told of");
        self.world.episode(policy, scenario, rng)
    }

    fn propose(&self, plan: &ProposalPlan, rng: &mut ChaCha8Rng) -> Result<Candidate, ProposalFault> {
        let unusable = |problem: &str| ProposalFault::Unusable { problem: problem.into() };
        let (policy, hunks) = match plan.operator {
            Operator::Revert | Operator::Graft | Operator::Merge => {
                let combined =
                    self.search.lineage().combine(plan).map_err(|error| unusable(&error.to_string()))?;
                (combined.0.text(), combined.1)
            }
            operator => {
                let parent = plan.parents.first().and_then(|id| self.search.lineage().policy(id));
                let parent = parent.ok_or_else(|| unusable("no parent"))?;
                let text = match operator {
                    Operator::Reconcile => self.reconcile(parent, plan),
                    _ => self.write(&parent.text(), plan, rng).ok_or_else(|| unusable("cut off"))?,
                };
                let hunks = parent.difference(&text);
                (text, hunks)
            }
        };
        let id = PackHash(sha256_hex(policy.as_bytes()));
        let utf16_units = policy.encode_utf16().count() as u32;
        if utf16_units > plan.length_max {
            return Err(ProposalFault::TooLong { utf16_units });
        }
        if self.search.candidate(&id).is_some() {
            return Err(ProposalFault::Duplicate { of: id });
        }
        let (parents, operator) = (plan.parents.clone(), plan.operator);
        Ok(Candidate { parents, operator, hunks, ..Candidate::brought(id, &policy) })
    }

    fn write(&self, policy: &str, plan: &ProposalPlan, rng: &mut ChaCha8Rng) -> Option<String> {
        let targets: Vec<usize> =
            plan.targets.iter().filter_map(|target| self.world.check(&target.check)).collect();
        let edits = draft(self.world, &Brief { policy, targets: &targets, operator: plan.operator }, rng)?;
        Some(carry_out(policy, &edits))
    }

    /// Makes the other parents' edits in the first as far as they do not contradict each other.
    fn reconcile(&self, parent: &Policy, plan: &ProposalPlan) -> String {
        let mut policy = parent.clone();
        for edge in plan.parents.iter().skip(1).chain(&plan.edges) {
            let edit = self.search.lineage().hunks(edge).unwrap_or_default();
            if let Ok((with_it, _)) = policy.graft(edit) {
                policy = with_it;
            }
        }
        policy.text()
    }
}

fn run_started(world: &World, budget: u32) -> RunStarted {
    let scenario = |scenario: &super::world::WorldScenario| ScenarioEntry {
        name: scenario.name.clone(),
        weight: scenario.weight,
        held_out: false,
        checks: world.checks[scenario.checks.clone()]
            .iter()
            .map(|check| CheckEntry {
                id: check.id.clone(),
                category: check.category.into(),
                points: check.points,
            })
            .collect(),
    };
    let start = PackHash(sha256_hex(world.start.as_bytes()));
    RunStarted {
        format: 1,
        program: String::new(),
        seed: world.seed,
        budget,
        suite: world.definition.name.clone(),
        suite_hash: SuiteHash(String::new()),
        scenarios: world.scenarios.iter().map(scenario).collect(),
        profile: Box::new(world.profile.clone()),
        model: "simulated".into(),
        writer: "simulated".into(),
        caps: Default::default(),
        conditions: Default::default(),
        incumbent: Candidate::brought(start, &world.start),
        base: Value::Null,
    }
}
