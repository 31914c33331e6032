//! The world against the recorded answers of the reference's mock server, and the promises that the record
//! does not show: nothing outside the two folders is served, and worlds do not know of each other.

use crate::conformance;
use packwright::scenario::{Entry, Folder};
use packwright::value::{Map, Value, parse};
use packwright::world::{Clock, Fault, TOOLS, World};
use regex::Regex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CLOCK: Clock = Clock { unix_s: 1_770_000_000 };

#[test]
fn answers_agree_with_the_reference() {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/clawbench/fixtures");
    let Some(lines) = conformance::lines("mock_tools.jsonl.gz") else { return };
    if !shipped.is_dir() {
        eprintln!("SKIPPED: the reference's fixtures are not here");
        return;
    }
    let mut exchanges = lines.iter().map(|line| json(line));
    let header = exchanges.next().expect("the header comes first");
    let mut replay = Replay::new(&header, &shipped);
    let mut counts = BTreeMap::new();
    for exchange in exchanges {
        let verdict = replay.judge(&exchange);
        if let Verdict::Wrong(got) = &verdict {
            eprintln!("exchange {}\n  gave {got}", exchange.dumps());
        }
        *counts.entry(verdict.name()).or_insert(0) += 1;
    }
    let total: i32 = counts.values().sum();
    eprintln!("mock tools: of {total} exchanges {counts:?}");
    assert_eq!(counts.get("wrong"), None);
    assert!(counts["agreed"] > 2_000);
}

/// The fixtures by scenario and the workspace that stood before the recorded server.
pub(crate) fn recorded_folders(header: &Value, shipped: &Path) -> (BTreeMap<String, Folder>, Folder) {
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for entry in std::fs::read_dir(shipped).expect("a readable folder") {
        let entry = entry.expect("a readable entry");
        folders.insert(entry.file_name().into_string().expect("a plain name"), load(&entry.path()));
    }
    for (path, content) in at(header, "extra_fixtures").as_map().expect("files") {
        let (scenario, inside) = path.split_once('/').expect("a file of a scenario");
        let content = content.as_str().expect("text");
        folders.entry(scenario.to_owned()).or_default().insert_text(inside, content);
    }
    let mut workspace = Folder::default();
    let files = at(header, "workspace");
    for (path, content) in at(files, "files").as_map().expect("files") {
        workspace.insert_text(path, content.as_str().expect("text"));
    }
    for (path, target) in at(files, "symlinks").as_map().expect("links") {
        workspace.insert(path, Entry::Symlink(target.as_str().expect("text").to_owned()));
    }
    // `/set_scenario/..` makes all of this the fixtures of one scenario.
    let mut root = Folder::default();
    for (scenario, folder) in &folders {
        graft(&mut root, &format!("fixtures/{scenario}"), folder);
    }
    graft(&mut root, "workspace", &workspace);
    folders.insert("..".to_owned(), root);
    (folders, workspace)
}

/// How an answer compares to the recorded one.
enum Verdict {
    Agreed,
    /// The reference broke down, and we said why we cannot answer.
    Py500,
    /// It concerns the server's protocol, not the world.
    HttpOnly,
    Wrong(String),
}

impl Verdict {
    fn name(&self) -> &'static str {
        match self {
            Verdict::Agreed => "agreed",
            Verdict::Py500 => "py500",
            Verdict::HttpOnly => "http-only",
            Verdict::Wrong(_) => "wrong",
        }
    }

    fn same(got: String, expected: &str) -> Verdict {
        if got == expected { Verdict::Agreed } else { Verdict::Wrong(got) }
    }
}

/// The recorded server's state.
struct Replay {
    folders: BTreeMap<String, Arc<Folder>>,
    workspace: Folder,
    scenario: String,
    world: World,
    stamp: Regex,
    ts: Regex,
}

