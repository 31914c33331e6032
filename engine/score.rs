//! Scoring: what an episode earns under a rubric, and what several scores make together.

pub mod objective;
pub mod profile;
pub mod vote;

use serde::{Deserialize, Serialize};

pub use objective::Objective;
pub use profile::{Margin, Profile, ScoreRule};

/// What one episode earned: a verdict per check, and the scores that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    pub checks: Vec<CheckVerdict>,
    /// Earned by possible points, rounded to four decimals: what the reference's script computes.
    pub script_score: f64,
    /// Points of passed checks by possible points, unrounded; a check with partial credit counts in full:
    /// what a validator computes.
    pub validator_score: f64,
}

/// How one check came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckVerdict {
    pub id: String,
    pub passed: bool,
    pub points: f64,
    pub max_points: f64,
    pub category: String,
    /// The reference's detail text: what matched, or what was missing.
    pub detail: String,
}
