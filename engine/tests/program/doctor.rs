//! What `optimize doctor` says of set-ups that are broken in one way each, and of sound ones. The snapshots hold
//! the rows with their fixes; what differs from machine to machine is replaced.

use super::fake::{Asked, Fake, calls, failure, says, serves};
use super::place::{Place, Printed};
use super::trouble::offline_server;
use axum::http::HeaderValue;
use axum::response::Response;
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;

const KEY: &str = "sk-planted-key-that-must-not-show";
const SUITE: &str = "clinic_escalation";

/// What was said of several set-ups.
#[derive(Default)]
struct Findings {
    text: String,
    broken: usize,
}

impl Findings {
    /// Examines a place, and keeps what is not well.
    fn add(&mut self, name: &str, place: &Place, arguments: &[&str]) {
        let printed = doctor(place, arguments);
        let rows = rows(&printed.out);
        let is_well = |row: &str| {
            row.starts_with("ok ") || row.starts_with("not configured") || row.contains("offline: ")
        };
        let not_well: Vec<&String> = rows.iter().filter(|row| !is_well(row)).collect();
        for row in &not_well {
            assert!(row.contains("\n  ") || row.contains("--no-canary"), "{name}: no fix: {row}");
        }
        self.broken += 1;
        writeln!(self.text, "== {name} (exit code {})", printed.code).expect("a text");
        for row in not_well {
            writeln!(self.text, "{}", steady(row, place)).expect("a text");
        }
        writeln!(self.text, "{}\n", steady(printed.out.lines().last().unwrap_or_default(), place))
            .expect("a text");
    }

    /// The same with a model at a server.
    fn add_model(&mut self, name: &str, server: &str, arguments: &[&str]) {
        let place = Place::new();
        std::fs::write(place.path(".env"), format!("PACKWRIGHT_API_KEY={KEY}\n")).expect("a file");
        self.add(name, &place, &[&["--base-url", server, "--model", "openai/gpt-x"], arguments].concat());
    }
}

/// Runs the command, and checks that it changed nothing and showed no key.
fn doctor(place: &Place, arguments: &[&str]) -> Printed {
    let before = contents(&place.path(""));
    let printed = place.optimize(&[&["doctor"], arguments].concat());
    assert_eq!(contents(&place.path("")), before, "{arguments:?}");
    assert!(!format!("{printed:?}").contains(KEY), "{printed:?}");
    assert!(!format!("{printed:?}").contains("panicked"), "{printed:?}");
    printed
}

/// The rows, each with its fix, without the last line.
fn rows(out: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for line in out.lines().take_while(|line| !line.is_empty()) {
        match rows.last_mut() {
            Some(row) if line.starts_with(' ') => *row += &format!("\n{line}"),
            _ => rows.push(line.to_owned()),
        }
    }
    rows
}

/// A text without what differs from machine to machine and from time to time.
fn steady(text: &str, place: &Place) -> String {
    let mut text = text.replace(&place.path("").display().to_string(), "<place>/");
    for (pattern, replacement) in [
        (r"127\.0\.0\.1:\d+", "<server>"),
        (r"\d+ ms", "<n> ms"),
        (r"\d+\.\d s\b", "<n> s"),
        (r"\d+ [MG]iB", "<n> GiB"),
        (r"\d+ tool calls, \d+ model calls, .*, <n> s", "<tool calls, model calls, tokens, seconds>"),
        (r"\d+ model calls and \d+ tokens", "<n> model calls and <n> tokens"),
        // Where there is no npm, that comes first.
        ("install Node.js with npm, then ", ""),
        (r"scenarios, \d+ checks", "scenarios, <n> checks"),
        (r"'http://<server>/x.git/': .*", "'http://<server>/x.git/': <curl's words>"),
        (r"pack [0-9a-f]{8}", "pack <hash>"),
        (r"\([0-9a-f]{8}\)", "(<hash>)"),
        (r"git version .*", "git version <n>"),
        (r"optimize \d+\.\d+\.\d+", "optimize <version>"),
        (r" \(os error \d+\)", ""),
        (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    ] {
        text = Regex::new(pattern).expect("a pattern").replace_all(&text, replacement).into_owned();
    }
    text
}

/// All files below a folder; git keeps books of its own.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.insert(entry.display().to_string(), Vec::new());
            found.extend(contents(&entry));
        } else {
            found.insert(entry.display().to_string(), std::fs::read(&entry).expect("a file"));
        }
    }
    found
}

