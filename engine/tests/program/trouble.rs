//! The program in trouble: killed, interrupted, without a model, and twice at once.

use super::place::{Place, Running, without_wall_clock};
use axum::Router;
use axum::http::StatusCode;
use packwright::store::Store;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;

/// The events of the only run in a place, after checking that each episode was recorded once.
pub fn events(place: &Place) -> Vec<serde_json::Value> {
    let id = place.run_id();
    let events = without_wall_clock(&place.optimize(&["runs", "export", &id]).out);
    let keys: Vec<String> = events
        .iter()
        .filter_map(|event| Some(event["event"].get("episode_scored")?["key"].to_string()))
        .collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "no episode is recorded twice");
    let store = Store::open_to_read(&place.path("runs").join(id)).expect("a run");
    let ordinals =
        (0..events.len() as u32).filter(|ordinal| store.episode(*ordinal).expect("a transcript").is_some());
    assert_eq!(ordinals.count(), keys.len(), "every episode has its transcript");
    events
}

#[test]
fn an_interrupted_run_can_be_resumed() {
    // Long enough that it is not over before either signal comes.
    const LONG: [&str; 5] = ["--budget", "300", "--seed", "5", "--json"];
    let place = Place::new();
    let unborn = place.path("runs/.new-4000000");
    std::fs::create_dir_all(&unborn).expect("a folder");
    std::fs::write(unborn.join("run.sqlite"), "of a run that was killed before it began").expect("a file");
    let stop = |mut running: Running, signal: &str| {
        running.lines(12);
        let pid = running.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill starts").success());
        assert_eq!(running.end(), 130);
    };
    // Whoever runs the tests under `nohup` has it ignored by all that they start.
    stop(place.start(&LONG), if is_hang_up_ignored() { "-INT" } else { "-HUP" });
    assert!(!unborn.exists(), "what never began is cleared away");

    stop(place.start(&["--resume", "--json"]), "-TERM");

    let resumed = place.optimize(&["--resume"]);
    assert!([0, 4].contains(&resumed.code), "{resumed:?}");
    let whole = Place::new();
    assert_eq!(whole.optimize(&LONG).code, resumed.code);
    assert_eq!(events(&place), events(&whole));
}

/// Whether the signal of a terminal that goes away is ignored here; not where the system does not tell.
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|signals| signals & 1 == 1)
}

/// Serves the offline model from another process and returns its base URL.
pub fn offline_server(place: &Place, port: &str) -> (Running, String) {
    let mut server = place.start(&["offline-llm", "--port", port]);
    let line = server.line_with("http://");
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("a URL");
    let url = url.trim_end_matches(';').to_owned();
    (server, url)
}

#[test]
fn a_whole_optimization_runs_over_http() {
    let place = Place::new();
    let (_server, url) = offline_server(&place, "0");
    let run = place.optimize(&["--base-url", &url, "--budget", "60", "--seed", "7"]);
    assert!([0, 4].contains(&run.code), "{run:?}");
    assert!(run.err.starts_with("models: agent openai/offline/office at http://127.0.0.1:"), "{}", run.err);
    let report: serde_json::Value =
        serde_json::from_str(&place.optimize(&["report", "--json"]).out).expect("JSON");
    assert_eq!(report["started"]["model"], "openai/offline/office");
    assert!(!report["finished"].is_null());
    assert_eq!(report["episodes"]["unmeasured"], 0);
    assert!(
        report["proposals"]["written"].as_u64().is_some_and(|written| written > 0),
        "{}",
        report["proposals"]
    );
    assert!(place.optimize(&["report"]).out.contains("openai/offline/office"));
}

/// A server that refuses every request until it is dropped.
struct Refusing {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Refusing {
    fn start() -> Refusing {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let router = Router::new().fallback(async || (StatusCode::UNAUTHORIZED, "no credit today"));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Refusing { port, _runtime: runtime }
    }
}

#[test]
fn a_run_without_its_model_stops_and_goes_on_later() {
    let place = Place::new();
    let refusing = Refusing::start();
    let port = refusing.port.to_string();
    let url = format!("http://127.0.0.1:{port}/v1");
    let stopped =
        place.optimize(&["--model", "openai/any", "--base-url", &url, "--budget", "36", "--seed", "7"]);
    assert_eq!(stopped.code, 5, "{stopped:?}");
    let id = place.run_id();
    assert!(stopped.err.contains("no credit today"), "{}", stopped.err);
    assert!(stopped.err.contains(&format!("optimize --resume {id}")), "{}", stopped.err);

    drop(refusing);
    let (_server, _) = offline_server(&place, &port);
    let resumed = place.optimize(&["--resume"]);
    assert!([0, 4].contains(&resumed.code), "{resumed:?}");
    let report: serde_json::Value =
        serde_json::from_str(&place.optimize(&["report", "--json"]).out).expect("JSON");
    assert_eq!(report["episodes"]["unmeasured"], 0, "the outage cost nothing");
}

#[test]
fn a_run_belongs_to_one_process() {
    let place = Place::new();
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", silent.local_addr().expect("an address"));
    let mut first = place.start(&["--model", "openai/any", "--base-url", &url, "--seed", "1"]);
    first.line_with("measuring the pack to beat");
    let second = place.optimize(&["--resume", &place.run_id()]);
    assert!([1, 3, 5].contains(&second.code), "{second:?}");
    let pid = first.child.id().to_string();
    assert!(second.err.contains(&format!("in use by process {pid}")), "{}", second.err);
    // Looking is allowed.
    assert_eq!(place.optimize(&["runs"]).code, 0);
}
