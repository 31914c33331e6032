//! Which agent a run uses, and in which words it asks: from the command line.

mod evaluator;

use crate::cache_folder::cache_folder;
use crate::exit::BadInput;
use clap::Args;
use evaluator::EvaluatorArgs;
pub use evaluator::EvaluatorSettings;
use packwright::agent::Agent;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::agent::external::{Evaluator, External};
use packwright::agent::openclaw::{self, OpenClaw};
use packwright::agent::prompt::{PromptProfile, embedded_hash};
use packwright::llm::Llm;
use packwright::llm::meter::Ledger;
use packwright::pack::Pack;
use packwright::scenario::Suite;
use packwright::score::Profile;
use packwright::units::sha256_hex;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

#[derive(Args, Debug, Clone)]
pub struct AgentArgs {
    /// What carries a pack through a scenario: `builtin`, inside this program, as the benchmark's runtime behaves;
    /// `openclaw`, real gateways (`optimize openclaw install` first); or an evaluator of your own, with its own agent
    /// and benchmark: `command:PROGRAM ARGUMENTS` reads a JSON request and writes a JSON reply, `tests:PROGRAM
    /// ARGUMENTS` leaves a CTRF or JUnit report, http://… or https://… is posted requests (docs/evaluators.md)
    #[arg(long, default_value = "builtin", value_name = "AGENT")]
    agent: AgentChoice,

    #[command(flatten)]
    evaluator: EvaluatorArgs,

    /// The wording of the built-in agent: a name that `optimize openclaw capture` printed, or a file; our own
    /// words when absent
    #[arg(long, value_name = "NAME|FILE")]
    prompt_profile: Option<String>,

    /// How many gateways run at once with --agent openclaw; each takes about 300 MB
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    gateways: u16,
}

/// What `--agent` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentChoice {
    Builtin,
    OpenClaw,
    External(Evaluator),
}

impl FromStr for AgentChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<AgentChoice, String> {
        match text {
            "builtin" => Ok(AgentChoice::Builtin),
            "openclaw" => Ok(AgentChoice::OpenClaw),
            other => Evaluator::read(other)
                .ok_or("expected builtin, openclaw, command:PROGRAM, tests:PROGRAM, or a URL")?
                .map(AgentChoice::External),
        }
    }
}

/// The kinds of agents that there are, as they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AgentKind {
    /// Inside this program.
    #[default]
    Builtin,
    /// Real OpenClaw gateways.
    OpenClaw,
    /// An evaluator outside of this program.
    External,
}

/// What is kept of the choice with the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AgentSettings {
    kind: AgentKind,
    prompt_profile: Option<String>,
    gateways: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evaluator: Option<EvaluatorSettings>,
}

/// An agent that is ready, and whoever answers when it is asked if it is there.
pub struct Connected {
    pub agent: Arc<dyn Agent>,
    pub pulse: Arc<dyn Llm>,
}

impl AgentArgs {
    /// Whether an evaluator of the user measures, which asks whom it likes.
    pub fn is_external(&self) -> bool {
        matches!(self.agent, AgentChoice::External(_))
    }

    /// Settles the choice.
    pub fn settings(&self) -> anyhow::Result<AgentSettings> {
        let kind = match &self.agent {
            AgentChoice::Builtin => AgentKind::Builtin,
            AgentChoice::OpenClaw => AgentKind::OpenClaw,
            AgentChoice::External(_) => AgentKind::External,
        };
        if kind == AgentKind::External && self.prompt_profile.is_some() {
            return Err(
                BadInput("an evaluator has its own wording; leave --prompt-profile away".into()).into()
            );
        }
        let evaluator = match &self.agent {
            AgentChoice::External(evaluator) => Some(self.evaluator.settings(evaluator)?),
            _ => self.evaluator.refuse().map(|()| None)?,
        };
        let (prompt_profile, gateways) = (self.prompt_profile.clone(), self.gateways);
        Ok(AgentSettings { kind, prompt_profile, gateways, evaluator })
    }
}

impl AgentSettings {
    /// A line for the opening of a run; none for what is usual.
    pub fn notice(&self) -> Option<String> {
        let words =
            self.prompt_profile.as_ref().map_or(String::new(), |name| format!(", in the words of {name}"));
        if let Some(evaluator) = &self.evaluator {
            return Some(format!("agent: {}", evaluator.notice()));
        }
        match self.kind {
            AgentKind::OpenClaw => {
                Some(format!("agent: OpenClaw {}, {} gateways", openclaw::OPENCLAW_VERSION, self.gateways))
            }
            AgentKind::Builtin | AgentKind::External if words.is_empty() => None,
            AgentKind::Builtin | AgentKind::External => Some(format!("agent: built-in{words}")),
        }
    }

