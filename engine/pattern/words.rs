//! A pattern in words, for people who do not read regular expressions.

use super::Pattern;
use super::class::CharSet;
use super::syntax::{Node, Place};

/// So many characters of a set are listed; of more it is said what most of them are.
const LISTED_MAX: usize = 12;
/// So many alternatives are written out; the rest are counted.
const ARMS_MAX: usize = 12;

impl Pattern {
    /// What the pattern looks for, in words: `“overlap” or “conflict”, then up to 40 characters, then “4”`.
    ///
    /// It says what is matched, not how: groups, greed and the case of letters are left out.
    pub fn words(&self) -> String {
        let words = words_of(&self.inner.tree);
        if words.is_empty() { "anything".to_owned() } else { words }
    }
}

/// A part in words; empty where it takes no text and asks for nothing that is worth telling.
pub(super) fn words_of(node: &Node) -> String {
    match node {
        Node::Literal { codes, .. } => quoted(codes),
        Node::Set(set) => set_words(set),
        Node::Any { .. } => "any character".to_owned(),
        Node::At(place) => place_words(*place).to_owned(),
        Node::Concat(parts) => joined(parts.iter().map(|part| within(part, parts.len() > 1)), ", then "),
        Node::Alternate(arms) => arms_words(arms),
        Node::Repeat { min, max, body, .. } => repeat_words(*min, *max, body),
        Node::Group { body, .. } | Node::Atomic(body) => words_of(body),
        Node::Look { behind, negated, body } => {
            let body = within(body, true);
            match (behind, negated) {
                (None, false) => format!("followed by {body}"),
                (None, true) => format!("not followed by {body}"),
                (Some(_), false) => format!("preceded by {body}"),
                (Some(_), true) => format!("not preceded by {body}"),
            }
        }
        Node::BackRef { group, .. } => format!("the text of group {group} again"),
        Node::IfGroup { group, yes, no } => {
            format!("where group {group} matched, {}; else {}", within(yes, true), within(no, true))
        }
    }
}

/// A part among others: alternatives get parentheses.
fn within(node: &Node, is_among: bool) -> String {
    let words = words_of(node);
    let is_choice = is_among && is_choice(node) && !words.is_empty();
    if is_choice { format!("({words})") } else { words }
}

fn is_choice(node: &Node) -> bool {
    match node {
        Node::Alternate(arms) => arms.len() > 1,
        Node::Group { body, .. } | Node::Atomic(body) => is_choice(body),
        _ => false,
    }
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}

fn arms_words(arms: &[Node]) -> String {
    let shown = arms.iter().take(ARMS_MAX).map(|arm| {
        let words = words_of(arm);
        if words.is_empty() { "nothing".to_owned() } else { words }
    });
    let words = joined(shown, " or ");
    match arms.len().saturating_sub(ARMS_MAX) {
        0 => words,
        rest => format!("{words} or one of {rest} more"),
    }
}

fn repeat_words(min: u32, max: Option<u32>, body: &Node) -> String {
    let is_any = matches!(body, Node::Any { .. });
    let one = within(body, true);
    match (min, max) {
        (0, None) if is_any => "anything".to_owned(),
        (0, Some(max)) if is_any => format!("up to {max} characters"),
        (min, Some(max)) if is_any && min == max => format!("{min} characters"),
        (min, Some(max)) if is_any => format!("{min} to {max} characters"),
        (min, None) if is_any => format!("at least {min} characters"),
        (0, Some(1)) => format!("perhaps {one}"),
        (0, None) => format!("any number of times {one}"),
        (1, None) => format!("once or more {one}"),
        (min, None) => format!("at least {min} times {one}"),
        (min, Some(max)) if min == max => format!("{min} times {one}"),
        (min, Some(max)) => format!("{min} to {max} times {one}"),
    }
}

fn place_words(place: Place) -> &'static str {
    match place {
        Place::TextStart => "at the start of the text",
        Place::LineStart => "at the start of a line",
        Place::TextEnd | Place::NearEnd => "at the end of the text",
        Place::LineEnd => "at the end of a line",
        Place::WordEdge { negated: true, .. } => "within a word",
        // Said of nearly every pattern, and nobody misses it.
        Place::WordEdge { negated: false, .. } => "",
    }
}

fn quoted(codes: &[u32]) -> String {
    let text: String = codes.iter().map(|code| shown(*code)).collect();
    format!("“{text}”")
}

fn shown(code: u32) -> String {
    match char::from_u32(code) {
        Some('\n') => "\\n".to_owned(),
        Some('\t') => "\\t".to_owned(),
        Some(c) if !c.is_control() => c.to_string(),
        _ => format!("\\u{{{code:x}}}"),
    }
}

fn set_words(set: &CharSet) -> String {
    let has = |c: char| set.contains(u32::from(c));
    let listed =
        |is_in: bool| -> Vec<u32> { (0x20..0x7f).filter(|code| set.contains(*code) == is_in).collect() };
    let (members, others) = (listed(true), listed(false));
    match (has('0'), has('a') && has('Z'), has(' ') && has('\n')) {
        (true, false, false) if members.len() == 10 => return "a digit".to_owned(),
        (true, true, false) if members.len() <= 63 => return "a letter or digit".to_owned(),
        (false, true, false) if members.len() <= 52 => return "a letter".to_owned(),
        (false, false, true) if members.len() == 1 => return "white space".to_owned(),
        (true, true, false) if others == [0x20] => return "no white space".to_owned(),
        (true, true, true) if others.len() == 63 => return "no letter or digit".to_owned(),
        (false, true, true) if others.len() == 10 => return "no digit".to_owned(),
        _ => {}
    }
    if members.len() <= LISTED_MAX && !members.is_empty() {
        return format!("one of {}", quoted(&members));
    }
    if others.len() <= LISTED_MAX && set.has_wide() {
        let newline = if has('\n') { "" } else { " or a line break" };
        return match others.len() {
            0 if newline.is_empty() => "any character".to_owned(),
            0 => "any character but a line break".to_owned(),
            _ => format!("any character but {}{newline}", quoted(&others)),
        };
    }
    format!(
        "one of {} characters such as {}",
        members.len(),
        quoted(&members[..members.len().min(LISTED_MAX)])
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Case, Pattern};

    fn check(source: &str, expected: &str) {
        let pattern = Pattern::compile(source, Case::Insensitive).unwrap();
        assert_eq!(pattern.words(), expected, "{source}");
    }

    #[test]
    fn patterns_read_as_sentences() {
        check("overlap", "“overlap”");
        check(
            r"(conflict|overlap).{0,40}\b4\b",
            "(“conflict” or “overlap”), then up to 40 characters, then “4”",
        );
        check(r"\d+ days?", "once or more a digit, then “ day”, then perhaps “s”");
        check(r"^\s*#", "at the start of the text, then any number of times white space, then “#”");
        check(r"(?=.*a)(?!b)", "followed by anything, then “a”, then not followed by “b”");
        check("[abc]", "one of “ABCabc”");
        check(r"[^.\n]{0,9}x", "0 to 9 times any character but “.” or a line break, then “x”");
        check(r"\w+@\S+", "once or more a letter or digit, then “@”, then once or more no white space");
        check("a|", "“a” or nothing");
        check("", "anything");
    }
}
