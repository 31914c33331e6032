//! What one episode or one proposal takes: measured in earlier runs, or guessed from what is sent.

use super::Range;
use crate::budget::{Call, Charge, Role};
use crate::episode::Usage;
use crate::event::Event;
use crate::store::Record;
use crate::units::Usd;
use serde::Serialize;

/// One task, an episode or a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PerTask {
    pub calls: Range,
    pub input_tokens: Range,
    pub output_tokens: Range,
    pub seconds: Range,
    /// The share of the input that was read from the provider's cache; none where that is not known.
    pub cached_share: Option<f64>,
    /// On how many tasks of earlier runs this stands; 0 is a guess.
    pub measured: u32,
    /// What evaluators of the user said that an episode cost; none for models, which have prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_usd: Option<Range>,
}

/// Fewer tasks than this say too little.
const MEASURED_MIN: u32 = 8;
/// Tokens are between this and that many bytes long.
const BYTES_PER_TOKEN: Range = Range { low: 3.0, high: 5.0 };

/// The sizes of what a model is sent, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// The first request: prompt, tools and the user's words.
    pub first: f64,
    /// All that the tools could answer.
    pub material: f64,
}

impl PerTask {
    /// An episode of which nothing is known but what is sent: it takes several calls, each of which repeats the
    /// prompt and what the tools answered before, which is most of the material, some of it more than once.
    pub fn guessed_episode(sent: &[Sent]) -> PerTask {
        let count = sent.len().max(1) as f64;
        let (first, material) = sent.iter().fold((0.0, 0.0), |(first, material), sent| {
            (first + sent.first / count, material + sent.material / count)
        });
        let calls = Range { low: 5.0, high: 16.0 };
        // Of the material, a call on average sends the half that was read by then.
        let sent = Range { low: first + 0.5 * material / 2.0, high: first + 1.5 * material / 2.0 };
        let tokens_per_byte = Range { low: 1.0 / BYTES_PER_TOKEN.high, high: 1.0 / BYTES_PER_TOKEN.low };
        PerTask {
            calls,
            input_tokens: calls.by(sent).by(tokens_per_byte),
            output_tokens: Range { low: 500.0, high: 4_500.0 },
            seconds: Range { low: 6.0, high: 150.0 },
            cached_share: None,
            measured: 0,
            reported_usd: None,
        }
    }

    /// The same for a model inside this program.
    pub fn in_process(self) -> PerTask {
        PerTask { seconds: Range { low: 0.001, high: 0.02 }, ..self }
    }

    /// A proposal of which nothing is known but the size of the policy and of the scenarios' requests.
    pub fn guessed_proposal(policy_bytes: f64, requests_bytes: f64) -> PerTask {
        let read = policy_bytes + requests_bytes + 6_000.0;
        PerTask {
            calls: Range { low: 1.0, high: 1.5 },
            input_tokens: Range {
                low: 0.5 * read / BYTES_PER_TOKEN.high,
                high: 4.0 * read / BYTES_PER_TOKEN.low,
            },
            output_tokens: Range { low: 300.0, high: 12_000.0 },
            seconds: Range { low: 5.0, high: 240.0 },
            cached_share: None,
            measured: 0,
            reported_usd: None,
        }
    }
}

/// What earlier runs measured of a model in a role.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    tasks: u32,
    seconds: f64,
    calls: u64,
    usage: Usage,
    usd: Usd,
}

impl Measured {
    /// Adds a run with its calls. Runs that kept none say nothing.
    pub fn add(&mut self, role: Role, records: &[Record], calls: &[Call]) {
        let calls: Vec<&Call> = calls.iter().filter(|call| call.role == role).collect();
        if calls.is_empty() {
            return;
        }
        for record in records.iter().filter(|record| is_task(role, &record.event)) {
            self.tasks += 1;
            self.seconds += record.wall_clock.took_ms.unwrap_or(0) as f64 / 1e3;
        }
        for call in calls {
            if let Some(Charge::Counted { usage, usd }) = call.settled.map(|settled| settled.charge) {
                self.calls += 1;
                self.usage = self.usage.plus(usage);
                self.usd = self.usd.plus(usd.unwrap_or_default());
            }
        }
    }

    /// The same of an evaluator of the user, which reports dollars itself, if anybody does.
    pub fn per_episode_outside(&self) -> Option<PerTask> {
        let usd = self.usd.as_dollars() / f64::from(self.tasks.max(1));
        let reported_usd = (self.usd > Usd::ZERO).then(|| Range::around(usd, 0.75, 1.35));
        Some(PerTask { reported_usd, ..self.per_task()? })
    }

    /// What a task takes; none where too little was measured.
    pub fn per_task(&self) -> Option<PerTask> {
        if self.tasks < MEASURED_MIN || self.calls == 0 {
            return None;
        }
        let each = |sum: f64| sum / f64::from(self.tasks);
        // Candidates' policies are longer than the first, and other episodes will come than these.
        let near = |value: f64| Range::around(value, 0.75, 1.35);
        let (input, output) = (self.usage.input_tokens? as f64, self.usage.output_tokens? as f64);
        Some(PerTask {
            calls: near(each(self.calls as f64)),
            input_tokens: near(each(input)),
            output_tokens: near(each(output)),
            seconds: Range::around(each(self.seconds), 0.6, 1.6),
            cached_share: self.usage.cache_read_tokens.map(|read| (read as f64 / input.max(1.0)).min(1.0)),
            measured: self.tasks,
            reported_usd: None,
        })
    }
}

fn is_task(role: Role, event: &Event) -> bool {
    match (role, event) {
        (Role::Agent, Event::EpisodeScored(scored)) => !scored.cached,
        (Role::Writer, Event::Proposed(proposed)) => proposed.candidate.operator.asks_writer(),
        (Role::Writer, Event::ProposalFailed(failed)) => failed.operator.asks_writer(),
        _ => false,
    }
}
