//! Reads stored episodes into a chunk's draft, without building what is only passed on.

use super::{Chunk, deflated};
use crate::episode::ToolCall;
use crate::score::{Exhibit, ExhibitPlace, Explainer};
use anyhow::Context;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A chunk before it is known which of its lines others have too.
#[derive(Default)]
pub(super) struct Draft {
    pub lines: Vec<String>,
    line_places: HashMap<String, u32>,
    /// Texts that were seen, as they stand in JSON.
    texts: HashMap<Box<str>, Vec<u32>>,
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
    failed: &[usize],
    explainers: &[Option<Explainer<'_>>],
) -> anyhow::Result<()> {
    let kept: Kept<'_> =
        serde_json::from_str(json).with_context(|| format!("read the transcript of event {ordinal}"))?;
    let mut messages = Vec::with_capacity(kept.transcript.len());
    for message in &kept.transcript {
        messages.push(draft.message(message)?);
    }
    let answer = draft.text(kept.response)?;
    let shown = draft.exhibits_of(ordinal, &kept, failed, explainers)?;
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
        failed: &[usize],
        explainers: &[Option<Explainer<'_>>],
    ) -> anyhow::Result<Vec<DraftExhibit>> {
        let known = || failed.iter().filter_map(|check| Some((*check, explainers[*check].as_ref()?)));
        let needs_calls = known().any(|(_, explainer)| explainer.needs_calls());
        let calls: Vec<ToolCall> = match needs_calls {
            true => serde_json::from_str(kept.tool_calls.get())?,
            false => Vec::new(),
        };
        let answer: String = serde_json::from_str(kept.response.get())?;
        let mut shown = Vec::new();
        for (check, explainer) in known() {
            let Some(exhibit) = explainer.exhibit(&answer, &calls) else { continue };
            let lacking = exhibit.lacking.as_deref().unwrap_or_default();
            let parts = [&exhibit.before, &exhibit.found, &exhibit.after, lacking];
            let parts = parts.map(|part| self.lines_of(part));
            shown.push(DraftExhibit { check, place: exhibit.place, call: exhibit.call, parts });
            self.exhibits.push(((ordinal, check), exhibit));
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
        if let Some(place) = self.line_places.get(line) {
            return *place;
        }
        let place = self.lines.len() as u32;
        self.lines.push(line.to_owned());
        self.line_places.insert(line.to_owned(), place);
        place
    }

    /// Packs the chunk, now that it is known which lines stand in the common pool.
    pub fn chunk(&self, common: &HashMap<&str, i64>) -> anyhow::Result<Chunk> {
        let mut own: Vec<&str> = Vec::new();
        let places: Vec<i64> = self
            .lines
            .iter()
            .map(|line| match common.get(line.as_str()) {
                Some(place) => *place,
                None => {
                    own.push(line);
                    -(own.len() as i64)
                }
            })
            .collect();
        let text = |lines: &[u32]| lines.iter().map(|line| places[*line as usize]).collect::<Vec<i64>>();
        let episodes: Vec<Value> = self.episodes.iter().map(|episode| episode.packed(&text)).collect();
        let packed = deflated(&json!({"pool": own, "episodes": episodes}).to_string())?;
        Ok(Chunk { ordinals: self.episodes.iter().map(|episode| episode.ordinal).collect(), packed })
    }
}

impl DraftEpisode {
    fn packed(&self, text: &dyn Fn(&[u32]) -> Vec<i64>) -> Value {
        let message = |message: &DraftMessage| match message {
            DraftMessage::User(lines) => json!(["user", text(lines)]),
            DraftMessage::Assistant { text: said, calls } => {
                let calls: Vec<Value> =
                    calls.iter().map(|(tool, arguments)| json!([tool, text(arguments)])).collect();
                json!(["assistant", text(said), calls])
            }
            DraftMessage::Tool { tool, text: content, is_error } => {
                json!(["tool", text(content), tool, is_error])
            }
        };
        let exhibit = |exhibit: &DraftExhibit| {
            let [before, found, after, lacking] = exhibit.parts.each_ref().map(|part| text(part));
            json!([exhibit.check, exhibit.place, exhibit.call, before, found, after, lacking])
        };
        json!({
            "ordinal": self.ordinal,
            "messages": self.messages.iter().map(message).collect::<Vec<_>>(),
            "answer": text(&self.answer),
            "exhibits": self.shown.iter().map(exhibit).collect::<Vec<_>>(),
        })
    }
}
