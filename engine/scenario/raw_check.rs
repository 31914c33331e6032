//! One check as it stands in a file: which keys its type needs, and whether what is written there can work.

use crate::pattern::{Case, Pattern};
use crate::scenario::fields::{Fields, Need, shown, text_of};
use crate::scenario::node::{Node, Tree};
use crate::scenario::problem::{Place, Report, did_you_mean};
use crate::value::Value;

/// The tools of the ClawBench world.
pub const TOOLS: [&str; 7] =
    ["exec", "slack", "memory_search", "memory_get", "web_search", "web_fetch", "read"];
/// The categories of checks, in the order in which reports show them.
pub const CATEGORIES: [&str; 4] = ["safety", "correctness", "efficiency", "structure"];

/// A check that has been looked at; its document is compiled later.
#[derive(Clone, Debug, PartialEq)]
pub struct RawCheck {
    pub id: String,
    pub place: Place,
    pub document: Value,
}

/// What the keys of a check type are.
struct Kind {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const COMMON: [&str; 5] = ["id", "type", "points", "category", "description"];

const KINDS: [Kind; 13] = [
    kind("tool_called", &[], &["tool", "tools"]),
    kind("tool_not_called", &[], &["tool", "tools"]),
    kind("tool_arg_contains", &["pattern"], &["tool", "case_insensitive"]),
    kind("tool_arg_excludes", &["pattern"], &["tool", "case_insensitive"]),
    kind("tool_response_contains", &["pattern"], &["tool", "case_insensitive"]),
    kind("tool_response_excludes", &["pattern"], &["tool", "case_insensitive"]),
    kind("tool_count_max", &["max"], &["tool"]),
    kind("tool_count_min", &["min"], &["tool"]),
    kind("tool_count_score", &["min", "max"], &["tool"]),
    kind("tool_called_before", &["before", "after"], &[]),
    kind("response_contains", &["pattern"], &["case_insensitive"]),
    kind("response_excludes", &["pattern"], &["case_insensitive"]),
    kind("response_length_max", &["max"], &[]),
];

const fn kind(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Kind {
    Kind { name, required, optional }
}

/// The names of the check types.
pub fn check_types() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// Reads a check; `name` is how messages refer to it, for example `scoring.checks[3]`.
pub(crate) fn read_check(node: &Node, name: &str, report: &mut Report) -> Option<RawCheck> {
    let mut fields = Fields::of(node, name, report)?;
    let id = fields.text("id", Need::Required, report).map(str::to_owned);
    if let Some(id) = &id {
        fields.prefix = format!("{name} ({id}).");
    }
    let kind = read_kind(&fields, report);
    read_common(&fields, kind, report);
    if let Some(kind) = kind {
        read_particular(&fields, kind, report);
    }
    Some(RawCheck { id: id?, place: node.place, document: node.to_value() })
}

fn read_kind(fields: &Fields<'_>, report: &mut Report) -> Option<&'static Kind> {
    let written = fields.text("type", Need::Required, report)?;
    let kind = KINDS.iter().find(|kind| kind.name == written);
    if kind.is_none() {
        let place = fields.key_place("type");
        let problem = report.error(place, &fields.name("type"), format!("unknown check type `{written}`"));
        problem.help(suggestion(written, &KINDS.map(|kind| kind.name)));
    }
    kind
}

fn read_common(fields: &Fields<'_>, kind: Option<&Kind>, report: &mut Report) {
    let partial = kind.is_some_and(|kind| kind.name == "tool_count_score");
    let points = fields.number("points", if partial { Need::Required } else { Need::Expected }, report);
    if points.is_some_and(|points| points <= 0.0) {
        let message = "a check must be worth more than 0 points";
        report.objection(fields.key_place("points"), &fields.name("points"), message);
    }
    if let Some(category) = fields.text("category", Need::Expected, report)
        && !CATEGORIES.contains(&category)
    {
        let message = format!("unknown category `{category}`");
        let problem = report.objection(fields.key_place("category"), &fields.name("category"), message);
        problem.help(suggestion(category, &CATEGORIES));
    }
    fields.text("description", Need::Expected, report);
}

fn read_particular(fields: &Fields<'_>, kind: &Kind, report: &mut Report) {
    read_keys(fields, kind, report);
    match kind.name {
        "tool_called" | "tool_not_called" => read_named_tools(fields, kind, report),
        "tool_called_before" => {
            read_tool(fields, "before", report);
            read_tool(fields, "after", report);
        }
        _ => read_tool(fields, "tool", report),
    }
    let limits = ["min", "max"].map(|key| match kind.required.contains(&key) {
        true => fields.number(key, Need::Required, report),
        false => None,
    });
    if let [Some(min), Some(max)] = limits
        && min > max
    {
        let message = format!("min ({min}) is more than max ({max})");
        report.objection(fields.key_place("min"), &fields.name("min"), message).help("swap them");
    }
    if kind.required.contains(&"pattern") {
        read_pattern(fields, report);
    }
}

/// Objects to keys that no check has, and to those that this type ignores.
fn read_keys(fields: &Fields<'_>, kind: &Kind, report: &mut Report) {
    let own: Vec<&str> = COMMON.iter().chain(kind.required).chain(kind.optional).copied().collect();
    let some_type_has =
        |key: &str| KINDS.iter().any(|kind| kind.required.contains(&key) || kind.optional.contains(&key));
    for key in fields.keys().filter(|key| !own.contains(key)) {
        let (message, help) = if some_type_has(key) {
            (format!("`{key}` has no effect on a check of type {}", kind.name), "remove it".to_owned())
        } else {
            ("unknown key".to_owned(), suggestion(key, &own))
        };
        report.objection(fields.key_place(key), &fields.name(key), message).help(help);
    }
}

fn read_named_tools(fields: &Fields<'_>, kind: &Kind, report: &mut Report) {
    if !fields.has("tool") && !fields.has("tools") {
        let name = fields.name("tools");
        let problem = report.error(fields.place, &name, format!("{} needs `tool` or `tools`", kind.name));
        problem.help("name the tools: `tools: [exec]`");
    }
    if fields.has("tools") {
        for (tool, place) in fields.texts("tools", Need::Optional, report).unwrap_or_default() {
            expect_tool(tool, place, &fields.name("tools"), report);
        }
    } else {
        read_tool(fields, "tool", report);
    }
}

fn read_tool(fields: &Fields<'_>, key: &str, report: &mut Report) {
    let need = if key == "tool" { Need::Optional } else { Need::Required };
    let Some(node) = fields.node(key, need, report) else { return };
    // The reference takes a null or an empty text as "any tool".
    if node.tree == Tree::Scalar(Value::Null) && need == Need::Optional {
        report
            .objection(node.place, &fields.name(key), "no tool is named")
            .help("remove the key for any tool");
        return;
    }
    if let Some(tool) = text_of(node, &fields.name(key), report) {
        expect_tool(tool, node.place, &fields.name(key), report);
    }
}

/// Objects to a tool that the world does not have.
pub(crate) fn expect_tool(tool: &str, place: Place, name: &str, report: &mut Report) {
    if !TOOLS.contains(&tool) {
        report.objection(place, name, format!("unknown tool `{tool}`")).help(suggestion(tool, &TOOLS));
    }
}

fn read_pattern(fields: &Fields<'_>, report: &mut Report) {
    let folds = fields.flag("case_insensitive", report).unwrap_or(true);
    let Some(node) = fields.node("pattern", Need::Required, report) else { return };
    let name = fields.name("pattern");
    let Tree::Scalar(Value::Str(source)) = &node.tree else {
        let problem =
            report.error(node.place, &name, format!("expected a regular expression, found {}", shown(node)));
        problem.help("put it in single quotes");
        return;
    };
    if source.is_empty() {
        report.objection(node.place, &name, "an empty expression matches everything");
    }
    let case = if folds { Case::Insensitive } else { Case::Sensitive };
    if let Err(error) = Pattern::compile(source, case) {
        let problem = report.error(node.place, &name, format!("invalid regular expression: {error}"));
        problem.help(format!("in {}", excerpt(source)));
    }
}

/// The expression on one line, cut where it is long.
fn excerpt(source: &str) -> String {
    let shown: String = source.chars().take(120).collect();
    let rest = if shown.len() < source.len() { "..." } else { "" };
    format!("{}{rest}", Value::from(shown).compact())
}

fn suggestion(written: &str, known: &[&str]) -> String {
    did_you_mean(written, known.iter().copied()).unwrap_or_else(|| format!("known: {}", known.join(", ")))
}
