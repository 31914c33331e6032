//! A run in the background: it is begun here, where all that is wrong is seen, and goes on in a process of its own.

use super::process::log_file;
use super::{RunArgs, Session, conclusion};
use crate::control::{command_for, name_of};
use crate::exit::Exit;
use crate::out::{self, Level};
use anyhow::{Context, bail};
use packwright::control::{Request, ask};
use packwright::report::plain;
use serde_json::json;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process that has not answered after this time is left to itself.
const ANSWER_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// So many of the last lines of a log are shown.
const LOG_LINES: usize = 12;

/// Has the session's run go on in another process, and returns when that answers.
pub(super) fn detach(session: Session, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let (id, folder) = (session.id(), session.store.folder().to_owned());
    // The lock goes to the other process.
    drop(session);
    let path = log_file(&folder);
    let began = path.metadata().map_or(0, |metadata| metadata.len());
    let mut child = spawn(args, &folder, args.process.log.level())?;
    match wait_for_answer(&folder, &mut child)? {
        Some(status) => told_of_end(&path, began, status, args, &id),
        None => {
            tell(args, &id, &folder, &child)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Starts a process that goes on with a run, away from the terminal; what it says goes to the run's log.
pub fn spawn(args: &RunArgs, folder: &Path, level: Level) -> anyhow::Result<Child> {
    let path = log_file(folder);
    let log = File::options().create(true).append(true).open(&path);
    let log = log.with_context(|| format!("open the log {}", path.display()))?;
    let mut command = Command::new(std::env::current_exe().context("find this program")?);
    command.args(arguments(args, &name_of(folder), level)).stdin(Stdio::piped());
    command.stdout(log.try_clone().context("share the log")?).stderr(log);
    let mut child = command.spawn().context("start the process in the background")?;
    // No list of processes shows what may be secret of channels. A process that has ended says itself why.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all((args.process.notify.notify.join("\n") + "\n").as_bytes());
    }
    Ok(child)
}

/// Waits until the process listens; the status where it ended before.
fn wait_for_answer(folder: &Path, child: &mut Child) -> anyhow::Result<Option<ExitStatus>> {
    let began = Instant::now();
    while began.elapsed() < ANSWER_MAX {
        if let Some(status) = child.try_wait().context("look after the process in the background")? {
            return Ok(Some(status));
        }
        if ask(folder, &Request::Status, false)?.is_some() {
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
    Ok(None)
}

fn tell(args: &RunArgs, id: &str, folder: &Path, child: &Child) -> anyhow::Result<()> {
    let (process, log) = (child.id(), log_file(folder));
    if args.json {
        out::line(json!({"run": id, "folder": folder, "process": process, "log": log}));
        return Ok(());
    }
    let command = |name: &str| command_for(name, &args.runs, id);
    out::line(format!("run {id} goes on in the background (process {process})"));
    out::line(format!("Log        {}", log.display()));
    out::line(format!("Next       {}; or pause, tune, stop, report", command("status")));
    Ok(())
}

/// A short run may have ended while it was waited for; one that failed at once has said why.
fn told_of_end(
    log: &Path,
    began: u64,
    status: ExitStatus,
    args: &RunArgs,
    id: &str,
) -> anyhow::Result<ExitCode> {
    let text = std::fs::read(log).with_context(|| format!("read {}", log.display()))?;
    let said = String::from_utf8_lossy(text.get(began as usize..).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
        out::note(plain(line));
    }
    match status.code() {
        Some(0 | 4 | 6) if args.json => {
            out::line(json!({"run": id, "folder": log.parent(), "process": null, "log": log}));
            Ok(ExitCode::from(status.code().unwrap_or_default() as u8))
        }
        Some(0 | 4 | 6) => {
            out::line(format!("run {id} has ended already; `{}`", command_for("report", &args.runs, id)));
            Ok(ExitCode::from(status.code().unwrap_or_default() as u8))
        }
        Some(code) if code == Exit::Infrastructure as i32 => Ok(Exit::Infrastructure.into()),
        _ => bail!(
            "the process in the background ended at once ({status}); its log is {}, and `{}` goes on",
            log.display(),
            conclusion::resume(&args.runs, id)
        ),
    }
}

/// The command line of the process in the background.
fn arguments(args: &RunArgs, id: &str, level: Level) -> Vec<OsString> {
    let process = &args.process;
    let mut words: Vec<OsString> =
        ["--background", "--timestamps", "--resume", id].map(OsString::from).into();
    words.extend([OsString::from("--runs"), args.runs.clone().into_os_string()]);
    words.extend(["--outage-wait".into(), process.outage_wait.to_string().into()]);
    words.extend(["--log-level".into(), level.word().into()]);
    if let Some(parallel) = process.parallel {
        words.extend(["--parallel".into(), parallel.to_string().into()]);
    }
    let notify = &process.notify;
    words.extend(notify.quiet_hours.iter().flat_map(|hours| ["--quiet-hours".into(), hours.into()]));
    for rule in &process.allow_lint {
        words.extend(["--allow-lint", rule.word()].map(OsString::from));
    }
    let flags = [
        ("--notify-from-stdin", !notify.notify.is_empty()),
        ("--wake-me", notify.wake_me),
        ("--stay", notify.stay),
        ("--no-push", process.no_push),
        ("--no-cache", process.no_cache),
        ("--keep-paused", process.keep_paused),
    ];
    words.extend(flags.iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| OsString::from(flag)));
    words
}
