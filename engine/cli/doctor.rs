//! `optimize doctor`: looks at everything that a run needs, before anything is spent on one.
//!
//! Each check is a row, with what to do where it is not well. A check that fails takes only those with it that
//! need what it would have found.

mod advice;
mod canary;
mod clock;
mod folders;
mod gateway;
mod git;
mod guard;
mod models;
mod publication;
mod row;
mod settings;
mod sheet;
mod suite;

use crate::agents::AgentSettings;
use crate::exit::{BadInput, Exit};
use crate::keys::Keys;
use crate::models::ModelSettings;
use crate::out;
use crate::role::{self, Role};
use crate::run::RunArgs;
use crate::signals::asked_to_stop;
use anyhow::Context;
use canary::Canary;
use clap::Args;
use guard::{aside, within};
use packwright::llm::Llm;
use packwright::pack::Pack;
use packwright::scenario::Suite;
use packwright::score::Profile;
use packwright::units::Seed;
use row::{Found, Row};
use sheet::Sheet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How much longer than an episode the canary may take: a gateway must start first.
const CANARY_START_MAX: Duration = Duration::from_secs(120);
/// How much longer than what it waits for a check may take.
const MARGIN: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  optimize doctor
      the offline model: nobody is asked, and nothing is spent
  optimize doctor --model anthropic/claude-sonnet-4-5 --suite ../clawbench --budget 400
      what this very run would need: a short question to the model, and one episode";

const EXIT_CODES: &str = "\
Exit codes: 0 a run can begin (warnings included), 3 something of yours is wrong, 5 a model, a disk or a
remote failed; 3 where both are so.";

#[derive(Args, Debug)]
#[command(
    after_help = EXIT_CODES,
    after_long_help = format!("{EXAMPLES}\n\n{}\n\n{EXIT_CODES}", role::PARAMETERS),
    mut_arg("resume", |arg| arg.hide(true)),
    mut_arg("json", |arg| arg.help("Print one JSON object: checks with name, status, finding and fix; and a summary")),
)]
pub struct DoctorArgs {
    /// Leave out the canary, which costs as much as one episode does
    #[arg(long)]
    no_canary: bool,

    /// How long to wait for an answer of a model, a remote or a disk
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    wait: u16,

    #[command(flatten)]
    run: RunArgs,
}

