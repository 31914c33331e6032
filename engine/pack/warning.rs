//! What validators accept in a pack, but an agent would not see as it was meant.

use super::{AGENTS_MD, Pack, USER_MD};
use crate::value::json_text;

/// Agents see these files of their workspace without asking, in this order.
const SHOWN: [&str; 7] =
    [AGENTS_MD, "SOUL.md", "TOOLS.md", "IDENTITY.md", USER_MD, "HEARTBEAT.md", "BOOTSTRAP.md"];

/// The endings of documents.
const DOCUMENTS: [&str; 13] =
    ["md", "markdown", "txt", "text", "json", "jsonl", "yaml", "yml", "csv", "tsv", "ics", "vcf", "eml"];
/// Documents by their endings, and read by runtimes that look for programs.
const MANIFESTS: [&str; 3] = ["package.json", "tsconfig.json", "jsconfig.json"];

/// Something in a pack that works against its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackWarning {
    #[error(
        "{name} has {length} UTF-16 units: agents cut files over {max} in the middle, and validators put up to \
         300 more before AGENTS.md; keep it under {}",
        nearly(*max)
    )]
    FileNearlyCut { name: &'static str, length: usize, max: usize },
    #[error(
        "{name} has {length} UTF-16 units: agents see only the first 70 % and the last 20 % of {max}; \
         keep it under {}",
        nearly(*max)
    )]
    FileCut { name: &'static str, length: usize, max: usize },
    #[error(
        "the files that agents see have {length} UTF-16 units together, of {max}: \
         the last of them, such as the user's profile, will be cut or left out"
    )]
    TotalCut { length: usize, max: usize },
    #[error(
        "the pack brings its own USER.md, which validators leave in the place of the scenario's, so that the agent \
         does not know whom it works for: remove it; no run begins with such a pack"
    )]
    UserMd,
    #[error(
        "the file name {} is not a plain path inside the workspace, so the file will not be written: rename it",
        json_text(name)
    )]
    UnsafeName { name: String },
    #[error(
        "the file {} is not a plain document: a real OpenClaw may run such files, so `--agent openclaw` refuses \
         the pack; rename it to a name like notes.md, or remove it",
        json_text(name)
    )]
    NotADocument { name: String },
}

/// Returns the warnings: first for each file that agents see, then for all together, then for names.
pub(super) fn warnings(pack: &Pack, file_utf16_max: usize, total_utf16_max: usize) -> Vec<PackWarning> {
    let mut warnings = Vec::new();
    let mut total = 0;
    for name in SHOWN {
        let length = pack.file(name).map_or(0, |text| text.encode_utf16().count());
        warnings.extend(length_warning(name, length, file_utf16_max));
        total += length.min(file_utf16_max);
    }
    if total > total_utf16_max {
        warnings.push(PackWarning::TotalCut { length: total, max: total_utf16_max });
    }
    if pack.brings_user_md() {
        warnings.push(PackWarning::UserMd);
    }
    let unsafe_names = pack.files().map(|(name, _)| name).filter(|name| !is_plain_path(name));
    warnings.extend(unsafe_names.map(|name| PackWarning::UnsafeName { name: name.to_owned() }));
    let written = pack.files().map(|(name, _)| name).filter(|name| is_plain_path(name));
    let others = written.filter(|name| !is_plain_document(name));
    warnings.extend(others.map(|name| PackWarning::NotADocument { name: name.to_owned() }));
    warnings
}

fn length_warning(name: &'static str, length: usize, max: usize) -> Option<PackWarning> {
    match length {
        _ if length > max => Some(PackWarning::FileCut { name, length, max }),
        _ if length > nearly(max) => Some(PackWarning::FileNearlyCut { name, length, max }),
        _ => None,
    }
}

/// The length that is safe with everything that may be put before a file.
fn nearly(max: usize) -> usize {
    max - max / 20
}

/// Whether a file of this name is written where the user's profile belongs, as `./USER.md` would be too.
pub(super) fn is_user_md(name: &str) -> bool {
    let mut path = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            // Outside the workspace nothing is written.
            ".." if path.pop().is_none() => return false,
            ".." => {}
            part => path.push(part),
        }
    }
    path == [USER_MD] && !name.starts_with('/')
}

