//! The table of checks on standard output, each row as soon as it is known; or one JSON object at the end.

use super::row::{Found, Row, Status, exit};
use crate::exit::Exit;
use crate::out;
use console::{Style, Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use packwright::episode::Usage;
use packwright::report::plain;
use serde_json::json;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

/// The longest name of a check, and the longest mark before it.
const NAME_COLUMNS: usize = 12;
const MARK_COLUMNS: usize = 14;
/// So much of a finding is shown; the JSON has all of it.
const SHOWN_CHARACTERS_MAX: usize = 400;
/// Wider lines are hard to read.
const COLUMNS_MAX: usize = 110;

/// The rows so far.
pub struct Sheet {
    rows: Vec<Row>,
    json: bool,
    /// None where no terminal breaks lines.
    columns: Option<usize>,
    /// None where standard error is no terminal.
    spinner: Option<ProgressBar>,
    spent: Spent,
}

/// What the checks themselves took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub replies: u32,
    pub usage: Usage,
}

impl Sheet {
    pub fn new(json: bool) -> Sheet {
        let terminal = Term::stdout();
        let columns = terminal.is_term().then(|| usize::from(terminal.size().1).min(COLUMNS_MAX));
        let is_watched = std::io::stderr().is_terminal() && !json;
        let spinner = is_watched.then(|| {
            let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {wide_msg}");
            spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            spinner
        });
        Sheet { rows: Vec::new(), json, columns, spinner, spent: Spent::default() }
    }

    /// Says on a terminal what is being looked at.
    pub fn look_at(&self, what: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(what.to_owned());
            spinner.enable_steady_tick(Duration::from_millis(120));
        }
    }

    /// Takes away what `look_at` says.
    pub fn look_away(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    /// Takes what a check found, and gives what the later ones can use of it.
    pub fn hear<T>(&mut self, (row, product): Found<T>) -> Option<T> {
        if !self.json {
            let text = text_of(&row, self.columns);
            match &self.spinner {
                Some(spinner) => spinner.suspend(|| out::line(text)),
                None => out::line(text),
            };
        }
        self.rows.push(row);
        product
    }

    pub fn spend(&mut self, spent: Spent) {
        self.spent.replies += spent.replies;
        self.spent.usage = self.spent.usage.plus(spent.usage);
    }

    /// Ends the table.
    pub fn close(self) -> ExitCode {
        self.look_away();
        let summary = summary(&self.rows, &self.spent);
        if self.json {
            out::line(json!({ "checks": self.rows, "summary": summary }));
        } else {
            out::line(format!("\n{}", wrapped(&summary, 0, self.columns)));
        }
        exit(&self.rows).map_or(ExitCode::SUCCESS, Exit::into)
    }
}

fn summary(rows: &[Row], spent: &Spent) -> String {
    let count = |wanted: fn(Status) -> bool| rows.iter().filter(|row| wanted(row.status)).count();
    let failed = count(|status| matches!(status, Status::Failed(_)));
    let warnings = match count(|status| status == Status::Warning) {
        0 => String::new(),
        1 => ", with 1 warning".into(),
        several => format!(", with {several} warnings"),
    };
    let state = match failed {
        0 => format!("ready{warnings}"),
        1 => format!("not ready: 1 check failed{warnings}"),
        several => format!("not ready: {several} checks failed{warnings}"),
    };
    format!("{state}; {}", spending(spent))
}

fn spending(spent: &Spent) -> String {
    let calls = match spent.replies {
        0 => return "nothing was spent".into(),
        1 => "1 model call".to_owned(),
        several => format!("{several} model calls"),
    };
    match (spent.usage.input_tokens, spent.usage.output_tokens) {
        (None, None) => format!("the checks took {calls}"),
        (input, output) => {
            let tokens = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
            format!("the checks took {calls} and {tokens} tokens")
        }
    }
}

/// A row, and below it what to do.
fn text_of(row: &Row, columns: Option<usize>) -> String {
    let mark = format!("{:MARK_COLUMNS$}", row.status.mark());
    let style = match row.status {
        Status::Passed => Style::new().green(),
        Status::Warning => Style::new().yellow(),
        Status::Failed(_) => Style::new().red().bold(),
        Status::Skipped | Status::NotConfigured => Style::new().dim(),
    };
    let indent = MARK_COLUMNS + NAME_COLUMNS + 4;
    let finding = wrapped(&shown(&row.finding), indent, columns);
    let mut text = format!("{}  {:NAME_COLUMNS$}  {finding}", style.apply_to(mark), row.name);
    if let Some(fix) = &row.fix {
        let fix = wrapped(&shown(fix), MARK_COLUMNS + 7, columns);
        text += &format!("\n{:MARK_COLUMNS$}  fix: {fix}", "");
    }
    text
}

/// Text of unknown origin on one line, and not without end.
fn shown(text: &str) -> String {
    let text = plain(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Breaks a text that begins at a column between its words, the further lines below its first letter.
fn wrapped(text: &str, indent: usize, columns: Option<usize>) -> String {
    let Some(room) = columns.map(|columns| columns.saturating_sub(indent).max(20)) else {
        return text.to_owned();
    };
    let (mut out, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let length = measure_text_width(word);
        if used > 0 && used + 1 + length > room {
            out += &format!("\n{:indent$}", "");
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out += word;
        used += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::row::Fault;

    #[test]
    fn lines_break_between_words() {
        let check = |text: &str, columns, expected: &str| assert_eq!(wrapped(text, 2, columns), expected);
        check("one two three four five six", Some(22), "one two three four\n  five six");
        check("one two three four five six", None, "one two three four five six");
        check(
            "a-word-that-is-too-long-for-any-line so",
            Some(10),
            "a-word-that-is-too-long-for-any-line\n  so",
        );
        check("", Some(10), "");
    }

    #[test]
    fn what_others_wrote_cannot_steer_a_terminal() {
        assert_eq!(shown("a\u{1b}[2J\r\n  b"), "a\u{fffd}[2J b");
        assert_eq!(shown(&"x".repeat(1_000)).chars().count(), SHOWN_CHARACTERS_MAX + 1);
    }

    #[test]
    fn the_last_line_says_whether_to_go_on_and_what_it_took() {
        let (ok, late) = (Row::passed("a", "b"), Row::warning("a", "b", "c"));
        let failed = Row::failed("a", Fault::Setup, "b", "c");
        let usage = Usage { input_tokens: Some(20), output_tokens: Some(3), ..Usage::default() };
        let check = |rows: &[&Row], replies, usage, expected: &str| {
            let rows: Vec<Row> = rows.iter().map(|row| (*row).clone()).collect();
            assert_eq!(summary(&rows, &Spent { replies, usage }), expected);
        };
        check(&[&ok], 0, Usage::default(), "ready; nothing was spent");
        check(&[&ok, &late], 2, usage, "ready, with 1 warning; the checks took 2 model calls and 23 tokens");
        check(
            &[&failed, &late, &late],
            1,
            Usage::default(),
            "not ready: 1 check failed, with 2 warnings; the checks took 1 model call",
        );
    }
}
