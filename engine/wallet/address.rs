//! Addresses of accounts, as people write them: SS58 with the prefix 42.

use blake2::{Blake2b512, Digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The generic prefix of Substrate, which Bittensor uses.
const PREFIX: u8 = 42;
const CHECKSUM_BYTES: usize = 2;
const CHECKSUM_CONTEXT: &[u8] = b"SS58PRE";

/// The public key of an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(pub [u8; 32]);

/// Why a text is no address. It is public, so it is quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("{0:?} is no address: an SS58 address has about 48 letters and digits, without 0, O, I and l")]
    Malformed(String),
    #[error("{0:?} is no address: its checksum is wrong, so a character is")]
    Checksum(String),
    #[error("{address:?} is an address of another kind of network: its prefix is {prefix}, not {PREFIX}")]
    Prefix { address: String, prefix: u8 },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![PREFIX];
        bytes.extend(self.0);
        bytes.extend(checksum(&bytes));
        f.write_str(&bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let malformed = || AddressError::Malformed(text.chars().take(80).collect());
        let bytes = bs58::decode(text).into_vec().map_err(|_| malformed())?;
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or_else(malformed)?;
        let (prefix, account) = body.split_first().ok_or_else(malformed)?;
        let account = account.try_into().map_err(|_| malformed())?;
        if checksum(body) != *sum {
            return Err(AddressError::Checksum(text.to_owned()));
        }
        if *prefix != PREFIX {
            return Err(AddressError::Prefix { address: text.to_owned(), prefix: *prefix });
        }
        Ok(Address(account))
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Address, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.to_string()
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Blake2b512::new().chain_update(CHECKSUM_CONTEXT).chain_update(body).finalize();
    [digest[0], digest[1]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::from_hex;

    const TEXT: &str = "5Cf1E1W8ZvvZp2DtEcaJpkt1qb1urKCqaLrQDas7iMKEoU6z";

    #[test]
    fn an_address_is_read_and_written_as_the_reference_does() {
        let account = from_hex("1a28cf38a1e4bdd7369f335c00bff293a8c9da384493a722afb4b5ad6dcb647a").unwrap();
        assert_eq!(TEXT.parse(), Ok(Address(*account)));
        assert_eq!(Address(*account).to_string(), TEXT);
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let check = |text: &str, words: &str| {
            let told = text.parse::<Address>().unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
        };
        check("", "about 48");
        check("5Cf1E1W8ZvvZp2DtEcaJpkt1qb1urKCqaLrQDas7iMKEoU6", "about 48");
        check("5Cf1E1W8ZvvZp2DtEcaJpkt1qb1urKCqaLrQDas7iMKEoU60", "about 48");
        check("5Cf1E1W8ZvvZp2DtEcaJpkt1qb1urKCqaLrQDas7iMKEoU7z", "checksum");
        // Alice, as Polkadot writes her.
        check("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5", "its prefix is 0");
    }
}
