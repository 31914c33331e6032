//! What can be concluded by holding the sources against each other: overlaps, contradictions, duplicates,
//! tasks whose board status disagrees with what people say.

use super::facts::{Facts, Meeting, Task};
use super::lines::{Line, Source};
use super::moment::{Day, clock, clock24, clocks};
use super::request::Want;
use super::sense;
use super::text::{Key, keys, shared, words};
use std::collections::{HashMap, HashSet};

/// Two commitments at the same time.
pub(super) struct Clash {
    pub(super) minute: u16,
    pub(super) day: Day,
    pub(super) first: String,
    pub(super) second: String,
    /// The one that can move more easily.
    pub(super) movable: String,
}

impl Clash {
    pub(super) fn text(&self) -> String {
        let Clash { first, second, .. } = self;
        let time = format!("{} ({})", clock(self.minute), clock24(self.minute));
        format!("{}, {time}: {first} conflicts with {second} (overlap, same time)", self.day.short())
    }
}

/// Overlaps within the calendar, and of the calendar with times that the request or a mail names.
pub(super) fn clashes(
    facts: &Facts,
    want: &Want,
    request: &str,
    lines: &[Line],
    today: Option<Day>,
) -> Vec<Clash> {
    let busy: Vec<&Meeting> = facts.meetings.iter().filter(|meeting| is_busy(meeting)).collect();
    let mut found = Vec::new();
    for (at, a) in busy.iter().enumerate() {
        for b in &busy[at + 1..] {
            if a.start.day == b.start.day && b.start < a.end && a.start < b.end {
                let movable = if gravity(a) <= gravity(b) { &a.title } else { &b.title };
                found.push(Clash {
                    minute: b.start.minute,
                    day: b.start.day,
                    first: a.title.clone(),
                    second: b.title.clone(),
                    movable: movable.clone(),
                });
            }
        }
    }
    let Some(today) = today else { return found };
    for named in &want.clocks {
        let phrase = around(request, named.start, named.end);
        found.extend(busy.iter().filter_map(|meeting| named_clash(meeting, today, named.minute, &phrase)));
    }
    let spoken =
        lines.iter().filter(|line| line.is(sense::SCHEDULE) && matches!(line.source, Source::Mail(_)));
    for line in spoken.filter(|line| line.text.contains("today")) {
        for named in clocks(line.text).into_iter().filter(|named| !is_limit(&line.text[..named.start])) {
            let phrase = around(line.text, named.start, named.end);
            let about = keys(&format!("{} {}", line.place, line.text));
            let apart = busy.iter().filter(|meeting| shared(&keys(&meeting.title), &about) == 0);
            let asked = format!("{phrase} ({}, {})", line.place, line.who);
            found.extend(apart.filter_map(|meeting| named_clash(meeting, today, named.minute, &asked)));
        }
    }
    found.sort_by_key(|clash| (clash.day, clash.minute));
    found.dedup_by(|a, b| a.minute == b.minute && a.first == b.first && a.day == b.day);
    found
}

fn named_clash(meeting: &Meeting, today: Day, minute: u16, phrase: &str) -> Option<Clash> {
    let meets = meeting.start.day.month == today.month
        && meeting.start.day.day == today.day
        && meeting.start.minute <= minute
        && minute < meeting.end.minute;
    let other = shared(&keys(&meeting.title), &keys(phrase)) == 0;
    let says_thing = phrase.len() > 8 && !phrase.contains("It's") && !phrase.contains("It is");
    (meets && other && says_thing).then(|| Clash {
        minute,
        day: meeting.start.day,
        first: meeting.title.clone(),
        second: format!("the {phrase}"),
        movable: meeting.title.clone(),
    })
}

/// Whether the words before a time make it a limit and not a meeting.
fn is_limit(before: &str) -> bool {
    let before = before.trim_end();
    ["by", "before", "until", "from", "since"].iter().any(|word| before.ends_with(word))
}

/// A clock time with the words after it: `2pm call with the auditors`.
fn around(text: &str, start: usize, end: usize) -> String {
    let rest = text[end..].split(['.', ',', ';', '\n', '?', ')']).next().unwrap_or("");
    let tail: Vec<&str> = rest
        .split_whitespace()
        .take_while(|word| {
            !word.starts_with(|c: char| c.is_ascii_digit()) && !matches!(*word, "and" | "today" | "but")
        })
        .take(4)
        .collect();
    format!("{} {}", &text[start..end], tail.join(" ")).trim().to_owned()
}

