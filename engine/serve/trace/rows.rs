//! Rows of lists that a trace gives.

use crate::serve::view::Measure;
use serde::Serialize;
use utoipa::ToSchema;

/// An episode in a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EpisodeRow {
    /// Its place among the run's events.
    pub ordinal: u32,
    /// In milliseconds since 1970.
    pub recorded_ms: u64,
    /// The hash of the pack.
    pub candidate: String,
    pub scenario: String,
    pub repeat: u32,
    /// `calibrate`, `propose`, `screen`, `evaluate`, `confirm` or `held_out`.
    pub phase: Option<String>,
    /// `finished`, `timed_out`, `turn_limit`, `context_full`; `errored` where it could not be measured.
    pub outcome: String,
    /// Null where it could not be measured.
    pub score: Option<f64>,
    pub checks_passed: Option<u32>,
    pub checks: Option<u32>,
    pub tool_calls: Option<u32>,
    /// Taken from an earlier run.
    pub cached: bool,
    pub took_ms: Option<u64>,
    /// Why it could not be measured.
    pub problem: Option<String>,
}

/// A candidate in a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CandidateRow {
    /// The hash of the pack.
    pub id: String,
    pub is_incumbent: bool,
    pub operator: String,
    pub parents: Vec<String>,
    pub writer: Option<String>,
    /// What the writer said that it changed.
    pub said: String,
    /// Scored episodes.
    pub episodes: u32,
    /// What the search believes of it; null before anything was measured.
    pub objective: Option<Measure>,
}

/// A check with what some candidates made of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CheckRow {
    pub scenario: String,
    pub check: String,
    pub category: String,
    pub points: f64,
    pub held_out: bool,
    /// By candidate; null where it was not run, which is no failure.
    pub tallies: Vec<Option<Tally>>,
}

/// How often a check passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tally {
    pub passed: u32,
    pub episodes: u32,
}

/// A scenario with the pack to beat and the best pack so far.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScenarioBar {
    pub name: String,
    pub held_out: bool,
    pub incumbent: Option<Measure>,
    pub incumbent_episodes: u32,
    /// Null while the pack to beat is the best.
    pub best: Option<Measure>,
    pub best_episodes: u32,
}
