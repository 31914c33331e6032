//! The process of a run: the options that results do not depend on, and what it may be told while it goes on, by signals
//! and over the socket in the run's folder.

use super::{RunArgs, Session, Settings};
use crate::notify::NotifyArgs;
use crate::out::LogArgs;
use crate::role::Role;
use anyhow::Context;
use clap::Args;
use packwright::budget::{Role as RoleKind, RunCaps};
use packwright::control::{Control, Countable, Listening, Metering, Pace, Status, listen};
use packwright::event::{Event, RunStarted, Tuned};
use packwright::lint::Rule;
use packwright::store::{Record, Store};
use std::path::Path;
use std::sync::Arc;

/// Steps under way at once, where nobody says otherwise.
pub const PARALLEL: u16 = 8;

#[derive(Args, Debug, Clone)]
pub struct ProcessArgs {
    /// Episodes and proposals under way at once, at most; results do not depend on it. 8 when absent; for a run that goes
    /// on, what it had
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub parallel: Option<u16>,

    /// Minutes to wait for models that stopped answering, before the run stops and can be resumed
    #[arg(long, default_value_t = 60, value_name = "MINUTES", value_parser = clap::value_parser!(u16).range(0..=1440))]
    pub outage_wait: u16,

    /// Neither use nor keep episodes and replies in the cache (see `optimize cache`)
    #[arg(long)]
    pub no_cache: bool,

    /// Publish a winner although it breaks this rule of the lint; may be given several times (`optimize pack lint` tells
    /// the rules)
    #[arg(long, value_name = "RULE")]
    pub allow_lint: Vec<Rule>,

    /// Commit a winner, but do not push it even if the pack repository has a remote
    #[arg(long)]
    pub no_push: bool,

    /// Go on in the background: `optimize status` tells how it goes, and the run's folder has its log
    #[arg(long)]
    pub detach: bool,

    /// Leave a run paused that was paused when its process ended, for services that start it again
    #[arg(long, hide_short_help = true)]
    pub keep_paused: bool,

    /// Leave the terminal's session; what `--detach` starts.
    #[arg(long, hide = true)]
    pub background: bool,

    #[command(flatten)]
    pub notify: NotifyArgs,

    #[command(flatten)]
    pub log: LogArgs,
}

/// What the process of a run holds while it works: its control, and the way to it.
pub struct Helm {
    pub control: Arc<Control>,
    /// None where there can be no socket.
    _listening: Option<Listening>,
}

impl Helm {
    /// Listens to signals and to the socket. A run without a socket goes on all the same, with a warning.
    pub(super) fn take(session: &Session, args: &RunArgs) -> anyhow::Result<(Helm, Option<String>)> {
        let control = Arc::new(control(session, args)?);
        let is_paused = args.process.keep_paused && session.store.is_paused()?;
        session.store.keep_paused(is_paused)?;
        if is_paused {
            control.ask(Pace::Pause).map_err(anyhow::Error::msg)?;
        }
        tokio::spawn(follow(signals().context("listen to signals")?, control.clone()));
        let (listening, warning) = match listen(session.store.folder(), control.clone()) {
            Ok(listening) => (Some(listening), None),
            Err(error) => {
                let warning = "warning: `optimize status`, `pause`, `stop` and `tune` cannot reach this run";
                (None, Some(format!("{warning}: {error:#}")))
            }
        };
        Ok((Helm { control, _listening: listening }, warning))
    }
}

fn control(session: &Session, args: &RunArgs) -> anyhow::Result<Control> {
    let records = session.store.turning_points()?;
    let tuned = || records.iter().filter_map(tuned);
    let tuned_parallel = tuned().filter_map(|tuned| tuned.parallel).next_back();
    let parallel = args.process.parallel.or(tuned_parallel).or(session.settings.parallel).unwrap_or(PARALLEL);
    let status = Status {
        run: session.id(),
        process: Some(std::process::id()),
        budget: tuned().filter_map(|tuned| tuned.budget).next_back().unwrap_or(session.started.budget),
        parallel: Some(parallel),
        caps: caps_of(&session.started, &records),
        ..Status::default()
    };
    Ok(Control::new(parallel, metering(&session.settings, &session.started), status))
}

