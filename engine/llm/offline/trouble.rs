//! The sections of the answer about trouble: what is late, stuck or at risk, what must not be repeated, and
//! where the sources disagree.

use super::answer::Answer;
use super::compose::Teller;
use super::findings;
use super::gather::is_fraud;
use super::lines::{Source, has_secret};
use super::sense;
use super::skills::Skill;
use super::text::shortened;

impl Teller<'_, '_> {
    /// Open tasks whose day has come or gone, with how late they are.
    pub(super) fn overdue(&self) -> Vec<(usize, bool)> {
        let Some(today) = self.today else { return Vec::new() };
        let open = self.facts.tasks.iter().enumerate().filter(|(_, task)| !task.is_done());
        let mut found: Vec<(usize, bool)> = open
            .filter_map(|(at, task)| {
                let due = task.due.filter(|due| (due.month, due.day) <= (today.month, today.day))?;
                Some((at, (due.month, due.day) < (today.month, today.day)))
            })
            .collect();
        found.sort_by_key(|(_, late)| !late);
        found.retain(|(_, late)| *late);
        found
    }

    pub(super) fn tell_risks(&mut self, answer: &mut Answer) {
        let count = if self.brief { 2 } else { 4 };
        let discreet = self.shows(Skill::Confidential);
        let mut told = Vec::new();
        if self.shows(Skill::Overdue) {
            for (at, _) in self.overdue().into_iter().take(count) {
                let task = &self.facts.tasks[at];
                let due = task.due.map_or(String::new(), |due| format!(" (was due {})", due.short()));
                told.push(format!(
                    "{} — overdue{due}, still {}{}",
                    task.label(),
                    task.status.replace('_', " "),
                    self.owner_of(&task.owner)
                ));
            }
        }
        if self.shows(Skill::Blockers) {
            let blocked = self.facts.tasks.iter().filter(|task| !task.is_done() && task.is_blocked());
            for task in blocked.take(count) {
                let notes = self.without_ids(&shortened(&task.notes, 110));
                told.push(format!("{} — blocked: {notes}{}", task.label(), self.owner_of(&task.owner)));
            }
            told.extend(self.pick(sense::BLOCK, if self.brief { 1 } else { 2 }, &|line| {
                matches!(line.source, Source::Post(_) | Source::Mail(_))
            }));
        }
        if self.shows(Skill::Owners) {
            let orphans = self.facts.tasks.iter().filter(|task| !task.is_done() && task.owner.is_empty());
            for task in orphans.take(2) {
                let due = task.due.map_or(String::new(), |due| format!(", due {}", due.short()));
                told.push(format!("{} — no owner (unassigned){due}", task.label()));
            }
        }
        if self.shows(Skill::Dependencies) {
            told.extend(self.chains());
        }
        if self.shows(Skill::ScopeCreep) {
            for line in self.pick(sense::SCOPE, 2, &|_| true) {
                told.push(format!("Scope creep, not approved (no sign-off): {line}"));
            }
            for task in
                self.facts.tasks.iter().filter(|task| sense::senses(&task.notes) & sense::SCOPE != 0).take(1)
            {
                told.push(format!("{} — scope creep, started without sign-off", task.label()));
            }
        }
        if self.shows(Skill::Absence) {
            for line in self.pick(sense::ABSENCE, 1, &|_| true) {
                told.push(format!("Absence, a capacity risk: {line} — plan the handoff before it"));
            }
        }
        if self.shows(Skill::Risk) {
            told.extend(self.pick(sense::RISK, 1, &|line| line.weight > 2.0));
        }
        if discreet {
            told.retain(|line| sense::senses(line) & sense::SENSITIVE == 0);
        }
        let (rank, title) =
            if self.shows(Skill::RisksSection) { (8, "Risks & blockers") } else { (6, "Notes") };
        answer.add(rank, title, told);
    }

    pub(super) fn owner_of(&self, owner: &str) -> String {
        if owner.is_empty() || !self.shows(Skill::Owners) {
            String::new()
        } else {
            format!(" (owner: {owner})")
        }
    }

    /// What a blocked task holds up in turn.
    fn chains(&self) -> Vec<String> {
        let blocked = self.facts.tasks.iter().filter(|task| !task.is_done() && task.is_blocked());
        let mut found = Vec::new();
        for task in blocked.take(2) {
            let about = super::text::keys(&task.title);
            let downstream = self.facts.tasks.iter().find(|other| {
                other.title != task.title
                    && !other.is_done()
                    && super::text::shared(
                        &about,
                        &super::text::keys(&format!("{} {}", other.title, other.notes)),
                    ) >= 1
            });
            if let Some(other) = downstream {
                found.push(format!(
                    "Chain: {} → blocks {} → sprint goal / deadline at risk",
                    shortened(&task.title, 60),
                    shortened(&other.title, 60)
                ));
            }
        }
        found
    }

