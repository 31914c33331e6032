//! The rules of the house that a program can check: which module may import which, what each part may touch,
//! how long a file may be, and what lies where.
//!
//! Where one of these stops you, the type is usually in the wrong module: move the noun up, not the import.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Plain data and pure functions: no disk, network or clock, and no randomness but from a seed.
const PURE: [&str; 15] = [
    "value", "units", "pattern", "scenario", "episode", "pack", "persona", "score", "policy", "lint",
    "stats", "event", "lineage", "world", "search",
];

/// What pure modules may not name.
const OUTSIDE: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::time::Instant",
    "SystemTime",
    "tokio",
    "reqwest",
    "rand::rng(",
];

const PRINTERS: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];

const LINES_MAX: usize = 450;
/// Files that are longer, each with its limit and the reason. The limit may only shrink.
const LONG_FILES: [(&str, usize, &str); 0] = [];

/// What may stand at the top of the repository.
const TOP: [&str; 19] = [
    ".ci",
    ".gitattributes",
    ".gitignore",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "deny.toml",
    "docs",
    "engine",
    "fuzz",
    "packs",
    "rubrics",
    "runs",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "scenarios",
];

/// A Rust file of the repository.
struct Source {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The module of the library that the file belongs to; none for the program, the tests and the build script.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("engine/")?;
        let top = inside.split('/').next()?;
        let top = top.strip_suffix(".rs").unwrap_or(top);
        (!matches!(top, "cli" | "tests" | "lib" | "build")).then_some(top)
    }

    /// The lines of code with their numbers, without comments and without what is only for tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let is_test_file = self.path.ends_with("/tests.rs");
        let code = lines.take_while(move |(_, line)| !is_test_file && line.trim() != "#[cfg(test)]");
        code.map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
    }
}

#[test]
fn modules_import_only_from_modules_above_them() {
    let order = module_order();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(module) = source.module() else { continue };
        let own = order.get(module).unwrap_or_else(|| panic!("{module} is not declared in engine/lib.rs"));
        for (number, line) in source.code() {
            for imported in line.split("crate::").skip(1).filter_map(first_word) {
                if order.get(imported).is_some_and(|place| place > own) {
                    wrong.push(format!("{}:{number}: {module} stands above {imported}", source.path));
                }
            }
        }
    }
    expect_none(&wrong, "imports from modules further down in engine/lib.rs");
}

#[test]
fn words_and_machinery_never_touch_the_outside() {
    let wrong = mentions(&OUTSIDE, |source| source.module().is_some_and(|module| PURE.contains(&module)));
    expect_none(&wrong, "uses of disk, network, clock or chance in pure modules");
}

#[test]
fn the_library_never_prints() {
    let wrong = mentions(&PRINTERS, |source| source.module().is_some());
    expect_none(&wrong, "printing in the library; return it, or record an event");
}

#[test]
fn only_llm_the_gateway_evaluators_collectors_messages_and_fetching_use_the_network() {
    let wrong = mentions(&["reqwest"], |source| {
        let is_gateway = source.path == "engine/agent/openclaw/gateway.rs";
        let is_evaluator = source.path.starts_with("engine/agent/external/");
        let is_collector = source.path == "engine/export/send.rs";
        let is_message = matches!(source.path.as_str(), "engine/notify/http.rs" | "engine/notify/channel.rs");
        let is_fetch = source.path == "engine/publish/fetch.rs";
        let is_allowed = is_gateway || is_evaluator || is_collector || is_message || is_fetch;
        source.module().is_some_and(|module| module != "llm") && !is_allowed
    });
    expect_none(
        &wrong,
        "uses of the HTTP client outside of llm, the gateway, evaluators, collectors, messages and publish::fetch",
    );
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    expect_none(&silent.map(|source| source.path).collect::<Vec<_>>(), "files that do not open with `//!`");
}

#[test]
fn files_stay_short() {
    let wrong = sources().into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        let known = LONG_FILES.iter().find(|(path, ..)| *path == source.path);
        let limit = known.map_or(LINES_MAX, |(_, lines, _)| *lines);
        (lines > limit).then(|| format!("{}: {lines} lines, at most {limit}", source.path))
    });
    expect_none(&wrong.collect::<Vec<_>>(), "long files; look for a second noun");
    for (path, lines, _) in LONG_FILES {
        let now = std::fs::read_to_string(root().join(path)).map_or(0, |text| text.lines().count());
        assert!(now > LINES_MAX, "{path} is short again: take it off the list");
        assert!(now + 100 > lines, "{path} has shrunk to {now} lines: lower its limit");
    }
}

#[test]
fn no_file_names_a_place_on_one_machine() {
    // Put together here, so that this file does not name them.
    let places = [["/ho", "me/"], ["/ro", "ot/"], ["/wo", "rk/"], ["/Us", "ers/"], ["C:\\U", "sers"]]
        .map(|p| p.concat());
    let mut wrong = Vec::new();
    for path in tracked_files() {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for (index, line) in text.lines().enumerate() {
            if places.iter().any(|place| names(line, place)) {
                wrong.push(format!("{path}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    expect_none(&wrong, "absolute paths of one machine");
}

#[test]
fn everything_lies_where_it_belongs() {
    let mut wrong = Vec::new();
    for path in tracked_files() {
        let top = path.split('/').next().unwrap_or_default().to_owned();
        if !TOP.contains(&top.as_str()) && !wrong.contains(&top) {
            wrong.push(top);
        }
    }
    expect_none(&wrong, "files at the top that no one agreed on");
}

/// Whether a line holds a path that begins with `place`, and not one that only contains it.
fn names(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '/' | ')'))
    })
}

/// The modules in the order of `engine/lib.rs`.
fn module_order() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(root().join("engine/lib.rs")).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.enumerate().map(|(place, name)| (name.to_owned(), place)).collect()
}

fn mentions(words: &[&str], concerned: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources().into_iter().filter(concerned) {
        for (number, line) in source.code() {
            for word in words.iter().filter(|word| has_word(line, word)) {
                found.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    found
}

/// Whether a line has the word where no letter stands before it.
fn has_word(line: &str, word: &str) -> bool {
    let mut places = line.match_indices(word);
    places.any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn first_word(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|word| !word.is_empty())
}

fn expect_none(wrong: &[String], what: &str) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files of the repository.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for folder in ["engine", "benches", "fuzz"] {
        rust_files(&root().join(folder), &mut files);
    }
    let source = |path: PathBuf| {
        let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        Source { path: relative, text: std::fs::read_to_string(path).unwrap() }
    };
    files.into_iter().map(source).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The files that git knows or would add; none (with a visible message) outside of a git checkout.
fn tracked_files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output();
    match listed {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8(output.stdout).unwrap();
            text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
        }
        _ => {
            eprintln!("SKIPPED: this is not a git checkout");
            Vec::new()
        }
    }
}

#[test]
fn the_checks_see_what_they_should() {
    let check = |line, place, expected| assert_eq!(names(line, place), expected, "{line}");
    check("see /opt/x", "/opt/", true);
    check("see a/opt/x", "/opt/", false);
    check("\"/opt/x\"", "/opt/", true);
    assert!(has_word("    println!(x)", "println!"));
    assert!(!has_word("    eprintln!(x)", "println!"));
    assert_eq!(first_word("value::{Map}"), Some("value"));
}
