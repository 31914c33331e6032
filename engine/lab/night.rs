//! A night: one whole optimization of a world's start policy, by the search or by a plain strategy, with as many
//! episodes as the budget has; and what it really came to.

use super::baseline::{self, Baseline};
use super::draft::{Brief, carry_out, draft};
use super::world::World;
use crate::episode::{EpisodeKey, Outcome, Usage};
use crate::event::{
    Candidate, CheckEntry, EpisodeScored, Event, Operator, ProposalFailed, ProposalFault, ProposalPlan,
    Proposed, RunFinished, RunStarted, ScenarioEntry, Step, Verdict,
};
use crate::lineage::Lineage;
use crate::policy::Policy;
use crate::score::Scorecard;
use crate::search::{Next, Search};
use crate::stats::normal::WITHIN_90;
use crate::units::{PackHash, Seed, SuiteHash, sha256_hex};
use crate::value::Value;
use rand::rngs::ChaCha8Rng;
use serde::Serialize;

/// What 95 % of a normal distribution lie within, in standard deviations.
const WITHIN_95: f64 = 1.96;

/// How a night is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// The search of this program, with so many proposals side by side; none leaves that to it.
    Search {
        width: Option<u32>,
    },
    Baseline(Baseline),
}

impl Strategy {
    /// The search as it is by default.
    pub const SEARCH: Strategy = Strategy::Search { width: None };

    /// All strategies, the search first.
    pub fn all() -> Vec<Strategy> {
        std::iter::once(Strategy::SEARCH).chain(Baseline::ALL.map(Strategy::Baseline)).collect()
    }

    /// The strategy of that name; `search-8` is the search with eight proposals side by side.
    pub fn named(name: &str) -> Option<Strategy> {
        let width =
            name.strip_prefix("search-").and_then(|width| width.parse().ok()).filter(|width| *width > 0);
        let search = width.map(|width| Strategy::Search { width: Some(width) });
        search.or_else(|| Strategy::all().into_iter().find(|strategy| strategy.name() == name))
    }

    pub fn name(self) -> String {
        match self {
            Strategy::Search { width: None } => "search".into(),
            Strategy::Search { width: Some(width) } => format!("search-{width}"),
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
    /// Probabilities that were stated, and whether what they are of is true.
    pub forecasts: Vec<Forecast>,
    /// By how many of its standard errors the finalist's gain is overrated, by all episodes of the night.
    pub overrated: Option<f64>,
}

impl Night {
    /// Whether a better policy is claimed that is not better.
    pub fn is_false_win(&self) -> bool {
        self.won && self.deployed <= 0.0
    }
}

/// A probability that was stated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    pub what: &'static str,
    pub stated: f64,
    pub is_true: bool,
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
        Strategy::Search { width } => searched(world, budget, width),
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
                forecasts: Vec::new(),
                overrated: None,
            }
        }
    }
}

fn searched(world: &World, budget: u32, width: Option<u32>) -> Night {
    let started = RunStarted { width, ..run_started(world, budget) };
    let mut search = Search::new();
    search.tell(&Event::RunStarted(started));
    let mut ordinal = 0_u64;
    let finished = loop {
        let plan = match search.ask() {
            Next::Work(plan) => plan,
            Next::Done(finished) => break finished,
        };
        search.tell(&Event::Planned(plan.clone()));
        let mut done = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            ordinal += 1;
            done.push(Desk { world, search: &search }.carry_out(step, ordinal));
        }
        done.iter().for_each(|event| search.tell(event));
    };
    summarized(world, &search, &finished)
}

