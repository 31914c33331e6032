//! Planted keys, and servers that send back all that they were sent, in whatever they answer. Of what the program
//! prints and writes then, every byte is searched: printed lines, files, databases with what is packed in them,
//! and git's objects.

use super::conversations::Conversations;
use super::fake::{Asked, Fake, failure, serves};
use super::place::{Place, Printed};
use aho_corasick::AhoCorasick;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use flate2::read::DeflateDecoder;
use packwright::endpoint::chat;
use packwright::value::parse;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// In `.env`, named by `key=`. Quotes and backslashes have escapes in JSON.
const AGENT_KEY: &str = r#"sk-Ag3nt/Zq9+xW"v\7Lm=PtRk20uYe"#;
/// In the environment.
const WRITER_KEY: &str = "sk-Wr1ter-hJ4_8sBn/2QdX+c0VfGmTz";
/// In the environment, sent as a header.
const TOKEN: &str = "t0k3n.eYJhbGc6pLw.Xr5uN~Ko8&iBq";
/// In the environment, and sent nowhere.
const UNUSED_KEY: &str = "sk-Unus3d-9vKcW2pEr7DyAjF5hMx1";
const PLANTED: [&str; 4] = [AGENT_KEY, WRITER_KEY, TOKEN, UNUSED_KEY];
/// So much of a key is too much.
const WINDOW: usize = 10;

/// A place with planted keys.
fn planted() -> Place {
    let place = Place::new();
    std::fs::write(place.path("AGENTS.md"), super::WEAK).expect("a file");
    std::fs::write(place.path(".env"), format!("AGENT_PLANTED='{AGENT_KEY}'\n")).expect("a file");
    std::fs::create_dir(place.path("temporary")).expect("a folder");
    place
}

/// What was printed, to be searched with everything else.
#[derive(Default)]
struct Heard(Vec<(String, Vec<u8>)>);

impl Heard {
    fn run(&mut self, place: &Place, arguments: &[&str]) -> Printed {
        let mut command = place.command(arguments);
        command.env("PACKWRIGHT_API_KEY", WRITER_KEY).env("GATE_TOKEN", TOKEN);
        command.env("OPENAI_API_KEY", UNUSED_KEY).env("TMPDIR", place.path("temporary"));
        command.env("RUST_BACKTRACE", "1").env("RUST_LOG", "trace");
        let output = command.output().expect("the program starts");
        for (name, bytes) in [("output", &output.stdout), ("errors", &output.stderr)] {
            self.0.push((format!("{name} of {arguments:?}"), bytes.clone()));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Printed { code, out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// The options of agent and writer at a server.
fn models(url: &str) -> Vec<String> {
    let agent = format!("openai/m,base-url={url},key=AGENT_PLANTED,header=X-Api-Token:$GATE_TOKEN");
    let writer = format!("openai/w,base-url={url}");
    ["--model", &agent, "--writer", &writer, "--start", "AGENTS.md", "--no-push"].map(str::to_owned).to_vec()
}

fn with<'a>(command: &[&'a str], models: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let models = models.iter().map(String::as_str);
    command.iter().copied().chain(models).chain(more.iter().copied()).collect()
}

/// What a server was sent by anybody, in all the ways in which it can be written.
#[derive(Default)]
struct Echo(Mutex<BTreeSet<String>>);

impl Echo {
    fn of(&self, asked: &Asked) -> String {
        let mut seen = self.0.lock().expect("no test fails while it looks");
        let headers = ["authorization", "x-api-token"].iter().filter_map(|name| asked.headers.get(*name));
        let values = headers.filter_map(|value| value.to_str().ok());
        seen.extend(values.map(|value| value.trim_start_matches("Bearer ").to_owned()));
        let written = seen.iter().map(|key| {
            let escaped = key.replace('\\', r"\\").replace('/', r"\/").replace('"', r#"\""#);
            let numbered = key.replace('\\', r"\u005c").replace('+', r"\u002B").replace('"', r"\u0022");
            let within = base64(format!("user:{key}").as_bytes());
            format!("{key} {escaped} {numbered} {} {} {within}", percents(key), base64(key.as_bytes()))
        });
        format!("you sent {}", written.collect::<Vec<_>>().join(" and "))
    }
}

fn percents(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| -> String {
        let byte = |at: usize| u32::from(*group.get(at).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digit = |at: usize| match at <= group.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * at)) as usize & 63]),
            false => '=',
        };
        (0..4).map(digit).collect()
    };
    bytes.chunks(3).map(group).collect()
}

