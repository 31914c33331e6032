//! The real program, in temporary folders without keys or configuration: what it prints, its exit codes, and
//! that nothing is lost when it is killed, interrupted or left without a model.

mod batch;
mod batch_kills;
mod batch_limits;
mod cache;
mod caching;
#[cfg(feature = "chain")]
mod chain;
mod comparing;
mod control;
mod conversations;
mod damage;
mod doctor;
mod estimate;
mod evaluators;
mod exports;
mod fake;
pub mod gated;
mod gateways;
mod kills;
mod lab;
mod notify;
mod pack;
mod personas;
pub mod place;
mod publish;
#[cfg(feature = "chain")]
mod publish_on_chain;
pub mod rescore;
mod secrets;
mod trouble;
mod wallet;

use packwright::pack::Pack;
use place::{Place, without_wall_clock};
use std::io::Read;
use std::process::Stdio;

/// A policy that is easily improved.
const WEAK: &str = "# Agent\n\nHelp the user.\n";

#[test]
fn the_first_run_commits_a_better_pack() {
    let place = Place::new();
    std::fs::write(place.path("AGENTS.md"), WEAK).expect("a file");
    let run = place.optimize(&["--budget", "200", "--seed", "7", "--start", "AGENTS.md"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.starts_with("offline model: no --model was named"), "{}", run.err);

    let report: serde_json::Value =
        serde_json::from_str(&place.optimize(&["report", "--json"]).out).expect("JSON");
    let committed = place.git("packs/best", &["show", "HEAD:pack.json"]);
    let pack = Pack::read(committed.as_bytes()).expect("a whole pack");
    assert_eq!(report["finalist"]["id"], pack.hash().0);
    assert!(run.out.contains(pack.hash().short()), "{}", run.out);
    assert_eq!(place.git("packs/best", &["show", "HEAD:AGENTS.md"]), pack.agents_md());
    assert_eq!(place.git("packs/best", &["status", "--porcelain"]), "");

    let text = place.optimize(&["report"]);
    assert_eq!(text.code, 0);
    assert!(
        text.out.contains(&format!("Winner     pack {} committed as ", pack.hash().short())),
        "{}",
        text.out
    );
    assert!(text.out.lines().take(4).any(|line| line.starts_with("Offline model")), "{}", text.out);
    assert!(place.optimize(&["runs"]).out.contains("better: "));
    check_that_no_reader_is_missed(&place);
    check_that_a_win_is_not_lost(&place);
    check_that_no_run_is_for_nothing(&place);
    check_push(&place);
}

/// A reader may go away at any moment, as `head` does.
fn check_that_no_reader_is_missed(place: &Place) {
    for arguments in [&["report"][..], &["report", "--json"], &["runs"], &["runs", "export"], &["--help"]] {
        let mut child =
            place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a start");
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
        child.wait().expect("an end");
        assert_eq!(err, "", "{arguments:?}");
    }
    let other = Place::new();
    let mut child =
        other.command(&["--budget", "40", "--seed", "7"]).stderr(Stdio::piped()).spawn().expect("a start");
    drop(child.stderr.take());
    let code = child.wait().expect("an end").code();
    assert!([Some(0), Some(4)].contains(&code), "nobody hears the run, and it goes on: {code:?}");
}

/// A run that was killed when it had won, and before it committed.
fn check_that_a_win_is_not_lost(place: &Place) {
    let tree = place.git("packs/best", &["rev-parse", "HEAD^{tree}"]);
    std::fs::remove_dir_all(place.path("packs")).expect("the pack repository");
    std::fs::remove_dir_all(place.path("runs").join(place.run_id()).join("receipts")).expect("the receipts");
    let resumed = place.optimize(&["--resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(place.git("packs/best", &["rev-parse", "HEAD^{tree}"]), tree);
    assert_eq!(place.optimize(&["--resume"]).code, 3, "there is nothing left to do");

    // Killed between the work tree and the branch.
    let receipts = place.path("runs").join(place.run_id()).join("receipts");
    std::fs::remove_dir_all(&receipts).expect("the receipts");
    place.git("packs/best", &["update-ref", "-d", "HEAD"]);
    let told = place.optimize(&["report"]).out;
    assert!(told.contains("not committed yet") && told.contains("Next: optimize publish 2"), "{told}");
    let resumed = place.optimize(&["--resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(place.git("packs/best", &["rev-parse", "HEAD^{tree}"]), tree);

    // Killed while it pushed.
    let receipt = receipts.join("publish.json");
    let mut cut: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&receipt).expect("a receipt")).expect("JSON");
    cut["push"] = serde_json::Value::Null;
    std::fs::write(&receipt, cut.to_string()).expect("a writable file");
    assert_eq!(place.optimize(&["--resume"]).code, 0);
    assert_eq!(place.optimize(&["--resume"]).code, 3, "there is nothing left to do");
}

/// What could not be committed after the run is said before it.
fn check_that_no_run_is_for_nothing(place: &Place) {
    let refuse = |arguments: &[&str], words: &str| {
        let before = place.run_ids();
        let refused = place.optimize(arguments);
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.err.contains(words), "{}", refused.err);
        assert_eq!(place.run_ids(), before, "no run was begun");
    };
    refuse(&["--start", "baseline"], "packs/best holds another pack");
    let policy = place.path("packs/best/AGENTS.md");
    let committed = std::fs::read(&policy).expect("a policy");
    std::fs::write(&policy, "edited by hand").expect("a writable file");
    refuse(&["--budget", "200"], "changes that are not committed");
    std::fs::write(&policy, committed).expect("a writable file");
    std::fs::create_dir_all(place.path("mine")).expect("a folder");
    std::fs::write(place.path("mine/AGENTS.md"), "mine").expect("a file");
    refuse(&["--packs", "mine"], "is no git repository");
}

/// Publishing again changes nothing but what is missing: the push.
fn check_push(place: &Place) {
    let head = place.git("packs/best", &["rev-parse", "HEAD"]);
    let branch = place.git("packs/best", &["symbolic-ref", "--short", "HEAD"]);
    let id = place.run_id();
    place.git(".", &["init", "--quiet", "--bare", "remote.git"]);
    let address = place.path("remote.git").display().to_string();
    place.git("packs/best", &["remote", "add", "origin", &address]);

    let pushed = place.optimize(&["--resume", &id]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let theirs = format!("refs/heads/{}", branch.trim());
    assert_eq!(place.git("remote.git", &["rev-parse", &theirs]), head);

    place.git(".", &["clone", "--quiet", "remote.git", "elsewhere"]);
    place.git("elsewhere", &["checkout", "--quiet", "--orphan", "another"]);
    place.git("elsewhere", &["commit", "--quiet", "--allow-empty", "-m", "another history"]);
    place.git("elsewhere", &["push", "--quiet", "--force", "origin", &format!("HEAD:{theirs}")]);
    let foreign = place.git("remote.git", &["rev-parse", &theirs]);

    let rejected = place.optimize(&["--resume", &id]);
    assert_eq!(rejected.code, 5, "{rejected:?}");
    assert!(rejected.out.contains("The commit stays."), "{}", rejected.out);
    assert!(rejected.out.contains(&format!("optimize publish {id} --yes")), "{}", rejected.out);
    assert_eq!(place.git("packs/best", &["rev-parse", "HEAD"]), head);
    assert_eq!(place.git("remote.git", &["rev-parse", &theirs]), foreign, "nothing is forced");
}

#[test]
fn the_same_seed_gives_the_same_events() {
    const SEEDED: &[&str] = &["--budget", "200", "--seed", "1"];
    let (place, other) = (Place::new(), Place::new());
    let first = place.optimize(SEEDED);
    // Also when the first has won, and its winner is the best pack by now.
    let second = place.optimize(SEEDED);
    let elsewhere = other.optimize(&[SEEDED, &["--parallel", "3"]].concat());
    assert!([0, 4].contains(&first.code), "{first:?}");
    assert_eq!((second.code, elsewhere.code), (first.code, first.code), "{second:?}");
    let ids = place.run_ids();
    let export = |place: &Place, id: &str| without_wall_clock(&place.optimize(&["runs", "export", id]).out);
    let expected = export(&place, &ids[0]);
    assert!(expected.len() > 200);
    assert_eq!(export(&place, &ids[1]), expected);
    assert_eq!(export(&other, &other.run_id()), expected);
}

#[test]
fn help_teaches_and_fits() {
    let place = Place::new();
    let help = place.optimize(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for word in
        ["Usage: optimize", "--budget <EPISODES>", "--resume", "Examples:", "Exit codes:", "offline-llm"]
    {
        assert!(help.out.contains(word), "{word}: {}", help.out);
    }
    for line in help.out.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(place.optimize(&["-h"]).out.len() < help.out.len());
}

#[test]
fn exit_codes_tell_whose_fault_it_was() {
    let place = Place::new();
    let check = |arguments: &[&str], code: i32, words: &str| {
        let run = place.optimize(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        let all = run.out + &run.err;
        assert!(all.contains(words), "{arguments:?}: {all}");
        assert!(!all.contains("panicked"), "{all}");
    };
    check(&["--suite", "no/such/suite"], 3, "no/such/suite");
    check(&["--budgte", "3"], 2, "--budget");
    check(&["--budget", "0"], 2, "1..=1000000");
    check(&["--model", "anthropic/x"], 3, "ANTHROPIC_API_KEY");
    check(&["--model", "gpt-5"], 3, "is not provider/name");
    check(&["--start", "no-such-pack"], 3, "no-such-pack");
    check(&["runs", "export", "no-such-run"], 3, "no-such-run");
    check(&["report"], 3, "no runs");
    check(&["--resume"], 3, "no unfinished run");
    check(&["--resume", "no-such-run"], 3, "no-such-run");
    check(&["runs"], 0, "no runs in runs yet");
    check(&["--budget", "30", "--seed", "1"], 3, "takes at least 31");
    check(&["runs"], 0, "no runs in runs yet");
    check(&["--budget", "36", "--seed", "6"], 4, "there is no better pack");
}

#[test]
fn secrets_never_show() {
    let place = Place::new();
    let secret = "k3y-that-must-not-show";
    std::fs::write(place.path(".env"), format!("OPENAI_API_KEY=\"{secret}\nANTHROPIC_API_KEY {secret}\n"))
        .expect("a file");
    let broken = place.optimize(&["--budget", "36"]);
    assert_eq!(broken.code, 3, "{broken:?}");
    assert!(broken.err.contains(".env:1: expected OPENAI_API_KEY=<key>"), "{}", broken.err);
    assert_eq!(place.optimize(&["runs"]).code, 0, "what needs no key reads none");
    std::fs::create_dir(place.path("inner")).expect("a folder");
    let inner = place.command(&["--budget", "36", "--seed", "6"]).current_dir(place.path("inner")).output();
    assert_eq!(inner.expect("a run").status.code(), Some(4), "files of outer folders are not read");
    let address = place.optimize(&["--base-url", &format!("http://bob:{secret}@127.0.0.1:9/v1")]);
    assert_eq!(address.code, 3);
    assert!(address.err.contains("set PACKWRIGHT_API_KEY"), "{}", address.err);

    std::fs::write(place.path(".env"), format!("OPENAI_API_KEY={secret}\n")).expect("a file");
    let missing = place.optimize(&["--model", "anthropic/x"]);
    assert_eq!(missing.code, 3);
    let unused = place.optimize(&["--budget", "36", "--seed", "4", "--json"]);
    assert!(unused.err.contains("OPENAI_API_KEY is set"), "{}", unused.err);
    for run in [broken, address, missing, unused] {
        assert!(!format!("{run:?}").contains(secret), "{run:?}");
    }
    let stored = std::fs::read(place.path("runs").join(place.run_id()).join("run.sqlite")).expect("the run");
    assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()));
}
