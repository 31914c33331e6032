//! A folder held in memory: files by their relative path, with `/` between the parts.
//!
//! Fixtures and workspaces are folders, so that hundreds of episodes can read them side by side without
//! touching a disk, and none can reach beyond its own.

use crate::value::{JsonError, Value, parse};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    File(Arc<[u8]>),
    Dir,
    /// The text of a symbolic link, relative to the folder that holds it or absolute.
    Symlink(String),
}

/// A tree of entries. Every ancestor of an entry is an entry too.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    entries: BTreeMap<String, Entry>,
    /// The JSON of the files whose name says that they hold some, parsed when first asked for.
    parsed: BTreeMap<String, OnceLock<Result<Value, JsonError>>>,
}

/// Two folders are the same when their entries are; what was parsed already makes no difference.
impl PartialEq for Folder {
    fn eq(&self, other: &Folder) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Folder {}

impl Folder {
    /// Puts an entry at a relative path and creates the folders above it.
    pub fn insert(&mut self, path: &str, entry: Entry) {
        let mut end = 0;
        while let Some(slash) = path[end..].find('/') {
            self.entries.entry(path[..end + slash].to_owned()).or_insert(Entry::Dir);
            end += slash + 1;
        }
        match &entry {
            Entry::File(_) if path.ends_with(".json") => {
                self.parsed.insert(path.to_owned(), OnceLock::new());
            }
            _ => {
                self.parsed.remove(path);
            }
        }
        self.entries.insert(path.to_owned(), entry);
    }

    pub fn insert_text(&mut self, path: &str, text: &str) {
        self.insert(path, Entry::File(text.as_bytes().into()));
    }

    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The content of the file at a path; none where there is none or it is something else.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        match self.get(path)? {
            Entry::File(bytes) => Some(bytes),
            Entry::Dir | Entry::Symlink(_) => None,
        }
    }

    /// The JSON in a file named `*.json`, parsed once however many episodes ask; none where there is no
    /// such file.
    pub fn json(&self, path: &str) -> Option<Result<&Value, &JsonError>> {
        let bytes = self.file(path)?;
        Some(self.parsed.get(path)?.get_or_init(|| parse(bytes)).as_ref())
    }

    /// All entries, ordered by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The names directly inside a folder (`""` for the top), ordered, with their entries.
    pub fn children<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry)> + 'a {
        self.entries.iter().filter_map(move |(full, entry)| {
            let inside =
                if path.is_empty() { full.as_str() } else { full.strip_prefix(path)?.strip_prefix('/')? };
            (!inside.contains('/')).then_some((inside, entry))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_exist_and_children_are_direct() {
        let mut folder = Folder::default();
        folder.insert_text("memory/notes.md", "x");
        folder.insert_text("inbox.json", "[]");
        let names = |path| folder.children(path).map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(""), ["inbox.json", "memory"]);
        assert_eq!(names("memory"), ["notes.md"]);
        assert_eq!(folder.file("memory"), None);
    }

    #[test]
    fn json_is_that_of_the_newest_content() {
        let mut folder = Folder::default();
        folder.insert_text("a.json", "[1]");
        assert_eq!(folder.json("a.json"), Some(Ok(&Value::List(vec![Value::Int(1)]))));
        folder.insert_text("a.json", "{");
        assert!(folder.json("a.json").is_some_and(|parsed| parsed.is_err()));
        assert_eq!(folder.json("b.json"), None);
    }
}
