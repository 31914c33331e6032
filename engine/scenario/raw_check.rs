//! One check as it stands in a file: which keys its type needs, and whether what is written there can work.

use crate::pattern::{Case, Pattern};
use crate::scenario::fields::{Fields, Need, shown, text_of};
use crate::scenario::node::{Node, Tree};
use crate::scenario::problem::{Place, Report, did_you_mean};
use crate::scenario::{CATEGORIES, CheckKind, TOOLS};
use crate::value::Value;

/// A check that has been looked at; its document is compiled later.
#[derive(Clone, Debug, PartialEq)]
pub struct RawCheck {
    pub id: String,
    pub place: Place,
    pub document: Value,
}

const COMMON: [&str; 5] = ["id", "type", "points", "category", "description"];

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

fn read_kind(fields: &Fields<'_>, report: &mut Report) -> Option<CheckKind> {
    let written = fields.text("type", Need::Required, report)?;
    let kind = CheckKind::named(written);
    if kind == CheckKind::Unknown {
        let place = fields.key_place("type");
        let problem = report.error(place, &fields.name("type"), format!("unknown check type `{written}`"));
        problem.help(suggestion(written, &CheckKind::names().collect::<Vec<_>>()));
        return None;
    }
    Some(kind)
}

fn read_common(fields: &Fields<'_>, kind: Option<CheckKind>, report: &mut Report) {
    let partial = kind == Some(CheckKind::ToolCountScore);
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

fn read_particular(fields: &Fields<'_>, kind: CheckKind, report: &mut Report) {
    read_keys(fields, kind, report);
    match kind {
        CheckKind::ToolCalled | CheckKind::ToolNotCalled => read_named_tools(fields, kind, report),
        CheckKind::ToolCalledBefore => read_order(fields, report),
        _ => drop(read_tool(fields, "tool", report)),
    }
    read_limits(fields, kind, report);
    if kind.required_keys().contains(&"pattern") {
        read_pattern(fields, kind, report);
    }
}

/// Reads `min` and `max`, and objects where every episode passes, or none.
fn read_limits(fields: &Fields<'_>, kind: CheckKind, report: &mut Report) {
    let mut limit = |key: &str| match kind.required_keys().contains(&key) {
        true => fields.number(key, Need::Required, report),
        false => None,
    };
    let (min, max) = (limit("min"), limit("max"));
    let mut object = |key: &str, message: String, help: &str| {
        report.objection(fields.key_place(key), &fields.name(key), message).help(help);
    };
    match (min, max) {
        (_, Some(max)) if max < 0.0 => {
            object(
                "max",
                format!("nothing is as few as {max}, so the check never passes"),
                "write 0 or more",
            );
        }
        (Some(min), None) if min <= 0.0 => {
            object(
                "min",
                format!("there are always {min} calls, so the check always passes"),
                "write 1 or more",
            );
        }
        (Some(min), Some(max)) if min > max => {
            object("min", format!("min ({min}) is more than max ({max})"), "swap them");
        }
        (Some(min), Some(max)) if min == max => {
            let message = format!("min and max are both {min}, so there are all points or none");
            let problem = report.warning(fields.key_place("min"), &fields.name("min"), message);
            problem.help("make max greater for a share between them, or use tool_count_max");
        }
        _ => {}
    }
}

/// Objects to keys that no check has, and to those that this type ignores.
fn read_keys(fields: &Fields<'_>, kind: CheckKind, report: &mut Report) {
    let keys_of = |kind: CheckKind| kind.required_keys().iter().chain(kind.optional_keys()).copied();
    let own: Vec<&str> = COMMON.into_iter().chain(keys_of(kind)).collect();
    let some_type_has = |key: &str| CheckKind::KNOWN.into_iter().flat_map(keys_of).any(|known| known == key);
    for key in fields.keys().filter(|key| !own.contains(key)) {
        let (message, help) = if some_type_has(key) {
            let name = kind.name().unwrap_or_default();
            (format!("`{key}` has no effect on a check of type {name}"), "remove it".to_owned())
        } else {
            ("unknown key".to_owned(), suggestion(key, &own))
        };
        report.objection(fields.key_place(key), &fields.name(key), message).help(help);
    }
}

fn read_named_tools(fields: &Fields<'_>, kind: CheckKind, report: &mut Report) {
    let name = fields.name("tools");
    if !fields.has("tools") {
        if !fields.has("tool") {
            let type_name = kind.name().unwrap_or_default();
            let problem = report.error(fields.place, &name, format!("{type_name} needs `tool` or `tools`"));
            problem.help("name the tools: `tools: [exec]`");
        }
        read_tool(fields, "tool", report);
        return;
    }
    if fields.has("tool") {
        let problem =
            report.objection(fields.key_place("tool"), &fields.name("tool"), "has no effect beside `tools`");
        problem.help("name all tools under `tools`");
    }
    let Some(tools) = fields.texts("tools", Need::Optional, report) else { return };
    if tools.is_empty() {
        let message = "no tool is named, so the check always passes";
        report.objection(fields.value_place("tools"), &name, message).help("name the tools: `tools: [exec]`");
    }
    for (tool, place) in tools {
        expect_tool(tool, place, &name, report);
    }
}

fn read_order(fields: &Fields<'_>, report: &mut Report) {
    let (before, after) = (read_tool(fields, "before", report), read_tool(fields, "after", report));
    if before.is_some() && before == after {
        let message = "is the same tool as `before`, so the check passes only where it is never called";
        report.objection(fields.value_place("after"), &fields.name("after"), message).help("name two tools");
    }
}

fn read_tool<'n>(fields: &Fields<'n>, key: &str, report: &mut Report) -> Option<&'n str> {
    let need = if key == "tool" { Need::Optional } else { Need::Required };
    let node = fields.node(key, need, report)?;
    // The reference takes a null or an empty text as "any tool".
    if node.tree == Tree::Scalar(Value::Null) && need == Need::Optional {
        report
            .objection(node.place, &fields.name(key), "no tool is named")
            .help("remove the key for any tool");
        return None;
    }
    let tool = text_of(node, &fields.name(key), report)?;
    expect_tool(tool, node.place, &fields.name(key), report);
    Some(tool)
}

