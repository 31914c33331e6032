//! Reads the writer's answer: one JSON object with operations. Strict, since an edit that only looks whole
//! would cost episodes; and with every problem at once, since the writer may repair its answer only once.

mod extract;

use crate::llm::{Finish, Reply};
use crate::pack::PACK_SIZE_MAX;
use crate::policy::{ItemId, Operation};
use serde_json::{Map, Value};

/// An answer longer than this is not read.
const ANSWER_BYTES_MAX: usize = 400_000;
const OPERATIONS_MAX: usize = 12;
const CHECKS_MAX: usize = 64;
const RATIONALE_CHARS_MAX: usize = 300;
/// So much of a foreign word is quoted in a problem.
const QUOTE_CHARS_MAX: usize = 60;
/// So many problems are told.
const PROBLEMS_MAX: usize = 12;

const KEYS: [&str; 3] = ["rationale", "operations", "checks"];
/// What the prompts put around data; a policy that holds one could pass as something else there.
const MARKS: [&str; 4] = ["<data>", "</data>", "<policy>", "</policy>"];

/// An edit as the writer gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub operations: Vec<Operation>,
    /// What it says it changes: one plain line.
    pub rationale: String,
    /// The checks that it should move, as the prompt named them: `A.id`.
    pub checks: Vec<String>,
}

/// Takes the edit out of an answer; fails with what is wrong, in words that the writer can act on.
pub(super) fn read(reply: &Reply) -> Result<Answer, Vec<String>> {
    match reply.finish {
        Finish::Refused => return Err(vec!["the model refused to answer".to_owned()]),
        Finish::Length => return Err(vec!["the answer was cut off at the output limit".to_owned()]),
        Finish::Stop | Finish::ToolCalls => {}
    }
    let text = reply.turn.text.as_str();
    if text.trim().is_empty() {
        return Err(vec!["the answer is empty".to_owned()]);
    }
    if text.len() > ANSWER_BYTES_MAX {
        return Err(vec![format!("the answer has {} bytes; give the changes alone", text.len())]);
    }
    let object = extract::object(text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let answer = Answer {
        operations: operations(&object, &mut problems),
        rationale: rationale(&object, &mut problems),
        checks: checks(&object, &mut problems),
    };
    let unknown = object.keys().filter(|key| !KEYS.contains(&key.as_str()));
    problems
        .extend(unknown.map(|key| format!("unknown key `{}`; known are {}", quote(key), KEYS.join(", "))));
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    if more > 0 {
        problems.push(format!("and {more} more problems"));
    }
    if problems.is_empty() { Ok(answer) } else { Err(problems) }
}

fn operations(object: &Map<String, Value>, problems: &mut Vec<String>) -> Vec<Operation> {
    let Some(Value::Array(entries)) = object.get("operations") else {
        problems.push("`operations` is not a list".to_owned());
        return Vec::new();
    };
    if entries.is_empty() {
        problems.push("`operations` is empty; give one at least".to_owned());
    }
    if entries.len() > OPERATIONS_MAX {
        problems.push(format!(
            "{} operations are too many; give the most valuable, at most {OPERATIONS_MAX}",
            entries.len()
        ));
        return Vec::new();
    }
    let mut operations = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let mut told = Vec::new();
        operations.extend(operation(entry, &mut told));
        problems.extend(told.into_iter().map(|problem| format!("operation {}: {problem}", index + 1)));
    }
    operations
}

