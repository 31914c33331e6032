//! A network of normal beliefs along the lineage of candidates: each is a combination of its parents plus a
//! small change of its own, so an episode of one tells of all its relatives.
//!
//! Who descends from whom is the same for every check; how much an edit moved a check, and what was seen of
//! it, differ. So the elimination is planned once per decision and then carried out check by check, on the
//! sparse inverse covariance. Candidates without living relatives but one go first (`order`): a tree then needs
//! no more numbers than it has edges, and the time grows with the number of candidates instead of its cube.

mod order;
mod spread;

use super::joint::Joint;
use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::factorization::{CscCholesky, CscSymbolicCholesky};
use nalgebra_sparse::pattern::SparsityPattern;
use std::sync::Arc;

pub use spread::Row;

/// Variances are held within these bounds, in units where beliefs are about 1 wide, as rates are. Below the
/// lower one rounding would weigh more than the difference; above the upper one nothing is known anyway.
pub const VARIANCE_MIN: f64 = 1e-9;
pub const VARIANCE_MAX: f64 = 100.0;

/// Who descends from whom. Node 0 is the root.
#[derive(Clone, Debug)]
pub struct Lineage {
    parents: Vec<Vec<(usize, f64)>>,
}

/// The order of the sums that give the beliefs of a lineage, whatever was seen.
#[derive(Clone, Debug)]
pub struct Elimination {
    /// Where each node stands in the order of elimination.
    place: Arc<[usize]>,
    symbolic: CscSymbolicCholesky,
    /// Where the factor has entries.
    pattern: Arc<SparsityPattern>,
    /// How many entries the matrix has.
    entries: usize,
    /// Where each node's own entry of the matrix is stored.
    diagonal: Vec<usize>,
    /// What each node adds to the matrix, by its precision.
    terms: Vec<Term>,
}

/// An elimination that is carried out for one check after another, in the same memory.
#[derive(Debug)]
pub struct Solver<'e> {
    elimination: &'e Elimination,
    /// None before the first check.
    factor: Option<CscCholesky<f64>>,
}

#[derive(Clone, Copy, Debug)]
struct Term {
    slot: usize,
    node: usize,
    factor: f64,
}

/// A normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    pub mean: f64,
    pub variance: f64,
}

/// The mean of what was seen of a node, and one by its variance; precision 0 where nothing was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    pub mean: f64,
    pub precision: f64,
}

/// What is believed of all nodes, given all that was seen.
#[derive(Clone, Debug)]
pub struct Posterior {
    place: Arc<[usize]>,
    means: Vec<f64>,
    pattern: Arc<SparsityPattern>,
    /// The factor's entries.
    factor: Vec<f64>,
}

impl Lineage {
    /// The root alone.
    pub fn new() -> Lineage {
        Lineage { parents: vec![Vec::new()] }
    }

    /// Adds a node that is the sum of `coefficient × parent` and of its own move, and returns its number.
    pub fn add(&mut self, parents: &[(usize, f64)]) -> usize {
        let mut merged: Vec<(usize, f64)> = Vec::with_capacity(parents.len());
        for (parent, coefficient) in parents {
            assert!(*parent < self.len(), "a parent is added before its child");
            assert!(coefficient.is_finite(), "a coefficient is a number");
            match merged.iter_mut().find(|(known, _)| known == parent) {
                Some((_, sum)) => *sum += coefficient,
                None => merged.push((*parent, *coefficient)),
            }
        }
        self.parents.push(merged);
        self.len() - 1
    }

    /// The number of nodes, the root included.
    #[allow(clippy::len_without_is_empty, reason = "there is always a root")]
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Plans the elimination; used for all checks until a node is added.
    pub fn plan(&self) -> Elimination {
        self.plan_of(&(0..self.len()).collect::<Vec<_>>())
    }

    /// The same for some nodes alone, in ascending order, with all that they are made of and with the root. Then they are
    /// named by their places in the list. The others, of which nothing was seen, change nothing that is believed of these.
    pub fn plan_of(&self, nodes: &[usize]) -> Elimination {
        assert!(nodes.first() == Some(&0) && nodes.is_sorted(), "the root comes first");
        let place = |node: &usize| nodes.binary_search(node).expect("parents are in the list");
        let count = nodes.len();
        let named = |node: &usize| -> Vec<(usize, f64)> {
            self.parents[*node].iter().map(|(parent, part)| (place(parent), *part)).collect()
        };
        let families: Vec<Vec<(usize, f64)>> =
            nodes.iter().enumerate().map(|(at, node)| family(at, &named(node))).collect();
        let relatives = order::relatives(&families);
        let place = order::places(&order::order(relatives.clone()));
        let pattern = order::pattern(&relatives, &place);
        let slot = |a: usize, b: usize| {
            let (start, lane) = (pattern.major_offsets()[place[a]], pattern.lane(place[a]));
            start + lane.binary_search(&place[b]).expect("the pattern was made of the same families")
        };
        let terms = families.iter().enumerate().flat_map(|(node, family)| {
            let pairs = family.iter().flat_map(move |a| family.iter().map(move |b| (a, b)));
            pairs.map(move |(a, b)| Term { slot: slot(a.0, b.0), node, factor: a.1 * b.1 })
        });
        let terms = terms.collect();
        let diagonal = (0..count).map(|node| slot(node, node)).collect();
        let (entries, symbolic) = (pattern.nnz(), CscSymbolicCholesky::factor(pattern));
        let pattern = Arc::new(symbolic.l_pattern().clone());
        Elimination { place: place.into(), symbolic, pattern, entries, diagonal, terms }
    }
}

