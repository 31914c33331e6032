//! A parsed pattern as a list of steps for the matcher.

use super::class::CharSet;
use super::haystack::placeholder;
use super::literals::{First, Literals, Need, Start};
use super::syntax::{Fold, Mode, Node, Place};

/// One step. Unless it says otherwise, the step after it comes next.
#[derive(Debug)]
pub(super) enum Op {
    Literal(Text),
    One(One),
    At(Place),
    /// Goes on with the first arm that matches; arms that cannot begin with the next byte are left out.
    Branch(Box<Branch>),
    Jump(usize),
    /// Repeats a single code point, then goes on where `after` can begin.
    Run(Box<Run>),
    /// Opens a loop whose `Until` stands at `until`.
    Loop {
        register: usize,
        until: usize,
    },
    Until(Until),
    /// Repeats the steps up to a `Success`, each round final, then goes on at `next`.
    Rounds {
        min: u32,
        max: Option<u32>,
        next: usize,
    },
    Mark(usize),
    BackRef {
        group: usize,
        fold: Fold,
    },
    /// Goes on at `unset` where the group has not taken part.
    IfGroup {
        group: usize,
        unset: usize,
    },
    Look {
        behind: usize,
        negated: bool,
        next: usize,
    },
    Atomic {
        next: usize,
    },
    Success,
}

/// A run of code points to compare with the plain or with the folded text.
#[derive(Debug)]
pub(super) struct Text {
    pub folded: bool,
    pub bytes: Vec<u8>,
    /// Code points beyond ASCII, which the bytes only hint at.
    pub wide: Vec<(usize, u32)>,
}

/// A test of one code point.
#[derive(Debug)]
pub(super) enum One {
    Any,
    NotNewline,
    Set(CharSet),
    Code(Text),
}

#[derive(Debug)]
pub(super) struct Branch {
    pub arms: Vec<usize>,
    /// For each next byte, the arms to try, one bit each.
    pub by_byte: [u64; 256],
    /// The same at the end of the text.
    pub at_end: u64,
}

