//! What a run keeps of its command line, so that it can be resumed: everything but the results.

use super::RunArgs;
use super::cache::CacheSettings;
use super::gate::Champion;
use crate::agents::{AgentSettings, EvaluatorSettings};
use crate::exit::BadInput;
use crate::limits::Prices;
use crate::models::{ModelSettings, Models};
use crate::notify::NotifySettings;
use crate::publish::on_chain::ChainChoice;
use anyhow::Context;
use clap::ArgMatches;
use clap::parser::ValueSource;
use packwright::budget::RunCaps;
use packwright::lint::Rule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// Steps under way at once, where the user said so.
    #[serde(default)]
    pub parallel: Option<u16>,
    /// Where messages go; what may be secret of that is not kept.
    #[serde(default)]
    pub notify: NotifySettings,
    /// The pack that a winner must not be too similar to.
    #[serde(default)]
    pub champion: Option<Champion>,
    /// Rules of the lint that a winner may break.
    #[serde(default)]
    pub allow_lint: Vec<Rule>,
    /// Where others fetch the pack after a push.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Its winner is published without a person.
    #[serde(default)]
    pub publish: bool,
    /// The commitment that publishing ends with.
    #[serde(default)]
    pub on_chain: Option<ChainChoice>,
    /// Where the values came from, by the name of the part.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
}

impl Settings {
    pub fn of(args: &RunArgs) -> anyhow::Result<Settings> {
        let caps = args.limits.caps();
        let models = args.models.settings(&caps, args.agent.is_external())?;
        let prices = args.limits.prices(models.asked_of_providers())?;
        if args.on_chain.is_wanted() && !args.publish {
            return Err(BadInput("--on-chain is the last step of --publish: add that".into()).into());
        }
        Ok(Settings {
            seed: args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            suite: args.suite.as_deref().map(absolute).transpose()?,
            packs: absolute(&args.packs)?,
            models,
            agent: args.agent.settings()?,
            cache: args.cache.settings(args.process.no_cache),
            caps,
            prices,
            parallel: args.process.parallel,
            notify: args.process.notify.wanted(None)?.checked()?.kept(),
            champion: champion(args)?,
            allow_lint: args.process.allow_lint.clone(),
            public_url: args.public_url.clone(),
            publish: args.publish,
            on_chain: args.on_chain.choice(args.rules()?.channel)?,
            sources: args.sources.clone(),
        })
    }
}

impl Settings {
    /// What measures, as the run's first event has it: the agent's model, or the evaluator of the user.
    pub fn agent_name(&self, models: &Models) -> String {
        let evaluator = || self.agent.evaluator().map(EvaluatorSettings::name);
        models.agent_name().map(str::to_owned).or_else(evaluator).unwrap_or_default()
    }

    /// By what dollars are counted.
    pub fn price_note(&self) -> String {
        let is_asked = self.models.asked_of_providers().next().is_some();
        let of_providers = Some(self.prices.note.clone()).filter(|_| is_asked);
        let of_evaluator = self.agent.evaluator().map(|_| "what the evaluator reported".to_owned());
        of_evaluator.into_iter().chain(of_providers).collect::<Vec<_>>().join(" and ")
    }
}

/// The parts of the settings, and the options and groups of options that set each.
const PARTS: [(&str, &[&str]); 15] = [
    ("seed", &["seed"]),
    ("suite", &["suite"]),
    ("packs", &["packs"]),
    ("models", &["ModelArgs"]),
    ("agent", &["AgentArgs", "EvaluatorArgs"]),
    ("cache", &["cache_days", "no_cache"]),
    ("caps", &["LimitArgs"]),
    ("prices", &["prices"]),
    ("parallel", &["parallel"]),
    ("notify", &["NotifyArgs"]),
    ("champion", &["champion"]),
    ("allow_lint", &["allow_lint"]),
    ("public_url", &["public_url"]),
    ("publish", &["publish"]),
    ("on_chain", &["on_chain"]),
];

/// Says of each part of the settings where its values come from.
pub fn sources(matches: &ArgMatches) -> BTreeMap<String, String> {
    let source = |id: &str| matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id));
    let word = |part: &str, ids: &[&str]| {
        let given = ids.iter().filter_map(|id| source(id)).any(|source| source == ValueSource::CommandLine);
        match (given, part) {
            (true, _) => "command line",
            (false, "seed") => "drawn",
            (false, _) => "default",
        }
    };
    PARTS.iter().map(|(part, ids)| ((*part).to_owned(), word(part, ids).to_owned())).collect()
}

fn champion(args: &RunArgs) -> anyhow::Result<Option<Champion>> {
    let named = args.champion.as_deref().map(|name| Champion::named(name, &args.runs)).transpose()?;
    Ok(named.flatten())
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("find {}", path.display()))
}
