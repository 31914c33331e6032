//! Reads a policy pack from disk: a `pack.json`, an `AGENTS.md`, or a folder that holds either.

use crate::pack::{AGENTS_MD, Pack, PackIssue, PackMetadata, PolicyList};
use crate::scenario::problem::{Place, Report, Strictness};
use crate::workspace::LoadError;
use crate::workspace::disk::read_file;
use crate::workspace::json_place::{Step, place_of};
use std::path::{Path, PathBuf};

const PACK_JSON: &str = "pack.json";

/// Reads a pack; fails with everything that is wrong with it.
///
/// Of a folder that holds both, `pack.json` is read. Any other text file is taken for a policy.
pub fn load_pack(path: &Path) -> Result<Pack, LoadError> {
    let mut report = Report::new(&path.display().to_string(), Strictness::Own);
    let pack = pack(path, &mut report);
    pack.ok_or(LoadError { problems: report.problems })
}

fn pack(path: &Path, report: &mut Report) -> Option<Pack> {
    let file = if path.is_dir() { inside(path, report)? } else { path.to_owned() };
    report.file = file.display().to_string();
    let bytes = read_file(&file, report)?;
    if bytes.starts_with("\u{feff}".as_bytes()) {
        report.error(None, "", "begins with a byte order mark").help("save it as UTF-8 without BOM");
        return None;
    }
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        read_json(&bytes, report)
    } else {
        read_policy(&bytes, report)
    }
}

/// Whether a folder holds a pack.
pub(super) fn is_pack_folder(folder: &Path) -> bool {
    [PACK_JSON, AGENTS_MD].iter().any(|name| folder.join(name).exists())
}

fn inside(folder: &Path, report: &mut Report) -> Option<PathBuf> {
    let found = [PACK_JSON, AGENTS_MD].map(|name| folder.join(name)).into_iter().find(|file| file.exists());
    if found.is_none() {
        let help = format!("a pack is a folder with a {PACK_JSON} or an {AGENTS_MD}, or one of these files");
        report.error(None, "", "there is no pack here").help(help);
    }
    found
}

fn read_json(bytes: &[u8], report: &mut Report) -> Option<Pack> {
    let issues = match Pack::read(bytes) {
        Ok(pack) => return Some(pack),
        Err(issues) => issues,
    };
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    // Validators tell twice that there is no version; once is enough for people.
    let no_version = PackIssue::MissingField { name: "schema_version" };
    let twice = issues.contains(&no_version);
    for issue in issues.iter().filter(|issue| !(twice && **issue == no_version)) {
        match issue {
            PackIssue::NotJson(error) => {
                let place = Place { line: error.line, column: error.column };
                report.error(place, "", format!("invalid JSON: {}", error.problem));
            }
            PackIssue::TooLarge { .. } => drop(report.error(None, "", issue.to_string())),
            issue => drop(report.error(place_of(text, &path(issue)), "", issue.to_string())),
        }
    }
    None
}

/// What an issue is about; the object around it where it is missing.
fn path(issue: &PackIssue) -> Vec<Step<'_>> {
    let keys = |keys: &[&'static str]| keys.iter().map(|key| Step::Key(key)).collect();
    let name = |list: &PolicyList| match list {
        PolicyList::Allow => "allow",
        PolicyList::Deny => "deny",
    };
    match issue {
        PackIssue::NotJson(_)
        | PackIssue::NotObject { .. }
        | PackIssue::MissingField { .. }
        | PackIssue::TooLarge { .. } => Vec::new(),
        PackIssue::SchemaVersion { .. } => keys(&["schema_version"]),
        PackIssue::FilesNotObject { .. } | PackIssue::NoAgentsMd => keys(&["files"]),
        PackIssue::FileNotString { name, .. } => vec![Step::Key("files"), Step::Key(name)],
        PackIssue::ToolPolicyNotObject { .. } | PackIssue::LegacyPolicyKeys => keys(&["tool_policy"]),
        PackIssue::NotList { list, .. } => keys(&["tool_policy", name(list)]),
        PackIssue::ItemNotString { list, index, .. } => {
            vec![Step::Key("tool_policy"), Step::Key(name(list)), Step::Item(*index)]
        }
        PackIssue::DangerousWithoutDeny { .. } => keys(&["tool_policy", "allow"]),
        PackIssue::MetadataNotObject { .. } | PackIssue::MetaMissing { .. } => keys(&["metadata"]),
        PackIssue::PackVersionNotString { .. } | PackIssue::PackVersionFormat { .. } => {
            keys(&["metadata", "pack_version"])
        }
    }
}

fn read_policy(bytes: &[u8], report: &mut Report) -> Option<Pack> {
    let text = report.text(bytes)?;
    if text.trim().is_empty() {
        report.error(None, "", "the policy is empty").help("write at least one sentence");
        return None;
    }
    let pack = Pack::of_policy(text, &PackMetadata::default());
    for issue in pack.issues() {
        report.error(None, "", issue.to_string());
    }
    report.problems.is_empty().then_some(pack)
}
