//! The report of a run: the same numbers in every form, nothing in it that a model wrote becomes markup, and the page
//! driven in a browser where there is one.

mod hostile;

use crate::program::place::Place;
pub use hostile::make_hostile;
use hostile::make_long;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A policy that is easily improved.
const WEAK: &str = "# Agent\n\nHelp the user.\n";

/// A place with a finished run, and the run's folder.
fn finished(budget: &str) -> (Place, PathBuf) {
    let place = Place::new();
    std::fs::write(place.path("AGENTS.md"), WEAK).expect("a file");
    let run = place.optimize(&["--budget", budget, "--seed", "7", "--start", "AGENTS.md"]);
    assert!([0, 4].contains(&run.code), "{run:?}");
    assert!(run.out.contains("Report     runs/"), "{}", run.out);
    let folder = place.path("runs").join(place.run_id());
    (place, folder)
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect(name)
}

fn json(folder: &Path) -> Value {
    serde_json::from_str(&text(folder, "report.json")).expect("JSON")
}

#[test]
fn a_report_says_the_same_in_every_form() {
    let (place, folder) = finished("200");
    let report = json(&folder);
    let (page, markdown) = (text(&folder, "report.html"), text(&folder, "report.md"));
    let printed: Value = serde_json::from_str(&place.optimize(&["report", "--json"]).out).expect("JSON");
    assert_eq!(printed, report);

    let number = |pointer: &str| {
        report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer}"))
    };
    let check = |pointer: &str, form: &str, shown: String| {
        let span = format!("<span data-from=\"{pointer}\" data-form=\"{form}\">{shown}</span>");
        assert!(page.contains(&span), "{span} is not on the page");
        assert!(markdown.contains(&shown), "{pointer} {shown}: {markdown}");
    };
    for name in ["incumbent", "finalist"] {
        for part in ["value", "interval/low", "interval/high"] {
            let pointer = format!("/headline/{name}/{part}");
            check(&pointer, "score", format!("{:.3}", number(&pointer)));
        }
    }
    for part in ["value", "interval/low", "interval/high"] {
        let pointer = format!("/headline/difference/{part}");
        check(&pointer, "signed", format!("{:+.3}", number(&pointer)));
    }
    let chance = number("/headline/chance");
    let shown = if chance > 0.995 { "over 99 %".to_owned() } else { format!("{:.0} %", 100.0 * chance) };
    check("/headline/chance", "probability", shown);
    let comparison = &report["finished"]["verdict"]["better"];
    assert_eq!(comparison["difference"], report["headline"]["difference"]["value"]);
    assert_eq!(comparison["chance"], report["headline"]["chance"]);
    assert_eq!(report["headline"]["advice"], "publish");

    check_the_data(&report);
    check_that_a_run_can_move(&place, &folder, &report);
}

