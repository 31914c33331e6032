//! Grading a run again: unchanged rubrics change nothing, changed ones flip what they should, the run's folder stays
//! as it is, and what cannot be graded is said.

use super::place::{Place, Printed, without_wall_clock};
use serde_json::Value;
use std::path::Path;

const WEAK: &str = "# Agent\n\nHelp the user.\n";
/// A check that most scenarios of the built-in suite have.
const CHECK: &str = "asks_approval";

/// A place with a copy of the built-in suite in `suite`, and a finished run on it.
pub fn finished(budget: &str) -> Place {
    let place = Place::new();
    for part in ["scenarios", "rubrics"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
        copy(&from, &place.path("suite").join(part));
    }
    std::fs::write(place.path("AGENTS.md"), WEAK).expect("a file");
    let options = ["--suite", "suite", "--budget", budget, "--seed", "7", "--start", "AGENTS.md"];
    let run = place.optimize(&options);
    assert!([0, 4].contains(&run.code), "{run:?}");
    place
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("a copy");
        }
    }
}

fn json(printed: &Printed) -> Value {
    assert_eq!(printed.code, 0, "{printed:?}");
    serde_json::from_str(&printed.out).expect("JSON")
}

fn edit(place: &Place, file: &str, from: &str, to: &str) {
    let path = place.path("suite").join(file);
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.contains(from), "{from:?} is not in {file}");
    std::fs::write(&path, text.replacen(from, to, 1)).expect("a file");
}

/// Makes the pattern of the check one that nothing has.
fn break_check(place: &Place, scenario: &str) {
    let path = place.path("suite").join(format!("rubrics/{scenario}.yaml"));
    let text = std::fs::read_to_string(&path).expect("a rubric");
    let (before, after) = text.split_once(&format!("- id: {CHECK}\n")).expect("the check");
    let (head, pattern) = after.split_once("pattern: ").expect("a pattern");
    let (_, rest) = pattern.split_once('\n').expect("a line");
    let broken = format!("{before}- id: {CHECK}\n{head}pattern: 'never said by anybody'\n{rest}");
    std::fs::write(&path, broken).expect("a rubric");
}

/// All files of the run's folder that hold what it is, byte by byte.
fn content(place: &Place) -> Vec<(String, Vec<u8>)> {
    let folder = place.path("runs").join(place.run_id());
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file() && !path.to_string_lossy().ends_with("-shm"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("a file")))
        // SQLite leaves an empty log where it reads.
        .filter(|(_, content)| !content.is_empty())
        .collect();
    files.sort();
    files
}

#[test]
fn changed_rubrics_flip_what_they_should() {
    let place = finished("200");
    let (kept, report) = (content(&place), json(&place.optimize(&["report", "--json"])));
    let same = place.optimize(&["rescore", "--expect-same"]);
    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.out.contains("Suite      as the run met it"), "{}", same.out);
    let same = json(&place.optimize(&["rescore", "--json"]));
    assert_eq!(same["before"], same["after"]);
    assert_eq!(same["before"]["verdict"], report["finished"]["verdict"], "the same lines conclude");
    assert_eq!((&same["recorded_otherwise"], &same["flips"]), (&Value::Bool(false), &Value::Array(vec![])));
    assert_eq!(same["episodes"]["graded"], report["episodes"]["scored"]);

    let (passed, of) = passes(&place, "day_brief");
    assert!(passed > 0, "some episode passes the check");
    break_check(&place, "day_brief");
    let flipped = json(&place.optimize(&["rescore", "--json"]));
    assert_eq!(flipped["episodes"]["flips"], passed);
    let flips = flipped["flips"].as_array().expect("a list");
    assert_eq!(flips.iter().map(|flip| flip["episodes"].as_u64().expect("a count")).sum::<u64>(), passed);
    for flip in flips {
        let told = [&flip["scenario"], &flip["check"], &flip["from"], &flip["to"]];
        assert_eq!(told, ["day_brief", CHECK, "passed", "failed"]);
    }
    let row = flipped["checks"].as_array().expect("a list");
    let row = row.iter().find(|row| row["scenario"] == "day_brief" && row["check"] == CHECK).expect("a row");
    assert_eq!((row["before"][0].as_u64(), row["after"][0].as_u64()), (Some(passed), Some(0)));
    assert_eq!(row["after"][1].as_u64(), Some(of));
    assert_eq!(flipped["suite"]["rubrics"][0]["changed"][0], CHECK);
    assert_ne!(flipped["before"]["verdict"], flipped["after"]["verdict"]);
    let told = place.optimize(&["rescore", "--expect-same"]);
    assert_eq!(told.code, 6, "{told:?}");
    for words in ["Offline model", "day_brief: changed asks_approval", "finalist", "passed  failed"] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    assert_eq!(content(&place), kept, "the run's folder stays as it is");
    check_a_lost_win(&place);
    check_weights_and_new_checks(&place);
    check_what_is_not_kept(&place);
}

