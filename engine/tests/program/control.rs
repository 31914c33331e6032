//! A run in the background, and what it may be told: status, pause, resume, tune and stop; signals; services.

use super::gated::{Gated, wait};
use super::place::{Place, Printed};
use serde_json::Value;
use std::process::Command;

fn json(printed: &Printed) -> Value {
    assert_eq!(printed.code, 0, "{printed:?}");
    serde_json::from_str(&printed.out).expect("a line of JSON")
}

fn state_of(place: &Place, id: &str) -> String {
    json(&place.optimize(&["status", id, "--json"]))["state"].as_str().expect("a state").to_owned()
}

/// A run in the background; its process is ended with the test.
struct Background<'a> {
    place: &'a Place,
    id: String,
    process: String,
}

impl Background<'_> {
    fn start<'a>(place: &'a Place, url: &str) -> Background<'a> {
        let arguments = ["--base-url", url, "--model", "openai/any", "--budget", "60", "--seed", "1"];
        let begun = place.optimize(&[&arguments[..], &["--parallel", "2", "--detach", "--json"]].concat());
        let begun = json(&begun);
        let text = |name: &str| begun[name].as_str().expect(name).to_owned();
        assert!(std::path::Path::new(&place.path(&text("log"))).is_file());
        Background { place, id: text("run"), process: begun["process"].to_string() }
    }

    fn wait_for_state(&self, wanted: &str) {
        wait(wanted, || (state_of(self.place, &self.id) == wanted).then_some(()));
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process]).status().expect("kill starts");
        assert!(sent.success());
    }
}

impl Drop for Background<'_> {
    fn drop(&mut self) {
        let _ =
            Command::new("kill").args(["-KILL", &self.process]).stderr(std::process::Stdio::null()).status();
    }
}

#[test]
fn a_run_in_the_background_is_paused_changed_resumed_and_stopped() {
    let (place, model) = (Place::new(), Gated::start(3));
    let run = Background::start(&place, &model.model.url());
    let id = run.id.clone();
    model.wait_for_question(3);
    let status = place.optimize(&["status"]);
    assert!(status.out.contains("running: measuring the pack to beat, "), "{status:?}");
    assert!(status.out.contains(&format!("Run        {id} (process {})", run.process)), "{status:?}");

    // A second process is refused, by either way.
    for arguments in [&["--resume", id.as_str()][..], &["resume"], &["resume", &id, "--detach"]] {
        let refused = place.optimize(arguments);
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.err.contains(&format!("in use by process {}", run.process)), "{refused:?}");
    }
    let refused = place.optimize(&["tune", "--max-usd", "5"]);
    assert!(refused.err.contains("no greatest length"), "{refused:?}");

    let paused = place.optimize(&["pause"]);
    assert!(paused.out.contains("pauses as soon as what is under way (2) is finished"), "{paused:?}");
    model.open(6);
    run.wait_for_state("paused");
    let tuned = json(&place.optimize(&["tune", &id, "--budget", "50", "--max-calls", "500", "--json"]));
    assert_eq!((&tuned["budget"], &tuned["caps"]["run"]["calls"]), (&50.into(), &500.into()));

    let resumed = place.optimize(&["resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(resumed.out.contains(&format!("goes on (process {})", run.process)), "{resumed:?}");
    model.wait_for_question(6);
    let stopped = place.optimize(&["stop"]);
    assert!(stopped.out.contains("comes to its end when what is under way (2) is finished"), "{stopped:?}");
    assert_eq!(place.optimize(&["pause"]).code, 3, "what comes to its end is not paused");
    model.open(u32::MAX);
    run.wait_for_state("finished");

    let report = json(&place.optimize(&["report", "--json"]));
    assert_eq!(report["finished"]["stop"], "asked");
    assert_eq!((&report["changes"][0]["budget"], &report["episodes"]["budget"]), (&50.into(), &50.into()));
    assert!(report["episodes"]["cut"].as_u64().is_some_and(|cut| cut > 0), "{}", report["episodes"]);
    let told = place.optimize(&["report"]);
    assert!(told.out.contains(": --budget 50, --max-calls 500\n"), "{}", told.out);
    assert!(told.out.contains("not made, since the run was asked to stop"), "{}", told.out);
    let log = std::fs::read_to_string(place.path(&format!("runs/{id}/run.log"))).expect("a log");
    for words in ["Z pausing: ", "Z going on", "Z changed after ", "Z concluding: "] {
        assert!(log.contains(words), "{words}: {log}");
    }
    for command in ["pause", "stop", "tune"] {
        let arguments = if command == "tune" { vec!["tune", "--budget", "9"] } else { vec![command] };
        let refused = place.optimize(&arguments);
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.err.contains("no run is under way in runs"), "{refused:?}");
    }
}

