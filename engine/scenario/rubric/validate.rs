//! Finds what is wrong with a scenario document, in the words of the reference's own validator, so that a
//! suite which passes here passes there.

use super::CheckKind;
use crate::pattern::{Case, Pattern};
use crate::scenario::{CATEGORIES, TOOLS};
use crate::value::{Map, Value};

/// A document on which the reference fails instead of reporting.
struct Crash(String);

/// Lists what is wrong with a scenario document; an empty list means valid. Where the reference raises, the
/// last message says what it raises on.
pub fn validate(document: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(Crash(problem)) = validate_document(document, &mut problems) {
        problems.push(problem);
    }
    problems
}

fn validate_document(document: &Value, problems: &mut Vec<String>) -> Result<(), Crash> {
    let Some(document) = document.as_map() else {
        return Err(Crash(format!("the scenario is {}, not an object", document.kind())));
    };
    let top_level = [("name", "str"), ("tools", "list"), ("prompt", "str"), ("variants", "dict")];
    for (key, expected) in top_level {
        if document.get(key).map(python_type) != Some(expected) {
            problems.push(format!("missing or invalid top-level field: '{key}' ({expected})"));
        }
    }
    for tool in elements(document.get("tools"), "tools")? {
        if !is_known(&tool, &TOOLS, "a tool")? {
            problems.push(format!("unknown tool: '{}' (known: {})", tool.py_str(), listing(TOOLS)));
        }
    }
    let checks = match document.get("scoring") {
        None => None,
        Some(Value::Map(scoring)) => scoring.get("checks"),
        Some(other) => return Err(Crash(format!("'scoring' is {}, not an object", other.kind()))),
    };
    let mut seen: Vec<Value> = Vec::new();
    for (index, check) in elements(checks, "scoring.checks")?.iter().enumerate() {
        let Some(check) = check.as_map() else {
            return Err(Crash(format!("check[{index}]: is {}, not an object", check.kind())));
        };
        validate_check(index, check, &mut seen, problems)?;
    }
    Ok(())
}

fn validate_check(
    index: usize,
    check: &Map,
    seen: &mut Vec<Value>,
    problems: &mut Vec<String>,
) -> Result<(), Crash> {
    for field in ["id", "type", "points", "category", "description"] {
        if !check.contains_key(field) {
            problems.push(format!("check[{index}]: missing required field '{field}'"));
        }
    }
    let id = check.get("id").cloned().unwrap_or_else(|| Value::Str(format!("<unnamed-{index}>")));
    let shown_id = id.py_str();
    hashable(&id, || format!("check[{index}]: its 'id'"))?;
    if seen.iter().any(|earlier| earlier.py_eq(&id)) {
        problems.push(format!("check[{index}]: duplicate check id '{shown_id}'"));
    }
    seen.push(id);
    let prefix = format!("check[{index}] ({shown_id})");
    for problem in type_problems(&prefix, check)? {
        problems.push(format!("{prefix}: {problem}"));
    }
    match check.get("pattern") {
        None => {}
        Some(Value::Str(source)) => {
            if let Err(error) = Pattern::compile(source, Case::Sensitive) {
                problems.push(format!("{prefix}: invalid regex pattern: {error}"));
            }
        }
        Some(other) => {
            return Err(Crash(format!("{prefix}: its 'pattern' is {}, not a string", other.kind())));
        }
    }
    Ok(())
}

/// What is wrong with a check's type, its category, and the keys that its type asks for.
fn type_problems(prefix: &str, check: &Map) -> Result<Vec<String>, Crash> {
    let mut problems = Vec::new();
    let no_type = Value::from("");
    let type_name = check.get("type").unwrap_or(&no_type);
    hashable(type_name, || format!("{prefix}: its 'type'"))?;
    let kind = type_name.as_str().map_or(CheckKind::Unknown, CheckKind::named);
    let shown_type = type_name.py_str();
    if type_name.is_truthy() && kind == CheckKind::Unknown {
        problems.push(format!("unknown check type '{shown_type}' (known: {})", listing(CheckKind::names())));
    }
    let category = check.get("category").filter(|category| category.is_truthy());
    if let Some(category) = category
        && !is_known(category, &CATEGORIES, &format!("{prefix}: its 'category'"))?
    {
        problems.push(format!("unknown category '{}' (known: {})", category.py_str(), listing(CATEGORIES)));
    }
    let names_tools = check.contains_key("tool") || check.contains_key("tools");
    if matches!(kind, CheckKind::ToolCalled | CheckKind::ToolNotCalled) && !names_tools {
        problems.push(format!("type '{shown_type}' requires 'tool' or 'tools'"));
    }
    for field in kind.required_keys() {
        if !check.contains_key(*field) {
            problems.push(format!("type '{shown_type}' requires '{field}'"));
        }
    }
    Ok(problems)
}

/// What Python's `for` gives: items of a list, characters of a string, keys of an object.
fn elements(value: Option<&Value>, name: &str) -> Result<Vec<Value>, Crash> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::List(items)) => Ok(items.clone()),
        Some(Value::Str(text)) => Ok(text.chars().map(|letter| Value::Str(letter.into())).collect()),
        Some(Value::Map(map)) => Ok(map.keys().map(|key| Value::from(key.as_str())).collect()),
        Some(other) => Err(Crash(format!("'{name}' is {}, not a list", other.kind()))),
    }
}

fn is_known(value: &Value, known: &[&str], what: &str) -> Result<bool, Crash> {
    hashable(value, || what.to_owned())?;
    Ok(value.as_str().is_some_and(|text| known.contains(&text)))
}

fn hashable(value: &Value, what: impl Fn() -> String) -> Result<(), Crash> {
    if value.is_hashable() {
        Ok(())
    } else {
        Err(Crash(format!("{} is {}, not a name", what(), value.kind())))
    }
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Str(_) => "str",
        Value::List(_) => "list",
        Value::Map(_) => "dict",
        _ => "",
    }
}

fn listing<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    Value::List(names.into_iter().map(Value::from).collect()).py_repr()
}
