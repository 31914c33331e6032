//! Scenario validation against the golden vectors of the reference. The texts of regex errors are free.

use crate::conformance;
use packwright::scenario::validate;
use packwright::value::{Value, parse};

const FREE: &str = "invalid regex pattern: ";

/// A message without its free part.
fn bound(message: &str) -> String {
    message.split_once(FREE).map_or(message.to_owned(), |(before, _)| format!("{before}{FREE}"))
}

fn agrees(vector: &Value) -> bool {
    let messages: Vec<String> =
        validate(vector.get("doc").expect("a document")).iter().map(|m| bound(m)).collect();
    match vector.get("errors").and_then(Value::as_list) {
        Some(errors) => {
            let expected: Vec<String> = errors.iter().filter_map(Value::as_str).map(bound).collect();
            messages == expected
        }
        // Where the reference crashes, some clear message is enough.
        None => !messages.is_empty(),
    }
}

#[test]
fn every_document_is_judged_as_the_reference_judges_it() {
    let Some(lines) = conformance::lines("validate.jsonl") else { return };
    let mut failures = Vec::new();
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        if !agrees(&vector) {
            let messages = validate(vector.get("doc").expect("a document"));
            failures.push(format!("{:?}: {messages:?}", vector.get("id").and_then(Value::as_str)));
        }
    }
    println!("validate: {} of {} vectors agree", lines.len() - failures.len(), lines.len());
    assert!(failures.is_empty(), "{} vectors disagree:\n{}", failures.len(), failures.join("\n"));
}
