//! Python's numbers: integers that stay integers in sums, floats once one part is a float, comparison that
//! is exact between the two, and the rounding of `round()`.

use super::Value;
use super::text::float_repr;
use std::cmp::Ordering;
use std::fmt;

/// The largest integer that arithmetic takes: sums of any number of such still fit `i128`.
const INTEGER_MAX: i128 = 1 << 96;

/// A number that can be added up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    pub const ZERO: Number = Number::Int(0);

    /// The number that a value is; booleans count as 0 and 1. The error says what is wrong.
    pub fn of(value: &Value) -> Result<Number, String> {
        let too_large = || "an integer beyond 2^96, more than sums are kept for".to_owned();
        match value {
            Value::Bool(flag) => Ok(Number::Int(i128::from(*flag))),
            Value::Int(number) => Ok(Number::Int(i128::from(*number))),
            Value::BigInt(digits) => {
                let number: i128 = digits.parse().map_err(|_| too_large())?;
                if number.abs() > INTEGER_MAX { Err(too_large()) } else { Ok(Number::Int(number)) }
            }
            Value::Float(number) => Ok(Number::Float(*number)),
            other => Err(format!("{} where a number is needed", other.kind())),
        }
    }

    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    pub fn is_positive(self) -> bool {
        match self {
            Number::Int(number) => number > 0,
            Number::Float(number) => number > 0.0,
        }
    }

    pub fn plus(self, other: Number) -> Number {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Number::Int(a.saturating_add(b)),
            (a, b) => Number::Float(a.as_f64() + b.as_f64()),
        }
    }

    pub fn minus(self, other: Number) -> Number {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Number::Int(a.saturating_sub(b)),
            (a, b) => Number::Float(a.as_f64() - b.as_f64()),
        }
    }
}

/// As Python's `str` prints it.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(number) => number.fmt(f),
            Number::Float(number) if number.is_finite() => f.pad(&float_repr(*number)),
            Number::Float(number) if number.is_nan() => f.pad("nan"),
            Number::Float(number) => f.pad(if *number < 0.0 { "-inf" } else { "inf" }),
        }
    }
}

/// Python's `round(number, digits)`: the nearest decimal to the exact binary value, ties to even.
pub fn round_decimal(number: f64, digits: usize) -> f64 {
    if !number.is_finite() {
        return number;
    }
    let scale = [1.0, 1e1, 1e2, 1e3, 1e4][digits.min(4)];
    let scaled = number * scale;
    let nearest = scaled.round();
    // Away from a tie, the nearest integer is certain, and its quotient by a power of ten is correctly rounded.
    if digits <= 4 && nearest.abs() < 1e12 && (scaled - nearest).abs() < 0.499 {
        return nearest / scale;
    }
    format!("{number:.digits$}").parse().unwrap_or(number)
}

impl Value {
    /// Python's `==`: numbers by their value whatever their kind, all else by kind and content.
    pub fn py_eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Null, Value::Null) => true,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.py_eq(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| a.py_eq(b)))
            }
            (a, b) => match (Numeric::of(a), Numeric::of(b)) {
                (Some(a), Some(b)) => a.compare(&b) == Some(Ordering::Equal),
                _ => false,
            },
        }
    }

    /// Python's ordering; none inside where a NaN is involved. The error says which kinds have no order.
    pub fn py_cmp(&self, other: &Value) -> Result<Option<Ordering>, String> {
        match (self, other) {
            (Value::Str(a), Value::Str(b)) => Ok(Some(a.cmp(b))),
            (Value::List(a), Value::List(b)) => match a.iter().zip(b).find(|(a, b)| !a.py_eq(b)) {
                Some((a, b)) => a.py_cmp(b),
                None => Ok(Some(a.len().cmp(&b.len()))),
            },
            (a, b) => match (Numeric::of(a), Numeric::of(b)) {
                (Some(a), Some(b)) => Ok(a.compare(&b)),
                _ => Err(format!("{} cannot be compared with {}", self.kind(), other.kind())),
            },
        }
    }

    /// Whether Python can use it as a key or look for it in a set: lists and objects cannot be hashed.
    pub fn is_hashable(&self) -> bool {
        !matches!(self, Value::List(_) | Value::Map(_))
    }

    /// What kind of value it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::BigInt(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Str(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }
}

