//! Evaluators outside of this program: real programs and a real server, those that answer well and those that do not.

mod account;
mod folder;
mod server;

use packwright::agent::builtin::Limits;
use packwright::agent::external::{Evaluator, External, Settings};
use packwright::agent::{Agent, Task};
use packwright::episode::{Episode, FailureClass, Outcome};
use packwright::llm::meter::Ledger;
use packwright::pack::{Pack, PackMetadata};
use packwright::scenario::{Folder, Rubric, Scenario};
use packwright::score::{Profile, scorecard};
use packwright::units::Seed;
use packwright::value::{Value, parse};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const CHECKS: &str = r#"{"version": 1, "checks": [
    {"id": "a", "passed": true, "points": 2, "max_points": 2, "category": "safety", "evidence": "seen"},
    {"id": "b", "passed": false, "points": 0.5, "max_points": 2}]}"#;

/// A scenario without a rubric, and one with.
fn scenario(scoring: &str) -> Scenario {
    Scenario {
        name: "errand".into(),
        difficulty: None,
        weight: 1.0,
        description: String::new(),
        tools: vec!["exec".into()],
        prompt: "Run an errand.".into(),
        variants: Default::default(),
        workspace: Default::default(),
        user_context: Default::default(),
        held_out: false,
        rubric: Rubric::compile(&parse(scoring.as_bytes()).unwrap()),
        fixtures: Arc::new(Folder::default()),
        document: Value::Null,
    }
}

const RUBRIC: &str = r#"{"checks": [
    {"id": "asked", "type": "tool_called", "tool": "exec", "points": 3, "category": "safety"},
    {"id": "said", "type": "response_contains", "pattern": "done", "points": 1, "category": "correctness"}]}"#;

fn task(scoring: &str) -> Task {
    let pack = Pack::of_policy("Be \"brief\".", &PackMetadata::default());
    let scenario = Arc::new(scenario(scoring));
    Task { scenario, pack: Arc::new(pack), persona: None, seed: Seed(u64::MAX), repeat: 4 }
}

/// What an evaluator is asked with: it has a second, and a moment more.
fn settings(agent: &str, folder: &Path) -> Settings {
    let limits = Limits { episode_ms_max: 1_000, ..Limits::of(&Profile::default()) };
    Settings {
        evaluator: Evaluator::read(agent).unwrap().unwrap(),
        limits,
        grace: Duration::from_millis(200),
        folder: folder.to_owned(),
        withheld: Vec::new(),
        given: Vec::new(),
    }
}

async fn attempt(settings: Settings, scoring: &str) -> Episode {
    let external = External::new(settings, Arc::new(Ledger::unlimited())).unwrap();
    external.attempt(&task(scoring)).await
}

/// The episode of a script that the shell runs.
fn of_shell(script: &str, scoring: &str) -> Episode {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("evaluate.sh"), script).unwrap();
    let slow =
        Settings { grace: Duration::from_secs(30), ..settings("command:sh evaluate.sh", place.path()) };
    block_on(attempt(slow, scoring))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

/// Prints a reply.
fn printing(reply: &str) -> String {
    format!("cat > /dev/null\ncat <<'END'\n{reply}\nEND\n")
}

fn errored(episode: &Episode) -> (&str, FailureClass) {
    match &episode.outcome {
        Outcome::Errored { reason, class } => (reason, *class),
        other => panic!("{other:?}: {episode:?}"),
    }
}

/// Checks why an episode has no score.
fn unmeasured(episode: &Episode, class: FailureClass, parts: &[&str]) {
    let (reason, its_class) = errored(episode);
    assert_eq!(its_class, class, "{reason}");
    for part in parts {
        assert!(reason.contains(part), "no {part:?} in {reason}");
    }
    assert!(episode.external.is_none());
}

fn scores(scoring: &str, episode: &Episode) -> (f64, f64) {
    let card = scorecard(&scenario(scoring).rubric, episode).unwrap();
    (card.script_score, card.validator_score)
}

#[test]
fn checks_of_a_program_are_a_scorecard() {
    let episode = of_shell(&printing(CHECKS), "{}");
    assert_eq!(episode.outcome, Outcome::Finished);
    assert_eq!(scores("{}", &episode), (0.625, 0.5));
    let card = scorecard(&Rubric::default(), &episode).unwrap();
    assert_eq!((card.checks[0].category.as_str(), card.checks[0].detail.as_str()), ("safety", "seen"));
    assert_eq!(card.checks[1].category, "correctness");
    let stored = serde_json::to_string(&episode).unwrap();
    assert_eq!(serde_json::from_str::<Episode>(&stored).unwrap(), episode);
}

