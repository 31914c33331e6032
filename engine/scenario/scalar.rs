//! What a plain (unquoted) YAML scalar means.
//!
//! Scenario files are shared with Python programs, so a scalar must mean here what PyYAML's `safe_load` takes
//! it for: the rules of YAML 1.1 with PyYAML's omissions. The rules of YAML 1.2 are here too, to warn where
//! another reader would understand something else.

use crate::value::Value;
use regex::Regex;
use std::sync::LazyLock;

/// What PyYAML makes of a plain scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plain {
    Value(Value),
    /// `<<`, which merges maps where it stands as a key.
    Merge,
    /// Something PyYAML reads but JSON cannot hold, or cannot read at all, with the reason.
    Unusable(&'static str),
}

/// Types a plain scalar as PyYAML's `safe_load` does.
pub(crate) fn pyyaml(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Value(Value::Null),
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Plain::Value(Value::Bool(true))
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Plain::Value(Value::Bool(false))
        }
        "<<" => Plain::Merge,
        "=" => Plain::Unusable("a lone `=` has a special meaning that PyYAML cannot read"),
        _ if FLOAT.is_match(text) => Plain::Value(Value::Float(float(text))),
        _ if INTEGER.is_match(text) => {
            integer(text).map_or(Plain::Unusable("an unreadable integer"), Plain::Value)
        }
        _ if DATE.is_match(text) => Plain::Unusable("PyYAML reads this as a date, which is not a text"),
        _ => Plain::Value(Value::from(text)),
    }
}

/// Whether every reader takes a plain scalar for the text that it is.
pub(crate) fn is_unambiguous_text(text: &str) -> bool {
    // YAML 1.1 proper, though not PyYAML, has these two for booleans.
    let short = matches!(text, "y" | "Y" | "n" | "N");
    !short && matches!(pyyaml(text), Plain::Value(Value::Str(_))) && !differs_in_yaml_1_2(text)
}

/// Whether YAML 1.2 (core schema) takes a plain scalar for something else than PyYAML does.
pub(crate) fn differs_in_yaml_1_2(text: &str) -> bool {
    match pyyaml(text) {
        // By their texts, for NaN is not equal to itself.
        Plain::Value(value) => value.dumps() != core_schema(text).dumps(),
        Plain::Merge => false,
        Plain::Unusable(_) => true,
    }
}

/// Whether a character may stand in YAML as it is; control characters may not, not even in quotes.
pub(crate) fn is_printable(c: char) -> bool {
    let control = c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    !control && !matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

static FLOAT: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    )
});
static INTEGER: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$")
});
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"^[0-9]{4}-(?:[0-9]{2}-[0-9]{2}|[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$",
    )
});
static CORE_INTEGER: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"));
static CORE_FLOAT: LazyLock<Regex> =
    LazyLock::new(|| expression(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"));

fn expression(source: &str) -> Regex {
    Regex::new(source).expect("the expressions above are fixed and tested")
}

fn integer(text: &str) -> Option<Value> {
    let text = text.replace('_', "");
    let (negative, digits) = signed(&text);
    let magnitude = match digits.as_bytes() {
        [b'0', b'b', bits @ ..] => in_base(bits, 2)?,
        [b'0', b'x', digits @ ..] => in_base(digits, 16)?,
        [b'0', digits @ ..] if !digits.is_empty() => in_base(digits, 8)?,
        _ if digits.contains(':') => sexagesimal(digits)?,
        _ => return decimal(negative, digits),
    };
    Some(whole(if negative { -magnitude } else { magnitude }))
}

/// CPython's limit for the decimal text of an integer.
const INTEGER_DIGITS_MAX: usize = 4300;

fn decimal(negative: bool, digits: &str) -> Option<Value> {
    if digits.len() > INTEGER_DIGITS_MAX {
        return None;
    }
    let text = if negative { format!("-{digits}") } else { digits.to_owned() };
    Some(text.parse().map_or(Value::BigInt(text), Value::Int))
}

fn whole(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| Value::BigInt(number.to_string()), Value::Int)
}

fn in_base(digits: &[u8], base: u32) -> Option<i128> {
    i128::from_str_radix(std::str::from_utf8(digits).ok()?, base).ok()
}

fn sexagesimal(text: &str) -> Option<i128> {
    text.split(':').try_fold(0i128, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))
}