fn is_busy(meeting: &Meeting) -> bool {
    let title = meeting.title.to_ascii_lowercase();
    meeting.end > meeting.start
        && !["free", "available", "hold:", "lunch"].iter().any(|word| title.contains(word))
}

/// How hard it is to move a meeting.
fn gravity(meeting: &Meeting) -> i32 {
    let mut points = meeting.attendees.len().min(6) as i32;
    let text = format!("{} {}", meeting.title, meeting.notes).to_ascii_lowercase();
    for word in [
        "critical", "must", "client", "customer", "board", "ceo", "cto", "delayed", "external", "deadline",
        "review",
    ] {
        if text.contains(word) {
            points += 3;
        }
    }
    for word in [
        "optional",
        "focus",
        "interview",
        "1:1",
        "lunch",
        "coffee",
        "social",
        "flexible",
        "can move",
        "internal",
    ] {
        if text.contains(word) {
            points -= 4;
        }
    }
    points
}

/// An open task that someone in the chat or a mail calls done, with who said so.
pub(super) fn mismatches<'f>(facts: &'f Facts, lines: &[Line<'f>]) -> Vec<(&'f Task, &'f str)> {
    let mut found: Vec<(&Task, &str)> = Vec::new();
    for task in facts.tasks.iter().filter(|task| !task.is_done() && !task.status.contains("review")) {
        let title = keys(&task.title);
        let said = lines.iter().find(|line| {
            let person = matches!(line.source, Source::Post(_) | Source::Mail(_));
            let named = !task.id.is_empty() && line.text.contains(task.id.as_str());
            let about = named || (line.who == task.owner && shared(&line.keys, &title) >= 2);
            person && about && line.is(sense::DONE) && !line.is(sense::BLOCK)
        });
        let noted = task.notes.to_ascii_lowercase().contains("mismatch");
        if let Some(line) = said {
            found.push((task, line.who));
        } else if noted {
            found.push((task, &task.owner));
        }
    }
    found
}

/// Tasks that the board calls done while someone still reports trouble with them.
pub(super) fn false_closures<'f>(facts: &'f Facts, lines: &[Line<'f>]) -> Vec<(&'f Task, &'f str)> {
    let mut found: Vec<(&Task, &str)> = Vec::new();
    for task in facts.tasks.iter().filter(|task| task.is_done()) {
        let title = keys(&task.title);
        let said = lines.iter().find(|line| {
            let person = matches!(line.source, Source::Post(_) | Source::Mail(_));
            let about = line.text.contains(task.id.as_str()) && !task.id.is_empty()
                || shared(&line.keys, &title) >= 3;
            person && about && line.is(sense::BLOCK | sense::OPEN) && !line.is(sense::DONE)
        });
        if let Some(line) = said {
            found.push((task, line.who));
        }
    }
    found
}

/// Tasks whose due day differs from the day that a message names for the same matter.
pub(super) fn stale_dates<'f>(
    facts: &'f Facts,
    lines: &[Line],
    today: Option<Day>,
) -> Vec<(&'f Task, String)> {
    let mut found = Vec::new();
    for task in facts.tasks.iter().filter(|task| !task.is_done()) {
        let Some(due) = task.due else { continue };
        let title = keys(&task.title);
        let said = lines.iter().find_map(|line| {
            let person = matches!(line.source, Source::Post(_) | Source::Mail(_));
            let about = shared(&title, &line.keys) >= 2 || shared(&title, &keys(line.place)) >= 2;
            if !person || !about || !line.is(sense::DEADLINE) || line.sensitive {
                return None;
            }
            let spoken = Day::find(line.text, due.year);
            let now = today.filter(|_| line.text.contains("today") || line.text.contains(" noon"));
            spoken
                .or(now)
                .filter(|day| (day.month, day.day) != (due.month, due.day))
                .map(|day| (day, line.text))
        });
        if let Some((day, text)) = said {
            found.push((task, format!("{} (\"{}\")", day.short(), super::text::shortened(text, 80))));
        }
    }
    found
}

