//! Wallets: key files as Bittensor's own programs leave them on disk, and what is signed with them without a chain.
//!
//! Only files whose key is proved to belong to the address they name are used, and formats that are not understood are
//! refused by name. Secrets are in no message, and wiped when they are no longer needed. Nothing is written here.

mod address;
mod credentials;
mod hexadecimal;
mod key;
mod keyfile;
mod lock;
mod place;

pub use address::{Address, AddressError};
pub use credentials::{Credentials, CredentialsError};
pub use hexadecimal::from_hex;
pub use key::{Key, SIGNATURE_BYTES, Signature, verify, verify_message};
pub use keyfile::{Form, KeyFile, WalletError};
pub use place::{WalletPlace, WalletPlaceError};