fn summarized(world: &World, search: &Search, finished: &RunFinished) -> Night {
    let policy_of = |id: &PackHash| search.candidate(id).map_or("", |candidate| candidate.agents_md.as_str());
    let best = search.best();
    let value = best.as_ref().map(|best| world.value(policy_of(&best.candidate)));
    let deployed = match (&finished.verdict, &finished.finalist) {
        (Verdict::Better(_), Some(finalist)) => world.gain(policy_of(finalist)),
        _ => 0.0,
    };
    let finalist = finished.finalist.as_ref().map(|finalist| world.gain(policy_of(finalist)));
    let mut stated = finalist.map_or(Stated::default(), |gain| Stated::of(&finished.verdict, gain));
    if let (Some((best, se)), Some(value)) = (best.as_ref().and_then(|best| Some((best, best.se?))), value) {
        let is_true = (best.objective - value).abs() <= WITHIN_95 * se;
        stated.statements.push(Statement { what: "value of the best, 95 %", is_true });
    }
    Night {
        seed: world.seed.0,
        gain: value.map_or(0.0, |value| value - world.start_value),
        deployed,
        optimism: best.zip(value).map(|(best, value)| best.objective - value),
        won: matches!(finished.verdict, Verdict::Better(_)),
        episodes: search.episodes_started(),
        statements: stated.statements,
        forecasts: stated.forecasts,
        overrated: stated.overrated,
    }
}

/// What a verdict states.
#[derive(Default)]
struct Stated {
    statements: Vec<Statement>,
    forecasts: Vec<Forecast>,
    overrated: Option<f64>,
}

impl Stated {
    /// Beside what the finalist really gains.
    fn of(verdict: &Verdict, gain: f64) -> Stated {
        let (Verdict::Better(comparison) | Verdict::NotShownBetter(comparison) | Verdict::Worse(comparison)) =
            verdict
        else {
            return Stated::default();
        };
        let mut stated = Stated::default();
        stated.says("fresh difference, 90 %", (comparison.low..=comparison.high).contains(&gain));
        match verdict {
            Verdict::Better(_) => stated.says("better", gain > 0.0),
            Verdict::Worse(_) => stated.says("worse", gain < 0.0),
            Verdict::NotShownBetter(_) | Verdict::NotMeasured { .. } => {}
        }
        if let Some(posterior) = comparison.posterior {
            let belief = posterior.difference;
            let margin = comparison.threshold - comparison.incumbent;
            let se = (belief.high - belief.low) / (2.0 * WITHIN_90);
            let within = |width: f64| (gain - belief.mean).abs() <= width * se;
            stated.says("difference, 90 %", within(WITHIN_90));
            stated.says("difference, 95 %", within(WITHIN_95));
            stated.expects("better", posterior.probability_better, gain > 0.0);
            stated.expects("better by the margin", posterior.probability_margin, gain >= margin);
            stated.overrated = (se > 0.0).then(|| (belief.mean - gain) / se);
        }
        stated.expects("better, by fresh episodes", comparison.probability_better, gain > 0.0);
        stated
    }

    fn says(&mut self, what: &'static str, is_true: bool) {
        self.statements.push(Statement { what, is_true });
    }

    fn expects(&mut self, what: &'static str, stated: f64, is_true: bool) {
        self.forecasts.push(Forecast { what, stated, is_true });
    }
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
        let lineage = self.search.lineage();
        let (policy, hunks) = match plan.operator {
            Operator::Revert | Operator::Graft | Operator::Rebase | Operator::Merge => {
                let combined = lineage.combine(plan).map_err(|error| unusable(&error.to_string()))?;
                (combined.0.text(), combined.1)
            }
            operator => {
                let parent = plan.parents.first().and_then(|id| lineage.policy(id));
                let parent = parent.ok_or_else(|| unusable("no parent"))?;
                let text = match operator {
                    Operator::Reconcile => reconcile(lineage, parent, plan),
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
}

/// Makes the other parents' edits in the first as far as they do not contradict each other.
fn reconcile(lineage: &Lineage, parent: &Policy, plan: &ProposalPlan) -> String {
    let mut policy = parent.clone();
    for edge in plan.parents.iter().skip(1).chain(&plan.edges) {
        let edit = lineage.hunks(edge).unwrap_or_default();
        if let Ok((with_it, _)) = policy.graft(edit) {
            policy = with_it;
        }
    }
    policy.text()
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
        width: None,
        caps: Default::default(),
        conditions: Default::default(),
        incumbent: Candidate::brought(start, &world.start),
        base: Value::Null,
    }
}
