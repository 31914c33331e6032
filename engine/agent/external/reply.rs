//! An evaluator's reply, read strictly: a reply that is not what the protocol says is refused with everything that is
//! wrong about it, and never guessed at.

use super::request::VERSION;
use super::words::excerpt;
use crate::episode::{Episode, ExternalCheck, FailureClass, Outcome, ToolCall, Usage};
use crate::scenario::{Rubric, Scenario};
use crate::score::external::problems as problems_of_checks;
use crate::units::Usd;
use crate::value::{Map, Value, parse};

/// So much of a text is kept as evidence, in characters.
const EVIDENCE_CHARS_MAX: usize = 2_000;
/// So many problems are told.
const PROBLEMS_SHOWN_MAX: usize = 12;
const DEFAULT_CATEGORY: &str = "correctness";

/// What an evaluator said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub episode: Episode,
    /// What the episode cost; none where the evaluator does not say.
    pub usd: Option<Usd>,
}

/// A reply that is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unreadable {
    pub problem: String,
    pub class: FailureClass,
}

/// Reads a reply about a scenario.
pub(super) fn read(bytes: &[u8], scenario: &Scenario) -> Result<Reply, Unreadable> {
    let unreadable = |problem: String| Unreadable { problem, class: FailureClass::Request };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(unreadable("the reply is empty".into()));
    }
    let document = parse(bytes).map_err(|error| {
        let begins = excerpt(&String::from_utf8_lossy(&bytes[..bytes.len().min(400)]), 80);
        unreadable(format!(
            "the reply is not one JSON document (line {}, column {}: {}); it begins: {begins}",
            error.line, error.column, error.problem
        ))
    })?;
    let Some(map) = document.as_map() else {
        return Err(unreadable(format!("the reply is {}, not an object", document.kind())));
    };
    // Of another version nothing else can be said.
    match map.get("version") {
        Some(Value::Int(VERSION)) => {}
        Some(other) => {
            let problem = format!(
                "the reply has version {} of the protocol, and this program speaks {VERSION}",
                excerpt(&other.compact(), 40)
            );
            return Err(Unreadable { problem, class: FailureClass::Setup });
        }
        None => return Err(unreadable(format!("the reply has no `version`, which must be {VERSION}"))),
    }
    let mut reader = Reader { problems: Vec::new(), scenario };
    let reply = reader.reply(map);
    if reader.problems.is_empty() { Ok(reply) } else { Err(unreadable(told(&reader.problems))) }
}

/// Some problems as one text.
pub(super) fn told(problems: &[String]) -> String {
    let mut text = problems.iter().take(PROBLEMS_SHOWN_MAX).cloned().collect::<Vec<_>>().join("; ");
    if problems.len() > PROBLEMS_SHOWN_MAX {
        text += &format!("; and {} more problems", problems.len() - PROBLEMS_SHOWN_MAX);
    }
    text
}

/// A check that is completed by what its scenario declares of it.
pub(super) fn completed(
    rubric: &Rubric,
    id: String,
    passed: bool,
    points: Option<f64>,
    max_points: Option<f64>,
    category: Option<String>,
) -> ExternalCheck {
    let declared = rubric.checks.iter().find(|declared| declared.id == id);
    let max_points = max_points.or(declared.map(|declared| declared.points)).unwrap_or(1.0);
    let points = points.unwrap_or(if passed { max_points } else { 0.0 });
    let category = category.or(declared.map(|declared| declared.category.clone()));
    let category = category.unwrap_or_else(|| DEFAULT_CATEGORY.to_owned());
    ExternalCheck { id, passed, points, max_points, category, evidence: String::new() }
}

/// A text as evidence: without what a terminal would obey, and not too long.
pub(super) fn evidence(text: &str) -> String {
    excerpt(text, EVIDENCE_CHARS_MAX)
}

struct Reader<'a> {
    problems: Vec<String>,
    scenario: &'a Scenario,
}

