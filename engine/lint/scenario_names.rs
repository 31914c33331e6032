//! Names of scenarios in a policy: as files are called, or in words.

use super::facts::{lower_words, words};
use crate::scenario::Suite;
use std::collections::BTreeSet;
use std::ops::Range;

/// The names of a suite's scenarios.
#[derive(Clone, Debug, Default)]
pub(super) struct ScenarioNames {
    names: BTreeSet<String>,
}

impl ScenarioNames {
    pub fn of(suite: &Suite) -> ScenarioNames {
        // A name of one word is a word.
        let names = suite.scenarios.iter().map(|scenario| scenario.name.to_lowercase());
        ScenarioNames { names: names.filter(|name| name.contains(['_', '-'])).collect() }
    }

    /// The names that a policy holds, and whether it can mean nothing but the scenario: in the form of a file's name, in
    /// quotation marks, in a line that speaks of scenarios, or beside other such names. A single one in plain words is
    /// left alone: it is what an office calls its work.
    pub fn find(&self, policy: &str) -> Vec<(Range<usize>, bool)> {
        let mut found = Vec::new();
        let mut start = 0;
        for line in policy.split_inclusive('\n') {
            let in_line = self.in_line(line);
            let is_telling = in_line.len() > 1 || speaks_of_scenarios(line);
            found.extend(in_line.into_iter().map(|range| {
                let name = &line[range.clone()];
                let is_quoted = line[..range.start].ends_with(['"', '`', '“', '\'']);
                let is_certain = is_telling || is_quoted || name.contains('_') || !name.contains([' ', '\n']);
                (start + range.start..start + range.end, is_certain)
            }));
            start += line.len();
        }
        let names: BTreeSet<String> =
            found.iter().map(|(range, _)| policy[range.clone()].to_lowercase()).collect();
        if names.len() < 2 {
            found.retain(|(_, is_certain)| *is_certain);
        }
        found
    }

    fn in_line(&self, line: &str) -> Vec<Range<usize>> {
        let (places, lower): (Vec<Range<usize>>, Vec<String>) = words(line).zip(lower_words(line)).unzip();
        let mut found = Vec::new();
        for name in &self.names {
            let parts: Vec<&str> = name.split(['_', '-']).collect();
            for (at, word) in lower.iter().enumerate() {
                let is_joined = word.split(['_', '-']).eq(parts.iter().copied());
                let last = at + parts.len() - 1;
                let is_apart = lower.get(at..=last).is_some_and(|row| is_name(row, &parts));
                match (is_joined, is_apart) {
                    (true, _) => found.push(places[at].clone()),
                    (_, true) => found.push(places[at].start..places[last].end),
                    _ => {}
                }
            }
        }
        found.sort_by_key(|range| range.start);
        found
    }
}

/// Whether words are a name's, the last of them in the plural or not.
fn is_name(row: &[String], parts: &[&str]) -> bool {
    let same = row.iter().zip(parts).filter(|(word, part)| word == *part).count();
    let last = row.last().zip(parts.last());
    let is_plural = last.is_some_and(|(word, part)| {
        word.strip_suffix('s') == Some(part)
            || part.strip_suffix('y').is_some_and(|stem| *word == format!("{stem}ies"))
    });
    same == parts.len() || same + 1 == parts.len() && is_plural
}

fn speaks_of_scenarios(line: &str) -> bool {
    lower_words(line).any(|word| {
        let word = word.strip_suffix('s').unwrap_or(&word);
        matches!(word, "scenario" | "testcase" | "benchmark" | "episode" | "suite" | "eval" | "rubric")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_every_form() {
        let names = ScenarioNames { names: ["inbox_triage".to_owned(), "morning_brief".to_owned()].into() };
        let check = |policy: &str, expected: &[(&str, bool)]| {
            let found: Vec<_> = names
                .find(policy)
                .into_iter()
                .map(|(range, is_certain)| (&policy[range], is_certain))
                .collect();
            assert_eq!(found, expected, "{policy}");
        };
        check("In inbox_triage, and Inbox-Triage", &[("inbox_triage", true), ("Inbox-Triage", true)]);
        check("The \"morning brief\" comes first.", &[("morning brief", true)]);
        check("For the morning brief scenario:", &[("morning brief", true)]);
        check("## Morning brief, inbox triage", &[("Morning brief", true), ("inbox triage", true)]);
        check(
            "A morning brief fits a page.\nAn inbox triage, too.",
            &[("morning brief", false), ("inbox triage", false)],
        );
        check("# Morning briefs", &[]);
        check("Brief the user in the morning; triage the inbox.", &[]);
    }
}
