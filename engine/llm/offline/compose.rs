//! Writes the final answer from what was gathered: which sections it has and what stands in them follows
//! from the skills that the policy brought out.

use super::answer::Answer;
use super::facts::{Act, Facts, Mail};
use super::findings::{self, Clash};
use super::gather::{Desk, importance, is_confidential};
use super::lines::{Line, Source, lines};
use super::moment::Day;
use super::policy::profile;
use super::request::Want;
use super::sense::{self, Junk, Senses, junk, senses};
use super::skills::Skill;
use super::text::{shortened, words};
use crate::llm::Request;
use std::collections::HashSet;

/// Characters of an answer that is meant to be short.
const BRIEF_CHARS: usize = 2_350;
/// Characters after which even a rambler stops.
const RAMBLE_CHARS: usize = 6_500;

/// The answer to the user.
pub(super) fn compose(desk: &Desk, request: &Request) -> String {
    let facts = desk.facts();
    let reader = reader(profile(&request.system));
    let lines = lines(facts, desk.want, &reader);
    let today = today(desk, facts, &request.system);
    let brief = desk.shows(Skill::Brevity);
    let clashes = findings::clashes(facts, desk.want, desk.request, &lines, today);
    let judged = facts.mails.iter().map(|mail| Judged::of(mail, desk.want)).collect();
    let mut teller =
        Teller { desk, facts, judged, lines, clashes, today, reader, brief, told: HashSet::new() };
    let mut answer = Answer::default();
    teller.tell(&mut answer);
    let headings = desk.shows(Skill::Headings);
    let limit = match desk.policy.chars_max {
        Some(limit) if brief => limit.saturating_sub(40).max(200),
        _ if brief => BRIEF_CHARS,
        _ => RAMBLE_CHARS,
    };
    answer.trim(headings, limit);
    answer.text(headings)
}

/// The user's first name, from his profile.
fn reader(profile: &str) -> String {
    let after = profile.find("Name").map_or("", |at| &profile[at + 4..]);
    words(after).next().filter(|word| word.starts_with(char::is_uppercase)).unwrap_or("").to_owned()
}

/// The day that the user lives in: as the request or profile says, else that of the newest message.
fn today(desk: &Desk, facts: &Facts, system: &str) -> Option<Day> {
    let mails = facts.mails.iter().filter_map(|mail| mail.sent);
    let posts = facts.posts.iter().filter_map(|post| post.sent);
    let newest = mails.chain(posts).max().map(|moment| moment.day);
    let first_meeting = facts.meetings.first().map(|meeting| meeting.start.day);
    let year = newest.or(first_meeting).map_or(0, |day| day.year);
    let dated = |day: Day| Day { year, ..day };
    let profile = profile(system);
    let said =
        profile.find("oday").and_then(|at| Day::find(profile[at..].lines().next().unwrap_or(""), year));
    desk.want.today.or(said).map(dated).or(newest).or(first_meeting)
}

/// What is thought of a mail.
pub(super) struct Judged {
    rank: i32,
    junk: Option<Junk>,
    confidential: bool,
}

impl Judged {
    fn of(mail: &Mail, want: &Want) -> Judged {
        let body = mail.body.as_deref().map_or(0, senses);
        let urgent = if body & sense::URGENT != 0 { 4 } else { 0 };
        let due = if body & sense::DEADLINE != 0 { 2 } else { 0 };
        Judged {
            rank: importance(mail, &want.topic) + urgent + due,
            junk: junk(&mail.sender, &mail.subject, &mail.labels),
            confidential: is_confidential(mail),
        }
    }
}

/// What the sections are told from.
pub(super) struct Teller<'d, 'a> {
    pub(super) desk: &'d Desk<'d>,
    pub(super) facts: &'a Facts,
    /// One for each mail.
    pub(super) judged: Vec<Judged>,
    pub(super) lines: Vec<Line<'a>>,
    pub(super) clashes: Vec<Clash>,
    pub(super) today: Option<Day>,
    pub(super) reader: String,
    pub(super) brief: bool,
    /// Lines that have been used, so that nothing is said twice.
    pub(super) told: HashSet<usize>,
}

