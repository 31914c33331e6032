//! From a model's name to its client.

use super::anthropic::Anthropic;
use super::http::Http;
use super::offline::Offline;
use super::openai::OpenAi;
use super::provider::{ModelName, Provider};
use super::retry::Retrying;
use super::{Llm, Request};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything that a client needs to know.
#[derive(Clone, Debug)]
pub struct Connection {
    pub model: ModelName,
    /// Another place than the provider's own.
    pub base_url: Option<String>,
    pub key: Option<SecretString>,
    /// The environment variable that the key is from, or would be, for messages.
    pub key_variable: String,
    pub options: ModelOptions,
}

impl Connection {
    /// A connection without a key, all options left to the provider.
    pub fn to(model: ModelName, base_url: Option<String>) -> Connection {
        let key_variable = model.key_variable(base_url.as_deref()).to_owned();
        Connection { model, base_url, key: None, key_variable, options: ModelOptions::default() }
    }
}

/// How the model is asked. What is absent is left to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelOptions {
    pub temperature: Option<f64>,
    /// What the model may write in one turn.
    pub output_tokens_max: Option<u32>,
    /// Tokens the model may think with before it answers; thinking is off when absent.
    pub thinking_tokens: Option<u32>,
}

impl ModelOptions {
    /// The limit to send: what is of use to who asks, as far as the model may write.
    pub(super) fn output_limit(&self, request: &Request) -> Option<u32> {
        [request.output_tokens_max, self.output_tokens_max].into_iter().flatten().min()
    }
}

/// The models that a server says it serves.
pub async fn served_models(connection: &Connection) -> Result<Vec<String>, String> {
    let models = Http::new(connection)?.models().await;
    models.map_err(|error| format!("ask the server for its models: {error}"))
}

/// Makes the client of a model, with retries around it.
pub fn connect(connection: &Connection) -> Result<Arc<dyn Llm>, String> {
    let options = connection.options;
    let http = || Http::new(connection);
    let client: Arc<dyn Llm> = match connection.model.provider {
        Provider::Offline => return offline(&connection.model),
        Provider::Anthropic => Arc::new(Anthropic::new(http()?, options)),
        provider => Arc::new(OpenAi::new(http()?, options, provider == Provider::OpenAi)),
    };
    Ok(Arc::new(Retrying::new(client)))
}

fn offline(model: &ModelName) -> Result<Arc<dyn Llm>, String> {
    let offline = Offline::new();
    if offline.name() != model.to_string() {
        let (wrong, known) = (&model.name, offline.name());
        return Err(format!("there is no offline model {wrong:?}; the one there is: {known}"));
    }
    Ok(Arc::new(offline))
}
