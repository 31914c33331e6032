//! Reads a folder from disk into memory, within limits, and never outside it.
//!
//! Links are followed as long as they stay inside. Pipes, sockets and devices are never opened, since
//! reading one may wait for ever.

use crate::scenario::problem::Report;
use crate::scenario::{Entry, Folder};
use std::fs;
use std::path::{Path, PathBuf};

/// The longest file of a suite in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// The most bytes of all files of a suite.
const TOTAL_BYTES_MAX: u64 = 64 << 20;
/// The most files and folders of a suite.
const ENTRIES_MAX: usize = 5_000;
/// The deepest nesting of folders.
const DEPTH_MAX: usize = 12;

/// Reads those of the named parts of a folder that exist. Each problem is reported under the file it is in.
pub(super) fn read_folder(root: &Path, parts: &[&str], problems: &mut Report) -> Folder {
    let mut reader =
        Reader { root, inside: PathBuf::new(), folder: Folder::default(), bytes: 0, entries: 0, problems };
    match fs::canonicalize(root) {
        Ok(inside) => reader.inside = inside,
        Err(error) => {
            reader.complain(root, format!("cannot be read: {}", reason(&error)));
            return reader.folder;
        }
    }
    for part in parts {
        if fs::symlink_metadata(root.join(part)).is_ok() {
            reader.entry(&root.join(part), part, 0);
        }
    }
    reader.folder
}

/// Reads everything in a folder.
pub(super) fn read_all(root: &Path, problems: &mut Report) -> Folder {
    let mut names: Vec<String> = match fs::read_dir(root) {
        Ok(entries) => entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect(),
        Err(error) => {
            problems.error(None, "", format!("cannot be listed: {}", reason(&error)));
            return Folder::default();
        }
    };
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    read_folder(root, &names.iter().map(String::as_str).collect::<Vec<_>>(), problems)
}

struct Reader<'a> {
    root: &'a Path,
    /// The real path that nothing may leave.
    inside: PathBuf,
    folder: Folder,
    bytes: u64,
    entries: usize,
    problems: &'a mut Report,
}

impl Reader<'_> {
    fn entry(&mut self, path: &Path, relative: &str, depth: usize) {
        self.entries += 1;
        if self.entries > ENTRIES_MAX {
            if self.entries == ENTRIES_MAX + 1 {
                self.complain(self.root, format!("more than {ENTRIES_MAX} files and folders"));
            }
            return;
        }
        if !self.stays_inside(path) {
            return;
        }
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => self.dir(path, relative, depth),
            Ok(found) if found.is_file() => self.file(path, relative, found.len()),
            Ok(_) => self.complain(path, "is neither a file nor a folder".into()),
            Err(error) => self.complain(path, format!("cannot be read: {}", reason(&error))),
        }
    }

    /// Only links can leave; a link that leads nowhere is reported when it is opened.
    fn stays_inside(&mut self, path: &Path) -> bool {
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link && fs::canonicalize(path).is_ok_and(|target| !target.starts_with(&self.inside)) {
            self.complain(path, "is a link that leaves the suite".into());
            return false;
        }
        true
    }

    fn dir(&mut self, path: &Path, relative: &str, depth: usize) {
        if depth > DEPTH_MAX {
            return self.complain(
                path,
                format!("nested more than {DEPTH_MAX} folders deep (do its links form a circle?)"),
            );
        }
        self.folder.insert(relative, Entry::Dir);
        let mut names = Vec::new();
        let listed = fs::read_dir(path).and_then(|entries| {
            for entry in entries {
                names.push(entry?.file_name());
            }
            Ok(())
        });
        if let Err(error) = listed {
            return self.complain(path, format!("cannot be listed: {}", reason(&error)));
        }
        names.sort();
        for name in names {
            match name.to_str() {
                Some(name) if name.starts_with('.') => {}
                Some(name) => self.entry(&path.join(name), &format!("{relative}/{name}"), depth + 1),
                None => self.complain(&path.join(&name), "the name is not UTF-8".into()),
            }
        }
    }

    fn file(&mut self, path: &Path, relative: &str, length: u64) {
        self.bytes = self.bytes.saturating_add(length);
        if length > FILE_BYTES_MAX {
            return self.complain(path, format!("has {length} bytes, more than {FILE_BYTES_MAX}"));
        }
        if self.bytes > TOTAL_BYTES_MAX {
            return self.complain(path, format!("all files together have more than {TOTAL_BYTES_MAX} bytes"));
        }
        match fs::read(path) {
            Ok(bytes) => self.folder.insert(relative, Entry::File(bytes.into())),
            Err(error) => self.complain(path, format!("cannot be read: {}", reason(&error))),
        }
    }

    fn complain(&mut self, path: &Path, message: String) {
        let file = std::mem::replace(&mut self.problems.file, path.display().to_string());
        self.problems.error(None, "", message);
        self.problems.file = file;
    }
}

/// Reads one file that the user named; none where it cannot be used, and the report says why.
pub(super) fn read_file(file: &Path, report: &mut Report) -> Option<Vec<u8>> {
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

/// Why the system refuses, without its error number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
