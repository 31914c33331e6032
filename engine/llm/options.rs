//! How a model is asked: temperature, output limit, thinking and effort, in words that hold for every provider,
//! and which of them a provider knows.

use super::Request;
use super::provider::Provider;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Below this the providers refuse a budget.
const THINKING_TOKENS_MIN: u32 = 1_024;
/// Room for what a model thinks that chooses by itself how much.
const ADAPTIVE_TOKENS: u32 = 8_192;

/// How the model is asked. What is absent is left to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelOptions {
    pub temperature: Option<f64>,
    /// What the model may write in one turn.
    pub output_tokens_max: Option<u32>,
    pub thinking: Option<Thinking>,
    pub effort: Option<Effort>,
}

/// Whether the model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    Off,
    /// As much as the model sees fit.
    Adaptive,
    /// With at most so many tokens.
    Tokens(u32),
}

/// How hard the model tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

const EFFORTS: [(Effort, &str); 7] = [
    (Effort::None, "none"),
    (Effort::Minimal, "minimal"),
    (Effort::Low, "low"),
    (Effort::Medium, "medium"),
    (Effort::High, "high"),
    (Effort::Xhigh, "xhigh"),
    (Effort::Max, "max"),
];

impl ModelOptions {
    /// The limit to send: what is of use to who asks, as far as the model may write.
    pub(super) fn output_limit(&self, request: &Request) -> Option<u32> {
        [request.output_tokens_max, self.output_tokens_max].into_iter().flatten().min()
    }

    /// The limit to send where what is thought counts as output: it leaves room for both.
    pub(super) fn limit_with_thoughts(&self, request: &Request) -> Option<u32> {
        let room = self.thinking_room().max(self.effort.map_or(0, Effort::room));
        self.output_limit(request).map(|limit| limit.saturating_add(room))
    }

    /// Room for what the model thinks under its budget.
    pub(super) fn thinking_room(&self) -> u32 {
        match self.thinking {
            Some(Thinking::Tokens(tokens)) => tokens,
            Some(Thinking::Adaptive) => ADAPTIVE_TOKENS,
            Some(Thinking::Off) | None => 0,
        }
    }

    /// Refuses what the provider would ignore or has no word for; a model may still refuse more.
    pub(super) fn check(&self, provider: Provider) -> Result<(), String> {
        let (word, problem) = (provider.word(), |what: &str, instead: &str| {
            Err(format!("{} knows no thinking {what}; {instead}", provider.word()))
        });
        match (self.thinking, provider) {
            (Some(Thinking::Tokens(_)), Provider::Anthropic | Provider::Gemini | Provider::OpenRouter) => {}
            (Some(Thinking::Tokens(_)), _) => return problem("budget", "give it an effort instead"),
            (Some(Thinking::Adaptive | Thinking::Off), Provider::OpenAi) => {
                return problem("switch", "give it an effort instead, for example effort=none");
            }
            (
                Some(Thinking::Adaptive),
                Provider::Chutes | Provider::Vllm | Provider::Ollama | Provider::LlamaCpp,
            ) => {
                return problem("of its own choice", "leave it away, or switch it off with thinking=off");
            }
            _ => {}
        }
        match (self.effort, provider) {
            (Some(effort @ (Effort::None | Effort::Minimal)), Provider::Anthropic)
            | (Some(effort @ (Effort::None | Effort::Xhigh | Effort::Max)), Provider::Gemini) => {
                Err(format!("{word} knows no effort {effort}"))
            }
            (Some(effort), Provider::Zhipu) => {
                Err(format!("zhipu knows no effort {effort}; use thinking=off"))
            }
            _ => Ok(()),
        }
    }
}

impl Effort {
    pub fn word(self) -> &'static str {
        EFFORTS.iter().find(|(effort, _)| *effort == self).map_or("", |(_, word)| word)
    }

    /// Room for what a model thinks at this effort, in tokens; generous, since thoughts that meet the limit leave
    /// no answer.
    fn room(self) -> u32 {
        match self {
            Effort::None => 0,
            Effort::Minimal => 1_024,
            Effort::Low => 4_096,
            Effort::Medium => 8_192,
            Effort::High => 16_384,
            Effort::Xhigh | Effort::Max => 32_768,
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Effort {
    type Err = String;

    fn from_str(text: &str) -> Result<Effort, String> {
        let found = EFFORTS.iter().find(|(_, word)| *word == text).map(|(effort, _)| *effort);
        let known = || EFFORTS.map(|(_, word)| word).join(", ");
        found.ok_or_else(|| format!("{text:?} is no effort; there are: {}", known()))
    }
}

impl FromStr for Thinking {
    type Err = String;

    fn from_str(text: &str) -> Result<Thinking, String> {
        match (text, text.parse::<u32>()) {
            ("off", _) => Ok(Thinking::Off),
            ("adaptive", _) => Ok(Thinking::Adaptive),
            (_, Ok(tokens)) if tokens >= THINKING_TOKENS_MIN => Ok(Thinking::Tokens(tokens)),
            _ => Err(format!("expected off, adaptive, or a number of tokens from {THINKING_TOKENS_MIN}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        assert_eq!("adaptive".parse(), Ok(Thinking::Adaptive));
        assert_eq!("2048".parse(), Ok(Thinking::Tokens(2048)));
        assert!("12".parse::<Thinking>().is_err());
        assert!(EFFORTS.iter().all(|(effort, word)| word.parse() == Ok(*effort) && effort.word() == *word));
        assert!("harder".parse::<Effort>().unwrap_err().contains("low, medium, high"));
    }

    #[test]
    fn what_a_provider_has_no_word_for_is_refused() {
        let check = |provider: Provider, thinking: Option<Thinking>, effort: Option<Effort>, part: &str| {
            let options = ModelOptions { thinking, effort, ..ModelOptions::default() };
            match options.check(provider) {
                Ok(()) => assert_eq!(part, "", "{provider:?}"),
                Err(problem) => assert!(!part.is_empty() && problem.contains(part), "{problem}"),
            }
        };
        let tokens = Some(Thinking::Tokens(2048));
        check(Provider::Anthropic, tokens, Some(Effort::High), "");
        check(Provider::Gemini, tokens, None, "");
        check(Provider::OpenAi, tokens, None, "openai knows no thinking budget");
        check(Provider::OpenAi, None, Some(Effort::None), "");
        check(Provider::Vllm, Some(Thinking::Off), None, "");
        check(Provider::Vllm, Some(Thinking::Adaptive), None, "leave it away");
        check(Provider::Gemini, None, Some(Effort::Max), "gemini knows no effort max");
        check(Provider::Anthropic, None, Some(Effort::Minimal), "anthropic knows no effort minimal");
    }
}
