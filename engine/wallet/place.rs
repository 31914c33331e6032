//! Where the files of a wallet lie: `FOLDER/WALLET/coldkey` and `FOLDER/WALLET/hotkeys/HOTKEY`.

use std::path::{Path, PathBuf};

/// A wallet's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletPlace {
    folder: PathBuf,
}

/// A name that would lead somewhere else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a wallet or hotkey: it names one file, so it has no slash and is not empty")]
pub struct WalletPlaceError(String);

impl WalletPlace {
    /// The wallet of that name in the folder of wallets, usually `~/.bittensor/wallets`.
    pub fn new(wallets: &Path, wallet: &str) -> Result<WalletPlace, WalletPlaceError> {
        Ok(WalletPlace { folder: wallets.join(file_name(wallet)?) })
    }

    pub fn coldkey(&self) -> PathBuf {
        self.folder.join("coldkey")
    }

    pub fn hotkey(&self, name: &str) -> Result<PathBuf, WalletPlaceError> {
        Ok(self.folder.join("hotkeys").join(file_name(name)?))
    }
}

fn file_name(name: &str) -> Result<&str, WalletPlaceError> {
    let is_one = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
    if is_one { Ok(name) } else { Err(WalletPlaceError(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        let place = WalletPlace::new(Path::new("wallets"), "miner").unwrap();
        assert_eq!(place.coldkey(), Path::new("wallets/miner/coldkey"));
        assert_eq!(place.hotkey("hk 1").unwrap(), Path::new("wallets/miner/hotkeys/hk 1"));
        for name in ["", ".", "..", "../x", "a/b", "/etc/passwd", r"a\b"] {
            assert!(
                WalletPlace::new(Path::new("wallets"), name).is_err() && place.hotkey(name).is_err(),
                "{name}"
            );
        }
    }
}
