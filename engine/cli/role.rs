//! One model in one role: its name with the parameters that the user wrote behind it, what is kept of them
//! with a run, and the client that they make.

use crate::exit::BadInput;
use crate::keys::Keys;
use packwright::llm::Llm;
use packwright::llm::cache::ModelIdentity;
use packwright::llm::connect::{Connection, connect};
use packwright::llm::options::ModelOptions;
use packwright::llm::provider::{self, ModelName, same_origin};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// For `--help`: what may stand behind a model's name.
pub const PARAMETERS: &str = "\
Model parameters, behind a name and for that model alone, for example
openai/gpt-5-mini,effort=low,max-output=8000:
  temperature=T          sampling temperature
  max-output=TOKENS      the most that it may write in one turn
  thinking=TOKENS        think with at most so many tokens before an answer; or adaptive, or off
  effort=WORD            none, minimal, low, medium, high, xhigh, max, as far as the provider knows them
  base-url=URL           where it answers
  key=VARIABLE           the variable that holds its key, in the environment or .env
  header=NAME:$VARIABLE  a header to send, as often as needed, its value in a variable; the value itself may
                         stand here for X-Title, HTTP-Referer, User-Agent, X-Team, X-Project,
                         OpenAI-Organization, OpenAI-Project, OpenAI-Beta and Anthropic-Beta";

/// Headers that say who asks and for what, and never hold a secret.
const HARMLESS_HEADERS: [&str; 9] = [
    "anthropic-beta",
    "http-referer",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "user-agent",
    "x-project",
    "x-team",
    "x-title",
];

/// A model in a role. Keys and other secrets are never among it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    pub model: String,
    pub base_url: Option<String>,
    /// The variable that holds the key.
    pub key_variable: String,
    /// Names and values; a value that begins with `$` names a variable.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    pub options: ModelOptions,
}

impl Role {
    /// Reads a name with its parameters. What they leave open is taken from `base_url` and `options`.
    pub fn read(text: &str, base_url: Option<&str>, options: ModelOptions) -> anyhow::Result<Role> {
        let mut parts = text.split(',');
        let model: ModelName = parts.next().unwrap_or_default().parse().map_err(BadInput)?;
        let mut role = Role {
            model: model.to_string(),
            base_url: base_url.map(str::to_owned),
            key_variable: String::new(),
            headers: Vec::new(),
            options,
        };
        for part in parts {
            role.set(part).map_err(|problem| BadInput(format!("{}: {problem}", role.model)))?;
        }
        if let Some(url) = &role.base_url {
            provider::base_url(url).map_err(BadInput)?;
        }
        if role.key_variable.is_empty() {
            role.key_variable = model.key_variable(role.base_url.as_deref()).to_owned();
        }
        Ok(role)
    }

    fn set(&mut self, part: &str) -> Result<(), String> {
        // A value is not repeated: it may be a key in the wrong place.
        let (key, value) = part.split_once('=').ok_or("a parameter is not key=value")?;
        let value = value.trim();
        match key.trim() {
            "temperature" => self.options.temperature = Some(temperature(value)?),
            "max-output" => self.options.output_tokens_max = Some(tokens(value)?),
            "thinking" => self.options.thinking = Some(value.parse()?),
            "effort" => self.options.effort = Some(value.parse()?),
            "base-url" => self.base_url = Some(value.to_owned()),
            "key" if is_variable(value) => self.key_variable = value.to_owned(),
            "key" => return Err("key= wants the name of a variable, not the key itself".into()),
            "header" => self.headers.push(header(value)?),
            unknown => return Err(format!("unknown parameter {unknown:?}; see --help")),
        }
        Ok(())
    }

    /// Where the model answers.
    pub fn place(&self) -> anyhow::Result<String> {
        Ok(self.base_url.clone().unwrap_or(self.name()?.provider.base_url().to_owned()))
    }

    /// What the model's answers depend on, without secrets.
    pub fn identity(&self) -> anyhow::Result<ModelIdentity> {
        Ok(ModelIdentity {
            model: self.model.clone(),
            base_url: self.place()?,
            options: self.options,
            headers: self.headers.iter().map(shown_header).collect(),
        })
    }

