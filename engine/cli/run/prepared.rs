//! A run that is settled and has not begun: everything is known, and nothing is written.

use super::settings::Settings;
use super::start::{self, Start};
use super::{EVENT_FORMAT, PARALLEL, RunArgs, read_suite};
use crate::exit::BadInput;
use crate::models::{self, CAPPED_OUTPUT_TOKENS, Models};
use crate::publish::readiness;
use packwright::agent::Task;
use packwright::agent::builtin::Builtin;
use packwright::budget::{Amount, Role};
use packwright::estimate::{Asked, Estimate, Measured, PerTask, Question, Sent, estimate};
use packwright::event::{Conditions, RunStarted, ScenarioEntry};
use packwright::llm::offline::Offline;
use packwright::propose::OUTPUT_TOKENS_MAX;
use packwright::scenario::{Entry, Suite};
use packwright::score::Profile;
use packwright::search::{division, enough, shortage};
use packwright::store::{RunEntry, Store, run_entries};
use packwright::units::Seed;
use std::path::Path;
use std::sync::Arc;

/// So many of the newest runs are asked what a task takes.
const RUNS_ASKED_MAX: usize = 20;

pub struct Prepared {
    pub settings: Settings,
    pub suite: Arc<Suite>,
    pub models: Models,
    pub start: Start,
    pub started: RunStarted,
    pub estimate: Estimate,
    pub parallel: u16,
}

impl Prepared {
    pub fn of(args: &RunArgs) -> anyhow::Result<Prepared> {
        let settings = Settings::of(args)?;
        let suite = read_suite(&settings)?;
        let models = models::connect(&settings.models)?;
        let prompt = settings.agent.hash()?;
        let profile = args.rules()?;
        let started_without =
            |start: &Start| started(args, &settings, &suite, &profile, &models, &prompt, start);
        let start = start::choose(args, &settings, &started_without)?;
        let started = started_without(&start);
        let estimate = estimate_of(args, &settings, &suite, &start, &started)?;
        let parallel = args.process.parallel.unwrap_or(PARALLEL);
        Ok(Prepared { settings, suite, models, start, started, estimate, parallel })
    }

    /// Refuses what can decide nothing, and, unless forced, what affords no search worth the name.
    pub fn check(&self, is_forced: bool) -> anyhow::Result<()> {
        if let Some(problem) = shortage(&self.started) {
            return Err(BadInput(problem).into());
        }
        match self.too_little().filter(|_| !is_forced) {
            Some(problem) => Err(BadInput(problem).into()),
            None => Ok(()),
        }
    }

    /// Asks where a winner would go, where it is to be published without a person, and refuses what would fail there. Gives
    /// that in lines.
    pub fn publication(&self) -> anyhow::Result<Vec<String>> {
        if self.settings.publish { readiness::check(&self.settings) } else { Ok(Vec::new()) }
    }

    /// Why three proposals and a final comparison are not affordable.
    pub fn too_little(&self) -> Option<String> {
        let (budget, enough) = (self.started.budget, enough(&self.started));
        if budget < enough {
            return Some(format!(
                "a budget of {budget} episodes does not pay for three proposals and a final comparison on this suite: \
                 that takes {enough}; `--budget {enough}` would do, and --force begins all the same"
            ));
        }
        if let Some((limit, role)) = self.estimate.hopeless {
            let (flag, role, shorter) = match role {
                Role::Agent => (limit.flag(), "agent", "--max-output"),
                Role::Writer => (limit.flag(), "writer", "--writer-max-output"),
            };
            return Some(format!(
                "{flag} is too little for the {role}: the upper bound of its calls must fit before they are made; raise \
                 the limit, lower {shorter}, or begin all the same with --force"
            ));
        }
        let affordable = self.estimate.affordable.filter(|known| known.episodes.high < f64::from(enough))?;
        let (flag, low, high) = (affordable.limit.flag(), affordable.episodes.low, affordable.episodes.high);
        Some(format!(
            "{flag} affords about {low:.0} to {high:.0} episodes, and three proposals with a final comparison take \
             {enough} on this suite; raise the limit, or begin all the same with --force"
        ))
    }
}

fn started(
    args: &RunArgs,
    settings: &Settings,
    suite: &Suite,
    profile: &Profile,
    models: &models::Models,
    prompt: &str,
    start: &Start,
) -> RunStarted {
    RunStarted {
        format: EVENT_FORMAT,
        program: env!("CARGO_PKG_VERSION").into(),
        seed: Seed(settings.seed),
        budget: args.budget,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        scenarios: suite.scenarios.iter().map(|scenario| ScenarioEntry::of(scenario)).collect(),
        profile: Box::new(profile.clone()),
        model: settings.agent_name(models),
        writer: models.writer_names(),
        width: args.proposals,
        caps: Box::new(settings.caps),
        conditions: Box::new(Conditions {
            models: serde_json::to_value(&settings.models).unwrap_or_default(),
            prompt: prompt.to_owned(),
            prices: settings.price_note(),
        }),
        incumbent: start.candidate(),
        base: start.pack.document().clone(),
    }
}

