//! Arguments of tool calls as models write them: unfinished JSON is closed, types are bent where that is
//! harmless, and what is still wrong is said back in the words that a ClawBench runtime uses.

use crate::llm::ToolSchema;
use crate::value::{Map, Value, float_repr, parse};

/// How far an unfinished text is shortened in search of its last complete part.
const SHORTENED_CHARS_MAX: usize = 64;
/// From here on JavaScript writes numbers with an exponent.
const PLAIN_NUMBER_MAX: f64 = 1e21;

/// Reads arguments; what cannot be read at all is an empty object.
pub(super) fn arguments(text: &str) -> Value {
    let read = parse(text.as_bytes()).ok().or_else(|| repaired(text));
    read.map_or_else(|| Value::Map(Map::new()), plain_numbers)
}

/// Checks arguments against a tool's schema and converts what can be converted.
pub(super) fn validated(tool: &ToolSchema, arguments: &Value) -> Result<Value, String> {
    let mut problems = Vec::new();
    let mut converted = arguments.clone();
    match &mut converted {
        Value::Map(fields) => check_fields(&tool.parameters, fields, &mut problems),
        _ => problems.push("root: must be object".to_owned()),
    }
    if problems.is_empty() {
        return Ok(converted);
    }
    let list: String = problems.iter().map(|problem| format!("  - {problem}\n")).collect();
    let name = &tool.name;
    Err(format!(
        "Validation failed for tool \"{name}\":\n{list}\nReceived arguments:\n{}",
        arguments.pretty()
    ))
}

fn check_fields(schema: &Value, fields: &mut Map, problems: &mut Vec<String>) {
    let required = schema.get("required").and_then(Value::as_list).unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)) {
        problems.push(format!("{name}: must have required property '{name}'"));
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_map) else { return };
    for (name, property) in properties {
        let Some(value) = fields.get_mut(name) else { continue };
        let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
        match coerced(value, kind) {
            Some(fitting) => *value = fitting,
            None => problems.push(format!("{name}: must be {kind}")),
        }
        let choices = property.get("enum").and_then(Value::as_list);
        if choices.is_some_and(|choices| !choices.contains(value)) {
            problems.push(format!("{name}: must be equal to one of the allowed values"));
        }
    }
}

/// The value as the kind that a schema asks for; none where it cannot become one.
fn coerced(value: &Value, kind: &str) -> Option<Value> {
    match (kind, value) {
        ("string", Value::Str(_)) | ("boolean", Value::Bool(_)) => Some(value.clone()),
        ("number", Value::Int(_) | Value::BigInt(_) | Value::Float(_)) => Some(value.clone()),
        ("string", Value::Null) => Some("".into()),
        ("string", Value::Bool(flag)) => Some(flag.to_string().into()),
        ("string", Value::Int(number)) => Some(number.to_string().into()),
        ("string", Value::BigInt(digits)) => Some(digits.as_str().into()),
        ("string", Value::Float(number)) => Some(float_repr(*number).into()),
        ("number", Value::Null) => Some(0.into()),
        ("number", Value::Bool(flag)) => Some(Value::Int(i64::from(*flag))),
        ("number", Value::Str(text)) => {
            let number: f64 = text.trim().parse().ok()?;
            number.is_finite().then(|| plain_number(number))
        }
        ("boolean", Value::Null | Value::Int(0)) => Some(false.into()),
        ("boolean", Value::Int(1)) => Some(true.into()),
        ("boolean", Value::Str(text)) if text == "false" => Some(false.into()),
        ("boolean", Value::Str(text)) if text == "true" => Some(true.into()),
        ("string" | "number" | "boolean", _) => None,
        _ => Some(value.clone()),
    }
}

/// Numbers as a JavaScript runtime passes them on: all are doubles, and whole ones are written without a dot.
fn plain_numbers(value: Value) -> Value {
    match value {
        Value::Int(number) => plain_number(number as f64),
        Value::BigInt(digits) => plain_number(digits.parse().unwrap_or(f64::INFINITY)),
        Value::Float(number) => plain_number(number),
        Value::List(items) => Value::List(items.into_iter().map(plain_numbers).collect()),
        Value::Map(map) => {
            Value::Map(map.into_iter().map(|(key, item)| (key, plain_numbers(item))).collect())
        }
        other => other,
    }
}

fn plain_number(number: f64) -> Value {
    if !number.is_finite() {
        return Value::Null;
    }
    if number.fract() != 0.0 || number.abs() >= PLAIN_NUMBER_MAX {
        return Value::Float(number);
    }
    // Without the sign of a negative zero.
    let digits = format!("{:.0}", number + 0.0);
    digits.parse().map_or(Value::BigInt(digits), Value::Int)
}

