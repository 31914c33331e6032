//! The common ground of two packs: scenarios and checks that are the same on both sides; and what is not the same.

use super::{Side, StoredRun};
use crate::event::{CheckEntry, ScenarioEntry};
use crate::scenario::Rubrics;
use crate::score::Profile;
use crate::value::{Value, parse};
use serde::Serialize;
use std::collections::BTreeMap;

/// What both packs met.
pub struct Common {
    /// The rules of the first pack's runs, by which both are counted.
    pub profile: Profile,
    pub scenarios: Vec<CommonScenario>,
    pub mismatches: Vec<Mismatch>,
}

/// A scenario that is the same on both sides, at least in some of its checks.
pub struct CommonScenario {
    /// As the first pack's runs have it.
    pub entry: ScenarioEntry,
    /// Its place in the suite, by which episodes get their personas.
    pub place: usize,
    /// The ids of the checks that are the same; none where all are.
    pub checks: Option<Vec<String>>,
}

/// Something that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    pub what: &'static str,
    /// In words; both values where there are two.
    pub told: String,
}

/// What episodes and scores of a run depend on besides pack and chance; packs may be pooled over runs that share it.
pub fn conditions(run: &StoredRun) -> (&str, &str, &Profile, &serde_json::Value, &str) {
    let started = &run.started;
    let models = started.conditions.models.get("agent").unwrap_or(&serde_json::Value::Null);
    (&started.suite_hash.0, &started.model, &started.profile, models, &started.conditions.prompt)
}

impl Common {
    pub(super) fn of(first: &Side<'_>, second: &Side<'_>) -> Common {
        let [one, other] = [first, second].map(|side| side.runs[side.runs.len() - 1]);
        let mut mismatches = settings(one, other);
        let mut scenarios = Vec::new();
        let [rubrics, others] = [one, other].map(rubrics_of);
        for (place, entry) in one.started.scenarios.iter().enumerate() {
            let name = &entry.name;
            let mut miss = |told: String| mismatches.push(Mismatch { what: "scenario", told });
            let Some(theirs) = other.started.scenarios.iter().find(|theirs| theirs.name == *name) else {
                miss(format!("{name}: only the first met it; left out"));
                continue;
            };
            if is_another(one, other, name) {
                miss(format!("{name}: its request, tools or fixtures differ; left out"));
                continue;
            }
            let checks = common_checks(entry, theirs, rubrics.get(name), others.get(name));
            match &checks {
                Some(some) if some.is_empty() => {
                    miss(format!("{name}: no check is the same; left out"));
                    continue;
                }
                Some(some) => miss(format!("{name}: scored by the {} checks that are the same", some.len())),
                None => {}
            }
            if theirs.weight != entry.weight {
                let (weight, other) = (entry.weight, theirs.weight);
                miss(format!("{name}: weight {weight} and {other}; the first counts"));
            }
            scenarios.push(CommonScenario { entry: entry.clone(), place, checks });
        }
        let is_known = |name: &str| one.started.scenarios.iter().any(|entry| entry.name == name);
        let extra = other.started.scenarios.iter().filter(|entry| !is_known(&entry.name));
        mismatches.extend(extra.map(|entry| Mismatch {
            what: "scenario",
            told: format!("{}: only the second met it; left out", entry.name),
        }));
        Common { profile: (*one.started.profile).clone(), scenarios, mismatches }
    }

    /// The scenarios that the objective is over.
    pub(super) fn searched(&self) -> impl Iterator<Item = &CommonScenario> {
        self.scenarios.iter().filter(|scenario| !scenario.entry.held_out)
    }

    pub(super) fn scenario(&self, name: &str) -> Option<&CommonScenario> {
        self.scenarios.iter().find(|scenario| scenario.entry.name == name)
    }
}

/// What differs between the runs themselves.
fn settings(one: &StoredRun, other: &StoredRun) -> Vec<Mismatch> {
    let (a, b) = (&one.started, &other.started);
    let both = |one: &str, other: &str| format!("{one} and {other}");
    let mut found = Vec::new();
    let mut note = |what, told| found.push(Mismatch { what, told });
    if a.suite_hash != b.suite_hash {
        let short = |hash: &str| hash[..hash.len().min(8)].to_owned();
        let named = |name: &str, hash: &str| format!("{name} {}", short(hash));
        note("suite", both(&named(&a.suite, &a.suite_hash.0), &named(&b.suite, &b.suite_hash.0)));
        if one.encounters.is_none() || other.encounters.is_none() {
            let told = "a run kept too little to say whether requests and fixtures are the same".to_owned();
            note("suite", told);
        }
    }
    if a.profile.name != b.profile.name {
        note("profile", format!("{}; the first counts", both(&a.profile.name, &b.profile.name)));
    } else if a.profile != b.profile {
        note("profile", format!("{} with other settings; the first counts", a.profile.name));
    }
    if a.model != b.model {
        note("model", both(&a.model, &b.model));
    } else if conditions(one).3 != conditions(other).3 {
        note("model", format!("{} with other settings", a.model));
    }
    if a.conditions.prompt != b.conditions.prompt {
        note("prompt", "the agent's wording differs".to_owned());
    }
    found
}

/// Whether agents met something else, as far as the runs kept it.
fn is_another(one: &StoredRun, other: &StoredRun, name: &str) -> bool {
    match (&one.encounters, &other.encounters) {
        (Some(ours), Some(theirs)) => ours.get(name) != theirs.get(name),
        _ => false,
    }
}

/// The definitions of a scenario's checks, by their ids.
type Definitions = BTreeMap<String, String>;

fn rubrics_of(run: &StoredRun) -> BTreeMap<String, Definitions> {
    let kept = run.rubrics.as_ref().and_then(|kept| parse(kept.as_bytes()).ok());
    let Some(kept) = kept.as_ref().and_then(Value::as_map) else { return BTreeMap::new() };
    kept.iter().map(|(name, scoring)| (name.clone(), Rubrics::definitions(scoring))).collect()
}

/// The checks that are the same; none where all are. Patterns are compared where both runs kept them.
fn common_checks(
    ours: &ScenarioEntry,
    theirs: &ScenarioEntry,
    kept: Option<&Definitions>,
    others: Option<&Definitions>,
) -> Option<Vec<String>> {
    let is_same = |check: &&CheckEntry| {
        let is_alike = theirs.checks.iter().any(|other| other == *check);
        let patterns = kept.zip(others).map(|(kept, others)| kept.get(&check.id) == others.get(&check.id));
        is_alike && patterns.unwrap_or(true)
    };
    let same: Vec<String> = ours.checks.iter().filter(is_same).map(|check| check.id.clone()).collect();
    let are_all = same.len() == ours.checks.len() && same.len() == theirs.checks.len();
    (!are_all).then_some(same)
}
