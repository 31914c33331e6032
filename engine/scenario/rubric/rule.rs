//! What a check looks for, read from its keys once, so that scoring an episode only compares and searches.

use super::CheckKind;
use crate::pattern::{Case, Pattern, PatternSet};
use crate::value::{Map, Value, json_text};
use std::sync::Arc;

/// How much of a pattern a detail text shows, in characters.
const SHOWN_CHARACTERS: usize = 60;

/// What a check looks for.
#[derive(Debug)]
pub(crate) enum Rule {
    /// Whether the listed tools were called: all of them where they are wanted, none where not.
    Tools { tools: Vec<Value>, wanted: bool, all_called: Lead },
    /// Whether the pattern is found in one side of the calls.
    Call { side: Side, wanted: bool, tool: Option<Value>, search: Search },
    /// Whether the pattern is found in the response.
    Response { wanted: bool, search: Search },
    /// Whether the number of calls keeps a bound.
    Count { tool: Option<Value>, bound: Bound, limit: Value },
    /// Fewer calls earn more points: all up to `min`, none from `max` on.
    CountScore { tool: Option<Value>, min: Value, max: Value },
    /// Whether the first call of one tool comes before the first call of another.
    Order { before: Value, after: Value },
    /// Whether the response is short enough.
    Length { max: Value },
    /// Nothing: the type is unknown.
    Nothing,
}

/// The half of a tool call in which a pattern is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Args,
    Response,
}

/// The direction of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Max,
    Min,
}

/// A pattern, and how detail texts about it begin.
#[derive(Debug)]
pub(crate) struct Search {
    /// The pattern, or why searching for it raises.
    pub(crate) pattern: Result<Pattern, String>,
    /// The patterns that a rubric searches for in the same texts, and the place of this one among them.
    pub(super) set: Option<(Arc<PatternSet>, usize)>,
    pub(crate) lead: Lead,
}

/// The beginning of a detail text that is the same for every episode.
#[derive(Debug, Default)]
pub(crate) struct Lead {
    pub(crate) text: String,
    /// The text inside a JSON string, without the quotes.
    pub(crate) json: String,
}

impl Rule {
    /// The search of the rule, and in which half of the calls; none of them means the response.
    pub(super) fn search_mut(&mut self) -> Option<(Option<Side>, &mut Search)> {
        match self {
            Rule::Response { search, .. } => Some((None, search)),
            Rule::Call { side, search, .. } => Some((Some(*side), search)),
            _ => None,
        }
    }

    /// Reads the keys that a kind of check needs. The error is what makes the reference raise on any episode.
    pub(super) fn compile(kind: CheckKind, check: &Map) -> Result<Rule, String> {
        if let Some(missing) = kind.required_keys().iter().find(|key| !check.contains_key(**key)) {
            return Err(format!("missing key '{missing}'"));
        }
        let key = |key: &str| check.get(key).cloned().unwrap_or(Value::Null);
        let tool = check.get("tool").filter(|tool| tool.is_truthy());
        let call = |side, wanted| call_rule(side, wanted, tool, check);
        Ok(match kind {
            CheckKind::ToolCalled => tools_rule(check, true)?,
            CheckKind::ToolNotCalled => tools_rule(check, false)?,
            CheckKind::ToolArgContains => call(Side::Args, true)?,
            CheckKind::ToolArgExcludes => call(Side::Args, false)?,
            CheckKind::ToolResponseContains => call(Side::Response, true)?,
            CheckKind::ToolResponseExcludes => call(Side::Response, false)?,
            CheckKind::ToolCountMax => {
                Rule::Count { tool: counted(tool)?, bound: Bound::Max, limit: key("max") }
            }
            CheckKind::ToolCountMin => {
                Rule::Count { tool: counted(tool)?, bound: Bound::Min, limit: key("min") }
            }
            CheckKind::ToolCountScore => {
                Rule::CountScore { tool: counted(tool)?, min: key("min"), max: key("max") }
            }
            CheckKind::ToolCalledBefore => Rule::Order { before: key("before"), after: key("after") },
            CheckKind::ResponseContains => {
                Rule::Response { wanted: true, search: Search::compile(check, "")? }
            }
            CheckKind::ResponseExcludes => {
                Rule::Response { wanted: false, search: Search::compile(check, "")? }
            }
            CheckKind::ResponseLengthMax => Rule::Length { max: key("max") },
            CheckKind::Unknown => Rule::Nothing,
        })
    }
}

