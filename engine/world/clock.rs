//! The clock of a world: an instant that is given, never read from the system.

use crate::scenario::Folder;

/// Where a scenario's messages stand, with the field that says when each came.
const MESSAGES: [(&str, &str); 2] = [("inbox.json", "received_ts"), ("slack_messages.json", "timestamp")];

/// An instant in UTC, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix_s: i64,
}

/// An instant as a calendar and a watch show it.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Clock {
    /// Reads the first 19 characters of a time stamp such as `2026-02-06T08:45:00Z`; an offset is ignored.
    pub fn parse(text: &str) -> Option<Clock> {
        let text = text.get(..19)?;
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
        let days = days_before(year, month, day);
        in_range.then_some(Clock { unix_s: days * 86_400 + hour * 3600 + minute * 60 + second })
    }

    /// The time of the newest message among the fixtures: the world is as old as the news in it.
    pub fn of_newest_message(fixtures: &Folder) -> Option<Clock> {
        let times = |(file, field)| {
            let messages = fixtures.json(file).and_then(Result::ok).and_then(|value| value.as_list());
            let times =
                messages.into_iter().flatten().filter_map(move |message| message.get(field)?.as_str());
            times.filter_map(Clock::parse).max()
        };
        MESSAGES.into_iter().filter_map(times).max()
    }

    pub fn after_s(self, seconds: i64) -> Clock {
        Clock { unix_s: self.unix_s.saturating_add(seconds) }
    }

    /// `YYYYMMDDHHMMSS`, as the mock tools put it into ids.
    pub fn compact(self) -> String {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`.
    pub fn iso(self) -> String {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// For people: `Friday, February 6th, 2026 — 8:45 AM`.
    pub fn in_words(self) -> String {
        const DAYS: [&str; 7] =
            ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let Civil { year, month, day, hour, minute, .. } = self.civil();
        let weekday = DAYS[self.unix_s.div_euclid(86_400).rem_euclid(7) as usize];
        let month = MONTHS[(month - 1) as usize];
        let ending = match (day, day % 10) {
            (11..=13, _) => "th",
            (_, 1) => "st",
            (_, 2) => "nd",
            (_, 3) => "rd",
            _ => "th",
        };
        let half = if hour < 12 { "AM" } else { "PM" };
        let hour = (hour + 11) % 12 + 1;
        format!("{weekday}, {month} {day}{ending}, {year} — {hour}:{minute:02} {half}")
    }

    /// The proleptic Gregorian calendar, with years that begin in March so that leap days come last.
    fn civil(self) -> Civil {
        let days = self.unix_s.div_euclid(86_400) + 719_468;
        let second_of_day = self.unix_s.rem_euclid(86_400);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }
}

/// Days from 1970-01-01 to a date.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * shifted + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_print_as_dates_and_read_back() {
        let check = |unix_s, expected: &str| {
            assert_eq!(Clock { unix_s }.iso(), expected);
            assert_eq!(Clock::parse(expected), Some(Clock { unix_s }));
        };
        check(0, "1970-01-01T00:00:00Z");
        check(951_827_696, "2000-02-29T12:34:56Z");
        check(1_770_367_500, "2026-02-06T08:45:00Z");
        check(4_107_542_399, "2100-02-28T23:59:59Z");
        assert_eq!(Clock { unix_s: 1_770_367_500 }.compact(), "20260206084500");
    }

    #[test]
    fn instants_are_said_in_words() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Clock::parse(text).map(Clock::in_words).as_deref(), Some(expected));
        };
        check("2026-02-06T08:45:00Z", "Friday, February 6th, 2026 — 8:45 AM");
        check("2026-11-20T22:07:00Z", "Friday, November 20th, 2026 — 10:07 PM");
        check("2024-03-01T00:00:00Z", "Friday, March 1st, 2024 — 12:00 AM");
        check("2024-12-12T12:05:00Z", "Thursday, December 12th, 2024 — 12:05 PM");
        check("1969-12-22T13:00:00Z", "Monday, December 22nd, 1969 — 1:00 PM");
    }

    #[test]
    fn the_newest_message_says_how_late_it_is() {
        let mut folder = Folder::default();
        assert_eq!(Clock::of_newest_message(&folder), None);
        folder
            .insert_text("inbox.json", r#"[{"received_ts": "2026-02-06T08:45:00Z"}, {"received_ts": 5}, 7]"#);
        folder.insert_text("slack_messages.json", r#"[{"timestamp": "2026-02-05T08:45:00Z"}]"#);
        assert_eq!(Clock::of_newest_message(&folder), Clock::parse("2026-02-06T08:45:00Z"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["", "2026-02-06", "2026-13-06T08:45:00Z", "not a date, but long enough", "2026-02-06T25:00:00"]
        {
            assert_eq!(Clock::parse(text), None, "{text}");
        }
    }
}
