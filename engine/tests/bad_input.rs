//! What broken input is answered with. Each file or folder in `bad_input` is a case; the snapshot holds the
//! messages of all. A change of wording is one look at the difference.

use packwright::workspace::{inspect, load_pack};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const CASES: &str = "engine/tests/bad_input";

#[test]
fn every_case_has_its_message_and_none_panics() {
    let (mut out, mut cases) = (String::new(), 0);
    for kind in ["scenario", "rubric", "suite", "pack"] {
        for case in entries(&Path::new(CASES).join(kind)) {
            cases += 1;
            writeln!(out, "== {kind}/{case}").unwrap();
            let path = format!("{CASES}/{kind}/{case}");
            let inspection = inspect(Path::new(&path));
            for problem in &inspection.problems {
                let text = problem.to_string().replace(&format!("{path}/"), "").replace(&path, &case);
                writeln!(out, "{text}").unwrap();
            }
            let errors = inspection.problems.iter().filter(|problem| problem.is_error()).count();
            assert_eq!(inspection.found.is_none(), errors > 0, "{path}: an error is what forbids its use");
            assert!(!inspection.problems.is_empty(), "{path} is fine");
        }
    }
    println!("{cases} broken inputs, each with its message");
    assert!(cases >= 60);
    insta::assert_snapshot!(out);
}

#[test]
fn paths_that_are_not_what_they_should_be() {
    let there = tempfile::tempdir().unwrap();
    let check = |path: &str, expected: &str| {
        let path = there.path().join(path);
        let inspection = inspect(&path);
        let texts: Vec<String> = inspection.problems.iter().map(ToString::to_string).collect();
        let root = there.path().display().to_string();
        assert_eq!(texts.join("\n").replace(&format!("{root}/"), ""), expected);
    };
    check("nowhere", "nowhere: cannot be read: no such file or directory");
    check("nowhere.yaml", "nowhere.yaml: cannot be read: no such file or directory");
    fs::create_dir(there.path().join("folder.yaml")).unwrap();
    check(
        "folder.yaml",
        "folder.yaml: there are no scenarios here\n  help: a suite is a folder with scenarios/<name>.yaml and a folder of fixtures for each",
    );
    fs::create_dir(there.path().join("pack.json")).unwrap();
    fs::create_dir(there.path().join("pack.json/pack.json")).unwrap();
    check("pack.json", "pack.json/pack.json: is not a file");
    fs::create_dir_all(there.path().join("suite/scenarios")).unwrap();
    check(
        "suite/scenarios",
        &format!(
            "suite/scenarios: is the scenarios of a suite, not the suite\n  help: name {}",
            there.path().join("suite").display()
        )
        .replace(&format!("{}/", there.path().display()), ""),
    );
    fs::write(there.path().join("long.yaml"), "#".repeat(5 << 20)).unwrap();
    check("long.yaml", "long.yaml: has 5242880 bytes, more than 4194304");
    fs::write(there.path().join("longish.yaml"), "#".repeat(2 << 20)).unwrap();
    check("longish.yaml", "longish.yaml: the file has 2097152 bytes, more than 1048576");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_forbidden_files() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let there = tempfile::tempdir().unwrap();
    let suite = there.path().join("suite");
    copy(Path::new(CASES).join("suite/json_unknown_name").as_path(), &suite);
    let fixtures = suite.join("scenarios/fixtures/case");
    fs::remove_file(fixtures.join("imbox.json")).unwrap();
    fs::write(there.path().join("secret.md"), "outside").unwrap();
    symlink(there.path().join("secret.md"), fixtures.join("stolen.md")).unwrap();
    symlink("inbox.json", fixtures.join("tasks.md")).unwrap();
    symlink("nothing", fixtures.join("broken.md")).unwrap();
    symlink("..", fixtures.join("circle")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(fixtures.join("pipe.md")).status();
    fs::write(fixtures.join("closed.md"), "x").unwrap();
    fs::set_permissions(fixtures.join("closed.md"), fs::Permissions::from_mode(0o000)).unwrap();
    let inspection = inspect(&suite);
    let root = format!("{}/", there.path().display());
    let texts: Vec<String> =
        inspection.problems.iter().map(|problem| problem.to_string().replace(&root, "")).collect();
    let text = texts.join("\n");
    let has = |part: &str| assert!(text.contains(part), "{part} is not in\n{text}");
    has("suite/scenarios/fixtures/case/stolen.md: is a link that leaves the suite");
    has("suite/scenarios/fixtures/case/broken.md: cannot be read: no such file or directory");
    has("folders deep (do its links form a circle?)");
    if pipe.is_ok_and(|status| status.success()) {
        has("suite/scenarios/fixtures/case/pipe.md: is neither a file nor a folder");
    }
    if fs::read(fixtures.join("closed.md")).is_err() {
        has("suite/scenarios/fixtures/case/closed.md: cannot be read: permission denied");
    }
    assert!(!text.contains("tasks.md"), "links that stay inside are fine:\n{text}");
    assert!(
        load_pack(&fixtures.join("stolen.md")).is_ok(),
        "a link that the user names is the user's business"
    );
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in entries(from) {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() { copy(&source, &target) } else { fs::copy(source, target).map(drop).unwrap() }
    }
}
