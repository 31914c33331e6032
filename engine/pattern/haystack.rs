//! A text laid out for matching: one byte for each code point, as written and case-folded.
//!
//! Python counts and compares code points, so positions here are code points too. ASCII stays as it is; any
//! other code point becomes a byte with the high bit set, which says "perhaps", and is looked up when it matters.

use super::class::{fold, lower};
use std::borrow::Cow;
use std::ops::Range;

/// A text prepared once for many patterns.
#[derive(Clone, Debug)]
pub struct Haystack<'a> {
    text: &'a str,
    plain: Cow<'a, [u8]>,
    folded: Vec<u8>,
    wide: Vec<Wide>,
}

/// A code point beyond ASCII: where it stands, and what it is.
#[derive(Clone, Copy, Debug)]
struct Wide {
    position: u32,
    byte: usize,
    code: char,
}

impl<'a> Haystack<'a> {
    /// Lays out a text, in one pass.
    pub fn new(text: &'a str) -> Haystack<'a> {
        if text.is_ascii() {
            let plain = Cow::Borrowed(text.as_bytes());
            return Haystack { text, plain, folded: text.as_bytes().to_ascii_lowercase(), wide: Vec::new() };
        }
        let mut plain = Vec::with_capacity(text.len());
        let mut wide: Vec<Wide> = Vec::new();
        let mut byte = 0;
        while byte < text.len() {
            let ascii = ascii_prefix(&text.as_bytes()[byte..]);
            plain.extend_from_slice(&text.as_bytes()[byte..byte + ascii]);
            byte += ascii;
            for code in text[byte..].chars().take_while(|code| !code.is_ascii()) {
                wide.push(Wide { position: plain.len() as u32, byte, code });
                plain.push(placeholder(u32::from(code)));
                byte += code.len_utf8();
            }
        }
        let mut folded = plain.to_ascii_lowercase();
        for one in &wide {
            folded[one.position as usize] = placeholder(fold(u32::from(one.code)));
        }
        Haystack { text, plain: Cow::Owned(plain), folded, wide }
    }

    /// The text as it was given.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The number of code points.
    pub fn len(&self) -> usize {
        self.plain.len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    pub(super) fn folded(&self) -> &[u8] {
        &self.folded
    }

    /// The code point at a position inside the text.
    pub(super) fn code(&self, position: usize) -> u32 {
        match self.plain[position] {
            byte if byte.is_ascii() => u32::from(byte),
            _ => {
                let at = self.wide.partition_point(|one| (one.position as usize) < position);
                u32::from(self.wide[at].code)
            }
        }
    }

    pub(super) fn folded_code(&self, position: usize) -> u32 {
        fold(self.code(position))
    }

    pub(super) fn lower_code(&self, position: usize) -> u32 {
        lower(self.code(position))
    }

    /// The bytes of the text that a span of code points takes.
    pub(super) fn bytes_of(&self, span: Range<usize>) -> Range<usize> {
        self.byte_offset(span.start)..self.byte_offset(span.end)
    }

    fn byte_offset(&self, position: usize) -> usize {
        let before = self.wide.partition_point(|one| (one.position as usize) < position);
        match before.checked_sub(1).map(|last| self.wide[last]) {
            None => position,
            Some(last) => last.byte + last.code.len_utf8() + (position - last.position as usize - 1),
        }
    }
}

/// The byte that stands for a code point: itself, or one of 128 that many share.
pub(super) fn placeholder(code: u32) -> u8 {
    if code < 0x80 { code as u8 } else { 0x80 | ((code ^ code >> 7 ^ code >> 14) & 0x7f) as u8 }
}

/// The length of the ASCII text in front.
fn ascii_prefix(bytes: &[u8]) -> usize {
    let blocks = bytes.chunks_exact(32).take_while(|block| block.is_ascii()).count() * 32;
    blocks + bytes[blocks..].iter().take_while(|byte| byte.is_ascii()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, span: Range<usize>, expected: &str) {
        let haystack = Haystack::new(text);
        assert_eq!(haystack.len(), text.chars().count());
        assert_eq!(&text[haystack.bytes_of(span)], expected);
        for (position, code) in text.chars().enumerate() {
            assert_eq!(haystack.code(position), u32::from(code));
        }
    }

    #[test]
    fn spans_of_code_points_become_spans_of_bytes() {
        check("plain text", 2..5, "ain");
        check("né – 🔴", 1..6, "é – 🔴");
        check("né – 🔴!", 6..7, "!");
        check("", 0..0, "");
        check(&("a".repeat(70) + "é" + &"b".repeat(70)), 69..72, "aéb");
    }
}