/// How many episodes passed the check, by the events of the run.
fn passes(place: &Place, scenario: &str) -> (u64, u64) {
    let events = without_wall_clock(&place.optimize(&["runs", "export"]).out);
    let cards = events.iter().filter_map(|event| {
        let scored = event["event"].get("episode_scored")?;
        let checks = scored["scorecard"]["checks"].as_array()?;
        let check = checks.iter().find(|check| check["id"] == CHECK)?;
        (scored["key"]["scenario"] == scenario).then(|| check["passed"] == true)
    });
    cards.fold((0, 0), |(passed, all), is_passed| (passed + u64::from(is_passed), all + 1))
}

/// Where nothing earns anything any more, nothing is better.
fn check_a_lost_win(place: &Place) {
    let rubrics = place.path("suite/rubrics");
    let whole = place.path("whole");
    copy(&rubrics, &whole);
    for entry in std::fs::read_dir(&rubrics).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let nothing = "checks:\n  - {id: nothing, type: response_contains, pattern: 'never said by anybody', \
                           points: 5, category: correctness, description: 'Nobody does this'}\n";
            std::fs::write(&path, nothing).expect("a rubric");
        }
    }
    for entry in std::fs::read_dir(place.path("suite/scenarios")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let inline = path.is_file() && std::fs::read_to_string(&path).expect("a file").contains("scoring:");
        assert!(!inline, "the checks of the built-in suite are in its rubrics");
    }
    let lost = json(&place.optimize(&["rescore", "--json"]));
    assert!(lost["before"]["verdict"]["better"].is_object(), "{}", lost["before"]["verdict"]);
    assert!(lost["after"]["verdict"]["not_shown_better"].is_object(), "{}", lost["after"]["verdict"]);
    assert_eq!(lost["flips"], Value::Array(vec![]), "new checks do not flip");
    let row = &lost["checks"].as_array().expect("a list").iter().find(|row| row["check"] == "nothing");
    assert!(row.expect("a row")["before"].is_null());
    let told = place.optimize(&["rescore"]).out;
    assert!(told.contains("Winner     another: ") && told.contains("(the incumbent) now"), "{told}");
    assert!(told.contains("no such check"), "{told}");
    std::fs::remove_dir_all(&rubrics).expect("a folder");
    std::fs::rename(whole, rubrics).expect("the rubrics");
}

