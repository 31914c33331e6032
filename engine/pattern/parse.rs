//! Reads a pattern by the rules of CPython 3.11: refuses what it refuses, and takes all else as it takes it.
//!
//! The order of the checks, and the position each error names, follow Python's.

mod bracket;
mod escape;
mod flags;
mod group;
mod repeat;
mod token;

use super::class::{Member, case_class, fold, set_of};
use super::syntax::{Fold, Node, Place, Width};
use super::{Flags, PatternError};
use flags::Scope;
use std::collections::HashMap;
use token::Tokens;

/// Longer patterns than any rubric has are refused, so that compiling one is bounded, too.
const SOURCE_CODES_MAX: usize = 20_000;
/// Python gives up at 494 groups within one another; so many fit the stack of any thread.
pub(super) const NESTING_MAX: usize = 300;

/// Parses a pattern under some flags.
pub(super) fn parse(source: &str, flags: Flags) -> Result<Node, PatternError> {
    let codes: Vec<char> = source.chars().collect();
    if codes.len() > SOURCE_CODES_MAX {
        let problem = format!("pattern longer than {SOURCE_CODES_MAX} code points");
        return Err(PatternError { problem, position: None });
    }
    let mut parser = Parser {
        tokens: Tokens::of(codes)?,
        scope: Scope::of(flags),
        widths: vec![None],
        names: HashMap::new(),
        look_behind_groups: None,
        tested_groups: Vec::new(),
        uneven_look_behind: None,
        leads: true,
    };
    let (tree, _) = parser.alternation(0)?;
    parser.finish()?;
    Ok(tree)
}

/// The state of parsing one pattern.
struct Parser {
    tokens: Tokens,
    /// The flags in force at this place.
    scope: Scope,
    /// The width of each group, once it is closed; the whole pattern is group 0.
    widths: Vec<Option<Width>>,
    names: HashMap<String, u32>,
    /// Inside a look-behind: the number of groups before it.
    look_behind_groups: Option<usize>,
    /// Groups that conditions name by number, each with its first place.
    tested_groups: Vec<(u32, usize)>,
    /// Python finds a look-behind of uneven width only when all else is right.
    uneven_look_behind: Option<PatternError>,
    /// What comes next can be the first to match.
    leads: bool,
}

/// One element of a sequence, with what a quantifier must know about it.
struct Item {
    node: Node,
    width: Width,
    kind: ItemKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    Place,
    Repeat,
    Other,
}

impl Item {
    fn new(node: Node, width: Width) -> Item {
        let kind = match node {
            Node::At(_) => ItemKind::Place,
            Node::Repeat { .. } => ItemKind::Repeat,
            _ => ItemKind::Other,
        };
        Item { node, width, kind }
    }
}

impl Parser {
    /// `a|b|c`, up to a closing parenthesis or the end.
    fn alternation(&mut self, depth: usize) -> Result<(Node, Width), PatternError> {
        if depth > NESTING_MAX {
            return Err(self.tokens.error(format!("groups nest deeper than {NESTING_MAX}"), 0));
        }
        let (first, mut width) = self.sequence(depth, depth == 0)?;
        let mut arms = vec![first];
        while self.tokens.take_if('|')? {
            let (arm, arm_width) = self.sequence(depth, false)?;
            arms.push(arm);
            width = width.or(arm_width);
        }
        match arms.len() {
            1 => Ok((arms.swap_remove(0), width)),
            _ => Ok((Node::Alternate(arms), width)),
        }
    }

