//! What holds for every policy and every edit.

use super::*;
use proptest::prelude::*;

/// Lines as policies have them, and lines that look like them.
const LINES: [&str; 24] = [
    "# Title",
    "## Mail",
    "###",
    "#tag",
    "- rule",
    "- other rule",
    "  - nested",
    "* star",
    "1. one",
    "2) two",
    "plain words",
    "  indented",
    "\tTab",
    "```",
    "```sh",
    "~~~~",
    "---",
    "===",
    "| a | b |",
    "> quoted",
    "",
    "",
    "   ",
    "\u{feff}",
];

fn markdown() -> impl Strategy<Value = String> {
    let line = (prop::sample::select(&LINES[..]), prop::sample::select(&["\n", "\n", "\n", "\r\n"][..]));
    (prop::collection::vec(line, 0..24), prop::sample::select(&LINES[..]), any::<bool>()).prop_map(
        |(lines, last, has_last)| {
            let mut text: String = lines.iter().map(|(line, end)| format!("{line}{end}")).collect();
            if has_last {
                text.push_str(last);
            }
            text
        },
    )
}

/// Choices of what to do with which item, made concrete by the policy at hand.
fn choices() -> impl Strategy<Value = Vec<(u8, usize, String)>> {
    let text = prop::sample::select(
        &["- added", "- more\n- and more", "A paragraph.", "## New\n\n- below", "```\ncode\n```", "- b"][..],
    );
    prop::collection::vec((0u8..4, 0usize..40, text.prop_map(str::to_owned)), 1..4)
}

fn operations(policy: &Policy, choices: &[(u8, usize, String)]) -> Vec<Operation> {
    let ids: Vec<&ItemId> =
        policy.items().filter(|item| item.kind != Kind::Blank).map(|item| item.id).collect();
    let pick = |index: usize| ids.get(index % ids.len().max(1)).map_or_else(ItemId::top, |id| (*id).clone());
    let make = |(what, index, text): &(u8, usize, String)| match what {
        0 | 1 => Operation::Add { after: pick(*index), text: text.clone() },
        2 => Operation::Replace { id: pick(*index), text: text.clone() },
        _ => Operation::Delete { id: pick(*index) },
    };
    choices.iter().map(make).collect()
}

/// The edit that the choices make; none where they cannot be carried out.
fn edit(policy: &Policy, choices: &[(u8, usize, String)]) -> Option<(Policy, Vec<Hunk>)> {
    policy.carry_out(&operations(policy, choices)).ok()
}

proptest! {
    #[test]
    fn any_text_is_kept_byte_for_byte(text in any::<String>()) {
        prop_assert_eq!(Policy::parse(&text).text(), text);
    }

    #[test]
    fn markdown_is_kept_byte_for_byte(text in markdown()) {
        let policy = Policy::parse(&text);
        let pieces: String = policy.items().map(|item| item.text).collect();
        prop_assert_eq!(&pieces, &text);
        prop_assert_eq!(policy.text(), text);
        let mut ids: Vec<&ItemId> = policy.items().map(|item| item.id).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_difference_makes_exactly_the_text(old in markdown(), between in choices(), new in markdown()) {
        let policy = Policy::parse(&old);
        let policy = edit(&policy, &between).map_or(policy, |(edited, _)| edited);
        let made = policy.apply(&policy.difference(&new)).map(|policy| policy.text());
        prop_assert_eq!(made, Ok(new));
    }

    #[test]
    fn an_edit_taken_back_leaves_the_bytes_as_they_were(text in markdown(), first in choices(), second in choices()) {
        let start = Policy::parse(&text);
        let policy = edit(&start, &first).map_or(start, |(edited, _)| edited);
        if let Some((edited, hunks)) = edit(&policy, &second) {
            prop_assert_eq!(policy.apply(&hunks), Ok(edited.clone()));
            let back = edited.apply(&inverse(&hunks));
            prop_assert_eq!(back.map(|back| back.text()), Ok(policy.text()));
        }
    }

    #[test]
    fn the_order_of_edits_does_not_matter(text in markdown(), one in choices(), other in choices()) {
        let base = Policy::parse(&text);
        if let (Some((_, one)), Some((_, other))) = (edit(&base, &one), edit(&base, &other)) {
            let ahead = merge(&base, &[&one, &other]);
            let behind = merge(&base, &[&other, &one]);
            match (ahead, behind) {
                (Ok((ahead, made)), Ok((behind, _))) => {
                    prop_assert_eq!(ahead.text(), behind.text());
                    // Putting siblings together is making one edit after the other, and can be replayed.
                    let grafted = base.apply(&one).expect("its own edit").graft(&other).expect("no conflict");
                    prop_assert_eq!(grafted.0.text(), ahead.text());
                    prop_assert_eq!(base.apply(&made).map(|policy| policy.text()), Ok(ahead.text()));
                    prop_assert_eq!(ahead.apply(&inverse(&made)).map(|policy| policy.text()), Ok(text));
                }
                (Err(ahead), Err(behind)) => prop_assert_eq!(ahead, behind),
                (ahead, behind) => prop_assert!(false, "{:?} but {:?}", ahead.err(), behind.err()),
            }
        }
    }

    #[test]
    fn the_same_edit_twice_is_made_once(text in markdown(), choices in choices()) {
        let base = Policy::parse(&text);
        if let Some((edited, hunks)) = edit(&base, &choices) {
            let (twice, made) = edited.graft(&hunks).expect("made already");
            prop_assert_eq!(twice.text(), edited.text());
            prop_assert_eq!(made, Vec::new());
        }
    }
}
