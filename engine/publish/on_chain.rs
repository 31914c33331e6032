//! What became of a commitment that a publication was to end with.

use super::ChainReceipt;
use serde::{Deserialize, Serialize};

/// How a commitment on chain stands, as far as this machine knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChain {
    /// It is the last step, which has not been tried.
    Wanted,
    /// The chain holds it, and it was read back.
    Written(ChainReceipt),
    /// It was not written, and why.
    NotWritten { reason: String },
    /// It was sent, and nobody knows what became of it.
    Unknown { reason: String },
}

impl OnChain {
    pub fn is_written(&self) -> bool {
        matches!(self, OnChain::Written(_))
    }

    /// Whether both say that the chain holds the same, since the same block.
    pub fn is_same(&self, other: &OnChain) -> bool {
        let key = |state: &OnChain| match state {
            OnChain::Written(receipt) => Some((
                receipt.genesis.clone(),
                receipt.netuid,
                receipt.hotkey,
                receipt.payload.clone(),
                receipt.block,
            )),
            _ => None,
        };
        self == other || key(self).is_some_and(|key_of_self| Some(key_of_self) == key(other))
    }
}
