//! Commitments on a chain: looking, planning, and writing one, through a node that the user names.
//!
//! Nothing is signed before everything that can be known was looked at. What is stored already is not sent again; where
//! the node falls silent after it took an extrinsic, the chain is asked what became of it, and nothing is sent twice. Fees
//! are the network's affair and may change with it: no tip is given, and nothing is promised.

mod call;
mod endpoint;
mod error;
mod lost;
mod network;
mod plan;
mod state;
mod stored;
mod submit;

pub use call::{ERA_BLOCKS, Submission};
pub use endpoint::{Endpoint, Waits};
pub use error::ChainError;
pub use plan::{ChainPlan, plan};
pub use state::{Allowance, ChainStatus, status};
pub use stored::{StoredCommitment, StoredField};
pub use submit::{ChainProgress, submit};
