//! Runs changed behind their own back: with words in them that would be markup, and with transcripts that are far too
//! long for a page.

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use rusqlite::{Connection, params};
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// What no page may take for markup, wherever a model puts it.
const WORDS: &str = "</script><img src=x onerror=\"globalThis.pwned=1\"><script>globalThis.pwned=1</script><!-- \u{202e}{{7*7}}";

/// Puts the words into everything that models write: answers, tool calls and their answers, policies, and what writers
/// say of them.
pub fn make_hostile(run: &Path) {
    let connection = Connection::open(run).expect("the run");
    connection.execute_batch("DROP TRIGGER events_are_never_changed").expect("no trigger");
    for ordinal in ordinals(&connection, "SELECT ordinal FROM transcripts") {
        change_transcript(&connection, ordinal, |episode| {
            spoil(&mut episode["transcript"]);
            let response = episode["response"].as_str().expect("a text").to_owned();
            episode["response"] = Value::String(format!("{WORDS}\n{response}\n{WORDS}"));
        });
    }
    for ordinal in ordinals(&connection, "SELECT ordinal FROM events") {
        let body: String = connection
            .query_row("SELECT body FROM events WHERE ordinal = ?1", [ordinal], |row| row.get(0))
            .expect("an event");
        let mut event: Value = serde_json::from_str(&body).expect("JSON");
        let Some(proposed) = event.get_mut("proposed") else { continue };
        proposed["rationale"] = Value::String(WORDS.to_owned());
        let policy = proposed["candidate"]["agents_md"].as_str().expect("a policy").to_owned();
        proposed["candidate"]["agents_md"] = Value::String(format!("{policy}- {WORDS}\n"));
        connection
            .execute("UPDATE events SET body = ?2 WHERE ordinal = ?1", params![ordinal, event.to_string()])
            .expect("a change");
    }
}

/// Gives every answer many lines of its own that no compression makes short.
pub fn make_long(run: &Path) {
    let connection = Connection::open(run).expect("the run");
    let mut state = 7_u64;
    for ordinal in ordinals(&connection, "SELECT ordinal FROM transcripts") {
        let mut line = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", state ^ (state >> 29))
        };
        let noise: Vec<String> = (0..2_000).map(|_| line()).collect();
        change_transcript(&connection, ordinal, |episode| {
            let user = serde_json::json!({"user": noise.join("\n")});
            episode["transcript"].as_array_mut().expect("messages").push(user);
        });
    }
}

fn ordinals(connection: &Connection, sql: &str) -> Vec<u32> {
    let mut statement = connection.prepare(sql).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("an ordinal")).collect()
}

fn change_transcript(connection: &Connection, ordinal: u32, change: impl FnOnce(&mut Value)) {
    let packed: Vec<u8> = connection
        .query_row("SELECT body FROM transcripts WHERE ordinal = ?1", [ordinal], |row| row.get(0))
        .expect("a transcript");
    let mut text = String::new();
    DeflateDecoder::new(&packed[..]).read_to_string(&mut text).expect("text");
    let mut episode: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut episode);
    let mut packed = Vec::new();
    let text = episode.to_string();
    DeflateEncoder::new(text.as_bytes(), Compression::fast()).read_to_end(&mut packed).expect("bytes");
    connection
        .execute("UPDATE transcripts SET body = ?2 WHERE ordinal = ?1", params![ordinal, packed])
        .expect("a change");
}

/// Adds the words to every text within a value, but not to its keys.
fn spoil(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str(WORDS),
        Value::Array(items) => items.iter_mut().for_each(spoil),
        Value::Object(map) => map.values_mut().for_each(spoil),
        _ => {}
    }
}
