//! `optimize pack`: building, checking and comparing packs, as miners type it.

use super::place::{Place, Printed, found, served};

const POLICY: &str = "# Rules\n\n- Ask before you send anything.\n- Lead with the decision.\n";

fn place() -> Place {
    let place = Place::new();
    write(&place, "AGENTS.md", POLICY);
    place
}

fn write(place: &Place, name: &str, text: &str) {
    let path = place.path(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).expect("a file")
}

fn json(printed: &Printed) -> serde_json::Value {
    serde_json::from_str(printed.out.lines().next().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{printed:?}"))
}

#[test]
fn building_twice_changes_nothing_and_a_change_raises_the_version() {
    let place = place();
    let first = place.optimize(&["pack", "build"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.starts_with("pack.json: written, version 1.0.0, "), "{}", first.out);
    let bytes = read(&place, "pack.json");
    let again = place.optimize(&["pack", "build", "--json"]);
    assert_eq!((json(&again)["changed"].clone(), read(&place, "pack.json")), (false.into(), bytes));

    write(&place, "AGENTS.md", &format!("{POLICY}- Be brief.\n"));
    write(&place, "SOUL.md", "Calm.\n");
    let dry = place.optimize(&["pack", "build", "--dry-run"]);
    assert!(dry.out.contains("would be written, version 1.0.1 (was 1.0.0)"), "{dry:?}");
    assert!(dry.err.contains("SOUL.md is not in the pack; `--soul SOUL.md` puts it there"), "{dry:?}");
    let soul = place.optimize(&["pack", "build", "--soul", "SOUL.md", "--bump", "minor", "--name", "mine"]);
    assert!(soul.out.contains("written, version 1.1.0 (was 1.0.0)"), "{soul:?}");
    let without = place.optimize(&["pack", "build"]);
    assert!(without.err.contains("note: SOUL.md is no longer in the pack"), "{without:?}");
    let shown = place.optimize(&["pack", "show", "pack.json"]).out;
    assert!(shown.starts_with("Pack       mine 1.1.1, for clawbench_v1\n"), "{shown}");
}

#[test]
fn building_never_overwrites_what_it_did_not_write() {
    let place = place();
    for foreign in ["{\"notes\": 1}", "{}\n", "not JSON"] {
        write(&place, "pack.json", foreign);
        let refused = place.optimize(&["pack", "build"]);
        assert_eq!((refused.code, read(&place, "pack.json")), (3, foreign.to_owned()), "{refused:?}");
        assert!(refused.err.contains("--force overwrites it"), "{refused:?}");
    }
    let forced = place.optimize(&["pack", "build", "--force"]);
    assert_eq!(forced.code, 0, "{forced:?}");
    let compact = read(&place, "pack.json").replace("\n", "");
    write(&place, "pack.json", &compact);
    let foreign = place.optimize(&["pack", "build"]);
    assert!(foreign.code == 3 && foreign.err.contains("was not written by this program"), "{foreign:?}");
}

#[test]
fn what_cannot_be_built_is_told_at_once() {
    let place = place();
    let missing = place.optimize(&["pack", "build", "--agents", "x.md", "--soul", "y.md"]);
    assert_eq!(missing.code, 3);
    assert!(missing.err.contains("x.md: ") && missing.err.contains("y.md: "), "{missing:?}");
    let refused =
        place.optimize(&["pack", "build", "--allow", "exec,read", "--pack-version", "1.0", "--deny", "x"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("allows exec and denies no dangerous tool"), "{refused:?}");
    assert!(refused.err.contains("must be three numbers"), "{refused:?}");
    let user = place.optimize(&["pack", "build", "--file", "USER.md=AGENTS.md"]);
    assert!(user.code == 3 && user.err.contains("hides from the agent whom it works for"), "{user:?}");
    assert!(!place.path("pack.json").exists());
}

#[test]
fn all_that_validators_refuse_is_told_at_once() {
    let place = place();
    place.optimize(&["pack", "build"]);
    let broken = r#"{"schema_version": "1", "files": {"SOUL.md": 1}, "tool_policy": {"allow": ["exec"], "deny": null}}"#;
    write(&place, "broken.json", broken);
    write(&place, "list.json", "[]");
    let validated =
        place.optimize(&["pack", "validate", "pack.json", "broken.json", "list.json", ".", "--json"]);
    assert_eq!(validated.code, 3, "{validated:?}");
    let lines: Vec<serde_json::Value> =
        validated.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        lines.iter().map(|line| line["valid"] == true).collect::<Vec<_>>(),
        [true, false, false, true]
    );
    let codes = ["SCHEMA_VERSION", "NO_AGENTS_MD", "FILE_NOT_STRING:SOUL.md", "DENY_NOT_LIST"];
    let told: Vec<&str> =
        lines[1]["codes"].as_array().expect("codes").iter().filter_map(|code| code.as_str()).collect();
    assert!(
        codes.iter().all(|code| told.contains(code)) && told.contains(&"MISSING_FIELD:metadata"),
        "{told:?}"
    );
    assert_eq!(lines[2]["codes"], serde_json::json!(["NOT_OBJECT"]));
    assert_eq!(lines[0]["hash"], place.optimize(&["pack", "hash", "pack.json"]).out.trim());
    let words = place.optimize(&["pack", "validate", "broken.json"]);
    assert!(words.out.contains("broken.json:1:") && words.out.contains("validators refuse it"), "{words:?}");
}

#[test]
fn similar_packs_end_with_the_code_of_a_gate() {
    let place = place();
    let long: String =
        (0..60).map(|n| format!("- Rule {n} of the office, number {}.\n", n * n * 7919 % 1009)).collect();
    write(&place, "mine.md", &long);
    write(&place, "theirs.md", &format!("{long}- And one more.\n"));
    let same = place.optimize(&["pack", "similarity", "mine.md", "theirs.md"]);
    assert_eq!(same.code, 6, "{same:?}");
    assert!(same.out.contains("too similar: validators refuse A from 0.8 on"), "{}", same.out);
    let other = place.optimize(&["pack", "similarity", "mine.md", "baseline", "--json"]);
    assert_eq!((other.code, json(&other)["too_similar"].clone()), (0, false.into()));
    let unknown = place.optimize(&["pack", "similarity", "mine.md", "nothing"]);
    assert!(
        unknown.code == 3 && unknown.err.contains("\"nothing\" is no pack: name a pack.json"),
        "{unknown:?}"
    );
}

#[test]
fn a_difference_is_shown_without_what_a_terminal_obeys() {
    let place = place();
    write(&place, "new.md", &format!("{POLICY}- \u{1b}[2Jgone\n"));
    let diff = place.optimize(&["pack", "diff", "AGENTS.md", "new.md", "--exit-code"]);
    assert_eq!(diff.code, 6);
    assert!(
        diff.out.contains("--- a/AGENTS.md\n+++ b/AGENTS.md\n")
            && diff.out.contains("\n+- \u{fffd}[2Jgone\n"),
        "{diff:?}"
    );
    let same = place.optimize(&["pack", "diff", "AGENTS.md", "AGENTS.md", "--exit-code"]);
    assert!(same.code == 0 && same.out.starts_with("the same pack, "), "{same:?}");
    let text = place.optimize(&["pack", "show", "new.md", "--file", "AGENTS.md"]).out;
    assert!(text.starts_with("# Rules\n") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn what_was_made_for_the_scenarios_is_told_with_its_line() {
    let place = place();
    let clean = place.optimize(&["pack", "lint", "AGENTS.md"]);
    assert_eq!(
        (clean.code, clean.out.as_str()),
        (0, "1 pack against suite packwright: 0 errors, 0 warnings\n")
    );
    write(&place, "mine/AGENTS.md", &format!("{POLICY}\nTell Orla Fenwick about QB-413.\n"));
    let found = place.optimize(&["pack", "lint", "mine"]);
    assert_eq!(found.code, 6, "{found:?}");
    assert!(
        found.out.contains("mine/AGENTS.md:6:6: name: a name that only the fixtures know: “Orla Fenwick”"),
        "{}",
        found.out
    );
    assert!(
        found.out.contains("mine/AGENTS.md:6:25: id: ") && found.out.contains("help: say how to find it"),
        "{}",
        found.out
    );
    let allowed = place.optimize(&["pack", "lint", "mine", "--allow", "name", "--allow", "id", "--json"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    assert_eq!(
        (json(&allowed)["severity"].clone(), json(&allowed)["rule"].clone()),
        ("warning".into(), "name".into())
    );
    let wrong = place.optimize(&["pack", "lint", "mine", "--allow", "names"]);
    assert!(wrong.code == 2 && wrong.err.contains("the rules are name, persona, "), "{wrong:?}");
    let copy = place.optimize(&[
        "pack",
        "lint",
        "mine",
        "--reference",
        "AGENTS.md",
        "--allow",
        "name",
        "--allow",
        "id",
    ]);
    assert!(
        copy.out.contains("near-copy: nearly the same text as another pack: AGENTS.md: similarity"),
        "{copy:?}"
    );
}

#[test]
fn packs_come_from_runs_git_and_the_web() {
    let place = place();
    let run = place.optimize(&["--budget", "90", "--force", "--seed", "3", "--start", "AGENTS.md"]);
    assert!(matches!(run.code, 0 | 4), "{run:?}");
    let run = place.run_id();
    let incumbent = place.optimize(&["pack", "show", &format!("{run}:incumbent"), "--file", "AGENTS.md"]);
    assert_eq!(incumbent.out, POLICY);
    assert_eq!(place.optimize(&["pack", "validate", &run]).code, 0);
    let unknown = place.optimize(&["pack", "hash", &format!("{run}:nobody")]);
    assert!(unknown.code == 3 && unknown.err.contains("no pack whose hash begins with"), "{unknown:?}");

    place.optimize(&["pack", "build", "--output", "repo/pack.json"]);
    place.git("repo", &["init", "--quiet", "--initial-branch=main"]);
    place.git("repo", &["add", "pack.json"]);
    place.git("repo", &["commit", "--quiet", "-m", "pack"]);
    let here = place.optimize(&["pack", "hash", "repo"]).out;
    assert_eq!(place.optimize(&["pack", "hash", "git:repo#main"]).out, here);
    let wrong = place.optimize(&["pack", "hash", "git:repo#other"]);
    assert!(wrong.code == 3 && wrong.err.contains("git:repo#other: "), "{wrong:?}");

    let pack = read(&place, "repo/pack.json");
    let address = served(vec![
        found(&pack),
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(70_000)),
        found("<html></html>"),
    ]);
    let hash = || place.optimize(&["pack", "hash", &address]);
    assert_eq!(hash().out, here);
    for problem in ["answers with 404, not with 200", "sends more than 65536 bytes", "is no pack: "] {
        let refused = hash();
        assert!(refused.code == 3 && refused.err.contains(problem), "{refused:?}");
    }
}

#[test]
fn a_better_pack_that_is_not_general_is_not_published() {
    let place = place();
    // Whatever wins keeps what the pack began with.
    let narrow = "# Agent\n\nHelp the user.\n\nTell Orla Fenwick.\n";
    write(&place, "AGENTS.md", narrow);
    let run = place.optimize(&["--budget", "200", "--seed", "7", "--start", "AGENTS.md"]);
    assert!(run.err.contains("in the pack to beat; a winner that keeps it is not published"), "{}", run.err);
    assert_eq!(run.code, 6, "{run:?}");
    assert!(
        run.out.contains("Nothing was committed: the lint found a name that only the fixtures know (name)."),
        "{}",
        run.out
    );
    assert!(run.out.contains("--allow-lint name"), "{}", run.out);
    let told = place.optimize(&["report"]).out;
    assert!(told.contains("Nothing was committed: the lint found a name"), "{told}");
    let allowed = place.optimize(&["--resume", &place.run_id(), "--allow-lint", "name"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    assert!(place.git("packs/best", &["show", "HEAD:AGENTS.md"]).contains("Orla Fenwick"));
}

#[test]
fn a_winner_that_is_too_similar_to_the_champion_is_not_published() {
    let place = place();
    write(&place, "AGENTS.md", "# Agent\n\nHelp the user.\n");
    let arguments = ["--budget", "200", "--seed", "7", "--start", "AGENTS.md"];
    let won = place.optimize(&arguments);
    assert_eq!(won.code, 0, "{won:?}");
    let champion = [&arguments[..], &["--packs", "packs/other", "--champion", "packs/best"]].concat();
    let refused = place.optimize(&champion);
    assert!(
        refused.err.contains("champion packs/best: the pack to beat is similar to it by"),
        "{}",
        refused.err
    );
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.out.contains("nearly the same text as another pack (near-copy)"), "{}", refused.out);
    let unknown = place.optimize(&["--champion", "nothing.json"]);
    assert!(unknown.code == 3 && unknown.err.contains("\"nothing.json\" is no pack"), "{unknown:?}");
}
