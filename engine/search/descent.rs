//! Who descends from whom.

use super::state::Member;
use crate::event::Operator;
use crate::units::PackHash;
use indexmap::IndexMap;

/// The youngest candidate from which all of them descend, themselves excluded.
fn common_ancestor(members: &IndexMap<PackHash, Member>, ids: &[PackHash]) -> Option<PackHash> {
    let (first, others) = ids.split_first()?;
    let mut shared = ancestors(members, first);
    for other in others {
        let theirs = ancestors(members, other);
        shared.retain(|id| theirs.contains(id));
    }
    shared.into_iter().max_by_key(|id| members.get_index_of(id))
}

/// Of what a candidate is believed to be made: a child of its parent, a merged one of the sum of its
/// parents' changes to their common ancestor.
pub(super) fn origin(
    members: &IndexMap<PackHash, Member>,
    operator: Operator,
    parents: &[PackHash],
) -> Vec<(PackHash, f64)> {
    let count = parents.len().max(1) as f64;
    let whole = |part: f64| parents.iter().map(|parent| (parent.clone(), part)).collect::<Vec<_>>();
    match common_ancestor(members, parents) {
        Some(ancestor) if operator == Operator::Merge => {
            let mut origin = whole(1.0);
            origin.push((ancestor, 1.0 - count));
            origin
        }
        _ => whole(1.0 / count),
    }
}

fn ancestors(members: &IndexMap<PackHash, Member>, id: &PackHash) -> Vec<PackHash> {
    let mut found: Vec<PackHash> = Vec::new();
    let mut open = vec![id];
    while let Some(next) = open.pop() {
        for parent in members.get(next).iter().flat_map(|member| &member.candidate.parents) {
            if !found.contains(parent) {
                found.push(parent.clone());
                open.push(parent);
            }
        }
    }
    found
}
