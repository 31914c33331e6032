//! Notifications against servers that record what arrives: every channel, what servers and networks do wrong, quiet hours
//! by a clock of the test, and that nothing is told twice.

mod postman;
mod told;

use packwright::notify::{
    Channel, Notice, Patience, Spec, TELEGRAM_API_VARIABLE, TELEGRAM_TOKEN_VARIABLE, deliver,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = "123456:t0ken-that-must-not-show";
const SECRET: &str = "path-that-must-not-show";

/// Waits that a test would notice, unless a server asks for shorter ones.
const HOURS: Duration = Duration::from_secs(7_200);

fn block_on<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(story)
}

fn quick() -> Patience {
    Patience {
        tries: 3,
        first_wait: Duration::from_millis(1),
        wait_max: Duration::from_millis(5),
        attempt_max: Duration::from_secs(20),
        look: Duration::from_millis(2),
    }
}

fn channel(text: &str, api: &str) -> Channel {
    let value = |variable: &str| match variable {
        TELEGRAM_TOKEN_VARIABLE => Some(SecretString::from(TOKEN)),
        TELEGRAM_API_VARIABLE => Some(SecretString::from(api)),
        _ => None,
    };
    Spec::read(text).and_then(|spec| spec.channel(&value)).expect("a channel")
}

fn webhook(server: &MockServer) -> Channel {
    channel(&format!("webhook:{}/{SECRET}?key={SECRET}", server.uri()), "")
}

fn telegram(server: &MockServer) -> Channel {
    channel("telegram:-100123", &server.uri())
}

async fn answering(responses: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let last = responses.len() - 1;
    for (number, response) in responses.into_iter().enumerate() {
        let mock = Mock::given(method("POST")).respond_with(response);
        match number == last {
            true => mock.mount(&server).await,
            false => mock.up_to_n_times(1).mount(&server).await,
        }
    }
    server
}

async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.expect("a server that records")
}

fn says(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_string(body)
}

fn test_notice() -> Notice {
    Notice::test("2026-11-21T03:00:00Z")
}

#[test]
fn a_webhook_gets_the_whole_message() {
    block_on(async {
        let server = answering(vec![says(204, "")]).await;
        let notice = test_notice();
        deliver(&webhook(&server), &notice, quick()).await.expect("a delivery");
        let [request] = &received(&server).await[..] else { panic!("one request") };
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["idempotency-key"], notice.key.as_str());
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(body, serde_json::to_value(&notice).expect("JSON"));
        let fields: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        let documented = [
            "format",
            "key",
            "event",
            "needs_you",
            "run",
            "batch",
            "suite",
            "at",
            "title",
            "text",
            "action",
            "difference",
            "progress",
        ];
        assert_eq!(fields, documented, "a changed form is another version: see docs/notify.md");
        assert_eq!((&body["format"], &body["event"]), (&json!(1), &json!("test")));
    });
}

