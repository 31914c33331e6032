//! The receipt of a commitment: what the chain holds now, and by which extrinsic, for the caller to keep as JSON.

use crate::wallet::Address;
use serde::{Deserialize, Serialize};

/// What was written on chain and read back from it. It holds no secrets, and no address of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReceipt {
    pub format: u32,
    /// The hash of the network's first block, which tells networks apart.
    pub genesis: String,
    pub spec_version: u32,
    pub netuid: u16,
    pub hotkey: Address,
    pub payload: String,
    /// Whether just this was stored already, so that nothing was sent.
    pub unchanged: bool,
    /// Since which block the chain holds it.
    pub block: u64,
    /// The extrinsic; none where nothing was sent.
    pub extrinsic: Option<SentExtrinsic>,
    /// What the chain gave back when it was asked.
    pub read_back: String,
    /// When it was read back, by this machine's clock.
    pub at: String,
}

/// A signed call that a network took up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentExtrinsic {
    pub hash: String,
    pub block_hash: String,
    /// Its place in the block; none where the block could not be read.
    pub index: Option<u32>,
}

impl ChainReceipt {
    /// The version of the receipt's form.
    pub const FORMAT: u32 = 1;
}