fn operation(entry: &Value, problems: &mut Vec<String>) -> Option<Operation> {
    let Value::Object(fields) = entry else {
        problems.push("is not an object with `op`".to_owned());
        return None;
    };
    let Some(Value::String(op)) = fields.get("op") else {
        problems.push("has no text `op`: add, replace, delete or delete_section".to_owned());
        return None;
    };
    let known: &[&str] = match op.as_str() {
        "add" => &["op", "after", "text"],
        "replace" => &["op", "id", "text"],
        "delete" | "delete_section" => &["op", "id"],
        other => {
            let other = quote(other);
            problems.push(format!("unknown op `{other}`; known are add, replace, delete, delete_section"));
            return None;
        }
    };
    for key in fields.keys().filter(|key| !known.contains(&key.as_str())) {
        problems.push(format!("unknown key `{}`; `{op}` takes {}", quote(key), known[1..].join(" and ")));
    }
    let id =
        known.iter().find(|key| matches!(**key, "id" | "after")).and_then(|key| item(fields, key, problems));
    let text = if known.contains(&"text") { text(fields, problems) } else { None };
    match (op.as_str(), id, text) {
        ("add", Some(after), Some(text)) => Some(Operation::Add { after, text }),
        ("replace", Some(id), Some(text)) => Some(Operation::Replace { id, text }),
        ("delete", Some(id), None) => Some(Operation::Delete { id }),
        ("delete_section", Some(id), None) => Some(Operation::DeleteSection { id }),
        _ => None,
    }
}

/// An item's id; brackets around it, as the prompt shows it, are no fault.
fn item(fields: &Map<String, Value>, key: &str, problems: &mut Vec<String>) -> Option<ItemId> {
    let Some(Value::String(id)) = fields.get(key) else {
        problems.push(format!("has no text `{key}`: the id of an item, such as S1.b2"));
        return None;
    };
    let bare = id.strip_prefix('[').and_then(|id| id.strip_suffix(']')).unwrap_or(id);
    if !is_id(bare) {
        problems.push(format!("`{key}` is `{}`, which is no id such as S1.b2", quote(id)));
        return None;
    }
    Some(ItemId(bare.to_owned()))
}