/// A failure that sends everything back.
fn failed(status: u16, echo: &str) -> Response {
    let body = json!({"error": {"message": format!("no: {echo}"), "code": echo, echo: 1}});
    with_headers(failure(status, body.to_string()), echo)
}

fn with_headers(mut response: Response, echo: &str) -> Response {
    for name in ["location", "x-echo", "www-authenticate", "x-request-id"] {
        if let Ok(value) = HeaderValue::from_str(echo) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A server that lets a whole run through, and puts what it was sent into everything it says.
fn talkative(conversations: &Conversations, echo: &Echo, asked: &Asked) -> Response {
    let echo = echo.of(asked);
    if !asked.is_question() {
        return serves(&["m", &echo]);
    }
    match asked.before {
        3 => return failed(500, &echo),
        5 => return failed(429, &echo),
        7 => return failed(400, &echo),
        9 => {
            return with_headers(
                axum::Json(json!({"error": {"message": echo, "code": 502}})).into_response(),
                &echo,
            );
        }
        // Cut off within a key, and no JSON at all.
        11 => return failure(200, format!("{{\"choices\": [\"{}", &echo[..echo.len() / 2])),
        13 => return failure(200, format!("<html>\0{echo}</html>")),
        15 => return failure(200, AGENT_KEY.chars().flat_map(|c| [c, '\0']).collect::<String>()),
        _ => {}
    }
    let document = parse(asked.body.to_string().as_bytes()).expect("JSON");
    let request = chat::request(&document).expect("a conversation");
    let (is_writer, is_first) = (request.tools.is_empty(), request.messages.len() == 1);
    let reply = conversations.reply(request);
    let mut answer: serde_json::Value =
        serde_json::from_str(&chat::completion(&format!("fake {echo}"), &reply).dumps()).expect("JSON");
    answer["usage"] = json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110});
    let message = &mut answer["choices"][0]["message"];
    let said = message["content"].as_str().unwrap_or_default();
    let said = if is_writer {
        said.replace("\n</policy>", &format!("\n\n## Access\n\n- Never tell anybody: {echo}\n</policy>"))
            .replace("rationale: ", &format!("rationale: {echo} "))
    } else {
        format!("{said}\n\n{echo}")
    };
    message["content"] = said.into();
    message["reasoning_content"] = json!({"thought": echo, echo.clone(): [echo]});
    if is_first
        && !is_writer
        && let Some(calls) = message["tool_calls"].as_array_mut()
    {
        let arguments = json!({"query": echo, "note": json!({"nested": echo}).to_string()}).to_string();
        calls.push(json!({"id": "x", "type": "function", "function": {"name": "web_search", "arguments": arguments}}));
        let name = format!("tool of {echo}");
        calls.push(json!({"id": echo, "type": "function", "function": {"name": name, "arguments": echo}}));
    }
    with_headers(axum::Json(answer).into_response(), &echo)
}

