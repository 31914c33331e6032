//! The pack format against the validators' own answers.

use crate::conformance;
use packwright::pack::{Pack, PackIssue, Similarity, normalized};
use packwright::units::sha256_hex;
use packwright::value::{Value, parse};

#[test]
fn packs_are_read_hashed_and_judged_as_validators_do() {
    let Some(lines) = conformance::lines("packs.jsonl") else { return };
    let mut refused = Vec::new();
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        refused.extend(check_vector(&vector));
    }
    println!("packs.jsonl: {} of {} vectors agree", lines.len(), lines.len());
    println!("  of these refused, since no text can hold half a surrogate pair: {}", refused.join(", "));
    assert_eq!((lines.len(), refused.len()), (80, 1));
}

#[test]
fn policies_are_as_similar_as_validators_find_them() {
    let Some(lines) = conformance::lines("ncd.jsonl") else { return };
    for line in &lines {
        let vector: serde_json::Value = serde_json::from_str(line).expect("a vector is JSON");
        let text = |key: &str| vector[key].as_str().expect("a text");
        let id = text("id");
        let similarity = Similarity::of_texts(text("a"), text("b"));
        // The vectors leave out the normalized form of long texts.
        for (text, form) in [(text("a"), "norm_a"), (text("b"), "norm_b")] {
            if let Some(expected) = vector[form].as_str() {
                assert_eq!(normalized(text), expected, "{id}");
            }
            assert_eq!(normalized(text).len() as u64, vector[format!("{form}_bytes")], "{id}");
        }
        let lengths = ["ca", "cb", "cab"].map(|key| vector[key].as_u64().expect("a length") as usize);
        assert_eq!([similarity.first, similarity.second, similarity.both], lengths, "{id}");
        let expected = vector["similarity"].as_f64().expect("a number");
        assert_eq!(similarity.value.to_bits(), expected.to_bits(), "{id}");
        assert_eq!(vector["too_similar_080"], similarity.value >= 0.8, "{id}");
    }
    println!("ncd.jsonl: {} of {} vectors agree, bit for bit", lines.len(), lines.len());
    assert_eq!(lines.len(), 24);
}

/// Returns the name of a vector that no Rust text can hold, after making sure that it was refused.
fn check_vector(vector: &Value) -> Option<String> {
    let text = |key: &str| vector.get(key).and_then(Value::as_str);
    let id = text("id").expect("every vector has an id");
    let pack_json = text("pack_json").expect("every vector has an input");
    let read = Pack::read(pack_json.as_bytes());
    let document = match (parse(pack_json.as_bytes()), text("parse")) {
        (Ok(document), Some("ok")) => document,
        (Err(_), Some("error")) => {
            assert_eq!(codes(&read), ["NOT_JSON"], "{id}");
            return None;
        }
        (Err(_), _) if id == "lone_surrogate" => {
            assert_eq!(codes(&read), ["NOT_JSON"], "{id}");
            return Some(id.to_owned());
        }
        (parsed, _) => panic!("{id}: {parsed:?}"),
    };
    let canonical = document.dumps_sorted();
    // The vectors leave out the canonical form of large packs; their size and hash stand for it.
    if let Some(expected) = text("canonical") {
        assert_eq!(canonical, expected, "{id}");
    }
    assert_eq!(Some(sha256_hex(canonical.as_bytes()).as_str()), text("sha256"), "{id}");
    assert_eq!(vector.get("size"), Some(&Value::Int(canonical.len() as i64)), "{id}");
    assert_eq!(vector.get("valid"), Some(&Value::Bool(read.is_ok())), "{id}");
    match vector.get("issues").and_then(Value::as_list) {
        Some(issues) => assert_eq!(codes(&read), strings(issues), "{id}"),
        // The reference failed without a report.
        None => assert_ne!(codes(&read), Vec::<String>::new(), "{id}"),
    }
    if let Ok(pack) = read {
        assert_eq!((pack.canonical(), pack.size()), (canonical.as_str(), canonical.len()), "{id}");
        assert_eq!(Some(pack.hash().0.as_str()), text("sha256"), "{id}");
        let again = Pack::read(pack.pretty_json().as_bytes()).expect("what we write is valid");
        assert_eq!(again.hash(), pack.hash(), "{id}");
    }
    None
}

fn codes(read: &Result<Pack, Vec<PackIssue>>) -> Vec<String> {
    read.as_ref().err().into_iter().flatten().map(PackIssue::code).collect()
}

fn strings(items: &[Value]) -> Vec<String> {
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
