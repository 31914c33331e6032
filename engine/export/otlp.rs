//! A run's episodes as OpenTelemetry traces, by the `gen_ai` conventions: a trace each, whose span is one invocation of
//! the agent, with a `gen_ai.evaluation.result` event for every check.
//!
//! Ids follow from the run and the ordinal, so that sending twice gives the same spans. When single calls of an episode
//! began and ended is not recorded, so they have no spans: a time that was not measured is not made up.

pub mod proto;

use super::rows::{EpisodeRow, tables};
use crate::episode::{Episode, Message};
use crate::event::{EpisodeScored, Event};
use crate::store::{Record, Transcript};
use crate::units::{RunId, sha256_hex};
use proto::{
    AnyValue, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Resource, ResourceSpans, ScopeSpans,
    Span, SpanEvent, Status, Value,
};
use serde_json::json;
use std::collections::HashMap;

/// `SPAN_KIND_INTERNAL`: what the span is about happens in this program.
const INTERNAL: i32 = 1;
const STATUS_OK: i32 = 1;
const STATUS_ERROR: i32 = 2;
const NANOS: u64 = 1_000_000;

/// The spans of a run's episodes; none when it never started. Words of agents, tools and servers are in them only where
/// there are transcripts.
pub fn spans(
    run: &RunId,
    records: &[Record],
    transcripts: Option<&[Transcript]>,
) -> anyhow::Result<Vec<Span>> {
    let Some(tables) = tables(run, records) else { return Ok(Vec::new()) };
    let by_ordinal: HashMap<u32, &Record> = records.iter().map(|record| (record.ordinal, record)).collect();
    let kept: HashMap<u32, &Transcript> =
        transcripts.unwrap_or_default().iter().map(|transcript| (transcript.ordinal, transcript)).collect();
    let mut spans = Vec::with_capacity(tables.episodes.len());
    for row in &tables.episodes {
        let transcript = kept.get(&row.ordinal).map(|transcript| transcript.json()).transpose()?;
        let episode: Option<Episode> = transcript.map(|json| serde_json::from_str(&json)).transpose()?;
        spans.push(span(row, by_ordinal[&row.ordinal], episode.as_ref(), transcripts.is_some()));
    }
    Ok(spans)
}

/// A request with some spans.
pub fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let version = env!("CARGO_PKG_VERSION");
    let scope = InstrumentationScope { name: "packwright".into(), version: version.into() };
    let resource =
        Resource { attributes: vec![text("service.name", "packwright"), text("service.version", version)] };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource: Some(resource), scope_spans }],
    }
}

fn span(row: &EpisodeRow, record: &Record, episode: Option<&Episode>, with_words: bool) -> Span {
    let end = record.wall_clock.recorded_ms * NANOS;
    let scored = match &record.event {
        Event::EpisodeScored(scored) => Some(scored),
        _ => None,
    };
    let mut attributes = attributes(row);
    attributes.extend(episode.map(messages).unwrap_or_default());
    let status = match (&row.problem, with_words) {
        (None, _) => Status { code: STATUS_OK, message: String::new() },
        (Some(problem), true) => Status { code: STATUS_ERROR, message: problem.clone() },
        (Some(_), false) => Status { code: STATUS_ERROR, message: "not measured".into() },
    };
    let id = |part: &str, bytes: usize| digest(&format!("{part} {} {}", row.run, row.ordinal), bytes);
    Span {
        trace_id: id("trace", 16),
        span_id: id("span", 8),
        name: "invoke_agent packwright".into(),
        kind: INTERNAL,
        start_time_unix_nano: end.saturating_sub(row.took_ms.unwrap_or(0) * NANOS),
        end_time_unix_nano: end,
        attributes,
        events: scored.map(|scored| evaluations(scored, end, with_words)).unwrap_or_default(),
        status: Some(status),
    }
}

