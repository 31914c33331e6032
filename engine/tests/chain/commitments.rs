//! The texts of commitments, as miners' and validators' own programs write and read them.

use crate::conformance;
use packwright::publish::{Commitment, ConsensusNote};
use packwright::score::Channel;
use packwright::units::PackHash;
use serde_json::{Value, json};

#[test]
fn commitments_are_written_and_read_as_the_subnet_does() {
    let Some(lines) = conformance::lines("commitments.jsonl") else { return };
    let mut counts = [0; 3];
    for line in &lines {
        let vector: Value = serde_json::from_str(line).expect("a vector is JSON");
        let kind = match vector["op"].as_str() {
            Some("format") => check_written(&vector),
            Some("parse") => check_read(&vector),
            Some("parse_consensus") => check_consensus(&vector),
            other => panic!("{other:?}"),
        };
        counts[kind] += 1;
    }
    let [written, read, consensus] = counts;
    println!("commitments.jsonl: {} of {} vectors agree", lines.len(), lines.len());
    println!("  of these {written} written, {read} read, {consensus} of validators");
    assert_eq!(lines.len(), 59);
}

fn channel(vector: &Value) -> Channel {
    match vector["variant"].as_str() {
        Some("git_2026_02_24") => Channel::GitCommitment,
        Some("url_2026_03_04" | "head_2026_07") => Channel::UrlCommitment,
        other => panic!("{other:?}"),
    }
}

fn check_written(vector: &Value) -> usize {
    let text = |key: &str| vector["input"][key].as_str().expect("a text").to_owned();
    let pack_hash = PackHash(text("pack_hash"));
    let commitment = match channel(vector) {
        Channel::GitCommitment => {
            Commitment::Git { pack_hash, commit: text("git_commit"), repository: text("repo") }
        }
        Channel::UrlCommitment => Commitment::Url { pack_hash, url: text("pack_url") },
    };
    match commitment.text() {
        Ok(written) => {
            assert_eq!(
                (&vector["ok"], &vector["result"]),
                (&json!(true), &json!(written)),
                "{}",
                vector["id"]
            );
            assert_eq!(vector["bytes"], written.len(), "{}", vector["id"]);
        }
        Err(error) => {
            assert_eq!(
                (&vector["ok"], &vector["error"]),
                (&json!(false), &json!(error.code())),
                "{}",
                vector["id"]
            );
        }
    }
    0
}

fn check_read(vector: &Value) -> usize {
    // What is no text has no type here.
    let read = vector["input"].as_str().and_then(|text| Commitment::read(text, channel(vector)));
    let read = match read {
        Some(Commitment::Git { pack_hash, commit, repository }) => json!([pack_hash, commit, repository]),
        Some(Commitment::Url { pack_hash, url }) => json!([pack_hash, url]),
        None => Value::Null,
    };
    assert_eq!(vector["result"], read, "{}", vector["id"]);
    1
}

fn check_consensus(vector: &Value) -> usize {
    let note = ConsensusNote::read(vector["input"].as_str().expect("a text")).expect("a note");
    let read = json!([note.protocol, note.window, note.address, note.spec]);
    assert_eq!(vector["result"], read, "{}", vector["id"]);
    2
}
