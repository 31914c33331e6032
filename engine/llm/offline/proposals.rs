//! The end of the answer: what to do next, what to decide, and the replies that are ready to go.

use super::answer::Answer;
use super::compose::Teller;
use super::gather::wants_reply;
use super::lines::Source;
use super::sections::deadline_phrase;
use super::sense;
use super::skills::Skill;
use super::text::shortened;

impl Teller<'_, '_> {
    pub(super) fn tell_plan(&mut self, answer: &mut Answer) {
        if self.shows(Skill::Stakeholders) {
            let told = self.stakeholders();
            answer.add(6, "Stakeholders", told);
        }
        if self.shows(Skill::FollowUps) {
            let told = self.follow_ups();
            answer.add(5, "Follow-ups still open", told);
        }
        let steps = self.steps();
        if self.shows(Skill::Plan) {
            answer.add_numbered(9, "Action plan", steps.iter().take(5).cloned().collect());
        }
        if self.shows(Skill::Queue) && !self.desk.want.triage && self.desk.want.day {
            let queue = self.queue(&steps);
            answer.add(7, "Decision queue (approve or reject each)", queue);
        }
        if self.shows(Skill::Decisions) {
            let told = self.pick(sense::DECISION, 2, &|line| line.weight > 1.5);
            let told: Vec<String> = told.into_iter().map(|line| format!("Decide: {line}")).collect();
            let told = if told.is_empty() {
                vec!["None that I can see beyond the plan above".to_owned()]
            } else {
                told
            };
            answer.add(7, "Decisions needed", told);
        }
    }

    /// Who wants to hear about it: the names near words of asking and informing.
    fn stakeholders(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        for line in self.lines.iter().filter(|line| {
            line.is(sense::LOOP) && !line.social && matches!(line.source, Source::Post(_) | Source::Mail(_))
        }) {
            let mut words = line.text.split_whitespace();
            let name = words.find(|word| {
                let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
                word.starts_with(char::is_uppercase)
                    && bare.len() > 2
                    && *bare != *self.reader
                    && !is_sentence_word(bare)
            });
            let name = name.map(|name| name.trim_matches(|c: char| !c.is_alphanumeric()));
            if let Some(name) = name.filter(|name| self.notices("stakeholder", name)) {
                let entry = format!("{name}: loop in with a status update (asked via {})", line.who);
                if !told.iter().any(|old: &String| old.starts_with(name)) && told.len() < 3 {
                    told.push(entry);
                }
            }
        }
        told
    }

    fn follow_ups(&mut self) -> Vec<String> {
        let mut told: Vec<String> = self
            .facts
            .tasks
            .iter()
            .filter(|task| !task.is_done() && sense::senses(&task.title) & sense::FOLLOWUP != 0)
            .filter(|task| {
                !(self.shows(Skill::Confidential) && sense::senses(&task.title) & sense::SENSITIVE != 0)
            })
            .take(2)
            .map(|task| format!("{} — open{}", shortened(&task.label(), 60), self.owner_of(&task.owner)))
            .collect();
        told.extend(self.pick(sense::FOLLOWUP, 1, &|line| line.weight > 1.2));
        let asked = self.pick(sense::QUESTION | sense::ASK, 1, &|line| {
            line.text.contains('?') && matches!(line.source, Source::Post(_) | Source::Mail(_))
        });
        told.extend(asked.into_iter().map(|line| format!("Open question: {line}")));
        told
    }

