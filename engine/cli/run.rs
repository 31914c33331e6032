//! The main command: a run from its settings to the committed winner.

mod bell;
mod cache;
pub mod conclusion;
pub mod detach;
mod folder;
pub mod gate;
mod going_on;
mod kept;
mod prepared;
mod personas;
pub mod process;
mod settings;
pub mod start;

use super::agents::AgentArgs;
use super::estimate::in_short;
use super::exit::{BadInput, Exit};
use super::limits::LimitArgs;
use super::models::{self, ModelArgs};
use super::out;
use super::progress::Progress;
use super::publish::on_chain::OnChainArgs;
use super::signals::end_at_signal;
use anyhow::Context;
use bell::Bell;
use cache::{CacheArgs, RunCache};
use clap::{Args, FromArgMatches};
pub use folder::check_runs_folder;
use going_on::{wake, which};
pub use kept::{kept_channels, read_suite, rubrics_of, suite_source};
use packwright::estimate::Estimate;
use packwright::evaluate::Evaluator;
use packwright::event::RunStarted;
use packwright::llm::meter::Ledger;
use packwright::optimize::{self, Ending, Engine, Patience};
use packwright::report::plain;
use packwright::scenario::{Rubrics, Suite};
use packwright::score::Profile;
use packwright::store::{CallBook, Kept, Store};
use personas::PersonaArgs;
pub use prepared::Prepared;
use process::Helm;
pub use process::{PARALLEL, ProcessArgs, control_at_rest};
pub use settings::Settings;
use start::Start;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Where runs are kept unless the user says otherwise.
pub const DEFAULT_RUNS: &str = "runs";
/// The version of the events that this program writes.
const EVENT_FORMAT: u32 = 3;

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

    /// Proposals made side by side: more are faster, and gain a little less; 2 when absent, and more once there are
    /// hundreds of candidates
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    proposals: Option<u32>,

    /// The pack repository, where a winner is committed; created on first use
    #[arg(long, default_value = "packs/best", value_name = "FOLDER")]
    pub packs: PathBuf,

    /// The champion's pack, as `optimize pack` takes one: a file, a run, an https address, git:REPOSITORY#REVISION. A
    /// winner that validators would take for a copy of it is not published. `none` says that there is no champion
    #[arg(long, value_name = "PACK")]
    pub champion: Option<String>,

    /// Publish a winner without a person: what its push and its commitment need is looked at before anything is spent, and
    /// anything less than a better, general, new pack stops before anybody sees it. Needs --champion
    #[arg(long, requires = "champion", conflicts_with = "no_push")]
    pub publish: bool,

    #[command(flatten)]
    pub on_chain: OnChainArgs,

    /// Where others fetch the winner's pack.json after a push: it is fetched from there, and its hash compared
    #[arg(long, value_name = "URL", value_parser = web_address)]
    pub public_url: Option<String>,

    #[command(flatten)]
    pub process: ProcessArgs,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    pub runs: PathBuf,

    /// Go on with a run that was cut off or paused: its id, or the newest one. The same as `optimize resume`
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["budget", "seed", "suite", "profile", "start", "packs", "champion", "public_url", "publish", "on_chain", "cache_days", "proposals", "ModelArgs", "AgentArgs", "EvaluatorArgs", "PersonaArgs", "LimitArgs"])]
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

