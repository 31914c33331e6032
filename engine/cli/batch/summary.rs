//! What the runs of a batch came to.

use crate::out;
use comfy_table::{Table, presets};
use packwright::report::plain;
use serde::Serialize;
use serde_json::json;

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunResult {
    pub name: String,
    /// None where no run was begun.
    pub run: Option<String>,
    pub outcome: Outcome,
    /// The verdict, or the reason why there is none.
    pub words: String,
    pub episodes: u32,
    /// Whether it found a better pack; none where there is no verdict.
    pub better: Option<bool>,
    /// Whether what became of a better pack is settled: it is where it was to go, or was refused. None where there is no
    /// better pack.
    pub settled: Option<bool>,
}

/// How an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Finished,
    /// It was finished when the batch ran before.
    Kept,
    /// It could not be begun.
    Refused,
    /// It was cut off, and can be resumed.
    CutOff,
    /// Its turn did not come.
    NotBegun,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Finished => "finished",
            Outcome::Kept => "kept",
            Outcome::Refused => "NOT POSSIBLE",
            Outcome::CutOff => "CUT OFF",
            Outcome::NotBegun => "not begun",
        }
    }
}

/// Tells of all runs, those with a verdict in a table and the others with their reasons.
pub fn tell(results: &[RunResult], json: bool) -> anyhow::Result<()> {
    let count = |outcome: Outcome| results.iter().filter(|result| result.outcome == outcome).count();
    let ended = count(Outcome::Finished) + count(Outcome::Kept);
    if json {
        out::line(json!({"runs": results.len(), "finished": ended, "results": results}));
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["name", "run", "", "episodes", "verdict"]);
    for result in results.iter().filter(|result| matches!(result.outcome, Outcome::Finished | Outcome::Kept))
    {
        let run = result.run.clone().unwrap_or_default();
        let (word, episodes) = (result.outcome.word().to_owned(), result.episodes.to_string());
        table.add_row([plain(&result.name), run, word, episodes, plain(&result.words)]);
    }
    out::line(format!("\n{ended} of {} runs came to their ends", results.len()));
    if ended > 0 {
        out::line(table.trim_fmt());
    }
    for result in results.iter().filter(|result| result.settled == Some(false)) {
        let (name, run) = (plain(&result.name), result.run.as_deref().unwrap_or_default());
        out::line(format!("NOT PUBLISHED: {name} (run {run}); `optimize publish {run}` shows what is left"));
    }
    for result in results.iter().filter(|result| !matches!(result.outcome, Outcome::Finished | Outcome::Kept))
    {
        let run = result.run.as_ref().map_or(String::new(), |run| format!(" (run {run})"));
        let reason: Vec<String> = result.words.lines().map(plain).collect();
        out::line(format!("{}: {}{run}: {}", result.outcome.word(), plain(&result.name), reason.join("\n")));
    }
    Ok(())
}
