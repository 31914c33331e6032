//! Cutting a text into items. Nothing is lost: the items put together are the text, byte for byte.
//!
//! An item has its continuation lines and nested bullets, and the blank lines behind it. Only the blank lines
//! at a section's end are an item of their own, so that a bullet that joins the section joins its list.

use super::kind::{self, Kind};
use super::{ItemId, Policy, Slot};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Policy {
    /// Reads any text; the ids count headings and, below each, items of a kind.
    pub fn parse(text: &str) -> Policy {
        let mut section = 0;
        let mut counts: BTreeMap<(usize, char), usize> = BTreeMap::new();
        let mut slots = Vec::new();
        for piece in pieces(text) {
            let kind = Kind::of(piece);
            let id = match kind.letter() {
                Some(letter) => {
                    let count = counts.entry((section, letter)).or_default();
                    *count += 1;
                    format!("S{section}.{letter}{count}")
                }
                None if kind == Kind::Heading => {
                    section += 1;
                    format!("S{section}")
                }
                None if slots.is_empty() => ItemId::top().0,
                None => format!("S{section}.end"),
            };
            let slot = Slot { id: ItemId(id), text: Some(piece.to_owned()), kind, origin: None };
            slots.push(Arc::new(slot));
        }
        Policy { slots, line_end: line_end(text) }
    }
}

/// The line end of the first line.
fn line_end(text: &str) -> &'static str {
    match text.split_inclusive('\n').next() {
        Some(line) if line.ends_with("\r\n") => "\r\n",
        _ => "\n",
    }
}

/// The texts of the items, in their order.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let top = mark + kind::leading_blank(&text[mark..]);
    if top > 0 {
        pieces.push(&text[..top]);
    }
    let lines: Vec<&str> = text[top..].split_inclusive('\n').collect();
    let (mut at, mut offset) = (0, top);
    while at < lines.len() {
        let end = block_end(&lines, at);
        let blank = (end..lines.len()).find(|place| !kind::is_blank(lines[*place])).unwrap_or(lines.len());
        let is_last = blank == lines.len() || is_heading(&lines, blank);
        let keeps_blank = is_heading(&lines, at) || !is_last;
        let mut cut = |from: usize, to: usize| {
            let length: usize = lines[from..to].iter().map(|line| line.len()).sum();
            if length > 0 {
                pieces.push(&text[offset..offset + length]);
                offset += length;
            }
        };
        if keeps_blank {
            cut(at, blank);
        } else {
            cut(at, end);
            cut(end, blank);
        }
        at = blank;
    }
    pieces
}

fn is_heading(lines: &[&str], at: usize) -> bool {
    kind::is_atx(lines[at]) || lines.get(at + 1).is_some_and(|below| kind::is_setext(lines[at], below))
}

/// Where the item that begins at a line ends, without the blank lines behind it.
fn block_end(lines: &[&str], at: usize) -> usize {
    let line = lines[at];
    if at == 0 && line.trim_end() == "---" {
        let closing = |line: &&str| matches!(line.trim_end(), "---" | "...");
        if let Some(end) = lines[1..].iter().position(closing) {
            return end + 2;
        }
    }
    if kind::is_atx(line) {
        at + 1
    } else if is_heading(lines, at) {
        at + 2
    } else if kind::fence(line).is_some() {
        fence_end(lines, at)
    } else if kind::is_bullet(line) {
        bullet_end(lines, at)
    } else {
        let ends = |line: &&str| !kind::may_continue(line);
        lines[at + 1..].iter().position(ends).map_or(lines.len(), |length| at + 1 + length)
    }
}

fn fence_end(lines: &[&str], at: usize) -> usize {
    let Some(fence) = kind::fence(lines[at]) else { return at + 1 };
    let closing = lines[at + 1..].iter().position(|line| kind::closes(line, fence));
    closing.map_or(lines.len(), |length| at + length + 2)
}

/// A bullet has all lines up to the next bullet of its level, heading, fence or text that is not indented.
fn bullet_end(lines: &[&str], at: usize) -> usize {
    let mut end = at + 1;
    while end < lines.len() {
        let line = lines[end];
        let is_inner = line.starts_with("  ") || line.starts_with('\t');
        if kind::is_blank(line) {
            let next = (end..lines.len()).find(|place| !kind::is_blank(lines[*place]));
            match next.filter(|next| lines[*next].starts_with("  ") || lines[*next].starts_with('\t')) {
                Some(next) => end = next,
                None => return end,
            }
        } else if is_inner && kind::fence(line).is_some() {
            end = fence_end(lines, end);
        } else if is_inner || kind::may_continue(line) {
            end += 1;
        } else {
            return end;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let policy = Policy::parse(text);
        let items: Vec<(&str, &str)> = policy.items().map(|item| (item.id.0.as_str(), item.text)).collect();
        assert_eq!(items, expected, "{text:?}");
        assert_eq!(policy.text(), text);
    }

    #[test]
    fn items_are_headings_bullets_and_paragraphs_with_what_belongs_to_them() {
        check(
            "# Policy\n\nBe kind.\nAlways.\n\n- a\n  more\n  - nested\n- b\n\n  still b\n\n## Mail\n1. x\n",
            &[
                ("S1", "# Policy\n\n"),
                ("S1.p1", "Be kind.\nAlways.\n\n"),
                ("S1.b1", "- a\n  more\n  - nested\n"),
                ("S1.b2", "- b\n\n  still b\n"),
                ("S1.end", "\n"),
                ("S2", "## Mail\n"),
                ("S2.b1", "1. x\n"),
            ],
        );
    }

    #[test]
    fn code_tables_and_front_matter_stay_whole() {
        check(
            "---\nname: x\n---\n\nText\n```\n# no heading\n\n- no bullet\n```\n| a |\n|---|\n\nTitle\n===\n- b\n  ```\n# in code\n  ```\n",
            &[
                ("S0.f1", "---\nname: x\n---\n\n"),
                ("S0.p1", "Text\n"),
                ("S0.c1", "```\n# no heading\n\n- no bullet\n```\n"),
                ("S0.t1", "| a |\n|---|\n"),
                ("S0.end", "\n"),
                ("S1", "Title\n===\n"),
                ("S1.b1", "- b\n  ```\n# in code\n  ```\n"),
            ],
        );
    }

    #[test]
    fn marks_line_ends_and_blank_tops_are_kept() {
        check("\u{feff}# A\r\n\r\n- x", &[("S0", "\u{feff}"), ("S1", "# A\r\n\r\n"), ("S1.b1", "- x")]);
        check("\n \n", &[("S0", "\n \n")]);
        check("", &[]);
        check("\n- a\n  ", &[("S0", "\n"), ("S0.b1", "- a\n"), ("S0.end", "  ")]);
        check("```\nopen\n", &[("S0.c1", "```\nopen\n")]);
    }
}
