//! Which models a run uses: from the command line, with keys from the environment or `.env`.

use crate::exit::BadInput;
use crate::keys::{Keys, WRITER_KEY_VARIABLE};
use crate::limits::Prices;
use crate::role::{Role, temperature};
use clap::Args;
use packwright::budget::{Role as RoleKind, RunCaps};
use packwright::llm::Llm;
use packwright::llm::connect::{Connection, served_models};
use packwright::llm::meter::{Ledger, Metered};
use packwright::llm::options::{Effort, ModelOptions, Thinking};
use packwright::llm::provider::{self, ModelName, Provider, SERVER_KEY_VARIABLE, same_origin};
use packwright::llm::retry::Retrying;
use packwright::propose::{ProposalStyle, Writers};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const OFFLINE: &str = "offline/office";
/// Under a limit of dollars or tokens every call needs a bound; no turn of an episode needs more than this.
pub const CAPPED_OUTPUT_TOKENS: u32 = 16_000;
/// So many of a server's models are shown.
const MODELS_LISTED_MAX: usize = 20;

#[derive(Args, Debug, Clone)]
pub struct ModelArgs {
    /// The agent's model, for example anthropic/claude-sonnet-4-5 or openai/gpt-5-mini. Providers: anthropic,
    /// openai, gemini, openrouter, zhipu, chutes, ollama, vllm, llamacpp, offline. The offline model when
    /// absent. Parameters may follow the name: see below
    #[arg(long, value_name = "PROVIDER/NAME")]
    model: Option<String>,

    /// The model that writes candidates; the agent's when absent. Several are asked in turn. An evaluator of yours
    /// (--agent) asks its own model, so there this is the only one to name
    #[arg(long, value_name = "PROVIDER/NAME")]
    writer: Vec<String>,

    /// Where an OpenAI-compatible server answers, for example http://127.0.0.1:8080/v1; with no --model its
    /// only model is used. Its key, if it wants one, is read from PACKWRIGHT_API_KEY: a provider's own key
    /// goes to the provider's own address only
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// The same for writers of another provider than the agent's; where both have servers of their own, the
    /// writer's key is PACKWRIGHT_WRITER_API_KEY
    #[arg(long, value_name = "URL", requires = "writer")]
    writer_base_url: Option<String>,

    /// Sampling temperature of all models; the provider's own when absent
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f64>,

    /// How long all models may think before they answer: tokens, adaptive, or off; the provider's own way
    /// when absent
    #[arg(long, value_name = "TOKENS")]
    thinking: Option<Thinking>,

    /// How hard all models try: none, minimal, low, medium, high, xhigh, max, as far as the provider knows them
    #[arg(long, value_name = "EFFORT")]
    effort: Option<Effort>,

    /// The most that the agent's model may write in one turn; the provider's own limit when absent
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    max_output: Option<u32>,

    /// The same for the writers, which never need more than 16,000
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    writer_max_output: Option<u32>,

    /// Show writers the patterns that failed checks look for; a policy made for patterns may not serve users
    #[arg(long)]
    show_patterns: bool,
}

/// What is kept of the choice with the run. Keys are never among it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelSettings {
    /// None where an evaluator of the user measures, which asks whom it likes.
    pub agent: Option<Role>,
    pub writers: Vec<Role>,
    /// No model was named, so the offline model was taken.
    unnamed: bool,
    /// Writers see the patterns that checks look for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    show_patterns: bool,
}

/// The clients of a run's models, before anything is put around them.
pub struct Models {
    /// None where an evaluator of the user measures.
    agent: Option<Arc<dyn Llm>>,
    writers: Vec<Arc<dyn Llm>>,
    /// The first line of a run's output.
    pub notice: String,
}

/// The models as a run asks them: with retries, each attempt accounted for.
pub struct Accounted {
    pub agent: Option<Arc<dyn Llm>>,
    pub writers: Writers,
}

impl Models {
    /// None where an evaluator of the user measures.
    pub fn agent_name(&self) -> Option<&str> {
        self.agent.as_ref().map(|agent| agent.name())
    }

    /// The names of all writers, as a run keeps them.
    pub fn writer_names(&self) -> String {
        Writers::new(self.writers.clone()).name()
    }

