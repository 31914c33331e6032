//! `optimize history`: what stood after every run of a folder, and what each took.

use crate::exit::BadInput;
use crate::out;
use crate::publish::steps::receipt;
use crate::run::DEFAULT_RUNS;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use packwright::event::Verdict;
use packwright::report::{Estimate, Headline, Report, plain};
use packwright::store::{Store, run_entries, utc_text};
use packwright::units::{PackHash, RunId};
use rayon::prelude::*;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The version of the form of `--json`.
const FORMAT: u32 = 1;

/// Show what stood after every run, oldest first: suite, verdict, the objective before and after with their intervals,
/// what it took, and the commit.
///
/// Scores of one line are comparable with each other: the same fresh episodes of the same night. Those of two lines
/// are by other episodes, and by another suite or model where these differ; `optimize compare RUN RUN` compares.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// Only runs of this suite, by its name or the first digits of its hash
    #[arg(long, value_name = "NAME|HASH")]
    suite: Option<String>,

    /// Only runs whose agent was this model
    #[arg(long, value_name = "PROVIDER/NAME")]
    model: Option<String>,

    /// Only so many of the newest runs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    last: Option<u32>,

    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,
}

/// A run in the history.
#[derive(Clone, Debug, Serialize)]
struct Night {
    run: RunId,
    /// When it began.
    date: Option<String>,
    suite: String,
    suite_hash: String,
    model: String,
    profile: String,
    is_offline: bool,
    /// `better`, `not_shown_better`, `worse`, `not_measured`, or `unfinished`.
    verdict: &'static str,
    /// The pack that it began with and the one that stands after it.
    incumbent: PackHash,
    champion: PackHash,
    /// Objectives on the run's fresh episodes, or on all where there are none.
    before: Option<Estimate>,
    /// Of the finalist, whether it won or not.
    after: Option<Estimate>,
    difference: Option<Estimate>,
    episodes: u32,
    budget: u32,
    spent: String,
    seconds: f64,
    /// The commit of the winner; none where nothing was committed.
    commit: Option<String>,
    branch: Option<String>,
    /// Whether it is the same pack, suite, model and profile that the run before ended with.
    follows: bool,
}

#[derive(Serialize)]
struct History {
    format: u32,
    nights: Vec<Night>,
    /// Runs that could not be read, and why.
    unreadable: Vec<String>,
}

/// Runs the command.
pub fn run(args: HistoryArgs) -> anyhow::Result<ExitCode> {
    let history = gather(&args)?;
    history.unreadable.iter().for_each(|told| out::note(format_args!("warning: {told}")));
    if args.json {
        out::line(serde_json::to_string_pretty(&history)?);
    } else if history.nights.is_empty() {
        out::line(format!("no runs in {} yet; `optimize --budget 200` makes one", args.runs.display()));
    } else {
        out::line(render(&history.nights));
    }
    Ok(ExitCode::SUCCESS)
}

fn gather(args: &HistoryArgs) -> anyhow::Result<History> {
    let entries = run_entries(&args.runs)?;
    let read: Vec<Result<Option<Night>, String>> = entries
        .into_par_iter()
        .map(|entry| {
            let told = |folder: &Path, error| format!("{} cannot be read: {error:#}", folder.display());
            let entry = entry.map_err(|(folder, error)| told(&folder, error))?;
            night(&entry.folder).map_err(|error| told(&entry.folder, error))
        })
        .collect();
    let (mut nights, mut unreadable): (Vec<Night>, _) = (Vec::new(), Vec::new());
    for result in read {
        match result {
            Ok(night) => nights.extend(night),
            Err(told) => unreadable.push(told),
        }
    }
    let known = nights.len();
    nights.retain(|night| {
        let is_of_suite = |wanted: &String| {
            night.suite == *wanted || (wanted.len() >= 4 && night.suite_hash.starts_with(wanted))
        };
        args.suite.as_ref().is_none_or(is_of_suite)
            && args.model.as_ref().is_none_or(|model| night.model == *model)
    });
    if nights.is_empty() && known > 0 {
        let problem = format!("none of {known} runs in {} is of that suite and model", args.runs.display());
        return Err(BadInput(problem).into());
    }
    for index in 1..nights.len() {
        let (then, now) = (&nights[index - 1], &nights[index]);
        let is_alike =
            (&then.suite_hash, &then.model, &then.profile) == (&now.suite_hash, &now.model, &now.profile);
        nights[index].follows = is_alike && then.champion == now.incumbent;
    }
    let first = args.last.map_or(0, |last| nights.len().saturating_sub(last as usize));
    Ok(History { format: FORMAT, nights: nights.split_off(first), unreadable })
}

