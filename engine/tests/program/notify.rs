//! Somebody who is away is told: of the end, once, by every channel, in few words, without secrets; and what cannot be told
//! changes nothing.

use super::fake::{Asked, Fake, failure};
use super::place::Place;
use axum::response::IntoResponse;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const TOKEN: &str = "123456:t0ken-that-must-not-show";
const SECRET: &str = "path-that-must-not-show";

/// A server that records what it is sent, and takes it when it is told to.
struct Recorder {
    server: Fake,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    takes: Arc<AtomicBool>,
}

impl Recorder {
    fn start() -> Recorder {
        let (seen, takes) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
        let (record, is_taking) = (seen.clone(), takes.clone());
        let server = Fake::start(move |asked: &Asked| {
            if !is_taking.load(Ordering::SeqCst) {
                return failure(403, "words-of-others");
            }
            record.lock().expect("a list").push((asked.path.clone(), asked.body.clone()));
            r#"{"ok": true}"#.into_response()
        });
        Recorder { server, seen, takes }
    }

    fn base(&self) -> String {
        self.server.url().trim_end_matches("/v1").to_owned()
    }

    fn webhook(&self) -> String {
        format!("webhook:{}/{SECRET}", self.base())
    }

    /// The messages at a path that has these words.
    fn at(&self, words: &str) -> Vec<Value> {
        let seen = self.seen.lock().expect("a list");
        seen.iter().filter(|(path, _)| path.contains(words)).map(|(_, body)| body.clone()).collect()
    }

    fn events(&self) -> Vec<String> {
        self.at(SECRET).iter().map(|body| body["event"].as_str().expect("an event").to_owned()).collect()
    }
}

/// No file below a folder holds a secret.
fn check_no_secret(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            check_no_secret(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            for secret in [SECRET, TOKEN] {
                let holds = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!holds, "{} holds a secret", path.display());
            }
        }
    }
}

fn is_one_of(code: i32) -> bool {
    [0, 4].contains(&code)
}

#[test]
fn a_run_tells_every_channel_of_its_end_and_keeps_no_secret() {
    let (place, recorder) = (Place::new(), Recorder::start());
    let script = "printf '%s' \"$1\" > told";
    let command = format!("command:sh -c '{script}' notify");
    let arguments =
        ["--budget", "40", "--seed", "3", "--notify", &recorder.webhook(), "--notify", "telegram:42"];
    let mut run = place.command(&[&arguments[..], &["--notify", &command]].concat());
    run.env("PACKWRIGHT_TELEGRAM_TOKEN", TOKEN).env("PACKWRIGHT_TELEGRAM_API", recorder.base());
    let output = run.output().expect("a run");
    assert!(is_one_of(output.status.code().expect("an end")), "{output:?}");
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(
            !text.contains(SECRET)
                && !text.contains("t0ken")
                && !text.to_lowercase().contains("not delivered"),
            "{text}"
        );
    }
    check_no_secret(&place.path("runs"));

    let events = recorder.events();
    let last = events.last().expect("a message");
    assert!(["finished", "new_champion"].contains(&last.as_str()), "{events:?}");
    assert!(events.iter().filter(|event| *event == "budget").count() <= 2, "{events:?}");
    let message = recorder.at(SECRET).pop().expect("a message");
    let text = message["text"].as_str().expect("a text").to_owned();
    assert!(
        text.chars().count() < 500 && text.contains(&place.run_id()) && text.contains("Offline model"),
        "{text}"
    );
    let telegram = recorder.at(&format!("/bot{TOKEN}/sendMessage"));
    assert_eq!(telegram.len(), events.len());
    assert_eq!(
        (&telegram[telegram.len() - 1]["text"], &telegram[0]["chat_id"]),
        (&message["text"], &Value::from("42"))
    );
    assert_eq!(std::fs::read_to_string(place.path("told")).expect("what the command was told"), text);
    assert!(!place.optimize(&["report"]).out.contains("Not delivered"));
}

