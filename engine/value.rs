//! JSON values as the reference evaluator sees them.
//!
//! ClawBench, the validators and the pack hash are Python programs, and what they compute depends on
//! details that usual JSON types lose: whether a number was written as an integer or as a float,
//! integers of any size, the order of keys, and how Python prints each of them. `Value` keeps these.

mod nonprintable;
mod number;
mod parse;
mod text;

use indexmap::IndexMap;
use serde::de::Error as _;
use serde::ser::Error as _;

pub use number::{Number, round_decimal};
pub use parse::{JsonError, JsonReader, parse, read};
pub use text::{float_repr, float_str, json_text, push_json_body};

/// A JSON object: keys in the order of their first appearance, each with its last value.
pub type Map = IndexMap<String, Value>;

/// A JSON value with Python's distinctions.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer outside `i64`, as its decimal digits.
    BigInt(String),
    /// A number written with `.`, `e` or `E`, or as `NaN`; infinite where the text overflows.
    Float(f64),
    Str(String),
    List(Vec<Value>),
    Map(Map),
}

impl Value {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The number as a double, booleans as 0 and 1 as Python counts them; none for other kinds.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Value::Int(number) => Some(*number as f64),
            Value::BigInt(digits) => digits.parse().ok(),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The value under `key`, when this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// Whether Python's `bool(value)` holds.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(flag) => *flag,
            Value::Int(number) => *number != 0,
            Value::BigInt(_) => true,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
        }
    }

    /// Builds an object from pairs, in their order.
    pub fn object<const N: usize>(pairs: [(&str, Value); N]) -> Value {
        Value::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Str(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Float(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Bool(flag)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Value {
        Value::List(items)
    }
}

/// Only `serde_json` can carry a `Value`, as its exact text. Types that hold one must not be
/// internally tagged, untagged or flattened: serde's buffering would lose the text.
impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = serde_json::value::RawValue::from_string(self.portable_json()).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        parse::parse_portable(raw.get().as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_storage_exactly() {
        for text in [
            r#"{"b": 1, "a": [1.0, -0.0, 1e999, 12345678901234567890123, "\u00e9\n\u007f"], "c": null}"#,
            r#"[true, false, 0, -7, 1e16, 1e-07, 0.1]"#,
            r#"[NaN, {"n": NaN}, Infinity, -Infinity, 1e9999, -1e9999]"#,
        ] {
            let value = parse(text.as_bytes()).unwrap();
            let stored = serde_json::to_string(&value).unwrap();
            serde_json::from_str::<&serde_json::value::RawValue>(&stored).unwrap();
            // The texts, since NaN is not equal to itself.
            assert_eq!(serde_json::from_str::<Value>(&stored).unwrap().dumps(), value.dumps(), "{stored}");
        }
    }

    #[test]
    fn the_deepest_values_need_half_of_a_threads_stack() {
        let work = || {
            for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
                let text = format!("{}1.5{}", open.repeat(parse::DEPTH_MAX), close.repeat(parse::DEPTH_MAX));
                let value = parse(text.as_bytes()).unwrap();
                assert_eq!(value.dumps(), text);
                assert!(value.py_eq(&value.clone()) && value == value.clone());
                assert!(!value.py_repr().is_empty() && !value.pretty().is_empty());
                let stored = serde_json::to_string(&value).unwrap();
                assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), value);
                assert_eq!(read(text.as_bytes(), JsonReader::skip), Ok(text.as_str()));
            }
        };
        // Threads of the runtime and of rayon have 2 MiB.
        let small = std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap();
        small.join().unwrap();
    }
}