fn with_file(name: &str, content: &str) -> Place {
    let place = Place::new();
    if let Some(folder) = place.path(name).parent() {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    std::fs::write(place.path(name), content).expect("a file");
    place
}

/// A suite of one scenario of ours, with a change to its file.
fn with_suite(change: impl Fn(&str) -> String) -> Place {
    let place = Place::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |name: &str| std::fs::read_to_string(root.join(name)).expect("a file of the built-in suite");
    for folder in ["suite/rubrics", "suite/scenarios/fixtures"] {
        std::fs::create_dir_all(place.path(folder)).expect("a folder");
    }
    let scenario = format!("scenarios/{SUITE}.yaml");
    std::fs::write(place.path("suite").join(&scenario), change(&file(&scenario))).expect("a file");
    let rubric = format!("rubrics/{SUITE}.yaml");
    std::fs::write(place.path("suite").join(&rubric), file(&rubric)).expect("a file");
    let fixtures = format!("scenarios/fixtures/{SUITE}");
    copy(&root.join(&fixtures), &place.path("suite").join(&fixtures));
    place
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { assert!(std::fs::copy(from, to).is_ok()) }
    }
}

/// A pack repository with a committed pack.
fn with_packs() -> Place {
    let place = with_file("packs/best/AGENTS.md", "# Agent\n\nHelp the user.\n");
    let pack = packwright::workspace::load_pack(&place.path("packs/best/AGENTS.md")).expect("a pack");
    std::fs::write(place.path("packs/best/pack.json"), pack.pretty_json()).expect("a file");
    place.git("packs/best", &["init", "--quiet", "--initial-branch", "main"]);
    place.git("packs/best", &["add", "."]);
    place.git("packs/best", &["commit", "--quiet", "--message", "first"]);
    place
}