#[test]
fn what_is_not_delivered_is_said_and_changes_nothing() {
    let (place, recorder) = (Place::new(), Recorder::start());
    let without = place.optimize(&["--budget", "40", "--seed", "3", "--packs", "p1"]);
    recorder.takes.store(false, Ordering::SeqCst);
    let other = Place::new();
    let arguments = ["--budget", "40", "--seed", "3", "--packs", "p1", "--notify", "webhook:env:MY_WEBHOOK"];
    std::fs::write(other.path(".env"), format!("MY_WEBHOOK={}/{SECRET}\n", recorder.base())).expect("a file");
    let run = other.optimize(&arguments);
    assert_eq!(run.code, without.code, "{run:?}");
    assert_eq!(
        run.err.matches("not delivered: messages to webhook:env:MY_WEBHOOK: HTTP 403").count(),
        1,
        "{}",
        run.err
    );
    assert!(!run.err.contains("words-of-others") && !run.err.contains(SECRET), "{}", run.err);
    let report = |name: &str| {
        std::fs::read_to_string(other.path("runs").join(other.run_id()).join(name)).expect("a report")
    };
    for name in ["report.md", "report.json", "report.html"] {
        assert!(report(name).contains("Not delivered: "), "{name}");
    }
    assert!(other.optimize(&["report"]).out.contains("Not delivered: "));
    check_no_secret(&other.path("runs"));

    let still = other.optimize(&["notify", "deliver"]);
    assert!(still.code == 5 && still.out.contains("not all was delivered"), "{still:?}");
    recorder.takes.store(true, Ordering::SeqCst);
    let mended = other.optimize(&["notify", "deliver"]);
    assert!(mended.code == 0 && mended.out.contains("nothing is left to be delivered"), "{mended:?}");
    let told = recorder.events().len();
    assert!(told > 0);
    assert_eq!(other.optimize(&["notify", "deliver"]).code, 0);
    assert_eq!(recorder.events().len(), told, "nothing is sent twice");
    assert!(!other.optimize(&["report"]).out.contains("Not delivered"));
}

#[test]
fn an_outage_needs_you_once_and_says_no_word_of_the_provider() {
    let (place, recorder) = (Place::new(), Recorder::start());
    let model = Fake::start(|_| failure(401, "words-of-others"));
    let arguments = [
        "--model",
        "openai/any",
        "--base-url",
        &model.url(),
        "--budget",
        "40",
        "--notify",
        &recorder.webhook(),
    ];
    let run = place.optimize(&arguments);
    assert_eq!(run.code, 5, "{run:?}");
    assert_eq!(recorder.events(), ["needs_you"]);
    let message = recorder.at(SECRET).pop().expect("a message");
    let text = message["text"].as_str().expect("a text");
    assert!(text.contains("HTTP 401") && !text.contains("words-of-others"), "{text}");
    assert!(text.ends_with(&format!("Next: optimize --resume {}", place.run_id())), "{text}");
    assert_eq!(message["needs_you"], true);

    // The address is not kept, and that is said; a service names it by a variable.
    let resumed = place.optimize(&["resume"]);
    assert!(resumed.code == 5 && resumed.err.contains("webhook:env:VARIABLE"), "{resumed:?}");
    let again = place.optimize(&["resume", "--notify", &recorder.webhook()]);
    assert_eq!(again.code, 5, "{again:?}");
    assert_eq!(recorder.events(), ["needs_you"], "nothing has happened since");
}

#[test]
fn quiet_hours_hold_messages_back_until_they_are_wanted() {
    let (place, recorder) = (Place::new(), Recorder::start());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs()
        / 60
        % 1440;
    let time = |minute: u64| format!("{:02}:{:02}", minute % 1440 / 60, minute % 60);
    let hours = format!("{}-{}", time(now + 1440 - 120), time(now + 120));
    std::fs::write(place.path(".env"), format!("PACKWRIGHT_NOTIFY={}\n", recorder.webhook()))
        .expect("a file");
    let mut command = place.command(&["--budget", "40", "--seed", "3", "--quiet-hours", &hours]);
    let output = command.env("TZ", "UTC").output().expect("a run");
    assert!(is_one_of(output.status.code().expect("an end")), "{output:?}");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let process =
        err.split("when process ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a process");
    assert!(err.contains("1 message waits for the end of the quiet hours"), "{err}");
    assert!(recorder.events().is_empty(), "it is quiet");
    check_no_secret(&place.path("runs"));

    let sent = place.optimize(&["notify", "deliver", &place.run_id()]);
    assert_eq!(sent.code, 0, "{sent:?}");
    let told = recorder.events();
    assert!(told.len() == 1 && ["finished", "new_champion"].contains(&told[0].as_str()), "{told:?}");
    assert!(Command::new("kill").arg(process).status().expect("kill").success(), "the process waits");
}

#[test]
fn a_run_in_the_background_knows_its_channels_and_no_list_of_processes_does() {
    let (place, recorder) = (Place::new(), Recorder::start());
    let arguments = ["--budget", "400", "--seed", "3", "--detach", "--json", "--notify", &recorder.webhook()];
    let begun = place.optimize(&arguments);
    assert_eq!(begun.code, 0, "{begun:?}");
    let begun: Value = serde_json::from_str(begun.out.lines().last().expect("a line")).expect("JSON");
    let words = std::fs::read_to_string(format!("/proc/{}/cmdline", begun["process"])).unwrap_or_default();
    assert!(!words.contains(SECRET), "{words}");
    let stopped = place.optimize(&["stop", "--wait"]);
    assert!([0, 3].contains(&stopped.code), "{stopped:?}");
    while recorder.events().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    check_no_secret(&place.path("runs"));
}

