//! From a model's name to its client.

use super::Llm;
use super::anthropic::Anthropic;
use super::gemini::Gemini;
use super::http::Http;
use super::offline::Offline;
use super::openai::OpenAi;
use super::options::ModelOptions;
use super::provider::{ModelName, Provider};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::SystemTime;

/// Everything that a client needs to know.
#[derive(Clone, Debug)]
pub struct Connection {
    pub model: ModelName,
    /// Another place than the provider's own.
    pub base_url: Option<String>,
    pub key: Option<SecretString>,
    /// The environment variable that the key is from, or would be, for messages.
    pub key_variable: String,
    /// Headers that a server wants beside the usual ones. A value that is secret stands in `secrets`, too.
    pub headers: Vec<(String, SecretString)>,
    /// What must not show in anything that the server answers, besides the key.
    pub secrets: Vec<SecretString>,
    pub options: ModelOptions,
}

impl Connection {
    /// A connection without a key, all options left to the provider.
    pub fn to(model: ModelName, base_url: Option<String>) -> Connection {
        let key_variable = model.key_variable(base_url.as_deref()).to_owned();
        let (headers, secrets, options) = (Vec::new(), Vec::new(), ModelOptions::default());
        Connection { model, base_url, key: None, key_variable, headers, secrets, options }
    }
}

/// The models that a server says it serves.
pub async fn served_models(connection: &Connection) -> Result<Vec<String>, String> {
    let models = Http::new(connection)?.models().await;
    models.map_err(|error| format!("ask the server for its models: {error}"))
}

/// The time by the clock of the server; none where it does not tell. No model is asked, and no key is sent.
pub async fn server_time(connection: &Connection) -> Result<Option<SystemTime>, String> {
    Http::new(connection)?.server_time().await.map_err(|error| error.to_string())
}

/// Makes the client of a model; it asks once, and whoever wants retries puts them around it.
pub fn connect(connection: &Connection) -> Result<Arc<dyn Llm>, String> {
    let options = connection.options;
    options.check(connection.model.provider)?;
    let http = || Http::new(connection);
    Ok(match connection.model.provider {
        Provider::Offline => offline(&connection.model)?,
        Provider::Anthropic => Arc::new(Anthropic::new(http()?, options)),
        Provider::Gemini => Arc::new(Gemini::new(http()?, options)),
        _ => Arc::new(OpenAi::new(http()?, options)),
    })
}

fn offline(model: &ModelName) -> Result<Arc<dyn Llm>, String> {
    let offline = Offline::new();
    if offline.name() != model.to_string() {
        let (wrong, known) = (&model.name, offline.name());
        return Err(format!("there is no offline model {wrong:?}; the one there is: {known}"));
    }
    Ok(Arc::new(offline))
}
