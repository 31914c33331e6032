//! What a batch has begun: which run each of its entries is. It is kept beside the runs, so that the file can be edited and
//! started again.

use crate::exit::BadInput;
use anyhow::Context;
use packwright::batch::{Batch, Entry};
use packwright::store::write_whole;
use packwright::units::sha256_hex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf, absolute};

/// The record of a batch, which no other process changes meanwhile.
pub struct BatchRecord {
    path: PathBuf,
    kept: Kept,
    _lock: File,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// The batch file.
    file: PathBuf,
    /// By the names of the entries.
    begun: BTreeMap<String, Begun>,
}

/// A run that an entry has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Of the entry as it was.
    pub fingerprint: String,
    pub run: String,
}

/// What an entry was when the batch ran before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    Nothing,
    Same(String),
    /// It had other options, and this was its run.
    Other(String),
}

impl BatchRecord {
    /// The record of a batch file among these runs; an empty one for a new file.
    pub fn open(file: &Path, runs: &Path) -> anyhow::Result<BatchRecord> {
        let file = absolute(file).with_context(|| format!("find {}", file.display()))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let hash = sha256_hex(file.as_os_str().as_encoded_bytes());
        let path = runs.join(format!("batch-{stem}-{}.json", &hash[..8]));
        let lock = lock(&path.with_extension("lock"))?;
        let kept = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                BadInput(format!("{} is broken: {error}; remove it to begin anew", path.display()))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept { file, ..Kept::default() },
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        Ok(BatchRecord { path, kept, _lock: lock })
    }

    /// A file beside the record, for what else is kept of the batch.
    pub fn beside(&self, ending: &str) -> PathBuf {
        self.path.with_extension(ending)
    }

    pub fn before(&self, entry: &Entry) -> Before {
        match self.kept.begun.get(&entry.name) {
            None => Before::Nothing,
            Some(begun) if begun.fingerprint == entry.fingerprint() => Before::Same(begun.run.clone()),
            Some(begun) => Before::Other(begun.run.clone()),
        }
    }

    /// Keeps which run an entry is, before that does anything.
    pub fn note(&mut self, entry: &Entry, run: &str) -> anyhow::Result<()> {
        let begun = Begun { fingerprint: entry.fingerprint(), run: run.to_owned() };
        self.kept.begun.insert(entry.name.clone(), begun);
        let text = serde_json::to_string_pretty(&self.kept)?;
        write_whole(&self.path, text).with_context(|| format!("write {}", self.path.display()))
    }

    /// What was begun and is in the file no more.
    pub fn strangers(&self, batch: &Batch) -> Vec<String> {
        let is_gone = |name: &&String| batch.entries.iter().all(|entry| entry.name != **name);
        let gone = self.kept.begun.keys().filter(is_gone);
        gone.map(|name| format!("{name}: no longer in the file; its run {} stays", self.kept.begun[name].run))
            .collect()
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            (&file).write_all(std::process::id().to_string().as_bytes())?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(path).unwrap_or_default();
            Err(BadInput(format!("process {holder} is at this batch already; wait for it or stop it first"))
                .into())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}
