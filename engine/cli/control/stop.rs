//! `optimize stop`: the run comes to its end with what it has.

use super::{Target, command_for, status};
use crate::out;
use clap::Args;
use packwright::control::Request;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct StopArgs {
    #[command(flatten)]
    target: Target,

    /// Drop what is under way instead of finishing it; the run has no end then, and can be resumed
    #[arg(long)]
    now: bool,

    /// Return when the run's process has ended
    #[arg(long)]
    wait: bool,
}

/// Runs the command.
pub fn run(args: StopArgs) -> anyhow::Result<ExitCode> {
    let target = &args.target;
    let (folder, mut answer) = target.command(&Request::Stop { now: args.now }, args.wait)?;
    let id = answer.run.clone();
    let command = |name: &str| command_for(name, &target.runs, &id);
    let words = if args.wait {
        answer = status::at_rest(&folder)?;
        let note = answer.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
        format!("run {id} is {}{note}", answer.state.word())
    } else if args.now {
        format!("run {id} stops at once; `{}` goes on with it", command("resume"))
    } else {
        let first = match answer.under_way {
            0 => String::new(),
            under_way => format!(" when what is under way ({under_way}) is finished"),
        };
        format!("run {id} comes to its end{first}; `{}` tells what it came to", command("report"))
    };
    target.tell(&answer, &words)?;
    if !args.now && !args.wait && !target.json {
        out::note(format_args!(
            "to have it stop at once, so that it can be resumed: {} --now",
            command("stop")
        ));
    }
    Ok(ExitCode::SUCCESS)
}
