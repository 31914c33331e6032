//! Transcripts as they are kept: one episode each, compressed.

use super::Store;
use crate::episode::Episode;
use anyhow::{Context, bail};
use flate2::Compression;
use flate2::read::DeflateEncoder;
use libdeflater::{DecompressionError, Decompressor};
use rusqlite::{OptionalExtension, Params};
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Deflate makes nothing shorter than to this part.
const INFLATION_MAX: usize = 1_100;

/// An episode as it is kept: compressed.
pub struct Transcript {
    pub ordinal: u32,
    pub(super) packed: Vec<u8>,
}

impl Transcript {
    /// The episode as JSON.
    pub fn json(&self) -> anyhow::Result<String> {
        Unpacker::new().json(self).map(str::to_owned)
    }
}

/// Unpacks one transcript after another into the same memory.
pub struct Unpacker {
    inflater: Decompressor,
    bytes: Vec<u8>,
}

impl Unpacker {
    #[expect(clippy::new_without_default, reason = "nobody asks for a usual one")]
    pub fn new() -> Unpacker {
        Unpacker { inflater: Decompressor::new(), bytes: Vec::new() }
    }

    /// The episode as JSON.
    pub fn json(&mut self, transcript: &Transcript) -> anyhow::Result<&str> {
        let length = self.inflate(&transcript.packed);
        let text = length.and_then(|length| Ok(std::str::from_utf8(&self.bytes[..length])?));
        text.with_context(|| format!("unpack the transcript of event {}", transcript.ordinal))
    }

    /// Makes room where there is too little, and gives the number of bytes that came out.
    fn inflate(&mut self, packed: &[u8]) -> anyhow::Result<usize> {
        let mut room = self.bytes.len().max(6 * packed.len() + 1_024);
        loop {
            self.bytes.resize(room, 0);
            match self.inflater.deflate_decompress(packed, &mut self.bytes) {
                Ok(length) => return Ok(length),
                Err(DecompressionError::InsufficientSpace) if room <= INFLATION_MAX * packed.len() => {
                    room *= 8;
                }
                Err(_) => bail!("it is cut off or broken"),
            }
        }
    }
}

/// The transcripts of a run for many readers at once. Each holds no more of them than it works on.
pub struct Transcripts {
    /// A connection is read by one at a time.
    store: Mutex<Store>,
    ordinals: Vec<u32>,
}

impl Transcripts {
    /// Of the run in a folder.
    pub fn open(folder: &Path) -> anyhow::Result<Transcripts> {
        let store = Store::open_to_read(folder)?;
        let mut statement = store.connection.prepare("SELECT ordinal FROM transcripts ORDER BY ordinal")?;
        let ordinals = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        drop(statement);
        Ok(Transcripts { store: Mutex::new(store), ordinals })
    }

    /// In the order of the run.
    pub fn ordinals(&self) -> &[u32] {
        &self.ordinals
    }

    /// The transcripts of some ordinals that follow each other.
    pub fn read(&self, ordinals: &[u32]) -> anyhow::Result<Vec<Transcript>> {
        let (Some(first), Some(last)) = (ordinals.first(), ordinals.last()) else { return Ok(Vec::new()) };
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.transcripts_where("WHERE ordinal BETWEEN ?1 AND ?2", [first, last])
    }
}

impl Store {
    /// All transcripts as they are kept, in the order of their ordinals; unpacking them is left to the caller, who
    /// may want to do it side by side.
    pub fn transcripts(&self) -> anyhow::Result<Vec<Transcript>> {
        self.transcripts_where("", [])
    }

    fn transcripts_where(&self, condition: &str, limits: impl Params) -> anyhow::Result<Vec<Transcript>> {
        let sql = format!("SELECT ordinal, body FROM transcripts {condition} ORDER BY ordinal");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement
            .query_map(limits, |row| Ok(Transcript { ordinal: row.get(0)?, packed: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The episode that was recorded under an ordinal.
    pub fn episode(&self, ordinal: u32) -> anyhow::Result<Option<Episode>> {
        let blob: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT body FROM transcripts WHERE ordinal = ?1", [ordinal], |row| row.get(0))
            .optional()?;
        let Some(packed) = blob else { return Ok(None) };
        Ok(Some(serde_json::from_str(&Transcript { ordinal, packed }.json()?)?))
    }
}

pub(super) fn compressed(text: &str) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    DeflateEncoder::new(text.as_bytes(), Compression::fast()).read_to_end(&mut out)?;
    Ok(out)
}
