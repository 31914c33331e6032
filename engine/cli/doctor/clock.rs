//! Whether this machine's clock is right: by the clock of the model's server, or, offline, by not lying in the past.

use super::row::{Fault, Found, Row};
use crate::role::Role;
use packwright::llm::connect::{Connection, server_time};
use packwright::store::utc_text;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NAME: &str = "clock";
/// What certificates, tokens and signatures bear.
const OFFSET_MAX: Duration = Duration::from_secs(60);
/// 2026-01-01, before which this program did not exist.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);
const FIX: &str = "set the clock, and switch time synchronization on (`timedatectl set-ntp true`)";

/// Compares the clock with that of a model's server, if one answers.
pub async fn clock(role: Option<&Role>) -> Found<()> {
    let now = SystemTime::now();
    if now.duration_since(UNIX_EPOCH).unwrap_or_default() < EARLIEST {
        let finding = format!("it is {}, long ago: certificates cannot be checked", shown(now));
        return (Row::failed(NAME, Fault::Setup, finding, FIX), None);
    }
    let connection =
        role.and_then(|role| Some(Connection::to(role.model.parse().ok()?, role.base_url.clone())));
    let row = match connection {
        None => {
            Row::passed(NAME, format!("{}, which can be; no server answered that could tell", shown(now)))
        }
        Some(connection) => compared(&connection).await,
    };
    (row, None)
}

async fn compared(connection: &Connection) -> Row {
    let before = SystemTime::now();
    let told = server_time(connection).await;
    let after = SystemTime::now();
    match told {
        Err(problem) => Row::skipped(NAME, format!("{} did not tell the time: {problem}", connection.model)),
        Ok(None) => Row::passed(
            NAME,
            format!("{}, which can be; the model's server does not tell its own", shown(after)),
        ),
        Ok(Some(theirs)) => {
            let offset = offset_s(before, after, theirs);
            if offset.unsigned_abs() <= OFFSET_MAX.as_secs() {
                return Row::passed(
                    NAME,
                    format!("within a minute of that of {}'s server", connection.model),
                );
            }
            let way = if offset > 0 { "ahead of" } else { "behind" };
            let finding = format!(
                "this machine's clock is {} {way} that of {}'s server; certificates and tokens depend on it",
                span(offset.unsigned_abs()),
                connection.model
            );
            Row::warning(NAME, finding, FIX)
        }
    }
}

/// How far this machine's clock is ahead, whatever the answer took.
fn offset_s(before: SystemTime, after: SystemTime, theirs: SystemTime) -> i64 {
    let seconds = |later: SystemTime, earlier: SystemTime| {
        later.duration_since(earlier).map_or(0, |ahead| i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX))
    };
    match seconds(before, theirs) {
        0 => -seconds(theirs, after),
        ahead => ahead,
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn shown(time: SystemTime) -> String {
    utc_text(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_an_answer_is_no_offset() {
        let at = |seconds: u64| UNIX_EPOCH + EARLIEST + Duration::from_secs(seconds);
        let check = |before, after, theirs, expected: i64| {
            assert_eq!(offset_s(at(before), at(after), at(theirs)), expected);
        };
        check(100, 110, 105, 0);
        check(100, 110, 110, 0);
        check(100, 110, 40, 60);
        check(4_000, 4_001, 400, 3_600);
        check(100, 110, 200, -90);
        assert_eq!(utc_text(EARLIEST.as_millis() as u64), "2026-01-01T00:00:00Z");
        assert_eq!([span(90), span(3_600), span(7_300), span(864_000)], ["90 s", "60 min", "2 h", "10 days"]);
    }
}
