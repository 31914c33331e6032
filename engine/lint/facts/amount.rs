//! Amounts as people write them: `18,400`, `€ 19.500`, `46k`, `12 %`, `nine thousand five hundred`.

use super::numeral;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Numbers smaller than this are everywhere, unless they are money.
const TELLING_MIN: f64 = 1_000.0;

/// A number that may identify where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Amount {
    /// In hundredths, so that it can be compared.
    hundredths: u64,
    is_share: bool,
}

impl Amount {
    pub fn of(value: f64, is_share: bool) -> Amount {
        Amount { hundredths: (value * 100.0).round() as u64, is_share }
    }

    /// Limits and examples are round; what is not was taken from somewhere.
    pub fn is_round(self) -> bool {
        if self.is_share {
            return self.hundredths.is_multiple_of(500);
        }
        let mut digits = self.hundredths;
        while digits >= 100 && digits.is_multiple_of(10) {
            digits /= 10;
        }
        matches!(digits, 0 | 10 | 15 | 20 | 25 | 50 | 75)
    }
}

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"\d{1,3}(?:[,.\u{a0}\u{202f}' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?";
    let pattern = format!(
        r"(?x)(?P<before>[$€£]\ ?|\b(?:EUR|USD|GBP)\ ?)?
        (?P<number>{})
        (?P<scale>\ ?(?:[kK]|[mM]|million|thousand)\b)?
        (?P<after>\ ?(?:%|percent\b|per\ cent\b|€|\b(?:EUR|USD|GBP|euros?|dollars?|pounds?)\b))?",
        number.replace(' ', r"\ ").replace('#', r"\#")
    );
    Regex::new(&pattern).expect("the pattern is constant and tested")
});

/// The telling amounts of a text, and where.
pub(super) fn amounts(text: &str) -> Vec<(Range<usize>, Amount)> {
    let written = NUMBER.captures_iter(text).filter_map(|found| {
        let (number, whole) = (found.name("number")?, found.get(0)?);
        let is_alone = |c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '#' | ':' | '/');
        let (before, after) = (&text[..whole.start()], &text[whole.end()..]);
        if !before.chars().next_back().is_none_or(is_alone) || !after.chars().next().is_none_or(is_alone) {
            return None;
        }
        let after = found.name("after").map_or("", |after| after.as_str().trim());
        let is_share = matches!(after, "%" | "percent" | "per cent");
        let is_money = found.name("before").is_some() || !after.is_empty() && !is_share;
        let scale = match found.name("scale").map_or("", |scale| scale.as_str().trim()) {
            "" => 1.0,
            "k" | "K" | "thousand" => 1_000.0,
            _ => 1_000_000.0,
        };
        let value = value(number.as_str())? * scale;
        let is_year = scale == 1.0 && number.len() == 4 && (1_900.0..2_100.0).contains(&value);
        let is_telling = is_money || is_share || value >= TELLING_MIN && !is_year;
        is_telling.then(|| (whole.range(), Amount::of(value, is_share)))
    });
    let spelt = numeral::numbers(text).into_iter().filter(|(_, value)| *value >= TELLING_MIN);
    written.chain(spelt.map(|(range, value)| (range, Amount::of(value, false)))).collect()
}

/// The value of digits with marks: a mark before three digits parts thousands, unless the number begins with 0.
fn value(digits: &str) -> Option<f64> {
    let is_mark = |c: char| !c.is_ascii_digit();
    let groups: Vec<&str> = digits.split(is_mark).collect();
    let [first, middle @ .., last] = &groups[..] else { return digits.parse().ok() };
    if groups.len() == 1 {
        return digits.parse().ok();
    }
    let parts_thousands = last.len() == 3 && *first != "0" && first.len() <= 3;
    let whole = format!("{first}{}", middle.concat());
    match parts_thousands {
        true => format!("{whole}{last}").parse().ok(),
        false => format!("{whole}.{last}").parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        let check = |text: &str, expected: &[(&str, f64, bool)]| {
            let found: Vec<_> =
                amounts(text).into_iter().map(|(at, amount)| (text[at].to_owned(), amount)).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(text, value, is_share)| ((*text).to_owned(), Amount::of(*value, *is_share)))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("from 18,400 to 12 900.", &[("18,400", 18_400.0, false), ("12 900", 12_900.0, false)]);
        check(
            "€ 19.500, EUR 7400 and $1.2M",
            &[("€ 19.500", 19_500.0, false), ("EUR 7400", 7_400.0, false), ("$1.2M", 1_200_000.0, false)],
        );
        check("46k or 2.4 %", &[("46k", 46_000.0, false), ("2.4 %", 2.4, true)]);
        check("$1,247.50 of 30 dollars", &[("$1,247.50", 1_247.5, false), ("30 dollars", 30.0, false)]);
        check("nine thousand five hundred", &[("nine thousand five hundred", 9_500.0, false)]);
        check("in 2026, 30 days, 09:30, 112 cases, QB-4413, v1.2.3", &[]);
    }

    #[test]
    fn limits_are_round() {
        for value in [1_000.0, 5_000.0, 250.0, 10_000.0, 2_500_000.0, 500.0, 20.0] {
            assert!(Amount::of(value, false).is_round(), "{value}");
        }
        for value in [18_400.0, 46_000.0, 9_500.0, 1_880.0, 30_000.0] {
            assert!(!Amount::of(value, false).is_round(), "{value}");
        }
        assert!(Amount::of(80.0, true).is_round() && !Amount::of(2.4, true).is_round());
    }
}
