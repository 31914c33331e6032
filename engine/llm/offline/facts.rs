//! What the conversation so far has brought to light: which tools were called, and the mails, meetings,
//! tasks, messages and notes that came back.

use super::moment::{Day, Moment};
use super::text::person;
use crate::episode::{Message, ToolResult};
use crate::llm::Request;
use crate::value::{Value, parse};

/// A tool call of this conversation and its answer.
pub(super) struct Exchange<'a> {
    pub(super) tool: &'a str,
    pub(super) arguments: &'a str,
    pub(super) result: Option<&'a ToolResult>,
}

/// The calls made so far, in order.
pub(super) fn exchanges(request: &Request) -> Vec<Exchange<'_>> {
    let mut found: Vec<(&str, Exchange)> = Vec::new();
    for message in &request.messages {
        match message {
            Message::Assistant(turn) => found.extend(turn.tool_calls.iter().map(|call| {
                (call.id.as_str(), Exchange { tool: &call.tool, arguments: &call.arguments, result: None })
            })),
            Message::ToolResult(result) => {
                let waiting =
                    found.iter_mut().rev().find(|(id, call)| *id == result.id && call.result.is_none());
                if let Some((_, call)) = waiting {
                    call.result = Some(result);
                }
            }
            Message::User(_) => {}
        }
    }
    found.into_iter().map(|(_, exchange)| exchange).collect()
}

/// The user's first message.
pub(super) fn user_request(request: &Request) -> &str {
    request
        .messages
        .iter()
        .find_map(|message| match message {
            Message::User(text) => Some(text.as_str()),
            _ => None,
        })
        .unwrap_or("")
}

pub(super) struct Mail {
    pub(super) id: String,
    pub(super) sender: String,
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) sent: Option<Moment>,
    pub(super) labels: Vec<String>,
    pub(super) body: Option<String>,
}

pub(super) struct Meeting {
    pub(super) title: String,
    pub(super) start: Moment,
    pub(super) end: Moment,
    pub(super) notes: String,
    pub(super) location: String,
    pub(super) attendees: Vec<String>,
}

#[derive(Default)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) status: String,
    pub(super) priority: String,
    pub(super) owner: String,
    pub(super) due: Option<Day>,
    pub(super) notes: String,
    pub(super) description: String,
    pub(super) labels: Vec<String>,
}

impl Task {
    pub(super) fn is_done(&self) -> bool {
        let status = self.status.to_ascii_lowercase();
        ["done", "complete", "closed", "resolved", "shipped", "cancel"]
            .iter()
            .any(|word| status.starts_with(word))
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.status.eq_ignore_ascii_case("blocked")
            || self.labels.iter().any(|label| label == "blocked")
            || self.notes.to_ascii_lowercase().contains("blocked")
    }

    /// The id where it is one that people use, then the title.
    pub(super) fn label(&self) -> String {
        let spoken = self.id.contains('-') && self.id.starts_with(|c: char| c.is_ascii_uppercase());
        if spoken { format!("{} {}", self.id, self.title) } else { self.title.clone() }
    }
}

pub(super) struct Post {
    pub(super) channel: String,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) sent: Option<Moment>,
}

/// A text from memory, a document, a file or the web.
pub(super) struct Note {
    pub(super) place: String,
    pub(super) text: String,
}

/// Something irreversible that the assistant did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Mailed(String),
    Posted(String),
    Scheduled,
    Filed,
}

#[derive(Default)]
pub(super) struct Facts {
    pub(super) mails: Vec<Mail>,
    pub(super) meetings: Vec<Meeting>,
    pub(super) tasks: Vec<Task>,
    pub(super) posts: Vec<Post>,
    pub(super) notes: Vec<Note>,
    pub(super) acts: Vec<Act>,
    pub(super) calendar_read: bool,
    pub(super) drafts_saved: usize,
}

impl Facts {
    /// Reads all answers.
    pub(super) fn gather(exchanges: &[Exchange]) -> Facts {
        let mut facts = Facts::default();
        for exchange in exchanges {
            facts.take(exchange);
        }
        facts
    }

    /// Reads only what the inbox listings say: enough to decide what to open.
    pub(super) fn inbox(exchanges: &[Exchange]) -> Facts {
        let mut facts = Facts::default();
        if let Some(listing) = exchanges.iter().find(|exchange| is_inbox_listing(exchange)) {
            facts.take(listing);
        }
        facts
    }

