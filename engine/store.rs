//! The run store: everything about a run in `runs/<id>/run.sqlite`.
//!
//! An append-only table holds the events, each under its ordinal, and transcripts stand compressed beside
//! them. An event is on disk before anybody believes it: one transaction, synced, per batch of results.
//! What the events mean is not decided here; the search tells.

mod calls;
mod doctor;
mod excerpt;
mod folder;
mod lock;
mod plans;
mod salvage;
mod schema;
mod transcripts;
mod whole_file;

use crate::cache::create_private;
use crate::episode::Episode;
use crate::event::{Event, RunStarted};
use crate::llm::meter::WorkClock;
use anyhow::{Context, bail};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

pub use calls::CallBook;
pub use doctor::{Finding, Soundness, examine, repair};
pub use folder::{RunEntry, run_entries, run_entry, run_folders, utc_text};
pub use lock::holder;
use lock::lock;
pub use plans::{phases, whole_plans};
use transcripts::compressed;
pub use transcripts::{Transcript, Transcripts, Unpacker};
pub use whole_file::{write_private, write_whole};

const NOTE_WORKED: &str = "INSERT OR REPLACE INTO meta (key, value) VALUES ('worked_ms', ?1)";

/// An open run. While it is open for writing, no other process can write to it.
pub struct Store {
    connection: Connection,
    folder: PathBuf,
    /// How long processes have worked at the run.
    clock: WorkClock,
    /// Held, not read: the lock ends with it.
    _lock: Option<File>,
}

/// An event as it stands in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub ordinal: u32,
    pub event: Event,
    /// When and how long: the only part in which two runs with equal inputs differ.
    pub wall_clock: WallClock,
}

/// Readings of the clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WallClock {
    /// When it was recorded, in milliseconds since 1970.
    pub recorded_ms: u64,
    /// How long the step took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

/// What a run keeps of its suite, which may change or be elsewhere later.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// The rubrics as JSON by scenario, so that the run can be explained and scored again.
    pub rubrics: &'a str,
    /// The hashes of what agents meet, by scenario, so that a later suite can be told from one that only scores
    /// otherwise.
    pub encounters: &'a BTreeMap<String, String>,
}

impl Store {
    /// Begins a new run in the runs folder, with its first event. A run folder appears when all of this is on
    /// disk, so that a run that was killed can be resumed, or has never begun.
    pub fn begin(
        runs: &Path,
        now_ms: u64,
        settings: &serde_json::Value,
        started: RunStarted,
        kept: Kept<'_>,
    ) -> anyhow::Result<Store> {
        folder::remove_unborn(runs)?;
        let unborn = folder::unborn(runs);
        let mut store = Store::create(&unborn, settings)?;
        store.keep("rubrics", kept.rubrics)?;
        store.keep("encounters", &serde_json::to_string(kept.encounters)?)?;
        let wall_clock = WallClock { recorded_ms: now_ms, took_ms: None };
        store.record(&[(Record { ordinal: 0, event: Event::RunStarted(started), wall_clock }, None)])?;
        drop(store);
        let folder = folder::give_name(&unborn, runs, now_ms)?;
        sync_folder(runs)?;
        Store::open(&folder)
    }

    /// Creates the folder and the store of a new run. `settings` is what a resumption needs besides the
    /// events: paths, endpoints, the degree of parallelism.
    pub fn create(folder: &Path, settings: &serde_json::Value) -> anyhow::Result<Store> {
        create_private(folder).with_context(|| format!("create the run folder {}", folder.display()))?;
        let lock = lock(folder)?;
        let path = folder.join(schema::FILE);
        if path.exists() {
            bail!("the run folder {} holds a run already", folder.display());
        }
        let connection = Connection::open(&path).with_context(|| format!("create {}", path.display()))?;
        schema::prepare(&connection)?;
        connection
            .execute("INSERT INTO meta (key, value) VALUES ('settings', ?1)", [settings.to_string()])?;
        Store::with(connection, folder, Some(lock))
    }

    /// Opens a run to go on with it. Fails when another process writes to it.
    pub fn open(folder: &Path) -> anyhow::Result<Store> {
        let path = existing(folder)?;
        let lock = lock(folder)?;
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .with_context(|| format!("open {}", path.display()))?;
        schema::keep_copy(&connection, folder)?;
        schema::prepare(&connection).with_context(|| format!("open {}", path.display()))?;
        Store::with(connection, folder, Some(lock))
    }

