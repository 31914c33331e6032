//! What the literals of a pattern tell before any matching: which must occur at all, and how a part can begin.

use super::class::{case_class, fold};
use super::haystack::placeholder;
use super::syntax::{Fold, Node};
use std::collections::HashMap;
use std::rc::Rc;

/// Longer literals are searched for by their beginning.
pub(super) const LITERAL_CODES_MAX: usize = 16;
/// A part that can begin in more ways than this is recognized by its first byte instead.
const FIRST_LITERALS_MAX: usize = 48;

/// The beginning of a literal, as it stands in a folded text.
pub(super) type Key = Rc<[u8]>;

fn key(codes: &[u32]) -> Key {
    codes.iter().take(LITERAL_CODES_MAX).map(|&code| placeholder(fold(code))).collect()
}

/// The distinct literals that a program asks for, each known by its place in the list.
#[derive(Debug, Default)]
pub(super) struct Literals {
    ids: HashMap<Key, u32>,
    pub list: Vec<Vec<u8>>,
}

impl Literals {
    pub(super) fn id(&mut self, key: &Key) -> u32 {
        *self.ids.entry(key.clone()).or_insert_with(|| {
            self.list.push(key.to_vec());
            self.list.len() as u32 - 1
        })
    }
}

/// Which literals a text must have for a match to be possible. Single code points are left out: most texts have
/// them, and each occurrence would be recorded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Literal(u32),
    All(Vec<Need>),
    Any(Vec<Need>),
}

impl Need {
    pub(super) fn of(node: &Node, literals: &mut Literals) -> Need {
        match node {
            Node::Literal { codes, .. } if codes.len() > 1 => Need::Literal(literals.id(&key(codes))),
            Node::Concat(parts) => {
                let needs = parts.iter().map(|part| Need::of(part, literals));
                let mut needs: Vec<Need> = needs.filter(|need| *need != Need::Nothing).collect();
                match needs.len() {
                    0 => Need::Nothing,
                    1 => needs.swap_remove(0),
                    _ => Need::All(needs),
                }
            }
            Node::Alternate(arms) => Need::any(arms.iter().map(|arm| Need::of(arm, literals)).collect()),
            Node::IfGroup { yes, no, .. } => Need::any(vec![Need::of(yes, literals), Need::of(no, literals)]),
            Node::Repeat { min: 1.., body, .. }
            | Node::Group { body, .. }
            | Node::Atomic(body)
            | Node::Look { negated: false, body, .. } => Need::of(body, literals),
            _ => Need::Nothing,
        }
    }

    fn any(needs: Vec<Need>) -> Need {
        if needs.contains(&Need::Nothing) { Need::Nothing } else { Need::Any(needs) }
    }

    /// Whether a text has what is needed.
    pub(super) fn is_met(&self, occurs: &impl Fn(u32) -> bool) -> bool {
        match self {
            Need::Nothing => true,
            Need::Literal(id) => occurs(*id),
            Need::All(needs) => needs.iter().all(|need| need.is_met(occurs)),
            Need::Any(needs) => needs.iter().any(|need| need.is_met(occurs)),
        }
    }
}

/// How the text must go on for the rest of a pattern to match: a test that may pass too much, never too little.
#[derive(Clone, Debug)]
pub(super) struct First {
    /// If present, the text goes on with one of these.
    pub literals: Option<Vec<Key>>,
    /// The bytes of the plain layout that can come next.
    bytes: Bytes,
    /// Whether the text may as well be at its end.
    end: bool,
}

impl First {
    /// Nothing is known.
    pub(super) fn anything() -> First {
        First { literals: None, bytes: Bytes::ALL, end: true }
    }

    fn nothing() -> First {
        First { literals: Some(Vec::new()), bytes: Bytes::NONE, end: false }
    }

