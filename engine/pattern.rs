//! Python's `re` patterns, as rubrics use them: each finds the same text that `re.search` of CPython 3.11 finds,
//! and the same are accepted but for these, which are refused with a message: code points by name (`\N{EM DASH}`),
//! more than 300 groups within one another, more than 20,000 code points, more than 2^32 - 2 repetitions, and the
//! few patterns on which CPython misses matches (those that begin with a class under an `a` or `u` flag of their
//! own, where that makes the class greater, such as `(?a:\W)`).
//!
//! A pattern is parsed here, by Python's rules, and run by a backtracking matcher that takes Python's steps in
//! Python's order, so that agreement is not a matter of translation. What makes it fast is what it need not
//! try: one scan of the folded text finds every literal of every pattern, and tells where matches can start,
//! where gaps can end, and mostly that there is no match at all. Work is counted in steps, never in time.

mod class;
mod haystack;
mod linear;
mod literals;
mod matcher;
mod nearest;
mod parse;
mod program;
mod scan;
mod set;
mod syntax;
mod unicode;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use thiserror::Error;

pub use haystack::Haystack;
pub use nearest::{Beginnings, NearMiss};
pub use set::{Hits, PatternSet};

use linear::Linear;
use matcher::{Matcher, OutOfSteps};
use program::Program;
use scan::{Scanner, View};
use syntax::Node;

/// Whether letters match their other case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    Sensitive,
    Insensitive,
}

/// The flags a pattern is compiled with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// `re.DOTALL`: the dot matches the line feed, too.
    pub dotall: bool,
    /// `re.IGNORECASE`.
    pub ignore_case: bool,
}

/// Why a pattern was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}{}", at(.position))]
pub struct PatternError {
    pub problem: String,
    /// Where in the pattern, in code points; absent where the problem is not in one place.
    pub position: Option<usize>,
}

fn at(position: &Option<usize>) -> String {
    position.map(|position| format!(" at position {position}")).unwrap_or_default()
}

/// A search gave up: neither a match nor its absence was found within the bound on matching work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the pattern needs more matching steps on this text than are allowed; simplify its repetitions")]
pub struct MatchLimit;

/// A compiled pattern; cloning it shares it.
#[derive(Clone)]
pub struct Pattern {
    inner: Arc<Inner>,
}

struct Inner {
    source: String,
    program: Program,
    tree: Node,
    /// Both are made when first needed: a pattern within a set scans with the set, and few need the other.
    scanner: OnceLock<Scanner>,
    linear: OnceLock<Option<Linear>>,
}

impl Pattern {
    /// Compiles like `re.compile(source, re.DOTALL)`, with `re.IGNORECASE` where case does not matter.
    pub fn compile(source: &str, case: Case) -> Result<Pattern, PatternError> {
        Pattern::compile_with(source, Flags { dotall: true, ignore_case: case == Case::Insensitive })
    }

    /// Compiles like `re.compile(source, flags)`.
    pub fn compile_with(source: &str, flags: Flags) -> Result<Pattern, PatternError> {
        let tree = parse::parse(source, flags)?;
        let program = Program::of(&tree);
        let inner = Inner {
            source: source.to_owned(),
            program,
            tree,
            scanner: OnceLock::new(),
            linear: OnceLock::new(),
        };
        Ok(Pattern { inner: Arc::new(inner) })
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The leftmost match, as `re.search` finds it, in bytes of the text.
    pub fn find(&self, text: &Haystack) -> Result<Option<Range<usize>>, MatchLimit> {
        let scanner = self.inner.scanner.get_or_init(|| Scanner::of([self]));
        let occurrences = scanner.scan(text);
        self.find_among(text, occurrences.view(scanner.literals_of(0)))
    }

    /// Whether every text has a match, because nothing at all will do at any place; false where that is not sure.
    pub fn matches_every_text(&self) -> bool {
        self.inner.tree.is_met_by_nothing()
    }

    /// Whether the text has a match.
    pub fn is_match(&self, text: &Haystack) -> Result<bool, MatchLimit> {
        Ok(self.find(text)?.is_some())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.inner.source).finish()
    }
}

/// The most steps of a search whose pattern an automaton can take over.
const STEPS_BEFORE_AUTOMATON: u64 = 20_000;
/// Each code point adds so many.
const STEPS_PER_CODE: u64 = 16;
/// Longer texts are not searched; positions are kept in 32 bits.
const TEXT_BYTES_MAX: usize = u32::MAX as usize;
/// The most steps of any search: some tenths of a second.
const STEPS_MAX: u64 = 20_000_000;

impl Pattern {
    /// Searches a text in which the literals of the pattern were looked up.
    fn find_among(&self, text: &Haystack, view: View) -> Result<Option<Range<usize>>, MatchLimit> {
        if text.text().len() > TEXT_BYTES_MAX {
            return Err(MatchLimit);
        }
        let program = &self.inner.program;
        if view.is_complete() && !program.need.is_met(&|literal| !view.starts(literal).is_empty()) {
            return Ok(None);
        }
        let few = (STEPS_BEFORE_AUTOMATON + STEPS_PER_CODE * text.len() as u64).min(STEPS_MAX);
        if let Ok(found) = Matcher::new(program, text, view, few).search() {
            return Ok(found.map(|span| text.bytes_of(span)));
        }
        let linear = self.inner.linear.get_or_init(|| Linear::of(&self.inner.tree));
        if let Some(found) = linear.as_ref().and_then(|linear| linear.find(text.text())) {
            return Ok(found);
        }
        match Matcher::new(program, text, view, STEPS_MAX).search() {
            Ok(found) => Ok(found.map(|span| text.bytes_of(span))),
            Err(OutOfSteps) => Err(MatchLimit),
        }
    }
}

/// Compiles any text as a pattern, under each choice of flags, and searches any text with what compiles: the body
/// of the fuzz target. It must neither panic nor take long, and what it finds must be a part of the text.
pub fn search_anything(source: &str, text: &str) {
    let haystack = Haystack::new(text);
    for (dotall, ignore_case) in [(false, false), (true, false), (false, true), (true, true)] {
        let Ok(pattern) = Pattern::compile_with(source, Flags { dotall, ignore_case }) else {
            continue;
        };
        if let Ok(Some(found)) = pattern.find(&haystack) {
            assert!(text.get(found).is_some(), "a match begins and ends between code points");
        }
    }
}
