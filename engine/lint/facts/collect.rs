//! Collects the facts of a suite: from the keys of its JSON that hold names and ids, from the prose between, and from
//! whom validators let agents work for.

use super::amount::{Amount, amounts};
use super::date::days;
use super::{Facts, compact, is_only_capitalized, is_rare, lower_words, possessor, words};
use crate::lint::Rule;
use crate::lint::vocabulary::{is_also_no_name, is_common};
use crate::persona;
use crate::scenario::{Folder, Scenario, Suite};
use crate::value::{Map, Value};
use std::collections::HashSet;

/// Words in the names of teams and machines, which are no persons.
const ORGANISATION: [&str; 34] = [
    "account",
    "admin",
    "alerts",
    "assistant",
    "billing",
    "bot",
    "calendar",
    "customer",
    "data",
    "department",
    "design",
    "desk",
    "digest",
    "engineering",
    "finance",
    "group",
    "hr",
    "it",
    "legal",
    "marketing",
    "newsletter",
    "office",
    "operations",
    "ops",
    "people",
    "platform",
    "product",
    "sales",
    "security",
    "service",
    "success",
    "support",
    "system",
    "team",
];

/// Keys that hold somebody's name.
const NAME_KEYS: [&str; 7] = ["author", "user", "assignee", "owner", "sender", "from", "organizer"];
/// Keys beside which a `name` is somebody's.
const PERSON_KEYS: [&str; 5] = ["email", "role", "slack_id", "relationship", "company"];

pub(super) fn facts(suite: &Suite) -> Facts {
    let mut collector = Collector::default();
    for scenario in &suite.scenarios {
        collector.note_lower_case(&scenario.prompt);
        texts(&scenario.fixtures).for_each(|(_, text)| collector.note_lower_case(text));
    }
    collector.add_personas();
    suite.scenarios.iter().for_each(|scenario| collector.add_scenario(scenario));
    collector.facts
}

#[derive(Default)]
struct Collector {
    facts: Facts,
    /// What the fixtures write in lower case, and so is no name.
    lower_case: HashSet<String>,
}

impl Collector {
    fn note_lower_case(&mut self, text: &str) {
        let lower = words(text).map(|range| possessor(&text[range])).filter(|word| {
            // A name in lower case within an address or a login says nothing.
            word.chars().all(char::is_lowercase)
        });
        self.lower_case.extend(lower.map(str::to_owned));
    }

    /// Takes the names of whom validators let agents work for.
    fn add_personas(&mut self) {
        let names = persona::names().iter().chain(persona::companies());
        let phrases = names.map(|name| (lower_words(name).collect(), Rule::Persona));
        self.facts.phrases.extend(phrases);
        let first = persona::names().iter().filter_map(|name| name.split_whitespace().next());
        let first = first.filter(|name| !is_also_no_name(name)).map(str::to_lowercase);
        self.facts.personas.extend(first.filter(|name| !is_common(name)));
    }

    fn add_scenario(&mut self, scenario: &Scenario) {
        for key in ["USER_NAME", "USER_FIRST_NAME", "COMPANY"] {
            if let Some(name) = scenario.user_context.get(key) {
                self.add_name(name);
            }
        }
        self.add_prose(&scenario.prompt);
        for (path, text) in texts(&scenario.fixtures) {
            match scenario.fixtures.json(path) {
                Some(Ok(document)) => self.add_value("", document),
                _ => self.add_prose(text),
            }
        }
    }

    fn add_value(&mut self, key: &str, value: &Value) {
        match value {
            Value::Map(map) => self.add_map(map),
            Value::List(items) => items.iter().for_each(|item| self.add_value(key, item)),
            Value::Str(text) => {
                if key == "id" || key.ends_with("_id") || key.ends_with("Id") {
                    self.add_id(text);
                } else if NAME_KEYS.contains(&key) {
                    self.add_name(text);
                }
                self.add_prose(text);
            }
            Value::Int(number) if *number >= 1_000 => {
                self.facts.amounts.insert(Amount::of(*number as f64, false));
            }
            _ => {}
        }
    }

    fn add_map(&mut self, map: &Map) {
        let is_person = PERSON_KEYS.iter().any(|key| map.contains_key(*key));
        for (key, value) in map {
            match value {
                Value::Str(name) if key == "name" && is_person => self.add_name(name),
                Value::Str(name) if key == "name" && name.starts_with('#') => self.add_channel(name),
                _ => {}
            }
            self.add_value(key, value);
        }
    }

