//! The program itself, the options, and the keys.

use super::row::{Fault, Found, Row};
use crate::agents::{AgentArgs, AgentSettings};
use crate::keys::Keys;
use crate::limits::LimitArgs;
use crate::models::{ModelArgs, ModelSettings};
use crate::notify::NotifyArgs;
use crate::role::Role;
use indexmap::IndexMap;
use packwright::budget::RunCaps;
use packwright::notify::Channel;
use packwright::workspace::{SuiteSource, load_suite};

/// Whether this program is whole.
pub fn program() -> Found<()> {
    let version = env!("CARGO_PKG_VERSION");
    match load_suite(&SuiteSource::Embedded) {
        Ok(loaded) => {
            let scenarios = loaded.suite.scenarios.len();
            let finding = format!("optimize {version}, with a built-in suite of {scenarios} scenarios");
            (Row::passed("program", finding), None)
        }
        Err(error) => {
            let finding = format!("the suite inside optimize {version} is broken: {error}");
            (Row::failed("program", Fault::Setup, finding, "install the program anew"), None)
        }
    }
}

/// Which models the options name.
pub fn models(args: &ModelArgs, caps: &RunCaps, is_external: bool) -> Found<ModelSettings> {
    match args.settings(caps, is_external) {
        Ok(settings) => {
            let writers: Vec<String> = settings.writers.iter().map(Role::to_string).collect();
            let finding = if settings.are_offline() {
                "the offline model, a rule-based stand-in".to_owned()
            } else {
                match &settings.agent {
                    Some(agent) if settings.writers == [agent.clone()] => format!("agent and writer {agent}"),
                    Some(agent) => format!("agent {agent}, writer {}", writers.join(", ")),
                    None => format!("the evaluator's own model, writer {}", writers.join(", ")),
                }
            };
            (Row::passed("settings", finding), Some(settings))
        }
        Err(error) => {
            let (fault, fix) = match args.unnamed_server() {
                Some(url) => (
                    Fault::Infrastructure,
                    format!(
                        "see that a server answers at {url} (its address usually ends in /v1), or name the \
                         model with --model openai/NAME"
                    ),
                ),
                None => (Fault::Setup, "correct the option; `optimize --help` explains each".to_owned()),
            };
            (Row::failed("settings", fault, format!("{error:#}"), fix), None)
        }
    }
}

/// The limits, and the prices that dollars are counted by.
pub fn limits(args: &LimitArgs, models: &ModelSettings) -> Row {
    match args.prices(models.asked_of_providers()) {
        Ok(_) if models.asked_of_providers().next().is_none() => {
            let finding = match models.are_offline() {
                true => "none needed: nothing is asked of a provider",
                false => "none needed: only what the evaluator reports is counted",
            };
            Row::passed("prices", finding)
        }
        Ok(prices) => {
            let unpriced = models.asked_of_providers().filter(|(_, role)| prices.of(role).is_none());
            let mut unpriced: Vec<&str> = unpriced.map(|(_, role)| role.model.as_str()).collect();
            unpriced.dedup();
            match unpriced.is_empty() {
                true => Row::passed("prices", format!("known for all models, by {}", prices.note)),
                false => Row::warning(
                    "prices",
                    format!("unpriced: {}; what it costs cannot be told", unpriced.join(", ")),
                    "give its price in a file with --prices, or go by --max-tokens",
                ),
            }
        }
        Err(error) => Row::failed(
            "prices",
            Fault::Setup,
            format!("{error:#}"),
            "correct the file or the limit; `optimize --help` explains each",
        ),
    }
}

/// In which words the agent asks.
pub fn agent(args: &AgentArgs) -> Found<AgentSettings> {
    let settings = match args.settings() {
        Ok(settings) => settings,
        Err(error) => {
            let fix = "correct the option; `optimize --help` explains each";
            return (Row::failed("agent", Fault::Setup, format!("{error:#}"), fix), None);
        }
    };
    match settings.hash() {
        Ok(_) => {
            let finding = settings.notice();
            let finding = finding.as_deref().map(|notice| notice.trim_start_matches("agent: "));
            (Row::passed("agent", finding.unwrap_or("built-in, in our own words")), Some(settings))
        }
        Err(error) => {
            let fix = "name a profile that `optimize openclaw capture` made, or leave --prompt-profile away";
            (Row::failed("agent", Fault::Setup, format!("{error:#}"), fix), None)
        }
    }
}

