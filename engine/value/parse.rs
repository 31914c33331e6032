//! Reads JSON as Python's `json.loads` does: also `NaN` and `Infinity`, integers of any size up to
//! 4,300 digits, and of equal keys the last value at the first one's place. Unpaired surrogate
//! escapes are refused, since no Rust text can hold them.

use super::text::PORTABLE_NAN;
use super::{Map, Value};
use std::borrow::Cow;

/// How deep lists and objects may nest. Python raises beyond 991 levels less one for each function that is
/// running, which leaves its scorer about so many; it also keeps hostile input from exhausting the stack.
pub(super) const DEPTH_MAX: usize = 980;
/// CPython's limit for the decimal text of an integer.
const INTEGER_DIGITS_MAX: usize = 4300;

/// Why a text is not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON at line {line} column {column}: {problem}")]
pub struct JsonError {
    pub problem: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// Offset in bytes.
    pub offset: usize,
}

/// Parses one JSON document; white space may surround it.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    read(bytes, JsonReader::value)
}

/// Parses what `Value::portable_json` wrote.
pub(super) fn parse_portable(bytes: &[u8]) -> Result<Value, JsonError> {
    read(bytes, |reader| {
        reader.portable = true;
        reader.value()
    })
}

/// Reads one JSON document with a function that takes what it wants from it; white space may surround it.
pub fn read<'a, T>(
    bytes: &'a [u8],
    document: impl FnOnce(&mut JsonReader<'a>) -> Result<T, String>,
) -> Result<T, JsonError> {
    let text =
        std::str::from_utf8(bytes).map_err(|e| error_at(bytes, e.valid_up_to(), "the text is not UTF-8"))?;
    let mut reader = JsonReader { text, at: 0, depth: 0, portable: false };
    reader.blanks();
    let result = document(&mut reader).and_then(|value| reader.end().map(|()| value));
    result.map_err(|problem| error_at(bytes, reader.at, &problem))
}

fn error_at(bytes: &[u8], offset: usize, problem: &str) -> JsonError {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    JsonError {
        problem: problem.to_owned(),
        line: before.iter().filter(|b| **b == b'\n').count() + 1,
        column: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1,
        offset,
    }
}

/// A place in a JSON document, always in front of a value. Each method takes that value, builds it or not,
/// and checks its syntax all the same.
pub struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Whether `PORTABLE_NAN` stands for what JSON has no number for.
    portable: bool,
}