/// `S3`, `S3.b2` or `S3.x7k2m9q4z`.
fn is_id(text: &str) -> bool {
    let (section, item) = text.split_once('.').map_or((text, None), |(section, item)| (section, Some(item)));
    let is_number =
        |digits: &str| (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let is_item = |item: &str| {
        (2..=12).contains(&item.len())
            && item.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    section.strip_prefix('S').is_some_and(is_number) && item.is_none_or(is_item)
}

fn text(fields: &Map<String, Value>, problems: &mut Vec<String>) -> Option<String> {
    let Some(Value::String(text)) = fields.get("text") else {
        problems.push("has no `text` that is a text".to_owned());
        return None;
    };
    let text = text.replace("\r\n", "\n");
    let before = problems.len();
    if text.len() > PACK_SIZE_MAX {
        problems.push(format!("its text has {} bytes, more than a whole policy may have", text.len()));
    }
    if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
        problems.push(format!("its text has the control or hidden character U+{:04X}", c as u32));
    }
    if let Some(mark) = MARKS.iter().find(|mark| text.contains(**mark)) {
        problems.push(format!("its text has the mark `{mark}`"));
    }
    let numbered = text.lines().find_map(|line| {
        let (id, _) = line.trim_start().strip_prefix('[')?.split_once(']')?;
        (id.contains('.') && is_id(id)).then(|| id.to_owned())
    });
    if let Some(id) = numbered {
        problems.push(format!("its text has the id [{id}] in it; ids are not part of the policy"));
    }
    (problems.len() == before).then_some(text)
}

fn rationale(object: &Map<String, Value>, problems: &mut Vec<String>) -> String {
    match object.get("rationale") {
        Some(Value::String(text)) => plain(text, RATIONALE_CHARS_MAX),
        None => String::new(),
        Some(_) => {
            problems.push("`rationale` is not a text".to_owned());
            String::new()
        }
    }
}

fn checks(object: &Map<String, Value>, problems: &mut Vec<String>) -> Vec<String> {
    let listed = match object.get("checks") {
        None => return Vec::new(),
        Some(Value::Array(checks)) => checks.iter().map(|check| check.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    let listed: Vec<String> = listed.unwrap_or_else(|| {
        problems.push("`checks` is not a list of texts such as \"A.check_id\"".to_owned());
        Vec::new()
    });
    if listed.len() > CHECKS_MAX {
        problems.push(format!("`checks` names {} checks; name those that it should move", listed.len()));
    }
    listed
}

fn quote(text: &str) -> String {
    plain(text, QUOTE_CHARS_MAX)
}

/// One line without control characters, cut at a length.
pub(super) fn plain(text: &str, chars_max: usize) -> String {
    let line: String =
        text.chars().map(|c| if is_forbidden(c) || c.is_whitespace() { ' ' } else { c }).collect();
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Control characters, and those that reorder or hide text.
fn is_forbidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::{AssistantTurn, Usage};
    use crate::policy::Policy;

    fn reply(text: &str, finish: Finish) -> Reply {
        let turn = AssistantTurn { text: text.to_owned(), ..AssistantTurn::default() };
        Reply { turn, finish, usage: Usage::default(), resolved_model: None, waited_ms: 0, recalled_ms: None }
    }

    const WHOLE: &str = r#"{"rationale": "asks\n first", "operations": [{"op": "add", "after": "[S1.b2]", "text": "- ask"},
        {"op": "delete", "id": "S2"}], "checks": ["A.no_mail"]}"#;

    #[test]
    fn an_edit_is_read_from_its_object() {
        let add = Operation::Add { after: ItemId("S1.b2".into()), text: "- ask".into() };
        let expected = Answer {
            operations: vec![add, Operation::Delete { id: ItemId("S2".into()) }],
            rationale: "asks first".into(),
            checks: vec!["A.no_mail".into()],
        };
        for text in [WHOLE.to_owned(), format!("Here it is:\n```json\n{WHOLE}\n```\nWhat do you think?")] {
            assert_eq!(read(&reply(&text, Finish::Stop)), Ok(expected.clone()));
        }
    }

    #[test]
    fn an_answer_that_was_cut_or_refused_is_not_used() {
        assert!(read(&reply(WHOLE, Finish::Length)).is_err());
        assert!(read(&reply(WHOLE, Finish::Refused)).is_err());
    }

    #[test]
    fn every_problem_is_told() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(read(&reply(text, Finish::Stop)).expect_err(text), expected, "{text}");
        };
        check(
            r#"{"operations": [{"op": "add", "id": "S1", "text": 3}, {"op": "move"}, "x"], "checks": 1, "note": 2}"#,
            &[
                "operation 1: unknown key `id`; `add` takes after and text",
                "operation 1: has no text `after`: the id of an item, such as S1.b2",
                "operation 1: has no `text` that is a text",
                "operation 2: unknown op `move`; known are add, replace, delete, delete_section",
                "operation 3: is not an object with `op`",
                "`checks` is not a list of texts such as \"A.check_id\"",
                "unknown key `note`; known are rationale, operations, checks",
            ],
        );
        check(r#"{"operations": {}}"#, &["`operations` is not a list"]);
        check("  ", &["the answer is empty"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_writer_says_is_a_surprise(text in ".{0,200}", at in 0..400usize, gone in 0..9usize) {
            let _ = read(&reply(&text, Finish::Stop));
            let chars: Vec<char> = WHOLE.chars().collect();
            let (at, end) = (at.min(chars.len()), (at + gone).min(chars.len()));
            let mended: String = chars[..at].iter().copied().chain(text.chars()).chain(chars[end..].iter().copied()).collect();
            for text in [mended, chars[..at].iter().collect()] {
                if let Ok(answer) = read(&reply(&text, Finish::Stop)) {
                    proptest::prop_assert!(!answer.operations.is_empty());
                    let _ = Policy::parse("# A\n\n- a\n- b\n").carry_out(&answer.operations);
                }
            }
        }
    }

    #[test]
    fn a_plain_line_is_cut_and_has_no_control_characters() {
        assert_eq!(plain("a\u{1b}[31m  b\n c", 20), "a [31m b c");
        assert_eq!(plain("abcdef", 3), "abc…");
    }
}
