//! Secrets that a server was sent and may send back: in an error, in a model's text, in a call's arguments.
//!
//! What comes from a server is freed of them before anybody reads it, so that they are in no episode, event,
//! report, message or cache. They are found as they are, and as servers rewrite them: with the escapes of JSON
//! or of addresses, in base64, and cut off at the end of a text. What else a server makes of them is its own.

use crate::value::{Map, Value};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;

/// What stands in the place of a secret.
pub const MARK: &str = "<key>";
/// What is shorter is no secret, and hiding it would garble texts.
const CHARACTERS_MIN: usize = 8;
/// No escape of a character is longer.
const ESCAPE_BYTES_MAX: usize = 6;

/// Values that must not show.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The values and their base64, the longest first.
    forms: Vec<SecretString>,
}

impl Secrets {
    /// The secrets among these values: those that are long enough.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a SecretString>) -> Secrets {
        let values = values.into_iter().map(SecretString::expose_secret);
        let long = values.filter(|value| value.chars().count() >= CHARACTERS_MIN);
        let mut forms: Vec<String> = long.flat_map(forms).collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Secrets { forms: forms.into_iter().map(SecretString::from).collect() }
    }

    /// The text without secrets, the beginning of one that was cut off at its end included.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.hidden(text, true)
    }

    /// The document without secrets, in names and numbers, too. What one of its texts only begins may go on in
    /// the next, so that is left for when they are put together.
    pub fn hide_in(&self, value: Value) -> Value {
        if self.forms.is_empty() {
            return value;
        }
        let hide = |text: &str| match self.hidden(text, false) {
            Cow::Borrowed(_) => None,
            Cow::Owned(shown) => Some(shown),
        };
        match value {
            Value::Str(text) => Value::Str(hide(&text).unwrap_or(text)),
            Value::Int(_) | Value::BigInt(_) => hide(&value.compact()).map_or(value, Value::Str),
            Value::List(items) => Value::List(items.into_iter().map(|item| self.hide_in(item)).collect()),
            Value::Map(map) => {
                let pairs = map.into_iter();
                let shown = pairs.map(|(name, value)| (hide(&name).unwrap_or(name), self.hide_in(value)));
                Value::Map(shown.collect::<Map>())
            }
            Value::Null | Value::Bool(_) | Value::Float(_) => value,
        }
    }

    fn hidden<'t>(&self, text: &'t str, may_be_cut: bool) -> Cow<'t, str> {
        let mut shown = String::new();
        let mut rest = text;
        while let Some((start, end)) = self.first_in(rest, may_be_cut) {
            shown += &rest[..start];
            shown += MARK;
            rest = &rest[end..];
        }
        if shown.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(shown + rest) }
    }

    /// Where the first secret of a text begins and ends.
    fn first_in(&self, text: &str, may_be_cut: bool) -> Option<(usize, usize)> {
        let forms = || self.forms.iter().map(|form| form.expose_secret());
        let firsts: Vec<char> = forms().filter_map(|form| form.chars().next()).collect();
        let may_begin = |c: char| matches!(c, '\\' | '%') || firsts.contains(&c);
        let mut places = text.char_indices().filter(|(_, c)| may_begin(*c));
        places.find_map(|(start, _)| {
            let length = forms().find_map(|form| length_of(form, &text[start..], may_be_cut))?;
            Some((start, start + length))
        })
    }
}

/// How much of the beginning of a text is this secret; none where it does not begin with it.
fn length_of(secret: &str, text: &str, may_be_cut: bool) -> Option<usize> {
    let mut rest = text;
    for (matched, c) in secret.chars().enumerate() {
        match after(rest, c) {
            Some(next) => rest = next,
            // A text that was cut off within the secret still holds most of it.
            None if may_be_cut && matched >= CHARACTERS_MIN && is_cut(rest) => return Some(text.len()),
            None => return None,
        }
    }
    Some(text.len() - rest.len())
}

/// What follows a character, however it is written; none where the text does not begin with it. One byte of a
/// wider character is zero.
fn after(text: &str, c: char) -> Option<&str> {
    let text = text.strip_prefix('\0').unwrap_or(text);
    // A document within a document doubles the backslashes.
    let bare = text.trim_start_matches('\\');
    if bare.len() < text.len() {
        let itself = if c == '\\' { Some(bare) } else { bare.strip_prefix(c) };
        return after_number(bare, c).or(itself);
    }
    text.strip_prefix(c).or_else(|| after_percents(text, c))
}

/// `%2F` for a slash.
fn after_percents(text: &str, c: char) -> Option<&str> {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes).bytes().try_fold(text, |text, byte| {
        let digits = text.strip_prefix('%')?.get(..2)?;
        (u8::from_str_radix(digits, 16) == Ok(byte)).then(|| &text[3..])
    })
}

