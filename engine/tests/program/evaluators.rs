//! Evaluators of the user through the program itself: the examples of the documentation run as they stand there.

use super::place::{Place, Printed};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../docs/evaluators.md");

/// The first example in a language.
fn example(language: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n```{language}\n")).expect("an example");
    rest.split_once("\n```").expect("its end").0
}

/// A folder with the suite of the documentation, with two scenarios.
fn place() -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.path("errands/scenarios")).expect("a folder");
    let scenario = example("yaml");
    std::fs::write(place.path("errands/scenarios/refund.yaml"), scenario).expect("a file");
    let other = scenario.replace("name: refund", "name: invoice");
    std::fs::write(place.path("errands/scenarios/invoice.yaml"), other).expect("a file");
    place
}

fn optimize(place: &Place, agent: &str, more: &[&str]) -> Printed {
    let options = ["--agent", agent, "--suite", "errands", "--budget", "40", "--seed", "3"];
    place.optimize(&[&options[..], more].concat())
}

fn report(place: &Place) -> Value {
    serde_json::from_str(&place.optimize(&["report", "--json"]).out).expect("JSON")
}

fn has_python(place: &Place) -> bool {
    let is_there = place.clean("python3").args(["-c", "pass"]).output().is_ok_and(|run| run.status.success());
    if !is_there {
        eprintln!("SKIPPED: there is no python3");
    }
    is_there
}

fn check_measured(place: &Place, run: &Printed) -> Value {
    assert!([0, 4].contains(&run.code), "{run:?}");
    let report = report(place);
    let episodes = &report["episodes"];
    assert!(episodes["scored"].as_u64() >= Some(2), "{episodes}");
    assert_eq!(episodes["unmeasured"], 0, "{run:?}");
    report
}

#[test]
fn the_example_in_python_is_optimized() {
    let place = place();
    if !has_python(&place) {
        return;
    }
    std::fs::write(place.path("evaluator.py"), example("python")).expect("a file");
    let agent = "command:python3 evaluator.py";
    let estimate = place.optimize(&["estimate", "--agent", agent, "--suite", "errands", "--budget", "40"]);
    assert!(estimate.out.contains("not known before it was measured"), "{estimate:?}");
    let run = optimize(&place, agent, &["--force"]);
    let report = check_measured(&place, &run);
    assert!(run.err.contains("agent: the evaluator command:python3 evaluator.py"), "{}", run.err);
    let row = &report["spending"][0];
    let scored = report["episodes"]["scored"].as_u64().expect("a number");
    assert_eq!((row["model"].as_str(), row["calls"].as_u64()), (Some(agent), Some(scored)));
    let usd: f64 = row["usd"].as_str().expect("dollars").parse().expect("a number");
    assert!((usd - 0.002 * scored as f64).abs() < 1e-9, "{row}");
    assert!(run.out.contains("by what the evaluator reported"), "{}", run.out);
    let doctor =
        place.optimize(&["doctor", "--agent", agent, "--suite", "errands", "--budget", "40", "--force"]);
    assert_eq!(doctor.code, 0, "{doctor:?}");
    assert!(doctor.out.contains("of 2 checks passed"), "{}", doctor.out);
}

#[test]
fn the_example_in_shell_is_optimized() {
    let place = place();
    std::fs::write(place.path("evaluator.sh"), example("sh")).expect("a file");
    let run = optimize(&place, "command:sh evaluator.sh", &["--force"]);
    check_measured(&place, &run);
    assert!(run.out.contains("Dollars    not measured: the evaluator reported none"), "{}", run.out);
    assert!(run.out.contains("not reported by the evaluator"), "{}", run.out);
    let again = place.optimize(&["rescore"]);
    assert_eq!(again.code, 3, "{again:?}");
    assert!(again.err.contains("an evaluator outside of this program judged all"), "{}", again.err);
}