/// Runs the command.
pub fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    if args.run.resume.is_some() {
        let problem =
            "doctor looks at what a new run needs; leave --resume away, and give the options of that run";
        return Err(BadInput(problem.into()).into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut doctor = Doctor::new(args)?;
    let is_done = runtime.block_on(async {
        let stop = asked_to_stop().context("listen to signals")?;
        anyhow::Ok(tokio::select! {
            () = doctor.examine() => true,
            () = stop => false,
        })
    })?;
    // A check that never ends must not keep the program.
    runtime.shutdown_background();
    if !is_done {
        doctor.sheet.look_away();
        out::note("interrupted");
        return Ok(Exit::Interrupted.into());
    }
    Ok(doctor.sheet.close())
}

/// The examination: what is asked for, and what was found so far.
struct Doctor {
    args: Arc<DoctorArgs>,
    profile: Profile,
    wait: Duration,
    sheet: Sheet,
}

/// What the options come to, as far as they are right.
struct Settings {
    models: Option<ModelSettings>,
    agent: Option<AgentSettings>,
    keys: Option<Keys>,
}

/// What an episode is about.
struct Material {
    suite: Option<Arc<Suite>>,
    pack: Option<Arc<Pack>>,
}

impl Doctor {
    fn new(args: DoctorArgs) -> anyhow::Result<Doctor> {
        Ok(Doctor {
            profile: args.run.rules()?,
            wait: Duration::from_secs(args.wait.into()),
            sheet: Sheet::new(args.run.json),
            args: Arc::new(args),
        })
    }

    /// Makes every check, those first that others need.
    async fn examine(&mut self) {
        let settings = self.settings().await;
        let material = self.material().await;
        self.folders().await;
        let (model, reached) = self.models(&settings).await;
        let has_gateway = self.gateway(settings.agent.clone()).await;
        let (suite, pack) = (material.suite.clone(), material.pack.clone());
        self.canary(&settings, material, model, has_gateway).await;
        self.publication(suite, pack).await;
        self.clock(reached).await;
    }

    async fn settings(&mut self) -> Settings {
        self.sheet.look_at("settings and keys");
        self.look("program", |_| settings::program()).await;
        let models = self
            .look("settings", |args| {
                settings::models(&args.run.models, &args.run.limits.caps(), args.run.agent.is_external())
            })
            .await;
        match models.clone() {
            Some(models) => {
                self.look("prices", move |args| (settings::limits(&args.run.limits, &models), Some(())))
                    .await;
            }
            None => self.put(Row::needs("prices", "settings")),
        }
        let agent = self.look("agent", |args| settings::agent(&args.run.agent)).await;
        let named = models.clone();
        let keys = self.look("keys", move |_| settings::keys(named.as_ref())).await;
        Settings { models, agent, keys }
    }

    async fn material(&mut self) -> Material {
        self.sheet.look_at("suite and packs");
        let suite = self.look("suite", |args| suite::suite(args.run.suite.clone())).await;
        match suite.clone() {
            Some(suite) => {
                self.look("budget", move |args| suite::budget(&args.run, &suite)).await;
            }
            None => self.put(Row::needs("budget", "suite")),
        }
        let best = self.look("packs", |args| suite::packs(&args.run.packs)).await;
        if best.is_none() && self.args.run.start.is_none() {
            self.put(Row::needs("start pack", "packs"));
            return Material { suite, pack: None };
        }
        let best = best.flatten();
        let rules = self.profile.clone();
        let start =
            move |args: &DoctorArgs| suite::start(args.run.start.as_deref(), best, &args.run.packs, &rules);
        let pack = self.look("start pack", start).await;
        Material { suite, pack }
    }

    async fn folders(&mut self) {
        self.sheet.look_at("folders");
        self.look("runs folder", |args| folders::folder("runs folder", &args.run.runs, "--runs")).await;
        self.look("packs folder", |args| folders::folder("packs folder", &args.run.packs, "--packs")).await;
        self.look("cache folder", |_| folders::cache("cache folder")).await;
    }

    /// Asks every model; gives that of the agent if it answers, and the first whose server can be reached.
    async fn models(&mut self, settings: &Settings) -> (Option<Arc<dyn Llm>>, Option<Role>) {
        let (Some(models), Some(keys)) = (&settings.models, &settings.keys) else {
            let failed = if settings.models.is_none() { "settings" } else { "keys" };
            self.put(Row::needs(models::AGENT, failed));
            return (None, None);
        };
        let (mut of_agent, mut reached) = (None, None);
        if models.agent.is_none() {
            self.put(Row::skipped(
                models::AGENT,
                "the evaluator asks its own, and only the canary asks the evaluator",
            ));
        }
        for examinee in models::examinees(models) {
            self.sheet.look_at(&format!("asking {}", examinee.role));
            let check = models::model(&examinee, keys, self.wait);
            let found = within(examinee.name, self.wait + MARGIN, check).await;
            let Some(examined) = self.sheet.hear(found) else { continue };
            self.sheet.spend(examined.spent);
            if examinee.name == models::AGENT {
                of_agent = examined.llm;
            }
            if examined.is_reached {
                reached.get_or_insert_with(|| examinee.role.clone());
            }
        }
        (of_agent, reached)
    }

    async fn gateway(&mut self, agent: Option<AgentSettings>) -> Option<()> {
        self.sheet.look_at("gateway");
        match agent {
            Some(agent) => self.look("gateway", move |_| gateway::gateway(&agent)).await,
            None => {
                self.put(Row::needs("gateway", "agent"));
                None
            }
        }
    }

    async fn canary(
        &mut self,
        settings: &Settings,
        material: Material,
        model: Option<Arc<dyn Llm>>,
        has_gateway: Option<()>,
    ) {
        if self.args.no_canary {
            return self.put(Row::skipped(canary::NAME, "--no-canary"));
        }
        // An evaluator has its own model, if any.
        let is_external = settings.agent.as_ref().is_some_and(|agent| agent.evaluator().is_some());
        let model = if is_external { Some(None) } else { model.map(Some) };
        let needed = [
            ("agent", settings.agent.is_none()),
            ("suite", material.suite.is_none()),
            ("start pack", material.pack.is_none()),
            (models::AGENT, model.is_none()),
            ("gateway", has_gateway.is_none()),
        ];
        let missing = needed.iter().find(|(_, is_missing)| *is_missing).map_or("", |(name, _)| name);
        let (Some(agent), Material { suite: Some(suite), pack: Some(pack) }, Some(llm), Some(())) =
            (settings.agent.clone(), material, model, has_gateway)
        else {
            return self.put(Row::needs(canary::NAME, missing));
        };
        self.sheet.look_at("the canary: one episode");
        let (limits, seed) = (agent.limits(&self.profile), Seed(self.args.run.seed.unwrap_or(0)));
        let limit = Duration::from_millis(limits.episode_ms_max) + CANARY_START_MAX;
        let canary = Canary { agent, llm, suite, pack, limits, personas: self.profile.personas, seed };
        let found = within(canary::NAME, limit, canary.fly()).await;
        if let Some(spent) = self.sheet.hear(found) {
            self.sheet.spend(spent);
        }
    }

    async fn publication(&mut self, suite: Option<Arc<Suite>>, pack: Option<Arc<Pack>>) {
        self.sheet.look_at("publishing");
        let (wait, rules) = (self.wait, self.profile.clone());
        match (suite, pack.clone()) {
            (Some(suite), Some(pack)) => {
                let rules = rules.clone();
                self.look("lint", move |args| publication::lint(args, &suite, &pack, &rules)).await;
            }
            (suite, _) => self.put(Row::needs("lint", if suite.is_none() { "suite" } else { "start pack" })),
        }
        let of_champion = rules.clone();
        self.look("champion", move |args| publication::champion(args, pack.as_deref(), &of_champion)).await;
        self.look("git", move |_| git::git(wait)).await;
        self.look("remote", move |args| git::remote(&args.run.packs, args.run.process.no_push, wait)).await;
        let choice = self.look("wallet", move |args| publication::wallet(args, &rules)).await;
        self.look("chain", move |args| publication::chain(args, choice.as_ref())).await;
        self.look("notify", |args| settings::notify(&args.run.process.notify)).await;
    }

    async fn clock(&mut self, reached: Option<Role>) {
        self.sheet.look_at("clock");
        let found = within("clock", self.wait, clock::clock(reached.as_ref())).await;
        self.sheet.hear(found);
    }

    /// Makes a check that blocks its thread.
    async fn look<T: Send + 'static>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&DoctorArgs) -> Found<T> + Send + 'static,
    ) -> Option<T> {
        let args = self.args.clone();
        let found = aside(name, self.wait + MARGIN, move || check(&args)).await;
        self.sheet.hear(found)
    }

    /// Takes a row that needed no look.
    fn put(&mut self, row: Row) {
        self.sheet.hear::<()>((row, None));
    }
}
