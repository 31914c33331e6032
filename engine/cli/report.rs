//! `optimize report`: prints a run again, from its records alone.

use super::run::{DEFAULT_RUNS, conclusion};
use super::runs::find;
use crate::exit::BadInput;
use crate::out;
use clap::Args;
use packwright::report::{Report, render};
use packwright::store::{Store, run_entry};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The run's id, or the newest one
    run: Option<String>,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// The same numbers as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let folder = find(&args.runs, args.run.as_deref())?;
    let store = Store::open_to_read(&folder)?;
    let report = Report::of(&store.records()?, &store.calls()?)
        .ok_or_else(|| BadInput(format!("{} has no first event: it is no whole run", folder.display())))?;
    if args.json {
        out::line(serde_json::to_string_pretty(&report)?);
    } else {
        out::line(format!("run {}\n\n{}", folder.display(), render(&report)));
        let entry = run_entry(&folder)?;
        conclusion::consequences(&entry, &args.runs).iter().for_each(|line| {
            out::line(line);
        });
    }
    Ok(ExitCode::SUCCESS)
}
