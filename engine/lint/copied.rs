//! Passages: many words in the same order as in a text that the policy should not repeat.

use super::facts::{possessor, words};
use crate::scenario::{Scenario, Suite};
use crate::value::Value;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

/// Fewer words in a row may be an accident.
const WORDS_MIN: usize = 10;
/// So many of them must be longer than three letters.
const LONG_WORDS_MIN: usize = 5;

/// The passages of some texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Passages {
    rows: HashSet<u64>,
}

impl Passages {
    /// Those of what users ask and agents find.
    pub fn of(suite: &Suite) -> Passages {
        let mut passages = Passages::default();
        suite.scenarios.iter().for_each(|scenario| passages.add_scenario(scenario));
        passages
    }

    pub fn of_text(text: &str) -> Passages {
        let mut passages = Passages::default();
        passages.add(text);
        passages
    }

    fn add_scenario(&mut self, scenario: &Scenario) {
        self.add(&scenario.prompt);
        for (path, _) in scenario.fixtures.iter().filter(|(path, _)| !path.contains("AGENTS.md")) {
            match scenario.fixtures.json(path) {
                Some(Ok(document)) => self.add_value(document),
                _ => {
                    let text = scenario.fixtures.file(path).and_then(|bytes| std::str::from_utf8(bytes).ok());
                    text.into_iter().for_each(|text| self.add(text));
                }
            }
        }
    }

    fn add_value(&mut self, value: &Value) {
        match value {
            Value::Str(text) => self.add(text),
            Value::List(items) => items.iter().for_each(|item| self.add_value(item)),
            Value::Map(map) => map.values().for_each(|value| self.add_value(value)),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        let (_, words) = split(text);
        self.rows.extend(words.windows(WORDS_MIN).filter_map(row));
    }

    /// The passages that a text shares with these, each as long as it goes.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let (places, words) = split(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, window) in words.windows(WORDS_MIN).enumerate() {
            if !row(window).is_some_and(|row| self.rows.contains(&row)) {
                continue;
            }
            let range = places[at].start..places[at + WORDS_MIN - 1].end;
            match found.last_mut().filter(|last| range.start <= last.end) {
                Some(last) => last.end = range.end,
                None => found.push(range),
            }
        }
        found
    }

    /// The share of these passages that a text holds.
    pub fn share_in(&self, text: &str) -> f64 {
        let (_, words) = split(text);
        let shared: HashSet<u64> =
            words.windows(WORDS_MIN).filter_map(row).filter(|row| self.rows.contains(row)).collect();
        if self.rows.is_empty() { 0.0 } else { shared.len() as f64 / self.rows.len() as f64 }
    }
}

fn split(text: &str) -> (Vec<Range<usize>>, Vec<String>) {
    words(text).map(|range| (range.clone(), possessor(&text[range].to_lowercase()).to_owned())).unzip()
}

/// The hash of a row of words; none where too few of them say anything.
fn row(words: &[String]) -> Option<u64> {
    let long = words.iter().filter(|word| word.chars().count() > 3).count();
    (long >= LONG_WORDS_MIN).then(|| {
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_passages_are_copies() {
        let source =
            "Notice must be given by registered letter at least sixty days before the end of the term.";
        let passages = Passages::of_text(source);
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<&str> = passages.find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "- NOTICE must be given, by registered\n  letter at least sixty days ahead",
            &["NOTICE must be given, by registered\n  letter at least sixty days"],
        );
        check("Notice must be given by letter at least sixty days before.", &[]);
        check("The end of the term is what it is to be.", &[]);
        assert_eq!(passages.share_in(source), 1.0);
        assert_eq!(passages.share_in("nothing"), 0.0);
    }
}
