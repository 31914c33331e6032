//! What the user wants: the sources to look at and the kind of answer, by the words of the request.

use super::moment::{Clock, Day, clocks};
use super::text::{Key, keys};

/// The request, understood.
pub(super) struct Want {
    pub(super) mail: bool,
    pub(super) chat: bool,
    pub(super) calendar: bool,
    pub(super) tasks: bool,
    pub(super) documents: bool,
    pub(super) web: bool,
    /// Replies are to be written.
    pub(super) drafts: bool,
    /// The answer is about who does what.
    pub(super) people: bool,
    /// The user's day or week is to be laid out.
    pub(super) day: bool,
    /// Somebody outside the house waits for an answer.
    pub(super) client: bool,
    /// Something went wrong and is looked back upon or dealt with.
    pub(super) incident: bool,
    /// The inbox is to be sorted.
    pub(super) triage: bool,
    /// A choice is to be prepared: a candidate, a contract, an offer.
    pub(super) choice: bool,
    /// What the request is about.
    pub(super) topic: Vec<Key>,
    pub(super) clocks: Vec<Clock>,
    pub(super) today: Option<Day>,
    /// Workspace files that the request names.
    pub(super) files: Vec<String>,
}

impl Want {
    pub(super) fn read(request: &str) -> Want {
        let lower = request.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| has_word(&lower, word));
        let mut want = Want {
            mail: says(&[
                "inbox",
                "mail",
                "mails",
                "email",
                "emails",
                "e-mail",
                "e-mails",
                "overnight",
                "thread",
                "threads",
            ]),
            chat: says(&["slack", "channel", "channels", "chat", "chats", "messages", "messaging"]),
            calendar: says(&[
                "calendar",
                "schedule",
                "scheduling",
                "conflict",
                "conflicts",
                "meeting",
                "meetings",
                "agenda",
                "availability",
                "slot",
                "slots",
                "diary",
            ]),
            tasks: says(&[
                "task",
                "tasks",
                "board",
                "sprint",
                "ticket",
                "tickets",
                "backlog",
                "to-do",
                "todo",
                "todos",
                "notion",
                "action items",
            ]),
            documents: says(&[
                "document",
                "documents",
                "docs",
                "doc",
                "contract",
                "agreement",
                "playbook",
                "runbook",
                "policy",
                "scorecard",
                "scorecards",
                "proposal",
                "spec",
            ]),
            web: says(&[
                "web",
                "search the web",
                "online",
                "competitor",
                "competitors",
                "market",
                "benchmark",
                "look up",
                "alternatives",
                "public",
                "website",
            ]),
            drafts: says(&[
                "draft",
                "drafts",
                "reply",
                "replies",
                "respond",
                "response",
                "write to",
                "announcement",
            ]),
            client: says(&["client", "customer", "escalation", "escalated", "vendor", "supplier"]),
            people: says(&["standup", "stand-up", "team", "who", "people", "everyone", "panel", "engineers"]),
            day: says(&[
                "day",
                "morning",
                "brief",
                "briefing",
                "week",
                "timeblock",
                "timeblocked",
                "agenda",
                "schedule",
            ]),
            incident: says(&[
                "incident",
                "outage",
                "postmortem",
                "post-mortem",
                "escalation",
                "escalated",
                "review of",
                "timeline",
                "what happened",
                "root cause",
                "bug",
            ]),
            triage: says(&["inbox", "triage", "sort", "classify", "process"]),
            choice: says(&[
                "decide",
                "decision",
                "candidate",
                "candidates",
                "hire",
                "hiring",
                "debrief",
                "renewal",
                "renew",
                "vendor",
                "contract",
                "negotiate",
                "negotiation",
                "offer",
                "recommend",
                "recommendation",
                "option",
                "options",
                "compare",
            ]),
            topic: keys(request),
            clocks: clocks(request),
            today: Day::find(request, 0),
            files: files(request),
        };
        want.widen(&says);
        want
    }

    /// The source that nobody would leave out.
    pub(super) fn main_source(&self) -> &'static str {
        if self.triage || self.mail && !self.day {
            "mail"
        } else if self.chat {
            "chat"
        } else {
            "calendar"
        }
    }

    /// A brief needs more than it names; a request that names nothing needs everything.
    fn widen(&mut self, says: &dyn Fn(&[&str]) -> bool) {
        if says(&["brief", "briefing", "what matters", "catch me up", "my day", "overview"]) {
            self.calendar = true;
            self.tasks = true;
            self.mail |= !says(&["standup", "stand-up"]);
        }
        if says(&["standup", "stand-up", "sprint"]) {
            self.chat = true;
            self.tasks = true;
            self.calendar = true;
        }
        if self.incident {
            self.chat = true;
            self.tasks = true;
        }
        if self.choice {
            self.mail = true;
            self.chat = true;
            self.tasks = true;
            self.documents = true;
        }
        self.calendar |=
            self.clocks.len() >= 2 || says(&["be there", "attend", "clashes", "clash", "free at"]);
        if !(self.mail || self.chat || self.calendar || self.tasks || self.documents) {
            (self.mail, self.chat, self.calendar, self.tasks) = (true, true, true, true);
        }
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let bytes = text.as_bytes();
    text.match_indices(word).any(|(at, _)| {
        let edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        edge(at.checked_sub(1).and_then(|before| bytes.get(before))) && edge(bytes.get(at + word.len()))
    })
}

fn files(request: &str) -> Vec<String> {
    request
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '`' | '"' | '\''))
        .map(|word| word.trim_end_matches(['.', ':', ';', '?', '!']))
        .filter(|word| {
            word.rsplit_once('.').is_some_and(|(stem, end)| {
                !stem.is_empty() && matches!(end, "md" | "json" | "txt" | "csv" | "yaml")
            })
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_follow_from_the_words() {
        let check = |request: &str, expected: [bool; 4]| {
            let want = Want::read(request);
            assert_eq!([want.mail, want.chat, want.calendar, want.tasks], expected, "{request}");
        };
        check("Sort my inbox.", [true, false, false, false]);
        check("Prepare the standup.", [false, true, true, true]);
        check("Help me.", [true, true, true, true]);
        check("Check Slack and my calendar.", [false, true, true, false]);
    }

    #[test]
    fn named_files_and_days_are_found() {
        let want = Want::read("On March 3, read `plan.md`.");
        assert_eq!(want.files, ["plan.md"]);
        assert_eq!(want.today.map(|day| (day.month, day.day)), Some((3, 3)));
    }
}
