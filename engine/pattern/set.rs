//! Many patterns on one text: a single scan finds where the literals of all of them occur.

use super::haystack::Haystack;
use super::{MatchLimit, Pattern};
use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, dfa};
use std::collections::HashMap;
use std::ops::Range;

/// Literals that occur more often than this in all are not recorded; matching then does without.
const OCCURRENCES_MAX: usize = 1 << 22;

/// Patterns that are matched against the same texts, such as those of one rubric.
#[derive(Clone, Debug)]
pub struct PatternSet {
    patterns: Vec<Pattern>,
    scanner: std::sync::Arc<Scanner>,
}

impl PatternSet {
    /// Prepares the scan for some patterns; each is asked for later by its place among them.
    pub fn compile(patterns: &[Pattern]) -> PatternSet {
        let scanner = Scanner::of(patterns);
        PatternSet { patterns: patterns.to_vec(), scanner: std::sync::Arc::new(scanner) }
    }

    /// Scans a text once for all patterns.
    pub fn scan<'s, 't>(&'s self, text: &'t Haystack<'t>) -> Hits<'s, 't> {
        Hits { set: self, text, occurrences: self.scanner.scan(text) }
    }
}

/// A text that was scanned for a set of patterns.
#[derive(Debug)]
pub struct Hits<'s, 't> {
    set: &'s PatternSet,
    text: &'t Haystack<'t>,
    occurrences: Occurrences,
}

impl Hits<'_, '_> {
    /// The leftmost match of the pattern at this place of the set, in bytes of the text.
    ///
    /// # Panics
    /// If the set has fewer patterns.
    pub fn find(&self, pattern: usize) -> Result<Option<Range<usize>>, MatchLimit> {
        let view = self.occurrences.view(self.set.scanner.literals_of(pattern));
        self.set.patterns[pattern].find_among(self.text, view)
    }

    /// Whether the pattern at this place of the set has a match.
    ///
    /// # Panics
    /// If the set has fewer patterns.
    pub fn is_match(&self, pattern: usize) -> Result<bool, MatchLimit> {
        Ok(self.find(pattern)?.is_some())
    }
}

/// Finds the literals of some patterns in a folded text.
#[derive(Debug)]
pub(super) struct Scanner {
    automaton: Option<dfa::DFA>,
    literals: usize,
    /// For each pattern, its literals among those of all.
    of_pattern: Vec<Vec<u32>>,
}

impl Scanner {
    pub(super) fn of<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Scanner {
        let mut ids: HashMap<&[u8], u32> = HashMap::new();
        let mut all: Vec<&[u8]> = Vec::new();
        let mut of_pattern = Vec::new();
        for pattern in patterns {
            let literals = pattern.inner.program.literals.iter().map(|literal| {
                *ids.entry(literal).or_insert_with(|| {
                    all.push(literal);
                    all.len() as u32 - 1
                })
            });
            of_pattern.push(literals.collect());
        }
        // Without an automaton (it is refused when too large) matching does without literals.
        let automaton =
            if all.is_empty() { None } else { dfa::Builder::new().prefilter(false).build(&all).ok() };
        Scanner { automaton, literals: all.len(), of_pattern }
    }

    pub(super) fn literals_of(&self, pattern: usize) -> &[u32] {
        &self.of_pattern[pattern]
    }

    pub(super) fn scan(&self, text: &Haystack) -> Occurrences {
        let found = match &self.automaton {
            Some(automaton) => occurrences(automaton, text.folded()),
            None => None,
        };
        let Some(found) = found else {
            return Occurrences { ends: Vec::new(), starts: Vec::new(), complete: self.literals == 0 };
        };
        Occurrences::sorted(&found, self.literals)
    }
}

/// Each literal with each place where it starts, in the order of their ends.
fn occurrences(automaton: &dfa::DFA, text: &[u8]) -> Option<Vec<(u32, u32)>> {
    let mut found = Vec::with_capacity(text.len() / 8);
    let mut state = automaton.start_state(Anchored::No).ok()?;
    for (position, &byte) in text.iter().enumerate() {
        state = automaton.next_state(Anchored::No, state, byte);
        if automaton.is_special(state) && automaton.is_match(state) {
            for index in 0..automaton.match_len(state) {
                let literal = automaton.match_pattern(state, index);
                found.push((literal.as_u32(), (position + 1 - automaton.pattern_len(literal)) as u32));
            }
            if found.len() > OCCURRENCES_MAX {
                return None;
            }
        }
    }
    Some(found)
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
