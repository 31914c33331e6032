//! One pass over a text that finds every occurrence of every literal of some patterns.
//!
//! The literals are dealt into 64 buckets, and a table for each of the first four bytes tells which buckets a
//! byte can belong to. Four look-ups rule out most positions, without waiting for one another as the steps of
//! an Aho-Corasick automaton do: on response texts 6.1 us a text instead of 7.5.

use super::Pattern;
use super::haystack::Haystack;
use super::literals::LITERAL_CODES_MAX;
use std::collections::HashMap;

const BUCKETS: usize = 64;
/// Comparisons that each code point may cost on average, and the number that any text may cost. Beyond them
/// nothing is recorded, and matching does without.
const COMPARED_PER_CODE: usize = 16;
const COMPARED_MAX: usize = 1 << 20;

/// Finds the literals of some patterns in a folded text.
#[derive(Debug)]
pub(super) struct Scanner {
    tables: Box<[[u64; 256]; 4]>,
    buckets: Vec<Vec<Literal>>,
    literals: usize,
    /// For each pattern, its literals among those of all.
    of_pattern: Vec<Vec<u32>>,
}

/// A literal as it is compared: all of it at once, with the bytes of a text in one number.
#[derive(Debug)]
struct Literal {
    bytes: u128,
    mask: u128,
    length: u32,
    id: u32,
}

/// So many bytes are in such a number.
const WORD: usize = size_of::<u128>();
const _: () = assert!(LITERAL_CODES_MAX <= WORD, "a literal has to fit");

/// The first bytes of a text, zeros after its end.
fn word(text: &[u8]) -> u128 {
    let word = text.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; WORD];
        padded[..text.len()].copy_from_slice(text);
        padded
    });
    u128::from_le_bytes(word)
}

impl Scanner {
    pub(super) fn of<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Scanner {
        let mut ids: HashMap<&[u8], u32> = HashMap::new();
        let mut of_pattern = Vec::new();
        for pattern in patterns {
            let literals = pattern.inner.program.literals.iter().map(|literal| {
                let next = ids.len() as u32;
                *ids.entry(literal).or_insert(next)
            });
            of_pattern.push(literals.collect());
        }
        let mut sorted: Vec<(&[u8], u32)> = ids.into_iter().collect();
        // Neighbours share their first bytes, so they had best share their bucket; short ones, after which any byte may
        // follow, would spoil it for the others.
        sorted.sort_unstable_by_key(|(bytes, _)| (bytes.len().min(4), *bytes));
        let mut scanner = Scanner {
            tables: Box::new([[0; 256]; 4]),
            buckets: (0..BUCKETS).map(|_| Vec::new()).collect(),
            literals: sorted.len(),
            of_pattern,
        };
        for (rank, &(bytes, id)) in sorted.iter().enumerate() {
            scanner.add(rank * BUCKETS / sorted.len(), id, bytes);
        }
        scanner
    }

    fn add(&mut self, bucket: usize, id: u32, bytes: &[u8]) {
        for (offset, table) in self.tables.iter_mut().enumerate() {
            match bytes.get(offset) {
                Some(&byte) => table[usize::from(byte)] |= 1 << bucket,
                None => table.iter_mut().for_each(|buckets| *buckets |= 1 << bucket),
            }
        }
        let mask = word(&vec![u8::MAX; bytes.len()]);
        self.buckets[bucket].push(Literal { bytes: word(bytes), mask, length: bytes.len() as u32, id });
    }

    pub(super) fn literals_of(&self, pattern: usize) -> &[u32] {
        &self.of_pattern[pattern]
    }

    pub(super) fn scan(&self, text: &Haystack) -> Occurrences {
        if self.literals == 0 {
            return Occurrences { ends: Vec::new(), starts: Vec::new(), complete: true };
        }
        match self.occurrences(text.folded()) {
            Some(found) => Occurrences::sorted(&found, self.literals),
            None => Occurrences::unknown(),
        }
    }

