//! A policy as items with ids that stay, and edits as objects: what was added, replaced and deleted, so that an
//! edit can be taken back, made elsewhere, or put together with others.
//!
//! Parsing loses nothing: `Policy::parse(text).text() == text` for every text. A deleted item leaves its place
//! behind, so that what stood after it, or is brought back, still knows where it belongs.

mod algebra;
mod apply;
mod difference;
mod kind;
mod operation;
mod parse;
#[cfg(test)]
mod properties;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

pub use algebra::{inverse, merge};
pub use apply::Conflict;
pub use kind::Kind;
pub use operation::{Operation, OperationProblem};

/// The id of an item, for example `S3.b2`: the same in every policy of a run that has the item.
///
/// `S3` is the third heading, `S3.b2` the second bullet below it; `p` is a paragraph, `c` a code fence, `t` a
/// table, `f` front matter. `S0` stands before the first heading. An item that an edit adds is called after
/// its text and the item it follows (`S3.x7k2m9q4z`), so that the same addition has the same id wherever it is
/// made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemId(pub String);

impl ItemId {
    /// The very top: what is added after it stands first.
    pub fn top() -> ItemId {
        ItemId("S0".to_owned())
    }

    /// The part before the dot: the heading under which the item stood when the run began.
    pub fn section(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One change of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    pub item: ItemId,
    /// The item that it stands after; none at the very top.
    pub after: Option<ItemId>,
    /// The item's text before the edit, with its line ends; none where the edit adds it.
    pub old: Option<String>,
    /// The item's text after the edit; none where the edit deletes it.
    pub new: Option<String>,
}

/// A policy as items.
///
/// The fields are private because the places of deleted items must stay where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    slots: Vec<Arc<Slot>>,
    /// The line end that the text uses.
    line_end: &'static str,
}

/// One item as it stands in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    pub id: &'a ItemId,
    pub kind: Kind,
    /// With its line ends and the blank lines that belong to it.
    pub text: &'a str,
}

/// The place of an item, which stays when the item is deleted.
#[derive(Clone, Debug, PartialEq)]
struct Slot {
    id: ItemId,
    /// None when the item was deleted.
    text: Option<String>,
    kind: Kind,
    /// None for an item of the policy that was parsed.
    origin: Option<Origin>,
}

/// Where an added item belongs.
#[derive(Clone, Debug, PartialEq)]
struct Origin {
    /// None at the very top.
    after: Option<ItemId>,
    /// A heading stands behind everything else that is added after the same item.
    is_heading: bool,
}

impl Policy {
    /// The whole text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for item in self.items() {
            if let Some(before) = before {
                text.push_str(&self.joint(before, item));
            }
            text.push_str(item.text);
            before = Some(item);
        }
        text
    }

    /// The items in their order; together they are the text, but for line ends that an edit made necessary.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = Item<'_>> {
        self.slots.iter().filter_map(|slot| slot.item())
    }

    /// The item with an id; none where there is none or it was deleted.
    pub fn get(&self, id: &ItemId) -> Option<Item<'_>> {
        self.slots.iter().find(|slot| slot.id == *id)?.item()
    }

    /// The text with `[S3.b2] ` before each item, for prompts.
    pub fn numbered(&self) -> String {
        let mut text = String::new();
        let mut before = None;
        for item in self.items() {
            if let Some(before) = before {
                text.push_str(&self.joint(before, item));
            }
            let blank = kind::leading_blank(item.text);
            text.push_str(&item.text[..blank]);
            if item.kind != Kind::Blank {
                text.push_str(&format!("[{}] ", item.id));
            }
            text.push_str(&item.text[blank..]);
            before = Some(item);
        }
        text
    }

    /// What must stand between two items so that neither becomes part of the other. Items that were parsed
    /// side by side need nothing.
    fn joint(&self, before: Item<'_>, next: Item<'_>) -> String {
        let is_open = !before.text.ends_with('\n') && before.kind != Kind::Blank;
        let runs_on = matches!(before.kind, Kind::Bullet | Kind::Paragraph | Kind::Table)
            && !kind::ends_blank(before.text)
            && kind::may_continue(next.text);
        self.line_end.repeat(usize::from(is_open) + usize::from(runs_on))
    }

    fn place(&self, id: &ItemId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.id == *id)
    }
}

impl Slot {
    fn item(&self) -> Option<Item<'_>> {
        Some(Item { id: &self.id, kind: self.kind, text: self.text.as_deref()? })
    }
}
