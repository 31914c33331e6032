//! The tool `read`: numbered lines of a workspace file, or of a fixture that the workspace lacks.

use crate::scenario::Entry;
use crate::value::{Map, Value};
use crate::world::arguments::{text, universal_newlines, window};
use crate::world::{Fault, World, template};
use std::fmt::Write as _;

const LINES_DEFAULT: i64 = 2000;

pub(super) fn answer(world: &World, args: &Map) -> Result<Value, Fault> {
    let path = text(args, "path")?;
    let Some((found_path, bytes)) = first_file(world, path)? else {
        return Ok(Value::object([
            ("path", path.into()),
            ("content", "".into()),
            ("error", format!("File not found: {path}").into()),
        ]));
    };
    let content = std::str::from_utf8(bytes).map_err(|_| Fault::fixture(&found_path, "not UTF-8"))?;
    let mut content = universal_newlines(content);
    if is_markdown(&found_path) && !world.context.is_empty() {
        content = template::fill(&content, &world.context)?;
    }
    let content = numbered(&content, args)?;
    Ok(Value::object([("path", path.into()), ("content", content.into())]))
}

/// The workspace comes before the fixtures, and a whole path before its last name.
fn first_file<'a>(world: &'a World, path: &str) -> Result<Option<(String, &'a [u8])>, Fault> {
    let last_name = path.rsplit('/').next().unwrap_or(path);
    for place in [world.workspace_place(), world.fixtures_place()] {
        for candidate in [path, last_name] {
            let found = world.find(place, candidate).map_err(|bad| Fault::argument("path", bad.problem()))?;
            if let Some(found) = found
                && let Some(Entry::File(bytes)) = found.entry
            {
                return Ok(Some((found.path, bytes)));
            }
        }
    }
    Ok(None)
}

/// A leading dot does not begin a suffix.
fn is_markdown(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".md").is_some_and(|stem| !stem.is_empty())
}

fn numbered(content: &str, args: &Map) -> Result<String, Fault> {
    let lines: Vec<&str> = content.split('\n').collect();
    let range = window(lines.len(), args, LINES_DEFAULT)
        .ok_or_else(|| Fault::argument("from, lines", "not whole numbers"))?;
    let mut out = String::with_capacity(content.len() + 8 * range.len());
    for number in range.clone() {
        let separator = if number > range.start { "\n" } else { "" };
        write!(out, "{separator}  {}\t{}", number + 1, lines[number])
            .expect("writing to a string cannot fail");
    }
    Ok(out)
}
