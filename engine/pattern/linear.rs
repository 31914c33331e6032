//! The same pattern as a finite automaton, for texts on which backtracking takes too many steps.
//!
//! Only what an automaton decides exactly as Python does is handed over: no references, no looking around, and
//! no loops over parts that can match the empty text.

use super::class::{CharSet, case_class};
use super::syntax::{Fold, Mode, Node, Place};
use regex_automata::MatchKind;
use regex_automata::hybrid::{dfa, regex};
use regex_automata::nfa::thompson;
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};
use std::ops::Range;

/// The greatest automaton, in rough states.
const STATES_MAX: u64 = 100_000;
/// The most work on one text: rough states times bytes.
const WORK_MAX: u64 = 1 << 29;
/// Rough states of a set with code points beyond ASCII.
const WIDE_STATES: u64 = 12;

/// An automaton for a pattern.
pub(super) struct Linear {
    regex: regex::Regex,
    states: u64,
}

impl Linear {
    /// The automaton, where the pattern has one of bearable size.
    pub(super) fn of(tree: &Node) -> Option<Linear> {
        let states = states(tree);
        if states > STATES_MAX {
            return None;
        }
        let hir = Arms::default().hir(tree)?;
        let regex = regex::Regex::builder().build_from_dfas(lazy_dfa(&hir, false)?, lazy_dfa(&hir, true)?);
        Some(Linear { regex, states })
    }

    /// The leftmost match; none at all where the text is too long for this automaton.
    pub(super) fn find(&self, text: &str) -> Option<Option<Range<usize>>> {
        if self.states.saturating_mul(text.len() as u64) > WORK_MAX {
            return None;
        }
        let found = self.regex.try_search(&mut self.regex.create_cache(), &text.into()).ok()?;
        Some(found.map(|found| found.range()))
    }
}

/// The automaton that finds where a match ends, or read backwards, where one that ends there starts.
///
/// Built by hand, because the crate's front end reports a wrong span for some patterns whose alternatives overlap
/// (rust-lang/regex issues 1354 and 1360).
fn lazy_dfa(hir: &Hir, reverse: bool) -> Option<dfa::DFA> {
    let nfa = thompson::Config::new()
        .nfa_size_limit(Some(8 << 20))
        .which_captures(thompson::WhichCaptures::None)
        .reverse(reverse);
    let nfa = thompson::Compiler::new().configure(nfa).build_from_hir(hir).ok()?;
    let kind = if reverse { MatchKind::All } else { MatchKind::LeftmostFirst };
    let config = dfa::Config::new().match_kind(kind).skip_cache_capacity_check(true);
    dfa::Builder::new().configure(config).build_from_nfa(nfa).ok()
}

/// About how many states a part takes when its repetitions are written out.
fn states(node: &Node) -> u64 {
    match node {
        Node::Literal { codes, fold: Fold::Exact } => codes.len() as u64,
        Node::Literal { codes, .. } => 3 * codes.len() as u64,
        Node::Set(set) if set.has_wide() => WIDE_STATES.max(set.ranges().len() as u64),
        Node::Any { .. } => WIDE_STATES,
        Node::Set(_) | Node::At(_) | Node::BackRef { .. } => 1,
        Node::Concat(parts) | Node::Alternate(parts) => parts.iter().map(states).fold(1, u64::saturating_add),
        Node::Repeat { min, max, body, .. } => {
            let times = max.unwrap_or(min.saturating_add(1)).max(1);
            states(body).saturating_add(1).saturating_mul(u64::from(times))
        }
        Node::Group { body, .. } | Node::Atomic(body) | Node::Look { body, .. } => states(body),
        Node::IfGroup { yes, no, .. } => states(yes).saturating_add(states(no)),
    }
}

/// Counts the alternatives, so that each is a group of its own number.
///
/// Without it `Hir` pulls the beginning that alternatives share out of them, `x.*ab|x.*` becoming `x.*(?:ab|)`, which
/// changes what is tried first and so the span.
#[derive(Default)]
struct Arms(u32);

impl Arms {
    fn hir(&mut self, node: &Node) -> Option<Hir> {
        Some(match node {
            Node::Literal { codes, fold } => {
                let codes = codes.iter().map(|&code| match fold {
                    Fold::Unicode => class(case_class(code).into_iter().map(|code| (code, code))),
                    _ => class([(code, code)]),
                });
                Hir::concat(codes.collect())
            }
            Node::Set(set) => class(CharSet::ranges(set)),
            Node::Any { newline: true } => class([(0, u32::MAX)]),
            Node::Any { newline: false } => class([(0, 9), (11, u32::MAX)]),
            Node::At(place) => Hir::look(match place {
                Place::TextStart => Look::Start,
                Place::TextEnd => Look::End,
                Place::LineStart => Look::StartLF,
                Place::LineEnd => Look::EndLF,
                Place::NearEnd | Place::WordEdge { .. } => return None,
            }),
            Node::Concat(parts) => {
                Hir::concat(parts.iter().map(|part| self.hir(part)).collect::<Option<_>>()?)
            }
            Node::Alternate(arms) => {
                Hir::alternation(arms.iter().map(|arm| self.arm(arm)).collect::<Option<_>>()?)
            }
            Node::Repeat { mode: Mode::Possessive, .. } => return None,
            Node::Repeat { max, body, .. } if body.is_nullable() && *max != Some(1) => return None,
            Node::Repeat { min, max, mode, body } => Hir::repetition(Repetition {
                min: *min,
                max: *max,
                greedy: *mode == Mode::Greedy,
                sub: Box::new(self.hir(body)?),
            }),
            Node::Group { body, .. } => self.hir(body)?,
            Node::Atomic(_) | Node::Look { .. } | Node::BackRef { .. } | Node::IfGroup { .. } => return None,
        })
    }

    fn arm(&mut self, node: &Node) -> Option<Hir> {
        self.0 += 1;
        let index = self.0;
        let sub = Box::new(self.hir(node)?);
        Some(Hir::capture(Capture { index, name: None, sub }))
    }
}

/// A class of code points; surrogates, which no text here has, are left out.
fn class(ranges: impl IntoIterator<Item = (u32, u32)>) -> Hir {
    let mut class = ClassUnicode::empty();
    for (first, last) in ranges {
        for (lowest, highest) in [(0, 0xd7ff), (0xe000, 0x10_ffff)] {
            let ends = (char::from_u32(first.max(lowest)), char::from_u32(last.min(highest)));
            if let (Some(first), Some(last)) = ends
                && first <= last
            {
                class.push(ClassUnicodeRange::new(first, last));
            }
        }
    }
    Hir::class(Class::Unicode(class))
}
