//! Which run goes on, and waking one that waits in its own process.

use super::{RunArgs, conclusion};
use crate::exit::BadInput;
use crate::out;
use crate::runs::find;
use packwright::control::{Reply, Request, RunState, ask};
use packwright::store::{RunEntry, run_entry, run_folders};
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
    let entry = |folder: PathBuf| match run_entry(&folder) {
        Ok(entry) => Some(entry),
        Err(error) => {
            let shown = folder.display();
            out::note(format_args!("warning: {shown} cannot be read and is passed over: {error:#}"));
            None
        }
    };
    // No further back than needed: there may be many runs, and long ones.
    let mut entries = run_folders(runs)?.into_iter().rev().filter_map(entry);
    let goes_on = |newest: &RunEntry| newest.is_unfinished() || conclusion::is_unpublished(newest);
    let found = entries.next().filter(goes_on).or_else(|| entries.find(RunEntry::is_unfinished));
    let none =
        || BadInput(format!("there is no unfinished run in {}; `optimize runs` lists them", runs.display()));
    Ok(found.ok_or_else(none)?.folder)
}
