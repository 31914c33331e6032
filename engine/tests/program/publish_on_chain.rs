//! Publishing without a person, to the last step: a night that ends on chain, and what stops it before anybody sees a pack.

use super::WEAK;
use super::batch::{outcomes, results};
use super::chain::{node, optimize};
use super::place::{Place, Printed, found, served};
use super::wallet::with_wallet;
use crate::chain::node::{Fault, Node};
use packwright::pack::{Pack, PackMetadata};
use serde_json::Value;

/// A place with a wallet, a pack to improve, and a pack repository with an empty remote.
fn place() -> Place {
    let place = with_wallet();
    std::fs::write(place.path("AGENTS.md"), WEAK).expect("a writable folder");
    place.git(".", &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
    place.git(".", &["init", "--quiet", "--initial-branch", "main", "packs/best"]);
    place.git("packs/best", &["remote", "add", "origin", "../../remote.git"]);
    place
}

const RUN: [&str; 10] = [
    "--budget",
    "200",
    "--seed",
    "7",
    "--start",
    "AGENTS.md",
    "--publish",
    "--champion",
    "none",
    "--on-chain",
];

fn publishing(place: &Place, node: &Node, more: &[&str]) -> Printed {
    optimize(place, node, &[&RUN[..], &["--repo", "me/packs"], more].concat())
}

fn receipt(place: &Place, id: &str) -> String {
    std::fs::read_to_string(place.path(&format!("runs/{id}/receipts/publish.json"))).expect("a receipt")
}

/// What the chain holds must be what anybody can fetch.
fn check_published(place: &Place, node: &Node, id: &str) {
    let commit = place.git("remote.git", &["rev-parse", "main"]);
    std::fs::write(place.path("fetched.json"), place.git("remote.git", &["show", "main:pack.json"]))
        .expect("a file");
    let hash = place.optimize(&["pack", "hash", "fetched.json"]).out;
    let text = format!("{}|{}|me/packs", hash.trim(), commit.trim());
    let status: Value =
        serde_json::from_str(&optimize(place, node, &["chain", "status", "--json"]).out).expect("JSON");
    assert_eq!(status["stored"]["fields"][0]["text"], text.as_str());
    let kept: Value = serde_json::from_str(&receipt(place, id)).expect("JSON");
    assert_eq!(kept["chain"]["written"]["payload"], text.as_str(), "{kept}");
    assert_eq!(kept["fetched_back"]["same"]["hash"], hash.trim(), "{kept}");
    assert_eq!(place.git("remote.git", &["rev-list", "--count", "main"]).trim(), "1");
}

#[test]
fn a_night_ends_on_chain_and_the_same_again_changes_nothing() {
    let (place, node) = (place(), node());
    let night = format!(
        "defaults:\n  publish: true\n  champion: none\n  on-chain: true\n  repo: me/packs\n  netuid: 11\n  wallet: miner\n  \
         chain-endpoint: {}\n  start: AGENTS.md\n  budget: 200\nruns:\n  - {{name: night, seed: 7}}\n",
        node.address
    );
    std::fs::write(place.path("night.yaml"), night).expect("a file");
    let first = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!((first.code, outcomes(&first)), (0, vec!["finished".to_owned()]), "{first:?}");
    let id = results(&first)[0]["run"].as_str().expect("a run").to_owned();
    check_published(&place, &node, &id);
    let (kept, blocks) = (receipt(&place, &id), node.counts());
    assert_eq!(blocks.0, 1, "one extrinsic");

    let second = place.optimize(&["batch", "night.yaml", "--json"]);
    assert_eq!((second.code, outcomes(&second)), (0, vec!["kept".to_owned()]), "{second:?}");
    let by_hand = optimize(&place, &node, &["publish", &id, "--yes"]);
    assert_eq!(by_hand.code, 0, "{by_hand:?}");
    assert!(by_hand.out.contains("on chain   done      it holds just this"), "{by_hand:?}");
    let resumed = place.optimize(&["--resume", &id]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!((receipt(&place, &id), node.counts()), (kept, blocks));
    check_published(&place, &node, &id);
    let told = place.optimize(&["report", &id]).out;
    assert!(
        told.contains("On chain   subnet 11 holds ") && !told.contains("Next: optimize publish"),
        "{told}"
    );
}

#[test]
fn a_chain_that_refuses_is_told_and_gone_on_with() {
    let (place, node) = (place(), node());
    node.set(Fault::Refuses(1010));
    let teller = "command:sh -c 'printf %s \"$1\" >> told.txt' teller";
    let stuck = publishing(&place, &node, &["--notify", teller]);
    assert_eq!(stuck.code, 5, "{stuck:?}");
    assert!(stuck.err.contains("published without a person: pushed to main of origin"), "{stuck:?}");
    assert!(stuck.err.contains("which cannot be undone: to subnet 11 by 5"), "{stuck:?}");
    let id = place.run_id();
    assert!(stuck.out.contains(&format!("To go on: optimize publish {id} --yes")), "{stuck:?}");
    assert!(receipt(&place, &id).contains("not_written"));
    let told = std::fs::read_to_string(place.path("told.txt")).expect("a message");
    assert!(told.contains("its commitment is not on chain") && told.contains("optimize publish"), "{told}");

    node.set(Fault::Nothing);
    let plan = optimize(&place, &node, &["publish"]);
    assert!(plan.code == 0 && plan.out.contains("on chain   to do     to subnet 11 by 5"), "{plan:?}");
    assert_eq!(node.counts().1, 1_000, "a plan writes nothing");
    let done = optimize(&place, &node, &["publish", "--yes"]);
    assert_eq!(done.code, 0, "{done:?}");
    check_published(&place, &node, &id);
}

#[test]
fn nothing_is_pushed_where_the_commitment_could_not_follow() {
    let (place, node) = (place(), node());
    let won = place.optimize(&["--budget", "200", "--seed", "7", "--start", "AGENTS.md", "--no-push"]);
    assert_eq!(won.code, 0, "{won:?}");
    let publish = |more: &[&str]| {
        optimize(&place, &node, &[&["publish", "--yes", "--on-chain", "--repo", "me/packs"], more].concat())
    };
    let uids = std::mem::take(&mut node.chain().uids);
    let stranger = publish(&[]);
    assert!(stranger.code == 6 && stranger.out.contains("on chain   REFUSED   the hotkey"), "{stranger:?}");
    let nowhere = publish(&["--chain-endpoint", "ws://127.0.0.1:9"]);
    assert!(nowhere.code == 5 && nowhere.out.contains("on chain   REFUSED   cannot use"), "{nowhere:?}");
    assert_eq!(place.git("remote.git", &["for-each-ref"]), "");
    assert_eq!(publish(&["--no-push"]).code, 2, "what is not pushed nobody can fetch");

    // The command that the plan names does it, also without what stands in the environment.
    node.chain().uids = uids;
    let plan = optimize(&place, &node, &["publish", "--on-chain", "--repo", "me/packs"]);
    let again = plan.err.split_once("To do it: optimize ").unwrap_or_else(|| panic!("{plan:?}")).1;
    assert!(plan.out.contains("COMMIT") || plan.out.contains("commit     done"), "{plan:?}");
    let done = place.optimize(&again.split_whitespace().collect::<Vec<_>>());
    assert_eq!(done.code, 0, "{again}: {done:?}");
    check_published(&place, &node, &place.run_id());
}

#[test]
fn what_would_fail_in_the_morning_is_told_in_the_evening() {
    let (place, node) = (place(), node());
    let check = |more: &[&str], code: i32, words: &str| {
        let refused = publishing(&place, &node, more);
        assert!(refused.code == code && refused.err.contains(words), "{words}: {refused:?}");
        assert!(place.run_ids().is_empty(), "nothing is begun: {refused:?}");
    };
    check(&["--wallet", "nobody"], 3, "is not there");
    check(&["--hotkey", "../x"], 3, "no name of a wallet or hotkey");
    check(&["--chain-endpoint", "ws://127.0.0.1:9"], 5, "cannot use the node");
    check(&["--chain-endpoint", "ws://127.0.0.1:9/key"], 3, "set PACKWRIGHT_CHAIN_ENDPOINT to it");
    check(&["--chain-genesis", &"12".repeat(32)], 3, "another network");
    check(&["--channel", "url-commitment"], 3, "give --public-url URL");
    check(&["--no-push"], 2, "cannot be used with");

    let other = |arguments: &[&str], code: i32, words: &str| {
        let refused = optimize(&place, &node, arguments);
        assert!(refused.code == code && refused.err.contains(words), "{words}: {refused:?}");
        assert!(place.run_ids().is_empty(), "nothing is begun: {refused:?}");
    };
    other(&["--publish"], 2, "--champion <PACK>");
    other(&["--on-chain"], 3, "add that");
    let bare = ["--publish", "--champion", "none", "--on-chain"];
    other(&bare, 3, "give --repo OWNER/REPO");
    other(&[&bare[..], &["--repo", "some-owner/trajectory-packs"]].concat(), 3, "at most 22 fit");
    let alone = place.optimize(&bare);
    let missing = "--on-chain also needs --chain-endpoint ADDRESS and --netuid N and --wallet NAME";
    assert!(alone.code == 3 && alone.err.contains(missing), "{alone:?}");

    node.chain().uids.clear();
    place.git("packs/best", &["remote", "remove", "origin"]);
    let both = publishing(&place, &node, &[]);
    assert!(
        both.code == 3 && both.err.contains("has no remote that a winner could be pushed to"),
        "{both:?}"
    );
    assert!(both.err.contains("not registered on subnet 11"), "all is told at once: {both:?}");

    let doctor = optimize(
        &place,
        &node,
        &[&["doctor", "--no-canary", "--json"], &RUN[..], &["--repo", "me/packs"]].concat(),
    );
    let report: Value = serde_json::from_str(&doctor.out).expect("JSON");
    let status = |name: &str| {
        let rows = report["checks"].as_array().expect("rows");
        rows.iter().find(|row| row["name"] == name).expect("a row")["status"]
            .as_str()
            .expect("a word")
            .to_owned()
    };
    let found = ["lint", "champion", "wallet", "chain"].map(status);
    assert_eq!(found, ["passed", "not_configured", "passed", "failed"], "{doctor:?}");
}

#[test]
fn a_copy_of_the_champion_is_never_seen_by_anybody() {
    let (first, second, node) = (place(), place(), node());
    let won = first.optimize(&["--budget", "200", "--seed", "7", "--start", "AGENTS.md"]);
    assert_eq!(won.code, 0, "{won:?}");
    // In the evening it is another one, by the end of the run the same, and then nobody knows.
    let winner = std::fs::read_to_string(first.path("packs/best/pack.json")).expect("a pack");
    let other = Pack::of_policy("# Another\n\nSay as little as you can.\n", &PackMetadata::default());
    let champion = served(vec![found(&other.document().dumps()), found(&winner)]);
    let run = |place: &Place| {
        let mut run = RUN.to_vec();
        run[8] = &champion;
        optimize(place, &node, &[&run[..], &["--repo", "me/packs"]].concat())
    };
    let copy = run(&second);
    assert_eq!(copy.code, 6, "{copy:?}");
    assert!(copy.out.contains("near-copy"), "{copy:?}");
    let id = second.run_id();
    let gone = second.optimize(&["--resume", &id]);
    assert!(gone.code == 5 && gone.out.contains("the champion's pack of today is not known"), "{gone:?}");
    assert_eq!((second.git("remote.git", &["for-each-ref"]).as_str(), node.counts().0), ("", 0));
}