fn tools_rule(check: &Map, wanted: bool) -> Result<Rule, String> {
    let tools = listed_tools(check)?;
    let all_called = Lead::new(format!("called={}", Value::List(tools.clone()).py_repr()));
    Ok(Rule::Tools { tools, wanted, all_called })
}

/// The tools that a check names: `tools` is iterated as Python iterates it, `tool` may be a list or a name.
fn listed_tools(check: &Map) -> Result<Vec<Value>, String> {
    match (check.get("tools"), check.get("tool")) {
        (Some(Value::List(tools)), _) => Ok(tools.clone()),
        (Some(Value::Str(text)), _) => Ok(text.chars().map(|letter| Value::Str(letter.into())).collect()),
        (Some(Value::Map(map)), _) => Ok(map.keys().map(|key| Value::from(key.as_str())).collect()),
        (Some(other), _) => Err(format!("its 'tools' are {}, not a list", other.kind())),
        (None, Some(Value::List(tools))) => Ok(tools.clone()),
        (None, Some(tool)) => Ok(vec![tool.clone()]),
        (None, None) => Ok(Vec::new()),
    }
}

fn call_rule(side: Side, wanted: bool, tool: Option<&Value>, check: &Map) -> Result<Rule, String> {
    let scope = tool.map_or("any tool".to_owned(), |tool| format!("tool={}", tool.py_str()));
    let half = if side == Side::Response { " response" } else { "" };
    let search = Search::compile(check, &format!(" in {scope}{half}"))?;
    Ok(Rule::Call { side, wanted, tool: tool.cloned(), search })
}

fn counted(tool: Option<&Value>) -> Result<Option<Value>, String> {
    match tool {
        Some(tool) if !tool.is_hashable() => Err(format!("its 'tool' is {}, not a name", tool.kind())),
        other => Ok(other.cloned()),
    }
}

impl Search {
    /// `scope` says where is searched, when that is not the response.
    fn compile(check: &Map, scope: &str) -> Result<Search, String> {
        let insensitive = check.get("case_insensitive").is_none_or(Value::is_truthy);
        let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
        let (shown, pattern) = match check.get("pattern") {
            Some(Value::Str(source)) => {
                let broken = |e| format!("its pattern does not compile: {e}");
                (
                    source.chars().take(SHOWN_CHARACTERS).collect(),
                    Pattern::compile(source, case).map_err(broken),
                )
            }
            // Python can shorten a list for the detail text, and fails only when it searches for it.
            Some(Value::List(items)) => {
                let shown = Value::List(items.iter().take(SHOWN_CHARACTERS).cloned().collect()).py_repr();
                (shown, Err("its pattern is a list, not a string".to_owned()))
            }
            other => {
                let kind = other.map_or("missing", Value::kind);
                return Err(format!("its pattern is {kind}, not a string"));
            }
        };
        Ok(Search { pattern, set: None, lead: Lead::new(format!("'{shown}'{scope} → ")) })
    }

    /// The set of patterns for which a text is scanned at once, and the place of this one.
    pub(crate) fn in_set(&self) -> Option<(&PatternSet, usize)> {
        self.set.as_ref().map(|(set, place)| (&**set, *place))
    }
}

impl Lead {
    fn new(text: String) -> Lead {
        let quoted = json_text(&text);
        Lead { json: quoted[1..quoted.len() - 1].to_owned(), text }
    }
}
