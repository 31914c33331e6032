//! What is worth telling while a run goes on: how much of its budget and limits is spent, and that a model has not answered
//! for a while. Each is told once; interim bests are not told at all, since most of them are luck.

use super::notice::{Kind, Notice, Progress, Said, Subject};
use crate::budget::{Amount, Caps, time_words};
use crate::event::Event;
use crate::optimize::Heard;
use crate::units::Usd;
use std::time::Duration;

/// The parts of a budget that are told, in percent.
const PARTS: [u32; 2] = [80, 95];
/// A model that does not answer for so long is worth waking somebody.
const WAIT_TOLD: Duration = Duration::from_secs(180);

/// Listens to a run.
pub struct Watch {
    subject: Subject,
    episodes: u32,
    budget: u32,
    caps: Caps,
    /// Records until now, which tell one outage from the next.
    records: u32,
    told_percent: u32,
    waited: Duration,
    /// The records at which it was told that the run waits.
    told_waiting: Option<u32>,
    is_over: bool,
}

impl Watch {
    pub fn new(subject: Subject) -> Watch {
        Watch {
            subject,
            episodes: 0,
            budget: 0,
            caps: Caps::default(),
            records: 0,
            told_percent: 0,
            waited: Duration::ZERO,
            told_waiting: None,
            is_over: false,
        }
    }

    /// Hears what happens, and says what is to be told of it. `used` gives what calls have cost, and the time at work.
    pub fn hear(&mut self, heard: &Heard<'_>, used: &dyn Fn() -> (Amount, u64), at: &str) -> Option<Notice> {
        match heard {
            Heard::Recorded { record, resumed } => {
                self.records += 1;
                self.record(&record.event);
                let notice = (!resumed).then(|| self.goes_on(at)).flatten();
                notice.or_else(|| self.budget(used, at, *resumed))
            }
            Heard::Waiting { problem, wait } => self.waits(problem, *wait, at),
            Heard::Told { .. } => self.budget(used, at, false),
            Heard::Paced(_) => None,
        }
    }

    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// How many records there are, which tells one stop from the next.
    pub fn records(&self) -> u32 {
        self.records
    }

    pub fn progress(&self, spent: Amount) -> Progress {
        let usd = Some(spent.usd).filter(|usd| *usd != Usd::ZERO);
        Progress { episodes: self.episodes, budget: self.budget, usd }
    }

    fn record(&mut self, event: &Event) {
        match event {
            Event::RunStarted(started) => (self.budget, self.caps) = (started.budget, started.caps.run),
            Event::EpisodeScored(_) | Event::EpisodeUnmeasured(_) => self.episodes += 1,
            Event::Tuned(tuned) => {
                self.budget = tuned.budget.unwrap_or(self.budget);
                self.caps = tuned.caps.as_ref().map_or(self.caps, |caps| caps.run);
            }
            Event::RunFinished(_) => self.is_over = true,
            _ => {}
        }
    }

    /// What was recorded before this process is not news, and neither is a budget that its run's end has spent.
    fn budget(&mut self, used: &dyn Fn() -> (Amount, u64), at: &str, resumed: bool) -> Option<Notice> {
        if resumed || self.is_over || self.told_percent >= PARTS[PARTS.len() - 1] {
            return None;
        }
        let (spent, worked_ms) = used();
        let shares = self.shares(spent, worked_ms);
        let (percent, _) = shares.iter().max_by_key(|(percent, _)| *percent)?;
        let part = *PARTS.iter().rev().find(|part| **part <= *percent && **part > self.told_percent)?;
        self.told_percent = part;
        let near = shares.iter().filter(|(percent, _)| *percent >= part).map(|(_, words)| words.clone());
        let rest = shares.iter().filter(|(percent, _)| *percent < part).map(|(_, words)| words.clone());
        let said = Said {
            kind: Kind::Budget,
            occasion: &format!("budget-{part}"),
            needs_you: false,
            title: &format!("{part} % of the budget is spent"),
            facts: near.chain(rest).collect(),
            action: None,
            before_action: "",
        };
        Some(Notice { progress: Some(self.progress(spent)), ..self.subject.notice(at, said) })
    }

