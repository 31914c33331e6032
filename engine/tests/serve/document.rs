//! The OpenAPI document is true: every route in it answers, and as it says.

use super::client::Served;
use crate::program::place::Place;
use reqwest::Method;
use serde_json::{Value, json};

#[test]
fn every_route_of_the_document_answers_as_it_says() {
    let place = Place::new();
    let run = place.optimize(&["--budget", "36", "--seed", "7"]);
    assert!([0, 4].contains(&run.code), "{run:?}");
    let id = place.run_id();
    let served = Served::start(&place, &[]);
    let document = served.read("/openapi.json");
    if let Some(folder) = std::env::var_os("OPENAPI_OUT") {
        std::fs::write(folder, document.to_string()).expect("a file");
    }
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{document}");
    assert_eq!(document["info"]["title"], "Packwright runs");
    let (mut routes, mut names) = (0, std::collections::BTreeSet::new());
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, route) in item.as_object().expect("methods") {
            check_route(&served, &id, path, method, route);
            assert!(
                names.insert(route["operationId"].as_str().expect("a name")),
                "{path}: {}",
                route["operationId"]
            );
            routes += 1;
        }
    }
    assert_eq!(routes, 23);
    for name in document.to_string().split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(name).is_some(), "{name} is nowhere");
    }
}

fn check_route(served: &Served, id: &str, path: &str, method: &str, route: &Value) {
    let named = |name: &str, value: &str| (format!("{{{name}}}"), value.to_owned());
    let file = if path.contains("report-transcripts") { "0.js" } else { "report.json" };
    let mut address = path.to_owned();
    for (from, to) in [named("id", id), named("ordinal", "2"), named("file", file)] {
        address = address.replace(&from, &to);
    }
    assert!(!address.contains('{'), "{address}");
    let asked = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
    let mut request = served.request(asked.clone(), &address);
    if asked == Method::POST {
        // What changes something is not done here: a run that is at its end refuses, and so does a start without options.
        let is_start = path.ends_with("/runs") || path.ends_with("/estimate");
        let body = if is_start { json!({"options": {"budget": 1}}) } else { json!({}) };
        request = request.header("idempotency-key", "a").json(&body);
    }
    let response = served.runtime.block_on(request.send()).expect("an answer");
    let (status, kind) =
        (response.status().as_u16().to_string(), response.headers().get("content-type").cloned());
    let known = &route["responses"][&status];
    assert!(
        known.is_object(),
        "{method} {address} answered {status}, which is not described: {}",
        route["responses"]
    );
    let described = known["content"].as_object().map(|content| content.keys().cloned().collect::<Vec<_>>());
    if let (Some(kind), Some(described)) = (kind, described) {
        let kind = kind.to_str().expect("text").split(';').next().expect("a type").to_owned();
        assert!(described.contains(&kind), "{method} {address}: {kind} is none of {described:?}");
        if kind == "application/json" && described == ["application/json"] {
            let body: Value = served.runtime.block_on(response.json()).expect("JSON");
            check_shape(&body, &served.read("/openapi.json"), &known["content"][&kind]["schema"], &address);
        }
    }
}

/// Every property that the schema requires is there, and no other is.
fn check_shape(body: &Value, document: &Value, schema: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name}"));
        return check_shape(body, document, schema, place);
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        if !body.is_null() && choice["type"] != "null" {
            check_shape(body, document, choice, place);
        }
    }
    if let (Some(properties), Some(body)) = (schema["properties"].as_object(), body.as_object()) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(body.contains_key(name), "{place}: {name} is missing");
        }
        for (name, value) in body {
            let schema = properties.get(name).unwrap_or_else(|| panic!("{place}: {name} is not described"));
            check_shape(value, document, schema, &format!("{place} {name}"));
        }
    }
    for one in body.as_array().into_iter().flatten() {
        check_shape(one, document, &schema["items"], place);
    }
}
