//! The simulated writer behind a prompt: it finds the policy and the failed checks in whatever it is asked, edits
//! like the writer of the nights, and answers in the form asked for. So other optimizers can be given the same
//! writer with their own prompts and parsers.

use super::draft::{Brief, Edit, carry_out, draft};
use super::policy_text::{is_bullet, numbered, rules};
use super::world::World;
use crate::event::Operator;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use serde_json::json;

const SEARCH: &str = "<<<<<<< SEARCH";
const OPERATIONS: &str = "\"operations\"";

/// The answer to a prompt.
pub fn answer(world: &World, prompt: &str, rng: &mut ChaCha8Rng) -> String {
    let Some(found) = Found::in_prompt(prompt) else {
        return "I see no policy with bullets in the prompt.".into();
    };
    let form = Form::asked_for(prompt);
    let mut targets = failed_checks(world, prompt);
    if form != Form::Operations {
        // Only our own prompts list the most valuable first.
        targets.shuffle(rng);
    }
    let policy = found.lines.join("\n") + "\n";
    let brief = Brief { policy: &policy, targets: &targets, operator: operator(prompt) };
    match draft(world, &brief, rng) {
        Some(edits) => form.text(&found, &policy, &edits),
        None if form == Form::Whole => form.text(&found, &policy, &[]),
        None => "I have no idea how to improve it.".into(),
    }
}

/// How an answer is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Blocks that say what to search for and what to put in its place.
    Diff,
    /// Our own JSON.
    Operations,
    /// The whole text in a fence.
    Whole,
}

impl Form {
    fn asked_for(prompt: &str) -> Form {
        if prompt.contains(SEARCH) {
            Form::Diff
        } else if prompt.contains(OPERATIONS) {
            Form::Operations
        } else {
            Form::Whole
        }
    }

    fn text(self, found: &Found<'_>, policy: &str, edits: &[Edit]) -> String {
        match self {
            Form::Diff => diff(&found.lines, edits),
            Form::Operations => operations(found, edits),
            Form::Whole => {
                let fence = found.fence.unwrap_or("```");
                format!("Here is the new text.\n\n{fence}\n{}```\n", carry_out(policy, edits))
            }
        }
    }
}

/// One block for each line that changes, or after which lines come.
fn diff(lines: &[&str], edits: &[Edit]) -> String {
    let mut blocks = String::new();
    for (at, line) in lines.iter().enumerate() {
        let mut new = vec![*line];
        for edit in edits {
            match edit {
                Edit::Replace { at: place, line } if *place == at => new[0] = line,
                Edit::Delete { at: place } if *place == at => {
                    new.remove(0);
                }
                _ => {}
            }
        }
        let is_last = at + 1 == lines.len();
        new.extend(edits.iter().filter_map(|edit| match edit {
            Edit::Add { before, line } if *before == at + 1 || (is_last && *before > at) => {
                Some(line.as_str())
            }
            _ => None,
        }));
        if new[..] != [*line] {
            blocks.push_str(&format!("{SEARCH}\n{line}\n=======\n{}\n>>>>>>> REPLACE\n\n", new.join("\n")));
        }
    }
    blocks
}

fn operations(found: &Found<'_>, edits: &[Edit]) -> String {
    let id = |at: usize| found.ids.get(at).copied().flatten();
    let above = |before: usize| (0..before.min(found.ids.len())).rev().find_map(id).unwrap_or("S0");
    let operations = edits.iter().filter_map(|edit| match edit {
        Edit::Add { before, line } => Some(json!({ "op": "add", "after": above(*before), "text": line })),
        Edit::Replace { at, line } => Some(json!({ "op": "replace", "id": id(*at)?, "text": line })),
        Edit::Delete { at } => Some(json!({ "op": "delete", "id": id(*at)? })),
    });
    let document =
        json!({ "rationale": "mends a failed check", "operations": operations.collect::<Vec<_>>() });
    document.to_string()
}

/// A policy as it stands in a prompt.
#[derive(Debug, PartialEq)]
struct Found<'a> {
    lines: Vec<&'a str>,
    /// The id before a line, where our own prompt put one.
    ids: Vec<Option<&'a str>>,
    /// The line that opens the fence around it.
    fence: Option<&'a str>,
}

impl<'a> Found<'a> {
    /// The last block that holds bullets with rules; else the first with bullets that are no report of checks.
    fn in_prompt(prompt: &'a str) -> Option<Found<'a>> {
        let blocks: Vec<Found<'a>> = with_ids(prompt).into_iter().chain(fenced(prompt)).collect();
        let has_rules = |block: &&Found| !rules(&block.lines.join("\n")).is_empty();
        let has_bullets = |block: &&Found| {
            let mut bullets = block.lines.iter().filter(|line| is_bullet(line)).peekable();
            bullets.peek().is_some() && bullets.all(|line| numbered(line, "c").next().is_none())
        };
        let place = blocks.iter().rposition(|block| has_rules(&block));
        let place = place.or_else(|| blocks.iter().position(|block| has_bullets(&block)))?;
        blocks.into_iter().nth(place)
    }
}

/// Stretches of lines with ids like `[S1.b2]`.
fn with_ids(prompt: &str) -> Vec<Found<'_>> {
    let mut blocks: Vec<Found<'_>> = Vec::new();
    let mut is_open = false;
    for line in prompt.lines() {
        let (id, rest) = split_id(line);
        if id.is_none() && line.starts_with(['<', '#', '`']) {
            is_open = false;
        }
        if id.is_some() && !is_open {
            blocks.push(Found { lines: Vec::new(), ids: Vec::new(), fence: None });
            is_open = true;
        }
        if let (true, Some(block)) = (is_open, blocks.last_mut()) {
            block.lines.push(rest);
            block.ids.push(id);
        }
    }
    blocks
}