#[test]
fn a_batch_tells_of_its_end_once() {
    let (place, recorder) = (Place::new(), Recorder::start());
    let write = |second: &str| {
        let text = format!(
            "defaults: {{budget: 36, notify: '{}'}}\nruns:\n  - {{name: a, seed: 6, packs: p1}}\n  - {{name: b, seed: 6, \
             packs: p2{second}}}\n",
            recorder.webhook()
        );
        std::fs::write(place.path("night.yaml"), text).expect("a file");
    };
    write("");
    let night = place.optimize(&["batch", "night.yaml"]);
    assert_eq!(night.code, 0, "{night:?}");
    let of_batch = || -> Vec<Value> {
        recorder.at(SECRET).into_iter().filter(|body| body["event"] == "batch_finished").collect()
    };
    let [told] = &of_batch()[..] else { panic!("{:?}", recorder.events()) };
    assert!(
        told["text"].as_str().expect("a text").contains("all 2 runs of a batch came to their ends"),
        "{told}"
    );
    let ends = recorder
        .events()
        .iter()
        .filter(|event| ["finished", "new_champion"].contains(&event.as_str()))
        .count();
    assert_eq!(ends, 2, "and every run told of its own: {:?}", recorder.events());

    let before = recorder.events().len();
    assert_eq!(place.optimize(&["batch", "night.yaml"]).code, 0);
    assert_eq!(recorder.events().len(), before, "nothing has happened since");
    write(", budget: 3");
    assert_eq!(place.optimize(&["batch", "night.yaml"]).code, 3);
    let last = of_batch().pop().expect("a message");
    assert_eq!((of_batch().len(), &last["needs_you"]), (2, &Value::Bool(true)));
    assert!(last["text"].as_str().expect("a text").ends_with("Next: optimize batch night.yaml"), "{last}");
    check_no_secret(&place.path("runs"));
}

#[test]
fn a_wrong_configuration_is_told_whole_before_anything_is_spent() {
    let place = Place::new();
    let wrong = [
        "--notify",
        "mail:me",
        "--notify",
        "telegram:42",
        "--notify",
        "webhook:env:HOOK",
        "--quiet-hours",
        "23-7",
    ];
    let words = [
        "--notify: a channel is webhook:URL",
        "--notify telegram:42: the variable PACKWRIGHT_TELEGRAM_TOKEN is not set",
        "--notify webhook:env:HOOK: the variable HOOK is not set",
        "--quiet-hours: \"23-7\" are no quiet hours",
    ];
    for command in [&["--budget", "40"][..], &["notify", "test"]] {
        let refused = place.optimize(&[command, &wrong].concat());
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(words.iter().all(|words| refused.err.contains(words)), "{refused:?}");
    }
    assert!(!place.path("runs").exists());
    let doctor = place.optimize(&[&["doctor", "--no-canary", "--json"][..], &wrong].concat());
    assert!(doctor.code == 3 && words[..3].iter().all(|words| doctor.out.contains(words)), "{doctor:?}");
    let text =
        "runs:\n  - name: a\n    budget: 40\n    notify: [mail:me, telegram:42]\n    quiet-hours: soon\n";
    std::fs::write(place.path("night.yaml"), text).expect("a file");
    let checked = place.optimize(&["check", "night.yaml"]);
    assert_eq!(checked.code, 3, "{checked:?}");
    for words in [
        "night.yaml:4:13: notify: a channel is",
        "PACKWRIGHT_TELEGRAM_TOKEN",
        "night.yaml:5:18: quiet-hours: \"soon\"",
    ] {
        assert!(checked.out.contains(words), "{words}: {checked:?}");
    }
}

#[test]
fn a_test_message_says_what_came_of_it() {
    let (place, recorder) = (Place::new(), Recorder::start());
    let other = Fake::start(|_| failure(404, ""));
    let gone = format!("webhook:{}/{SECRET}", other.url());
    let arguments = ["notify", "test", "--notify", &recorder.webhook(), "--notify", &gone];
    let tested = place.optimize(&arguments);
    assert_eq!(tested.code, 5, "{tested:?}");
    assert!(
        tested.out.contains("delivered in ") && tested.out.contains("NOT delivered: HTTP 404"),
        "{tested:?}"
    );
    assert!(!format!("{tested:?}").contains(SECRET), "{tested:?}");
    assert_eq!(recorder.events(), ["test"]);
    let tested = place.optimize(&[&arguments[..4], &["--json"]].concat());
    let line: Value = serde_json::from_str(tested.out.trim()).expect("JSON");
    assert_eq!((tested.code, &line["delivered"]), (0, &Value::Bool(true)));
    assert_eq!(place.optimize(&["notify", "test"]).code, 3, "there is nobody to tell");
}
