//! Sets of code points, and the case folding of CPython 3.11.

use super::syntax::Fold;
use super::unicode::{DIGIT, FOLDS, SPACE, WORD};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The greatest code point.
const LAST: u32 = 0x10_ffff;
/// The first code point that Python's character sets do not fold (see `Members::code`).
const ASTRAL: u32 = 0x1_0000;

/// A set of code points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CharSet {
    ascii: u128,
    /// Ranges from 0x80 on: sorted, apart, inclusive.
    wide: Vec<(u32, u32)>,
}

impl CharSet {
    pub(super) fn contains(&self, code: u32) -> bool {
        if code < 0x80 {
            return self.ascii >> code & 1 == 1;
        }
        let after = self.wide.partition_point(|&(first, _)| first <= code);
        after > 0 && code <= self.wide[after - 1].1
    }

    /// Whether the set has code points beyond ASCII.
    pub(super) fn has_wide(&self) -> bool {
        !self.wide.is_empty()
    }

    /// The ASCII part, one bit for each code point.
    pub(super) fn ascii_bits(&self) -> u128 {
        self.ascii
    }

    /// All ranges, ASCII first.
    pub(super) fn ranges(&self) -> Vec<(u32, u32)> {
        let ascii = (0..0x80).filter(|&code| self.ascii >> code & 1 == 1).map(|code| (code, code));
        ascii.chain(self.wide.iter().copied()).collect()
    }
}

impl FromIterator<(u32, u32)> for CharSet {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> CharSet {
        let mut sorted: Vec<(u32, u32)> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut set = CharSet::default();
        for (first, last) in sorted {
            for code in first..=last.min(0x7f) {
                set.ascii |= 1 << code;
            }
            if last < 0x80 {
                continue;
            }
            let first = first.max(0x80);
            match set.wide.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => set.wide.push((first, last)),
            }
        }
        set
    }
}

/// What stands between square brackets, and what an escape such as `\w` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Code(u32),
    Range(u32, u32),
    Category { kind: Category, negated: bool, ascii: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    Word,
    Digit,
    Space,
}

impl Category {
    fn ranges(self, ascii: bool) -> &'static [(u32, u32)] {
        match (self, ascii) {
            (Category::Word, false) => WORD,
            (Category::Digit, false) => DIGIT,
            (Category::Space, false) => SPACE,
            (Category::Word, true) => &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)],
            (Category::Digit, true) => &[(0x30, 0x39)],
            (Category::Space, true) => &[(0x09, 0x0d), (0x20, 0x20)],
        }
    }
}

/// The set that some members, perhaps negated as a whole, stand for.
pub(super) fn set_of(members: &[Member], negated: bool, folding: Fold) -> CharSet {
    let mut ranges = Vec::new();
    for &member in members {
        match member {
            Member::Code(code) => push_code(&mut ranges, code, folding, members.len() == 1),
            Member::Range(first, last) => push_range(&mut ranges, first, last, folding),
            Member::Category { kind, negated: false, ascii } => ranges.extend(kind.ranges(ascii)),
            Member::Category { kind, negated: true, ascii } => ranges.extend(complement(kind.ranges(ascii))),
        }
    }
    if !negated {
        return ranges.into_iter().collect();
    }
    ranges.sort_unstable();
    complement(&ranges).into_iter().collect()
}

/// Python looks up the small letter of each code point of the text, but stores an astral member of a larger set
/// as it is written: an astral capital in brackets matches nothing.
fn push_code(ranges: &mut Vec<(u32, u32)>, code: u32, folding: Fold, alone: bool) {
    match folding {
        Fold::Exact => ranges.push((code, code)),
        Fold::Ascii => ranges.extend(ascii_variants(code).map(|code| (code, code))),
        Fold::Unicode if code >= ASTRAL && !alone && lower(code) != code => {}
        Fold::Unicode => ranges.extend(case_class(code).iter().map(|&code| (code, code))),
    }
}

fn push_range(ranges: &mut Vec<(u32, u32)>, first: u32, last: u32, folding: Fold) {
    ranges.push((first, last));
    match folding {
        Fold::Exact => {}
        Fold::Ascii => {
            for code in first..=last.min(0x7f) {
                ranges.extend(ascii_variants(code).map(|code| (code, code)));
            }
            // Beyond the basic plane Python folds ranges by Unicode even under the ASCII flag.
            let folded = CLASSES.values().flatten().filter(|&code| (first.max(ASTRAL)..=last).contains(code));
            ranges.extend(folded.map(|&code| (lower(code), lower(code))));
        }
        Fold::Unicode => {
            let folded =
                CLASSES.values().filter(|class| class.iter().any(|code| (first..=last).contains(code)));
            ranges.extend(folded.flatten().map(|&code| (code, code)));
        }
    }
}

fn ascii_variants(code: u32) -> impl Iterator<Item = u32> {
    let letter = u8::try_from(code).ok().filter(u8::is_ascii_alphabetic);
    [Some(code), letter.map(|letter| u32::from(letter ^ 0x20))].into_iter().flatten()
}

/// The code points outside some sorted ranges.
fn complement(sorted: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut outside = Vec::new();
    let mut next = 0;
    for &(first, last) in sorted {
        if next < first {
            outside.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    if next <= LAST {
        outside.push((next, LAST));
    }
    outside
}

/// The code point that stands for all which IGNORECASE takes for equal to this one.
pub(super) fn fold(code: u32) -> u32 {
    if code < 0x80 {
        return u32::from((code as u8).to_ascii_lowercase());
    }
    let run = FOLDS.partition_point(|&(_, last, _, _)| last < code);
    match FOLDS.get(run) {
        Some(&(first, _, step, distance)) if first <= code && (code - first).is_multiple_of(step) => {
            code.wrapping_add_signed(distance)
        }
        _ => code,
    }
}

/// Python's small letter of a code point, which is what back-references under IGNORECASE compare.
pub(super) fn lower(code: u32) -> u32 {
    if fold(code) == code {
        return code;
    }
    let small = char::from_u32(code).and_then(|letter| letter.to_lowercase().next());
    small.map_or(code, u32::from)
}

/// All code points that IGNORECASE takes for equal to this one, itself among them.
pub(super) fn case_class(code: u32) -> Vec<u32> {
    CLASSES.get(&fold(code)).cloned().unwrap_or_else(|| vec![code])
}

/// Each class of two or more code points under its representative.
static CLASSES: LazyLock<HashMap<u32, Vec<u32>>> = LazyLock::new(|| {
    let mut classes: HashMap<u32, Vec<u32>> = HashMap::new();
    for &(first, last, step, distance) in FOLDS {
        for code in (first..=last).step_by(step as usize) {
            let class = code.wrapping_add_signed(distance);
            classes.entry(class).or_insert_with(|| vec![class]).push(code);
        }
    }
    classes
});

/// Whether `\w` matches the code point.
pub(super) fn is_word(code: u32, ascii: bool) -> bool {
    if code < 0x80 {
        return code == u32::from(b'_') || (code as u8).is_ascii_alphanumeric();
    }
    !ascii && in_ranges(WORD, code)
}

/// Whether sorted ranges hold the code point.
pub(super) fn in_ranges(ranges: &[(u32, u32)], code: u32) -> bool {
    let after = ranges.partition_point(|&(first, _)| first <= code);
    after > 0 && code <= ranges[after - 1].1
}
