//! `optimize`: the program. Each command has a file of its own with its arguments and its story; this one
//! chooses among them and turns failures into messages and exit codes.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod exit;

/// Optimize a policy pack (AGENTS.md) for an LLM agent, and learn honestly whether it got better.
#[derive(Parser)]
#[command(name = "optimize", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result: anyhow::Result<ExitCode> = match cli.command {
        Some(command) => match command {},
        None => Ok(ExitCode::SUCCESS),
    };
    result.unwrap_or_else(exit::explain)
}
