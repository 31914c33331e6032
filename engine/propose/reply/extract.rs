//! Finds the one JSON object with operations in an answer, whatever stands around it.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The object; fails where there is none, or two that differ.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, String> {
    let mut found: Vec<Map<String, Value>> = Vec::new();
    let mut broken = None;
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|offset| at + offset) {
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Unique>();
        match values.next() {
            Some(Ok(Unique(Value::Object(object)))) => {
                at = start + values.byte_offset();
                if object.contains_key("operations") && !found.contains(&object) {
                    found.push(object);
                }
            }
            Some(Err(error)) => {
                at = start + 1;
                let is_meant = text[start..].contains("\"operations\"");
                broken = broken.or_else(|| is_meant.then(|| said(&error, &text[start..])));
            }
            Some(Ok(_)) | None => at = start + 1,
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(object), true) => Ok(object),
        (Some(_), false) => Err("the answer has two JSON objects with `operations`; give one".to_owned()),
        (None, _) => Err(match broken {
            Some(problem) => format!("the answer is not valid JSON: {problem}"),
            None => "the answer has no JSON object with `operations`".to_owned(),
        }),
    }
}

/// The error with the text before it, since a writer does not count lines.
fn said(error: &serde_json::Error, text: &str) -> String {
    let problem = error.to_string();
    let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem);
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let mut end = error.column().min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let before: Vec<char> = line[..end].chars().rev().take(30).collect();
    let before: String = before.into_iter().rev().collect();
    format!("{} after `{}`", super::quote(problem), super::plain(&before, 40))
}

/// A JSON value none of whose objects has a key twice.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unique, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number without a value"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Unique(value))) = entries.next_entry::<String, Unique>()? {
            if map.contains_key(&key) {
                let key = super::quote(&key);
                return Err(de::Error::custom(format!("the key `{key}` stands twice in one object")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_with_operations_is_found_or_missed() {
        let check = |text: &str, expected: Result<usize, &str>| {
            let found = object(text).map(|object| object.len());
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check(r#"{"operations": 1}"#, Ok(1));
        check(r#"See {S1.b2} and {"a": 1}: {"operations": 1, "x": "}{"} and {"#, Ok(2));
        check(r#"{"operations": 1} or again {"operations": 1}"#, Ok(1));
        check(
            r#"{"operations": 1} or {"operations": 2}"#,
            Err("the answer has two JSON objects with `operations`; give one"),
        );
        check("none {}", Err("the answer has no JSON object with `operations`"));
        check(
            r#"{"operations": [1,]}"#,
            Err("the answer is not valid JSON: trailing comma after `{\"operations\": [1,]`"),
        );
        check(
            r#"{"operations": 1, "operations": 2}"#,
            Err("the answer is not valid JSON: the key `operations` stands twice in one object after \
                 `erations\": 1, \"operations\": 2}`"),
        );
    }
}
