//! The sections of the answer about mails, people, time and trouble. Each is told only when its skill shows
//! and there is something to tell.

use super::answer::Answer;
use super::compose::{Teller, is_promise};
use super::gather::{is_fraud, wants_reply};
use super::lines::Source;
use super::moment::clock24;
use super::sense;
use super::skills::Skill;
use super::text::shortened;

impl Teller<'_, '_> {
    pub(super) fn tell_status(&mut self, answer: &mut Answer) {
        if !self.shows(Skill::StatusFirst) {
            return;
        }
        let mut told = Vec::new();
        let blocked = self.facts.tasks.iter().filter(|task| !task.is_done() && task.is_blocked()).count();
        let overdue = self.overdue().len();
        let urgent = (0..self.facts.mails.len())
            .filter(|at| self.mail_rank(*at) >= 10 && self.junk_of(*at).is_none())
            .count();
        if let Some(at) = self.top_mails(1).first().copied() {
            told.push(format!("Status: {} — {}", self.subject(at), self.sender(at)));
        }
        let mut counts = format!("{urgent} urgent, {blocked} blocked, {overdue} overdue");
        if self.shows(Skill::Risk) && blocked + overdue > 0 {
            counts.push_str("; the goal is at risk");
        }
        told.push(format!("Overview: {counts}"));
        if self.desk.want.choice {
            let best =
                self.pick(sense::DEADLINE | sense::OPINION | sense::MONEY, 1, &|line| line.weight > 2.0);
            told.extend(best.into_iter().map(|line| format!("Recommendation rests on: {line}")));
        }
        told.extend(self.pick(
            sense::URGENT | sense::ROOT | sense::GOAL,
            if self.brief { 1 } else { 2 },
            &|line| line.weight > 2.5,
        ));
        answer.add(8, "Status summary", told);
    }

    /// The mails that matter most, best first.
    pub(super) fn top_mails(&self, count: usize) -> Vec<usize> {
        let mut ranked: Vec<usize> = (0..self.facts.mails.len())
            .filter(|at| self.junk_of(*at).is_none() && !self.is_discreet(*at))
            .collect();
        ranked.sort_by_key(|at| -self.mail_rank(*at));
        ranked.truncate(count);
        ranked
    }

    pub(super) fn subject(&self, at: usize) -> String {
        shortened(self.without_ids(&self.facts.mails[at].subject).trim(), 90)
    }

    pub(super) fn sender(&self, at: usize) -> &str {
        &self.facts.mails[at].name
    }

    pub(super) fn tell_inbox(&mut self, answer: &mut Answer) {
        if self.facts.mails.is_empty() {
            return;
        }
        let total = self.facts.mails.len();
        let tiers = self.shows(Skill::Tiers);
        let wide = self.desk.want.triage && !self.brief;
        let queued = self.shows(Skill::Queue) && self.desk.want.triage;
        let top = self.top_mails(match self.desk.want.triage {
            true if wide || queued => 14,
            true => 9,
            false => 6,
        });
        let junk = (0..total).filter(|at| self.junk_of(*at).is_some()).count();
        if self.shows(Skill::Counts) && self.desk.want.triage {
            let line = format!("{total} emails processed: {} to act on, {junk} to archive", top.len());
            answer.add(5, "Inbox summary", vec![line]);
        }
        if queued {
            let queue = self.mail_queue(&top);
            answer.add_numbered(9, "Decision queue (approve or reject each)", queue);
        }
        let top: Vec<usize> = top.into_iter().take(if queued { 4 } else { 14 }).collect();
        let (mut urgent, mut later) = (Vec::new(), Vec::new());
        for (place, at) in top.into_iter().enumerate() {
            let line = self.mail_line(at, place < 4);
            let pressing = place == 0 || self.mail_rank(at) >= 9 && urgent.len() < 5;
            if pressing { urgent.push(line) } else { later.push(line) }
        }
        if tiers {
            let rank = if self.desk.want.triage || self.desk.want.day { 10 } else { 8 };
            answer.add(rank, "Urgent / critical (must handle today)", urgent);
            answer.add(6, "Should do (can wait until later this week)", later);
        } else {
            urgent.extend(later);
            answer.add(7, "Mails", urgent);
        }
        if self.shows(Skill::Archive) {
            self.tell_archive(answer);
        }
    }

    /// One line per mail: what it is, and what would be done with it.
    fn mail_queue(&self, mails: &[usize]) -> Vec<String> {
        let act = |at: usize, number: usize| {
            let mail = &self.facts.mails[at];
            if is_fraud(mail) && self.shows(Skill::Guard) {
                "suspicious: do not pay or answer, verify by phone".to_owned()
            } else if self.is_scheduling(at) {
                format!("calendar: propose a free slot, \"schedule {number}\"")
            } else if wants_reply(mail) || mail.body.is_none() && self.mail_rank(at) >= 6 {
                format!("reply drafted, \"send {number}\"")
            } else {
                format!("task, \"create {number}\"")
            }
        };
        let entry = |(place, at): (usize, &usize)| {
            let name = self.sender(*at);
            format!("{} ({name}) → {}", shortened(&self.subject(*at), 48), act(*at, place + 1))
        };
        mails.iter().enumerate().map(entry).take(12).collect()
    }