impl<'a> JsonReader<'a> {
    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.peek() == Some(b'{')
    }

    /// Whether the value is a list.
    pub fn is_list(&self) -> bool {
        self.peek() == Some(b'[')
    }

    /// Takes the value.
    pub fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some(b'{') => {
                let mut map = Map::new();
                self.members(|reader, key| {
                    map.insert(key.into_owned(), reader.value()?);
                    Ok(())
                })?;
                Ok(Value::Map(map))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.items(|reader| {
                    items.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Value::List(items))
            }
            Some(b'"') => self.string().map(|text| Value::Str(text.into_owned())),
            _ => self.scalar(),
        }
    }

    /// Passes over the value and gives its text.
    pub fn skip(&mut self) -> Result<&'a str, String> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.members(|reader, _| reader.skip().map(drop))?,
            Some(b'[') => self.items(|reader| reader.skip().map(drop))?,
            Some(b'"') => self.skip_string()?,
            _ => drop(self.scalar()?),
        }
        Ok(&self.text[start..self.at])
    }

    /// Takes an object, member by member: the function must take each value. A key may come more than once.
    pub fn members(
        &mut self,
        mut member: impl FnMut(&mut JsonReader<'a>, Cow<'a, str>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.open()?;
        if self.close(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err("expected a key in double quotes".into());
            }
            let key = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return Err("expected ':' after the key".into());
            }
            self.blanks();
            member(self, key)?;
            self.blanks();
            if self.close(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("expected ',' or '}'".into());
            }
            self.blanks();
        }
    }

    /// Takes a list, item by item: the function must take each of them.
    pub fn items(
        &mut self,
        mut item: impl FnMut(&mut JsonReader<'a>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.open()?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            self.blanks();
            if self.close(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("expected ',' or ']'".into());
            }
            self.blanks();
        }
    }

    fn open(&mut self) -> Result<(), String> {
        if self.depth == DEPTH_MAX {
            return Err(format!("nested more than {DEPTH_MAX} levels deep"));
        }
        self.depth += 1;
        self.at += 1;
        self.blanks();
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> bool {
        let closed = self.take(bracket);
        self.depth -= usize::from(closed);
        closed
    }

    fn end(&mut self) -> Result<(), String> {
        self.blanks();
        if self.peek().is_some() { Err("text after the end of the document".into()) } else { Ok(()) }
    }

    fn scalar(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') if !self.rest().starts_with(b"-Infinity") => self.number(),
            Some(_) => self.word(),
            None => Err("expected a value, found the end".into()),
        }
    }

    fn word(&mut self) -> Result<Value, String> {
        const WORDS: [(&str, Value); 6] = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        for (word, value) in WORDS {
            if self.rest().starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err("expected a value".into())
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err("expected a digit".into());
        }
        let integer_end = self.at;
        // As in Python, a dot or an exponent without digits is not part of the number.
        if self.peek() == Some(b'.') && matches!(self.rest().get(1), Some(b'0'..=b'9')) {
            self.at += 1;
            self.digits();
        }
        self.exponent();
        let text = &self.text[start..self.at];
        if self.portable && text == PORTABLE_NAN {
            return Ok(Value::Float(f64::NAN));
        }
        if self.at > integer_end {
            return text.parse().map(Value::Float).map_err(|_| "not a number".into());
        }
        integer(text)
    }

    fn exponent(&mut self) {
        let rest = self.rest();
        if !matches!(rest.first(), Some(b'e' | b'E')) {
            return;
        }
        let sign = usize::from(matches!(rest.get(1), Some(b'+' | b'-')));
        if matches!(rest.get(1 + sign), Some(b'0'..=b'9')) {
            self.at += 1 + sign;
            self.digits();
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// Takes a string; borrowed where it has no escapes.
    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        self.at += 1;
        let plain = self.plain_run();
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = String::with_capacity(plain.len() + 64);
        text.push_str(plain);
        while !self.take(b'"') {
            text.push(self.escape()?);
            text.push_str(self.plain_run());
        }
        Ok(Cow::Owned(text))
    }

    fn skip_string(&mut self) -> Result<(), String> {
        self.at += 1;
        self.plain_run();
        while !self.take(b'"') {
            self.escape()?;
            self.plain_run();
        }
        Ok(())
    }

    /// The characters up to the next quote, backslash or control character.
    fn plain_run(&mut self) -> &'a str {
        let start = self.at;
        let bytes = &self.text.as_bytes()[start..];
        let mut words = bytes.chunks_exact(8);
        let run = match words.by_ref().map(run_end).position(|end| end < 8) {
            Some(word) => word * 8 + run_end(&bytes[word * 8..word * 8 + 8]),
            None => {
                let rest = words.remainder();
                bytes.len() - rest.len() + rest.iter().position(|b| ends_run(*b)).unwrap_or(rest.len())
            }
        };
        self.at = start + run;
        &self.text[start..self.at]
    }

    fn escape(&mut self) -> Result<char, String> {
        match self.peek() {
            Some(b'\\') => {}
            Some(b) => return Err(format!("control character 0x{b:02x} inside a string")),
            None => return Err("unterminated string".into()),
        }
        let plain = match self.rest().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err("unknown escape in a string".into()),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode_escape(&mut self) -> Result<char, String> {
        let first = self.hex4(2).ok_or("expected four hex digits after \\u")?;
        if (0xd800..0xdc00).contains(&first) && self.rest().get(6..8) == Some(b"\\u") {
            let second = self.hex4(8).ok_or("expected four hex digits after \\u")?;
            if (0xdc00..0xe000).contains(&second) {
                self.at += 12;
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).ok_or_else(|| "not a character".into());
            }
        }
        let character = char::from_u32(first).ok_or("half of a surrogate pair, which no text can hold")?;
        self.at += 6;
        Ok(character)
    }

    fn hex4(&self, offset: usize) -> Option<u32> {
        let digits = self.rest().get(offset..offset + 4)?;
        digits.iter().try_fold(0, |code, b| Some(code * 16 + (*b as char).to_digit(16)?))
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }
}

/// The index of the first of eight bytes that ends a run, found without looking at each; 8 where none does.
fn run_end(eight: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let word = u64::from_le_bytes(eight.try_into().unwrap_or_default());
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let ends = below(word, 0x20) | equal(b'"') | equal(b'\\');
    ends.trailing_zeros() as usize / 8
}

/// Whether a byte cannot stand as it is inside a string.
fn ends_run(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

fn integer(text: &str) -> Result<Value, String> {
    if text.trim_start_matches('-').len() > INTEGER_DIGITS_MAX {
        return Err(format!("an integer of more than {INTEGER_DIGITS_MAX} digits"));
    }
    Ok(text.parse().map_or_else(|_| Value::BigInt(text.to_owned()), Value::Int))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(parse(text.as_bytes()), Ok(expected), "{text}");
    }

    fn check_error(text: &str, expected: &str) {
        assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), expected, "{text}");
    }

    #[test]
    fn numbers_keep_their_kind() {
        check("-0", Value::Int(0));
        check("1.0", Value::Float(1.0));
        check("1e400", Value::Float(f64::INFINITY));
        check("9223372036854775808", Value::BigInt("9223372036854775808".into()));
    }

    #[test]
    fn of_equal_keys_the_last_value_stands_at_the_first_place() {
        let expected = Value::object([("a", Value::Int(3)), ("b", Value::Int(2))]);
        check(r#"{"a": 1, "b": 2, "a": 3}"#, expected);
    }

    #[test]
    fn escapes_are_undone() {
        check(r#""a\u00e9\ud83d\ude80\n""#, Value::from("aé🚀\n"));
    }

    #[test]
    fn mistakes_are_placed() {
        check_error("{\"a\": 1,\n  }", "invalid JSON at line 2 column 3: expected a key in double quotes");
        check_error("[1, 2", "invalid JSON at line 1 column 6: expected ',' or ']'");
        check_error(
            r#""\ud800""#,
            "invalid JSON at line 1 column 2: half of a surrogate pair, which no text can hold",
        );
        check_error("1.", "invalid JSON at line 1 column 2: text after the end of the document");
        check_error(&"[".repeat(5000), "invalid JSON at line 1 column 981: nested more than 980 levels deep");
    }
}
