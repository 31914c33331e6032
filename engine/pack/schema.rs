//! The rules of OPP v1, as the validators check them: all rules run, and issues come in their order.
//!
//! On some documents the validators' program fails instead of reporting; those are issues here too.

use super::digits::is_digit;
use super::{AGENTS_MD, PACK_SIZE_MAX};
use crate::value::{JsonError, Map, Value, json_text};
use std::fmt;

/// Tools that a pack may allow only when it denies one of them.
const DANGEROUS: [&str; 4] = ["exec", "shell", "group:runtime", "admin_*"];

/// Something that makes validators refuse a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackIssue {
    #[error("the pack is {0}")]
    NotJson(JsonError),
    #[error("the pack is {found}: it must be an object with schema_version, files, tool_policy and metadata")]
    NotObject { found: &'static str },
    #[error("schema_version is {found}: it must be the number 1")]
    SchemaVersion { found: String },
    #[error("the field {name} is missing: a pack needs schema_version, files, tool_policy and metadata")]
    MissingField { name: &'static str },
    #[error("files is {found}: it must be an object from file names to texts")]
    FilesNotObject { found: &'static str },
    #[error("files has no AGENTS.md: add the policy under exactly this name")]
    NoAgentsMd,
    #[error("the file {} is {found}: it must be a string with the file's text", json_text(name))]
    FileNotString { name: String, found: &'static str },
    #[error("tool_policy is {found}: it must be an object with the lists allow and deny")]
    ToolPolicyNotObject { found: &'static str },
    #[error("tool_policy has the keys of an older format: write allow and deny, not allowed and denied")]
    LegacyPolicyKeys,
    #[error("tool_policy.{list} is {found}: it must be a list of tool names")]
    NotList { list: PolicyList, found: &'static str },
    #[error("item {} of tool_policy.{list} is {found}: it must be the name of a tool in quotes", index + 1)]
    ItemNotString { list: PolicyList, index: usize, found: &'static str },
    #[error(
        "tool_policy allows {tool} and denies no dangerous tool: deny at least one of {}",
        DANGEROUS.join(", ")
    )]
    DangerousWithoutDeny { tool: &'static str },
    #[error("metadata is {found}: it must be an object with pack_name, pack_version and target_suite")]
    MetadataNotObject { found: &'static str },
    #[error("metadata has no {name}: it needs pack_name, pack_version and target_suite")]
    MetaMissing { name: &'static str },
    #[error("metadata.pack_version is {found}: it must be a string such as \"1.0.0\"")]
    PackVersionNotString { found: &'static str },
    #[error(
        "metadata.pack_version is {}: it must be three numbers with dots between, such as \"1.0.0\"",
        json_text(found)
    )]
    PackVersionFormat { found: String },
    #[error(
        "the canonical form has {size} bytes, {} more than {PACK_SIZE_MAX}: shorten the files \
         (characters beyond ASCII count 6 or 12, line breaks and quotes 2)",
        size - PACK_SIZE_MAX
    )]
    TooLarge { size: usize },
}

/// The two lists of a tool policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyList {
    Allow,
    Deny,
}

impl fmt::Display for PolicyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PolicyList::Allow => "allow",
            PolicyList::Deny => "deny",
        })
    }
}

