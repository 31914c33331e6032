//! Exports: tables, test results and traces say what the run recorded, and no more than was asked for.

use super::fake::Fake;
use super::place::{Place, Printed, without_wall_clock};
use super::rescore::finished;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use packwright::export::otlp::proto::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse, Span,
    Value as Attribute,
};
use prost::Message;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const DOCUMENT: &str = include_str!("../../../docs/export.md");

fn ended(printed: &Printed) {
    assert_eq!(printed.code, 0, "{printed:?}");
}

fn events(place: &Place) -> Vec<Value> {
    without_wall_clock(&place.optimize(&["runs", "export"]).out)
}

#[test]
fn every_form_says_what_was_recorded() {
    let place = finished("60");
    let events = events(&place);
    let scored: BTreeMap<u64, &Value> = events
        .iter()
        .filter_map(|event| Some((event["ordinal"].as_u64()?, event["event"].get("episode_scored")?)))
        .collect();
    check_tables(&place, &scored);
    check_junit(&place, &scored);
    check_traces(&place, &scored);
}

fn check_tables(place: &Place, scored: &BTreeMap<u64, &Value>) {
    ended(&place.optimize(&["export", "csv"]));
    ended(&place.optimize(&["export", "jsonl", "--all", "--out", "lines"]));
    for name in ["episodes", "checks"] {
        let rows = csv_rows(place, &format!("export/{name}.csv"));
        let lines = std::fs::read_to_string(place.path(&format!("lines/{name}.jsonl"))).expect("lines");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(rows.len(), lines.len());
        for (row, line) in rows.iter().zip(&lines) {
            let line = line.as_object().expect("an object");
            assert_eq!(row.keys().collect::<BTreeSet<_>>(), line.keys().collect::<BTreeSet<_>>());
            for (column, value) in line {
                let shown = match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let is_number = value.as_f64().is_some_and(|number| row[column].parse() == Ok(number));
                assert!(row[column] == shown || is_number, "{column}: {} {value}", row[column]);
                assert!(DOCUMENT.contains(&format!("`{column}`")), "{column} is not documented");
            }
        }
        if name == "checks" {
            let recorded = scored.values().map(|it| it["scorecard"]["checks"].as_array().map_or(0, Vec::len));
            assert_eq!(lines.len(), recorded.sum::<usize>());
            continue;
        }
        assert_eq!(lines.iter().filter(|line| !line["score"].is_null()).count(), scored.len());
        for line in &lines {
            let event = scored[&line["ordinal"].as_u64().expect("an ordinal")];
            assert_eq!(line["score"], event["scorecard"]["validator_score"]);
            assert_eq!(line["scenario"], event["key"]["scenario"]);
            assert!(line["phase"].is_string() && line["took_ms"].is_u64(), "{line}");
            assert_eq!(line["input_tokens"], Value::Null, "the offline model counts no tokens");
        }
    }
    let nowhere = place.optimize(&["export", "csv", "nowhere"]);
    assert!(nowhere.code == 3 && nowhere.err.contains("there is no run"), "{nowhere:?}");
}

fn csv_rows(place: &Place, file: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(place.path(file)).expect("a table");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn check_junit(place: &Place, scored: &BTreeMap<u64, &Value>) {
    ended(&place.optimize(&["export", "junit", "--pack", "incumbent", "--out", "checks.xml"]));
    let text = std::fs::read_to_string(place.path("checks.xml")).expect("a file");
    let document = roxmltree::Document::parse(&text).expect("XML");
    let incumbent = scored.values().next().expect("an episode")["key"]["candidate"].clone();
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let (scenario, check) = (case.attribute("classname"), case.attribute("name"));
        let verdicts = scored.values().filter(|it| it["key"]["candidate"] == incumbent);
        let verdicts = verdicts.filter(|it| it["key"]["scenario"].as_str() == scenario);
        let checks = verdicts.flat_map(|it| it["scorecard"]["checks"].as_array().expect("a list"));
        let passed: Vec<bool> = checks
            .filter(|verdict| verdict["id"].as_str() == check)
            .map(|verdict| verdict["passed"] == true)
            .collect();
        let has = |tag: &str| case.children().any(|node| node.has_tag_name(tag));
        assert_eq!(has("skipped"), passed.is_empty(), "{scenario:?} {check:?}");
        if passed.iter().all(|passed| *passed) {
            assert!(!has("failure"), "{scenario:?} {check:?}");
        }
        if passed.iter().all(|passed| !*passed) && !passed.is_empty() {
            assert!(has("failure"), "{scenario:?} {check:?}");
        }
    }
    let root = document.root_element();
    let failures = root.descendants().filter(|node| node.has_tag_name("failure")).count();
    assert_eq!(root.attribute("failures"), Some(failures.to_string().as_str()));
    assert!(failures > 0, "a weak policy fails something");
    let gate = place.optimize(&["export", "junit", "--pack", "incumbent", "--gate"]);
    assert!(gate.code == 6 && gate.out.starts_with("<?xml"), "{}", gate.code);
    let wrong = place.optimize(&["export", "junit", "--pass-rate", "0"]);
    assert!(wrong.code == 2 && wrong.err.contains("a share above 0"), "{wrong:?}");
}

