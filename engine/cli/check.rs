//! `optimize check`: tells all that is wrong with suites, scenario files and packs, before a run finds out.

use crate::batch;
use crate::exit::Exit;
use crate::out;
use clap::Args;
use packwright::agent::openclaw::programs_in;
use packwright::scenario::problem::{Problem, Severity};
use packwright::score::Profile;
use packwright::workspace::{Found, Inspection, inspect, inspect_embedded};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The arguments of `optimize check`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 all can be used, 3 something cannot. Warnings do not change the exit code.\n\n\
    Examples:\n  optimize check                        the suite inside the program\n  \
    optimize check .                      the suite in this folder\n  \
    optimize check rubrics/my_case.yaml   one file, together with the scenario it belongs to\n  \
    optimize check packs/best AGENTS.md   a pack, and a policy\n  \
    optimize check night.yaml             a file of `optimize batch`"
)]
pub struct CheckArgs {
    /// Suite folders, scenario, rubric or batch files (.yaml), packs (pack.json, AGENTS.md, or a folder with one);
    /// without any, the suite inside the program
    paths: Vec<PathBuf>,
    /// Print one JSON object per problem, and a last one that sums up
    #[arg(long)]
    json: bool,
}

/// Checks each path and prints every problem.
pub fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    for (subject, problems, found) in inspections(&args.paths) {
        tally.count(&problems);
        for problem in &problems {
            out::line(if args.json { serde_json::to_string(problem)? } else { problem.to_string() });
        }
        if !args.json
            && let Some(found) = found
        {
            out::line(format!("{subject}: {found}"));
        }
    }
    out::line(tally.summary(args.json));
    Ok(if tally.errors > 0 { Exit::BadInput.into() } else { ExitCode::SUCCESS })
}

/// How much was found.
#[derive(Default)]
struct Tally {
    checked: usize,
    errors: usize,
    warnings: usize,
}

impl Tally {
    fn count(&mut self, problems: &[Problem]) {
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        self.checked += 1;
        self.errors += errors;
        self.warnings += problems.len() - errors;
    }

    fn summary(&self, json: bool) -> String {
        let Tally { checked, errors, warnings } = self;
        if json {
            return format!(r#"{{"checked": {checked}, "errors": {errors}, "warnings": {warnings}}}"#);
        }
        format!("{checked} checked, {}, {}", counted(*errors, "error"), counted(*warnings, "warning"))
    }
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What each path is called, what is wrong with it, and what it is.
fn inspections(paths: &[PathBuf]) -> Vec<(String, Vec<Problem>, Option<String>)> {
    if paths.is_empty() {
        return vec![described("built-in suite".to_owned(), inspect_embedded())];
    }
    let inspected = |path: &Path| {
        let subject = path.display().to_string();
        match batch::inspect(path) {
            Some((problems, found)) => (subject, problems, Some(found)),
            None => described(subject, inspect(path)),
        }
    };
    paths.iter().map(|path| inspected(path)).collect()
}

fn described(subject: String, inspection: Inspection) -> (String, Vec<Problem>, Option<String>) {
    let problems = with_warnings(inspection.problems, inspection.found.as_ref(), &subject);
    (subject, problems, inspection.found.as_ref().map(description))
}

/// Adds what validators accept but an agent would not see, and what a real gateway is never given.
fn with_warnings(mut problems: Vec<Problem>, found: Option<&Found>, subject: &str) -> Vec<Problem> {
    let profile = Profile::default();
    let messages = match found {
        Some(Found::Pack(pack)) => pack
            .warnings(profile.file_utf16_max, profile.total_utf16_max)
            .iter()
            .map(ToString::to_string)
            .collect(),
        Some(Found::Suite(suite)) => programs_in(suite),
        _ => Vec::new(),
    };
    problems.extend(messages.into_iter().map(|message| Problem {
        severity: Severity::Warning,
        file: subject.to_owned(),
        place: None,
        what: String::new(),
        message,
        help: None,
    }));
    problems
}

fn description(found: &Found) -> String {
    match found {
        Found::Suite(suite) => {
            let checks: usize = suite.scenarios.iter().map(|scenario| scenario.rubric.checks.len()).sum();
            let hash = &suite.hash.0[..8];
            let outside = suite.scenarios.iter().filter(|scenario| scenario.is_scored_outside()).count();
            let outside = match outside {
                0 => String::new(),
                some => format!("; {} for an evaluator outside (--agent)", counted(some, "scenario")),
            };
            format!(
                "suite {hash}: {}, {}{outside}",
                counted(suite.scenarios.len(), "scenario"),
                counted(checks, "check")
            )
        }
        Found::ScenarioScoredOutside => "scenario for an evaluator outside (--agent)".to_owned(),
        Found::Scenario { checks } => format!("scenario with {}", counted(*checks, "check")),
        Found::Rubric { checks } => format!("rubric with {}", counted(*checks, "check")),
        Found::Pack(pack) => format!("pack {}, {} bytes", pack.hash().short(), pack.size()),
    }
}
