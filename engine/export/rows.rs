//! The rows of the tables: one per episode, and one per check of a scored episode.

use crate::episode::Outcome;
use crate::event::{Event, Phase, RunFinished, RunStarted};
use crate::score::ScoreRule;
use crate::store::{Record, phases, utc_text};
use crate::units::{PackHash, RunId};
use serde::Serialize;
use std::collections::BTreeMap;

/// An episode that was attempted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpisodeRow {
    pub run: String,
    /// Its place among the events of the run; with `run` the key of the row.
    pub ordinal: u32,
    pub suite: String,
    pub suite_hash: String,
    pub profile: String,
    pub model: String,
    pub candidate: String,
    /// `incumbent`, `finalist`, or `candidate`.
    pub role: &'static str,
    pub scenario: String,
    pub held_out: bool,
    pub weight: Option<f64>,
    pub repeat: u32,
    /// Which of the run's personas the agent worked for.
    pub persona: Option<u32>,
    pub phase: Option<&'static str>,
    /// `finished`, `timed_out`, `turn_limit` and `context_full` are scored; `errored` is not.
    pub outcome: &'static str,
    /// The score that counts by the profile.
    pub score: Option<f64>,
    pub validator_score: Option<f64>,
    pub script_score: Option<f64>,
    pub checks_passed: Option<u32>,
    pub checks: Option<u32>,
    pub tool_calls: Option<u32>,
    pub model_calls: Option<u32>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cache_read_tokens: Option<u64>,
    pub cache_write_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    pub resolved_model: Option<String>,
    /// Taken from an earlier run: it cost nothing, and its usage is not this run's.
    pub cached: bool,
    pub recorded_at: String,
    pub took_ms: Option<u64>,
    /// Why it could not be measured.
    pub problem: Option<String>,
}

/// A verdict on a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckRow {
    pub run: String,
    pub ordinal: u32,
    pub candidate: String,
    pub role: &'static str,
    pub scenario: String,
    pub repeat: u32,
    pub phase: Option<&'static str>,
    pub check: String,
    pub category: String,
    pub passed: bool,
    pub points: f64,
    pub max_points: f64,
    /// What matched, or what was missing: a few words of it may be the agent's.
    pub detail: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    pub episodes: Vec<EpisodeRow>,
    pub checks: Vec<CheckRow>,
}

/// The rows of a run; none when it never started.
pub fn tables(run: &RunId, records: &[Record]) -> Option<Tables> {
    let Some(Event::RunStarted(started)) = records.first().map(|record| &record.event) else { return None };
    let finalist = records.iter().find_map(|record| match &record.event {
        Event::RunFinished(RunFinished { finalist, .. }) => finalist.as_ref(),
        _ => None,
    });
    let teller = Teller { run, started, finalist, phases: phases(records) };
    let mut tables = Tables::default();
    for record in records {
        let Some(row) = teller.episode(record) else { continue };
        tables.checks.extend(checks(&row, record));
        tables.episodes.push(row);
    }
    Some(tables)
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Calibrate => "calibrate",
        Phase::Propose => "propose",
        Phase::Screen => "screen",
        Phase::Evaluate => "evaluate",
        Phase::Confirm => "confirm",
        Phase::HeldOut => "held_out",
    }
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Finished => "finished",
        Outcome::TimedOut => "timed_out",
        Outcome::TurnLimit => "turn_limit",
        Outcome::ContextFull => "context_full",
        Outcome::Errored { .. } => "errored",
    }
}

/// What all rows of a run share.
struct Teller<'a> {
    run: &'a RunId,
    started: &'a RunStarted,
    finalist: Option<&'a PackHash>,
    phases: BTreeMap<u32, Phase>,
}

impl Teller<'_> {
    /// None where the record is no episode.
    fn episode(&self, record: &Record) -> Option<EpisodeRow> {
        let started = self.started;
        let (key, usage) = match &record.event {
            Event::EpisodeScored(scored) => (&scored.key, scored.usage),
            Event::EpisodeUnmeasured(unmeasured) => (&unmeasured.key, unmeasured.usage),
            _ => return None,
        };
        let place = started.scenarios.iter().position(|scenario| scenario.name == key.scenario);
        let scenario = place.map(|place| &started.scenarios[place]);
        let personas = started.profile.personas.zip(place);
        let row = EpisodeRow {
            run: self.run.0.clone(),
            ordinal: record.ordinal,
            suite: started.suite.clone(),
            suite_hash: started.suite_hash.0.clone(),
            profile: started.profile.name.clone(),
            model: started.model.clone(),
            candidate: key.candidate.0.clone(),
            role: self.role(&key.candidate),
            scenario: key.scenario.clone(),
            held_out: scenario.is_some_and(|scenario| scenario.held_out),
            weight: scenario.map(|scenario| scenario.weight),
            repeat: key.repeat,
            persona: personas.map(|(personas, place)| personas.number(place, key.repeat)),
            phase: self.phases.get(&record.ordinal).map(|phase| phase_word(*phase)),
            outcome: "errored",
            score: None,
            validator_score: None,
            script_score: None,
            checks_passed: None,
            checks: None,
            tool_calls: None,
            model_calls: None,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            resolved_model: None,
            cached: false,
            recorded_at: utc_text(record.wall_clock.recorded_ms),
            took_ms: record.wall_clock.took_ms,
            problem: None,
        };
        Some(match &record.event {
            Event::EpisodeScored(scored) => {
                let card = &scored.scorecard;
                let score = match started.profile.score {
                    ScoreRule::Validator => card.validator_score,
                    ScoreRule::Script => card.script_score,
                };
                EpisodeRow {
                    outcome: outcome_word(&scored.outcome),
                    score: Some(score),
                    validator_score: Some(card.validator_score),
                    script_score: Some(card.script_score),
                    checks_passed: Some(card.checks.iter().filter(|check| check.passed).count() as u32),
                    checks: Some(card.checks.len() as u32),
                    tool_calls: Some(scored.tool_calls),
                    model_calls: Some(scored.model_calls),
                    resolved_model: scored.resolved_model.clone(),
                    cached: scored.cached,
                    ..row
                }
            }
            Event::EpisodeUnmeasured(unmeasured) => {
                EpisodeRow { problem: Some(unmeasured.reason.clone()), ..row }
            }
            _ => row,
        })
    }

    fn role(&self, candidate: &PackHash) -> &'static str {
        match candidate {
            id if *id == self.started.incumbent.id => "incumbent",
            id if Some(id) == self.finalist => "finalist",
            _ => "candidate",
        }
    }
}

fn checks(row: &EpisodeRow, record: &Record) -> Vec<CheckRow> {
    let Event::EpisodeScored(scored) = &record.event else { return Vec::new() };
    let check = |verdict: &crate::score::CheckVerdict| CheckRow {
        run: row.run.clone(),
        ordinal: row.ordinal,
        candidate: row.candidate.clone(),
        role: row.role,
        scenario: row.scenario.clone(),
        repeat: row.repeat,
        phase: row.phase,
        check: verdict.id.clone(),
        category: verdict.category.clone(),
        passed: verdict.passed,
        points: verdict.points,
        max_points: verdict.max_points,
        detail: verdict.detail.clone(),
    };
    scored.scorecard.checks.iter().map(check).collect()
}