    /// How a part begins that is followed by what begins with `after`.
    pub(super) fn of(node: &Node, after: &First) -> First {
        match node {
            Node::Literal { codes, fold } if !codes.is_empty() => First {
                literals: Some(vec![key(codes)]),
                bytes: Bytes::of_literal(codes[0], *fold),
                end: false,
            },
            Node::Set(set) => {
                let mut bytes = Bytes::of_ascii(set.ascii_bits());
                if set.has_wide() {
                    bytes.add_wide();
                }
                First { literals: None, bytes, end: false }
            }
            Node::Any { newline } => {
                let bytes = if *newline { Bytes::ALL } else { Bytes::NOT_NEWLINE };
                First { literals: None, bytes, end: false }
            }
            Node::Concat(parts) => {
                parts.iter().rev().fold(after.clone(), |after, part| First::of(part, &after))
            }
            Node::Alternate(arms) => First::of_any(&arms.iter().collect::<Vec<_>>(), after),
            Node::Repeat { min, max, body, .. } => {
                if *max == Some(0) {
                    return after.clone();
                }
                let first = First::of(body, after);
                if *min == 0 || body.is_nullable() { first.or(after) } else { first }
            }
            Node::Group { body, .. } | Node::Atomic(body) => First::of(body, after),
            Node::IfGroup { yes, no, .. } => First::of(yes, after).or(&First::of(no, after)),
            Node::BackRef { .. } => First::anything(),
            Node::Literal { .. } | Node::At(_) | Node::Look { .. } => after.clone(),
        }
    }

    /// How one of some parts begins.
    pub(super) fn of_any(arms: &[&Node], after: &First) -> First {
        arms.iter().fold(First::nothing(), |first, arm| first.or(&First::of(arm, after)))
    }

    fn or(mut self, other: &First) -> First {
        self.literals = match (self.literals.take(), &other.literals) {
            (Some(mut keys), Some(more)) => {
                for key in more {
                    if !keys.contains(key) {
                        keys.push(key.clone());
                    }
                }
                Some(keys).filter(|keys| keys.len() <= FIRST_LITERALS_MAX)
            }
            _ => None,
        };
        self.bytes = self.bytes.or(other.bytes);
        self.end |= other.end;
        self
    }

    /// The same for the matcher, which knows literals by number.
    pub(super) fn numbered(&self, literals: &mut Literals) -> Start {
        let ids = self.literals.as_ref().map(|keys| keys.iter().map(|key| literals.id(key)).collect());
        Start { literals: ids, ..self.by_byte() }
    }

    /// The same without the literals.
    pub(super) fn by_byte(&self) -> Start {
        Start { literals: None, bytes: self.bytes, end: self.end }
    }
}

/// What a matcher knows of how the rest of a pattern begins.
#[derive(Debug)]
pub(super) struct Start {
    /// If present, the text goes on with one of these.
    pub literals: Option<Vec<u32>>,
    bytes: Bytes,
    end: bool,
}

impl Start {
    /// Whether the rest of the pattern could match where the text has this byte next, or none.
    pub(super) fn admits(&self, byte: Option<u8>) -> bool {
        byte.map_or(self.end, |byte| self.end || self.bytes.has(byte))
    }
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    const NONE: Bytes = Bytes([0; 4]);
    const ALL: Bytes = Bytes([u64::MAX; 4]);
    const NOT_NEWLINE: Bytes = Bytes([!(1 << b'\n'), u64::MAX, u64::MAX, u64::MAX]);

    fn of_ascii(bits: u128) -> Bytes {
        Bytes([bits as u64, (bits >> 64) as u64, 0, 0])
    }

    fn of_literal(code: u32, fold: Fold) -> Bytes {
        let mut bytes = Bytes::NONE;
        let codes = if fold == Fold::Unicode { case_class(code) } else { vec![code] };
        codes.into_iter().for_each(|code| bytes.add(placeholder(code)));
        bytes
    }

    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn add_wide(&mut self) {
        self.0[2] = u64::MAX;
        self.0[3] = u64::MAX;
    }

    fn or(self, other: Bytes) -> Bytes {
        Bytes(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}