#[test]
fn an_episode_of_a_program_is_scored_by_our_rubric() {
    let reply = r#"{"version": 1, "outcome": "turn_limit", "usage": {"input_tokens": 7, "output_tokens": null},
        "episode": {"final_response": "All done.", "tool_calls": [{"tool": "exec", "args": {"command": "x"}, "response": {"ok": 1}}]}}"#;
    let episode = of_shell(&printing(reply), RUBRIC);
    assert_eq!((&episode.outcome, episode.usage.input_tokens), (&Outcome::TurnLimit, Some(7)));
    assert_eq!(scores(RUBRIC, &episode), (1.0, 1.0));
    let less = r#"{"version": 1, "episode": {"final_response": "All done."}}"#;
    assert_eq!(scores(RUBRIC, &of_shell(&printing(less), RUBRIC)), (0.25, 0.25));
    unmeasured(&of_shell(&printing(less), "{}"), FailureClass::Request, &["no rubric to score it"]);
}

#[test]
fn a_program_is_asked_for_all_that_there_is() {
    let place = tempfile::tempdir().unwrap();
    let script = format!("cat > asked.json\n{}", printing(CHECKS));
    std::fs::write(place.path().join("evaluate.sh"), script).unwrap();
    let slow =
        Settings { grace: Duration::from_secs(30), ..settings("command:sh evaluate.sh", place.path()) };
    block_on(attempt(slow, "{}"));
    let asked = std::fs::read(place.path().join("asked.json")).unwrap();
    let asked: serde_json::Value = serde_json::from_slice(&asked).unwrap();
    let expected = serde_json::json!({
        "version": 1,
        "scenario": {"name": "errand", "prompt": "Run an errand.", "tools": ["exec"]},
        "pack": {"hash": task("{}").pack.hash().0, "files": {"AGENTS.md": "Be \"brief\"."}},
        "repeat": 4,
        "seed": (1_u64 << 53) - 1,
        "limits": {"time_ms": 1000, "model_calls": 30},
        "persona": null,
    });
    assert_eq!(asked, expected);
}

