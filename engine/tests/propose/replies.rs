//! The corpus of writers' answers in `proposals.jsonl`, through the real `propose`: each ends in a valid edit or in a
//! rejection with its reason, never in a broken pack.
//!
//! Where an answer is long, `%FILL%` in it stands for a text repeated.

use super::{Desk, reply, suites};
use packwright::event::{Event, Operator, ProposalFault, Proposed};
use packwright::llm::scripted::Scripted;
use packwright::llm::{Finish, Reply};
use packwright::policy::Policy;
use serde::Deserialize;
use std::collections::BTreeMap;

const CORPUS: &str = include_str!("../proposals.jsonl");
const POLICY: &str = "# Policy\n\nBe helpful and honest.\n\n## Acting\n\n- Ask before you send anything.\n\
                      - Read what matters first.\n\n## Answers\n\n- Number the steps.\n- Keep it short.\n\n\
                      ```\ntemplate\n```\n";

/// An answer with what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    group: String,
    name: String,
    answer: String,
    fill: Option<(String, usize)>,
    finish: Option<String>,
    /// A part of the reason why it is rejected; none where it is a valid edit.
    problem: Option<String>,
    /// What the edited policy has in it.
    #[serde(default)]
    edit: Vec<String>,
    /// What it has no more.
    #[serde(default)]
    lacks: Vec<String>,
}

impl Case {
    fn reply(&self) -> Reply {
        let (unit, count) = self.fill.clone().unwrap_or_default();
        let text = self.answer.replace("%FILL%", &unit.repeat(count));
        let finish = match self.finish.as_deref() {
            None => Finish::Stop,
            Some("length") => Finish::Length,
            Some("refused") => Finish::Refused,
            Some(other) => panic!("unknown finish {other}"),
        };
        Reply { finish, ..reply(&text) }
    }
}

#[test]
fn every_answer_ends_in_an_edit_or_a_rejection() {
    let desk = Desk::with(suites().remove(0), POLICY);
    let plan = desk.plan(Operator::Patch);
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for line in CORPUS.lines() {
        let case: Case = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let reply = case.reply();
        let writer = Scripted::in_turn([Ok(reply.clone()), Ok(reply)]);
        let event = desk.carry_out(&plan, &writer);
        let count = counts.entry(case.group.clone()).or_default();
        match (&event, &case.problem) {
            (Event::Proposed(proposed), None) => {
                check_edit(&desk, &case, proposed);
                count.0 += 1;
            }
            (Event::ProposalFailed(failed), Some(problem)) => {
                let told = told(&failed.reason);
                assert!(told.contains(problem), "{}: {told} instead of {problem}", case.name);
                assert!(writer.requests().len() == 2, "{} has one repair attempt", case.name);
                count.1 += 1;
            }
            _ => panic!("{}: {event:?} instead of {:?}", case.name, case.problem),
        }
    }
    let (edits, rejections) = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    for (group, (edits, rejections)) in counts {
        eprintln!("{group}: {edits} valid edits, {rejections} rejections");
    }
    eprintln!("{} answers: {edits} valid edits, {rejections} rejections", edits + rejections);
    assert!(rejections >= 80);
}

fn check_edit(desk: &Desk, case: &Case, proposed: &Proposed) {
    let policy = &proposed.candidate.agents_md;
    for part in &case.edit {
        assert!(policy.contains(part), "{}: {policy:?} without {part:?}", case.name);
    }
    for part in &case.lacks {
        assert!(!policy.contains(part), "{}: {policy:?} with {part:?}", case.name);
    }
    assert_eq!(Policy::parse(policy).text(), *policy);
    let parent = Policy::parse(POLICY);
    let applied = parent.apply(&proposed.candidate.hunks).expect("the hunks are of the parent");
    assert_eq!(applied.text(), *policy);
    assert_eq!(applied.revert(&proposed.candidate.hunks).expect("it can be taken back").0.text(), POLICY);
    let pack = desk.base.with_policy(policy);
    assert_eq!(pack.issues(), [], "{}", case.name);
    assert_eq!(*pack.hash(), proposed.candidate.id);
    assert_eq!(pack.with_policy(POLICY).hash(), desk.base.hash(), "nothing but the policy changes");
    assert!(proposed.rationale.chars().count() <= 301 && !proposed.rationale.contains('\n'));
}

fn told(fault: &ProposalFault) -> String {
    match fault {
        ProposalFault::Unusable { problem } => problem.clone(),
        ProposalFault::TooLong { utf16_units } => format!("too long: {utf16_units}"),
        ProposalFault::Overfitted { names } => format!("names facts of the situations: {names:?}"),
        other => format!("{other:?}"),
    }
}
