//! Evaluation: one step of a plan becomes the event that it leads to.
//!
//! An episode is attempted by the agent, or found among those of earlier runs, and scored; a proposal is asked
//! of the writer. Nothing is decided and nothing is recorded here, so any number of steps can be under way at
//! once.

mod reuse;

use crate::agent::{Agent, Task};
use crate::episode::{Episode, EpisodeKey, FailureClass, Outcome, Usage};
use crate::event::{EpisodeScored, EpisodeUnmeasured, Event, Phase};
use crate::pack::Pack;
use crate::persona::Personas;
use crate::scenario::{Scenario, Suite};
use crate::score::scorecard;
use crate::units::Seed;
use std::sync::Arc;

pub use reuse::{AgentConditions, EpisodeCache, EvaluatorIdentity};

/// What attempts and scores episodes.
#[derive(Clone)]
pub struct Evaluator {
    pub agent: Arc<dyn Agent>,
    pub suite: Arc<Suite>,
    pub seed: Seed,
    /// Whom agents work for; none is each scenario's own user.
    pub personas: Option<Personas>,
    /// Episodes that need not be attempted again; none where they cost nothing, or are not wanted.
    pub kept: Option<Arc<EpisodeCache>>,
}

impl Evaluator {
    /// Attempts an episode of a phase and scores it. An episode that cannot be scored is unmeasured, with the
    /// reason.
    pub async fn episode(&self, key: EpisodeKey, pack: Arc<Pack>, phase: Phase) -> (Event, Option<Episode>) {
        let scenarios = self.suite.scenarios.iter().enumerate();
        let Some((place, scenario)) =
            scenarios.into_iter().find(|(_, scenario)| scenario.name == key.scenario)
        else {
            let reason = format!("the suite has no scenario {:?}", key.scenario);
            return (unmeasured(key, reason, FailureClass::Request, Usage::default()), None);
        };
        let seed = self.seed.child("episode", &[&key.candidate.0, &key.scenario, &key.repeat.to_string()]);
        let persona = self.personas.map(|personas| personas.of_episode(place, key.repeat));
        let task = Task { scenario: scenario.clone(), pack, persona, seed, repeat: key.repeat };
        let kept = self.kept.as_ref();
        if phase.may_reuse()
            && let Some(kept) = kept
            && let Some(found) = kept.find(&key, &task).await
        {
            let event = scored(key, scenario, &found.episode, !found.is_own);
            return (event, Some(found.episode));
        }
        let episode = self.agent.attempt(&task).await;
        if let Some(kept) = kept {
            kept.keep(&key, &task, &episode).await;
        }
        let event = scored(key, scenario, &episode, false);
        (event, Some(episode))
    }
}

fn scored(key: EpisodeKey, scenario: &Scenario, episode: &Episode, cached: bool) -> Event {
    if let Outcome::Errored { reason, class } = &episode.outcome {
        return unmeasured(key, reason.clone(), *class, episode.usage);
    }
    match scorecard(&scenario.rubric, episode) {
        Ok(scorecard) => Event::EpisodeScored(EpisodeScored {
            key,
            outcome: episode.outcome.clone(),
            scorecard,
            tool_calls: episode.tool_calls.len() as u32,
            model_calls: episode.model_calls,
            usage: episode.usage,
            resolved_model: episode.resolved_model.clone(),
            cached,
        }),
        Err(error) => {
            let reason = format!("the rubric could not score it: {error}");
            unmeasured(key, reason, FailureClass::Request, episode.usage)
        }
    }
}

fn unmeasured(key: EpisodeKey, reason: String, class: FailureClass, usage: Usage) -> Event {
    Event::EpisodeUnmeasured(EpisodeUnmeasured { key, reason, class, usage })
}
