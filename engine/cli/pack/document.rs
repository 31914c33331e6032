//! The document of a pack that is being built: what is given over what was there, with the version after it.

use crate::exit::BadInput;
use packwright::pack::Pack;
use packwright::value::{Map, Value};

/// What is given for a pack; nothing given keeps what was there.
#[derive(Debug, Default)]
pub struct Given {
    /// All files of the pack, by their names.
    pub files: Vec<(String, String)>,
    pub allow: Option<Vec<String>>,
    pub deny: Option<Vec<String>>,
    pub name: Option<String>,
    pub target_suite: Option<String>,
    pub version: Option<String>,
    pub bump: Bump,
}

/// Which part of the version goes up where the content changed.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bump {
    Major,
    Minor,
    #[default]
    Patch,
}

/// The document that is to be written. `template` has what a new pack has, `before` what was built last.
pub fn document(given: &Given, template: &Pack, before: Option<&Pack>) -> anyhow::Result<Value> {
    let mut document = before.unwrap_or(template).document().clone();
    let Value::Map(fields) = &mut document else { unreachable!("a pack's document is an object") };
    let files = given.files.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str())));
    fields.insert("files".to_owned(), Value::Map(files.collect()));
    if let Some(Value::Map(policy)) = fields.get_mut("tool_policy") {
        set_list(policy, "allow", given.allow.as_deref());
        set_list(policy, "deny", given.deny.as_deref());
    }
    if let Some(Value::Map(metadata)) = fields.get_mut("metadata") {
        set(metadata, "pack_name", given.name.as_deref());
        set(metadata, "target_suite", given.target_suite.as_deref());
    }
    let version = match (&given.version, before) {
        (Some(version), _) => Some(version.clone()),
        (None, Some(before)) if document.dumps_sorted() != before.canonical() => {
            Some(raised(&version_of(before), given.bump)?)
        }
        _ => None,
    };
    if let Value::Map(fields) = &mut document
        && let Some(Value::Map(metadata)) = fields.get_mut("metadata")
    {
        set(metadata, "pack_version", version.as_deref());
    }
    Ok(document)
}

/// The version that a pack tells.
pub fn version_of(pack: &Pack) -> String {
    let version = pack.document().get("metadata").and_then(|metadata| metadata.get("pack_version"));
    version.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn set(map: &mut Map, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), Value::from(value));
    }
}

fn set_list(map: &mut Map, key: &str, names: Option<&[String]>) {
    if let Some(names) = names {
        map.insert(
            key.to_owned(),
            Value::List(names.iter().map(|name| Value::from(name.as_str())).collect()),
        );
    }
}

fn raised(version: &str, bump: Bump) -> anyhow::Result<String> {
    let parts: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    let next = match parts.as_deref() {
        Some(&[major, minor, patch]) => match bump {
            Bump::Major => major.checked_add(1).map(|major| (major, 0, 0)),
            Bump::Minor => minor.checked_add(1).map(|minor| (major, minor, 0)),
            Bump::Patch => patch.checked_add(1).map(|patch| (major, minor, patch)),
        },
        _ => None,
    };
    match next {
        Some((major, minor, patch)) => Ok(format!("{major}.{minor}.{patch}")),
        None => {
            let problem =
                format!("the version {version:?} cannot be raised: name the next one with --pack-version");
            Err(BadInput(problem).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packwright::pack::PackMetadata;

    #[test]
    fn versions_are_raised() {
        let check = |version: &str, bump, expected: Option<&str>| {
            assert_eq!(raised(version, bump).ok().as_deref(), expected, "{version}");
        };
        check("1.2.3", Bump::Patch, Some("1.2.4"));
        check("1.2.3", Bump::Minor, Some("1.3.0"));
        check("01.2.3", Bump::Major, Some("2.0.0"));
        check("1.2", Bump::Patch, None);
        check("1.2.99999999999999999999", Bump::Patch, None);
    }

    #[test]
    fn only_a_change_raises_the_version() {
        let template = Pack::of_policy("", &PackMetadata::default());
        let given = |text: &str| Given { files: vec![("AGENTS.md".into(), text.into())], ..Given::default() };
        let built = |given: &Given, before: Option<&Pack>| {
            let document = document(given, &template, before).unwrap();
            Pack::read(document.dumps().as_bytes()).unwrap()
        };
        let first = built(&given("a"), None);
        assert_eq!(version_of(&first), "1.0.0");
        assert_eq!(built(&given("a"), Some(&first)).hash(), first.hash());
        assert_eq!(version_of(&built(&given("b"), Some(&first))), "1.0.1");
        let renamed = Given { name: Some("x".into()), bump: Bump::Major, ..given("a") };
        assert_eq!(version_of(&built(&renamed, Some(&first))), "2.0.0");
        let fixed = Given { version: Some("7.0.0".into()), ..given("b") };
        assert_eq!(version_of(&built(&fixed, Some(&first))), "7.0.0");
    }
}
