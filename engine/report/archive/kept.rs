//! Reads stored episodes into a chunk's draft, without building what is only passed on.

use super::{Chunk, CommonLines, deflated};
use crate::score::{Exhibit, ExhibitPlace, Explainer, KeptCall, KnownTexts};
use crate::store::{Transcript, Unpacker};
use anyhow::Context;
use foldhash::fast::RandomState;
use indexmap::IndexSet;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Reads episodes into drafts, and remembers what was seen in calls, as long as that is not too much.
pub(super) struct Reader {
    unpacker: Unpacker,
    /// By scenario.
    known: HashMap<String, KnownTexts>,
}

/// So many bytes of calls are remembered of a scenario.
const KNOWN_MAX: usize = 8 << 20;

/// A chunk before it is known which of its lines others have too.
#[derive(Default)]
pub(super) struct Draft {
    pub lines: IndexSet<String, RandomState>,
    /// The lines of each text.
    texts: Vec<Vec<u32>>,
    /// Texts by how they stand in JSON.
    known: HashMap<Box<str>, Text, RandomState>,
    episodes: Vec<DraftEpisode>,
    pub exhibits: Vec<((u32, usize), Exhibit)>,
}

/// The place of a text in its chunk.
type Text = u32;

struct DraftEpisode {
    ordinal: u32,
    messages: Vec<DraftMessage>,
    answer: Text,
    shown: Vec<DraftExhibit>,
}

enum DraftMessage {
    User(Text),
    Assistant { text: Text, calls: Vec<(String, Text)> },
    Tool { tool: String, text: Text, is_error: bool },
}

struct DraftExhibit {
    check: usize,
    place: ExhibitPlace,
    call: Option<usize>,
    parts: [Vec<u32>; 4],
}

/// The checks of which a failure is shown in an episode.
pub(super) struct Failed<'e> {
    pub scenario: &'e str,
    pub explainer: &'e Explainer<'e>,
    /// Their places in the rubric, and those in the report.
    pub checks: Vec<usize>,
    pub places: Vec<usize>,
    pub is_told: bool,
}

/// An episode as it is kept, as far as it is shown.
#[derive(Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    response: &'a RawValue,
    #[serde(borrow)]
    tool_calls: Vec<KeptCall<'a>>,
    #[serde(borrow)]
    transcript: Vec<KeptMessage<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptMessage<'a> {
    #[serde(borrow)]
    User(&'a RawValue),
    #[serde(borrow)]
    Assistant(KeptTurn<'a>),
    #[serde(borrow)]
    ToolResult(KeptResult<'a>),
}

#[derive(Deserialize)]
struct KeptTurn<'a> {
    #[serde(borrow)]
    text: &'a RawValue,
    #[serde(borrow)]
    tool_calls: Vec<KeptRequest<'a>>,
}

#[derive(Deserialize)]
struct KeptRequest<'a> {
    tool: String,
    #[serde(borrow)]
    arguments: &'a RawValue,
}

#[derive(Deserialize)]
struct KeptResult<'a> {
    tool: String,
    #[serde(borrow)]
    content: &'a RawValue,
    is_error: bool,
}

impl Reader {
    pub fn new() -> Reader {
        Reader { unpacker: Unpacker::new(), known: HashMap::new() }
    }

    /// Adds an episode to a draft, with exhibits of the checks that failed in it.
    pub fn read(
        &mut self,
        draft: &mut Draft,
        transcript: &Transcript,
        failed: Option<&Failed<'_>>,
    ) -> anyhow::Result<()> {
        let ordinal = transcript.ordinal;
        let kept: Kept<'_> = serde_json::from_str(self.unpacker.json(transcript)?)
            .with_context(|| format!("read the transcript of event {ordinal}"))?;
        let mut messages = Vec::with_capacity(kept.transcript.len());
        for message in &kept.transcript {
            messages.push(draft.message(message)?);
        }
        let answer = draft.text(kept.response)?;
        let shown = match failed {
            Some(failed) => {
                let known = self.known.entry(failed.scenario.to_owned()).or_default();
                if known.bytes() > KNOWN_MAX {
                    *known = KnownTexts::default();
                }
                draft.exhibits_of(ordinal, &kept, failed, known)?
            }
            None => Vec::new(),
        };
        draft.episodes.push(DraftEpisode { ordinal, messages, answer, shown });
        Ok(())
    }
}

impl Draft {
    fn message(&mut self, message: &KeptMessage<'_>) -> anyhow::Result<DraftMessage> {
        Ok(match message {
            KeptMessage::User(text) => DraftMessage::User(self.text(text)?),
            KeptMessage::Assistant(turn) => {
                let mut calls = Vec::with_capacity(turn.tool_calls.len());
                for call in &turn.tool_calls {
                    calls.push((call.tool.clone(), self.text(call.arguments)?));
                }
                DraftMessage::Assistant { text: self.text(turn.text)?, calls }
            }
            KeptMessage::ToolResult(result) => DraftMessage::Tool {
                tool: result.tool.clone(),
                text: self.text(result.content)?,
                is_error: result.is_error,
            },
        })
    }

