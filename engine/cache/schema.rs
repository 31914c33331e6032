//! The table of the cache, its version, and what is not a cache of this program.

use anyhow::{Context, bail};
use rusqlite::{Connection, TransactionBehavior};
use std::time::Duration;

/// The name of the cache in its folder.
pub const FILE: &str = "cache.sqlite";

/// Marks the file as Packwright's cache ("pkwc" in ASCII).
const APPLICATION_ID: i32 = 0x706b_7763;
const VERSION: i32 = 1;
/// Another process may be tidying a large file.
const BUSY_MAX: Duration = Duration::from_secs(30);

/// The columns that lists need stand before the long ones.
const TABLE: &str = "
    CREATE TABLE entries (
        key TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        model TEXT NOT NULL,
        run TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        used_ms INTEGER NOT NULL,
        size INTEGER NOT NULL,
        explanation TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entries_by_run ON entries (kind, run);
";

/// Makes the table where the file is new, and refuses a file of another program or version. A cache is not
/// worth a migration: what an older version kept may be removed.
pub fn prepare(connection: &mut Connection) -> anyhow::Result<()> {
    connection.busy_timeout(BUSY_MAX)?;
    if is_new(connection)? {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        create(connection)?;
    }
    check(connection)?;
    // A reply that the last second before a power cut brought may be asked for again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(())
}

/// Refuses what is not a cache of this version.
pub fn check(connection: &Connection) -> anyhow::Result<()> {
    connection.busy_timeout(BUSY_MAX)?;
    let (application, version) = marks(connection)?;
    if application != APPLICATION_ID {
        bail!("it is a file of another program");
    }
    if version != VERSION {
        bail!(
            "it has version {version}, this program knows {VERSION}; remove the file, or set PACKWRIGHT_CACHE"
        );
    }
    Ok(())
}

fn is_new(connection: &Connection) -> anyhow::Result<bool> {
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .context("read it as a database")?;
    Ok(tables == 0 && marks(connection)? == (0, 0))
}

/// Another process may create it at the same moment, so it is looked at again under the lock.
fn create(connection: &mut Connection) -> anyhow::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_new(&transaction)? {
        let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};");
        transaction.execute_batch(&format!("{TABLE}{marks}"))?;
    }
    Ok(transaction.commit()?)
}

fn marks(connection: &Connection) -> anyhow::Result<(i32, i32)> {
    let mark = |name: &str| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((mark("application_id")?, mark("user_version")?))
}
