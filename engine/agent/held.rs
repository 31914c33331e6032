//! Folders that belong to a process for as long as it lives: each is held by a lock, so that what killed programs
//! have left can be told from what is in use, in any container and after any number of reused process ids.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Another program may take a new folder for an abandoned one before it is held, though hardly twice.
const TRIES: usize = 8;

/// A folder that nobody else can read; it goes when this is dropped.
pub(crate) struct HeldFolder {
    path: PathBuf,
    /// None on file systems without locks, where nothing is known to be abandoned either.
    _lock: Option<File>,
}

impl HeldFolder {
    /// Removes what was abandoned in a place, and makes a new folder there.
    pub fn new(root: &Path, prefix: &str) -> io::Result<HeldFolder> {
        remove_abandoned(root, prefix);
        for _ in 0..TRIES {
            let path = root.join(format!("{prefix}{:016x}", rand::random::<u64>()));
            DirBuilder::new().mode(0o700).create(&path)?;
            let lock = match hold(&path) {
                Ok(lock) => Some(lock),
                Err(TryLockError::Error(_)) => None,
                Err(TryLockError::WouldBlock) => continue,
            };
            if path.exists() {
                // Prompts name the place as a gateway resolves it.
                return Ok(HeldFolder { path: path.canonicalize()?, _lock: lock });
            }
        }
        Err(io::Error::other("other programs remove it again and again"))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for HeldFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes what killed programs have left, since it holds conversations or hundreds of megabytes.
fn remove_abandoned(root: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix))
            && let Ok(_lock) = hold(&entry.path())
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn hold(folder: &Path) -> Result<File, TryLockError> {
    let lock = File::open(folder).map_err(TryLockError::Error)?;
    lock.try_lock().map(|()| lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let [abandoned, other] = ["work-1", "other-1"].map(|name| root.path().join(name));
        std::fs::create_dir_all(abandoned.join("inside")).unwrap();
        std::fs::create_dir(&other).unwrap();
        let first = HeldFolder::new(root.path(), "work-").unwrap();
        assert!(!abandoned.exists() && other.exists());
        let second = HeldFolder::new(root.path(), "work-").unwrap();
        assert!(first.path().exists() && second.path().exists());
        let left = first.path().to_owned();
        drop(first);
        assert!(!left.exists() && second.path().exists());
    }
}