/// In windows no wider than this, trying each position is cheaper than looking literals up.
pub(super) const NARROW: usize = 6;
/// The most arms one branch can hold; further arms go into a branch of their own.
const ARMS_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Run {
    pub one: One,
    pub min: usize,
    pub max: usize,
    pub mode: Mode,
    pub after: Start,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Until {
    pub register: usize,
    pub min: i64,
    /// `i64::MAX` where there is no bound.
    pub max: i64,
    pub lazy: bool,
    pub body: usize,
}

/// A pattern ready to run.
#[derive(Debug)]
pub(super) struct Program {
    pub ops: Vec<Op>,
    pub literals: Vec<Vec<u8>>,
    pub need: Need,
    pub first: Start,
    /// A match anywhere implies a match at the start of the text, so no other start is tried.
    pub only_at_start: bool,
    pub marks: usize,
    pub loops: usize,
}

impl Program {
    pub(super) fn of(tree: &Node) -> Program {
        let mut literals = Literals::default();
        let need = Need::of(tree, &mut literals);
        let first = First::of(tree, &First::anything()).numbered(&mut literals);
        let marks = if refers_to_groups(tree) { 2 * groups(tree) } else { 0 };
        let mut writer = Writer { ops: Vec::new(), literals, marks, loops: 0 };
        writer.write(tree, &First::anything());
        writer.ops.push(Op::Success);
        let Writer { ops, literals, loops, .. } = writer;
        let only_at_start = starts_text(tree) || spans_from_start(tree);
        Program { ops, literals: literals.list, need, first, only_at_start, marks, loops }
    }
}

/// Writes steps one after another.
struct Writer {
    ops: Vec<Op>,
    literals: Literals,
    marks: usize,
    loops: usize,
}

impl Writer {
    /// Writes the steps of a part; `after` tells how what follows it can begin.
    fn write(&mut self, node: &Node, after: &First) {
        match node {
            Node::Literal { codes, fold } => self.ops.push(Op::Literal(text(codes, *fold))),
            Node::Set(_) | Node::Any { .. } => self.ops.extend(one(node).map(Op::One)),
            Node::At(place) => self.ops.push(Op::At(*place)),
            Node::Concat(parts) => self.concat(parts, after),
            Node::Alternate(arms) => self.branch(&arms.iter().collect::<Vec<_>>(), after),
            Node::Repeat { min, max, mode, body } => self.repeat(*min, *max, *mode, body, after),
            Node::Group { index, body } => {
                let mark = 2 * (*index as usize - 1);
                self.mark(mark);
                self.write(body, after);
                self.mark(mark + 1);
            }
            Node::Atomic(body) => {
                self.enclosed(body, |next| Op::Atomic { next });
            }
            Node::Look { behind, negated, body } => {
                let behind = behind.unwrap_or(0) as usize;
                self.enclosed(body, |next| Op::Look { behind, negated: *negated, next });
            }
            Node::BackRef { group, fold } => {
                self.ops.push(Op::BackRef { group: *group as usize - 1, fold: *fold });
            }
            Node::IfGroup { group, yes, no } => self.if_group(*group as usize - 1, yes, no, after),
        }
    }

    fn concat(&mut self, parts: &[Node], after: &First) {
        let mut afters = vec![after.clone()];
        for part in parts.iter().skip(1).rev() {
            let next = First::of(part, &afters[afters.len() - 1]);
            afters.push(next);
        }
        for (part, after) in parts.iter().zip(afters.iter().rev()) {
            self.write(part, after);
        }
    }

    fn branch(&mut self, arms: &[&Node], after: &First) {
        let (here, rest) = if arms.len() > ARMS_MAX { arms.split_at(ARMS_MAX - 1) } else { (arms, &[][..]) };
        let at = self.ops.len();
        self.ops.push(Op::Success);
        let mut branch = Branch::boxed();
        let mut jumps = Vec::new();
        let last = First::of_any(rest, after).by_byte();
        for arm in here {
            let first = First::of(arm, after);
            branch.add(self.ops.len(), &first.by_byte());
            self.write(arm, after);
            jumps.push(self.ops.len());
            self.ops.push(Op::Success);
        }
        if !rest.is_empty() {
            branch.add(self.ops.len(), &last);
            self.branch(rest, after);
        }
        let end = self.ops.len();
        for jump in jumps {
            self.ops[jump] = Op::Jump(end);
        }
        self.ops[at] = Op::Branch(branch);
    }

    fn repeat(&mut self, min: u32, max: Option<u32>, mode: Mode, body: &Node, after: &First) {
        if body.is_unit()
            && let Some(one) = one(body)
        {
            let max = max.map_or(usize::MAX, |max| max as usize);
            let width = max.saturating_sub(min as usize);
            // Literals are looked up in wide windows of dots only; elsewhere the next byte is test enough.
            let after = match one {
                One::Any if width > NARROW => after.numbered(&mut self.literals),
                _ => after.by_byte(),
            };
            let run = Run { one, min: min as usize, max, mode, after };
            return self.ops.push(Op::Run(Box::new(run)));
        }
        let nothing = Node::empty();
        match (mode, min, max) {
            (Mode::Possessive, ..) => {
                self.enclosed(body, |next| Op::Rounds { min, max, next });
            }
            (Mode::Greedy, 0, Some(1)) => self.branch(&[body, &nothing], after),
            (Mode::Lazy, 0, Some(1)) => self.branch(&[&nothing, body], after),
            _ => self.looped(min, max, mode == Mode::Lazy, body, after),
        }
    }

    fn looped(&mut self, min: u32, max: Option<u32>, lazy: bool, body: &Node, after: &First) {
        let register = self.loops;
        self.loops += 1;
        let open = self.ops.len();
        self.ops.push(Op::Success);
        let again = Node::Repeat { min: 0, max: None, mode: Mode::Greedy, body: Box::new(body.clone()) };
        let then = First::of(&again, after);
        self.write(body, &then);
        let until = self.ops.len();
        self.ops[open] = Op::Loop { register, until };
        let max = max.map_or(i64::MAX, i64::from);
        self.ops.push(Op::Until(Until { register, min: i64::from(min), max, lazy, body: open + 1 }));
    }

    /// Steps that run on their own up to a `Success`, opened by a step that knows what comes after them.
    fn enclosed(&mut self, body: &Node, opening: impl FnOnce(usize) -> Op) {
        let at = self.ops.len();
        self.ops.push(Op::Success);
        self.write(body, &First::anything());
        self.ops.push(Op::Success);
        self.ops[at] = opening(self.ops.len());
    }

    fn if_group(&mut self, group: usize, yes: &Node, no: &Node, after: &First) {
        let at = self.ops.len();
        self.ops.push(Op::Success);
        self.write(yes, after);
        let jump = self.ops.len();
        self.ops.push(Op::Success);
        self.ops[at] = Op::IfGroup { group, unset: self.ops.len() };
        self.write(no, after);
        self.ops[jump] = Op::Jump(self.ops.len());
    }

    fn mark(&mut self, mark: usize) {
        if mark < self.marks {
            self.ops.push(Op::Mark(mark));
        }
    }
}

impl Branch {
    /// On the heap at once: a frame of a recursion has no room for it.
    #[inline(never)]
    fn boxed() -> Box<Branch> {
        Box::new(Branch { arms: Vec::new(), by_byte: [0; 256], at_end: 0 })
    }

    /// Adds an arm that begins in a certain way.
    fn add(&mut self, op: usize, start: &Start) {
        let bit = 1 << self.arms.len();
        self.arms.push(op);
        for byte in (0..=255).filter(|&byte| start.admits(Some(byte))) {
            self.by_byte[usize::from(byte)] |= bit;
        }
        if start.admits(None) {
            self.at_end |= bit;
        }
    }
}

fn text(codes: &[u32], fold: Fold) -> Text {
    let wide = codes.iter().copied().enumerate().filter(|&(_, code)| code >= 0x80).collect();
    Text { folded: fold == Fold::Unicode, bytes: codes.iter().map(|&code| placeholder(code)).collect(), wide }
}

/// The test for a part that takes one code point.
fn one(node: &Node) -> Option<One> {
    match node {
        Node::Any { newline: true } => Some(One::Any),
        Node::Any { newline: false } => Some(One::NotNewline),
        Node::Set(set) => Some(One::Set(set.clone())),
        Node::Literal { codes, fold } => Some(One::Code(text(codes, *fold))),
        Node::Concat(parts) if parts.len() == 1 => one(&parts[0]),
        _ => None,
    }
}

/// Visits a part and all parts within it.
pub(super) fn any_part(node: &Node, test: &mut impl FnMut(&Node) -> bool) -> bool {
    test(node)
        || match node {
            Node::Concat(parts) | Node::Alternate(parts) => parts.iter().any(|part| any_part(part, test)),
            Node::Repeat { body, .. }
            | Node::Group { body, .. }
            | Node::Atomic(body)
            | Node::Look { body, .. } => any_part(body, test),
            Node::IfGroup { yes, no, .. } => any_part(yes, test) || any_part(no, test),
            _ => false,
        }
}

fn refers_to_groups(tree: &Node) -> bool {
    any_part(tree, &mut |node| matches!(node, Node::BackRef { .. } | Node::IfGroup { .. }))
}

fn groups(tree: &Node) -> usize {
    let mut groups = 0;
    any_part(tree, &mut |node| {
        if let Node::Group { index, .. } = node {
            groups = groups.max(*index as usize);
        }
        false
    });
    groups
}

/// Whether every match begins at the start of the text because the pattern says so.
fn starts_text(node: &Node) -> bool {
    match node {
        Node::At(Place::TextStart) => true,
        Node::Concat(parts) => parts.first().is_some_and(starts_text),
        Node::Alternate(arms) => arms.iter().all(starts_text),
        Node::Group { body, .. } | Node::Atomic(body) => starts_text(body),
        _ => false,
    }
}

/// Whether a match at any place implies one at the start of the text, because `.*` takes what lies between.
fn spans_from_start(node: &Node) -> bool {
    match node {
        Node::Repeat { max: None, body, .. } => matches!(**body, Node::Any { newline: true }),
        Node::Look { behind: None, negated: false, body } => spans_from_start(body),
        Node::Concat(parts) => {
            let ahead = |part: &&Node| matches!(part, Node::Look { .. });
            let first = parts.iter().find(|part| !ahead(part));
            parts.iter().take_while(ahead).all(spans_from_start)
                && first.map_or(!parts.is_empty(), spans_from_start)
        }
        Node::Alternate(arms) => arms.iter().all(spans_from_start),
        Node::Group { body, .. } | Node::Atomic(body) => spans_from_start(body),
        _ => false,
    }
}