fn attributes(row: &EpisodeRow) -> Vec<KeyValue> {
    let provider = row.model.split('/').next().unwrap_or_default();
    let mut attributes = vec![
        text("gen_ai.operation.name", "invoke_agent"),
        text("gen_ai.provider.name", provider_name(provider)),
        text("gen_ai.agent.name", "packwright"),
        text("gen_ai.agent.id", &row.candidate),
        text("gen_ai.conversation.id", &format!("{}/{}", row.run, row.ordinal)),
        text("gen_ai.request.model", row.model.split_once('/').map_or(&row.model, |(_, name)| name)),
        text("packwright.run", &row.run),
        int("packwright.ordinal", u64::from(row.ordinal)),
        text("packwright.suite", &row.suite),
        text("packwright.suite_hash", &row.suite_hash),
        text("packwright.profile", &row.profile),
        text("packwright.scenario", &row.scenario),
        int("packwright.repeat", u64::from(row.repeat)),
        text("packwright.role", row.role),
        text("packwright.outcome", row.outcome),
        of("packwright.cached", Value::Bool(row.cached)),
        of("packwright.duration_measured", Value::Bool(row.took_ms.is_some() && !row.cached)),
    ];
    let counts = [
        ("gen_ai.usage.input_tokens", row.input_tokens),
        ("gen_ai.usage.output_tokens", row.output_tokens),
        ("gen_ai.usage.cache_read.input_tokens", row.cache_read_tokens),
        ("gen_ai.usage.cache_creation.input_tokens", row.cache_write_tokens),
        ("packwright.tool_calls", row.tool_calls.map(u64::from)),
        ("packwright.model_calls", row.model_calls.map(u64::from)),
    ];
    attributes.extend(counts.into_iter().filter_map(|(key, count)| Some(int(key, count?))));
    let words = [("packwright.phase", row.phase), ("gen_ai.response.model", row.resolved_model.as_deref())];
    attributes.extend(words.into_iter().filter_map(|(key, word)| Some(text(key, word?))));
    attributes.extend(row.problem.as_ref().map(|_| text("error.type", "unmeasured")));
    attributes.extend(row.score.map(|score| of("packwright.score", Value::Double(score))));
    attributes
}

/// The conventions' name of a provider.
fn provider_name(provider: &str) -> &str {
    match provider {
        "gemini" => "gcp.gemini",
        other => other,
    }
}

fn evaluations(scored: &EpisodeScored, at: u64, with_words: bool) -> Vec<SpanEvent> {
    let event = |verdict: &crate::score::CheckVerdict| {
        let mut attributes = vec![
            text("gen_ai.evaluation.name", &verdict.id),
            of("gen_ai.evaluation.score.value", Value::Double(verdict.points)),
            text("gen_ai.evaluation.score.label", if verdict.passed { "pass" } else { "fail" }),
            of("packwright.check.max_points", Value::Double(verdict.max_points)),
            text("packwright.check.category", &verdict.category),
        ];
        if with_words {
            attributes.push(text("gen_ai.evaluation.explanation", &verdict.detail));
        }
        SpanEvent { time_unix_nano: at, name: "gen_ai.evaluation.result".into(), attributes }
    };
    scored.scorecard.checks.iter().map(event).collect()
}

/// The conversation: everything up to the last turn as input, the last turn as output.
fn messages(episode: &Episode) -> Vec<KeyValue> {
    let mut told: Vec<serde_json::Value> = episode.transcript.iter().map(message).collect();
    let is_answer = matches!(episode.transcript.last(), Some(Message::Assistant(_)));
    let output: Vec<serde_json::Value> =
        if is_answer { told.pop().into_iter().collect() } else { Vec::new() };
    let list =
        |key: &str, list: Vec<serde_json::Value>| text(key, &serde_json::Value::from(list).to_string());
    vec![list("gen_ai.input.messages", told), list("gen_ai.output.messages", output)]
}

fn message(message: &Message) -> serde_json::Value {
    match message {
        Message::User(text) => json!({"role": "user", "parts": [{"type": "text", "content": text}]}),
        Message::Assistant(turn) => {
            let said = (!turn.text.is_empty()).then(|| json!({"type": "text", "content": turn.text}));
            let calls = turn.tool_calls.iter().map(|call| {
                json!({"type": "tool_call", "id": call.id, "name": call.tool, "arguments": call.arguments})
            });
            let parts: Vec<serde_json::Value> = said.into_iter().chain(calls).collect();
            let reason = if turn.tool_calls.is_empty() { "stop" } else { "tool_call" };
            json!({"role": "assistant", "parts": parts, "finish_reason": reason})
        }
        Message::ToolResult(result) => {
            let part = json!({"type": "tool_call_response", "id": result.id, "response": result.content});
            json!({"role": "tool", "parts": [part]})
        }
    }
}

fn digest(text: &str, bytes: usize) -> Vec<u8> {
    let hex = sha256_hex(text.as_bytes());
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16);
    (0..bytes).map(|at| byte(at).expect("a digest is written in hex digits")).collect()
}

fn of(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn text(key: &str, value: &str) -> KeyValue {
    of(key, Value::Text(value.to_owned()))
}

fn int(key: &str, value: u64) -> KeyValue {
    of(key, Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
}
