//! The receipt of a publication: what was committed and where it went, or why it was not, for the caller to
//! keep as JSON.

use super::{Committed, FetchedBack, OnChain, PushOutcome};
use crate::units::{PackHash, RunId};
use serde::{Deserialize, Serialize};

/// The version of the receipt's form.
const FORMAT: u32 = 3;
/// Receipts of earlier forms are of publications that fetched nothing back.
const FIRST_FETCHED_BACK: u32 = 2;

/// What was committed and pushed, and when. It holds no credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub format: u32,
    pub run: RunId,
    pub pack_hash: PackHash,
    /// None when the pack was not to be committed; `refused` says why.
    pub committed: Option<Committed>,
    /// When the commit was made, found to be there already, or refused, as the caller's clock says.
    pub committed_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// None until a push was tried.
    pub push: Option<PushOutcome>,
    pub pushed_at: Option<String>,
    /// None until it was tried; receipts of format 1 have none.
    #[serde(default)]
    pub fetched_back: Option<FetchedBack>,
    #[serde(default)]
    pub fetched_at: Option<String>,
    /// None where nothing was to go on chain; receipts before format 3 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<OnChain>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_at: Option<String>,
}

impl Receipt {
    /// The receipt of a commit that was not pushed yet.
    pub fn of_commit(run: RunId, pack_hash: PackHash, committed: Committed, at: String) -> Receipt {
        Receipt { committed: Some(committed), ..Receipt::empty(run, pack_hash, at) }
    }

    /// The receipt of a pack that was not committed, and why.
    pub fn of_refusal(run: RunId, pack_hash: PackHash, why: String, at: String) -> Receipt {
        Receipt { refused: Some(why), ..Receipt::empty(run, pack_hash, at) }
    }

    fn empty(run: RunId, pack_hash: PackHash, at: String) -> Receipt {
        Receipt {
            format: FORMAT,
            run,
            pack_hash,
            committed: None,
            committed_at: at,
            refused: None,
            push: None,
            pushed_at: None,
            fetched_back: None,
            fetched_at: None,
            chain: None,
            chain_at: None,
        }
    }

    /// Whether nothing is left to do: the pack was refused, or is wherever it was to go.
    pub fn is_settled(&self) -> bool {
        let is_on_chain = self.chain.as_ref().is_none_or(OnChain::is_written);
        match &self.push {
            None => self.committed.is_none(),
            Some(_) if !is_on_chain => false,
            Some(PushOutcome::Rejected(_)) => false,
            Some(PushOutcome::NotWanted | PushOutcome::NoRemote) => true,
            Some(PushOutcome::Pushed { .. } | PushOutcome::AlreadyThere { .. }) => match &self.fetched_back {
                Some(found) => found.is_same(),
                None => self.format < FIRST_FETCHED_BACK,
            },
        }
    }

    /// Whether a remote has the pack.
    pub fn is_pushed(&self) -> bool {
        matches!(&self.push, Some(PushOutcome::Pushed { .. } | PushOutcome::AlreadyThere { .. }))
    }

    /// The same receipt with what was fetched back.
    pub fn with_fetched(self, fetched: FetchedBack, at: String) -> Receipt {
        Receipt { fetched_back: Some(fetched), fetched_at: Some(at), ..self }
    }

    /// The same receipt with how the commitment on chain stands.
    pub fn with_chain(self, state: OnChain, at: String) -> Receipt {
        Receipt { chain: Some(state), chain_at: Some(at), ..self }
    }

    /// The same receipt with how the push went.
    pub fn with_push(self, outcome: PushOutcome, at: String) -> Receipt {
        Receipt { push: Some(outcome), pushed_at: Some(at), ..self }
    }
}