impl PackIssue {
    /// A short name for programs.
    pub fn code(&self) -> String {
        match self {
            PackIssue::NotJson(_) => "NOT_JSON".into(),
            PackIssue::NotObject { .. } => "NOT_OBJECT".into(),
            PackIssue::SchemaVersion { .. } => "SCHEMA_VERSION".into(),
            PackIssue::MissingField { name } => format!("MISSING_FIELD:{name}"),
            PackIssue::FilesNotObject { .. } => "FILES_NOT_OBJECT".into(),
            PackIssue::NoAgentsMd => "NO_AGENTS_MD".into(),
            PackIssue::FileNotString { name, .. } => format!("FILE_NOT_STRING:{name}"),
            PackIssue::ToolPolicyNotObject { .. } => "TOOL_POLICY_NOT_OBJECT".into(),
            PackIssue::LegacyPolicyKeys => "LEGACY_POLICY_KEYS".into(),
            PackIssue::NotList { list: PolicyList::Allow, .. } => "ALLOW_NOT_LIST".into(),
            PackIssue::NotList { list: PolicyList::Deny, .. } => "DENY_NOT_LIST".into(),
            PackIssue::ItemNotString { list: PolicyList::Allow, .. } => "ALLOW_ITEM_NOT_STRING".into(),
            PackIssue::ItemNotString { list: PolicyList::Deny, .. } => "DENY_ITEM_NOT_STRING".into(),
            PackIssue::DangerousWithoutDeny { .. } => "DANGEROUS_WITHOUT_DENY".into(),
            PackIssue::MetadataNotObject { .. } => "METADATA_NOT_OBJECT".into(),
            PackIssue::MetaMissing { name } => format!("META_MISSING:{name}"),
            PackIssue::PackVersionNotString { .. } => "PACK_VERSION_NOT_STRING".into(),
            PackIssue::PackVersionFormat { .. } => "PACK_VERSION_FORMAT".into(),
            PackIssue::TooLarge { size } => format!("TOO_LARGE:{size}"),
        }
    }
}

/// Returns all that is wrong with a document, in the order in which validators report it.
pub(super) fn issues(document: &Value) -> Vec<PackIssue> {
    let Some(pack) = document.as_map() else {
        return vec![PackIssue::NotObject { found: document.kind() }];
    };
    let mut issues = Vec::new();
    check_fields(pack, &mut issues);
    if let Some(files) = pack.get("files") {
        check_files(files, &mut issues);
    }
    if let Some(policy) = pack.get("tool_policy") {
        check_tool_policy(policy, &mut issues);
    }
    if let Some(metadata) = pack.get("metadata") {
        check_metadata(metadata, &mut issues);
    }
    let size = document.dumps_sorted().len();
    if size > PACK_SIZE_MAX {
        issues.push(PackIssue::TooLarge { size });
    }
    issues
}

fn check_fields(pack: &Map, issues: &mut Vec<PackIssue>) {
    let version = pack.get("schema_version");
    // Python's equality: 1.0 and true are 1 too.
    if version.and_then(Value::as_f64) != Some(1.0) {
        let found = version.map_or("missing".into(), excerpt);
        issues.push(PackIssue::SchemaVersion { found });
    }
    for name in ["schema_version", "files", "tool_policy", "metadata"] {
        if !pack.contains_key(name) {
            issues.push(PackIssue::MissingField { name });
        }
    }
}

fn check_files(files: &Value, issues: &mut Vec<PackIssue>) {
    let Some(files) = files.as_map() else {
        issues.push(PackIssue::FilesNotObject { found: files.kind() });
        return;
    };
    if !files.contains_key(AGENTS_MD) {
        issues.push(PackIssue::NoAgentsMd);
    }
    for (name, text) in files {
        if text.as_str().is_none() {
            issues.push(PackIssue::FileNotString { name: name.clone(), found: text.kind() });
        }
    }
}

fn check_tool_policy(policy: &Value, issues: &mut Vec<PackIssue>) {
    let Some(policy) = policy.as_map() else {
        issues.push(PackIssue::ToolPolicyNotObject { found: policy.kind() });
        return;
    };
    if policy.contains_key("allowed") || policy.contains_key("denied") {
        issues.push(PackIssue::LegacyPolicyKeys);
    }
    for (list, name) in [(PolicyList::Allow, "allow"), (PolicyList::Deny, "deny")] {
        if let Some(names) = policy.get(name) {
            check_list(list, names, issues);
        }
    }
    let has = |list: &str, tool: &str| policy.get(list).is_some_and(|names| holds(names, tool));
    let allowed = DANGEROUS.into_iter().find(|tool| has("allow", tool));
    if let Some(tool) = allowed
        && !DANGEROUS.into_iter().any(|tool| has("deny", tool))
    {
        issues.push(PackIssue::DangerousWithoutDeny { tool });
    }
}

