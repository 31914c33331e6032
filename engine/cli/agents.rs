//! Which agent a run uses, and in which words it asks: from the command line.

use crate::cache_folder::cache_folder;
use crate::exit::BadInput;
use clap::{Args, ValueEnum};
use packwright::agent::Agent;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::agent::openclaw::{self, OpenClaw};
use packwright::agent::prompt::{PromptProfile, embedded_hash};
use packwright::llm::Llm;
use packwright::pack::Pack;
use packwright::scenario::Suite;
use packwright::units::sha256_hex;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Args, Debug, Clone)]
pub struct AgentArgs {
    /// What carries a pack through a scenario
    #[arg(long, value_enum, default_value_t = AgentKind::Builtin)]
    agent: AgentKind,

    /// The wording of the built-in agent: a name that `optimize openclaw capture` printed, or a file; our own
    /// words when absent
    #[arg(long, value_name = "NAME|FILE")]
    prompt_profile: Option<String>,

    /// How many gateways run at once with --agent openclaw; each takes about 300 MB
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    gateways: u16,
}

/// The agents that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// Inside this program: fast, and as the benchmark's runtime behaves
    #[default]
    Builtin,
    /// Real OpenClaw gateways; `optimize openclaw install` first
    #[value(name = "openclaw")]
    OpenClaw,
}

/// What is kept of the choice with the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AgentSettings {
    kind: AgentKind,
    prompt_profile: Option<String>,
    gateways: u16,
}

impl AgentArgs {
    pub fn settings(&self) -> AgentSettings {
        AgentSettings {
            kind: self.agent,
            prompt_profile: self.prompt_profile.clone(),
            gateways: self.gateways,
        }
    }
}

impl AgentSettings {
    /// A line for the opening of a run; none for what is usual.
    pub fn notice(&self) -> Option<String> {
        let words =
            self.prompt_profile.as_ref().map_or(String::new(), |name| format!(", in the words of {name}"));
        match self.kind {
            AgentKind::Builtin if words.is_empty() => None,
            AgentKind::Builtin => Some(format!("agent: built-in{words}")),
            AgentKind::OpenClaw => {
                Some(format!("agent: OpenClaw {}, {} gateways", openclaw::OPENCLAW_VERSION, self.gateways))
            }
        }
    }

    /// Whether real gateways carry packs through scenarios.
    pub fn needs_gateway(&self) -> bool {
        self.kind == AgentKind::OpenClaw
    }

    /// What of the choice an episode's result depends on: the wording, and whether a gateway puts it together.
    pub fn hash(&self) -> anyhow::Result<String> {
        let wording = match &self.prompt_profile {
            None => embedded_hash(),
            Some(name) => sha256_hex(serde_json::to_string(&read_profile(name)?)?.as_bytes()),
        };
        Ok(match self.kind {
            AgentKind::Builtin => wording,
            AgentKind::OpenClaw => {
                sha256_hex(format!("openclaw {} {wording}", openclaw::OPENCLAW_VERSION).as_bytes())
            }
        })
    }

    /// Refuses what no gateway may be given, before a run has a folder.
    pub fn refuse_programs(&self, pack: &Pack, suite: &Suite) -> anyhow::Result<()> {
        match self.kind {
            AgentKind::Builtin => Ok(()),
            AgentKind::OpenClaw => Ok(openclaw::refuse_programs(pack, suite).map_err(BadInput)?),
        }
    }

    /// Makes the agent; a missing installation or profile is told before anything is spent.
    pub async fn connect(&self, llm: Arc<dyn Llm>, limits: Limits) -> anyhow::Result<Arc<dyn Agent>> {
        let prompt = self.prompt()?;
        if self.kind == AgentKind::Builtin {
            let mut agent = Builtin::new(llm, limits);
            agent.prompt = prompt;
            return Ok(Arc::new(agent));
        }
        let installed = openclaw::find(&cache_folder()?).map_err(|error| BadInput(error.to_string()))?;
        let workers = usize::from(self.gateways.max(1));
        let settings = openclaw::Settings { installed, workers, limits, prompt };
        Ok(Arc::new(OpenClaw::new(llm, settings).await?))
    }

    pub fn prompt(&self) -> anyhow::Result<PromptProfile> {
        self.prompt_profile.as_ref().map_or_else(|| Ok(PromptProfile::default()), |name| read_profile(name))
    }
}

/// Reads a prompt profile by the name that it has in the cache, or by its file.
pub fn read_profile(name: &str) -> anyhow::Result<PromptProfile> {
    let place =
        if Path::new(name).is_file() { PathBuf::from(name) } else { profile_place(&cache_folder()?, name) };
    let text = std::fs::read_to_string(&place).map_err(|error| {
        BadInput(format!(
            "the prompt profile {name} cannot be read ({error}); `optimize openclaw capture` makes it"
        ))
    })?;
    PromptProfile::read(&text)
        .map_err(|error| BadInput(format!("{}: not a prompt profile: {error}", place.display())).into())
}

/// Where a profile of the cache stands.
pub fn profile_place(cache: &Path, name: &str) -> PathBuf {
    cache.join("prompt-profiles").join(format!("{name}.json"))
}
