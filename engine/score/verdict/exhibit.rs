//! Why a check failed, shown in the episode: the text that matched where nothing should, the nearest miss where
//! something should, and the tool call involved. Verdicts do not depend on it.

use super::scorable::{Half, flatten};
use crate::pattern::{Beginnings, Haystack, Pattern};
use crate::scenario::{Bound, Check, Rubric, Rule, Side};
use crate::value::Value;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

/// How much text is shown on each side of a place, and of the place itself, in characters.
const AROUND: usize = 80;
const FOUND_MAX: usize = 240;
/// How much of what is lacking is told, in characters.
const LACKING_MAX: usize = 200;

/// Shows why the episodes of one rubric fail its checks; made once, for many episodes.
#[derive(Debug)]
pub struct Explainer<'r> {
    checks: &'r [Check],
    /// For each check what it searches; none where it searches nothing.
    sought: Vec<Option<Sought<'r>>>,
}

/// A call as it is kept; its halves are read only where they are looked at.
#[derive(Debug, Deserialize)]
pub struct KeptCall<'a> {
    #[serde(borrow)]
    tool: Cow<'a, str>,
    #[serde(borrow)]
    args: &'a RawValue,
    #[serde(borrow)]
    response: &'a RawValue,
}

/// What was found in the texts of calls, by their JSON and by check: agents that meet one scenario read the same
/// fixtures, so most of their calls are the same.
#[derive(Debug, Default)]
pub struct KnownTexts {
    texts: HashMap<Box<str>, HashMap<usize, Option<Exhibit>>, RandomState>,
    /// Of the JSON.
    bytes: usize,
}

impl KnownTexts {
    /// How long the texts are together, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was found in a text.
    fn of(&mut self, json: &str) -> &mut HashMap<usize, Option<Exhibit>> {
        if !self.texts.contains_key(json) {
            self.bytes += json.len();
            self.texts.insert(json.into(), HashMap::new());
        }
        self.texts.get_mut(json).expect("it was just put there")
    }
}

