//! Request bodies as Python's `json.loads` reads bytes: in UTF-8, 16 or 32, with or without a byte order mark.

use crate::value::{Map, Value, parse};

/// What a request's body holds.
#[derive(Debug, PartialEq)]
pub(super) enum Body {
    Empty,
    Json(Value),
    /// JSON with halves of surrogate pairs, which no text can hold; `U+FFFD` stands for each.
    WithHalves(Value),
    /// Not JSON; the text with `U+FFFD` for what is not UTF-8.
    Raw(String),
}

impl Body {
    pub fn read(bytes: &[u8]) -> Body {
        if bytes.is_empty() {
            return Body::Empty;
        }
        let raw = || Body::Raw(String::from_utf8_lossy(bytes).into_owned());
        let Some(text) = decoded(bytes) else { return raw() };
        match parse(text.as_bytes()) {
            Ok(value) => Body::Json(value),
            Err(error) if error.problem.contains("surrogate") => {
                parse(without_halves(&text).as_bytes()).map_or_else(|_| raw(), Body::WithHalves)
            }
            Err(_) => raw(),
        }
    }

    /// What a tool is called with: nothing readable is no arguments.
    pub fn arguments(&self) -> Value {
        match self {
            Body::Json(value) | Body::WithHalves(value) => value.clone(),
            Body::Empty | Body::Raw(_) => Value::Map(Map::new()),
        }
    }

    /// As the record of requests shows it.
    pub fn shown(self) -> Value {
        match self {
            Body::Empty => Value::Null,
            Body::Json(value) | Body::WithHalves(value) => value,
            Body::Raw(text) => Value::object([("_raw", text.into())]),
        }
    }
}

/// Text in the encoding that the first bytes suggest; none where it is not in that encoding.
fn decoded(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] => wide32(rest, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, rest @ ..] => wide32(rest, u32::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => wide16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0, 0, 0, _, ..] => wide32(bytes, u32::from_be_bytes),
        [0, 1..=255, ..] => wide16(bytes, u16::from_be_bytes),
        [1..=255, 0, 0, 0, ..] => wide32(bytes, u32::from_le_bytes),
        [1..=255, 0, ..] => wide16(bytes, u16::from_le_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

fn wide16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    rest.is_empty().then(|| String::from_utf16(&units).ok())?
}

fn wide32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Option<String> {
    let (quads, rest) = bytes.as_chunks();
    rest.is_empty().then(|| quads.iter().map(|quad| char::from_u32(unit(*quad))).collect())?
}

/// Replaces the escapes of surrogates that have no partner.
fn without_halves(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (surrogate(rest), surrogate(rest.get(6..).unwrap_or_default())) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(_), _) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // A backslash and what it escapes.
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out + rest
}

/// The surrogate whose escape a text begins with.
fn surrogate(text: &str) -> Option<u32> {
    let code = u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..=0xdfff).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_guessed_as_python_does() {
        let expected = Body::Json(Value::object([("a", "é".into())]));
        let text = "{\"a\": \"é\"}";
        let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let wider = |bytes: fn(u32) -> [u8; 4]| {
            text.chars().flat_map(|letter| bytes(u32::from(letter))).collect::<Vec<u8>>()
        };
        assert_eq!(Body::read(text.as_bytes()), expected);
        assert_eq!(Body::read(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), expected);
        for bytes in [wide(u16::to_le_bytes), wide(u16::to_be_bytes), wider(u32::to_le_bytes)] {
            assert_eq!(Body::read(&bytes), expected);
        }
        assert_eq!(Body::read(&[&[0xff, 0xfe], &wide(u16::to_le_bytes)[..]].concat()), expected);
        assert_eq!(Body::read(b"\xff\xfe\x00"), Body::Raw("\u{fffd}\u{fffd}\0".into()));
    }

    #[test]
    fn halves_are_replaced_and_pairs_stay() {
        let halves = r#"["\ud800", "\ud83d\ude80", "\\ud800", "\udc00\ud800x"]"#;
        let expected = ["\u{fffd}", "🚀", "\\ud800", "\u{fffd}\u{fffd}x"].map(Value::from);
        assert_eq!(Body::read(halves.as_bytes()), Body::WithHalves(expected.to_vec().into()));
    }
}
