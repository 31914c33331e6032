//! From a model's name to a client: which provider speaks which dialect, where it answers, and which key
//! it wants.

use super::Llm;
use super::anthropic::Anthropic;
use super::http::Http;
use super::offline::Offline;
use super::openai::OpenAi;
use super::retry::Retrying;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// `provider/name`. The name may hold slashes of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName {
    pub provider: Provider,
    pub name: String,
}

/// Who serves a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The rule-based model inside this program.
    Offline,
    Anthropic,
    OpenAi,
    OpenRouter,
    Zhipu,
    Chutes,
    Ollama,
    Vllm,
    LlamaCpp,
}

/// How a provider is reached.
struct Facts {
    provider: Provider,
    word: &'static str,
    base_url: &'static str,
    /// The environment variable that holds the key; none where no key is needed.
    key_variable: Option<&'static str>,
}

const PROVIDERS: &[Facts] = &[
    Facts { provider: Provider::Offline, word: "offline", base_url: "", key_variable: None },
    Facts {
        provider: Provider::Anthropic,
        word: "anthropic",
        base_url: "https://api.anthropic.com",
        key_variable: Some("ANTHROPIC_API_KEY"),
    },
    Facts {
        provider: Provider::OpenAi,
        word: "openai",
        base_url: "https://api.openai.com/v1",
        key_variable: Some("OPENAI_API_KEY"),
    },
    Facts {
        provider: Provider::OpenRouter,
        word: "openrouter",
        base_url: "https://openrouter.ai/api/v1",
        key_variable: Some("OPENROUTER_API_KEY"),
    },
    Facts {
        provider: Provider::Zhipu,
        word: "zhipu",
        base_url: "https://open.bigmodel.cn/api/paas/v4",
        key_variable: Some("ZHIPU_API_KEY"),
    },
    Facts {
        provider: Provider::Chutes,
        word: "chutes",
        base_url: "https://llm.chutes.ai/v1",
        key_variable: Some("CHUTES_API_KEY"),
    },
    Facts {
        provider: Provider::Ollama,
        word: "ollama",
        base_url: "http://127.0.0.1:11434/v1",
        key_variable: None,
    },
    Facts {
        provider: Provider::Vllm,
        word: "vllm",
        base_url: "http://127.0.0.1:8000/v1",
        key_variable: None,
    },
    Facts {
        provider: Provider::LlamaCpp,
        word: "llamacpp",
        base_url: "http://127.0.0.1:8080/v1",
        key_variable: None,
    },
];

impl Provider {
    fn facts(self) -> &'static Facts {
        let found = PROVIDERS.iter().find(|facts| facts.provider == self);
        found.expect("every provider stands in the table; a test goes through them")
    }

    /// As it stands before the slash.
    pub fn word(self) -> &'static str {
        self.facts().word
    }

    /// The environment variable that holds the key; none where no key is needed.
    pub fn key_variable(self) -> Option<&'static str> {
        self.facts().key_variable
    }

    /// All providers, for help and messages.
    pub fn all() -> impl Iterator<Item = Provider> {
        PROVIDERS.iter().map(|facts| facts.provider)
    }
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<ModelName, String> {
        let known = || PROVIDERS.iter().map(|facts| facts.word).collect::<Vec<_>>().join(", ");
        let Some((word, name)) = text.split_once('/').filter(|(_, name)| !name.is_empty()) else {
            return Err(format!("{text:?} is not provider/name; known providers: {}", known()));
        };
        let Some(facts) = PROVIDERS.iter().find(|facts| facts.word == word) else {
            return Err(format!(
                "unknown provider {word:?} in {text:?}; known: {}. For another OpenAI-compatible server \
                 write openai/{name} and give its --base-url",
                known()
            ));
        };
        Ok(ModelName { provider: facts.provider, name: name.to_owned() })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider.word(), self.name)
    }
}

/// Everything that a client needs to know.
#[derive(Clone, Debug)]
pub struct Connection {
    pub model: ModelName,
    /// Another place than the provider's own.
    pub base_url: Option<String>,
    pub key: Option<SecretString>,
    pub options: ModelOptions,
}

/// How the model is asked. What is absent is left to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelOptions {
    pub temperature: Option<f64>,
    pub output_tokens_max: Option<u32>,
    /// Tokens the model may think with before it answers; thinking is off when absent.
    pub thinking_tokens: Option<u32>,
}

/// The models that an OpenAI-compatible server says it serves.
pub async fn served_models(base_url: &str, key: Option<SecretString>) -> Result<Vec<String>, String> {
    let model = ModelName { provider: Provider::OpenAi, name: "?".into() };
    let http = Http::new(&model, base_url, key)?;
    http.models().await.map_err(|error| format!("ask {base_url} for its models: {error}"))
}

/// Makes the client of a model, with retries around it.
pub fn connect(connection: &Connection) -> Result<Arc<dyn Llm>, String> {
    let facts = connection.model.provider.facts();
    let base_url = connection.base_url.as_deref().unwrap_or(facts.base_url).trim_end_matches('/');
    let http = || Http::new(&connection.model, base_url, connection.key.clone());
    Ok(match connection.model.provider {
        Provider::Offline => {
            let offline = Offline::new();
            if offline.name() != connection.model.to_string() {
                let (wrong, known) = (&connection.model.name, offline.name());
                return Err(format!("there is no offline model {wrong:?}; the one there is: {known}"));
            }
            Arc::new(offline)
        }
        Provider::Anthropic => Arc::new(Retrying::new(Arc::new(Anthropic::new(http()?, connection.options)))),
        provider => {
            let client = OpenAi::new(http()?, connection.options, provider == Provider::OpenAi);
            Arc::new(Retrying::new(Arc::new(client)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        let check = |text: &str, provider: Provider, name: &str| {
            let model: ModelName = text.parse().unwrap();
            assert_eq!((model.provider, model.name.as_str()), (provider, name));
            assert_eq!(model.to_string(), text);
        };
        check("openrouter/meta/llama-3", Provider::OpenRouter, "meta/llama-3");
        check("anthropic/claude-sonnet-4-5", Provider::Anthropic, "claude-sonnet-4-5");
        for provider in Provider::all() {
            check(&format!("{}/m", provider.word()), provider, "m");
        }
    }

    #[test]
    fn a_wrong_name_is_explained() {
        let check = |text: &str, part: &str| {
            let message = text.parse::<ModelName>().unwrap_err();
            assert!(message.contains(part), "{message}");
        };
        check("gpt-5", "is not provider/name");
        check("openai/", "is not provider/name");
        check("mistral/small", "write openai/small and give its --base-url");
    }

    #[test]
    fn every_provider_stands_in_the_table_once() {
        for provider in Provider::all() {
            assert_eq!(PROVIDERS.iter().filter(|facts| facts.provider == provider).count(), 1);
            assert_eq!(provider.facts().provider, provider);
        }
    }
}
