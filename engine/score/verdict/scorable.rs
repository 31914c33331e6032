//! What scoring reads of an episode. A recorded one comes as JSON that nobody has checked, and the reference
//! looks at a field only when a check needs it; so wrong kinds are kept here until then.

use super::ScoreError;
use crate::episode::Episode;
use crate::value::{JsonReader, Value, parse};
use std::borrow::Cow;

/// An episode, as scoring reads it.
#[derive(Debug)]
pub struct Scorable<'e> {
    fields: Result<Fields<'e>, String>,
}

#[derive(Debug)]
pub(super) struct Fields<'e> {
    pub(super) response: Cow<'e, Value>,
    pub(super) calls: Calls<'e>,
    pub(super) counts: Counts<'e>,
    pub(super) total: Cow<'e, Value>,
}

/// The tool calls.
#[derive(Debug)]
pub(super) enum Calls<'e> {
    List(Vec<Call<'e>>),
    /// Something that yields no calls, or that Python cannot iterate.
    NotAList(Cow<'e, Value>),
}

/// One tool call.
#[derive(Debug)]
pub(super) enum Call<'e> {
    Object(CallObject<'e>),
    /// Something else, of this kind.
    NotAnObject(&'static str),
}

#[derive(Debug, Default)]
pub(super) struct CallObject<'e> {
    pub(super) tool: Option<Cow<'e, Value>>,
    pub(super) args: Option<Half<'e>>,
    pub(super) response: Option<Half<'e>>,
    /// Whether it has no key at all: Python takes such an object for false.
    pub(super) is_empty: bool,
}

/// What a call was given, or what it answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Half<'e> {
    Value(&'e Value),
    /// JSON whose syntax has been checked.
    Json(&'e str),
}

/// How often each tool was called.
#[derive(Debug)]
pub(super) enum Counts<'e> {
    Recorded(Cow<'e, Value>),
    /// In the order in which the tools were first called.
    Counted(Vec<(&'e str, i64)>),
}

impl<'e> Scorable<'e> {
    /// Reads a recorded episode: `response`, `tool_calls_raw`, `tool_calls_by_type` and `tool_calls_total`,
    /// each of which may be missing.
    pub fn from_value(episode: &'e Value) -> Scorable<'e> {
        let Some(map) = episode.as_map() else {
            return Scorable::not_an_object(episode);
        };
        let mut fields = Fields::default();
        for (key, value) in map {
            match key.as_str() {
                "response" => fields.response = Cow::Borrowed(value),
                "tool_calls_raw" => {
                    fields.calls = match value {
                        Value::List(calls) => Calls::List(calls.iter().map(Call::from_value).collect()),
                        other => Calls::NotAList(Cow::Borrowed(other)),
                    }
                }
                "tool_calls_by_type" => fields.counts = Counts::Recorded(Cow::Borrowed(value)),
                "tool_calls_total" => fields.total = Cow::Borrowed(value),
                _ => {}
            }
        }
        Scorable { fields: Ok(fields) }
    }

    /// Reads a recorded episode from JSON, without building the arguments and responses of its calls: most
    /// of them are never searched.
    pub fn read(reader: &mut JsonReader<'e>) -> Result<Scorable<'e>, String> {
        if !reader.is_object() {
            return Ok(Scorable::not_an_object(&reader.value()?));
        }
        let mut fields = Fields::default();
        reader.members(|reader, key| {
            match &*key {
                "response" => fields.response = Cow::Owned(reader.value()?),
                "tool_calls_raw" if reader.is_list() => fields.calls = Calls::List(read_calls(reader)?),
                "tool_calls_raw" => fields.calls = Calls::NotAList(Cow::Owned(reader.value()?)),
                "tool_calls_by_type" => fields.counts = Counts::Recorded(Cow::Owned(reader.value()?)),
                "tool_calls_total" => fields.total = Cow::Owned(reader.value()?),
                _ => drop(reader.skip()?),
            }
            Ok(())
        })?;
        Ok(Scorable { fields: Ok(fields) })
    }

    /// Reads an episode of ours; the counts follow from its calls.
    pub fn of_episode(episode: &'e Episode) -> Scorable<'e> {
        let mut counts: Vec<(&str, i64)> = Vec::new();
        for call in &episode.tool_calls {
            match counts.iter_mut().find(|(tool, _)| *tool == call.tool) {
                Some((_, count)) => *count += 1,
                None => counts.push((&call.tool, 1)),
            }
        }
        let calls = episode.tool_calls.iter().map(|call| {
            Call::Object(CallObject {
                tool: Some(Cow::Owned(Value::from(call.tool.as_str()))),
                args: Some(Half::Value(&call.args)),
                response: Some(Half::Value(&call.response)),
                is_empty: false,
            })
        });
        Scorable {
            fields: Ok(Fields {
                response: Cow::Owned(Value::from(episode.response.as_str())),
                calls: Calls::List(calls.collect()),
                counts: Counts::Counted(counts),
                total: Cow::Owned(Value::Int(episode.tool_calls.len() as i64)),
            }),
        }
    }

    fn not_an_object(episode: &Value) -> Scorable<'e> {
        Scorable { fields: Err(format!("is {}, not an object", episode.kind())) }
    }

    pub(super) fn fields(&self) -> Result<&Fields<'e>, ScoreError> {
        self.fields.as_ref().map_err(|problem| ScoreError::Episode(problem.clone()))
    }
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Fields {
            response: Cow::Owned(Value::from("")),
            calls: Calls::List(Vec::new()),
            counts: Counts::Counted(Vec::new()),
            total: Cow::Owned(Value::Int(0)),
        }
    }
}

impl<'e> Call<'e> {
    fn from_value(call: &'e Value) -> Call<'e> {
        match call {
            Value::Map(map) => Call::Object(CallObject {
                tool: map.get("tool").map(Cow::Borrowed),
                args: map.get("args").map(Half::Value),
                response: map.get("response").map(Half::Value),
                is_empty: map.is_empty(),
            }),
            other => Call::NotAnObject(other.kind()),
        }
    }
}

fn read_calls<'e>(reader: &mut JsonReader<'e>) -> Result<Vec<Call<'e>>, String> {
    let mut calls = Vec::new();
    reader.items(|reader| {
        calls.push(if reader.is_object() {
            Call::Object(read_call(reader)?)
        } else {
            Call::NotAnObject(reader.value()?.kind())
        });
        Ok(())
    })?;
    Ok(calls)
}

fn read_call<'e>(reader: &mut JsonReader<'e>) -> Result<CallObject<'e>, String> {
    let mut call = CallObject { is_empty: true, ..CallObject::default() };
    reader.members(|reader, key| {
        call.is_empty = false;
        match &*key {
            "tool" => call.tool = Some(Cow::Owned(reader.value()?)),
            "args" => call.args = Some(Half::Json(reader.skip()?)),
            "response" => call.response = Some(Half::Json(reader.skip()?)),
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(call)
}

/// One half of a call as the text in which patterns are searched.
pub(super) fn flatten<'e>(half: Option<Half<'e>>, missing: &'static str) -> Cow<'e, str> {
    match half {
        None => Cow::Borrowed(missing),
        Some(Half::Value(Value::Str(text))) => Cow::Borrowed(text),
        Some(Half::Value(value)) => Cow::Owned(flat_text(value)),
        Some(Half::Json(json)) => {
            let value = parse(json.as_bytes()).expect("the syntax was checked when the call was read");
            Cow::Owned(match value {
                Value::Str(text) => text,
                other => flat_text(&other),
            })
        }
    }
}

fn flat_text(value: &Value) -> String {
    if value.as_map().is_some() { value.dumps() } else { value.py_str() }
}

impl Counts<'_> {
    /// Whether Python's `tool in counts` holds.
    pub(super) fn contains(&self, tool: &Value) -> Result<bool, String> {
        match self {
            Counts::Recorded(recorded) => match (&**recorded, tool) {
                (Value::List(items), _) => Ok(items.iter().any(|item| item.py_eq(tool))),
                (Value::Str(text), Value::Str(part)) => Ok(text.contains(part.as_str())),
                (Value::Str(_), _) => {
                    Err(format!("{} is looked for in 'tool_calls_by_type', which is a string", tool.kind()))
                }
                _ => Ok(self.look_up(tool)?.is_some()),
            },
            Counts::Counted(_) => Ok(self.look_up(tool)?.is_some()),
        }
    }

    /// The count of a tool; 0 where it was not called.
    pub(super) fn of(&self, tool: &Value) -> Result<Cow<'_, Value>, String> {
        Ok(self.look_up(tool)?.unwrap_or(Cow::Owned(Value::Int(0))))
    }

    fn look_up(&self, tool: &Value) -> Result<Option<Cow<'_, Value>>, String> {
        if !tool.is_hashable() {
            return Err(format!("{} is looked for in 'tool_calls_by_type'", tool.kind()));
        }
        let name = tool.as_str();
        match self {
            Counts::Recorded(recorded) => match &**recorded {
                Value::Map(map) => Ok(name.and_then(|name| map.get(name)).map(Cow::Borrowed)),
                other => Err(format!("'tool_calls_by_type' is {}, not an object", other.kind())),
            },
            Counts::Counted(counts) => {
                let found = counts.iter().find(|(tool, _)| name == Some(*tool));
                Ok(found.map(|(_, count)| Cow::Owned(Value::Int(*count))))
            }
        }
    }
}
