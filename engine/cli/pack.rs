//! `optimize pack`: packs as miners handle them: built, checked, hashed, compared.

mod build;
mod diff;
mod document;
mod hash;
mod lint;
mod show;
mod similarity;
pub mod source;
mod validate;

use crate::run::DEFAULT_RUNS;
use clap::{Args, Subcommand};
use packwright::score::Profile;
use std::path::PathBuf;
use std::process::ExitCode;

/// Build, check and compare packs.
///
/// Wherever a pack is asked for, any of these will do: a pack.json, an AGENTS.md, a folder with either, a run (the pack
/// that stands after it), RUN:incumbent, RUN:finalist or RUN:HASH, `baseline`, an https address, or
/// git:REPOSITORY#REVISION. What is fetched is limited to 64 KB and 30 s, as validators do.
#[derive(Args)]
pub struct PackArgs {
    #[command(subcommand)]
    command: PackCommand,
}

#[derive(Subcommand)]
enum PackCommand {
    /// Make a pack.json of an AGENTS.md and other files; the version goes up by itself
    Build(Box<build::BuildArgs>),
    /// Say everything that validators would refuse, all at once
    Validate(validate::ValidateArgs),
    /// Print the hash that is committed on chain
    Hash(hash::HashArgs),
    /// Show what is in a pack
    Show(show::ShowArgs),
    /// Say how similar two packs are, as validators measure it
    Similarity(similarity::SimilarityArgs),
    /// Show what differs between two packs
    Diff(diff::DiffArgs),
    /// Find what was made for the scenarios of a suite, and how to say it generally
    Lint(lint::LintArgs),
}

/// Where packs of runs are looked for.
#[derive(Args, Debug)]
struct Shelf {
    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,
}

/// The rules by which a pack is judged.
#[derive(Args, Debug)]
struct Rules {
    /// The rules by which the benchmark counts: lengths, and the similarity that is refused
    #[arg(long, default_value = "clawbench-2026-02", value_parser = clap::builder::PossibleValuesParser::new(Profile::names()))]
    profile: String,
}

impl Rules {
    fn profile(&self) -> Profile {
        Profile::named(&self.profile).expect("the command line admits only built-in names")
    }
}

/// Runs the command.
pub fn run(args: PackArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        PackCommand::Build(args) => build::run(&args),
        PackCommand::Validate(args) => validate::run(&args),
        PackCommand::Hash(args) => hash::run(&args),
        PackCommand::Show(args) => show::run(&args),
        PackCommand::Similarity(args) => similarity::run(&args),
        PackCommand::Diff(args) => diff::run(&args),
        PackCommand::Lint(args) => lint::run(&args),
    }
}