    fn mail_line(&mut self, at: usize, important: bool) -> String {
        let mut line = format!("**{}**", self.subject(at));
        let own = |wanted: Source| move |line: &super::lines::Line| line.source == wanted;
        let source = Source::Mail(at);
        let rank = self.mail_rank(at);
        if self.shows(Skill::Tiers) && rank >= 10 {
            line.push_str(" — urgent");
        }
        if self.shows(Skill::Deadlines) {
            let phrase = self
                .lines
                .iter()
                .filter(|line| {
                    line.source == source
                        && line.is(sense::DEADLINE)
                        && !(line.sensitive && self.shows(Skill::Confidential))
                })
                .find_map(|line| deadline_phrase(line.text));
            if let Some(phrase) = phrase.filter(|phrase| self.notices("deadline", phrase)) {
                line.push_str(" — deadline: ");
                line.push_str(&phrase);
            }
        }
        line.push_str(&format!(" ({})", self.sender(at)));
        if important
            && self.facts.mails[at].body.is_some()
            && self.shows(Skill::Impact)
            && let Some(quote) = self.pick(!0, 1, &own(source)).pop()
        {
            let text = quote.strip_prefix(&format!("{}: ", self.sender(at))).unwrap_or(&quote).to_owned();
            line.push_str(": ");
            line.push_str(&text);
        }
        line
    }

    fn is_scheduling(&self, at: usize) -> bool {
        sense::senses(&self.facts.mails[at].subject) & sense::SCHEDULE != 0
    }

    fn scheduling_requests(&self) -> Vec<String> {
        (0..self.facts.mails.len())
            .filter(|at| self.is_scheduling(*at) && self.junk_of(*at).is_none())
            .filter(|at| self.notices("scheduling", &self.facts.mails[*at].id))
            .take(3)
            .map(|at| {
                format!("{}: {} → calendar action, propose a free slot", self.sender(at), self.subject(at))
            })
            .collect()
    }

    fn tell_archive(&self, answer: &mut Answer) {
        let lines: Vec<String> = (0..self.facts.mails.len())
            .filter_map(|at| self.junk_of(at).map(|kind| (at, kind)))
            .map(|(at, kind)| {
                format!("{} ({}: archive)", shortened(&self.facts.mails[at].subject, 60), kind.word())
            })
            .take(if self.brief { 6 } else { 10 })
            .collect();
        answer.add(4, "Low priority / can wait", lines);
    }

    pub(super) fn tell_analysis(&mut self, answer: &mut Answer) {
        let count = if self.brief { 2 } else { 3 };
        if self.shows(Skill::RootCause) {
            let mut told = self.pick(sense::ROOT, count, &|_| true);
            told.extend(self.pick(sense::FIX, 2, &|line| line.weight > 1.5));
            answer.add(if self.desk.want.incident { 10 } else { 6 }, "Root cause and fix status", told);
        }
        let pending =
            self.lines.iter().any(|line| line.is(sense::FIX) && line.is(sense::VALIDATE | sense::DEPLOY))
                || self.lines.iter().any(|line| is_promise(line.text, line.senses));
        if pending && self.shows(Skill::Sequence) {
            let line = "Sequence: finish validation on staging first, then deploy to production; fix ETA: today at the earliest, pending validation";
            answer.add(8, "Rollout", vec![line.to_owned()]);
        } else if pending && self.shows(Skill::Careful) {
            answer.add(
                5,
                "Rollout",
                vec!["Fix ETA: open, the deploy is still pending validation".to_owned()],
            );
        }
        if self.shows(Skill::Impact) {
            let told = self.pick(sense::IMPACT, count, &|line| line.weight > 1.8);
            answer.add(6, "Impact and affected customers", told);
        }
        if self.shows(Skill::Deadlines) {
            let told = self.pick(sense::DEADLINE, count, &|line| line.weight > 1.8);
            answer.add(7, "Deadlines", told);
        }
        if self.shows(Skill::Options) {
            let wide = self.desk.want.choice;
            let told =
                self.pick(sense::OPINION | sense::MONEY, if wide { 5 } else { 1 }, &|line| line.weight > 1.5);
            answer.add(if wide { 9 } else { 3 }, "Options and evidence", told);
        }
    }

