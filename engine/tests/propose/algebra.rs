//! Proposals that ask no writer, and the one that does where edits contradict each other.

use super::{Desk, addition, suites};
use packwright::event::{Event, Operator, ProposalFault, ProposalPlan};
use packwright::llm::scripted::Scripted;
use packwright::propose::ProposalStyle;
use packwright::units::PackHash;

#[test]
fn algebra_on_edits_asks_nobody() {
    let mut desk = Desk::with(suites().remove(0), "# Policy\n\n- a\n- b\n");
    let nobody = Scripted::in_turn([]);
    let patch = desk.plan(Operator::Patch);
    let one = desk.propose_and_tell(&patch, &addition("- From the first."));
    let other = desk.propose_and_tell(&patch, r#"{"op": "delete", "id": "S1.b1"}"#);
    let clash = desk.propose_and_tell(&patch, r#"{"op": "replace", "id": "S1.b1", "text": "- better"}"#);
    let [one, other, clash] = [one, other, clash].map(|proposed| proposed.candidate.id);
    let child = ProposalPlan { parents: vec![one.clone()], ..patch.clone() };
    let child =
        desk.propose_and_tell(&child, r#"{"op": "add", "after": "S1.b2", "text": "- From the child."}"#);
    let plan = |operator, parents: &[&PackHash], edges: &[&PackHash]| ProposalPlan {
        operator,
        parents: parents.iter().map(|id| (*id).clone()).collect(),
        edges: edges.iter().map(|id| (*id).clone()).collect(),
        ..patch.clone()
    };
    let check = |plan: ProposalPlan, expected: Result<&str, ProposalFault>| {
        let made = match desk.carry_out(&plan, &nobody) {
            Event::Proposed(proposed) => Ok(proposed.candidate.agents_md),
            Event::ProposalFailed(failed) => Err(failed.reason),
            event => panic!("{event:?}"),
        };
        assert_eq!(made, expected.map(str::to_owned));
    };
    let base = desk.base.hash().clone();
    let merged = "# Policy\n\n- From the first.\n- b\n";
    check(plan(Operator::Merge, &[&one, &other], &[]), Ok(merged));
    check(
        plan(Operator::Revert, &[&child.candidate.id], &[&one]),
        Ok("# Policy\n\n- a\n- b\n- From the child.\n"),
    );
    check(plan(Operator::Graft, &[&other], &[&one]), Ok(merged));
    check(plan(Operator::Merge, &[&base], &[]), Err(ProposalFault::Duplicate { of: base.clone() }));
    let problem = "the edits contradict each other about S1.b1".to_owned();
    check(plan(Operator::Merge, &[&other, &clash], &[]), Err(ProposalFault::Unusable { problem }));
    assert!(nobody.requests().is_empty());
    let reconcile = plan(Operator::Reconcile, &[&other, &clash], &[]);
    let question = desk.question(&reconcile, ProposalStyle::default());
    assert!(question.contains(r#"{"op":"replace","id":"S1.b1","text":"- better"}"#), "{question}");
    assert!(question.contains(r#"{"op":"delete","id":"S1.b1"}"#), "{question}");
}
