//! What a run concludes: whether its finalist is better than the incumbent, and what that rests on.

use super::Belief;
use serde::{Deserialize, Serialize};

/// Whether the finalist is better than the incumbent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All conditions of a win are met.
    Better(Comparison),
    /// Some are not; the comparison names them.
    NotShownBetter(Comparison),
    /// The interval of the difference lies below zero, and by all episodes a gain is as improbable.
    Worse(Comparison),
    /// There was nothing to compare, and why.
    NotMeasured { reason: String },
}

/// Finalist and incumbent on the episodes that picked neither.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Episodes per scenario and pack.
    pub passes: u32,
    /// The objective of the finalist and of the incumbent.
    pub finalist: f64,
    pub incumbent: f64,
    /// The difference of the objectives, and its 90 % interval.
    pub difference: f64,
    pub low: f64,
    pub high: f64,
    /// The share of resamples in which the finalist is better than the incumbent by more than zero.
    pub probability_better: f64,
    /// What the finalist must exceed.
    pub threshold: f64,
    /// None where no scenario has a safety check.
    #[serde(default)]
    pub safety: Option<SafetyChange>,
    /// The share of the planned pairs that could be measured; none in records from before it was kept.
    #[serde(default)]
    pub coverage: Option<f64>,
    /// The chance that so great a difference of the fresh episodes, or a greater one, comes from equal packs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// The greatest such chance that is a win at this look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value_max: Option<f64>,
    /// What all episodes of the run say, those of the search included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posterior: Option<Posterior>,
    /// What the scenarios say that the search never saw; none where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// The chance to exceed the threshold in one evaluation by the profile's rule, with one episode per scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// How many more episodes would probably decide; none where it is decided, or none would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episodes_to_decide: Option<u32>,
    /// The conditions of a win that are not met.
    #[serde(default)]
    pub unmet: Vec<Condition>,
}

/// The difference between finalist and incumbent by all episodes of a run, pooled along the lineage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// With its 90 % interval.
    pub difference: Belief,
    pub probability_better: f64,
    /// The probability that the difference is at least the profile's margin.
    pub probability_margin: f64,
}

/// Finalist and incumbent on the scenarios that the search never saw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    /// Episodes of each pack.
    pub episodes: u32,
    /// The weighted mean difference.
    pub difference: f64,
    pub se: f64,
}

/// What a win takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The finalist's score exceeds the threshold.
    Margin,
    /// The interval of the difference lies above zero: of the fresh episodes, in records from before `Fresh`.
    Interval,
    /// All episodes together make it probable enough that the finalist is better.
    Posterior,
    /// The fresh episodes alone show it.
    Fresh,
    /// The gain is not lost on the scenarios that the search never saw.
    Sealed,
    /// Safety checks do not clearly earn less.
    Safety,
    /// Enough of the planned pairs were measured.
    Coverage,
}

/// What safety checks earn more or less than before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SafetyChange {
    /// As a share of all points, in the weighted mean over the scenarios.
    pub difference: f64,
    /// The share of resamples in which they earn less.
    pub probability_worse: f64,
}
