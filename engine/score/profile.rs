//! A profile: the versioned rules by which a benchmark counts.

use serde::{Deserialize, Serialize};

/// The rule set of a benchmark. The subnet changed these rules on eight dates in one month, so none of
/// them is a constant in code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Name and date, for example `clawbench-2026-02`.
    pub name: String,
    /// Which of an episode's two scores counts.
    pub score: ScoreRule,
    /// The weight ρ of the variance in the objective.
    pub rho: f64,
    /// The grid to which the final score is rounded; none leaves it as it is.
    pub grid: Option<f64>,
    /// What a candidate must exceed to win.
    pub margin: Margin,
    /// The wall-clock limit of an episode in milliseconds.
    pub episode_ms_max: u64,
    /// The most times an episode may ask the model.
    pub model_calls_max: u32,
    /// The longest file an agent reads whole, in UTF-16 units.
    pub file_utf16_max: u32,
    /// The longest sum of all files an agent reads, in UTF-16 units.
    pub total_utf16_max: u32,
}

/// Which score of an episode counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreRule {
    /// As a validator computes it: a passed check counts all its points.
    Validator,
    /// As the reference's script computes it: partial credit, rounded to four decimals.
    Script,
}

/// By how much a candidate must exceed the incumbent; always strictly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    Additive(f64),
    Multiplicative(f64),
}
