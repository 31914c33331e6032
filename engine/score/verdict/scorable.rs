//! What scoring reads of an episode. A recorded one comes as JSON that nobody has checked, and the reference
//! looks at a field only when a check needs it; so wrong kinds are kept here until then.

use super::ScoreError;
use crate::episode::Episode;
use crate::value::Value;
use std::borrow::Cow;
use std::cell::OnceCell;

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
    NotAList(&'e Value),
}

/// One tool call.
#[derive(Debug)]
pub(super) enum Call<'e> {
    Object {
        tool: Option<Cow<'e, Value>>,
        args: Option<&'e Value>,
        response: Option<&'e Value>,
        /// An object without any key, which Python takes for false.
        is_empty: bool,
    },
    NotAnObject(&'e Value),
}

/// How often each tool was called.
#[derive(Debug)]
pub(super) enum Counts<'e> {
    Recorded(&'e Value),
    /// In the order in which the tools were first called.
    Counted(Vec<(&'e str, i64)>),
}

/// The searchable texts of an episode's calls, made when first needed.
pub(super) struct Texts<'e> {
    pub(super) args: Vec<OnceCell<Cow<'e, str>>>,
    pub(super) responses: Vec<OnceCell<Cow<'e, str>>>,
}

impl<'e> Scorable<'e> {
    /// Reads a recorded episode: `response`, `tool_calls_raw`, `tool_calls_by_type` and `tool_calls_total`,
    /// each of which may be missing.
    pub fn from_value(episode: &'e Value) -> Scorable<'e> {
        let Some(map) = episode.as_map() else {
            return Scorable { fields: Err(format!("is {}, not an object", episode.kind())) };
        };
        let or = |key: &str, default: Value| map.get(key).map_or(Cow::Owned(default), Cow::Borrowed);
        Scorable {
            fields: Ok(Fields {
                response: or("response", Value::from("")),
                calls: match map.get("tool_calls_raw") {
                    None => Calls::List(Vec::new()),
                    Some(Value::List(calls)) => Calls::List(calls.iter().map(Call::from_value).collect()),
                    Some(other) => Calls::NotAList(other),
                },
                counts: map.get("tool_calls_by_type").map_or(Counts::Counted(Vec::new()), Counts::Recorded),
                total: or("tool_calls_total", Value::Int(0)),
            }),
        }
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
        let calls = episode.tool_calls.iter().map(|call| Call::Object {
            tool: Some(Cow::Owned(Value::from(call.tool.as_str()))),
            args: Some(&call.args),
            response: Some(&call.response),
            is_empty: false,
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

    pub(super) fn fields(&self) -> Result<&Fields<'e>, ScoreError> {
        self.fields.as_ref().map_err(|problem| ScoreError::Episode(problem.clone()))
    }
}

impl<'e> Fields<'e> {
    /// Empty places for the texts of all calls.
    pub(super) fn texts(&self) -> Texts<'e> {
        let count = match &self.calls {
            Calls::List(calls) => calls.len(),
            Calls::NotAList(_) => 0,
        };
        Texts { args: vec![OnceCell::new(); count], responses: vec![OnceCell::new(); count] }
    }
}

impl<'e> Call<'e> {
    fn from_value(call: &'e Value) -> Call<'e> {
        match call {
            Value::Map(map) => Call::Object {
                tool: map.get("tool").map(Cow::Borrowed),
                args: map.get("args"),
                response: map.get("response"),
                is_empty: map.is_empty(),
            },
            other => Call::NotAnObject(other),
        }
    }
}

/// One half of a call as the text in which patterns are searched.
pub(super) fn flatten<'e>(half: Option<&'e Value>, missing: &'static str) -> Cow<'e, str> {
    match half {
        None => Cow::Borrowed(missing),
        Some(Value::Str(text)) => Cow::Borrowed(text),
        Some(object @ Value::Map(_)) => Cow::Owned(object.dumps()),
        Some(other) => Cow::Owned(other.py_str()),
    }
}

impl Counts<'_> {
    /// Whether Python's `tool in counts` holds.
    pub(super) fn contains(&self, tool: &Value) -> Result<bool, String> {
        match self {
            Counts::Recorded(Value::List(items)) => Ok(items.iter().any(|item| item.py_eq(tool))),
            Counts::Recorded(Value::Str(text)) => match tool {
                Value::Str(part) => Ok(text.contains(part.as_str())),
                other => {
                    Err(format!("{} is looked for in 'tool_calls_by_type', which is a string", other.kind()))
                }
            },
            _ => Ok(self.look_up(tool)?.is_some()),
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
            Counts::Recorded(Value::Map(map)) => Ok(name.and_then(|name| map.get(name)).map(Cow::Borrowed)),
            Counts::Recorded(other) => {
                Err(format!("'tool_calls_by_type' is {}, not an object", other.kind()))
            }
            Counts::Counted(counts) => {
                let found = counts.iter().find(|(tool, _)| name == Some(*tool));
                Ok(found.map(|(_, count)| Cow::Owned(Value::Int(*count))))
            }
        }
    }
}