/// The limits of a run after all that its records tell.
pub fn caps_of(started: &RunStarted, records: &[Record]) -> RunCaps {
    records.iter().fold(*started.caps, |caps, record| record.event.caps_after(caps))
}

/// The control of a run that no process works at: what could be limited.
pub fn control_at_rest(store: &Store) -> anyhow::Result<Control> {
    let settings: Settings = serde_json::from_value(store.settings()?)?;
    let started = super::first_event(store)?;
    Ok(Control::new(PARALLEL, metering(&settings, &started), Status::default()))
}

fn tuned(record: &Record) -> Option<&Tuned> {
    match &record.event {
        Event::Tuned(tuned) => Some(tuned),
        _ => None,
    }
}

/// What calls can be counted in: what was limited from the beginning, and what has a price and a greatest length.
fn metering(settings: &Settings, started: &RunStarted) -> Metering {
    let (caps, models) = (&started.caps, &settings.models);
    let is_priced = |role: &Role| role.is_offline() || settings.prices.of(role).is_some();
    let is_bounded = |role: &Role| role.is_offline() || role.options.output_tokens_max.is_some();
    Metering {
        agent: Countable {
            is_priced: caps.needs_price(RoleKind::Agent) || models.agent.as_ref().is_some_and(is_priced),
            is_bounded: caps.needs_bound(RoleKind::Agent) || models.agent.as_ref().is_some_and(is_bounded),
        },
        // Every request to a writer says how long the reply may be.
        writer: Countable { is_priced: models.writers.iter().all(is_priced), is_bounded: true },
    }
}

/// What a signal asks for.
enum Asked {
    /// Ctrl-C.
    Interrupt,
    /// By a service manager, or a terminal that is gone.
    Terminate,
}

/// Ctrl-C comes to the end, and twice stops at once; who terminates the process wants it to be gone, and resumes it later.
async fn follow(mut signals: tokio::sync::mpsc::UnboundedReceiver<Asked>, control: Arc<Control>) {
    while let Some(asked) = signals.recv().await {
        let pace = match asked {
            Asked::Interrupt if control.pace() < Pace::Conclude => Pace::Conclude,
            Asked::Interrupt | Asked::Terminate => Pace::Halt,
        };
        // A run that is halted already can be asked for nothing more.
        let _ = control.ask(pace);
    }
}

fn signals() -> std::io::Result<tokio::sync::mpsc::UnboundedReceiver<Asked>> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let hears_hangup = !is_hangup_ignored();
        let mut hung_up = if hears_hangup { Some(signal(SignalKind::hangup())?) } else { None };
        tokio::spawn(async move {
            loop {
                let asked = tokio::select! {
                    _ = interrupted.recv() => Asked::Interrupt,
                    _ = terminated.recv() => Asked::Terminate,
                    Some(()) = next(&mut hung_up) => Asked::Terminate,
                };
                if sender.send(asked).is_err() {
                    return;
                }
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(Asked::Interrupt).is_ok() {}
    });
    Ok(receiver)
}

/// The next signal; none where nobody listens to it.
#[cfg(unix)]
async fn next(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => None,
    }
}

/// Whether who started this process wants it to survive the terminal, as `nohup` does.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // The first signal is the hang-up.
    mask & 1 == 1
}

/// Leaves the session of the terminal, so that the run survives it.
pub fn leave_terminal() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::setsid() {
        crate::out::note(format_args!("warning: the process stays in the terminal's session: {error}"));
    }
}

/// The file in a run's folder that a process in the background writes to.
pub fn log_file(folder: &Path) -> std::path::PathBuf {
    folder.join("run.log")
}
