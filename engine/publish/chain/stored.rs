//! What the chain holds for a hotkey, taken out of whatever shape the runtime has for it.

use serde::{Deserialize, Serialize};
use subxt::dynamic::{At as _, Value};
use subxt::ext::scale_value::{Composite, Primitive, ValueDef};

/// The commitment that is stored for a hotkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCommitment {
    /// Since which block.
    pub block: u64,
    /// Miners write one.
    pub fields: Vec<StoredField>,
}

/// A field of a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredField {
    Text(String),
    /// Bytes that are no text, in hexadecimal.
    Bytes(String),
    /// Something else, by its name: a hash, or what is yet locked.
    Other(String),
}

impl StoredCommitment {
    /// Whether it is this text, and nothing else.
    pub fn is(&self, payload: &str) -> bool {
        matches!(&self.fields[..], [StoredField::Text(text)] if text == payload)
    }

    /// As people read it.
    pub fn told(&self) -> String {
        let field = |field: &StoredField| match field {
            StoredField::Text(text) => text.clone(),
            StoredField::Bytes(hex) => format!("bytes 0x{hex}"),
            StoredField::Other(name) => format!("({name})"),
        };
        self.fields.iter().map(field).collect::<Vec<_>>().join(", ")
    }

    /// Reads a `Registration`; none where it has another shape.
    pub(super) fn read(registration: &Value) -> Option<StoredCommitment> {
        let block = number(registration.at("block")?)?;
        let mut fields = Vec::new();
        gather(registration.at("info").at("fields")?, &mut fields);
        Some(StoredCommitment { block, fields })
    }
}

/// The number that a value is, or wraps.
pub(super) fn number(value: &Value) -> Option<u64> {
    match &value.value {
        ValueDef::Primitive(Primitive::U128(number)) => u64::try_from(*number).ok(),
        ValueDef::Composite(parts) if parts.len() == 1 => parts.values().next().and_then(number),
        _ => None,
    }
}

/// The variants of a list, however deep it is wrapped.
fn gather(value: &Value, fields: &mut Vec<StoredField>) {
    match &value.value {
        ValueDef::Composite(parts) => parts.values().for_each(|part| gather(part, fields)),
        ValueDef::Variant(variant) if variant.name == "None" => {}
        ValueDef::Variant(variant) => fields.push(field(&variant.name, &variant.values)),
        _ => {}
    }
}

fn field(name: &str, values: &Composite<()>) -> StoredField {
    let is_raw =
        name.strip_prefix("Raw").is_some_and(|digits| digits.parse::<u8>().is_ok()) || name == "BigRaw";
    if !is_raw {
        return StoredField::Other(name.to_owned());
    }
    let mut bytes = Vec::new();
    values.values().for_each(|value| gather_bytes(value, &mut bytes));
    String::from_utf8(bytes)
        .map_or_else(|error| StoredField::Bytes(crate::units::to_hex(error.as_bytes())), StoredField::Text)
}

fn gather_bytes(value: &Value, bytes: &mut Vec<u8>) {
    match &value.value {
        ValueDef::Composite(parts) => parts.values().for_each(|part| gather_bytes(part, bytes)),
        ValueDef::Primitive(Primitive::U128(byte)) => bytes.extend(u8::try_from(*byte)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(fields: Vec<Value>) -> Value {
        // The list is wrapped, as bounded ones are.
        let fields = Value::unnamed_composite([Value::unnamed_composite(fields)]);
        Value::named_composite([
            ("deposit", Value::u128(0)),
            ("block", Value::unnamed_composite([Value::u128(7)])),
            ("info", Value::named_composite([("fields", fields)])),
        ])
    }

    #[test]
    fn texts_are_told_from_what_is_none() {
        let raw =
            |bytes: &[u8]| Value::unnamed_variant(format!("Raw{}", bytes.len()), [Value::from_bytes(bytes)]);
        let stored = |fields| StoredCommitment::read(&registration(fields)).unwrap();
        let one = stored(vec![raw("hé|x".as_bytes())]);
        assert_eq!((one.block, &one.fields[..]), (7, &[StoredField::Text("hé|x".into())][..]));
        assert!(one.is("hé|x") && !one.is("hé|"));
        assert!(stored(vec![raw(b"")]).is(""));
        assert!(!stored(vec![raw(b"a"), raw(b"b")]).is("a"));
        assert_eq!(stored(vec![raw(&[0xff, 0])]).told(), "bytes 0xff00");
        let other = stored(vec![Value::unnamed_variant("Sha256", [Value::from_bytes([1; 32])])]);
        assert_eq!(other.told(), "(Sha256)");
        assert!(stored(vec![Value::unnamed_variant("BigRaw", [Value::from_bytes(b"a")])]).is("a"));
        assert_eq!(stored(vec![Value::unnamed_variant("None", [])]).fields, []);
        assert_eq!(StoredCommitment::read(&Value::u128(1)), None);
    }
}