    fn exhibits_of(
        &mut self,
        ordinal: u32,
        kept: &Kept<'_>,
        failed: &Failed<'_>,
        known: &mut KnownTexts,
    ) -> anyhow::Result<Vec<DraftExhibit>> {
        let Failed { explainer, checks, places, is_told, .. } = failed;
        let answer: String = serde_json::from_str(kept.response.get())?;
        let exhibits = explainer.exhibits(&answer, &kept.tool_calls, checks, known)?;
        let mut shown = Vec::new();
        for (exhibit, check) in exhibits.into_iter().zip(places) {
            let Some(exhibit) = exhibit else { continue };
            let lacking = exhibit.lacking.as_deref().unwrap_or_default();
            let parts = [&exhibit.before, &exhibit.found, &exhibit.after, lacking];
            let parts = parts.map(|part| self.lines_of(part));
            shown.push(DraftExhibit { check: *check, place: exhibit.place, call: exhibit.call, parts });
            if *is_told {
                self.exhibits.push(((ordinal, *check), exhibit));
            }
        }
        Ok(shown)
    }

    /// The place of a text that stands in JSON.
    fn text(&mut self, json: &RawValue) -> anyhow::Result<Text> {
        if let Some(known) = self.known.get(json.get()) {
            return Ok(*known);
        }
        let text: String = serde_json::from_str(json.get())?;
        let lines = self.lines_of(&text);
        let place = self.texts.len() as Text;
        self.texts.push(lines);
        self.known.insert(json.get().into(), place);
        Ok(place)
    }

    fn lines_of(&mut self, text: &str) -> Vec<u32> {
        if text.is_empty() {
            return Vec::new();
        }
        text.split('\n').map(|line| self.line(line)).collect()
    }

    fn line(&mut self, line: &str) -> u32 {
        let known = self.lines.get_index_of(line);
        known.unwrap_or_else(|| self.lines.insert_full(line.to_owned()).0) as u32
    }

    /// Frees what only served reading, before all chunks wait for each other.
    pub fn close(&mut self) {
        self.known = HashMap::default();
    }

    /// Packs the chunk, now that it is known which lines stand in the common pool.
    pub fn chunk(&self, common: &CommonLines<'_>) -> anyhow::Result<Chunk> {
        let mut own: Vec<&str> = Vec::new();
        let places: Vec<i64> = self
            .lines
            .iter()
            .map(|line| match common.get_index_of(line.as_str()) {
                Some(place) => place as i64,
                None => {
                    own.push(line);
                    -(own.len() as i64)
                }
            })
            .collect();
        let texts = self.texts.iter().map(|lines| Packed { content: lines, places: &places }).collect();
        let episodes =
            self.episodes.iter().map(|episode| Packed { content: episode, places: &places }).collect();
        let packed = deflated(&serde_json::to_string(&PackedChunk { pool: own, texts, episodes })?);
        Ok(Chunk { ordinals: self.episodes.iter().map(|episode| episode.ordinal).collect(), packed })
    }
}

/// A chunk as the page reads it.
#[derive(Serialize)]
struct PackedChunk<'a> {
    pool: Vec<&'a str>,
    /// Lists of lines, each by its place in the pools.
    texts: Vec<Packed<'a, &'a Vec<u32>>>,
    episodes: Vec<Packed<'a, &'a DraftEpisode>>,
}

/// Something of a draft, with the places of the draft's lines in the pools.
struct Packed<'a, T> {
    content: T,
    places: &'a [i64],
}

impl Serialize for Packed<'_, &Vec<u32>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.content.iter().map(|line| self.places[*line as usize]))
    }
}

impl Serialize for DraftMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            DraftMessage::User(text) => ("user", text).serialize(serializer),
            DraftMessage::Assistant { text, calls } => ("assistant", text, calls).serialize(serializer),
            DraftMessage::Tool { tool, text, is_error } => {
                ("tool", text, tool, is_error).serialize(serializer)
            }
        }
    }
}

impl Serialize for Packed<'_, &DraftExhibit> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DraftExhibit { check, place, call, parts } = self.content;
        let packed = |lines| Packed { content: lines, places: self.places };
        let [before, found, after, lacking] = parts.each_ref().map(packed);
        (check, place, call, before, found, after, lacking).serialize(serializer)
    }
}

impl Serialize for Packed<'_, &DraftEpisode> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DraftEpisode { ordinal, messages, answer, shown } = self.content;
        let shown = shown.iter().map(|exhibit| Packed { content: exhibit, places: self.places });
        let mut packed = serializer.serialize_struct("episode", 4)?;
        packed.serialize_field("ordinal", ordinal)?;
        packed.serialize_field("messages", messages)?;
        packed.serialize_field("answer", answer)?;
        packed.serialize_field("exhibits", &shown.collect::<Vec<_>>())?;
        packed.end()
    }
}
