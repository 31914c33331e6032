//! What tokens cost: a table of prices per model, with its date and source, and the user's own on top.
//!
//! A model without a price has none: nothing here turns "unknown" into zero.

use super::provider::ModelName;
use crate::episode::Usage;
use crate::units::Usd;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const EMBEDDED: &str = include_str!("prices.json");

/// Prices by `provider/model`.
#[derive(Clone, Debug)]
pub struct PriceTable {
    /// The day on which the embedded prices were collected, as `2026-11-20`.
    pub as_of: String,
    /// Where they come from.
    pub source: String,
    prices: BTreeMap<String, Price>,
    /// Those that the user gave.
    own: BTreeSet<String>,
}

/// What the tokens of one model cost, each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    tier: Tier,
    /// Requests with at least so many input tokens cost this instead, all of their tokens.
    long: Option<(u64, Tier)>,
}

/// Dollars per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tier {
    input: Usd,
    output: Usd,
    /// Input that was read from the provider's cache; full price where the provider gives no discount.
    cache_read: Usd,
    /// Input that was written to the cache; at least the price of other input.
    cache_write: Usd,
}

impl PriceTable {
    /// The prices that come with the program.
    pub fn embedded() -> PriceTable {
        let table: RawTable = serde_json::from_str(EMBEDDED).expect("the embedded prices are tested");
        let mut prices = BTreeMap::new();
        for (model, raw) in table.models {
            let price = raw.price(&model).expect("the embedded prices are tested");
            prices.insert(model, price);
        }
        PriceTable {
            as_of: table.as_of.unwrap_or_default(),
            source: table.source.unwrap_or_default(),
            prices,
            own: BTreeSet::new(),
        }
    }

    /// Lays the user's prices over these: JSON of the same form, `{"models": {"provider/model": {"input": 1.25,
    /// "output": 10}}}`, in dollars per million tokens.
    pub fn with_overrides(mut self, text: &str) -> Result<PriceTable, String> {
        let table: RawTable = serde_json::from_str(text).map_err(|error| placed(&error))?;
        let mut problems = Vec::new();
        for (model, raw) in table.models {
            match raw.price(&model) {
                Ok(price) => {
                    self.own.insert(model.clone());
                    self.prices.insert(model, price);
                }
                Err(problem) => problems.push(format!(" {model}: {problem}")),
            }
        }
        if problems.is_empty() { Ok(self) } else { Err(problems.join(";")) }
    }

    /// The price of a model; dated versions (`-2025-08-07`, `-20250929`) cost what their name without date does.
    pub fn of(&self, model: &str) -> Option<&Price> {
        self.prices.get(model).or_else(|| self.prices.get(without_date(model)?))
    }

    /// The price of a model at another server than its provider's own: only the user can know it.
    pub fn of_elsewhere(&self, model: &str) -> Option<&Price> {
        self.prices.get(model).filter(|_| self.own.contains(model))
    }

    /// The models that have a price, in alphabetical order.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.prices.keys().map(String::as_str)
    }
}

impl Price {
    /// A price per million tokens of input and output, cached or not.
    pub fn per_million(input: Usd, output: Usd) -> Price {
        let [input, output] = [input, output].map(|usd| Usd::of_pico(usd.pico() / 1_000_000));
        Price { tier: Tier { input, output, cache_read: input, cache_write: input }, long: None }
    }

    /// What a call cost by what the provider counted; none when it did not count input or output.
    pub fn cost(&self, usage: Usage) -> Option<Usd> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let read = usage.cache_read_tokens.unwrap_or(0).min(input);
        let written = usage.cache_write_tokens.unwrap_or(0).min(input - read);
        let tier = self.tier(input);
        let fresh = tier.input.times(input - read - written);
        let cached = tier.cache_read.times(read).plus(tier.cache_write.times(written));
        Some(fresh.plus(cached).plus(tier.output.times(output)))
    }

    /// The dollars of an input token when a share of the input is read from the cache; short requests.
    pub fn of_input(&self, cached_share: f64) -> f64 {
        let [fresh, read] = [self.tier.input, self.tier.cache_read].map(Usd::as_dollars);
        fresh * (1.0 - cached_share) + read * cached_share
    }

    /// The dollars of an output token; short requests.
    pub fn of_output(&self) -> f64 {
        self.tier.output.as_dollars()
    }

    /// The most that a call with at most so many tokens can cost.
    pub fn upper_bound(&self, input_tokens: u64, output_tokens: u64) -> Usd {
        let most = |tier: Tier| {
            let input = tier.input.max(tier.cache_write).max(tier.cache_read);
            input.times(input_tokens).plus(tier.output.times(output_tokens))
        };
        let long = self.long.filter(|(from, _)| input_tokens >= *from).map(|(_, tier)| most(tier));
        most(self.tier).max(long.unwrap_or(Usd::ZERO))
    }

    fn tier(&self, input_tokens: u64) -> Tier {
        match self.long {
            Some((from, tier)) if input_tokens >= from => tier,
            _ => self.tier,
        }
    }
}

