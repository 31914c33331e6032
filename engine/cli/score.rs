//! `optimize score`: scores recorded episodes in bulk, one line in, one result out, in the same order.

mod input;

use crate::exit::BadInput;
use crate::out;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use input::{Chunk, Lines};
use packwright::scenario::{Rubric, Suite};
use packwright::score::summary::{Edition, markdown, summary};
use packwright::score::{Scorable, Verdict, score};
use packwright::value::{JsonReader, Value, parse, read};
use packwright::workspace::{SuiteSource, load_suite};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{OnceLock, RwLock};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that one worker takes at a time.
const BATCH_LINES: usize = 32;
/// Compiled inline rubrics that are kept; when full, all are dropped.
const INLINE_RUBRICS_MAX: usize = 512;

/// Score recorded episodes: JSON lines in, the results as JSON lines out, in the same order.
///
/// A line holds {"scenario": NAME, "episode": {...}} or, with its rubric, {"scoring": {...}, "episode": {...}};
/// other keys are ignored. The episode's keys are `response`, `tool_calls_raw`, `tool_calls_by_type` and
/// `tool_calls_total`, for example {"response": "Done.", "tool_calls_raw": [{"tool": "exec", "args": {"command":
/// "gcalcli agenda"}}], "tool_calls_by_type": {"exec": 1}, "tool_calls_total": 1}; what is missing counts as empty,
/// and names that are none of these are ignored, as the reference does. A line that cannot be scored gives {"error": "line N: ..."}, and so does a blank one, so
/// that the Nth result is that of the Nth line.
#[derive(Args)]
pub struct ScoreArgs {
    /// The suite whose rubrics score lines that name a scenario (default: the built-in one)
    #[arg(long, value_name = "DIR")]
    suite: Option<PathBuf>,
    /// JSON lines, plain or gzip; `-` reads them from standard input
    #[arg(long, value_name = "FILE")]
    episodes: PathBuf,
    /// `json`, or for people the reference's `summary` or section of a `markdown` report, with a blank line after each
    /// (a line's "variant" goes into the heading)
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The edition of ClawBench whose summary is written: `april` begins with its gate
    #[arg(long, value_enum, default_value_t)]
    edition: EditionName,
    /// How many threads score (default: as many as the machine has)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// At the end, write one JSON line to standard error: episodes, score_s (summed over threads), pipeline_s
    #[arg(long)]
    stats: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Json,
    Summary,
    Markdown,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum EditionName {
    #[default]
    February,
    April,
}

/// Runs the command.
pub fn run(args: ScoreArgs) -> anyhow::Result<ExitCode> {
    let edition = match args.edition {
        EditionName::February => Edition::February2026,
        EditionName::April => Edition::April2026,
    };
    let scorer = Scorer { rubrics: Rubrics::default(), format: args.format, edition };
    if let Some(path) = &args.suite {
        let loaded =
            load_suite(&SuiteSource::Folder(path.clone())).map_err(|error| BadInput(error.to_string()))?;
        loaded.warnings.iter().for_each(out::note);
        scorer.rubrics.suite.get_or_init(|| Ok(loaded.suite));
    }
    let lines = Lines::open(&args.episodes)?;
    let threads = args.threads.map_or_else(available_threads, usize::from);
    let started = Instant::now();
    let mut tally = Tally::default();
    let written = score_all(lines, threads, &scorer, &mut tally);
    if let Err(error) = written
        && !is_broken_pipe(&error)
    {
        return Err(error);
    }
    if args.stats {
        out::note(tally.line(started.elapsed()));
    }
    if tally.errors > 0 && tally.episodes == 0 {
        return Err(BadInput("no line could be scored; each line of the output says why".into()).into());
    }
    Ok(ExitCode::SUCCESS)
}

fn available_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The reader of our output may stop early; that is no failure of ours.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Scores chunk after chunk; the next one is read while this one is scored.
fn score_all(mut lines: Lines, threads: usize, scorer: &Scorer, tally: &mut Tally) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if threads == 1 {
        while let Some(chunk) = lines.next_chunk()? {
            write_results(&mut out, vec![scorer.score_lines(&chunk, 0..chunk.len())], tally)?;
        }
        return Ok(());
    }
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("start the scoring threads")?;
    let (sender, chunks) = std::sync::mpsc::sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some(chunk) = lines.next_chunk().transpose() {
                if sender.send(chunk).is_err() {
                    break;
                }
            }
        });
        for chunk in chunks {
            let chunk = chunk?;
            let batches: Vec<Batch> = pool.install(|| {
                let starts = (0..chunk.len()).step_by(BATCH_LINES).collect::<Vec<_>>().into_par_iter();
                let batch = |start: usize| start..(start + BATCH_LINES).min(chunk.len());
                starts.map(|start| scorer.score_lines(&chunk, batch(start))).collect()
            });
            write_results(&mut out, batches, tally)?;
        }
        Ok(())
    })
}

fn write_results(out: &mut impl Write, batches: Vec<Batch>, tally: &mut Tally) -> anyhow::Result<()> {
    for batch in batches {
        out.write_all(batch.text.as_bytes())?;
        tally.add(&batch.tally);
    }
    out.flush()?;
    Ok(())
}

/// The results of some lines.
#[derive(Default)]
struct Batch {
    text: String,
    tally: Tally,
}

/// What lines are scored by, and how their results are written.
struct Scorer {
    rubrics: Rubrics,
    format: Format,
    edition: Edition,
}

