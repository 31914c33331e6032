//! Evaluates one check: whether it passed, what it earned, and the text that says why.

use super::scorable::{Call, CallObject, Calls, Fields};
use super::texts::{Scanned, Unsearchable};
use super::{CheckResult, Detail, Points, ScoreError};
use crate::scenario::{Bound, Check, Lead, Rule, Search, Side};
use crate::value::{Number, Value, float_str, round_decimal};
use std::borrow::Cow;
use std::cmp::Ordering;

/// How much of the response a detail text shows, in characters.
const SNIPPET_CHARACTERS: usize = 50;

/// An episode and its texts.
pub(super) struct Evidence<'s> {
    pub(super) fields: &'s Fields<'s>,
    pub(super) texts: Scanned<'s>,
}

/// Why a check has no verdict.
pub(super) enum Failure {
    Raises(String),
    MatchLimit,
}

impl Failure {
    pub(super) fn of_check(self, index: usize, check: &Check) -> ScoreError {
        let id = check.id.clone();
        match self {
            Failure::Raises(problem) => ScoreError::Check { index, id, problem },
            Failure::MatchLimit => ScoreError::MatchLimit { index, id },
        }
    }
}

impl From<Unsearchable<'_>> for Failure {
    fn from(reason: Unsearchable<'_>) -> Failure {
        match reason {
            Unsearchable::Defect(problem) => Failure::Raises(problem.to_owned()),
            Unsearchable::MatchLimit => Failure::MatchLimit,
        }
    }
}

impl From<String> for Failure {
    fn from(problem: String) -> Failure {
        Failure::Raises(problem)
    }
}

/// A verdict without the check it belongs to.
struct Finding<'r> {
    passed: bool,
    detail: Detail<'r>,
}

/// Evaluates a check on an episode.
pub(super) fn evaluate<'s, 'r: 's>(
    check: &'r Check,
    evidence: &Evidence<'s>,
) -> Result<CheckResult<'r>, Failure> {
    let fields = evidence.fields;
    let finding = match check.definition().rule.as_ref().map_err(|defect| Failure::Raises(defect.clone()))? {
        Rule::CountScore { tool, min, max } => {
            return count_score(check, fields, tool.as_ref(), min, max).map_err(Failure::Raises);
        }
        Rule::Tools { tools, wanted: true, all_called } => all_tools(fields, tools, all_called)?,
        Rule::Tools { tools, wanted: false, .. } => no_tools(fields, tools)?,
        Rule::Call { side, wanted, tool, search } => {
            let found = find_call(evidence, *side, tool.as_ref(), search)?;
            call_finding(*wanted, found, search)
        }
        Rule::Response { wanted, search } => find_in_response(evidence, *wanted, search)?,
        Rule::Count { tool, bound, limit } => count(fields, tool.as_ref(), *bound, limit)?,
        Rule::Order { before, after } => order(fields, before, after)?,
        Rule::Length { max } => length(fields, max)?,
        Rule::Nothing => {
            let type_name = check.definition().type_name.py_str();
            Finding { passed: false, detail: Detail::new(format!("unknown check type: {type_name}")) }
        }
    };
    let points = if finding.passed { Points::All } else { Points::Nothing };
    Ok(CheckResult { check, passed: finding.passed, points, detail: finding.detail })
}

fn all_tools<'r>(fields: &Fields<'_>, tools: &[Value], all_called: &'r Lead) -> Result<Finding<'r>, String> {
    let missing = partition(fields, tools, false)?;
    Ok(match missing.is_empty() {
        true => Finding { passed: true, detail: Detail::led(all_called, "") },
        false => Finding { passed: false, detail: Detail::new(format!("missing={}", listed(missing))) },
    })
}

fn no_tools<'r>(fields: &Fields<'_>, tools: &[Value]) -> Result<Finding<'r>, String> {
    let called = partition(fields, tools, true)?;
    Ok(match called.is_empty() {
        true => Finding { passed: true, detail: Detail::new("none called") },
        false => Finding {
            passed: false,
            detail: Detail::new(format!("forbidden tools called: {}", listed(called))),
        },
    })
}

