//! Words that fit: a message is short, whole, harmless wherever it is shown, and ends with what is to be done.

use crate::report::plain;

/// A message has fewer characters than 500.
pub const TEXT_CHARACTERS_MAX: usize = 499;
const NAME_CHARACTERS_MAX: usize = 40;
/// A longer command gives way to a description of it.
const ACTION_CHARACTERS_MAX: usize = 220;

/// The head, as many facts as there is room for, and the last line. A fact is whole or left out, and so is every word.
pub fn compose(head: &str, facts: &[String], last: &str) -> String {
    let mut text = bounded(head, TEXT_CHARACTERS_MAX.saturating_sub(last.chars().count() + 1));
    let mut room = TEXT_CHARACTERS_MAX.saturating_sub(text.chars().count() + 1 + last.chars().count());
    for fact in facts {
        let fact = plain(fact);
        let length = fact.chars().count() + 1;
        if length <= room {
            text.push('\n');
            text.push_str(&fact);
            room -= length;
        }
    }
    text + "\n" + last
}

/// What is to be done: a command, or in short where that is too long to be sent.
pub(super) fn next(before: &str, command: Option<&str>, short: &str) -> String {
    match command.map(plain) {
        None => "Nothing to do.".to_owned(),
        Some(command) if command.chars().count() <= ACTION_CHARACTERS_MAX => {
            format!("{before}Next: {command}")
        }
        Some(_) => {
            format!("{before}Next, where its runs are kept: {}", bounded(short, ACTION_CHARACTERS_MAX / 2))
        }
    }
}

/// A name that people gave, as it may stand in a message: short, on one line, and without what other programs take
/// for markup, links or mentions.
pub(super) fn name(text: &str) -> String {
    let is_harmless = |c: char| c.is_alphanumeric() || " ._-+,()".contains(c);
    let text: String = text.chars().map(|c| if is_harmless(c) { c } else { '_' }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "without a name".to_owned() } else { bounded(&text, NAME_CHARACTERS_MAX) }
}

/// The beginning of a text that is too long, cut between words where it has any.
fn bounded(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let cut: String = text.chars().take(max - 1).collect();
    let follows = text.chars().nth(max - 1);
    let between = match follows.is_some_and(|c| !c.is_alphanumeric()) {
        true => Some(cut.len()),
        false => cut.rfind(|c: char| !c.is_alphanumeric()).filter(|at| *at > 0),
    };
    let whole = &cut[..between.unwrap_or(cut.len())];
    format!("{}…", whole.trim_end_matches(|c: char| !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_harmless_and_short() {
        let check = |text: &str, expected: &str| assert_eq!(name(text), expected);
        check("office work", "office work");
        check("a\u{1b}[2J\nb", "a__2J_b");
        check("<!channel> @all https://x", "__channel_ _all https___x");
        check("", "without a name");
        check(&"word ".repeat(20), "word word word word word word word word…");
        assert_eq!(name(&"x".repeat(100)).chars().count(), NAME_CHARACTERS_MAX);
        check("ärger ✓", "ärger _");
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let facts = ["a".repeat(400), "b".repeat(100), "c".repeat(300)];
        let text = compose("head", &facts, "Next: optimize");
        assert_eq!(text, format!("head\n{}\nNext: optimize", facts[0]));
        assert_eq!(compose("head", &[], &next("", None, "")), "head\nNothing to do.");
        let long = format!("optimize report x --runs {}", "y".repeat(400));
        assert_eq!(
            next("", Some(&long), "optimize report x"),
            "Next, where its runs are kept: optimize report x"
        );
    }

    proptest! {
        #[test]
        fn every_message_is_short_whole_and_ends_with_what_to_do(
            head in ".{0,700}", facts in proptest::collection::vec(".{0,300}", 0..8), command in ".{0,600}",
        ) {
            let last = next("", Some(&command), "optimize report x");
            let text = compose(&name(&head), &facts, &last);
            prop_assert!(text.chars().count() <= TEXT_CHARACTERS_MAX);
            prop_assert!(text.ends_with(&last));
            let between = text.strip_prefix(&name(&head)).and_then(|rest| rest.strip_suffix(&last)).unwrap();
            let shown: Vec<String> = facts.iter().map(|fact| plain(fact)).collect();
            for line in between.split('\n').filter(|line| !line.is_empty()) {
                prop_assert!(shown.iter().any(|fact| fact == line));
            }
        }
    }
}