    /// Reads only the chat: enough to decide which channels to open.
    pub(super) fn chats(exchanges: &[Exchange]) -> Facts {
        let mut facts = Facts::default();
        exchanges
            .iter()
            .filter(|exchange| exchange.tool == "slack")
            .for_each(|exchange| facts.take(exchange));
        facts
    }

    fn take(&mut self, exchange: &Exchange) {
        let Some(result) = exchange.result.filter(|result| !result.is_error) else { return };
        let Ok(value) = parse(result.content.as_bytes()) else { return };
        match exchange.tool {
            "exec" => self.take_exec(exchange.arguments, &value),
            "slack" => self.take_slack(exchange.arguments, &value),
            "memory_get" | "read" => {
                let place = text_of(&value, "path");
                let text = value.get("text").or(value.get("content")).and_then(Value::as_str).unwrap_or("");
                let text = if exchange.tool == "read" { without_line_numbers(text) } else { text.to_owned() };
                self.take_note(place, text);
            }
            "memory_search" => {
                for hit in list_of(&value, "results") {
                    self.take_note(text_of(hit, "path"), text_of(hit, "snippet"));
                }
            }
            "web_search" => {
                for hit in list_of(&value, "results") {
                    let text = format!("{}: {}", text_of(hit, "title"), text_of(hit, "description"));
                    self.take_note(text_of(hit, "url"), text);
                }
            }
            "web_fetch" => self.take_note(text_of(&value, "url"), text_of(&value, "text")),
            _ => {}
        }
    }

    fn take_note(&mut self, place: String, text: String) {
        if !text.trim().is_empty() {
            self.notes.push(Note { place, text });
        }
    }

    fn take_exec(&mut self, arguments: &str, value: &Value) {
        let output = value.get("aggregated").and_then(Value::as_str).unwrap_or("");
        if value.get("_irreversible").is_some() {
            self.acts.push(if arguments.contains("message send") {
                Act::Mailed(after(arguments, "--to ").unwrap_or("the sender").to_owned())
            } else {
                Act::Scheduled
            });
        } else if let Some(id) = after(arguments, "message read ") {
            self.take_body(id.trim_matches(['\'', '"', '\\']), output);
        } else if arguments.contains("template write") {
            self.drafts_saved += 1;
        } else if let Ok(json) = parse(output.as_bytes()) {
            self.take_json(arguments, &json);
        }
    }

    fn take_json(&mut self, arguments: &str, json: &Value) {
        if let Some(envelopes) = json.as_list() {
            if self.mails.is_empty() {
                self.mails = envelopes.iter().map(mail).collect();
            }
            return;
        }
        if json.get("status").is_some_and(|status| status.as_str() == Some("created")) {
            self.acts.push(Act::Filed);
        }
        if let Some(items) = json.get("items").and_then(Value::as_list) {
            if !self.calendar_read {
                self.meetings = items.iter().filter_map(meeting).collect();
                self.meetings.sort_by_key(|meeting| meeting.start);
            }
            self.calendar_read = true;
        }
        if let Some(results) = json.get("results").and_then(Value::as_list) {
            if arguments.contains("/query") {
                if self.tasks.is_empty() {
                    self.tasks = results.iter().map(task).collect();
                }
            } else {
                for document in results {
                    self.take_note(text_of(document, "title"), text_of(document, "content"));
                }
            }
        }
    }

    fn take_body(&mut self, id: &str, output: &str) {
        let Some((head, body)) = output.split_once("\n\n") else { return };
        if let Some(mail) = self.mails.iter_mut().find(|mail| mail.id == id) {
            mail.body = Some(body.to_owned());
            mail.name = signature(body).unwrap_or_else(|| person(&mail.sender));
            return;
        }
        let field =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").to_owned();
        let sender = field("From: ");
        self.mails.push(Mail {
            id: id.to_owned(),
            name: signature(body).unwrap_or_else(|| person(&sender)),
            sender,
            subject: field("Subject: "),
            sent: Moment::read(&field("Date: ")),
            labels: Vec::new(),
            body: Some(body.to_owned()),
        });
    }

    fn take_slack(&mut self, arguments: &str, value: &Value) {
        if value.get("warning").is_some() {
            self.acts.push(Act::Posted(text_of(value, "to")));
        }
        for message in list_of(value, "messages") {
            let post = Post {
                channel: text_of(message, "channel"),
                author: person(&text_of(message, "author")),
                text: text_of(message, "text"),
                sent: message.get("timestamp").and_then(Value::as_str).and_then(Moment::read),
            };
            let known = self.posts.iter().any(|old| old.text == post.text && old.author == post.author);
            if !known && arguments.contains("readMessages") {
                self.posts.push(post);
            }
        }
    }
}