#[test]
fn a_pause_outlives_its_process_only_for_a_service() {
    let (place, model) = (Place::new(), Gated::start(3));
    let mut run = Background::start(&place, &model.model.url());
    model.wait_for_question(3);
    assert_eq!(place.optimize(&["pause", &run.id]).code, 0);
    model.open(u32::MAX);
    run.wait_for_state("paused");
    run.signal("-KILL");
    run.wait_for_state("cut_off");
    let status = place.optimize(&["status"]);
    assert!(status.out.contains("cut off: it was paused when its process ended"), "{status:?}");
    assert!(status.out.contains(&format!("Next       optimize resume {}", run.id)), "{status:?}");

    let begun = json(&place.optimize(&["resume", "--keep-paused", "--detach", "--json"]));
    run.process = begun["process"].to_string();
    run.wait_for_state("paused");
    run.signal("-TERM");
    run.wait_for_state("cut_off");
    assert_eq!(json(&place.optimize(&["tune", &run.id, "--budget", "40", "--json"]))["budget"], 40);
    assert_eq!(place.optimize(&["resume"]).code, 4, "who resumes a run wants it to go on");
    assert_eq!(json(&place.optimize(&["report", "--json"]))["episodes"]["budget"], 40);
}

#[test]
fn an_interrupt_concludes_and_a_second_one_stops_at_once() {
    for is_twice in [false, true] {
        let (place, model) = (Place::new(), Gated::start(3));
        let mut running =
            place.start(&["--base-url", &model.model.url(), "--model", "openai/any", "--budget", "60"]);
        model.wait_for_question(3);
        let pid = running.child.id().to_string();
        let interrupt =
            || assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
        interrupt();
        running.line_with("Ctrl-C once more stops at once");
        if is_twice {
            interrupt();
            assert_eq!(running.end(), 130);
            model.open(u32::MAX);
            assert_eq!(state_of(&place, &place.run_id()), "cut_off");
            assert_eq!(place.optimize(&["resume"]).code, 4);
        } else {
            model.open(u32::MAX);
            assert_eq!(running.end(), 4);
        }
        let report = json(&place.optimize(&["report", "--json"]));
        let stop = if is_twice { "exhausted" } else { "asked" };
        assert_eq!(report["finished"]["stop"], stop);
    }
}

#[test]
fn what_cannot_begin_is_said_before_anything_goes_to_the_background() {
    let place = Place::new();
    let refused = place.optimize(&["--model", "anthropic/x", "--detach"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("ANTHROPIC_API_KEY") && refused.out.is_empty(), "{refused:?}");
    assert!(place.run_ids().is_empty());
    for command in ["status", "pause", "resume", "stop"] {
        let refused = place.optimize(&[command]);
        assert_eq!(refused.code, 3, "{refused:?}");
        let named = place.optimize(&[command, "no-such-run"]);
        assert_eq!(named.code, 3, "{named:?}");
        assert!(named.err.contains("there is no run \"no-such-run\""), "{named:?}");
    }
}

#[test]
fn a_service_is_one_that_systemd_takes() {
    let place = Place::new();
    let whole = place.optimize(&["service", "print", "--log-level", "warn"]);
    assert_eq!(whole.code, 0, "{whole:?}");
    for words in
        ["EnvironmentFile=-", "--keep-paused --stay --log-level warn", "enable-linger", "@reboot cd "]
    {
        assert!(whole.out.contains(words), "{words}: {}", whole.out);
    }
    assert_eq!(place.optimize(&["service", "print", "no-such-run"]).code, 3);
    let unit = place.optimize(&["service", "print", "--only", "systemd"]);
    std::fs::write(place.path("packwright.service"), &unit.out).expect("a file");
    let mut verify = place.clean("systemd-analyze");
    match verify.args(["verify", "--man=no"]).arg(place.path("packwright.service")).output() {
        Ok(verified) => {
            let said = String::from_utf8_lossy(&verified.stderr).into_owned();
            assert!(!said.contains("packwright"), "{said}");
        }
        Err(error) => eprintln!("SKIPPED: systemd-analyze cannot be started: {error}"),
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_run_that_only_waits_for_others() {
    let place = Place::new();
    // Whoever listens here never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let webhook = format!("webhook:http://{}/x", silent.local_addr().expect("an address"));
    let arguments = ["--budget", "40", "--seed", "3", "--packs", "p", "--notify", &webhook];
    let mut run = place.start(&arguments);
    let report = std::iter::repeat_with(|| {
        let mut line = String::new();
        assert!(std::io::BufRead::read_line(&mut run.out, &mut line).expect("text") > 0, "it ended before");
        line
    });
    assert!(report.take(1_000).any(|line| line.starts_with("Report ")));
    let sent =
        Command::new("kill").args(["-INT", &run.child.id().to_string()]).status().expect("kill starts");
    assert!(sent.success());
    assert_eq!(run.end(), 130);
    // What was measured is kept, and so is the verdict.
    assert!(json(&place.optimize(&["report", "--json"]))["finished"].is_object());
}