/// Objects to a tool that the world does not have.
pub(crate) fn expect_tool(tool: &str, place: Place, name: &str, report: &mut Report) {
    if !TOOLS.contains(&tool) {
        report.objection(place, name, format!("unknown tool `{tool}`")).help(suggestion(tool, &TOOLS));
    }
}

fn read_pattern(fields: &Fields<'_>, kind: CheckKind, report: &mut Report) {
    let folds = fields.flag("case_insensitive", report).unwrap_or(true);
    let Some(node) = fields.node("pattern", Need::Required, report) else { return };
    let name = fields.name("pattern");
    let Tree::Scalar(Value::Str(source)) = &node.tree else {
        let problem =
            report.error(node.place, &name, format!("expected a regular expression, found {}", shown(node)));
        problem.help("put it in single quotes");
        return;
    };
    if let Some(control) = source.chars().find(|c| c.is_control() && !c.is_whitespace()) {
        let message = format!("the expression holds a control character (U+{:04X})", u32::from(control));
        let problem = report.objection(node.place, &name, message);
        problem
            .help(r"put the expression in single quotes: in double quotes, YAML turns \b into a backspace");
    }
    let case = if folds { Case::Insensitive } else { Case::Sensitive };
    match Pattern::compile(source, case) {
        Ok(pattern) if pattern.matches_every_text() => {
            let verdict = match kind {
                CheckKind::ResponseContains => "so the check always passes",
                CheckKind::ResponseExcludes => "so the check never passes",
                _ => "so the check only asks whether there was a call",
            };
            let problem =
                report.objection(node.place, &name, format!("the expression matches every text, {verdict}"));
            problem.help(format!(
                "it can match nothing at all; is there a stray `|` or `*` in {}",
                excerpt(source)
            ));
        }
        Ok(_) => {}
        Err(error) => {
            let problem = report.error(node.place, &name, format!("invalid regular expression: {error}"));
            problem.help(format!("in {}", excerpt(source)));
        }
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
