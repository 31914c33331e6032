//! Definitions of worlds: the numbers from which worlds are drawn, read from YAML. The families of the
//! laboratory are such files; a user's own is read the same way. What a file does not say is as in the family
//! `default`.

mod limits;
mod reader;

use crate::scenario::problem::Problem;
use serde::{Deserialize, Serialize};

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
        Some(Definition::read(text, name).0.expect("the tests read every built-in family"))
    }

    /// The names of the built-in families.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FAMILIES.iter().map(|(name, _)| *name)
    }

    /// Reads a definition; `file` names it in messages. All that is wrong with it is told at once; none where
    /// that includes errors.
    pub fn read(text: &str, file: &str) -> (Option<Definition>, Vec<Problem>) {
        reader::read(text, file, FAMILIES[0].1)
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
}
