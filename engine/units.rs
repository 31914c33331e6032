//! Amounts, ids and seeded randomness: the small words that all others are written with.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The SHA-256 of a pack's canonical JSON, in lower-case hex: the identity of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackHash(pub String);

impl PackHash {
    /// The first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..self.0.len().min(8)]
    }
}

impl fmt::Display for PackHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The content hash of a suite: its scenarios, rubrics and fixtures, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SuiteHash(pub String);

/// The name of a run's folder below `runs/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hex SHA-256 of some bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The seed of a run, from which every random draw follows.
///
/// Draws are keyed by what they are for, never by the order in which they happen, so that no worker's
/// timing can change a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seed(pub u64);

impl Seed {
    /// Derives the seed for one purpose: `seed.child("episode", &[pack_hash, scenario, "3"])`.
    pub fn child(self, purpose: &str, key: &[&str]) -> Seed {
        let mut hasher = Sha256::new();
        hasher.update(self.0.to_le_bytes());
        for part in std::iter::once(&purpose).chain(key) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let digest = hasher.finalize();
        Seed(u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes")))
    }

    /// A generator that gives the same numbers on every machine and in every version.
    pub fn rng(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_run_into_each_other() {
        assert_ne!(Seed(1).child("a", &["bc", "d"]), Seed(1).child("a", &["b", "cd"]));
        assert_ne!(Seed(1).child("a", &[]), Seed(2).child("a", &[]));
    }

    #[test]
    fn derived_seeds_never_change_between_versions() {
        assert_eq!(Seed(7).child("episode", &["x", "1"]), Seed(13_427_325_349_720_833_144));
    }
}