/// A collector that answers in turn, the last answer again and again, and keeps what it took.
fn collector(answers: Vec<fn() -> Response>) -> (Fake, Arc<Mutex<Vec<ExportTraceServiceRequest>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (kept, asked_before) = (taken.clone(), Mutex::new(0));
    let fake = Fake::start(move |asked| {
        assert_eq!(asked.path, "/v1/traces");
        assert_eq!(asked.headers["content-type"], "application/x-protobuf");
        assert_eq!(asked.authorization, "Bearer collector-key");
        let mut before = asked_before.lock().expect("a lock");
        let answer = answers[usize::min(*before, answers.len() - 1)]();
        *before += 1;
        if answer.status().is_success() {
            let request = ExportTraceServiceRequest::decode(asked.raw.clone()).expect("protobuf");
            kept.lock().expect("a lock").push(request);
        }
        answer
    });
    (fake, taken)
}

fn taken() -> Response {
    StatusCode::OK.into_response()
}

fn busy() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")], "busy").into_response()
}

fn refused() -> Response {
    (StatusCode::BAD_REQUEST, "no such tenant").into_response()
}

fn dropped() -> Response {
    let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "too old".into() };
    ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec().into_response()
}

fn send(place: &Place, fake: &Fake, more: &[&str]) -> Printed {
    let url = fake.url();
    let endpoint = url.trim_end_matches("/v1");
    let arguments = ["export", "otlp", "--endpoint", endpoint, "--header", "authorization:$OTLP_AUTH"];
    let mut command = place.command(&[&arguments[..], more].concat());
    let output = command.env("OTLP_AUTH", "Bearer collector-key").output().expect("the program starts");
    Printed {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn spans(requests: &[ExportTraceServiceRequest]) -> Vec<Span> {
    let resources = requests.iter().flat_map(|request| &request.resource_spans);
    resources.flat_map(|it| &it.scope_spans).flat_map(|it| &it.spans).cloned().collect()
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a Attribute> {
    span.attributes.iter().find(|it| it.key == key)?.value.as_ref()?.value.as_ref()
}

fn check_traces(place: &Place, scored: &BTreeMap<u64, &Value>) {
    let (fake, kept) = collector(vec![busy, taken]);
    let sent = send(place, &fake, &[]);
    ended(&sent);
    let requests = kept.lock().expect("a lock").clone();
    let all = spans(&requests);
    assert_eq!(all.len(), scored.len());
    let ids: BTreeSet<&Vec<u8>> = all.iter().map(|span| &span.trace_id).collect();
    assert_eq!(ids.len(), all.len(), "a trace each");
    for span in &all {
        let Some(Attribute::Int(ordinal)) = attribute(span, "packwright.ordinal") else { panic!("{span:?}") };
        let event = scored[&(*ordinal as u64)];
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        let score = event["scorecard"]["validator_score"].as_f64().expect("a score");
        assert_eq!(attribute(span, "packwright.score"), Some(&Attribute::Double(score)));
        let named =
            |key: &str, text: &str| assert_eq!(attribute(span, key), Some(&Attribute::Text(text.into())));
        named("gen_ai.operation.name", "invoke_agent");
        named("gen_ai.request.model", "office");
        named("packwright.scenario", event["key"]["scenario"].as_str().expect("a name"));
        assert_eq!(attribute(span, "gen_ai.usage.input_tokens"), None, "nobody counted");
        let checks = event["scorecard"]["checks"].as_array().expect("a list");
        assert_eq!(span.events.len(), checks.len());
        assert!(span.events.iter().all(|event| event.name == "gen_ai.evaluation.result"));
    }
    // What was said is in them only where that is asked for.
    let words = |requests: &[ExportTraceServiceRequest], part: &str| format!("{requests:?}").contains(part);
    for part in ["gen_ai.input.messages", "gen_ai.evaluation.explanation"] {
        assert!(!words(&requests, part), "{part}");
    }
    ended(&send(place, &fake, &["--content"]));
    let requests = kept.lock().expect("a lock").split_off(requests.len());
    for part in
        ["gen_ai.input.messages", "gen_ai.output.messages", "tool_call", "gen_ai.evaluation.explanation"]
    {
        assert!(words(&requests, part), "{part}");
    }
    let again: BTreeSet<Vec<u8>> = spans(&requests).into_iter().map(|span| span.trace_id).collect();
    assert_eq!(again, ids.into_iter().cloned().collect(), "sent again, they are the same traces");
    check_trouble(place);
}

fn check_trouble(place: &Place) {
    let (fake, kept) = collector(vec![refused]);
    let told = send(place, &fake, &[]);
    assert!(told.code == 5 && told.err.contains("400 Bad Request: no such tenant"), "{told:?}");
    assert!(!told.err.contains("collector-key"), "{told:?}");
    let dry = send(place, &fake, &["--dry-run"]);
    assert!(
        dry.code == 0 && dry.out.contains("would send") && kept.lock().expect("a lock").is_empty(),
        "{dry:?}"
    );
    let (fake, _) = collector(vec![dropped]);
    let told = send(place, &fake, &[]);
    assert!(told.code == 5 && told.err.contains("dropped 2 of") && told.err.contains("too old"), "{told:?}");
    for (arguments, words) in [
        (&["export", "otlp"][..], "nothing is sent by itself"),
        (&["export", "otlp", "--endpoint", "127.0.0.1:4318"], "is no address"),
        (
            &["export", "otlp", "--endpoint", "http://127.0.0.1:9", "--header", "a:secret"],
            "write NAME:$VARIABLE",
        ),
        (
            &["export", "otlp", "--endpoint", "http://127.0.0.1:9", "--header", "a:$NOT_SET"],
            "NOT_SET is not set",
        ),
    ] {
        let told = place.optimize(arguments);
        assert!(told.code == 3 && told.err.contains(words), "{words}: {told:?}");
        assert!(!told.err.contains("secret"), "{told:?}");
    }
}