fn estimate_of(
    args: &RunArgs,
    settings: &Settings,
    suite: &Suite,
    start: &Start,
    started: &RunStarted,
) -> anyhow::Result<Estimate> {
    let past = Past::of(&args.runs, started);
    let agent = settings.models.agent.as_ref();
    let writers = &settings.models.writers;
    let offline = |roles: &[crate::role::Role]| roles.iter().all(crate::role::Role::is_offline);
    let asked_agent = match agent {
        Some(agent) => {
            let sent = sent(settings, suite, start, started)?;
            let episode = past.agent.per_task().unwrap_or_else(|| PerTask::guessed_episode(&sent));
            let first = sent.iter().map(|sent| sent.first).fold(0.0, f64::max);
            Asked {
                task: Some(in_time(episode, agent.is_offline())),
                prices: settings.prices.of(agent).into_iter().collect(),
                is_offline: agent.is_offline(),
                bound: bound(std::slice::from_ref(agent), settings, first, CAPPED_OUTPUT_TOKENS),
            }
        }
        // Nobody knows what an evaluator of the user does in an episode, until it has been measured.
        None => Asked {
            task: past.agent.per_episode_outside(),
            prices: Vec::new(),
            is_offline: false,
            bound: Amount { calls: 1, ..Amount::default() },
        },
    };
    let question = suite.scenarios.iter().map(|scenario| scenario.prompt.len()).sum::<usize>() as f64
        + start.pack.agents_md().len() as f64;
    let proposal = past.writer.per_task().unwrap_or_else(|| {
        let requests: usize = suite.scenarios.iter().map(|scenario| scenario.prompt.len()).sum();
        PerTask::guessed_proposal(start.pack.agents_md().len() as f64, requests as f64)
    });
    let scenarios = started.scenarios.iter().filter(|scenario| !scenario.held_out).count() as u32;
    // Writers take turns; where one has no price, the sum has none.
    let price_of_writers =
        writers.iter().map(|writer| settings.prices.of(writer)).collect::<Option<Vec<_>>>();
    Ok(estimate(&Question {
        division: division(started),
        scenarios,
        caps: &settings.caps,
        parallel: u32::from(args.process.parallel.unwrap_or(PARALLEL)),
        proposals: args.proposals.unwrap_or(packwright::search::PROPOSALS),
        agent: asked_agent,
        writer: Asked {
            task: Some(in_time(proposal, offline(writers))),
            prices: price_of_writers.unwrap_or_default(),
            is_offline: offline(writers),
            bound: bound(writers, settings, question, OUTPUT_TOKENS_MAX),
        },
    }))
}

/// The upper bound of a call of the dearest of some models.
fn bound(roles: &[crate::role::Role], settings: &Settings, bytes: f64, output_max: u32) -> Amount {
    let of = |role: &crate::role::Role| {
        let output = u64::from(role.options.output_tokens_max.unwrap_or(output_max));
        let usd = settings.prices.of(role).map(|price| price.upper_bound(bytes as u64, output));
        Amount { usd: usd.unwrap_or_default(), tokens: bytes as u64 + output, calls: 1 }
    };
    roles.iter().map(of).max_by_key(|amount| (amount.usd, amount.tokens)).unwrap_or_default()
}

/// A model inside this program answers at once.
fn in_time(task: PerTask, is_offline: bool) -> PerTask {
    if is_offline { task.in_process() } else { task }
}

/// What the agent's model would be sent in each scenario.
fn sent(
    settings: &Settings,
    suite: &Suite,
    start: &Start,
    started: &RunStarted,
) -> anyhow::Result<Vec<Sent>> {
    let mut agent = Builtin::new(Arc::new(Offline::new()), settings.agent.limits(&started.profile));
    agent.prompt = settings.agent.prompt()?;
    let pack = Arc::new(start.pack.clone());
    let scenarios = suite.scenarios.iter().map(|scenario| {
        let persona = started.profile.personas.map(|personas| personas.persona(0));
        let (pack, seed) = (pack.clone(), started.seed);
        let task = Task { scenario: scenario.clone(), pack, seed, persona, repeat: 0 };
        let files = scenario.fixtures.iter().filter_map(|(_, entry)| match entry {
            Entry::File(content) => Some(content.len()),
            _ => None,
        });
        Sent { first: agent.first_request(&task).bytes() as f64, material: files.sum::<usize>() as f64 }
    });
    Ok(scenarios.collect())
}

/// What earlier runs of the same models on the same suite measured.
#[derive(Default)]
struct Past {
    agent: Measured,
    writer: Measured,
}

impl Past {
    /// A run that cannot be read says nothing here; listing them says what is wrong with it.
    fn of(runs: &Path, now: &RunStarted) -> Past {
        let mut past = Past::default();
        let entries = run_entries(runs).unwrap_or_default();
        let is_alike = |then: &RunStarted| {
            then.suite_hash == now.suite_hash
                && then.conditions.prompt == now.conditions.prompt
                && then.profile == now.profile
        };
        let alike =
            entries.into_iter().rev().flatten().filter(|entry| entry.started.as_ref().is_some_and(is_alike));
        for entry in alike.take(RUNS_ASKED_MAX) {
            past.add(&entry, now);
        }
        past
    }

    fn add(&mut self, entry: &RunEntry, now: &RunStarted) {
        let Some(then) = &entry.started else { return };
        let kept =
            Store::open_to_read(&entry.folder).and_then(|store| Ok((store.records()?, store.calls()?)));
        let Ok((records, calls)) = kept else { return };
        let is_same = |role: &str| then.conditions.models.get(role) == now.conditions.models.get(role);
        if is_same("agent") {
            self.agent.add(Role::Agent, &records, &calls);
        }
        if is_same("writers") {
            self.writer.add(Role::Writer, &records, &calls);
        }
    }
}
