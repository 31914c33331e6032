//! `optimize lab` from the command line.

use super::place::Place;

#[test]
fn tables_and_documents_hold_all_that_was_asked_for() {
    let place = Place::new();
    std::fs::write(place.path("mine.yaml"), "name: mine\nsigma: 0.2\n").expect("a file");
    let options = ["lab", "--world", "./mine.yaml", "--seeds", "2", "--budget", "60", "--json", "out.json"];
    let printed = place.optimize(&options);
    assert_eq!(printed.code, 0, "{printed:?}");
    let document = std::fs::read_to_string(place.path("out.json")).expect("a file");
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let strategies = document["families"][0]["strategies"].as_array().expect("strategies");
    assert_eq!(strategies.len(), 8);
    for strategy in strategies {
        let name = strategy["strategy"].as_str().expect("a name");
        assert!(printed.out.contains(&format!("| {name} ")), "{name}: {}", printed.out);
        assert_eq!(strategy["nights"].as_array().expect("nights").len(), 2);
    }
}

#[test]
fn worlds_of_other_designs_are_read() {
    let place = Place::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/worlds/others");
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let surveys: Vec<String> = files
        .map(|file| {
            let file = file.to_str().expect("a name in UTF-8");
            let printed = place.optimize(&["lab", "--world", file, "--seeds", "1", "--survey"]);
            assert_eq!(printed.code, 0, "{file}: {printed:?}");
            printed.out
        })
        .collect();
    assert_eq!(surveys.len(), 10, "{surveys:?}");
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    let place = Place::new();
    std::fs::write(place.path("bad.yaml"), "sgima: 1\nscenarios: 500\n").expect("a file");
    let check = |options: &[&str], code: i32, words: &[&str]| {
        let printed = place.optimize(&[&["lab"], options].concat());
        assert_eq!(printed.code, code, "{options:?}: {printed:?}");
        for word in words {
            assert!(printed.err.contains(word), "{options:?}: {}", printed.err);
        }
    };
    check(&["--worlds", "default,nul"], 3, &["\"nul\"", "null", "./FILE.yaml"]);
    check(&["--strategies", "grep"], 3, &["\"grep\"", "hill-climb-3"]);
    check(
        &["--world", "./bad.yaml"],
        3,
        &["./bad.yaml:1:1: sgima", "`sigma`", "./bad.yaml:2:12: scenarios", "1 to 100"],
    );
    check(&["--world", "./none.yaml"], 3, &["./none.yaml"]);
    check(&["--json", "none/out.json"], 3, &["none/out.json"]);
    check(&["--survey", "--json", "out.json"], 2, &["--json"]);
    check(&["--seed", "3"], 2, &["--serve"]);
    check(&["--quick"], 2, &["--calibrate"]);
    check(&["--seeds", "0"], 2, &["--seeds"]);
    check(&["--wordls", "default"], 2, &["--worlds"]);
}