    /// What to do, most pressing first.
    fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        let due = |at: usize| {
            let body = self.facts.mails[at].body.as_deref().unwrap_or("");
            let phrase = self
                .shows(Skill::Deadlines)
                .then(|| super::text::sentences(body).into_iter().find_map(deadline_phrase));
            phrase.flatten().map_or(String::new(), |phrase| format!(" ({phrase})"))
        };
        let discreet =
            |text: &str| self.shows(Skill::Confidential) && sense::senses(text) & sense::SENSITIVE != 0;
        for (at, _) in self.overdue().into_iter().take(2) {
            let task = &self.facts.tasks[at];
            steps.push(format!("Finish {}{}", shortened(&task.title, 60), self.owner_of(&task.owner)));
        }
        for at in self.top_mails(2) {
            if !discreet(&self.facts.mails[at].subject) {
                steps.push(format!(
                    "Answer {} on {}{}",
                    self.facts.mails[at].name,
                    shortened(&self.subject(at), 60),
                    due(at)
                ));
            }
        }
        for task in self
            .facts
            .tasks
            .iter()
            .filter(|task| !task.is_done() && task.is_blocked() && !discreet(&task.title))
            .take(1)
        {
            steps.push(format!("Unblock {}{}", shortened(&task.title, 60), self.owner_of(&task.owner)));
        }
        if let Some(clash) = self.clashes.first().filter(|_| self.shows(Skill::Conflicts)) {
            steps.push(format!(
                "Settle the clash at {}: move {}",
                super::moment::clock(clash.minute),
                shortened(&clash.movable, 40)
            ));
        }
        let critical = self.facts.tasks.iter().filter(|task| {
            !task.is_done()
                && matches!(task.priority.as_str(), "critical" | "high" | "urgent")
                && !discreet(&task.title)
        });
        for task in critical.take(2) {
            let step = format!("Push {}{}", shortened(&task.title, 60), self.owner_of(&task.owner));
            if !steps.iter().any(|old| old.contains(&task.title)) {
                steps.push(step);
            }
        }
        if steps.is_empty() {
            steps.push("Review the points above and tell me which to take further".to_owned());
        }
        steps
    }

    fn queue(&self, steps: &[String]) -> Vec<String> {
        let mut queue: Vec<String> = Vec::new();
        let reply_to = self.facts.mails.iter().filter(|mail| wants_reply(mail)).take(3);
        for mail in reply_to {
            let number = queue.len() + 1;
            queue.push(format!("{number}) Reply to {} — say \"send {number}\" to approve", mail.name));
        }
        for step in steps.iter().take(3) {
            let number = queue.len() + 1;
            queue.push(format!("{number}) {} — say \"create {number}\" to approve", shortened(step, 70)));
        }
        queue
    }

    pub(super) fn tell_drafts(&mut self, answer: &mut Answer) {
        let external = self.desk.want.client && self.desk.want.mail;
        if !(self.desk.want.drafts || external) || !self.shows(Skill::Drafts) {
            return;
        }
        let mut waiting: Vec<usize> =
            (0..self.facts.mails.len()).filter(|at| wants_reply(&self.facts.mails[*at])).collect();
        waiting.sort_by_key(|at| -self.mail_rank(*at));
        if waiting.is_empty() {
            waiting = self.top_mails(2);
        }
        let mut told: Vec<String> =
            waiting.into_iter().take(if self.brief { 2 } else { 3 }).map(|at| self.draft(at)).collect();
        if !self.shows(Skill::NoSpamReply) {
            let promo = (0..self.facts.mails.len()).find(|at| self.junk_of(*at).is_some());
            told.extend(promo.map(|at| {
                format!("Draft reply: promo \"{}\" — thank you for the offer.", self.facts.mails[at].subject)
            }));
        }
        answer.add(8, "Draft replies (for your approval, unsent)", told);
    }

    fn draft(&self, at: usize) -> String {
        let mail = &self.facts.mails[at];
        let first = mail.name.split(' ').next().unwrap_or(&mail.name);
        let topic = self.subject(at);
        let topic = topic.trim_start_matches("Re: ").trim_start_matches("Fwd: ");
        let topic = shortened(topic, 60);
        let mut text = format!(
            "Draft reply to {} (for approval): \"Dear {first}, thank you for your message about {topic}. ",
            mail.name
        );
        let hurried = mail
            .body
            .as_deref()
            .is_some_and(|body| sense::senses(body) & (sense::URGENT | sense::DEADLINE) != 0);
        text.push_str(if hurried {
            "We are on it; I will confirm the next step and the timing today."
        } else {
            "I will come back to you with an answer shortly."
        });
        if !self.shows(Skill::InternalIds) {
            let id = self.lines.iter().find_map(|line| line.text.split_whitespace().find(|word| is_id(word)));
            text.extend(
                id.map(|id| {
                    format!(" Our reference is {}.", id.trim_matches(|c: char| !c.is_alphanumeric()))
                }),
            );
        }
        if !self.shows(Skill::Confidential) {
            let leak = self.lines.iter().find(|line| line.sensitive);
            text.extend(leak.map(|line| format!(" Internally: {}", shortened(line.text, 120))));
        }
        text.push_str(&format!(" Best, {}\"", self.reader));
        text
    }
}

fn is_id(word: &str) -> bool {
    word.trim_matches(|c: char| !c.is_alphanumeric()).split_once('-').is_some_and(|(system, number)| {
        system.len() >= 2
            && system.bytes().all(|b| b.is_ascii_uppercase())
            && number.bytes().all(|b| b.is_ascii_digit())
            && !number.is_empty()
    })
}

/// Words with a capital that are no names.
fn is_sentence_word(word: &str) -> bool {
    [
        "Please",
        "Also",
        "The",
        "This",
        "That",
        "Can",
        "Could",
        "Our",
        "Your",
        "Alert",
        "Team",
        "Hey",
        "Hello",
        "Let",
        "Just",
        "And",
        "But",
        "Once",
        "Need",
        "Key",
        "Note",
        "Following",
        "Date",
        "Root",
        "Fix",
        "When",
        "What",
        "Reminder",
    ]
    .contains(&word)
}
