//! Amounts, ids and seeded randomness: the small words that all others are written with.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::str::FromStr;

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
    to_hex(&Sha256::digest(bytes))
}

/// Two lower-case hexadecimal digits for each byte, without a prefix.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An amount of US dollars, exact to a trillionth, so that sums over token prices never round.
///
/// Stored and read as a decimal text, `"0.001275"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Usd {
    pico: u64,
}

const PICO: u64 = 1_000_000_000_000;

impl Usd {
    pub const ZERO: Usd = Usd { pico: 0 };

    pub fn of_pico(pico: u64) -> Usd {
        Usd { pico }
    }

    /// In trillionths of a dollar.
    pub fn pico(self) -> u64 {
        self.pico
    }

    /// For people: `$1.25`, and four digits below a dollar.
    pub fn rounded(self) -> String {
        match self.as_dollars() {
            dollars if dollars >= 1.0 || self == Usd::ZERO => format!("${dollars:.2}"),
            dollars if dollars >= 0.0001 => format!("${dollars:.4}"),
            _ => "under $0.0001".into(),
        }
    }

    /// The nearest amount to a price that people write as a number; none when it is negative or absurd.
    pub fn of_dollars(dollars: f64) -> Option<Usd> {
        let is_price = dollars.is_finite() && (0.0..=10_000_000.0).contains(&dollars);
        is_price.then(|| Usd { pico: (dollars * PICO as f64).round() as u64 })
    }

    /// For estimates and charts, where a rounded number will do.
    pub fn as_dollars(self) -> f64 {
        self.pico as f64 / PICO as f64
    }

    pub fn plus(self, other: Usd) -> Usd {
        Usd { pico: self.pico.saturating_add(other.pico) }
    }

    /// Nothing where the other is more.
    pub fn minus(self, other: Usd) -> Usd {
        Usd { pico: self.pico.saturating_sub(other.pico) }
    }

    pub fn times(self, count: u64) -> Usd {
        Usd { pico: self.pico.saturating_mul(count) }
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.pico / PICO, self.pico % PICO);
        let digits = format!("{rest:012}");
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "{whole}.{}", &digits[..kept])
    }
}

impl From<Usd> for String {
    fn from(amount: Usd) -> String {
        amount.to_string()
    }
}

impl TryFrom<String> for Usd {
    type Error = String;

    fn try_from(text: String) -> Result<Usd, String> {
        text.parse()
    }
}

impl FromStr for Usd {
    type Err = String;

    /// Reads `5`, `$5`, `0.25`.
    fn from_str(text: &str) -> Result<Usd, String> {
        let bad = || format!("{text:?} is no amount of dollars; write it as 5 or 0.25");
        let digits = text.trim().trim_start_matches('$');
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + part.len() == 0 || part.len() > 12 || !is_number(whole) || !is_number(part) {
            return Err(bad());
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
        let part: u64 = format!("{part:0<12}").parse().map_err(|_| bad())?;
        let pico = whole.checked_mul(PICO).and_then(|pico| pico.checked_add(part)).ok_or_else(bad)?;
        Ok(Usd { pico })
    }
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
    fn dollars_are_exact_and_read_back() {
        let check = |text: &str, pico: u64, shown: &str| {
            let amount: Usd = text.parse().unwrap();
            assert_eq!((amount, amount.to_string().as_str()), (Usd::of_pico(pico), shown));
            assert_eq!(amount.to_string().parse(), Ok(amount));
        };
        check("5", 5 * PICO, "5.00");
        check("$0.25", PICO / 4, "0.25");
        check(".000000000001", 1, "0.000000000001");
        check("18446744.073709551615", u64::MAX, "18446744.073709551615");
        for bad in ["", "$", "-1", "1e3", "1.0000000000001", "18446745", "five", "1.2.3"] {
            assert!(bad.parse::<Usd>().is_err(), "{bad}");
        }
        assert_eq!(Usd::of_dollars(1.25), Some(Usd::of_pico(PICO / 4 * 5)));
        assert_eq!(Usd::of_dollars(f64::NAN), None);
    }

    #[test]
    fn derived_seeds_never_change_between_versions() {
        assert_eq!(Seed(7).child("episode", &["x", "1"]), Seed(13_427_325_349_720_833_144));
    }
}
