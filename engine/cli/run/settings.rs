//! What a run keeps of its command line, so that it can be resumed: everything but the results.

use super::RunArgs;
use super::cache::CacheSettings;
use crate::agents::AgentSettings;
use crate::limits::Prices;
use crate::models::ModelSettings;
use anyhow::Context;
use packwright::budget::RunCaps;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Stored with the run. Keys and other secrets are never among them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    pub seed: u64,
    /// Absolute, so that a run can be resumed from any folder; none is the built-in suite.
    pub suite: Option<PathBuf>,
    pub packs: PathBuf,
    pub models: ModelSettings,
    #[serde(default)]
    pub agent: AgentSettings,
    #[serde(default)]
    pub cache: CacheSettings,
    #[serde(default)]
    pub caps: RunCaps,
    #[serde(default)]
    pub prices: Prices,
}

impl Settings {
    pub fn of(args: &RunArgs) -> anyhow::Result<Settings> {
        let caps = args.limits.caps();
        let models = args.models.settings(&caps)?;
        let prices = args.limits.prices(models.asked_of_providers())?;
        Ok(Settings {
            seed: args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            suite: args.suite.as_deref().map(absolute).transpose()?,
            packs: absolute(&args.packs)?,
            models,
            agent: args.agent.settings(),
            cache: args.cache.settings(),
            caps,
            prices,
        })
    }
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("find {}", path.display()))
}