    /// Puts the meter and retries around every model that a provider answers for.
    pub fn accounted(&self, settings: &ModelSettings, ledger: &Arc<Ledger>, prices: &Prices) -> Accounted {
        let around = |kind: RoleKind, role: &Role, llm: &Arc<dyn Llm>| -> Arc<dyn Llm> {
            if role.is_offline() {
                return llm.clone();
            }
            let metered = Metered::new(llm.clone(), kind, prices.of(role), ledger.clone());
            Arc::new(Retrying::new(Arc::new(metered)))
        };
        let writers = settings.writers.iter().zip(&self.writers);
        let writers = writers.map(|(role, writer)| around(RoleKind::Writer, role, writer));
        let agent = settings.agent.as_ref().zip(self.agent.as_ref());
        Accounted {
            agent: agent.map(|(role, agent)| around(RoleKind::Agent, role, agent)),
            writers: Writers::new(writers.collect())
                .in_style(ProposalStyle { shows_patterns: settings.show_patterns }),
        }
    }
}

impl ModelArgs {
    /// Settles every open choice, so that a resumed run makes none.
    pub fn settings(&self, caps: &RunCaps, is_external: bool) -> anyhow::Result<ModelSettings> {
        if is_external {
            self.refuse_models_of_agent()?;
        }
        for url in [&self.base_url, &self.writer_base_url].into_iter().flatten() {
            provider::base_url(url).map_err(BadInput)?;
        }
        let model = match (&self.model, &self.base_url) {
            (Some(model), _) => model.clone(),
            (None, Some(base_url)) => only_model(base_url)?,
            (None, None) => OFFLINE.to_owned(),
        };
        // Writers take from it what they leave open, also where an evaluator stands in its place.
        let mut agent = Role::read(&model, self.base_url.as_deref(), self.options(self.max_output))?;
        let named = if self.writer.is_empty() { std::slice::from_ref(&model) } else { &self.writer[..] };
        let writers: Vec<Role> =
            named.iter().map(|name| self.writer_role(name, &agent)).collect::<Result<_, _>>()?;
        if caps.needs_bound(RoleKind::Agent) {
            agent.options.output_tokens_max.get_or_insert(CAPPED_OUTPUT_TOKENS);
        }
        let is_nothing_named = self.model.is_none() && self.base_url.is_none();
        let unnamed = is_nothing_named && (!is_external || self.writer.is_empty());
        let agent = Some(agent).filter(|_| !is_external);
        Ok(ModelSettings { unnamed, agent, writers, show_patterns: self.show_patterns })
    }

    /// An evaluator has its own agent, and that its own model.
    fn refuse_models_of_agent(&self) -> Result<(), BadInput> {
        let given = [("--model", self.model.is_some()), ("--max-output", self.max_output.is_some())];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => Err(BadInput(format!(
                "{flag} is for the built-in agent, and an evaluator asks its own model: leave it away, and name the \
                 writer's model with --writer"
            ))),
            None => Ok(()),
        }
    }

    /// The server whose only model is to be used, where none is named.
    pub fn unnamed_server(&self) -> Option<&str> {
        self.base_url.as_deref().filter(|_| self.model.is_none())
    }

    fn writer_role(&self, name: &str, agent: &Role) -> anyhow::Result<Role> {
        let same_provider = agent.model.split('/').next() == name.split('/').next();
        let inherited = self.base_url.as_deref().filter(|_| same_provider);
        let base_url = self.writer_base_url.as_deref().or(inherited);
        let mut writer = Role::read(name, base_url, self.options(self.writer_max_output))?;
        // The key of one server is not for another.
        let both_own = [agent, &writer].iter().all(|role| role.key_variable == SERVER_KEY_VARIABLE);
        if both_own && !same_origin(&agent.place()?, &writer.place()?) {
            writer.key_variable = WRITER_KEY_VARIABLE.to_owned();
        }
        Ok(writer)
    }

    fn options(&self, output_tokens_max: Option<u32>) -> ModelOptions {
        let (temperature, thinking, effort) = (self.temperature, self.thinking, self.effort);
        ModelOptions { temperature, output_tokens_max, thinking, effort }
    }
}

impl ModelSettings {
    /// Whether no provider is asked anything.
    pub fn are_offline(&self) -> bool {
        self.agent.is_some() && self.roles().all(Role::is_offline)
    }

