//! The suite and the baseline policy inside the program, so that it works from any folder.

use crate::scenario::{Entry, Folder};
use include_dir::{Dir, DirEntry, include_dir};

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");
static RUBRICS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rubrics");

/// The policy that every comparison starts from.
pub fn baseline_policy() -> &'static str {
    include_str!("../../packs/baseline/AGENTS.md")
}

/// The embedded suite's files, as they stand in the repository.
pub(super) fn suite_files() -> Folder {
    let mut folder = Folder::default();
    insert(&SCENARIOS, "scenarios", &mut folder);
    insert(&RUBRICS, "rubrics", &mut folder);
    folder
}

fn insert(dir: &Dir<'_>, prefix: &str, folder: &mut Folder) {
    folder.insert(prefix, Entry::Dir);
    for entry in dir.entries() {
        let Some(name) = entry.path().file_name().and_then(|name| name.to_str()) else { continue };
        let path = format!("{prefix}/{name}");
        match entry {
            DirEntry::Dir(dir) => insert(dir, &path, folder),
            DirEntry::File(_) if name.starts_with('.') => {}
            DirEntry::File(file) => folder.insert(&path, Entry::File(file.contents().into())),
        }
    }
}
