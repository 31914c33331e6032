//! The names, addresses, ids and dates that only the fixtures know. A policy that holds one of them was made
//! for these scenarios and no others; a prompt that shows one invites it.
//!
//! Better to miss one than to refuse a sensible policy: what also occurs as an ordinary word is no name.

mod date;

use crate::persona;
use crate::scenario::{Folder, Scenario, Suite};
use crate::value::{Value, parse};
use date::{Day, days};
use std::collections::BTreeSet;
use std::ops::Range;

/// What a policy must not name.
#[derive(Clone, Debug, Default)]
pub(super) struct Entities {
    names: BTreeSet<String>,
    addresses: BTreeSet<String>,
    ids: BTreeSet<String>,
    days: BTreeSet<Day>,
    /// Names of several words, each of which alone may be an ordinary word; in lower case.
    phrases: BTreeSet<Vec<String>>,
}

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

/// Names that are words of policies too.
const ORDINARY: [&str; 39] = [
    "April", "August", "Art", "Bill", "Board", "Calendar", "Chase", "Client", "Company", "Drew", "Email",
    "Faith", "Frank", "Friday", "Gmail", "Google", "Grace", "Grant", "Hope", "Joy", "June", "Mail", "Mark",
    "May", "Monday", "Notion", "Order", "Pat", "Price", "Project", "Rich", "Rob", "Sage", "Slack", "Sue",
    "User", "Will", "Young", "Zoom",
];

impl Entities {
    /// Collects the entities of a suite, those aside that the policy to be improved names already.
    pub fn of(suite: &Suite, known: &str) -> Entities {
        let mut collected = Entities::default();
        collected.add_personas();
        let mut ordinary = BTreeSet::new();
        for scenario in &suite.scenarios {
            collected.collect(scenario);
            note_ordinary(&scenario.prompt, &mut ordinary);
            for (_, text) in texts(&scenario.fixtures) {
                note_ordinary(text, &mut ordinary);
            }
        }
        let is_name =
            |name: &String| !ordinary.contains(&name.to_lowercase()) && !ORDINARY.contains(&name.as_str());
        collected.names.retain(is_name);
        collected.without(known)
    }

    /// The entities that a text holds, each once, in the order in which they appear.
    pub fn named_in(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (range, _) in self.find(text) {
            if !found.iter().any(|seen| seen == &text[range.clone()]) {
                found.push(text[range].to_owned());
            }
        }
        found
    }

    /// The text with a placeholder for every entity.
    pub fn mask(&self, text: &str) -> String {
        let (mut masked, mut end) = (String::new(), 0);
        for (range, placeholder) in self.find(text) {
            masked.push_str(&text[end..range.start]);
            masked.push_str(placeholder);
            end = range.end;
        }
        masked + &text[end..]
    }

    /// Where a text holds entities, and what may stand there instead; in order, without overlaps.
    fn find(&self, text: &str) -> Vec<(Range<usize>, &'static str)> {
        let mut found: Vec<(Range<usize>, &str)> = days(text)
            .into_iter()
            .filter(|(_, day)| self.days.contains(day))
            .map(|(at, _)| (at, "[date]"))
            .collect();
        found.extend(self.find_phrases(text));
        for range in words(text) {
            let word = &text[range.clone()];
            let placeholder = if self.addresses.contains(&word.to_lowercase()) {
                "[address]"
            } else if self.ids.contains(word) {
                "[id]"
            } else if word.split('-').any(|part| self.names.contains(possessor(part))) {
                "[name]"
            } else {
                continue;
            };
            found.push((range, placeholder));
        }
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut end = 0;
        found.retain(|(range, _)| {
            let is_free = range.start >= end;
            end = end.max(range.end);
            is_free
        });
        found
    }

    fn find_phrases(&self, text: &str) -> Vec<(Range<usize>, &'static str)> {
        let (words, lower): (Vec<_>, Vec<_>) = words(text).zip(lower_words(text)).unzip();
        let starts = (0..words.len()).flat_map(|at| self.phrases.iter().map(move |phrase| (at, phrase)));
        let found = starts.filter(|(at, phrase)| lower[*at..].starts_with(phrase));
        found.map(|(at, phrase)| (words[at].start..words[at + phrase.len() - 1].end, "[name]")).collect()
    }

