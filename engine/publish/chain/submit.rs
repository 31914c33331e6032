//! Writing a commitment: checked, signed, sent, awaited, and read back.

use super::call::{self, ERA_BLOCKS, Submission};
use super::network::{Block, Network, hash_text, told};
use super::plan::{self, ChainPlan};
use super::{ChainError, Endpoint, StoredCommitment, lost, state};
use crate::publish::chain_receipt::{ChainReceipt, SentExtrinsic};
use crate::store::utc_text;
use crate::wallet::{Address, Key};
use std::time::{SystemTime, UNIX_EPOCH};
use subxt::SubstrateConfig;
use subxt::client::OnlineClientAtBlockImpl;
use subxt::config::DefaultExtrinsicParamsBuilder;
use subxt::error::{BackendError, ExtrinsicError, RpcError, TransactionEventsError};
use subxt::rpcs;
use subxt::transactions::{
    Signer, SubmittableTransaction, TransactionInBlock, TransactionInvalid, TransactionProgress,
    TransactionStatus, ValidationResult,
};
use subxt::utils::{AccountId32, MultiSignature};
use tokio::time::Instant;

type OfBlock = OnlineClientAtBlockImpl<SubstrateConfig>;
type InBlock = TransactionInBlock<SubstrateConfig, OfBlock>;
type Progress = TransactionProgress<SubstrateConfig, OfBlock>;

/// How a submission goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainProgress {
    /// Just this is stored already; nothing will be sent.
    Unchanged,
    /// The network would take it; it is about to be sent.
    Checked,
    Sent {
        extrinsic: String,
    },
    /// A block has it, which may yet be given up.
    InBlock {
        block: String,
    },
    Final {
        block: String,
    },
    /// The node fell silent; the chain is looked at.
    Lost {
        reason: String,
    },
}

/// A signed extrinsic, and what is known of its fate beforehand.
pub(super) struct Signed {
    transaction: SubmittableTransaction<SubstrateConfig, OfBlock>,
    pub hash: String,
    pub nonce: u64,
    /// In no later block can it be.
    pub last_block: u64,
}

/// Writes a commitment and waits until it is final and read back. Where just this is stored already, nothing is sent.
///
/// # Errors
/// Nothing is stored but for `Unknown`, which says what to do, and `ReadBack`, where another commitment came between.
pub async fn submit(
    submission: &Submission,
    endpoint: &Endpoint,
    key: &Key,
    tell: &mut (dyn FnMut(ChainProgress) + Send),
) -> Result<ChainReceipt, ChainError> {
    let network = Network::connect(endpoint).await?;
    let block = network.newest().await?;
    let plan = plan::at_block(&network, &block, submission, &key.address()).await?;
    if let Some(stored) = plan.status.stored.as_ref().filter(|_| plan.is_stored()) {
        tell(ChainProgress::Unchanged);
        return Ok(receipt(&plan, stored, None));
    }
    if let Some(obstacle) = plan.obstacle() {
        return Err(obstacle);
    }
    let signed = sign(&network, &block, submission, key).await?;
    check(&network, &signed).await?;
    tell(ChainProgress::Checked);
    match send(endpoint, &signed, tell).await? {
        Sent::Final(in_block) => {
            tell(ChainProgress::Final { block: hash_text(&in_block.block_hash().0) });
            match read_back(&network, &plan, &signed, &in_block).await {
                Err(ChainError::Unreachable { reason, .. }) => {
                    lost::look(endpoint, &plan, &signed, reason, tell).await
                }
                done => done,
            }
        }
        Sent::Lost(reason) => lost::look(endpoint, &plan, &signed, reason, tell).await,
    }
}

async fn sign(
    network: &Network,
    block: &Block,
    submission: &Submission,
    key: &Key,
) -> Result<Signed, ChainError> {
    let call = call::call(submission);
    let nonce = network.ask(block.transactions().account_nonce(&AccountId32(key.address().0))).await?;
    // No tip: networks that charge the owner's coldkey instead of the hotkey do so only where there is none.
    let params = DefaultExtrinsicParamsBuilder::new().mortal(ERA_BLOCKS).nonce(nonce).build();
    let transaction = network.ask(block.transactions().create_signed(&call, &Account(key), params)).await?;
    Ok(Signed {
        hash: hash_text(&transaction.hash().0),
        transaction,
        nonce,
        last_block: block.block_number() + ERA_BLOCKS,
    })
}

/// Asks the runtime whether it would take the extrinsic. From here on the node has something signed.
async fn check(network: &Network, signed: &Signed) -> Result<(), ChainError> {
    let reason = match network.ask(signed.transaction.validate()).await? {
        ValidationResult::Valid(_) => return Ok(()),
        ValidationResult::Invalid(invalid) => match invalid {
            TransactionInvalid::Payment => "the account cannot pay for it".to_owned(),
            TransactionInvalid::Stale | TransactionInvalid::Future => {
                "another extrinsic of this hotkey is under way; look again in a minute".to_owned()
            }
            TransactionInvalid::BadProof => {
                "its signature does not hold there: the runtime signs more".to_owned()
            }
            other => format!("{other:?}"),
        },
        ValidationResult::Unknown(unknown) => format!("{unknown:?}"),
    };
    Err(ChainError::Refused(reason))
}

/// How far an extrinsic was followed.
enum Sent {
    Final(InBlock),
    Lost(String),
}