fn check_list(list: PolicyList, names: &Value, issues: &mut Vec<PackIssue>) {
    let Some(names) = names.as_list() else {
        issues.push(PackIssue::NotList { list, found: names.kind() });
        return;
    };
    for (index, name) in names.iter().enumerate() {
        if name.as_str().is_none() {
            issues.push(PackIssue::ItemNotString { list, index, found: name.kind() });
        }
    }
}

/// Whether Python's `set(names)` holds the tool. A string is the set of its characters, none of which is
/// the name of a tool.
fn holds(names: &Value, tool: &str) -> bool {
    match names {
        Value::List(items) => items.iter().any(|item| item.as_str() == Some(tool)),
        Value::Map(map) => map.contains_key(tool),
        _ => false,
    }
}

fn check_metadata(metadata: &Value, issues: &mut Vec<PackIssue>) {
    let Some(names) = metadata_names(metadata) else {
        issues.push(PackIssue::MetadataNotObject { found: metadata.kind() });
        return;
    };
    for name in ["pack_name", "pack_version", "target_suite"] {
        if !names.contains(&name) {
            issues.push(PackIssue::MetaMissing { name });
        }
    }
    match metadata.get("pack_version") {
        None => {}
        Some(Value::Str(version)) if is_version(version) => {}
        Some(Value::Str(version)) => issues.push(PackIssue::PackVersionFormat { found: version.clone() }),
        Some(other) => issues.push(PackIssue::PackVersionNotString { found: other.kind() }),
    }
}

/// Which of the three names Python's `in` finds in the metadata; none where the validators' program fails:
/// a list or a text that holds `pack_version` fails there, while any other counts as an object without it.
fn metadata_names(metadata: &Value) -> Option<Vec<&'static str>> {
    let has = |name: &str| match metadata {
        Value::Map(map) => map.contains_key(name),
        Value::List(items) => items.iter().any(|item| item.as_str() == Some(name)),
        Value::Str(text) => text.contains(name),
        _ => false,
    };
    let is_container = matches!(metadata, Value::Map(_) | Value::List(_) | Value::Str(_));
    if !is_container || (metadata.as_map().is_none() && has("pack_version")) {
        return None;
    }
    Some(["pack_name", "pack_version", "target_suite"].into_iter().filter(|name| has(name)).collect())
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.chars().all(is_digit))
}

/// The value as JSON where that is short, else its kind.
fn excerpt(value: &Value) -> String {
    let text = value.dumps();
    if text.len() <= 40 { text } else { value.kind().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    fn check(field: &str, value: &str, expected: &[&str]) {
        let valid = r#"{"schema_version": 1, "files": {"AGENTS.md": ""}, "tool_policy": {},
            "metadata": {"pack_name": "n", "pack_version": "1.0.0", "target_suite": "s"}}"#;
        let mut document = parse(valid.as_bytes()).unwrap();
        if let Value::Map(pack) = &mut document {
            pack.insert(field.into(), parse(value.as_bytes()).unwrap());
        }
        let messages: Vec<String> = issues(&document).iter().map(PackIssue::to_string).collect();
        assert_eq!(messages, expected, "{field}: {value}");
    }

    #[test]
    fn messages_say_what_would_be_right() {
        check("schema_version", "\"1\"", &["schema_version is \"1\": it must be the number 1"]);
        check(
            "tool_policy",
            r#"{"allow": ["read", 5], "deny": null}"#,
            &[
                "item 2 of tool_policy.allow is an integer: it must be the name of a tool in quotes",
                "tool_policy.deny is null: it must be a list of tool names",
            ],
        );
        check(
            "tool_policy",
            r#"{"allow": ["exec"]}"#,
            &["tool_policy allows exec and denies no dangerous tool: \
               deny at least one of exec, shell, group:runtime, admin_*"],
        );
    }

    #[test]
    fn what_breaks_the_validators_program_is_an_issue() {
        let message =
            "metadata is a string: it must be an object with pack_name, pack_version and target_suite";
        check("metadata", "\"my pack_version\"", &[message]);
        check(
            "metadata",
            "\"pack_name target_suite\"",
            &["metadata has no pack_version: it needs pack_name, pack_version and target_suite"],
        );
        check(
            "tool_policy",
            "7",
            &["tool_policy is an integer: it must be an object with the lists allow and deny"],
        );
    }
}