    /// The variables that this model's key and headers are in.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let of_headers = self.headers.iter().filter_map(|(_, value)| value.strip_prefix('$'));
        of_headers.chain([self.key_variable.as_str()])
    }

    /// Makes the client.
    pub fn connect(&self, keys: &Keys) -> anyhow::Result<Arc<dyn Llm>> {
        connect(&self.connection(keys)?).map_err(|problem| BadInput(problem).into())
    }

    /// What a client must know. A missing key is told before anything is spent.
    pub fn connection(&self, keys: &Keys) -> anyhow::Result<Connection> {
        let model = self.name()?;
        let key = keys.get(&self.key_variable);
        if key.is_none() && model.needs_key(self.base_url.as_deref()) {
            return Err(BadInput(format!(
                "{model} needs a key: set {} in the environment or in a file named .env, \
                 or leave --model away to try the tool with the offline model",
                self.key_variable
            ))
            .into());
        }
        Ok(Connection {
            key,
            key_variable: self.key_variable.clone(),
            headers: self.headers_of(keys)?,
            secrets: keys.secrets(),
            options: self.options,
            ..Connection::to(model, self.base_url.clone())
        })
    }

    /// The variables that must be set and are not.
    pub fn unset(&self, keys: &Keys) -> anyhow::Result<Vec<&str>> {
        let needs_key = self.name()?.needs_key(self.base_url.as_deref());
        let is_missing = |name: &&str| keys.get(name).is_none() && (needs_key || *name != self.key_variable);
        Ok(self.variables().filter(is_missing).collect())
    }

    fn headers_of(&self, keys: &Keys) -> anyhow::Result<Vec<(String, SecretString)>> {
        let value = |value: &str| match value.strip_prefix('$') {
            None => Ok(SecretString::from(value)),
            Some(name) => keys.get(name).ok_or_else(|| BadInput(format!("the variable {name} is not set"))),
        };
        let headers = self.headers.iter().map(|(name, text)| Ok((name.clone(), value(text)?)));
        headers.collect()
    }

    /// Whether it is asked at its provider's own address, whose prices are known.
    pub fn is_at_home(&self) -> anyhow::Result<bool> {
        Ok(same_origin(&self.place()?, self.name()?.provider.base_url()))
    }

    pub fn is_offline(&self) -> bool {
        is_offline(&self.model)
    }

    fn name(&self) -> anyhow::Result<ModelName> {
        Ok(self.model.parse().map_err(BadInput)?)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.model)?;
        self.base_url.as_ref().map_or(Ok(()), |url| write!(f, " at {url}"))
    }
}

/// A header without what may be secret: a literal value never is.
fn shown_header((name, value): &(String, String)) -> String {
    if value.starts_with('$') { name.clone() } else { format!("{name}: {value}") }
}

/// Whether a model runs inside this program.
pub fn is_offline(model: &str) -> bool {
    model.starts_with("offline/")
}

/// Reads a temperature.
pub fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=2.0).contains(&value) => Ok(value),
        _ => Err("temperature: expected a number from 0 to 2".into()),
    }
}

fn tokens(text: &str) -> Result<u32, String> {
    let tokens = text.parse::<u32>().ok().filter(|tokens| *tokens > 0);
    tokens.ok_or_else(|| "max-output: expected a number of tokens".into())
}

/// A header. Its value names a variable, unless headers of this name never hold a secret.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("header= wants NAME:VALUE")?;
    let (name, value) = (name.trim(), value.trim());
    let is_harmless = HARMLESS_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known));
    if !is_harmless && !value.strip_prefix('$').is_some_and(is_variable) {
        return Err(format!(
            "the header {name} may hold a secret, and the command line is kept with the run: put its value into a \
             variable and write header={name}:$VARIABLE"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn is_variable(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !text.is_empty() && text.chars().all(allowed) && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use packwright::llm::options::{Effort, Thinking};

    fn read(text: &str) -> Result<Role, String> {
        let defaults = ModelOptions { temperature: Some(0.5), ..ModelOptions::default() };
        Role::read(text, Some("http://127.0.0.1:1/v1"), defaults).map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_hold_for_their_model() {
        let role = read("openai/m/n,temperature=1,max-output=800,thinking=off,effort=low,base-url=https://h/v1,key=MY_KEY,header=X-Team: a=b").unwrap();
        assert_eq!((role.model.as_str(), role.base_url.as_deref()), ("openai/m/n", Some("https://h/v1")));
        assert_eq!((role.key_variable.as_str(), role.headers[0].1.as_str()), ("MY_KEY", "a=b"));
        let expected = ModelOptions {
            temperature: Some(1.0),
            output_tokens_max: Some(800),
            thinking: Some(Thinking::Off),
            effort: Some(Effort::Low),
        };
        assert_eq!(role.options, expected);
        let plain = read("openai/m").unwrap();
        assert_eq!(
            (plain.options.temperature, plain.base_url.as_deref()),
            (Some(0.5), Some("http://127.0.0.1:1/v1"))
        );
        assert_eq!(plain.key_variable, "PACKWRIGHT_API_KEY");
    }

    #[test]
    fn wrong_parameters_are_explained_and_secrets_not_repeated() {
        let check = |text: &str, part: &str| {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(part) && !problem.contains("sk-1"), "{problem}");
        };
        check("openai/m,sk-1", "not key=value");
        check("openai/m,hurry=yes", "unknown parameter \"hurry\"");
        check("openai/m,key=sk-1", "the name of a variable");
        check("openai/m,header=Authorization:sk-1", "write header=Authorization:$VARIABLE");
        check("openai/m,header=X-Gateway:sk-1", "write header=X-Gateway:$VARIABLE");
        check("openai/m,header=X-Gateway:$sk-1", "write header=X-Gateway:$VARIABLE");
        check("openai/m,temperature=9", "from 0 to 2");
        check("openai/m,max-output=0", "a number of tokens");
        check("openai/m,effort=sk", "is no effort");
        check("openai/m,base-url=http://sk-1@h/v1", "must not hold a user name");
    }
}
