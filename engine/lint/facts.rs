//! The names, addresses, ids, days and amounts that only the fixtures know. A policy that holds one of them was made
//! for these scenarios and no others; a prompt that shows one invites it.
//!
//! Better to miss one than to refuse a sensible policy: what is also an ordinary word is no name.

mod amount;
mod collect;
mod date;
mod numeral;
mod words;

use super::Rule;
use super::vocabulary::is_common;
use crate::scenario::Suite;
use amount::{Amount, amounts};
use date::{Day, days};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
pub(super) use words::{lower_words, possessor, words};

/// What a policy must not name.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Names that are no words, in lower case: found in any form.
    rare: HashSet<String>,
    /// Names that are words, too: found where they are capitalized and no sentence begins.
    ambiguous: HashSet<String>,
    /// Names of several words, in lower case, and whether validators make them up.
    phrases: BTreeSet<(Vec<String>, Rule)>,
    /// First names of those for whom validators have agents work, in lower case.
    personas: HashSet<String>,
    /// Addresses and their domains, in lower case.
    addresses: HashSet<String>,
    /// Ids in lower case, without what stands between their parts.
    ids: HashSet<String>,
    /// Names of channels that are no single ordinary word.
    channels: HashSet<String>,
    days: HashSet<Day>,
    amounts: HashSet<Amount>,
}

/// A fact in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub range: Range<usize>,
    pub rule: Rule,
    /// The same for every way to write the fact.
    pub key: String,
}

impl Facts {
    /// Collects the facts of a suite.
    pub fn of(suite: &Suite) -> Facts {
        collect::facts(suite)
    }

    /// The keys of the facts that a text names, and of their parts.
    pub fn keys_in(&self, text: &str) -> HashSet<String> {
        let mut keys = HashSet::new();
        for hit in self.find(text, &HashSet::new()) {
            keys.extend(hit.key.split(' ').map(str::to_owned));
            keys.insert(hit.key);
        }
        keys
    }

    /// The text with a placeholder for every fact that is not known already.
    pub fn mask(&self, text: &str, known: &HashSet<String>) -> String {
        let (mut masked, mut end) = (String::new(), 0);
        for hit in self.find(text, known) {
            masked.push_str(&text[end..hit.range.start]);
            masked.push_str(match hit.rule {
                Rule::Address => "[address]",
                Rule::Id => "[id]",
                Rule::Date => "[date]",
                Rule::Amount => "[amount]",
                _ => "[name]",
            });
            end = hit.range.end;
        }
        masked + &text[end..]
    }

    /// Where a text holds facts, those with known keys left out; in order, without overlaps.
    pub fn find(&self, text: &str, known: &HashSet<String>) -> Vec<Hit> {
        let mut found = self.find_phrases(text);
        let days = days(text).into_iter().filter(|(_, day)| self.days.contains(day));
        found.extend(days.map(|(range, Day { month, day })| Hit {
            range,
            rule: Rule::Date,
            key: format!("day:{month}-{day}"),
        }));
        let told = amounts(text).into_iter().filter(|(_, amount)| !amount.is_round());
        let told = told.filter(|(_, amount)| self.amounts.contains(amount));
        found.extend(told.map(|(range, amount)| Hit {
            range,
            rule: Rule::Amount,
            key: format!("amount:{amount:?}").replace(' ', ""),
        }));
        let words: Vec<Range<usize>> = words(text).collect();
        for (index, range) in words.iter().enumerate() {
            found.extend(self.of_word(text, range.clone()));
            let next = words.get(index + 1).filter(|next| matches!(&text[range.end..next.start], " " | " #"));
            found.extend(next.and_then(|next| self.of_two(text, range.start..next.end)));
        }
        found.sort_by_key(|hit| (hit.range.start, std::cmp::Reverse(hit.range.end)));
        let mut end = 0;
        found.retain(|hit| {
            let is_free = hit.range.start >= end;
            end = end.max(hit.range.end);
            is_free
        });
        found.retain(|hit| !known.contains(&hit.key));
        found
    }

