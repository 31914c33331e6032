//! Which node is asked, which network it must be of, and how long it is waited for.

use super::ChainError;
use crate::publish::redact;
use crate::units::to_hex;
use crate::wallet::from_hex;
use std::fmt;
use std::time::Duration;
use subxt::rpcs::utils::url_is_secure;

/// A node's address, and the network that it must belong to. There is no default for either.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) address: String,
    pub(super) genesis: Option<[u8; 32]>,
    pub waits: Waits,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// For one answer.
    pub answer: Duration,
    /// From the sending of an extrinsic until its block is final.
    pub finality: Duration,
    /// How long to look for it on the chain when the node has fallen silent.
    pub look: Duration,
    /// Between two looks.
    pub look_every: Duration,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits {
            answer: Duration::from_secs(30),
            finality: Duration::from_secs(180),
            look: Duration::from_secs(120),
            look_every: Duration::from_secs(6),
        }
    }
}

impl Endpoint {
    /// A node at `wss://…`, or at `ws://…` on this machine. `genesis` is the hash of the network's first block, in
    /// hexadecimal: where it is given, nodes of other networks are refused.
    pub fn new(address: &str, genesis: Option<&str>) -> Result<Endpoint, ChainError> {
        let shown = redact(address);
        let is_here = || address.starts_with("ws://") && url_is_secure(address).unwrap_or(false);
        let is_secure = || address.starts_with("wss://") && url_is_secure(address).is_ok();
        if !is_secure() && !is_here() {
            let problem =
                format!("{shown:?} is no address of a node: it is wss://HOST, or ws:// on this machine");
            return Err(ChainError::Endpoint(problem));
        }
        let genesis = match genesis.map(|text| (text, from_hex::<32>(text))) {
            Some((text, None)) => {
                let problem = format!("{text:?} is no hash of a first block: it has 64 hexadecimal digits");
                return Err(ChainError::Endpoint(problem));
            }
            Some((_, Some(hash))) => Some(*hash),
            None => None,
        };
        Ok(Endpoint { address: address.to_owned(), genesis, waits: Waits::default() })
    }
}

/// The address without credentials.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.address))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let genesis = self.genesis.map(|hash| to_hex(&hash));
        f.debug_struct("Endpoint").field("address", &self.to_string()).field("genesis", &genesis).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_elsewhere_are_asked_over_tls_alone() {
        let check = |address: &str, expected: bool| {
            assert_eq!(Endpoint::new(address, None).is_ok(), expected, "{address}");
        };
        check("wss://node.example", true);
        check("wss://node.example:443/path", true);
        check("ws://127.0.0.1:9944", true);
        check("ws://localhost:9944", true);
        check("ws://[::1]:9944", true);
        check("ws://node.example", false);
        check("ws://10.0.0.1:9944", false);
        check("https://node.example", false);
        check("node.example", false);
        check("wss://", false);
        check("", false);
        assert!(Endpoint::new("wss://node.example", Some("0x12")).is_err());
        assert!(Endpoint::new("wss://node.example", Some(&"4a".repeat(32))).is_ok());
    }

    #[test]
    fn credentials_of_an_address_are_not_shown() {
        let endpoint = Endpoint::new("wss://me:s3cret@node.example/?key=s3cret", None).unwrap();
        assert!(!format!("{endpoint} {endpoint:?}").contains("s3cret"));
        let refused = Endpoint::new("ws://me:s3cret@node.example", None).unwrap_err();
        assert!(!format!("{refused}").contains("s3cret"));
    }
}
