//! `optimize batch`: the runs of a file, one after another or side by side, each in a process of its own; and what they came
//! to. Started again, it goes on where it was.

mod bell;
mod entry;
mod night;
mod record;
mod summary;

use crate::exit::{BadInput, Exit};
use crate::out;
use crate::run::{DEFAULT_RUNS, check_runs_folder};
use crate::signals::end_at_signal;
use clap::Args;
use entry::{known_options, read_entry};
use night::Night;
use packwright::batch::{Batch, Entry, is_batch, read};
use packwright::scenario::problem::{Problem, Severity};
use record::BatchRecord;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLE: &str = "\
A file:
  stop-after: 8h              # then no run is begun, and those under way come to their ends
  max-usd: 60                 # all runs together; a run without a limit of its own gets its share
  concurrency: 2              # runs side by side; 1 when absent
  continue-on-failure: true   # what happens when absent, too
  defaults:                   # options of every run: those of `optimize --help`, without dashes
    budget: 400
    model: anthropic/claude-sonnet-4-5
  runs:                       # begun in this order
    - name: plain
      packs: packs/plain
    - name: my suite
      suite: ../my-suite
      packs: packs/mine
      seed: 7
      writer: [openai/gpt-5, gemini/gemini-2.5-pro]
In TOML the same keys do: `max-usd = 60`, `[defaults]`, and `[[runs]]` before each run.
`optimize check FILE` says what is wrong with it.

Exit codes: 0 every run came to its end; 3 a run could not be begun, 5 one was cut off.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub struct BatchArgs {
    /// A YAML or TOML file that names the runs
    file: PathBuf,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// Print one JSON object per run as it ends, and a last one that sums up
    #[arg(long)]
    json: bool,

    /// Leave runs paused that were paused when their processes ended, for services that start a batch again
    #[arg(long, hide_short_help = true)]
    keep_paused: bool,

    /// Stay until the quiet hours end where the message about the batch waits for that, for services
    #[arg(long, hide_short_help = true)]
    stay: bool,

    #[command(flatten)]
    log: out::LogArgs,
}

/// Runs the command.
pub fn run(args: BatchArgs) -> anyhow::Result<ExitCode> {
    args.log.apply();
    let (batch, shown) = read_file(&args.file)?;
    let stop_after = stop_after(&batch, &shown)?;
    check_runs_folder(&args.runs)?;
    let record = BatchRecord::open(&args.file, &args.runs)?;
    for line in record.strangers(&batch) {
        out::note(line);
    }
    let mut night = Night::prepare(&batch, &shown, &args.runs, record, args.log.level())?;
    if args.keep_paused {
        night.keep_paused();
    }
    if !args.json {
        night.announce();
    }
    night.pass(stop_after, args.json)?;
    summary::tell(&night.results(), args.json)?;
    end_at_signal("interrupted; the runs have ended, and nobody was told of that yet".to_owned())?;
    bell::ring(&args.file, &args.runs, night.outbox(), (&batch, &night.results()), args.stay);
    Ok(match night.worst() {
        None => ExitCode::SUCCESS,
        Some(exit) => Exit::into(exit),
    })
}

/// Refuses a file that cannot be passed.
pub fn check(path: &Path) -> anyhow::Result<()> {
    read_file(path).map(|_| ())
}

fn read_file(path: &Path) -> anyhow::Result<(Batch, String)> {
    let shown = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| BadInput(format!("cannot read {shown}: {error}")))?;
    let options = known_options();
    let known: Vec<&str> = options.iter().map(String::as_str).collect();
    match read(&shown, &text, &known) {
        (Some(batch), problems) if !problems.iter().any(is_error) => Ok((batch, shown)),
        (batch, problems) => {
            let all = all_problems(batch.as_ref(), problems, &shown);
            let told: Vec<String> = all.iter().map(ToString::to_string).collect();
            Err(BadInput(told.join("\n")).into())
        }
    }
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

fn stop_after(batch: &Batch, file: &str) -> anyhow::Result<Option<Duration>> {
    let Some((text, place)) = &batch.stop_after else { return Ok(None) };
    let ms = crate::limits::duration_ms(text).map_err(|problem| {
        BadInput(format!("{file}:{}:{}: stop-after: {problem}", place.line, place.column))
    })?;
    Ok(Some(Duration::from_millis(ms)))
}

/// All that is wrong with a batch file, and how many runs it has; none where the file is something else.
pub fn inspect(path: &Path) -> Option<(Vec<Problem>, String)> {
    let text = std::fs::read_to_string(path).ok()?;
    let shown = path.display().to_string();
    if !is_batch(&shown, &text) {
        return None;
    }
    let options = known_options();
    let known: Vec<&str> = options.iter().map(String::as_str).collect();
    let (batch, problems) = read(&shown, &text, &known);
    let found = match &batch {
        Some(batch) if !problems.iter().any(is_error) => format!("batch of {} runs", batch.entries.len()),
        _ => "batch".to_owned(),
    };
    Some((all_problems(batch.as_ref(), problems, &shown), found))
}

/// Those of the file and those of its runs, in the order of the file.
fn all_problems(batch: Option<&Batch>, mut problems: Vec<Problem>, file: &str) -> Vec<Problem> {
    if let Some(batch) = batch {
        problems.extend(batch.entries.iter().flat_map(|entry| problems_of(entry, file)));
        if let Some((text, place)) = &batch.stop_after
            && let Err(problem) = crate::limits::duration_ms(text)
        {
            problems.push(entry::problem(file, *place, "stop-after", problem));
        }
    }
    problems.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
    // What is wrong with an option that all runs share is told once.
    problems.dedup();
    problems
}

fn problems_of(entry: &Entry, file: &str) -> Vec<Problem> {
    match read_entry(entry, file) {
        Ok(args) => entry::problems_of_channels(entry, &args, file),
        Err(problems) => problems,
    }
}
