//! What would be sent, and whether it could be: everything that can be known without a signature.

use super::call::{self, Submission};
use super::network::{Block, Network};
use super::{ChainError, ChainStatus, Endpoint, state};
use crate::wallet::Address;
use serde::Serialize;

/// A commitment that was thought through and not sent.
#[derive(Clone, Debug, Serialize)]
pub struct ChainPlan {
    pub status: ChainStatus,
    pub payload: String,
    /// The call as this network writes it, in hexadecimal.
    pub call_data: String,
}

impl ChainPlan {
    /// Whether just this is stored already, so that there is nothing to do.
    pub fn is_stored(&self) -> bool {
        self.status.stored.as_ref().is_some_and(|stored| stored.is(&self.payload))
    }

    /// Why it would certainly fail, if it would.
    pub fn obstacle(&self) -> Option<ChainError> {
        if self.is_stored() { None } else { self.status.obstacle(self.payload.len()) }
    }
}

/// Looks at everything that a submission needs. Nothing is signed, so nothing can be sent by anybody.
pub async fn plan(
    submission: &Submission,
    endpoint: &Endpoint,
    hotkey: &Address,
) -> Result<ChainPlan, ChainError> {
    let network = Network::connect(endpoint).await?;
    let block = network.newest().await?;
    at_block(&network, &block, submission, hotkey).await
}

pub(super) async fn at_block(
    network: &Network,
    block: &Block,
    submission: &Submission,
    hotkey: &Address,
) -> Result<ChainPlan, ChainError> {
    Ok(ChainPlan {
        status: state::of_hotkey(network, block, submission.netuid(), hotkey).await?,
        payload: submission.payload().to_owned(),
        call_data: call::call_data(block, &call::call(submission))?,
    })
}
