//! What a network says of a hotkey: whether it is registered, what it has committed, and what it still may.

use super::call::PALLET;
use super::network::{Block, Network, told};
use super::stored::{StoredCommitment, number};
use super::{ChainError, Endpoint};
use crate::wallet::Address;
use serde::{Deserialize, Serialize};
use subxt::dynamic::{self, At as _, Value};
use subxt::ext::scale_decode::DecodeAsType;

const SUBTENSOR: &str = "SubtensorModule";
/// However short it is, a commitment counts as so many bytes.
const COUNTED_BYTES_MIN: u64 = 100;

/// How a hotkey stands on a subnet, after the newest final block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStatus {
    /// The hash of the network's first block.
    pub genesis: String,
    pub spec_version: u32,
    pub block: u64,
    pub netuid: u16,
    pub hotkey: Address,
    /// Its place on the subnet; none where it is not registered.
    pub uid: Option<u16>,
    pub stored: Option<StoredCommitment>,
    pub allowance: Allowance,
}

/// What limits how often a hotkey commits. Networks have had two rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// So many bytes in an epoch, and how many of them are used. Of an earlier epoch, they count no more; networks that do
    /// not say which epoch it is leave that open.
    Space { used_bytes: u64, max_bytes: u64, is_of_this_epoch: Option<bool> },
    /// So many blocks between two commitments.
    Blocks { last: Option<u64>, distance: u64 },
    /// The network shows no limit that is known here.
    NotShown,
}

impl ChainStatus {
    /// Why a commitment of so many bytes would fail, as far as it is certain.
    pub(super) fn obstacle(&self, payload_bytes: usize) -> Option<ChainError> {
        if self.uid.is_none() {
            return Some(ChainError::NotRegistered { hotkey: self.hotkey, netuid: self.netuid });
        }
        let needed = (payload_bytes as u64).max(COUNTED_BYTES_MIN);
        match self.allowance {
            Allowance::Space { used_bytes: used, max_bytes: max, is_of_this_epoch: Some(true) }
                if used + needed > max =>
            {
                Some(ChainError::NoSpace { used, needed, max })
            }
            // It would be in the next block at the earliest.
            Allowance::Blocks { last: Some(last), distance } if self.block + 1 < last + distance => {
                Some(ChainError::TooSoon { last, next: last + distance, now: self.block })
            }
            _ => None,
        }
    }
}

/// Looks at a hotkey on a subnet; nothing is signed or sent.
pub async fn status(endpoint: &Endpoint, netuid: u16, hotkey: &Address) -> Result<ChainStatus, ChainError> {
    let network = Network::connect(endpoint).await?;
    let block = network.newest().await?;
    of_hotkey(&network, &block, netuid, hotkey).await
}

pub(super) async fn of_hotkey(
    network: &Network,
    block: &Block,
    netuid: u16,
    hotkey: &Address,
) -> Result<ChainStatus, ChainError> {
    if !has(block, PALLET, "CommitmentOf") || !has(block, SUBTENSOR, "Uids") {
        return Err(ChainError::Lacking("it has no subnets, or no commitments".into()));
    }
    Ok(ChainStatus {
        genesis: network.genesis(),
        spec_version: block.spec_version(),
        block: block.block_number(),
        netuid,
        hotkey: *hotkey,
        uid: fetch(network, block, SUBTENSOR, "Uids", account(netuid, hotkey)).await?,
        stored: stored(network, block, netuid, hotkey).await?,
        allowance: allowance(network, block, netuid, hotkey).await?,
    })
}

/// What is stored for a hotkey after a block.
pub(super) async fn stored(
    network: &Network,
    block: &Block,
    netuid: u16,
    hotkey: &Address,
) -> Result<Option<StoredCommitment>, ChainError> {
    let registration: Option<Value> =
        fetch(network, block, PALLET, "CommitmentOf", account(netuid, hotkey)).await?;
    let Some(registration) = registration else { return Ok(None) };
    let unknown = || ChainError::Lacking("its commitments have a shape that is not known here".into());
    StoredCommitment::read(&registration).map(Some).ok_or_else(unknown)
}

async fn allowance(
    network: &Network,
    block: &Block,
    netuid: u16,
    hotkey: &Address,
) -> Result<Allowance, ChainError> {
    if has(block, PALLET, "UsedSpaceOf") && has(block, PALLET, "MaxSpace") {
        return space(network, block, netuid, hotkey).await;
    }
    let distance = block.constants().entry(dynamic::constant::<u64>(PALLET, "RateLimit"));
    match distance {
        Ok(distance) if has(block, PALLET, "LastCommitment") => {
            let last = fetch(network, block, PALLET, "LastCommitment", account(netuid, hotkey)).await?;
            Ok(Allowance::Blocks { last, distance })
        }
        _ => Ok(Allowance::NotShown),
    }
}

async fn space(
    network: &Network,
    block: &Block,
    netuid: u16,
    hotkey: &Address,
) -> Result<Allowance, ChainError> {
    let max_bytes: Option<u64> = fetch(network, block, PALLET, "MaxSpace", Vec::new()).await?;
    let used: Option<Value> = fetch(network, block, PALLET, "UsedSpaceOf", account(netuid, hotkey)).await?;
    let part = |name: &str| used.as_ref().and_then(|used| used.at(name)).and_then(number);
    let Some(max_bytes) = max_bytes else { return Ok(Allowance::NotShown) };
    let Some((used_bytes, used_in)) = part("used_space").zip(part("last_epoch")) else {
        return Ok(Allowance::Space { used_bytes: 0, max_bytes, is_of_this_epoch: None });
    };
    let epoch: Option<u64> = match has(block, SUBTENSOR, "SubnetEpochIndex") {
        true => {
            let key = vec![Value::u128(netuid.into())];
            fetch(network, block, SUBTENSOR, "SubnetEpochIndex", key).await?
        }
        false => None,
    };
    Ok(Allowance::Space { used_bytes, max_bytes, is_of_this_epoch: epoch.map(|epoch| epoch == used_in) })
}

/// Whether the runtime has such an entry.
fn has(block: &Block, pallet: &str, entry: &str) -> bool {
    let storage = block.metadata_ref().pallet_by_name(pallet).and_then(|pallet| pallet.storage());
    storage.is_some_and(|storage| storage.entry_by_name(entry).is_some())
}

fn account(netuid: u16, hotkey: &Address) -> Vec<Value> {
    vec![Value::u128(netuid.into()), Value::from_bytes(hotkey.0)]
}

/// What is at a key, or what the runtime takes for it where nothing is; none where that is nothing, too.
async fn fetch<V: DecodeAsType>(
    network: &Network,
    block: &Block,
    pallet: &str,
    entry: &str,
    key: Vec<Value>,
) -> Result<Option<V>, ChainError> {
    let lacking = |error: String| ChainError::Lacking(format!("{pallet}.{entry}: {error}"));
    let address = dynamic::storage::<Vec<Value>, V>(pallet, entry);
    let place = block.storage().entry(address).map_err(|error| lacking(told(&error)))?;
    let value = network.ask(place.try_fetch(key)).await?.or_else(|| place.default_value());
    value.map(|value| value.decode().map_err(|error| lacking(told(&error)))).transpose()
}
