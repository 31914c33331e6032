//! Scored episodes that look like trouble with the model, not like the policy: no tool was called where other
//! episodes of the scenario call several. They are told of and keep their scores.

use super::{Gathered, Report, plain};
use crate::units::PackHash;
use serde::Serialize;
use std::collections::BTreeMap;

/// From so many other episodes on, their mean says something.
const OTHERS_MIN: u32 = 3;
/// So many calls of the others make none of one's own strange.
const OTHERS_MEAN_MIN: f64 = 3.0;
/// How many are named in the text.
const NAMED_MAX: usize = 5;

/// An episode without a tool call, on a scenario where the others make several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuspiciousEpisode {
    /// Of its event.
    pub ordinal: u32,
    pub candidate: PackHash,
    pub scenario: String,
    pub repeat: u32,
    pub tool_calls: u32,
    /// What the other scored episodes of the scenario make on average, whatever their candidate.
    pub others_mean: f64,
}

/// The suspicious episodes, in the order of their events.
pub(super) fn suspicious(gathered: &Gathered<'_>) -> Vec<SuspiciousEpisode> {
    // Episodes and tool calls of each scenario.
    let mut sums: BTreeMap<&str, (u32, u64)> = BTreeMap::new();
    for scored in &gathered.scored {
        let (episodes, calls) = sums.entry(&scored.event.key.scenario).or_default();
        *episodes += 1;
        *calls += u64::from(scored.event.tool_calls);
    }
    let silent = gathered.scored.iter().filter(|scored| scored.event.tool_calls == 0);
    let looked_at = silent.filter_map(|scored| {
        let key = &scored.event.key;
        // Its own calls are none, so all of the sum are the others'.
        let (episodes, calls) = *sums.get(key.scenario.as_str())?;
        Some(SuspiciousEpisode {
            ordinal: scored.ordinal,
            candidate: key.candidate.clone(),
            scenario: key.scenario.clone(),
            repeat: key.repeat,
            tool_calls: 0,
            others_mean: others_mean(episodes - 1, calls)?,
        })
    });
    looked_at.filter(|episode| episode.others_mean >= OTHERS_MEAN_MIN).collect()
}

/// None where too few others say anything.
fn others_mean(others: u32, calls: u64) -> Option<f64> {
    (others >= OTHERS_MIN).then(|| calls as f64 / f64::from(others))
}

/// A line beside the verdict; empty where nothing is suspicious.
pub(super) fn suspicion(report: &Report) -> String {
    let all = &report.suspicious;
    if all.is_empty() {
        return String::new();
    }
    let name = |episode: &SuspiciousEpisode| {
        let SuspiciousEpisode { scenario, repeat, candidate, others_mean, .. } = episode;
        let (scenario, candidate) = (plain(scenario), candidate.short());
        format!("{scenario} (repeat {repeat} of {candidate}, others {others_mean:.1})")
    };
    let named: Vec<String> = all.iter().take(NAMED_MAX).map(name).collect();
    let rest = all.len().saturating_sub(NAMED_MAX);
    let rest = if rest > 0 { format!(", and {rest} more") } else { String::new() };
    let (episodes, count) = match all.len() {
        1 => ("1 episode", "counts"),
        _ => (&*format!("{} episodes", all.len()), "count"),
    };
    format!(
        "Suspicious: {episodes} called no tool where others make several on average, and {count} all the same: \
         {}{rest}.\n",
        named.join(", ")
    )
}
