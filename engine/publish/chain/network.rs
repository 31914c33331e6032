//! A connection to a node, and blocks to look at. Whatever is asked of the node has a deadline.

use super::{ChainError, Endpoint};
use crate::publish::redact::{presentable, redact};
use std::fmt::Display;
use std::time::Duration;
use subxt::{OnlineClient, OnlineClientAtBlock, SubstrateConfig};

/// The network, as it stands after a certain block.
pub(super) type Block = OnlineClientAtBlock<SubstrateConfig>;

/// A connection.
pub(super) struct Network {
    client: OnlineClient<SubstrateConfig>,
    endpoint: Endpoint,
}

impl Network {
    /// Connects, and makes sure that it is the right network.
    pub async fn connect(endpoint: &Endpoint) -> Result<Network, ChainError> {
        // TLS is set up once in a process; who comes later finds it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connected = OnlineClient::<SubstrateConfig>::from_url(&endpoint.address);
        let client = answered(endpoint.waits.answer, connected)
            .await
            .map_err(|reason| unreachable(endpoint, reason))?;
        let network = Network { client, endpoint: endpoint.clone() };
        match endpoint.genesis {
            Some(expected) if expected != network.client.genesis_hash().0 => {
                Err(ChainError::OtherNetwork { expected: hash_text(&expected), found: network.genesis() })
            }
            _ => Ok(network),
        }
    }

    /// The hash of the first block.
    pub fn genesis(&self) -> String {
        hash_text(&self.client.genesis_hash().0)
    }

    /// The newest final block.
    pub async fn newest(&self) -> Result<Block, ChainError> {
        self.ask(self.client.at_current_block()).await
    }

    pub async fn block(&self, number: u64) -> Result<Block, ChainError> {
        self.ask(self.client.at_block(number)).await
    }

    /// What the node answers, within its time.
    pub async fn ask<T, E: Display>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, ChainError> {
        answered(self.endpoint.waits.answer, answer)
            .await
            .map_err(|reason| unreachable(&self.endpoint, reason))
    }
}

/// An answer within a time, or why there is none.
pub(super) async fn answered<T, E: Display>(
    limit: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| told(&error)),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs_f64())),
    }
}

fn unreachable(endpoint: &Endpoint, reason: String) -> ChainError {
    ChainError::Unreachable { address: endpoint.to_string(), reason }
}

/// What a library or a node says, without credentials and control characters.
pub(super) fn told(error: &impl Display) -> String {
    presentable(&redact(&error.to_string()))
}

pub(super) fn hash_text(hash: &[u8; 32]) -> String {
    format!("0x{}", crate::units::to_hex(hash))
}
