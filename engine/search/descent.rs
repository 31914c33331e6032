//! Who descends from whom, and what a candidate is believed to be made of.

use super::member::Member;
use crate::event::Operator;
use crate::units::PackHash;
use indexmap::IndexMap;

type Members = IndexMap<PackHash, Member>;

/// Of what a candidate is believed to be made: a child of its parent; a merged one of its siblings' changes to the
/// parent that they share; one with an edit taken back or made again of its parent without or with the change.
pub(super) fn origin(
    members: &Members,
    operator: Operator,
    parents: &[PackHash],
    edges: &[PackHash],
) -> Vec<(PackHash, f64)> {
    let Some(first) = parents.first() else { return Vec::new() };
    let mut origin = Vec::new();
    let mut add = |id: &PackHash, part: f64| match origin.iter_mut().find(|(known, _)| known == id) {
        Some((_, sum)) => *sum += part,
        None => origin.push((id.clone(), part)),
    };
    match operator {
        Operator::Merge | Operator::Reconcile => {
            for parent in parents {
                add(parent, 1.0);
            }
            if let Some(base) = parent_of(members, first) {
                add(base, 1.0 - parents.len() as f64);
            }
        }
        Operator::Revert | Operator::Graft | Operator::Rebase => {
            let sign = if operator == Operator::Revert { -1.0 } else { 1.0 };
            add(first, 1.0);
            for edge in edges {
                add(edge, sign);
                if let Some(parent) = parent_of(members, edge) {
                    add(parent, -sign);
                }
            }
        }
        Operator::Start | Operator::Patch | Operator::Rewrite | Operator::Condense => add(first, 1.0),
    }
    origin.retain(|(_, part)| *part != 0.0);
    origin
}

/// The candidate that an edit was made to.
pub(super) fn parent_of<'a>(members: &'a Members, id: &PackHash) -> Option<&'a PackHash> {
    members.get(id)?.candidate.parents.first()
}

/// The edits that made a policy out of the incumbent's, newest first, each named by its child.
pub(super) fn path<'a>(members: &'a Members, id: &PackHash) -> Vec<&'a PackHash> {
    let mut path: Vec<&PackHash> = Vec::new();
    let mut open: Vec<&PackHash> = members.get_key_value(id).map(|(id, _)| id).into_iter().collect();
    while let Some(id) = open.pop() {
        let candidate = &members[id].candidate;
        if candidate.operator == Operator::Merge {
            open.extend(&candidate.parents);
        } else if let Some(parent) = candidate.parents.first().filter(|_| !path.contains(&id)) {
            path.push(id);
            open.push(parent);
        }
    }
    path
}
