//! What was told, and what waits to be: kept in a file beside the run, so that a run that is resumed tells nothing twice
//! and nothing is forgotten in quiet hours. It holds no secrets.

use super::notice::Notice;
use crate::store::write_whole;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
/// Older entries go.
const ENTRIES_MAX: usize = 200;

/// The messages of a run or a batch, oldest first.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    format: u32,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    notice: Notice,
    state: State,
    /// By the labels of the channels.
    #[serde(default)]
    channels: BTreeMap<String, Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It waits for the end of the quiet hours.
    Held,
    /// It goes to every channel.
    Sent,
    /// Another message told it, or made it old.
    Dropped,
}

/// What became of a message at one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Delivered { at: String },
    NotDelivered { at: String, problem: String },
}

impl Outbox {
    /// The outbox at a path; an empty one where there is none.
    pub fn open(path: PathBuf) -> anyhow::Result<Outbox> {
        let kept = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Kept { format: FORMAT, entries: Vec::new() }
            }
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        Ok(Outbox { path, kept })
    }

    /// Where a run keeps its messages.
    pub fn of_run(folder: &Path) -> PathBuf {
        folder.join("receipts").join("notify.json")
    }

    /// Whether something waits, or did not arrive where it was to go.
    pub fn is_left(&self) -> bool {
        let is_lost = |entry: &Entry| {
            let arrived = |outcome: &Outcome| matches!(outcome, Outcome::Delivered { .. });
            entry.channels.is_empty() || !entry.channels.values().all(arrived)
        };
        !self.held().is_empty() || self.in_state(State::Sent).any(is_lost)
    }

    pub(super) fn knows(&self, notice: &Notice) -> bool {
        self.kept.entries.iter().any(|entry| entry.notice.key == notice.key)
    }

    /// Takes a message that is to be sent; false where it was told before.
    pub(super) fn send(&mut self, notice: &Notice) -> anyhow::Result<bool> {
        if self.knows(notice) {
            return Ok(false);
        }
        self.add(notice, State::Sent);
        self.write().map(|()| true)
    }

    /// Takes a message that waits for the end of the quiet hours, in the place of those that it makes old.
    pub(super) fn hold(&mut self, notice: &Notice) -> anyhow::Result<()> {
        if self.knows(notice) {
            return Ok(());
        }
        let mut is_needed = true;
        for entry in self.kept.entries.iter_mut().filter(|entry| entry.state == State::Held) {
            if notice.outdates(&entry.notice) {
                entry.state = State::Dropped;
                // Who never heard that it waited need not hear that it goes on.
                is_needed &= notice.event != super::Kind::GoesOn;
            }
        }
        self.add(notice, if is_needed { State::Held } else { State::Dropped });
        self.write()
    }

    /// The messages that wait for the end of the quiet hours.
    pub fn held(&self) -> Vec<Notice> {
        self.in_state(State::Held).map(|entry| entry.notice.clone()).collect()
    }

    /// Makes one message of those that wait, to be sent now.
    pub(super) fn release(&mut self, at: &str) -> anyhow::Result<Option<Notice>> {
        let Some(digest) = Notice::digest(&self.held(), at) else { return Ok(None) };
        for entry in self.kept.entries.iter_mut().filter(|entry| entry.state == State::Held) {
            entry.state = if entry.notice.key == digest.key { State::Sent } else { State::Dropped };
        }
        if !self.knows(&digest) {
            self.add(&digest, State::Sent);
        }
        self.write().map(|()| Some(digest))
    }

    /// The messages that a channel has neither got nor refused, since a process ended too early; with `again` those
    /// that it has not got.
    pub(super) fn open_for(&self, channel: &str, again: bool) -> Vec<Notice> {
        let is_open = |entry: &&Entry| match entry.channels.get(channel) {
            None => true,
            Some(Outcome::Delivered { .. }) => false,
            Some(Outcome::NotDelivered { .. }) => again,
        };
        self.in_state(State::Sent).filter(is_open).map(|entry| entry.notice.clone()).collect()
    }

    pub(super) fn note(
        &mut self,
        key: &str,
        channel: &str,
        at: &str,
        problem: Option<&str>,
    ) -> anyhow::Result<()> {
        let at = at.to_owned();
        let outcome = match problem {
            None => Outcome::Delivered { at },
            Some(problem) => Outcome::NotDelivered { at, problem: problem.to_owned() },
        };
        if let Some(entry) = self.kept.entries.iter_mut().find(|entry| entry.notice.key == key) {
            entry.channels.insert(channel.to_owned(), outcome);
        }
        self.write()
    }

    fn in_state(&self, state: State) -> impl Iterator<Item = &Entry> {
        self.kept.entries.iter().filter(move |entry| entry.state == state)
    }

    fn add(&mut self, notice: &Notice, state: State) {
        self.kept.entries.push(Entry { notice: notice.clone(), state, channels: BTreeMap::new() });
        let surplus = self.kept.entries.len().saturating_sub(ENTRIES_MAX);
        self.kept.entries.drain(..surplus);
    }

    fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.kept)?;
        write_whole(&self.path, text)
            .with_context(|| format!("keep what was told in {}", self.path.display()))
    }
}

/// What was not delivered of a run's messages, a line for each channel, for its report.
pub fn undelivered(folder: &Path) -> Vec<String> {
    let Ok(outbox) = Outbox::open(Outbox::of_run(folder)) else { return Vec::new() };
    let mut lost: BTreeMap<&str, (u32, &str)> = BTreeMap::new();
    for entry in outbox.in_state(State::Sent) {
        for (channel, outcome) in &entry.channels {
            if let Outcome::NotDelivered { problem, .. } = outcome {
                let (count, last) = lost.entry(channel).or_insert((0, ""));
                (*count, *last) = (*count + 1, problem);
            }
        }
    }
    let lines = lost.into_iter().map(|(channel, (count, problem))| {
        let messages = if count == 1 { "1 message".to_owned() } else { format!("{count} messages") };
        format!("Not delivered: {messages} to {channel} ({problem}); `optimize notify deliver` tries again.")
    });
    lines.collect()
}