    /// Takes the names of whom validators let agents work for.
    fn add_personas(&mut self) {
        let names = persona::names().iter().chain(persona::companies());
        self.phrases.extend(names.map(|name| lower_words(name).collect()));
        let first_names = persona::names().iter().filter_map(|name| name.split_whitespace().next());
        self.names.extend(first_names.map(str::to_owned));
    }

    fn collect(&mut self, scenario: &Scenario) {
        for key in ["USER_NAME", "USER_FIRST_NAME", "COMPANY"] {
            if let Some(name) = scenario.user_context.get(key) {
                self.add_name(name);
            }
        }
        self.days.extend(days(&scenario.prompt).into_iter().map(|(_, day)| day));
        for (path, text) in texts(&scenario.fixtures) {
            self.days.extend(days(text).into_iter().map(|(_, day)| day));
            self.addresses
                .extend(words(text).map(|range| text[range].to_lowercase()).filter(|word| is_address(word)));
            if path.ends_with(".json")
                && let Ok(document) = parse(text.as_bytes())
            {
                self.collect_value("", &document);
            }
        }
    }

    fn collect_value(&mut self, key: &str, value: &Value) {
        match value {
            Value::Map(map) => map.iter().for_each(|(key, value)| self.collect_value(key, value)),
            Value::List(items) => items.iter().for_each(|item| self.collect_value(key, item)),
            Value::Str(text) if key == "id" || key.ends_with("_id") || key.ends_with("Id") => {
                self.add_id(text)
            }
            Value::Str(text)
                if matches!(key, "name" | "author" | "user" | "assignee" | "owner" | "sender" | "from") =>
            {
                self.add_name(text);
            }
            _ => {}
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
        let long =
            parts.iter().filter(|part| part.chars().count() >= 3 && part.chars().all(char::is_alphabetic));
        self.names.extend(long.map(|part| (*part).to_owned()));
    }

    fn add_id(&mut self, id: &str) {
        let has = |is: fn(char) -> bool| id.chars().any(is);
        let is_telling = has(|c| c.is_ascii_digit()) || id.contains('_') && has(|c| c.is_ascii_uppercase());
        if id.chars().count() >= 4 && is_telling && has(char::is_alphabetic) && words(id).count() == 1 {
            self.ids.insert(id.to_owned());
        }
    }

    fn without(mut self, known: &str) -> Entities {
        for name in self.named_in(known) {
            let parts = || name.split(|c: char| c == '-' || c.is_whitespace());
            self.names.retain(|entity| !parts().any(|part| possessor(part) == entity));
            self.ids.remove(&name);
            self.addresses.remove(&name.to_lowercase());
        }
        let lower: Vec<String> = lower_words(known).collect();
        self.phrases.retain(|phrase| !lower.windows(phrase.len()).any(|words| words == phrase));
        for (_, day) in days(known) {
            self.days.remove(&day);
        }
        self
    }
}

fn texts(folder: &Folder) -> impl Iterator<Item = (&str, &str)> {
    folder.iter().filter_map(|(path, _)| Some((path, std::str::from_utf8(folder.file(path)?).ok()?)))
}

/// The words in lower case, whoever owns something.
fn lower_words(text: &str) -> impl Iterator<Item = String> {
    words(text).map(|range| possessor(&text[range].to_lowercase()).to_owned())
}

/// Notes the words that a text writes in lower case.
fn note_ordinary(text: &str, ordinary: &mut BTreeSet<String>) {
    for range in words(text) {
        let word = possessor(&text[range]);
        if word.chars().all(char::is_lowercase) {
            ordinary.insert(word.to_owned());
        }
    }
}

/// Words, ids and addresses, without the punctuation around them.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_inner = |c: char| c.is_alphanumeric() || "@._-+'’".contains(c);
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(is_inner)?;
        let end = text[start..].find(|c| !is_inner(c)).map_or(text.len(), |length| start + length);
        rest = end;
        let word = &text[start..end];
        let trimmed = word.trim_start_matches(|c: char| !c.is_alphanumeric());
        let start = end - trimmed.len();
        let trimmed = trimmed.trim_end_matches(|c: char| !c.is_alphanumeric());
        Some(start..start + trimmed.len())
    })
    .filter(|range| !range.is_empty())
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
}

