//! `optimize chain` against a node that is none.

use super::place::{Place, Printed};
use super::wallet::with_wallet;
use crate::chain::node::{Fault, Node};
use crate::chain::runtime::Chain;
use crate::wallet::{hotkey, opened};
use serde_json::Value;

const COMMIT: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

/// A node with the wallet's hotkey on subnet 11.
pub fn node() -> Node {
    let mut chain = Chain::new();
    chain.register(11, &opened(&hotkey()).expect("a key").address());
    Node::start(chain)
}

/// The program with the node, the subnet and the wallet in its environment.
pub fn optimize(place: &Place, node: &Node, arguments: &[&str]) -> Printed {
    let mut command = place.command(arguments);
    command.env("PACKWRIGHT_CHAIN_ENDPOINT", &node.address).env("PACKWRIGHT_NETUID", "11");
    Printed::of(command.env("PACKWRIGHT_WALLET", "miner").output().expect("a start"))
}

fn chain(place: &Place, node: &Node, arguments: &[&str]) -> Printed {
    optimize(place, node, &[&["chain"], arguments].concat())
}

fn submit(place: &Place, node: &Node, more: &[&str]) -> Printed {
    let arguments = ["submit", "baseline", "--repo", "me/packs", "--commit", COMMIT];
    chain(place, node, &[&arguments, more].concat())
}

#[test]
fn a_commitment_is_planned_then_written_and_written_once() {
    let (place, node) = (with_wallet(), node());
    let hash = place.optimize(&["pack", "hash", "baseline"]).out;
    let payload = format!("{}|{COMMIT}|me/packs", hash.trim());
    for plan in [submit(&place, &node, &[]), submit(&place, &node, &["--dry-run"])] {
        assert_eq!((plan.code, plan.err.as_str()), (0, ""), "{plan:?}");
        for words in
            [&payload, "114 of 128 bytes", "0x12000b000473", "cannot be taken back", "Add --yes to write it"]
        {
            assert!(plan.out.contains(words), "{words}: {plan:?}");
        }
    }
    assert_eq!(node.counts(), (0, 1_000));

    let written = submit(&place, &node, &["--yes"]);
    assert_eq!(written.code, 0, "{written:?}");
    assert!(
        written.out.starts_with(&format!("written and read back: {payload}\nin block 1001 ")),
        "{written:?}"
    );
    assert!(written.err.contains("sent as 0x"), "{written:?}");
    let again = submit(&place, &node, &["--yes"]);
    assert_eq!(again.out, format!("nothing was done: block 1001 holds just this: {payload}\n"), "{again:?}");
    assert_eq!((again.code, node.counts()), (0, (1, 1_001)));

    let receipt: Value =
        serde_json::from_str(&submit(&place, &node, &["--yes", "--json"]).out).expect("JSON");
    assert_eq!((&receipt["unchanged"], &receipt["read_back"]), (&true.into(), &payload.as_str().into()));
    let status: Value = serde_json::from_str(&chain(&place, &node, &["status", "--json"]).out).expect("JSON");
    assert_eq!(
        (&status["uid"], &status["stored"]["fields"][0]["text"]),
        (&0.into(), &payload.as_str().into())
    );
    let told = chain(&place, &node, &["status"]);
    assert!(told.out.contains("3100 bytes in an epoch, 114 used"), "{told:?}");
    // Of whomever, though a wallet is set.
    let other = chain(&place, &node, &["status", "--address", crate::wallet::COLD_ADDRESS]);
    assert!(other.code == 0 && other.out.contains("NOT registered on subnet 11"), "{other:?}");
}

#[test]
fn what_does_not_fit_is_told_before_anybody_is_asked() {
    let place = with_wallet();
    let node = node();
    node.set(Fault::Silent);
    let check = |arguments: &[&str], words: &str| {
        let refused = chain(&place, &node, &[&["submit", "baseline"], arguments].concat());
        assert!(refused.code == 3 && refused.err.contains(words), "{refused:?}");
    };
    check(&["--repo", "owner/my-trajectory-packs", "--commit", COMMIT], "has 25 bytes, and at most 22 fit");
    check(&["--repo", "me/packs", "--commit", "a1a1a1a"], "git rev-parse HEAD");
    check(&["--url", "https://e.x/p.json"], "takes --repo OWNER/REPO and --commit ID");
    check(&["--channel", "url-commitment", "--url", "ftp://e.x"], "must begin with https://");
    check(
        &["--channel", "url-commitment", "--url", &format!("https://e.x/{}", "p".repeat(60))],
        "at most 63 fit",
    );
}

#[test]
fn exit_codes_tell_whose_fault_a_chain_is() {
    let (place, node) = (with_wallet(), node());
    node.set(Fault::Refuses(1010));
    let refused = submit(&place, &node, &["--yes"]);
    assert!(refused.code == 5 && refused.err.contains("nothing is stored"), "{refused:?}");
    node.chain().uids.clear();
    for arguments in [&["--yes"][..], &[]] {
        let stranger = submit(&place, &node, arguments);
        assert!(stranger.code == 6 && stranger.err.contains("not registered on subnet 11"), "{stranger:?}");
    }
    let elsewhere = submit(&place, &node, &["--chain-genesis", &"12".repeat(32)]);
    assert!(elsewhere.code == 3 && elsewhere.err.contains("another network"), "{elsewhere:?}");
    let nowhere = submit(&place, &node, &["--chain-endpoint", "ws://127.0.0.1:9"]);
    assert!(nowhere.code == 5 && nowhere.err.contains("nothing was sent"), "{nowhere:?}");
    let insecure = submit(&place, &node, &["--chain-endpoint", "ws://node.example"]);
    assert!(insecure.code == 3 && insecure.err.contains("wss://"), "{insecure:?}");
    assert!(place.optimize(&["chain", "status", "--netuid", "11"]).code == 2, "a node must be named");
}
