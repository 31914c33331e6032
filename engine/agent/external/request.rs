//! What an evaluator is asked: one JSON object per episode, the first version of the protocol (docs/evaluators.md).

use crate::agent::Task;
use crate::agent::builtin::Limits;
use crate::persona::Persona;
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of request and reply.
pub(super) const VERSION: i64 = 1;

/// A request for an episode.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    version: i64,
    scenario: AskedScenario<'a>,
    pack: AskedPack<'a>,
    repeat: u32,
    /// Below 2^53, so that it is the same number in every language.
    seed: u64,
    limits: AskedLimits,
    persona: Option<&'a Persona>,
}

#[derive(Serialize)]
struct AskedScenario<'a> {
    name: &'a str,
    prompt: &'a str,
    tools: &'a [String],
}

#[derive(Serialize)]
struct AskedPack<'a> {
    hash: &'a str,
    files: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct AskedLimits {
    time_ms: u64,
    model_calls: u32,
}

impl<'a> Request<'a> {
    pub fn of(task: &'a Task, limits: &Limits) -> Request<'a> {
        let scenario = &task.scenario;
        Request {
            version: VERSION,
            scenario: AskedScenario {
                name: &scenario.name,
                prompt: &scenario.prompt,
                tools: &scenario.tools,
            },
            pack: AskedPack { hash: &task.pack.hash().0, files: task.pack.files().collect() },
            repeat: task.repeat,
            seed: task.seed.0 >> 11,
            limits: AskedLimits { time_ms: limits.episode_ms_max, model_calls: limits.model_calls_max },
            persona: task.persona.as_ref(),
        }
    }

    /// The request as one line.
    pub fn line(&self) -> Result<String, String> {
        let line =
            serde_json::to_string(self).map_err(|error| format!("the request cannot be written: {error}"))?;
        Ok(line + "\n")
    }
}