    /// Opens a run to look at it, also while another process writes to it.
    pub fn open_to_read(folder: &Path) -> anyhow::Result<Store> {
        let path = existing(folder)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let readable = Connection::open_with_flags(&path, flags).and_then(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
            Ok(connection)
        });
        // A folder that cannot be written to has no room for SQLite's shared memory; as nobody writes there,
        // the file can be read as it stands, unless its newest events are still in the log beside it.
        let connection = readable.or_else(|error| {
            if has_log(&path) {
                return Err(error);
            }
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(format!("file:{}?immutable=1", uri_path(&path)), flags)
        });
        let connection = connection.with_context(|| match has_log(&path) {
            true => format!(
                "open {}, which needs a folder that can be written to; copy the run there",
                path.display()
            ),
            false => format!("open {}", path.display()),
        })?;
        schema::check(&connection).with_context(|| format!("open {}", path.display()))?;
        Store::with(connection, folder, None)
    }

    fn with(connection: Connection, folder: &Path, lock: Option<File>) -> anyhow::Result<Store> {
        let sql = "SELECT value FROM meta WHERE key = 'worked_ms'";
        let worked: Option<String> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
        let worked_ms = worked.and_then(|text| text.parse().ok()).unwrap_or(0);
        let clock = match &lock {
            Some(_) => WorkClock::started(worked_ms),
            None => WorkClock::standing(worked_ms),
        };
        Ok(Store { connection, folder: folder.to_owned(), clock, _lock: lock })
    }

    /// How long processes have worked at the run, as far as it is recorded.
    pub fn worked_ms(&self) -> u64 {
        self.clock.worked().as_millis() as u64
    }

    /// The run rests: its time stands still until it works again.
    pub fn rest(&mut self) -> anyhow::Result<()> {
        self.clock.rest();
        self.note_worked()
    }

    /// Keeps whether the run is paused, beyond the process that works at it.
    pub fn keep_paused(&self, is_paused: bool) -> anyhow::Result<()> {
        let sql = match is_paused {
            true => "INSERT OR REPLACE INTO meta (key, value) VALUES ('paused', '')",
            false => "DELETE FROM meta WHERE key = 'paused'",
        };
        self.connection.execute(sql, []).context("keep whether the run is paused")?;
        Ok(())
    }

    /// Whether the run was paused when a process worked at it last.
    pub fn is_paused(&self) -> anyhow::Result<bool> {
        let sql = "SELECT count(*) FROM meta WHERE key = 'paused'";
        Ok(self.connection.query_row(sql, [], |row| row.get::<_, u32>(0))? > 0)
    }

    /// The run works again.
    pub fn work(&mut self) {
        self.clock.work();
    }

    /// Records how long this process has worked, also where it recorded nothing else.
    pub fn note_worked(&self) -> anyhow::Result<()> {
        self.connection.execute(NOTE_WORKED, [self.worked_until_now()])?;
        Ok(())
    }

    fn worked_until_now(&self) -> String {
        self.worked_ms().to_string()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the run was started with besides its events.
    pub fn settings(&self) -> anyhow::Result<serde_json::Value> {
        let sql = "SELECT value FROM meta WHERE key = 'settings'";
        let text: Option<String> = self.connection.query_row(sql, [], |row| row.get(0)).optional()?;
        let folder = self.folder.display();
        let text = text.with_context(|| format!("{folder} has no settings: it is no whole run"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Appends events with their transcripts, all or none, and syncs them to disk. An ordinal that is
    /// taken is an error: no step is ever recorded twice.
    pub fn record(&mut self, records: &[(Record, Option<Episode>)]) -> anyhow::Result<()> {
        let worked = self.worked_until_now();
        let transaction = self.connection.transaction()?;
        for (record, episode) in records {
            let body = serde_json::to_string(&record.event)?;
            let wall_clock = serde_json::to_string(&record.wall_clock)?;
            transaction
                .prepare_cached("INSERT INTO events (ordinal, body, wall_clock) VALUES (?1, ?2, ?3)")?
                .execute(params![record.ordinal, body, wall_clock])
                .with_context(|| format!("record event {}", record.ordinal))?;
            if let Some(episode) = episode {
                transaction
                    .prepare_cached("INSERT INTO transcripts (ordinal, body) VALUES (?1, ?2)")?
                    .execute(params![record.ordinal, compressed(&serde_json::to_string(episode)?)?])?;
            }
        }
        transaction.prepare_cached(NOTE_WORKED)?.execute([worked])?;
        transaction.commit().context("write the events to disk")
    }

    /// All events, in the order of their ordinals.
    pub fn records(&self) -> anyhow::Result<Vec<Record>> {
        self.records_where("ordinal >= ?1", 0)
    }

    fn keep(&self, key: &str, value: &str) -> anyhow::Result<()> {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)";
        self.connection.execute(sql, [key, value]).with_context(|| format!("keep the {key} of the run"))?;
        Ok(())
    }

    /// The rubrics that the run began with; none in runs from before they were kept.
    pub fn rubrics(&self) -> anyhow::Result<Option<String>> {
        let sql = "SELECT value FROM meta WHERE key = 'rubrics'";
        Ok(self.connection.query_row(sql, [], |row| row.get(0)).optional()?)
    }

    /// The hashes of what agents met, by scenario; none in runs from before they were kept.
    pub fn encounters(&self) -> anyhow::Result<Option<BTreeMap<String, String>>> {
        let sql = "SELECT value FROM meta WHERE key = 'encounters'";
        let text: Option<String> = self.connection.query_row(sql, [], |row| row.get(0)).optional()?;
        text.map(|text| serde_json::from_str(&text).context("read what agents met in the run")).transpose()
    }
}

fn existing(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join(schema::FILE);
    if !path.is_file() {
        bail!("{} is not a run: there is no {} in it", folder.display(), schema::FILE);
    }
    Ok(path)
}

/// Has the names in a folder survive a power cut.
fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .with_context(|| format!("sync {}", folder.display()))?;
    Ok(())
}

/// Whether events lie in SQLite's log and not yet in the file.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// The characters with a meaning in SQLite's file URIs, escaped.
fn uri_path(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

#[cfg(test)]
mod tests;