/// A number of any size, for comparison.
enum Numeric<'v> {
    Int(i128),
    /// Decimal digits of an integer beyond `i128`.
    Huge(&'v str),
    Float(f64),
}

impl Numeric<'_> {
    fn of(value: &Value) -> Option<Numeric<'_>> {
        Some(match value {
            Value::Bool(flag) => Numeric::Int(i128::from(*flag)),
            Value::Int(number) => Numeric::Int(i128::from(*number)),
            Value::BigInt(digits) => digits.parse().map_or(Numeric::Huge(digits), Numeric::Int),
            Value::Float(number) => Numeric::Float(*number),
            _ => return None,
        })
    }

    fn compare(&self, other: &Numeric<'_>) -> Option<Ordering> {
        match (self, other) {
            (Numeric::Int(a), Numeric::Int(b)) => Some(a.cmp(b)),
            (Numeric::Float(a), Numeric::Float(b)) => a.partial_cmp(b),
            (Numeric::Float(a), b) => compare_float(*a, b),
            (a, Numeric::Float(b)) => compare_float(*b, a).map(Ordering::reverse),
            (a, b) => Some(compare_digits(&a.digits(), &b.digits())),
        }
    }

    fn digits(&self) -> String {
        match self {
            Numeric::Int(number) => number.to_string(),
            Numeric::Huge(digits) => (*digits).to_owned(),
            Numeric::Float(number) => format!("{number:.0}"),
        }
    }
}

/// Compares a float with an integer by their exact values.
fn compare_float(float: f64, integer: &Numeric<'_>) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    let whole = compare_digits(&format!("{:.0}", float.trunc()), &integer.digits());
    Some(whole.then_with(|| float.partial_cmp(&float.trunc()).unwrap_or(Ordering::Equal)))
}

fn compare_digits(a: &str, b: &str) -> Ordering {
    let split = |text: &'_ str| {
        let digits = text.trim_start_matches('-').to_owned();
        (text.starts_with('-') && digits != "0", digits)
    };
    let ((a_negative, a), (b_negative, b)) = (split(a), split(b));
    let magnitude = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
    match (a_negative, b_negative) {
        (false, false) => magnitude,
        (true, true) => magnitude.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    #[test]
    fn comparison_is_exact_between_kinds() {
        let check = |a: &str, b: &str, expected: Option<Ordering>| {
            let (a, b) = (parse(a.as_bytes()).unwrap(), parse(b.as_bytes()).unwrap());
            assert_eq!(a.py_cmp(&b), Ok(expected), "{a:?} {b:?}");
            assert_eq!(b.py_cmp(&a), Ok(expected.map(Ordering::reverse)), "{b:?} {a:?}");
        };
        check("5", "5.0", Some(Ordering::Equal));
        check("2.5", "2", Some(Ordering::Greater));
        check("-2.5", "-2", Some(Ordering::Less));
        check("-0.5", "0", Some(Ordering::Less));
        check("-0.0", "0", Some(Ordering::Equal));
        check("9007199254740993", "9007199254740992.0", Some(Ordering::Greater));
        check("true", "1", Some(Ordering::Equal));
        check("1e999", "123456789012345678901234567890123456789012345", Some(Ordering::Greater));
        check("-123456789012345678901234567890123456789012345", "-1", Some(Ordering::Less));
        check("1e40", "10000000000000000303786028427003666890752", Some(Ordering::Equal));
        check("NaN", "1", None);
        check(r#"["a", 2]"#, r#"["a", 1, 0]"#, Some(Ordering::Greater));
        assert!(Value::Null.py_cmp(&Value::Int(1)).is_err());
    }

    #[test]
    fn rounding_looks_at_the_exact_binary_value() {
        let check = |number: f64, digits: usize, expected: f64| {
            assert_eq!(round_decimal(number, digits).to_bits(), expected.to_bits(), "{number} {digits}");
        };
        check(0.25, 1, 0.2);
        check(0.35, 1, 0.3);
        check(0.45, 1, 0.5);
        check(2.675, 1, 2.7);
        check(0.00005, 4, 0.0001);
        check(0.12345, 4, 0.1235);
        check(-0.00001, 4, -0.0);
        check(2.0 / 3.0, 4, 0.6667);
        check(1e300, 4, 1e300);
    }
}
