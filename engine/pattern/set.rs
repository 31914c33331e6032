//! Many patterns on one text: a single scan finds where the literals of all of them occur.

use super::haystack::Haystack;
use super::scan::{Occurrences, Scanner};
use super::{MatchLimit, Pattern};
use std::ops::Range;
use std::sync::Arc;

/// Patterns that are matched against the same texts, such as those of one rubric.
#[derive(Clone, Debug)]
pub struct PatternSet {
    patterns: Vec<Pattern>,
    scanner: Arc<Scanner>,
}

impl PatternSet {
    /// Prepares the scan for some patterns; each is asked for later by its place among them.
    pub fn compile(patterns: &[Pattern]) -> PatternSet {
        let scanner = Scanner::of(patterns);
        PatternSet { patterns: patterns.to_vec(), scanner: Arc::new(scanner) }
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
