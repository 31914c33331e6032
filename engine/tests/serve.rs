//! `optimize serve`: runs are shown, begun and steered over HTTP, live; and who is not answered. The page itself is driven
//! in a browser where there is one.

mod browser;
mod client;
mod document;
mod many;

use crate::program::gated::{Gated, wait};
use crate::program::place::Place;
use client::Served;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

const TOKEN: &str = "a-token-of-a-test-that-is-long-enough";

/// Ends the process of a run with its test.
struct Ended(String);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.0]).stderr(Stdio::null()).status();
    }
}

/// A server whose runs ask a gated model.
fn gated(place: &Place, questions: u32) -> (Gated, Served) {
    let model = Gated::start(questions);
    let url = model.model.url();
    let given = ["--", "--base-url", &url, "--model", "openai/any", "--seed", "1", "--parallel", "2"];
    let served = Served::start(place, &given);
    (model, served)
}

#[test]
fn a_run_is_begun_watched_paused_resumed_changed_and_stopped() {
    let place = Place::new();
    let (model, served) = gated(&place, 3);
    let options = json!({"budget": 60});
    let estimate = served.post("/estimate", &json!({"options": options}));
    assert_eq!(estimate.status, 200, "{estimate:?}");
    let estimate = estimate.json();
    assert_eq!(estimate["problem"], Value::Null, "{estimate}");
    assert!(estimate["command"].as_str().is_some_and(|words| words.ends_with("--parallel 2 --budget=60")));
    assert!(place.run_ids().is_empty(), "an estimate begins nothing");

    let mut list = served.stream("/events", Some(served.read("/runs")["change"].as_str().expect("a change")));
    let begun = served.begin(&options, "one");
    assert_eq!(begun.status, 201, "{begun:?}");
    let again = served.begin(&options, "one");
    assert_eq!((again.status, &again.text), (201, &begun.text), "twice begins one run");
    served.begin(&json!({"budget": 61}), "one").is_problem(409, "was used for a run with other options");
    let (id, process) =
        (begun.json()["run"].as_str().expect("an id").to_owned(), begun.json()["process"].to_string());
    let _ended = Ended(process.clone());
    assert_eq!(begun.headers["location"], format!("/api/v1/runs/{id}").as_str());
    assert_eq!(place.run_id(), id);
    list.until(|change| change["runs"][0]["id"] == id.as_str());
    drop(list);

    // It is seen to progress, and a stream that broke goes on where it was.
    model.wait_for_question(3);
    wait("three episodes", || (served.read(&format!("/runs/{id}/episodes"))["total"] == 3).then_some(()));
    let detail = served.read(&format!("/runs/{id}"));
    assert_eq!((&detail["run"]["state"], &detail["run"]["budget"]), (&"running".into(), &60.into()));
    assert_eq!(detail["process"].to_string(), process);
    let mut stream = served.stream(&format!("/runs/{id}/events"), detail["cursor"].as_str());
    stream.until_state("running");
    let before = stream.last.clone();
    model.open(5);
    let mut seen = 0;
    let came = stream.until(|change| {
        seen += change["episodes"].as_array().map_or(0, Vec::len);
        seen == 2
    });
    drop(stream);
    let mut stream = served.stream(&format!("/runs/{id}/events"), before.as_deref());
    assert_eq!(stream.until(|change| change["episodes"].is_array()), came);

    let path = |act: &str| format!("/runs/{id}/{act}");
    assert_eq!(served.post(&path("pause"), &json!({})).json()["state"], "pausing");
    model.open(7);
    stream.until_state("paused");
    let tuned = served.post(&path("tune"), &json!({"budget": 50, "max-calls": "500"}));
    assert_eq!((tuned.status, &tuned.json()["budget"]), (200, &50.into()), "{tuned:?}");
    assert_eq!(served.read(&format!("/runs/{id}"))["limits"]["calls"], 500);
    served.post(&path("tune"), &json!({"budget": 1})).is_problem(409, "are begun already");
    served.post(&path("tune"), &json!({"max-time": "soon"})).is_problem(422, "max-time");
    assert_eq!(served.post(&path("resume"), &json!({})).status, 200);
    stream.until(|change| change["run"]["state"] == "running");
    model.wait_for_question(7);
    let stopped = served.post(&path("stop"), &json!({"now": false}));
    assert_eq!(stopped.json()["state"], "concluding", "{stopped:?}");
    served.post(&path("pause"), &json!({})).is_problem(409, "asked to stop");
    model.open(u32::MAX);
    stream.until_state("finished");
    drop(stream);
    served.post(&path("stop"), &json!({})).is_problem(409, "no process works at run");
    served.post(&path("resume"), &json!({})).is_problem(409, "has come to its end");
    check_results(&served, &id);

    served.interrupt();
}