impl Replay {
    fn new(header: &Value, shipped: &Path) -> Replay {
        let (folders, workspace) = recorded_folders(header, shipped);
        let folders = folders.into_iter().map(|(name, folder)| (name, Arc::new(folder))).collect();
        let stamp = Regex::new(r"\b(draft|page|evt|slack_msg)_\d{14}\b").expect("a pattern");
        let ts = Regex::new(r#""ts":"[^"]*","#).expect("a pattern");
        let world = World::new(Arc::default(), workspace.clone(), Default::default(), CLOCK);
        let mut replay = Replay { folders, workspace, scenario: String::new(), world, stamp, ts };
        replay.set_scenario("inbox_triage");
        replay
    }

    fn set_scenario(&mut self, name: &str) {
        let fixtures = self.folders.get(name).cloned().unwrap_or_default();
        let path = if name == ".." { "/".to_owned() } else { format!("/fixtures/{name}") };
        self.world =
            World::new(fixtures, self.workspace.clone(), Default::default(), CLOCK).with_fixtures_at(&path);
        self.scenario = name.to_owned();
    }

    fn judge(&mut self, exchange: &Value) -> Verdict {
        let text = |key| exchange.get(key).and_then(Value::as_str).unwrap_or_default();
        let target = text("target").split('?').next().expect("a first part");
        let expected = text("text");
        match (text("method"), target) {
            ("GET", "/health") => Verdict::same(self.health(), expected),
            ("GET", "/tools") => {
                let tools = Value::object([("tools", tools()), ("count", Value::Int(7))]);
                Verdict::same(tools.compact(), expected)
            }
            ("GET", "/tool_calls") if at(exchange, "status") == &Value::Int(200) => {
                Verdict::same(self.calls(), &self.ts.replace_all(expected, ""))
            }
            ("POST", "/set_user_context") => self.set_user_context(exchange, expected),
            ("POST", _) if at(exchange, "status") != &Value::Int(405) => {
                if let Some(name) = target.strip_prefix("/set_scenario/") {
                    if expected.starts_with("{\"scenario\"") {
                        self.set_scenario(&percent_decoded(name));
                        let answer = Value::object([("scenario", self.scenario.as_str().into())]);
                        return Verdict::same(answer.compact(), expected);
                    }
                } else if let Some(tool) = target.strip_prefix("/tools/") {
                    return self.call(&percent_decoded(tool), exchange, expected);
                }
                Verdict::HttpOnly
            }
            _ => Verdict::HttpOnly,
        }
    }

    fn call(&mut self, tool: &str, exchange: &Value, expected: &str) -> Verdict {
        let Some(args) = body(exchange) else { return Verdict::HttpOnly };
        let answer = self.world.call(tool, &args.unwrap_or(Value::Map(Map::new())));
        match (answer, at(exchange, "status")) {
            (Ok(answer), Value::Int(200)) => {
                let answer = self.stamp.replace_all(&answer.compact(), "${1}_<TS14>").into_owned();
                Verdict::same(answer, expected)
            }
            (Err(Fault::UnknownTool { .. }), Value::Int(404)) => Verdict::Agreed,
            (Err(_), Value::Int(500)) => Verdict::Py500,
            // Not a number, in an answer or a record: JSON has no word for it.
            (Ok(_), _) if at(exchange, "tags").py_str().contains("nan") => Verdict::HttpOnly,
            (other, _) => Verdict::Wrong(format!("{other:?}")),
        }
    }

    fn set_user_context(&mut self, exchange: &Value, expected: &str) -> Verdict {
        let broken = at(exchange, "status") == &Value::Int(500);
        match body(exchange).flatten().as_ref().and_then(dict) {
            None if broken => Verdict::Py500,
            None => Verdict::Wrong("not an object".into()),
            Some(context) => match self.world.set_user_context(context) {
                Err(_) if broken => Verdict::Py500,
                Err(fault) => Verdict::Wrong(fault.to_string()),
                Ok(()) => {
                    let context = Value::Map(self.world.user_context().clone());
                    Verdict::same(Value::object([("user_context", context)]).compact(), expected)
                }
            },
        }
    }

    fn health(&self) -> String {
        Value::object([
            ("status", "ok".into()),
            ("scenario", self.scenario.as_str().into()),
            ("tools_available", Value::Int(7)),
            ("tool_names", tools()),
        ])
        .compact()
    }

    /// The record as the server lists it, without its time stamps.
    fn calls(&self) -> String {
        let calls = self.world.calls().iter().map(|call| {
            let summary: String = call.response.py_str().chars().take(200).collect();
            Value::object([
                ("tool", call.tool.as_str().into()),
                ("args", call.args.clone()),
                ("response", call.response.clone()),
                ("result_summary", summary.into()),
            ])
        });
        let all = Value::object([("calls", Value::List(calls.collect()))]).compact();
        self.stamp.replace_all(&all, "${1}_<TS14>").into_owned()
    }
}

fn tools() -> Value {
    Value::List(TOOLS.iter().map(|name| Value::from(*name)).collect())
}

/// A request's body: the outer none where no text can hold it, the inner where it is not JSON.
fn body(exchange: &Value) -> Option<Option<Value>> {
    let text = match (exchange.get("body"), exchange.get("body_b64")) {
        (Some(Value::Str(text)), _) => text.clone(),
        (_, Some(Value::Str(base64))) => decoded(&base64_bytes(base64)),
        _ => String::new(),
    };
    match parse(text.trim_start_matches('\u{feff}').as_bytes()) {
        Ok(value) => Some(Some(value)),
        Err(error) if error.problem.contains("surrogate") => None,
        Err(_) => Some(None),
    }
}

/// Text in the encoding that Python's `json.loads` guesses.
fn decoded(bytes: &[u8]) -> String {
    let wide = |pairs: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| pairs([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let wider = |quads: fn([u8; 4]) -> u32| -> String {
        let code = |quad: &[u8]| quads([quad[0], quad[1], quad[2], quad[3]]);
        bytes.chunks_exact(4).map(|quad| char::from_u32(code(quad)).unwrap_or('\u{fffd}')).collect()
    };
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [_, 0, 0, 0, ..] => wider(u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, _, ..] => wider(u32::from_be_bytes),
        [0xff, 0xfe, ..] | [1..=255, 0, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] | [0, 1..=255, ..] => wide(u16::from_be_bytes),
        // What is not UTF-8 is not JSON either.
        _ => String::from_utf8(bytes.to_vec()).unwrap_or_default(),
    }
}

pub(crate) fn base64_bytes(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for symbol in text.bytes().filter(|symbol| *symbol != b'=') {
        let digit = ALPHABET.iter().position(|letter| *letter == symbol).expect("base64");
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

/// Python's `dict(value)`.
fn dict(value: &Value) -> Option<Map> {
    if let Value::Map(map) = value {
        return Some(map.clone());
    }
    let pair = |item: &Value| match item {
        Value::List(pair) if pair.len() == 2 => Some((pair[0].as_str()?.to_owned(), pair[1].clone())),
        Value::Str(text) if text.chars().count() == 2 => {
            let mut letters = text.chars().map(String::from);
            Some((letters.next()?, letters.next()?.into()))
        }
        _ => None,
    };
    value.as_list()?.iter().map(pair).collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn load(top: &Path) -> Folder {
    fn visit(folder: &mut Folder, path: &Path, prefix: &str) {
        for entry in std::fs::read_dir(path).expect("a readable folder") {
            let entry = entry.expect("a readable entry");
            let name = format!("{prefix}{}", entry.file_name().to_str().expect("a plain name"));
            if entry.path().is_dir() {
                visit(folder, &entry.path(), &format!("{name}/"));
            } else {
                let bytes = std::fs::read(entry.path()).expect("a readable file");
                folder.insert(&name, Entry::File(bytes.into()));
            }
        }
    }
    let mut folder = Folder::default();
    visit(&mut folder, top, "");
    folder
}

fn graft(root: &mut Folder, under: &str, folder: &Folder) {
    for (path, entry) in folder.iter() {
        root.insert(&format!("{under}/{path}"), entry.clone());
    }
}

pub(crate) fn json(text: &str) -> Value {
    parse(text.as_bytes()).expect("JSON")
}

pub(crate) fn at<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&Value::Null)
}

fn small_world(workspace: Folder) -> World {
    let mut fixtures = Folder::default();
    fixtures.insert_text("inbox.json", "[]");
    fixtures.insert_text("memory/notes.md", "alpha\nbeta");
    fixtures.insert("memory/out.md", Entry::Symlink("/etc/hostname".into()));
    fixtures.insert("memory/again.md", Entry::Symlink("notes.md".into()));
    World::new(Arc::new(fixtures), workspace, Default::default(), CLOCK)
}

fn answer(world: &mut World, tool: &str, args: &str) -> String {
    world.call(tool, &json(args)).expect("an answer").compact()
}

#[test]
fn no_path_leaves_the_two_folders() {
    let mut workspace = Folder::default();
    workspace.insert_text("USER.md", "me");
    workspace.insert("out", Entry::Symlink("/etc".into()));
    workspace.insert("up", Entry::Symlink("../fixtures/scenario".into()));
    workspace.insert("round", Entry::Symlink("up/../../workspace/USER.md".into()));
    let mut world = small_world(workspace);
    let mut read = |path: &str, expected: &str| {
        let answer = answer(&mut world, "read", &Value::object([("path", path.into())]).dumps());
        assert!(answer.contains(expected), "{path}: {answer}");
    };
    for path in ["/etc/passwd", "../../etc/passwd", "out/passwd", "up/memory/notes.md", "/", "..", ""] {
        read(path, "File not found");
    }
    for path in
        ["round", "/workspace/USER.md", "../workspace/USER.md", "x/../USER.md", "USER.md/", "../USER.md"]
    {
        read(path, r#""content":"  1\tme""#);
    }
    let mut get = |path: &str, expected: &str| {
        let answer = answer(&mut world, "memory_get", &Value::object([("path", path.into())]).dumps());
        assert!(answer.contains(expected), "{path}: {answer}");
    };
    get("out.md", "File not found");
    get("../../workspace/USER.md", "File not found");
    get("again.md", "alpha");
    let found = answer(&mut world, "memory_search", r#"{"query": "alpha root"}"#);
    assert_eq!(
        found.matches("\"snippet\"").count(),
        2,
        "the link within counts, the one outside does not: {found}"
    );
}

#[test]
fn links_in_a_circle_and_impossible_names_are_faults() {
    let mut workspace = Folder::default();
    workspace.insert("a", Entry::Symlink("b".into()));
    workspace.insert("b", Entry::Symlink("a".into()));
    let mut world = small_world(workspace);
    for path in ["a".to_owned(), "x\0y".to_owned(), "n".repeat(256)] {
        let args = Value::object([("path", path.as_str().into())]);
        assert!(matches!(world.call("read", &args), Err(Fault::Argument { .. })), "{path}");
        assert!(world.call("memory_get", &args).is_ok(), "{path}");
    }
    assert_eq!(world.calls().len(), 3, "faults are not recorded");
}

#[test]
fn worlds_do_not_know_of_each_other() {
    let fixtures = Arc::new(Folder::default());
    let new = || World::new(fixtures.clone(), Folder::default(), Default::default(), CLOCK);
    let (mut one, mut other) = (new(), new());
    let send = r#"{"action": "sendMessage", "to": "C1", "content": "hi"}"#;
    let first = answer(&mut one, "slack", send);
    let second = answer(&mut one, "slack", send);
    assert_ne!(first, second, "the clock moves with every call");
    assert_eq!(answer(&mut other, "slack", send), first);
    assert_eq!((one.calls().len(), other.calls().len()), (2, 1));
}
