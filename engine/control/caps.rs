//! Limits that change while a run goes on: which of them, and whether the new ones can be kept.

use crate::budget::{Caps, Role, RunCaps};
use crate::units::Usd;

/// What calls of each role can be counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metering {
    pub agent: Countable,
    pub writer: Countable,
}

/// What calls of a role can be counted in before they are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Countable {
    /// Every model has a price.
    pub is_priced: bool,
    /// Every reply has a greatest length.
    pub is_bounded: bool,
}

impl Metering {
    /// Says why a limit could be exceeded; nothing where all hold.
    pub fn can_keep(&self, caps: &RunCaps) -> Result<(), String> {
        for (role, countable) in [(Role::Agent, self.agent), (Role::Writer, self.writer)] {
            let word = role.word();
            if caps.needs_bound(role) && !countable.is_bounded {
                return Err(format!(
                    "the run began without a limit of dollars or tokens, so the {word}'s replies have no greatest length \
                     and such a limit could be exceeded; --max-calls, --max-time and --budget can be set"
                ));
            }
            if caps.needs_price(role) && !countable.is_priced {
                return Err(format!(
                    "the run began without a price for the {word}'s model, so dollars cannot be limited; --max-tokens, \
                     --max-calls and --max-time can be set"
                ));
            }
        }
        Ok(())
    }
}

/// Limits of a run or a role that are to change; what is none stays, and what is none within is lifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapChanges {
    pub usd: Option<Option<Usd>>,
    pub tokens: Option<Option<u64>>,
    pub calls: Option<Option<u64>>,
    pub time_ms: Option<Option<u64>>,
}

impl CapChanges {
    pub fn of(&self, caps: Caps) -> Caps {
        Caps {
            usd: self.usd.unwrap_or(caps.usd),
            tokens: self.tokens.unwrap_or(caps.tokens),
            calls: self.calls.unwrap_or(caps.calls),
            time_ms: self.time_ms.unwrap_or(caps.time_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_could_be_exceeded_are_refused() {
        let usd = Caps { usd: Some(Usd::of_pico(1)), ..Caps::default() };
        let calls = Caps { calls: Some(1), ..Caps::default() };
        let run = |caps| RunCaps { run: caps, ..RunCaps::default() };
        let agent = |caps| RunCaps { agent: caps, ..RunCaps::default() };
        let whole = Countable { is_priced: true, is_bounded: true };
        let check = |metering: Metering, caps: RunCaps, expected: Option<&str>| {
            let answer = metering.can_keep(&caps).err();
            assert_eq!(answer.is_some(), expected.is_some(), "{answer:?}");
            assert!(answer.unwrap_or_default().contains(expected.unwrap_or_default()));
        };
        check(Metering::default(), run(calls), None);
        check(Metering::default(), run(usd), Some("no greatest length"));
        check(Metering { agent: whole, writer: whole }, run(usd), None);
        let unpriced = Countable { is_priced: false, ..whole };
        check(Metering { agent: whole, writer: unpriced }, run(usd), Some("a price for the writer"));
        check(Metering { agent: whole, writer: unpriced }, agent(usd), None);
    }

    #[test]
    fn what_is_not_named_stays() {
        let caps = Caps { calls: Some(5), tokens: Some(7), ..Caps::default() };
        let changes = CapChanges { calls: Some(None), time_ms: Some(Some(9)), ..CapChanges::default() };
        assert_eq!(changes.of(caps), Caps { tokens: Some(7), time_ms: Some(9), ..Caps::default() });
    }
}
