//! Packs compared by recorded episodes, and the history of a folder of runs.

use super::place::{Place, Printed};
use super::rescore::finished;
use serde_json::Value;

fn json(printed: &Printed) -> Value {
    serde_json::from_str(&printed.out).unwrap_or_else(|_| panic!("{printed:?}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// A place with two nights, the second of which begins with the first one's winner.
fn nights() -> (Place, String, String) {
    let place = finished("200");
    let second = place.optimize(&["--suite", "suite", "--budget", "120", "--seed", "9"]);
    assert!([0, 4].contains(&second.code), "{second:?}");
    let ids = place.run_ids();
    assert_eq!(ids.len(), 2);
    (place, ids[0].clone(), ids[1].clone())
}

#[test]
fn packs_are_compared_by_what_runs_recorded() {
    let (place, first, second) = nights();
    let report = json(&place.optimize(&["report", &first, "--json"]));
    let verdict = &report["finished"]["verdict"]["better"];
    let own = place.optimize(&["compare", &first, "--json"]);
    assert_eq!(own.code, 0, "{own:?}");
    let own = json(&own);
    // The run's own comparison stands on the same pairs.
    for (name, expected) in [
        ("first", &verdict["incumbent"]),
        ("second", &verdict["finalist"]),
        ("difference", &verdict["difference"]),
    ] {
        let value = number(&own["objective"][name]);
        assert!((value - number(expected)).abs() < 1e-12, "{name}: {value} {expected}");
    }
    assert!((number(&own["objective"]["p_better"]) - number(&verdict["p_value"])).abs() < 0.02);
    assert_eq!((&own["episodes"], &own["pairs_across_runs"]), (&Value::from("fresh"), &Value::from(0)));
    assert_eq!(own["mismatches"], Value::Array(vec![]));
    check_the_rows(&own);
    check_the_gate(&place, &first);
    check_names(&place, &first, &second, &report);
    check_other_conditions(&place, &first, &second);
    check_history(&place, &first, &second);
}

/// Means, flips and differences agree with each other.
fn check_the_rows(compared: &Value) {
    for row in compared["checks"].as_array().expect("a list") {
        let count = |name: &str| number(&row[name]);
        assert_eq!(count("second") - count("first"), count("gained") - count("lost"), "{row}");
        let change = (count("gained") - count("lost")) / count("pairs");
        assert!((number(&row["difference"]["value"]) - change).abs() < 1e-12, "{row}");
        assert!(number(&row["difference"]["interval"]["low"]) <= change, "{row}");
    }
    let mut gained = 0.0;
    for row in compared["scenarios"].as_array().expect("a list") {
        let score = &row["score"];
        let difference = number(&score["second"]) - number(&score["first"]);
        assert!((number(&score["difference"]["value"]) - difference).abs() < 1e-12, "{row}");
        gained += number(&row["gained"]);
    }
    let of_checks: f64 =
        compared["checks"].as_array().expect("a list").iter().map(|row| number(&row["gained"])).sum();
    assert_eq!(gained, of_checks);
}

fn check_the_gate(place: &Place, run: &str) {
    let (incumbent, finalist) = (format!("{run}:incumbent"), format!("{run}:finalist"));
    let worse = place.optimize(&["compare", &finalist, &incumbent]);
    assert!(worse.code == 6 && worse.out.contains("B IS WORSE, at a probability of 0.95"), "{worse:?}");
    let better = place.optimize(&["compare", &incumbent, &finalist]);
    assert!(better.code == 0 && better.out.contains("B is better"), "{better:?}");
    let all = json(&place.optimize(&["compare", run, "--all-episodes", "--json"]));
    assert_eq!(all["episodes"], "all");
    for (value, words) in [("0.2", "between 0.5 and 1"), ("x", "a probability such as 0.95")] {
        let wrong = place.optimize(&["compare", run, "--worse-at", value]);
        assert!(wrong.code == 2 && wrong.err.contains(words), "{wrong:?}");
    }
}

/// The ways to name a pack, and what is said where a name names none.
fn check_names(place: &Place, first: &str, second: &str, report: &Value) {
    let winner = report["finalist"]["id"].as_str().expect("a hash");
    let across = json(&place.optimize(&["compare", first, second, "--json"]));
    assert_eq!(across["first"]["pack"], winner);
    assert_eq!(across["pairs_of_one_run"], 0, "each run's own episodes alone");
    let rival = json(&place.optimize(&["report", second, "--json"]))["finalist"]["id"].clone();
    let rival = rival.as_str().expect("a hash");
    let pooled = json(&place.optimize(&["compare", &winner[..10], rival, "--json"]));
    assert_eq!((&pooled["first"]["pack"], &pooled["second"]["pack"]), (&winner.into(), &rival.into()));
    assert!(pooled["pairs_of_one_run"].as_u64() > Some(0), "the second night met both: {}", pooled["first"]);
    let policy =
        json(&place.optimize(&["compare", "AGENTS.md", &format!("{first}:{}", &winner[..6]), "--json"]));
    assert_eq!(policy["first"]["pack"], report["started"]["incumbent"]["id"]);
    let folder = json(&place.optimize(&["compare", "AGENTS.md", "packs/best", "--json"]));
    assert!([winner, rival].contains(&folder["second"]["pack"].as_str().expect("a hash")));
    std::fs::write(place.path("new.md"), "# Never measured\n").expect("a file");
    let none = format!("{first}:ffffffff");
    for (arguments, words) in [
        (&["nowhere", "packs/best"][..], "no pack's file or folder, and no hash"),
        (&["packs/best", "packs/best"], "the same pack in the same runs"),
        (&["new.md", "packs/best"], "no run in runs has measured new.md"),
        (&[&none, "packs/best"], "has no pack whose hash begins with \"ffffffff\""),
        (&["nowhere"], "there is no run \"nowhere\""),
    ] {
        let told = place.optimize(&[&["compare"], arguments].concat());
        assert!(told.code == 3 && told.err.contains(words), "{words}: {told:?}");
    }
}

/// Runs whose suites are not the same are compared by what is.
fn check_other_conditions(place: &Place, first: &str, second: &str) {
    let rubric = place.path("suite/rubrics/day_brief.yaml");
    let text = std::fs::read_to_string(&rubric).expect("a rubric");
    std::fs::write(&rubric, text.replacen("points: 2", "points: 3", 1)).expect("a rubric");
    let scenario = place.path("suite/scenarios/vendor_renewal.yaml");
    let request = std::fs::read_to_string(&scenario).expect("a scenario");
    std::fs::write(&scenario, request.replacen("prompt: >\n", "prompt: >\n  Hello.\n", 1))
        .expect("a scenario");
    let run = place.optimize(&[
        "--suite",
        "suite",
        "--budget",
        "60",
        "--seed",
        "3",
        "--packs",
        "packs/other",
        "--start",
        "AGENTS.md",
        "--force",
    ]);
    assert!([0, 4].contains(&run.code), "{run:?}");
    let third = place.run_ids().into_iter().find(|id| id != first && id != second).expect("a third run");
    let [one, other] = [first, &third].map(|id| format!("{id}:incumbent"));
    let told = place.optimize(&["compare", &one, &other]);
    for words in [
        "NOT ALIKE  suite: suite ",
        "day_brief: scored by the ",
        "vendor_renewal: its request, tools or fixtures differ; left out",
        "(across runs)",
    ] {
        assert!(told.out.contains(words), "{words}: {told:?}");
    }
    let strict = place.optimize(&["compare", &one, &other, "--strict"]);
    assert!(strict.code == 3 && strict.err.contains("--strict"), "{strict:?}");
    let left_out = place.optimize(&["compare", first, "AGENTS.md"]);
    assert!(left_out.err.contains("left out, under another suite, profile or model"), "{left_out:?}");
    std::fs::remove_dir_all(place.path("runs").join(third)).expect("a run");
}

fn check_history(place: &Place, first: &str, second: &str) {
    let history = json(&place.optimize(&["history", "--json"]));
    let nights = history["nights"].as_array().expect("a list");
    assert_eq!(
        nights.iter().map(|night| night["run"].as_str()).collect::<Vec<_>>(),
        [Some(first), Some(second)]
    );
    assert_eq!((&nights[0]["verdict"], &nights[0]["follows"]), (&Value::from("better"), &Value::from(false)));
    assert_eq!(nights[1]["incumbent"], nights[0]["champion"]);
    assert_eq!(nights[1]["follows"], true);
    let report = json(&place.optimize(&["report", first, "--json"]));
    for (name, headline) in [("before", "incumbent"), ("after", "finalist"), ("difference", "difference")] {
        assert_eq!(nights[0][name], report["headline"][headline], "{name}");
    }
    let committed = nights[0]["commit"].as_str().expect("a commit");
    assert_eq!(place.git("packs/best", &["cat-file", "-t", committed]).trim(), "commit");
    let told = place.optimize(&["history"]);
    for words in ["Runs of the offline model say nothing", first, &committed[..10], "none spent"] {
        assert!(told.out.contains(words), "{words}: {told:?}");
    }
    assert_eq!(json(&place.optimize(&["history", "--last", "1", "--json"]))["nights"][0]["run"], second);
    let wrong = place.optimize(&["history", "--suite", "other"]);
    assert!(wrong.code == 3 && wrong.err.contains("none of 2 runs"), "{wrong:?}");
    let empty = place.optimize(&["history", "--runs", "nowhere"]);
    assert!(empty.code == 0 && empty.out.contains("no runs in nowhere yet"), "{empty:?}");
    std::fs::create_dir_all(place.path("runs/broken")).expect("a folder");
    std::fs::write(place.path("runs/broken/run.sqlite"), "no database at all, but long enough")
        .expect("a file");
    let told = place.optimize(&["history"]);
    assert!(told.code == 0 && told.err.contains("runs/broken cannot be read"), "{told:?}");
}
