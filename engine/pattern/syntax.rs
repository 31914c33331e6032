//! The tree of a parsed pattern: what each part matches, with every flag already applied to its leaves.

use super::class::CharSet;

/// How a literal or a back-reference compares letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    Exact,
    Unicode,
    Ascii,
}

/// A position a pattern can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    TextStart,
    LineStart,
    TextEnd,
    /// The end, or before a final line feed: Python's `$`.
    NearEnd,
    LineEnd,
    WordEdge {
        ascii: bool,
        negated: bool,
    },
}

/// In which order a repetition tries its counts, and whether it gives any back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Greedy,
    Lazy,
    Possessive,
}

/// One part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A run of code points; under `Fold::Unicode` each is the representative of its case class.
    Literal {
        codes: Vec<u32>,
        fold: Fold,
    },
    Set(CharSet),
    /// `.`: any code point, or any but the line feed.
    Any {
        newline: bool,
    },
    At(Place),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        min: u32,
        max: Option<u32>,
        mode: Mode,
        body: Box<Node>,
    },
    Group {
        index: u32,
        body: Box<Node>,
    },
    Atomic(Box<Node>),
    /// A look-ahead, or a look-behind that starts `behind` code points back.
    Look {
        behind: Option<u32>,
        negated: bool,
        body: Box<Node>,
    },
    BackRef {
        group: u32,
        fold: Fold,
    },
    IfGroup {
        group: u32,
        yes: Box<Node>,
        no: Box<Node>,
    },
}

impl Node {
    /// The part that matches the empty text only.
    pub(super) fn empty() -> Node {
        Node::Concat(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Node::Concat(parts) if parts.is_empty())
    }

    /// Whether the part takes exactly one code point and captures nothing.
    pub(super) fn is_unit(&self) -> bool {
        match self {
            Node::Literal { codes, .. } => codes.len() == 1,
            Node::Set(_) | Node::Any { .. } => true,
            Node::Concat(parts) => parts.len() == 1 && parts[0].is_unit(),
            _ => false,
        }
    }

    /// Whether the part can match without taking a code point wherever it stands; false where that is not known.
    pub(super) fn is_met_by_nothing(&self) -> bool {
        match self {
            Node::Literal { codes, .. } => codes.is_empty(),
            Node::Set(_) | Node::Any { .. } | Node::At(_) | Node::Look { .. } | Node::BackRef { .. } => false,
            Node::Concat(parts) => parts.iter().all(Node::is_met_by_nothing),
            Node::Alternate(arms) => arms.iter().any(Node::is_met_by_nothing),
            Node::Repeat { min, body, .. } => *min == 0 || body.is_met_by_nothing(),
            Node::Group { body, .. } | Node::Atomic(body) => body.is_met_by_nothing(),
            Node::IfGroup { yes, no, .. } => yes.is_met_by_nothing() && no.is_met_by_nothing(),
        }
    }

    /// Whether the part can match without taking a code point; true where that is not known.
    pub(super) fn is_nullable(&self) -> bool {
        match self {
            Node::Literal { codes, .. } => codes.is_empty(),
            Node::Set(_) | Node::Any { .. } => false,
            Node::At(_) | Node::Look { .. } | Node::BackRef { .. } => true,
            Node::Concat(parts) => parts.iter().all(Node::is_nullable),
            Node::Alternate(arms) => arms.iter().any(Node::is_nullable),
            Node::Repeat { min, body, .. } => *min == 0 || body.is_nullable(),
            Node::Group { body, .. } | Node::Atomic(body) => body.is_nullable(),
            Node::IfGroup { yes, no, .. } => yes.is_nullable() || no.is_nullable(),
        }
    }
}

/// The least and the greatest number of code points a part can take, capped where Python caps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub least: u128,
    pub greatest: u128,
}

impl Width {
    pub(super) const ZERO: Width = Width { least: 0, greatest: 0 };
    pub(super) const ONE: Width = Width { least: 1, greatest: 1 };
    const CAP: u128 = 1 << 64;

    pub(super) fn then(self, next: Width) -> Width {
        Width {
            least: self.least.saturating_add(next.least).min(Width::CAP),
            greatest: self.greatest.saturating_add(next.greatest).min(Width::CAP),
        }
    }

    pub(super) fn or(self, other: Width) -> Width {
        Width { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    pub(super) fn repeated(self, min: u32, max: Option<u32>) -> Width {
        let least = (self.least * u128::from(min)).min(Width::CAP);
        let greatest = match max {
            Some(max) => (self.greatest * u128::from(max)).min(Width::CAP),
            None if self.greatest == 0 => 0,
            None => Width::CAP,
        };
        Width { least, greatest }
    }
}
