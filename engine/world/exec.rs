//! The tool `exec`: command lines of mail, calendar, task and code programs, recognized by patterns. The first
//! rule that matches answers; no command ever runs.

use crate::value::{Map, Value};
use crate::world::arguments::{is_space, text};
use crate::world::{Fault, World};
use regex::Regex;
use std::sync::LazyLock;

const INBOX: &str = "inbox.json";
const TASKS: &str = "tasks.json";
const DOCUMENTS: &str = "documents.json";
const CALENDAR: &str = "calendar.json";
/// How much of an unknown command is repeated, in characters.
const ECHO_CHARS_MAX: usize = 100;

/// What a command line asks for.
#[derive(Clone, Copy)]
enum Act {
    ListMail,
    ReadMail,
    DraftMail,
    SendMail,
    FlagMail,
    QueryTasks,
    ShowPage,
    CreatePage,
    UpdatePage,
    ListDocuments,
    UseCalendarApi,
    ListEvents,
    AddEvent,
    DeleteEvent,
    UseGithub,
}

/// The rules in their order, case-sensitive or not, as the reference writes them.
const RULES: [(Act, bool, &str); 15] = [
    (Act::ListMail, false, r"himalaya\s+(envelope\s+)?list"),
    (Act::ReadMail, false, r#"himalaya\s+message\s+read\s+['"]?(\S+)"#),
    (Act::DraftMail, false, r"himalaya\s+(message\s+write|template\s+write|draft)"),
    (Act::SendMail, false, r"himalaya\s+message\s+send"),
    (Act::FlagMail, false, r"himalaya\s+flag\s+add"),
    (Act::QueryTasks, true, r"curl.*notion\.so/v1/databases/.*/query"),
    (Act::ShowPage, true, r"curl.*notion\.so/v1/pages/([A-Za-z0-9_-]+)"),
    (Act::CreatePage, true, r"curl.*-X\s*POST.*notion\.so/v1/pages"),
    (Act::UpdatePage, true, r"curl.*-X\s*PATCH.*notion\.so/v1/pages"),
    (Act::ListDocuments, true, r"curl.*notion\.so/v1/databases\b"),
    (Act::UseCalendarApi, true, r"curl.*googleapis\.com/calendar/v3/calendars/.*/events"),
    (Act::ListEvents, true, r"gcalcli\s+(agenda|list|search)|gcal\s+list-events"),
    (Act::AddEvent, true, r"gcalcli\s+add|gcal\s+create-event"),
    (Act::DeleteEvent, true, r"gcalcli\s+delete|gcal\s+delete-event"),
    (Act::UseGithub, false, r"\bgh\s+"),
];

static PATTERNS: LazyLock<Vec<(Act, Regex)>> =
    LazyLock::new(|| RULES.iter().map(|(act, any_case, rule)| (*act, pattern(rule, *any_case))).collect());
static POST: LazyLock<Regex> = LazyLock::new(|| pattern(r"-X\s*POST", false));
static DELETE: LazyLock<Regex> = LazyLock::new(|| pattern(r"-X\s*DELETE", false));
static CHANGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"-X\s*PATCH|-X\s*PUT", false));

/// Translates a rule from Python's dialect: its `\s` holds four more characters, its `\b` stands at the edge
/// of other words, and without regard to case `i` is also `İ` and `ı`.
fn pattern(rule: &str, any_case: bool) -> Regex {
    const NO_WORD: &str = r"[^\p{L}\p{Nd}\p{Nl}\p{No}_]";
    let mut rule = rule.replace(r"\s", r"[\s\x1c-\x1f]").replace(r"\S", r"[^\s\x1c-\x1f]");
    if let Some(after) = rule.strip_prefix(r"\b") {
        rule = format!(r"(?:\A|{NO_WORD}){after}");
    } else if let Some(before) = rule.strip_suffix(r"\b") {
        rule = format!(r"{before}(?:\z|(?-i:{NO_WORD}))");
    }
    if any_case {
        rule = rule.replace("0-9_-]", "0-9_İı-]").replace('i', "[iİı]").replace("(?-[iİı]:", "(?-i:");
        rule = format!("(?i){rule}");
    }
    Regex::new(&rule).expect("the rules are constants and each was tested")
}