/// The tools that were called, or those that were not.
fn partition<'t>(fields: &Fields<'_>, tools: &'t [Value], called: bool) -> Result<Vec<&'t Value>, String> {
    let mut part = Vec::new();
    for tool in tools {
        if fields.counts.contains(tool)? == called {
            part.push(tool);
        }
    }
    Ok(part)
}

fn listed(tools: Vec<&Value>) -> String {
    Value::List(tools.into_iter().cloned().collect()).py_repr()
}

fn call_finding<'r>(wanted: bool, found: Option<&CallObject<'_>>, search: &'r Search) -> Finding<'r> {
    let rest = match (wanted, found) {
        (true, Some(_)) => Cow::Borrowed("found"),
        (true, None) => Cow::Borrowed("NOT FOUND"),
        // An empty object fails the check, but Python takes it for false when it words the detail.
        (false, None | Some(CallObject { is_empty: true, .. })) => Cow::Borrowed("not found (good)"),
        (false, Some(CallObject { tool: Some(tool), .. })) => {
            Cow::Owned(format!("FOUND in {}", tool.py_str()))
        }
        (false, Some(_)) => Cow::Borrowed("FOUND in ?"),
    };
    Finding { passed: found.is_some() == wanted, detail: Detail::led(&search.lead, rest) }
}

/// The first call in whose half the pattern is found, among those of the tool if one is given.
fn find_call<'s>(
    evidence: &Evidence<'s>,
    side: Side,
    only: Option<&Value>,
    search: &'s Search,
) -> Result<Option<&'s CallObject<'s>>, Failure> {
    let fields: &'s Fields<'s> = evidence.fields;
    for (index, call) in calls(fields)?.iter().enumerate() {
        let call = object(call, index)?;
        if only.is_some_and(|only| !call.tool.as_ref().is_some_and(|tool| tool.py_eq(only))) {
            continue;
        }
        if evidence.texts.find_in_call(search, side, index, call)?.is_some() {
            return Ok(Some(call));
        }
    }
    Ok(None)
}

fn find_in_response<'s, 'r: 's>(
    evidence: &Evidence<'s>,
    wanted: bool,
    search: &'r Search,
) -> Result<Finding<'r>, Failure> {
    let Value::Str(response) = &*evidence.fields.response else {
        let kind = evidence.fields.response.kind();
        return Err(Failure::Raises(format!("the episode's 'response' is {kind}, not a string")));
    };
    let found = evidence.texts.find_in_response(search, response)?;
    let rest = match (wanted, &found) {
        (true, Some(_)) => Cow::Borrowed("found"),
        (true, None) => Cow::Borrowed("NOT FOUND"),
        (false, None) => Cow::Borrowed("not found (good)"),
        (false, Some(span)) => Cow::Owned(format!("FOUND: ...{}...", snippet(&response[span.start..]))),
    };
    Ok(Finding { passed: found.is_some() == wanted, detail: Detail::led(&search.lead, rest) })
}

fn snippet(text: &str) -> &str {
    text.char_indices().nth(SNIPPET_CHARACTERS).map_or(text, |(end, _)| &text[..end])
}

fn count<'r>(
    fields: &Fields<'_>,
    tool: Option<&Value>,
    bound: Bound,
    limit: &Value,
) -> Result<Finding<'r>, String> {
    let actual = counted(fields, tool)?;
    let order = actual.py_cmp(limit)?;
    let (passed, word) = match bound {
        Bound::Max => (is_at_most(order), "max"),
        Bound::Min => (is_at_least(order), "min"),
    };
    let detail = format!("{}={} ({word} {})", label(tool), actual.py_str(), limit.py_str());
    Ok(Finding { passed, detail: Detail::new(detail) })
}

