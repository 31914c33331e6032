//! What a provider means when it refuses: whether to wait, to give up this request, to end the conversation,
//! or to ask the user to mend something. Statuses decide, and the wording where a status says too little.

use regex::Regex;
use std::sync::LazyLock;

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may pass.
    Passing,
    /// This request, and no other.
    Request,
    /// The length of the conversation.
    TooLong,
    /// Key, credit, model or address.
    Setup,
}

/// The account has no money left; a rate limit never says so.
static NO_CREDIT: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"insufficient_quota|billing_hard_limit|billing_not_active|credit balance is too low|insufficient balance",
    )
});

/// Providers that answer 400 to a wrong key.
static WRONG_KEY: LazyLock<Regex> =
    LazyLock::new(|| constant(r"api_key_invalid|api key not valid|invalid_api_key|api key expired"));

/// Providers that answer 400 to an unknown model.
static UNKNOWN_MODEL: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"model_not_found|not a valid model|model [^.]{0,120}does not exist|invalid model name|unknown model",
    )
});

/// A provider's filter refused what it was sent.
static FILTERED: LazyLock<Regex> =
    LazyLock::new(|| constant(r"moderation|content_filter|content_policy|flagged|data_inspection_failed"));

/// The output limit that was asked for is more than the model can write.
static OUTPUT_LIMIT: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"max_(?:completion_|output_|new_)?tokens[^.]{0,60}(?:too large|too high|must be|cannot be|supports at most)|max_tokens: \d+ >|range of max_tokens|maxoutputtokens|maximum allowed number of output tokens|at most \d+ completion tokens",
    )
});

/// The conversation does not fit: OpenAI, Anthropic, vLLM, SGLang, llama.cpp, Gemini, OpenRouter and others.
static TOO_LONG: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"context[_ ]length[_ ]exceeded|context_exceeded|exceed_context_size|model_context_window_exceeded",
        r"|prompt (?:is )?too long|input (?:is )?too long|prompt too large|maximum prompt length",
        r"|(?:input|prompt) tokens? (?:count )?[^.]{0,40}exceeds?",
        r"|maximum context length|longer than the model'?s context|exceeds? (?:the )?(?:model'?s )?context (?:limit|window)",
        r"|exceeds? (?:the )?(?:available )?context size|exceeds? (?:the )?max_(?:seq|model)_len",
        r"|maximum allowed input length|maximum number of tokens allowed|reduce the length of the (?:input|messages|prompt)",
    ))
});

/// Gemini says in the body how long to wait.
static RETRY_DELAY: LazyLock<Regex> = LazyLock::new(|| constant(r#""retryDelay":\s*"(\d{1,9}(?:\.\d+)?)s""#));

fn constant(pattern: &str) -> Regex {
    Regex::new(&format!("(?i){pattern}")).expect("the pattern is a constant and was tested")
}

/// Tells what a refusal means from its status and the words of its body.
pub(super) fn refusal(status: u16, body: &str) -> Refusal {
    match status {
        429 if NO_CREDIT.is_match(body) => Refusal::Setup,
        // Some servers give overlong conversations the status of an accident.
        400 | 413 | 422 | 500 if is_too_long(body) => Refusal::TooLong,
        408 | 409 | 425 | 429 | 500..=599 => Refusal::Passing,
        400 if [&NO_CREDIT, &WRONG_KEY, &UNKNOWN_MODEL].iter().any(|words| words.is_match(body)) => {
            Refusal::Setup
        }
        403 if FILTERED.is_match(body) => Refusal::Request,
        // A redirect is not followed: the key would go to another place.
        300..=399 | 401..=407 | 410 => Refusal::Setup,
        _ => Refusal::Request,
    }
}

fn is_too_long(body: &str) -> bool {
    TOO_LONG.is_match(body) && !names_output_limit(body)
}

/// Whether a refusal is about the output limit that the request set.
pub(super) fn names_output_limit(body: &str) -> bool {
    OUTPUT_LIMIT.is_match(body)
}

/// How long a refusal's body asks us to wait.
pub(super) fn retry_delay_ms(body: &str) -> Option<u64> {
    let seconds: f64 = RETRY_DELAY.captures(body)?[1].parse().ok()?;
    Some((seconds * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: Refusal) {
        assert_eq!(refusal(status, body), expected, "{status} {body}");
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for status in [408, 409, 425, 429, 500, 502, 503, 504, 524, 529] {
            check(status, "{}", Refusal::Passing);
        }
        for status in [400, 413, 422, 451] {
            check(status, "{}", Refusal::Request);
        }
        for status in [301, 307, 401, 402, 403, 404, 405, 410] {
            check(status, "{}", Refusal::Setup);
        }
    }

    #[test]
    fn a_wait_in_the_body_is_read() {
        let body =
            r#"{"error": {"code": 429, "details": [{"@type": "x/RetryInfo", "retryDelay": "34.5s"}]}}"#;
        assert_eq!(retry_delay_ms(body), Some(34_500));
        assert_eq!(retry_delay_ms("{}"), None);
    }

    #[test]
    fn money_keys_and_models_are_the_users_to_mend() {
        check(429, r#"{"error": {"code": "insufficient_quota"}}"#, Refusal::Setup);
        // Gemini says so of its limits per minute, too.
        check(429, "You exceeded your current quota, please check your plan", Refusal::Passing);
        check(400, "Your credit balance is too low to access the Anthropic API.", Refusal::Setup);
        check(400, r#"{"reason": "API_KEY_INVALID"}"#, Refusal::Setup);
        check(400, "foo/bar is not a valid model ID", Refusal::Setup);
        check(400, "The model `gpt-9` does not exist or you do not have access to it.", Refusal::Setup);
        check(403, "Your chosen model requires moderation and your input was flagged", Refusal::Request);
    }

    #[test]
    fn a_conversation_that_does_not_fit_is_known_by_its_words() {
        for body in [
            r#"{"error": {"code": "context_length_exceeded"}}"#,
            "Your input exceeds the context window of this model.",
            "prompt is too long: 205431 tokens > 200000 maximum",
            "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000",
            "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens \
             (8501 in the messages, 500 in the completion). Please reduce the length of the messages.",
            "Prompt too long: 5152 tokens exceeds max_seq_len 2048",
            "The input (263000 tokens) is longer than the model's context length (262144 tokens).",
            r#"{"code": 400, "message": "request (9000 tokens) exceeds the available context size (4096 tokens)",
                "type": "exceed_context_size_error"}"#,
            "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
            "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
        ] {
            check(400, body, Refusal::TooLong);
        }
        check(500, "the request exceeds the available context size", Refusal::TooLong);
        check(429, "context_length_exceeded", Refusal::Passing);
    }

    #[test]
    fn an_output_limit_that_is_too_high_is_not_a_long_conversation() {
        for body in [
            "max_tokens is too large: 16000. This model supports at most 8192 completion tokens.",
            "max_tokens: 16000 > 8192, which is the maximum allowed number of output tokens for m",
            "'max_tokens' or 'max_completion_tokens' is too large: 16000. This model's maximum context length \
             is 8192 tokens and your request has 2104 input tokens",
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            "it has a maxOutputTokens value of 16000 but the supported range is from 1 to 8193",
        ] {
            check(400, body, Refusal::Request);
            assert!(names_output_limit(body), "{body}");
        }
    }
}
