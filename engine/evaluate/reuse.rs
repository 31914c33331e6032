//! Episodes kept: what an episode depends on besides its rubric, and finding it again in another run.

use crate::agent::builtin::Limits;
use crate::agent::{AGENT_RUNTIME_VERSION, Task};
use crate::cache::{Cache, Key, Kind};
use crate::episode::{Episode, EpisodeKey, Outcome};
use crate::llm::cache::ModelIdentity;
use crate::persona::Persona;
use crate::scenario::{Scenario, Suite};
use crate::units::PackHash;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of the key and of what is kept.
const FORMAT: u32 = 1;

/// What a run's episodes depend on besides pack, scenario and repeat. The rule by which they are scored is not
/// among it: a kept episode is scored again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentConditions {
    pub model: ModelIdentity,
    /// The hash of the agent's wording, and of the runtime that puts it together.
    pub prompt: String,
    pub limits: Limits,
    /// The evaluator that measures instead of an agent of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluator: Option<EvaluatorIdentity>,
}

/// What makes an evaluator outside of this program another one. Its program may change without a word, so its
/// episodes are only kept where the user says which version it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluatorIdentity {
    /// The command line or the URL, as the user wrote it.
    pub name: String,
    /// Where the command line stands.
    pub folder: String,
    pub version: String,
}

/// The finished episodes of all runs, as one run may use them.
pub struct EpisodeCache {
    cache: Arc<Cache>,
    conditions: AgentConditions,
    /// The hash of what the agent meets, by scenario.
    encounters: BTreeMap<String, String>,
}

/// A kept episode.
pub struct Kept {
    pub episode: Episode,
    /// This run attempted it, and was cut off before it was recorded.
    pub is_own: bool,
}

impl EpisodeCache {
    pub fn new(cache: Arc<Cache>, conditions: AgentConditions, suite: &Suite) -> EpisodeCache {
        let encounter = |scenario: &Arc<Scenario>| (scenario.name.clone(), scenario.encounter_hash());
        EpisodeCache { cache, conditions, encounters: suite.scenarios.iter().map(encounter).collect() }
    }

    /// The kept episode of the same sample.
    pub(super) async fn find(&self, of: &EpisodeKey, task: &Task) -> Option<Kept> {
        let key = self.key(of, task)?;
        let found = self.cache.find(&key).await?;
        let episode = serde_json::from_str(&found.text);
        let episode = episode.map_err(|error| self.cache.report_unreadable(&key, &error)).ok()?;
        Some(Kept { episode, is_own: found.is_own })
    }

    /// Keeps an episode that says something about the policy. What the infrastructure cut off is not kept.
    pub(super) async fn keep(&self, of: &EpisodeKey, task: &Task, episode: &Episode) {
        // A time-out may be a slow hour of the provider, which is nothing to go by on another day.
        if episode.outcome.is_scored()
            && episode.outcome != Outcome::TimedOut
            && let Some(key) = self.key(of, task)
            && let Ok(text) = serde_json::to_string(episode)
        {
            self.cache.keep(&key, text).await;
        }
    }

    fn key(&self, of: &EpisodeKey, task: &Task) -> Option<Arc<Key>> {
        let parts = Parts {
            format: FORMAT,
            runtime: AGENT_RUNTIME_VERSION,
            pack: &of.candidate,
            scenario: &of.scenario,
            encounter: self.encounters.get(&task.scenario.name)?,
            repeat: of.repeat,
            persona: task.persona.as_ref(),
            conditions: &self.conditions,
        };
        Key::of(Kind::Episode, &self.conditions.model.model, &parts).ok().map(Arc::new)
    }
}

/// What an episode depends on.
#[derive(Serialize)]
struct Parts<'a> {
    format: u32,
    runtime: u32,
    pack: &'a PackHash,
    scenario: &'a str,
    encounter: &'a str,
    /// Which sample it is: two repeats are two episodes, also when all else is equal.
    repeat: u32,
    /// Whom the agent works for, where the profile says so.
    persona: Option<&'a Persona>,
    conditions: &'a AgentConditions,
}
