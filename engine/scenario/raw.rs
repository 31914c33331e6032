//! Scenario and rubric files as they stand on disk: typed, checked as far as one file alone can be checked,
//! with the places of whatever must be compared with other files.

use crate::scenario::fields::{Fields, Need, shown};
use crate::scenario::node::{Node, Tree};
use crate::scenario::problem::{Place, Report};
use crate::scenario::raw_check::{RawCheck, expect_tool, read_check};
use crate::value::{Map, Value};
use indexmap::IndexMap;
use std::collections::HashMap;

/// The keys of a scenario file.
const SCENARIO_KEYS: [&str; 12] = [
    "name",
    "difficulty",
    "weight",
    "held_out",
    "description",
    "tools",
    "prompt",
    "variants",
    "workspace",
    "user_context_defaults",
    "scoring",
    "checks",
];

/// A scenario file.
#[derive(Clone, Debug, PartialEq)]
pub struct RawScenario {
    /// Empty where there is none that can be used.
    pub name: String,
    pub name_place: Place,
    pub difficulty: Option<String>,
    pub weight: f64,
    pub held_out: bool,
    pub description: String,
    pub tools: Vec<String>,
    pub prompt: String,
    pub variants: IndexMap<String, (String, Place)>,
    pub workspace: IndexMap<String, (String, Place)>,
    pub user_context: IndexMap<String, String>,
    pub checks: Vec<RawCheck>,
    /// An evaluator outside of this program brings the checks, so there are none here.
    pub is_scored_outside: bool,
    /// The whole document; its checks are those above.
    pub document: Value,
}

impl RawScenario {
    /// Lays a rubric over the scenario: a check replaces the one with its id or comes after all others.
    pub fn lay_over(&mut self, rubric: Vec<RawCheck>) {
        for check in rubric {
            match self.checks.iter_mut().find(|known| known.id == check.id) {
                Some(known) => *known = check,
                None => self.checks.push(check),
            }
        }
        let checks = Value::List(self.checks.iter().map(|check| check.document.clone()).collect());
        if let Value::Map(document) = &mut self.document {
            let scoring = document.entry("scoring".to_owned()).or_insert_with(|| Value::Map(Map::new()));
            if let Value::Map(scoring) = scoring {
                scoring.insert("checks".to_owned(), checks);
            }
        }
    }
}

/// Reads a scenario file; none where it is no map. Whatever could not be read has its default, so that the rest
/// can be checked: the report says whether the scenario can be used.
pub fn read_scenario(root: &Node, report: &mut Report) -> Option<RawScenario> {
    let fields = Fields::of(root, "", report)?;
    fields.only(&SCENARIO_KEYS, report);
    let is_scored_outside = read_outside(&fields, report);
    Some(RawScenario {
        name: read_name(&fields, report).unwrap_or_default(),
        name_place: fields.value_place("name"),
        difficulty: fields.text("difficulty", Need::Optional, report).map(str::to_owned),
        weight: read_weight(&fields, report),
        held_out: fields.flag("held_out", report).unwrap_or(false),
        description: fields.text("description", Need::Optional, report).unwrap_or_default().to_owned(),
        tools: read_tools(&fields, is_scored_outside, report),
        prompt: fields.text("prompt", Need::Required, report).unwrap_or_default().trim().to_owned(),
        variants: fields.text_map("variants", need_inside(is_scored_outside, Need::Expected), report),
        workspace: fields.text_map("workspace", Need::Optional, report),
        user_context: read_context(&fields, report),
        checks: read_scoring(&fields, report),
        is_scored_outside,
        document: root.to_value(),
    })
}

/// Reads a rubric file: checks that lie over those of the scenario with the same name.
pub fn read_rubric(root: &Node, report: &mut Report) -> Option<Vec<RawCheck>> {
    let fields = Fields::of(root, "", report)?;
    fields.only(&["checks"], report);
    let node = fields.node("checks", Need::Required, report)?;
    Some(read_checks(node, "checks", report))
}

/// The name is a folder's name too, so it may hold nothing that leads elsewhere.
fn read_name(fields: &Fields<'_>, report: &mut Report) -> Option<String> {
    let name = fields.text("name", Need::Required, report)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
        let message = format!("`{}` is not a name", name.escape_debug());
        report
            .error(fields.value_place("name"), "name", message)
            .help("use letters, digits, `_` and `-`, at most 100");
        return None;
    }
    Some(name.to_owned())
}

fn read_weight(fields: &Fields<'_>, report: &mut Report) -> f64 {
    let weight = fields.number("weight", Need::Optional, report).unwrap_or(1.0);
    let place = fields.value_place("weight");
    if weight < 0.0 {
        report.error(place, "weight", format!("a weight cannot be negative ({weight})"));
    } else if weight == 0.0 {
        report.objection(place, "weight", "a scenario of weight 0 counts for nothing");
    }
    weight
}

