//! The objective and the vote against the validators' own answers.

use crate::conformance;
use packwright::score::objective::objective;
use packwright::score::vote::{Ballot, vote};
use packwright::value::{Value, parse};

#[test]
fn objectives_agree_bit_for_bit() {
    let Some(lines) = conformance::lines("aggregate.jsonl") else { return };
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        let number = |key: &str| vector.get(key).and_then(Value::as_f64).expect("a number").to_bits();
        let scores = weighted_scores(&vector);
        let rho = f64::from_bits(number("rho"));
        let plain = objective(&scores, rho, None).expect("every vector has scores");
        assert_eq!(plain.mean.to_bits(), number("mean"), "{line}");
        assert_eq!(plain.variance.to_bits(), number("variance"), "{line}");
        assert_eq!(plain.value.to_bits(), number("final_unquantised"), "{line}");
        let snapped = objective(&scores, rho, Some(0.05)).expect("every vector has scores");
        assert_eq!(snapped.value.to_bits(), number("final_quantised_2026_02_24"), "{line}");
    }
    println!("aggregate.jsonl: {} of {} vectors agree", lines.len(), lines.len());
    assert_eq!(lines.len(), 8);
}

#[test]
fn votes_agree_bit_for_bit() {
    let Some(lines) = conformance::lines("vote.jsonl") else { return };
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        let Some(Value::Int(quorum)) = vector.get("quorum") else { panic!("no quorum in {line}") };
        let runs: Vec<Vec<Ballot>> = items(&vector, "runs")
            .iter()
            .map(|run| run.as_list().unwrap_or_default().iter().filter_map(Ballot::read).collect())
            .collect();
        let decision = vote(&runs, *quorum as usize).expect("every vector has runs");
        let passed = decision.passed.into_iter().map(|(id, passed)| (id, Value::Bool(passed))).collect();
        assert_eq!(Some(&Value::Map(passed)), vector.get("passed"), "{line}");
        assert_eq!(vector.get("score"), Some(&Value::Float(decision.score)), "{line}");
    }
    println!("vote.jsonl: {} of {} vectors agree", lines.len(), lines.len());
    assert_eq!(lines.len(), 10);
}

/// The pairs in the order of the scenarios' names; a scenario without a weight has 1.
fn weighted_scores(vector: &Value) -> Vec<(f64, f64)> {
    let map = |key: &str| vector.get(key).and_then(Value::as_map).expect("an object");
    let mut scores: Vec<(&String, &Value)> = map("scenario_scores").iter().collect();
    scores.sort_by_key(|(name, _)| *name);
    let weight = |name: &str| map("weights").get(name).and_then(Value::as_f64).unwrap_or(1.0);
    scores.iter().map(|(name, score)| (weight(name), score.as_f64().expect("a number"))).collect()
}

fn items<'a>(vector: &'a Value, key: &str) -> &'a [Value] {
    vector.get(key).and_then(Value::as_list).expect("a list")
}
