//! How a suite differs from the one that a run met: rubrics and weights, by which its episodes can be graded again,
//! and what agents meet, by which they cannot.

use super::Source;
use crate::event::{CheckEntry, RunStarted, ScenarioEntry};
use crate::scenario::{Rubrics, Scenario};
use crate::value::parse;
use crate::workspace::hash_with_rubrics;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a suite differs from the one that a run met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuiteChange {
    /// Scenarios whose checks are others.
    pub rubrics: Vec<RubricChange>,
    pub weights: Vec<WeightChange>,
    /// Scenarios that are held out now and were not, or the other way round; the run's own division is kept.
    pub held_out: Vec<String>,
    pub encounters: Encounters,
    /// Scenarios of the run that the suite does not have.
    pub missing: Vec<String>,
    /// Scenarios of the suite that the run never met.
    pub extra: Vec<String>,
    /// Whether the run kept its rubrics, so that changed patterns can be named.
    pub has_kept_rubrics: bool,
}

/// The checks of a scenario that are others, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RubricChange {
    pub scenario: String,
    pub new: Vec<String>,
    pub gone: Vec<String>,
    pub changed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightChange {
    pub scenario: String,
    pub before: f64,
    pub after: f64,
}

/// Whether agents would meet what they met: requests, tools and fixtures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Encounters {
    Same,
    /// In these scenarios they would not, so the recorded episodes are of other scenarios.
    Changed(Vec<String>),
    /// The run kept too little to tell.
    Unknown,
}

impl SuiteChange {
    /// Whether the recorded episodes are of the scenarios that the suite has.
    pub fn is_of_rubrics_alone(&self) -> bool {
        self.encounters == Encounters::Same && self.missing.is_empty()
    }

    /// Whether it is the suite that the run met.
    pub fn is_none(&self) -> bool {
        self.is_of_rubrics_alone()
            && self.rubrics.is_empty()
            && self.weights.is_empty()
            && self.held_out.is_empty()
            && self.extra.is_empty()
    }
}

pub(super) fn between(source: &Source<'_>, started: &RunStarted) -> SuiteChange {
    let kept = source.kept_rubrics.and_then(|kept| parse(kept.as_bytes()).ok());
    let mut change = SuiteChange {
        rubrics: Vec::new(),
        weights: Vec::new(),
        held_out: Vec::new(),
        encounters: encounters(source, started),
        missing: Vec::new(),
        extra: Vec::new(),
        has_kept_rubrics: kept.is_some(),
    };
    for entry in &started.scenarios {
        let Some(now) = source.suite.scenario(&entry.name) else {
            change.missing.push(entry.name.clone());
            continue;
        };
        let before = match &kept {
            Some(kept) => kept.get(&entry.name).map(Rubrics::definitions).unwrap_or_default(),
            None => entry.checks.iter().map(|check| (check.id.clone(), in_short(check))).collect(),
        };
        change.rubrics.extend(rubric_change(now, &before, kept.is_some()));
        if now.weight != entry.weight {
            let scenario = entry.name.clone();
            change.weights.push(WeightChange { scenario, before: entry.weight, after: now.weight });
        }
        if now.held_out != entry.held_out {
            change.held_out.push(entry.name.clone());
        }
    }
    let is_known = |name: &str| started.scenarios.iter().any(|entry| entry.name == name);
    let scenarios = source.suite.scenarios.iter().map(|scenario| scenario.name.clone());
    change.extra = scenarios.filter(|name| !is_known(name)).collect();
    change
}

fn encounters(source: &Source<'_>, started: &RunStarted) -> Encounters {
    if source.suite.hash == started.suite_hash {
        return Encounters::Same;
    }
    if let Some(kept) = source.kept_encounters {
        let is_changed = |scenario: &Scenario| {
            kept.get(&scenario.name).is_some_and(|then| *then != scenario.encounter_hash())
        };
        let changed = source.suite.scenarios.iter().filter(|scenario| is_changed(scenario));
        let changed: Vec<String> = changed.map(|scenario| scenario.name.clone()).collect();
        return if changed.is_empty() { Encounters::Same } else { Encounters::Changed(changed) };
    }
    let restored = source.kept_rubrics.and_then(|kept| hash_with_rubrics(source.suite, kept));
    match restored {
        Some(hash) if hash == started.suite_hash => Encounters::Same,
        _ => Encounters::Unknown,
    }
}

/// The definitions of checks by their ids, in an order of keys that does not depend on how they were written.
type Definitions = BTreeMap<String, String>;

fn rubric_change(now: &Scenario, before: &Definitions, is_whole: bool) -> Option<RubricChange> {
    let after: Definitions = match is_whole {
        true => now.document.get("scoring").map(Rubrics::definitions).unwrap_or_default(),
        false => {
            ScenarioEntry::of(now).checks.iter().map(|check| (check.id.clone(), in_short(check))).collect()
        }
    };
    let missing_in = |one: &Definitions, other: &Definitions| {
        one.keys().filter(|id| !other.contains_key(*id)).cloned().collect::<Vec<_>>()
    };
    let changed =
        after.iter().filter(|(id, definition)| before.get(*id).is_some_and(|old| old != *definition));
    let change = RubricChange {
        scenario: now.name.clone(),
        new: missing_in(&after, before),
        gone: missing_in(before, &after),
        changed: changed.map(|(id, _)| id.clone()).collect(),
    };
    let is_any = !(change.new.is_empty() && change.gone.is_empty() && change.changed.is_empty());
    is_any.then_some(change)
}

/// All that a run's first event says of a check.
fn in_short(check: &CheckEntry) -> String {
    format!("{} {}", check.category, check.points)
}
