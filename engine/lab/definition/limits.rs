//! What the numbers of a definition may be, alone and beside each other.

use super::Definition;

/// A number that cannot be.
pub struct OutOfRange {
    /// The keys that it is of; several where their sum is meant.
    pub keys: Vec<&'static str>,
    pub found: String,
    pub allowed: String,
}

/// Everything in it that cannot be.
pub fn out_of_range(definition: &Definition) -> Vec<OutOfRange> {
    let mut found = Found(Vec::new());
    let Definition { scenarios, checks, rules, .. } = *definition;
    found.count(&["budget"], definition.budget as usize, 1, 1_000_000);
    found.count(&["scenarios"], scenarios, 1, 100);
    found.count(&["checks"], checks, scenarios, 5_000);
    found.normal(["base.mean", "base.sd"], definition.base.mean, definition.base.sd);
    found.number(&["sigma"], definition.sigma, 0.0, 10.0);
    found.number(&["check_sigma"], definition.check_sigma, 0.0, 10.0);
    found.count(&["rules"], rules, 1, 10_000);
    found.number(&["idle"], definition.idle, 0.0, 1.0);
    let (aimed, aside) = (&definition.aimed, &definition.aside);
    found.pair("aimed.checks", aimed.checks, checks);
    found.count(&["aimed.scenarios"], aimed.scenarios, 1, scenarios);
    found.normal(["aimed.mean", "aimed.sd"], aimed.mean, aimed.sd);
    found.pair("aside.checks", aside.checks, checks);
    found.normal(["aside.mean", "aside.sd"], aside.mean, aside.sd);
    if let Some(whole) = &definition.whole {
        found.pair("whole.scenarios", whole.scenarios, scenarios);
        found.normal(["whole.mean", "whole.sd"], whole.mean, whole.sd);
    }
    found.count(&["conflicts.pairs"], definition.conflicts.pairs, 0, 100_000);
    found.number(&["conflicts.shift"], definition.conflicts.shift, -10.0, 0.0);
    found.number(&["dilution.per_1000_chars"], definition.dilution.per_1000_chars, 0.0, 10.0);
    let (start, writer) = (&definition.start, &definition.writer);
    found.count(&["start.helpful", "start.harmful"], start.helpful + start.harmful, 0, rules);
    found.count(&["start.neutral"], start.neutral, 0, 1_000);
    found.number(&["writer.skill"], writer.skill, 0.0, 1.0);
    found.number(&["writer.second"], writer.second, 0.0, 1.0);
    found.number(&["writer.replace"], writer.replace, 0.0, 1.0);
    found.number(&["writer.delete"], writer.delete, 0.0, 1.0);
    if writer.replace.min(writer.delete) >= 0.0 {
        found.number(&["writer.replace", "writer.delete"], writer.replace + writer.delete, 0.0, 1.0);
    }
    found.number(&["writer.unusable"], writer.unusable, 0.0, 0.95);
    found.0
}

struct Found(Vec<OutOfRange>);

impl Found {
    fn number(&mut self, keys: &[&'static str], value: f64, low: f64, high: f64) {
        if !(low..=high).contains(&value) {
            self.add(keys, value.to_string(), format!("{low} to {high}"));
        }
    }

    fn count(&mut self, keys: &[&'static str], value: usize, low: usize, high: usize) {
        if !(low..=high).contains(&value) {
            self.add(keys, value.to_string(), format!("{low} to {high}"));
        }
    }

    fn normal(&mut self, [mean_key, sd_key]: [&'static str; 2], mean: f64, sd: f64) {
        self.number(&[mean_key], mean, -10.0, 10.0);
        self.number(&[sd_key], sd, 0.0, 10.0);
    }

    fn pair(&mut self, key: &'static str, [low, high]: [usize; 2], most: usize) {
        if low > high || high > most {
            self.add(
                &[key],
                format!("[{low}, {high}]"),
                format!("from the fewest to the most, at most {most}"),
            );
        }
    }

    fn add(&mut self, keys: &[&'static str], found: String, allowed: String) {
        self.0.push(OutOfRange { keys: keys.to_vec(), found, allowed });
    }
}
