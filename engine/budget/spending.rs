//! What a run spent, gathered from its calls: counted, uncounted and unpriced, each by its own word.

use super::{Call, Charge, Role};
use crate::episode::Usage;
use crate::units::Usd;
use serde::Serialize;

/// The spending of one model in one role.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spending {
    pub role: Role,
    pub model: String,
    #[serde(flatten)]
    pub sum: Sum,
}

/// Calls and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sum {
    /// Attempts made, whatever came of them.
    pub calls: u64,
    /// Of them, those that the provider refused unread.
    pub free_calls: u64,
    /// Of them, those that nobody counted: cut off, broken, or counted implausibly.
    pub uncounted_calls: u64,
    /// Of the uncounted ones, those of a model with a price.
    pub uncounted_priced_calls: u64,
    /// What the uncounted calls took at most; none where the output of one of them had no limit.
    pub uncounted_tokens_max: Option<u64>,
    /// Of them, those of a model without a price.
    pub unpriced_calls: u64,
    /// As providers counted.
    pub usage: Usage,
    /// What the counted calls cost.
    pub usd: Usd,
    /// What the uncounted calls with a price cost at most; none where the output of one of them had no limit.
    pub uncounted_usd_max: Option<Usd>,
}

impl Spending {
    /// One row per role and model, in the order of their first calls.
    pub fn of(calls: &[Call]) -> Vec<Spending> {
        let mut rows: Vec<Spending> = Vec::new();
        for call in calls {
            let known = rows.iter().position(|row| row.role == call.role && row.model == call.model);
            let at = known.unwrap_or_else(|| {
                rows.push(Spending { role: call.role, model: call.model.clone(), sum: Sum::nothing() });
                rows.len() - 1
            });
            rows[at].sum.add(call);
        }
        rows
    }
}

impl Sum {
    /// Of no calls.
    pub fn nothing() -> Sum {
        Sum { uncounted_usd_max: Some(Usd::ZERO), uncounted_tokens_max: Some(0), ..Sum::default() }
    }

    /// Of both.
    pub fn plus(&self, other: &Sum) -> Sum {
        let most = self.uncounted_usd_max.zip(other.uncounted_usd_max);
        let tokens = self.uncounted_tokens_max.zip(other.uncounted_tokens_max);
        Sum {
            calls: self.calls + other.calls,
            free_calls: self.free_calls + other.free_calls,
            uncounted_calls: self.uncounted_calls + other.uncounted_calls,
            uncounted_priced_calls: self.uncounted_priced_calls + other.uncounted_priced_calls,
            uncounted_tokens_max: tokens.map(|(one, other)| one.saturating_add(other)),
            unpriced_calls: self.unpriced_calls + other.unpriced_calls,
            usage: self.usage.plus(other.usage),
            usd: self.usd.plus(other.usd),
            uncounted_usd_max: most.map(|(one, other)| one.plus(other)),
        }
    }

    fn add(&mut self, call: &Call) {
        self.calls += 1;
        match call.settled.map_or(Charge::Uncounted, |settled| settled.charge) {
            Charge::Counted { usage, usd } => {
                self.unpriced_calls += u64::from(usd.is_none());
                self.usage = self.usage.plus(usage);
                self.usd = self.usd.plus(usd.unwrap_or_default());
            }
            Charge::Uncounted => {
                self.uncounted_calls += 1;
                self.unpriced_calls += u64::from(!call.bound.is_priced);
                let tokens = self.uncounted_tokens_max.zip(call.bound.tokens);
                self.uncounted_tokens_max = tokens.map(|(sum, tokens)| sum.saturating_add(tokens));
                if call.bound.is_priced {
                    self.uncounted_priced_calls += 1;
                    let sum = self.uncounted_usd_max.zip(call.bound.usd);
                    self.uncounted_usd_max = sum.map(|(sum, usd)| sum.plus(usd));
                }
            }
            Charge::Free => {
                self.free_calls += 1;
                self.unpriced_calls += u64::from(!call.bound.is_priced);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Bound, Settled};

    #[test]
    fn every_kind_of_call_has_its_own_count() {
        let usage = Usage { input_tokens: Some(5), output_tokens: Some(1), ..Usage::default() };
        let priced = Bound { tokens: Some(9), usd: Some(Usd::of_pico(9)), is_priced: true };
        let unlimited = Bound { tokens: None, usd: None, is_priced: true };
        let unpriced = Bound::default();
        let call = |bound, charge: Option<Charge>| Call {
            number: 1,
            role: Role::Agent,
            model: "a/b".into(),
            began_ms: 0,
            bound,
            settled: charge.map(|charge| Settled { took_ms: 1, charge }),
        };
        let usd = Some(Usd::of_pico(6));
        let mut calls = vec![
            call(priced, Some(Charge::Counted { usage, usd })),
            call(priced, Some(Charge::Free)),
            call(priced, Some(Charge::Uncounted)),
            call(priced, None),
            call(unpriced, Some(Charge::Counted { usage, usd: None })),
        ];
        let of = |calls: &[Call]| Spending::of(calls)[0].sum;
        let sum = of(&calls);
        let counts = (sum.calls, sum.free_calls, sum.uncounted_calls, sum.unpriced_calls);
        assert_eq!(counts, (5, 1, 2, 1));
        assert_eq!((sum.usd, sum.uncounted_usd_max), (Usd::of_pico(6), Some(Usd::of_pico(18))));
        assert_eq!(sum.usage.input_tokens, Some(10));
        calls.push(call(unlimited, None));
        assert_eq!(of(&calls).uncounted_usd_max, None);
        assert_eq!(Spending::of(&calls).len(), 1);
    }
}
