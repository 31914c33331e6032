//! The cache as people look at it: what is in it, what an entry depends on, and removing what is not wanted.

use super::{FILE, Kind, now_ms, schema};
use anyhow::{Context, bail};
use rusqlite::{Connection, OpenFlags, Row, params};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// More entries of one beginning are no longer worth counting.
const MATCHES_MAX: usize = 100;

/// An open cache file.
pub struct Catalog {
    connection: Connection,
    path: PathBuf,
}

/// The entries of one kind and model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    pub kind: Kind,
    pub model: String,
    pub entries: u64,
    pub bytes: u64,
    pub oldest_ms: u64,
    pub newest_ms: u64,
    /// When one of them was last kept or found.
    pub used_ms: u64,
}

/// An entry without what it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    pub key: String,
    pub kind: Kind,
    pub model: String,
    pub run: String,
    pub created_ms: u64,
    pub used_ms: u64,
    pub bytes: u64,
    /// Everything that the entry depends on.
    pub parts: serde_json::Value,
}

/// Which entries; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub model: Option<String>,
    /// Kept at least so long ago.
    pub age_ms_min: u64,
}

impl Catalog {
    /// Opens the cache in a folder; none where there is no cache yet.
    pub fn open(folder: &Path) -> anyhow::Result<Option<Catalog>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let checked = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(anyhow::Error::from)
            .and_then(|connection| schema::check(&connection).map(|()| connection));
        let connection = checked.with_context(|| {
            format!("{} cannot be used; nothing but what it spares is lost with it", path.display())
        })?;
        Ok(Some(Catalog { connection, path }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, by kind and model.
    pub fn groups(&self, selection: &Selection) -> anyhow::Result<Vec<Group>> {
        let sql = "SELECT kind, model, count(*), sum(size), min(created_ms), max(created_ms), max(used_ms)
                   FROM entries WHERE (?1 IS NULL OR model = ?1) AND created_ms <= ?2
                   GROUP BY kind, model ORDER BY kind, model";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map(params![selection.model, selection.newest_ms()], |row| {
            Ok(Group {
                kind: kind(row, 0)?,
                model: row.get(1)?,
                entries: count(row, 2)?,
                bytes: count(row, 3)?,
                oldest_ms: count(row, 4)?,
                newest_ms: count(row, 5)?,
                used_ms: count(row, 6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest entries, the newest first.
    pub fn entries(&self, selection: &Selection, limit: u32) -> anyhow::Result<Vec<Entry>> {
        let sql = format!(
            "SELECT {ENTRY} FROM entries WHERE (?1 IS NULL OR model = ?1) AND created_ms <= ?2
             ORDER BY created_ms DESC, key LIMIT ?3"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params![selection.model, selection.newest_ms(), limit], entry)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The only entry whose key begins so.
    pub fn entry(&self, beginning: &str) -> anyhow::Result<Entry> {
        let beginning = beginning.to_ascii_lowercase();
        let sql = format!(
            "SELECT {ENTRY} FROM entries WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?2"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params![beginning, MATCHES_MAX as i64], entry)?;
        let mut found = rows.collect::<Result<Vec<_>, _>>()?;
        match (found.pop(), found.len()) {
            (Some(entry), 0) => Ok(entry),
            (Some(_), others) => bail!("{} keys begin with {beginning:?}; give more of it", others + 1),
            (None, _) => bail!("no key begins with {beginning:?}; `optimize cache list` shows them"),
        }
    }

    /// Removes the selected entries and gives their room back. The groups are those that were removed.
    pub fn remove(&mut self, selection: &Selection) -> anyhow::Result<Vec<Group>> {
        let removed = self.groups(selection)?;
        let sql = "DELETE FROM entries WHERE (?1 IS NULL OR model = ?1) AND created_ms <= ?2";
        self.connection.execute(sql, params![selection.model, selection.newest_ms()])?;
        self.connection
            .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
            .context("give the room of the removed entries back")?;
        Ok(removed)
    }
}

impl Selection {
    fn newest_ms(&self) -> i64 {
        // A clock that was set back leaves entries of the future: they are not older than anything.
        if self.age_ms_min == 0 { i64::MAX } else { now_ms().saturating_sub(self.age_ms_min) as i64 }
    }
}

/// Removes what was used longest ago until the rest is small enough. SQLite uses its room again.
pub(super) fn trim(connection: &Connection, bytes_max: u64) -> anyhow::Result<usize> {
    let sql = "DELETE FROM entries WHERE key IN (
                   SELECT key FROM (
                       SELECT key, sum(size) OVER (ORDER BY used_ms DESC, key) AS total FROM entries
                   ) WHERE total > ?1
               )";
    Ok(connection.execute(sql, [bytes_max as i64])?)
}

const ENTRY: &str = "key, kind, model, run, created_ms, used_ms, size, explanation";

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let text: String = row.get(7)?;
    // What cannot be read as JSON is shown as it is.
    let parts = serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
    Ok(Entry {
        key: row.get(0)?,
        kind: kind(row, 1)?,
        model: row.get(2)?,
        run: row.get(3)?,
        created_ms: count(row, 4)?,
        used_ms: count(row, 5)?,
        bytes: count(row, 6)?,
        parts,
    })
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    let word: String = row.get(column)?;
    Ok(if word == Kind::Reply.word() { Kind::Reply } else { Kind::Episode })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection).unwrap();
        for (key, used) in [("a", 3), ("b", 1), ("c", 2)] {
            let sql = "INSERT INTO entries VALUES (?1, 'episode', 'm', 'r', 0, ?2, 10, '', x'')";
            connection.execute(sql, params![key, used]).unwrap();
        }
        let check = |bytes_max: u64, expected: &str| {
            trim(&connection, bytes_max).unwrap();
            let left: String = connection
                .query_row("SELECT group_concat(key, '' ORDER BY key) FROM entries", [], |row| row.get(0))
                .unwrap();
            assert_eq!(left, expected);
        };
        check(30, "abc");
        check(29, "ac");
        check(10, "a");
    }
}
