//! The main command: a run from its settings to the committed winner.

mod cache;
pub mod conclusion;
mod prepared;
mod personas;
mod settings;
pub mod start;

use super::agents::AgentArgs;
use super::estimate::in_short;
use super::exit::{BadInput, Exit};
use super::limits::LimitArgs;
use super::models::{self, ModelArgs};
use super::out;
use super::progress::Progress;
use super::runs::find;
use anyhow::Context;
use cache::{CacheArgs, RunCache};
use clap::Args;
use packwright::estimate::Estimate;
use packwright::evaluate::Evaluator;
use packwright::event::{Conditions, RunStarted, ScenarioEntry};
use packwright::llm::meter::Ledger;
use packwright::optimize::{self, Ending, Engine, Patience};
use packwright::report::plain;
use packwright::scenario::{Rubrics, Suite};
use packwright::score::Profile;
use packwright::store::{self, CallBook, Store};
use packwright::units::Seed;
use packwright::workspace::{SuiteSource, load_suite};
use personas::PersonaArgs;
pub use prepared::Prepared;
use settings::Settings;
use start::Start;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where runs are kept unless the user says otherwise.
pub const DEFAULT_RUNS: &str = "runs";
/// The version of the events that this program writes.
const EVENT_FORMAT: u32 = 2;

#[derive(Args, Debug, Clone)]
pub struct RunArgs {
    /// Episodes to spend: attempts of the agent at one scenario, the unit that costs money
    #[arg(long, default_value_t = 200, value_name = "EPISODES", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub budget: u32,

    /// Seed of all random choices; drawn and shown when absent
    #[arg(long)]
    pub seed: Option<u64>,

    /// Folder of a suite: ours (scenarios/, rubrics/) or a ClawBench checkout; the built-in suite when absent
    #[arg(long, value_name = "FOLDER")]
    pub suite: Option<PathBuf>,

    /// The rules by which the benchmark counts
    #[arg(long, default_value = "clawbench-2026-02", value_parser = profile_names())]
    profile: String,

    #[command(flatten)]
    personas: PersonaArgs,

    /// The pack to improve: an AGENTS.md, a pack.json, a folder with either, or `baseline`; the best pack
    /// so far when absent, or the baseline when there is none
    #[arg(long, value_name = "PACK")]
    pub start: Option<String>,

    #[command(flatten)]
    pub models: ModelArgs,

    #[command(flatten)]
    pub agent: AgentArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    #[command(flatten)]
    cache: CacheArgs,

    /// Episodes and proposals under way at once, at most; results do not depend on it
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    parallel: u16,

    /// Proposals made side by side: more are faster, and gain a little less; 2 when absent, and more once there are
    /// hundreds of candidates
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    proposals: Option<u32>,

    /// Minutes to wait for models that stopped answering, before the run stops and can be resumed
    #[arg(long, default_value_t = 60, value_name = "MINUTES", value_parser = clap::value_parser!(u16).range(0..=1440))]
    outage_wait: u16,

    /// The pack repository, where a winner is committed; created on first use
    #[arg(long, default_value = "packs/best", value_name = "FOLDER")]
    pub packs: PathBuf,

    /// Commit a winner, but do not push it even if the pack repository has a remote
    #[arg(long)]
    pub no_push: bool,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    pub runs: PathBuf,

    /// Go on with a run that was cut off: its id, or the newest unfinished one
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["budget", "seed", "suite", "profile", "start", "packs", "cache_days", "proposals", "ModelArgs", "AgentArgs", "EvaluatorArgs", "PersonaArgs", "LimitArgs"])]
    pub resume: Option<String>,

    /// Begin although the budget or a limit does not pay for three proposals and a final comparison
    #[arg(long)]
    pub force: bool,

    /// Print every event as a line of JSON on standard output
    #[arg(long)]
    pub json: bool,

    /// Where the settings come from, by their parts.
    #[arg(skip)]
    pub sources: BTreeMap<String, String>,
}

fn profile_names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Profile::names())
}

impl RunArgs {
    /// The same with where each of them comes from.
    pub fn given_in(self, matches: &clap::ArgMatches) -> RunArgs {
        RunArgs { sources: settings::sources(matches), ..self }
    }

    /// The profile, with the personas that were asked for.
    pub fn rules(&self) -> anyhow::Result<Profile> {
        let profile = Profile::named(&self.profile).expect("the command line admits only built-in names");
        Ok(self.personas.apply(profile)?)
    }
}

