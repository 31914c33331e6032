//! What goes on chain, against the validators' own answers and a node that is none.

mod commitments;
#[cfg(feature = "chain")]
mod metadata;
#[cfg(feature = "chain")]
pub mod node;
#[cfg(feature = "chain")]
pub mod runtime;
#[cfg(feature = "chain")]
mod submitting;
