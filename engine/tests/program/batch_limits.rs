//! What the runs of a batch share: the time after which none is begun, and the most that all may spend. And batches in TOML,
//! after a reboot, and where nothing can be kept.

use super::batch::{outcomes, results};
use super::fake::{Asked, Fake, says, serves};
use super::place::{Place, Printed};
use serde_json::Value;
use std::process::Command;

/// A provider that answers at once and counts 110 tokens for each call.
fn model() -> Fake {
    Fake::start(|asked: &Asked| if asked.is_question() { says("Done.") } else { serves(&["any"]) })
}

fn started(place: &Place, result: &Value) -> Value {
    let export = place.optimize(&["runs", "export", result["run"].as_str().expect("a run")]).out;
    let first: Value = serde_json::from_str(export.lines().next().expect("a first event")).expect("JSON");
    first["event"]["run_started"].clone()
}

/// How many calls a run made.
fn calls(place: &Place, result: &Value) -> u64 {
    let id = result["run"].as_str().expect("a run");
    let report = place.optimize(&["report", id, "--json"]).out;
    let report: Value = serde_json::from_str(&report).expect("JSON");
    report["spending"].as_array().expect("a list").iter().filter_map(|row| row["calls"].as_u64()).sum()
}

fn written(place: &Place, name: &str, text: &str) -> Printed {
    std::fs::write(place.path(name), text).expect("a file");
    place.optimize(&["batch", name, "--json"])
}

#[test]
fn after_its_time_a_batch_begins_no_run_and_those_under_way_conclude() {
    let place = Place::new();
    let text = "stop-after: 1s\nruns:\n  - {name: a, seed: 1, budget: 9000, packs: p1}\n  - {name: b, seed: 2, budget: 40, packs: p2}\n";
    let night = written(&place, "night.yaml", text);
    assert_eq!(
        (night.code, outcomes(&night)),
        (5, vec!["finished".to_owned(), "not_begun".to_owned()]),
        "{night:?}"
    );
    let all = results(&night);
    assert!(all[0]["episodes"].as_u64().expect("a number") < 9000, "{night:?}");
    assert!(all[1]["words"].as_str().expect("words").starts_with("stop-after came first"), "{night:?}");

    let again = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!(
        (again.code, outcomes(&again)),
        (0, vec!["kept".to_owned(), "finished".to_owned()]),
        "{again:?}"
    );
}

#[test]
fn runs_share_what_a_batch_may_spend() {
    let (place, model) = (Place::new(), model());
    let text = format!(
        "max-tokens: 900000\ndefaults: {{budget: 40, seed: 1, model: openai/any, base-url: '{}', max-output: 200, force: true, \
         no-cache: true}}\nruns:\n  - {{name: a, packs: p1}}\n  - {{name: b, packs: p2}}\n",
        model.url()
    );
    let night = written(&place, "night.yaml", &text);
    assert_eq!(night.code, 0, "{night:?}");
    let all = results(&night);
    let cap = |result: &Value| started(&place, result)["caps"]["run"]["tokens"].as_u64().expect("a limit");
    assert_eq!(cap(&all[0]), 450_000, "half of it, as two runs wait");
    let first = 110 * calls(&place, &all[0]);
    assert!(first > 0, "{night:?}");
    assert_eq!(cap(&all[1]), 900_000 - first, "all that the first one left");
}

#[test]
fn what_is_promised_to_one_run_is_not_anothers() {
    let (place, model) = (Place::new(), model());
    let runs = |first: &str| {
        format!(
            "concurrency: 2\nmax-tokens: 500000\ndefaults: {{budget: 40, model: openai/any, base-url: '{}', max-output: 200, \
             force: true}}\nruns:\n  - {{name: a, packs: p1{first}}}\n  - {{name: b, packs: p2}}\n",
            model.url()
        )
    };
    let night = written(&place, "night.yaml", &runs(", max-tokens: 800000"));
    let all = results(&night);
    assert_eq!(started(&place, &all[0])["caps"]["run"]["tokens"], 500_000, "no more than the batch has");
    assert_eq!((&all[1]["outcome"], night.code), (&Value::from("refused"), 3), "{night:?}");
    assert!(
        all[1]["words"].as_str().expect("words").contains("the limit of the batch is spent, or promised"),
        "{night:?}"
    );
}

#[test]
fn dollars_are_shared_too() {
    let (place, model) = (Place::new(), model());
    let prices = r#"{"models": {"openai/any": {"input": 10, "output": 10}}}"#;
    std::fs::write(place.path("prices.json"), prices).expect("a file");
    let text = format!(
        "max-usd: 30\ndefaults: {{budget: 40, seed: 1, model: openai/any, base-url: '{}', max-output: 200, force: true, prices: \
         prices.json, no-cache: true}}\nruns:\n  - {{name: a, packs: p1}}\n  - {{name: b, packs: p2, max-usd: 4}}\n  - {{name: c, \
         packs: p3}}\n",
        model.url()
    );
    let night = written(&place, "night.yaml", &text);
    assert_eq!(night.code, 0, "{night:?}");
    let all = results(&night);
    let cap =
        |result: &Value| started(&place, result)["caps"]["run"]["usd"].as_str().expect("dollars").to_owned();
    assert_eq!(cap(&all[0]), "10.00", "a third of it");
    assert_eq!(cap(&all[1]), "4.00", "a run keeps its own limit");
    let left: f64 = cap(&all[2]).parse().expect("dollars");
    let of_two = (calls(&place, &all[0]) + calls(&place, &all[1])) as f64 * 110.0 * 10.0 / 1e6;
    assert!((left - (30.0 - of_two)).abs() < 1e-9, "{left} {of_two}");
}