impl Default for Lineage {
    fn default() -> Lineage {
        Lineage::new()
    }
}

/// A node's own move in terms of the nodes: itself minus its combination of parents.
fn family(node: usize, parents: &[(usize, f64)]) -> Vec<(usize, f64)> {
    std::iter::once((node, 1.0)).chain(parents.iter().map(|(parent, part)| (*parent, -part))).collect()
}

impl Elimination {
    /// The number of nodes.
    #[allow(clippy::len_without_is_empty, reason = "there is always a root")]
    pub fn len(&self) -> usize {
        self.diagonal.len()
    }

    /// Begins to carry it out.
    pub fn solver(&self) -> Solver<'_> {
        Solver { elimination: self, factor: None }
    }
}

impl Solver<'_> {
    /// Returns what is believed of all nodes: the root's prior, how far each node may move from its parents'
    /// combination (a variance; the root's is not read), and what was seen of each.
    pub fn posterior(&mut self, root: Normal, moved: &[f64], seen: &[Seen]) -> Posterior {
        let Elimination { place, symbolic, pattern, entries, diagonal, terms } = self.elimination;
        let count = self.elimination.len();
        assert_eq!((moved.len(), seen.len()), (count, count), "every node has a move and a sight");
        let prior = |node: usize| 1.0 / bounded(if node == 0 { root.variance } else { moved[node] });
        let mut values = vec![0.0; *entries];
        for term in terms {
            values[term.slot] += term.factor * prior(term.node);
        }
        let mut evidence = DVector::zeros(count);
        evidence[place[0]] = root.mean * prior(0);
        for (node, seen) in seen.iter().enumerate().filter(|(_, seen)| seen.precision > 0.0) {
            let precision = seen.precision.min(1.0 / VARIANCE_MIN);
            values[diagonal[node]] += precision;
            evidence[place[node]] += seen.mean * precision;
        }
        let solved = match &mut self.factor {
            Some(factor) => factor.refactor(&values),
            None => CscCholesky::factor_numerical(symbolic.clone(), &values)
                .map(|factor| self.factor = Some(factor)),
        };
        let factor = solved.ok().and(self.factor.as_ref());
        let factor =
            factor.expect("every node has a prior precision far above the rounding of its neighbours'");
        factor.solve_mut(&mut evidence);
        let means = place.iter().map(|place| evidence[*place]).collect();
        let (place, pattern) = (Arc::clone(place), Arc::clone(pattern));
        Posterior { place, means, pattern, factor: factor.l().values().to_vec() }
    }
}

/// NaN, which only a caller's mistake makes, becomes the upper bound: nothing is known.
fn bounded(variance: f64) -> f64 {
    if variance.is_nan() { VARIANCE_MAX } else { variance.clamp(VARIANCE_MIN, VARIANCE_MAX) }
}

impl Posterior {
    /// The means of all nodes.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The variance of one node.
    pub fn variance(&self, node: usize) -> f64 {
        let mut sum = 0.0;
        self.walk(&self.way(node), &mut vec![0.0; self.means.len()], |_, value| sum += value * value);
        sum
    }

    /// Returns the joint belief about some nodes.
    pub fn joint(&self, wanted: &[usize]) -> Joint {
        let rows: Vec<Row> = wanted.iter().map(|node| Row::of(std::slice::from_ref(self), *node)).collect();
        let covariance = DMatrix::from_fn(wanted.len(), wanted.len(), |a, b| {
            rows[a.max(b)].covariance(&rows[a.min(b)], &[1.0])
        });
        Joint { means: wanted.iter().map(|node| self.means[*node]).collect(), covariance }
    }

    /// The places from the root of the elimination to a node.
    fn way(&self, node: usize) -> Vec<usize> {
        let mut way = Vec::new();
        let mut next = Some(self.place[node]);
        while let Some(place) = next {
            way.push(place);
            // The first entry below the diagonal is the next step.
            next = self.pattern.lane(place).get(1).copied();
        }
        way.reverse();
        way
    }

    /// Gives a node's row of the inverse of the factor along its way: index on the way, and value. `rest` is as long
    /// as there are nodes, all zero before and after.
    fn walk(&self, way: &[usize], rest: &mut [f64], mut give: impl FnMut(usize, f64)) {
        let (offsets, rows) = (self.pattern.major_offsets(), self.pattern.minor_indices());
        let values = &self.factor;
        if let Some(place) = way.last() {
            rest[*place] = 1.0;
        }
        for (index, place) in way.iter().enumerate().rev() {
            let (first, end) = (offsets[*place], offsets[*place + 1]);
            let value = std::mem::take(&mut rest[*place]) / values[first];
            for (row, entry) in rows[first + 1..end].iter().zip(&values[first + 1..end]) {
                rest[*row] -= entry * value;
            }
            give(index, value);
        }
    }
}

#[cfg(test)]
mod tests;
