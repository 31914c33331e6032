//! The receipt of a publication: what was committed and where it went, for the caller to keep as JSON.

use super::{Committed, PushOutcome};
use crate::units::{PackHash, RunId};
use serde::{Deserialize, Serialize};

/// The version of the receipt's form.
const FORMAT: u32 = 1;

/// What was committed and pushed, and when. It holds no credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub format: u32,
    pub run: RunId,
    pub pack_hash: PackHash,
    pub committed: Committed,
    /// When the commit was made, or found to be there already, as the caller's clock says.
    pub committed_at: String,
    /// None until a push was tried.
    pub push: Option<PushOutcome>,
    pub pushed_at: Option<String>,
}

impl Receipt {
    /// The receipt of a commit that was not pushed yet.
    pub fn of_commit(run: RunId, pack_hash: PackHash, committed: Committed, at: String) -> Receipt {
        Receipt { format: FORMAT, run, pack_hash, committed, committed_at: at, push: None, pushed_at: None }
    }

    /// The same receipt with how the push went.
    pub fn with_push(self, outcome: PushOutcome, at: String) -> Receipt {
        Receipt { push: Some(outcome), pushed_at: Some(at), ..self }
    }
}
