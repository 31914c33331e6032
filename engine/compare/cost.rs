//! What episodes of each pack took: tokens, calls and time, over all that count and over the pairs.
//!
//! Dollars are counted by call and not by episode, so what a pack costs in dollars is not measured; what a run cost is.

use super::Matches;
use super::attempts::Attempt;
use crate::stats::interval::Estimate;
use serde::Serialize;

/// What an episode takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Costs {
    pub input_tokens: CostRow,
    pub output_tokens: CostRow,
    pub model_calls: CostRow,
    pub tool_calls: CostRow,
    pub seconds: CostRow,
}

/// A mean over the episodes of each pack that were counted, and the mean difference over pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CostRow {
    pub first: Option<f64>,
    pub second: Option<f64>,
    pub difference: Option<Estimate>,
}

pub(super) fn costs(sides: &[Vec<Attempt<'_>>; 2], paired: &Matches<'_>) -> Costs {
    let row = |value: fn(&Attempt<'_>) -> Option<f64>| {
        let mean = |side: &[Attempt<'_>]| {
            let values: Vec<f64> = side.iter().filter_map(value).collect();
            Estimate::of_mean(&values).map(|estimate| estimate.value)
        };
        let differences = paired.values().flatten().filter_map(|pair| {
            let (first, second) = (value(pair.first)?, value(pair.second)?);
            Some(second - first)
        });
        CostRow {
            first: mean(&sides[0]),
            second: mean(&sides[1]),
            difference: Estimate::of_mean(&differences.collect::<Vec<_>>()),
        }
    };
    Costs {
        input_tokens: row(|attempt| attempt.event.usage.input_tokens.map(|tokens| tokens as f64)),
        output_tokens: row(|attempt| attempt.event.usage.output_tokens.map(|tokens| tokens as f64)),
        model_calls: row(|attempt| Some(f64::from(attempt.event.model_calls))),
        tool_calls: row(|attempt| Some(f64::from(attempt.event.tool_calls))),
        seconds: row(|attempt| attempt.took_ms.map(|ms| ms as f64 / 1000.0)),
    }
}