/// An address as validators take it.
pub fn web_address(text: &str) -> Result<String, String> {
    let is_web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    match reqwest::Url::parse(text) {
        Ok(_) if is_web && !text.contains(char::is_whitespace) => Ok(text.to_owned()),
        Ok(_) => Err("an address begins with https:// or http:// and has no blanks".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl RunArgs {
    /// The same with where each of them comes from.
    pub fn given_in(self, matches: &clap::ArgMatches) -> RunArgs {
        RunArgs { sources: settings::sources(matches), ..self }
    }

    /// What goes on with a run: everything else is what the run has.
    pub fn resuming(id: String, runs: PathBuf, process: ProcessArgs, json: bool) -> anyhow::Result<RunArgs> {
        let usual = RunArgs::augment_args(clap::Command::new("optimize")).get_matches_from(["optimize"]);
        Ok(RunArgs { resume: Some(id), runs, process, json, ..RunArgs::from_arg_matches(&usual)? })
    }

    /// The profile, with the personas that were asked for.
    pub fn rules(&self) -> anyhow::Result<Profile> {
        let profile = Profile::named(&self.profile).expect("the command line admits only built-in names");
        Ok(self.personas.apply(profile)?)
    }
}

/// Runs the command.
pub fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    args.process.log.apply();
    if args.process.background {
        process::leave_terminal();
    }
    if let Some(id) = &args.resume
        && let Some(woken) = wake(&args, id)?
    {
        return Ok(woken);
    }
    let mut session = match &args.resume {
        Some(id) => Session::resume(&args, id)?,
        None => Session::begin(&args)?,
    };
    let mut progress = Progress::new(args.json, session.started.budget, session.started.caps.run);
    progress.open(&session.opening());
    if args.process.detach {
        return detach::detach(session, &args);
    }
    let mut bell = Bell::hang(&session, &args);
    let concluded = session.drive(&mut progress, &args, bell.as_mut()).and_then(|ending| {
        progress.close();
        // Publishing and telling may wait for minutes for others.
        let again = conclusion::resume(&args.runs, &session.id());
        end_at_signal(format!("interrupted; what was measured and done is kept. Go on with: {again}"))?;
        let exit = conclusion::conclude(&session, &ending, &args)?;
        bell.iter().for_each(|bell| bell.ended(&ending));
        Ok(exit)
    });
    let exit = concluded.or_else(|error| {
        progress.close();
        bell.iter().for_each(|bell| bell.failed(&error));
        out::note(format_args!("error: {}", plain(&format!("{error:#}"))));
        out::note(format_args!(
            "what was recorded is kept; when that is mended, go on with: {}",
            conclusion::resume(&args.runs, &session.id())
        ));
        Ok(Exit::Infrastructure.into())
    });
    if bell.is_some_and(Bell::close) {
        conclusion::write_report_again(&session);
    }
    exit
}

/// Begins a run that another process is to go on with, and gives its folder.
pub fn begin(args: &RunArgs) -> anyhow::Result<PathBuf> {
    Ok(Session::begin(args)?.store.folder().to_owned())
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
    /// Where a winner goes without a person, as was found when the run began.
    publication: Vec<String>,
}

impl Session {
    fn begin(args: &RunArgs) -> anyhow::Result<Session> {
        let prepared = Prepared::of(args)?;
        prepared.check(args.force)?;
        let publication = prepared.publication()?;
        let Prepared { settings, suite, models, start, started, estimate, .. } = prepared;
        settings.agent.refuse_unfit(&start.pack, &suite)?;
        check_runs_folder(&args.runs)?;
        let packs = &settings.packs;
        std::fs::create_dir_all(packs).with_context(|| format!("create the folder {}", packs.display()))?;
        let (rubrics, encounters) = (Rubrics::kept(&suite), suite.encounters());
        let kept = Kept { rubrics: &rubrics, encounters: &encounters };
        let store =
            Store::begin(&args.runs, now_ms(), &serde_json::to_value(&settings)?, started.clone(), kept)?;
        Ok(Session { settings, store, started, suite, start, models, estimate: Some(estimate), publication })
    }

    fn resume(args: &RunArgs, id: &str) -> anyhow::Result<Session> {
        let folder = which(&args.runs, id)?;
        let store = Store::open(&folder)?;
        let settings: Settings = serde_json::from_value(store.settings()?)
            .with_context(|| format!("read the settings of {}", folder.display()))?;
        let shown = folder.display();
        let started = first_event(&store)?;
        if started.format != EVENT_FORMAT {
            let format = started.format;
            let problem = format!(
                "{shown} was begun by another version of this program (events of format {format}, not {EVENT_FORMAT}), whose \
                 search goes other ways, so it cannot go on; `optimize report` tells it all the same, and a new run begins \
                 at the best pack so far"
            );
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
        Ok(Session {
            settings,
            store,
            started,
            suite,
            start,
            models,
            estimate: None,
            publication: Vec::new(),
        })
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
        if self.estimate.is_some() {
            lines.extend(gate::notice(self));
        }
        lines.extend(self.publication.iter().cloned());
        lines
    }

    fn id(&self) -> String {
        let name = self.store.folder().file_name();
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn drive(
        &mut self,
        progress: &mut Progress,
        args: &RunArgs,
        mut bell: Option<&mut Bell>,
    ) -> anyhow::Result<Ending> {
        let (cache, warning) = RunCache::open(self, !args.process.no_cache);
        warning.iter().for_each(|warning| progress.warn(warning));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let (helm, warning) = Helm::take(self, args)?;
            warning.iter().for_each(|warning| progress.warn(warning));
            let limits = self.settings.agent.limits(&self.started.profile);
            let (calls, worked_ms) = (self.store.calls()?, self.store.worked_ms());
            let book = if self.settings.models.are_offline() { None } else { Some(self.store.keep_calls()?) };
            let entries = book.as_ref().map(CallBook::entries);
            let ledger = Arc::new(Ledger::new(helm.control.status().caps, &calls, worked_ms, entries));
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
                ledger: ledger.clone(),
                base: Arc::new(self.start.pack.clone()),
                patience: Patience {
                    wait: Duration::from_secs(15),
                    total: Duration::from_secs(60 * u64::from(args.process.outage_wait)),
                },
                control: helm.control.clone(),
            };
            let used = || (ledger.spent(), helm.control.status().worked_ms);
            let mut listener = |heard: optimize::Heard<'_>| {
                if let Some(bell) = &mut bell {
                    bell.hear(&heard, &used).iter().for_each(|warning| progress.warn(warning));
                }
                progress.hear(heard);
                cache.warning().iter().for_each(|warning| progress.warn(warning));
            };
            let ending = optimize::run(&engine, self.started.clone(), &mut self.store, &mut listener).await;
            // The book is closed when nobody can write to it any more.
            drop(engine);
            drop(book);
            self.store.note_worked()?;
            let ending = ending?;
            cache.close(&ending).iter().for_each(|line| progress.line(line));
            cache.warning().iter().for_each(|warning| progress.warn(warning));
            Ok(ending)
        })
    }
}

/// What a run began with.
pub fn first_event(store: &Store) -> anyhow::Result<RunStarted> {
    match store.first_record()?.map(|record| record.event) {
        Some(packwright::event::Event::RunStarted(started)) => Ok(started),
        _ => {
            let shown = store.folder().display();
            Err(BadInput(format!("{shown} has no first event: it is no whole run")).into())
        }
    }
}

pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