fn check_weights_and_new_checks(place: &Place) {
    edit(place, "scenarios/day_brief.yaml", "weight: 1.0", "weight: 2.5");
    let told = place.optimize(&["rescore"]);
    assert!(told.out.contains("day_brief: weight 1 -> 2.5"), "{told:?}");
    edit(place, "scenarios/day_brief.yaml", "prompt: >\n", "prompt: >\n  Good morning.\n");
    let told = place.optimize(&["rescore"]);
    assert_eq!(told.code, 3, "{told:?}");
    for words in
        ["of another suite", "scenario `day_brief`: its request, tools or fixtures", "--allow-changed"]
    {
        assert!(told.err.contains(words), "{words}: {}", told.err);
    }
    let told = place.optimize(&["rescore", "--allow-changed"]);
    assert!(told.code == 0 && told.out.contains("day_brief: ANOTHER SCENARIO now"), "{told:?}");
    std::fs::remove_file(place.path("suite/scenarios/fair_travel.yaml")).expect("a scenario");
    std::fs::remove_file(place.path("suite/rubrics/fair_travel.yaml")).expect("a rubric");
    std::fs::remove_dir_all(place.path("suite/scenarios/fixtures/fair_travel")).expect("fixtures");
    let told = place.optimize(&["rescore"]);
    let both =
        told.err.contains("`fair_travel`: the suite has it no more") && told.err.contains("`day_brief`: its");
    assert!(told.code == 3 && both, "all reasons at once: {told:?}");
    let told = place.optimize(&["rescore", "--allow-changed"]);
    assert!(told.out.contains("fair_travel: not in the suite; not measured"), "{told:?}");
    assert!(told.out.contains("are not measured now:"), "{told:?}");
}

/// What a run of an older version kept less of.
fn check_what_is_not_kept(place: &Place) {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::remove_dir_all(place.path("suite")).expect("a folder");
    ["scenarios", "rubrics"]
        .iter()
        .for_each(|part| copy(&built_in.join(part), &place.path("suite").join(part)));
    let path = place.path("runs").join(place.run_id()).join("run.sqlite");
    let execute = |sql: &str| {
        let database = rusqlite::Connection::open(&path).expect("the run");
        database.execute_batch(sql).expect("a change");
    };
    execute("DELETE FROM meta WHERE key = 'encounters'");
    break_check(place, "day_brief");
    let told = place.optimize(&["rescore"]);
    assert!(told.code == 0 && told.out.contains("day_brief: changed asks_approval"), "{told:?}");
    edit(place, "scenarios/day_brief.yaml", "prompt: >\n", "prompt: >\n  Good morning.\n");
    let told = place.optimize(&["rescore"]);
    assert!(told.code == 3 && told.err.contains("kept too little to say what"), "{told:?}");
    edit(place, "scenarios/day_brief.yaml", "prompt: >\n  Good morning.\n", "prompt: >\n");
    execute("DELETE FROM transcripts WHERE ordinal = (SELECT min(ordinal) FROM transcripts)");
    let told = place.optimize(&["rescore"]);
    assert!(told.out.contains("1 episodes with a score are not measured now:"), "{told:?}");
    assert!(told.out.contains("the run keeps no transcript of it"), "{told:?}");
    execute("DELETE FROM meta WHERE key = 'rubrics'");
    let told = place.optimize(&["rescore", "--allow-changed"]);
    assert!(told.out.contains("this run kept no rubrics"), "{told:?}");
}

#[test]
fn a_run_that_was_cut_off_and_a_missing_one_are_told() {
    let place = finished("40");
    let path = place.path("runs").join(place.run_id()).join("run.sqlite");
    let database = rusqlite::Connection::open(&path).expect("the run");
    let cut = "DROP TRIGGER events_are_never_deleted;
        DELETE FROM transcripts WHERE ordinal > 6; DELETE FROM events WHERE ordinal > 6;";
    database.execute_batch(cut).expect("a shorter run");
    drop(database);
    let told = place.optimize(&["rescore"]);
    assert!(told.code == 0 && told.out.contains("Verdict    the same: no verdict"), "{told:?}");
    let told = place.optimize(&["rescore", "nowhere"]);
    assert!(told.code == 3 && told.err.contains("there is no run \"nowhere\""), "{told:?}");
    let told = place.optimize(&["rescore", "--suite", "nowhere"]);
    assert_eq!(told.code, 3, "{told:?}");
}