    /// Takes a person's or company's name apart; what may be a team's or a thing's name is left alone.
    fn add_name(&mut self, name: &str) {
        let name = name.split(['<', '(', ',']).next().unwrap_or_default();
        let parts: Vec<&str> = name.split_whitespace().collect();
        let is_capitalised = |part: &&str| part.chars().next().is_some_and(char::is_uppercase);
        let is_team = parts.iter().any(|part| ORGANISATION.contains(&part.to_lowercase().as_str()));
        if parts.is_empty() || parts.len() > 4 || is_team || !parts.iter().all(is_capitalised) {
            return;
        }
        if parts.len() > 1 {
            self.facts.phrases.insert((lower_words(name).collect(), Rule::Name));
        }
        for part in
            parts.iter().filter(|part| part.chars().count() >= 3 && part.chars().all(char::is_alphabetic))
        {
            let lower = part.to_lowercase();
            let is_word = self.lower_case.contains(&lower);
            if is_rare(&lower) && !is_word {
                self.facts.rare.insert(lower);
            } else if !(is_also_no_name(part) || is_word && is_common(&lower)) {
                self.facts.ambiguous.insert(lower);
            }
        }
    }

    fn add_channel(&mut self, name: &str) {
        let name = name.trim_start_matches('#').to_lowercase();
        if !is_common(&name) {
            self.facts.channels.insert(name);
        }
    }

    fn add_id(&mut self, id: &str) {
        let has = |is: fn(char) -> bool| id.chars().any(is);
        let is_telling = has(|c| c.is_ascii_digit()) || id.contains('_') && has(|c| c.is_ascii_uppercase());
        if id.chars().count() >= 4 && is_telling && has(char::is_alphabetic) && words(id).count() == 1 {
            self.facts.ids.insert(compact(&id.to_lowercase()));
        }
    }

    /// Takes days, amounts, addresses, ids and names from running text.
    fn add_prose(&mut self, text: &str) {
        self.facts.days.extend(days(text).into_iter().map(|(_, day)| day));
        self.facts.amounts.extend(amounts(text).into_iter().map(|(_, amount)| amount));
        for range in words(text) {
            let word = &text[range.clone()];
            let lower = word.to_lowercase();
            if let Some((_, host)) =
                lower.split_once('@').filter(|(user, host)| !user.is_empty() && host.contains('.'))
            {
                self.add_host(host);
                self.facts.addresses.insert(lower.clone());
            } else if is_ticket(word) {
                self.facts.ids.insert(compact(&lower));
            } else if is_within_sentence(text, range.start) {
                self.add_capitalized(possessor(word));
            }
        }
    }

    /// A word with a capital in the middle of a sentence is a name where it is no word.
    fn add_capitalized(&mut self, word: &str) {
        let lower = word.to_lowercase();
        if is_only_capitalized(word)
            && word.len() >= 4
            && is_rare(&lower)
            && !self.lower_case.contains(&lower)
        {
            self.facts.rare.insert(lower);
        }
    }

    fn add_host(&mut self, host: &str) {
        let labels: Vec<&str> = host.split('.').collect();
        let Some(name) = labels.len().checked_sub(2).map(|at| labels[at]) else { return };
        if is_common(name) {
            return;
        }
        self.facts.addresses.insert(host.to_owned());
        let parts = name.split('-').filter(|part| part.len() >= 5 && is_rare(part));
        self.facts.rare.extend(parts.map(str::to_owned));
    }
}

fn texts(folder: &Folder) -> impl Iterator<Item = (&str, &str)> {
    let texts =
        folder.iter().filter_map(|(path, _)| Some((path, std::str::from_utf8(folder.file(path)?).ok()?)));
    // A suite's own policies are no facts.
    texts.filter(|(path, _)| !path.contains("AGENTS.md"))
}

/// Letters and digits as task boards number: `QB-413`.
fn is_ticket(word: &str) -> bool {
    let Some((letters, digits)) = word.rsplit_once('-') else { return false };
    letters.len() >= 2
        && letters.chars().all(|c| c.is_ascii_uppercase() || c == '-' || c.is_ascii_digit())
        && letters.starts_with(|c: char| c.is_ascii_uppercase())
        && digits.len() >= 2
        && digits.chars().all(|c| c.is_ascii_digit())
}

/// Whether the word before is one of the same sentence, in lower case.
fn is_within_sentence(text: &str, at: usize) -> bool {
    let before = text[..at].strip_suffix(' ').unwrap_or_default();
    before.trim_end_matches(',').ends_with(char::is_lowercase)
}
