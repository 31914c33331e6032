//! What a policy takes from the rubrics: pieces of their regular expressions, and lists of the words that one check
//! looks for, in whatever order.

use super::Rule;
use crate::scenario::Suite;
use crate::value::Value;
use regex::Regex;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

/// A shared piece of a pattern says something from this length on.
const PIECE_MIN: usize = 8;
/// So many words of one check in a row are no accident, nor are fewer where the policy says that they are words to use.
const WORDS_MIN: usize = 7;
const CUED_WORDS_MIN: usize = 5;
/// Words shorter than this are in every list.
const WORD_CHARS_MIN: usize = 4;

/// What the rubrics of a suite look for.
#[derive(Clone, Debug, Default)]
pub(super) struct Rubrics {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    /// The words among its alternatives, in lower case.
    words: BTreeSet<String>,
}

impl Rubrics {
    pub fn of(suite: &Suite) -> Rubrics {
        let mut texts = BTreeSet::new();
        for scenario in &suite.scenarios {
            let checks = scenario.document.get("scoring").and_then(|scoring| scoring.get("checks"));
            let checks = checks.and_then(Value::as_list).unwrap_or_default();
            texts.extend(checks.iter().filter_map(|check| check.get("pattern")?.as_str()).map(str::to_owned));
        }
        let patterns = texts.into_iter().map(|text| Pattern { words: words_of(&text), text });
        Rubrics { patterns: patterns.collect() }
    }

    /// What of a policy is taken from the rubrics.
    pub fn find(&self, policy: &str) -> Vec<(Range<usize>, Rule)> {
        let mut found = Vec::new();
        let mut start = 0;
        for line in policy.split_inclusive('\n') {
            let here = |range: Range<usize>| start + range.start..start + range.end;
            found.extend(self.piece(line).map(|range| (here(range), Rule::Pattern)));
            found.extend(self.word_list(line).map(|range| (here(range), Rule::Keywords)));
            start += line.len();
        }
        found
    }

    /// The longest piece of a pattern that a line holds, if it shows that it is one.
    fn piece(&self, line: &str) -> Option<Range<usize>> {
        if !SYNTAX.is_match(line) {
            return None;
        }
        let pieces = self.patterns.iter().filter_map(|pattern| shared(line, &pattern.text));
        let telling =
            pieces.filter(|piece| piece.len() >= PIECE_MIN && SYNTAX.is_match(&line[piece.clone()]));
        telling.max_by_key(Range::len)
    }

    fn word_list(&self, line: &str) -> Option<Range<usize>> {
        let items = items(line);
        if items.len() < CUED_WORDS_MIN {
            return None;
        }
        let least = if CUE.is_match(line) { CUED_WORDS_MIN } else { WORDS_MIN };
        self.patterns.iter().find_map(|pattern| list_of(line, &items, pattern, least))
    }
}

/// What only regular expressions hold.
static SYNTAX: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\\[bBsSdDwWAzZn]|\(\?|\.[*+]|\.\{\d|\w\|\w|\)\?|\]\{|\[\^|\]\?|\w\?\||\|\\";
    Regex::new(pattern).expect("the pattern is constant and tested")
});

/// What announces that words are to be used.
static CUE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\b(?:words?|phrases?|keywords?|terms?|wording|vocabulary|verbatim|literally|sprinkle|always (?:say|write|include|use|mention)|expressions?)\b";
    Regex::new(pattern).expect("the pattern is constant and tested")
});

/// The longest piece that a line shares with a pattern, by its place in the line.
fn shared(line: &str, pattern: &str) -> Option<Range<usize>> {
    let (line_bytes, pattern) = (line.as_bytes(), pattern.as_bytes());
    let mut before = vec![0usize; pattern.len() + 1];
    let (mut longest, mut end) = (0, 0);
    for (at, byte) in line_bytes.iter().enumerate() {
        let mut now = vec![0usize; pattern.len() + 1];
        for (place, other) in pattern.iter().enumerate() {
            if byte == other {
                now[place + 1] = before[place] + 1;
                if now[place + 1] > longest {
                    (longest, end) = (now[place + 1], at + 1);
                }
            }
        }
        before = now;
    }
    let (mut start, mut end) = (end - longest, end);
    while !line.is_char_boundary(start) {
        start += 1;
    }
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    (start < end).then_some(start..end)
}

/// The words and short phrases among a pattern's alternatives.
fn words_of(pattern: &str) -> BTreeSet<String> {
    static SPACE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\\s[+*]?|\[ -\]|\.\?").expect("the pattern is constant and tested"));
    static OTHER: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"\(\?[a-zA-Z]+\)|\(\?(?:[:=!]|<[=!])|\\.|\[[^\]]*\]|\{[^}]*\}|[(){}*+?^$.|]";
        Regex::new(pattern).expect("the pattern is constant and tested")
    });
    let spaced = SPACE.replace_all(pattern, " ");
    let parts = OTHER.split(&spaced).map(|part| part.trim().to_lowercase());
    parts
        .filter(|part| {
            part.len() >= WORD_CHARS_MIN && part.chars().all(|c| c.is_alphabetic() || " '-".contains(c))
        })
        .collect()
}

