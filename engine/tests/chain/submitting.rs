//! Commitments through a node: what is sent, what is checked before, and what is done when the node fails.

use super::node::{Fault, Node};
use super::runtime::Chain;
use crate::conformance;
use crate::wallet::{bytes, hotkey, opened};
use packwright::publish::chain::{
    Allowance, ChainError, ChainProgress, ERA_BLOCKS, Endpoint, Submission, Waits, plan, status, submit,
};
use packwright::publish::{ChainReceipt, Commitment};
use packwright::units::PackHash;
use packwright::units::to_hex;
use packwright::wallet::{Address, Key, from_hex};
use serde_json::Value;
use std::time::Duration;

const NETUID: u16 = 11;

/// A node with one registered hotkey.
fn node() -> (Node, Key) {
    let key = opened(&hotkey()).expect("a key");
    let mut chain = Chain::new();
    chain.register(NETUID, &key.address());
    (Node::start(chain), key)
}

/// With little patience.
fn endpoint(node: &Node) -> Endpoint {
    let mut endpoint = Endpoint::new(&node.address, None).expect("an address");
    let short = Duration::from_millis(700);
    endpoint.waits =
        Waits { answer: short, finality: short, look: short, look_every: Duration::from_millis(100) };
    endpoint
}

fn submission() -> Submission {
    let commitment = Commitment::Git {
        pack_hash: PackHash("0f".repeat(32)),
        commit: "a1".repeat(20),
        repository: "https://github.com/me/packs".into(),
    };
    Submission::new(NETUID, &commitment).expect("it fits")
}

async fn sent(node: &Node, key: &Key) -> (Result<ChainReceipt, ChainError>, Vec<ChainProgress>) {
    let mut told = Vec::new();
    let receipt = submit(&submission(), &endpoint(node), key, &mut |progress| told.push(progress)).await;
    (receipt, told)
}

#[tokio::test]
async fn a_commitment_is_written_once_and_read_back() {
    let (node, key) = node();
    let (receipt, told) = sent(&node, &key).await;
    let receipt = receipt.expect("it is taken");
    let text = submission().payload().to_owned();
    assert_eq!((receipt.unchanged, receipt.block, receipt.netuid), (false, 1_001, NETUID));
    assert_eq!((&receipt.payload, &receipt.read_back, receipt.hotkey), (&text, &text, key.address()));
    assert_eq!((receipt.genesis, receipt.spec_version), (format!("0x{}", "11".repeat(32)), 363));
    let extrinsic = receipt.extrinsic.expect("one was sent");
    assert_eq!(extrinsic.index, Some(0));
    assert_eq!(extrinsic.block_hash, format!("0x{}", to_hex(&node.chain().newest().hash)));
    assert!(
        matches!(
            &told[..],
            [
                ChainProgress::Checked,
                ChainProgress::Sent { .. },
                ChainProgress::InBlock { .. },
                ChainProgress::Final { .. }
            ]
        ),
        "{told:?}"
    );
    assert_eq!(node.chain().commitments[&(NETUID, key.address().0)], (1_001, text.clone().into_bytes()));

    // The same again changes nothing, and sends nothing.
    let (again, told) = sent(&node, &key).await;
    let again = again.expect("it is there");
    assert_eq!((again.unchanged, again.block, again.extrinsic), (true, 1_001, None));
    assert_eq!(told, [ChainProgress::Unchanged]);
    assert_eq!(node.chain().handed_in, 1);

    let status = status(&endpoint(&node), NETUID, &key.address()).await.expect("a status");
    assert_eq!((status.uid, status.block), (Some(0), 1_001));
    assert!(status.stored.expect("it is stored").is(&text));
    let used = Allowance::Space { used_bytes: 114, max_bytes: 3_100, is_of_this_epoch: Some(true) };
    assert_eq!(status.allowance, used);
}

#[tokio::test]
async fn a_plan_signs_and_sends_nothing() {
    let (node, key) = node();
    let planned = plan(&submission(), &endpoint(&node), &key.address()).await.expect("a plan");
    assert!(!planned.is_stored() && planned.obstacle().is_none());
    assert!(planned.call_data.starts_with("0x12000b0004733066"), "{}", planned.call_data);
    let stranger = Address([1; 32]);
    let refused = plan(&submission(), &endpoint(&node), &stranger).await.expect("a plan").obstacle();
    assert!(matches!(refused, Some(ChainError::NotRegistered { hotkey, .. }) if hotkey == stranger));
    assert_eq!(node.counts(), (0, 1_000));
}

