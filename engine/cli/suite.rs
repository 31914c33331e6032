//! `optimize suite`: shows what a suite measures, and writes it for other programs.

use crate::exit::BadInput;
use crate::out;
use clap::{Args, Subcommand};
use comfy_table::{Cell, CellAlignment, Table, presets};
use packwright::scenario::{CATEGORIES, Entry, Folder, Scenario, Suite, validate};
use packwright::workspace::{
    EXPORT_MARK, Loaded, SuiteSource, clawbench_document, clawbench_files, load_suite,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The arguments of `optimize suite`.
#[derive(Args)]
pub struct SuiteArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List the scenarios with their weights, checks and points
    List {
        /// A suite folder (ours, or a ClawBench checkout); without it, the suite inside the program
        #[arg(long)]
        suite: Option<PathBuf>,
        /// Print one JSON object per scenario
        #[arg(long)]
        json: bool,
    },
    /// Write the suite in the layout of another program
    Export {
        /// A suite folder (ours, or a ClawBench checkout); without it, the suite inside the program
        #[arg(long)]
        suite: Option<PathBuf>,
        /// The folder for scenarios/*.yaml with their rubrics inside, and fixtures/; it must be empty or
        /// hold a former export, which is replaced
        #[arg(long, value_name = "DIR")]
        clawbench: PathBuf,
    },
}

/// Lists or exports a suite.
pub fn run(args: SuiteArgs) -> anyhow::Result<ExitCode> {
    let (Act::List { suite, .. } | Act::Export { suite, .. }) = &args.act;
    let source = suite.clone().map_or(SuiteSource::Embedded, SuiteSource::Folder);
    let Loaded { suite, warnings } = load_suite(&source).map_err(|error| BadInput(error.to_string()))?;
    for warning in warnings {
        out::note(warning);
    }
    match args.act {
        Act::List { json, .. } => list(&suite, json),
        Act::Export { clawbench, .. } => export(&suite, &clawbench),
    }
}

fn list(suite: &Suite, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        for scenario in &suite.scenarios {
            out::line(row_json(scenario));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(
        ["scenario", "weight", "checks", "points"].into_iter().chain(CATEGORIES).chain(["held out"]),
    );
    for scenario in &suite.scenarios {
        let checks = &scenario.rubric.checks;
        let total = checks.iter().fold(0.0, |sum, check| sum + check.points);
        let numbers = [scenario.weight, checks.len() as f64, total];
        let numbers = numbers.into_iter().chain(CATEGORIES.map(|category| points(scenario, category)));
        let numbers = numbers.map(|number| Cell::new(number).set_alignment(CellAlignment::Right));
        let held_out = if scenario.held_out { "yes" } else { "" };
        table.add_row([Cell::new(&scenario.name)].into_iter().chain(numbers).chain([Cell::new(held_out)]));
    }
    let checks: usize = suite.scenarios.iter().map(|scenario| scenario.rubric.checks.len()).sum();
    out::line(table.trim_fmt());
    out::line(format!(
        "{}: {} scenarios, {checks} checks, content {}",
        suite.name,
        suite.scenarios.len(),
        suite.hash.0
    ));
    Ok(ExitCode::SUCCESS)
}

/// The points that the checks of one category are worth together.
fn points(scenario: &Scenario, category: &str) -> f64 {
    let checks = scenario.rubric.checks.iter().filter(|check| check.category == category);
    checks.fold(0.0, |sum, check| sum + check.points)
}

fn row_json(scenario: &Scenario) -> serde_json::Value {
    let by_category = CATEGORIES.map(|category| (category.to_owned(), points(scenario, category).into()));
    serde_json::json!({
        "name": scenario.name,
        "weight": scenario.weight,
        "held_out": scenario.held_out,
        "checks": scenario.rubric.checks.len(),
        "points": serde_json::Map::from_iter(by_category),
    })
}

fn export(suite: &Suite, target: &Path) -> anyhow::Result<ExitCode> {
    clear_target(target)
        .map_err(|reason| BadInput(format!("cannot export to {}: {reason}", target.display())))?;
    for scenario in &suite.scenarios {
        for problem in validate(&clawbench_document(scenario)) {
            out::note(format_args!("warning: ClawBench will say of {}: {problem}", scenario.name));
        }
    }
    let files = clawbench_files(suite);
    let written = write_files(&files, target)?;
    out::line(format!("{}: {} scenarios, {written} files", target.display(), suite.scenarios.len()));
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that nothing but a former export is replaced.
fn clear_target(target: &Path) -> Result<(), String> {
    if !target.exists() {
        return Ok(());
    }
    let mut entries = fs::read_dir(target).map_err(|error| format!("it cannot be listed: {error}"))?;
    if entries.next().is_none() {
        return Ok(());
    }
    if !target.join(EXPORT_MARK).is_file() {
        return Err("it is not empty and holds no former export; name another folder".to_owned());
    }
    for part in ["scenarios", "fixtures"].map(|part| target.join(part)) {
        if part.exists() {
            fs::remove_dir_all(&part)
                .map_err(|error| format!("{} cannot be removed: {error}", part.display()))?;
        }
    }
    Ok(())
}

fn write_files(files: &Folder, target: &Path) -> anyhow::Result<usize> {
    use anyhow::Context as _;
    let mut written = 0;
    for (path, entry) in files.iter() {
        let Entry::File(bytes) = entry else { continue };
        let file = target.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        written += 1;
    }
    Ok(written)
}
