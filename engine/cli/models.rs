//! Which models a run uses: from the command line, with keys from the environment or `.env`.

use crate::exit::BadInput;
use clap::Args;
use packwright::llm::Llm;
use packwright::llm::connect::{
    Connection, ModelName, ModelOptions, Provider, connect as connect_one, served_models,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const OFFLINE: &str = "offline/office";

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
    /// only model is used
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// The same for a writer of another provider than the agent's
    #[arg(long, value_name = "URL", requires = "writer")]
    writer_base_url: Option<String>,

    /// Sampling temperature; the provider's own when absent
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f64>,

    /// Tokens that a model may think with before it answers (Anthropic); off when absent
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1024..))]
    thinking: Option<u32>,
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
    agent: String,
    agent_base_url: Option<String>,
    writer: String,
    writer_base_url: Option<String>,
    options: ModelOptions,
    /// No model was named, so the offline model was taken.
    unnamed: bool,
}

impl ModelSettings {
    /// Whether no provider is asked anything.
    pub fn are_offline(&self) -> bool {
        [&self.agent, &self.writer].iter().all(|name| is_offline(name))
    }
}

fn is_offline(name: &str) -> bool {
    name.starts_with("offline/")
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
        let agent = match (&self.model, &self.base_url) {
            (Some(model), _) => model.clone(),
            (None, Some(base_url)) => only_model(base_url)?,
            (None, None) => OFFLINE.to_owned(),
        };
        let writer = self.writer.clone().unwrap_or_else(|| agent.clone());
        let same_provider = agent.split('/').next() == writer.split('/').next();
        let inherited = if same_provider { self.base_url.clone() } else { None };
        Ok(ModelSettings {
            unnamed: self.model.is_none() && self.base_url.is_none(),
            agent,
            agent_base_url: self.base_url.clone(),
            writer,
            writer_base_url: self.writer_base_url.clone().or(inherited),
            options: ModelOptions {
                temperature: self.temperature,
                thinking_tokens: self.thinking,
                output_tokens_max: None,
            },
        })
    }
}

/// The model of a server that serves one.
fn only_model(base_url: &str) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let key = Provider::OpenAi.key_variable().and_then(key_from);
    let served = runtime.block_on(served_models(base_url, key));
    let served = served
        .map_err(|problem| BadInput(format!("{problem}; name the model with --model openai/<name>")))?;
    match &served[..] {
        [only] => Ok(format!("openai/{only}")),
        [] => Err(BadInput(format!("{base_url} names no model; name it with --model openai/<name>")).into()),
        many => Err(BadInput(format!(
            "{base_url} serves several models; choose one with --model: {}",
            many.iter().map(|name| format!("openai/{name}")).collect::<Vec<_>>().join(", ")
        ))
        .into()),
    }
}

/// Makes the clients. A missing key is told before anything is spent.
pub fn connect(settings: &ModelSettings) -> anyhow::Result<Models> {
    let agent = client(&settings.agent, settings.agent_base_url.as_deref(), settings.options)?;
    let writer = client(&settings.writer, settings.writer_base_url.as_deref(), settings.options)?;
    Ok(Models { notice: notice(settings), agent, writer })
}

fn client(name: &str, base_url: Option<&str>, options: ModelOptions) -> anyhow::Result<Arc<dyn Llm>> {
    let model: ModelName = name.parse().map_err(BadInput)?;
    let key = model.provider.key_variable().and_then(key_from);
    if let (Some(variable), None, None) = (model.provider.key_variable(), &key, base_url) {
        return Err(BadInput(format!(
            "{name} needs a key: set {variable} in the environment or in a file named .env, \
             or leave --model away to try the tool with the offline model"
        ))
        .into());
    }
    let base_url = base_url.map(str::to_owned);
    connect_one(&Connection { model, base_url, key, options }).map_err(|problem| BadInput(problem).into())
}

fn key_from(variable: &str) -> Option<SecretString> {
    let key = std::env::var(variable).ok()?;
    let key = key.trim();
    (!key.is_empty()).then(|| SecretString::from(key))
}

fn notice(settings: &ModelSettings) -> String {
    if settings.are_offline() {
        let why = if settings.unnamed { "no --model was named, so this is the" } else { "this is the" };
        let found: Vec<&str> = Provider::all()
            .filter_map(Provider::key_variable)
            .filter(|name| key_from(name).is_some())
            .collect();
        let found = if found.is_empty() {
            String::new()
        } else {
            format!(" ({} is set: name a --model to use it)", found.join(", "))
        };
        return format!(
            "offline model: {why} rule-based stand-in; nothing is sent or spent, and its scores predict nothing \
             about a real model{found}"
        );
    }
    let place = |url: &Option<String>| {
        url.as_ref().map_or(String::new(), |url| format!(" at {}", without_secret(url)))
    };
    format!(
        "models: agent {}{}, writer {}{}",
        settings.agent,
        place(&settings.agent_base_url),
        settings.writer,
        place(&settings.writer_base_url)
    )
}

/// A URL without a user's name and password in it.
fn without_secret(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}
