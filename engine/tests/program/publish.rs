//! `optimize publish`: the plan, the steps, and that doing it again changes nothing.

use super::WEAK;
#[cfg(unix)]
use super::batch::outcomes;
use super::place::{Place, Printed, found, served};
use serde_json::Value;
#[cfg(unix)]
use std::path::PathBuf;

/// A place where a run has won, and kept its winner to itself.
fn won() -> (Place, String) {
    let place = Place::new();
    std::fs::write(place.path("AGENTS.md"), WEAK).expect("a writable folder");
    let run = place.optimize(&["--budget", "200", "--seed", "7", "--start", "AGENTS.md", "--no-push"]);
    assert_eq!(run.code, 0, "{run:?}");
    place.git(".", &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
    let id = place.run_id();
    (place, id)
}

fn with_remote() -> (Place, String) {
    let (place, id) = won();
    place.git("packs/best", &["remote", "add", "origin", "../../remote.git"]);
    (place, id)
}

fn receipt(place: &Place, id: &str) -> String {
    std::fs::read_to_string(place.path(&format!("runs/{id}/receipts/publish.json"))).expect("a receipt")
}

fn states(plan: &Printed) -> Vec<(String, String)> {
    let plan: Value = serde_json::from_str(&plan.out).unwrap_or_else(|error| panic!("{error}: {plan:?}"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let steps = plan["steps"].as_array().expect("steps");
    steps.iter().map(|step| (text(&step["name"]), text(&step["state"]))).collect()
}

/// The states of all steps but the last, which is left out.
fn check_states(plan: &Printed, expected: [&str; 4]) {
    let names = ["check", "commit", "push", "fetch back", "on chain"];
    let expected: Vec<(String, String)> = names
        .iter()
        .zip(expected.into_iter().chain(["not_wanted"]))
        .map(|(name, state)| ((*name).to_owned(), state.to_owned()))
        .collect();
    assert_eq!(states(plan), expected, "{plan:?}");
}

#[test]
fn a_plan_changes_nothing_and_doing_it_twice_no_more_than_once() {
    let (place, id) = with_remote();
    let before = receipt(&place, &id);
    let plan = place.optimize(&["publish"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(
        plan.out.contains(
            "push       to do     to main of origin (../../remote.git), never forced; cannot be undone"
        ),
        "{}",
        plan.out
    );
    assert!(
        plan.err.contains(&format!("Nothing was done yet. To do it: optimize publish {id} --yes")),
        "{}",
        plan.err
    );
    check_states(&place.optimize(&["publish", "--json"]), ["done", "done", "to_do", "to_do"]);
    assert_eq!(receipt(&place, &id), before);
    assert_eq!(place.git("remote.git", &["for-each-ref"]), "");

    let done = place.optimize(&["publish", &id, "--yes"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("Fetched    from main of ../../remote.git: the pack "), "{}", done.out);
    let (kept, head) = (receipt(&place, &id), place.git("remote.git", &["rev-parse", "main"]));
    assert!(kept.contains(head.trim()) && kept.contains("\"same\""), "{kept}");

    check_states(&place.optimize(&["publish", "--json"]), ["done"; 4]);
    for again in [&["publish", "--yes"][..], &["publish", "--no-push", "--yes"], &["--resume", &id]] {
        let again = place.optimize(again);
        assert_eq!(again.code, 0, "{again:?}");
        assert_eq!(receipt(&place, &id), kept);
        assert_eq!(place.git("remote.git", &["rev-list", "--count", "main"]).trim(), "1");
    }
    let told = place.optimize(&["report"]).out;
    assert!(told.contains("Fetched    from main of ../../remote.git"), "{told}");
}

#[cfg(unix)]
#[test]
fn what_stands_against_it_is_told_before_and_after() {
    let (place, id) = with_remote();
    let hook = declining(&place);
    let stuck = place.optimize(&["publish", "--yes"]);
    assert_eq!(stuck.code, 5, "{stuck:?}");
    assert!(
        stuck.out.contains("not on a Friday") && stuck.out.contains(&format!("optimize publish {id}")),
        "{}",
        stuck.out
    );
    assert!(place.optimize(&["report"]).out.contains(&format!("Next: optimize publish {id}")));
    std::fs::remove_file(&hook).expect("an own file");
    assert_eq!(place.optimize(&["publish", "--yes"]).code, 0);

    // Another pack came between: nothing is published over it.
    place.git("packs/best", &["rm", "--quiet", "AGENTS.md"]);
    std::fs::write(place.path("other.md"), "# Other\n").expect("a writable folder");
    let built = place.optimize(&[
        "pack",
        "build",
        "--agents",
        "other.md",
        "--output",
        "packs/best/pack.json",
        "--force",
    ]);
    assert_eq!(built.code, 0, "{built:?}");
    place.git("packs/best", &["commit", "--quiet", "--all", "--message", "by hand"]);
    let refused = place.optimize(&["publish", "--json"]);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(
        states(&refused)[1].1 == "refused" && refused.out.contains("got another pack"),
        "{}",
        refused.out
    );
    let nothing = place.optimize(&["publish", "nothing"]);
    assert!(nothing.code == 3 && nothing.err.contains("there is no run"), "{nothing:?}");
}

#[test]
fn what_lies_at_the_public_address_is_hashed() {
    let (place, id) = with_remote();
    assert_eq!(place.optimize(&["publish", "--yes"]).code, 0);
    let pack = std::fs::read_to_string(place.path("packs/best/pack.json")).expect("a pack");
    let other = pack.replace("# Agent", "# Agents");
    let address = served([other, pack.clone(), pack].iter().map(|pack| found(pack)).collect());
    let publish = |wait: &str| {
        place.optimize(&["publish", &id, "--yes", "--public-url", &address, "--public-wait", wait])
    };
    let stale = publish("0");
    assert_eq!(stale.code, 5, "{stale:?}");
    assert!(
        stale.out.contains("and it is another: ") && stale.out.contains("pushed, but not seen there"),
        "{}",
        stale.out
    );
    assert!(place.optimize(&["report"]).out.contains("and it is another"));
    let fresh = publish("0");
    assert_eq!(fresh.code, 0, "{fresh:?}");
    assert!(receipt(&place, &id).contains(&address));
    place.git("packs/best", &["remote", "set-url", "origin", "../../nowhere.git"]);
    let nowhere = place.optimize(&["publish"]);
    assert!(nowhere.code == 5 && nowhere.out.contains("push       REFUSED"), "{nowhere:?}");
    let gone = place.optimize(&["publish", "--public-url", "gopher://x"]);
    assert!(gone.code == 2 && gone.err.contains("begins with https:// or http://"), "{gone:?}");
}

/// A hook of the remote that takes no push.
#[cfg(unix)]
fn declining(place: &Place) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let hook = place.path("remote.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a writable folder");
    std::fs::write(&hook, "#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n").expect("a writable folder");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("an own file");
    hook
}

#[cfg(unix)]
#[test]
fn a_batch_goes_on_with_a_winner_that_got_stuck() {
    let place = Place::new();
    std::fs::write(place.path("AGENTS.md"), WEAK).expect("a writable folder");
    place.git(".", &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
    place.git(".", &["init", "--quiet", "--initial-branch", "main", "packs/best"]);
    place.git("packs/best", &["remote", "add", "origin", "../../remote.git"]);
    let night =
        "defaults: {publish: true, champion: none, start: AGENTS.md, budget: 200}\nruns:\n  - {seed: 7}\n";
    std::fs::write(place.path("night.yaml"), night).expect("a writable folder");
    let hook = declining(&place);
    let stuck = place.optimize(&["batch", "night.yaml"]);
    assert_eq!(stuck.code, 5, "{stuck:?}");
    let id = place.run_ids().into_iter().find(|name| !name.starts_with("batch-")).expect("a run");
    let left = format!("NOT PUBLISHED: run 1 (run {id}); `optimize publish {id}` shows what is left");
    assert!(stuck.out.contains(&left), "{stuck:?}");

    std::fs::remove_file(&hook).expect("an own file");
    let done = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!((done.code, outcomes(&done)), (0, vec!["finished".to_owned()]), "{done:?}");
    let (kept, head) = (receipt(&place, &id), place.git("remote.git", &["rev-parse", "main"]));
    let same = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!((same.code, outcomes(&same)), (0, vec!["kept".to_owned()]), "{same:?}");
    assert_eq!(receipt(&place, &id), kept);
    assert_eq!(place.git("remote.git", &["rev-parse", "main"]), head);
}