/// The items of the lists in a line: what stands between commas and the like.
fn items(line: &str) -> Vec<Range<usize>> {
    static BETWEEN: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#"(?i)[,;:|/"“”()`]+|\band\b|\bor\b|\n"#;
        Regex::new(pattern).expect("the pattern is constant and tested")
    });
    let mut found = Vec::new();
    let mut start = 0;
    let ends =
        BETWEEN.find_iter(line).map(|between| between.range()).chain(std::iter::once(line.len()..line.len()));
    for between in ends {
        let text = &line[start..between.start];
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        if !bare.is_empty() {
            let at = start + text.find(bare).unwrap_or_default();
            found.push(at..at + bare.len());
        }
        start = between.end;
    }
    found
}

/// A run of items that are nearly all words of one pattern.
fn list_of(line: &str, items: &[Range<usize>], pattern: &Pattern, least: usize) -> Option<Range<usize>> {
    if pattern.words.len() < least {
        return None;
    }
    let mut run: Vec<(usize, &str)> = Vec::new();
    let mut missed = 0;
    for (place, item) in items.iter().enumerate() {
        let taken = run.iter().map(|(_, word)| *word).collect::<Vec<_>>();
        match word_in(&line[item.clone()].to_lowercase(), pattern, &taken) {
            Some(word) => {
                run.push((place, word));
                missed = 0;
            }
            // One foreign item may stand between.
            None if missed == 0 && !run.is_empty() => missed = 1,
            None if run.len() >= least => break,
            None => {
                run.clear();
                missed = 0;
            }
        }
    }
    let (first, last) = (run.first()?.0, run.last()?.0);
    (run.len() >= least).then(|| items[first].start..items[last].end)
}

/// The word of a pattern that an item begins or ends with, if it was not taken before.
fn word_in<'a>(item: &str, pattern: &'a Pattern, taken: &[&str]) -> Option<&'a str> {
    let words: Vec<&str> = item.split_whitespace().collect();
    let tail = |count: usize| words[words.len().saturating_sub(count)..].join(" ");
    // The first item of a list ends a sentence's beginning: `use the words late`.
    let candidates = [item.to_owned(), tail(3), tail(2), tail(1)];
    let is_in = |word: &&String| candidates.iter().any(|candidate| candidate.starts_with(word.as_str()));
    pattern.words.iter().filter(is_in).map(String::as_str).find(|word| !taken.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rubrics(pattern: &str) -> Rubrics {
        Rubrics { patterns: vec![Pattern { text: pattern.to_owned(), words: words_of(pattern) }] }
    }

    fn check(pattern: &str, line: &str, expected: Option<(&str, Rule)>) {
        let found = rubrics(pattern).find(line);
        let found: Vec<_> = found.iter().map(|(range, rule)| (&line[range.clone()], *rule)).collect();
        assert_eq!(found, Vec::from_iter(expected), "{line}");
    }

    #[test]
    fn pieces_of_patterns_are_found() {
        let pattern = r"\bclash|(?:the )?(insur|cyber|polic)\w*.{0,60}today";
        check(pattern, "Begin with (insur|cyber|polic).", Some(("(insur|cyber|polic)", Rule::Pattern)));
        check(pattern, r"Match \w*.{0,60}today", Some((r"\w*.{0,60}today", Rule::Pattern)));
        check(pattern, "| insur | cyber | polic |", None);
        check(pattern, "Mention cyber insurance today.", None);
        check(pattern, "Use `grep -E 'a|b'`.", None);
    }

    #[test]
    fn lists_of_words_are_found_in_any_order() {
        let pattern =
            r"(?:duplicat|same (?:request|issue)|twice|merge|already (?:asked|tracked|billed)|resen[dt])";
        let list = "Use the words tracked, same, twice, billed and duplicate.";
        check(
            pattern,
            list,
            Some(("Use the words tracked, same, twice, billed and duplicate", Rule::Keywords)),
        );
        check(pattern, "Merge duplicates, and ask twice.", None);
        check(pattern, "Merge what is the same, report it, ask, and send nothing twice.", None);
        let words = words_of(r"\bnot (?:yet )?(?:been )?live|(?<!no )conflict\w*|follow.?up|[a-z]{3}x");
        assert_eq!(
            words.iter().map(String::as_str).collect::<Vec<_>>(),
            ["been", "conflict", "follow up", "live"]
        );
    }
}
