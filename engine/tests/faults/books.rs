//! What a provider says that it was asked and what it charges for it, whatever its clients believe.

use super::fault::Fault;
use packwright::budget::Role;
use packwright::units::Usd;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Trillionths of a dollar per token of input and of output.
pub const PRICES: [(Role, u64, u64); 2] =
    [(Role::Agent, 2_000_000, 8_000_000), (Role::Writer, 3_000_000, 15_000_000)];

/// The requests that a provider received.
#[derive(Default)]
pub struct Books {
    receipts: Mutex<Vec<Receipt>>,
}

/// A request that a provider received.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    pub role: Role,
    pub fault: Option<Fault>,
    input: u64,
    output: u64,
}

/// What some requests came to, or some calls by our account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    pub requests: u64,
    pub input: u64,
    pub output: u64,
    pub usd: Usd,
}

impl Receipt {
    /// `usage` is what the model truly took.
    pub fn of(role: Role, fault: Option<Fault>, usage: &Value) -> Receipt {
        let tokens = |key: &str| usage[key].as_u64().expect("the model's endpoint counts");
        let is_silent = fault == Some(Fault::EmptyCompletion);
        let output = if is_silent { 0 } else { tokens("completion_tokens") };
        Receipt { role, fault, input: tokens("prompt_tokens"), output }
    }

    /// Whether nothing is charged.
    pub fn is_free(&self) -> bool {
        self.fault.is_some_and(Fault::is_free)
    }

    /// Whether the client gets to know the charge.
    pub fn is_counted(&self) -> bool {
        self.fault.is_none_or(Fault::is_counted)
    }
}

impl Bill {
    fn plus(self, receipt: &Receipt) -> Bill {
        let requests = self.requests + 1;
        if receipt.is_free() {
            return Bill { requests, ..self };
        }
        let price = PRICES.iter().find(|(role, ..)| *role == receipt.role);
        let (_, per_input, per_output) = *price.expect("every role has a price");
        let pico = per_input * receipt.input + per_output * receipt.output;
        Bill {
            requests,
            input: self.input + receipt.input,
            output: self.output + receipt.output,
            usd: self.usd.plus(Usd::of_pico(pico)),
        }
    }

    /// Both together.
    pub fn and(self, other: Bill) -> Bill {
        Bill {
            requests: self.requests + other.requests,
            input: self.input + other.input,
            output: self.output + other.output,
            usd: self.usd.plus(other.usd),
        }
    }

    pub fn tokens(&self) -> u64 {
        self.input + self.output
    }
}

impl Books {
    pub fn enter(&self, receipt: Receipt) {
        self.receipts.lock().expect("no test fails while it writes").push(receipt);
    }

    pub fn receipts(&self) -> Vec<Receipt> {
        self.receipts.lock().expect("no test fails while it writes").clone()
    }

    /// What the requests of some kind came to.
    pub fn bill(&self, of: impl Fn(&Receipt) -> bool) -> Bill {
        self.receipts().iter().filter(|receipt| of(receipt)).fold(Bill::default(), Bill::plus)
    }

    /// How often each fault struck.
    pub fn faults(&self) -> BTreeMap<Fault, u64> {
        let mut counts = BTreeMap::new();
        for fault in self.receipts().iter().filter_map(|receipt| receipt.fault) {
            *counts.entry(fault).or_insert(0) += 1;
        }
        counts
    }
}
