//! The cache: episodes and replies that were paid for once and may serve again, in one SQLite file for all
//! runs of a user.
//!
//! It knows keys and texts, not what they mean. A key is the hash of everything that an entry depends on, and
//! these parts are kept beside the entry, so that it can be explained. Nothing here stops a run: what goes
//! wrong is told once, and the run goes on without a cache.

mod catalog;
mod schema;

use crate::units::sha256_hex;
use anyhow::Context;
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub use catalog::{Catalog, Entry, Group, Selection};
pub use schema::FILE;

/// A run that finds more than this removes what was used longest ago.
const BYTES_MAX: u64 = 2 << 30;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A finished episode, for later runs.
    Episode,
    /// A model's reply, for the run that got it.
    Reply,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Episode => "episode",
            Kind::Reply => "reply",
        }
    }
}

/// What an entry is found by.
#[derive(Clone, Debug)]
pub struct Key {
    kind: Kind,
    model: String,
    /// JSON of everything that the entry depends on.
    explanation: String,
    hash: String,
}

impl Key {
    /// The key of these parts. They are shown to people and stored: no secret may be among them.
    pub fn of(kind: Kind, model: &str, parts: &impl Serialize) -> serde_json::Result<Key> {
        let explanation = serde_json::to_string(parts)?;
        let hash = sha256_hex(format!("{} {explanation}", kind.word()).as_bytes());
        Ok(Key { kind, model: model.to_owned(), explanation, hash })
    }

    /// The SHA-256 in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub text: String,
    /// This run put it there itself, so it has paid for it.
    pub is_own: bool,
}

/// The cache as one run uses it.
pub struct Cache {
    /// None once something went wrong.
    connection: Mutex<Option<Connection>>,
    run: String,
    age_ms_max: u64,
    replies_found: AtomicU64,
    /// What went wrong, until somebody has asked.
    problem: Mutex<Option<String>>,
}

impl Cache {
    /// Opens the cache in a folder and makes both where they are missing. `run` names the run, different from
    /// all others; entries that are older than `days_max` are not found.
    pub fn open(folder: &Path, run: &str, days_max: u32) -> anyhow::Result<Cache> {
        create_private(folder).with_context(|| format!("create {}", folder.display()))?;
        let path = folder.join(FILE);
        let mut connection = Connection::open(&path).with_context(|| format!("open {}", path.display()))?;
        schema::prepare(&mut connection).with_context(|| format!("open {}", path.display()))?;
        catalog::trim(&connection, BYTES_MAX).with_context(|| format!("tidy {}", path.display()))?;
        Ok(Cache {
            connection: Mutex::new(Some(connection)),
            run: run.to_owned(),
            age_ms_max: u64::from(days_max) * DAY_MS,
            replies_found: AtomicU64::new(0),
            problem: Mutex::default(),
        })
    }

    /// The run that uses the cache.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Looks an entry up.
    pub async fn find(self: &Arc<Self>, key: &Arc<Key>) -> Option<Found> {
        let (cache, key) = (self.clone(), key.clone());
        tokio::task::spawn_blocking(move || cache.find_now(&key)).await.ok().flatten()
    }

    /// Keeps an entry; one of the same key gives way to it, as the newest says most about the model of today.
    pub async fn keep(self: &Arc<Self>, key: &Arc<Key>, text: String) {
        let (cache, key) = (self.clone(), key.clone());
        // It panics only if SQLite's wrapper does; then there is nothing kept, and nothing lost but that.
        let _ =
            tokio::task::spawn_blocking(move || cache.attempt(|c| write(c, &key, &cache.run, &text))).await;
    }

    /// Removes this run's replies: a run that came to its end does not ask again.
    pub fn forget_replies(&self) {
        let sql = "DELETE FROM entries WHERE kind = 'reply' AND run = ?1";
        self.attempt(|connection| Ok(connection.execute(sql, [&self.run])?));
    }

    /// How many replies were found since the cache was opened.
    pub fn replies_found(&self) -> u64 {
        self.replies_found.load(Ordering::Relaxed)
    }

    /// What went wrong, once.
    pub fn problem(&self) -> Option<String> {
        locked(&self.problem).take()
    }

    /// Reports an entry whose text is not what its key says. It is as good as missing.
    pub fn report_unreadable(&self, key: &Key, error: &serde_json::Error) {
        self.report(&format!("the entry {} cannot be read ({error})", key.hash));
    }

    fn find_now(&self, key: &Key) -> Option<Found> {
        let (text, run) = self.attempt(|c| read(c, key, now_ms().saturating_sub(self.age_ms_max)))??;
        if key.kind == Kind::Reply {
            self.replies_found.fetch_add(1, Ordering::Relaxed);
        }
        Some(Found { text, is_own: run == self.run })
    }

    /// Does something with the file; when that fails, the run goes on without it.
    fn attempt<T>(&self, act: impl FnOnce(&Connection) -> anyhow::Result<T>) -> Option<T> {
        let mut connection = locked(&self.connection);
        let result = act(connection.as_ref()?);
        result
            .map_err(|error| {
                *connection = None;
                self.report(&format!("{error:#}; the run goes on without it"));
            })
            .ok()
    }

    fn report(&self, problem: &str) {
        locked(&self.problem).get_or_insert_with(|| format!("the cache cannot be used: {problem}"));
    }
}

/// The text of an entry that is not too old, and the run that put it there.
fn read(connection: &Connection, key: &Key, oldest_ms: u64) -> anyhow::Result<Option<(String, String)>> {
    let sql = "UPDATE entries SET used_ms = ?3 WHERE key = ?1 AND created_ms >= ?2 RETURNING body, run";
    let mut statement = connection.prepare_cached(sql)?;
    let row: Option<(Vec<u8>, String)> = statement
        .query_row(params![key.hash, oldest_ms as i64, now_ms() as i64], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((body, run)) = row else { return Ok(None) };
    let mut text = String::new();
    let unpacked = DeflateDecoder::new(&body[..]).read_to_string(&mut text);
    unpacked.with_context(|| format!("unpack the entry {}", key.hash))?;
    Ok(Some((text, run)))
}

fn write(connection: &Connection, key: &Key, run: &str, text: &str) -> anyhow::Result<()> {
    let mut body = Vec::new();
    DeflateEncoder::new(text.as_bytes(), Compression::fast()).read_to_end(&mut body)?;
    let size = (body.len() + key.explanation.len()) as i64;
    let sql =
        "INSERT OR REPLACE INTO entries (key, kind, model, run, created_ms, used_ms, size, explanation, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)";
    let mut statement = connection.prepare_cached(sql)?;
    let (kind, now) = (key.kind.word(), now_ms() as i64);
    statement.execute(params![key.hash, kind, key.model, run, now, size, key.explanation, body])?;
    Ok(())
}

/// What a panic elsewhere left is whole: every change is one statement.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
/// Creates a folder, and those above it, that only its owner can look into: whole conversations stand in it.
pub(crate) fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
