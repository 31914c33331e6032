//! What many nights came to together: means with bootstrap intervals, and shares.

use super::night::Night;
use crate::units::Seed;
use rand::RngExt;
use serde::Serialize;

const RESAMPLES: usize = 2_000;
/// Less is rounding.
const BELOW: f64 = -1e-9;

/// A mean with its 95 % bootstrap interval over nights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// What a strategy's nights came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub nights: usize,
    /// The true gain of what was found.
    pub gain: Interval,
    /// The true gain of what would be deployed.
    pub deployed: Interval,
    /// The share of nights whose find is worse than the start policy.
    pub below: f64,
    /// The same of what would be deployed.
    pub deployed_below: f64,
    /// The share of nights that claim a better policy.
    pub wins: f64,
    /// The share of nights that claim one which is not.
    pub false_wins: f64,
    /// Reported minus true, over the nights that report anything.
    pub optimism: Option<f64>,
    pub episodes: f64,
}

/// How two strategies differ on the same worlds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub gain: Interval,
    pub deployed: Interval,
}

/// Sums up a strategy's nights; none where there are none.
pub fn row(nights: &[Night]) -> Option<Row> {
    if nights.is_empty() {
        return None;
    }
    let share = |counts: &dyn Fn(&Night) -> bool| {
        nights.iter().filter(|night| counts(night)).count() as f64 / nights.len() as f64
    };
    let of = |pick: fn(&Night) -> f64| nights.iter().map(pick).collect::<Vec<f64>>();
    let optimism: Vec<f64> = nights.iter().filter_map(|night| night.optimism).collect();
    Some(Row {
        nights: nights.len(),
        gain: interval(&of(|night| night.gain)),
        deployed: interval(&of(|night| night.deployed)),
        below: share(&|night| night.gain < BELOW),
        deployed_below: share(&|night| night.deployed < BELOW),
        wins: share(&|night| night.won),
        false_wins: share(&Night::is_false_win),
        optimism: (!optimism.is_empty()).then(|| mean(&optimism)),
        episodes: mean(&of(|night| f64::from(night.episodes))),
    })
}

/// The first strategy minus the second, night by night: both must have met the same worlds in the same order.
pub fn difference(ours: &[Night], theirs: &[Night]) -> Difference {
    let of = |pick: fn(&Night) -> f64| {
        let differences: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| pick(a) - pick(b)).collect();
        interval(&differences)
    };
    Difference { gain: of(|night| night.gain), deployed: of(|night| night.deployed) }
}

/// The mean with the interval that resampling the values gives.
fn interval(values: &[f64]) -> Interval {
    let mut rng = Seed(values.len() as u64).child("bootstrap", &[]).rng();
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            (0..values.len()).map(|_| values[rng.random_range(0..values.len())]).sum::<f64>()
                / values.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
    Interval { mean: mean(values), low: at(0.025), high: at(0.975) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