#[test]
fn telegram_gets_the_text_as_it_is() {
    block_on(async {
        let server = MockServer::start().await;
        let notice = test_notice();
        Mock::given(method("POST"))
            .and(path(format!("/bot{TOKEN}/sendMessage")))
            .and(header("content-type", "application/json"))
            .and(body_partial_json(json!({"chat_id": "-100123", "text": notice.text})))
            .respond_with(says(200, r#"{"ok": true, "result": {"message_id": 1}}"#))
            .mount(&server)
            .await;
        deliver(&telegram(&server), &notice, quick()).await.expect("a delivery");
    });
}

#[test]
fn a_command_gets_the_text_as_one_argument_and_no_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let script = folder.path().join("script");
    let text = format!("printf '%s|%s|' \"$#\" \"$1\" > '{0}'; env >> '{0}'; cat >> '{0}'", out.display());
    std::fs::write(&script, text).expect("a file");
    let channel = channel(&format!("command:sh '{}'", script.display()), "");
    let notice = test_notice();
    block_on(deliver(&channel, &notice, quick())).expect("a delivery");
    let told = std::fs::read_to_string(out).expect("what it was told");
    assert!(told.starts_with(&format!("1|{}|", notice.text)), "{told}");
    for words in ["PACKWRIGHT_EVENT=test", "PACKWRIGHT_NEEDS_YOU=0", &format!("\"key\":\"{}\"", notice.key)] {
        assert!(told.contains(words), "{words}: {told}");
    }
    for (line, problem) in [
        ("false", "exit code 1"),
        ("sh -c 'echo words-of-others >&2; exit 3'", "exit code 3"),
        ("no-such-program-anywhere", "cannot be started"),
    ] {
        let told = block_on(deliver(&self::channel(&format!("command:{line}"), ""), &notice, quick()))
            .expect_err("a failure");
        assert!(told.contains(problem) && !told.contains("words-of-others"), "{told}");
    }
    let patience = Patience { attempt_max: Duration::from_millis(20), ..quick() };
    let late = block_on(deliver(&self::channel("command:sh -c 'sleep 3600' it", ""), &notice, patience));
    assert!(late.expect_err("a failure").contains("did not end"));
}

#[test]
fn what_may_pass_is_sent_again_when_the_server_asks() {
    block_on(async {
        // The own wait would be hours, so only what the server asks for can end it.
        let patience = Patience { first_wait: HOURS, wait_max: HOURS, ..quick() };
        let busy = || says(429, "slow down").insert_header("retry-after", "0");
        let server = answering(vec![busy(), busy(), says(200, "")]).await;
        deliver(&webhook(&server), &test_notice(), patience).await.expect("a delivery");
        let requests = received(&server).await;
        let keys: Vec<_> = requests.iter().map(|request| &request.headers["idempotency-key"]).collect();
        assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");

        let busy = r#"{"ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 0}}"#;
        let server = answering(vec![says(429, busy), says(200, r#"{"ok": true}"#)]).await;
        deliver(&telegram(&server), &test_notice(), patience).await.expect("a delivery");
        assert_eq!(received(&server).await.len(), 2);
    });
}

#[test]
fn tries_are_bounded_and_what_cannot_pass_is_tried_once() {
    let check = |response: ResponseTemplate, requests: usize, words: &str| {
        block_on(async {
            let server = answering(vec![response]).await;
            let problem = deliver(&webhook(&server), &test_notice(), quick()).await.expect_err("a failure");
            assert!(problem.contains(words), "{problem}");
            assert!(!problem.contains(SECRET) && !problem.contains("words-of-others"), "{problem}");
            assert_eq!(received(&server).await.len(), requests, "{problem}");
        });
    };
    check(says(500, "words-of-others"), 3, "HTTP 500; tried 3 times");
    // However long a server asks to wait, there is a bound.
    check(says(503, "").insert_header("retry-after", "86400"), 3, "HTTP 503");
    check(says(401, "words-of-others"), 1, "HTTP 401; is the address right");
    check(says(400, SECRET), 1, "HTTP 400");
}

#[test]
fn a_redirect_gets_no_secret() {
    block_on(async {
        let other = answering(vec![says(200, "")]).await;
        for status in [301, 302, 307, 308] {
            let server =
                answering(vec![says(status, "").insert_header("location", other.uri().as_str())]).await;
            for channel in [webhook(&server), telegram(&server)] {
                let problem = deliver(&channel, &test_notice(), quick()).await.expect_err("a failure");
                assert!(problem.contains("redirect") && !problem.contains(&other.uri()), "{problem}");
            }
        }
        assert!(received(&other).await.is_empty());
    });
}

#[test]
fn silence_and_absence_are_told_without_the_address() {
    block_on(async {
        let silent = answering(vec![says(200, "").set_delay(HOURS)]).await;
        let patience = Patience { attempt_max: Duration::from_millis(30), ..quick() };
        let gone = format!(
            "http://{}",
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it")
        );
        for (channel, words) in [
            (webhook(&silent), "no answer in time; tried 3 times"),
            (telegram(&silent), "no answer in time; tried 3 times"),
            (self::channel(&format!("webhook:{gone}/{SECRET}"), ""), "no connection"),
            (self::channel("telegram:1", &gone), "no connection"),
        ] {
            let problem = deliver(&channel, &test_notice(), patience).await.expect_err("a failure");
            assert!(problem.contains(words), "{problem}");
            assert!(!problem.contains(SECRET) && !problem.contains("t0ken"), "{problem}");
        }
    });
}

#[test]
fn what_telegram_does_not_confirm_is_not_delivered() {
    let check = |response: ResponseTemplate, words: &str| {
        block_on(async {
            let server = answering(vec![response]).await;
            let problem = deliver(&telegram(&server), &test_notice(), quick()).await.expect_err("a failure");
            assert!(problem.contains(words) && !problem.contains("t0ken"), "{problem}");
        });
    };
    check(says(200, "<html>Welcome to the hotel's network</html>"), "what answers is not Telegram");
    check(says(200, &" ".repeat(1 << 20)), "what answers is not Telegram");
    check(says(200, r#"{"ok": false, "description": "odd"}"#), "odd");
    let wrong = r#"{"ok": false, "error_code": 400, "description": "Bad Request: chat not found"}"#;
    check(says(400, wrong), "HTTP 400: Bad Request: chat not found");
    check(
        says(401, &format!(r#"{{"ok": false, "description": "Unauthorized\u001b[2J {TOKEN}"}}"#)),
        "Unauthorized",
    );
    check(says(502, "<html>"), "HTTP 502; tried 3 times");
}
