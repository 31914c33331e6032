//! An evaluator behind HTTP.

use super::{CHECKS, RUBRIC, attempt, block_on, scores, settings, task, unmeasured};
use packwright::agent::Agent;
use packwright::agent::external::{External, Settings};
use packwright::episode::{Episode, FailureClass, Outcome};
use packwright::llm::meter::Ledger;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The episode of a server that answers so.
fn of_server(response: ResponseTemplate, scoring: &str) -> Episode {
    block_on(async {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/episode"))
            .and(header("content-type", "application/json"))
            .and(body_partial_json(
                serde_json::json!({"version": 1, "scenario": {"name": "errand"}, "repeat": 4}),
            ))
            .respond_with(response)
            .mount(&server)
            .await;
        attempt(settings(&format!("{}/episode", server.uri()), Path::new(".")), scoring).await
    })
}

fn says(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_string(body)
}

#[test]
fn a_server_answers_with_checks_or_an_episode() {
    assert_eq!(scores("{}", &of_server(says(200, CHECKS), "{}")), (0.625, 0.5));
    let reply =
        r#"{"version": 1, "outcome": "timed_out", "episode": {"final_response": "Done.", "tool_calls": []}}"#;
    let episode = of_server(says(200, reply), RUBRIC);
    assert_eq!((episode.outcome.clone(), scores(RUBRIC, &episode)), (Outcome::TimedOut, (0.25, 0.25)));
}

#[test]
fn what_a_server_refuses_is_never_a_score() {
    let check = |response: ResponseTemplate, class: FailureClass, parts: &[&str]| {
        unmeasured(&of_server(response, "{}"), class, parts);
    };
    check(says(500, "out of\r\n\u{1b}[1m memory"), FailureClass::Transient, &["HTTP 500: out of [1m memory"]);
    check(says(429, ""), FailureClass::Transient, &["HTTP 429"]);
    check(says(422, "no such scenario"), FailureClass::Request, &["HTTP 422: no such scenario"]);
    let spent = r#"{"error": "the ledger's 40 episodes are spent"}"#;
    check(says(403, spent), FailureClass::Setup, &["HTTP 403", "40 episodes are spent"]);
    check(says(302, "").insert_header("location", "/other"), FailureClass::Setup, &["HTTP 302"]);
    check(says(200, "<html>Hello</html>"), FailureClass::Request, &["not one JSON document", "<html>Hello"]);
    check(says(200, &CHECKS[..100]), FailureClass::Request, &["not one JSON document"]);
    check(says(200, r#"{"version": 3}"#), FailureClass::Setup, &["version 3"]);
    check(says(200, &" ".repeat(17 << 20)), FailureClass::Request, &["longer than 16 MB"]);
    let slow = says(200, CHECKS).set_delay(Duration::from_secs(60));
    check(slow, FailureClass::Transient, &["no reply within 1.2 s"]);
}

/// A server that answers one request with these bytes, and goes.
fn at_once(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/episode", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut part = [0; 4096];
        while !part.ends_with(b"}\n\0") && stream.read(&mut part).is_ok_and(|count| count == part.len()) {}
        stream.write_all(answer).unwrap();
    });
    url
}

#[test]
fn a_reply_that_is_cut_off_is_lost() {
    let url = at_once(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{\"version\": 1, \"checks\": [");
    let episode = block_on(attempt(settings(&url, Path::new(".")), "{}"));
    unmeasured(&episode, FailureClass::Transient, &["the reply was lost"]);
}

#[test]
fn a_server_that_is_gone_is_an_outage() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/episode", free.local_addr().unwrap());
    drop(free);
    block_on(async {
        let settings = settings(&url, Path::new("."));
        let external = Arc::new(External::new(settings, Arc::new(Ledger::unlimited())).unwrap());
        unmeasured(&external.attempt(&task("{}")).await, FailureClass::Transient, &["no connection"]);
        let error = external.pulse().complete(&request()).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Transient, "{error}");
        let server = MockServer::start().await;
        let settings = super::settings(&server.uri(), Path::new("."));
        let external = Arc::new(External::new(settings, Arc::new(Ledger::unlimited())).unwrap());
        assert!(
            external.pulse().complete(&request()).await.is_ok(),
            "it refuses to be looked at, so it is there"
        );
    });
}

#[test]
fn an_evaluator_that_wants_something_of_the_user_is_not_asked_for_ever() {
    block_on(async {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(says(200, CHECKS)).up_to_n_times(1).mount(&server).await;
        Mock::given(method("POST")).respond_with(says(403, "the ledger is spent")).mount(&server).await;
        let settings = settings(&server.uri(), Path::new("."));
        let external = Arc::new(External::new(settings, Arc::new(Ledger::unlimited())).unwrap());
        assert!(external.attempt(&task("{}")).await.outcome.is_scored());
        for _ in 0..3 {
            assert!(external.pulse().complete(&request()).await.is_ok());
            unmeasured(&external.attempt(&task("{}")).await, FailureClass::Setup, &["HTTP 403"]);
        }
        let error = external.pulse().complete(&request()).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Setup);
        assert!(error.to_string().contains("the ledger is spent"), "{error}");
    });
}

fn request() -> packwright::llm::Request {
    packwright::llm::Request {
        system: String::new(),
        messages: Vec::new(),
        tools: [].into(),
        output_tokens_max: None,
        seed: packwright::units::Seed(0),
        attempt_ms_max: None,
        failed_attempts: Default::default(),
    }
}

#[test]
fn an_evaluator_that_never_worked_is_no_outage() {
    block_on(async {
        let place = tempfile::tempdir().unwrap();
        let patient = Settings { grace: Duration::from_secs(30), ..settings("command:false", place.path()) };
        let external = Arc::new(External::new(patient, Arc::new(Ledger::unlimited())).unwrap());
        for _ in 0..3 {
            assert!(external.pulse().complete(&request()).await.is_ok(), "too early to tell");
            external.attempt(&task("{}")).await;
        }
        let error = external.pulse().complete(&request()).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Setup);
        assert!(error.to_string().contains("exit code 1"), "{error}");
    });
}
