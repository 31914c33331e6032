//! Why a check failed, shown in the episode: the text that matched where nothing should, the nearest miss where
//! something should, and the tool call involved. Verdicts do not depend on it.

use super::scorable::{Half, flatten};
use crate::episode::ToolCall;
use crate::pattern::{Beginnings, Haystack, Pattern};
use crate::scenario::{Bound, Check, Rule, Side};
use crate::value::Value;
use serde::Serialize;
use std::ops::Range;
use std::sync::OnceLock;

/// How much text is shown on each side of a place, and of the place itself, in characters.
const AROUND: usize = 80;
const FOUND_MAX: usize = 240;
/// How much of what is lacking is told, in characters.
const LACKING_MAX: usize = 200;

/// Shows why the episodes of one rubric fail a check; made once, for many episodes.
#[derive(Debug)]
pub struct Explainer<'r> {
    check: &'r Check,
    beginnings: OnceLock<Option<Beginnings>>,
}

/// What is to be seen of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exhibit {
    /// Where it is to be seen.
    pub place: ExhibitPlace,
    /// The number of the tool call involved, from 0; none where it is the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The text around the place, cut from the episode.
    pub before: String,
    pub found: String,
    pub after: String,
    /// What was lacking there, where the place is a nearest miss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacking: Option<String>,
}

/// Which text of an episode an exhibit is cut from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExhibitPlace {
    /// What the agent answered.
    Answer,
    Arguments,
    ToolAnswer,
}

