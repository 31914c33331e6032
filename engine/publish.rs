//! Publishing: putting a winner where others can fetch it, and fetching what others put there.
//!
//! Everything here changes something that others see, so doing it twice changes nothing, nothing is ever
//! forced, and what went wrong comes with the next step to take. Whether a pack deserves to be published was
//! decided before.

#[cfg(feature = "chain")]
pub mod chain;
mod chain_receipt;
mod commitment;
mod fetch;
mod fetch_back;
pub mod git;
mod github;
mod note;
mod on_chain;
mod program;
mod push;
mod receipt;
mod redact;
mod rehearsal;
mod rejection;
mod revision;

pub use chain_receipt::{ChainReceipt, SentExtrinsic};
pub use commitment::{COMMITMENT_BYTES_MAX, Commitment, CommitmentError, ConsensusNote};
pub use fetch::{FetchError, fetch_pack, is_remote};
pub use fetch_back::{FetchedBack, Source};
pub use git::{Author, Committed, PackRepo, PublishError};
pub use note::{CommitNote, WonWith};
pub use on_chain::OnChain;
pub use program::{GitProgram, GitToken, TOKEN_USER_VARIABLE, TOKEN_VARIABLE};
pub use push::PushOutcome;
pub use receipt::Receipt;
pub use redact::redact;
pub use rehearsal::Rehearsal;
pub use rejection::{Rejection, RejectionCause};
