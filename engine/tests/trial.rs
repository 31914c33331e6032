//! A small run for tests of the story: a few scenarios of the embedded suite, the offline model, a store in
//! a temporary folder, and an agent that counts its attempts and can be told to fail.

use futures_util::future::BoxFuture;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::agent::{Agent, Task};
use packwright::budget::RunCaps;
use packwright::control::{Control, Metering, Status};
use packwright::episode::{Episode, FailureClass, Outcome, Usage};
use packwright::evaluate::Evaluator;
use packwright::event::{Candidate, CheckEntry, Event, RunStarted, ScenarioEntry};
use packwright::llm::Llm;
use packwright::llm::meter::Ledger;
use packwright::llm::offline::Offline;
use packwright::optimize::{self, Ending, Engine, Heard, Patience};
use packwright::pack::{Pack, PackMetadata};
use packwright::propose::Writers;
use packwright::scenario::{Scenario, Suite};
use packwright::score::Profile;
use packwright::store::{Record, Store};
use packwright::units::{Seed, sha256_hex};
use packwright::workspace::{SuiteSource, baseline_policy, load_suite};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Of trials that do not name their own.
const SEED: Seed = Seed(11);

/// The pack that every trial begins with.
pub fn baseline() -> Pack {
    Pack::of_policy(baseline_policy(), &PackMetadata::default())
}

/// Three scenarios and one that is held out.
static SUITE: LazyLock<Arc<Suite>> = LazyLock::new(|| {
    let mut suite = load_suite(&SuiteSource::Embedded).expect("the embedded suite").suite;
    let (held_out, searched): (Vec<_>, Vec<_>) =
        suite.scenarios.drain(..).partition(|scenario| scenario.held_out);
    suite.scenarios = searched.into_iter().take(3).chain(held_out.into_iter().take(1)).collect();
    suite.scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    Arc::new(suite)
});

/// How a run is made; each field can be changed before it runs.
pub struct Trial {
    pub seed: Seed,
    pub suite: Arc<Suite>,
    pub budget: u32,
    pub parallel: usize,
    pub agent: Arc<Watched>,
    pub agent_model: Arc<dyn Llm>,
    pub writer: Arc<dyn Llm>,
    pub ledger: Arc<Ledger>,
    pub caps: RunCaps,
    pub patience: Patience,
    pub control: Arc<Control>,
}

/// What a run left.
pub struct Run {
    pub ending: Ending,
    pub store: Store,
    /// Attempts that the agent made in it.
    pub attempts: u32,
    _folder: TempDir,
}

impl Trial {
    pub fn new(budget: u32) -> Trial {
        Trial {
            seed: SEED,
            suite: SUITE.clone(),
            budget,
            parallel: 1,
            agent: Arc::new(Watched::sound()),
            agent_model: Arc::new(Offline::new()),
            writer: Arc::new(Offline::new()),
            ledger: Arc::new(Ledger::unlimited()),
            caps: RunCaps::default(),
            patience: Patience { wait: Duration::ZERO, total: Duration::ZERO },
            control: Arc::new(Control::new(1, Metering::default(), Status::default())),
        }
    }

    /// Runs from the beginning.
    pub fn run(&self) -> Run {
        self.go_on(&[])
    }

    /// Runs from these records, as if a run that had left them were resumed.
    pub fn go_on(&self, records: &[(Record, Option<Episode>)]) -> Run {
        let mut run = Run::unbegun();
        run.store.record(records).expect("the kept records");
        self.resume(run)
    }

    /// Goes on with a run.
    pub fn resume(&self, mut run: Run) -> Run {
        let base = Arc::new(baseline());
        let engine = Engine {
            evaluator: Evaluator {
                agent: self.agent.clone(),
                suite: self.suite.clone(),
                seed: self.seed,
                personas: None,
                kept: None,
            },
            agent_model: self.agent_model.clone(),
            writers: Writers::new(vec![self.writer.clone()]),
            ledger: self.ledger.clone(),
            base: base.clone(),
            patience: self.patience,
            control: self.control.clone(),
        };
        self.control.set_parallel(self.parallel as u16);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let before = self.agent.attempts();
        let mut listener = |_: Heard<'_>| {};
        let story = optimize::run(&engine, self.started(&base), &mut run.store, &mut listener);
        run.ending = runtime.expect("a runtime").block_on(story).expect("a store that can be written");
        run.attempts = self.agent.attempts() - before;
        run
    }

    fn started(&self, base: &Pack) -> RunStarted {
        RunStarted {
            format: 1,
            program: "test".into(),
            seed: self.seed,
            budget: self.budget,
            suite: self.suite.name.clone(),
            suite_hash: self.suite.hash.clone(),
            scenarios: self.suite.scenarios.iter().map(|scenario| entry(scenario)).collect(),
            profile: Default::default(),
            model: self.agent_model.name().to_owned(),
            writer: self.writer.name().to_owned(),
            width: None,
            caps: Box::new(self.caps),
            conditions: Box::default(),
            incumbent: Candidate::brought(base.hash().clone(), base.agents_md()),
            base: base.document().clone(),
        }
    }
}

