//! What a run may spend, as it changes while the run goes on.

use crate::budget::{Limit, RunCaps};
use serde::{Deserialize, Serialize};

/// A limit affords fewer episodes than the budget has left, so the search divides these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limited {
    pub limit: Limit,
    /// So many more episodes are affordable, by what those before them took.
    pub episodes: u32,
    /// Another round of proposals would take what the verdict needs, so none is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_proposals: bool,
}

/// The user changed what the run may spend, or how much it does at once, while it went on. It is recorded after the
/// plan that was under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuned {
    /// Episodes in all from here on; none leaves the budget as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<u32>,
    /// All limits from here on; none leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caps: Option<Box<RunCaps>>,
    /// Steps under way at once; none leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u16>,
}
