//! Reads a policy pack from disk: a `pack.json`, an `AGENTS.md`, or a folder that holds either.

use crate::pack::{AGENTS_MD, Pack, PackIssue, PackMetadata};
use crate::scenario::problem::{Place, Report, Strictness};
use crate::workspace::LoadError;
use crate::workspace::disk::{FILE_BYTES_MAX, reason};
use std::fs;
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
    let bytes = read(&file, report)?;
    if bytes.starts_with("\u{feff}".as_bytes()) {
        report.error(None, "", "begins with a byte order mark").help("save it as UTF-8 without BOM");
        return None;
    }
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        read_json(&bytes, report)
    } else {
        read_policy(bytes, report)
    }
}

fn inside(folder: &Path, report: &mut Report) -> Option<PathBuf> {
    let found = [PACK_JSON, AGENTS_MD].map(|name| folder.join(name)).into_iter().find(|file| file.exists());
    if found.is_none() {
        let help = format!("a pack is a folder with a {PACK_JSON} or an {AGENTS_MD}, or one of these files");
        report.error(None, "", "there is no pack here").help(help);
    }
    found
}

fn read(file: &Path, report: &mut Report) -> Option<Vec<u8>> {
    let found = match fs::metadata(file) {
        Ok(found) => found,
        Err(error) => {
            report.error(None, "", format!("cannot be read: {}", reason(&error)));
            return None;
        }
    };
    if !found.is_file() {
        report.error(None, "", "is not a file");
        return None;
    }
    if found.len() > FILE_BYTES_MAX {
        report.error(None, "", format!("has {} bytes, more than {FILE_BYTES_MAX}", found.len()));
        return None;
    }
    match fs::read(file) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            report.error(None, "", format!("cannot be read: {}", reason(&error)));
            None
        }
    }
}

fn read_json(bytes: &[u8], report: &mut Report) -> Option<Pack> {
    match Pack::read(bytes) {
        Ok(pack) => Some(pack),
        Err(issues) => {
            for issue in issues {
                let place = match &issue {
                    PackIssue::NotJson(error) => Some(Place { line: error.line, column: error.column }),
                    _ => None,
                };
                report.error(place, "", issue.to_string());
            }
            None
        }
    }
}

fn read_policy(bytes: Vec<u8>, report: &mut Report) -> Option<Pack> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            report
                .error(None, "", format!("is not UTF-8 text (first at byte {at})"))
                .help("save it as UTF-8");
            return None;
        }
    };
    if text.trim().is_empty() {
        report.error(None, "", "the policy is empty").help("write at least one sentence");
        return None;
    }
    let pack = Pack::of_policy(&text, &PackMetadata::default());
    for issue in pack.issues() {
        report.error(None, "", issue.to_string());
    }
    report.problems.is_empty().then_some(pack)
}
