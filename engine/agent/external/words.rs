//! Words of strangers: what an evaluator prints is shown to people, so nothing stays in it that a terminal obeys.

use std::collections::VecDeque;

/// The beginning of a text on one line, without control characters and marks that turn the direction of writing.
pub(super) fn excerpt(text: &str, chars_max: usize) -> String {
    let text = harmless(text);
    if text.chars().count() <= chars_max {
        return text;
    }
    text.chars().take(chars_max).collect::<String>() + "…"
}

fn harmless(text: &str) -> String {
    let is_obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let text: String = text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The last bytes of a stream.
#[derive(Debug)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    bytes_max: usize,
    is_cut: bool,
}

impl Tail {
    pub fn new(bytes_max: usize) -> Tail {
        Tail { bytes: VecDeque::new(), bytes_max, is_cut: false }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(self.bytes_max)..];
        self.bytes.extend(last);
        let surplus = self.bytes.len().saturating_sub(self.bytes_max);
        self.bytes.drain(..surplus);
        self.is_cut |= surplus > 0 || last.len() < bytes.len();
    }

    /// The text on one line; empty where nothing was said.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = harmless(&String::from_utf8_lossy(&bytes));
        if self.is_cut { format!("…{text}") } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_taken_out() {
        assert_eq!(excerpt("a\u{1b}[2J\r\nb\u{202e}c", 99), "a [2J b c");
        assert_eq!(excerpt("abcdef", 3), "abc…");
    }

    #[test]
    fn a_tail_keeps_the_end() {
        let mut tail = Tail::new(4);
        tail.push(b"ab");
        assert_eq!(tail.text(), "ab");
        tail.push(b"cde");
        assert_eq!(tail.text(), "…bcde");
        tail.push(b"0123456789");
        assert_eq!(tail.text(), "…6789");
    }
}