    pub(super) fn tell_calendar(&mut self, answer: &mut Answer) {
        if self.shows(Skill::Conflicts) {
            let mut told = Vec::new();
            for clash in &self.clashes {
                if self.notices("clash", &clash.first) && told.len() < 4 {
                    let mut line = clash.text();
                    if self.shows(Skill::Resolution) {
                        line.push_str(&format!(
                            ". Proposed: reschedule {}, keep the other (higher priority)",
                            shortened(&clash.movable, 50)
                        ));
                    }
                    told.push(line);
                }
            }
            answer.add(if self.desk.want.calendar { 9 } else { 6 }, "Calendar conflicts", told);
        }
        if self.shows(Skill::Conflicts) && self.facts.calendar_read {
            let asked = self.scheduling_requests();
            answer.add(7, "Scheduling requests", asked);
        }
        let day = self.desk.want.day || self.desk.want.incident;
        if self.shows(Skill::Timeline) && day {
            self.tell_timeline(answer);
        }
    }

    fn tell_timeline(&mut self, answer: &mut Answer) {
        if self.desk.want.incident && self.facts.posts.len() > 2 {
            let mut posts: Vec<_> = self.facts.posts.iter().filter(|post| post.sent.is_some()).collect();
            posts.sort_by_key(|post| post.sent);
            let told = posts
                .iter()
                .filter(|post| {
                    sense::senses(&post.text)
                        & (sense::ROOT | sense::FIX | sense::URGENT | sense::DEPLOY | sense::DONE)
                        != 0
                })
                .filter(|post| {
                    !(self.shows(Skill::NoPromises) && is_promise(&post.text, sense::senses(&post.text)))
                })
                .filter_map(|post| {
                    post.sent.map(|sent| {
                        format!(
                            "{} {}: {}",
                            sent.clock(),
                            post.author,
                            self.without_ids(&shortened(&post.text, 90))
                        )
                    })
                })
                .take(8)
                .collect();
            answer.add(5, "Timeline", told);
            return;
        }
        let Some(day) = self.today else { return };
        let same = |meeting: &&super::facts::Meeting| {
            meeting.start.day.month == day.month && meeting.start.day.day == day.day
        };
        let told = self
            .facts
            .meetings
            .iter()
            .filter(same)
            .map(|meeting| {
                let end = clock24(meeting.end.minute);
                let notes = if self.shows(Skill::CrossReference) {
                    shortened(&meeting.notes, 70)
                } else {
                    String::new()
                };
                let place = if notes.is_empty() { shortened(&meeting.location, 20) } else { String::new() };
                let start = clock24(meeting.start.minute);
                format!("{start}–{end} — {} {notes}{place}", meeting.title).trim_end().to_owned()
            })
            .collect();
        answer.add(8, "Schedule for today (timeline)", told);
    }

    pub(super) fn tell_people(&mut self, answer: &mut Answer) {
        let fitting = self.desk.want.people || self.desk.want.choice;
        if !fitting || !self.shows(Skill::PerPerson) {
            return;
        }
        let mut names: Vec<String> = Vec::new();
        let owners = self.facts.tasks.iter().map(|task| &task.owner);
        for name in self.facts.posts.iter().map(|post| &post.author).chain(owners) {
            let bot = name.to_ascii_lowercase().contains("bot")
                || name.is_empty()
                || name.starts_with(&self.reader) && !self.reader.is_empty();
            if !bot && !names.contains(name) {
                names.push(name.clone());
            }
        }
        let mut told = Vec::new();
        for name in names.iter().take(7) {
            let said =
                self.pick(!0, 1, &|line| line.who == name && matches!(line.source, Source::Post(_))).pop();
            let open: Vec<String> = self
                .facts
                .tasks
                .iter()
                .filter(|task| !task.is_done() && task.owner == *name)
                .take(3)
                .map(|task| format!("{} [{}]", shortened(&task.label(), 40), task.status))
                .collect();
            let said = said.map(|said| said.replacen(&format!("{name}: "), "", 1));
            let parts: Vec<String> = said
                .into_iter()
                .chain((!open.is_empty()).then(|| format!("open: {}", open.join(", "))))
                .collect();
            let silent =
                self.facts.posts.len() > 2 && !self.facts.posts.iter().any(|post| post.author == *name);
            let parts =
                if silent { [parts, vec!["no update in chat, missing".to_owned()]].concat() } else { parts };
            if !parts.is_empty() {
                told.push(format!("**{name}**: {}", parts.join("; ")));
            }
        }
        answer.add(6, "Per-person updates", told);
    }
}

/// The part of a sentence that says until when.
pub(super) fn deadline_phrase(text: &str) -> Option<String> {
    let marks =
        [" by ", "due ", "closes ", "ends ", "expires ", "no later than ", "before ", "until ", "deadline"];
    let at = marks.iter().filter_map(|mark| text.find(mark)).min()?;
    let rest = &text[at..];
    let end = rest.find([',', ';', '(', '—']).unwrap_or(rest.len());
    let phrase = shortened(rest[..end].trim().trim_end_matches(['.', '?', '!']), 44);
    (phrase.len() > 4).then_some(phrase)
}