/// Runs the command.
pub fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let mut session = match &args.resume {
        Some(id) => Session::resume(&args, id)?,
        None => Session::begin(&args)?,
    };
    let mut progress = Progress::new(args.json, session.started.budget, session.started.caps.run);
    progress.open(&session.opening());
    let concluded = session.drive(&mut progress, &args).and_then(|ending| {
        progress.close();
        conclusion::conclude(&session, ending, &args)
    });
    concluded.or_else(|error| {
        progress.close();
        out::note(format_args!("error: {}", plain(&format!("{error:#}"))));
        out::note(format_args!(
            "what was recorded is kept; when that is mended, go on with: {}",
            conclusion::resume(&args.runs, &session.id())
        ));
        Ok(Exit::Infrastructure.into())
    })
}

/// A run that is ready to go.
struct Session {
    settings: Settings,
    store: Store,
    started: RunStarted,
    suite: Arc<Suite>,
    start: Start,
    models: models::Models,
    /// None where a run goes on that had begun before.
    estimate: Option<Estimate>,
}

impl Session {
    fn begin(args: &RunArgs) -> anyhow::Result<Session> {
        let prepared = Prepared::of(args)?;
        prepared.check(args.force)?;
        let Prepared { settings, suite, models, start, started, estimate, .. } = prepared;
        settings.agent.refuse_unfit(&start.pack, &suite)?;
        let packs = &settings.packs;
        std::fs::create_dir_all(packs).with_context(|| format!("create the folder {}", packs.display()))?;
        std::fs::create_dir_all(&args.runs).with_context(|| format!("create {}", args.runs.display()))?;
        let store = Store::begin(&args.runs, now_ms(), &serde_json::to_value(&settings)?, started.clone())?;
        store.keep_rubrics(&Rubrics::kept(&suite))?;
        store.keep_encounters(&suite.encounters())?;
        Ok(Session { settings, store, started, suite, start, models, estimate: Some(estimate) })
    }

    fn resume(args: &RunArgs, id: &str) -> anyhow::Result<Session> {
        let folder =
            if id.is_empty() { newest_to_go_on_with(&args.runs)? } else { find(&args.runs, Some(id))? };
        let store = Store::open(&folder)?;
        let settings: Settings = serde_json::from_value(store.settings()?)
            .with_context(|| format!("read the settings of {}", folder.display()))?;
        let shown = folder.display();
        let Some(started) = store.records()?.into_iter().find_map(|record| match record.event {
            packwright::event::Event::RunStarted(started) => Some(started),
            _ => None,
        }) else {
            return Err(BadInput(format!("{shown} has no first event: it is no whole run")).into());
        };
        if started.format != EVENT_FORMAT {
            let format = started.format;
            let problem =
                format!("{shown} has events of format {format}, this program writes {EVENT_FORMAT}");
            return Err(BadInput(problem).into());
        }
        let suite = read_suite(&settings)?;
        if suite.hash != started.suite_hash {
            let problem = format!(
                "the suite has changed since {shown} began, so its scores could not be compared; restore the suite \
                 or start a new run"
            );
            return Err(BadInput(problem).into());
        }
        if started.conditions.prompt != settings.agent.hash()? {
            let problem = format!(
                "the agent's prompt has changed since {shown} began, so its scores could not be compared; start a new run"
            );
            return Err(BadInput(problem).into());
        }
        let models = models::connect(&settings.models)?;
        let start = Start::of_run(&started)?;
        settings.agent.refuse_unfit(&start.pack, &suite)?;
        Ok(Session { settings, store, started, suite, start, models, estimate: None })
    }

    /// The first lines: which model, what is measured, and how it can be repeated.
    fn opening(&self) -> Vec<String> {
        let searched = self.started.scenarios.iter().filter(|scenario| !scenario.held_out).count();
        let checks: usize = self.started.scenarios.iter().map(|scenario| scenario.checks.len()).sum();
        let held_out = self.started.scenarios.len() - searched;
        let verb = if self.estimate.is_none() { "going on with" } else { "run" };
        let mut lines = vec![self.models.notice.clone()];
        lines.extend(self.settings.agent.notice());
        lines.extend([
            format!(
                "{verb} {}: seed {}, budget {} episodes, profile {}",
                self.store.folder().display(),
                self.started.seed.0,
                self.started.budget,
                self.started.profile.name
            ),
            format!(
                "suite {}: {searched} scenarios, {held_out} held out, {checks} checks",
                self.started.suite
            ),
            format!("to beat: {}", self.start.description),
        ]);
        lines.extend(self.estimate.as_ref().map(in_short));
        lines.extend(personas::notice(&self.started.profile));
        lines
    }