/// None where the run never started.
fn night(folder: &Path) -> anyhow::Result<Option<Night>> {
    let store = Store::open_to_read(folder)?;
    let (records, calls) = (store.records()?, store.calls()?);
    let Some((headline, report)) = Headline::of_run(&records, &calls) else { return Ok(None) };
    let committed = receipt(folder).and_then(|receipt| receipt.committed);
    let started = &report.started;
    let incumbent = started.incumbent.id.clone();
    Ok(Some(Night {
        run: RunId(folder.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        date: records.first().map(|record| utc_text(record.wall_clock.recorded_ms)),
        suite: started.suite.clone(),
        suite_hash: started.suite_hash.0.clone(),
        model: started.model.clone(),
        profile: started.profile.name.clone(),
        is_offline: report.is_offline(),
        verdict: verdict_word(&report),
        champion: champion(&report).unwrap_or_else(|| incumbent.clone()),
        incumbent,
        before: headline.incumbent,
        after: headline.finalist,
        difference: headline.difference,
        episodes: report.episodes.attempted,
        budget: report.episodes.budget,
        spent: headline.spent.dollars,
        seconds: headline.spent.seconds,
        commit: committed.as_ref().map(|committed| committed.commit.clone()),
        branch: committed.map(|committed| committed.branch),
        follows: false,
    }))
}

fn champion(report: &Report) -> Option<PackHash> {
    let finished = report.finished.as_ref()?;
    finished.finalist.clone().filter(|_| matches!(finished.verdict, Verdict::Better(_)))
}

fn verdict_word(report: &Report) -> &'static str {
    match report.finished.as_ref().map(|finished| &finished.verdict) {
        None => "unfinished",
        Some(Verdict::Better(_)) => "better",
        Some(Verdict::NotShownBetter(_)) => "not_shown_better",
        Some(Verdict::Worse(_)) => "worse",
        Some(Verdict::NotMeasured { .. }) => "not_measured",
    }
}

fn render(nights: &[Night]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "run",
        "suite",
        "model",
        "verdict",
        "before",
        "after",
        "difference",
        "spent",
        "champion",
        "commit",
    ]);
    for night in nights {
        table.add_row([
            night.run.0.clone(),
            format!("{} {}", plain(&night.suite), &night.suite_hash[..night.suite_hash.len().min(8)]),
            plain(&night.model),
            night.verdict.replace('_', " "),
            told(night.before, false),
            told(night.after, false),
            told(night.difference, true),
            format!("{} episodes, {}", night.episodes, in_short(&night.spent)),
            night.champion.short().to_owned(),
            night.commit.as_ref().map_or("-", |commit| &commit[..commit.len().min(10)]).to_owned(),
        ]);
    }
    for column in [4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let offline = match nights.iter().any(|night| night.is_offline) {
        true => "Runs of the offline model say nothing about a real one.\n",
        false => "",
    };
    format!("{offline}{}", table.trim_fmt())
}

fn told(estimate: Option<Estimate>, is_signed: bool) -> String {
    let number = |value: f64| if is_signed { format!("{value:+.3}") } else { format!("{value:.3}") };
    match estimate {
        None => "not measured".to_owned(),
        Some(Estimate { value, interval: None }) => number(value),
        Some(Estimate { value, interval: Some(it) }) => {
            format!("{} [{}, {}]", number(value), number(it.low), number(it.high))
        }
    }
}

/// The sum, without the words about what was not counted; these are in `--json` and in the run's report.
fn in_short(spent: &str) -> String {
    plain(spent.split(" in ").next().and_then(|sum| sum.split(':').next()).unwrap_or_default())
}
