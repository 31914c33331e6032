//! Edits as a writer asks for them, and their way into hunks. All that is wrong is told at once.

use super::kind::{self, Kind};
use super::parse::pieces;
use super::{Hunk, Item, ItemId, Policy};
use crate::units::sha256_hex;
use std::collections::BTreeSet;
use std::fmt;

/// Something to do with an item.
///
/// Deleting or replacing a heading concerns the heading alone, and a heading that still has items below it is
/// not deleted: they would silently join the section above. `DeleteSection` is for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Puts text after an item; `S0` is the very top. Several additions after the same item stand in the order
    /// of their ids, headings last; what must stay together belongs into one text.
    Add {
        after: ItemId,
        text: String,
    },
    Replace {
        id: ItemId,
        text: String,
    },
    Delete {
        id: ItemId,
    },
    /// Deletes a heading with all items up to the next heading.
    DeleteSection {
        id: ItemId,
    },
}

/// What is wrong with one operation, or with all of them together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationProblem {
    /// Counted from 1; none when it is about all of them.
    pub operation: Option<usize>,
    /// What is wrong and what would be right, in words that a writer can act on.
    pub problem: String,
}

impl fmt::Display for OperationProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(number) => write!(f, "operation {number}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl Policy {
    /// Carries out all operations on the policy as it stands, or none.
    pub fn carry_out(&self, operations: &[Operation]) -> Result<(Policy, Vec<Hunk>), Vec<OperationProblem>> {
        let mut desk = Desk::new(self, operations);
        for (index, operation) in operations.iter().enumerate() {
            desk.number = index + 1;
            desk.take(operation);
        }
        desk.check_headings(operations);
        if !desk.problems.is_empty() {
            desk.problems.sort_by_key(|problem| problem.operation);
            return Err(desk.problems);
        }
        let whole = |problem: String| vec![OperationProblem { operation: None, problem }];
        let (policy, hunks) = self.applied(&desk.hunks).map_err(|conflict| whole(conflict.to_string()))?;
        if kind::is_blank(&policy.text()) {
            return Err(whole("nothing of the policy would be left".to_owned()));
        }
        if hunks.is_empty() {
            return Err(whole("the operations change nothing".to_owned()));
        }
        Ok((policy, hunks))
    }

    /// The known id most like this one.
    fn nearest(&self, id: &ItemId) -> Option<&ItemId> {
        let number = |id: &ItemId| -> i64 {
            id.0.rsplit(|c: char| !c.is_ascii_digit())
                .next()
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0)
        };
        let shared = |other: &ItemId| id.0.bytes().zip(other.0.bytes()).take_while(|(a, b)| a == b).count();
        let ids = self.items().filter(|item| item.kind != Kind::Blank).map(|item| item.id);
        ids.min_by_key(|other| (usize::MAX - shared(other), (number(other) - number(id)).abs()))
    }

    /// The items below a heading, up to the next one.
    fn section_of(&self, heading: &ItemId) -> impl Iterator<Item = Item<'_>> {
        let below = self.items().skip_while(move |item| item.id != heading).skip(1);
        below.take_while(|item| item.kind != Kind::Heading)
    }
}

/// The id of an item that is added: the section of the item that it follows, and forty bits of a hash of that
/// item and the text.
pub(super) fn added_id(after: Option<&ItemId>, text: &str) -> ItemId {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let top = ItemId::top();
    let after = after.unwrap_or(&top);
    let core = text[kind::leading_blank(text)..].trim_end().replace("\r\n", "\n");
    let hash = sha256_hex(format!("{after}\n{core}").as_bytes());
    let bits = u64::from_str_radix(&hash[..10], 16).expect("ten hex digits of a hash are a number");
    let digits = (0..8).rev().map(|place| char::from(DIGITS[(bits >> (5 * place)) as usize % 32]));
    ItemId(format!("{}.x{}", after.section(), digits.collect::<String>()))
}

/// Operations on their way into hunks.
struct Desk<'a> {
    policy: &'a Policy,
    /// What the operations delete or replace.
    touched: BTreeSet<&'a ItemId>,
    seen: BTreeSet<ItemId>,
    hunks: Vec<Hunk>,
    problems: Vec<OperationProblem>,
    /// Of the operation at hand.
    number: usize,
}

