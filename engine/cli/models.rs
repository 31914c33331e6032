//! Which models a run uses: from the command line, with keys from the environment or `.env`.

use crate::exit::BadInput;
use crate::keys::{Keys, WRITER_KEY_VARIABLE};
use clap::Args;
use packwright::llm::Llm;
use packwright::llm::connect::{Connection, ModelOptions, connect as connect_one, served_models};
use packwright::llm::provider::{self, ModelName, Provider, SERVER_KEY_VARIABLE, same_origin};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const OFFLINE: &str = "offline/office";
/// So many of a server's models are shown.
const MODELS_LISTED_MAX: usize = 20;

#[derive(Args, Debug, Clone)]
pub struct ModelArgs {
    /// The agent's model, for example anthropic/claude-sonnet-4-5 or openai/gpt-5-mini. Providers: anthropic,
    /// openai, openrouter, zhipu, chutes, ollama, vllm, llamacpp, offline. The offline model when absent
    #[arg(long, value_name = "PROVIDER/NAME")]
    model: Option<String>,

    /// The model that writes candidates; the agent's when absent
    #[arg(long, value_name = "PROVIDER/NAME")]
    writer: Option<String>,

    /// Where an OpenAI-compatible server answers, for example http://127.0.0.1:8080/v1; with no --model its
    /// only model is used. Its key, if it wants one, is read from PACKWRIGHT_API_KEY: a provider's own key
    /// goes to the provider's own address only
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// The same for a writer of another provider than the agent's; where both have servers of their own, the
    /// writer's key is PACKWRIGHT_WRITER_API_KEY
    #[arg(long, value_name = "URL", requires = "writer")]
    writer_base_url: Option<String>,

    /// Sampling temperature of both; the provider's own when absent
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f64>,

    /// Tokens that a model may think with before it answers (Anthropic); off when absent
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1024..))]
    thinking: Option<u32>,

    /// The most that the agent's model may write in one turn; the provider's own limit when absent
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    max_output: Option<u32>,

    /// The same for the writer, which never needs more than 16,000
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    writer_max_output: Option<u32>,
}

fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=2.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to 2".into()),
    }
}

/// What is kept of the choice with the run. Keys are never among it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelSettings {
    agent: RoleSettings,
    writer: RoleSettings,
    /// No model was named, so the offline model was taken.
    unnamed: bool,
}

impl ModelSettings {
    /// Whether no provider is asked anything.
    pub fn are_offline(&self) -> bool {
        self.agent.is_offline() && self.writer.is_offline()
    }
}

/// The model of one role.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RoleSettings {
    model: String,
    base_url: Option<String>,
    /// The environment variable that holds the key.
    key_variable: String,
    options: ModelOptions,
}

/// The models of a run.
pub struct Models {
    pub agent: Arc<dyn Llm>,
    pub writer: Arc<dyn Llm>,
    /// The first line of a run's output.
    pub notice: String,
}

impl ModelArgs {
    /// Settles every open choice, so that a resumed run makes none.
    pub fn settings(&self) -> anyhow::Result<ModelSettings> {
        for url in [&self.base_url, &self.writer_base_url].into_iter().flatten() {
            provider::base_url(url).map_err(BadInput)?;
        }
        let model = match (&self.model, &self.base_url) {
            (Some(model), _) => model.clone(),
            (None, Some(base_url)) => only_model(base_url)?,
            (None, None) => OFFLINE.to_owned(),
        };
        let agent = RoleSettings::of(model, self.base_url.clone(), self.options(self.max_output))?;
        Ok(ModelSettings {
            unnamed: self.model.is_none() && self.base_url.is_none(),
            writer: self.writer_settings(&agent)?,
            agent,
        })
    }

    fn writer_settings(&self, agent: &RoleSettings) -> anyhow::Result<RoleSettings> {
        let model = self.writer.clone().unwrap_or_else(|| agent.model.clone());
        let same_provider = agent.model.split('/').next() == model.split('/').next();
        let inherited = if same_provider { self.base_url.clone() } else { None };
        let base_url = self.writer_base_url.clone().or(inherited);
        let mut writer = RoleSettings::of(model, base_url, self.options(self.writer_max_output))?;
        // The key of one server is not for another.
        let both_own = [agent, &writer].iter().all(|role| role.key_variable == SERVER_KEY_VARIABLE);
        if both_own && !same_origin(&agent.place()?, &writer.place()?) {
            writer.key_variable = WRITER_KEY_VARIABLE.to_owned();
        }
        Ok(writer)
    }