    /// In the order of their turns.
    pub fn writers(&self) -> &[Role] {
        &self.writers
    }

    /// The models that providers are asked for.
    pub fn asked_of_providers(&self) -> impl Iterator<Item = (RoleKind, &Role)> {
        let writers = self.writers.iter().map(|role| (RoleKind::Writer, role));
        let all = self.agent.iter().map(|role| (RoleKind::Agent, role)).chain(writers);
        all.filter(|(_, role)| !role.is_offline())
    }

    /// The variables that belong to no provider hold the key of one server, and the key of one server is not for
    /// another.
    fn refuse_two_places_for(&self, variable: &str) -> anyhow::Result<()> {
        let mut roles = self.roles().filter(|role| role.key_variable == variable && !role.is_offline());
        let Some(first) = roles.next() else { return Ok(()) };
        let place = first.place()?;
        for other in roles {
            if !same_origin(&place, &other.place()?) {
                return Err(BadInput(format!(
                    "the key in {variable} would go to two servers, for {first} and for {other}: put the key of \
                     one of them into another variable, and name that behind the model, as in {},key=VARIABLE",
                    other.model
                ))
                .into());
            }
        }
        Ok(())
    }

    fn roles(&self) -> impl Iterator<Item = &Role> {
        self.agent.iter().chain(&self.writers)
    }
}

/// The model of a server that serves one.
fn only_model(base_url: &str) -> anyhow::Result<String> {
    let name = ModelName { provider: Provider::OpenAi, name: "?".into() };
    let mut connection = Connection::to(name, Some(base_url.to_owned()));
    let keys = Keys::read([])?;
    (connection.key, connection.secrets) = (keys.get(&connection.key_variable), keys.secrets());
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
    let keys = Keys::read(settings.roles().flat_map(Role::variables))?;
    for variable in [SERVER_KEY_VARIABLE, WRITER_KEY_VARIABLE] {
        if keys.get(variable).is_some() {
            settings.refuse_two_places_for(variable)?;
        }
    }
    let writers = settings.writers.iter().map(|role| role.connect(&keys)).collect::<Result<_, _>>()?;
    let agent = settings.agent.as_ref().map(|role| role.connect(&keys)).transpose()?;
    Ok(Models { notice: notice(settings, &keys), agent, writers })
}

fn notice(settings: &ModelSettings, keys: &Keys) -> String {
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
    let writers: Vec<String> = settings.writers.iter().map(Role::to_string).collect();
    let noun = if writers.len() > 1 { "writers" } else { "writer" };
    let writers = writers.join(", ");
    match &settings.agent {
        Some(agent) => format!("models: agent {agent}, {noun} {writers}"),
        None if settings.writers.iter().all(Role::is_offline) => format!(
            "models: the evaluator's own, and as the writer {writers}, a rule-based stand-in that knows our suite; \
             --writer names a real one"
        ),
        None => format!("models: the evaluator's own, and as the {noun} {writers}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> Role {
        Role::read(text, None, ModelOptions::default()).unwrap()
    }

    #[test]
    fn the_key_of_one_server_is_not_for_another() {
        let check = |agent: &str, writers: &[&str], expected: bool| {
            let writers = writers.iter().map(|text| role(text)).collect();
            let settings =
                ModelSettings { agent: Some(role(agent)), writers, unnamed: false, show_patterns: false };
            let told = settings.refuse_two_places_for(SERVER_KEY_VARIABLE);
            assert_eq!(told.is_ok(), expected, "{agent}");
            assert!(told.is_ok() || told.unwrap_err().to_string().contains("key=VARIABLE"));
        };
        let (one, other) = ("openai/m,base-url=http://a.test/v1", "openai/n,base-url=http://b.test/v1");
        check(one, &[one, "openai/n,base-url=http://a.test/v2"], true);
        check(one, &[other], false);
        check("openai/m", &[one, other], false);
        check(one, &["openai/n,base-url=http://b.test/v1,key=MY_KEY"], true);
        check(one, &["offline/office", "openai/n"], true);
        check("vllm/m", &["ollama/n"], false);
        // The same name is not the same server.
        check(one, &["openai/n,base-url=https://a.test/v1"], false);
    }
}
