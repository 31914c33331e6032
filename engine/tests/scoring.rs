//! Scoring against the golden vectors of the reference, byte for byte.

use crate::conformance;
use packwright::scenario::Rubric;
use packwright::score::summary::{Edition, markdown, summary};
use packwright::score::{Scorable, score};
use packwright::value::{Value, parse};
use std::collections::HashMap;

/// The rubrics of the scenarios that the vectors name, as the reference reads them.
fn scenario_rubrics() -> HashMap<String, Value> {
    let text = conformance::lines("scenarios_parsed.json").expect("it stands beside the vectors").join("\n");
    let scenarios = parse(text.as_bytes()).expect("it is JSON");
    let scenarios = scenarios.as_map().expect("it maps names to scenarios");
    scenarios
        .iter()
        .map(|(name, scenario)| (stem(name), scenario.get("scoring").expect("a rubric").clone()))
        .collect()
}

fn stem(name: &str) -> String {
    name.trim_end_matches(".yaml").to_owned()
}

/// What disagrees on a vector; nothing where all agrees.
fn disagreement(vector: &Value, rubrics: &HashMap<String, Value>) -> Option<String> {
    let field = |key: &str| vector.get(key);
    let text = |key: &str| field(key).and_then(Value::as_str).unwrap_or_default();
    let scoring = field("scoring").or_else(|| rubrics.get(text("scenario"))).expect("a rubric");
    let rubric = Rubric::compile(scoring);
    let result = score(&rubric, &Scorable::from_value(field("episode").expect("an episode")));
    let (verdict, expected) = match (result, field("expected")) {
        (Ok(verdict), Some(expected)) => (verdict, expected.dumps()),
        (Err(_), None) => return None,
        (Ok(_), None) => return Some(format!("scored, but the reference raises {}", text("raises"))),
        (Err(error), Some(_)) => return Some(format!("refused: {error}")),
    };
    let mut line = String::new();
    verdict.write_json(&mut line);
    if line != expected {
        return Some(format!("line\n  {line}\nnot\n  {expected}"));
    }
    if verdict.to_value().dumps() != expected {
        return Some("value".into());
    }
    if field("summary").is_some() && summary(&verdict, Edition::February2026) != text("summary") {
        return Some("summary".into());
    }
    let variants = ["baseline", "optimized"].map(|variant| markdown(&verdict, text("scenario"), variant));
    (field("markdown").is_some() && !variants.iter().any(|variant| variant == text("markdown")))
        .then(|| format!("markdown\n{}\nnot\n{}", variants[0], text("markdown")))
}

#[test]
fn every_episode_scores_as_the_reference_scores_it() {
    let Some(lines) = conformance::lines("scoring.jsonl.gz") else { return };
    let rubrics = scenario_rubrics();
    let mut failures = Vec::new();
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        if let Some(problem) = disagreement(&vector, &rubrics) {
            failures.push(format!("{:?}: {problem}", vector.get("id").and_then(Value::as_str)));
        }
    }
    println!("scoring: {} of {} vectors agree", lines.len() - failures.len(), lines.len());
    assert!(failures.is_empty(), "{} vectors disagree:\n{}", failures.len(), failures.join("\n"));
}
