//! `optimize`: the program. Each command has a file of its own with its arguments and its story; this one
//! chooses among them and turns failures into messages and exit codes.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use mimalloc::MiMalloc;
use std::process::ExitCode;

mod agents;
mod batch;
mod cache;
mod cache_folder;
mod chain;
mod check;
mod compare;
mod control;
mod doctor;
mod estimate;
mod exit;
mod export;
mod history;
mod keys;
mod lab;
mod limits;
mod models;
mod notify;
mod offline_llm;
mod openclaw;
mod out;
mod pack;
mod progress;
mod publish;
mod report;
mod rescore;
mod role;
mod run;
mod runs;
mod score;
mod serve;
mod service;
mod signals;
mod suite;
mod wallet;
mod world;

/// Whatever reads a whole run makes millions of small strings: with the system's allocator a report of 10,000 episodes
/// takes a fifth longer. Huge pages (the feature `no_thp` is without) are cleared whole for the little that is used of
/// them, which takes another tenth.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Optimize a policy pack (AGENTS.md) for an LLM agent, and learn honestly whether it got better.
///
/// Without a command, runs an optimization: measures the pack to beat, has candidates written, evaluates
/// them on the suite's scenarios, confirms the best on fresh episodes, and commits it if it won.
#[derive(Parser)]
#[command(
    name = "optimize",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = exit::EXIT_CODES,
    after_long_help = format!("{EXAMPLES}\n\n{}\n\n{}", role::PARAMETERS, exit::EXIT_CODES),
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    run: run::RunArgs,
}

const EXAMPLES: &str = "\
Examples:
  optimize --budget 200 --seed 7
      try it: the built-in suite and the offline model, no key, no network
  optimize --model anthropic/claude-sonnet-4-5 --budget 400
      a real model; the key is read from ANTHROPIC_API_KEY or .env
  optimize --base-url http://127.0.0.1:8080/v1 --suite ../clawbench
      your own server, on a ClawBench checkout
  optimize --budget 400 --detach
      in the background; then `optimize status`, `pause`, `resume`, `tune`, `stop`
  optimize --budget 400 --notify telegram:123456789 --quiet-hours 23:00-07:00
      tell somebody how it ended; `optimize notify test` tries it
  optimize serve
      all of it in a browser: http://127.0.0.1:8484/
  optimize resume
      go on with the newest run that was paused or cut off";

#[derive(Subcommand)]
enum Command {
    /// Say what a run with these options would take, and whether its limits afford it
    Estimate(Box<estimate::EstimateArgs>),
    /// Pass the runs of a file, one after another or side by side
    Batch(batch::BatchArgs),
    /// Tell what runs are doing, and how they stand
    Status(control::status::StatusArgs),
    /// Have a run begin nothing more until it is resumed
    Pause(control::pause::PauseArgs),
    /// Make a run go on that was paused or cut off
    Resume(control::resume::ResumeArgs),
    /// Have a run come to its end with what it has
    Stop(control::stop::StopArgs),
    /// Change the budget, the limits or the concurrency of a run that goes on
    Tune(control::tune::TuneArgs),
    /// Print how the system itself goes on with runs: after a logout, a crash or a reboot
    Service(service::ServiceArgs),
    /// Test where messages go, or send what waits
    Notify(Box<notify::NotifyCommandArgs>),
    /// Show all runs in a browser, live, and start and steer them there; an HTTP API
    Serve(serve::ServeArgs),
    /// List runs, or export a run's events
    Runs(runs::RunsArgs),
    /// Write and print the report of a run: a page for a browser, Markdown and JSON
    Report(report::ReportArgs),
    /// Write runs for other programs: CSV, JSON lines, JUnit XML, OpenTelemetry traces
    Export(export::ExportArgs),
    /// Show what stood after every run: the champion over the nights
    History(history::HistoryArgs),
    /// Compare two packs, or what stands after two runs, by recorded episodes; for CI, too
    Compare(compare::CompareArgs),
    /// Grade a run's episodes by changed rubrics, and tell what flips and whether another pack wins
    Rescore(rescore::RescoreArgs),
    /// Score recorded episodes in bulk: JSON lines in, JSON lines out
    Score(score::ScoreArgs),
    /// Serve the offline model over an OpenAI-compatible endpoint
    OfflineLlm(offline_llm::OfflineLlmArgs),
    /// Serve the mock tools over HTTP, in place of ClawBench's mock server
    World(world::WorldArgs),
    /// Set up the real OpenClaw, capture its wording, and compare it with the built-in agent
    #[command(name = "openclaw")]
    OpenClaw(openclaw::OpenClawArgs),
    /// Show what is kept of earlier runs' episodes and replies, and remove it
    Cache(cache::CacheArgs),
    /// Look at everything that a run needs, before anything is spent on one
    Doctor(Box<doctor::DoctorArgs>),
    /// Check suites, scenario files and packs, and say all that is wrong with them
    Check(check::CheckArgs),
    /// Publish the winner of a run: the plan, and with --yes the steps
    Publish(publish::PublishArgs),
    /// Build, check and compare packs
    Pack(pack::PackArgs),
    /// Look at a miner's commitment on a chain, and write one
    Chain(chain::ChainArgs),
    /// Show wallet files, and sign and verify credentials with them
    Wallet(wallet::WalletArgs),
    /// Run whole optimizations against simulated worlds, and compare what they really gain
    Lab(Box<lab::LabArgs>),
    /// Show the scenarios of a suite, or write it for other programs
    Suite(suite::SuiteArgs),
}

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = match cli.command {
        None => run::run(cli.run.given_in(&matches)),
        Some(Command::Estimate(args)) => estimate::run(*args),
        Some(Command::Batch(args)) => batch::run(args),
        Some(Command::Status(args)) => control::status::run(args),
        Some(Command::Pause(args)) => control::pause::run(args),
        Some(Command::Resume(args)) => control::resume::run(args),
        Some(Command::Stop(args)) => control::stop::run(args),
        Some(Command::Tune(args)) => control::tune::run(args),
        Some(Command::Service(args)) => service::run(args),
        Some(Command::Notify(args)) => notify::run(*args),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Runs(args)) => runs::run(args),
        Some(Command::Report(args)) => report::run(args),
        Some(Command::Export(args)) => export::run(args),
        Some(Command::History(args)) => history::run(args),
        Some(Command::Compare(args)) => compare::run(args),
        Some(Command::Rescore(args)) => rescore::run(args),
        Some(Command::Score(args)) => score::run(args),
        Some(Command::OfflineLlm(args)) => offline_llm::run(args),
        Some(Command::World(args)) => world::run(args),
        Some(Command::OpenClaw(args)) => openclaw::run(args),
        Some(Command::Cache(args)) => cache::run(args),
        Some(Command::Doctor(args)) => doctor::run(*args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Publish(args)) => publish::run(args),
        Some(Command::Pack(args)) => pack::run(args),
        Some(Command::Chain(args)) => chain::run(args),
        Some(Command::Wallet(args)) => wallet::run(args),
        Some(Command::Lab(args)) => lab::run(*args),
        Some(Command::Suite(args)) => suite::run(args),
    };
    result.unwrap_or_else(exit::explain)
}
