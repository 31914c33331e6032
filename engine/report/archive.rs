//! The transcripts of a run, small enough to stand in a page: in chunks of episodes, each line of text once.
//!
//! Agents of one run read the same fixtures and give similar answers, so most texts and lines stand in many episodes. A
//! line that several chunks have stands in the common pool, another in the pool of its chunk; a text is a list of lines,
//! from 0 on in the common pool, from -1 down in the chunk's own. A text stands in its chunk once, and messages name it
//! by its place. Chunks are JSON, deflated.

mod kept;

use super::grid::GridCheck;
use crate::scenario::Rubrics;
use crate::score::{Exhibit, Explainer};
use crate::store::Transcripts;
use foldhash::fast::RandomState;
use indexmap::{IndexMap, IndexSet};
use kept::{Draft, Failed, Reader};
use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// Episodes of a chunk: a page unpacks one for a transcript that is opened, and what is in many chunks is packed many times.
const CHUNK_MIN: usize = 100;
const CHUNK_MAX: usize = 250;
/// So many chunks there are before they grow.
const CHUNKS: usize = 40;

/// The transcripts of a run, packed.
pub struct Archive {
    /// The lines that several chunks have: a JSON list of strings, deflated.
    pub pool: Vec<u8>,
    /// In the order of the episodes.
    pub chunks: Vec<Chunk>,
    exhibits: BTreeMap<(u32, usize), Exhibit>,
}

/// The checks whose failure is to be shown in an episode.
#[derive(Default)]
pub(super) struct Wanted {
    /// Their places.
    pub checks: Vec<usize>,
    /// Whether the report tells of them outside of the transcript, too.
    pub is_told: bool,
}

/// Some episodes.
pub struct Chunk {
    /// Their ordinals.
    pub ordinals: Vec<u32>,
    /// A JSON object with the chunk's own lines under `pool`, its `texts` and its `episodes`, deflated.
    pub packed: Vec<u8>,
}

impl Archive {
    /// Packs transcripts, and looks up why checks failed in them; `wanted` names the checks by the ordinals of their
    /// episodes.
    pub(super) fn of(
        transcripts: &Transcripts,
        wanted: &HashMap<u32, Wanted>,
        checks: &[GridCheck],
        rubrics: &Rubrics,
    ) -> anyhow::Result<Archive> {
        let explained = Explained::of(checks, rubrics);
        let ordinals = transcripts.ordinals();
        let chunk = (ordinals.len() / CHUNKS).clamp(CHUNK_MIN, CHUNK_MAX);
        let mut drafts: Vec<Draft> = ordinals
            .par_chunks(chunk)
            .map_init(Reader::new, |reader, ordinals| {
                let mut draft = Draft::default();
                for transcript in transcripts.read(ordinals)? {
                    let failed = wanted.get(&transcript.ordinal).and_then(|wanted| explained.failed(wanted));
                    reader.read(&mut draft, &transcript, failed.as_ref())?;
                }
                draft.close();
                Ok(draft)
            })
            .collect::<anyhow::Result<_>>()?;
        let common = common_lines(&drafts);
        let (pool, chunks) = rayon::join(
            || anyhow::Ok(deflated(&serde_json::to_string(&common)?)),
            || drafts.par_iter().map(|draft| draft.chunk(&common)).collect::<anyhow::Result<_>>(),
        );
        let exhibits = drafts.iter_mut().flat_map(|draft| std::mem::take(&mut draft.exhibits)).collect();
        let archive = Archive { pool: pool?, chunks: chunks?, exhibits };
        // Freeing millions of lines takes as long as packing them, and nobody waits for it.
        rayon::spawn(move || drop(drafts));
        Ok(archive)
    }

    /// What is to be seen of a check's failure in an episode; none where it was not asked to tell of it.
    pub(super) fn exhibit(&self, ordinal: u32, check: usize) -> Option<&Exhibit> {
        self.exhibits.get(&(ordinal, check))
    }
}

/// How failures are shown, by the places of the report's checks.
struct Explained<'r> {
    checks: &'r [GridCheck],
    explainers: HashMap<&'r str, Explainer<'r>>,
    /// Where each check stands in its rubric; none where that is not known.
    in_rubric: Vec<Option<usize>>,
}

impl<'r> Explained<'r> {
    fn of(checks: &'r [GridCheck], rubrics: &'r Rubrics) -> Explained<'r> {
        let rubrics = rubrics.0.iter();
        let explainers: HashMap<&str, Explainer<'_>> =
            rubrics.clone().map(|(scenario, rubric)| (scenario.as_str(), Explainer::new(rubric))).collect();
        let known = rubrics.flat_map(|(scenario, rubric)| {
            // The first of a name counts.
            let checks = rubric.checks.iter().enumerate().rev();
            checks.map(|(place, check)| ((scenario.as_str(), check.id.as_str()), place))
        });
        let known: HashMap<(&str, &str), usize> = known.collect();
        let in_rubric = checks.iter().map(|check| known.get(&(&*check.scenario, &*check.check)).copied());
        Explained { checks, explainers, in_rubric: in_rubric.collect() }
    }

    /// Those failures of an episode that can be shown, if any.
    fn failed(&self, wanted: &Wanted) -> Option<Failed<'_>> {
        let known = wanted.checks.iter().filter_map(|place| Some((self.in_rubric[*place]?, *place)));
        let (checks, places): (Vec<usize>, Vec<usize>) = known.unzip();
        // An episode is of one scenario.
        let scenario = self.checks[*places.first()?].scenario.as_str();
        let explainer = &self.explainers[scenario];
        Some(Failed { scenario, explainer, checks, places, is_told: wanted.is_told })
    }
}

/// Lines by their places in the common pool.
type CommonLines<'a> = IndexSet<&'a str, RandomState>;

/// The lines that more than one chunk has, in the order of their first chunk.
fn common_lines(drafts: &[Draft]) -> CommonLines<'_> {
    let mut chunks: IndexMap<&str, u32, RandomState> = IndexMap::default();
    for line in drafts.iter().flat_map(|draft| &draft.lines) {
        *chunks.entry(line).or_default() += 1;
    }
    chunks.into_iter().filter(|(_, chunks)| *chunks > 1).map(|(line, _)| line).collect()
}

/// How much work deflating takes, of 12: twice as fast as the usual 6, for a few percent more bytes.
const LEVEL: i32 = 4;

/// Deflated without a header, as browsers unpack `deflate-raw`.
pub(super) fn deflated(text: &str) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).expect("there is such a level"));
    let mut out = vec![0; compressor.deflate_compress_bound(text.len())];
    let length = compressor.deflate_compress(text.as_bytes(), &mut out);
    out.truncate(length.expect("there is room for whatever comes out"));
    out
}