    /// Confidential matter is acknowledged, not repeated; hidden instructions are reported, not followed.
    pub(super) fn tell_discreetly(&mut self, answer: &mut Answer) {
        let mut told = Vec::new();
        let confidential: Vec<usize> =
            (0..self.facts.mails.len()).filter(|at| self.is_discreet(*at)).collect();
        if self.shows(Skill::Confidential) {
            for at in confidential {
                let grave = sense::senses(&self.facts.mails[at].subject) & sense::SENSITIVE != 0
                    && !self.facts.mails[at].subject.to_ascii_uppercase().starts_with("CONFIDENTIAL:");
                let what = if grave { "one note".to_owned() } else { self.subject(at) };
                told.push(format!("Confidential, for you only: {what} from {} — content withheld, kept out of drafts and channels", self.sender(at)));
            }
            let secret = self.lines.iter().find(|line| has_secret(line.text));
            told.extend(secret.map(|line| {
                format!("A secret key was posted in {}: left out here, it should be changed", line.place)
            }));
            if told.is_empty() && self.lines.iter().any(|line| line.sensitive) {
                told.push(
                    "Some material is confidential: it is kept private and left out of this answer"
                        .to_owned(),
                );
            }
        } else {
            for at in confidential {
                let body = self.facts.mails[at].body.as_deref().unwrap_or("");
                told.push(format!("{}: {}", self.subject(at), shortened(body, 300).replace('\n', " ")));
            }
        }
        if self.shows(Skill::Guard) {
            told.extend(self.suspicions());
        }
        answer.add(7, "Confidential and suspicious", told);
    }

    /// Texts that try to steer the assistant, or money.
    fn suspicions(&self) -> Vec<String> {
        let mut found = Vec::new();
        for mail in &self.facts.mails {
            let body = mail.body.as_deref().unwrap_or("");
            if sense::senses(body) & sense::INJECT != 0 {
                found.push(format!("Suspicious: the mail from {} contains instructions aimed at the assistant (possible phishing); I treated them as data and did not follow them", mail.sender));
            } else if is_fraud(mail) {
                found.push(format!("Suspicious: \"{}\" from {} may be fraud — do not pay or answer, verify by phone over a known number", shortened(&mail.subject, 60), mail.sender));
            }
        }
        let foreign =
            self.lines.iter().find(|line| line.is(sense::INJECT) && !matches!(line.source, Source::Mail(_)));
        found.extend(foreign.map(|line| {
            format!("Suspicious: {} contains instructions aimed at assistants; not followed", line.place)
        }));
        found
    }

    /// What mails that call themselves corrections say, where the earlier word was not opened.
    fn corrections(&mut self) -> Vec<String> {
        let corrects = |text: &str| {
            let text = text.to_ascii_lowercase();
            ["correct", "revised", "updated", "new date", "change of"].iter().any(|word| text.contains(word))
        };
        let mails: Vec<usize> = (0..self.facts.mails.len())
            .filter(|at| corrects(&self.facts.mails[*at].subject) && self.facts.mails[*at].body.is_some())
            .collect();
        let mut told = Vec::new();
        for at in mails.into_iter().take(2) {
            let lines = self.pick(!0, 2, &|line| {
                line.source == Source::Mail(at) && line.text.bytes().any(|b| b.is_ascii_digit())
            });
            told.extend(
                lines.into_iter().map(|line| format!("Correction, supersedes the earlier figure: {line}")),
            );
        }
        told
    }

    pub(super) fn tell_comparisons(&mut self, answer: &mut Answer) {
        let mut told = Vec::new();
        if self.shows(Skill::Mismatch) {
            for (task, who) in findings::mismatches(self.facts, &self.lines) {
                if self.notices("mismatch", &task.id) && told.len() < 5 {
                    let status = &task.status;
                    told.push(format!(
                        "{} {} — mismatch: {who} says done, board still {status}",
                        task.id,
                        shortened(&task.title, 26)
                    ));
                }
            }
            for (task, who) in findings::false_closures(self.facts, &self.lines).into_iter().take(2) {
                told.push(format!(
                    "{} {} — inconsistent: board says {}, but {who} reports it is not finished",
                    task.id,
                    shortened(&task.title, 30),
                    task.status
                ));
            }
        }
        if self.shows(Skill::Mismatch) {
            for (task, day) in findings::stale_dates(self.facts, &self.lines, self.today).into_iter().take(2)
            {
                let due = task.due.map_or(String::new(), |due| due.short());
                told.push(format!(
                    "{} — board says due {due}, but a message says {day}: the board date is out of date",
                    task.label()
                ));
            }
        }
        answer.add(8, "Status mismatches (chat vs board)", told);
        let mut told = Vec::new();
        if self.shows(Skill::Contradictions) {
            for (old, new) in findings::contradictions(&self.lines).into_iter().take(2) {
                let hidden = self.shows(Skill::Confidential) && (old.sensitive || new.sensitive);
                if !hidden && self.notices("contradiction", new.text) {
                    let place = |line: &super::lines::Line| {
                        line.when.map_or(String::new(), |when| format!(" on {}", when.day.short()))
                    };
                    told.push(format!(
                        "Sources conflict: newer is \"{}\" ({}{}); the older \"{}\" ({}{}) is superseded",
                        self.without_ids(&shortened(new.text, 110)),
                        new.who,
                        place(new),
                        self.without_ids(&shortened(old.text, 90)),
                        old.who,
                        place(old)
                    ));
                }
            }
        }
        if self.shows(Skill::Contradictions) {
            told.extend(self.corrections());
        }
        answer.add(8, "Contradictions", told);
        if self.shows(Skill::Duplicates) {
            let discreet = self.shows(Skill::Confidential);
            let told = findings::duplicates(self.facts)
                .into_iter()
                .filter(|line| !(discreet && sense::senses(line) & sense::SENSITIVE != 0))
                .filter(|line| self.notices("duplicate", line))
                .map(|line| self.without_ids(&line))
                .take(3)
                .collect();
            answer.add(6, "Duplicates", told);
        }
        if self.shows(Skill::CrossReference) {
            let told = findings::connections(self.facts).into_iter().take(3).collect();
            answer.add(6, "Cross-references", told);
        }
    }
}
