//! Which run goes on, and waking one that waits in its own process.

use super::{RunArgs, conclusion};
use crate::exit::BadInput;
use crate::out;
use crate::runs::find;
use packwright::control::{Reply, Request, RunState, ask};
use packwright::store::{newest_unfinished, run_entries};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The folder of the run that is named, or of the newest that can go on.
pub fn which(runs: &Path, id: &str) -> anyhow::Result<PathBuf> {
    if id.is_empty() { newest_to_go_on_with(runs) } else { find(runs, Some(id)) }
}

/// Has a run go on that waits in its own process. One that works already is left alone, and nothing comes back where no
/// process works.
pub fn wake(args: &RunArgs, id: &str) -> anyhow::Result<Option<ExitCode>> {
    let folder = which(&args.runs, id)?;
    let Some(Reply::Done(status)) = ask(&folder, &Request::Status, false)? else { return Ok(None) };
    let process = status.process.unwrap_or_default();
    if !matches!(status.state, RunState::Pausing | RunState::Paused) {
        let (run, state) = (folder.display(), status.state.word());
        let problem =
            format!("the run {run} is in use by process {process}, and {state}; `optimize status` shows it");
        return Err(BadInput(problem).into());
    }
    match ask(&folder, &Request::Resume, false)? {
        Some(Reply::Refused(reason)) => Err(BadInput(reason).into()),
        Some(Reply::Done(status)) if args.json => {
            out::line(serde_json::to_string(&status)?);
            Ok(Some(ExitCode::SUCCESS))
        }
        Some(Reply::Done(_)) => {
            out::line(format!("run {} goes on (process {process})", status.run));
            Ok(Some(ExitCode::SUCCESS))
        }
        None => Ok(None),
    }
}

/// The newest run if it won and was cut off before its winner was committed, or the newest unfinished one.
fn newest_to_go_on_with(runs: &Path) -> anyhow::Result<PathBuf> {
    let entries = run_entries(runs)?;
    for (folder, error) in entries.iter().filter_map(|entry| entry.as_ref().err()) {
        out::note(format_args!("warning: {} cannot be read and is passed over: {error:#}", folder.display()));
    }
    let newest = entries.into_iter().rev().flatten().next();
    let found = match newest.filter(conclusion::is_unpublished) {
        Some(entry) => Some(entry),
        None => newest_unfinished(runs)?,
    };
    let none =
        || BadInput(format!("there is no unfinished run in {}; `optimize runs` lists them", runs.display()));
    Ok(found.ok_or_else(none)?.folder)
}