fn possessor(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SuiteHash;
    use std::sync::Arc;

    fn entities(known: &str) -> Entities {
        let mut fixtures = Folder::default();
        fixtures.insert_text(
            "contacts.json",
            r#"[{"id": "p104", "name": "Orla Fenwick", "email": "orla@quill.example", "slack_id": "U_ORLA"},
                {"id": "p1", "name": "Platform Team"}, {"name": "Will Support"}, {"name": "Mark Draper"}]"#,
        );
        fixtures.insert_text("memory/notes.md", "Orla's board meets on 23 March. The draper is not a name.");
        fixtures.insert_text("calendar.json", r#"[{"start": "2026-02-06T10:00:00Z"}]"#);
        let scenario = Scenario {
            name: "s".into(),
            difficulty: None,
            weight: 1.0,
            description: String::new(),
            tools: Vec::new(),
            prompt: "Plan my day.".into(),
            variants: Default::default(),
            workspace: Default::default(),
            user_context: [("COMPANY".to_owned(), "Quillmere".to_owned())].into_iter().collect(),
            held_out: false,
            rubric: Default::default(),
            fixtures: Arc::new(fixtures),
            document: Value::Null,
        };
        let suite =
            Suite { name: "t".into(), scenarios: vec![Arc::new(scenario)], hash: SuiteHash(String::new()) };
        Entities::of(&suite, known)
    }

    #[test]
    fn what_only_the_fixtures_know_is_found() {
        let entities = entities("");
        let check =
            |policy: &str, expected: &[&str]| assert_eq!(entities.named_in(policy), expected, "{policy}");
        check("Ask Orla first; Orla's mail matters.", &["Orla", "Orla's"]);
        check("Write to orla@quill.example.", &["orla@quill.example"]);
        check("Open p104 and tell U_ORLA.", &["p104", "U_ORLA"]);
        check("By March 23rd or on 2026-02-06.", &["March 23rd", "2026-02-06"]);
        check("You work for Quillmere.", &["Quillmere"]);
    }

    #[test]
    fn whom_validators_let_agents_work_for_is_found() {
        let entities = entities("");
        let check =
            |policy: &str, expected: &[&str]| assert_eq!(entities.named_in(policy), expected, "{policy}");
        check("Sign as Alex Chen.", &["Alex Chen"]);
        check(
            "ALEX CHEN'S mail; Sage\nMitchell; drew campbell",
            &["ALEX CHEN'S", "Sage\nMitchell", "drew campbell"],
        );
        check("You work at **Summit Innovations**, not at a summit.", &["Summit Innovations"]);
        check("Jordan decides.", &["Jordan"]);
        check("The Engineering Lead in Customer Success; a Product Manager; America/New_York (ET).", &[]);
        check("Drew up a sage plan. Foster trust: harbor no doubts, and put analytics and atlas aside.", &[]);
        assert_eq!(entities.mask("Dear Alex Chen of Vertex Labs"), "Dear [name] of [name]");
    }

    #[test]
    fn a_general_policy_names_nothing() {
        let entities = entities("");
        for policy in [
            "Will the Platform Team or Support object? Mark it. Priority p1 first; draper, board, plan.",
            "Use dates such as 2026-12-31. Ask before you send. At 10:00 read USER.md and memory/notes.md.",
        ] {
            assert_eq!(entities.named_in(policy), Vec::<String>::new());
        }
    }

    #[test]
    fn what_the_policy_named_already_may_stay() {
        let check = |known, policy, expected: &[&str]| assert_eq!(entities(known).named_in(policy), expected);
        check("Work for Quillmere.", "Quillmere and Orla", &["Orla"]);
        check("Be Alex Chen's friend.", "Alex Chen and Sam Patel", &["Sam Patel"]);
    }

    #[test]
    fn entities_are_masked() {
        assert_eq!(
            entities("").mask("Orla Fenwick (orla@quill.example) wants p104 by 23 March."),
            "[name] [name] ([address]) wants [id] by [date]."
        );
    }
}
