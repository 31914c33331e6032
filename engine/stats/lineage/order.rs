//! The order in which a lineage's nodes are eliminated, which decides how much there is to compute.

use nalgebra_sparse::pattern::SparsityPattern;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The nodes that each node shares a family with, itself included.
pub(super) fn relatives(families: &[Vec<(usize, f64)>]) -> Vec<BTreeSet<usize>> {
    let mut relatives = vec![BTreeSet::new(); families.len()];
    for family in families {
        for (node, _) in family {
            relatives[*node].extend(family.iter().map(|(other, _)| *other));
        }
    }
    relatives
}

/// The order of elimination: always a node with the fewest relatives left, the newest of equals. Its relatives
/// become relatives of each other, so this keeps what is to be computed small.
pub(super) fn order(mut relatives: Vec<BTreeSet<usize>>) -> Vec<usize> {
    let mut queue: BTreeSet<(usize, Reverse<usize>)> =
        relatives.iter().enumerate().map(|(node, others)| (others.len(), Reverse(node))).collect();
    let mut order = Vec::with_capacity(relatives.len());
    while let Some((_, Reverse(node))) = queue.pop_first() {
        order.push(node);
        let mut left = std::mem::take(&mut relatives[node]);
        left.remove(&node);
        for other in &left {
            queue.remove(&(relatives[*other].len(), Reverse(*other)));
            relatives[*other].remove(&node);
            relatives[*other].extend(&left);
            queue.insert((relatives[*other].len(), Reverse(*other)));
        }
    }
    order
}

/// Where each node stands in an order.
pub(super) fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, node)| places[*node] = place);
    places
}

/// The entries of the sparse inverse covariance, in the order of elimination.
pub(super) fn pattern(relatives: &[BTreeSet<usize>], place: &[usize]) -> SparsityPattern {
    let mut columns = vec![BTreeSet::new(); relatives.len()];
    for (node, others) in relatives.iter().enumerate() {
        columns[place[node]] = others.iter().map(|other| place[*other]).collect();
    }
    let offsets = std::iter::once(0).chain(columns.iter().scan(0, |end, column| {
        *end += column.len();
        Some(*end)
    }));
    let (offsets, indices) = (offsets.collect(), columns.iter().flatten().copied().collect());
    SparsityPattern::try_from_offsets_and_indices(columns.len(), columns.len(), offsets, indices)
        .expect("sets are sorted and hold each index once")
}
