//! Writes values as Python does: `json.dumps` with its defaults, with an indent, or compact in UTF-8,
//! and `str()` and `repr()`.

use super::Value;
use super::nonprintable::NON_PRINTABLE;
use std::fmt::Write as _;

/// How `json.dumps` may be asked to write.
#[derive(Clone, Copy)]
struct Layout {
    item_separator: &'static str,
    key_separator: &'static str,
    /// Blanks per level; none keeps all on one line.
    indent: Option<usize>,
    ascii: bool,
    sort_keys: bool,
    infinity: &'static str,
    nan: &'static str,
}

const DEFAULT: Layout = Layout {
    item_separator: ", ",
    key_separator: ": ",
    indent: None,
    ascii: true,
    sort_keys: false,
    infinity: "Infinity",
    nan: "NaN",
};

/// Stands for NaN in stored JSON: a number that nothing else is written as, since infinity is `1e999` there.
pub(super) const PORTABLE_NAN: &str = "1e9999";

impl Value {
    /// `json.dumps(value)`: ASCII only, `", "` and `": "` between, keys in their order.
    pub fn dumps(&self) -> String {
        self.laid_out(DEFAULT)
    }

    /// `json.dumps(value, sort_keys=True)`: the canonical form that pack hashes are taken over.
    pub fn dumps_sorted(&self) -> String {
        self.laid_out(Layout { sort_keys: true, ..DEFAULT })
    }

    /// `json.dumps(value, indent=2)`, as the mock tools print lists inside their answers.
    pub fn dumps_indented(&self) -> String {
        self.laid_out(Layout { item_separator: ",", indent: Some(2), ..DEFAULT })
    }

    /// `json.dumps(value, indent=2, sort_keys=True)`: ASCII for files that people read and programs hash.
    pub fn dumps_sorted_indented(&self) -> String {
        self.laid_out(Layout { item_separator: ",", indent: Some(2), sort_keys: true, ..DEFAULT })
    }

    /// JSON with an indent of two and characters beyond ASCII as they are, as `JSON.stringify(value, null, 2)`
    /// gives it: the form in which an agent sees a tool's answer.
    pub fn pretty(&self) -> String {
        self.laid_out(Layout { item_separator: ",", indent: Some(2), ascii: false, ..DEFAULT })
    }

    /// Compact JSON with characters beyond ASCII as they are: how the mock server sends its bodies.
    pub fn compact(&self) -> String {
        self.laid_out(Layout { item_separator: ",", key_separator: ":", ascii: false, ..DEFAULT })
    }

    /// Compact JSON whose syntax any JSON reader takes, and which `parse_portable` reads back to the same value.
    pub(super) fn portable_json(&self) -> String {
        self.laid_out(Layout {
            item_separator: ",",
            key_separator: ":",
            ascii: false,
            infinity: "1e999",
            nan: PORTABLE_NAN,
            ..DEFAULT
        })
    }

    /// Python's `str(value)`.
    pub fn py_str(&self) -> String {
        match self {
            Value::Str(text) => text.clone(),
            other => other.py_repr(),
        }
    }

    /// Python's `repr(value)`.
    pub fn py_repr(&self) -> String {
        let mut out = String::new();
        write_repr(self, &mut out);
        out
    }

    fn laid_out(&self, layout: Layout) -> String {
        let mut out = String::new();
        write_json(self, layout, 0, &mut out);
        out
    }
}

/// A string as `json.dumps` writes it, quotes included.
pub fn json_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_json_text(text, true, &mut out);
    out
}

fn write_json(value: &Value, layout: Layout, level: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => write!(out, "{number}").expect("writing to a string cannot fail"),
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(number) if number.is_nan() => out.push_str(layout.nan),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number < 0.0 { "-" } else { "" });
            out.push_str(layout.infinity);
        }
        Value::Float(number) => out.push_str(&float_repr(*number)),
        Value::Str(text) => write_json_text(text, layout.ascii, out),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                between(index, layout, level + 1, out);
                write_json(item, layout, level + 1, out);
            }
            newline(layout, level, out);
            out.push(']');
        }
        Value::Map(map) if map.is_empty() => out.push_str("{}"),
        Value::Map(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            if layout.sort_keys {
                entries.sort_by_key(|(key, _)| *key);
            }
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                between(index, layout, level + 1, out);
                write_json_text(key, layout.ascii, out);
                out.push_str(layout.key_separator);
                write_json(item, layout, level + 1, out);
            }
            newline(layout, level, out);
            out.push('}');
        }
    }
}

fn between(index: usize, layout: Layout, level: usize, out: &mut String) {
    if index > 0 {
        out.push_str(layout.item_separator);
    }
    newline(layout, level, out);
}

fn newline(layout: Layout, level: usize, out: &mut String) {
    if let Some(indent) = layout.indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * level));
    }
}

/// Appends a string as `json.dumps` writes it, without the quotes.
pub fn push_json_body(text: &str, out: &mut String) {
    write_json_body(text, true, out);
}

fn write_json_text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    write_json_body(text, ascii, out);
    out.push('"');
}

fn write_json_body(text: &str, ascii: bool, out: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\' && !(ascii && byte > b'~');
    let mut rest = text;
    loop {
        // A byte that is not plain begins a character, so the text may be cut there.
        let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let Some(character) = rest.chars().next() else { return };
        write_escape(character, out);
        rest = &rest[character.len_utf8()..];
    }
}