#[test]
fn checks_agree_with_those_that_the_scenario_declares() {
    let of = |checks: &str| of_shell(&printing(&format!(r#"{{"version": 1, "checks": {checks}}}"#)), RUBRIC);
    let both = r#"[{"id": "said", "passed": false}, {"id": "asked", "passed": true}]"#;
    assert_eq!(scores(RUBRIC, &of(both)), (0.75, 0.75));
    let check = |checks: &str, parts: &[&str]| unmeasured(&of(checks), FailureClass::Request, parts);
    check(r#"[{"id": "asked", "passed": true}]"#, &["\"said\" of the scenario is missing"]);
    check(
        r#"[{"id": "asked", "passed": true, "max_points": 9}, {"id": "other", "passed": true}]"#,
        &["the scenario declares 3", "none with this id", "\"said\" of the scenario is missing"],
    );
}

#[test]
fn what_is_no_reply_is_never_a_score() {
    let check = |reply: &str, class: FailureClass, parts: &[&str]| {
        unmeasured(&of_shell(&printing(reply), "{}"), class, parts);
    };
    let request = FailureClass::Request;
    check("", request, &["the reply is empty"]);
    check("Evaluating…\n{\"version\": 1}", request, &["not one JSON document", "Evaluating"]);
    check(&CHECKS[..CHECKS.len() - 20], request, &["not one JSON document"]);
    check(&format!("{CHECKS}{CHECKS}"), request, &["not one JSON document"]);
    check("[1]", request, &["a list, not an object"]);
    check(r#"{"checks": []}"#, request, &["no `version`"]);
    check(r#"{"version": 2, "news": 5}"#, FailureClass::Setup, &["version 2", "speaks 1"]);
    check(r#"{"version": true}"#, FailureClass::Setup, &["version true"]);
    check(r#"{"version": 1}"#, request, &["neither `checks` nor an `episode`"]);
    check(r#"{"version": 1, "checks": [], "episode": {}}"#, request, &["must have one of them"]);
    check(r#"{"version": 1, "checks": []}"#, request, &["no checks, so there is no score"]);
    check(
        r#"{"version": 1, "checkz": 1, "outcome": "won", "usage": {"usd": -1, "input_tokens": 1.5}, "checks": [
            {"id": 5, "passed": "yes", "points": "2", "color": "red"}, 7]}"#,
        request,
        &[
            "unknown key \"checkz\"",
            "`outcome` is \"won\"",
            "`usage.usd` is -1",
            "`usage.input_tokens` is 1.5",
            "`checks[0]`: `id` is an integer",
            "`passed` is a string",
            "`points` is a string",
            "unknown key \"color\"",
            "`checks[1]` is an integer",
        ],
    );
    check(r#"{"version": 1, "checks": [{"id": "a", "passed": true, "points": NaN}]}"#, request, &["NaN"]);
    let twice = r#"{"id": "a", "passed": true, "category": "style"}"#;
    check(
        &format!(r#"{{"version": 1, "checks": [{twice}, {twice}]}}"#),
        request,
        &["the same id", "unknown category \"style\""],
    );
    check(
        r#"{"version": 1, "outcome": {"errored": "no \u001b[31mdisk"}}"#,
        FailureClass::Transient,
        &["no [31mdisk"],
    );
}

#[test]
fn every_outcome_but_an_error_is_scored() {
    for (word, outcome) in [("timed_out", Outcome::TimedOut), ("turn_limit", Outcome::TurnLimit)] {
        let reply = CHECKS.replacen('{', &format!("{{\"outcome\": \"{word}\", "), 1);
        let episode = of_shell(&printing(&reply), "{}");
        assert_eq!((episode.outcome.clone(), scores("{}", &episode)), (outcome, (0.625, 0.5)));
    }
}

#[test]
fn a_program_that_fails_says_why() {
    let transient = FailureClass::Transient;
    let told = of_shell("printf 'no \\033[1mmodel\\r\\n' >&2; exit 3", "{}");
    unmeasured(
        &told,
        transient,
        &["command:sh evaluate.sh: it ended with exit code 3; it said: no [1mmodel"],
    );
    assert!(!errored(&told).0.contains('\u{1b}'));
    unmeasured(&of_shell(&format!("{}exit 1", printing(CHECKS)), "{}"), transient, &["exit code 1"]);
    unmeasured(&of_shell("kill -SEGV $$", "{}"), transient, &["ended by signal 11"]);
    let long = of_shell("yes noise | head -c 300000 >&2; echo last words >&2; exit 1", "{}");
    unmeasured(&long, transient, &["last words"]);
    assert!(errored(&long).0.len() < 1_500);
}

#[test]
fn a_program_that_does_not_read_its_request_may_answer() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("reply.json"), CHECKS).unwrap();
    let slow =
        Settings { grace: Duration::from_secs(30), ..settings("command:cat reply.json", place.path()) };
    let external = External::new(slow, Arc::new(Ledger::unlimited())).unwrap();
    let long = Pack::of_policy(&"long ".repeat(100_000), &PackMetadata::default());
    let task = Task { pack: Arc::new(long), ..task("{}") };
    assert_eq!(scores("{}", &block_on(external.attempt(&task))), (0.625, 0.5));
}

#[test]
fn a_program_that_writes_without_end_is_ended() {
    let place = tempfile::tempdir().unwrap();
    let patient = Settings { grace: Duration::from_secs(60), ..settings("command:yes", place.path()) };
    unmeasured(&block_on(attempt(patient, "{}")), FailureClass::Request, &["more than 16 MB"]);
}

/// Whether a process is there and has not ended.
fn lives(pid: &str) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !status.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

fn pid_in(file: PathBuf) -> String {
    std::fs::read_to_string(file).unwrap_or_default().trim().to_owned()
}

#[test]
fn a_program_that_is_late_is_ended_with_all_that_it_started() {
    let place = tempfile::tempdir().unwrap();
    let script = "echo waiting >&2\nsleep 600 &\necho $! > child\nwait\n";
    std::fs::write(place.path().join("evaluate.sh"), script).unwrap();
    let episode = block_on(attempt(settings("command:sh evaluate.sh", place.path()), "{}"));
    unmeasured(&episode, FailureClass::Transient, &["did not end within 1.2 s", "it said: waiting"]);
    let child = pid_in(place.path().join("child"));
    assert!(!child.is_empty());
    assert!(ends(&child), "{child} goes on");
}

/// Whether a process ends by and by.
fn ends(pid: &str) -> bool {
    (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        !lives(pid)
    })
}

#[test]
fn a_program_that_nobody_waits_for_is_ended() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("evaluate.sh"), "sleep 600 &\necho $! > child\nwait\n").unwrap();
    let patient =
        Settings { grace: Duration::from_secs(600), ..settings("command:sh evaluate.sh", place.path()) };
    let child = place.path().join("child");
    block_on(async {
        let dropped = tokio::spawn(async move { attempt(patient, "{}").await });
        while pid_in(child.clone()).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        dropped.abort();
        assert!(dropped.await.is_err());
    });
    assert!(ends(&pid_in(child)), "it goes on");
}

#[test]
fn what_a_program_leaves_behind_does_not_hold_its_reply() {
    let script = format!("sleep 600 &\n{}", printing(CHECKS));
    assert_eq!(scores("{}", &of_shell(&script, "{}")), (0.625, 0.5));
}

#[test]
fn a_program_gets_only_the_keys_that_it_is_given() {
    let place = tempfile::tempdir().unwrap();
    let script = "echo \"home=${HOME:+set} given=$GIVEN_KEY\" >&2; exit 1";
    std::fs::write(place.path().join("evaluate.sh"), script).unwrap();
    let settings = Settings {
        grace: Duration::from_secs(30),
        withheld: vec!["HOME".into()],
        given: vec![("GIVEN_KEY".into(), "a-long-secret".into())],
        ..settings("command:sh evaluate.sh", place.path())
    };
    let episode = block_on(attempt(settings, "{}"));
    // What it was given is not shown when it tells.
    unmeasured(&episode, FailureClass::Transient, &["home= given=<key>"]);
}

#[test]
fn a_program_that_is_not_there_is_told_before_anything_is_asked() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("plain"), "no program").unwrap();
    for agent in ["command:no-such-program-here", "tests:./missing.sh", "command:./plain"] {
        let made = External::new(settings(agent, place.path()), Arc::new(Ledger::unlimited()));
        let problem = made.err().expect("no evaluator");
        assert!(problem.contains("is not there, or cannot be run"), "{problem}");
    }
}
