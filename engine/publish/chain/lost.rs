//! What became of an extrinsic that the node stopped telling of. Only looking can say, so nothing is sent again here.

use super::network::{Network, hash_text};
use super::plan::ChainPlan;
use super::submit::{ChainProgress, Signed, receipt};
use super::{ChainError, Endpoint, StoredCommitment, state};
use crate::publish::chain_receipt::{ChainReceipt, SentExtrinsic};
use subxt::utils::AccountId32;
use tokio::time::Instant;

/// What a look at the chain found.
enum Found {
    Stored(StoredCommitment, SentExtrinsic),
    /// Another extrinsic took its number, or it failed, or its time is over.
    Gone(&'static str),
    NotYet,
}

/// Looks until it is known what became of it, or for as long as the caller is patient.
pub(super) async fn look(
    endpoint: &Endpoint,
    plan: &ChainPlan,
    signed: &Signed,
    mut reason: String,
    tell: &mut (dyn FnMut(ChainProgress) + Send),
) -> Result<ChainReceipt, ChainError> {
    tell(ChainProgress::Lost { reason: reason.clone() });
    let until = Instant::now() + endpoint.waits.look;
    loop {
        match found(endpoint, plan, signed).await {
            Ok(Found::Stored(stored, extrinsic)) => return Ok(receipt(plan, &stored, Some(extrinsic))),
            Ok(Found::Gone(why)) => {
                return Err(ChainError::NotTaken { extrinsic: signed.hash.clone(), reason: why.to_owned() });
            }
            Ok(Found::NotYet) => {}
            Err(error) => reason = error.to_string(),
        }
        if Instant::now() + endpoint.waits.look_every > until {
            let (extrinsic, last_block) = (signed.hash.clone(), signed.last_block);
            return Err(ChainError::Unknown { extrinsic, last_block, reason });
        }
        tokio::time::sleep(endpoint.waits.look_every).await;
    }
}

async fn found(endpoint: &Endpoint, plan: &ChainPlan, signed: &Signed) -> Result<Found, ChainError> {
    // The connection may be what is broken.
    let network = Network::connect(endpoint).await?;
    let block = network.newest().await?;
    let hotkey = &plan.status.hotkey;
    let stored = state::stored(&network, &block, plan.status.netuid, hotkey).await?;
    if let Some(stored) = stored.filter(|stored| stored.is(&plan.payload)) {
        let extrinsic = place(&network, stored.block, signed).await?;
        return Ok(Found::Stored(stored, extrinsic));
    }
    let nonce = network.ask(block.transactions().account_nonce(&AccountId32(hotkey.0))).await?;
    Ok(match () {
        () if nonce > signed.nonce => Found::Gone(
            "an extrinsic of this hotkey with its number is in a final block, and what was sent is not stored",
        ),
        () if block.block_number() > signed.last_block => Found::Gone("its time is over"),
        () => Found::NotYet,
    })
}

/// Where in the block that stored it the extrinsic stands.
async fn place(network: &Network, number: u64, signed: &Signed) -> Result<SentExtrinsic, ChainError> {
    let block = network.block(number).await?;
    let extrinsics = network.ask(block.extrinsics().fetch()).await?;
    let hashes =
        extrinsics.iter().map(|extrinsic| extrinsic.ok().map(|extrinsic| hash_text(&extrinsic.hash().0)));
    let index =
        hashes.enumerate().find(|(_, hash)| hash.as_ref() == Some(&signed.hash)).map(|(index, _)| index);
    Ok(SentExtrinsic {
        hash: signed.hash.clone(),
        block_hash: hash_text(&block.block_hash().0),
        index: index.and_then(|index| u32::try_from(index).ok()),
    })
}
