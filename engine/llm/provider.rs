//! Model names, and what is known of the providers before the slash: which dialect they speak, where they
//! answer, and which variable holds the key.

use reqwest::Url;
use std::fmt;
use std::str::FromStr;

/// The key of a server that is at none of the providers' own addresses.
pub const SERVER_KEY_VARIABLE: &str = "PACKWRIGHT_API_KEY";

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
    Gemini,
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
        provider: Provider::Gemini,
        word: "gemini",
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        key_variable: Some("GEMINI_API_KEY"),
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

    /// Where it answers, unless the user names another place.
    pub fn base_url(self) -> &'static str {
        self.facts().base_url
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

impl ModelName {
    /// The environment variable that holds the key for the model at a place. A provider's key goes to the
    /// provider's own address; another server gets the key that was set for it, or none.
    pub fn key_variable(&self, base_url: Option<&str>) -> &'static str {
        let own = self.provider.key_variable();
        own.filter(|_| self.is_at_home(base_url)).unwrap_or(SERVER_KEY_VARIABLE)
    }

    /// Whether nothing can be asked without a key.
    pub fn needs_key(&self, base_url: Option<&str>) -> bool {
        self.provider.key_variable().is_some() && self.is_at_home(base_url)
    }

    fn is_at_home(&self, base_url: Option<&str>) -> bool {
        base_url.is_none_or(|url| same_origin(url, self.provider.base_url()))
    }
}

/// Whether two URLs lead to the same server.
pub fn same_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

/// Reads a base URL: of a web server, and free of secrets, since it is stored and shown.
pub fn base_url(text: &str) -> Result<Url, String> {
    // What is wrong is not repeated: it may hold a password.
    let url: Url = text.parse().map_err(|error| format!("a base URL is wrong: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("a base URL must begin with http:// or https://".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "a base URL must not hold a user name or a password, since it is stored and shown; \
             set {SERVER_KEY_VARIABLE} to the server's key instead"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "a base URL must end before `?` or `#`; a key belongs into {SERVER_KEY_VARIABLE}"
        ));
    }
    Ok(url)
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<ModelName, String> {
        let known = || PROVIDERS.iter().map(|facts| facts.word).collect::<Vec<_>>().join(", ");
        let Some((word, name)) = text.split_once('/').filter(|(_, name)| !name.is_empty()) else {
            let is_named = |facts: &&Facts| facts.word == text.trim_end_matches('/');
            let right = match PROVIDERS.iter().find(is_named) {
                Some(facts) if facts.provider == Provider::Offline => "write offline/office".to_owned(),
                Some(facts) => format!("write {}/ and the model's name", facts.word),
                None => format!("known providers: {}", known()),
            };
            return Err(format!("{text:?} is not provider/name; {right}"));
        };
        let Some(facts) = PROVIDERS.iter().find(|facts| facts.word == word) else {
            return Err(format!(
                "unknown provider {word:?} in {text:?}; known: {}. For another OpenAI-compatible server \
                 write openai/{name} and give its --base-url",
                known()
            ));
        };
        if let Some(odd) = name.chars().find(|c| is_unprintable(*c)) {
            return Err(format!(
                "the model's name {name:?} holds a character that cannot be printed: {odd:?}"
            ));
        }
        Ok(ModelName { provider: facts.provider, name: name.to_owned() })
    }
}

/// Names come from servers, too: control characters, and those that reorder or hide text, stay out of terminals.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider.word(), self.name)
    }
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
        check("openai/", "write openai/ and the model's name");
        check("offline", "write offline/office");
        check("mistral/small", "write openai/small and give its --base-url");
    }

    #[test]
    fn every_provider_stands_in_the_table_once() {
        for provider in Provider::all() {
            assert_eq!(PROVIDERS.iter().filter(|facts| facts.provider == provider).count(), 1);
            assert_eq!(provider.facts().provider, provider);
        }
    }

    #[test]
    fn names_of_servers_never_reach_a_terminal_raw() {
        for name in ["openai/a\u{1b}[31m", "openai/a\nb", "vllm/\u{202e}gpt"] {
            let message = name.parse::<ModelName>().unwrap_err();
            assert!(message.contains("cannot be printed"), "{message}");
            assert!(!message.chars().any(is_unprintable), "{message:?}");
        }
        assert!("llamacpp//models/My Model.gguf".parse::<ModelName>().is_ok());
    }

    #[test]
    fn a_key_goes_to_its_own_provider_only() {
        let check = |model: &str, base_url: Option<&str>, variable: &str, needed: bool| {
            let model: ModelName = model.parse().unwrap();
            assert_eq!((model.key_variable(base_url), model.needs_key(base_url)), (variable, needed));
        };
        check("openai/m", None, "OPENAI_API_KEY", true);
        check("openai/m", Some("https://api.openai.com/v2"), "OPENAI_API_KEY", true);
        check("openai/m", Some("http://api.openai.com/v1"), "PACKWRIGHT_API_KEY", false);
        check("openai/m", Some("https://api.openai.com.evil.net/v1"), "PACKWRIGHT_API_KEY", false);
        check("openai/m", Some("http://127.0.0.1:8080/v1"), "PACKWRIGHT_API_KEY", false);
        check("vllm/m", None, "PACKWRIGHT_API_KEY", false);
    }

    #[test]
    fn a_base_url_holds_no_secret() {
        let check = |url: &str, part: &str| {
            let message = base_url(url).unwrap_err();
            assert!(message.contains(part) && !message.contains("pw"), "{message}");
        };
        check("http://bob:pw@host/v1", "PACKWRIGHT_API_KEY");
        check("http://pw@host/v1", "PACKWRIGHT_API_KEY");
        check("http://host/v1?key=pw", "PACKWRIGHT_API_KEY");
        check("ftp://bob:pw@host", "http:// or https://");
        check("bob:pw@host", "http:// or https://");
        check("//bob:pw@host", "a base URL is wrong");
        assert!(base_url("http://127.0.0.1:8080/v1").is_ok());
    }
}
