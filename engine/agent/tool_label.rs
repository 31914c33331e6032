//! What the runtime calls a tool call that failed, in the warning below an answer: a sign, a title, and what the
//! call was about.

use crate::agent::command_summary::summary;
use crate::value::Value;

/// Tools with a sign of their own, with the arguments that tell what a call is about.
const KNOWN: [(&str, &str, &str, &[&str]); 11] = [
    ("exec", "🛠️", "Exec", &[]),
    ("process", "🧰", "Process", &["sessionId"]),
    ("read", "📖", "Read", &[]),
    ("write", "✍️", "Write", &[]),
    ("edit", "📝", "Edit", &[]),
    ("apply_patch", "🩹", "Apply Patch", &[]),
    ("session_status", "📊", "Session Status", &["sessionKey", "model"]),
    ("memory_search", "🧠", "Memory Search", &["query"]),
    ("memory_get", "📓", "Memory Get", &["path", "from", "lines"]),
    ("web_search", "🔎", "Web Search", &["query", "count"]),
    ("web_fetch", "📄", "Web Fetch", &["url", "extractMode", "maxChars"]),
];
const OTHER_SIGN: &str = "🧩";
const OTHER_KEYS: [&str; 14] = [
    "command",
    "path",
    "url",
    "targetUrl",
    "targetId",
    "id",
    "requestId",
    "to",
    "channelId",
    "userId",
    "name",
    "query",
    "pattern",
    "messageId",
];
/// How much of an argument is shown, in characters.
const VALUE_CHARS_MAX: usize = 160;

/// The name under which the runtime knows a tool.
pub(super) fn normal_name(tool: &str) -> String {
    match tool.trim().to_lowercase().as_str() {
        "bash" => "exec".to_owned(),
        "apply-patch" => "apply_patch".to_owned(),
        other => other.to_owned(),
    }
}

/// Sign, title and subject of a call.
pub(super) fn label(tool: &str, args: &Value) -> String {
    let name = normal_name(tool);
    let known = KNOWN.iter().find(|(known, ..)| *known == name);
    let (sign, title) =
        known.map_or_else(|| (OTHER_SIGN, title(&name)), |(_, sign, title, _)| (*sign, (*title).to_owned()));
    let keys = known.map_or(&OTHER_KEYS[..], |(.., keys)| keys);
    match subject(&name, args).or_else(|| from_keys(args, keys)) {
        None => format!("{sign} {title}"),
        Some(subject) if subject.contains('`') => format!("{sign} {title}: {subject}"),
        Some(subject) => format!("{sign} {title}: `{subject}`"),
    }
}

fn title(name: &str) -> String {
    let words = name.split(['_', ' ']).filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

fn text<'a>(args: &'a Value, key: &str) -> Option<&'a str> {
    Some(args.get(key)?.as_str()?.trim()).filter(|text| !text.is_empty())
}

fn subject(name: &str, args: &Value) -> Option<String> {
    let path = || ["path", "file_path", "filePath"].into_iter().find_map(|key| text(args, key));
    match name {
        "exec" => {
            let summary = summary(text(args, "command")?);
            Some(match text(args, "workdir").or_else(|| text(args, "cwd")) {
                Some(folder) => format!("{summary} (in {folder})"),
                None => summary,
            })
        }
        "read" => Some(format!("from {}", path()?)),
        "write" | "edit" => {
            let place = format!("{} {}", if name == "edit" { "in" } else { "to" }, path()?);
            let content =
                ["content", "newText", "new_string"].into_iter().find_map(|key| args.get(key)?.as_str());
            Some(match content.map(|content| content.encode_utf16().count()) {
                Some(length) if length > 0 => format!("{place} ({length} chars)"),
                _ => place,
            })
        }
        "web_search" => {
            let count = args.get("count").and_then(Value::as_f64).filter(|count| *count > 0.0);
            let top = count.map_or(String::new(), |count| format!(" (top {})", count.floor()));
            Some(format!("for \"{}\"{top}", text(args, "query")?))
        }
        "web_fetch" => {
            let mode = text(args, "extractMode").map(|mode| format!("mode {mode}"));
            let most = args.get("maxChars").and_then(Value::as_f64).filter(|most| *most > 0.0);
            let most = most.map(|most| format!("max {} chars", most.floor()));
            let details: Vec<String> = mode.into_iter().chain(most).collect();
            let url = text(args, "url")?;
            Some(if details.is_empty() {
                format!("from {url}")
            } else {
                format!("from {url} ({})", details.join(", "))
            })
        }
        _ => None,
    }
}

/// The arguments of these names; one stands alone, several with their names.
fn from_keys(args: &Value, keys: &[&str]) -> Option<String> {
    let found = keys.iter().filter_map(|key| Some((*key, shown(args.get(key)?)?)));
    let found: Vec<(&str, String)> = found.take(8).collect();
    match &found[..] {
        [] => None,
        [(_, only)] => Some(only.clone()),
        several => {
            let parts = several.iter().map(|(key, value)| format!("{} {value}", key_words(key)));
            Some(format!("with {}", parts.collect::<Vec<_>>().join(", ")))
        }
    }
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => {
            let line = text.trim().lines().next().map(str::trim).filter(|line| !line.is_empty())?;
            let is_long = line.encode_utf16().count() > VALUE_CHARS_MAX;
            let cut = || line.chars().take(VALUE_CHARS_MAX - 3).collect::<String>();
            Some(if is_long { format!("{}…", cut()) } else { line.to_owned() })
        }
        Value::Bool(true) => Some("true".into()),
        Value::Int(number) if *number != 0 => Some(number.to_string()),
        Value::Float(number) if *number != 0.0 && number.is_finite() => Some(number.to_string()),
        _ => None,
    }
}

fn key_words(key: &str) -> String {
    match key {
        "sessionKey" => "session".into(),
        "targetId" => "target".into(),
        "targetUrl" => "url".into(),
        "requestId" => "request".into(),
        "messageId" => "message".into(),
        "channelId" => "channel".into(),
        "userId" => "user".into(),
        "maxChars" => "max chars".into(),
        other => other.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    #[test]
    fn labels_say_what_a_call_was_about() {
        let check = |tool: &str, args: &str, expected: &str| {
            assert_eq!(label(tool, &parse(args.as_bytes()).unwrap()), expected, "{tool} {args}");
        };
        check("exec", r#"{"cmd": "ls"}"#, "🛠️ Exec");
        check("Bash", r#"{"command": "ls"}"#, "🛠️ Exec: `list files`");
        check("write", r#"{"path": "a", "content": "b"}"#, "✍️ Write: `to a (1 chars)`");
        check("read", r#"{"path": " a b "}"#, "📖 Read: `from a b`");
        check("slack", r#"{"action": "x", "limit": 1.5}"#, "🧩 Slack");
        check("send_mail", r#"{"to": "x", "id": 5}"#, "🧩 Send Mail: `with id 5, to x`");
        check("memory_get", r#"{"path": "`a`"}"#, "📓 Memory Get: `a`");
    }
}
