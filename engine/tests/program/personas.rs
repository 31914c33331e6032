//! Runs under validator conditions: personas in the opening lines, the records and the report, and no pack that
//! brings a user of its own.

use super::WEAK;
use super::place::{Place, without_wall_clock};
use packwright::pack::{Pack, PackMetadata};

#[test]
fn a_run_under_validator_conditions_tells_its_personas() {
    let place = Place::new();
    std::fs::write(place.path("AGENTS.md"), WEAK).expect("a file");
    let arguments =
        ["--budget", "150", "--seed", "7", "--start", "AGENTS.md", "--profile", "subnet-2026-02-24"];
    let run = place.optimize(&arguments);
    assert!([0, 4].contains(&run.code), "{run:?}");
    assert!(
        run.err.contains("\npersonas: 5, from Jordan Rivera (Summit Innovations, epoch 1056) … "),
        "{}",
        run.err
    );
    assert!(run.out.contains("\nThe same episodes by persona"), "{}", run.out);
    assert!(run.out.contains("profile subnet-2026-02-24, 5 personas from epoch 1056, seed 7"), "{}", run.out);

    let report: serde_json::Value =
        serde_json::from_str(&place.optimize(&["report", "--json"]).out).expect("JSON");
    let rows = report["personas"].as_array().expect("rows");
    let names: Vec<_> = rows.iter().map(|row| row["persona"]["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["Jordan Rivera", "Logan Reeves", "Blake Torres", "Sage Mitchell", "Quinn Martinez"]);
    assert!(rows.iter().all(|row| row["pairs"].as_u64() >= Some(2)), "{rows:?}");

    check_that_the_records_tell_them(&place);
}

fn check_that_the_records_tell_them(place: &Place) {
    let id = place.run_id();
    let whole = without_wall_clock(&place.optimize(&["runs", "export", &id]).out);
    let profile = &whole[0]["event"]["run_started"]["profile"];
    let expected = serde_json::json!({"netuid": 11, "first_epoch": 1056, "count": 5});
    assert_eq!(profile["personas"], expected);
    // The same personas named by hand, under another profile: the same episodes but for what the profile changes.
    std::fs::remove_dir_all(place.path("packs")).expect("the pack repository");
    let by_hand =
        ["--budget", "150", "--seed", "7", "--start", "AGENTS.md", "--personas", "5", "--epoch", "1056"];
    let run = place.optimize(&by_hand);
    assert!([0, 4].contains(&run.code), "{run:?}");
    let other = place.run_ids().into_iter().find(|other| *other != id).expect("a second run");
    let other = without_wall_clock(&place.optimize(&["runs", "export", &other]).out);
    assert_eq!(other[0]["event"]["run_started"]["profile"]["personas"], expected);
    assert_eq!(other[1..10], whole[1..10], "calibration does not depend on the grid");
}

#[test]
fn personas_can_be_left_out_and_an_epoch_needs_them() {
    let place = Place::new();
    let arguments = ["--budget", "60", "--seed", "7", "--profile", "subnet-2026-02-24", "--personas", "0"];
    let run = place.optimize(&arguments);
    assert!([0, 4].contains(&run.code), "{run:?}");
    assert!(!run.err.contains("personas:") && !run.out.contains("persona"), "{run:?}");
    let refused = place.optimize(&["--epoch", "9"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("add --personas 5"), "{}", refused.err);
    assert_eq!(place.optimize(&["doctor", "--epoch", "9"]).code, 3, "doctor refuses what a run would");
    assert_eq!(place.optimize(&["--resume", "--personas", "3"]).code, 2, "a run keeps its personas");
}

#[test]
fn no_run_begins_with_a_pack_that_brings_its_own_user() {
    let place = Place::new();
    let pack = Pack::of_policy(WEAK, &PackMetadata::default()).with_file("USER.md", "You work for me.");
    std::fs::write(place.path("pack.json"), pack.pretty_json()).expect("a file");
    let checked = place.optimize(&["check", "pack.json"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.out.contains("warning: the pack brings its own USER.md"), "{}", checked.out);
    let refused = place.optimize(&["--start", "pack.json", "--budget", "60"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("brings a USER.md"), "{}", refused.err);
    assert!(refused.err.contains("Remove that file from the pack"), "{}", refused.err);
    assert_eq!(place.run_ids(), [] as [&str; 0], "nothing was begun");
    let doctor = place.optimize(&["doctor", "--start", "pack.json"]);
    assert_eq!(doctor.code, 3, "{doctor:?}");
    assert!(
        doctor.out.contains("pack.json, pack ") && doctor.out.contains("remove USER.md"),
        "{}",
        doctor.out
    );
}
