//! A secret key of an account, and signatures with it: sr25519 in the context of Substrate.

use super::Address;
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey, PublicKey, SecretKey};
use std::fmt;

const CONTEXT: &[u8] = b"substrate";
pub const SIGNATURE_BYTES: usize = 64;

/// A signature as it is sent.
pub type Signature = [u8; SIGNATURE_BYTES];

/// A key that can sign; it is wiped from memory when it goes, and never shown. It stays in one place, so that no move
/// leaves a copy behind.
pub struct Key(Box<Keypair>);

impl Key {
    /// The key of a secret in its long form: the scalar and the nonce, as key files have it.
    pub(super) fn of_secret(bytes: &[u8; 64]) -> Option<Key> {
        SecretKey::from_bytes(bytes).ok().map(|secret| Key(Box::new(secret.to_keypair())))
    }

    /// The key that a seed is expanded to.
    pub(super) fn of_seed(bytes: &[u8; 32]) -> Option<Key> {
        let seed = MiniSecretKey::from_bytes(bytes).ok()?;
        Some(Key(Box::new(seed.expand_to_keypair(ExpansionMode::Ed25519))))
    }

    pub fn address(&self) -> Address {
        Address(self.0.public.to_bytes())
    }

    /// Signs bytes as they are. No two signatures of the same bytes are the same.
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign_simple(CONTEXT, message).to_bytes()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.address())
    }
}

/// Whether the key of this address signed these bytes.
pub fn verify(address: &Address, message: &[u8], signature: &Signature) -> bool {
    let (Ok(key), Ok(signature)) =
        (PublicKey::from_bytes(&address.0), schnorrkel::Signature::from_bytes(signature))
    else {
        return false;
    };
    key.verify_simple(CONTEXT, message, &signature).is_ok()
}

/// Whether the key of this address signed this text, as it is or wrapped in `<Bytes>` as browser wallets do.
pub fn verify_message(address: &Address, message: &[u8], signature: &Signature) -> bool {
    let wrapped = || [b"<Bytes>", message, b"</Bytes>"].concat();
    verify(address, message, signature) || verify(address, &wrapped(), signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_hold_for_their_message_and_key_alone() {
        let key = Key::of_seed(&[7; 32]).unwrap();
        let other = Key::of_seed(&[8; 32]).unwrap();
        let signature = key.sign(b"a");
        assert!(verify(&key.address(), b"a", &signature));
        assert!(!verify(&key.address(), b"b", &signature));
        assert!(!verify(&other.address(), b"a", &signature));
        assert!(!verify(&Address([255; 32]), b"a", &signature));
        assert!(!verify(&key.address(), b"a", &[0; 64]));
        let wrapped = key.sign(b"<Bytes>a</Bytes>");
        assert!(
            verify_message(&key.address(), b"a", &wrapped)
                && verify_message(&key.address(), b"a", &signature)
        );
        assert!(!verify(&key.address(), b"a", &wrapped));
    }

    #[test]
    fn a_key_is_not_shown() {
        let shown = format!("{:?}", Key::of_seed(&[7; 32]).unwrap());
        assert!(shown.starts_with("Key(5") && shown.len() == 53, "{shown}");
    }
}
