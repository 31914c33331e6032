//! Reads stored episodes into a chunk's draft, without building what is only passed on.

use super::{Chunk, CommonLines, deflated};
use crate::score::{Exhibit, ExhibitPlace, Explainer, KeptCall, KnownTexts};
use anyhow::Context;
use foldhash::fast::RandomState;
use indexmap::IndexSet;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// A chunk before it is known which of its lines others have too.
#[derive(Default)]
pub(super) struct Draft {
    pub lines: IndexSet<String, RandomState>,
    /// Texts that were seen, as they stand in JSON.
    texts: HashMap<Box<str>, Vec<u32>, RandomState>,
    /// By scenario.
    known: HashMap<String, KnownTexts>,
    episodes: Vec<DraftEpisode>,
    pub exhibits: Vec<((u32, usize), Exhibit)>,
}

struct DraftEpisode {
    ordinal: u32,
    messages: Vec<DraftMessage>,
    answer: Vec<u32>,
    shown: Vec<DraftExhibit>,
}

enum DraftMessage {
    User(Vec<u32>),
    Assistant { text: Vec<u32>, calls: Vec<(String, Vec<u32>)> },
    Tool { tool: String, text: Vec<u32>, is_error: bool },
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
    tool_calls: &'a RawValue,
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

/// Adds an episode to a draft, with exhibits of the checks that failed in it.
pub(super) fn read(
    draft: &mut Draft,
    ordinal: u32,
    json: &str,
    failed: Option<&Failed<'_>>,
) -> anyhow::Result<()> {
    let kept: Kept<'_> =
        serde_json::from_str(json).with_context(|| format!("read the transcript of event {ordinal}"))?;
    let mut messages = Vec::with_capacity(kept.transcript.len());
    for message in &kept.transcript {
        messages.push(draft.message(message)?);
    }
    let answer = draft.text(kept.response)?;
    let shown = failed.map(|failed| draft.exhibits_of(ordinal, &kept, failed)).transpose()?;
    let shown = shown.unwrap_or_default();
    draft.episodes.push(DraftEpisode { ordinal, messages, answer, shown });
    Ok(())
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
    ) -> anyhow::Result<Vec<DraftExhibit>> {
        let Failed { scenario, explainer, checks, places, is_told } = failed;
        let needs_calls = checks.iter().any(|check| explainer.needs_calls(*check));
        let calls: Vec<KeptCall<'_>> = match needs_calls {
            true => serde_json::from_str(kept.tool_calls.get())?,
            false => Vec::new(),
        };
        let answer: String = serde_json::from_str(kept.response.get())?;
        let known = self.known.entry((*scenario).to_owned()).or_default();
        let exhibits = explainer.exhibits(&answer, &calls, checks, known)?;
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

    /// The lines of a text that stands in JSON.
    fn text(&mut self, json: &RawValue) -> anyhow::Result<Vec<u32>> {
        if let Some(known) = self.texts.get(json.get()) {
            return Ok(known.clone());
        }
        let text: String = serde_json::from_str(json.get())?;
        let lines = self.lines_of(&text);
        self.texts.insert(json.get().into(), lines.clone());
        Ok(lines)
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
        (self.texts, self.known) = Default::default();
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
        let episodes: Vec<Packed<'_, &DraftEpisode>> =
            self.episodes.iter().map(|episode| Packed { content: episode, places: &places }).collect();
        let packed = deflated(&serde_json::to_string(&PackedChunk { pool: own, episodes })?)?;
        Ok(Chunk { ordinals: self.episodes.iter().map(|episode| episode.ordinal).collect(), packed })
    }
}

/// A chunk as the page reads it.
#[derive(Serialize)]
struct PackedChunk<'a> {
    pool: Vec<&'a str>,
    episodes: Vec<Packed<'a, &'a DraftEpisode>>,
}

/// Something of a draft, with the places of the draft's lines in the pools.
struct Packed<'a, T> {
    content: T,
    places: &'a [i64],
}

impl<'a, T> Packed<'a, T> {
    fn of<U>(&self, content: U) -> Packed<'a, U> {
        Packed { content, places: self.places }
    }

    fn each<'b, U>(&self, several: &'b [U]) -> Vec<Packed<'a, &'b U>> {
        several.iter().map(|content| self.of(content)).collect()
    }
}

/// A text is a list of its lines' places.
impl Serialize for Packed<'_, &Vec<u32>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.content.iter().map(|line| self.places[*line as usize]))
    }
}

impl Serialize for Packed<'_, &(String, Vec<u32>)> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (tool, arguments) = self.content;
        (tool, self.of(arguments)).serialize(serializer)
    }
}

impl Serialize for Packed<'_, &DraftMessage> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.content {
            DraftMessage::User(lines) => ("user", self.of(lines)).serialize(serializer),
            DraftMessage::Assistant { text, calls } => {
                ("assistant", self.of(text), self.each(calls)).serialize(serializer)
            }
            DraftMessage::Tool { tool, text, is_error } => {
                ("tool", self.of(text), tool, is_error).serialize(serializer)
            }
        }
    }
}

impl Serialize for Packed<'_, &DraftExhibit> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DraftExhibit { check, place, call, parts } = self.content;
        let [before, found, after, lacking] = parts.each_ref().map(|part| self.of(part));
        (check, place, call, before, found, after, lacking).serialize(serializer)
    }
}

impl Serialize for Packed<'_, &DraftEpisode> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DraftEpisode { ordinal, messages, answer, shown } = self.content;
        let mut packed = serializer.serialize_struct("episode", 4)?;
        packed.serialize_field("ordinal", ordinal)?;
        packed.serialize_field("messages", &self.each(messages))?;
        packed.serialize_field("answer", &self.of(answer))?;
        packed.serialize_field("exhibits", &self.each(shown))?;
        packed.end()
    }
}
