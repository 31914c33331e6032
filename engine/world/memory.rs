//! The tools `memory_search` and `memory_get`: notes in the fixture folder `memory/`, and `MEMORY.md` beside it.

use crate::scenario::Entry;
use crate::value::{Map, Value};
use crate::world::arguments::{any, is_space, text, universal_newlines, window};
use crate::world::{Fault, World};

const FOLDER: &str = "memory";
const ROOT_FILE: &str = "MEMORY.md";
const LINES_DEFAULT: i64 = 100;

/// A search that fills up.
struct Search<'a> {
    words: Vec<String>,
    limit: Option<&'a Value>,
    results: Vec<Value>,
}

pub(super) fn search(world: &World, args: &Map) -> Result<Value, Fault> {
    let query = text(args, "query")?.to_lowercase();
    let words = query.split(is_space).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let mut search = Search { words, limit: args.get("maxResults"), results: Vec::new() };
    for name in world.fixtures.children(FOLDER).map(|(name, _)| name) {
        let path = format!("{FOLDER}/{name}");
        if let Some(bytes) = file(world, &path) {
            search.scan(&path, bytes, 0.85)?;
        }
        if search.is_full()? {
            break;
        }
    }
    if let Some(bytes) = file(world, ROOT_FILE)
        && search.has_room()?
    {
        search.scan(ROOT_FILE, bytes, 0.8)?;
    }
    let results = Value::List(search.results);
    Ok(Value::object([("results", results), ("provider", "mock".into()), ("citations", "on".into())]))
}

impl Search<'_> {
    fn scan(&mut self, path: &str, bytes: &[u8], score: f64) -> Result<(), Fault> {
        let content = std::str::from_utf8(bytes).map_err(|_| Fault::fixture(path, "not UTF-8"))?;
        let content = universal_newlines(content);
        let lines: Vec<&str> = content.split('\n').collect();
        for (at, line) in lines.iter().enumerate() {
            let line = line.to_lowercase();
            if !self.words.iter().any(|word| line.contains(word.as_str())) {
                continue;
            }
            let (start, end) = (at.saturating_sub(1), lines.len().min(at + 3));
            self.results.push(Value::object([
                ("snippet", lines[start..end].join("\n").into()),
                ("path", path.into()),
                ("startLine", Value::Int(start as i64 + 1)),
                ("endLine", Value::Int(end as i64)),
                ("score", score.into()),
                ("citation", format!("{path}#L{}-L{end}", start + 1).into()),
            ]));
            if self.is_full()? {
                break;
            }
        }
        Ok(())
    }

    /// Both comparisons fail for NaN, as in Python.
    fn is_full(&self) -> Result<bool, Fault> {
        Ok(self.results.len() as f64 >= self.limit()?)
    }

    fn has_room(&self) -> Result<bool, Fault> {
        Ok((self.results.len() as f64) < self.limit()?)
    }

    fn limit(&self) -> Result<f64, Fault> {
        let limit = self.limit.map_or(Some(5.0), Value::as_f64);
        limit.ok_or_else(|| Fault::argument("maxResults", "not a number"))
    }
}

fn file<'a>(world: &'a World, path: &str) -> Option<&'a [u8]> {
    match world.find(world.fixtures_place(), path).ok()??.entry? {
        Entry::File(bytes) => Some(bytes),
        Entry::Dir | Entry::Symlink(_) => None,
    }
}

pub(super) fn get(world: &World, args: &Map) -> Value {
    let path = any(args, "path", "");
    match excerpt(world, &path, args) {
        Some(text) => Value::object([("path", path), ("text", text.into())]),
        None => {
            let error = format!("File not found: {}", path.py_str());
            Value::object([("path", path), ("text", "".into()), ("error", error.into())])
        }
    }
}

/// None for whatever goes wrong: the reference catches all and says the same.
fn excerpt(world: &World, path: &Value, args: &Map) -> Option<String> {
    let path = path.as_str()?;
    let inner = if path.starts_with('/') { path.to_owned() } else { format!("{FOLDER}/{path}") };
    for candidate in [path, &inner] {
        let found = world.find(world.fixtures_place(), candidate).ok()?;
        match found.and_then(|found| found.entry) {
            Some(Entry::File(bytes)) => {
                let content = universal_newlines(std::str::from_utf8(bytes).ok()?);
                let lines: Vec<&str> = content.split('\n').collect();
                return Some(lines[window(lines.len(), args, LINES_DEFAULT)?].join("\n"));
            }
            Some(Entry::Dir | Entry::Symlink(_)) => return None,
            None => {}
        }
    }
    None
}