    fn options(&self, output_tokens_max: Option<u32>) -> ModelOptions {
        ModelOptions { temperature: self.temperature, thinking_tokens: self.thinking, output_tokens_max }
    }
}

impl RoleSettings {
    fn of(model: String, base_url: Option<String>, options: ModelOptions) -> anyhow::Result<RoleSettings> {
        let name: ModelName = model.parse().map_err(BadInput)?;
        let key_variable = name.key_variable(base_url.as_deref()).to_owned();
        Ok(RoleSettings { model, base_url, key_variable, options })
    }

    /// Where the model answers.
    fn place(&self) -> anyhow::Result<String> {
        let name: ModelName = self.model.parse().map_err(BadInput)?;
        Ok(self.base_url.clone().unwrap_or_else(|| name.provider.base_url().to_owned()))
    }

    /// Makes the client. A missing key is told before anything is spent.
    fn connect(&self, keys: &Keys) -> anyhow::Result<Arc<dyn Llm>> {
        let model: ModelName = self.model.parse().map_err(BadInput)?;
        let key = keys.get(&self.key_variable);
        if key.is_none() && model.needs_key(self.base_url.as_deref()) {
            return Err(BadInput(format!(
                "{model} needs a key: set {} in the environment or in a file named .env, \
                 or leave --model away to try the tool with the offline model",
                self.key_variable
            ))
            .into());
        }
        let connection = Connection {
            key,
            key_variable: self.key_variable.clone(),
            options: self.options,
            ..Connection::to(model, self.base_url.clone())
        };
        connect_one(&connection).map_err(|problem| BadInput(problem).into())
    }

    fn is_offline(&self) -> bool {
        self.model.starts_with("offline/")
    }
}

/// The model of a server that serves one.
fn only_model(base_url: &str) -> anyhow::Result<String> {
    let name = ModelName { provider: Provider::OpenAi, name: "?".into() };
    let mut connection = Connection::to(name, Some(base_url.to_owned()));
    connection.key = Keys::read()?.get(&connection.key_variable);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(served_models(&connection));
    let served = served
        .map_err(|problem| BadInput(format!("{problem}; name the model with --model openai/<name>")))?;
    match &served[..] {
        [only] => Ok(format!("openai/{only}")),
        [] => Err(BadInput(format!("{base_url} names no model; name it with --model openai/<name>")).into()),
        many => Err(BadInput(format!(
            "{base_url} serves several models; choose one with --model: {}",
            listed(many)
        ))
        .into()),
    }
}

/// The first of some names, as `--model` takes them.
fn listed(names: &[String]) -> String {
    let usable = names.iter().map(|name| format!("openai/{name}"));
    let usable: Vec<String> = usable.filter(|name| name.parse::<ModelName>().is_ok()).collect();
    let more = usable.len().saturating_sub(MODELS_LISTED_MAX);
    let shown = usable[..usable.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Makes the clients.
pub fn connect(settings: &ModelSettings) -> anyhow::Result<Models> {
    let keys = Keys::read()?;
    Ok(Models {
        notice: notice(settings, &keys),
        agent: settings.agent.connect(&keys)?,
        writer: settings.writer.connect(&keys)?,
    })
}

fn notice(settings: &ModelSettings, keys: &Keys) -> String {
    let (agent, writer) = (&settings.agent, &settings.writer);
    if settings.are_offline() {
        let why = if settings.unnamed { "no --model was named, so this is the" } else { "this is the" };
        let set = keys.set();
        let found = if set.is_empty() {
            String::new()
        } else {
            format!(" ({} is set: name a --model to use it)", set.join(", "))
        };
        return format!(
            "offline model: {why} rule-based stand-in; nothing is sent or spent, and its scores predict nothing \
             about a real model{found}"
        );
    }
    let shown = |role: &RoleSettings| {
        let place = role.base_url.as_ref().map_or(String::new(), |url| format!(" at {url}"));
        format!("{}{place}", role.model)
    };
    format!("models: agent {}, writer {}", shown(agent), shown(writer))
}
