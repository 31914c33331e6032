//! Arguments of a call as the reference's Python takes them: defaults, slices, white space.

use crate::value::{Map, Value};
use crate::world::Fault;
use std::ops::Range;

/// An argument that must be text; `""` when it is absent.
pub(super) fn text<'a>(args: &'a Map, name: &str) -> Result<&'a str, Fault> {
    match args.get(name) {
        None => Ok(""),
        Some(value) => value.as_str().ok_or_else(|| Fault::argument(name, "not a text")),
    }
}

/// An argument of any type, with a text as its default.
pub(super) fn any(args: &Map, name: &str, default: &str) -> Value {
    args.get(name).cloned().unwrap_or_else(|| Value::from(default))
}

/// Where Python's slice `[:limit]` ends; null is no limit, and a negative one counts from the end.
pub(super) fn slice_end(length: usize, limit: Option<&Value>, default: i64) -> Option<usize> {
    match limit {
        None => Some(clamp(length, i128::from(default))),
        Some(Value::Null) => Some(length),
        Some(value) => Some(clamp(length, integer(value)?)),
    }
}

/// The lines that `from` and `lines` ask for: `[start:start + lines]` with `start = max(0, from - 1)`.
pub(super) fn window(total: usize, args: &Map, default_lines: i64) -> Option<Range<usize>> {
    let start = match args.get("from") {
        None => 0,
        // Python's max gives its first argument, the integer 0, unless the other one is greater; then the
        // slice has a float for its start.
        Some(Value::Float(from)) if from - 1.0 > 0.0 => return None,
        Some(Value::Float(_)) => 0,
        Some(value) => integer(value)?.saturating_sub(1).max(0),
    };
    let lines = args.get("lines").map_or(Some(i128::from(default_lines)), integer)?;
    let end = clamp(total, start.saturating_add(lines));
    let start = clamp(total, start);
    Some(start..end.max(start))
}

/// Integers and booleans; an integer beyond 128 bits counts as very large.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(flag) => Some(i128::from(*flag)),
        Value::Int(number) => Some(i128::from(*number)),
        Value::BigInt(digits) => {
            let beyond = if digits.starts_with('-') { i64::MIN } else { i64::MAX };
            Some(digits.parse().unwrap_or(i128::from(beyond)))
        }
        _ => None,
    }
}

fn clamp(length: usize, index: i128) -> usize {
    let length_wide = length as i128;
    let index = if index < 0 { index.saturating_add(length_wide) } else { index };
    // Between 0 and a usize by construction.
    index.clamp(0, length_wide) as usize
}

/// What Python's `str.isspace` and `\s` hold for.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The text of a file with Python's universal newlines.
pub(super) fn universal_newlines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    #[test]
    fn a_window_follows_pythons_slices() {
        let check = |args: &str, expected: Option<Range<usize>>| {
            let args = parse(args.as_bytes()).unwrap();
            assert_eq!(window(10, args.as_map().unwrap(), 4), expected, "{args:?}");
        };
        check("{}", Some(0..4));
        check(r#"{"from": 3, "lines": 2}"#, Some(2..4));
        check(r#"{"from": 1.0}"#, Some(0..4));
        check(r#"{"from": 2.0}"#, None);
        check(r#"{"from": true, "lines": true}"#, Some(0..1));
        check(r#"{"from": -5, "lines": -1}"#, Some(0..9));
        check(r#"{"from": 99999999999999999999, "lines": 3}"#, Some(10..10));
        check(r#"{"lines": null}"#, None);
        check(r#"{"lines": "3"}"#, None);
    }

    #[test]
    fn a_limit_follows_pythons_slices() {
        let check = |limit: &str, expected: Option<usize>| {
            assert_eq!(slice_end(10, Some(&parse(limit.as_bytes()).unwrap()), 5), expected, "{limit}");
        };
        check("null", Some(10));
        check("-3", Some(7));
        check("-30", Some(0));
        check("true", Some(1));
        check("1.0", None);
        check("\"3\"", None);
        assert_eq!(slice_end(10, None, 5), Some(5));
    }
}