/// Where messages go. Nothing is sent.
pub fn notify(args: &NotifyArgs) -> Found<()> {
    const NAME: &str = "notify";
    let fix = "correct the option, or put the variable into a file .env here; `optimize notify test` sends a message";
    if Keys::read([]).is_err() {
        return (Row::needs(NAME, "keys"), None);
    }
    let row = match args.wanted(None) {
        Err(error) => Row::failed(NAME, Fault::Setup, format!("{error:#}"), fix),
        Ok(wanted) if !wanted.problems.is_empty() => {
            Row::failed(NAME, Fault::Setup, wanted.problems.join("; "), fix)
        }
        Ok(wanted) if wanted.channels.is_empty() => {
            Row::not_configured(NAME, "nobody is told how the run goes")
        }
        Ok(wanted) => {
            let labels: Vec<&str> = wanted.channels.iter().map(Channel::label).collect();
            let quiet = wanted.quiet.map_or(String::new(), |quiet| format!(", quiet {quiet}"));
            let finding = format!("{}{quiet}; `optimize notify test` sends a message", labels.join(", "));
            Row::passed(NAME, finding)
        }
    };
    (row, None)
}

/// The keys in the environment and in `.env`, and whether every model has what it needs. Keys that can be read
/// are given on, even if one is missing.
pub fn keys(models: Option<&ModelSettings>) -> Found<Keys> {
    let of_agent = models.and_then(|models| models.agent.as_ref());
    let roles: Vec<&Role> = of_agent.into_iter().chain(models.iter().flat_map(|one| &one.writers)).collect();
    let keys = match Keys::read(roles.iter().flat_map(|role| role.variables())) {
        Ok(keys) => keys,
        Err(error) => {
            let fix =
                "write the line as NAME=key, with the quotes closed or without any; keys are never shown";
            return (Row::failed("keys", Fault::Setup, format!("{error:#}"), fix), None);
        }
    };
    let row = missing(&roles, &keys).unwrap_or_else(|| Row::passed("keys", found(&roles, &keys)));
    (row, Some(keys))
}

fn missing(roles: &[&Role], keys: &Keys) -> Option<Row> {
    let mut wanted: IndexMap<&str, &str> = IndexMap::new();
    for role in roles {
        for variable in role.unset(keys).unwrap_or_default() {
            wanted.entry(variable).or_insert(&role.model);
        }
    }
    if wanted.is_empty() {
        return None;
    }
    let finding: Vec<String> = wanted
        .iter()
        .map(|(variable, model)| format!("{variable} is not set, which {model} needs"))
        .collect();
    let lines: Vec<String> = wanted.keys().map(|variable| format!("{variable}=…")).collect();
    let fix = format!(
        "put {} into a file .env here, or export it; without --model the offline model answers, and needs none",
        lines.join(" and ")
    );
    Some(Row::failed("keys", Fault::Setup, finding.join("; "), fix))
}

/// Which keys are used, and from where; of the others, that they are not.
fn found(roles: &[&Role], keys: &Keys) -> String {
    let mut used: Vec<&str> = Vec::new();
    for name in roles.iter().filter(|role| !role.is_offline()).flat_map(|role| role.variables()) {
        if !used.contains(&name) {
            used.push(name);
        }
    }
    let told = used.iter().filter_map(|name| Some(format!("{name} from {}", keys.origin(name)?)));
    let mut told: Vec<String> = told.collect();
    if told.is_empty() {
        told.push("none needed".to_owned());
    }
    let unused: Vec<&str> = keys.set().into_iter().filter(|name| !used.contains(name)).collect();
    if !unused.is_empty() {
        told.push(format!("{} set and not used", unused.join(", ")));
    }
    told.join("; ")
}
