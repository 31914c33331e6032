//! `optimize resume`: makes a run go on, whatever it waits for: a paused one in its own process, one that was cut off in
//! this process.

use crate::run::{self, DEFAULT_RUNS, RunArgs};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct ResumeArgs {
    /// The run's id; the newest one that is paused or was cut off when absent
    run: Option<String>,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// Print every event as a line of JSON on standard output
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    process: run::ProcessArgs,
}

/// Runs the command: the same as `optimize --resume`.
pub fn run(args: ResumeArgs) -> anyhow::Result<ExitCode> {
    run::run(RunArgs::resuming(args.run.unwrap_or_default(), args.runs, args.process, args.json)?)
}
