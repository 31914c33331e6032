//! `optimize pause`: nothing more is begun until the run is resumed.

use super::{Target, command_for};
use clap::Args;
use packwright::control::Request;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct PauseArgs {
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(args: PauseArgs) -> anyhow::Result<ExitCode> {
    let (_, status) = args.target.command(&Request::Pause, false)?;
    let first = match status.under_way {
        0 => String::new(),
        under_way => format!(" as soon as what is under way ({under_way}) is finished"),
    };
    let resume = command_for("resume", &args.target.runs, &status.run);
    args.target.tell(&status, &format!("run {} pauses{first}; `{resume}` lets it go on", status.run))?;
    Ok(ExitCode::SUCCESS)
}