impl<'r> Explainer<'r> {
    pub fn new(check: &'r Check) -> Explainer<'r> {
        Explainer { check, beginnings: OnceLock::new() }
    }

    /// Whether the calls must be known to explain a failure.
    pub fn needs_calls(&self) -> bool {
        !matches!(self.check.definition().rule, Ok(Rule::Response { .. } | Rule::Length { .. }) | Err(_))
    }

    /// What shows a failure; none where there is nothing to be shown, as when a tool was never called.
    pub fn exhibit(&self, answer: &str, calls: &[ToolCall]) -> Option<Exhibit> {
        match self.check.definition().rule.as_ref().ok()? {
            Rule::Response { wanted, search } => {
                let pattern = search.pattern.as_ref().ok()?;
                let (span, lacking) = self.look(pattern, *wanted, answer)?;
                Some(Exhibit { lacking, ..cut(ExhibitPlace::Answer, answer, span) })
            }
            Rule::Call { side, wanted, tool, search } => {
                let pattern = search.pattern.as_ref().ok()?;
                let own = calls.iter().enumerate().filter(|(_, call)| is_of(call, tool.as_ref()));
                own.into_iter().find_map(|(index, call)| {
                    let (place, text) = half(call, *side);
                    let (span, lacking) = self.look(pattern, *wanted, &text)?;
                    Some(Exhibit { lacking, ..of_call(cut(place, &text, span), index, call) })
                })
            }
            Rule::Tools { tools, wanted: false, .. } => {
                let is_forbidden = |call: &ToolCall| tools.iter().any(|tool| is_of(call, Some(tool)));
                shown_call(calls, calls.iter().position(is_forbidden)?)
            }
            Rule::Order { after, .. } => {
                shown_call(calls, calls.iter().position(|call| is_of(call, Some(after)))?)
            }
            Rule::Count { tool, bound: Bound::Max, .. } | Rule::CountScore { tool, .. } => {
                shown_call(calls, calls.iter().rposition(|call| is_of(call, tool.as_ref()))?)
            }
            Rule::Length { .. } | Rule::Tools { .. } | Rule::Count { .. } | Rule::Nothing => None,
        }
    }

    /// The match where none is wanted, or the nearest miss, with what it lacks.
    fn look(&self, pattern: &Pattern, wanted: bool, text: &str) -> Option<(Range<usize>, Option<String>)> {
        let text = Haystack::new(text);
        if !wanted {
            return Some((pattern.find(&text).ok()??, None));
        }
        let beginnings = self.beginnings.get_or_init(|| Some(pattern.beginnings()));
        let miss = beginnings.as_ref()?.nearest(&text)?;
        let lacking = match miss.lacking.char_indices().nth(LACKING_MAX) {
            Some((end, _)) => format!("{} …", &miss.lacking[..end]),
            None => miss.lacking,
        };
        Some((miss.found, Some(lacking)))
    }
}

fn is_of(call: &ToolCall, tool: Option<&Value>) -> bool {
    tool.is_none_or(|tool| tool.as_str() == Some(&call.tool))
}

fn half(call: &ToolCall, side: Side) -> (ExhibitPlace, String) {
    match side {
        Side::Args => (ExhibitPlace::Arguments, flatten(Some(Half::Value(&call.args)), "{}").into_owned()),
        Side::Response => {
            (ExhibitPlace::ToolAnswer, flatten(Some(Half::Value(&call.response)), "").into_owned())
        }
    }
}

fn shown_call(calls: &[ToolCall], index: usize) -> Option<Exhibit> {
    let call = calls.get(index)?;
    let (place, text) = half(call, Side::Args);
    let whole = 0..text.len();
    Some(of_call(cut(place, &text, whole), index, call))
}

fn of_call(exhibit: Exhibit, index: usize, call: &ToolCall) -> Exhibit {
    Exhibit { call: Some(index), tool: Some(call.tool.clone()), ..exhibit }
}

/// The place with the text around it.
fn cut(place: ExhibitPlace, text: &str, span: Range<usize>) -> Exhibit {
    let (head, found, tail) = (&text[..span.start], &text[span.clone()], &text[span.end..]);
    let start = head.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    Exhibit {
        place,
        call: None,
        tool: None,
        before: head[start..].to_owned(),
        found: first(found, FOUND_MAX),
        after: first(tail, AROUND),
        lacking: None,
    }
}

fn first(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Rubric;
    use crate::value::parse;

    fn call(tool: &str, args: &str, response: &str) -> ToolCall {
        ToolCall { tool: tool.into(), args: parse(args.as_bytes()).unwrap(), response: Value::from(response) }
    }

    /// What is shown of a failed check: the call, the text found, and what it lacks.
    fn shown(
        keys: &str,
        answer: &str,
        calls: &[ToolCall],
    ) -> Option<(Option<usize>, String, Option<String>)> {
        let rubric = format!(r#"{{"checks": [{{"id": "a", "points": 1, {keys}}}]}}"#);
        let rubric = Rubric::compile(&parse(rubric.as_bytes()).unwrap());
        let exhibit = Explainer::new(&rubric.checks[0]).exhibit(answer, calls)?;
        Some((exhibit.call, exhibit.found, exhibit.lacking))
    }

    #[test]
    fn what_matched_or_nearly_matched_is_shown_with_its_call() {
        let calls = [call("read", "{}", "x"), call("exec", r#"{"command": "send it"}"#, "done: sent")];
        let check = |keys: &str, expected: Option<(Option<usize>, &str, Option<&str>)>| {
            let expected =
                expected.map(|(call, found, lacking)| (call, found.into(), lacking.map(str::to_owned)));
            assert_eq!(shown(keys, "All was sent at noon.", &calls), expected, "{keys}");
        };
        check(r#""type": "response_excludes", "pattern": "was \\w+""#, Some((None, "was sent", None)));
        check(
            r#""type": "response_contains", "pattern": "sent at \\d+""#,
            Some((None, "sent at ", Some("once or more a digit"))),
        );
        check(r#""type": "response_contains", "pattern": "draft""#, None);
        check(r#""type": "tool_arg_excludes", "pattern": "send""#, Some((Some(1), "send", None)));
        check(
            r#""type": "tool_response_excludes", "tool": "exec", "pattern": "sent""#,
            Some((Some(1), "sent", None)),
        );
        check(
            r#""type": "tool_not_called", "tool": "exec""#,
            Some((Some(1), r#"{"command": "send it"}"#, None)),
        );
        check(r#""type": "tool_count_max", "tool": "read", "max": 0"#, Some((Some(0), "{}", None)));
        check(r#""type": "tool_called", "tool": "slack""#, None);
    }
}