    fn id(&self) -> String {
        let name = self.store.folder().file_name();
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn drive(&mut self, progress: &mut Progress, args: &RunArgs) -> anyhow::Result<Ending> {
        let (cache, warning) = RunCache::open(self, !args.cache.no_cache);
        warning.iter().for_each(|warning| progress.line(warning));
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let stopped = stop.clone();
            let asked = asked_to_stop().context("listen to signals")?;
            tokio::spawn(async move {
                asked.await;
                stopped.cancel();
            });
            let limits = self.settings.agent.limits(&self.started.profile);
            let (calls, worked_ms) = (self.store.calls()?, self.store.worked_ms());
            let book = if self.settings.models.are_offline() { None } else { Some(self.store.keep_calls()?) };
            let entries = book.as_ref().map(CallBook::entries);
            let ledger = Arc::new(Ledger::new(*self.started.caps, &calls, worked_ms, entries));
            let models = self.models.accounted(&self.settings.models, &ledger, &self.settings.prices);
            let agent_model = cache.around_agent(&self.settings.models, models.agent.clone())?;
            let connected = self.settings.agent.connect(agent_model, limits, &ledger).await?;
            let kept = cache.episodes(self)?;
            let engine = Engine {
                evaluator: Evaluator {
                    agent: connected.agent,
                    suite: self.suite.clone(),
                    seed: self.started.seed,
                    personas: self.started.profile.personas,
                    kept,
                },
                agent_model: models.agent.unwrap_or(connected.pulse),
                writers: cache.around_writers(&self.settings.models, &models.writers)?,
                ledger,
                base: Arc::new(self.start.pack.clone()),
                parallel: usize::from(args.parallel),
                patience: Patience {
                    wait: Duration::from_secs(15),
                    total: Duration::from_secs(60 * u64::from(args.outage_wait)),
                },
                stop,
            };
            let mut listener = |heard: optimize::Heard<'_>| {
                progress.hear(heard);
                cache.warning().iter().for_each(|warning| progress.line(warning));
            };
            let ending = optimize::run(&engine, self.started.clone(), &mut self.store, &mut listener).await;
            // The book is closed when nobody can write to it any more.
            drop(engine);
            drop(book);
            self.store.note_worked()?;
            let ending = ending?;
            cache.close(&ending).iter().for_each(|line| progress.line(line));
            cache.warning().iter().for_each(|warning| progress.line(warning));
            Ok(ending)
        })
    }
}

/// Ctrl-C, or what a service manager sends, heard from here on.
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// The newest run if it won and was cut off before its winner was committed, or the newest unfinished one.
fn newest_to_go_on_with(runs: &Path) -> anyhow::Result<PathBuf> {
    let entries = store::run_entries(runs)?;
    for (folder, error) in entries.iter().filter_map(|entry| entry.as_ref().err()) {
        out::note(format_args!("warning: {} cannot be read and is passed over: {error:#}", folder.display()));
    }
    let newest = entries.into_iter().rev().flatten().next();
    let found = match newest.filter(conclusion::is_unpublished) {
        Some(entry) => Some(entry),
        None => store::newest_unfinished(runs)?,
    };
    let none =
        || BadInput(format!("there is no unfinished run in {}; `optimize runs` lists them", runs.display()));
    Ok(found.ok_or_else(none)?.folder)
}

fn read_suite(settings: &Settings) -> anyhow::Result<Arc<Suite>> {
    let source = settings.suite.clone().map_or(SuiteSource::Embedded, SuiteSource::Folder);
    match load_suite(&source) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                out::note(warning);
            }
            Ok(Arc::new(loaded.suite))
        }
        Err(error) => Err(BadInput(error.to_string()).into()),
    }
}

/// Where a run's suite is, or was.
pub fn suite_source(store: &Store) -> anyhow::Result<SuiteSource> {
    let settings = store.settings().and_then(|settings| Ok(serde_json::from_value::<Settings>(settings)?));
    let settings = settings.context("the run's settings cannot be read")?;
    Ok(settings.suite.map_or(SuiteSource::Embedded, SuiteSource::Folder))
}

/// The rubrics of a run's suite, or why they cannot be known any more.
pub fn rubrics_of(store: &Store, records: &[store::Record]) -> Result<Rubrics, String> {
    let source = suite_source(store).map_err(|error| format!("{error:#}"))?;
    let loaded = load_suite(&source).map_err(|error| format!("the run's suite cannot be read: {error}"))?;
    match records.first().map(|record| &record.event) {
        Some(packwright::event::Event::RunStarted(started)) if started.suite_hash == loaded.suite.hash => {
            Ok(Rubrics::of(&loaded.suite))
        }
        _ => Err("the suite has changed since the run began".to_owned()),
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

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
