//! The rubrics of a suite as a run keeps them, so that its episodes can be explained when the suite has changed.

use super::{Rubric, Suite};
use crate::value::{Map, Value, parse};
use std::collections::BTreeMap;

/// Rubrics by scenario.
#[derive(Clone, Debug, Default)]
pub struct Rubrics(pub BTreeMap<String, Rubric>);

impl Rubrics {
    /// The rubrics of a suite.
    pub fn of(suite: &Suite) -> Rubrics {
        let rubrics = suite.scenarios.iter().map(|scenario| (scenario.name.clone(), scenario.rubric.clone()));
        Rubrics(rubrics.collect())
    }

    /// The rubrics of a suite as JSON: the `scoring` part of every scenario, under its name.
    pub fn kept(suite: &Suite) -> String {
        let scoring = |document: &Value| document.as_map().and_then(|map| map.get("scoring").cloned());
        let rubrics = suite
            .scenarios
            .iter()
            .filter_map(|scenario| Some((scenario.name.clone(), scoring(&scenario.document)?)));
        Value::Map(rubrics.collect::<Map>()).dumps()
    }

    /// Reads what `kept` wrote; none where it is no JSON object.
    pub fn read(json: &str) -> Option<Rubrics> {
        let kept = parse(json.as_bytes()).ok()?;
        let rubrics = kept.as_map()?.iter();
        Some(Rubrics(rubrics.map(|(name, scoring)| (name.clone(), Rubric::compile(scoring))).collect()))
    }

    /// The definitions of the checks in a `scoring` part by their ids, in an order of keys that does not depend on how
    /// they were written: two checks are the same where these are.
    pub fn definitions(scoring: &Value) -> BTreeMap<String, String> {
        let checks = scoring.get("checks").and_then(Value::as_list).unwrap_or_default();
        let definition = |check: &Value| Some((check.get("id")?.as_str()?.to_owned(), check.dumps_sorted()));
        checks.iter().filter_map(definition).collect()
    }

    pub fn get(&self, scenario: &str) -> Option<&Rubric> {
        self.0.get(scenario)
    }
}
