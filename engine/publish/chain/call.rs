//! What is sent: the call, and its form on this network.

use super::ChainError;
use super::network::{Block, told};
use crate::publish::{COMMITMENT_BYTES_MAX, Commitment, CommitmentError};
use crate::units::to_hex;
use subxt::dynamic::{self, Value};
use subxt::ext::scale_value::Composite;
use subxt::transactions::DynamicPayload;

/// For so many blocks a signed extrinsic may be taken up, as the reference's are.
pub const ERA_BLOCKS: u64 = 128;
pub(super) const PALLET: &str = "Commitments";

/// A text for a subnet, short enough for the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    netuid: u16,
    payload: String,
}

impl Submission {
    /// What validators of the commitment's channel read.
    pub fn new(netuid: u16, commitment: &Commitment) -> Result<Submission, CommitmentError> {
        Ok(Submission { netuid, payload: commitment.text()? })
    }

    /// Any text; none where it is longer than 128 bytes. Whether anybody can read it is the caller's affair.
    pub fn of_text(netuid: u16, payload: &str) -> Option<Submission> {
        (payload.len() <= COMMITMENT_BYTES_MAX).then(|| Submission { netuid, payload: payload.to_owned() })
    }

    pub fn netuid(&self) -> u16 {
        self.netuid
    }

    pub fn payload(&self) -> &str {
        &self.payload
    }
}

pub(super) type Call = DynamicPayload<Composite<()>>;

/// `Commitments.set_commitment` with one field, whose type has the number of bytes in its name.
pub(super) fn call(submission: &Submission) -> Call {
    let bytes = submission.payload.as_bytes();
    let field = Value::unnamed_variant(format!("Raw{}", bytes.len()), [Value::from_bytes(bytes)]);
    let info = Value::named_composite([("fields", Value::unnamed_composite([field]))]);
    let arguments = Composite::Named(vec![
        ("netuid".to_owned(), Value::u128(submission.netuid.into())),
        ("info".to_owned(), info),
    ]);
    dynamic::tx(PALLET, "set_commitment", arguments)
}

/// The call as this network writes it, in hexadecimal.
pub(super) fn call_data(block: &Block, call: &Call) -> Result<String, ChainError> {
    let data = block.transactions().call_data(call);
    data.map(|bytes| format!("0x{}", to_hex(&bytes))).map_err(|error| ChainError::Lacking(told(&error)))
}