    fn of_word(&self, text: &str, range: Range<usize>) -> Option<Hit> {
        let word = &text[range.clone()];
        let lower = possessor(&word.to_lowercase()).to_owned();
        let hit = |rule, key: &str| Some(Hit { range: range.clone(), rule, key: key.to_owned() });
        if self.addresses.contains(&lower) {
            return hit(Rule::Address, &lower);
        }
        let bare = compact(&lower);
        if self.ids.contains(&bare) {
            return hit(Rule::Id, &bare);
        }
        if text[..range.start].ends_with('#') && self.channels.contains(&lower) {
            return hit(Rule::Name, &lower);
        }
        for part in word.split(['-', '.', '_', '@', '/', '+']) {
            if let Some((rule, name)) = self.named_by(part, || is_beginning(text, range.start)) {
                return hit(rule, &name);
            }
        }
        None
    }

    /// The name that a part of a word is, in whatever form.
    fn named_by(&self, part: &str, is_beginning: impl Fn() -> bool) -> Option<(Rule, String)> {
        let bare = possessor(part);
        let is_capitalized = bare.starts_with(char::is_uppercase);
        let lower = bare.to_lowercase();
        let forms = [Some(lower.as_str()), lower.strip_suffix('s'), lower.strip_suffix("es")];
        for form in forms.into_iter().flatten() {
            if self.personas.contains(form) && is_capitalized {
                return Some((Rule::Persona, form.to_owned()));
            }
            // Three letters are too few to be sure of without a capital.
            if self.rare.contains(form) && (is_capitalized || form.chars().count() > 3) {
                return Some((Rule::Name, form.to_owned()));
            }
        }
        let is_name = self.ambiguous.contains(&lower) && is_only_capitalized(bare);
        (is_name && !is_beginning()).then_some((Rule::Name, lower))
    }

    /// An id whose parts stand apart: `QB 305`.
    fn of_two(&self, text: &str, range: Range<usize>) -> Option<Hit> {
        let both = &text[range.clone()];
        let (letters, digits) = both.split_once(' ')?;
        let digits = digits.trim_start_matches('#');
        let is_id =
            letters.chars().all(|c| c.is_ascii_alphabetic()) && digits.chars().all(|c| c.is_ascii_digit());
        let key = compact(&format!("{letters}{digits}").to_lowercase());
        (is_id && self.ids.contains(&key)).then_some(Hit { range, rule: Rule::Id, key })
    }

    fn find_phrases(&self, text: &str) -> Vec<Hit> {
        let (words, lower): (Vec<_>, Vec<_>) = words(text).zip(lower_words(text)).unzip();
        let starts = (0..words.len()).flat_map(|at| self.phrases.iter().map(move |phrase| (at, phrase)));
        let found = starts.filter(|(at, (phrase, _))| lower[*at..].starts_with(phrase));
        found
            .map(|(at, (phrase, rule))| Hit {
                range: words[at].start..words[at + phrase.len() - 1].end,
                rule: *rule,
                key: phrase.join(" "),
            })
            .collect()
    }
}

/// Whether the first letter is a capital, and no other.
fn is_only_capitalized(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && !letters.any(char::is_uppercase)
}

/// An id without what stands between its parts.
fn compact(id: &str) -> String {
    id.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether a sentence, an item, a cell or a heading begins at a place, or a heading goes on, where capitals say nothing.
fn is_beginning(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    let before = line.trim_end_matches([' ', '*', '_', '"', '“', '(', '\'', '`']);
    line.trim_start().starts_with('#')
        || before.trim_matches(|c: char| c.is_ascii_digit() || " -+>.)|[]".contains(c)).is_empty()
        || before.ends_with(['.', '!', '?', ':', '|', ';'])
}

/// Whether a word in lower case can be nothing but a name here.
fn is_rare(lower: &str) -> bool {
    lower.chars().all(char::is_alphabetic) && lower.chars().count() >= 3 && !is_common(lower)
}

#[cfg(test)]
mod tests;
