//! `optimize report`: writes and prints what a run came to, from its records alone.

use super::run::{DEFAULT_RUNS, conclusion, rubrics_of};
use super::runs::find;
use crate::exit::BadInput;
use crate::out;
use clap::Args;
use packwright::report::{Archive, Dossier, Source, Written, render, write};
use packwright::scenario::Rubrics;
use packwright::store::{RunEntry, Store, Transcripts};
use packwright::units::RunId;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The run's id, or the newest one
    run: Option<String>,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// Where report.html, report.md and report.json are written; the run's own folder when absent
    #[arg(long, value_name = "FOLDER", conflicts_with = "json")]
    out: Option<PathBuf>,

    /// Print report.json, and write nothing
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let folder = find(&args.runs, args.run.as_deref())?;
    let store = Store::open_to_read(&folder)?;
    let (dossier, archive) = gather(&store)?;
    if args.json {
        out::line(serde_json::to_string_pretty(&dossier)?);
        return Ok(ExitCode::SUCCESS);
    }
    out::line(format!("run {}\n\n{}", folder.display(), render(&dossier.report)));
    let entry = entry_of(&folder, &dossier);
    conclusion::consequences(&entry, &args.runs).iter().for_each(|line| {
        out::line(line);
    });
    match (write(args.out.as_deref().unwrap_or(&folder), &dossier, &archive), &args.out) {
        (Ok(written), _) => {
            tell(&written);
        }
        (Err(error), Some(_)) => return Err(error),
        // A run that can only be read is told all the same.
        (Err(error), None) => {
            out::note(format_args!("warning: {error:#}; `--out FOLDER` writes the report elsewhere"));
        }
    }
    // The process ends here, and freeing a large report piece by piece takes a fifth of a second.
    std::mem::forget((dossier, archive));
    Ok(ExitCode::SUCCESS)
}

/// The run in short.
fn entry_of(folder: &Path, dossier: &Dossier) -> RunEntry {
    let report = &dossier.report;
    RunEntry {
        id: dossier.run.clone(),
        folder: folder.to_owned(),
        started: Some(report.started.clone()),
        started_ms: None,
        episodes_scored: report.episodes.scored,
        episodes_unmeasured: report.episodes.unmeasured,
        finished: report.finished.clone(),
    }
}

/// Everything that a report says of a run.
pub fn gather(store: &Store) -> anyhow::Result<(Dossier, Archive)> {
    let folder = store.folder();
    // Patterns are compiled while events are read.
    let (mut kept, text) = (None, store.rubrics());
    let records = rayon::in_place_scope(|scope| {
        scope.spawn(|_| kept = known_rubrics(text));
        store.records()
    })?;
    let rubrics = kept.unwrap_or_else(|| rubrics_of(store, &records));
    let (calls, settings) = (store.calls()?, store.settings()?);
    let source = Source {
        run: RunId(name_of(folder)),
        records: &records,
        calls: &calls,
        rubrics: rubrics.as_ref().map_err(String::clone),
        settings: &settings,
        transcripts: &Transcripts::open(folder)?,
    };
    let (mut dossier, archive) = Dossier::of(&source)?
        .ok_or_else(|| BadInput(format!("{} has no first event: it is no whole run", folder.display())))?;
    // Freeing what was read takes a while, and nobody waits for it.
    rayon::spawn(move || drop(records));
    dossier.headline.warnings.extend(packwright::notify::undelivered(folder));
    Ok((dossier, archive))
}

/// Says where the report is.
pub fn tell(written: &Written) {
    let beside = written.beside.as_ref().map_or(String::new(), |beside| {
        format!("; what does not fit into the page is in {}", beside.display())
    });
    out::line(format!("Report     {} (and .md, .json){beside}", written.page.display()));
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The rubrics that the run kept, or why they are not known; none where it kept none.
fn known_rubrics(kept: anyhow::Result<Option<String>>) -> Option<Result<Rubrics, String>> {
    let broken = || "the rubrics that the run kept are broken".to_owned();
    match kept.transpose()? {
        Ok(kept) => Some(Rubrics::read(&kept).ok_or_else(broken)),
        Err(error) => Some(Err(format!("{error:#}"))),
    }
}
