//! Which wallet is meant, and its password.

use crate::exit::BadInput;
use crate::out;
use clap::Args;
use packwright::shell::path_in_shell;
use packwright::wallet::{Key, KeyFile, WalletError, WalletPlace};
use secrecy::SecretString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

pub const PASSWORD_VARIABLE: &str = "PACKWRIGHT_WALLET_PASSWORD";

#[derive(Args, Debug, Clone)]
pub struct WalletChoice {
    /// The wallet's name
    #[arg(long, env = "PACKWRIGHT_WALLET", value_name = "NAME")]
    pub wallet: Option<String>,

    /// Where wallets are kept [default: ~/.bittensor/wallets]
    #[arg(long, env = "PACKWRIGHT_WALLET_PATH", value_name = "FOLDER")]
    pub wallet_path: Option<PathBuf>,
}

#[derive(Args, Debug, Clone)]
pub struct HotkeyChoice {
    #[command(flatten)]
    pub wallet: WalletChoice,

    /// The hotkey's name
    #[arg(long, env = "PACKWRIGHT_HOTKEY", default_value = "default", value_name = "NAME")]
    pub hotkey: String,
}

impl WalletChoice {
    pub fn place(&self) -> anyhow::Result<WalletPlace> {
        match &self.wallet {
            Some(name) => self.named(name),
            None => Err(BadInput("name a wallet: --wallet NAME, or PACKWRIGHT_WALLET".into()).into()),
        }
    }

    /// The wallet of another name at the same place.
    pub fn named(&self, name: &str) -> anyhow::Result<WalletPlace> {
        Ok(WalletPlace::new(&self.folder()?, name).map_err(|error| BadInput(error.to_string()))?)
    }

    /// Where wallets are kept.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.wallet_path {
            Some(folder) => Ok(folder.clone()),
            None => Ok(home()?.join(".bittensor").join("wallets")),
        }
    }
}

fn home() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    Ok(home.ok_or_else(|| {
        BadInput("there is no home folder: name where wallets are with --wallet-path".into())
    })?)
}

/// Reads a key file, and warns where others can read it, too.
pub fn read(path: &Path) -> anyhow::Result<KeyFile> {
    let file = KeyFile::read(path).map_err(told)?;
    if file.is_readable_by_others && file.form() != packwright::wallet::Form::Public {
        let word = path_in_shell(path);
        out::note(format_args!("warning: others can read {}; `chmod 600 {word}`", path.display()));
    }
    Ok(file)
}

/// The key; its password is from the environment, or asked for.
pub fn unlock(file: KeyFile) -> anyhow::Result<Key> {
    file.unlock(|| password_set().or_else(password_asked)).map_err(told)
}

/// The key, where nobody is there who could be asked.
#[cfg(feature = "chain")]
pub fn unlock_unattended(file: KeyFile) -> anyhow::Result<Key> {
    file.unlock(password_set).map_err(told)
}

fn password_set() -> Option<SecretString> {
    let set = std::env::var(PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty());
    set.map(SecretString::from)
}

fn password_asked() -> Option<SecretString> {
    let is_asked = std::io::stdin().is_terminal();
    let password = is_asked.then(|| rpassword::prompt_password("Password of the wallet: ").ok()).flatten();
    password.map(SecretString::from)
}

/// The error, with where a password is from.
fn told(error: WalletError) -> anyhow::Error {
    let advice = match error {
        WalletError::NeedsPassword(_) => format!("; set {PASSWORD_VARIABLE}, or ask on a terminal"),
        _ => String::new(),
    };
    BadInput(format!("{error}{advice}")).into()
}