/// `u002F` for a slash, after its backslash.
fn after_number(text: &str, c: char) -> Option<&str> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    (u32::from_str_radix(digits, 16) == Ok(u32::from(c))).then(|| &text[5..])
}

/// Whether there is nothing more, or no more than a part of an escape.
fn is_cut(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['\\', '%', '\0']) && rest.len() < ESCAPE_BYTES_MAX
}

/// A secret as it is, and its base64 wherever it may stand in a longer one, as in `user:password`.
fn forms(secret: &str) -> Vec<String> {
    // However many there are of them, backslashes are found as one.
    let mut plain = String::with_capacity(secret.len());
    for c in secret.chars() {
        if c != '\\' || !plain.ends_with('\\') {
            plain.push(c);
        }
    }
    let encoded = (0..3).map(|before| base64_within(secret.as_bytes(), before));
    let both = encoded.flat_map(|text| [text.replace('+', "-").replace('/', "_"), text]);
    both.chain([plain]).collect()
}

/// The characters of base64 that some bytes decide alone, where so many others stand before them.
fn base64_within(bytes: &[u8], before: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |at: usize| -> u32 { bytes.get(at).map_or(0, |byte| u32::from(*byte)) };
    let first = (8 * before).div_ceil(6);
    let end = 8 * (before + bytes.len()) / 6;
    let digit = |index: usize| {
        let bit = 6 * index - 8 * before;
        let pair = bits(bit / 8) << 8 | bits(bit / 8 + 1);
        char::from(DIGITS[(pair >> (10 - bit % 8)) as usize & 63])
    };
    (first..end).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    const KEY: &str = r#"sk-Pl4nt/ed+"k\ey=9"#;

    fn secrets() -> Secrets {
        Secrets::of(&[SecretString::from(KEY), SecretString::from("short"), SecretString::from("12345678")])
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let check = |text: &str, expected: &str| assert_eq!(secrets().hide(text), expected, "{text}");
        check("nothing short here", "nothing short here");
        check("", "");
        check(&format!("a {KEY} b{KEY}"), "a <key> b<key>");
        check(r#"{"a": "sk-Pl4nt\/ed+\"k\\ey=9"}"#, r#"{"a": "<key>"}"#);
        check(r#"{\"a\": \"\u0073k-Pl4nt\\\/ed\u002B\\\"k\\\\ey\u003d9\"}"#, r#"{\"a\": \"<key>\"}"#);
        check(r"\\u0073k-Pl4nt/ed\u002b\\u0022k\u005cey=9", "<key>");
        check("key=sk-Pl4nt%2Fed%2b%22k%5Cey%3D9&x=%41", "key=<key>&x=%41");
        check("s\0k\0-\0P\0l\x004\0n\0t\0/\0e\0d\0+\0\"\0k\0\\\0e\0y\0=\x009\0 \0a\0", "<key>\0 \0a\0");
        check("ends with sk-Pl4nt/e", "ends with <key>");
        check(r"ends with sk-Pl4nt\u00", "ends with <key>");
        check("ends with sk-Pl", "ends with sk-Pl");
        check("sk-Pl4nt is its beginning", "sk-Pl4nt is its beginning");
        check(r"\\server\é %é sk", r"\\server\é %é sk");
    }

    #[test]
    fn base64_is_found_wherever_the_secret_stands_in_it() {
        let check = |encoded: &str, expected: &str| assert_eq!(secrets().hide(encoded), expected);
        // Of KEY; of "u:" and KEY; of "us:", KEY and a line.
        check("Basic c2stUGw0bnQvZWQrImtcZXk9OQ==", "Basic <key>Q==");
        check("Basic dTpzay1QbDRudC9lZCsia1xleT05", "Basic dTp<key>");
        check("dXM6c2stUGw0bnQvZWQrImtcZXk9OQo=", "dXM6<key>Qo=");
        let url_safe = Secrets::of(&[SecretString::from("~~~???~~~???")]);
        assert_eq!((&*url_safe.hide("fn5-Pz8_fn5-Pz8_"), &*url_safe.hide("fn5+Pz8/fn5+Pz8/")), (MARK, MARK));
    }

    #[test]
    fn a_document_is_freed_of_secrets_everywhere() {
        let text = r#"{"sk-Pl4nt\/ed+\"k\\ey=9": [{"a": "x sk-Pl4nt\u002fed+\"k\\ey=9"}, 12345678, 1.5, null], "n": 7}"#;
        let shown = secrets().hide_in(parse(text.as_bytes()).unwrap());
        assert_eq!(shown.dumps(), r#"{"<key>": [{"a": "x <key>"}, "<key>", 1.5, null], "n": 7}"#);
    }

    #[test]
    fn secrets_are_not_shown_themselves() {
        let shown = format!("{:?}", secrets());
        assert!(!shown.contains("Pl4nt") && !shown.contains("12345678"), "{shown}");
    }
}
