//! `optimize compare`: two packs by the episodes that stored runs hold of them, with an exit code for CI.

mod spec;
mod text;

use crate::exit::{BadInput, Exit};
use crate::out;
use crate::run::DEFAULT_RUNS;
use clap::Args;
use packwright::compare::compare;
pub use spec::candidate_of;
use spec::{Shelf, side, sides_of_run};
use std::path::PathBuf;
use std::process::ExitCode;

/// Compare two packs by the episodes that stored runs hold of them: paired differences with their intervals.
///
/// A and B are each a run (the pack that stands after it: its winner, or the one that it began with), a candidate of
/// a run (RUN:incumbent, RUN:finalist, or RUN:HASH), the hash of a pack or its first digits, a pack's file or folder, or
/// `baseline`. A run's episodes alone count for RUN and RUN:…; for the others those of all runs under the same
/// conditions. With A alone, which is then a run, its finalist is compared with its incumbent; without any, those of
/// the newest run. Nothing is attempted, and nothing is written.
///
/// Episodes are paired by scenario and repeat. Where suites, profiles or models differ, that is said first, and only
/// what both packs met is compared. (`optimize openclaw compare` is something else: two agents, one model.)
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 B is not worse with probability P; 6 it is; 3 there is nothing to compare, too \
    few pairs to say how probable it is, or --strict and the conditions differ.\n\n\
    Examples:\n  optimize compare                            the newest run's finalist with what it began with\n  \
    optimize compare 20260301-220000 20260302-220000   what stands after each of two nights\n  \
    optimize compare packs/best AGENTS.md --worse-at 0.8   a draft that was measured, against the best so far"
)]
pub struct CompareArgs {
    /// The pack to compare with
    first: Option<String>,

    /// The pack that must not be worse
    second: Option<String>,

    /// End with exit code 6 where B is worse than A with at least this probability
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = probability)]
    worse_at: f64,

    /// Count the episodes of the search, too, which flatter the candidates that they picked
    #[arg(long)]
    all_episodes: bool,

    /// End with exit code 3 where suite, profile, model or anything else differs
    #[arg(long)]
    strict: bool,

    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.5 && value < 1.0 => Ok(value),
        Ok(_) => Err("a probability between 0.5 and 1, such as 0.95".to_owned()),
        Err(error) => Err(format!("{error}; a probability such as 0.95")),
    }
}

/// Runs the command.
pub fn run(args: CompareArgs) -> anyhow::Result<ExitCode> {
    let shelf = Shelf::open(&args.runs)?;
    let [first, second] = match (&args.first, &args.second) {
        (Some(first), Some(second)) => [side(&shelf, first, second)?, side(&shelf, second, first)?],
        (run, _) => sides_of_run(&shelf, run.as_deref())?,
    };
    let is_same_run = first.runs.iter().all(|run| second.runs.iter().any(|other| other.id == run.id));
    if first.pack == second.pack && is_same_run {
        let problem = format!("{} and {} are the same pack in the same runs", first.name, second.name);
        return Err(BadInput(problem).into());
    }
    let compared = compare(&first, &second, args.all_episodes);
    if args.json {
        out::line(serde_json::to_string_pretty(&compared)?);
    } else {
        out::line(text::render(&compared, args.worse_at));
    }
    if compared.pairs_of_one_run + compared.pairs_across_runs == 0 {
        let problem = "there is no scenario in which both packs have an episode".to_owned();
        return Err(BadInput(problem).into());
    }
    if args.strict && !compared.mismatches.is_empty() {
        return Err(BadInput("the conditions of both packs differ, and --strict was given".to_owned()).into());
    }
    match compared.is_worse(args.worse_at) {
        Some(true) => Ok(Exit::Gate.into()),
        Some(false) => Ok(ExitCode::SUCCESS),
        None => {
            let problem = "too few pairs of episodes to say how probable it is that B is worse".to_owned();
            Err(BadInput(problem).into())
        }
    }
}
