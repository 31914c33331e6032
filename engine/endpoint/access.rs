//! Who may ask an endpoint: everybody on this machine, or only who knows a token.

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Shorter tokens can be guessed.
const TOKEN_BYTES_MIN: usize = 16;

/// The condition for an answer.
#[derive(Clone, Default)]
pub struct Access {
    token: Option<SecretString>,
}

impl Access {
    /// Checks that an address and a token go together: other machines must bring one.
    pub fn new(address: IpAddr, token: Option<SecretString>) -> Result<Access, String> {
        match &token {
            None if !address.is_loopback() => {
                Err(format!("{address} can be reached from other machines, so a token is required"))
            }
            Some(token) if token.expose_secret().len() < TOKEN_BYTES_MIN => {
                Err(format!("the token is too short; {TOKEN_BYTES_MIN} characters are the least"))
            }
            _ => Ok(Access { token }),
        }
    }

    /// Whether a request brings what it must.
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        self.token.is_none() || given.strip_prefix(b"Bearer ").is_some_and(|given| self.is_token(given))
    }

    /// Whether a text is the token, or none is wanted.
    pub fn opens(&self, given: &str) -> bool {
        self.token.is_none() || self.is_token(given.as_bytes())
    }

    /// Whether a token is wanted.
    pub fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    fn is_token(&self, given: &[u8]) -> bool {
        self.token.as_ref().is_some_and(|token| same(given, token.expose_secret().as_bytes()))
    }
}

/// Compares in a time that tells nothing about where two texts differ: digests have one length, and all of
/// their bytes are looked at.
fn same(one: &[u8], other: &[u8]) -> bool {
    let (one, other) = (Sha256::digest(one), Sha256::digest(other));
    one.iter().zip(other.iter()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn other_machines_need_a_token_that_cannot_be_guessed() {
        let check = |address: IpAddr, token: Option<&str>, expected: bool| {
            assert_eq!(Access::new(address, token.map(SecretString::from)).is_ok(), expected, "{address}");
        };
        check(Ipv4Addr::LOCALHOST.into(), None, true);
        check(Ipv6Addr::LOCALHOST.into(), None, true);
        check(Ipv4Addr::UNSPECIFIED.into(), None, false);
        check(Ipv4Addr::UNSPECIFIED.into(), Some("short"), false);
        check(Ipv4Addr::UNSPECIFIED.into(), Some("0123456789abcdef"), true);
    }

    #[test]
    fn only_the_whole_token_opens() {
        let access = Access::new(Ipv4Addr::LOCALHOST.into(), Some("0123456789abcdef".into())).unwrap();
        let check = |header: Option<&str>, expected: bool| {
            let mut headers = HeaderMap::new();
            if let Some(text) = header {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap());
            }
            assert_eq!(access.allows(&headers), expected, "{header:?}");
        };
        check(Some("Bearer 0123456789abcdef"), true);
        check(Some("Bearer 0123456789abcde"), false);
        check(Some("Bearer 0123456789abcdefg"), false);
        check(Some("0123456789abcdef"), false);
        check(Some("Bearer "), false);
        check(None, false);
    }
}