#[test]
fn a_rubric_of_ours_scores_what_an_evaluator_saw() {
    let place = place();
    let scenario = "name: refund\nprompt: Refund.\ntools: [exec]\nvariants: {}\nscoring:\n  checks:\n  - {id: said, type: response_contains, pattern: refunded, points: 1, category: correctness, description: It says so.}\n";
    std::fs::remove_dir_all(place.path("errands")).expect("the suite");
    std::fs::create_dir_all(place.path("errands/scenarios/fixtures/refund")).expect("a folder");
    std::fs::write(place.path("errands/scenarios/fixtures/refund/USER.md"), "Kim\n").expect("a file");
    std::fs::write(place.path("errands/scenarios/refund.yaml"), scenario).expect("a file");
    let reply = r#"{"version": 1, "episode": {"final_response": "Refunded.", "tool_calls": []}}"#;
    std::fs::write(place.path("reply.json"), reply).expect("a file");
    let run = optimize(&place, "command:cat reply.json", &[]);
    let report = check_measured(&place, &run);
    assert_eq!(report["scenarios"][0]["incumbent"]["value"], 1.0, "{report}");
}

#[test]
fn episodes_are_kept_by_the_evaluators_version_alone() {
    let place = place();
    std::fs::write(place.path("evaluator.sh"), example("sh")).expect("a file");
    let cached = |agent: &str, more: &[&str]| {
        let run = optimize(&place, agent, &[&["--force"], more].concat());
        let report = check_measured(&place, &run);
        report["episodes"]["cached"].as_u64().expect("a number")
    };
    let (agent, one) = ("command:sh evaluator.sh", ["--evaluator-version", "1"]);
    assert_eq!(cached(agent, &[]), 0);
    assert_eq!(cached(agent, &one), 0, "nobody said which version the first was");
    assert!(cached(agent, &one) > 0);
    assert_eq!(cached(agent, &["--evaluator-version", "2"]), 0);
    assert_eq!(cached("command:sh ./evaluator.sh", &one), 0);
    assert_eq!(cached(agent, &[]), 0);
    assert_eq!(cached(agent, &[&one[..], &["--evaluator-time", "9s"]].concat()), 0);
}

#[test]
fn an_evaluator_that_never_works_ends_the_run_with_its_reason() {
    let place = place();
    let run = optimize(&place, "command:sh -c 'echo no key >&2; exit 7'", &["--force"]);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.err.contains("exit code 7") && run.err.contains("no key"), "{}", run.err);
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_begins() {
    let place = place();
    let check = |options: &[&str], part: &str| {
        let told = place.optimize(options);
        assert!([2, 3].contains(&told.code), "{told:?}");
        assert!(told.err.contains(part), "no {part:?} in {}", told.err);
        assert!(place.run_ids().is_empty());
    };
    let agent = "command:true";
    check(&["--agent", agent, "--model", "openai/x"], "--writer");
    check(&["--agent", agent, "--max-output", "9"], "--max-output is for the built-in agent");
    check(&["--agent", agent, "--prompt-profile", "x"], "leave --prompt-profile away");
    check(&["--agent", agent, "--pass-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set");
    check(&["--agent", "command:no-such-program"], "is not there");
    check(&["--agent", "command:"], "names no program");
    check(&["--agent", "gpt"], "expected builtin, openclaw, command:PROGRAM");
    check(&["--agent", "http://me:secret@h/"], "user name or a password");
    check(&["--evaluator-time", "9s"], "--evaluator-time is for an evaluator");
    check(&["--suite", "errands", "--budget", "40", "--force"], "has `checks: external`");
    check(&["--resume", "x", "--evaluator-time", "9s"], "cannot be used with");
    let told = place.optimize(&["check", "errands"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("2 scenarios for an evaluator outside"), "{}", told.out);
}

#[test]
fn a_suite_for_an_evaluator_is_checked() {
    let place = place();
    let check = |scenario: &str, part: &str| {
        std::fs::write(place.path("errands/scenarios/refund.yaml"), scenario).expect("a file");
        let told = place.optimize(&["check", "errands"]);
        assert_eq!(told.code, 3, "{told:?}");
        assert!(told.out.contains(part), "no {part:?} in {}", told.out);
    };
    check("name: refund\nprompt: x\nchecks: none\n", "expected `external`");
    check("name: refund\nprompt: x\nchecks: external\nscoring: {checks: []}\n", "may not have a rubric");
    check("name: refund\ntools: [exec]\nprompt: x\n", "or write `checks: external`");
}
