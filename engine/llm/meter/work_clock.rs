//! How long a run has worked: over all its processes, and not while it rests.

use std::time::{Duration, Instant};

/// A clock that stands still while the run rests.
#[derive(Clone, Copy, Debug)]
pub struct WorkClock {
    worked: Duration,
    /// None while it stands still.
    since: Option<Instant>,
}

impl WorkClock {
    /// The clock of a process that begins to work at a run, after others that worked for so long.
    pub fn started(worked_ms: u64) -> WorkClock {
        WorkClock { worked: Duration::from_millis(worked_ms), since: Some(Instant::now()) }
    }

    /// The clock of who only looks at a run: it stands still.
    pub fn standing(worked_ms: u64) -> WorkClock {
        WorkClock { worked: Duration::from_millis(worked_ms), since: None }
    }

    pub fn worked(&self) -> Duration {
        self.worked + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// When so much will have been worked; none while it stands still, and where nobody will see that day.
    pub fn reaches(&self, most: Duration) -> Option<Instant> {
        self.since?.checked_add(most.saturating_sub(self.worked))
    }

    pub fn rest(&mut self) {
        *self = WorkClock { worked: self.worked(), since: None };
    }

    pub fn work(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_rests_reaches_nothing_and_counts_nothing() {
        let mut clock = WorkClock::started(5_000);
        assert!(clock.reaches(Duration::from_secs(6)).is_some_and(|end| end > Instant::now()));
        assert!(clock.reaches(Duration::from_secs(4)).is_some_and(|end| end <= Instant::now()));
        clock.rest();
        let worked = clock.worked();
        assert!(worked >= Duration::from_secs(5));
        assert_eq!((clock.reaches(Duration::from_secs(6)), clock.worked()), (None, worked));
        assert_eq!(WorkClock::standing(5_000).worked(), Duration::from_secs(5));
        clock.work();
        clock.work();
        assert!(clock.reaches(Duration::from_secs(6)).is_some());
    }
}
