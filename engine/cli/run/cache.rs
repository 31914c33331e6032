//! The cache of a run: whether there is one, what it stands around, and what is said about it.

use super::Session;
use crate::agents::EvaluatorSettings;
use crate::cache_folder::cache_folder;
use crate::models::ModelSettings;
use crate::role::Role;
use anyhow::Context;
use clap::Args;
use packwright::cache::Cache;
use packwright::evaluate::{AgentConditions, EpisodeCache};
use packwright::llm::Llm;
use packwright::llm::cache::{Cached, ModelIdentity};
use packwright::llm::options::ModelOptions;
use packwright::optimize::Ending;
use packwright::propose::Writers;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const DAYS: u16 = 30;

#[derive(Args, Debug, Clone)]
pub struct CacheArgs {
    /// For how many days an episode may be used again. The verdict never stands on such episodes
    #[arg(long, default_value_t = DAYS, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    cache_days: u16,
}

/// What is kept of the choice with the run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CacheSettings {
    wanted: bool,
    days: u16,
}

impl Default for CacheSettings {
    fn default() -> CacheSettings {
        CacheSettings { wanted: true, days: DAYS }
    }
}

impl CacheArgs {
    pub fn settings(&self, no_cache: bool) -> CacheSettings {
        CacheSettings { wanted: !no_cache, days: self.cache_days }
    }
}

/// The cache of a run, if it has one.
pub struct RunCache {
    cache: Option<Arc<Cache>>,
}

impl RunCache {
    /// Opens the cache where a provider is asked anything: the offline model is faster than a cache. A cache
    /// that cannot be opened comes back as a warning, and the run does without.
    pub fn open(session: &Session, is_wanted: bool) -> (RunCache, Option<String>) {
        let settings = session.settings.cache;
        if !is_wanted || !settings.wanted || session.settings.models.are_offline() {
            return (RunCache { cache: None }, None);
        }
        match open(session, settings.days) {
            Ok(cache) => (RunCache { cache: Some(Arc::new(cache)) }, None),
            Err(error) => {
                let warning = format!("warning: the run goes on without a cache: {error:#}");
                (RunCache { cache: None }, Some(warning))
            }
        }
    }

    /// The model, its replies kept where they cost something.
    fn around(&self, role: &Role, llm: Arc<dyn Llm>) -> anyhow::Result<Arc<dyn Llm>> {
        Ok(match &self.cache {
            Some(cache) if !role.is_offline() => Arc::new(Cached::new(llm, role.identity()?, cache.clone())),
            _ => llm,
        })
    }

    /// The agent's model, its replies kept where they cost something; none where an evaluator has its own.
    pub fn around_agent(
        &self,
        settings: &ModelSettings,
        llm: Option<Arc<dyn Llm>>,
    ) -> anyhow::Result<Option<Arc<dyn Llm>>> {
        settings.agent.as_ref().zip(llm).map(|(role, llm)| self.around(role, llm)).transpose()
    }

    /// The writers, their replies kept where they cost something.
    pub fn around_writers(&self, settings: &ModelSettings, writers: &Writers) -> anyhow::Result<Writers> {
        let pairs = settings.writers().iter().zip(writers.all());
        let kept = pairs.map(|(role, writer)| self.around(role, writer.clone()));
        Ok(Writers::new(kept.collect::<Result<_, _>>()?))
    }

    /// The episodes of all runs, where the agent's model costs something, or an evaluator of the user has a version.
    pub fn episodes(&self, session: &Session) -> anyhow::Result<Option<Arc<EpisodeCache>>> {
        let settings = &session.settings;
        let evaluator = settings.agent.evaluator().and_then(EvaluatorSettings::identity);
        let model = match (&settings.models.agent, &evaluator) {
            (Some(agent), _) if agent.is_offline() => return Ok(None),
            (Some(agent), _) => agent.identity()?,
            (None, Some(evaluator)) => ModelIdentity {
                model: evaluator.name.clone(),
                base_url: String::new(),
                options: ModelOptions::default(),
                headers: Vec::new(),
            },
            (None, None) => return Ok(None),
        };
        let Some(cache) = self.cache.as_ref() else { return Ok(None) };
        let conditions = AgentConditions {
            model,
            prompt: session.started.conditions.prompt.clone(),
            limits: settings.agent.limits(&session.started.profile),
            evaluator,
        };
        Ok(Some(Arc::new(EpisodeCache::new(cache.clone(), conditions, &session.suite))))
    }

    /// What went wrong since it was last asked.
    pub fn warning(&self) -> Option<String> {
        Some(format!("warning: {}", self.cache.as_ref()?.problem()?))
    }

    /// Tidies up after the run, and says what was spared that the report does not know of.
    pub fn close(&self, ending: &Ending) -> Option<String> {
        let cache = self.cache.as_ref()?;
        if matches!(ending, Ending::Finished(_)) {
            cache.forget_replies();
        }
        let replies = cache.replies_found();
        let word = if replies == 1 { "reply" } else { "replies" };
        (replies > 0)
            .then(|| format!("{replies} {word} of what was interrupted came from the cache and cost nothing"))
    }
}

fn open(session: &Session, days: u16) -> anyhow::Result<Cache> {
    let first = session.store.first_record()?.context("the run has no first event")?;
    // Ids are only different within one folder of runs.
    let run = format!("{} {}", session.id(), first.wall_clock.recorded_ms);
    Cache::open(&cache_folder()?, &run, u32::from(days))
}
