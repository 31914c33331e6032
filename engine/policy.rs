//! A policy as items with ids that stay, and edits as objects: what was added, replaced and deleted, so that an
//! edit can be taken back, made elsewhere, or put together with others.

use serde::{Deserialize, Serialize};

/// The id of an item, for example `S3.b2`: the same in every policy of a run that has the item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemId(pub String);

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
