//! The page in a real browser: a run is begun, watched, paused, resumed, changed and stopped by hand, as it were; every
//! view fits a phone, is dark where the system is, and accessible.

use super::client::Served;
use super::{Ended, TOKEN};
use crate::program::gated::{Gated, wait};
use crate::program::place::Place;
use crate::report::browser_folder;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_page_begins_shows_and_steers_a_run() {
    let Some(modules) = browser_folder() else { return };
    let place = Place::new();
    let finished = place.optimize(&["--budget", "120", "--seed", "7"]);
    assert!([0, 4].contains(&finished.code), "{finished:?}");
    crate::report::make_hostile(&place.path("runs").join(place.run_id()).join("run.sqlite"));
    let model = Gated::start(4);
    let url = model.model.url();
    let mut command = place.command(&[
        "serve",
        "--port",
        "0",
        "--",
        "--base-url",
        &url,
        "--model",
        "openai/any",
        "--seed",
        "1",
    ]);
    let served = Served::of(place.start_command(command.env("PACKWRIGHT_SERVE_TOKEN", TOKEN)));

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/tests/serve/browser.mjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(&modules)
        .arg(&served.url)
        .arg(TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if let Some(shots) = std::env::var_os("REPORT_SHOTS") {
        command.arg(shots);
    }
    let mut node = command.spawn().expect("node starts");
    let mut to_node = node.stdin.take().expect("a pipe");
    let (mut wrong, mut is_well, mut ended) = (Vec::new(), false, None);
    for line in BufReader::new(node.stdout.take().expect("a pipe")).lines() {
        let line = line.expect("text");
        println!("{line}");
        // The script says how far the model is to go.
        if let Some(questions) = line.strip_prefix("open ") {
            ended = ended.or_else(|| process_of_newest(&place));
            let questions = questions.parse().expect("a number");
            model.open(questions);
            if questions < u32::MAX {
                model.wait_for_question(questions);
            }
            writeln!(to_node, "opened").expect("a reader");
        }
        is_well |= line == "all is well";
        if line.starts_with("WRONG") {
            wrong.push(line);
        }
    }
    assert!(node.wait().expect("an end").success() && is_well && wrong.is_empty(), "{wrong:#?}");
}

/// The run that was begun from the page, to be ended with the test.
fn process_of_newest(place: &Place) -> Option<Ended> {
    let status = wait("a run", || {
        let printed = place.optimize(&["status", "--json"]);
        serde_json::from_str::<serde_json::Value>(printed.out.lines().next()?).ok()
    });
    Some(Ended(status["process"].to_string()))
}
