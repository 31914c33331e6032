//! `optimize rescore`: grades a run's recorded episodes by rubrics that were changed since, and tells what flips.

mod text;

use crate::exit::{BadInput, Exit};
use crate::out;
use crate::run::{DEFAULT_RUNS, suite_source};
use crate::runs::find;
use clap::Args;
use packwright::rescore::{Encounters, Rescored, Source, SuiteChange, rescore, suite_change};
use packwright::scenario::Suite;
use packwright::store::Store;
use packwright::units::RunId;
use packwright::workspace::{SuiteSource, load_suite};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Grade the recorded episodes of a run by changed rubrics, and tell which verdicts flip and whether the run would
/// have concluded otherwise.
///
/// Nothing is attempted anew, nothing is spent, and the run's folder stays as it is. Checks see the agent's words, its
/// tool calls and their answers, which a run keeps; what cannot be graded from them is told as not measured. Where the
/// request, the tools or the fixtures of a scenario have changed, the episodes are of another scenario, and that is
/// an error unless --allow-changed says otherwise.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 graded, whatever it came to; 3 there is nothing to grade, or the episodes are of other \
    scenarios; 6 with --expect-same, where something is no more what it was.\n\n\
    Examples:\n  optimize rescore                            the newest run, by its suite as it is now\n  \
    optimize rescore 20260302-174501 --suite draft   by the rubrics of another folder\n  \
    optimize rescore --json | jq '.flips[]'     every flip, for programs"
)]
pub struct RescoreArgs {
    /// The run's id, or the newest one
    run: Option<String>,

    /// Folder of the suite whose rubrics and weights are to count; the run's own suite, as it is now, when absent
    #[arg(long, value_name = "FOLDER")]
    suite: Option<PathBuf>,

    /// Grade although requests, tools or fixtures have changed, or nobody can tell
    #[arg(long)]
    allow_changed: bool,

    /// End with exit code 6 where any verdict, score or conclusion is another
    #[arg(long)]
    expect_same: bool,

    /// List the flips of every candidate, not only of the incumbent and the finalists
    #[arg(long, conflicts_with = "json")]
    all: bool,

    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,
}

/// Runs the command.
pub fn run(args: RescoreArgs) -> anyhow::Result<ExitCode> {
    let folder = find(&args.runs, args.run.as_deref())?;
    let store = Store::open_to_read(&folder)?;
    let source = match &args.suite {
        Some(path) => SuiteSource::Folder(path.clone()),
        None => suite_source(&store)?,
    };
    let suite = read_suite(&source)?;
    let began = Instant::now();
    let rescored = graded(&store, &suite, args.allow_changed)?;
    if args.json {
        out::line(serde_json::to_string_pretty(&rescored)?);
    } else {
        let shown = text::Shown { folder: &folder, suite: &source, all: args.all, took: began.elapsed() };
        out::line(text::render(&rescored, &shown));
    }
    Ok(if args.expect_same && rescored.differs() { Exit::Gate.into() } else { ExitCode::SUCCESS })
}

fn read_suite(source: &SuiteSource) -> anyhow::Result<Suite> {
    let loaded = load_suite(source).map_err(|error| BadInput(error.to_string()))?;
    loaded.warnings.iter().for_each(out::note);
    Ok(loaded.suite)
}

fn graded(store: &Store, suite: &Suite, allow_changed: bool) -> anyhow::Result<Rescored> {
    let folder = store.folder();
    let (records, transcripts) = (store.records()?, store.transcripts()?);
    let (rubrics, encounters) = (store.rubrics()?, store.encounters()?);
    let source = Source {
        run: RunId(folder.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        records: &records,
        transcripts: &transcripts,
        kept_rubrics: rubrics.as_deref(),
        kept_encounters: encounters.as_ref(),
        suite,
    };
    let no_run = || BadInput(format!("{} has no first event: it is no whole run", folder.display()));
    let change = suite_change(&source).ok_or_else(no_run)?;
    if !allow_changed && let Some(problem) = other_scenarios(&change, folder) {
        return Err(BadInput(problem).into());
    }
    let rescored = rescore(&source).ok_or_else(no_run)?;
    let episodes = rescored.episodes;
    if episodes.graded == 0 && episodes.lost == 0 {
        let why = match episodes.judged_outside {
            0 => "it has no episode that was scored".to_owned(),
            some => format!("an evaluator outside of this program judged all {some} episodes, and no rubric"),
        };
        return Err(BadInput(format!("{} cannot be graded again: {why}", folder.display())).into());
    }
    Ok(rescored)
}

/// Why the recorded episodes are not of the scenarios that the suite has, all reasons at once; none where they are.
fn other_scenarios(change: &SuiteChange, folder: &Path) -> Option<String> {
    let mut reasons = Vec::new();
    match &change.encounters {
        Encounters::Same => {}
        Encounters::Changed(names) => reasons.extend(
            names.iter().map(|name| format!("scenario `{name}`: its request, tools or fixtures have changed")),
        ),
        Encounters::Unknown => reasons.push(
            "more than rubrics has changed in the suite, and this run, of an older version, kept too little to say what"
                .to_owned(),
        ),
    }
    let missing = change.missing.iter();
    reasons.extend(missing.map(|name| format!("scenario `{name}`: the suite has it no more")));
    if reasons.is_empty() {
        return None;
    }
    let why = reasons.join("\n  ");
    Some(format!(
        "the episodes of {} are of another suite:\n  {why}\nrestore that, or name the right suite with --suite; \
         --allow-changed grades them all the same",
        folder.display()
    ))
}
