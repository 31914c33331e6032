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

    pub fn get(&self, scenario: &str) -> Option<&Rubric> {
        self.0.get(scenario)
    }
}