    /// Each literal with each place where it starts, in the order of the places.
    fn occurrences(&self, text: &[u8]) -> Option<Vec<(u32, u32)>> {
        let mut found = Vec::with_capacity(text.len() / 8);
        let mut allowed = COMPARED_MAX + COMPARED_PER_CODE * text.len();
        let [first, second, third, fourth] = &*self.tables;
        let mut start = 0;
        for window in text.windows(4) {
            let one = first[usize::from(window[0])];
            let two = second[usize::from(window[1])];
            let buckets = one & two & third[usize::from(window[2])] & fourth[usize::from(window[3])];
            if buckets != 0 {
                let compared = self.compare(buckets, text, start, &mut found);
                allowed = allowed.checked_sub(compared)?;
            }
            start += 1;
        }
        for start in start..text.len() {
            self.compare(first[usize::from(text[start])], text, start, &mut found);
        }
        Some(found)
    }

    /// Records the literals of some buckets that start here; gives the number of comparisons.
    fn compare(&self, mut buckets: u64, text: &[u8], start: usize, found: &mut Vec<(u32, u32)>) -> usize {
        let rest = &text[start..];
        let first = word(rest);
        let mut compared = 0;
        while buckets != 0 {
            let bucket = &self.buckets[buckets.trailing_zeros() as usize];
            for literal in bucket {
                if literal.begins(first, rest.len()) {
                    found.push((literal.id, start as u32));
                }
            }
            compared += bucket.len();
            buckets &= buckets - 1;
        }
        compared
    }
}

impl Literal {
    /// Whether a text of some length begins with the literal.
    fn begins(&self, first: u128, length: usize) -> bool {
        first & self.mask == self.bytes && self.length as usize <= length
    }
}

/// Where each literal occurs.
#[derive(Debug)]
pub(super) struct Occurrences {
    /// Where the starts of each literal end in `starts`.
    ends: Vec<u32>,
    starts: Vec<u32>,
    /// Whether nothing was left out.
    complete: bool,
}

impl Occurrences {
    /// Nothing was recorded, and nothing can be concluded.
    pub(super) fn unknown() -> Occurrences {
        Occurrences { ends: Vec::new(), starts: Vec::new(), complete: false }
    }

    /// Sorts by literal, keeping the order within each.
    fn sorted(found: &[(u32, u32)], literals: usize) -> Occurrences {
        let mut ends = vec![0; literals + 1];
        for &(literal, _) in found {
            ends[literal as usize + 1] += 1;
        }
        for literal in 0..literals {
            ends[literal + 1] += ends[literal];
        }
        let mut starts = vec![0; found.len()];
        for &(literal, start) in found {
            let at = &mut ends[literal as usize];
            starts[*at as usize] = start;
            *at += 1;
        }
        Occurrences { ends, starts, complete: true }
    }

    /// These occurrences as one pattern sees them.
    pub(super) fn view<'o>(&'o self, literals: &'o [u32]) -> View<'o> {
        View { occurrences: self, literals }
    }
}

/// The occurrences of one pattern's literals.
#[derive(Clone, Copy)]
pub(super) struct View<'o> {
    occurrences: &'o Occurrences,
    literals: &'o [u32],
}

impl<'o> View<'o> {
    /// Whether the occurrences can be relied on: with too many of them, none are kept.
    pub(super) fn is_complete(&self) -> bool {
        self.occurrences.complete
    }

    /// Where a literal of the pattern starts, in ascending order.
    pub(super) fn starts(&self, literal: u32) -> &'o [u32] {
        let literal = self.literals[literal as usize] as usize;
        let ends = &self.occurrences.ends;
        let first = if literal == 0 { 0 } else { ends[literal - 1] };
        &self.occurrences.starts[first as usize..ends[literal] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Case, Haystack, Pattern};

    #[test]
    fn nothing_follows_the_end_of_a_text() {
        let check = |pattern: &str, text: &str, expected: Option<usize>| {
            let pattern = Pattern::compile(pattern, Case::Sensitive).unwrap();
            let found = pattern.find(&Haystack::new(text)).unwrap();
            assert_eq!(found.map(|found| found.start), expected, "{text:?}");
        };
        check(r"ab\0", "xab", None);
        check(r"ab\0", "xab\0", Some(1));
        check("abcdefghijklmnop", "xabcdefghijklmno", None);
        check("abcdefghijklmnop", "xabcdefghijklmnop", Some(1));
        check("abcdefghijklmnopq", "abcdefghijklmnopabcdefghijklmnopq", Some(16));
    }
}
