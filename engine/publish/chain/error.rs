//! Why something did not go on chain, and whether anything may have.

use crate::wallet::Address;

/// Each says whether anything was sent, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error("{0}")]
    Endpoint(String),
    /// Nothing was sent.
    #[error("cannot use the node {address}: {reason}; nothing was sent")]
    Unreachable { address: String, reason: String },
    /// Nothing was sent.
    #[error("the node is of another network: its first block is {found}, not {expected}; nothing was sent")]
    OtherNetwork { expected: String, found: String },
    /// Nothing was sent.
    #[error("this network cannot hold the commitment: {0}; nothing was sent")]
    Lacking(String),
    /// Nothing was sent.
    #[error(
        "the hotkey {hotkey} is not registered on subnet {netuid}, and only registered ones may commit; nothing was sent"
    )]
    NotRegistered { hotkey: Address, netuid: u16 },
    /// Nothing was sent.
    #[error(
        "the hotkey committed in block {last}, and may again from block {next} on (now {now}); nothing was sent"
    )]
    TooSoon { last: u64, next: u64, now: u64 },
    /// Nothing was sent.
    #[error(
        "the hotkey has used {used} of the {max} bytes that it may write in this epoch, and this takes {needed}; wait \
         for the next epoch; nothing was sent"
    )]
    NoSpace { used: u64, needed: u64, max: u64 },
    /// Nothing is stored, and nothing will be.
    #[error("the network did not take it: {0}; nothing is stored")]
    Refused(String),
    /// It is in a block, without effect.
    #[error("block {block} has the extrinsic {extrinsic}, and it failed there: {reason}; nothing is stored")]
    Failed { extrinsic: String, block: String, reason: String },
    /// It can no longer be taken up.
    #[error(
        "the extrinsic {extrinsic} was not taken up, and no longer can be: {reason}; it may be sent again"
    )]
    NotTaken { extrinsic: String, reason: String },
    /// The chain has something else than what was sent.
    #[error(
        "the extrinsic {extrinsic} is in block {block}, and the chain holds {found} instead of what was sent"
    )]
    ReadBack { extrinsic: String, block: String, found: String },
    /// It was sent, and may yet be taken up.
    #[error(
        "the extrinsic {extrinsic} was sent, and what became of it is unknown: {reason}. It may be taken up until block \
         {last_block}. Look with `optimize chain status`, or do the same again: that looks first, and sends nothing \
         where the commitment is stored"
    )]
    Unknown { extrinsic: String, last_block: u64, reason: String },
}
