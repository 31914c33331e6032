//! The faults of a bad provider: which kinds there are, when each strikes, and what it makes of an answer.
//!
//! Whether an attempt fails is drawn from what was asked and how often it was asked before, so that the same run
//! meets the same faults however many calls are under way.

use packwright::units::Seed;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    RateLimitWithWait,
    RateLimit,
    ServerError,
    Overload,
    DroppedUnanswered,
    DroppedHalfWay,
    SlowDrip,
    TruncatedJson,
    EmptyCompletion,
    MalformedArguments,
    UsageAbsent,
    UsageWithoutInput,
    UsageAbsurd,
    UsageNegative,
    /// Begins to answer and goes silent. Nothing but a limit of time ends such a call, so nights do without it.
    Stalled,
}

/// As likely as each other. Wrong usage is one of them, in four forms.
const KINDS: [&[Fault]; 11] = [
    &[Fault::RateLimitWithWait],
    &[Fault::RateLimit],
    &[Fault::ServerError],
    &[Fault::Overload],
    &[Fault::DroppedUnanswered],
    &[Fault::DroppedHalfWay],
    &[Fault::SlowDrip],
    &[Fault::TruncatedJson],
    &[Fault::EmptyCompletion],
    &[Fault::MalformedArguments],
    &[Fault::UsageAbsent, Fault::UsageWithoutInput, Fault::UsageAbsurd, Fault::UsageNegative],
];

/// More than any call can have.
const ABSURD_TOKENS: u64 = 1_000_000_000_000;

/// How often a provider fails, and the randomness by which it does.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    seed: Seed,
    /// The share of attempts that meet a fault.
    rate: f64,
    /// The only fault that there is.
    only: Option<Fault>,
}

impl Weather {
    pub fn fair() -> Weather {
        Weather::stormy(Seed(0), 0.0)
    }

    /// Faults of all kinds.
    pub fn stormy(seed: Seed, rate: f64) -> Weather {
        Weather { seed, rate, only: None }
    }

    /// One fault and no other, always.
    pub fn always(fault: Fault) -> Weather {
        Weather { seed: Seed(0), rate: 1.0, only: Some(fault) }
    }

    /// What befalls the attempt of this number at what was asked, and the randomness for its details.
    pub fn fault(&self, asked: &str, attempt: u32, calls_tools: bool) -> (Option<Fault>, ChaCha8Rng) {
        let mut rng = self.seed.child("fault", &[asked, &attempt.to_string()]).rng();
        if !rng.random_bool(self.rate) {
            return (None, rng);
        }
        if self.only.is_some() {
            return (self.only, rng);
        }
        loop {
            let forms = KINDS.choose(&mut rng).expect("there are kinds");
            let fault = *forms.choose(&mut rng).expect("every kind has a form");
            if calls_tools || fault != Fault::MalformedArguments {
                return (Some(fault), rng);
            }
        }
    }
}

impl Fault {
    /// The status of a request that is refused unread, with the header that asks to wait.
    pub fn refusal(self, rng: &mut ChaCha8Rng) -> Option<(u16, &'static str)> {
        const WAITS: [&str; 3] = ["retry-after: 0\r\n", "retry-after: 0.01\r\n", "retry-after-ms: 7\r\n"];
        match self {
            Fault::RateLimitWithWait => Some((429, WAITS.choose(rng)?)),
            Fault::RateLimit => Some((429, "")),
            Fault::ServerError => Some((500, "")),
            Fault::Overload => Some((529, "")),
            _ => None,
        }
    }

    /// Whether the provider charges nothing.
    pub fn is_free(self) -> bool {
        matches!(self, Fault::RateLimitWithWait | Fault::RateLimit | Fault::ServerError | Fault::Overload)
    }

    /// Whether the client gets to know what the provider charges.
    pub fn is_counted(self) -> bool {
        matches!(self, Fault::SlowDrip | Fault::EmptyCompletion | Fault::MalformedArguments)
    }

    /// Changes what the model answered.
    pub fn spoil(self, completion: &mut Value, rng: &mut ChaCha8Rng) {
        let usage = &mut completion["usage"];
        match self {
            Fault::EmptyCompletion => {
                usage["completion_tokens"] = 0.into();
                usage["total_tokens"] = usage["prompt_tokens"].clone();
                completion["choices"][0]["message"] = json!({"role": "assistant", "content": ""});
                completion["choices"][0]["finish_reason"] = "stop".into();
            }
            Fault::MalformedArguments => {
                let calls = completion["choices"][0]["message"]["tool_calls"].as_array_mut();
                let call = calls.and_then(|calls| calls.first_mut()).expect("an answer that calls tools");
                let arguments = &mut call["function"]["arguments"];
                *arguments = cut(arguments.as_str().unwrap_or_default(), rng).into();
            }
            Fault::UsageAbsent => drop(completion.as_object_mut().and_then(|map| map.remove("usage"))),
            Fault::UsageWithoutInput => usage["prompt_tokens"] = 0.into(),
            Fault::UsageAbsurd => usage["prompt_tokens"] = ABSURD_TOKENS.into(),
            Fault::UsageNegative => usage["completion_tokens"] = (-5).into(),
            _ => {}
        }
    }
}

/// A text without its end: at least the first character stays, and at least the last goes.
fn cut(text: &str, rng: &mut ChaCha8Rng) -> String {
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
    ends.choose(rng).map_or(String::new(), |end| text[..*end].to_owned())
}