fn count_score<'r>(
    check: &'r Check,
    fields: &Fields<'_>,
    tool: Option<&Value>,
    min: &Value,
    max: &Value,
) -> Result<CheckResult<'r>, String> {
    let actual = counted(fields, tool)?;
    let fraction = if is_at_most(actual.py_cmp(min)?) {
        1.0
    } else if is_at_least(actual.py_cmp(max)?) {
        0.0
    } else {
        let (actual, min, max) = (Number::of(&actual)?, Number::of(min)?, Number::of(max)?);
        divide(max.minus(actual), max.minus(min))?
    };
    let definition = check.definition();
    let earned = round_decimal(definition.max_points_number.as_f64() * fraction, 1);
    let detail = format!(
        "{}={} → {}/{} pts (optimal≤{}, budget={})",
        label(tool),
        actual.py_str(),
        float_str(earned),
        definition.max_points.py_str(),
        min.py_str(),
        max.py_str()
    );
    let (passed, points) = (earned > 0.0, Points::Partial(earned));
    Ok(CheckResult { check, passed, points, detail: Detail::new(detail) })
}

fn divide(a: Number, b: Number) -> Result<f64, String> {
    if b.as_f64() == 0.0 { Err("division by zero".into()) } else { Ok(a.as_f64() / b.as_f64()) }
}

/// The calls of one tool, or of all.
fn counted<'f>(fields: &'f Fields<'_>, tool: Option<&Value>) -> Result<Cow<'f, Value>, String> {
    match tool {
        Some(tool) => fields.counts.of(tool),
        None => Ok(Cow::Borrowed(&fields.total)),
    }
}

fn label(tool: Option<&Value>) -> String {
    tool.map_or("total".into(), Value::py_str)
}

fn is_at_most(order: Option<Ordering>) -> bool {
    matches!(order, Some(Ordering::Less | Ordering::Equal))
}

fn is_at_least(order: Option<Ordering>) -> bool {
    matches!(order, Some(Ordering::Greater | Ordering::Equal))
}

fn order<'r>(fields: &Fields<'_>, before: &Value, after: &Value) -> Result<Finding<'r>, String> {
    let mut tools = Vec::new();
    for (index, call) in calls(fields)?.iter().enumerate() {
        let tool = object(call, index)?.tool.as_deref();
        tools.push(tool.ok_or_else(|| format!("tool call {index} has no 'tool'"))?);
    }
    let first = |name: &Value| tools.iter().position(|tool| tool.py_eq(name));
    let (before_name, after_name) = (before.py_str(), after.py_str());
    let (passed, detail) = match (first(before), first(after)) {
        (_, None) => (true, format!("{after_name} never called")),
        (None, Some(_)) => (false, format!("{before_name} never called but {after_name} was")),
        (Some(i), Some(j)) if i < j => (true, format!("{before_name}@{i} < {after_name}@{j}")),
        (Some(i), Some(j)) => (false, format!("{before_name}@{i} >= {after_name}@{j}")),
    };
    Ok(Finding { passed, detail: Detail::new(detail) })
}

fn length<'r>(fields: &Fields<'_>, max: &Value) -> Result<Finding<'r>, String> {
    let length = match &*fields.response {
        Value::Str(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        other => return Err(format!("the episode's 'response' is {}, which has no length", other.kind())),
    };
    let passed = is_at_most(Value::Int(length as i64).py_cmp(max)?);
    Ok(Finding { passed, detail: Detail::new(format!("length={length} (max {})", max.py_str())) })
}

fn object<'c, 'e>(call: &'c Call<'e>, index: usize) -> Result<&'c CallObject<'e>, String> {
    match call {
        Call::Object(call) => Ok(call),
        Call::NotAnObject(kind) => Err(format!("tool call {index} is {kind}, not an object")),
    }
}

/// The calls as Python's `for` gives them: an empty string or object has none, other kinds fail.
fn calls<'f, 'e>(fields: &'f Fields<'e>) -> Result<&'f [Call<'e>], String> {
    match &fields.calls {
        Calls::List(calls) => Ok(calls),
        Calls::NotAList(other) => match &**other {
            Value::Str(text) if text.is_empty() => Ok(&[]),
            Value::Map(map) if map.is_empty() => Ok(&[]),
            other => Err(format!("the episode's 'tool_calls_raw' is {}, not a list", other.kind())),
        },
    }
}

impl<'r> Detail<'r> {
    fn new(text: impl Into<Cow<'static, str>>) -> Detail<'r> {
        Detail { lead: None, rest: text.into() }
    }

    fn led(lead: &'r Lead, rest: impl Into<Cow<'static, str>>) -> Detail<'r> {
        Detail { lead: Some(lead), rest: rest.into() }
    }
}
