//! Everything that is needed to repeat a run.

use super::Report;
use serde::Serialize;
use serde_json::Value;

/// What a run's results depend on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repeat {
    /// The version of the program, and of its events.
    pub program: String,
    pub event_format: u32,
    pub seed: u64,
    pub budget: u32,
    pub suite: String,
    pub suite_hash: String,
    pub profile: String,
    pub prompt_hash: String,
    /// The pack to beat.
    pub incumbent: String,
    pub agent_model: String,
    pub writer_models: Vec<String>,
    /// The models that answered, as their providers name them.
    pub resolved_models: Vec<String>,
    pub prices: String,
    /// Everything that the run was configured with, and where each value came from.
    pub settings: Vec<Setting>,
}

/// A value of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// As a path into the configuration.
    pub name: String,
    pub value: String,
    /// `command line`, `default`, or `not recorded` in runs from before it was kept.
    pub source: String,
}

/// Where the sources stand in the settings.
const SOURCES: &str = "sources";

impl Repeat {
    pub(super) fn of(report: &Report, settings: &Value) -> Repeat {
        let started = &report.started;
        Repeat {
            program: started.program.clone(),
            event_format: started.format,
            seed: started.seed.0,
            budget: started.budget,
            suite: started.suite.clone(),
            suite_hash: started.suite_hash.0.clone(),
            profile: started.profile.name.clone(),
            prompt_hash: started.conditions.prompt.clone(),
            incumbent: started.incumbent.id.0.clone(),
            agent_model: started.model.clone(),
            writer_models: started.writers().map(str::to_owned).collect(),
            resolved_models: report.resolved_models.clone(),
            prices: started.conditions.prices.clone(),
            settings: flat(settings),
        }
    }
}

/// The leaves of the settings, each with the source of the part that it belongs to.
fn flat(settings: &Value) -> Vec<Setting> {
    let sources = settings.get(SOURCES);
    let mut flat = Vec::new();
    for (name, value) in settings.as_object().into_iter().flatten().filter(|(name, _)| *name != SOURCES) {
        leaves(name, value, &mut flat);
    }
    let source = |name: &str| {
        let known = sources.and_then(|sources| sources.get(name.split(['.', '[']).next().unwrap_or(name)));
        known.and_then(Value::as_str).unwrap_or("not recorded").to_owned()
    };
    flat.into_iter().map(|(name, value)| Setting { source: source(&name), name, value }).collect()
}

fn leaves(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(&format!("{name}.{key}"), value, found))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(place, value)| leaves(&format!("{name}[{place}]"), value, found)),
        Value::Null => found.push((name.to_owned(), "not set".to_owned())),
        Value::String(text) => found.push((name.to_owned(), text.clone())),
        other => found.push((name.to_owned(), other.to_string())),
    }
}
