//! The tool `exec`: command lines of mail, calendar, task and code programs, recognized by patterns. The first
//! rule that matches answers; no command ever runs.

use crate::pattern::{Case, Flags, Haystack, MatchLimit, Pattern, PatternSet};
use crate::value::{Map, Value};
use crate::world::arguments::{is_space, text};
use crate::world::{Fault, World};
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

/// The rules in their order, as the reference writes them.
const RULES: [(Act, Case, &str); 15] = [
    (Act::ListMail, Case::Sensitive, r"himalaya\s+(envelope\s+)?list"),
    (Act::ReadMail, Case::Sensitive, r#"himalaya\s+message\s+read\s+['"]?(\S+)"#),
    (Act::DraftMail, Case::Sensitive, r"himalaya\s+(message\s+write|template\s+write|draft)"),
    (Act::SendMail, Case::Sensitive, r"himalaya\s+message\s+send"),
    (Act::FlagMail, Case::Sensitive, r"himalaya\s+flag\s+add"),
    (Act::QueryTasks, Case::Insensitive, r"curl.*notion\.so/v1/databases/.*/query"),
    (Act::ShowPage, Case::Insensitive, r"curl.*notion\.so/v1/pages/([A-Za-z0-9_-]+)"),
    (Act::CreatePage, Case::Insensitive, r"curl.*-X\s*POST.*notion\.so/v1/pages"),
    (Act::UpdatePage, Case::Insensitive, r"curl.*-X\s*PATCH.*notion\.so/v1/pages"),
    (Act::ListDocuments, Case::Insensitive, r"curl.*notion\.so/v1/databases\b"),
    (Act::UseCalendarApi, Case::Insensitive, r"curl.*googleapis\.com/calendar/v3/calendars/.*/events"),
    (Act::ListEvents, Case::Insensitive, r"gcalcli\s+(agenda|list|search)|gcal\s+list-events"),
    (Act::AddEvent, Case::Insensitive, r"gcalcli\s+add|gcal\s+create-event"),
    (Act::DeleteEvent, Case::Insensitive, r"gcalcli\s+delete|gcal\s+delete-event"),
    (Act::UseGithub, Case::Sensitive, r"\bgh\s+"),
];

static PATTERNS: LazyLock<PatternSet> = LazyLock::new(|| {
    let patterns: Vec<Pattern> = RULES.iter().map(|(_, case, rule)| pattern(rule, *case)).collect();
    PatternSet::compile(&patterns)
});
static POST: LazyLock<Pattern> = LazyLock::new(|| pattern(r"-X\s*POST", Case::Sensitive));
static DELETE: LazyLock<Pattern> = LazyLock::new(|| pattern(r"-X\s*DELETE", Case::Sensitive));
static CHANGE: LazyLock<Pattern> = LazyLock::new(|| pattern(r"-X\s*PATCH|-X\s*PUT", Case::Sensitive));

/// The dot does not match a line feed here.
fn pattern(rule: &str, case: Case) -> Pattern {
    let flags = Flags { dotall: false, ignore_case: case == Case::Insensitive };
    Pattern::compile_with(rule, flags).expect("the rules are constants and each was tested")
}

/// The act of the first rule that matches, and what it matched.
fn recognized(command: &str) -> Result<Option<(Act, &str)>, MatchLimit> {
    let text = Haystack::new(command);
    let hits = PATTERNS.scan(&text);
    for (index, (act, ..)) in RULES.iter().enumerate() {
        if let Some(found) = hits.find(index)? {
            return Ok(Some((*act, &command[found])));
        }
    }
    Ok(None)
}

pub(super) fn answer(world: &World, args: &Map) -> Result<Value, Fault> {
    let command = text(args, "command")?.trim_matches(is_space);
    let Some((act, matched)) = recognized(command).map_err(too_much)? else {
        let start: String = command.chars().take(ECHO_CHARS_MAX).collect();
        return Ok(done(&format!("(mock output for: {start})")));
    };
    match act {
        Act::ListMail => list_mail(world),
        Act::ReadMail => read_mail(world, last_part(matched, is_space).trim_matches(['\'', '"'])),
        Act::DraftMail => Ok(done(&format!("Draft saved: {}", new_id(world, "draft")))),
        Act::SendMail => Ok(irreversible("Message sent successfully")),
        Act::FlagMail => Ok(done("Flag added successfully")),
        Act::QueryTasks => wrapped(world, "results", TASKS),
        Act::ShowPage => show_page(world, last_part(matched, |c| c == '/')),
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

/// What the group at the end of a rule holds: it cannot hold what stands before it.
fn last_part(matched: &str, stands_before: fn(char) -> bool) -> &str {
    matched.rsplit(stands_before).next().unwrap_or_default()
}

fn too_much(limit: MatchLimit) -> Fault {
    Fault::argument("command", &limit.to_string())
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
    let text = Haystack::new(command);
    if POST.is_match(&text).map_err(too_much)? {
        return Ok(add_event(world));
    }
    if DELETE.is_match(&text).map_err(too_much)? {
        return Ok(irreversible(""));
    }
    if CHANGE.is_match(&text).map_err(too_much)? {
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
            assert_eq!(recognized(command).map(|found| found.is_some()), Ok(expected), "{command}");
        };
        check("himalaya\u{1c}list", true);
        check("himalaya\u{200b}list", false);
        check("GCALCLİ\u{1f}ADD", true);
        check("curl NOTıON.SO/v1/pages/\u{212a}", true);
        check("gh\u{1d}pr list", true);
        check("e\u{301}gh pr", true);
        check("²gh pr", false);
    }

    #[test]
    fn the_id_is_what_ends_the_match() {
        let check = |command: &str, part: fn(char) -> bool, expected: &str| {
            let (_, matched) = recognized(command).unwrap().unwrap();
            assert_eq!(last_part(matched, part), expected, "{command}");
        };
        check("himalaya message read 'm1' now", is_space, "'m1'");
        check("himalaya message read\u{1c}\"", is_space, "\"");
        check("curl x https://api.notion.so/v1/pages/a_ſ-1/b", |c| c == '/', "a_ſ-1");
    }
}