/// What stands in an unfinished text, or before the rest that follows a finished one.
fn repaired(text: &str) -> Option<Value> {
    if let Some(end) = Scan::of(text).end {
        return parse(&text.as_bytes()[..end]).ok();
    }
    let ends = text.char_indices().rev().map(|(at, _)| at).take(SHORTENED_CHARS_MAX);
    std::iter::once(text.len()).chain(ends).find_map(|end| parse(closed(&text[..end]).as_bytes()).ok())
}

fn closed(text: &str) -> String {
    let scan = Scan::of(text);
    let mut text = text[..text.len() - usize::from(scan.in_escape)].to_owned();
    if scan.in_string {
        text.push('"');
    }
    text.extend(scan.open.iter().rev().map(|bracket| if *bracket == b'{' { '}' } else { ']' }));
    text
}

/// How far a text got.
#[derive(Default)]
struct Scan {
    /// The brackets that are still open.
    open: Vec<u8>,
    in_string: bool,
    in_escape: bool,
    /// Where the first value in brackets is complete.
    end: Option<usize>,
}

impl Scan {
    fn of(text: &str) -> Scan {
        let mut scan = Scan::default();
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if scan.in_escape => scan.in_escape = false,
                b'\\' if scan.in_string => scan.in_escape = true,
                b'"' => scan.in_string = !scan.in_string,
                _ if scan.in_string => {}
                b'{' | b'[' => scan.open.push(byte),
                b'}' | b']' => {
                    scan.open.pop();
                    if scan.open.is_empty() {
                        scan.end = Some(at + 1);
                        break;
                    }
                }
                _ => {}
            }
        }
        scan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::prompt::PromptProfile;

    #[test]
    fn unfinished_arguments_are_closed() {
        let check = |text: &str, expected: &str| assert_eq!(arguments(text).compact(), expected, "{text}");
        check("", "{}");
        check("  ", "{}");
        check("no json", "{}");
        check(r#"{"a": "b"}"#, r#"{"a":"b"}"#);
        check(r#"{"a": "him"#, r#"{"a":"him"}"#);
        check(r#"{"a": "b\"#, r#"{"a":"b"}"#);
        check(r#"{"a": "b\u00"#, r#"{"a":"b"}"#);
        check(r#"{"a": "b", "long key"#, r#"{"a":"b"}"#);
        check(r#"{"a": "b","#, r#"{"a":"b"}"#);
        check(r#"{"a": [1, {"b": 2."#, r#"{"a":[1,{"b":2}]}"#);
        check(r#"{"a": 1} and more"#, r#"{"a":1}"#);
        check(r#"{"a": broken}"#, "{}");
        check("[1", "[1]");
    }

    #[test]
    fn numbers_pass_through_javascript() {
        let check = |text: &str, expected: &str| assert_eq!(arguments(text).compact(), expected, "{text}");
        check(r#"{"a": 2.0, "b": -0.0, "c": 1.5}"#, r#"{"a":2,"b":0,"c":1.5}"#);
        check(r#"{"a": 9007199254740993, "b": NaN}"#, r#"{"a":9007199254740992,"b":null}"#);
        check(r#"{"a": 12345678901234567890, "b": 1e22}"#, r#"{"a":12345678901234567168,"b":1e+22}"#);
    }

    fn check_call(tool: &str, args: &str, expected: &str) {
        let tools = PromptProfile::default().tools_for(&[]);
        let tool = tools.iter().find(|schema| schema.name == tool).unwrap();
        let got = validated(tool, &arguments(args)).map_or_else(|problem| problem, |args| args.compact());
        assert_eq!(got, expected, "{args}");
    }

    #[test]
    fn harmless_types_are_bent() {
        check_call(
            "read",
            r#"{"path": 5, "from": "3", "lines": true}"#,
            r#"{"path":"5","from":3,"lines":1}"#,
        );
        check_call("read", r#"{"path": null, "from": " 1e1 "}"#, r#"{"path":"","from":10}"#);
        check_call(
            "exec",
            r#"{"command": "x", "background": "true"}"#,
            r#"{"command":"x","background":true}"#,
        );
        check_call("exec", r#"{"command": "x", "more": [1]}"#, r#"{"command":"x","more":[1]}"#);
    }

    #[test]
    fn what_cannot_be_bent_is_said_back() {
        check_call(
            "exec",
            r#"{"cmd": "é", "timeout": "soon"}"#,
            "Validation failed for tool \"exec\":\n  - command: must have required property 'command'\n  - timeout: \
             must be number\n\nReceived arguments:\n{\n  \"cmd\": \"é\",\n  \"timeout\": \"soon\"\n}",
        );
        check_call(
            "slack",
            r#"{"action": "listChannels"}"#,
            "Validation failed for tool \"slack\":\n  - action: must be equal to one of the allowed values\n\n\
             Received arguments:\n{\n  \"action\": \"listChannels\"\n}",
        );
        check_call(
            "read",
            "[1]",
            "Validation failed for tool \"read\":\n  - root: must be object\n\nReceived arguments:\n[\n  1\n]",
        );
    }
}
