//! What the fuzz targets do, as plain functions: whatever the bytes are, nothing may panic, and what was read
//! must stay what it is when it is written and read again.
#![allow(dead_code, reason = "each target uses one of the functions")]

use packwright::pack::Pack;
use packwright::pattern::{Case, Haystack, Pattern};
use packwright::scenario::problem::{Report, Strictness};
use packwright::scenario::raw::{read_rubric, read_scenario};
use packwright::scenario::yaml;
use packwright::workspace::yaml_text;

/// Reads bytes as a scenario and as a rubric, strictly and leniently.
pub fn scenario(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for strictness in [Strictness::Own, Strictness::Foreign] {
        let mut report = Report::new("file", strictness);
        let root = yaml::parse(text, &mut report);
        if let Some(root) = &root {
            let scenario = read_scenario(root, &mut report);
            let rubric = read_rubric(root, &mut report);
            if let (Some(mut scenario), Some(rubric)) = (scenario, rubric) {
                scenario.lay_over(rubric);
            }
            written_and_read_again(&root.to_value());
        }
        for problem in &report.problems {
            assert!(!problem.to_string().is_empty());
            assert!(problem.place.is_none_or(|place| place.line > 0 && place.column > 0));
        }
        assert!(
            root.is_some() || report.errors().next().is_some(),
            "what cannot be read is complained about"
        );
    }
}

fn written_and_read_again(document: &packwright::value::Value) {
    let text = yaml_text(document);
    // NaN equals nothing, so what is compared is the JSON.
    let mut report = Report::new("written", Strictness::Own);
    match yaml::parse(&text, &mut report) {
        Some(again) => assert_eq!(again.to_value().dumps(), document.dumps(), "{text:?}"),
        // Escapes and quotes can make it longer than a file may be.
        None => assert!(text.len() > yaml::BYTES_MAX, "{text:?}: {:?}", report.problems),
    }
}

/// Compiles the first line as a pattern and searches the rest.
pub fn pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (source, text) = text.split_once('\n').unwrap_or((text, text));
    for case in [Case::Insensitive, Case::Sensitive] {
        match Pattern::compile(source, case) {
            Ok(pattern) => search(&pattern, text),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn search(pattern: &Pattern, text: &str) {
    let haystack = Haystack::new(text);
    let Ok(found) = pattern.find(&haystack) else { return };
    if let Some(range) = &found {
        assert!(text.get(range.clone()).is_some(), "{range:?} cuts a character");
    }
    if let Ok(matches) = pattern.is_match(&haystack) {
        assert_eq!(matches, found.is_some());
    }
}

/// Reads a pack, and reads it again from each form in which it is written.
pub fn pack(data: &[u8]) {
    let pack = match Pack::read(data) {
        Ok(pack) => pack,
        Err(issues) => {
            assert!(!issues.is_empty());
            assert!(issues.iter().all(|issue| !issue.to_string().is_empty()));
            return;
        }
    };
    assert!(pack.issues().is_empty());
    for form in [pack.canonical().to_owned(), pack.pretty_json()] {
        let again = Pack::read(form.as_bytes()).unwrap_or_else(|issues| panic!("{form:?}: {issues:?}"));
        assert_eq!(again.hash(), pack.hash());
    }
    for warning in pack.warnings(20_000, 24_000) {
        assert!(!warning.to_string().is_empty());
    }
    let other = pack.with_policy("Be kind.");
    assert_eq!(other.agents_md(), "Be kind.");
}
