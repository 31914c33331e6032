//! The lock of a run's folder: one process writes to a run, and it is known which. It ends with its process, however
//! that ends.

use anyhow::{Context, bail};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

const FILE: &str = "run.lock";
/// Who only looks whether the lock is held holds it for a moment.
const ATTEMPTS: u32 = 10;
const MOMENT: Duration = Duration::from_millis(20);

/// Takes the lock of the run folder, which names its holder.
pub(super) fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(FILE);
    let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    for attempt in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(MOMENT),
            Err(TryLockError::WouldBlock) => bail!(
                "the run {} is in use by process {}; wait for it or stop it first",
                folder.display(),
                std::fs::read_to_string(&path).unwrap_or_default()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("lock {}", path.display()));
            }
        }
    }
    file.set_len(0)?;
    std::io::Write::write_all(&mut &file, std::process::id().to_string().as_bytes())?;
    Ok(file)
}

/// The process that writes to a run; none where there is none.
pub fn holder(folder: &Path) -> anyhow::Result<Option<u32>> {
    let path = folder.join(FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("open {}", path.display())),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            Ok(text.trim().parse().ok())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}