fn float(text: &str) -> f64 {
    let text = text.replace('_', "").to_lowercase();
    let (negative, digits) = signed(&text);
    let magnitude = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if digits.contains(':') => {
            // The order of PyYAML's sum, which decides the last bit: the smallest part first.
            let weigh =
                |(sum, weight): (f64, f64), part: &str| (sum + plain_float(part) * weight, weight * 60.0);
            digits.rsplit(':').fold((0.0, 1.0), weigh).0
        }
        _ => plain_float(digits),
    };
    if negative { -magnitude } else { magnitude }
}

fn plain_float(digits: &str) -> f64 {
    digits.parse().expect("the expression for floats lets only digits, one dot and an exponent through")
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn core_schema(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if CORE_INTEGER.is_match(text) {
        let (negative, digits) = signed(text);
        let based = match digits.as_bytes() {
            [b'0', b'o', digits @ ..] => in_base(digits, 8).map(whole),
            [b'0', b'x', digits @ ..] => in_base(digits, 16).map(whole),
            _ => {
                let digits = digits.trim_start_matches('0');
                decimal(negative, if digits.is_empty() { "0" } else { digits })
            }
        };
        return based.unwrap_or_else(|| Value::from(text));
    }
    let infinite_or_not = matches!(signed(text).1.to_lowercase().as_str(), ".inf" | ".nan");
    if CORE_FLOAT.is_match(text) || infinite_or_not {
        return Value::Float(float(text));
    }
    Value::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(pyyaml(text), Plain::Value(expected), "{text}");
    }

    #[test]
    fn words_and_numbers_mean_what_pyyaml_takes_them_for() {
        for text in
            ["y", "n", "tRue", "0o10", "08", "1e3", "1.0e3", "-.5", "1__a", "12:99", "0b", "+", "1.e5"]
        {
            check(text, Value::from(text));
        }
        check("yes", Value::Bool(true));
        check("OFF", Value::Bool(false));
        check("", Value::Null);
        for (text, number) in [
            ("010", 8),
            ("-010", -8),
            ("00", 0),
            ("0x1F", 31),
            ("0b101", 5),
            ("1_000", 1000),
            ("0_1", 1),
            ("12:30", 750),
            ("190:20:30", 685_230),
            ("-0", 0),
            ("+7", 7),
        ] {
            check(text, Value::Int(number));
        }
        for (text, number) in [
            ("1.", 1.0),
            (".5", 0.5),
            ("1.5e+3", 1500.0),
            ("1_0.2_5", 10.25),
            ("1:30.5", 90.5),
            ("-.INF", f64::NEG_INFINITY),
        ] {
            check(text, Value::Float(number));
        }
        check("12345678901234567890", Value::BigInt("12345678901234567890".into()));
    }

    #[test]
    fn dates_and_odd_integers_are_refused() {
        for text in ["2026-02-06", "2026-2-6 10:00:00", "2026-02-06T10:00:00.5Z", "=", "0b_", "0x_"] {
            assert!(matches!(pyyaml(text), Plain::Unusable(_)), "{text}");
        }
    }

    #[test]
    fn what_another_reader_would_take_otherwise_is_known() {
        for text in ["yes", "off", "010", "08", "0o10", "1_000", "12:30", "2026-02-06", "1e3", "-.5", "0b1"] {
            assert!(differs_in_yaml_1_2(text), "{text}");
        }
        for text in [
            "true", "~", ".nan", "-.INF", "7", "-7", "+7", "0x1f", "1.5", ".5", "1.5e+3", "text", "y", "<<",
            "1.2.3",
        ] {
            assert!(!differs_in_yaml_1_2(text), "{text}");
        }
    }
}