/// The calls, signed bytes and extrinsics of the reference, through the node.
#[tokio::test]
async fn calls_and_signed_bytes_are_those_of_the_reference() {
    let Some(lines) = conformance::lines("chain.jsonl") else { return };
    let vectors: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let text = |vector: &Value, name: &str| vector[name].as_str().expect("a text").to_owned();
    let file = vectors.iter().find(|vector| vector["name"] == "hk1").expect("a key");
    let key = opened(&file["keyfile"]).expect("a key");
    let (mut calls, mut refused, mut payloads) = (0, 0, 0);
    for vector in &vectors {
        let netuid = vector["netuid"].as_u64().unwrap_or_default() as u16;
        let submission = || Submission::of_text(netuid, &text(vector, "payload"));
        match vector["kind"].as_str() {
            Some("commitment") => {
                let node = Node::start(Chain::new());
                let submission = submission().expect("it fits");
                assert_eq!(to_hex(submission.payload().as_bytes()), vector["payload_hex"]);
                let planned = plan(&submission, &endpoint(&node), &key.address()).await.expect("a plan");
                assert_eq!(planned.call_data, format!("0x{}", text(vector, "call_data_hex")));
                calls += 1;
            }
            Some("signer_payload") => {
                check_signed(vector, &submission().expect("it fits"), &key).await;
                payloads += 1;
            }
            Some("keyfile" | "credential") => {}
            Some(_) => {
                assert!(submission().is_none(), "{vector}");
                refused += 1;
            }
            None => panic!("{vector}"),
        }
    }
    println!(
        "chain.jsonl: {calls} calls, {refused} refusal and {payloads} signed payload agree, of {}",
        lines.len()
    );
    assert_eq!((calls, refused, payloads), (13, 1, 1));
}

/// What a node got, where it is as the vector has it.
async fn check_signed(vector: &Value, submission: &Submission, key: &Key) {
    let mut chain = Chain::new();
    let text = |name: &str| vector[name].as_str().expect("a text");
    let number = |name: &str| vector[name].as_u64().expect("a number") as u32;
    chain.genesis = *from_hex(text("genesis_hash")).expect("a hash");
    chain.blocks[0].hash = *from_hex(text("era_block_hash")).expect("a hash");
    chain.blocks[0].number = number("era_current");
    chain.spec_version = number("spec_version");
    chain.transaction_version = number("tx_version");
    chain.nonces.insert(key.address().0, number("nonce"));
    chain.register(submission.netuid(), &key.address());
    assert_eq!((vector["era_period"].as_u64(), vector["tip"].as_u64()), (Some(ERA_BLOCKS), Some(0)));
    let node = Node::start(chain);
    submit(submission, &endpoint(&node), key, &mut |_| {}).await.expect("it is taken");
    assert_eq!(to_hex(&node.chain().signed[0]), text("signer_payload_hex"));
    let got = node.chain().newest().extrinsics[0].clone();
    let expected = bytes(text("rust_signed_extrinsic_hex"));
    // Two bytes of length, the version and the address; then 64 of the signature, which is never the same.
    let signature = 2 + 1 + 1 + 32 + 1..2 + 1 + 1 + 32 + 1 + 64;
    assert_eq!(
        (&got[..signature.start], &got[signature.end..]),
        (&expected[..signature.start], &expected[signature.end..])
    );
}

#[tokio::test]
async fn what_would_fail_is_not_sent() {
    let (node, key) = node();
    node.chain().uids.clear();
    let (refused, _) = sent(&node, &key).await;
    assert!(matches!(refused, Err(ChainError::NotRegistered { .. })), "{refused:?}");
    node.chain().register(NETUID, &key.address());
    node.chain().used.insert((NETUID, key.address().0), (9, 3_000));
    let (refused, _) = sent(&node, &key).await;
    assert!(
        matches!(refused, Err(ChainError::NoSpace { used: 3_000, needed: 114, max: 3_100 })),
        "{refused:?}"
    );
    assert_eq!(node.chain().handed_in, 0);
    // What was used in an earlier epoch counts no more.
    node.chain().epoch = 10;
    assert!(sent(&node, &key).await.0.is_ok());

    let mut elsewhere = Endpoint::new(&node.address, Some(&"12".repeat(32))).expect("an address");
    elsewhere.waits = endpoint(&node).waits;
    let refused = submit(&submission(), &elsewhere, &key, &mut |_| {}).await;
    assert!(matches!(refused, Err(ChainError::OtherNetwork { .. })), "{refused:?}");
    assert_eq!(node.chain().handed_in, 1);
}

