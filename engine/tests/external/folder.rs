//! Programs whose tests are the checks.

use super::{RUBRIC, attempt, block_on, scores, settings, unmeasured};
use packwright::agent::external::Settings;
use packwright::episode::{Episode, FailureClass, Outcome};
use std::time::Duration;

const JUNIT: &str = r#"<testsuites><testsuite name="errands">
<testcase classname="errand" name="asked"/><testcase classname="errand" name="said"><failure message="silent"/></testcase>
<testcase classname="errand" name="later"><skipped/></testcase></testsuite></testsuites>"#;

/// The episode of a script that leaves something in its folder.
fn of_tests(script: &str, scoring: &str) -> Episode {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("run.sh"), script).unwrap();
    let patient =
        Settings { grace: Duration::from_secs(30), ..settings("tests:sh run.sh one", place.path()) };
    block_on(attempt(patient, scoring))
}

fn leaving(file: &str, text: &str, code: u8) -> String {
    format!("cat > {file} <<'END'\n{text}\nEND\nexit {code}\n")
}

#[test]
fn tests_are_checks() {
    let episode = of_tests(&leaving("junit.xml", JUNIT, 1), "{}");
    assert_eq!((episode.outcome.clone(), scores("{}", &episode)), (Outcome::Finished, (0.5, 0.5)));
    let ctrf = r#"{"results": {"tests": [{"name": "asked", "status": "passed"}, {"name": "said", "status": "failed"}]}}"#;
    let script = format!("mkdir ctrf\n{}", leaving("ctrf/ctrf-report.json", ctrf, 1));
    assert_eq!(scores("{}", &of_tests(&script, "{}")), (0.5, 0.5));
    // What the scenario declares says what they are worth.
    assert_eq!(scores(RUBRIC, &of_tests(&script, RUBRIC)), (0.75, 0.75));
    unmeasured(
        &of_tests(&leaving("junit.xml", JUNIT, 1), RUBRIC),
        FailureClass::Request,
        &["\"errand::asked\": the scenario declares checks, and none with this id"],
    );
}

#[test]
fn the_folder_holds_the_pack_and_the_request() {
    let script = "grep -q 'Be \"brief\"' AGENTS.md && grep -q '\"name\":\"errand\"' request.json || exit 7\n\
        test -f \"$PACKWRIGHT_FOLDER/run.sh\" && test \"$1\" = one && test ! -f run.sh || exit 8\n\
        echo '<testsuite><testcase name=\"x\"/></testsuite>' > report.xml\n";
    assert_eq!(scores("{}", &of_tests(script, "{}")), (1.0, 1.0));
}

#[test]
fn a_report_and_an_exit_code_must_agree() {
    let check = |script: &str, class: FailureClass, parts: &[&str]| {
        unmeasured(&of_tests(script, "{}"), class, parts);
    };
    let passed = r#"<testsuite><testcase name="x"/></testsuite>"#;
    let request = FailureClass::Request;
    check("echo no runner >&2; exit 2", request, &["left no report (exit code 2)", "it said: no runner"]);
    check("exit 0", request, &["left no report (exit code 0)"]);
    check(&leaving("junit.xml", passed, 3), request, &["exit code 3, and no test of junit.xml failed"]);
    check(
        &leaving("junit.xml", "<testsuite><testcase", 1),
        request,
        &["junit.xml cannot be used", "not XML"],
    );
    check(&leaving("junit.xml", "", 1), request, &["junit.xml cannot be used"]);
    check(
        &format!("touch ctrf.json\n{}", leaving("junit.xml", passed, 0)),
        FailureClass::Setup,
        &["several reports"],
    );
    check("kill -9 $$", FailureClass::Transient, &["ended by signal 9"]);
}
