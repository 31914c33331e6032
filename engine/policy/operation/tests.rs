//! What operations make of a policy, and what is wrong with some.

use super::*;

const TEXT: &str = "# Policy\n\nBe kind.\n\n- a\n- b\n\n## Mail\n\n- c\n- d\n";

fn id(id: &str) -> ItemId {
    ItemId(id.to_owned())
}

fn add(after: &str, text: &str) -> Operation {
    Operation::Add { after: id(after), text: text.to_owned() }
}

fn replace(name: &str, text: &str) -> Operation {
    Operation::Replace { id: id(name), text: text.to_owned() }
}

fn delete(name: &str) -> Operation {
    Operation::Delete { id: id(name) }
}

fn check(operations: &[Operation], expected: &str) {
    let policy = Policy::parse(TEXT);
    let (edited, hunks) = policy.carry_out(operations).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(edited.text(), expected);
    assert_eq!(policy.apply(&hunks), Ok(edited.clone()));
    let (back, _) = edited.revert(&hunks).expect("an edit can be taken back");
    assert_eq!(back.text(), TEXT);
}

fn refuse(operations: &[Operation], expected: &[&str]) {
    let problems = Policy::parse(TEXT).carry_out(operations).expect_err("a problem");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, expected);
}

#[test]
fn additions_join_the_list_that_they_follow() {
    check(&[add("S1.b2", "- new")], &TEXT.replace("- b\n", "- b\n- new\n"));
    check(&[add("S2", "- new")], &TEXT.replace("- c\n", "- new\n- c\n"));
    check(&[add("S2.b2", "- new\n  - nested\n\n")], &format!("{TEXT}- new\n  - nested\n"));
    check(&[add("S1.b2", "Be brief.")], &TEXT.replace("- b\n", "- b\n\nBe brief.\n"));
    check(&[add("S0", "Read this.")], &format!("Read this.\n\n{TEXT}"));
    check(&[add("S2.b2", "## New\n\n- x\n- y")], &format!("{TEXT}\n## New\n\n- x\n- y\n"));
    check(&[add("S1.b2", "## New\n\n- x")], &TEXT.replace("- b\n", "- b\n\n## New\n\n- x\n"));
}

#[test]
fn replacing_and_deleting_leave_neighbours_alone() {
    check(&[replace("S1.b2", "- better")], &TEXT.replace("- b\n", "- better\n"));
    check(&[replace("S1.p1", "Be nice.\n- x")], &TEXT.replace("Be kind.", "Be nice.\n- x"));
    check(&[replace("S2", "## Post")], &TEXT.replace("Mail", "Post"));
    check(&[delete("S1.b2")], &TEXT.replace("- b\n", ""));
    check(&[Operation::DeleteSection { id: id("S2") }], "# Policy\n\nBe kind.\n\n- a\n- b\n\n");
    check(&[delete("S2"), delete("S2.b1"), delete("S2.b2")], "# Policy\n\nBe kind.\n\n- a\n- b\n\n");
    check(&[delete("S1.b1"), add("S2.b2", "- a")], &format!("{}- a\n", TEXT.replace("- a\n", "")));
}

#[test]
fn every_problem_is_told_at_once() {
    refuse(
        &[delete("S1.b3"), replace("S1.b1", "- a"), add("S2.b9", "- x"), add("S1", " \n"), delete("S1.end")],
        &[
            "operation 1: there is no item `S1.b3`; the nearest is `S1.b2`",
            "operation 2: the new text of `S1.b1` is the old one",
            "operation 3: there is no item `S2.b9`; the nearest is `S2.b2`",
            "operation 4: the text is empty; use `delete` to remove an item",
            "operation 5: there is no item `S1.end`; the nearest is `S1.p1`",
        ],
    );
    refuse(
        &[delete("S1.b1"), replace("S1.b1", "- z"), delete("S2"), replace("S1", "text"), add("S1", "```\nx")],
        &[
            "operation 2: `S1.b1` is changed by an earlier operation already; change it once",
            "operation 3: `S2` is a heading with items below it (S2.b1, S2.b2); use `delete_section` to delete them \
             too",
            "operation 4: `S1` is a heading and can only be replaced by a heading; to remove it with all below it, \
             use `delete_section`",
            "operation 5: the text opens a code fence and does not close it",
        ],
    );
    refuse(
        &[add("S2", "- a")],
        &["operation 1: `S1.b1` says the same already; replace or move that one, or leave it"],
    );
    refuse(&[add("S2", "- x"), add("S2", "- x")], &["operation 2: repeats an earlier operation"]);
    refuse(&[], &["the operations change nothing"]);
}

#[test]
fn the_last_line_may_have_no_end() {
    let check = |text: &str, operation: Operation, expected: &str| {
        let policy = Policy::parse(text);
        let (edited, hunks) = policy.carry_out(&[operation]).expect("a valid operation");
        assert_eq!(edited.text(), expected);
        assert_eq!(edited.revert(&hunks).expect("taken back").0.text(), text);
    };
    check("- a", add("S0.b1", "- b"), "- a\n- b\n");
    check("- a\r\n- b", replace("S0.b1", "- c\n- d"), "- c\r\n- d\r\n- b");
    check("- a", replace("S0.b1", "- c"), "- c");
    check("\u{feff}- a", add("S0", "- b"), "\u{feff}- b\n- a");
    check("- a\n- b\n\ntext\n", delete("S0.b2"), "- a\n\ntext\n");
}

#[test]
fn ids_of_additions_depend_on_place_and_text_alone() {
    let policy = Policy::parse(TEXT);
    let made = |operations: &[Operation]| -> Vec<ItemId> {
        let (_, hunks) = policy.carry_out(operations).expect("valid operations");
        hunks.into_iter().map(|hunk| hunk.item).collect()
    };
    let one = made(&[add("S2.b1", "- x")]);
    assert_eq!(made(&[delete("S1.b1"), add("S2.b1", "\n- x\r\n\n")])[1..], one);
    assert!(one[0].0.starts_with("S2.x") && one[0].0.len() == 12, "{}", one[0]);
    assert_ne!(made(&[add("S2.b2", "- x")]), one);
    let ids: BTreeSet<ItemId> =
        (0..20_000).map(|number| added_id(Some(&id("S1.b1")), &format!("- rule {number}"))).collect();
    assert_eq!(ids.len(), 20_000);
}

#[test]
fn numbers_stand_before_the_items() {
    assert_eq!(
        Policy::parse(TEXT).numbered(),
        "[S1] # Policy\n\n[S1.p1] Be kind.\n\n[S1.b1] - a\n[S1.b2] - b\n\n[S2] ## Mail\n\n[S2.b1] - c\n[S2.b2] - d\n"
    );
}