pub(super) fn is_inbox_listing(exchange: &Exchange) -> bool {
    exchange.tool == "exec" && exchange.arguments.contains("envelope list") && exchange.result.is_some()
}

fn mail(envelope: &Value) -> Mail {
    let sender = text_of(envelope, "sender");
    Mail {
        id: text_of(envelope, "id"),
        name: person(&sender),
        sender,
        subject: text_of(envelope, "subject"),
        sent: envelope.get("date").and_then(Value::as_str).and_then(Moment::read),
        labels: texts_of(envelope, "flags"),
        body: None,
    }
}

fn meeting(item: &Value) -> Option<Meeting> {
    Some(Meeting {
        title: text_of(item, "title"),
        start: Moment::read(item.get("start")?.as_str()?)?,
        end: Moment::read(item.get("end")?.as_str()?)?,
        notes: text_of(item, "notes"),
        location: text_of(item, "location"),
        attendees: texts_of(item, "attendees").iter().map(|who| person(who)).collect(),
    })
}

fn task(item: &Value) -> Task {
    let owner = text_of(item, "assignee");
    Task {
        id: text_of(item, "id"),
        title: text_of(item, "title"),
        status: text_of(item, "status"),
        priority: text_of(item, "priority"),
        owner: if owner.is_empty() || owner == "unassigned" { String::new() } else { person(&owner) },
        due: item.get("due_date").and_then(Value::as_str).and_then(Day::read),
        notes: text_of(item, "notes"),
        description: text_of(item, "description"),
        labels: texts_of(item, "labels"),
    }
}

/// The name under a mail: the line after a closing formula, or what follows a dash at the end.
fn signature(body: &str) -> Option<String> {
    let lines: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let closing = ["regards", "thanks", "best", "cheers", "sincerely", "kind", "many thanks", "warm"];
    let last = lines.last()?;
    let tail = lines.len().saturating_sub(4);
    let named = lines[tail..].windows(2).find_map(|pair| {
        let lower = pair[0].to_ascii_lowercase();
        (pair[0].len() < 24 && closing.iter().any(|word| lower.starts_with(word))).then_some(pair[1])
    });
    let dashed = last.rsplit_once("— ").map(|(_, name)| name);
    let plain = (lines.len() > 1 && last.len() < 30).then_some(*last);
    let bests = last.rsplit_once(", ").filter(|(head, _)| {
        let lower = head.to_ascii_lowercase();
        closing.iter().any(|word| lower.ends_with(word))
    });
    let name = named.or(dashed).or(bests.map(|(_, name)| name)).or(plain)?.trim_end_matches('.');
    let words = name.split_whitespace().count();
    let is_name = (1..=3).contains(&words)
        && name.len() < 40
        && name.split_whitespace().all(|word| word.starts_with(|c: char| c.is_uppercase()))
        && !name.contains(['?', ':', '@']);
    (is_name && words >= 2).then(|| name.to_owned())
}

/// The file as it is, without the numbers that the tool puts before each line.
fn without_line_numbers(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once('\t').map_or(line, |(_, rest)| rest))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The word after a mark in a command.
fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = &text[text.find(mark)? + mark.len()..];
    rest.split([' ', '"']).find(|word| !word.is_empty() && *word != "\\")
}

fn text_of(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::Int(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn texts_of(value: &Value, key: &str) -> Vec<String> {
    list_of(value, key).iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect()
}

fn list_of<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_list).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_under_mails() {
        let check = |body: &str, expected: Option<&str>| assert_eq!(signature(body).as_deref(), expected);
        check("Please call.\n\nRegards,\nOna Reyes\nHead of Ops", Some("Ona Reyes"));
        check("Please call. — Ona Reyes", Some("Ona Reyes"));
        check("Please call me\nif you can?", None);
    }

    #[test]
    fn an_answer_becomes_facts() {
        let content = Value::object([(
            "aggregated",
            r#"[{"id": "m1", "sender": "ona.reyes@x.org", "subject": "Lease", "date": "2026-03-02T09:00:00Z", "flags": ["Urgent"]}]"#.into(),
        )])
        .pretty();
        let result = ToolResult { id: "1".into(), tool: "exec".into(), content, is_error: false };
        let arguments = r#"{"command":"himalaya envelope list"}"#;
        let facts = Facts::gather(&[Exchange { tool: "exec", arguments, result: Some(&result) }]);
        let mail = &facts.mails[0];
        assert_eq!((mail.name.as_str(), mail.labels.as_slice()), ("Ona Reyes", &["urgent".to_owned()][..]));
    }
}
