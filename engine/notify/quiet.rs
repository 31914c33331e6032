//! Quiet hours: a time of every day, by the clock on the wall, in which nobody wants to be told.

use jiff::Zoned;
use jiff::civil::Time;
use std::fmt;
use std::str::FromStr;

/// From a time until another, past midnight where the second is the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    to: Time,
}

impl QuietHours {
    /// When the quiet hours end; none where it is not quiet now. On the day when clocks change, at the time on the wall.
    pub fn until(&self, now: &Zoned) -> Option<Zoned> {
        let time = now.time();
        let is_quiet = match self.from < self.to {
            true => self.from <= time && time < self.to,
            false => self.from <= time || time < self.to,
        };
        if !is_quiet {
            return None;
        }
        let day = if time < self.to { Ok(now.date()) } else { now.date().tomorrow() };
        let end = day.and_then(|day| day.to_datetime(self.to).to_zoned(now.time_zone().clone()));
        // Only the last day that calendars know has no tomorrow.
        end.ok()
    }
}

impl FromStr for QuietHours {
    type Err = String;

    /// Reads `23:00-07:00`.
    fn from_str(text: &str) -> Result<QuietHours, String> {
        let bad = || format!("{text:?} are no quiet hours; write them as 23:00-07:00");
        let (from, to) = text.split_once('-').ok_or_else(bad)?;
        let (from, to) = (time(from).ok_or_else(bad)?, time(to).ok_or_else(bad)?);
        match from == to {
            true => Err(format!(
                "the quiet hours {text} end when they begin; leave --notify away to be told nothing"
            )),
            false => Ok(QuietHours { from, to }),
        }
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let is_number =
        |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) || minute.len() != 2 {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QuietHours { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from.hour(), from.minute(), to.hour(), to.minute())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::datetime;
    use jiff::tz::TimeZone;

    fn check(hours: &str, (day, hour, minute): (i8, i8, i8), expected: Option<&str>) {
        // Berlin, where 2026-10-25 has 25 hours.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a time zone");
        let now = datetime(2026, 10, day, hour, minute, 30, 0).to_zoned(zone).expect("a time");
        let end = hours.parse::<QuietHours>().expect("quiet hours").until(&now);
        assert_eq!(
            end.map(|end| end.timestamp().to_string()).as_deref(),
            expected,
            "{hours} {day} {hour}:{minute}"
        );
    }

    #[test]
    fn quiet_hours_end_by_the_clock_on_the_wall() {
        check("23:00-07:00", (20, 22, 59), None);
        check("23:00-07:00", (20, 23, 0), Some("2026-10-21T05:00:00Z"));
        check("23:00-07:00", (20, 6, 59), Some("2026-10-20T05:00:00Z"));
        check("23:00-07:00", (20, 7, 0), None);
        check("12:30-14:00", (20, 12, 29), None);
        check("12:30-14:00", (20, 13, 0), Some("2026-10-20T12:00:00Z"));
        check("23:00-07:00", (24, 23, 30), Some("2026-10-25T06:00:00Z"));
        check("8:05-00:00", (20, 8, 5), Some("2026-10-20T22:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in ["", "23:00", "23-7", "24:00-07:00", "23:60-07:00", "7:00-7:00", "a:b-c:d", "+1:00-02:00"]
        {
            assert!(bad.parse::<QuietHours>().is_err(), "{bad}");
        }
        assert_eq!("8:05 - 7:00".parse::<QuietHours>().expect("quiet hours").to_string(), "08:05-07:00");
    }
}
