//! Key files that are encrypted with a password: `$NACL`, a nonce, and a secretbox of the plain file.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use crypto_secretbox::aead::{Aead, KeyInit};
use crypto_secretbox::{Nonce, XSalsa20Poly1305};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use zeroize::Zeroizing;

pub(super) const MARK: &[u8] = b"$NACL";
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// All files have the same.
const SALT: [u8; 16] =
    [0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1];
const MEMORY_KIB: u32 = 512 * 1024;
const PASSES: u32 = 8;
const LANES: u32 = 1;

/// The encrypted content of a key file.
pub(super) struct Locked {
    nonce: [u8; NONCE_BYTES],
    sealed: Vec<u8>,
}

/// Why it does not open.
pub(super) enum LockError {
    /// The password is another, or the file is damaged: nobody can tell which.
    WrongPassword,
    /// The key cannot be derived: half a gigabyte of memory is not there.
    NoMemory,
}

impl Locked {
    /// What follows the mark; none where it is too short to hold anything.
    pub(super) fn read(bytes: &[u8]) -> Option<Locked> {
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        (sealed.len() > TAG_BYTES).then(|| Locked { nonce: *nonce, sealed: sealed.to_vec() })
    }

    /// The plain content. It takes seconds and half a gigabyte of memory, so that guessing does, too.
    pub(super) fn open(&self, password: &SecretString) -> Result<Zeroizing<Vec<u8>>, LockError> {
        let key = derived(password)?;
        let secretbox = XSalsa20Poly1305::new((&*key).into());
        let plain = secretbox.decrypt(&Nonce::from(self.nonce), &self.sealed[..]);
        plain.map(Zeroizing::new).map_err(|_| LockError::WrongPassword)
    }
}

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locked({} bytes)", self.sealed.len())
    }
}

fn derived(password: &SecretString) -> Result<Zeroizing<[u8; 32]>, LockError> {
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(key.len())).expect("parameters within limits");
    // A failure to allocate would otherwise end the program.
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| LockError::NoMemory)?;
    memory.resize(params.block_count(), Block::default());
    let argon2 = Argon2::new(Algorithm::Argon2i, Version::V0x13, params);
    let derived = argon2.hash_password_into_with_memory(
        password.expose_secret().as_bytes(),
        &SALT,
        &mut *key,
        &mut memory,
    );
    // Of what may go wrong only the password is not ours: it may be too long.
    derived.map_err(|_| LockError::WrongPassword)?;
    Ok(key)
}
