//! What is believed before a candidate is seen, against the same with the candidate in the system of equations.

use super::evidence::Evidence;
use super::*;
use crate::event::{Candidate, CheckEntry};
use crate::score::Profile;
use crate::units::{Seed, SuiteHash};
use crate::value::Value;

fn run() -> RunStarted {
    let check = |id: usize| CheckEntry {
        id: format!("c{id}"),
        category: if id == 0 { crate::score::SAFETY.into() } else { "correctness".into() },
        points: 1.0 + id as f64,
    };
    let scenario = |name: &str, weight: f64| ScenarioEntry {
        name: name.into(),
        weight,
        held_out: false,
        checks: (0..3).map(check).collect(),
    };
    RunStarted {
        format: 1,
        program: String::new(),
        seed: Seed(1),
        budget: 100,
        suite: "two".into(),
        suite_hash: SuiteHash(String::new()),
        scenarios: vec![scenario("a", 1.0), scenario("b", 2.0)],
        profile: Box::new(Profile::default()),
        model: "m".into(),
        writer: "w".into(),
        width: None,
        caps: Default::default(),
        conditions: Default::default(),
        incumbent: Candidate::brought(hash("start"), "# P\n"),
        base: Value::Null,
    }
}

fn hash(name: &str) -> PackHash {
    PackHash(name.to_owned())
}

/// An episode in which the named checks passed.
fn see(beliefs: &mut Beliefs, name: &str, scenario: usize, passed: [bool; 3]) {
    let verdicts = passed.iter().enumerate().map(|(check, passed)| {
        serde_json::json!({
            "id": format!("c{check}"), "category": "correctness", "passed": passed,
            "points": if *passed { 1.0 } else { 0.0 }, "max_points": 1.0, "detail": "",
        })
    });
    let checks: Vec<CheckVerdict> =
        verdicts.map(|verdict| serde_json::from_value(verdict).expect("a verdict")).collect();
    let earned: Vec<f64> = passed.iter().map(|passed| f64::from(u8::from(*passed))).collect();
    let score = earned.iter().sum::<f64>() / 3.0;
    let card = Scorecard { checks, script_score: score, validator_score: score };
    beliefs.observe(&hash(name), scenario, &card, &earned, score);
}

#[test]
fn who_was_not_seen_changes_nothing_and_is_believed_as_if_solved_for() {
    let mut beliefs = Beliefs::new(&run());
    see(&mut beliefs, "start", 0, [true, false, false]);
    see(&mut beliefs, "start", 1, [true, true, false]);
    let aims = |check: &CheckRef| check.scenario == 0 && check.id == "c1";
    beliefs.add(&hash("a"), &[(hash("start"), 1.0)], aims);
    beliefs.add(&hash("b"), &[(hash("start"), 1.0)], |_| false);
    see(&mut beliefs, "a", 0, [true, true, false]);
    // A child, a rebased edit with the candidate that it was made for, and one that stands on these.
    beliefs.add(&hash("child"), &[(hash("a"), 1.0)], |check| check.scenario == 1);
    beliefs.add(&hash("edit"), &[(hash("b"), 1.0)], aims);
    let rebased = [(hash("a"), 1.0), (hash("edit"), 1.0), (hash("b"), -1.0)];
    beliefs.add(&hash("rebased"), &rebased, |_| false);
    beliefs.add(&hash("last"), &[(hash("rebased"), 1.0), (hash("child"), 1.0), (hash("a"), -1.0)], aims);

    // As if nothing had been solved before, and every candidate had to be.
    let mut solved = beliefs.clone();
    (solved.solved, solved.solution) = (None, OnceLock::new());
    solved.stale.fill(true);
    solved.seen.iter_mut().for_each(|seen| seen.closed.extend(0..7));
    let (quick, whole) = (beliefs.view(), solved.view());
    let near = |a: f64, b: f64, what: &str| assert!((a - b).abs() < 1e-9, "{what}: {a} {b}");
    let same = |a: Option<Estimate>, b: Option<Estimate>, what: &str| {
        let (a, b) = (a.expect(what), b.expect(what));
        near(a.value, b.value, what);
        near(a.se, b.se, what);
    };
    for one in 0..7 {
        same(quick.estimate(one), whole.estimate(one), "estimate");
        for check in 0..6 {
            near(quick.rate(one, check), whole.rate(one, check), "rate");
            let sd = |view: View| view.rate_sd(one, check).expect("a short-listed candidate");
            near(sd(quick), sd(whole), "the rate's deviation");
        }
        for other in 0..7 {
            same(quick.difference(one, other), whole.difference(one, other), "difference");
            let safety = |view: View| view.safety_difference(one, other);
            same(safety(quick), safety(whole), "difference in safety");
        }
    }
    assert_eq!(quick.short(), whole.short());
}

