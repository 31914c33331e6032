//! Limits of money, tokens, calls and time, and the prices that money is counted by: from the command line.

use crate::exit::BadInput;
use crate::role::Role;
use clap::Args;
use packwright::budget::{Caps, Role as RoleKind, RunCaps};
use packwright::llm::pricing::{Price, PriceTable};
use packwright::units::Usd;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Limits; the first one that is reached ends the run with a verdict")]
pub struct LimitArgs {
    /// The most dollars to spend, by the table of prices
    #[arg(long, value_name = "USD")]
    pub max_usd: Option<Usd>,

    /// The most tokens, input and output together
    #[arg(long, value_name = "TOKENS", value_parser = count)]
    pub max_tokens: Option<u64>,

    /// The most requests to providers, those that fail included
    #[arg(long, value_name = "CALLS", value_parser = count)]
    pub max_calls: Option<u64>,

    /// The longest that the run may work, for example 90m or 7h30m
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    pub max_time: Option<u64>,

    /// The same for the agent alone; its time is that in which at least one of its calls is under way
    #[arg(long, value_name = "USD")]
    pub agent_max_usd: Option<Usd>,
    #[arg(long, value_name = "TOKENS", value_parser = count, hide_short_help = true)]
    pub agent_max_tokens: Option<u64>,
    #[arg(long, value_name = "CALLS", value_parser = count, hide_short_help = true)]
    pub agent_max_calls: Option<u64>,
    #[arg(long, value_name = "TIME", value_parser = duration_ms, hide_short_help = true)]
    pub agent_max_time: Option<u64>,

    /// The same for all writers together; without money the writers are not asked any more, and the run goes on
    /// to its verdict
    #[arg(long, value_name = "USD")]
    pub writer_max_usd: Option<Usd>,
    #[arg(long, value_name = "TOKENS", value_parser = count, hide_short_help = true)]
    pub writer_max_tokens: Option<u64>,
    #[arg(long, value_name = "CALLS", value_parser = count, hide_short_help = true)]
    pub writer_max_calls: Option<u64>,
    #[arg(long, value_name = "TIME", value_parser = duration_ms, hide_short_help = true)]
    pub writer_max_time: Option<u64>,

    /// Your own prices, over the built-in ones: a JSON file like
    /// {"models": {"vllm/mine": {"input": 0.2, "output": 0.6}}}, in dollars per million tokens
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
}

impl LimitArgs {
    pub fn caps(&self) -> RunCaps {
        RunCaps {
            run: Caps {
                usd: self.max_usd,
                tokens: self.max_tokens,
                calls: self.max_calls,
                time_ms: self.max_time,
            },
            agent: Caps {
                usd: self.agent_max_usd,
                tokens: self.agent_max_tokens,
                calls: self.agent_max_calls,
                time_ms: self.agent_max_time,
            },
            writer: Caps {
                usd: self.writer_max_usd,
                tokens: self.writer_max_tokens,
                calls: self.writer_max_calls,
                time_ms: self.writer_max_time,
            },
        }
    }

    /// The prices of the models that providers are asked for, and refuses a limit of dollars that cannot hold.
    pub fn prices<'a>(&self, models: impl Iterator<Item = (RoleKind, &'a Role)>) -> anyhow::Result<Prices> {
        let table = self.table()?;
        let mut prices = Prices { note: note(&table, self.prices.as_deref()), ..Prices::default() };
        let caps = self.caps();
        let mut missing = Vec::new();
        for (kind, role) in models {
            let model = &role.model;
            let price = if role.is_at_home()? { table.of(model) } else { table.of_elsewhere(model) };
            match price {
                Some(price) => drop(prices.by_model.insert(role.to_string(), *price)),
                None if caps.needs_price(kind) => missing.push(model.clone()),
                None => {}
            }
        }
        missing.dedup();
        if let Some(first) = missing.first() {
            let problem = format!(
                "a limit of dollars needs a price for {}: give it in a file with --prices, as \
                 {{\"models\": {{\"{first}\": {{\"input\": 0.25, \"output\": 2}}}}}} in dollars per million \
                 tokens, or limit --max-tokens instead",
                missing.join(", ")
            );
            return Err(BadInput(problem).into());
        }
        Ok(prices)
    }

    fn table(&self) -> anyhow::Result<PriceTable> {
        let Some(file) = &self.prices else { return Ok(PriceTable::embedded()) };
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| BadInput(format!("cannot read the prices in {shown}: {error}")))?;
        let table = PriceTable::embedded().with_overrides(&text);
        table.map_err(|problem| BadInput(format!("{shown}:{problem}")).into())
    }
}

/// The prices of a run, kept with it so that it is resumed under the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Prices {
    /// For people: which prices these are.
    pub note: String,
    /// By the model's name and its place.
    by_model: BTreeMap<String, Price>,
}

impl Prices {
    pub fn of(&self, role: &Role) -> Option<Price> {
        self.by_model.get(&role.to_string()).copied()
    }
}

fn note(table: &PriceTable, own: Option<&Path>) -> String {
    let own = own.and_then(Path::file_name).map(|name| format!(" and {}", name.to_string_lossy()));
    format!("the prices of {}{}", table.as_of, own.unwrap_or_default())
}

pub fn count(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let (digits, factor) = match digits.strip_suffix(['k', 'K']) {
        Some(digits) => (digits.to_owned(), 1_000),
        None => match digits.strip_suffix(['m', 'M']) {
            Some(digits) => (digits.to_owned(), 1_000_000),
            None => (digits, 1),
        },
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    number.filter(|number| *number > 0).ok_or_else(|| "expected a number like 500000, 500k or 2m".into())
}

/// Milliseconds of `90m`, `7h30m`, `45s`.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let bad = || "expected a time like 45s, 90m or 7h30m".to_owned();
    let mut rest = text.trim();
    let mut seconds = 0_u64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0).ok_or_else(bad)?;
        let number: u64 = rest[..end].parse().map_err(|_| bad())?;
        let unit = match rest.as_bytes()[end] {
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return Err(bad()),
        };
        seconds = number.checked_mul(unit).and_then(|part| seconds.checked_add(part)).ok_or_else(bad)?;
        rest = &rest[end + 1..];
    }
    seconds.checked_mul(1_000).filter(|ms| *ms > 0).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_are_read() {
        let check =
            |text: &str, expected: Option<u64>| assert_eq!(duration_ms(text).ok(), expected, "{text}");
        check("45s", Some(45_000));
        check("7h30m", Some(27_000_000));
        for bad in ["", "0s", "90", "m", "1d", "-1h", "h1", "1é", "99999999999999999999h"] {
            check(bad, None);
        }
        let check = |text: &str, expected: Option<u64>| assert_eq!(count(text).ok(), expected, "{text}");
        check("500_000", Some(500_000));
        check("2m", Some(2_000_000));
        check("20k", Some(20_000));
        for bad in ["", "0", "k", "-1", "1.5", "99999999999999999999"] {
            check(bad, None);
        }
    }
}
