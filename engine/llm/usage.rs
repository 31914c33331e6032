//! Token counts as each dialect reports them. Input always means all of it, cached or not, and output all of
//! it, thought or said; what nobody counted stays uncounted.

use crate::episode::{AssistantTurn, Usage};
use crate::llm::Finish;
use crate::value::Value;

/// Whether a turn is empty though it ended well, and the provider itself says that the model wrote nothing: then
/// the provider failed, and the turn is no answer. An empty turn with output is the model's silence, which is an
/// answer; and where nobody counts, as small servers do not, silence must be believed.
pub(super) fn is_hollow(turn: &AssistantTurn, finish: Finish, usage: &Usage) -> bool {
    let is_empty = turn.text.trim().is_empty() && turn.tool_calls.is_empty();
    is_empty && finish == Finish::Stop && usage.output_tokens == Some(0)
}

/// The OpenAI dialect: totals, with parts of them in details. DeepSeek and litellm have keys of their own.
pub(super) fn openai(usage: Option<&Value>) -> Usage {
    let input_tokens = count(usage, &["prompt_tokens"]);
    let said = count(usage, &["completion_tokens"]);
    // xAI and others leave what was thought out of the completion, and count it in the total.
    let all = count(usage, &["total_tokens"]).zip(input_tokens);
    let rest = all.map_or(0, |(total, input)| total.saturating_sub(input));
    Usage {
        input_tokens,
        output_tokens: said.map(|said| said.max(rest)),
        cache_read_tokens: count(usage, &["prompt_tokens_details", "cached_tokens"])
            .or_else(|| count(usage, &["prompt_cache_hit_tokens"])),
        cache_write_tokens: count(usage, &["prompt_tokens_details", "cache_write_tokens"])
            .or_else(|| count(usage, &["cache_creation_input_tokens"])),
        reasoning_tokens: count(usage, &["completion_tokens_details", "reasoning_tokens"]),
    }
}

/// Anthropic counts cached input apart.
pub(super) fn anthropic(usage: Option<&Value>) -> Usage {
    let read = count(usage, &["cache_read_input_tokens"]);
    let written = count(usage, &["cache_creation_input_tokens"]);
    Usage {
        input_tokens: sum([count(usage, &["input_tokens"]), read, written]),
        output_tokens: count(usage, &["output_tokens"]),
        cache_read_tokens: read,
        cache_write_tokens: written,
        reasoning_tokens: count(usage, &["output_tokens_details", "thinking_tokens"]),
    }
}

/// Gemini counts thoughts apart, and leaves out what is zero.
pub(super) fn gemini(usage: Option<&Value>) -> Usage {
    let thought = count(usage, &["thoughtsTokenCount"]);
    let prompt = count(usage, &["promptTokenCount"]);
    let nothing = prompt.map(|_| 0);
    Usage {
        input_tokens: sum([prompt, count(usage, &["toolUsePromptTokenCount"]), None]),
        output_tokens: sum([count(usage, &["candidatesTokenCount"]), thought, nothing]),
        cache_read_tokens: count(usage, &["cachedContentTokenCount"]),
        cache_write_tokens: None,
        reasoning_tokens: thought,
    }
}

/// The whole number at the end of a path.
fn count(of: Option<&Value>, path: &[&str]) -> Option<u64> {
    match path.iter().try_fold(of?, |value, key| value.get(key))? {
        Value::Int(count) => u64::try_from(*count).ok(),
        // Some servers count in floats.
        Value::Float(count) if *count >= 0.0 && count.fract() == 0.0 => Some(*count as u64),
        _ => None,
    }
}

/// The first part must be counted for the sum to say anything, unless a later one is.
fn sum(parts: [Option<u64>; 3]) -> Option<u64> {
    let counted = parts.into_iter().flatten();
    parts.iter().any(Option::is_some).then(|| counted.fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    #[test]
    fn every_dialect_is_counted_alike() {
        let check = |read: fn(Option<&Value>) -> Usage, text: &str, expected: [Option<u64>; 5]| {
            let usage = read(Some(&parse(text.as_bytes()).unwrap()));
            let got = [
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
                usage.reasoning_tokens,
            ];
            assert_eq!(got, expected, "{text}");
        };
        let nothing = [None; 5];
        let small = [Some(32), Some(9), None, None, None];
        check(openai, "{}", nothing);
        check(
            openai,
            r#"{"prompt_tokens": 120, "completion_tokens": 50.0, "prompt_tokens_details": {"cached_tokens": 100,
                "cache_write_tokens": 7}, "completion_tokens_details": {"reasoning_tokens": 40}}"#,
            [Some(120), Some(50), Some(100), Some(7), Some(40)],
        );
        check(
            openai,
            r#"{"prompt_tokens": 9, "completion_tokens": -1, "prompt_cache_hit_tokens": 8, "prompt_tokens_details": null}"#,
            [Some(9), None, Some(8), None, None],
        );
        check(
            openai,
            r#"{"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94}}"#,
            [Some(32), Some(103), None, None, Some(94)],
        );
        check(openai, r#"{"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 41}"#, small);
        // A total that cannot be, and one that counts no output at all.
        check(openai, r#"{"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 9}"#, small);
        check(openai, r#"{"prompt_tokens": 32, "total_tokens": 41}"#, [Some(32), None, None, None, None]);
        check(anthropic, "{}", nothing);
        check(
            anthropic,
            r#"{"input_tokens": 10, "output_tokens": 7, "cache_read_input_tokens": 3000,
                "cache_creation_input_tokens": 200, "output_tokens_details": {"thinking_tokens": 5}}"#,
            [Some(3210), Some(7), Some(3000), Some(200), Some(5)],
        );
        check(gemini, "{}", nothing);
        check(
            gemini,
            r#"{"promptTokenCount": 90, "candidatesTokenCount": 5, "thoughtsTokenCount": 30, "cachedContentTokenCount": 60}"#,
            [Some(90), Some(35), Some(60), None, Some(30)],
        );
        check(gemini, r#"{"promptTokenCount": 90}"#, [Some(90), Some(0), None, None, None]);
    }
}
