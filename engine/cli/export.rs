//! `optimize export`: runs in forms that other programs read.

mod otlp;

use crate::compare::candidate_of;
use crate::exit::{BadInput, Exit};
use crate::out;
use crate::run::DEFAULT_RUNS;
use crate::runs::find;
use anyhow::Context;
use clap::{Args, Subcommand};
use otlp::OtlpArgs;
use packwright::export::{Form, Junit, Tables, files, junit, tables};
use packwright::store::write_whole;
use packwright::store::{Store, run_entries};
use packwright::units::RunId;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write runs for other programs: tables of episodes and checks, test results for CI, or traces.
///
/// What was not measured is empty or null, never a number. Nothing is sent anywhere but by `otlp`, and only to the
/// endpoint that you name.
#[derive(Args, Debug)]
pub struct ExportArgs {
    #[command(subcommand)]
    form: ExportForm,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER", global = true)]
    runs: PathBuf,
}

#[derive(Subcommand, Debug)]
enum ExportForm {
    /// episodes.csv and checks.csv, for pandas, duckdb and spreadsheets
    Csv(TableArgs),
    /// episodes.jsonl and checks.jsonl, one object per line
    Jsonl(TableArgs),
    /// The checks of one pack as JUnit XML, a scenario each a test suite
    Junit(JunitArgs),
    /// Episodes as OpenTelemetry traces by the gen_ai conventions, to a collector over OTLP/HTTP
    Otlp(OtlpArgs),
}

#[derive(Args, Debug)]
struct TableArgs {
    /// Ids of runs; the newest one when absent
    run: Vec<String>,

    /// All runs of the folder
    #[arg(long, conflicts_with = "run")]
    all: bool,

    /// The folder that the files are written to; those of the same name are replaced
    #[arg(long, value_name = "FOLDER", default_value = "export")]
    out: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 written; with --gate 6 where a check fails")]
struct JunitArgs {
    /// The run's id, or the newest one
    run: Option<String>,

    /// `incumbent`, `finalist`, or the first digits of a hash; the pack that stands after the run when absent
    #[arg(long, value_name = "PACK", default_value = "")]
    pack: String,

    /// The least share of episodes in which a check must pass; validators take half
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    pass_rate: f64,

    /// The file to write; standard output when absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// End with exit code 6 where a check fails
    #[arg(long)]
    gate: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|error| format!("{error}; a share such as 0.5"))?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("a share above 0, up to 1".to_owned()) }
}

/// Runs the command.
pub fn run(args: ExportArgs) -> anyhow::Result<ExitCode> {
    match args.form {
        ExportForm::Csv(table) => write_tables(&args.runs, &table, Form::Csv),
        ExportForm::Jsonl(table) => write_tables(&args.runs, &table, Form::JsonLines),
        ExportForm::Junit(junit) => write_junit(&args.runs, &junit),
        ExportForm::Otlp(otlp) => otlp::run(&args.runs, &otlp),
    }
}

fn write_tables(runs: &Path, args: &TableArgs, form: Form) -> anyhow::Result<ExitCode> {
    let mut all = Tables::default();
    let folders = chosen(runs, &args.run, args.all)?;
    for folder in &folders {
        let records = Store::open_to_read(folder)?.records()?;
        let Some(tables) = tables(&run_id(folder), &records) else {
            out::note(format_args!("warning: {} has no first event and is passed over", folder.display()));
            continue;
        };
        all.episodes.extend(tables.episodes);
        all.checks.extend(tables.checks);
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("create {}", args.out.display()))?;
    for file in files(&all, form)? {
        let path = args.out.join(&file.name);
        write(&path, &file.content)?;
        out::line(format!("{}: {} rows of {} runs", path.display(), file.rows, folders.len()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The folders of the runs that are asked for.
fn chosen(runs: &Path, ids: &[String], all: bool) -> anyhow::Result<Vec<PathBuf>> {
    if !all {
        return match ids {
            [] => Ok(vec![find(runs, None)?]),
            ids => ids.iter().map(|id| find(runs, Some(id))).collect(),
        };
    }
    let mut folders = Vec::new();
    for entry in run_entries(runs)? {
        match entry {
            Ok(entry) => folders.push(entry.folder),
            Err((folder, error)) => {
                out::note(format_args!(
                    "warning: {} cannot be read and is passed over: {error:#}",
                    folder.display()
                ));
            }
        }
    }
    if folders.is_empty() {
        return Err(BadInput(format!("there are no runs in {}", runs.display())).into());
    }
    Ok(folders)
}

fn write_junit(runs: &Path, args: &JunitArgs) -> anyhow::Result<ExitCode> {
    let folder = find(runs, args.run.as_deref())?;
    let pack = candidate_of(&folder, &args.pack)?;
    let records = Store::open_to_read(&folder)?.records()?;
    let wanted = Junit { run: &run_id(&folder), pack: &pack, pass_rate: args.pass_rate };
    let written = junit(&records, &wanted);
    let (document, failures) = written.with_context(|| format!("{} is no whole run", folder.display()))?;
    match &args.out {
        Some(path) => {
            write(path, document.as_bytes())?;
            out::line(format!("{}: pack {}, {failures} checks failed", path.display(), pack.short()));
        }
        None => drop(out::line(document.trim_end())),
    }
    Ok(if args.gate && failures > 0 { Exit::Gate.into() } else { ExitCode::SUCCESS })
}

fn run_id(folder: &Path) -> RunId {
    RunId(folder.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_whole(path, content).with_context(|| format!("write {}", path.display()))
}
