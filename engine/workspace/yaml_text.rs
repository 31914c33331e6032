//! Writes a document as YAML that this program, PyYAML and YAML 1.2 readers all read back to the same value.

use crate::scenario::scalar::{is_printable, is_unambiguous_text};
use crate::value::{Map, Value, float_repr};
use std::fmt::Write as _;

/// The document in block style; lists of plain values and whatever lies deeper in them stand on one line.
pub fn yaml_text(document: &Value) -> String {
    let mut out = String::new();
    match document {
        Value::Map(members) if !members.is_empty() => write_members(members, 0, false, &mut out),
        other => {
            write_flow(other, &mut out);
            out.push('\n');
        }
    }
    out
}

/// Writes the members of a map; the first without its indent where it stands behind a dash.
fn write_members(members: &Map, indent: usize, behind_dash: bool, out: &mut String) {
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 || !behind_dash {
            out.push_str(&" ".repeat(indent));
        }
        write_key(key, &format!("\n{}", " ".repeat(indent)), out);
        match value {
            Value::Map(inner) if !inner.is_empty() => {
                out.push('\n');
                write_members(inner, indent + 2, false, out);
            }
            Value::List(items)
                if items.iter().any(|item| item.as_map().is_some_and(|map| !map.is_empty())) =>
            {
                out.push('\n');
                write_items(items, indent + 2, out);
            }
            other => {
                out.push(' ');
                write_flow(other, out);
                out.push('\n');
            }
        }
    }
}

fn write_items(items: &[Value], indent: usize, out: &mut String) {
    for item in items {
        out.push_str(&" ".repeat(indent));
        out.push_str("- ");
        match item {
            Value::Map(members) if !members.is_empty() => write_members(members, indent + 2, true, out),
            other => {
                write_flow(other, out);
                out.push('\n');
            }
        }
    }
}

fn write_flow(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(number) => out.push_str(&float_text(*number)),
        Value::Str(text) => write_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_flow(item, out);
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            for (index, (key, item)) in members.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_key(key, " ", out);
                out.push(' ');
                write_flow(item, out);
            }
            out.push('}');
        }
    }
}

/// The longest key in its usual form; readers give up looking for its `:` after 1,024 characters.
const KEY_CHARS_MAX: usize = 1000;

/// Writes a key with its `:`, marked by `? ` and followed by a gap where it is too long to be known without.
fn write_key(key: &str, gap: &str, out: &mut String) {
    let start = out.len();
    write_text(key, out);
    if out[start..].chars().count() > KEY_CHARS_MAX {
        out.insert_str(start, "? ");
        out.push_str(gap);
    }
    out.push(':');
}

/// PyYAML takes only what has a dot for a float.
fn float_text(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = float_repr(number);
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => text,
    }
}

/// Plain where nobody can misread it, in single quotes where it fits on a line, else with escapes.
fn write_text(text: &str, out: &mut String) {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && text.chars().all(simple) && is_unambiguous_text(text) {
        out.push_str(text);
    } else if text.chars().all(|c| is_printable(c) && !is_break(c)) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        write_escaped(text, out);
    }
}

fn write_escaped(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(c) && !is_break(c) => out.push(c),
            _ => write!(out, "\\U{:08X}", c as u32).expect("writing to a string cannot fail"),
        }
    }
    out.push('"');
}

/// What some reader takes for the end of a line or for nothing at all.
fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::problem::{Report, Strictness};
    use crate::scenario::yaml;
    use crate::value::parse;

    fn check(json: &str, expected: &str) {
        let value = parse(json.as_bytes()).unwrap();
        let text = yaml_text(&value);
        assert_eq!(text, expected);
        let mut report = Report::new("", Strictness::Own);
        assert_eq!(yaml::parse(&text, &mut report).unwrap().to_value(), value);
        assert_eq!(report.problems, []);
    }

    #[test]
    fn documents_read_back_as_they_were() {
        check(
            r#"{"a": {"b": [1, "x y", {}], "c": []}, "d": [{"e": 1, "f": {"g": null}}, 2]}"#,
            "a:\n  b: [1, 'x y', {}]\n  c: []\nd:\n  - e: 1\n    f:\n      g: null\n  - 2\n",
        );
        check(
            r#"["yes", "12:30", "1e3", "it's", "a\nb\u2028", "\ud83d\ude80", "-", "", "no_mail"]"#,
            "['yes', '12:30', '1e3', 'it''s', \"a\\nb\\U00002028\", '🚀', '-', '', no_mail]\n",
        );
        check(
            r#"[1e16, 1e-07, 1.5e300, 1.0, -0.0, 1e999, 12345678901234567890, true]"#,
            "[1.0e+16, 1.0e-07, 1.5e+300, 1.0, -0.0, .inf, 12345678901234567890, true]\n",
        );
    }
}
