//! What the store promises: durable, append-only, one writer, transcripts unchanged.

use super::*;
use crate::episode::{AssistantTurn, EpisodeKey, FailureClass, Message, Outcome, ToolCall, Usage};
use crate::event::{EpisodeUnmeasured, Event};
use crate::units::PackHash;
use crate::value::parse;

fn unmeasured(ordinal: u32) -> Record {
    let key = EpisodeKey { candidate: PackHash("ab".into()), scenario: "s".into(), repeat: 0 };
    let (reason, class, usage) = ("down".into(), FailureClass::Transient, Usage::default());
    let event = Event::EpisodeUnmeasured(EpisodeUnmeasured { key, reason, class, usage });
    Record { ordinal, event, wall_clock: WallClock { recorded_ms: 5, took_ms: Some(7) } }
}

fn episode() -> Episode {
    let value = |text: &str| parse(text.as_bytes()).unwrap();
    Episode {
        outcome: Outcome::Finished,
        response: "done \u{1f680}".into(),
        tool_calls: vec![ToolCall {
            tool: "exec".into(),
            args: value(r#"{"n": 1.0, "m": 1}"#),
            response: value("[123456789012345678901234567890]"),
        }],
        model_calls: 2,
        usage: Usage { input_tokens: Some(3), ..Usage::default() },
        resolved_model: None,
        transcript: vec![Message::User("hi".into()), Message::Assistant(AssistantTurn::default())],
        external: None,
    }
}

#[test]
fn what_is_recorded_is_read_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(folder.path(), &serde_json::json!({"suite": "x"})).unwrap();
    store.record(&[(unmeasured(2), Some(episode()))]).unwrap();
    store.record(&[(unmeasured(0), None), (unmeasured(1), None)]).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.records().unwrap(), [unmeasured(0), unmeasured(1), unmeasured(2)]);
    assert_eq!(store.episode(2).unwrap(), Some(episode()));
    assert_eq!(store.episode(1).unwrap(), None);
    assert_eq!(store.settings().unwrap(), serde_json::json!({"suite": "x"}));
}

#[test]
fn an_ordinal_is_recorded_once_and_a_failed_batch_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(folder.path(), &serde_json::Value::Null).unwrap();
    store.record(&[(unmeasured(0), None)]).unwrap();
    assert!(store.record(&[(unmeasured(1), None), (unmeasured(0), None)]).is_err());
    assert_eq!(store.records().unwrap().len(), 1);
}

#[test]
fn events_cannot_be_changed_or_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(folder.path(), &serde_json::Value::Null).unwrap();
    store.record(&[(unmeasured(0), None)]).unwrap();
    assert!(store.connection.execute("DELETE FROM events", []).is_err());
    assert!(store.connection.execute("UPDATE events SET body = ''", []).is_err());
}

#[test]
fn the_time_of_a_run_stands_still_for_who_only_looks_at_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::create(folder.path(), &serde_json::Value::Null).unwrap());
    let store = Store::open_to_read(folder.path()).unwrap();
    let worked_ms = store.worked_ms();
    std::thread::sleep(std::time::Duration::from_millis(3));
    assert_eq!(store.worked_ms(), worked_ms);
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path(), &serde_json::Value::Null).unwrap();
    let message = format!("{:#}", Store::open(folder.path()).err().unwrap());
    assert!(message.contains(&format!("in use by process {}", std::process::id())), "{message}");
    assert!(Store::open_to_read(folder.path()).unwrap().records().unwrap().is_empty());
    drop(store);
    assert!(Store::open(folder.path()).is_ok());
}

#[test]
fn a_store_of_a_newer_version_or_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path(), &serde_json::Value::Null).unwrap();
    store.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let message = format!("{:#}", Store::open(folder.path()).err().unwrap());
    assert!(message.contains("made by a newer packwright"), "{message}");
    assert!(Store::open(&folder.path().join("nowhere")).is_err());
    std::fs::write(folder.path().join("run.sqlite"), "not a database at all, but long enough to look")
        .unwrap();
    assert!(Store::open(folder.path()).is_err());
}

#[test]
fn a_transcript_is_unpacked_whole_or_not_at_all() {
    let text: String = (0..50_000).map(|number| format!("{number},")).collect();
    let packed = compressed(&text).unwrap();
    let unpack = |packed: &[u8]| Transcript { ordinal: 1, packed: packed.to_vec() }.json();
    assert_eq!(unpack(&packed).unwrap(), text);
    assert!(unpack(&packed[..packed.len() / 2]).is_err());
    // Far more than what a buffer is made for.
    let flat = "x".repeat(1_000_000);
    assert_eq!(unpack(&compressed(&flat).unwrap()).unwrap(), flat);
}
