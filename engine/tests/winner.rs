//! Who wins among miners, against the validators' own answers.

use crate::conformance;
use packwright::score::winner::{Contender, Succession, shares};
use packwright::score::{Direction, Margin, Profile};
use packwright::value::{Value, parse};

#[test]
fn winners_by_score_agree_bit_for_bit() {
    let Some(lines) = conformance::lines("winner.jsonl") else { return };
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        let (delta, epsilon) = (number(&vector, "delta"), number(&vector, "epsilon"));
        let march =
            Succession::Challenge { margin: Margin::Additive(delta), direction: Direction::Higher, epsilon };
        check(&vector, "scores", Succession::FirstWithin { delta, epsilon }, "weights_2026_02_24");
        check(&vector, "scores", march, "weights_score_rule_2026_03_10");
    }
    println!("winner.jsonl: {} of {} vectors agree, under both rules", lines.len(), lines.len());
    assert_eq!(lines.len(), 23);
}

#[test]
fn winners_by_cost_agree_bit_for_bit() {
    let Some(lines) = conformance::lines("winner_cost.jsonl") else { return };
    let profile = Profile::subnet_2026_03_12();
    for line in &lines {
        let vector = parse(line.as_bytes()).expect("a vector is JSON");
        assert_eq!(profile.margin, Margin::Multiplicative(number(&vector, "cost_delta")));
        let succession =
            Succession::Challenge { margin: profile.margin, direction: profile.direction, epsilon: 0.0 };
        check(&vector, "costs", succession, "weights");
    }
    println!("winner_cost.jsonl: {} of {} vectors agree", lines.len(), lines.len());
    assert_eq!(lines.len(), 4);
}

/// Compares all shares; the vectors are for validators that let three share below ten active miners.
fn check(vector: &Value, values: &str, succession: Succession, expected: &str) {
    let map = |key: &str| vector.get(key).and_then(Value::as_map).expect("an object");
    let contender = |(uid, value): (&String, &Value)| Contender {
        value: value.as_f64().expect("a number"),
        block: map("first_block").get(uid).and_then(Value::as_f64).map(|block| block as u64),
        is_qualified: vector.get("qualified").is_none_or(|all| all.get(uid).is_some_and(Value::is_truthy)),
    };
    let contenders: Vec<Contender> = map(values).iter().map(contender).collect();
    let few = vector.get("bootstrap_threshold").and_then(Value::as_f64).unwrap_or(10.0) as usize;
    let shares = shares(succession, &contenders, number(vector, "num_active") as usize, few);
    for (uid, share) in map(values).keys().zip(shares) {
        let wanted = map(expected).get(uid).and_then(Value::as_f64).expect("a share");
        assert_eq!(share.to_bits(), wanted.to_bits(), "{uid} of {vector:?}: {share} {wanted}");
    }
}

fn number(vector: &Value, key: &str) -> f64 {
    vector.get(key).and_then(Value::as_f64).expect("a number")
}
