//! Key files as they lie on disk: plain JSON, encrypted, or public. What else there is, is refused by name.

use super::lock::{LockError, Locked, MARK};
use super::{Address, Key, from_hex};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No key file is longer.
const BYTES_MAX: u64 = 64 * 1024;
const SR25519: u64 = 1;
const RESAVE: &str = "regenerate it from its mnemonic with a current btcli";

/// A key file that was read, and is of a form that can be used.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    content: Content,
    /// Whether others than its owner may read it.
    pub is_readable_by_others: bool,
}

#[derive(Debug)]
enum Content {
    Plain(Key),
    Locked(Locked),
    Public(Address),
}

/// What a key file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The secret key, for everybody who can read the file.
    Plain,
    /// The secret key, encrypted with a password (`$NACL`).
    Locked,
    /// The address alone.
    Public,
}

/// Why a key file cannot be used. No word of it is from the secret part of a file.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    #[error("{0} is not there; `btcli wallet list` shows the wallets there are")]
    Missing(PathBuf),
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{path} is {what}, which is not supported; {advice}")]
    Unsupported { path: PathBuf, what: String, advice: &'static str },
    #[error("{path} is no key file: {reason}")]
    Malformed { path: PathBuf, reason: String },
    #[error(
        "{path} says it is the key of {stored}, and it is that of {derived}: it is damaged or was tampered with"
    )]
    AnotherAddress { path: PathBuf, stored: Address, derived: Address },
    #[error("{0} has no secret key: it is the public part of a wallet")]
    PublicOnly(PathBuf),
    #[error("{0} is encrypted, and there is no password")]
    NeedsPassword(PathBuf),
    #[error("{0} does not open with this password")]
    WrongPassword(PathBuf),
    #[error("opening {0} takes 512 MiB of memory, which are not there")]
    NoMemory(PathBuf),
}

impl KeyFile {
    /// Reads a file. The key of a plain one is proved to be that of the address it names.
    pub fn read(path: &Path) -> Result<KeyFile, WalletError> {
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => WalletError::Missing(path.to_owned()),
            _ => WalletError::Unreadable { path: path.to_owned(), reason: error.to_string() },
        };
        let file = File::open(path).map_err(unreadable)?;
        let is_readable_by_others = is_readable_by_others(&file.metadata().map_err(unreadable)?);
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(malformed(path, "it is too long for one"));
        }
        Ok(KeyFile { path: path.to_owned(), content: content(&bytes, path)?, is_readable_by_others })
    }

    pub fn form(&self) -> Form {
        match self.content {
            Content::Plain(_) => Form::Plain,
            Content::Locked(_) => Form::Locked,
            Content::Public(_) => Form::Public,
        }
    }

    /// The address, as far as no password is needed: of an encrypted file, what the public file beside it says.
    pub fn address(&self) -> Option<Address> {
        match &self.content {
            Content::Plain(key) => Some(key.address()),
            Content::Public(address) => Some(*address),
            Content::Locked(_) => {
                let mut beside = self.path.clone().into_os_string();
                beside.push("pub.txt");
                let file = KeyFile::read(Path::new(&beside)).ok()?;
                file.address().filter(|_| file.form() == Form::Public)
            }
        }
    }

    /// The key; `password` is asked for where the file is encrypted.
    pub fn unlock(self, password: impl FnOnce() -> Option<SecretString>) -> Result<Key, WalletError> {
        let locked = match self.content {
            Content::Plain(key) => return Ok(key),
            Content::Public(_) => return Err(WalletError::PublicOnly(self.path)),
            Content::Locked(locked) => locked,
        };
        let Some(password) = password() else { return Err(WalletError::NeedsPassword(self.path)) };
        let plain = match locked.open(&password) {
            Ok(plain) => plain,
            Err(LockError::WrongPassword) => return Err(WalletError::WrongPassword(self.path)),
            Err(LockError::NoMemory) => return Err(WalletError::NoMemory(self.path)),
        };
        match content(&plain, &self.path)? {
            Content::Plain(key) => Ok(key),
            Content::Public(_) => Err(WalletError::PublicOnly(self.path)),
            Content::Locked(_) => Err(malformed(&self.path, "it is encrypted twice")),
        }
    }
}

