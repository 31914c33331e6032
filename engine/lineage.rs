//! The policies of a run's candidates with the edits that made them, and the proposals that are algebra on
//! these edits: taking one back, making one elsewhere, putting siblings together.

use crate::event::{Candidate, Operator, ProposalPlan};
use crate::policy::{Conflict, Hunk, Policy};
use crate::units::PackHash;
use indexmap::IndexMap;

/// The candidates told so far.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    members: IndexMap<PackHash, Member>,
}

#[derive(Clone, Debug)]
struct Member {
    policy: Policy,
    /// What its edit changed in the policy of its first parent.
    hunks: Vec<Hunk>,
}

/// Why edits could not be combined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// The plan names a candidate that was not told.
    #[error("{0} is no candidate of this run")]
    Unknown(PackHash),
    /// The edits contradict each other; only a writer could put them together.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The parent has all of it already.
    #[error("the edits change nothing in this policy")]
    Unchanged,
    /// The operator is not algebra.
    #[error("only a writer can do this")]
    AsksWriter,
}

impl Lineage {
    /// Takes a candidate, after its parents.
    ///
    /// Its items keep their ids from its first parent on. Where its edit was not recorded, the edit is the
    /// difference of the texts.
    pub fn add(&mut self, candidate: &Candidate) {
        let parent = candidate.parents.first().and_then(|id| self.policy(id));
        let (policy, hunks) = match parent {
            None => (Policy::parse(&candidate.agents_md), Vec::new()),
            Some(parent) => descended(parent, candidate),
        };
        self.members.entry(candidate.id.clone()).or_insert(Member { policy, hunks });
    }

    /// The policy of a candidate, with ids that stay.
    pub fn policy(&self, id: &PackHash) -> Option<&Policy> {
        Some(&self.members.get(id)?.policy)
    }

    /// What a candidate's edit changed in the policy of its first parent; nothing for what no edit made.
    pub fn hunks(&self, id: &PackHash) -> Option<&[Hunk]> {
        Some(&self.members.get(id)?.hunks)
    }

    /// Carries out a proposal that asks no writer: the new policy, and what it changes in the first parent.
    ///
    /// `Revert` takes the edges' edits out of the first parent, the youngest first; `Graft` and `Rebase` make them in it.
    /// `Merge` makes the edits of the other parents in the first, and those of edges if there are any.
    pub fn combine(&self, plan: &ProposalPlan) -> Result<(Policy, Vec<Hunk>), CombineError> {
        let Some((first, others)) = plan.parents.split_first() else { return Err(CombineError::Unchanged) };
        let parent = self.member(first)?;
        let edits = match plan.operator {
            Operator::Revert | Operator::Graft | Operator::Rebase => self.edits(&plan.edges)?,
            Operator::Merge => self.edits(&[others, &plan.edges].concat())?,
            Operator::Start
            | Operator::Patch
            | Operator::Rewrite
            | Operator::Condense
            | Operator::Reconcile => return Err(CombineError::AsksWriter),
        };
        let (policy, hunks) = match plan.operator {
            Operator::Revert => parent.policy.revert(&edits)?,
            _ => parent.policy.graft(&edits)?,
        };
        if hunks.is_empty() { Err(CombineError::Unchanged) } else { Ok((policy, hunks)) }
    }

    /// The edits of candidates, the oldest first.
    fn edits(&self, edges: &[PackHash]) -> Result<Vec<Hunk>, CombineError> {
        let mut edges: Vec<&PackHash> = edges.iter().collect();
        edges.sort_by_key(|id| self.members.get_index_of(*id));
        edges.dedup();
        let mut edits = Vec::new();
        for edge in edges {
            edits.extend(self.member(edge)?.hunks.iter().cloned());
        }
        Ok(edits)
    }

    fn member(&self, id: &PackHash) -> Result<&Member, CombineError> {
        self.members.get(id).ok_or_else(|| CombineError::Unknown(id.clone()))
    }
}