impl Reader<'_> {
    fn reply(&mut self, map: &Map) -> Reply {
        self.only(map, "the reply", &["version", "checks", "episode", "outcome", "usage"]);
        let outcome = self.outcome(map.get("outcome"));
        let mut episode = Episode::empty(outcome);
        let (usage, usd) = self.usage(map.get("usage"));
        episode.usage = usage;
        match (map.get("checks"), map.get("episode")) {
            (Some(_), Some(_)) => {
                self.problems
                    .push("the reply has `checks` and an `episode`; it must have one of them".into());
            }
            (Some(checks), None) => episode.external = Some(self.checks(checks)),
            (None, Some(told)) => self.episode(told, &mut episode),
            (None, None) if !episode.outcome.is_scored() => {}
            (None, None) => self.problems.push("the reply has neither `checks` nor an `episode`".into()),
        }
        Reply { episode, usd }
    }

    fn outcome(&mut self, value: Option<&Value>) -> Outcome {
        let Some(value) = value else { return Outcome::Finished };
        let errored = |map: &Map| match (map.len(), map.get("errored")) {
            (1, Some(Value::Str(reason))) => Some(excerpt(reason, 600)),
            _ => None,
        };
        match (value.as_str(), value.as_map().and_then(errored)) {
            (Some("finished"), _) => Outcome::Finished,
            (Some("timed_out"), _) => Outcome::TimedOut,
            (Some("turn_limit"), _) => Outcome::TurnLimit,
            (_, Some(reason)) => {
                let reason = format!("the evaluator failed: {reason}");
                Outcome::Errored { reason, class: FailureClass::Transient }
            }
            _ => {
                self.problems.push(format!(
                    "`outcome` is {}; expected \"finished\", \"timed_out\", \"turn_limit\" or {{\"errored\": \"why\"}}",
                    excerpt(&value.compact(), 80)
                ));
                Outcome::Finished
            }
        }
    }

    fn usage(&mut self, value: Option<&Value>) -> (Usage, Option<Usd>) {
        let none = (Usage::default(), None);
        let Some(value) = value.filter(|value| **value != Value::Null) else { return none };
        let Some(map) = self.map(value, "`usage`") else { return none };
        self.only(map, "`usage`", &["input_tokens", "output_tokens", "usd"]);
        let mut tokens = |key: &str| match map.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::Int(count)) if *count >= 0 => Some(*count as u64),
            Some(other) => {
                let shown = excerpt(&other.compact(), 40);
                self.problems.push(format!("`usage.{key}` is {shown}, not a count of tokens"));
                None
            }
        };
        let (input_tokens, output_tokens) = (tokens("input_tokens"), tokens("output_tokens"));
        let usd = map.get("usd").filter(|value| **value != Value::Null).and_then(|value| {
            let usd = number(value).and_then(Usd::of_dollars);
            if usd.is_none() {
                let shown = excerpt(&value.compact(), 40);
                self.problems.push(format!("`usage.usd` is {shown}, not an amount of dollars"));
            }
            usd
        });
        (Usage { input_tokens, output_tokens, ..Usage::default() }, usd)
    }

    fn episode(&mut self, value: &Value, episode: &mut Episode) {
        if self.scenario.rubric.checks.is_empty() {
            let problem =
                "the reply has an `episode`, and the scenario has no rubric to score it: reply with `checks`";
            self.problems.push(problem.into());
        }
        let Some(map) = self.map(value, "`episode`") else { return };
        self.only(map, "`episode`", &["final_response", "tool_calls"]);
        episode.response = self.text(map, "`episode`", "final_response").unwrap_or_default();
        let calls = match map.get("tool_calls") {
            None => &[][..],
            Some(Value::List(calls)) => calls,
            Some(other) => {
                self.problems.push(format!("`episode.tool_calls` is {}, not a list", other.kind()));
                &[]
            }
        };
        let calls = calls.iter().enumerate();
        episode.tool_calls = calls.filter_map(|(index, call)| self.tool_call(index, call)).collect();
    }

    fn tool_call(&mut self, index: usize, value: &Value) -> Option<ToolCall> {
        let name = format!("`episode.tool_calls[{index}]`");
        let map = self.map(value, &name)?;
        self.only(map, &name, &["tool", "args", "response"]);
        let tool = self.text(map, &name, "tool");
        let args = map.get("args").cloned().unwrap_or_else(|| Value::Map(Map::new()));
        if args.as_map().is_none() {
            self.problems.push(format!("{name}: `args` is {}, not an object", args.kind()));
        }
        let response = map.get("response").cloned().unwrap_or(Value::Null);
        Some(ToolCall { tool: tool?, args, response })
    }

    fn checks(&mut self, value: &Value) -> Vec<ExternalCheck> {
        let Value::List(items) = value else {
            self.problems.push(format!("`checks` is {}, not a list", value.kind()));
            return Vec::new();
        };
        let read: Vec<ExternalCheck> =
            items.iter().enumerate().filter_map(|(index, item)| self.check(index, item)).collect();
        // What could not be read is complained about already.
        if read.len() == items.len() {
            let rubric = &self.scenario.rubric;
            self.problems.extend(problems_of_checks(rubric, &read));
            let is_missing = |id: &str| read.iter().all(|check| check.id != id);
            let missing = rubric.checks.iter().filter(|declared| is_missing(&declared.id));
            let missing =
                missing.map(|declared| format!("check {:?} of the scenario is missing", declared.id));
            self.problems.extend(missing);
        }
        read
    }

    fn check(&mut self, index: usize, value: &Value) -> Option<ExternalCheck> {
        let name = format!("`checks[{index}]`");
        let map = self.map(value, &name)?;
        self.only(map, &name, &["id", "passed", "points", "max_points", "category", "evidence"]);
        let id = self.text(map, &name, "id");
        let passed = match map.get("passed") {
            Some(Value::Bool(passed)) => Some(*passed),
            Some(other) => {
                self.problems.push(format!("{name}: `passed` is {}, not true or false", other.kind()));
                None
            }
            None => {
                self.problems.push(format!("{name} has no `passed`"));
                None
            }
        };
        let mut points = |key: &str| {
            let value = map.get(key)?;
            let number = number(value);
            if number.is_none() {
                self.problems.push(format!("{name}: `{key}` is {}, not a number", value.kind()));
            }
            number
        };
        let (points, max_points) = (points("points"), points("max_points"));
        let mut optional = |key: &str| match map.get(key) {
            None | Some(Value::Null) => None,
            Some(_) => self.text(map, &name, key),
        };
        let (category, said) = (optional("category"), optional("evidence"));
        let check = completed(&self.scenario.rubric, id?, passed?, points, max_points, category);
        Some(ExternalCheck { evidence: evidence(&said.unwrap_or_default()), ..check })
    }

    fn map<'v>(&mut self, value: &'v Value, name: &str) -> Option<&'v Map> {
        let map = value.as_map();
        if map.is_none() {
            self.problems.push(format!("{name} is {}, not an object", value.kind()));
        }
        map
    }

    fn text(&mut self, map: &Map, name: &str, key: &str) -> Option<String> {
        match map.get(key) {
            Some(Value::Str(text)) => return Some(text.clone()),
            Some(other) => self.problems.push(format!("{name}: `{key}` is {}, not a text", other.kind())),
            None => self.problems.push(format!("{name} has no `{key}`")),
        }
        None
    }

    fn only(&mut self, map: &Map, name: &str, known: &[&str]) {
        let odd = map.keys().filter(|key| !known.contains(&key.as_str()));
        let odd = odd.map(|key| format!("{name} has an unknown key {:?}", excerpt(key, 40)));
        self.problems.extend(odd);
    }
}

/// A number of any size; infinite ones are told apart later.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => value.as_f64(),
        _ => None,
    }
}