fn write_escape(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("writing to a string cannot fail");
            }
        }
    }
}

fn write_repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Value::Int(number) => write!(out, "{number}").expect("writing to a string cannot fail"),
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(number) => out.push_str(&float_str(*number)),
        Value::Str(text) => write_repr_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_repr(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_repr_text(key, out);
                out.push_str(": ");
                write_repr(item, out);
            }
            out.push('}');
        }
    }
}

fn write_repr_text(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        let code = character as u32;
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(character);
            }
            ' '..='~' => out.push(character),
            _ if is_printable(code) => out.push(character),
            _ if code <= 0xff => write!(out, "\\x{code:02x}").expect("writing to a string cannot fail"),
            _ if code <= 0xffff => write!(out, "\\u{code:04x}").expect("writing to a string cannot fail"),
            _ => write!(out, "\\U{code:08x}").expect("writing to a string cannot fail"),
        }
    }
    out.push(quote);
}

fn is_printable(code: u32) -> bool {
    let next = NON_PRINTABLE.partition_point(|(first, _)| *first <= code);
    next == 0 || NON_PRINTABLE[next - 1].1 < code
}

/// Python's `repr` of a finite double: the shortest digits that read back, with an exponent below
/// 1e-4 and from 1e16 on.
pub fn float_repr(number: f64) -> String {
    if number.trunc() == number && number.abs() < 1e15 && number != 0.0 {
        return format!("{}.0", number as i64);
    }
    let scientific = shortest(number);
    let (mantissa, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is an integer");
    if (-4..16).contains(&exponent) {
        return positional(mantissa, exponent);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// The shortest digits that read back, in scientific form. Of two that are equally near, Python takes the even
/// one and Rust the greater; there can be two only from 16 digits on, since all of 15 digits tell apart.
fn shortest(number: f64) -> String {
    let scientific = format!("{number:e}");
    let digits = scientific.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
    if digits < 16 {
        return scientific;
    }
    let nearest = format!("{number:.*e}", digits - 1);
    if nearest.parse() == Ok(number) { nearest } else { scientific }
}

fn positional(mantissa: &str, exponent: i32) -> String {
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let Ok(point) = usize::try_from(exponent + 1) else {
        return format!(
            "{sign}0.{:0>width$}",
            digits,
            width = digits.len() + exponent.unsigned_abs() as usize - 1
        );
    };
    match digits.len() {
        _ if point == 0 => format!("{sign}0.{digits}"),
        length if length <= point => format!("{sign}{digits:0<point$}.0"),
        _ => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
    }
}

/// Python's `str` of a double, which unlike JSON writes `inf` and `nan`.
pub fn float_str(number: f64) -> String {
    match number {
        _ if number.is_nan() => "nan".into(),
        _ if number.is_infinite() => if number < 0.0 { "-inf" } else { "inf" }.into(),
        _ => float_repr(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    fn value(text: &str) -> Value {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn doubles_print_as_python_prints_them() {
        let check = |number: f64, expected: &str| assert_eq!(float_repr(number), expected);
        check(1e15, "1000000000000000.0");
        check(1e16, "1e+16");
        check(1.5e16, "1.5e+16");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(-0.0, "-0.0");
        check(5e-324, "5e-324");
        check(0.1 + 0.2, "0.30000000000000004");
        check(0.0, "0.0");
        check(-41.0, "-41.0");
        check(-0.25, "-0.25");
        check(0.0625, "0.0625");
        check(1e15 + 0.25, "1000000000000000.2");
        check(1e15 + 0.75, "1000000000000000.8");
        check(9_007_199_254_740_993.0, "9007199254740992.0");
    }

    #[test]
    fn json_is_ascii_with_pythons_blanks() {
        let text = r#"{"é": [1, 2.0, "\u007f/🚀"], "a": {}}"#;
        assert_eq!(value(text).dumps(), r#"{"\u00e9": [1, 2.0, "\u007f/\ud83d\ude80"], "a": {}}"#);
        assert_eq!(value(text).dumps_sorted(), r#"{"a": {}, "\u00e9": [1, 2.0, "\u007f/\ud83d\ude80"]}"#);
        assert_eq!(value(text).compact(), "{\"é\":[1,2.0,\"\u{7f}/🚀\"],\"a\":{}}");
    }

    #[test]
    fn an_indent_puts_items_on_their_own_lines() {
        assert_eq!(value(r#"{"a": [1, []]}"#).dumps_indented(), "{\n  \"a\": [\n    1,\n    []\n  ]\n}");
    }

    #[test]
    fn repr_quotes_and_escapes_as_python_does() {
        let check = |text: &str, expected: &str| assert_eq!(value(text).py_repr(), expected);
        check(r#"["it's", "say \"x\"", "it's \"x\""]"#, r#"["it's", 'say "x"', 'it\'s "x"']"#);
        check(r#""\u00a0\u200b\u0001é🚀\\""#, r"'\xa0\u200b\x01é🚀\\'");
        check(r#"{"k": [null, true, 1e999, 1.0]}"#, "{'k': [None, True, inf, 1.0]}");
    }
}
