//! What an item is, told by its lines alone: the same answer for an item of a parsed text and for one that an
//! edit brings.

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Heading,
    Bullet,
    Paragraph,
    Code,
    Table,
    FrontMatter,
    /// White space that belongs to no item: before everything, or at the end of a section.
    Blank,
}

impl Kind {
    /// The letter in an item's id; none where the id has another form.
    pub(super) fn letter(self) -> Option<char> {
        match self {
            Kind::Bullet => Some('b'),
            Kind::Paragraph => Some('p'),
            Kind::Code => Some('c'),
            Kind::Table => Some('t'),
            Kind::FrontMatter => Some('f'),
            Kind::Heading | Kind::Blank => None,
        }
    }

    /// The kind of an item with this text.
    pub(super) fn of(text: &str) -> Kind {
        let mut lines = text[leading_blank(text)..].split_inclusive('\n');
        let Some(first) = lines.next() else { return Kind::Blank };
        let second = lines.next();
        if is_front_matter(text) {
            Kind::FrontMatter
        } else if is_atx(first) || second.is_some_and(|second| is_setext(first, second)) {
            Kind::Heading
        } else if fence(first).is_some() {
            Kind::Code
        } else if is_bullet(first) {
            Kind::Bullet
        } else if first.trim_start().starts_with('|') {
            Kind::Table
        } else {
            Kind::Paragraph
        }
    }
}

/// Between two lines of three hyphens, the second of which may be three dots.
fn is_front_matter(text: &str) -> bool {
    let mut lines = text.trim().lines();
    let first = lines.next().is_some_and(|line| line.trim_end() == "---");
    first && lines.next_back().is_some_and(|line| matches!(line.trim_end(), "---" | "..."))
}

/// `## Title`, not indented.
pub(super) fn is_atx(line: &str) -> bool {
    let title = line.trim_start_matches('#');
    (1..=6).contains(&(line.len() - title.len())) && title.chars().next().is_none_or(char::is_whitespace)
}

/// Whether a line that begins a paragraph is made a heading by the line below it.
pub(super) fn is_setext(title: &str, below: &str) -> bool {
    let below = below.trim_end();
    let is_rule = below.len() >= 3
        && (below.bytes().all(|byte| byte == b'=') || below.bytes().all(|byte| byte == b'-'));
    let is_rule_too = |line: &str| line.trim().chars().all(|c| matches!(c, '-' | '=' | '*' | '_' | ' '));
    is_rule && may_continue(title) && !title.trim_start().starts_with(['|', '>']) && !is_rule_too(title)
}

/// The mark and its length where a line opens or closes a code fence.
pub(super) fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let length = line.len() - rest.len();
    (length >= 3 && !(mark == '`' && rest.contains('`'))).then_some((mark, length))
}

/// Whether a line closes a fence of this mark and length.
pub(super) fn closes(line: &str, (mark, length): (char, usize)) -> bool {
    let is_bare = line.trim().chars().all(|c| c == mark);
    is_bare && fence(line).is_some_and(|(_, closing)| closing >= length)
}

/// `- x`, `* x`, `+ x`, `1. x` or `1) x`, however indented.
pub(super) fn is_bullet(line: &str) -> bool {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let marks: &[char] = if digits == 0 { &['-', '*', '+'] } else { &['.', ')'] };
    let rest = line[digits..].strip_prefix(marks);
    digits < 10 && rest.is_some_and(|rest| rest.chars().next().is_none_or(char::is_whitespace))
}

/// Whether a line below text without a blank line between would be read as its continuation.
pub(super) fn may_continue(text: &str) -> bool {
    let line = text.split_inclusive('\n').next().unwrap_or_default();
    !is_blank(line) && !is_atx(line) && fence(line).is_none() && !is_bullet(line)
}

pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
}

/// The length of the blank lines that a text begins with.
pub(super) fn leading_blank(text: &str) -> usize {
    text.split_inclusive('\n').take_while(|line| is_blank(line)).map(str::len).sum()
}

/// The blank lines that a text ends with.
pub(super) fn trailing_blank(text: &str) -> &str {
    let lines = text.split_inclusive('\n').rev();
    let length: usize = lines.take_while(|line| is_blank(line)).map(str::len).sum();
    &text[text.len() - length..]
}

pub(super) fn ends_blank(text: &str) -> bool {
    !trailing_blank(text).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_known_by_its_lines() {
        let check = |text: &str, expected: Kind| assert_eq!(Kind::of(text), expected, "{text:?}");
        check("## Mail\n", Kind::Heading);
        check("\n\n#\n", Kind::Heading);
        check("Mail\n====\n", Kind::Heading);
        check("#mail is no heading\n", Kind::Paragraph);
        check("- a", Kind::Bullet);
        check("  12) a", Kind::Bullet);
        check("-\n", Kind::Bullet);
        check("-a\n", Kind::Paragraph);
        check("**bold**", Kind::Paragraph);
        check("```sh\nls\n```\n", Kind::Code);
        check("```a``` is inline", Kind::Paragraph);
        check("~~~\n", Kind::Code);
        check("| a | b |\n|---|---|\n", Kind::Table);
        check("---\na: b\n---\n", Kind::FrontMatter);
        check("---\n", Kind::Paragraph);
        check("\u{feff}", Kind::Blank);
        check(" \r\n", Kind::Blank);
        check("", Kind::Blank);
    }
}
