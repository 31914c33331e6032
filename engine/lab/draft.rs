//! The simulated writer: what it changes in a policy when it is asked to mend some checks.

use super::policy_text::{bullets, is_bullet, rules, rules_of};
use super::world::World;
use crate::event::Operator;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeSet;

/// Of so many targets, the first, a writer minds one.
const MINDED: usize = 4;
/// How often wording a section anew loses one of its bullets.
const LOSES: f64 = 0.1;
/// The most bullets that condensing takes out.
const CONDENSED_MAX: usize = 3;

/// One change of a policy, by lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A line comes to stand before the line at this place; at the end where the place is beyond it.
    Add {
        before: usize,
        line: String,
    },
    Replace {
        at: usize,
        line: String,
    },
    Delete {
        at: usize,
    },
}

/// What the writer is asked.
pub struct Brief<'a> {
    pub policy: &'a str,
    /// The checks to mend, the most valuable first.
    pub targets: &'a [usize],
    pub operator: Operator,
}

/// Returns the changes that the writer makes; none where its answer cannot be used.
pub fn draft(world: &World, brief: &Brief<'_>, rng: &mut ChaCha8Rng) -> Option<Vec<Edit>> {
    let skill = world.definition.writer;
    if rng.random_bool(skill.unusable) {
        return None;
    }
    let lines: Vec<&str> = brief.policy.lines().collect();
    let mut draft = Draft { world, brief, has: rules(brief.policy), lines: &lines, edits: Vec::new() };
    match brief.operator {
        Operator::Condense => draft.condense(rng),
        Operator::Rewrite => draft.rewrite(rng),
        _ => {
            draft.change(rng);
            if rng.random_bool(skill.second) {
                draft.change(rng);
            }
        }
    }
    Some(draft.edits)
}

/// The policy after some changes, whose places are those before them.
pub fn carry_out(policy: &str, edits: &[Edit]) -> String {
    let lines: Vec<&str> = policy.lines().collect();
    let mut text = String::with_capacity(policy.len() + 100 * edits.len());
    for at in 0..=lines.len() {
        let added = edits.iter().filter_map(|edit| match edit {
            Edit::Add { before, line } if (*before).min(lines.len()) == at => Some(line.as_str()),
            _ => None,
        });
        added.for_each(|line| push_line(&mut text, line));
        let Some(line) = lines.get(at) else { break };
        let change = edits.iter().find(|edit| match edit {
            Edit::Replace { at: place, .. } | Edit::Delete { at: place } => *place == at,
            Edit::Add { .. } => false,
        });
        match change {
            Some(Edit::Replace { line, .. }) => push_line(&mut text, line),
            Some(_) => {}
            None => push_line(&mut text, line),
        }
    }
    text
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

struct Draft<'a> {
    world: &'a World,
    brief: &'a Brief<'a>,
    /// The rules that the policy has by now.
    has: BTreeSet<usize>,
    lines: &'a [&'a str],
    edits: Vec<Edit>,
}

impl Draft<'_> {
    fn change(&mut self, rng: &mut ChaCha8Rng) {
        let skill = self.world.definition.writer;
        let lot = rng.random_range(0.0..1.0);
        let bullets = self.untouched();
        let old = (!bullets.is_empty()).then(|| bullets[rng.random_range(0..bullets.len())]);
        match old {
            Some(at) if lot < skill.delete => self.edits.push(Edit::Delete { at }),
            Some(at) if lot < skill.delete + skill.replace => {
                if let Some(line) = self.new_bullet(rng) {
                    self.edits.push(Edit::Replace { at, line });
                }
            }
            _ => {
                if let Some(line) = self.new_bullet(rng) {
                    let before = self.end_of_a_section(rng);
                    self.edits.push(Edit::Add { before, line });
                }
            }
        }
    }

    /// Takes bullets out, more often than not those that do no good.
    fn condense(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..rng.random_range(1..=CONDENSED_MAX) {
            let mut bullets = self.untouched();
            if rng.random_bool(self.world.definition.writer.skill) {
                let useless: Vec<usize> =
                    bullets.iter().copied().filter(|at| self.worth(*at) <= 0.0).collect();
                bullets = if useless.is_empty() { bullets } else { useless };
            }
            if bullets.is_empty() {
                return;
            }
            self.edits.push(Edit::Delete { at: bullets[rng.random_range(0..bullets.len())] });
        }
    }

    /// Brings two rules into a section, and may lose some that it had.
    fn rewrite(&mut self, rng: &mut ChaCha8Rng) {
        let end = self.end_of_a_section(rng);
        let begin = (0..end).rev().find(|at| self.lines[*at].starts_with('#')).unwrap_or(0);
        for at in self.untouched().into_iter().filter(|at| (begin..end).contains(at)) {
            if rng.random_bool(LOSES) {
                self.edits.push(Edit::Delete { at });
            }
        }
        for _ in 0..2 {
            if let Some(line) = self.new_bullet(rng) {
                self.edits.push(Edit::Add { before: end, line });
            }
        }
    }

    /// A bullet with a rule that the policy does not have.
    fn new_bullet(&mut self, rng: &mut ChaCha8Rng) -> Option<String> {
        let world = self.world;
        let targets = &self.brief.targets[..self.brief.targets.len().min(MINDED)];
        let fits = |rule: &usize| !self.has.contains(rule);
        let mut choice: Vec<usize> = Vec::new();
        if !targets.is_empty() && rng.random_bool(world.definition.writer.skill) {
            let target = targets[rng.random_range(0..targets.len())];
            choice = world.mends(target).iter().copied().filter(fits).collect();
        }
        if choice.is_empty() {
            choice = (0..world.rules.len()).filter(fits).collect();
        }
        if choice.is_empty() {
            return None;
        }
        let rule = choice[rng.random_range(0..choice.len())];
        self.has.insert(rule);
        Some(world.bullet(rule))
    }

    fn worth(&self, at: usize) -> f64 {
        rules_of(self.lines[at]).map(|rule| self.world.benefit(rule)).sum()
    }

    /// Bullets that no edit has changed yet.
    fn untouched(&self) -> Vec<usize> {
        let is_touched = |place: &usize| {
            self.edits.iter().any(|edit| match edit {
                Edit::Replace { at, .. } | Edit::Delete { at } => at == place,
                Edit::Add { .. } => false,
            })
        };
        bullets(self.lines).into_iter().filter(|at| !is_touched(at)).collect()
    }

    /// Below the last bullet of some section; the end where there is none.
    fn end_of_a_section(&self, rng: &mut ChaCha8Rng) -> usize {
        let ends: Vec<usize> = (0..self.lines.len())
            .filter(|at| {
                is_bullet(self.lines[*at]) && self.lines.get(at + 1).is_none_or(|line| !is_bullet(line))
            })
            .collect();
        if ends.is_empty() { self.lines.len() } else { ends[rng.random_range(0..ends.len())] + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_carried_out_by_their_places_before() {
        let edits = [
            Edit::Add { before: 1, line: "b".into() },
            Edit::Delete { at: 1 },
            Edit::Replace { at: 2, line: "d".into() },
            Edit::Add { before: 9, line: "e".into() },
        ];
        assert_eq!(carry_out("a\nx\ny\n", &edits), "a\nb\nd\ne\n");
        assert_eq!(carry_out("a\n", &[]), "a\n");
    }
}
