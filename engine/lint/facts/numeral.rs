//! Numbers in words: `nine thousand five hundred`, `forty-six thousand`.

use std::ops::Range;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// The numbers that a text spells with a unit of thousands or more, and where.
pub(super) fn numbers(text: &str) -> Vec<(Range<usize>, f64)> {
    let mut found = Vec::new();
    let mut row: Option<Row> = None;
    for word in words(text) {
        let spelt = Word::read(&text[word.clone()].to_lowercase());
        let joins = row.as_ref().is_some_and(|row| text[row.range.end..word.start].len() <= 1);
        match (spelt, &mut row) {
            (Some(spelt), Some(row)) if joins => row.add(spelt, word),
            (Some(Word::And), _) => {}
            (spelt, _) => {
                found.extend(row.take().and_then(Row::finish));
                row = spelt.map(|spelt| Row::begin(spelt, word));
            }
        }
    }
    found.extend(row.and_then(Row::finish));
    found
}

fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let start = text.as_ptr() as usize;
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    words.map(move |word| {
        let at = word.as_ptr() as usize - start;
        at..at + word.len()
    })
}

enum Word {
    Value(f64),
    Hundred,
    Unit(f64),
    And,
}

impl Word {
    fn read(word: &str) -> Option<Word> {
        let place = |list: &[&str]| list.iter().position(|name| *name == word);
        match word {
            "hundred" => Some(Word::Hundred),
            "thousand" => Some(Word::Unit(1e3)),
            "million" => Some(Word::Unit(1e6)),
            "and" => Some(Word::And),
            _ => {
                let small = place(&SMALL).map(|value| value as f64);
                let tens = || place(&TENS).map(|tens| 10.0 * (tens as f64 + 2.0));
                small.or_else(tens).map(Word::Value)
            }
        }
    }
}

/// Words of a number in a row.
struct Row {
    range: Range<usize>,
    sum: f64,
    /// What stands after the last unit.
    open: f64,
    has_unit: bool,
}

impl Row {
    fn begin(word: Word, range: Range<usize>) -> Row {
        let mut row = Row { range: range.clone(), sum: 0.0, open: 0.0, has_unit: false };
        row.add(word, range);
        row
    }

    fn add(&mut self, word: Word, range: Range<usize>) {
        match word {
            Word::Value(value) => self.open += value,
            Word::Hundred => self.open = self.open.max(1.0) * 100.0,
            Word::Unit(unit) => {
                self.sum += self.open.max(1.0) * unit;
                (self.open, self.has_unit) = (0.0, true);
            }
            // What follows decides whether it belongs to the number.
            Word::And => {}
        }
        self.range.end = range.end;
    }

    fn finish(self) -> Option<(Range<usize>, f64)> {
        self.has_unit.then_some((self.range, self.sum + self.open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_spelt() {
        let check = |text: &str, expected: &[(&str, f64)]| {
            let found: Vec<_> = numbers(text).into_iter().map(|(at, value)| (&text[at], value)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("nine thousand five hundred", &[("nine thousand five hundred", 9_500.0)]);
        check(
            "Forty-six thousand, or two million",
            &[("Forty-six thousand", 46_000.0), ("two million", 2e6)],
        );
        check("three hundred words in one hundred mails", &[]);
        check("one by one, and two", &[]);
    }
}
