//! Parts of a run's events: all that a list of runs needs, or only what came since somebody looked last. Nothing else is
//! parsed, so that many runs and long ones can be looked at again and again.

use super::{Record, Store, Transcript};
use anyhow::Context;
use rayon::prelude::*;

/// The first event, and those that change what a run may spend or end it.
const TURNING_POINTS: &str =
    "ordinal >= ?1 AND (ordinal = 0 OR body GLOB '{\"tuned\":*' OR body GLOB '{\"run_finished\":*')";

impl Store {
    /// The events from an ordinal on, in the order of their ordinals.
    pub fn records_from(&self, ordinal: u32) -> anyhow::Result<Vec<Record>> {
        self.records_where("ordinal >= ?1", ordinal)
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

    /// All events and all transcripts. Events are parsed while transcripts are still being read.
    pub fn whole(&self) -> anyhow::Result<(Vec<Record>, Vec<Transcript>)> {
        let rows = self.rows_where("ordinal >= ?1", 0)?;
        let mut records = Ok(Vec::new());
        let transcripts = rayon::in_place_scope(|scope| {
            scope.spawn(|_| records = parsed(rows));
            self.transcripts()
        });
        Ok((records?, transcripts?))
    }

    pub(super) fn records_where(&self, condition: &str, ordinal: u32) -> anyhow::Result<Vec<Record>> {
        parsed(self.rows_where(condition, ordinal)?)
    }

    fn rows_where(&self, condition: &str, ordinal: u32) -> anyhow::Result<Vec<Row>> {
        let sql = format!("SELECT ordinal, body, wall_clock FROM events WHERE {condition} ORDER BY ordinal");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([ordinal], |row| {
            Ok(Row { ordinal: row.get(0)?, body: row.get(1)?, wall_clock: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// An event as it is kept.
struct Row {
    ordinal: u32,
    body: String,
    wall_clock: String,
}

fn parsed(rows: Vec<Row>) -> anyhow::Result<Vec<Record>> {
    let read = rows.into_par_iter().map(|Row { ordinal, body, wall_clock }| {
        let event =
            serde_json::from_str(&body).with_context(|| format!("read event {ordinal} of the run"))?;
        Ok(Record { ordinal, event, wall_clock: serde_json::from_str(&wall_clock)? })
    });
    read.collect()
}