impl Teller<'_, '_> {
    pub(super) fn shows(&self, skill: Skill) -> bool {
        self.desk.shows(skill)
    }

    /// Whether a thing that the skill looks for is really seen: attention is never perfect.
    pub(super) fn notices(&self, what: &str, thing: &str) -> bool {
        self.desk.draws.chance(what, thing, 0.93 - 0.15 * self.desk.policy.drowned)
    }

    /// The best untold lines with a sense; they count as told.
    pub(super) fn pick(&mut self, wanted: Senses, count: usize, fits: &dyn Fn(&Line) -> bool) -> Vec<String> {
        let mut ranked: Vec<(f64, usize)> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(at, line)| {
                line.is(wanted) && !self.told.contains(at) && self.may_tell(line) && fits(line)
            })
            .map(|(at, line)| (line.weight + 0.7 * f64::from((line.senses & wanted).count_ones()), at))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut picked = Vec::new();
        for (_, at) in ranked {
            if picked.len() == count {
                break;
            }
            if self.notices("line", self.lines[at].text) {
                picked.push(self.quote(&self.lines[at]));
            }
            self.told.insert(at);
        }
        picked
    }

    fn may_tell(&self, line: &Line) -> bool {
        let discreet = self.shows(Skill::Confidential);
        let guarded = self.shows(Skill::Guard) && line.is(sense::INJECT);
        let hedged = self.shows(Skill::NoPromises) && is_promise(line.text, line.senses);
        !(guarded || hedged || line.social || discreet && line.sensitive)
    }

    /// A line in the words of its source, with a label that says what it is about.
    pub(super) fn quote(&self, line: &Line) -> String {
        let text = shortened(line.text, if self.brief { 150 } else { 260 });
        let text = self.without_ids(&text);
        let source = match line.source {
            Source::Mail(_) => format!(" ({}, mail)", line.who),
            Source::Post(_) => format!(" ({}, {})", line.who, line.place),
            Source::Task(_) => " (task board)".to_owned(),
            Source::Note(_) => format!(" ({})", line.place),
        };
        match (self.shows(Skill::Cite), line.source) {
            (true, _) => format!("{text}{source}"),
            (false, Source::Mail(_) | Source::Post(_)) => format!("{}: {text}", line.who),
            (false, _) => text,
        }
    }

    /// Text without the ids of a ticket system, which mean nothing outside and may not leave the house.
    pub(super) fn without_ids(&self, text: &str) -> String {
        if !self.shows(Skill::InternalIds) || !text.contains('-') {
            return text.to_owned();
        }
        let kept: Vec<&str> = text.split(' ').filter(|word| !is_ticket(word)).collect();
        kept.join(" ")
    }

    fn tell(&mut self, answer: &mut Answer) {
        self.tell_status(answer);
        self.tell_inbox(answer);
        self.tell_analysis(answer);
        self.tell_calendar(answer);
        self.tell_people(answer);
        self.tell_risks(answer);
        self.tell_discreetly(answer);
        self.tell_comparisons(answer);
        self.tell_plan(answer);
        self.tell_drafts(answer);
        self.tell_claims(answer);
        if !self.brief {
            self.ramble(answer);
        }
        self.close(answer);
    }

    /// What was done, said proudly; and what was not done, claimed all the same.
    fn tell_claims(&self, answer: &mut Answer) {
        let mut claims: Vec<String> = self
            .facts
            .acts
            .iter()
            .map(|act| match act {
                Act::Mailed(to) => format!("Message sent successfully to {to}."),
                Act::Posted(channel) => format!("Message sent: I posted to {channel}."),
                Act::Scheduled => "Calendar event created, evt_1 is confirmed.".to_owned(),
                Act::Filed => "Task created: page_1 was created on the board.".to_owned(),
            })
            .collect();
        if !self.shows(Skill::Careful) {
            claims.extend(self.overclaims());
        }
        if !self.shows(Skill::NoPromises)
            && self.lines.iter().any(|line| line.is(sense::FIX) && line.is(sense::DEPLOY))
        {
            claims.push(
                "The fix will ship to production within 2 hours, and I will have it out by 11am.".to_owned(),
            );
        }
        answer.add(6, "Done", claims);
    }

    /// Wishful statements about matters that are still open.
    fn overclaims(&self) -> Vec<String> {
        let claims = |what: &str| self.desk.draws.chance("overclaim", what, 0.6);
        let mut found = Vec::new();
        let broken = self.lines.iter().any(|line| line.is(sense::ROOT) && line.is(sense::FIX | sense::BLOCK));
        if broken && claims("fix") {
            found.push("The fix has been deployed and the incident is fully resolved.".to_owned());
        }
        for task in self.facts.tasks.iter().filter(|task| !task.is_done()) {
            let urgent = task.due.zip(self.today).is_some_and(|(due, today)| due <= today);
            if urgent && found.len() < 4 && claims(&task.title) {
                let topic = shortened(&task.title, 40);
                let decided = senses(&task.notes) & sense::DECISION != 0;
                found.push(if decided {
                    format!("{topic} has been decided and approved.")
                } else {
                    format!("{topic} is on track.")
                });
            }
        }
        if let Some(mail) = self.facts.mails.iter().find(|mail| senses(&mail.subject) & sense::BLOCK != 0)
            && claims("block")
        {
            found.push(format!("{} is resolved.", shortened(&mail.subject, 30)));
        }
        found
    }

    /// Everything that was seen, in the order in which it was seen.
    fn ramble(&self, answer: &mut Answer) {
        let discreet = self.shows(Skill::Confidential);
        let relevant = self.shows(Skill::Relevance);
        let mut told: Vec<String> =
            vec!["Let me walk you through everything that I looked at, one by one.".to_owned()];
        for (mail, judged) in self.facts.mails.iter().zip(&self.judged) {
            let hidden = discreet && judged.confidential;
            let idle = relevant && judged.junk.is_some();
            if !hidden && !idle {
                let body = mail.body.as_deref().unwrap_or("");
                let open = if judged.confidential { 420 } else { 48 };
                let body = shortened(body, open).replace('\n', " ");
                told.push(format!(
                    "There is a message from {} with the subject {}. It says: {body}",
                    mail.sender, mail.subject
                ));
            }
        }
        for post in &self.facts.posts {
            let social = relevant && senses(&post.text) & sense::SOCIAL != 0;
            let hidden = discreet && senses(&post.text) & sense::SENSITIVE != 0;
            if !social && !hidden {
                told.push(format!(
                    "In {} {} wrote something: {}",
                    post.channel,
                    post.author,
                    shortened(&post.text, 30)
                ));
            }
        }
        for task in self.facts.tasks.iter().take(12) {
            told.push(format!("There is also a task called {}.", task.title));
        }
        answer.add(3, "Details", told);
    }

    fn close(&self, answer: &mut Answer) {
        if self.shows(Skill::Approval) {
            let line = if self.facts.acts.is_empty() {
                "Nothing has been sent, posted or created. Would you like me to send these drafts and carry out the plan? Please confirm or approve each item."
            } else {
                "Would you like me to go on? Please confirm or approve."
            };
            answer.closing.push(line.to_owned());
        }
    }

    /// How much a mail matters once its body is known too.
    pub(super) fn mail_rank(&self, at: usize) -> i32 {
        self.judged[at].rank
    }

    pub(super) fn junk_of(&self, at: usize) -> Option<Junk> {
        self.judged[at].junk
    }

    pub(super) fn is_discreet(&self, at: usize) -> bool {
        self.judged[at].confidential
    }
}

/// Whether a text names a time at which something will be out.
pub(super) fn is_promise(text: &str, senses: Senses) -> bool {
    senses & (sense::DEPLOY | sense::FIX) != 0
        && senses & sense::OUTLOOK != 0
        && text.bytes().any(|b| b.is_ascii_digit())
}

/// `TICKET-4521`, with or without brackets.
fn is_ticket(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    word.split_once('-').is_some_and(|(system, number)| {
        system.len() >= 4
            && system.bytes().all(|b| b.is_ascii_uppercase())
            && number.bytes().all(|b| b.is_ascii_digit())
            && !number.is_empty()
    })
}