/// Sends the extrinsic once, and follows it as far as the node tells.
async fn send(
    endpoint: &Endpoint,
    signed: &Signed,
    tell: &mut (dyn FnMut(ChainProgress) + Send),
) -> Result<Sent, ChainError> {
    let watched = tokio::time::timeout(endpoint.waits.answer, signed.transaction.submit_and_watch()).await;
    let progress = match watched {
        Ok(Ok(progress)) => progress,
        Ok(Err(error)) => {
            return match refusal(&error) {
                Some(reason) => Err(ChainError::Refused(reason)),
                None => Ok(Sent::Lost(told(&error))),
            };
        }
        Err(_) => return Ok(Sent::Lost("the node did not answer when it was sent".into())),
    };
    tell(ChainProgress::Sent { extrinsic: signed.hash.clone() });
    Ok(follow(progress, Instant::now() + endpoint.waits.finality, tell).await)
}

/// What the node said when it would not even take it into its pool; none where that is not sure, as when it says that
/// it, or one in its place, is there already.
fn refusal(error: &ExtrinsicError) -> Option<String> {
    /// Codes of nodes for an extrinsic that is in the pool, and for one whose place another has.
    const MAYBE_THERE: [i32; 2] = [1013, 1014];
    let ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
        rpcs::Error::User(said),
    ))) = error
    else {
        return None;
    };
    let data = said.data.as_ref().map(|data| format!(" ({})", data.get().trim_matches('"')));
    let reason = told(&format!("{}{}", said.message, data.unwrap_or_default()));
    (!MAYBE_THERE.contains(&said.code)).then_some(reason)
}

async fn follow(
    mut progress: Progress,
    until: Instant,
    tell: &mut (dyn FnMut(ChainProgress) + Send),
) -> Sent {
    loop {
        let status = match tokio::time::timeout_at(until, progress.next()).await {
            Err(_) => return Sent::Lost("its block did not become final in time".into()),
            Ok(None) => return Sent::Lost("the node stopped telling of it".into()),
            Ok(Some(Err(error))) => return Sent::Lost(told(&error)),
            Ok(Some(Ok(status))) => status,
        };
        match status {
            TransactionStatus::InFinalizedBlock(block) => return Sent::Final(block),
            TransactionStatus::InBestBlock(block) => {
                tell(ChainProgress::InBlock { block: hash_text(&block.block_hash().0) });
            }
            // Whether it is in a block all the same, only the chain can tell.
            TransactionStatus::Error { message }
            | TransactionStatus::Invalid { message }
            | TransactionStatus::Dropped { message } => return Sent::Lost(told(&message)),
            _ => {}
        }
    }
}

/// Makes sure that the block has the extrinsic with effect, and that the chain holds what was sent.
async fn read_back(
    network: &Network,
    plan: &ChainPlan,
    signed: &Signed,
    in_block: &InBlock,
) -> Result<ChainReceipt, ChainError> {
    let block_hash = hash_text(&in_block.block_hash().0);
    let index = match in_block_index(network, in_block).await? {
        Ok(index) => index,
        Err(reason) => {
            return Err(ChainError::Failed { extrinsic: signed.hash.clone(), block: block_hash, reason });
        }
    };
    let block = network.ask(in_block.at()).await?;
    let stored = state::stored(network, &block, plan.status.netuid, &plan.status.hotkey).await?;
    match stored {
        Some(stored) if stored.is(&plan.payload) => {
            let extrinsic = SentExtrinsic { hash: signed.hash.clone(), block_hash, index };
            Ok(receipt(plan, &stored, Some(extrinsic)))
        }
        other => Err(ChainError::ReadBack {
            extrinsic: signed.hash.clone(),
            block: block_hash,
            found: other.map_or("nothing".into(), |stored| format!("{:?}", stored.told())),
        }),
    }
}

/// The place of the extrinsic in its block, or why it had no effect. Where the block's events cannot be read, as after a
/// change of the runtime, what is stored decides.
async fn in_block_index(
    network: &Network,
    in_block: &InBlock,
) -> Result<Result<Option<u32>, String>, ChainError> {
    let answer = async { Ok::<_, std::convert::Infallible>(in_block.wait_for_success().await) };
    Ok(match network.ask(answer).await? {
        Ok(events) => Ok(u32::try_from(events.extrinsic_index()).ok()),
        Err(TransactionEventsError::ExtrinsicFailed(error)) => Err(told(&error)),
        Err(_) => Ok(None),
    })
}

/// The receipt of what is stored now.
pub(super) fn receipt(
    plan: &ChainPlan,
    stored: &StoredCommitment,
    extrinsic: Option<SentExtrinsic>,
) -> ChainReceipt {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ChainReceipt {
        format: ChainReceipt::FORMAT,
        genesis: plan.status.genesis.clone(),
        spec_version: plan.status.spec_version,
        netuid: plan.status.netuid,
        hotkey: plan.status.hotkey,
        payload: plan.payload.clone(),
        unchanged: extrinsic.is_none(),
        block: stored.block,
        extrinsic,
        read_back: stored.told(),
        at: utc_text(since.as_millis() as u64),
    }
}

/// The key as subxt asks for signatures.
struct Account<'a>(&'a Key);

impl Signer<SubstrateConfig> for Account<'_> {
    fn account_id(&self) -> AccountId32 {
        let Address(account) = self.0.address();
        AccountId32(account)
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.0.sign(payload))
    }
}