/// What a check searches.
#[derive(Debug)]
struct Sought<'r> {
    place: ExhibitPlace,
    wanted: bool,
    /// Calls of this tool only.
    tool: Option<&'r Value>,
    pattern: &'r Pattern,
    /// How matches of it begin. An episode fails few of its checks, so each has its own scan.
    beginnings: OnceLock<Beginnings>,
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
    pub fn new(rubric: &'r Rubric) -> Explainer<'r> {
        let sought = |check: &'r Check| {
            let (place, is_wanted, tool, search) = match check.definition().rule.as_ref().ok()? {
                Rule::Response { wanted, search } => (ExhibitPlace::Answer, *wanted, None, search),
                Rule::Call { side, wanted, tool, search } => {
                    (place_of(*side), *wanted, tool.as_ref(), search)
                }
                _ => return None,
            };
            let pattern = search.pattern.as_ref().ok()?;
            Some(Sought { place, wanted: is_wanted, tool, pattern, beginnings: OnceLock::new() })
        };
        Explainer { checks: &rubric.checks, sought: rubric.checks.iter().map(sought).collect() }
    }

    /// What shows each of some failures; none where there is nothing to be shown, as when a tool was never called.
    ///
    /// # Errors
    /// Where a call is none of ours.
    pub fn exhibits(
        &self,
        answer: &str,
        calls: &[KeptCall<'_>],
        failed: &[usize],
        known: &mut KnownTexts,
    ) -> serde_json::Result<Vec<Option<Exhibit>>> {
        let involved = |check: &usize| involved(&self.checks[*check], calls);
        let shown =
            failed.iter().map(|check| involved(check).map(|call| shown_call(calls, call)).transpose());
        let mut shown: Vec<Option<Exhibit>> = shown.collect::<Result<_, _>>()?;
        let looks_at = |place: ExhibitPlace, open: &[Option<Exhibit>], tool: Option<&KeptCall<'_>>| {
            let sought = failed.iter().zip(open).enumerate().filter(|(_, (_, shown))| shown.is_none());
            let sought =
                sought.filter_map(|(index, (check, _))| Some((index, self.sought[*check].as_ref()?)));
            let is_here = |sought: &Sought<'_>| {
                sought.place == place && tool.is_none_or(|call| is_of(call, sought.tool))
            };
            sought.filter(|(_, sought)| is_here(sought)).collect::<Vec<_>>()
        };
        let open = looks_at(ExhibitPlace::Answer, &shown, None);
        for ((index, _), found) in open.iter().zip(self.look(ExhibitPlace::Answer, answer, &open)) {
            shown[*index] = found;
        }
        for (number, call) in calls.iter().enumerate() {
            for side in [Side::Args, Side::Response] {
                let place = place_of(side);
                let open = looks_at(place, &shown, Some(call));
                if open.is_empty() {
                    continue;
                }
                let known = known.of(json(call, side));
                let is_new = |(index, _): &&(usize, &Sought<'_>)| !known.contains_key(&failed[*index]);
                let new: Vec<(usize, &Sought<'_>)> = open.iter().filter(is_new).copied().collect();
                if !new.is_empty() {
                    let found = self.look(place, &half(call, side)?, &new);
                    known.extend(new.iter().map(|(index, _)| failed[*index]).zip(found));
                }
                for (index, _) in open {
                    let found = known.get(&failed[index]).cloned().flatten();
                    shown[index] = found.map(|exhibit| of_call(exhibit, number, call));
                }
            }
        }
        Ok(shown)
    }

    /// What is found in a text of each thing that is sought there.
    fn look(&self, place: ExhibitPlace, text: &str, sought: &[(usize, &Sought<'_>)]) -> Vec<Option<Exhibit>> {
        if sought.is_empty() {
            return Vec::new();
        }
        let haystack = Haystack::new(text);
        let exhibits = sought.iter().map(|(_, sought)| {
            let (span, lacking) = sought.find(&haystack)?;
            Some(Exhibit { lacking, ..cut(place, text, span) })
        });
        exhibits.collect()
    }
}

impl Sought<'_> {
    /// The match where none is wanted, or the nearest miss, with what it lacks.
    fn find(&self, text: &Haystack<'_>) -> Option<(Range<usize>, Option<String>)> {
        if !self.wanted {
            return Some((self.pattern.find(text).ok()??, None));
        }
        let beginnings = self.beginnings.get_or_init(|| Beginnings::of(self.pattern));
        let miss = beginnings.nearest(text)?;
        let lacking = match miss.lacking.char_indices().nth(LACKING_MAX) {
            Some((end, _)) => format!("{} …", &miss.lacking[..end]),
            None => miss.lacking,
        };
        Some((miss.found, Some(lacking)))
    }
}

/// The call that shows the failure of a check by itself, whatever is in it.
fn involved(check: &Check, calls: &[KeptCall<'_>]) -> Option<usize> {
    match check.definition().rule.as_ref().ok()? {
        Rule::Tools { tools, wanted: false, .. } => {
            calls.iter().position(|call| tools.iter().any(|tool| is_of(call, Some(tool))))
        }
        Rule::Order { after, .. } => calls.iter().position(|call| is_of(call, Some(after))),
        Rule::Count { tool, bound: Bound::Max, .. } | Rule::CountScore { tool, .. } => {
            calls.iter().rposition(|call| is_of(call, tool.as_ref()))
        }
        Rule::Response { .. }
        | Rule::Call { .. }
        | Rule::Length { .. }
        | Rule::Tools { .. }
        | Rule::Count { .. }
        | Rule::Nothing => None,
    }
}

fn is_of(call: &KeptCall<'_>, tool: Option<&Value>) -> bool {
    tool.is_none_or(|tool| tool.as_str() == Some(&call.tool))
}

fn place_of(side: Side) -> ExhibitPlace {
    match side {
        Side::Args => ExhibitPlace::Arguments,
        Side::Response => ExhibitPlace::ToolAnswer,
    }
}

fn json<'a>(call: &KeptCall<'a>, side: Side) -> &'a str {
    match side {
        Side::Args => call.args.get(),
        Side::Response => call.response.get(),
    }
}

/// One half of a call as the text in which patterns are searched.
fn half(call: &KeptCall<'_>, side: Side) -> serde_json::Result<String> {
    let missing = if side == Side::Args { "{}" } else { "" };
    let value: Value = serde_json::from_str(json(call, side))?;
    Ok(flatten(Some(Half::Value(&value)), missing).into_owned())
}

fn shown_call(calls: &[KeptCall<'_>], index: usize) -> serde_json::Result<Exhibit> {
    let call = &calls[index];
    let text = half(call, Side::Args)?;
    let whole = 0..text.len();
    Ok(of_call(cut(ExhibitPlace::Arguments, &text, whole), index, call))
}

fn of_call(exhibit: Exhibit, index: usize, call: &KeptCall<'_>) -> Exhibit {
    Exhibit { call: Some(index), tool: Some(call.tool.to_string()), ..exhibit }
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
    use crate::episode::ToolCall;
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
        let calls = serde_json::to_string(calls).unwrap();
        let calls: Vec<KeptCall<'_>> = serde_json::from_str(&calls).unwrap();
        let (explainer, mut known) = (Explainer::new(&rubric), KnownTexts::default());
        let mut exhibit = || explainer.exhibits(answer, &calls, &[0], &mut known).unwrap().pop().unwrap();
        let first = exhibit();
        assert_eq!(exhibit(), first, "what is known is what was seen");
        let exhibit = first?;
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
