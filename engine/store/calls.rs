//! The calls of a run, kept beside its events: every attempt to reach a provider, on disk before it is made.
//!
//! A thread of its own writes them, all that wait together in one transaction, so that hundreds of calls at once
//! cost no more syncs than a few.

use super::{Store, schema};
use crate::budget::{Call, Settled};
use crate::llm::meter::Entry;
use anyhow::Context;
use rusqlite::{Connection, OpenFlags, params};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Entries written in one transaction at most.
const BATCH_MAX: usize = 1_024;

/// Keeps the calls of an open run until it is closed.
pub struct CallBook {
    entries: UnboundedSender<Entry>,
    writer: Option<JoinHandle<()>>,
}

impl CallBook {
    /// Where the ledger sends its entries.
    pub fn entries(&self) -> UnboundedSender<Entry> {
        self.entries.clone()
    }
}

impl Drop for CallBook {
    /// Waits until what was sent is on disk. Who sends afterwards is told that the book is closed.
    fn drop(&mut self) {
        // A writer that is gone already needs no word.
        let _ = self.entries.send(Entry::Closed);
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing more to keep.
            let _ = writer.join();
        }
    }
}

impl Store {
    /// All calls, in the order in which they were reserved; none in runs of older versions.
    pub fn calls(&self) -> anyhow::Result<Vec<Call>> {
        if !schema::has_calls(&self.connection)? {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare("SELECT body, settled FROM calls ORDER BY number")?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))?;
        rows.map(|row| {
            let (body, settled) = row?;
            let call: Call = serde_json::from_str(&body).context("read a call of the run")?;
            let settled: Option<Settled> = settled.map(|text| serde_json::from_str(&text)).transpose()?;
            Ok(Call { settled, ..call })
        })
        .collect()
    }

    /// Begins to keep calls.
    pub fn keep_calls(&self) -> anyhow::Result<CallBook> {
        let path = self.folder.join(schema::FILE);
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .with_context(|| format!("open {}", path.display()))?;
        schema::prepare(&connection)?;
        let (sender, receiver) = unbounded_channel();
        let writer = std::thread::Builder::new()
            .name("calls".into())
            .spawn(move || write_all(connection, receiver))
            .context("start the thread that keeps calls")?;
        Ok(CallBook { entries: sender, writer: Some(writer) })
    }
}

fn write_all(mut connection: Connection, mut entries: UnboundedReceiver<Entry>) {
    let mut batch = Vec::new();
    while entries.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        let is_closed = batch.iter().any(|entry| matches!(entry, Entry::Closed));
        let written = write(&mut connection, &batch).map_err(|error| format!("{error:#}"));
        for entry in batch.drain(..) {
            if let Entry::Reserved { kept, .. } = entry {
                // Who does not wait for the answer any more makes no call.
                let _ = kept.send(written.clone());
            }
        }
        if is_closed {
            return;
        }
    }
}

/// Writes all entries or none. A settlement that cannot be written leaves its call reserved at its bound.
fn write(connection: &mut Connection, batch: &[Entry]) -> anyhow::Result<()> {
    let transaction = connection.transaction()?;
    for entry in batch {
        match entry {
            Entry::Reserved { call, .. } => transaction
                .prepare_cached("INSERT INTO calls (number, body) VALUES (?1, ?2)")?
                .execute(params![call.number as i64, serde_json::to_string(call)?])?,
            Entry::Settled { number, settled } => transaction
                .prepare_cached("UPDATE calls SET settled = ?2 WHERE number = ?1 AND settled IS NULL")?
                .execute(params![*number as i64, serde_json::to_string(settled)?])?,
            Entry::Closed => 0,
        };
    }
    transaction.commit().context("write the calls to disk")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Bound, Charge, Role};
    use tokio::sync::oneshot;

    fn call(number: u64) -> Call {
        let (role, model, bound) = (Role::Writer, "a/b".to_owned(), Bound::default());
        Call { number, role, model, began_ms: 5, bound, settled: None }
    }

    #[test]
    fn calls_are_on_disk_before_they_are_made_and_settled_once() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::create(&place.path().join("run"), &serde_json::json!({})).unwrap();
        let book = store.keep_calls().unwrap();
        for number in [1, 2] {
            let (kept, answer) = oneshot::channel();
            book.entries().send(Entry::Reserved { call: call(number), kept }).unwrap();
            assert_eq!(answer.blocking_recv().unwrap(), Ok(()));
        }
        assert_eq!(store.calls().unwrap(), [call(1), call(2)]);
        let settled = |took_ms| Settled { took_ms, charge: Charge::Free };
        for took_ms in [7, 8] {
            book.entries().send(Entry::Settled { number: 2, settled: settled(took_ms) }).unwrap();
        }
        drop(book);
        assert_eq!(store.calls().unwrap()[1].settled, Some(settled(7)));
    }

    #[test]
    fn a_number_that_is_taken_is_not_kept_again() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::create(&place.path().join("run"), &serde_json::json!({})).unwrap();
        let book = store.keep_calls().unwrap();
        let ask = || {
            let (kept, answer) = oneshot::channel();
            book.entries().send(Entry::Reserved { call: call(1), kept }).unwrap();
            answer.blocking_recv().unwrap()
        };
        assert_eq!(ask(), Ok(()));
        assert!(ask().is_err());
    }
}
