//! Definitions of worlds: the numbers from which worlds are drawn, read from YAML. The families of the
//! laboratory are such files; a user's own is read the same way. What a file does not say is as in the family
//! `default`.

use crate::scenario::problem::{Report, Strictness};
use crate::scenario::yaml;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The built-in families by name, in the order in which tables show them.
const FAMILIES: [(&str, &str); 8] = [
    ("default", include_str!("../../benches/worlds/default.yaml")),
    ("noisy", include_str!("../../benches/worlds/noisy.yaml")),
    ("rugged", include_str!("../../benches/worlds/rugged.yaml")),
    ("non-local", include_str!("../../benches/worlds/non-local.yaml")),
    ("neutral", include_str!("../../benches/worlds/neutral.yaml")),
    ("harmful", include_str!("../../benches/worlds/harmful.yaml")),
    ("null", include_str!("../../benches/worlds/null.yaml")),
    ("long", include_str!("../../benches/worlds/long.yaml")),
];

/// What worlds of one kind have in common. A seed makes a world of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub name: String,
    /// What makes these worlds special, in a sentence.
    pub about: String,
    /// The episodes of a night.
    pub budget: u32,
    pub scenarios: usize,
    /// Over all scenarios.
    pub checks: usize,
    /// How easy checks are, in logits of their pass rate.
    pub base: Spread,
    /// The standard deviation of an episode's luck in logits, which all its checks share.
    pub sigma: f64,
    /// The same of each check alone.
    pub check_sigma: f64,
    /// How many rules there are.
    pub rules: usize,
    /// The share of rules that do nothing.
    pub idle: f64,
    /// What a rule does where it is aimed.
    pub aimed: Aimed,
    /// What it does elsewhere.
    pub aside: Aside,
    /// Instead of both: what it does to all checks of some scenarios.
    pub whole: Option<Whole>,
    /// Pairs of rules that harm each other.
    pub conflicts: Conflicts,
    /// Rules of the start policy only help, and all others never do.
    pub no_gain: bool,
    pub dilution: Dilution,
    /// What the start policy is made of.
    pub start: Start,
    pub writer: Skill,
}

/// A normal distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    pub mean: f64,
    pub sd: f64,
}

/// A rule's main effects: on so many checks, in at most so many scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aimed {
    pub checks: [usize; 2],
    pub scenarios: usize,
    pub mean: f64,
    pub sd: f64,
}

/// A rule's side effects: on so many checks anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aside {
    pub checks: [usize; 2],
    pub mean: f64,
    pub sd: f64,
}

/// A rule's effect on so many whole scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    pub scenarios: [usize; 2],
    pub mean: f64,
    pub sd: f64,
}

/// Pairs of rules that shift each other's checks where a policy has both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflicts {
    pub pairs: usize,
    pub shift: f64,
}

/// What length costs: so many logits on every check for each thousand characters above what is free.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dilution {
    pub free_chars: usize,
    pub per_1000_chars: f64,
}

/// The bullets of the start policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Rules that help on balance.
    pub helpful: usize,
    /// Rules that harm on balance.
    pub harmful: usize,
    /// Bullets without a rule.
    pub neutral: usize,
}

/// What the writer is good for, as probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// That a rule it brings mends a check that it was asked to mend.
    pub skill: f64,
    /// That it makes a second change.
    pub second: f64,
    /// That a change replaces a bullet instead of adding one.
    pub replace: f64,
    /// That a change deletes a bullet instead.
    pub delete: f64,
    /// That its answer cannot be used.
    pub unusable: f64,
}

impl Definition {
    /// The built-in family of that name.
    pub fn named(name: &str) -> Option<Definition> {
        let (_, text) = FAMILIES.iter().find(|(family, _)| *family == name)?;
        Some(Definition::read(text, name).expect("the tests read every built-in family"))
    }