    /// The evaluator that measures, where it is none of ours.
    pub fn evaluator(&self) -> Option<&EvaluatorSettings> {
        self.evaluator.as_ref()
    }

    /// Whether real gateways carry packs through scenarios.
    pub fn needs_gateway(&self) -> bool {
        self.kind == AgentKind::OpenClaw
    }

    /// The limits of an episode: the profile's, unless an evaluator was given another time.
    pub fn limits(&self, profile: &Profile) -> Limits {
        let limits = Limits::of(profile);
        let time_ms = self.evaluator.as_ref().and_then(|evaluator| evaluator.time_ms);
        Limits { episode_ms_max: time_ms.unwrap_or(limits.episode_ms_max), ..limits }
    }

    /// What of the choice an episode's result depends on: the wording, and whether a gateway puts it together; or the
    /// evaluator.
    pub fn hash(&self) -> anyhow::Result<String> {
        if let Some(evaluator) = &self.evaluator {
            return Ok(sha256_hex(format!("external {}", evaluator.name()).as_bytes()));
        }
        let wording = match &self.prompt_profile {
            None => embedded_hash(),
            Some(name) => sha256_hex(serde_json::to_string(&read_profile(name)?)?.as_bytes()),
        };
        Ok(match self.kind {
            AgentKind::Builtin | AgentKind::External => wording,
            AgentKind::OpenClaw => {
                sha256_hex(format!("openclaw {} {wording}", openclaw::OPENCLAW_VERSION).as_bytes())
            }
        })
    }

    /// Refuses what the agent cannot work with, before a run has a folder: programs, for a gateway; scenarios that only
    /// an evaluator of the user can score; and an evaluator that is not there.
    pub fn refuse_unfit(&self, pack: &Pack, suite: &Suite) -> anyhow::Result<()> {
        let outside = suite.scenarios.iter().find(|scenario| scenario.is_scored_outside());
        if let Some(scenario) = outside.filter(|_| self.evaluator.is_none()) {
            let problem = format!(
                "the scenario {} has `checks: external`: only an evaluator of yours can score it. Name that with \
                 --agent command:PROGRAM, tests:PROGRAM or http://… (docs/evaluators.md)",
                scenario.name
            );
            return Err(BadInput(problem).into());
        }
        if let Some(evaluator) = &self.evaluator {
            // Only to see that it can be made.
            external(evaluator, Limits::of(&Profile::default()), &Arc::new(Ledger::unlimited()))?;
        }
        match self.kind {
            AgentKind::Builtin | AgentKind::External => Ok(()),
            AgentKind::OpenClaw => Ok(openclaw::refuse_programs(pack, suite).map_err(BadInput)?),
        }
    }

    /// Makes the agent; a missing installation, profile or program is told before anything is spent. An evaluator
    /// brings its own model, and what it takes goes through the ledger.
    pub async fn connect(
        &self,
        llm: Option<Arc<dyn Llm>>,
        limits: Limits,
        ledger: &Arc<Ledger>,
    ) -> anyhow::Result<Connected> {
        let Some(llm) = llm else {
            let evaluator = self.evaluator.as_ref();
            let evaluator = evaluator.ok_or_else(|| BadInput("the agent has no model".into()))?;
            let external = Arc::new(external(evaluator, limits, ledger)?);
            return Ok(Connected { pulse: external.pulse(), agent: external });
        };
        let prompt = self.prompt()?;
        if self.kind != AgentKind::OpenClaw {
            let mut agent = Builtin::new(llm.clone(), limits);
            agent.prompt = prompt;
            return Ok(Connected { agent: Arc::new(agent), pulse: llm });
        }
        let installed = openclaw::find(&cache_folder()?).map_err(|error| BadInput(error.to_string()))?;
        let workers = usize::from(self.gateways.max(1));
        let settings = openclaw::Settings { installed, workers, limits, prompt };
        Ok(Connected { agent: Arc::new(OpenClaw::new(llm.clone(), settings).await?), pulse: llm })
    }

    pub fn prompt(&self) -> anyhow::Result<PromptProfile> {
        self.prompt_profile.as_ref().map_or_else(|| Ok(PromptProfile::default()), |name| read_profile(name))
    }
}

fn external(evaluator: &EvaluatorSettings, limits: Limits, ledger: &Arc<Ledger>) -> anyhow::Result<External> {
    Ok(External::new(evaluator.connection(limits)?, ledger.clone()).map_err(BadInput)?)
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
