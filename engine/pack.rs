//! Policy packs in the OPP v1 format: what they hold, their canonical form and hash.

use crate::units::PackHash;

/// A policy pack that has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    agents_md: String,
    hash: PackHash,
}

impl Pack {
    /// The policy.
    pub fn agents_md(&self) -> &str {
        &self.agents_md
    }

    /// The SHA-256 of the canonical form.
    pub fn hash(&self) -> &PackHash {
        &self.hash
    }
}