    /// The names of the built-in families.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FAMILIES.iter().map(|(name, _)| *name)
    }

    /// Reads a definition; `file` names it in messages.
    pub fn read(text: &str, file: &str) -> Result<Definition, String> {
        let mut fields = fields(FAMILIES[0].1, "default")?;
        lay_over(&mut fields, self::fields(text, file)?);
        let definition: Definition =
            serde_json::from_value(fields).map_err(|error| format!("{file}: {error}"))?;
        definition.check().map_err(|problem| format!("{file}: {problem}"))?;
        Ok(definition)
    }

    /// Says what cannot be, with what could.
    fn check(&self) -> Result<(), String> {
        let range = |name: &str, value: f64, low: f64, high: f64| {
            let fits = (low..=high).contains(&value);
            if fits { Ok(()) } else { Err(format!("`{name}` is {value}, and must be {low} to {high}")) }
        };
        let count = |name: &str, value: usize, low: usize, high: usize| {
            range(name, value as f64, low as f64, high as f64)
        };
        let pair = |name: &str, [low, high]: [usize; 2], max: usize| {
            let fits = low <= high && high <= max;
            let problem = || format!("`{name}` is [{low}, {high}], and must rise to at most {max}");
            if fits { Ok(()) } else { Err(problem()) }
        };
        let spread = |name: &str, mean: f64, sd: f64| {
            range(&format!("{name}.mean"), mean, -10.0, 10.0)?;
            range(&format!("{name}.sd"), sd, 0.0, 10.0)
        };
        count("scenarios", self.scenarios, 1, 100)?;
        count("checks", self.checks, self.scenarios, 5_000)?;
        count("budget", self.budget as usize, 1, 1_000_000)?;
        count("rules", self.rules, 1, 10_000)?;
        spread("base", self.base.mean, self.base.sd)?;
        range("sigma", self.sigma, 0.0, 10.0)?;
        range("check_sigma", self.check_sigma, 0.0, 10.0)?;
        range("idle", self.idle, 0.0, 1.0)?;
        pair("aimed.checks", self.aimed.checks, self.checks)?;
        count("aimed.scenarios", self.aimed.scenarios, 1, self.scenarios)?;
        spread("aimed", self.aimed.mean, self.aimed.sd)?;
        pair("aside.checks", self.aside.checks, self.checks)?;
        spread("aside", self.aside.mean, self.aside.sd)?;
        if let Some(whole) = &self.whole {
            pair("whole.scenarios", whole.scenarios, self.scenarios)?;
            spread("whole", whole.mean, whole.sd)?;
        }
        count("conflicts.pairs", self.conflicts.pairs, 0, 100_000)?;
        range("conflicts.shift", self.conflicts.shift, -10.0, 0.0)?;
        range("dilution.per_1000_chars", self.dilution.per_1000_chars, 0.0, 10.0)?;
        count("start.helpful + start.harmful", self.start.helpful + self.start.harmful, 0, self.rules)?;
        count("start.neutral", self.start.neutral, 0, 1_000)?;
        let writer = &self.writer;
        for (name, share) in [("skill", writer.skill), ("second", writer.second)] {
            range(&format!("writer.{name}"), share, 0.0, 1.0)?;
        }
        range("writer.unusable", writer.unusable, 0.0, 0.95)?;
        range("writer.replace + writer.delete", writer.replace + writer.delete, 0.0, 1.0)?;
        range("writer.replace", writer.replace, 0.0, 1.0)
    }
}

/// The document as JSON.
fn fields(text: &str, file: &str) -> Result<Value, String> {
    let mut report = Report::new(file, Strictness::Own);
    let node = yaml::parse(text, &mut report);
    if let Some(problem) = report.errors().next() {
        return Err(problem.to_string());
    }
    let Some(node) = node else { return Err(format!("{file}: the file is empty")) };
    let fields: Value =
        serde_json::from_str(&node.to_value().compact()).map_err(|error| format!("{file}: {error}"))?;
    if fields.is_object() {
        Ok(fields)
    } else {
        Err(format!("{file}: a definition is a map, and this is {}", node.kind()))
    }
}

/// Replaces what the other document says.
fn lay_over(fields: &mut Value, over: Value) {
    match (fields, over) {
        (Value::Object(fields), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(fields.entry(key).or_insert(Value::Null), value);
            }
        }
        (field, value) => *field = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_own_name() {
        for name in Definition::names() {
            assert_eq!(Definition::named(name).unwrap().name, name);
        }
        assert_eq!(Definition::named("nul"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, expected: &str| {
            let problem = Definition::read(text, "mine.yaml").unwrap_err();
            assert!(problem.contains("mine.yaml") && problem.contains(expected), "{problem}");
        };
        check("sgima: 1", "unknown field `sgima`");
        check("writer: {skil: 0.5}", "unknown field `skil`");
        check("sigma: -1", "`sigma` is -1, and must be 0 to 10");
        check("aimed: {checks: [4, 2]}", "`aimed.checks` is [4, 2]");
        check("sigma: high", "invalid type: string \"high\"");
        check("writer: {replace: 0.7, delete: 0.6}", "`writer.replace + writer.delete`");
        check("- a", "a definition is a map");
        check("sigma: [", "mine.yaml");
        check("", "mine.yaml");
    }

    #[test]
    fn a_file_says_only_what_it_has_otherwise() {
        let own = Definition::read("name: mine\nwriter: {skill: 0.9}\n", "mine.yaml").unwrap();
        let default = Definition::named("default").unwrap();
        assert_eq!((own.name.as_str(), own.writer.skill), ("mine", 0.9));
        assert_eq!((own.sigma, own.writer.second), (default.sigma, default.writer.second));
    }
}