impl<'a> Desk<'a> {
    fn new(policy: &'a Policy, operations: &'a [Operation]) -> Desk<'a> {
        let touched = operations.iter().flat_map(|operation| match operation {
            Operation::Add { .. } => Vec::new(),
            Operation::Replace { id, .. } | Operation::Delete { id } => vec![id],
            Operation::DeleteSection { id } => {
                policy.section_of(id).map(|item| item.id).chain([id]).collect()
            }
        });
        let touched = touched.collect();
        Desk { policy, touched, seen: BTreeSet::new(), hunks: Vec::new(), problems: Vec::new(), number: 0 }
    }

    fn problem(&mut self, problem: String) {
        self.problems.push(OperationProblem { operation: Some(self.number), problem });
    }

    fn take(&mut self, operation: &Operation) {
        match operation {
            Operation::Add { after, text } => self.add(after, text),
            Operation::Replace { id, text } => self.replace(id, text),
            Operation::Delete { id } => {
                if let Some(item) = self.find(id) {
                    self.delete(item);
                }
            }
            Operation::DeleteSection { id } => match self.find(id) {
                Some(item) if item.kind == Kind::Heading => {
                    let (policy, id) = (self.policy, item.id);
                    self.delete(item);
                    policy.section_of(id).for_each(|item| self.delete(item));
                }
                Some(_) => self.problem(format!("`{id}` is no heading; use `delete` for a single item")),
                None => {}
            },
        }
    }

    /// The item to be deleted or replaced, if there is one and no other operation had it.
    fn find(&mut self, id: &ItemId) -> Option<Item<'a>> {
        let found = self.policy.get(id).filter(|item| item.kind != Kind::Blank);
        if found.is_none() {
            self.unknown(id);
        } else if self.seen.contains(id) {
            self.problem(format!("`{id}` is changed by an earlier operation already; change it once"));
            return None;
        }
        found
    }

    fn unknown(&mut self, id: &ItemId) {
        let nearest = self.policy.nearest(id).map(|id| format!("; the nearest is `{id}`"));
        self.problem(format!("there is no item `{id}`{}", nearest.unwrap_or_default()));
    }

    fn delete(&mut self, item: Item<'a>) {
        let id = item.id.clone();
        if !self.seen.insert(id.clone()) {
            self.problem(format!("`{id}` is changed by an earlier operation already; change it once"));
            return;
        }
        let after = self.policy.live_before(self.policy.place(&id));
        self.hunks.push(Hunk { item: id, after, old: Some(item.text.to_owned()), new: None });
    }

    fn add(&mut self, after: &ItemId, text: &str) {
        let anchor = self.policy.get(after).filter(|item| item.kind != Kind::Blank);
        if anchor.is_none() && *after != ItemId::top() {
            self.unknown(after);
            return;
        }
        let Some(pieces) = self.pieces(text) else { return };
        let repeated: Vec<&ItemId> = pieces.iter().filter_map(|piece| self.repeats(piece)).collect();
        if let Some(id) = repeated.first() {
            let problem = format!("`{id}` says the same already; replace or move that one, or leave it");
            self.problem(problem);
            return;
        }
        let pieces = self.spaced(pieces, anchor);
        self.chain(anchor.map(|item| item.id.clone()), pieces);
    }

    fn replace(&mut self, id: &ItemId, text: &str) {
        let (Some(item), Some(mut pieces)) = (self.find(id), self.pieces(text)) else { return };
        self.seen.insert(id.clone());
        if item.kind == Kind::Heading && Kind::of(&pieces[0]) != Kind::Heading {
            self.problem(format!(
                "`{id}` is a heading and can only be replaced by a heading; to remove it with all below it, use \
                 `delete_section`"
            ));
            return;
        }
        // The white space around the item stays.
        if let Some(last) = pieces.last_mut() {
            last.truncate(last.trim_end().len());
            let tail = &item.text[item.text.trim_end().len()..];
            let is_last = self.policy.items().next_back().is_some_and(|last| last.id == item.id);
            let is_cut = tail.is_empty() && !is_last;
            last.push_str(if is_cut { self.policy.line_end } else { tail });
        }
        pieces[0].insert_str(0, &item.text[..kind::leading_blank(item.text)]);
        if pieces.len() == 1 && pieces[0] == item.text {
            self.problem(format!("the new text of `{id}` is the old one"));
            return;
        }
        let rest = pieces.split_off(1);
        let (old, new) = (Some(item.text.to_owned()), pieces.pop());
        let after = self.policy.live_before(self.policy.place(id));
        self.hunks.push(Hunk { item: id.clone(), after, old, new });
        self.chain(Some(id.clone()), rest);
    }

    /// Adds items each of which follows the one before.
    fn chain(&mut self, mut after: Option<ItemId>, pieces: Vec<String>) {
        for text in pieces {
            let item = added_id(after.as_ref(), &text);
            if !self.seen.insert(item.clone()) {
                self.problem("repeats an earlier operation".to_owned());
                return;
            }
            self.hunks.push(Hunk { item: item.clone(), after, old: None, new: Some(text) });
            after = Some(item);
        }
    }

    /// The items of a writer's text, each with its line end.
    fn pieces(&mut self, text: &str) -> Option<Vec<String>> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim_start_matches('\u{feff}').trim_end();
        let text = &text[kind::leading_blank(text)..];
        if text.is_empty() {
            self.problem("the text is empty; use `delete` to remove an item".to_owned());
            return None;
        }
        if leaves_fence_open(text) {
            self.problem("the text opens a code fence and does not close it".to_owned());
            return None;
        }
        let mut whole: Vec<String> = Vec::new();
        for piece in pieces(&format!("{text}\n")) {
            match whole.last_mut() {
                Some(last) if Kind::of(piece) == Kind::Blank => last.push_str(piece),
                _ => whole.push(piece.to_owned()),
            }
        }
        let line_end = self.policy.line_end;
        Some(whole.into_iter().map(|piece| piece.replace('\n', line_end)).collect())
    }

    /// The item that says the same, unless the operations change it: a rule may be moved.
    fn repeats(&self, text: &str) -> Option<&'a ItemId> {
        let is_rule = Kind::of(text) == Kind::Bullet;
        let same =
            |item: &Item<'_>| is_rule && item.text.trim() == text.trim() && !self.touched.contains(item.id);
        self.policy.items().find(same).map(|item| item.id)
    }

    /// Sets blank lines around what is added, as its neighbours have them.
    fn spaced(&self, mut pieces: Vec<String>, anchor: Option<Item<'a>>) -> Vec<String> {
        let policy = self.policy;
        let place = anchor.and_then(|item| policy.place(item.id));
        let start = place.map_or(0, |place| place + 1);
        let next = policy.slots[start..].iter().find_map(|slot| slot.item());
        let is_inside = next.is_some_and(|next| !kind::is_blank(next.text));
        if let (Some(anchor), Some(first)) = (anchor, pieces.first_mut())
            && matches!(Kind::of(first), Kind::Heading | Kind::Code)
            && anchor.kind != Kind::Heading
            && !kind::ends_blank(anchor.text)
        {
            first.insert_str(0, policy.line_end);
        }
        if let Some(last) = pieces.last_mut().filter(|_| is_inside) {
            match (anchor.map(|item| item.kind), Kind::of(last)) {
                (Some(Kind::Bullet), Kind::Bullet) => {
                    last.push_str(anchor.map_or("", |item| kind::trailing_blank(item.text)));
                }
                (_, Kind::Bullet) => {}
                _ => last.push_str(policy.line_end),
            }
        }
        pieces
    }

    fn check_headings(&mut self, operations: &[Operation]) {
        for (index, operation) in operations.iter().enumerate() {
            let Operation::Delete { id } = operation else { continue };
            let heading = self.policy.get(id).filter(|item| item.kind == Kind::Heading);
            let below = heading.into_iter().flat_map(|item| self.policy.section_of(item.id));
            let left = below.filter(|item| item.kind != Kind::Blank && !self.seen.contains(item.id));
            let left: Vec<&str> = left.map(|item| item.id.0.as_str()).collect();
            if !left.is_empty() {
                self.number = index + 1;
                self.problem(format!(
                    "`{id}` is a heading with items below it ({}); use `delete_section` to delete them too",
                    left.join(", ")
                ));
            }
        }
    }
}

fn leaves_fence_open(text: &str) -> bool {
    let mut open = None;
    for line in text.lines() {
        open = match open {
            Some(fence) if kind::closes(line, fence) => None,
            Some(fence) => Some(fence),
            None => kind::fence(line),
        };
    }
    open.is_some()
}

#[cfg(test)]
mod tests;
