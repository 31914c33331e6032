//! What is a fact of some fixtures, and what is not.

use super::*;
use crate::scenario::{Folder, Scenario};
use crate::units::SuiteHash;
use crate::value::Value;
use std::sync::Arc;

fn facts() -> Facts {
    let mut fixtures = Folder::default();
    fixtures.insert_text(
        "contacts.json",
        r#"[{"id": "p104", "name": "Orla Fenwick", "email": "orla@quill-mere.example", "slack_id": "U_ORLA"},
            {"id": "p1", "name": "Platform Team", "role": "team"}, {"name": "Will Support", "role": "x"},
            {"name": "Mark Draper", "role": "x"}, {"name": "Ida Rook", "role": "x"}]"#,
    );
    let notes =
        "Orla's board meets on 23 March. The draper is not a name. We pay Brindlecorp 18,400 for QB-413.";
    fixtures.insert_text("memory/notes.md", notes);
    fixtures.insert_text("calendar.json", r##"[{"start": "2026-02-06T10:00:00Z", "name": "#booking-eng"}]"##);
    let scenario = Scenario {
        name: "s".into(),
        difficulty: None,
        weight: 1.0,
        description: String::new(),
        tools: Vec::new(),
        prompt: "Plan my day.".into(),
        variants: Default::default(),
        workspace: Default::default(),
        user_context: [("COMPANY".to_owned(), "Quillmere".to_owned())].into_iter().collect(),
        held_out: false,
        rubric: Default::default(),
        fixtures: Arc::new(fixtures),
        document: Value::Null,
    };
    let suite =
        Suite { name: "t".into(), scenarios: vec![Arc::new(scenario)], hash: SuiteHash(String::new()) };
    Facts::of(&suite)
}

fn check(facts: &Facts, policy: &str, expected: &[&str]) {
    let found = facts.find(policy, &HashSet::new());
    let found: Vec<&str> = found.iter().map(|hit| &policy[hit.range.clone()]).collect();
    assert_eq!(found, expected, "{policy}");
}

#[test]
fn what_only_the_fixtures_know_is_found() {
    let facts = facts();
    check(&facts, "Ask Orla first; Orla's mail matters.", &["Orla", "Orla's"]);
    check(
        &facts,
        "The Fenwicks and fenwick-related mail; ORLA FENWICK",
        &["Fenwicks", "fenwick-related", "ORLA FENWICK"],
    );
    check(&facts, "Ask Rook about it.", &["Rook"]);
    check(&facts, "Pay Brindlecorp’s bill.", &["Brindlecorp’s"]);
    check(
        &facts,
        "Write to orla@quill-mere.example, not to quill-mere.example.",
        &["orla@quill-mere.example", "quill-mere.example"],
    );
    check(
        &facts,
        "Open p104 and tell U_ORLA of QB-413, qb 413 and QB413 in #booking-eng.",
        &["p104", "U_ORLA", "QB-413", "qb 413", "QB413", "booking-eng"],
    );
    check(&facts, "By March 23rd, on 2026-02-06 or 6/2/2026.", &["March 23rd", "2026-02-06", "6/2/2026"]);
    check(
        &facts,
        "Not 18.400 but eighteen thousand four hundred.",
        &["18.400", "eighteen thousand four hundred"],
    );
    check(&facts, "You work for Quillmere.", &["Quillmere"]);
}

#[test]
fn whom_validators_let_agents_work_for_is_found() {
    let facts = facts();
    check(&facts, "Sign as Alex Chen.", &["Alex Chen"]);
    check(
        &facts,
        "ALEX CHEN'S mail; Sage\nMitchell; drew campbell",
        &["ALEX CHEN'S", "Sage\nMitchell", "drew campbell"],
    );
    check(&facts, "You work at **Summit Innovations**, not at a summit.", &["Summit Innovations"]);
    check(&facts, "Jordan decides.", &["Jordan"]);
    check(&facts, "The Engineering Lead in Customer Success; a Product Manager; America/New_York (ET).", &[]);
    check(
        &facts,
        "Drew up a sage plan. Foster trust: harbor no doubts, and put analytics and atlas aside.",
        &[],
    );
    assert_eq!(facts.mask("Dear Alex Chen of Vertex Labs", &HashSet::new()), "Dear [name] of [name]");
}

#[test]
fn a_general_policy_names_nothing() {
    let facts = facts();
    for policy in [
        "Will the Platform Team or Support object? Mark it. Priority p1 first; draper, board, plan.",
        "Use dates such as 2026-12-31. Ask before you send. At 10:00 read USER.md and memory/notes.md.",
        "# Rook and Bishop\n\n- Rook moves straight. Limits of 10,000 euros or 500 need a yes by Monday.",
    ] {
        check(&facts, policy, &[]);
    }
}

#[test]
fn what_the_policy_named_already_may_stay() {
    let facts = facts();
    let check = |known: &str, policy: &str, expected: &str| {
        let found = facts.find(policy, &facts.keys_in(known));
        assert_eq!(found.iter().map(|hit| &policy[hit.range.clone()]).collect::<Vec<_>>(), [expected]);
    };
    check("Work for Quillmere.", "Quillmere and Orla", "Orla");
    check("Be Alex Chen's friend.", "Alex Chen and Sam Patel", "Sam Patel");
}

#[test]
fn facts_are_masked() {
    assert_eq!(
        facts().mask(
            "Orla Fenwick (orla@quill-mere.example) wants p104 by 23 March, for 18,400.",
            &HashSet::new()
        ),
        "[name] ([address]) wants [id] by [date], for [amount]."
    );
}