#[test]
fn what_was_solved_before_is_used_again_where_it_still_holds() {
    let mut beliefs = Beliefs::new(&run());
    see(&mut beliefs, "start", 0, [true, false, false]);
    see(&mut beliefs, "start", 1, [true, true, false]);
    let mut asked = beliefs.clone();
    for (step, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        for beliefs in [&mut beliefs, &mut asked] {
            let parent = if step < 2 { "start" } else { "a" };
            beliefs.add(&hash(name), &[(hash(parent), 1.0)], |check| check.scenario == step % 2);
        }
        asked.view();
        for beliefs in [&mut beliefs, &mut asked] {
            see(beliefs, name, step % 2, [step > 1, true, step == 3]);
        }
        asked.view();
    }
    for candidate in 0..5 {
        let (never, often) = (beliefs.view(), asked.view());
        assert_eq!(never.value(candidate), often.value(candidate));
        assert_eq!(never.difference(candidate, 1), often.difference(candidate, 1));
        assert_eq!(never.estimate(candidate), often.estimate(candidate));
    }
}

/// The incumbent with a child in the first scenario, each seen once.
fn pair(start: [bool; 3], child: [bool; 3]) -> Beliefs {
    let mut beliefs = Beliefs::new(&run());
    see(&mut beliefs, "start", 0, start);
    beliefs.add(&hash("a"), &[(hash("start"), 1.0)], |check| check.scenario == 0 && check.id == "c1");
    see(&mut beliefs, "a", 0, child);
    beliefs
}

#[test]
fn how_far_scores_lie_apart_is_told_in_luck_and_expected_moves() {
    let beliefs = pair([true, false, false], [true, true, true]);
    // Shares of 1, 2 and 3 sixths; rates of 3.2 and 2.2 in 4.
    let (squares, variances) = ([1.0 / 36.0, 4.0 / 36.0, 9.0 / 36.0], [0.8 * 0.2, 0.55 * 0.45, 0.55 * 0.45]);
    let unit: f64 = squares.iter().zip(variances).map(|(square, variance)| square * variance).sum();
    let difference: f64 = (2.0 + 3.0) / 6.0;
    let aimed = 0.18 * 0.18 * squares[1] / unit;
    let aside = 0.06 * 0.06 * (squares[0] + squares[2]) / unit;
    let weight = (2.0 + aimed + aside).powi(-2);
    let spread = Evidence::of(&beliefs, 0, None).spread;
    for design_effect in [0.0, 0.5, 1.0] {
        let unexplained = difference * difference / unit - 2.0 * design_effect - aimed;
        let expected = (weight * unexplained + 2.0) / (weight * aside + 2.0);
        assert!(expected > 1.1, "{expected}");
        assert!((spread.scale(design_effect) - expected).abs() < 1e-12);
    }
    // Of a scenario that the child was not seen in, nothing is told.
    assert_eq!(Evidence::of(&beliefs, 1, None).spread.scale(1.0), 1.0);
}

#[test]
fn moves_are_believed_wider_where_scores_lie_far_apart_and_never_narrower_than_expected() {
    let scale_of = |child: fn(usize) -> [bool; 3]| {
        let mut beliefs = pair([true, false, false], [true, false, false]);
        for number in 0..24 {
            let name = format!("child {number}");
            beliefs.add(&hash(&name), &[(hash("start"), 1.0)], |_| false);
            see(&mut beliefs, &name, 0, child(number));
        }
        let spread = Evidence::of(&beliefs, 0, None).spread;
        spread.scale(1.0)
    };
    assert_eq!(scale_of(|_| [true, false, false]), 1.0);
    let whole = scale_of(|number| [number % 2 == 0; 3]);
    let single = scale_of(|number| [number % 2 == 0, false, false]);
    assert!(whole > 5.0 && whole <= 30.0 && single == 1.0, "{whole} {single}");
    assert_eq!(spread::moves(1.0), (0.18 * 0.18, 0.06 * 0.06));
    // Where all checks move as far as those at which edits aim, so do these.
    let (aimed, aside) = spread::moves(20.0);
    assert!(aimed == aside && aimed > 0.18 * 0.18);
}

#[test]
fn the_objective_of_a_candidate_far_from_the_best_is_believed_too() {
    let mut beliefs = Beliefs::new(&run());
    see(&mut beliefs, "start", 0, [true, false, false]);
    see(&mut beliefs, "start", 1, [true, true, false]);
    beliefs.add(&hash("far"), &[(hash("start"), 1.0)], |_| false);
    see(&mut beliefs, "far", 0, [false; 3]);
    for child in 0..80 {
        let name = child.to_string();
        beliefs.add(&hash(&name), &[(hash("start"), 1.0)], |_| false);
        see(&mut beliefs, &name, child % 2, [true; 3]);
    }
    let view = beliefs.view();
    assert_eq!(view.difference(1, 0), None, "no difference of it is told");
    let drawn = view.objectives(&[0, 1], 4_000, &mut Seed(1).rng());
    let gain = (0..drawn.draws).map(|draw| drawn.row(draw)[1] - drawn.row(draw)[0]).sum::<f64>() / 4_000.0;
    let expected = view.value(1) - view.value(0);
    // Believed rates are kept between 0 and 1 check by check, draws scenario by scenario.
    assert!((gain - expected).abs() < 0.06 && expected < -0.1, "{gain} {expected}");
}