fn entry(scenario: &Scenario) -> ScenarioEntry {
    let checks = scenario.rubric.checks.iter().map(|check| CheckEntry {
        id: check.id.clone(),
        category: check.category.clone(),
        points: check.points,
    });
    ScenarioEntry {
        name: scenario.name.clone(),
        weight: scenario.weight,
        held_out: scenario.held_out,
        checks: checks.collect(),
    }
}

impl Run {
    /// A store without any event, for a trial that begins with `resume`.
    pub fn unbegun() -> Run {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::create(&folder.path().join("run"), &serde_json::json!({})).expect("a new store");
        Run { ending: Ending::Interrupted, store, attempts: 0, _folder: folder }
    }

    /// The events with their ordinals: everything but the clock readings.
    pub fn events(&self) -> Vec<(u32, Event)> {
        self.records().into_iter().map(|record| (record.ordinal, record.event)).collect()
    }

    pub fn records(&self) -> Vec<Record> {
        self.store.records().expect("readable records")
    }

    /// The records with their transcripts.
    pub fn with_episodes(&self) -> Vec<(Record, Option<Episode>)> {
        let episode = |record: &Record| self.store.episode(record.ordinal).expect("a readable transcript");
        self.records().into_iter().map(|record| (record.clone(), episode(&record))).collect()
    }

    pub fn scored(&self) -> u32 {
        self.count(|event| matches!(event, Event::EpisodeScored(_)))
    }

    pub fn unmeasured(&self) -> u32 {
        self.count(|event| matches!(event, Event::EpisodeUnmeasured(_)))
    }

    /// Why episodes were not measured.
    pub fn reasons(&self) -> Vec<String> {
        let reason = |record: Record| match record.event {
            Event::EpisodeUnmeasured(unmeasured) => Some(unmeasured.reason),
            _ => None,
        };
        self.records().into_iter().filter_map(reason).collect()
    }

    fn count(&self, wanted: impl Fn(&Event) -> bool) -> u32 {
        self.records().iter().filter(|record| wanted(&record.event)).count() as u32
    }
}

/// Which attempts fail, decided from their number and their task.
type Fails = Box<dyn Fn(u32, &Task) -> bool + Send + Sync>;

/// An agent that counts its attempts, and fails those that it is told to.
pub struct Watched {
    attempts: AtomicU32,
    fails: Fails,
    class: FailureClass,
    /// None is the offline model's agent, whose episodes are remembered.
    agent: Option<Arc<dyn Agent>>,
}

/// The built-in agent's episodes by pack, scenario and seed. The same attempt gives the same episode, and
/// these tests make it hundreds of times.
static EPISODES: LazyLock<Mutex<HashMap<String, Episode>>> = LazyLock::new(Mutex::default);
static BUILTIN: LazyLock<Builtin> =
    LazyLock::new(|| Builtin::new(Arc::new(Offline::new()), Limits::of(&Profile::default())));

impl Watched {
    pub fn sound() -> Watched {
        Watched::failing(|_, _| false)
    }

    pub fn failing(fails: impl Fn(u32, &Task) -> bool + Send + Sync + 'static) -> Watched {
        let (attempts, class) = (AtomicU32::new(0), FailureClass::Request);
        Watched { attempts, fails: Box::new(fails), class, agent: None }
    }

    /// Fails in a way that may pass, so that the same attempt is worth making again.
    pub fn stumbling(fails: impl Fn(u32, &Task) -> bool + Send + Sync + 'static) -> Watched {
        Watched { class: FailureClass::Transient, ..Watched::failing(fails) }
    }

    /// Counts the attempts of another agent.
    pub fn around(agent: Arc<dyn Agent>) -> Watched {
        Watched { agent: Some(agent), ..Watched::sound() }
    }

    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::SeqCst)
    }
}

impl Agent for Watched {
    fn attempt<'a>(&'a self, task: &'a Task) -> BoxFuture<'a, Episode> {
        Box::pin(async move {
            let number = self.attempts.fetch_add(1, Ordering::SeqCst);
            match &self.agent {
                _ if (self.fails)(number, task) => failed(self.class),
                Some(agent) => agent.attempt(task).await,
                None => remembered(task).await,
            }
        })
    }
}

async fn remembered(task: &Task) -> Episode {
    let key = sha256_hex(format!("{} {} {}", task.pack.hash(), task.scenario.name, task.seed.0).as_bytes());
    let known = EPISODES.lock().expect("no test fails while it looks").get(&key).cloned();
    if let Some(episode) = known {
        return episode;
    }
    let episode = BUILTIN.attempt(task).await;
    EPISODES.lock().expect("no test fails while it looks").insert(key, episode.clone());
    episode
}

fn failed(class: FailureClass) -> Episode {
    Episode {
        outcome: Outcome::Errored { reason: "the test's provider is down".into(), class },
        response: String::new(),
        tool_calls: Vec::new(),
        model_calls: 1,
        usage: Usage::default(),
        resolved_model: None,
        transcript: Vec::new(),
        external: None,
    }
}
