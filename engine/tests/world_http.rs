//! The world over HTTP against the recorded exchanges of the reference's mock server, all of them, and what
//! the record does not show: sessions, tokens, limits.

use crate::conformance;
use crate::world::{at, base64_bytes, json, recorded_folders};
use packwright::endpoint::Access;
use packwright::endpoint::world::{Scene, Sessions, Setting, Workspace, WorldServer};
use packwright::scenario::Folder;
use packwright::value::Value;
use packwright::world::{Clock, World};
use regex::Regex;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

/// An endpoint on a thread of its own.
struct Server {
    address: SocketAddr,
    sessions: Arc<Sessions>,
    _runtime: tokio::runtime::Runtime,
}

/// An answer as it came.
struct Got {
    status: i64,
    headers: String,
    body: Vec<u8>,
}

impl Server {
    fn start(sessions: Sessions, token: Option<&str>) -> Server {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let host = Ipv4Addr::LOCALHOST.into();
        let access = Access::new(host, token.map(Into::into)).unwrap();
        let sessions = Arc::new(sessions);
        let server = runtime.block_on(WorldServer::bind(sessions.clone(), host, 0, access)).unwrap();
        let address = server.base_url().unwrap().trim_start_matches("http://").parse().unwrap();
        runtime.spawn(server.run());
        Server { address, sessions, _runtime: runtime }
    }

    fn ask(&self, method: &str, target: &str, body: &[u8]) -> Got {
        self.ask_with(method, target, "", body)
    }

    fn ask_with(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Got {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            self.address,
            body.len()
        );
        // A server that has refused a body does not read it.
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let headers = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, headers, body: answer[end + 4..].to_vec() }
    }
}