fn split_id(line: &str) -> (Option<&str>, &str) {
    let parts = line.strip_prefix("[S").and_then(|rest| rest.split_once("] "));
    match parts {
        Some((id, rest)) if id.starts_with(|c: char| c.is_ascii_digit()) && !id.contains(' ') => {
            (Some(&line[1..id.len() + 2]), rest)
        }
        _ => (None, line),
    }
}

/// The contents of fences.
fn fenced(prompt: &str) -> Vec<Found<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Found<'_>> = None;
    for line in prompt.lines() {
        match &mut open {
            None if line.starts_with("```") => {
                open = Some(Found { lines: Vec::new(), ids: Vec::new(), fence: Some(line) });
            }
            None => {}
            Some(_) if line.trim_end() == "```" => blocks.extend(open.take()),
            Some(block) => block.lines.push(line),
        }
    }
    blocks
}

/// The checks that the prompt says failed, in its order: ids like `c17` below a heading of what failed, and below
/// others, unless that is about what must be kept or the sentence is about what passed.
fn failed_checks(world: &World, prompt: &str) -> Vec<usize> {
    let mut failed = Vec::new();
    let mut below = Below::Other;
    for line in prompt.lines() {
        if line.starts_with('#') {
            below = Below::heading(line);
        }
        for at in line.split(';').filter(|part| below.is_failure(part)).flat_map(|part| numbered(part, "c")) {
            if at < world.checks.len() && !failed.contains(&at) {
                failed.push(at);
            }
        }
    }
    failed
}

/// What the heading above a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Below {
    Failed,
    Kept,
    Other,
}

impl Below {
    fn heading(line: &str) -> Below {
        let line = line.to_lowercase();
        if line.contains("fail") {
            Below::Failed
        } else if ["pass", "keep", "protect", "earlier"].iter().any(|word| line.contains(word)) {
            Below::Kept
        } else {
            Below::Other
        }
    }

    fn is_failure(self, part: &str) -> bool {
        let part = part.to_lowercase();
        match self {
            Below::Failed => true,
            Below::Kept => false,
            Below::Other => part.contains("fail") || !part.contains("pass"),
        }
    }
}

/// What the prompt's task is: our own asks for one of two things, others for a better text.
fn operator(prompt: &str) -> Operator {
    let task = prompt.split("## Task").nth(1).map(|rest| rest.split("\n## ").next().unwrap_or(rest));
    let is_shorter = task.is_some_and(|task| task.trim_start().starts_with("Shorten"));
    if is_shorter { Operator::Condense } else { Operator::Patch }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Definition;
    use crate::units::Seed;

    #[test]
    fn failed_checks_are_told_from_others() {
        let world = World::new(&Definition::named("default").unwrap(), Seed(1));
        let check = |prompt: &str, expected: &[usize]| {
            assert_eq!(failed_checks(&world, prompt), expected, "{prompt}")
        };
        check("- FAILED c3 (s0): x\n- passed c4\nc5 passed; c6 failed", &[3, 6]);
        check(
            "## Failed checks\n- [A.c7] (safety, believed to pass 40 %)\n## Checks that pass\n- [B.c8]\n## Rules\nabc9 c10x",
            &[7],
        );
        check("c1, c60, c61, c1", &[1, 60]);
    }

    #[test]
    fn the_policy_is_the_last_block_with_rules() {
        let check = |prompt: &str, lines: &[&str], ids: &[Option<&str>]| {
            let found = Found::in_prompt(prompt).unwrap();
            assert_eq!((found.lines.as_slice(), found.ids.as_slice()), (lines, ids), "{prompt}");
        };
        check("```\n- rule-1\n```\n```md\n- rule-2\n```\n```\n- FAILED c1\n```", &["- rule-2"], &[]);
        check("```\n- be kind\n```\n```\n- FAILED c1\n```", &["- be kind"], &[]);
        check(
            "<policy>\n[S1] # A\n\n[S1.b1] - rule-3\n</policy>\nMore.",
            &["# A", "", "- rule-3"],
            &[Some("S1"), None, Some("S1.b1")],
        );
        assert_eq!(Found::in_prompt("- rule-1"), None);
    }

    #[test]
    fn our_own_prompts_may_ask_for_less() {
        assert_eq!(operator("## Task\n\nShorten the policy.\n\n## Rules"), Operator::Condense);
        assert_eq!(operator("## Task\n\nImprove it.\n\n## Rules\nShorten"), Operator::Patch);
        assert_eq!(operator("Shorten it"), Operator::Patch);
    }
}
