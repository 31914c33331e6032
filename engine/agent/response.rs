//! The final answer of an episode: all that the assistant said, without the marks that were meant for the
//! runtime, and with the failure that it did not mend.

use crate::agent::bootstrap::is_js_space;
use regex::Regex;
use std::sync::LazyLock;

/// The whole answer of someone who has nothing to say.
const SILENT: &str = "NO_REPLY";
/// How much of a failure the answer repeats, in characters.
const PROBLEM_CHARS_MAX: usize = 400;

static THOUGHTS: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?is)<think(?:ing)?>.*?(?:</think(?:ing)?>|\z)"));
static FINAL_TAG: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)</?final>"));
static REPLY_TAG: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)\[\[\s*reply_to[^\]\n]*\]\]"));
static MEDIA_LINE: LazyLock<Regex> = LazyLock::new(|| constant(r"(?m)^[ \t]*MEDIA:[ \t]*\S.*(?:\n|\z)"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant and was tested")
}

/// A tool's failure that no later success has undone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// Which call it was, for people.
    pub label: String,
    pub problem: String,
    /// A change that did not happen; it is reported even beside an answer.
    pub mutating: bool,
}

/// Joins the texts; empty when there is nothing to say.
pub(super) fn joined(texts: &[String], failure: Option<&Failure>) -> String {
    let said = texts.iter().map(|text| spoken(text)).filter(|text| !text.is_empty());
    let mut parts: Vec<String> = said.collect();
    if let Some(failure) = failure
        && (failure.mutating || (parts.is_empty() && !is_a_slip(&failure.problem)))
    {
        parts.push(warning(failure));
    }
    parts.join("\n\n")
}

/// A text as the user gets it; empty when it is silent.
fn spoken(text: &str) -> String {
    let mut text = text.to_owned();
    for (mark, pattern) in [("<", &THOUGHTS), ("<", &FINAL_TAG), ("[[", &REPLY_TAG), ("MEDIA:", &MEDIA_LINE)]
    {
        if text.contains(mark) {
            text = pattern.replace_all(&text, "").into_owned();
        }
    }
    let text = text.trim_matches(is_js_space);
    if is_silent(text) { String::new() } else { text.to_owned() }
}

/// Whether the text begins or ends with the silent word.
fn is_silent(text: &str) -> bool {
    let in_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let first = text.strip_prefix(SILENT).is_some_and(|rest| !rest.starts_with(in_word));
    let last = text.trim_end_matches(|character| !in_word(character)).strip_suffix(SILENT);
    first || last.is_some_and(|before| !before.ends_with(in_word))
}

/// Whether a failure only tells that a call was put together wrongly.
fn is_a_slip(problem: &str) -> bool {
    const WORDS: [&str; 7] = ["required", "missing", "invalid", "must be", "must have", "needs", "requires"];
    let first_line = problem.lines().next().unwrap_or_default().to_lowercase();
    WORDS.iter().any(|word| first_line.contains(word))
}

fn warning(failure: &Failure) -> String {
    let problem = failure.problem.lines().next().unwrap_or_default();
    let problem: String = problem.chars().take(PROBLEM_CHARS_MAX).collect();
    format!("⚠️ {} failed: {problem}", failure.label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expected: &str) {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(joined(&texts, None), expected);
    }

    #[test]
    fn all_texts_count_each_trimmed() {
        check(&[" I look. \n", "", "I look.", "\nDone.\n\n1. x "], "I look.\n\nI look.\n\nDone.\n\n1. x");
        check(&["HEARTBEAT_OK"], "HEARTBEAT_OK");
    }

    #[test]
    fn a_silent_text_is_dropped_whole() {
        check(&["One.", "NO_REPLY"], "One.");
        check(&["All good here. NO_REPLY"], "");
        check(&["**NO_REPLY**."], "");
        check(&["NO_REPLY: nothing"], "");
        check(&["NO_REPLYING is a word"], "NO_REPLYING is a word");
        check(&["We say NO_REPLY when silent"], "We say NO_REPLY when silent");
    }

    #[test]
    fn marks_for_the_runtime_are_taken_out() {
        check(&["[[reply_to_current]] Hi [[ reply_to: 5 ]]"], "Hi");
        check(&["<think>secret\nplan</think><final>Answer</final>"], "Answer");
        check(&["Answer <think>never closed"], "Answer");
        check(&["See\nMEDIA:/tmp/x.png\nthere"], "See\nthere");
        check(&["a < b [[wiki]] MEDIA: later"], "a < b [[wiki]] MEDIA: later");
    }

    #[test]
    fn an_unmended_failure_is_reported() {
        let check = |texts: &[&str], mutating: bool, expected: &str| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let failure = Failure { label: "Exec".into(), problem: "no way\nmore".into(), mutating };
            assert_eq!(joined(&texts, Some(&failure)), expected);
        };
        check(&["Done."], true, "Done.\n\n⚠️ Exec failed: no way");
        check(&["Done."], false, "Done.");
        check(&[], false, "⚠️ Exec failed: no way");
    }
}