/// The file's form, in dollars per million tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    as_of: Option<String>,
    source: Option<String>,
    models: BTreeMap<String, RawPrice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrice {
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    long: Option<RawLong>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLong {
    from_input_tokens: u64,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
}

impl RawPrice {
    fn price(&self, model: &str) -> Result<Price, String> {
        if model.parse::<ModelName>().is_err() {
            return Err("a model is named provider/name here, as --model names it".into());
        }
        // Where nobody says otherwise, Anthropic takes a quarter more for input that it keeps.
        let written = |input: f64| if model.starts_with("anthropic/") { 1.25 * input } else { input };
        let cache_write = self.cache_write.unwrap_or(written(self.input));
        let short = tier(self.input, self.output, self.cache_read, Some(cache_write))?;
        let long = self.long.as_ref().map(|long| {
            let cache_write = long.cache_write.unwrap_or(written(long.input));
            let tier = tier(long.input, long.output, long.cache_read, Some(cache_write))?;
            Ok::<_, String>((long.from_input_tokens, tier))
        });
        Ok(Price { tier: short, long: long.transpose()? })
    }
}

fn tier(input: f64, output: f64, cache_read: Option<f64>, cache_write: Option<f64>) -> Result<Tier, String> {
    Ok(Tier {
        input: per_token(input)?,
        output: per_token(output)?,
        cache_read: per_token(cache_read.unwrap_or(input))?,
        cache_write: per_token(cache_write.unwrap_or(input))?,
    })
}

fn per_token(per_million: f64) -> Result<Usd, String> {
    let amount = Usd::of_dollars(per_million / 1_000_000.0);
    amount.ok_or_else(|| format!("{per_million} is no price in dollars per million tokens"))
}

/// `3:14: what is wrong`.
fn placed(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
    format!("{}:{}: {words}", error.line(), error.column())
}

/// The name without `-YYYY-MM-DD` or `-YYYYMMDD` at its end.
fn without_date(model: &str) -> Option<&str> {
    let is_date = |text: &str, separators: &[usize]| {
        text.bytes().enumerate().all(|(at, byte)| match separators.contains(&at) {
            true => byte == b'-',
            false => byte.is_ascii_digit(),
        })
    };
    let cut = |length: usize, separators: &[usize]| {
        let at = model.len().checked_sub(length)?;
        let (name, date) = model.split_at_checked(at)?;
        is_date(date, separators).then_some(name)
    };
    cut(11, &[0, 5, 8]).or_else(|| cut(9, &[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, read: u64, written: u64, output: u64) -> Usage {
        Usage {
            input_tokens: Some(input),
            output_tokens: Some(output),
            cache_read_tokens: Some(read),
            cache_write_tokens: Some(written),
            reasoning_tokens: None,
        }
    }

    #[test]
    fn every_embedded_price_can_be_read_and_is_plausible() {
        let table = PriceTable::embedded();
        assert!(table.models().count() > 50);
        for model in table.models() {
            let price = table.of(model).unwrap();
            assert!(price.tier.cache_read <= price.tier.input, "{model}");
            assert!(price.tier.cache_write >= price.tier.input, "{model}");
            let million = usage(1_000_000, 0, 0, 1_000_000);
            assert!(price.cost(million).unwrap() < "500".parse().unwrap(), "{model}");
        }
    }

    #[test]
    fn cached_input_has_its_own_price() {
        let table = PriceTable::embedded();
        let price = table.of("anthropic/claude-sonnet-4-5-20250929").unwrap();
        // 1,000 fresh at $3, 8,000 read at $0.30, 1,000 written at $3.75, 500 out at $15, per million.
        let cost = price.cost(usage(10_000, 8_000, 1_000, 500)).unwrap();
        assert_eq!(cost, "0.01665".parse().unwrap());
        assert_eq!(table.of("openai/gpt-5-mini-2025-08-07"), table.of("openai/gpt-5-mini"));
        assert_eq!(table.of("openai/nothing-like-it"), None);
    }

    #[test]
    fn what_was_not_counted_has_no_cost() {
        let price = *PriceTable::embedded().of("openai/gpt-5").unwrap();
        assert_eq!(price.cost(Usage::default()), None);
        assert_eq!(price.cost(Usage { input_tokens: Some(5), ..Usage::default() }), None);
    }

    #[test]
    fn no_call_costs_more_than_its_upper_bound() {
        let table = PriceTable::embedded();
        for model in table.models() {
            let price = table.of(model).unwrap();
            for input in [0, 1, 99_999, 100_000, 199_999, 200_000, 300_000] {
                for (read, written) in [(0, 0), (input, 0), (0, input), (input / 2, input / 3)] {
                    let cost = price.cost(usage(input, read, written, 700)).unwrap();
                    assert!(cost <= price.upper_bound(input, 700), "{model} {input}");
                    assert!(cost <= price.upper_bound(input + 150_000, 900), "{model} {input}");
                }
            }
        }
    }

    #[test]
    fn the_users_prices_come_first_and_all_that_is_wrong_is_said() {
        let table = PriceTable::embedded();
        let own = r#"{"models": {"vllm/mine": {"input": 0.5, "output": 1}, "openai/gpt-5": {"input": 9, "output": 9}}}"#;
        let table = table.with_overrides(own).unwrap();
        assert_eq!(table.of("vllm/mine").unwrap().cost(usage(2, 0, 0, 1)), Some(Usd::of_pico(2_000_000)));
        assert_eq!(table.of("openai/gpt-5").unwrap().cost(usage(1, 0, 0, 0)), Some(Usd::of_pico(9_000_000)));
        let bad = r#"{"models": {"vllm/b": {"input": -1, "output": 1}, "vllm/d": {"input": 1, "output": 1e99},
            "gpt-5": {"input": 1, "output": 1}}}"#;
        let problem = table.clone().with_overrides(bad).unwrap_err();
        for words in ["vllm/b: -1", "vllm/d: 1", "gpt-5: a model is named provider/name"] {
            assert!(problem.contains(words), "{problem}");
        }
        assert!(table.with_overrides("{").is_err());
    }
}
