//! Which evaluator: a program, a program whose tests are the checks, or a server. As the user writes it, so it is
//! shown and kept, and so it is part of what a kept episode depends on.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An evaluator outside of this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evaluator {
    /// A program that reads a request from its standard input and writes the reply to its standard output.
    Command(String),
    /// A program that leaves a report of tests in the folder that it is run in.
    Tests(String),
    /// A server that is posted requests.
    Http(String),
}

impl Evaluator {
    /// Reads `command:PROGRAM`, `tests:PROGRAM` or a URL; none where the text is nothing of these.
    pub fn read(text: &str) -> Option<Result<Evaluator, String>> {
        if let Some(line) = text.strip_prefix("command:") {
            return Some(words(line).map(|_| Evaluator::Command(line.trim().to_owned())));
        }
        if let Some(line) = text.strip_prefix("tests:") {
            return Some(words(line).map(|_| Evaluator::Tests(line.trim().to_owned())));
        }
        let is_url = text.starts_with("http://") || text.starts_with("https://");
        is_url.then(|| url(text).map(|_| Evaluator::Http(text.to_owned())))
    }
}

impl fmt::Display for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evaluator::Command(line) => write!(f, "command:{line}"),
            Evaluator::Tests(line) => write!(f, "tests:{line}"),
            Evaluator::Http(url) => f.write_str(url),
        }
    }
}

/// The server's address. It is stored and shown, so it may hold no secret.
pub(super) fn url(text: &str) -> Result<Url, String> {
    // What is wrong is not repeated: it may hold a password.
    let url: Url = text.parse().map_err(|error| format!("the evaluator's URL is wrong: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the evaluator's URL may not hold a user name or a password, since it is stored and shown".into(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the evaluator's URL must end before `?` or `#`, since it is stored and shown".into());
    }
    Ok(url)
}

/// The words of a command line: parted by white space, with quotes and backslashes as a shell has them, and nothing
/// else of a shell.
pub(crate) fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    // None between words, so that `''` is a word.
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (Some('"'), '\\') if matches!(chars.peek(), Some('"' | '\\')) => {
                word.get_or_insert_default().extend(chars.next());
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("the command line has a quote {open} that is not closed"));
    }
    words.extend(word);
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err("the command line names no program".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_parted_as_a_shell_does() {
        let check = |line: &str, expected: &[&str]| assert_eq!(words(line).unwrap(), expected, "{line}");
        check("python3 evaluate.py", &["python3", "evaluate.py"]);
        check("  sh -c 'cat; echo \"x\"'  ", &["sh", "-c", "cat; echo \"x\""]);
        check(r#"a "b \"c\" \n" d\ e '' f"g"h"#, &["a", "b \"c\" \\n", "d e", "", "fgh"]);
        for bad in ["", "  ", "''", "a 'b", "a \"b"] {
            assert!(words(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn evaluators_are_read_and_shown_as_they_were_written() {
        for text in ["command:python3 evaluate.py", "tests:npm test", "http://127.0.0.1:9/episode"] {
            assert_eq!(Evaluator::read(text).unwrap().unwrap().to_string(), text);
        }
        for other in ["builtin", "openclaw", "ftp://x", "evaluate.py"] {
            assert_eq!(Evaluator::read(other), None, "{other}");
        }
        for secret in ["https://me:secret@h/x", "https://h/x?key=secret", "http://[secret"] {
            let told = Evaluator::read(secret).unwrap().unwrap_err();
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
