//! Parts of a run's events: all that a list of runs needs, or only what came since somebody looked last. Nothing else is
//! parsed, so that many runs and long ones can be looked at again and again.

use super::{Record, Store};
use anyhow::Context;
use std::collections::BTreeMap;
use std::sync::mpsc::channel;

/// The first event, and those that change what a run may spend or end it.
const TURNING_POINTS: &str =
    "ordinal >= ?1 AND (ordinal = 0 OR body GLOB '{\"tuned\":*' OR body GLOB '{\"run_finished\":*')";

impl Store {
    /// The events from an ordinal on, in the order of their ordinals.
    pub fn records_from(&self, ordinal: u32) -> anyhow::Result<Vec<Record>> {
        self.records_where("ordinal >= ?1", ordinal)
    }

    /// How the run began; none where it has no event.
    pub fn first_record(&self) -> anyhow::Result<Option<Record>> {
        Ok(self.records_where("ordinal = ?1", 0)?.pop())
    }

    /// How the run began, what its user changed since, and how it ended.
    pub fn turning_points(&self) -> anyhow::Result<Vec<Record>> {
        self.records_where(TURNING_POINTS, 0)
    }

    /// How many episodes were scored, and how many could not be measured.
    pub fn episodes_ended(&self) -> anyhow::Result<(u32, u32)> {
        let count = |kind: &str| format!("count(*) FILTER (WHERE body GLOB '{{\"{kind}\":*')");
        let sql = format!("SELECT {}, {} FROM events", count("episode_scored"), count("episode_unmeasured"));
        Ok(self.connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// When the newest event was recorded, in milliseconds since 1970; none where there is none.
    pub fn newest_ms(&self) -> anyhow::Result<Option<u64>> {
        let sql = "SELECT wall_clock FROM events ORDER BY ordinal DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let Some(text) = rows.next() else { return Ok(None) };
        let wall_clock: super::WallClock = serde_json::from_str(&text?)?;
        Ok(Some(wall_clock.recorded_ms))
    }

    /// Events are parsed while the next are still being read.
    pub(super) fn records_where(&self, condition: &str, ordinal: u32) -> anyhow::Result<Vec<Record>> {
        let sql = format!("SELECT ordinal, body, wall_clock FROM events WHERE {condition} ORDER BY ordinal");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query_map([ordinal], |row| {
            Ok(Row { ordinal: row.get(0)?, body: row.get(1)?, wall_clock: row.get(2)? })
        })?;
        let (sender, parts) = channel();
        rayon::in_place_scope(|scope| -> anyhow::Result<()> {
            for part in 0.. {
                let some: Vec<Row> = rows.by_ref().take(PARSED_TOGETHER).collect::<Result<_, _>>()?;
                if some.is_empty() {
                    break;
                }
                let sender = sender.clone();
                scope.spawn(move |_| sender.send((part, parsed(some))).expect("parts are waited for"));
            }
            Ok(())
        })?;
        drop(sender);
        let parts: BTreeMap<usize, anyhow::Result<Vec<Record>>> = parts.into_iter().collect();
        let parts: Vec<Vec<Record>> = parts.into_values().collect::<Result<_, _>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}

/// So many events are parsed by one thread at a time.
const PARSED_TOGETHER: usize = 128;

/// An event as it is kept.
struct Row {
    ordinal: u32,
    body: String,
    wall_clock: String,
}

fn parsed(rows: Vec<Row>) -> anyhow::Result<Vec<Record>> {
    let read = rows.into_iter().map(|Row { ordinal, body, wall_clock }| {
        let event =
            serde_json::from_str(&body).with_context(|| format!("read event {ordinal} of the run"))?;
        Ok(Record { ordinal, event, wall_clock: serde_json::from_str(&wall_clock)? })
    });
    read.collect()
}
