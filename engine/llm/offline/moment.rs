//! Days and clock times, as they stand in calendars (`2026-03-02T14:00:00Z`) and in sentences (`2pm`, `March 9`).

/// A local time; zones are ignored, since one office works in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) day: Day,
    /// Minutes after midnight.
    pub(super) minute: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Moment {
    /// Reads an ISO time; a bare date counts as midnight.
    pub(super) fn read(text: &str) -> Option<Moment> {
        let day = Day::read(text)?;
        let minute = match (text.get(11..13), text.get(14..16)) {
            (Some(hour), Some(minute)) => hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?,
            _ => 0,
        };
        Some(Moment { day, minute })
    }

    pub(super) fn clock(self) -> String {
        clock(self.minute)
    }
}

/// `9:30am`, as people write it.
pub(super) fn clock(minute: u16) -> String {
    let (hour, rest) = (minute / 60, minute % 60);
    let half = if hour < 12 { "am" } else { "pm" };
    let hour = match hour % 12 {
        0 => 12,
        other => other,
    };
    if rest == 0 { format!("{hour}{half}") } else { format!("{hour}:{rest:02}{half}") }
}

/// `09:30`, as calendars write it.
pub(super) fn clock24(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl Day {
    pub(super) fn read(text: &str) -> Option<Day> {
        let year = text.get(..4)?.parse().ok()?;
        let month = text.get(5..7)?.parse().ok().filter(|month| (1..=12).contains(month))?;
        let day = text.get(8..10)?.parse().ok().filter(|day| (1..=31).contains(day))?;
        (text.as_bytes()[4] == b'-').then_some(Day { year, month, day })
    }

    /// `Feb 6`.
    pub(super) fn short(self) -> String {
        format!("{} {}", MONTHS[usize::from(self.month - 1)], self.day)
    }

    /// The first day named in a text, as `March 9`, `9 March` or in ISO form.
    pub(super) fn find(text: &str, year: u16) -> Option<Day> {
        if let Some(at) = text.find("20").filter(|at| text.as_bytes().get(at + 4) == Some(&b'-'))
            && let Some(day) = text.get(at..).and_then(Day::read)
        {
            return Some(day);
        }
        let words: Vec<&str> = super::text::words(text).collect();
        words.iter().enumerate().find_map(|(at, word)| {
            let month = month_number(word)?;
            let number = |word: Option<&&str>| {
                let digits = word?.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                digits.parse::<u8>().ok().filter(|day| (1..=31).contains(day))
            };
            let day = number(words.get(at + 1)).or(at.checked_sub(1).and_then(|at| number(words.get(at))))?;
            Some(Day { year, month, day })
        })
    }
}

fn month_number(word: &str) -> Option<u8> {
    const FULL: [&str; 12] = [
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
    let named = |names: &[&str; 12]| names.iter().position(|name| *name == word);
    named(&MONTHS).or_else(|| named(&FULL)).map(|at| at as u8 + 1)
}

/// A clock time in a sentence and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) minute: u16,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The clock times in a text: `2pm`, `2:30 pm`, `14:00`, `noon`.
pub(super) fn clocks(text: &str) -> Vec<Clock> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes[at].is_ascii_digit() && (at == 0 || !is_inside_number(bytes[at - 1]));
        match starts.then(|| clock_at(text, at)).flatten() {
            Some(clock) => {
                at = clock.end;
                found.push(clock);
            }
            None => at += 1,
        }
    }
    if let Some(at) = text.find(" noon") {
        found.push(Clock { minute: 720, start: at + 1, end: at + 5 });
    }
    found
}

fn is_inside_number(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'$' | b'#' | b'-' | b'/')
}

fn clock_at(text: &str, start: usize) -> Option<Clock> {
    let bytes = text.as_bytes();
    let digits = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits > 2 {
        return None;
    }
    let hour: u16 = text[start..start + digits].parse().ok()?;
    let mut end = start + digits;
    let mut minute = None;
    if bytes.get(end) == Some(&b':') {
        minute = text.get(end + 1..end + 3).and_then(|two| two.parse::<u16>().ok()).filter(|m| *m < 60);
        end += if minute.is_some() { 3 } else { 0 };
    }
    let rest = text.get(end..)?;
    let half = rest.strip_prefix(' ').unwrap_or(rest);
    let half = half.get(..2).filter(|h| h.eq_ignore_ascii_case("am") || h.eq_ignore_ascii_case("pm"));
    let hour = match half {
        Some(half) if hour <= 12 => {
            end += if rest.starts_with(' ') { 3 } else { 2 };
            hour % 12 + if half.eq_ignore_ascii_case("pm") { 12 } else { 0 }
        }
        _ => {
            minute?;
            hour
        }
    };
    (hour < 24).then_some(Clock { minute: hour * 60 + minute.unwrap_or(0), start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_times_are_found_in_sentences() {
        let check = |text: &str, expected: &[u16]| {
            assert_eq!(clocks(text).iter().map(|clock| clock.minute).collect::<Vec<_>>(), expected, "{text}");
        };
        check("the 2pm call, then 9:30 and 4 PM", &[840, 570, 960]);
        check("build 1847 at v2.14.5 for $40", &[]);
        check("by noon", &[720]);
        check("by 14:00 or at noon", &[840, 720]);
    }

    #[test]
    fn days_are_found_in_sentences() {
        let check = |text: &str, expected: Option<(u8, u8)>| {
            assert_eq!(Day::find(text, 2026).map(|day| (day.month, day.day)), expected, "{text}");
        };
        check("It is Monday 2 March 2026, 08:20", Some((3, 2)));
        check("Thursday Feb 6", Some((2, 6)));
        check("until 2026-04-01", Some((4, 1)));
        check("Marcus may march on", None);
    }

    #[test]
    fn iso_times_are_read() {
        let moment = Moment::read("2026-02-07T09:05:00-08:00").unwrap();
        assert_eq!(
            (moment.day.short(), moment.clock(), clock24(moment.minute)),
            ("Feb 7".into(), "9:05am".into(), "09:05".into())
        );
        assert_eq!(clock(720), "12pm");
    }
}