#[tokio::test]
async fn a_failure_in_the_block_is_told_by_its_name() {
    let (node, key) = node();
    node.chain().used.insert((NETUID, key.address().0), (9, 3_000));
    node.chain().shown_epoch = Some(10);
    let (failed, _) = sent(&node, &key).await;
    let told = failed.expect_err("it fails").to_string();
    assert!(told.contains("Commitments::SpaceLimitExceeded") && told.contains("nothing is stored"), "{told}");
}

#[tokio::test]
async fn a_refusal_of_the_node_ends_it() {
    let (node, key) = node();
    node.set(Fault::Refuses(1010));
    let (refused, _) = sent(&node, &key).await;
    let told = refused.expect_err("it is refused").to_string();
    assert!(told.contains("Invalid Transaction (refused by the pool)"), "{told}");
    assert_eq!(node.chain().handed_in, 1);
}

#[tokio::test]
async fn a_silent_node_is_not_waited_for_for_ever() {
    let (node, key) = node();
    node.set(Fault::Silent);
    let (refused, told) = sent(&node, &key).await;
    assert!(matches!(refused, Err(ChainError::Unreachable { .. })), "{refused:?}");
    assert_eq!((told, node.chain().handed_in), (vec![], 0));
}

#[tokio::test]
async fn a_lost_subscription_is_looked_for_on_the_chain_and_nothing_is_sent_twice() {
    let (node, key) = node();
    node.set(Fault::TakesAndBreaksOff);
    let (receipt, told) = sent(&node, &key).await;
    let receipt = receipt.expect("it is found");
    let extrinsic = receipt.extrinsic.expect("one was sent");
    assert_eq!((receipt.unchanged, receipt.block, extrinsic.index), (false, 1_001, Some(0)));
    assert_eq!(extrinsic.block_hash, format!("0x{}", to_hex(&node.chain().newest().hash)));
    assert!(matches!(told.last(), Some(ChainProgress::Lost { .. })), "{told:?}");
    assert_eq!(node.counts(), (1, 1_001));
}

#[tokio::test]
async fn what_became_of_it_is_unknown_until_the_chain_can_tell() {
    for fault in [Fault::BreaksOff, Fault::StopsTelling, Fault::SaysInvalid, Fault::Refuses(1014)] {
        let (node, key) = node();
        node.set(fault);
        let (lost, told) = sent(&node, &key).await;
        let Err(ChainError::Unknown { last_block, .. }) = &lost else { panic!("{fault:?}: {lost:?}") };
        assert_eq!((*last_block, node.counts().0), (1_000 + ERA_BLOCKS, 1), "{fault:?}");
        assert!(matches!(told.last(), Some(ChainProgress::Lost { .. })), "{fault:?}: {told:?}");
        let words = lost.expect_err("it is lost").to_string();
        assert!(words.contains("sends nothing where the commitment is stored"), "{words}");
        // The same again looks first, and then may send.
        node.set(Fault::Nothing);
        assert!(!sent(&node, &key).await.0.expect("it is taken").unchanged);
        assert_eq!(node.chain().commitments.len(), 1);
    }
}

#[tokio::test]
async fn it_may_be_sent_again_when_its_time_or_number_is_over() {
    let (node, key) = node();
    node.set(Fault::StopsTelling);
    let patient = sent(&node, &key);
    let later = async {
        has_got(&node, 1).await;
        node.chain().skip(ERA_BLOCKS as u32 + 1);
    };
    let ((over, _), ()) = tokio::join!(patient, later);
    assert!(over.expect_err("its time is over").to_string().contains("its time is over"));

    let patient = sent(&node, &key);
    let later = async {
        has_got(&node, 2).await;
        node.chain().nonces.insert(key.address().0, 1);
    };
    let ((over, _), ()) = tokio::join!(patient, later);
    assert!(matches!(over, Err(ChainError::NotTaken { .. })), "{over:?}");
}

#[tokio::test]
async fn a_node_that_goes_away_for_good_leaves_it_unknown() {
    let (node, key) = node();
    node.set(Fault::TakesAndGoes);
    let (lost, _) = sent(&node, &key).await;
    assert!(matches!(lost, Err(ChainError::Unknown { .. })), "{lost:?}");
    node.set(Fault::Nothing);
    assert!(sent(&node, &key).await.0.expect("it is there").unchanged);
    assert_eq!(node.chain().handed_in, 1);
}

#[tokio::test]
async fn another_commitment_in_its_place_is_told() {
    let (node, key) = node();
    node.set(Fault::Overwrites);
    let (other, _) = sent(&node, &key).await;
    let told = other.expect_err("it is another").to_string();
    assert!(told.contains("the chain holds \"another\" instead"), "{told}");
}

async fn has_got(node: &Node, extrinsics: usize) {
    while node.counts().0 < extrinsics {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