/// Two lines on one matter with different figures, the older first.
pub(super) fn contradictions<'p, 'a>(lines: &'p [Line<'a>]) -> Vec<(&'p Line<'a>, &'p Line<'a>)> {
    let figured: Vec<&Line> = lines
        .iter()
        .filter(|line| !line.social && line.text.bytes().any(|b| b.is_ascii_digit()) && !line.keys.is_empty())
        .take(90)
        .collect();
    let mut found: Vec<(f64, &Line, &Line)> = Vec::new();
    for (at, a) in figured.iter().enumerate() {
        for b in &figured[at + 1..] {
            let common = shared(&a.keys, &b.keys);
            if common < 2
                || a.source == b.source
                || figures(a.text).any(|figure| figures(b.text).any(|other| other == figure))
            {
                continue;
            }
            let corrected = a.is(sense::CHANGE) || b.is(sense::CHANGE);
            let score = common as f64 + if corrected { 3.0 } else { 0.0 };
            if score >= 4.0 {
                let (old, new) = if a.when <= b.when { (*a, *b) } else { (*b, *a) };
                found.push((score, old, new));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, old, new)| (old, new)).collect()
}

fn figures(text: &str) -> impl Iterator<Item = &str> {
    words(text).filter(|word| word.bytes().any(|b| b.is_ascii_digit()))
}

/// Matters that stand twice: a mail that a task already covers, or two mails that ask the same.
pub(super) fn duplicates(facts: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    let subjects: Vec<Vec<Key>> = facts.mails.iter().map(|mail| keys(&mail.subject)).collect();
    for task in facts.tasks.iter().filter(|task| !task.is_done()) {
        let title = keys(&task.title);
        let text = keys(&format!("{} {}", task.title, task.notes));
        let best = subjects.iter().enumerate().max_by_key(|(_, subject)| shared(subject, &text));
        if let Some((at, subject)) = best
            && (shared(subject, &text) >= 2 || (shared(subject, &title) >= 1 && title.len() <= 3))
        {
            found.push(format!(
                "{} — already tracked as existing task {} ({})",
                facts.mails[at].subject, task.id, task.title
            ));
        }
    }
    for (at, subject) in subjects.iter().enumerate() {
        for (later, other) in subjects.iter().enumerate().skip(at + 1) {
            let common = shared(subject, other);
            if common >= 3 && common * 2 > subject.len().min(other.len()) {
                let [a, b] = [&facts.mails[at], &facts.mails[later]];
                found.push(format!(
                    "{} ({}) and {} ({}) — duplicate, the same request twice",
                    a.subject, a.name, b.subject, b.name
                ));
            }
        }
    }
    found
}

/// Keys that occur in so many titles that they say nothing.
fn frequent_keys(facts: &Facts) -> HashSet<Key> {
    let subjects = facts.mails.iter().map(|mail| mail.subject.as_str());
    let titles = facts.tasks.iter().map(|task| task.title.as_str());
    let meetings = facts.meetings.iter().map(|meeting| meeting.title.as_str());
    let mut counts: HashMap<Key, usize> = HashMap::new();
    for key in subjects.chain(titles).chain(meetings).flat_map(keys) {
        *counts.entry(key).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 6).map(|(key, _)| key).collect()
}

/// Matters that several sources touch: a task or mail and the meeting it has to be ready for.
pub(super) fn connections(facts: &Facts) -> Vec<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let frequent = frequent_keys(facts);
    let rare =
        |text: &str| -> Vec<Key> { keys(text).into_iter().filter(|key| !frequent.contains(key)).collect() };
    for meeting in &facts.meetings {
        let about = rare(&format!("{} {}", meeting.title, meeting.notes));
        let matters = facts
            .tasks
            .iter()
            .filter(|task| !task.is_done())
            .map(|task| (rare(&format!("{} {}", task.title, task.notes)), task.title.as_str(), "task"))
            .chain(facts.mails.iter().map(|mail| (rare(&mail.subject), mail.subject.as_str(), "mail")));
        for (subject, title, kind) in matters {
            let overlap = shared(&about, &subject);
            if overlap >= 2 {
                found.push((
                    overlap,
                    format!("{title} ({kind}) ↔ {} at {}", meeting.title, meeting.start.clock()),
                ));
            }
        }
    }
    found.sort_by_key(|(overlap, _)| std::cmp::Reverse(*overlap));
    found.into_iter().map(|(_, text)| text).collect()
}
