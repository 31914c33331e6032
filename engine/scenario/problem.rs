//! What is wrong with something that a person wrote: where, what, and what would be right.
//!
//! Readers never stop at the first mistake. They put every one into a `Report`, which knows which file is
//! being read and how strictly.

use serde::Serialize;
use std::fmt::{self, Write as _};

/// A mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    /// The file, as the user would name it.
    pub file: String,
    /// None where the whole file is meant.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The key or part it is about, for example `scoring.checks[3].pattern`; empty for the whole file.
    pub what: String,
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input can be used, but probably does not do what was meant.
    Warning,
}

/// A position in a text, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// The place of a byte offset, which must be that of a character.
    pub fn at(text: &str, offset: usize) -> Place {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable(&self.file))?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(if self.severity == Severity::Warning { ": warning: " } else { ": " })?;
        if !self.what.is_empty() {
            write!(f, "{}: ", Printable(&self.what))?;
        }
        write!(f, "{}", Printable(&self.message))?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {}", Printable(help)),
            None => Ok(()),
        }
    }
}

/// Text from a file, without the characters by which it could command the terminal.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

/// Collects the problems of one file.
#[derive(Debug)]
pub struct Report {
    pub file: String,
    pub strictness: Strictness,
    pub problems: Vec<Problem>,
}

/// How a suite is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Our own layout: whatever is not understood is an error.
    Own,
    /// Somebody else's suite: whatever the reference evaluator tolerates is a warning.
    Foreign,
}

impl Report {
    pub fn new(file: &str, strictness: Strictness) -> Report {
        Report { file: file.to_owned(), strictness, problems: Vec::new() }
    }

    /// Records a mistake that nobody can work with.
    pub fn error(
        &mut self,
        place: impl Into<Option<Place>>,
        what: &str,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Error, place.into(), what, message.into())
    }

    /// Records something that works but is probably not meant.
    pub fn warning(
        &mut self,
        place: impl Into<Option<Place>>,
        what: &str,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Warning, place.into(), what, message.into())
    }

    /// Records what is an error in our own suites and a warning in foreign ones.
    pub fn objection(
        &mut self,
        place: impl Into<Option<Place>>,
        what: &str,
        message: impl Into<String>,
    ) -> &mut Problem {
        let severity = match self.strictness {
            Strictness::Own => Severity::Error,
            Strictness::Foreign => Severity::Warning,
        };
        self.add(severity, place.into(), what, message.into())
    }

    /// The text of a file; a mistake when it is not UTF-8.
    pub fn text<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b str> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                let message = format!("is not UTF-8 text (first at byte {})", error.valid_up_to());
                self.error(None, "", message).help("save it as UTF-8");
                None
            }
        }
    }

    /// What makes the input unusable.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error)
    }

    fn add(&mut self, severity: Severity, place: Option<Place>, what: &str, message: String) -> &mut Problem {
        let problem =
            Problem { severity, file: self.file.clone(), place, what: what.to_owned(), message, help: None };
        self.problems.push(problem);
        self.problems.last_mut().expect("a problem was pushed on the line above")
    }
}

impl Problem {
    /// Whether it makes the input unusable.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Adds what would be right.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    /// Adds what would be right, when it is known.
    pub fn help_if(&mut self, help: Option<String>) {
        self.help = help;
    }
}

/// The known word that was probably meant, as a sentence.
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = 1 + written.chars().count() / 4;
    let nearest = known.into_iter().map(|word| (edits(written, word), word)).min()?;
    (nearest.0 <= limit).then(|| format!("did you mean `{}`?", nearest.1))
}

/// How many letters must be added, removed, replaced or swapped with their neighbour (Damerau and Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(64).flat_map(char::to_lowercase).collect();
    let to: Vec<char> = to.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let replaced = last[j] + usize::from(letter != other);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == to[j - 1] && from[i - 1] == *other {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_and_what_would_be_right() {
        let mut report = Report::new("scenarios/a.yaml", Strictness::Foreign);
        report
            .objection(Place { line: 3, column: 5 }, "wieght", "unknown key")
            .help("did you mean `weight`?");
        assert_eq!(
            report.problems[0].to_string(),
            "scenarios/a.yaml:3:5: warning: wieght: unknown key\n  help: did you mean `weight`?"
        );
    }

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let check = |written, expected: Option<&str>| {
            let known = ["weight", "workspace", "tools", "exec"];
            assert_eq!(did_you_mean(written, known), expected.map(|word| format!("did you mean `{word}`?")));
        };
        check("wieght", Some("weight"));
        check("Tool", Some("tools"));
        check("exce", Some("exec"));
        check("banana", None);
        check("", None);
    }
}