impl Scorer {
    fn score_lines(&self, chunk: &Chunk, range: std::ops::Range<usize>) -> Batch {
        let mut batch = Batch::default();
        for (number, line) in range.map(|index| chunk.line(index)) {
            let result = line.and_then(|line| self.score_line(line, number, &mut batch));
            batch.tally.episodes += 1;
            if let Err(problem) = result {
                batch.tally.errors += 1;
                let problem = format!("line {number}: {problem}");
                batch.text += &match self.format {
                    Format::Json => Value::object([("error", Value::Str(problem))]).dumps(),
                    Format::Summary | Format::Markdown => problem,
                };
            }
            batch.text.push_str(if self.format == Format::Json { "\n" } else { "\n\n" });
        }
        batch
    }

    fn score_line(&self, line: &[u8], number: usize, batch: &mut Batch) -> Result<(), String> {
        let line =
            read(line, Line::read).map_err(|error| format!("column {}: {}", error.column, error.problem))?;
        let episode = line.episode.ok_or("no \"episode\"")?;
        let rubric = match (line.scoring, &line.scenario) {
            (Some(scoring), _) => self.rubrics.inline(scoring),
            (None, Some(Value::Str(name))) => self.rubrics.named(name)?,
            (None, Some(other)) => return Err(format!("\"scenario\" is {}, not a name", other.kind())),
            (None, None) => return Err("neither \"scenario\" nor \"scoring\" says how to score it".into()),
        };
        let started = Instant::now();
        let verdict = score(&rubric, &episode);
        batch.tally.scoring += started.elapsed();
        let verdict = verdict.map_err(|error| error.to_string())?;
        match self.format {
            Format::Json => verdict.write_json(&mut batch.text),
            _ => {
                let scenario = line.scenario.as_ref().and_then(Value::as_str).unwrap_or("inline");
                let place = format!("line {number}");
                let variant = line.variant.as_ref().and_then(Value::as_str).unwrap_or(&place);
                batch.text += &self.for_people(&verdict, scenario, variant);
            }
        }
        Ok(())
    }

    fn for_people(&self, verdict: &Verdict<'_>, scenario: &str, variant: &str) -> String {
        match self.format {
            Format::Markdown => markdown(verdict, scenario, variant),
            _ => format!("{scenario}/{variant}\n{}", summary(verdict, self.edition)),
        }
    }
}

/// What a line says.
#[derive(Default)]
struct Line<'a> {
    /// The text of its own rubric.
    scoring: Option<&'a str>,
    scenario: Option<Value>,
    variant: Option<Value>,
    episode: Option<Scorable<'a>>,
}

impl<'a> Line<'a> {
    fn read(reader: &mut JsonReader<'a>) -> Result<Line<'a>, String> {
        if !reader.is_object() {
            return Err(format!("expected an object with an \"episode\", found {}", reader.value()?.kind()));
        }
        let mut line = Line::default();
        reader.members(|reader, key| {
            match &*key {
                "scoring" => line.scoring = Some(reader.skip()?),
                "scenario" => line.scenario = Some(reader.value()?),
                "variant" => line.variant = Some(reader.value()?),
                "episode" => line.episode = Some(Scorable::read(reader)?),
                _ => drop(reader.skip()?),
            }
            Ok(())
        })?;
        Ok(line)
    }
}

/// The rubrics that lines ask for: those of a suite by name, and inline ones, each compiled once.
#[derive(Default)]
struct Rubrics {
    suite: OnceLock<Result<Suite, String>>,
    inline: RwLock<HashMap<String, Rubric>>,
}

impl Rubrics {
    fn named(&self, scenario: &str) -> Result<Rubric, String> {
        let built_in = || load_suite(&SuiteSource::Embedded).map(|loaded| loaded.suite);
        let suite = self.suite.get_or_init(|| built_in().map_err(|error| error.to_string()));
        let suite = suite.as_ref().map_err(Clone::clone)?;
        let scenario = suite.scenario(scenario).ok_or_else(|| {
            let names: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
            format!(
                "no scenario {scenario:?} in the suite, which has {}; name another with --suite",
                names.join(", ")
            )
        })?;
        Ok(scenario.rubric.clone())
    }

    fn inline(&self, scoring: &str) -> Rubric {
        let poisoned = "no thread panics while it holds the lock";
        if let Some(rubric) = self.inline.read().expect(poisoned).get(scoring) {
            return rubric.clone();
        }
        let document = parse(scoring.as_bytes()).expect("the syntax was checked when the line was read");
        let rubric = Rubric::compile(&document);
        let mut kept = self.inline.write().expect(poisoned);
        if kept.len() >= INLINE_RUBRICS_MAX {
            kept.clear();
        }
        kept.insert(scoring.to_owned(), rubric.clone());
        rubric
    }
}

/// What has been done so far.
#[derive(Default)]
struct Tally {
    episodes: u64,
    errors: u64,
    scoring: Duration,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.episodes += other.episodes;
        self.errors += other.errors;
        self.scoring += other.scoring;
    }

    fn line(&self, pipeline: Duration) -> String {
        Value::object([
            ("episodes", Value::Int(self.episodes as i64)),
            ("errors", Value::Int(self.errors as i64)),
            ("score_s", Value::Float(self.scoring.as_secs_f64())),
            ("pipeline_s", Value::Float(pipeline.as_secs_f64())),
        ])
        .dumps()
    }
}