/// Whether an evaluator outside of this program scores the scenario: `checks: external`, and then no rubric.
fn read_outside(fields: &Fields<'_>, report: &mut Report) -> bool {
    let Some(node) = fields.node("checks", Need::Optional, report) else { return false };
    if !matches!(&node.tree, Tree::Scalar(Value::Str(text)) if text == "external") {
        let help = "write `checks: external` where an evaluator outside of this program scores the scenario \
                    (docs/evaluators.md), and a rubric under `scoring.checks`";
        report.error(node.place, "checks", format!("expected `external`, found {}", shown(node))).help(help);
        return false;
    }
    if fields.has("scoring") {
        let message = "an evaluator outside brings the checks, so the scenario may not have a rubric";
        report
            .error(fields.key_place("scoring"), "scoring", message)
            .help("remove `scoring`, or `checks: external`");
    }
    true
}

/// What a scenario needs that our own world and rubric are made of.
fn need_inside(is_scored_outside: bool, need: Need) -> Need {
    if is_scored_outside { Need::Optional } else { need }
}

/// An evaluator outside has tools of its own, if any.
fn read_tools(fields: &Fields<'_>, is_scored_outside: bool, report: &mut Report) -> Vec<String> {
    let need = need_inside(is_scored_outside, Need::Required);
    let tools = fields.texts("tools", need, report).unwrap_or_default();
    for (tool, place) in tools.iter().filter(|_| !is_scored_outside) {
        expect_tool(tool, *place, "tools", report);
    }
    tools.into_iter().map(|(tool, _)| tool.to_owned()).collect()
}

fn read_context(fields: &Fields<'_>, report: &mut Report) -> IndexMap<String, String> {
    let context = fields.text_map("user_context_defaults", Need::Optional, report);
    if context.get("USER_NAME").is_some_and(|(name, _)| name.trim().is_empty()) {
        let place = fields.value_place("user_context_defaults");
        report.objection(place, "user_context_defaults.USER_NAME", "the name is blank");
    }
    context.into_iter().map(|(key, (value, _))| (key, value)).collect()
}

/// The inline checks; none where the rubric file brings them all.
fn read_scoring(fields: &Fields<'_>, report: &mut Report) -> Vec<RawCheck> {
    let Some(node) = fields.node("scoring", Need::Optional, report) else { return Vec::new() };
    let Some(scoring) = Fields::of(node, "scoring", report) else { return Vec::new() };
    scoring.only(&["checks", "criteria"], report);
    if scoring.has("criteria") {
        let message = "criteria are for a judging model; they are not scored here";
        report.warning(scoring.key_place("criteria"), "scoring.criteria", message);
    }
    match scoring.node("checks", Need::Optional, report) {
        Some(checks) => read_checks(checks, "scoring.checks", report),
        None => Vec::new(),
    }
}

fn read_checks(node: &Node, name: &str, report: &mut Report) -> Vec<RawCheck> {
    let Tree::List(items) = &node.tree else {
        report.error(node.place, name, format!("expected a list of checks, found {}", node.kind()));
        return Vec::new();
    };
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let read = |(index, item)| read_check(item, &format!("{name}[{index}]"), report);
    let checks: Vec<RawCheck> = items.iter().enumerate().filter_map(read).collect();
    for (index, check) in checks.iter().enumerate() {
        if let Some(line) = lines.insert(&check.id, check.place.line) {
            let what = format!("{name}[{index}] ({})", check.id);
            let message = format!("the check in line {line} has the same id");
            report.error(check.place, &what, message).help("give each check an id of its own");
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::problem::Strictness;
    use crate::scenario::yaml::parse;

    #[test]
    fn a_rubric_adds_checks_and_replaces_them_by_id() {
        let mut report = Report::new("f", Strictness::Foreign);
        let scenario = "{name: s, tools: [], prompt: p, scoring: {note: x, checks: [{id: a, type: response_contains, pattern: x}, {id: b, type: tool_called, tool: exec}]}}";
        let rubric =
            "checks: [{id: c, type: tool_called, tool: read}, {id: a, type: response_contains, pattern: y}]";
        let mut raw = read_scenario(&parse(scenario, &mut report).unwrap(), &mut report).unwrap();
        let rubric = read_rubric(&parse(rubric, &mut report).unwrap(), &mut report).unwrap();
        raw.lay_over(rubric);
        let scoring = raw.document.get("scoring").unwrap().dumps();
        assert_eq!(
            scoring,
            r#"{"note": "x", "checks": [{"id": "a", "type": "response_contains", "pattern": "y"}, {"id": "b", "type": "tool_called", "tool": "exec"}, {"id": "c", "type": "tool_called", "tool": "read"}]}"#
        );
    }
}
