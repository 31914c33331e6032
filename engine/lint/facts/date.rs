//! Days of the year as people write them: `2026-03-02`, `2/3/2026`, `2 March`, `March 2nd`, `the second of March`.

use std::ops::Range;

/// Month and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Day {
    pub month: u8,
    pub day: u8,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

/// The days that a text names, and where. A date of numbers alone may be two days: `2/3/2026`.
pub(super) fn days(text: &str) -> Vec<(Range<usize>, Day)> {
    let tokens = tokens(text);
    let mut days = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let rest = &tokens[index..];
        if let [_, _, third, ..] = rest {
            let found = numeric(text, rest);
            days.extend(found.into_iter().map(|day| (token.start..third.end, day)));
        }
        // `of` and `the` between month and day are passed over.
        let next = rest.iter().skip(1).find(|next| !matches!(&text[(*next).clone()], "of" | "the"));
        if let Some(next) = next.filter(|next| is_gap(&text[token.end..next.start])) {
            let (a, b) = (&text[token.clone()], &text[next.clone()]);
            let day = written(a, b).or_else(|| written(b, a));
            days.extend(day.map(|day| (token.start..next.end, day)));
        }
    }
    days
}

/// Runs of letters and digits.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens: Vec<Range<usize>> = Vec::new();
    for (start, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let end = start + c.len_utf8();
        match tokens.last_mut() {
            // A time after a date is written against it: `2026-03-02T10:00`.
            Some(last)
                if last.end == start
                    && !(c == 'T' && text[..start].ends_with(|d: char| d.is_ascii_digit())) =>
            {
                last.end = end;
            }
            _ => tokens.push(start..end),
        }
    }
    tokens
}

fn is_gap(between: &str) -> bool {
    let words: Vec<&str> = between.split_whitespace().collect();
    between.len() <= 12 && words.iter().all(|word| matches!(*word, "of" | "the" | "."))
        || matches!(between, ". " | ".\n")
}

/// Three numbers with the same mark between: the year first, or last.
fn numeric(text: &str, tokens: &[Range<usize>]) -> Vec<Day> {
    let [first, second, third, ..] = tokens else { return Vec::new() };
    let mark = &text[first.end..second.start];
    if !matches!(mark, "-" | "/" | ".") || &text[second.end..third.start] != mark {
        return Vec::new();
    }
    let number = |token: &Range<usize>| text[token.clone()].parse::<u16>().ok().filter(|_| token.len() <= 4);
    let (Some(a), Some(b), Some(c)) = (number(first), number(second), number(third)) else {
        return Vec::new();
    };
    let day = |month: u16, day: u16| day_of(u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    let is_year_last = third.len() == 4 || third.len() == 2 && mark != "-";
    if first.len() == 4 {
        day(b, c).into_iter().collect()
    } else if is_year_last && first.len() <= 2 && second.len() <= 2 {
        let mut found: Vec<Day> = day(b, a).into_iter().collect();
        // Only slashes stand between month and day in this order.
        found.extend(day(a, b).filter(|_| mark == "/" && a != b));
        found
    } else {
        Vec::new()
    }
}

fn written(month: &str, day: &str) -> Option<Day> {
    // In lower case `may` and `march` are verbs.
    let lower = month.starts_with(char::is_uppercase).then(|| month.to_lowercase())?;
    let is_month =
        |name: &&str| **name == lower || (lower.len() >= 3 && lower.len() <= 4 && name.starts_with(&lower));
    let month = MONTHS.iter().position(is_month)?;
    if let Some(ordinal) = ORDINALS.iter().position(|name| *name == day.to_lowercase()) {
        return day_of(month as u8 + 1, ordinal as u8 + 1);
    }
    let digits = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_ordinal = ["", "st", "nd", "rd", "th"].contains(&&day[digits.len()..]);
    if !is_ordinal || digits.len() > 2 { None } else { day_of(month as u8 + 1, digits.parse().ok()?) }
}

fn day_of(month: u8, day: u8) -> Option<Day> {
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Day { month, day })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_they_are_written() {
        let check = |text: &str, expected: &[(&str, u8, u8)]| {
            let found = days(text);
            let found: Vec<_> =
                found.iter().map(|(at, day)| (&text[at.clone()], day.month, day.day)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("on 2026-03-02T10:00Z or", &[("2026-03-02", 3, 2)]);
        check(
            "by 2 March, March 3rd and Sept. 30",
            &[("2 March", 3, 2), ("March 3rd", 3, 3), ("Sept. 30", 9, 30)],
        );
        check("the 5th of May", &[("5th of May", 5, 5)]);
        check(
            "The second of March, or March the\nthird",
            &[("second of March", 3, 2), ("March the\nthird", 3, 3)],
        );
        check("on 2/3/2026 or 2.3.26", &[("2/3/2026", 3, 2), ("2/3/2026", 2, 3), ("2.3.26", 3, 2)]);
        check("2026/03/24", &[("2026/03/24", 3, 24)]);
        check("you may 3 times, in 2026-13-40, version 1.2, 1.2.3, 10-11-12", &[]);
        check("Mar 0, Ma 3, été 12, and/or 24/7", &[]);
    }
}
