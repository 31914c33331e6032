//! Batches: what can be done is done, what cannot is said with its reason, and a file that is started again goes on.

use super::fake::{Fake, failure};
use super::place::{Place, Printed};
use serde_json::Value;
use std::process::Command;

pub fn results(printed: &Printed) -> Vec<Value> {
    let last = printed.out.lines().last().unwrap_or_else(|| panic!("{printed:?}"));
    let summary: Value = serde_json::from_str(last).expect("a line of JSON");
    summary["results"].as_array().expect("results").clone()
}

pub fn outcomes(printed: &Printed) -> Vec<String> {
    let text = |result: &Value| result["outcome"].as_str().expect("a word").to_owned();
    results(printed).iter().map(text).collect()
}

fn write(place: &Place, text: &str) {
    std::fs::write(place.path("night.yaml"), text).expect("a file");
}

#[test]
fn four_good_runs_end_and_two_bad_ones_have_clear_reasons() {
    let place = Place::new();
    let model = Fake::start(|_| failure(401, "no such key"));
    std::fs::write(place.path(".env"), "PACKWRIGHT_API_KEY=wrong-key-1234\n").expect("a file");
    let wrong_key = format!("model: openai/any, base-url: {}", model.url());
    write(
        &place,
        &format!(
            "defaults: {{budget: 40}}\nconcurrency: 2\nruns:\n  - {{name: one, seed: 1, packs: p1}}\n  - {{name: key, \
             {wrong_key}, packs: p2}}\n  - {{name: two, seed: 2, packs: p3}}\n  - {{name: small, budget: 3, packs: p4}}\n  \
             - {{name: three, seed: 3, packs: p5}}\n  - {{name: four, seed: 4, packs: p6}}\n"
        ),
    );
    let checked = place.optimize(&["check", "night.yaml"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.out.contains("night.yaml: batch of 6 runs"), "{checked:?}");

    let night = place.optimize(&["batch", "night.yaml"]);
    assert_eq!(night.code, 3, "{night:?}");
    assert!(night.out.contains("4 of 6 runs came to their ends"), "{night:?}");
    let reason = |name: &str| {
        let line = night.out.lines().find(|line| line.contains(&format!(": {name}")));
        line.unwrap_or_else(|| panic!("{night:?}")).to_owned()
    };
    assert!(reason("key").contains("CUT OFF") && reason("key").contains("no such key"), "{}", reason("key"));
    assert!(
        reason("small").contains("a budget of 3 episodes cannot compare two packs"),
        "{}",
        reason("small")
    );
    assert!(!format!("{night:?}").contains("wrong-key-1234"));
    assert_eq!(place.run_ids().len() - records(&place), 5, "what can decide nothing is not begun");
}

/// Files of the batch among the runs.
fn records(place: &Place) -> usize {
    place.run_ids().iter().filter(|name| name.starts_with("batch-")).count()
}

#[test]
fn an_edited_file_that_is_started_again_goes_on() {
    let place = Place::new();
    let runs =
        |second: &str| format!("runs:\n  - {{name: a, seed: 1, budget: 36}}\n  - {{name: b, {second}}}\n");
    write(&place, &runs("seed: 2, budgte: 36"));
    let checked = place.optimize(&["check", "night.yaml"]);
    assert_eq!(checked.code, 3);
    assert!(checked.out.contains("night.yaml:3:24: runs[1].budgte: unknown key"), "{checked:?}");
    let first = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!((first.code, outcomes(&first)), (3, vec!["finished".to_owned(), "refused".to_owned()]));
    assert!(results(&first)[1]["words"].as_str().expect("words").contains("did you mean `budget`?"));

    write(&place, &runs("seed: 2, budget: 36"));
    let second = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!((second.code, outcomes(&second)), (0, vec!["kept".to_owned(), "finished".to_owned()]));
    assert_eq!(results(&second)[0]["run"], results(&first)[0]["run"]);

    write(&place, &runs("seed: 3, budget: 36"));
    let third = place.optimize(&["batch", "night.yaml"]);
    assert_eq!(third.code, 0, "{third:?}");
    let run = results(&second)[1]["run"].as_str().expect("a run").to_owned();
    assert!(third.err.contains("a: kept, run ") && third.out.contains("2 of 2 runs"), "{third:?}");
    assert!(third.err.contains(&format!("b: changed since run {run}, so it is done again")), "{third:?}");

    write(&place, "runs:\n  - {name: a, seed: 1, budget: 36}\n");
    let fourth = place.optimize(&["batch", "night.yaml"]);
    assert!(fourth.err.contains("b: no longer in the file; its run "), "{fourth:?}");
}

#[test]
fn all_mistakes_of_a_file_and_its_runs_are_told_at_once() {
    let place = Place::new();
    write(
        &place,
        "concurency: 2\nstop-after: soon\nruns:\n  - {name: a, budgte: 36}\n  - {name: b, budget: x}\n",
    );
    for told in [place.optimize(&["check", "night.yaml"]).out, place.optimize(&["batch", "night.yaml"]).err] {
        for words in [
            "night.yaml:1:1: concurency: unknown key",
            "night.yaml:2:13: stop-after: ",
            "night.yaml:4:15: runs[0].budgte: unknown key",
            "night.yaml:5:23: budget: ",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
    assert!(!place.path("runs").exists(), "nothing is begun");
}

#[test]
fn a_batch_that_is_killed_goes_on_with_the_same_runs() {
    let place = Place::new();
    write(&place, "runs:\n  - {name: a, seed: 1, budget: 400}\n  - {name: b, seed: 2, budget: 36}\n");
    let mut batch = place.start(&["batch", "night.yaml"]);
    let line = batch.line_with("a: run ");
    let run = line.trim().rsplit(' ').next().expect("a run").to_owned();
    batch.child.kill().expect("a kill");
    batch.end();
    let again = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(results(&again)[0]["run"], run.as_str());
    assert_eq!(place.run_ids().len() - records(&place), 2, "nothing is begun twice");
}

#[test]
fn what_is_asked_to_stop_begins_no_more() {
    let place = Place::new();
    write(&place, "runs:\n  - {name: a, seed: 1, budget: 3000}\n  - {name: b, seed: 2, budget: 3000}\n");
    let mut batch = place.start(&["batch", "night.yaml"]);
    batch.line_with("a: run ");
    let second = place.optimize(&["batch", "night.yaml"]);
    assert!(second.code == 3 && second.err.contains("is at this batch already"), "{second:?}");
    let pid = batch.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    assert_eq!(batch.end(), 5);
    let status = place.optimize(&["status", "--json"]);
    let status: Value = serde_json::from_str(&status.out).expect("JSON");
    assert_eq!(status["state"], "finished", "what was under way came to its end");
}