/// What the views are drawn from agrees with itself.
fn check_the_data(report: &Value) {
    let list = |name: &str| report[name].as_array().unwrap_or_else(|| panic!("{name}")).clone();
    let (candidates, episodes) = (list("candidates"), list("episode_rows"));
    assert_eq!(report["grid"]["cells"].as_array().map(Vec::len), Some(candidates.len()));
    assert_eq!(report["episodes"]["scored"], episodes.iter().filter(|row| !row["score"].is_null()).count());
    // Every verdict is in one cell.
    let cells = report["grid"]["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .flat_map(|row| row.as_array().expect("a row"));
    let (passed, met) = cells.fold((0, 0), |(passed, met), cell| {
        (passed + cell[1].as_u64().expect("a count"), met + cell[2].as_u64().expect("a count"))
    });
    let failed: usize = episodes.iter().map(|row| row["failed"].as_array().expect("a list").len()).sum();
    assert_eq!(met - passed, failed as u64);
    for failure in list("failures") {
        assert!(failure["passed"].as_u64() < failure["episodes"].as_u64(), "{failure}");
        let check = &report["grid"]["checks"][failure["check"].as_u64().expect("a place") as usize];
        assert!(check["explained"].is_string(), "{check}");
    }
    assert!(list("failures").iter().any(|failure| failure["exhibit"]["lacking"].is_string()));
    let idle = report["bars"]["scenarios"][0]["idle"].as_f64().expect("what doing nothing earns");
    assert!((0.0..0.6).contains(&idle), "{idle}");
    let finalist = report["finalist_place"].as_u64().expect("a place") as usize;
    let policy = candidates[finalist]["policy"].as_str().expect("a policy");
    let sentences: String =
        list("blame").iter().map(|sentence| sentence["text"].as_str().expect("a text").to_owned()).collect();
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    assert_eq!(letters(&sentences), letters(policy));
    let brought: Vec<&Value> =
        report["blame"].as_array().expect("a list").iter().filter(|it| it["candidate"] != 0).collect();
    assert!(!brought.is_empty() && brought.iter().any(|it| it["effect"]["low"].is_number()), "{brought:?}");
    let settings = report["repeat"]["settings"].as_array().expect("a list");
    let source = |name: &str| {
        let found = settings.iter().find(|setting| setting["name"] == name);
        found.map(|setting| setting["source"].as_str().expect("a word").to_owned())
    };
    assert_eq!(source("seed").as_deref(), Some("command line"));
    assert_eq!(source("packs").as_deref(), Some("default"));
}

/// A run folder that was copied elsewhere still has its rubrics, and one that cannot be written to is told.
fn check_that_a_run_can_move(place: &Place, folder: &Path, report: &Value) {
    let moved = place.path("elsewhere").join("moved");
    std::fs::create_dir_all(&moved).expect("a folder");
    std::fs::copy(folder.join("run.sqlite"), moved.join("run.sqlite")).expect("a copy");
    let out = place.path("out");
    let arguments = ["report", "moved", "--runs", "elsewhere", "--out", "out"];
    let told = place.optimize(&arguments);
    assert_eq!(told.code, 0, "{told:?}");
    let mut other = json(&out);
    assert_eq!(other["run"], "moved");
    other["run"] = report["run"].clone();
    assert_eq!(&other, report);
    assert!(!moved.join("report.html").exists());
}

#[test]
fn what_a_run_did_not_measure_is_no_number() {
    let (place, folder) = finished("36");
    // As a run that was cut off before its first episode was scored.
    let database = rusqlite::Connection::open(folder.join("run.sqlite")).expect("the run");
    database
        .execute_batch("DROP TRIGGER events_are_never_deleted; DELETE FROM transcripts; DELETE FROM events WHERE ordinal > 0;")
        .expect("a shorter run");
    drop(database);
    let told = place.optimize(&["report"]);
    assert_eq!(told.code, 0, "{told:?}");
    let report = json(&folder);
    assert_eq!(report["headline"]["advice"], "unfinished");
    for name in ["incumbent", "finalist", "difference", "chance", "probability_better"] {
        assert_eq!(report["headline"][name], Value::Null, "{name}");
    }
    assert_eq!(report["candidates"][0]["objective"], Value::Null);
    assert_eq!(report["best"], serde_json::json!([]));
    let page = text(&folder, "report.html");
    assert!(page.contains("id=\"n-incumbent\">not measured<"));
    assert!(page.contains("id=\"n-chance\"><span class=\"none\">not measured</span>"));
    assert!(text(&folder, "report.md").contains("| Chance to win one validator evaluation | not measured |"));
}

#[test]
fn what_models_wrote_stays_text() {
    let (place, folder) = finished("200");
    make_hostile(&folder.join("run.sqlite"));
    let told = place.optimize(&["report"]);
    assert_eq!(told.code, 0, "{told:?}");
    let page = text(&folder, "report.html");
    // The markup of the page itself ends where the vendored script begins.
    let (own, _) = page.split_once("<script>").expect("a script");
    assert!(!own.contains("<img") && !own.contains("</script><"), "{own}");
    assert!(own.contains("&lt;img"), "the words are on the first screen");
    let markdown = text(&folder, "report.md");
    assert!(
        !markdown.lines().filter(|line| !line.starts_with("    ")).any(|line| line.contains("<img")),
        "{markdown}"
    );
    assert!(json(&folder).to_string().contains("<img"), "the words are in the report");
    drive(&folder, &[]);
}

#[test]
fn a_long_run_fits_into_its_page() {
    let (place, folder) = finished("200");
    make_long(&folder.join("run.sqlite"));
    let told = place.optimize(&["report"]);
    assert!(told.out.contains("what does not fit into the page is in "), "{}", told.out);
    let size = std::fs::metadata(folder.join("report.html")).expect("the page").len();
    assert!(size < 3_000_000, "{size}");
    assert!(std::fs::read_dir(folder.join("report-transcripts")).expect("a folder").count() > 0);
    drive(&folder, &["--beside"]);
}

/// Where the packages are that drive a browser; says so where there are none, or no browser.
pub fn browser_folder() -> Option<PathBuf> {
    let modules = std::env::var_os("REPORT_BROWSER_FOLDER").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join("report-browser"),
        PathBuf::from,
    );
    let modules = modules.join("node_modules");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !has("node") || !has("chromium") || !modules.join("playwright-core").is_dir() {
        eprintln!(
            "SKIPPED: node, chromium or playwright-core is missing; engine/tests/report/setup installs what it can"
        );
        return None;
    }
    Some(modules)
}

/// Drives a page in a browser, where there is one.
fn drive(folder: &Path, options: &[&str]) {
    let Some(modules) = browser_folder() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/tests/report/browser.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(&modules).arg(folder).args(options);
    if let Some(shots) = std::env::var_os("REPORT_SHOTS") {
        command.arg("--shots").arg(shots);
    }
    let output = command.output().expect("node starts");
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    let wrong: Vec<&str> = told.lines().filter(|line| !line.starts_with("ok")).collect();
    assert!(
        output.status.success() && told.contains("all is well"),
        "{wrong:#?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