/// The same with a remote beside it that has another history.
fn with_foreign_remote(place: Place) -> Place {
    place.git(".", &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
    place.git(".", &["clone", "--quiet", "remote.git", "elsewhere"]);
    place.git("elsewhere", &["commit", "--quiet", "--allow-empty", "--message", "another history"]);
    place.git("elsewhere", &["push", "--quiet", "origin", "HEAD:main"]);
    place.git("packs/best", &["remote", "add", "origin", "../../remote.git"]);
    place
}

#[test]
fn wrong_settings_and_files_have_their_rows() {
    let mut all = Findings::default();
    all.add("no key", &Place::new(), &["--model", "anthropic/claude-x"]);
    all.add(
        "no keys for two models, and a secret header without its variable",
        &Place::new(),
        &["--model", "anthropic/x", "--writer", "openai/y", "--writer", "vllm/z,header=X-Auth:$MY_TOKEN"],
    );
    let broken_env = with_file(".env", &format!("A=1\nOPENAI_API_KEY=\"{KEY}\n"));
    all.add("a malformed line in .env", &broken_env, &["--model", "openai/gpt-x"]);
    all.add("no provider in the model's name", &Place::new(), &["--model", "gpt-5"]);
    let url = format!("http://bob:{KEY}@127.0.0.1:9/v1");
    all.add("a password in the base URL", &Place::new(), &["--model", "openai/x", "--base-url", &url]);
    let parameter = with_file(".env", &format!("ZHIPU_API_KEY={KEY}"));
    all.add("a parameter that the provider does not know", &parameter, &["--model", "zhipu/x,effort=low"]);
    all.add("a prompt profile that was never captured", &Place::new(), &["--prompt-profile", "openclaw-1"]);
    all.add("no suite", &Place::new(), &["--suite", "nowhere"]);
    let broken = with_suite(|text| text.replace("held_out: false", "held_out: perhaps\nweigth: 2"));
    all.add("a mistake in a scenario", &broken, &["--suite", "suite"]);
    let held_out = with_suite(|text| text.replace("held_out: false", "held_out: true"));
    all.add("all scenarios held out", &held_out, &["--suite", "suite"]);
    all.add("a budget that decides nothing", &Place::new(), &["--budget", "30"]);
    all.add("no start pack", &Place::new(), &["--start", "no-such-pack"]);
    let cut = with_file("mine/pack.json", "{\"schema_version\": 1, \"files\": {");
    all.add("a broken start pack", &cut, &["--start", "mine"]);
    let long = with_file("AGENTS.md", &"Help the user with care. ".repeat(1_200));
    all.add("a start pack that agents see only in parts", &long, &["--start", "AGENTS.md"]);
    all.add("no gateway", &Place::new(), &["--agent", "openclaw"]);
    println!("{} broken set-ups", all.broken);
    insta::assert_snapshot!(all.text);
}

#[test]
fn folders_and_remotes_have_their_rows() {
    let mut all = Findings::default();
    all.add("a file in place of the runs folder", &with_file("runs", ""), &[]);
    all.add("a file above the packs folder", &with_file("packs", ""), &[]);
    all.add("a policy that a winner would overwrite", &with_file("packs/best/AGENTS.md", "mine"), &[]);
    let edited = with_packs();
    std::fs::write(edited.path("packs/best/AGENTS.md"), "edited by hand").expect("a file");
    all.add("changes that are not committed", &edited, &[]);
    let detached = with_packs();
    detached.git("packs/best", &["checkout", "--quiet", "--detach"]);
    all.add("no branch in the pack repository", &detached, &[]);
    all.add("another pack than the best so far", &with_packs(), &["--start", "baseline"]);
    let nowhere = with_packs();
    nowhere.git("packs/best", &["remote", "add", "origin", "../../nowhere.git"]);
    all.add("a remote that is not there", &nowhere, &[]);
    let secret = with_packs();
    let address = format!("http://bob:{KEY}@127.0.0.1:9/x.git");
    secret.git("packs/best", &["remote", "add", "origin", &address]);
    all.add("a remote that does not answer, with a token in its address", &secret, &[]);
    all.add("a remote with another history", &with_foreign_remote(with_packs()), &[]);
    let unborn = with_file("packs/best/notes.txt", "");
    unborn.git("packs/best", &["init", "--quiet", "--initial-branch", "main"]);
    all.add("a remote with a history, and nothing here", &with_foreign_remote(unborn), &[]);
    let two = with_packs();
    two.git("packs/best", &["remote", "add", "one", "../../one.git"]);
    two.git("packs/best", &["remote", "add", "two", "../../two.git"]);
    all.add("two remotes, and none is chosen", &two, &[]);
    println!("{} broken set-ups", all.broken);
    insta::assert_snapshot!(all.text);
}

#[test]
fn models_that_fail_have_their_rows() {
    let mut all = Findings::default();
    let mut add = |name: &str, arguments: &[&str], answer: fn(&Asked) -> Response| {
        let fake = Fake::start(answer);
        all.add_model(name, &fake.url(), arguments);
    };
    add("a wrong key, which the server repeats", &[], |asked| {
        failure(401, format!("{{\"error\": \"wrong key {}\"}}", asked.authorization))
    });
    add("a key that may not use the model", &[], |_| failure(403, "no access"));
    add("no such model", &[], |asked| match asked.is_question() {
        true => failure(404, r#"{"error": {"code": "model_not_found"}}"#),
        false => serves(&["fake-large", "fake-small"]),
    });
    add("no credit, by its status", &[], |_| failure(402, "top up first"));
    add("no credit, by its words", &[], |_| failure(429, r#"{"error": {"code": "insufficient_quota"}}"#));
    add("a rate limit", &[], |_| failure(429, "slow down"));
    add("trouble at the provider", &[], |_| failure(503, "overloaded"));
    add("a web page in place of an API", &[], |_| failure(200, "<!doctype html><title>Welcome</title>"));
    add("a reply in another protocol", &[], |_| failure(200, r#"{"answer": 42}"#));
    add("a redirect", &[], |_| failure(302, ""));
    add("a writer that cannot write enough", &["--no-canary"], |asked| {
        match asked.body["max_tokens"].as_u64() {
            Some(limit) if limit > 8_192 => failure(
                400,
                "max_tokens is too large: 16000. This model supports at most 8192 completion tokens.",
            ),
            _ => says("Yes."),
        }
    });
    add("a model that calls no tool", &[], |_| says("All is well."));
    add("a model that breaks down in the canary", &[], |asked| match asked.before {
        0 => says("Yes."),
        1 => calls("exec", &json!({"command": "himalaya envelope list"})),
        _ => failure(500, "out of memory"),
    });
    add("a model that never comes to an end", &[], |asked| match asked.before {
        0 => says("Yes."),
        _ => calls("exec", &json!({"command": "himalaya envelope list"})),
    });
    add("a clock that is an hour off", &[], |asked| {
        let mut response = answers_well(asked);
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(3_700);
        let then = HeaderValue::from_str(&httpdate::fmt_http_date(then)).expect("a header");
        response.headers_mut().insert("date", then);
        response
    });
    // Takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_url = format!("http://{}/v1", silent.local_addr().expect("an address"));
    all.add_model("silence", &silent_url, &["--wait", "1"]);
    drop(silent);
    all.add_model("nobody at the address", &silent_url, &[]);
    all.add("nobody who could name a model", &Place::new(), &["--base-url", &silent_url]);
    println!("{} broken set-ups", all.broken);
    insta::assert_snapshot!(all.text);
}

fn answers_well(asked: &Asked) -> Response {
    let messages = asked.body["messages"].as_array().map_or(0, Vec::len);
    let has_tools = asked.body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    match asked.is_question() {
        true if has_tools && messages == 2 => calls("exec", &json!({"command": "himalaya envelope list"})),
        true => says("Yes."),
        false => serves(&["gpt-x"]),
    }
}

#[test]
fn a_sound_set_up_is_ready() {
    let offline = Place::new();
    let printed = doctor(&offline, &[]);
    assert_eq!((printed.code, printed.err.as_str()), (0, ""));
    let offline_rows = steady(&printed.out, &offline);

    let place = with_packs();
    std::fs::write(place.path(".env"), format!("PACKWRIGHT_API_KEY={KEY}\nOPENAI_API_KEY={KEY}\n"))
        .expect("a file");
    place.git(".", &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
    place.git("packs/best", &["remote", "add", "origin", "../../remote.git"]);
    let fake = Fake::start(|asked| {
        assert_eq!(asked.authorization.is_empty(), !asked.is_question(), "who is not asked gets no key");
        answers_well(asked)
    });
    let url = fake.url();
    let arguments =
        ["--model", "openai/gpt-x", "--writer", "openai/gpt-y,max-output=900", "--base-url", &url];
    let printed = doctor(&place, &arguments);
    assert_eq!((printed.code, printed.err.as_str()), (0, ""), "{printed:?}");
    let with_models = steady(&printed.out, &place);

    insta::assert_snapshot!(format!("{offline_rows}\n{with_models}"));
}

#[test]
fn a_real_conversation_is_a_canary() {
    let place = Place::new();
    let (_server, url) = offline_server(&place, "0");
    let printed = doctor(&place, &["--base-url", &url, "--json"]);
    assert_eq!((printed.code, printed.err.as_str()), (0, ""), "{printed:?}");
    let report: Value = serde_json::from_str(&printed.out).expect("one JSON object");
    let canary = row(&report, "canary");
    assert_eq!(canary["status"], "passed");
    assert!(canary["finding"].as_str().is_some_and(|text| text.contains("tool calls")), "{canary}");
    assert!(report["summary"].as_str().is_some_and(|text| text.starts_with("ready")), "{report}");
}

#[test]
fn json_says_the_same_in_stable_words() {
    let place = with_packs();
    let printed = doctor(&place, &["--json", "--model", "anthropic/x", "--suite", "nowhere", "--no-canary"]);
    assert_eq!(printed.code, 3);
    let report: Value = serde_json::from_str(&printed.out).expect("one JSON object");
    let check = |name: &str, status: &str, has_fix: bool| {
        let row = row(&report, name);
        assert_eq!((row["status"].as_str(), row["fix"].is_string()), (Some(status), has_fix), "{row}");
        assert!(row["finding"].as_str().is_some_and(|finding| !finding.is_empty()), "{row}");
    };
    check("program", "passed", false);
    check("keys", "failed", true);
    check("suite", "failed", true);
    check("budget", "skipped", true);
    check("agent model", "skipped", true);
    check("canary", "skipped", false);
    check("remote", "not_configured", true);
    check("wallet", "not_configured", false);
    let summary = report["summary"].as_str().expect("a sentence");
    assert_eq!(summary, "not ready: 2 checks failed, with 1 warning; nothing was spent");
}

fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rows = report["checks"].as_array().expect("a list");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row {name}: {report}"))
}

#[test]
fn without_git_nothing_but_pushing_is_lost() {
    let place = with_packs();
    place.git("packs/best", &["remote", "add", "origin", "../../remote.git"]);
    let output = place.command(&["doctor", "--json"]).env("PATH", "").output().expect("a start");
    assert_eq!(output.status.code(), Some(5));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(
        (&row(&report, "git")["status"], &row(&report, "remote")["status"]),
        (&json!("warning"), &json!("failed"))
    );
    let fix = row(&report, "remote")["fix"].as_str().unwrap_or_default().to_owned();
    assert!(fix.starts_with("install git"), "{fix}");
}
