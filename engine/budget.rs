//! Budgets: hard limits on what a run may spend, and the account of every call that it made to a provider.
//!
//! A call is reserved at its upper bound before it is made and settled by what the provider counted. What is
//! reserved counts as spent, so that no number of calls at once exceeds a limit. What nobody counted stays "at
//! most", and what has no price stays unpriced: neither is ever a number of dollars.

mod accounts;
mod spending;

use crate::episode::Usage;
use crate::units::Usd;
use serde::{Deserialize, Serialize};
use std::fmt;

pub use accounts::{Accounts, Amount, Refusal};
pub use spending::{Spending, Sum};

/// What a model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Agent,
    Writer,
}

/// Hard limits; none is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Caps {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<Usd>,
    /// Input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Requests to providers, those that failed included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// For a run, the time that it works; for a role, the time during which at least one of its calls is under
    /// way. In milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

/// The limits of a run, and those of its roles within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunCaps {
    pub run: Caps,
    pub agent: Caps,
    pub writer: Caps,
}

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// None is the limit of the whole run.
    pub role: Option<Role>,
    pub resource: Resource,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    Usd,
    Tokens,
    Calls,
    Time,
    /// The user's patience: nothing more is begun once they ask for the end.
    Patience,
}

/// A call to a provider: one attempt, whatever came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Counted from 1 over the whole run.
    pub number: u64,
    pub role: Role,
    /// `provider/model`.
    pub model: String,
    /// In milliseconds since 1970.
    pub began_ms: u64,
    /// The most that it could take.
    pub bound: Bound,
    /// None while it is under way, and for ever where the process ended before the answer came.
    pub settled: Option<Settled>,
}

/// An upper bound, made before the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Input and output; none where nothing limits the output.
    pub tokens: Option<u64>,
    /// None where the model has no price, or nothing limits the output.
    pub usd: Option<Usd>,
    pub is_priced: bool,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    pub took_ms: u64,
    pub charge: Charge,
}

/// What a call cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// As the provider counted; `usd` is none where the model has no price.
    Counted { usage: Usage, usd: Option<Usd> },
    /// Nobody counted it, or not plausibly, and it may have cost all of its bound.
    Uncounted,
    /// The provider refused it unread, or it never reached one.
    Free,
}

impl RunCaps {
    pub fn of(&self, role: Role) -> &Caps {
        match role {
            Role::Agent => &self.agent,
            Role::Writer => &self.writer,
        }
    }

    /// Whether a role's calls must have a bound in tokens, since its money or tokens are limited.
    pub fn needs_bound(&self, role: Role) -> bool {
        let limits = |caps: &Caps| caps.usd.is_some() || caps.tokens.is_some();
        limits(&self.run) || limits(self.of(role))
    }

    /// Whether a role's dollars are limited.
    pub fn needs_price(&self, role: Role) -> bool {
        self.run.usd.is_some() || self.of(role).usd.is_some()
    }
}

impl fmt::Display for RunCaps {
    /// As the options of the command line that set them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = [(None, &self.run), (Some(Role::Agent), &self.agent), (Some(Role::Writer), &self.writer)];
        let mut words = Vec::new();
        for (role, caps) in roles {
            let values = [
                (Resource::Usd, caps.usd.map(|usd| usd.to_string())),
                (Resource::Tokens, caps.tokens.map(|tokens| tokens.to_string())),
                (Resource::Calls, caps.calls.map(|calls| calls.to_string())),
                (Resource::Time, caps.time_ms.map(time_words)),
            ];
            let given = values.into_iter().filter_map(|(resource, value)| Some((resource, value?)));
            words.extend(
                given.map(|(resource, value)| format!("{} {value}", Limit { role, resource }.flag())),
            );
        }
        if words.is_empty() { f.write_str("no limits but the budget") } else { f.write_str(&words.join(" ")) }
    }
}

/// A time as the command line takes it: `7h30m`.
pub fn time_words(ms: u64) -> String {
    let seconds = ms / 1_000;
    let parts = [(seconds / 3_600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let words: String = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    if words.is_empty() { "0s".to_owned() } else { words }
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Writer => "writer",
        }
    }
}

impl Limit {
    pub const RUN_TIME: Limit = Limit { role: None, resource: Resource::Time };
    /// The user asked for the end.
    pub const STOPPED: Limit = Limit { role: None, resource: Resource::Patience };

    /// The option of the command line that sets it, or the command.
    pub fn flag(self) -> String {
        if self == Limit::STOPPED {
            return "optimize stop".to_owned();
        }
        let whose = self.role.map_or(String::new(), |role| format!("{}-", role.word()));
        let what = match self.resource {
            Resource::Usd => "usd",
            Resource::Tokens => "tokens",
            Resource::Calls => "calls",
            Resource::Time => "time",
            Resource::Patience => "patience",
        };
        format!("--{whose}max-{what}")
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Limit::STOPPED => f.write_str("the run was asked to stop"),
            limit => write!(f, "the limit {} is reached", limit.flag()),
        }
    }
}