/// What a run came to, in every form that is answered.
fn check_results(served: &Served, id: &str) {
    let report = served.read(&format!("/runs/{id}/report.json"));
    assert_eq!((&report["run"], &report["finished"]["stop"]), (&id.into(), &"asked".into()));
    let row = &served.read(&format!("/runs/{id}"))["run"];
    assert_eq!(row["verdict"]["kind"], "not_measured");
    assert_eq!(row["scored"], report["episodes"]["scored"]);
    assert_eq!(row["spent"]["usd"], Value::Null, "what has no price is no dollars");
    let page = served.get(&format!("/api/v1/runs/{id}/report.html"));
    assert!(page.text.starts_with("<!doctype html>"), "{}", page.status);
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("connect-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let tag = page.headers["etag"].clone();
    let known =
        served.request(Method::GET, &format!("/api/v1/runs/{id}/report.html")).header("if-none-match", tag);
    assert_eq!(served.send(known).status, 304);

    let scored = report["episodes"]["scored"].as_u64().expect("a count") as usize;
    let all =
        served.read(&format!("/runs/{id}/episodes?limit=500"))["total"].as_u64().expect("a count") as usize;
    assert!(all >= scored && scored > 6, "{all} {scored}");
    // Page by page, every episode once.
    let (mut path, mut lines) = (format!("/api/v1/runs/{id}/episodes.jsonl?limit=4"), Vec::new());
    loop {
        let answer = served.get(&path);
        lines.extend(answer.text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
        let Some(link) = answer.headers.get("link") else { break };
        let link = link.to_str().expect("text");
        path = link.trim_start_matches('<').split('>').next().expect("an address").to_owned();
    }
    let ordinals: Vec<u64> = lines.iter().map(|line| line["ordinal"].as_u64().expect("a number")).collect();
    assert_eq!(ordinals.len(), all);
    assert!(ordinals.is_sorted_by(|a, b| a < b), "{ordinals:?}");
    let csv = served.get(&format!("/api/v1/runs/{id}/episodes.csv"));
    assert_eq!(csv.text.lines().count(), all + 1);
    assert!(csv.text.starts_with("ordinal,recorded_ms,candidate,scenario"), "{}", csv.text);
    let one = served.read(&format!("/runs/{id}/episodes/{}", ordinals[0]));
    assert_eq!(one["kept"]["response"], "Done.");
    let log = served.read(&format!("/runs/{id}/log"));
    assert!(log["lines"].to_string().contains("pausing"), "{log}");
}

#[test]
fn a_server_that_ends_leaves_runs_alone_and_a_run_that_died_is_told_and_resumed() {
    let place = Place::new();
    let (model, served) = gated(&place, 3);
    let begun = served.begin(&json!({"budget": 60}), "one").json();
    let (id, process) = (begun["run"].as_str().expect("an id").to_owned(), begun["process"].to_string());
    let _ended = Ended(process.clone());
    model.wait_for_question(3);
    // Ctrl-C, with a stream that nobody closes.
    let mut stream = served.stream(&format!("/runs/{id}/events"), None);
    assert_eq!(stream.next().0, "reset");
    let last = stream.last.clone();
    served.interrupt();
    drop(stream);
    assert!(place.optimize(&["status"]).out.contains(&format!("process {process}")));

    let served = Served::start(&place, &["--allow-push"]);
    let mut stream = served.stream(&format!("/runs/{id}/events"), last.as_deref());
    assert_eq!(stream.next().0, "reset", "another server has other places");
    drop(stream);
    assert!(Command::new("kill").args(["-KILL", &process]).status().expect("kill starts").success());
    served.wait_for_state(&id, "cut_off");
    let detail = served.read(&format!("/runs/{id}"));
    assert!(detail["warnings"].to_string().contains("it was cut off, and can be resumed"), "{detail}");
    served.post(&format!("/runs/{id}/pause"), &json!({})).is_problem(409, "no process works at run");
    assert_eq!(served.post(&format!("/runs/{id}/tune"), &json!({"budget": 40})).json()["budget"], 40);
    model.open(u32::MAX);
    let resumed = served.post(&format!("/runs/{id}/resume"), &json!({}));
    assert_eq!(resumed.status, 200, "{resumed:?}");
    served.wait_for_state(&id, "finished");
    let unfinished = served.get(&format!("/api/v1/runs/{id}/report.md"));
    assert_eq!(unfinished.status, 200);
}

#[test]
fn who_does_not_belong_here_is_refused() {
    let place = Place::new();
    let served = Served::start(&place, &["--allow-host", "tower.example"]);
    let with = |method: Method, path: &str, headers: &[(&'static str, &str)]| {
        let mut request = served.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        served.send(request)
    };
    let api = "/api/v1/runs";
    with(Method::GET, api, &[("host", "evil.example")]).is_problem(403, "Host header");
    with(Method::GET, "/", &[("host", "evil.example")]).is_problem(403, "Host header");
    assert_eq!(
        with(Method::GET, api, &[("host", "tower.example"), ("origin", "https://tower.example")]).status,
        200
    );
    for origin in ["http://evil.example", "null", "http://localhost", "http://tower.example"] {
        with(Method::POST, api, &[("origin", origin)]).is_problem(403, "Origin header");
        with(Method::GET, "/api/v1/events", &[("origin", origin)]).is_problem(403, "Origin header");
    }
    with(Method::POST, api, &[("sec-fetch-site", "same-site")]).is_problem(403, "Sec-Fetch-Site");
    let own = served.url.clone();
    with(Method::POST, api, &[("origin", &own)]).is_problem(400, "Idempotency-Key is missing");

    for id in ["..", "%2e%2e", "..%2f..%2fetc", ".hidden", "none", "a%00b"] {
        let answer = with(Method::GET, &format!("{api}/{id}/episodes"), &[]);
        assert!([400, 404].contains(&answer.status), "{id}: {answer:?}");
    }
    for path in ["/runs/", "/assets/", "/assets/../serve.rs", "/api/v1/", "/.env", "/runs/x/run.sqlite"] {
        assert_eq!(with(Method::GET, path, &[]).status, 404, "{path}");
    }
    with(Method::DELETE, api, &[]).is_problem(405, "cannot be done here");
    let page = with(Method::GET, "/", &[]);
    let header = |name: &str| page.headers[name].to_str().expect("text").to_owned();
    assert!(
        header("content-security-policy")
            .starts_with("default-src 'none'; script-src 'self'; style-src 'self'")
    );
    assert_eq!(
        (header("x-content-type-options"), header("x-frame-options")),
        ("nosniff".into(), "DENY".into())
    );
    assert!(page.headers.get("access-control-allow-origin").is_none());
}

#[test]
fn a_token_opens_for_programs_and_browsers() {
    let place = Place::new();
    let mut command = place.command(&["serve", "--port", "0"]);
    let served = Served::of(place.start_command(command.env("PACKWRIGHT_SERVE_TOKEN", TOKEN)));
    let api = "/api/v1/runs";
    let bearer =
        |token: &str| served.request(Method::GET, api).header("authorization", format!("Bearer {token}"));
    served.get(api).is_problem(401, "the token is missing or wrong");
    served.send(bearer("a-token-of-a-test-that-is-long-enougx")).is_problem(401, "missing or wrong");
    served.get("/api/v1/openapi.json").is_problem(401, "missing or wrong");
    served.get("/api/v1/events").is_problem(401, "missing or wrong");
    assert_eq!(served.send(bearer(TOKEN)).status, 200);

    let page = served.get("/");
    assert_eq!(page.status, 401);
    assert!(page.text.contains("action=\"/api/v1/session\"") && !page.text.contains(TOKEN), "{}", page.text);
    let login = |token: &str| {
        let body = format!("token={token}");
        let request = served.request(Method::POST, "/api/v1/session").body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    let refused = served.send(login("not-the-token-but-long-enough"));
    assert!(refused.status == 401 && refused.text.contains("That is not the token"), "{refused:?}");
    let foreign = login(TOKEN).header("origin", "http://evil.example");
    assert_eq!(served.send(foreign).status, 403);
    let entered = served.send(login(TOKEN));
    assert_eq!((entered.status, entered.headers["location"].as_bytes()), (303, &b"/"[..]));
    let cookie = entered.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains(TOKEN), "{cookie}");
    let value = cookie.split(';').next().expect("a pair").to_owned();
    let as_browser =
        |method: Method, path: &str| served.send(served.request(method, path).header("cookie", &value));
    assert_eq!(as_browser(Method::GET, api).status, 200);
    assert_eq!(as_browser(Method::GET, "/").status, 200);
    let foreign =
        served.request(Method::POST, api).header("cookie", &value).header("origin", "http://evil.example");
    served.send(foreign).is_problem(403, "Origin header");
    assert_eq!(as_browser(Method::DELETE, "/api/v1/session").status, 204);
    as_browser(Method::GET, api).is_problem(401, "missing or wrong");
}

#[test]
fn what_reaches_further_than_runs_is_not_begun() {
    let place = Place::new();
    let served = Served::start(&place, &["--", "--no-cache"]);
    let refused = |options: Value, words: &str| {
        served.begin(&options, &options.to_string()).is_problem(422, words);
        served.post("/estimate", &json!({"options": options})).is_problem(422, words);
    };
    refused(json!({"agent": "command:touch owned"}), "unknown field `agent`");
    refused(json!({"base-url": "http://127.0.0.1:1/"}), "unknown field `base-url`");
    refused(json!({"model": "openai/x,base-url=http://127.0.0.1:1/,key=HOME"}), "may not set base-url, key");
    refused(json!({"suite": "../elsewhere", "packs": "/tmp/x"}), "suite: a page may only name paths");
    refused(json!({"start": ".gitconfig/../../x"}), "may only name paths");
    served.begin(&json!({"budget": 3}), "a").is_problem(422, "takes");
    served.begin(&json!({"model": "anthropic/x"}), "b").is_problem(422, "ANTHROPIC_API_KEY");
    served.begin(&json!({"profile": "none"}), "c").is_problem(422, "invalid value 'none'");
    served.begin(&json!({"no-cache": true}), "d").is_problem(422, "cannot be used multiple times");
    let text = served.request(Method::POST, "/api/v1/runs").header("idempotency-key", "e").body("{}");
    served.send(text).is_problem(415, "application/json");
    let large = json!({"options": {"suite": "x".repeat(100_000)}});
    assert_eq!(served.post("/estimate", &large).status, 413);
    assert!(place.run_ids().is_empty());

    let served = Served::start(&place, &["--read-only"]);
    served.begin(&json!({"budget": 36}), "a").is_problem(403, "only shows runs");
    assert_eq!(served.post("/estimate", &json!({"options": {"budget": 36}})).status, 200);
}

#[test]
fn who_asks_too_fast_waits() {
    let place = Place::new();
    let served = Served::start(&place, &["--rate", "1"]);
    let refused = (0..60).map(|_| served.get("/api/v1/server")).find(|answer| answer.status != 200);
    let refused = refused.expect("60 requests take less than a minute");
    refused.is_problem(429, "too many requests");
    assert!(refused.headers["retry-after"].to_str().is_ok_and(|seconds| seconds.parse::<u32>().is_ok()));
}

#[test]
fn a_server_that_cannot_be_says_why() {
    let place = Place::new();
    let first = Served::start(&place, &[]);
    let port = first.url.rsplit(':').next().expect("a port").to_owned();
    let refused = |arguments: &[&str], words: &str| {
        let printed = place.optimize(&[&["serve"], arguments].concat());
        assert_eq!(printed.code, 3, "{printed:?}");
        assert!(printed.err.contains(words), "{words}: {printed:?}");
    };
    refused(&["--port", &port], "is in use, perhaps by another `optimize serve`; --port takes another one");
    refused(&["--host", "10.1.2.3"], "so a token is required; set PACKWRIGHT_SERVE_TOKEN");
    refused(&["--host", "0.0.0.0"], "--allow-host NAME");
    refused(&["--token-file", "none"], "the token file none cannot be read");
    refused(&["--", "--budget", "x"], "behind `--`: invalid value 'x'");
    refused(&["--", "--runs", "x"], "--runs stands behind `--`");
    std::fs::write(place.path("token"), "short\n").expect("a file");
    refused(&["--token-file", "token"], "16 characters are the least");
    let empty = first.read("/runs");
    assert_eq!((&empty["total"], &empty["next"]), (&0.into(), &Value::Null));
}
