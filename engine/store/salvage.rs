//! What can still be read of a run's store, row by row, whatever happened to the file.

use super::{Record, schema};
use anyhow::Context;
use rusqlite::{Connection, OpenFlags, Row};
use std::collections::BTreeMap;
use std::path::Path;

/// After so many broken places nobody looks further.
const BROKEN_MAX: u32 = 5_000;

/// The readable rows of a store.
#[derive(Default)]
pub(super) struct Salvage {
    pub version: usize,
    /// What SQLite says of the file's pages; empty where they are sound.
    pub faults: Vec<String>,
    pub meta: BTreeMap<String, String>,
    /// The records whose events can be understood.
    pub records: Vec<Record>,
    /// Ordinals whose events can not.
    pub broken_events: Vec<u32>,
    /// Transcripts by their ordinals, as they are kept.
    pub transcripts: BTreeMap<u32, Vec<u8>>,
    /// Calls with their settlements, by their numbers.
    pub calls: BTreeMap<u32, (String, Option<String>)>,
}

impl Salvage {
    /// Fails only where nothing at all can be read.
    pub fn of(folder: &Path) -> anyhow::Result<Salvage> {
        let path = folder.join(schema::FILE);
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .with_context(|| format!("open {}", path.display()))?;
        schema::check(&connection).with_context(|| format!("read {}", path.display()))?;
        let mut salvage = Salvage { version: schema::version(&connection)?, ..Salvage::default() };
        salvage.faults = faults(&connection);
        let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        if let Ok(mut statement) = connection.prepare("SELECT key, value FROM meta")
            && let Ok(rows) = statement.query_map([], pair)
        {
            salvage.meta = rows.flatten().collect();
        }
        let events = salvage.rows(&connection, "events", "ordinal", "body, wall_clock", |row| {
            Ok((row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        });
        for (ordinal, (body, wall_clock)) in events {
            match (serde_json::from_str(&body), serde_json::from_str(&wall_clock)) {
                (Ok(event), Ok(wall_clock)) => salvage.records.push(Record { ordinal, event, wall_clock }),
                _ => salvage.broken_events.push(ordinal),
            }
        }
        salvage.transcripts = salvage.rows(&connection, "transcripts", "ordinal", "body", |row| row.get(1));
        if schema::has_calls(&connection)? {
            salvage.calls = salvage
                .rows(&connection, "calls", "number", "body, settled", |row| Ok((row.get(1)?, row.get(2)?)));
        }
        Ok(salvage)
    }

    /// The rows of a table by their keys; what is broken is passed over.
    fn rows<T>(
        &mut self,
        connection: &Connection,
        table: &str,
        key: &str,
        columns: &str,
        of: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> BTreeMap<u32, T> {
        let sql = format!("SELECT {key}, {columns} FROM {table} WHERE {key} >= ?1 ORDER BY {key}");
        let (mut rows, mut next, mut broken) = (BTreeMap::new(), 0_u32, 0);
        loop {
            let read = connection.prepare_cached(&sql).and_then(|mut statement| {
                let mut found = statement.query([next])?;
                while let Some(row) = found.next()? {
                    let at: u32 = row.get(0)?;
                    next = at + 1;
                    rows.insert(at, of(row)?);
                }
                Ok(())
            });
            match read {
                Ok(()) => return rows,
                Err(error) if broken >= BROKEN_MAX => {
                    self.faults.push(format!("{table}: {error}"));
                    return rows;
                }
                Err(_) => (broken, next) = (broken + 1, next + 1),
            }
        }
    }
}

/// What SQLite finds wrong with the file.
fn faults(connection: &Connection) -> Vec<String> {
    let read = connection.prepare("PRAGMA integrity_check(20)").and_then(|mut statement| {
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect::<rusqlite::Result<Vec<String>>>()
    });
    match read {
        Ok(rows) => rows.into_iter().filter(|row| row != "ok").collect(),
        Err(error) => vec![error.to_string()],
    }
}
