//! `optimize notify deliver`: what waits for the end of the quiet hours, or could not be delivered, is sent by another
//! process than the run's.

use super::{NotifyArgs, NotifySettings, Wanted};
use crate::control::name_of;
use crate::exit::Exit;
use crate::out;
use crate::run::{self, DEFAULT_RUNS, process};
use crate::runs::find;
use anyhow::Context;
use clap::Args;
use packwright::notify::{Outbox, Postman, Route};
use packwright::store::{holder, run_folders};
use secrecy::ExposeSecret;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// What is sent by hand may take so long.
const CLOSE_MAX: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(20);

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 nothing is left, 3 a channel is configured wrongly, 5 something was not delivered."
)]
pub struct DeliverArgs {
    /// The run's id; all runs when absent
    run: Option<String>,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// Wait for the end of the quiet hours
    #[arg(long)]
    wait: bool,

    #[command(flatten)]
    notify: NotifyArgs,

    /// A file of messages; what a run or a batch hands over.
    #[arg(long, hide = true, value_name = "FILE")]
    outbox: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: DeliverArgs) -> anyhow::Result<ExitCode> {
    let notify = args.notify.with_stdin();
    if let Some(outbox) = args.outbox {
        process::leave_terminal();
        let wanted = notify.wanted(None)?.checked()?;
        return Ok(closed(outbox_route(&outbox, &wanted, args.wait)?));
    }
    let folders = match &args.run {
        Some(id) => vec![find(&args.runs, Some(id))?],
        None => run_folders(&args.runs)?,
    };
    let mut waiting = Vec::new();
    for folder in folders {
        if Outbox::open(Outbox::of_run(&folder))?.is_left() {
            waiting.push(folder);
        }
    }
    if waiting.is_empty() {
        out::line("nothing waits to be delivered");
    }
    let mut is_done = true;
    for folder in &waiting {
        is_done &= of_run(folder, &notify, &run::kept_channels(folder)?, args.wait)?;
    }
    Ok(closed(is_done))
}

fn closed(is_done: bool) -> ExitCode {
    if is_done { ExitCode::SUCCESS } else { Exit::Infrastructure.into() }
}

fn of_run(folder: &Path, notify: &NotifyArgs, kept: &NotifySettings, wait: bool) -> anyhow::Result<bool> {
    let name = name_of(folder);
    if let Some(process) = holder(folder)? {
        out::line(format!("{name}: process {process} is at the run and delivers its messages itself"));
        return Ok(true);
    }
    let wanted = notify.wanted(Some(kept))?.checked().with_context(|| format!("run {name}"))?;
    let is_done = outbox_route(&Outbox::of_run(folder), &wanted, wait)?;
    out::line(format!(
        "{name}: {}",
        if is_done { "nothing is left to be delivered" } else { "not all was delivered" }
    ));
    Ok(is_done)
}

/// Sends all that is left of an outbox, at once or when it is not quiet any more; false where something is still left.
/// Nothing is done where a run's own process has taken over meanwhile.
pub fn outbox_route(path: &Path, wanted: &Wanted, wait: bool) -> anyhow::Result<bool> {
    let run = path.parent().and_then(Path::parent);
    let mut route = wanted.route();
    while wait && route.quiet.is_some_and(|quiet| quiet.until(&(route.clock)()).is_some()) {
        std::thread::sleep(LOOK);
    }
    if let Some(run) = run
        && path.ends_with("receipts/notify.json")
        && holder(run)?.is_some()
    {
        return Ok(true);
    }
    route.quiet = None;
    let Some(_only_one) = only_one(path)? else { return Ok(true) };
    send_all(path, route)
}

fn send_all(path: &Path, route: Route) -> anyhow::Result<bool> {
    let postman = Postman::start(route, Outbox::open(path.to_owned())?, true)?;
    let closed = postman.close(CLOSE_MAX);
    closed.news.iter().for_each(out::note);
    Ok(closed.news.is_empty() && closed.held == 0)
}

/// Holds the messages of a file against other processes that would deliver them, too; none where one does.
fn only_one(path: &Path) -> anyhow::Result<Option<File>> {
    let path = path.with_extension("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("lock {}", path.display()))
        }
    }
}

/// Has another process send what is held when the quiet hours end; what it says goes to a log. It learns the channels from
/// its standard input.
pub fn leave_to_another(outbox: &Path, log: &Path, wanted: &Wanted) -> anyhow::Result<u32> {
    let mut command = Command::new(std::env::current_exe().context("find this program")?);
    command.args(["notify", "deliver", "--wait", "--notify-from-stdin", "--outbox"]).arg(outbox);
    if let Some(quiet) = wanted.quiet {
        command.args(["--quiet-hours", &quiet.to_string()]);
    }
    let log = File::options().create(true).append(true).open(log);
    let log = log.context("open the log of messages")?;
    command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().context("start the process that sends messages")?;
    if let Some(mut stdin) = child.stdin.take() {
        for spec in &wanted.specs {
            writeln!(stdin, "{}", spec.in_full().expose_secret()).context("tell it the channels")?;
        }
    }
    Ok(child.id())
}