#[test]
fn a_whole_run_shows_no_planted_key() {
    let (place, mut heard) = (planted(), Heard::default());
    let (conversations, echo) = (Conversations::default(), Echo::default());
    let server = Fake::start(move |asked| talkative(&conversations, &echo, asked));
    let models = models(&server.url());
    let run = heard.run(&place, &with(&[], &models, &["--budget", "200", "--seed", "7", "--json"]));
    assert!([0, 4].contains(&run.code), "{run:?}");
    for arguments in [
        &["report"][..],
        &["report", "--json"],
        &["runs"],
        &["runs", "export"],
        &["check", "."],
        &["check", "packs/best"],
        &["cache"],
        &["cache", "list"],
        &["--resume"],
    ] {
        heard.run(&place, arguments);
    }
    let listed = heard.run(&place, &["cache", "list", "--json"]);
    let first: serde_json::Value =
        serde_json::from_str(listed.out.lines().next().expect("an entry")).expect("JSON");
    heard.run(&place, &["cache", "explain", first["key"].as_str().expect("a key")]);
    for command in [&["doctor"][..], &["doctor", "--json"], &["estimate"]] {
        heard.run(&place, &with(command, &models[..4], &[]));
    }
    check_the_only_model(&place, &mut heard, |asked, echo| serves(&["m", &echo.of(asked)]));
    let searched = check_that_nothing_shows(&place, heard);
    let is_committed = searched.names.iter().any(|name| name.starts_with("objects of packs/best"));
    assert!(run.code == 4 || is_committed, "{:?}", searched.names);
    for part in ["transcripts", "cache.sqlite", "events", "runs", "export", "doctor"] {
        assert!(searched.marked.iter().any(|name| name.contains(part)), "{part}: {:?}", searched.marked);
    }
}

#[test]
fn a_run_that_fails_shows_no_planted_key() {
    let statuses = [401, 302, 307, 403, 404, 500];
    for status in statuses {
        let (place, mut heard, echo) = (planted(), Heard::default(), Echo::default());
        let server = Fake::start(move |asked| match status {
            // Without patience, the doctor alone asks a server that may get well.
            500 if !asked.is_question() => failed(500, &echo.of(asked)),
            status => failed(status, &echo.of(asked)),
        });
        let models = models(&server.url());
        if status != 500 {
            let run = heard.run(&place, &with(&[], &models, &["--budget", "40", "--outage-wait", "0"]));
            assert_eq!(run.code, 5, "{run:?}");
            assert!(run.err.contains("<key>"), "{}", run.err);
            assert_eq!(heard.run(&place, &["--resume"]).code, 5);
            heard.run(&place, &["runs", "export"]);
        }
        assert_ne!(heard.run(&place, &with(&["doctor"], &models[..4], &[])).code, 0);
        heard.run(&place, &with(&["doctor", "--json"], &models[..4], &[]));
        check_the_only_model(&place, &mut heard, move |asked, echo| failed(status, &echo.of(asked)));
        check_that_nothing_shows(&place, heard);
    }
}

#[test]
fn an_outage_in_the_middle_of_a_run_shows_no_planted_key() {
    let (place, mut heard) = (planted(), Heard::default());
    let (conversations, echo) = (Conversations::default(), Echo::default());
    let server = Fake::start(move |asked| match asked.before {
        20.. => failed(402, &echo.of(asked)),
        _ => talkative(&conversations, &echo, asked),
    });
    let models = models(&server.url());
    let run = heard.run(&place, &with(&[], &models, &["--budget", "60", "--outage-wait", "0"]));
    assert_eq!(run.code, 5, "{run:?}");
    heard.run(&place, &["report"]);
    heard.run(&place, &["cache", "list", "--json"]);
    let searched = check_that_nothing_shows(&place, heard);
    assert!(searched.marked.iter().any(|name| name.contains("cache.sqlite")), "{:?}", searched.marked);
}

/// A server of which nothing is known is asked for its models before anything else, by a key of the environment.
fn check_the_only_model(
    place: &Place,
    heard: &mut Heard,
    answer: impl Fn(&Asked, &Echo) -> Response + Send + Sync + 'static,
) {
    let echo = Echo::default();
    let server = Fake::start(move |asked| answer(asked, &echo));
    let refused = heard.run(place, &["--base-url", &server.url()]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("<key>"), "{}", refused.err);
}

/// What was looked at.
#[derive(Default)]
struct Searched {
    names: Vec<String>,
    bytes: usize,
    /// Where a key was taken out.
    marked: Vec<String>,
}