impl Got {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[test]
fn all_recorded_exchanges_replay_equal() {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/clawbench/fixtures");
    let Some(lines) = conformance::lines("mock_tools.jsonl.gz") else { return };
    if !shipped.is_dir() {
        eprintln!("SKIPPED: the reference's fixtures are not here");
        return;
    }
    let mut exchanges = lines.iter().map(|line| json(line));
    let header = exchanges.next().expect("the header comes first");
    let (folders, workspace) = recorded_folders(&header, &shipped);
    let fixtures = folders.into_iter().map(|(name, folder)| {
        let path = if name == ".." { "/".to_owned() } else { format!("/fixtures/{name}") };
        (name, (path, Arc::new(folder)))
    });
    let workspace = Workspace::Fixed(workspace);
    let setting = Setting { fixtures: fixtures.collect(), workspace, first: "inbox_triage".into() };
    let server = Server::start(Sessions::of(setting), None);
    let normal = [
        (r"\b(draft|page|evt|slack_msg)_\d{14}\b", "${1}_<TS14>"),
        (r#""ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00""#, r#""ts":"<ISO>""#),
        (r"http://127\.0\.0\.1:\d+/", "http://<HOST>/"),
    ]
    .map(|(pattern, replacement)| (Regex::new(pattern).unwrap(), replacement));

    let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
    for exchange in exchanges {
        let body = match (exchange.get("body"), exchange.get("body_b64")) {
            (Some(Value::Str(text)), _) => text.clone().into_bytes(),
            (_, Some(Value::Str(base64))) => base64_bytes(base64),
            _ => Vec::new(),
        };
        let text = |key| at(&exchange, key).as_str().unwrap_or_default();
        let got = server.ask(text("method"), text("target"), &body);
        let verdict = verdict(&exchange, &got, &normal);
        if verdict == "wrong" {
            let shown: String = got.text().chars().take(600).collect();
            eprintln!("exchange {}\n  gave {} {shown}", exchange.dumps(), got.status);
        }
        *counts.entry(verdict).or_insert(0) += 1;
    }
    let total: i32 = counts.values().sum();
    eprintln!("mock tools over HTTP: of {total} exchanges {counts:?}");
    assert_eq!(counts.get("wrong"), None);
    assert_eq!(counts["agreed"] + counts["refused where the reference broke down"], total);
}

fn verdict(exchange: &Value, got: &Got, normal: &[(Regex, &str)]) -> &'static str {
    let expected = |key| at(exchange, key).as_str();
    let normalized = |text: &str| {
        normal
            .iter()
            .fold(text.to_owned(), |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
    };
    let same = Some(got.status) == at(exchange, "status").as_f64().map(|status| status as i64)
        && expected("text") == Some(&normalized(&got.text()))
        && expected("ctype") == got.header("content-type")
        && expected("allow").map(str::to_lowercase).as_deref() == got.header("allow")
        && expected("location").map(str::to_lowercase)
            == got.header("location").map(|place| normalized(place).to_lowercase());
    match at(exchange, "status") {
        _ if same => "agreed",
        Value::Int(500) if (400..=500).contains(&got.status) && got.text().contains("detail") => {
            "refused where the reference broke down"
        }
        _ => "wrong",
    }
}

fn small_setting() -> Setting {
    let mut fixtures = Folder::default();
    fixtures.insert_text("inbox.json", "[]");
    let fixtures = [("one".to_owned(), ("/fixtures/one".to_owned(), Arc::new(fixtures)))].into();
    Setting { fixtures, workspace: Workspace::Fixed(Folder::default()), first: "one".into() }
}

#[test]
fn sessions_do_not_know_of_each_other() {
    let server = Server::start(Sessions::of(small_setting()), None);
    let count = |place: &str| {
        let calls = json(&server.ask("GET", &format!("{place}/tool_calls"), b"").text());
        at(&calls, "calls").as_list().unwrap().len()
    };
    for place in ["", "/s/a", "/s/a", "/s/b%3A1"] {
        let got = server.ask("POST", &format!("{place}/tools/exec"), br#"{"command": "himalaya list"}"#);
        assert_eq!(got.status, 200, "{}", got.text());
    }
    assert_eq!((count(""), count("/s/a"), count("/s/b:1"), count("/s/c")), (1, 2, 1, 0));
    assert_eq!(server.ask("POST", "/s/a/set_scenario/other", b"").text(), r#"{"scenario":"other"}"#);
    assert_eq!((count(""), count("/s/a")), (1, 0));
    assert_eq!(server.ask("DELETE", "/s/b:1", b"").text(), r#"{"ended":"b:1"}"#);
    assert_eq!(server.ask("DELETE", "/s/b:1", b"").status, 404);
    assert_eq!(count("/s/b:1"), 0);
}

#[test]
fn an_opened_session_plays_one_scene_and_ends_when_it_is_taken() {
    let server = Server::start(Sessions::default(), None);
    assert_eq!(server.ask("POST", "/tools/exec", b"{}").status, 404);
    let world = World::new(Arc::default(), Folder::default(), Default::default(), Clock { unix_s: 0 });
    server.sessions.open("e1", Scene { scenario: "one".into(), world });
    assert_eq!(server.ask("POST", "/s/e1/tools/exec", b"{}").status, 200);
    assert_eq!(server.ask("POST", "/s/e1/set_scenario/two", b"").status, 409);
    assert_eq!(server.sessions.take("e1").unwrap().into_world().into_calls().len(), 1);
    assert_eq!(server.ask("POST", "/s/e1/tools/exec", b"{}").status, 404);
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let server = Server::start(Sessions::of(small_setting()), Some("0123456789abcdef"));
    let check = |headers: &str, expected: i64| {
        assert_eq!(server.ask_with("GET", "/health", headers, b"").status, expected, "{headers}");
    };
    check("", 401);
    check("Authorization: Bearer 0123456789abcdeX\r\n", 401);
    check("Authorization: Bearer 0123456789abcdef\r\n", 200);
}

#[test]
fn bodies_and_records_have_limits() {
    let server = Server::start(Sessions::of(small_setting()), None);
    let long = vec![b' '; (4 << 20) + 1];
    assert_eq!(server.ask("POST", "/tools/exec", &long).status, 413);
    let nearly = &long[..4 << 20];
    let statuses: Vec<i64> = (0..20).map(|_| server.ask("POST", "/tools/exec", nearly).status).collect();
    assert_eq!(statuses[0], 200);
    assert_eq!(statuses[19], 429, "the record is full");
    assert_eq!(server.ask("POST", "/set_scenario/one", b"").status, 200);
    assert_eq!(server.ask("POST", "/tools/exec", b"{}").status, 200);
}