pub(super) fn answer(world: &World, args: &Map) -> Result<Value, Fault> {
    let command = text(args, "command")?.trim_matches(is_space);
    let Some((act, pattern)) = PATTERNS.iter().find(|(_, pattern)| pattern.is_match(command)) else {
        let start: String = command.chars().take(ECHO_CHARS_MAX).collect();
        return Ok(done(&format!("(mock output for: {start})")));
    };
    let named = || pattern.captures(command).and_then(|captures| Some(captures.get(1)?.as_str()));
    match act {
        Act::ListMail => list_mail(world),
        Act::ReadMail => read_mail(world, named().unwrap_or_default().trim_matches(['\'', '"'])),
        Act::DraftMail => Ok(done(&format!("Draft saved: {}", new_id(world, "draft")))),
        Act::SendMail => Ok(irreversible("Message sent successfully")),
        Act::FlagMail => Ok(done("Flag added successfully")),
        Act::QueryTasks => wrapped(world, "results", TASKS),
        Act::ShowPage => show_page(world, named().unwrap_or_default()),
        Act::CreatePage => Ok(done(&changed(Some(new_id(world, "page")), "created"))),
        Act::UpdatePage => Ok(done(&changed(None, "updated"))),
        Act::ListDocuments => wrapped(world, "results", DOCUMENTS),
        Act::UseCalendarApi => use_calendar_api(world, command),
        Act::ListEvents => wrapped(world, "items", CALENDAR),
        Act::AddEvent => Ok(add_event(world)),
        Act::DeleteEvent => Ok(irreversible("Event deleted")),
        Act::UseGithub => Ok(done("(mock gh output)")),
    }
}

fn list_mail(world: &World) -> Result<Value, Fault> {
    let mut mails = Vec::new();
    for mail in world.records(INBOX)? {
        let mail = mail?;
        let field = |name, default| mail.get(name).cloned().unwrap_or(default);
        mails.push(Value::object([
            ("id", field("id", Value::Null)),
            ("sender", field("sender", Value::Null)),
            ("subject", field("subject", Value::Null)),
            ("date", field("received_ts", "".into())),
            ("flags", field("labels", vec![].into())),
        ]));
    }
    Ok(done(&Value::List(mails).dumps_indented()))
}

fn read_mail(world: &World, id: &str) -> Result<Value, Fault> {
    let Some(mail) = with_id(world, INBOX, id)? else {
        return Ok(failed(&format!("Message not found: {id}")));
    };
    let field = |name| mail.get(name).map(Value::py_str).unwrap_or_default();
    Ok(done(&format!(
        "From: {}\nSubject: {}\nDate: {}\n\n{}",
        field("sender"),
        field("subject"),
        field("received_ts"),
        field("body")
    )))
}

fn show_page(world: &World, id: &str) -> Result<Value, Fault> {
    for file in [TASKS, DOCUMENTS] {
        if let Some(page) = with_id(world, file, id)? {
            return Ok(done(&Value::Map(page.clone()).dumps_indented()));
        }
    }
    Ok(failed(&format!("Page not found: {id}")))
}

fn with_id<'a>(world: &'a World, file: &str, id: &str) -> Result<Option<&'a Map>, Fault> {
    for record in world.records(file)? {
        let record = record?;
        if record.get("id").unwrap_or(&Value::Null).py_str() == id {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn use_calendar_api(world: &World, command: &str) -> Result<Value, Fault> {
    if POST.is_match(command) {
        return Ok(add_event(world));
    }
    if DELETE.is_match(command) {
        return Ok(irreversible(""));
    }
    if CHANGE.is_match(command) {
        return Ok(done(&changed(None, "updated")));
    }
    wrapped(world, "items", CALENDAR)
}

fn add_event(world: &World) -> Value {
    irreversible(&changed(Some(new_id(world, "evt")), "confirmed"))
}

fn wrapped(world: &World, key: &str, file: &str) -> Result<Value, Fault> {
    Ok(done(&Value::object([(key, world.fixture(file)?.clone())]).dumps_indented()))
}

fn changed(id: Option<String>, status: &str) -> String {
    let id = id.map(|id| ("id".to_owned(), Value::Str(id)));
    Value::Map(id.into_iter().chain([("status".to_owned(), status.into())]).collect()).dumps_indented()
}

fn new_id(world: &World, kind: &str) -> String {
    format!("{kind}_{}", world.now().compact())
}

fn done(text: &str) -> Value {
    ended("completed", 0, 42, text)
}

fn failed(text: &str) -> Value {
    ended("failed", 1, 10, text)
}

fn irreversible(text: &str) -> Value {
    let mut answer = done(text);
    if let Value::Map(fields) = &mut answer {
        fields.insert("_irreversible".to_owned(), true.into());
    }
    answer
}

fn ended(status: &str, exit_code: i64, duration_ms: i64, text: &str) -> Value {
    Value::object([
        ("status", status.into()),
        ("exitCode", exit_code.into()),
        ("durationMs", duration_ms.into()),
        ("aggregated", text.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_in_pythons_dialect() {
        let check = |command: &str, expected: bool| {
            let found = PATTERNS.iter().any(|(_, pattern)| pattern.is_match(command));
            assert_eq!(found, expected, "{command}");
        };
        check("himalaya\u{1c}list", true);
        check("himalaya\u{200b}list", false);
        check("GCALCLİ\u{1f}ADD", true);
        check("curl NOTıON.SO/v1/pages/\u{212a}", true);
        check("gh\u{1d}pr list", true);
        check("e\u{301}gh pr", true);
        check("²gh pr", false);
    }
}
