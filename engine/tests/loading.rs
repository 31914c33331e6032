//! Suites load: ours from the program and from its folder, and the real ClawBench as it stands.

use packwright::scenario::problem::{Report, Strictness};
use packwright::scenario::yaml;
use packwright::scenario::{CATEGORIES, CheckKind, Entry, Folder, validate};
use packwright::value::{Value, parse};
use packwright::workspace::{
    IDLE_SCORE_MAX, Loaded, SuiteSource, clawbench_files, idle_scorecard, load_suite,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The data of the real ClawBench; none (with a visible message) where it is absent.
fn clawbench() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/clawbench");
    if !path.is_dir() {
        eprintln!("SKIPPED: the real ClawBench is not here");
        return None;
    }
    Some(path)
}

fn load(source: &SuiteSource) -> Loaded {
    load_suite(source).unwrap_or_else(|error| panic!("{error}"))
}

fn embedded() -> Loaded {
    load(&SuiteSource::Embedded)
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn clawbench_loads_without_a_word() {
    let Some(path) = clawbench() else { return };
    let loaded = load(&SuiteSource::Folder(path));
    assert_eq!(loaded.warnings, []);
    let names: Vec<&str> = loaded.suite.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(
        names,
        ["client_escalation", "inbox_to_action", "inbox_triage", "morning_brief", "team_standup"]
    );
    assert_eq!(loaded.suite.scenario("client_escalation").unwrap().weight, 1.5);
}

#[test]
fn yaml_means_what_pyyaml_reads() {
    let Some(lines) = super::conformance::lines("scenarios_parsed.json") else { return };
    let Some(path) = clawbench() else { return };
    let expected = parse(lines.join("\n").as_bytes()).unwrap();
    let expected = expected.as_map().unwrap();
    for (name, document) in expected {
        let text = std::fs::read_to_string(path.join(format!("scenarios/{name}.yaml"))).unwrap();
        let mut report = Report::new(name, Strictness::Own);
        let read = yaml::parse(&text, &mut report).unwrap();
        assert_eq!(report.problems, []);
        assert_eq!(&read.to_value(), document, "{name}");
        assert_eq!(read.to_value().dumps(), document.dumps(), "{name}: the order of keys");
    }
    println!("{} of {} scenario documents agree with PyYAML", expected.len(), expected.len());
}

/// Small documents with what PyYAML 6.0.3 makes of them; without a value, it refuses them.
#[test]
fn small_documents_mean_what_pyyaml_reads() {
    let cases = include_str!("pyyaml.jsonl");
    for line in cases.lines() {
        let case = parse(line.as_bytes()).unwrap();
        let text = case.get("text").unwrap().as_str().unwrap();
        let mut report = Report::new("case", Strictness::Foreign);
        let read = yaml::parse(text, &mut report).filter(|_| report.errors().next().is_none());
        let read = read.map(|node| node.to_value().dumps());
        assert_eq!(read, case.get("value").map(Value::dumps), "{text:?}");
    }
    println!("{0} of {0} small documents agree with PyYAML", cases.lines().count());
}

#[test]
fn the_embedded_suite_loads_without_a_word_and_is_the_one_in_the_repository() {
    let loaded = embedded();
    assert_eq!(loaded.warnings, []);
    let from_disk = load(&SuiteSource::Folder(repository().to_owned()));
    assert_eq!(loaded.suite.hash, from_disk.suite.hash, "build again: the scenarios have changed since");
}

#[test]
fn the_hash_knows_content_and_not_form() {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&repository().join("scenarios"), &copy.path().join("scenarios"));
    copy_folder(&repository().join("rubrics"), &copy.path().join("rubrics"));
    let hash = || load(&SuiteSource::Folder(copy.path().to_owned())).suite.hash;
    let original = hash();
    assert_eq!(original, embedded().suite.hash);

    let file = copy.path().join("scenarios/monday_inbox.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let document = read(&text);
    std::fs::write(&file, document.dumps_sorted()).unwrap();
    assert_eq!(hash(), original, "the same document as JSON");

    std::fs::write(&file, text.replace("weight: 1.0", "weight: 1.1")).unwrap();
    assert_ne!(hash(), original, "another weight");
    std::fs::write(&file, &text).unwrap();
    std::fs::write(copy.path().join("scenarios/fixtures/monday_inbox/memory/more.md"), "x").unwrap();
    assert_ne!(hash(), original, "one more fixture");
}

fn read(text: &str) -> Value {
    yaml::parse(text, &mut Report::new("", Strictness::Own)).unwrap().to_value()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn our_suite_has_what_a_suite_needs() {
    let suite = embedded().suite;
    let checks = || suite.scenarios.iter().flat_map(|scenario| &scenario.rubric.checks);
    assert!(suite.scenarios.len() >= 8);
    assert!(checks().count() >= 120, "{} checks", checks().count());
    assert!(suite.scenarios.iter().filter(|scenario| scenario.held_out).count() >= 2);
    let types: BTreeSet<_> = checks().filter_map(|check| check.kind.name()).collect();
    assert_eq!(types, CheckKind::names().collect(), "all check types are used");
    let categories: BTreeSet<_> = checks().map(|check| check.category.as_str()).collect();
    assert_eq!(categories, CATEGORIES.into_iter().collect());
}

#[test]
fn doing_nothing_earns_little_in_our_suite() {
    for scenario in &embedded().suite.scenarios {
        let score = idle_scorecard(scenario).unwrap().script_score;
        println!("{}: {score}", scenario.name);
        assert!(score < IDLE_SCORE_MAX, "{}: {score}", scenario.name);
    }
}

#[test]
fn the_export_is_a_clawbench_suite_that_says_the_same() {
    let suite = embedded().suite;
    let target = tempfile::tempdir().unwrap();
    write(&clawbench_files(&suite), target.path());
    let exported = load(&SuiteSource::Folder(target.path().to_owned()));
    assert_eq!(exported.warnings, []);
    assert_eq!(exported.suite.hash, suite.hash);
    for (ours, theirs) in suite.scenarios.iter().zip(&exported.suite.scenarios) {
        assert_eq!(validate(&theirs.document), Vec::<String>::new(), "{}", ours.name);
        assert_eq!(theirs.document.dumps(), ours.document.dumps(), "{}: the order of keys too", ours.name);
        assert_eq!(theirs.held_out, ours.held_out);
        assert_eq!(theirs.rubric.checks.len(), ours.rubric.checks.len());
    }
}

fn write(files: &Folder, target: &Path) {
    for (path, entry) in files.iter() {
        if let Entry::File(bytes) = entry {
            let file = target.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
    }
}