fn descended(parent: &Policy, candidate: &Candidate) -> (Policy, Vec<Hunk>) {
    let made = |hunks: &[Hunk]| parent.apply(hunks).ok().filter(|it| it.text() == candidate.agents_md);
    if let Some(policy) = made(&candidate.hunks) {
        return (policy, candidate.hunks.clone());
    }
    let hunks = parent.difference(&candidate.agents_md);
    let policy = made(&hunks).unwrap_or_else(|| Policy::parse(&candidate.agents_md));
    (policy, hunks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{ItemId, Operation};

    const START: &str = "# Policy\n\n- a\n- b\n\n## Mail\n\n- c\n";

    fn hash(name: &str) -> PackHash {
        PackHash(name.to_owned())
    }

    fn plan(operator: Operator, parents: &[&str], edges: &[&str]) -> ProposalPlan {
        let hashes = |names: &[&str]| names.iter().map(|name| hash(name)).collect();
        ProposalPlan {
            operator,
            parents: hashes(parents),
            edges: hashes(edges),
            writer: None,
            targets: Vec::new(),
            protected: Vec::new(),
            lessons: Vec::new(),
            length_max: 1_000,
        }
    }

    /// A lineage in which `x` and `y` are children of the start, and `z` one of `x`.
    fn lineage(keeps_hunks: bool) -> Lineage {
        let mut lineage = Lineage::default();
        lineage.add(&Candidate::brought(hash("start"), START));
        let add = |after: &str, text: &str| Operation::Add { after: ItemId(after.into()), text: text.into() };
        let edits = [
            ("x", "start", add("S1.b1", "- from x")),
            ("y", "start", Operation::Delete { id: ItemId("S1.b1".into()) }),
            ("z", "x", add("S2.b1", "- from z")),
        ];
        for (name, parent, operation) in edits {
            let (policy, hunks) = lineage.policy(&hash(parent)).unwrap().carry_out(&[operation]).unwrap();
            let candidate = Candidate::brought(hash(name), &policy.text());
            let hunks = if keeps_hunks { hunks } else { Vec::new() };
            lineage.add(&Candidate {
                parents: vec![hash(parent)],
                operator: Operator::Patch,
                hunks,
                ..candidate
            });
        }
        lineage
    }

    #[test]
    fn edits_are_taken_back_made_elsewhere_and_put_together() {
        let check = |operator, parents: &[&str], edges: &[&str], expected: &str| {
            for keeps_hunks in [true, false] {
                let lineage = lineage(keeps_hunks);
                let (policy, hunks) = lineage.combine(&plan(operator, parents, edges)).unwrap();
                assert_eq!(policy.text(), expected);
                let parent = lineage.policy(&hash(parents[0])).unwrap();
                assert_eq!(parent.apply(&hunks).unwrap().text(), expected);
            }
        };
        check(Operator::Revert, &["z"], &["x"], "# Policy\n\n- a\n- b\n\n## Mail\n\n- c\n- from z\n");
        check(Operator::Revert, &["z"], &["x", "z"], START);
        check(Operator::Graft, &["y"], &["z"], "# Policy\n\n- b\n\n## Mail\n\n- c\n- from z\n");
        check(Operator::Merge, &["x", "y"], &[], "# Policy\n\n- from x\n- b\n\n## Mail\n\n- c\n");
        check(Operator::Merge, &["y", "x"], &[], "# Policy\n\n- from x\n- b\n\n## Mail\n\n- c\n");
        check(Operator::Merge, &["start"], &["x", "y"], "# Policy\n\n- from x\n- b\n\n## Mail\n\n- c\n");
    }

    #[test]
    fn what_cannot_be_combined_says_why() {
        let lineage = lineage(true);
        let check = |plan, expected| assert_eq!(lineage.combine(&plan).err(), Some(expected));
        check(plan(Operator::Graft, &["z"], &["x"]), CombineError::Unchanged);
        check(plan(Operator::Graft, &["z"], &["q"]), CombineError::Unknown(hash("q")));
        check(plan(Operator::Patch, &["z"], &[]), CombineError::AsksWriter);
        check(plan(Operator::Merge, &[], &[]), CombineError::Unchanged);
    }
}