/// A document as it is written, with what tells other formats apart. Its names are not ours, so others are passed over.
#[derive(Deserialize)]
struct Raw {
    /// Very old files have a blank before the name.
    #[serde(rename = "ss58Address", alias = " ss58Address")]
    address: Option<String>,
    #[serde(rename = "privateKey")]
    secret: Option<SecretString>,
    #[serde(rename = "secretSeed")]
    seed: Option<SecretString>,
    #[serde(rename = "secretPhrase")]
    phrase: Option<SecretString>,
    #[serde(rename = "cryptoType")]
    crypto_type: Option<serde_json::Value>,
    encoded: Option<IgnoredAny>,
    encoding: Option<IgnoredAny>,
}

fn content(bytes: &[u8], path: &Path) -> Result<Content, WalletError> {
    if let Some(sealed) = bytes.strip_prefix(MARK) {
        let locked = Locked::read(sealed).ok_or_else(|| malformed(path, "it is encrypted and cut off"))?;
        return Ok(Content::Locked(locked));
    }
    if bytes.starts_with(b"$ANSIBLE_VAULT") {
        return Err(unsupported(path, "encrypted by Ansible Vault, as very old wallets are", RESAVE));
    }
    if bytes.starts_with(b"gAAAAA") {
        return Err(unsupported(path, "encrypted by Fernet, as very old wallets are", RESAVE));
    }
    // What serde says of a document may quote it.
    let raw: Raw = serde_json::from_slice(bytes)
        .map_err(|error| malformed(path, &format!("no JSON object of texts at line {}", error.line())))?;
    of_document(&raw, path)
}

fn of_document(raw: &Raw, path: &Path) -> Result<Content, WalletError> {
    if raw.encoded.is_some() && raw.encoding.is_some() {
        let advice = "regenerate the key with btcli, from that export or its mnemonic";
        return Err(unsupported(path, "an account that a browser wallet exported (polkadot.js)", advice));
    }
    if let Some(kind) = raw.crypto_type.as_ref().filter(|kind| kind.as_u64() != Some(SR25519)) {
        let what =
            if kind.as_u64() == Some(0) { "an ed25519 key" } else { "a key of an unknown cryptography" };
        return Err(unsupported(path, what, "the subnets' wallets are sr25519"));
    }
    let Some(stored) = &raw.address else { return Err(malformed(path, "it names no ss58Address")) };
    let stored: Address = stored.parse().map_err(|error| malformed(path, &format!("{error}")))?;
    let Some(key) = key(raw) else {
        return match (&raw.secret, &raw.seed, &raw.phrase) {
            (None, None, None) => Ok(Content::Public(stored)),
            (None, None, Some(_)) => Err(unsupported(path, "a key file with a mnemonic alone", RESAVE)),
            _ => Err(malformed(path, "its secret is not hexadecimal digits of the right length")),
        };
    };
    match key.address() {
        derived if derived == stored => Ok(Content::Plain(key)),
        derived => Err(WalletError::AnotherAddress { path: path.to_owned(), stored, derived }),
    }
}

/// The key by its long form, which every file since 2023 has, else by its seed. Some programs wrote seeds that are none.
fn key(raw: &Raw) -> Option<Key> {
    let of_secret = |text: &SecretString| Key::of_secret(&*from_hex::<64>(text.expose_secret())?);
    let of_seed = |text: &SecretString| Key::of_seed(&*from_hex::<32>(text.expose_secret())?);
    raw.secret.as_ref().and_then(of_secret).or_else(|| raw.seed.as_ref().and_then(of_seed))
}

fn malformed(path: &Path, reason: &str) -> WalletError {
    WalletError::Malformed { path: path.to_owned(), reason: reason.to_owned() }
}

fn unsupported(path: &Path, what: &str, advice: &'static str) -> WalletError {
    WalletError::Unsupported { path: path.to_owned(), what: what.to_owned(), advice }
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &std::fs::Metadata) -> bool {
    false
}
