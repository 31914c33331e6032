//! `optimize runs`: which runs there are, and their events as JSON lines.

mod doctor;

use crate::exit::BadInput;
use crate::out;
use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use packwright::event::Verdict;
use packwright::store::{RunEntry, Store, run_entries, run_folders};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,

    /// Where runs are kept
    #[arg(long, default_value = "runs", value_name = "FOLDER", global = true)]
    runs: PathBuf,
}

#[derive(Subcommand, Debug)]
enum RunsCommand {
    /// List the runs, oldest first (the default)
    List,
    /// Check the store of a run, and repair it
    Doctor {
        /// The run's id, or the newest one
        run: Option<String>,

        /// Make a new store of what is sound; the damaged one is kept beside it
        #[arg(long)]
        repair: bool,

        /// Print what was found as an object of JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the events of a run as lines of JSON; clock readings stand apart under `wall_clock`
    Export {
        /// The run's id, or the newest one
        run: Option<String>,
    },
}

/// Runs the command.
pub fn run(args: RunsArgs) -> anyhow::Result<ExitCode> {
    match args.command.unwrap_or(RunsCommand::List) {
        RunsCommand::List => list(&args.runs)?,
        RunsCommand::Doctor { run, repair, json } => {
            return doctor::run(&args.runs, run.as_deref(), repair, json);
        }
        RunsCommand::Export { run } => export(&find(&args.runs, run.as_deref())?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder of a run by its id, or of the newest.
pub fn find(runs: &Path, id: Option<&str>) -> anyhow::Result<PathBuf> {
    if let Some(id) = id {
        let folder = runs.join(id);
        if !folder.is_dir() {
            let message = format!("there is no run {id:?} in {}; `optimize runs` lists them", runs.display());
            return Err(BadInput(message).into());
        }
        return Ok(folder);
    }
    // One that is broken may be told of by its name.
    let newest = run_folders(runs)?.into_iter().rev().find(|folder| Store::open_to_read(folder).is_ok());
    newest.ok_or_else(|| BadInput(format!("there are no runs in {}", runs.display())).into())
}

fn list(runs: &Path) -> anyhow::Result<()> {
    let entries = run_entries(runs)?;
    if entries.is_empty() {
        out::line(format!("no runs in {} yet; `optimize --budget 200` makes one", runs.display()));
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["run", "suite", "model", "seed", "episodes", "verdict"]);
    for entry in &entries {
        match entry {
            Ok(entry) => table.add_row(row(entry)),
            Err((folder, error)) => {
                let name =
                    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                table.add_row([name, format!("cannot be read: {error:#}")])
            }
        };
    }
    for column in [3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out::line(table.trim_fmt());
    Ok(())
}

fn row(entry: &RunEntry) -> [String; 6] {
    let Some(started) = &entry.started else {
        return [
            entry.id.0.clone(),
            "no whole run: its first event is missing".into(),
            "".into(),
            "".into(),
            "".into(),
            "".into(),
        ];
    };
    let episodes = entry.episodes_scored + entry.episodes_unmeasured;
    [
        entry.id.0.clone(),
        started.suite.clone(),
        started.model.clone(),
        started.seed.0.to_string(),
        format!("{episodes}/{}", started.budget),
        entry.finished.as_ref().map_or("unfinished".into(), |finished| verdict_words(&finished.verdict)),
    ]
}

/// A verdict with its numbers, in a few words.
pub fn verdict_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Better(comparison) => {
            format!("better: {:.3} -> {:.3}", comparison.incumbent, comparison.finalist)
        }
        Verdict::NotShownBetter(comparison) => format!("not shown better ({:+.3})", comparison.difference),
        Verdict::Worse(comparison) => format!("worse ({:+.3})", comparison.difference),
        Verdict::NotMeasured { reason } => format!("no verdict: {reason}"),
    }
}

fn export(folder: &Path) -> anyhow::Result<()> {
    for record in Store::open_to_read(folder)?.records()? {
        if !out::line(serde_json::to_string(&record)?) {
            break;
        }
    }
    Ok(())
}