    /// Elements one after another, up to a bar, a closing parenthesis or the end.
    fn sequence(&mut self, depth: usize, may_set_flags: bool) -> Result<(Node, Width), PatternError> {
        let mut items: Vec<Item> = Vec::new();
        let leads = self.leads;
        while let Some(token) = self.tokens.next() {
            if !token.is_escape() && matches!(token.code, '|' | ')') {
                break;
            }
            self.tokens.advance()?;
            if self.scope.verbose && !token.is_escape() && self.skip_verbose(token.code)? {
                continue;
            }
            let flags_here = may_set_flags && items.is_empty();
            self.leads = leads && items.iter().all(|item| item.node.is_empty());
            let item = match token.code {
                _ if token.is_escape() => self.escape(token)?,
                '[' => self.bracket()?,
                '*' | '+' | '?' | '{' => match self.repeat(token.code, &mut items)? {
                    Some(literal) => literal,
                    None => continue,
                },
                '(' => match self.group(depth, flags_here)? {
                    Some(item) => item,
                    None => continue,
                },
                '.' => Item::new(Node::Any { newline: self.scope.dotall }, Width::ONE),
                '^' if self.scope.multiline => Item::new(Node::At(Place::LineStart), Width::ZERO),
                '^' => Item::new(Node::At(Place::TextStart), Width::ZERO),
                '$' if self.scope.multiline => Item::new(Node::At(Place::LineEnd), Width::ZERO),
                '$' => Item::new(Node::At(Place::NearEnd), Width::ZERO),
                code => self.literal(u32::from(code)),
            };
            items.push(item);
        }
        self.leads = leads;
        let width = items.iter().fold(Width::ZERO, |width, item| width.then(item.width));
        Ok((joined(items.into_iter().map(|item| item.node)), width))
    }

    /// Under the verbose flag: whether the code point just read was white space or opened a comment.
    fn skip_verbose(&mut self, code: char) -> Result<bool, PatternError> {
        if matches!(code, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') {
            return Ok(true);
        }
        if code != '#' {
            return Ok(false);
        }
        while let Some(token) = self.tokens.take()? {
            if token.is('\n') {
                break;
            }
        }
        Ok(true)
    }

    fn literal(&self, code: u32) -> Item {
        Item::new(literal_node(code, self.scope.fold()), Width::ONE)
    }

    /// What can only be said once the whole pattern is read.
    fn finish(&mut self) -> Result<(), PatternError> {
        self.scope.check()?;
        if self.tokens.next().is_some() {
            return Err(self.tokens.error("unbalanced parenthesis".to_owned(), 0));
        }
        for &(group, position) in &self.tested_groups {
            if group as usize >= self.widths.len() {
                let problem = format!("invalid group reference {group}");
                return Err(PatternError { problem, position: Some(position) });
            }
        }
        self.uneven_look_behind.take().map_or(Ok(()), Err)
    }
}

/// One literal code point, folded as far as its case matters.
fn literal_node(code: u32, folding: Fold) -> Node {
    match folding {
        Fold::Unicode if case_class(code).len() > 1 => {
            Node::Literal { codes: vec![fold(code)], fold: Fold::Unicode }
        }
        Fold::Ascii if u8::try_from(code).is_ok_and(|byte| byte.is_ascii_alphabetic()) => {
            Node::Set(set_of(&[Member::Code(code)], false, Fold::Ascii))
        }
        _ => Node::Literal { codes: vec![code], fold: Fold::Exact },
    }
}

/// The parts as one: nested sequences opened, neighbouring literals of one kind run together.
fn joined(parts: impl Iterator<Item = Node>) -> Node {
    let mut flat: Vec<Node> = Vec::new();
    for part in parts {
        match part {
            Node::Concat(inner) => inner.into_iter().for_each(|part| push_joined(&mut flat, part)),
            part => push_joined(&mut flat, part),
        }
    }
    if flat.len() == 1 { flat.swap_remove(0) } else { Node::Concat(flat) }
}

fn push_joined(flat: &mut Vec<Node>, part: Node) {
    if let Some(Node::Literal { codes, fold }) = flat.last_mut()
        && let Node::Literal { codes: more, fold: other } = &part
        && let Some(common) = common_fold(codes, *fold, more, *other)
    {
        codes.extend(more);
        *fold = common;
        return;
    }
    flat.push(part);
}

/// The one way of comparing that is right for both runs: code points without case can be compared either way.
fn common_fold(codes: &[u32], fold: Fold, more: &[u32], other: Fold) -> Option<Fold> {
    let caseless = |codes: &[u32]| codes.iter().all(|&code| case_class(code).len() == 1);
    match (fold, other) {
        _ if fold == other => Some(fold),
        (Fold::Exact, Fold::Unicode) if caseless(codes) => Some(Fold::Unicode),
        (Fold::Unicode, Fold::Exact) if caseless(more) => Some(Fold::Unicode),
        _ => None,
    }
}
