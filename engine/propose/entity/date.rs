//! Days of the year as people write them: `2026-03-02`, `2 March`, `March 2nd`, `Mar. 2`.

use std::ops::Range;

/// Month and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    month: u8,
    day: u8,
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

/// The days that a text names, and where.
pub(super) fn days(text: &str) -> Vec<(Range<usize>, Day)> {
    let tokens = tokens(text);
    let mut days = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if let Some(day) = iso(text, &tokens[index..]) {
            days.push((token.start..tokens[index + 2].end, day));
        }
        if let Some(next) = tokens.get(index + 1).filter(|next| is_gap(&text[token.end..next.start])) {
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
    matches!(between, " " | ". " | "\n" | " of ")
}

fn iso(text: &str, tokens: &[Range<usize>]) -> Option<Day> {
    let [year, month, day, ..] = tokens else { return None };
    let is_dashed = &text[year.end..month.start] == "-" && &text[month.end..day.start] == "-";
    if !is_dashed || year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    text[year.clone()].parse::<u16>().ok()?;
    day_of(text[month.clone()].parse().ok()?, text[day.clone()].parse().ok()?)
}

fn written(month: &str, day: &str) -> Option<Day> {
    // In lower case `may` and `march` are verbs.
    let lower = month.starts_with(char::is_uppercase).then(|| month.to_lowercase())?;
    let is_month =
        |name: &&str| **name == lower || (lower.len() >= 3 && lower.len() <= 4 && name.starts_with(&lower));
    let month = MONTHS.iter().position(is_month)?;
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
        check("the 5th of May", &[]);
        check("you may 3 times, in 2026-13-40, version 1.2", &[]);
        check("Mar 0, Ma 3, été 12", &[]);
    }
}