/// Searches everything that was printed and written for every part of every planted key.
fn check_that_nothing_shows(place: &Place, heard: Heard) -> Searched {
    let needles: Vec<String> =
        PLANTED.iter().flat_map(|key| forms(key)).flat_map(|form| windows(&form)).collect();
    let automaton = AhoCorasick::new(&needles).expect("an automaton");
    let mut searched = Searched::default();
    for (name, bytes) in heard.0.into_iter().chain(written(place)) {
        if let Some(found) = automaton.find(&bytes) {
            let around = &bytes[found.start().saturating_sub(60)..(found.end() + 30).min(bytes.len())];
            panic!("{name} shows a key: {:?}", String::from_utf8_lossy(around));
        }
        searched.bytes += bytes.len();
        if bytes.windows(5).any(|window| window == b"<key>") {
            searched.marked.push(name.clone());
        }
        searched.names.push(name);
    }
    let Searched { names, bytes, marked } = &searched;
    println!("{bytes} bytes in {} parts; a key was taken out of {}", names.len(), marked.len());
    searched
}

/// A key as it may be written.
fn forms(key: &str) -> Vec<String> {
    let within = |before: usize| base64(&[&vec![b'x'; before], key.as_bytes()].concat())[4..].to_owned();
    vec![
        key.to_owned(),
        key.chars().rev().collect(),
        key.chars().flat_map(|c| [c, ' ']).collect(),
        key.replace('\\', r"\\").replace('"', r#"\""#),
        key.replace('\\', r"\\").replace('"', r#"\""#).replace('/', r"\/"),
        key.replace('\\', r"\\\\").replace('"', r#"\\\""#),
        percents(key),
        base64(key.as_bytes()),
        within(1),
        within(2),
        key.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ]
}

fn windows(text: &str) -> Vec<String> {
    let bytes = text.as_bytes().windows(WINDOW);
    bytes.map(|window| String::from_utf8(window.to_vec()).expect("keys are ASCII")).collect()
}

/// Every file below a place but the one with the keys, its name, and what is packed in it.
fn written(place: &Place) -> Vec<(String, Vec<u8>)> {
    let mut parts = Vec::new();
    for path in files(&place.path("")) {
        let name = path.strip_prefix(place.path("")).expect("a file of the place").display().to_string();
        if name == ".env" {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a readable file");
        if bytes.starts_with(b"SQLite format 3\0") {
            parts.extend(columns(&name, &path));
        }
        if name.ends_with(".git/HEAD") {
            let folder = Path::new(&name).parent().expect("a repository").display().to_string();
            let objects = place.git(&folder, &["cat-file", "--batch-all-objects", "--batch"]);
            parts.push((format!("objects of {folder}"), objects.into_bytes()));
        }
        parts.push((format!("the name {name}"), name.clone().into_bytes()));
        parts.push((name, bytes));
    }
    parts
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Every value of a database, blobs unpacked.
fn columns(name: &str, path: &Path) -> Vec<(String, Vec<u8>)> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database");
    let mut names =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").expect("tables");
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).expect("tables").flatten().collect();
    let mut values = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a table");
        let width = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..width {
                let label = format!("{name}: column {column} of {table}");
                match row.get_ref(column).expect("a value") {
                    ValueRef::Text(text) => values.push((label, text.to_vec())),
                    ValueRef::Blob(blob) => {
                        let mut unpacked = Vec::new();
                        DeflateDecoder::new(blob).read_to_end(&mut unpacked).expect("a packed value");
                        values.push((label, unpacked));
                    }
                    ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {}
                }
            }
        }
    }
    values
}

#[test]
fn the_search_finds_what_it_should() {
    assert_eq!(base64(b"user:pass"), "dXNlcjpwYXNz");
    assert_eq!(base64(b"a"), "YQ==");
    let needles: Vec<String> = forms(AGENT_KEY).iter().flat_map(|form| windows(form)).collect();
    let automaton = AhoCorasick::new(&needles).expect("an automaton");
    let echo = [
        AGENT_KEY.to_owned(),
        json!({ "a": AGENT_KEY }).to_string(),
        base64(format!("user:{AGENT_KEY}").as_bytes()),
        base64(format!("use:{AGENT_KEY}").as_bytes()),
        percents(AGENT_KEY),
        format!("{AGENT_KEY:?}"),
    ];
    for text in echo {
        assert!(automaton.is_match(&text), "{text}");
    }
    assert!(!automaton.is_match("sk-Ag3nt and no more"));
}
