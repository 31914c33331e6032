//! The transcripts of a run, small enough to stand in a page: in chunks of episodes, each line of text once.
//!
//! Agents of one run read the same fixtures and give similar answers, so most lines stand in many episodes. A line
//! that several chunks have stands in the common pool, another in the pool of its chunk; a text is a list of lines,
//! from 0 on in the common pool, from -1 down in the chunk's own. Chunks are JSON, deflated.

mod kept;

use super::grid::GridCheck;
use crate::scenario::Rubrics;
use crate::score::{Exhibit, Explainer};
use crate::store::Transcript;
use flate2::Compression;
use flate2::read::DeflateEncoder;
use kept::{Draft, read};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;

/// Episodes of a chunk.
const CHUNK: usize = 100;

/// The transcripts of a run, packed.
pub struct Archive {
    /// The lines that several chunks have: a JSON list of strings, deflated.
    pub pool: Vec<u8>,
    /// In the order of the episodes.
    pub chunks: Vec<Chunk>,
    exhibits: BTreeMap<(u32, usize), Exhibit>,
}

/// Some episodes.
pub struct Chunk {
    /// Their ordinals.
    pub ordinals: Vec<u32>,
    /// A JSON object with the chunk's own lines under `pool` and its `episodes`, deflated.
    pub packed: Vec<u8>,
}

impl Archive {
    /// Packs transcripts, and looks up why checks failed in them; `wanted` names the checks by the ordinals of their
    /// episodes.
    pub(super) fn of(
        transcripts: &[Transcript],
        wanted: &HashMap<u32, Vec<usize>>,
        checks: &[GridCheck],
        rubrics: &Rubrics,
    ) -> anyhow::Result<Archive> {
        let explainers: Vec<Option<Explainer<'_>>> = checks
            .iter()
            .map(|check| {
                let rubric = rubrics.get(&check.scenario)?;
                rubric.checks.iter().find(|known| known.id == check.check).map(Explainer::new)
            })
            .collect();
        let drafts: Vec<Draft> = transcripts
            .par_chunks(CHUNK)
            .map(|transcripts| {
                let mut draft = Draft::default();
                for transcript in transcripts {
                    let failed = wanted.get(&transcript.ordinal).map_or(&[][..], Vec::as_slice);
                    let json = transcript.json()?;
                    read(&mut draft, transcript.ordinal, &json, failed, &explainers)?;
                }
                Ok(draft)
            })
            .collect::<anyhow::Result<_>>()?;
        let (pool, common) = common_lines(&drafts);
        let chunks = drafts.par_iter().map(|draft| draft.chunk(&common)).collect::<anyhow::Result<_>>()?;
        let pool = deflated(&serde_json::to_string(&pool)?)?;
        let exhibits = drafts.into_iter().flat_map(|draft| draft.exhibits).collect();
        Ok(Archive { pool, chunks, exhibits })
    }

    /// What is to be seen of a check's failure in an episode.
    pub(super) fn exhibit(&self, ordinal: u32, check: usize) -> Option<&Exhibit> {
        self.exhibits.get(&(ordinal, check))
    }
}

/// The lines that more than one chunk has, with their places, in the order of their first chunk.
fn common_lines(drafts: &[Draft]) -> (Vec<&str>, HashMap<&str, i64>) {
    let mut chunks: HashMap<&str, u32> = HashMap::new();
    for line in drafts.iter().flat_map(|draft| &draft.lines) {
        *chunks.entry(line).or_default() += 1;
    }
    let (mut pool, mut places) = (Vec::new(), HashMap::new());
    for line in drafts.iter().flat_map(|draft| &draft.lines).filter(|line| chunks[line.as_str()] > 1) {
        places.entry(line.as_str()).or_insert_with(|| {
            pool.push(line.as_str());
            pool.len() as i64 - 1
        });
    }
    (pool, places)
}

/// Deflated without a header, as browsers unpack `deflate-raw`.
pub(super) fn deflated(text: &str) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    DeflateEncoder::new(text.as_bytes(), Compression::new(6)).read_to_end(&mut out)?;
    Ok(out)
}