#[test]
fn a_batch_in_toml_is_one_like_any_other() {
    let place = Place::new();
    let wrong =
        "concurency = 2\nstop-after = 'soon'\n[[runs]]\nname = 'a'\nbudgte = 36\n[[runs]]\nbudget = 'x'\n";
    let refused = written(&place, "night.toml", wrong);
    let checked = place.optimize(&["check", "night.toml"]);
    for told in [refused.err, checked.out] {
        for words in [
            "night.toml:1:1: concurency: unknown key",
            "night.toml:2:14: stop-after: ",
            "night.toml:5:1: runs[0].budgte: unknown key",
            "night.toml:7:10: budget: ",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
    let text = "concurrency = 2\n[defaults]\nbudget = 36\n[[runs]]\nname = 'a'\nseed = 1\npacks = 'p1'\n[[runs]]\nname = 'b'\nseed = 2\n\
                packs = 'p2'\n";
    let night = written(&place, "night.toml", text);
    assert_eq!(
        (night.code, outcomes(&night)),
        (0, vec!["finished".to_owned(), "finished".to_owned()]),
        "{night:?}"
    );
    assert!(place.optimize(&["check", "night.toml"]).out.contains("batch of 2 runs"));
    let kept = place.optimize(&["batch", "night.toml", "--json"]);
    assert_eq!(outcomes(&kept), ["kept", "kept"]);
    std::fs::write(place.path("broken.toml"), "a = \n").expect("a file");
    let broken = place.optimize(&["check", "broken.toml"]);
    assert!(broken.code == 3 && broken.out.contains("broken.toml:1:"), "{broken:?}");
}

#[test]
fn a_batch_goes_on_after_a_reboot() {
    let place = Place::new();
    std::fs::write(place.path("my night.yaml"), "runs:\n  - {name: a, seed: 1, budget: 36}\n")
        .expect("a file");
    let both = place.optimize(&["service", "print", "--batch", "my night.yaml"]);
    assert_eq!(both.code, 0, "{both:?}");
    let file = place.path("my night.yaml").display().to_string();
    assert!(
        both.out.contains(&format!(" batch \"{file}\" --runs ")) && both.out.contains("pass a batch of runs"),
        "{both:?}"
    );
    assert!(
        both.out.contains(&format!("batch '{file}' --runs ")) && both.out.contains("--keep-paused --stay"),
        "{both:?}"
    );
    assert_eq!(place.optimize(&["service", "print", "--batch", "none.yaml"]).code, 3);
    assert_eq!(place.optimize(&["service", "print", "a-run", "--batch", "my night.yaml"]).code, 2);

    // What cron would do, from another folder.
    let cron = place.optimize(&["service", "print", "--only", "cron", "--batch", "my night.yaml"]);
    let line = cron.out.trim().strip_prefix("@reboot ").expect("a line of cron").replace("\\%", "%");
    std::fs::create_dir(place.path("runs")).expect("a folder");
    let done = place.clean("sh").args(["-c", &line]).current_dir("/").status().expect("a shell");
    let log = std::fs::read_to_string(place.path("runs/service.log")).unwrap_or_default();
    assert!(done.success(), "{log}");
    assert_eq!(outcomes(&place.optimize(&["batch", "my night.yaml", "--json"])), ["kept"], "{log}");
}

#[test]
fn where_nothing_can_be_kept_no_run_begins() {
    let place = Place::new();
    std::fs::create_dir(place.path("runs")).expect("a folder");
    std::fs::write(place.path("night.yaml"), "runs:\n  - {name: a, seed: 1, budget: 36}\n").expect("a file");
    std::fs::write(place.path("file"), "").expect("a file");
    let refused = place.optimize(&["--budget", "36", "--runs", "file"]);
    assert!(refused.code == 3 && refused.err.contains("no run can be kept in file: "), "{refused:?}");

    // Root may write everywhere, so this is done as nobody.
    let program = place.path("optimize");
    std::fs::copy(env!("CARGO_BIN_EXE_optimize"), &program).expect("a copy");
    let shell = format!(
        "chmod 755 '{0}' '{0}/optimize' && chmod 555 '{0}/runs' && mkdir -p '{0}/home' && chmod 777 '{0}/home'",
        place.path("").display().to_string().trim_end_matches('/')
    );
    assert!(Command::new("sh").args(["-c", &shell]).status().expect("a shell").success());
    let as_nobody = |arguments: &[&str]| {
        let mut command = place.clean("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).args(arguments);
        command.env("HOME", place.path("home")).current_dir(place.path("")).output()
    };
    let is_possible = as_nobody(&["--version"]).is_ok_and(|output| output.status.success());
    if !is_possible {
        eprintln!("SKIPPED: there is no setpriv here, or it may not become nobody");
        return;
    }
    let packs = place.path("home/packs").display().to_string();
    for arguments in [&["--budget", "36", "--packs", &packs][..], &["batch", "night.yaml"]] {
        let refused = Printed::of(as_nobody(arguments).expect("it starts"));
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.err.contains("no run can be kept in runs: Permission denied"), "{refused:?}");
        assert!(refused.err.contains("with --runs"), "{refused:?}");
    }
    assert!(!place.path("home/packs").exists() && place.run_ids().is_empty(), "nothing was begun");
}