/// Whether a file of this name lies in the workspace, on every system; no other file is written.
pub(crate) fn is_plain_path(name: &str) -> bool {
    !name.contains(['\\', ':', '\0']) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Whether a file is text for people and models that no runtime takes for a program, a setting or an extension.
///
/// This is a list of what is known to be harmless: runtimes learn to load new things from a workspace, from
/// folders like `.pi` and `hooks` and from scripts of any language.
pub(crate) fn is_plain_document(name: &str) -> bool {
    let lower = name.to_lowercase();
    let mut parts = lower.split('/');
    let is_plain_part = |part: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || " -_.,()+@&#".contains(c);
        !part.starts_with('.') && part != "node_modules" && part.chars().all(is_plain)
    };
    let file = lower.rsplit('/').next().unwrap_or_default();
    let is_document = file.rsplit_once('.').is_some_and(|(_, ending)| DOCUMENTS.contains(&ending));
    is_plain_path(name) && parts.all(is_plain_part) && is_document && !MANIFESTS.contains(&file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackMetadata;
    use crate::value::{Value, parse};

    fn pack(files: &[(&str, String)]) -> Pack {
        let mut document = Pack::of_policy("", &PackMetadata::default()).document().clone();
        if let Value::Map(pack) = &mut document
            && let Some(Value::Map(map)) = pack.get_mut("files")
        {
            map.extend(files.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str()))));
        }
        Pack::of_document(parse(document.dumps().as_bytes()).unwrap())
    }

    fn check(files: &[(&str, String)], expected: &[PackWarning]) {
        assert_eq!(pack(files).warnings(20_000, 24_000), expected);
    }

    #[test]
    fn lengths_are_counted_in_utf16_units() {
        check(&[(AGENTS_MD, "a".repeat(19_000))], &[]);
        let nearly = PackWarning::FileNearlyCut { name: AGENTS_MD, length: 19_002, max: 20_000 };
        check(&[(AGENTS_MD, "🚀".repeat(9_501))], &[nearly]);
        let cut = PackWarning::FileCut { name: AGENTS_MD, length: 20_001, max: 20_000 };
        check(&[(AGENTS_MD, "é".repeat(20_001))], &[cut]);
        let total = PackWarning::TotalCut { length: 24_001, max: 24_000 };
        check(&[(AGENTS_MD, "a".repeat(19_000)), ("SOUL.md", "b".repeat(5_001))], &[total]);
    }

    #[test]
    fn the_users_profile_has_many_names() {
        let check = |name: &str, expected: bool| assert_eq!(is_user_md(name), expected, "{name}");
        for name in ["USER.md", "./USER.md", "a/../USER.md", "a/b/.././../USER.md"] {
            check(name, true);
        }
        for name in ["user.md", "a/USER.md", "USER.md/x", "USERS.md", "", "/USER.md", "../USER.md"] {
            check(name, false);
        }
    }

    #[test]
    fn only_documents_are_harmless_to_a_runtime() {
        let check = |name: &str, expected: bool| assert_eq!(is_plain_document(name), expected, "{name:?}");
        for name in ["AGENTS.md", "memory/2026-02-06.md", "skills/mail/SKILL.md", "Notes (1).TXT", "a/b.json"]
        {
            check(name, true);
        }
        for name in [
            ".pi/extensions/evil.ts",
            ".pi/settings.json",
            "notes/.openclaw/x.md",
            "a/node_modules/b.json",
            "Node_Modules/b.json",
            "hooks/mine/handler.js",
            "run.sh",
            "README",
            "a/package.json",
            "\u{200c}.pi/settings.json",
            "..",
            "",
        ] {
            check(name, false);
        }
    }

    #[test]
    fn files_that_hide_or_escape_are_named() {
        let unsafe_name = |name: &str| PackWarning::UnsafeName { name: name.into() };
        check(
            &[
                ("USER.md", "me".into()),
                ("skills/a/SKILL.md", "x".into()),
                ("../x", "x".into()),
                ("", "x".into()),
                (".pi/extensions/x.ts", "x".into()),
            ],
            &[
                PackWarning::UserMd,
                unsafe_name("../x"),
                unsafe_name(""),
                PackWarning::NotADocument { name: ".pi/extensions/x.ts".into() },
            ],
        );
    }
}