    /// The parts that are spent, in whole percent, with words for each.
    fn shares(&self, spent: Amount, worked_ms: u64) -> Vec<(u32, String)> {
        let percent = |of: f64, all: f64| if all > 0.0 { (100.0 * of / all) as u32 } else { 100 };
        let number = |of: u64, cap: Option<u64>, what: &str| {
            cap.map(|cap| (percent(of as f64, cap as f64), format!("{of} of {cap} {what}.")))
        };
        let usd = self.caps.usd.map(|cap| {
            let part = percent(spent.usd.pico() as f64, cap.pico() as f64);
            (part, format!("{} of {}.", spent.usd.rounded(), cap.rounded()))
        });
        let time = self.caps.time_ms.map(|cap| {
            let words = format!("{} of {} at work.", time_words(worked_ms), time_words(cap));
            (percent(worked_ms as f64, cap as f64), words)
        });
        let shares = [
            number(u64::from(self.episodes), Some(u64::from(self.budget)), "episodes"),
            usd,
            number(spent.tokens, self.caps.tokens, "tokens"),
            number(spent.calls, self.caps.calls, "calls"),
            time,
        ];
        shares.into_iter().flatten().collect()
    }

    fn waits(&mut self, problem: &str, wait: Duration, at: &str) -> Option<Notice> {
        let before = self.waited;
        self.waited += wait;
        if before < WAIT_TOLD || self.told_waiting.is_some() {
            return None;
        }
        self.told_waiting = Some(self.records);
        let said = Said {
            kind: Kind::NeedsYou,
            occasion: &format!("waits-{}", self.records),
            needs_you: true,
            title: "paused, and needs you",
            facts: vec![
                format!(
                    "A model has not answered for {}{}.",
                    time_words(before.as_millis() as u64),
                    status_words(problem)
                ),
                "It is asked again from time to time, and the run goes on by itself when it answers."
                    .to_owned(),
                "See to the provider: its key, its credit, its server.".to_owned(),
            ],
            action: Some("optimize status"),
            before_action: "",
        };
        Some(self.subject.notice(at, said))
    }

    fn goes_on(&mut self, at: &str) -> Option<Notice> {
        self.waited = Duration::ZERO;
        let since = self.told_waiting.take()?;
        let said = Said {
            kind: Kind::GoesOn,
            occasion: &format!("goes-on-{since}"),
            needs_you: false,
            title: "the run goes on",
            facts: vec!["The model answers again.".to_owned()],
            action: None,
            before_action: "",
        };
        Some(self.subject.notice(at, said))
    }
}

/// The status of HTTP that a problem tells, and no other word of it: the rest may be a provider's.
pub(super) fn status_words(problem: &str) -> String {
    let status = problem.split_once("HTTP ").and_then(|(_, rest)| rest.get(..3)?.parse::<u16>().ok());
    let meaning = match status {
        Some(401 | 403) => ", its key is refused",
        Some(402) => ", the account may be out of credit",
        Some(404) => ", the model or the address is not known",
        Some(429) => ", too many requests or no credit",
        Some(500..=599) => ", the provider is in trouble",
        _ => "",
    };
    status
        .filter(|status| (400..600).contains(status))
        .map_or(String::new(), |status| format!(" (HTTP {status}{meaning})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_problem_only_the_status_is_told() {
        let check = |problem: &str, expected: &str| assert_eq!(status_words(problem), expected);
        check(
            "x/y: HTTP 401 Unauthorized; is the key right?: secret words",
            " (HTTP 401, its key is refused)",
        );
        check("x/y: HTTP 503: words", " (HTTP 503, the provider is in trouble)");
        check("x/y: HTTP 777: words", "");
        check("connection refused", "");
        check("HTTP ünd", "");
    }
}
