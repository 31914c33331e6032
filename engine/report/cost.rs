//! What the run took over time: dollars by role as they were counted, tokens, and episodes.

use crate::budget::{Call, Charge, Role};
use crate::episode::Usage;
use crate::event::Event;
use crate::store::Record;
use serde::Serialize;

/// So many points of a curve at most.
const POINTS_MAX: usize = 240;

/// What was taken, from the beginning on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostOverTime {
    /// Why there are no dollars; none where there are.
    pub no_dollars: Option<String>,
    /// Why there are no tokens; none where there are.
    pub no_tokens: Option<String>,
    pub points: Vec<CostPoint>,
}

/// What was taken until a moment. Dollars are those that were counted; what nobody counted is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CostPoint {
    /// Since the run began, by the clock: pauses count.
    pub ms: u64,
    /// Episodes that ended until then.
    pub episodes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// Something that took something, at a moment.
enum Taken {
    Episode,
    Usd(Role, f64),
    Tokens(u64),
}

impl CostOverTime {
    /// `no_dollars` and `no_tokens` say why the run has none, in the words of its accounts.
    pub(super) fn of(
        records: &[Record],
        calls: &[Call],
        no_dollars: String,
        no_tokens: String,
    ) -> CostOverTime {
        let began = records.first().map_or(0, |record| record.wall_clock.recorded_ms);
        let mut taken: Vec<(u64, Taken)> = records.iter().flat_map(of_record).collect();
        if !calls.is_empty() {
            // Calls are counted one by one; what records say of them would count twice.
            taken.retain(|(_, taken)| !matches!(taken, Taken::Tokens(_)));
        }
        taken.extend(calls.iter().flat_map(of_call));
        taken.sort_by_key(|(at, _)| *at);
        let has = |what: fn(&Taken) -> bool| taken.iter().any(|(_, taken)| what(taken));
        let (has_dollars, has_tokens) =
            (has(|taken| matches!(taken, Taken::Usd(..))), has(|taken| matches!(taken, Taken::Tokens(_))));
        let is_asked = |role: Role| calls.iter().any(|call| call.role == role);
        let mut now = CostPoint {
            agent_usd: (has_dollars && is_asked(Role::Agent)).then_some(0.0),
            writer_usd: (has_dollars && is_asked(Role::Writer)).then_some(0.0),
            tokens: has_tokens.then_some(0),
            ..CostPoint::default()
        };
        let mut points = vec![now];
        for (at, taken) in &taken {
            now.ms = at.saturating_sub(began).max(now.ms);
            match taken {
                Taken::Episode => now.episodes += 1,
                Taken::Usd(Role::Agent, usd) => now.agent_usd = now.agent_usd.map(|sum| sum + usd),
                Taken::Usd(Role::Writer, usd) => now.writer_usd = now.writer_usd.map(|sum| sum + usd),
                Taken::Tokens(tokens) => now.tokens = now.tokens.map(|sum| sum + tokens),
            }
            points.push(now);
        }
        CostOverTime {
            no_dollars: (!has_dollars).then_some(no_dollars),
            no_tokens: (!has_tokens).then_some(no_tokens),
            points: thinned(points),
        }
    }
}

fn of_record(record: &Record) -> Vec<(u64, Taken)> {
    let (is_episode, usage) = match &record.event {
        Event::EpisodeScored(scored) if scored.cached => (true, Usage::default()),
        Event::EpisodeScored(scored) => (true, scored.usage),
        Event::EpisodeUnmeasured(unmeasured) => (true, unmeasured.usage),
        Event::Proposed(proposed) => (false, proposed.usage),
        Event::ProposalFailed(failed) => (false, failed.usage),
        _ => (false, Usage::default()),
    };
    let at = record.wall_clock.recorded_ms;
    let episode = is_episode.then_some((at, Taken::Episode));
    episode.into_iter().chain(tokens(usage).map(|tokens| (at, Taken::Tokens(tokens)))).collect()
}

fn of_call(call: &Call) -> Vec<(u64, Taken)> {
    let Some(settled) = call.settled else { return Vec::new() };
    let Charge::Counted { usage, usd } = settled.charge else { return Vec::new() };
    let at = call.began_ms + settled.took_ms;
    let usd = usd.map(|usd| (at, Taken::Usd(call.role, usd.as_dollars())));
    usd.into_iter().chain(tokens(usage).map(|tokens| (at, Taken::Tokens(tokens)))).collect()
}

fn tokens(usage: Usage) -> Option<u64> {
    match (usage.input_tokens, usage.output_tokens) {
        (None, None) => None,
        (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
    }
}

/// Every so many of the points, and the last.
fn thinned(points: Vec<CostPoint>) -> Vec<CostPoint> {
    let apart = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.len() - 1;
    let kept = points.into_iter().enumerate().filter(|(index, _)| index % apart == 0 || *index == last);
    kept.map(|(_, point)| point).collect()
}
