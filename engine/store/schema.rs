//! The tables of a run store, their version, and the way from older versions to this one.

use anyhow::{Context, bail};
use rusqlite::Connection;

/// The name of the store in its run folder.
pub const FILE: &str = "run.sqlite";

/// Marks the file as a Packwright run ("pkwr" in ASCII).
const APPLICATION_ID: i32 = 0x706b_7772;

/// Each entry takes the store from the version that is its index to the next one.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE events (
        ordinal INTEGER PRIMARY KEY,
        body TEXT NOT NULL,
        wall_clock TEXT NOT NULL
    ) STRICT;
    CREATE TABLE transcripts (
        ordinal INTEGER PRIMARY KEY REFERENCES events (ordinal),
        body BLOB NOT NULL
    ) STRICT;
    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
",
    "
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY,
        body TEXT NOT NULL,
        settled TEXT
    ) STRICT;
",
];

/// Sets the connection up for durable writing and brings the tables to the newest version.
pub fn prepare(connection: &Connection) -> anyhow::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    let version = version(connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let next = index + 1;
        connection
            .execute_batch(&format!(
                "BEGIN; {migration} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {next}; COMMIT;"
            ))
            .with_context(|| format!("bring the run store to version {next}"))?;
    }
    Ok(())
}

/// Keeps a copy of a store of an older version beside it, before that is brought to this one.
pub fn keep_copy(connection: &Connection, folder: &std::path::Path) -> anyhow::Result<()> {
    let version = version(connection)?;
    let copy = folder.join(format!("{FILE}.v{version}"));
    if version == 0 || version == newest_version() || copy.exists() {
        return Ok(());
    }
    // Under another name until it is whole.
    let part = copy.with_extension(format!("v{version}.part"));
    if part.exists() {
        std::fs::remove_file(&part).with_context(|| format!("remove {}", part.display()))?;
    }
    connection
        .execute("VACUUM INTO ?1", [part.to_string_lossy()])
        .with_context(|| format!("copy the store of version {version} to {}", part.display()))?;
    std::fs::File::open(&part)?.sync_all().with_context(|| format!("write {}", part.display()))?;
    std::fs::rename(&part, &copy).with_context(|| format!("name the copy {}", copy.display()))
}

/// The version that this program writes.
pub fn newest_version() -> usize {
    MIGRATIONS.len()
}

/// Refuses what is not a run store. Older versions can be read as they are.
pub fn check(connection: &Connection) -> anyhow::Result<()> {
    match version(connection)? {
        0 => bail!("this is no run store"),
        _ => Ok(()),
    }
}

/// Whether the store is of a version that keeps calls.
pub fn has_calls(connection: &Connection) -> anyhow::Result<bool> {
    Ok(version(connection)? >= 2)
}

/// The version of the tables; 0 where there are none.
pub fn version(connection: &Connection) -> anyhow::Result<usize> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = version as usize;
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if version > 0 && application != APPLICATION_ID {
        bail!("this is a database of another program");
    }
    if version > MIGRATIONS.len() {
        bail!(
            "the run store has version {version}, made by a newer packwright; this one knows {}",
            MIGRATIONS.len()
        );
    }
    Ok(version)
}
