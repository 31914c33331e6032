//! How nodes vary together, for many posteriors of one elimination at once: a decision asks for differences of sums
//! over checks, of a few pairs, so no whole covariance is computed.

use super::Posterior;

/// A node's row of the inverse factors of some posteriors.
///
/// It differs from zero only on the way from the node to the root of the elimination, the same way for every
/// check; the covariance of two nodes is the product of their rows from where their ways have met.
#[derive(Clone, Debug)]
pub struct Row {
    checks: usize,
    /// The root first.
    way: Vec<usize>,
    /// For every place of the way the values of all checks.
    values: Vec<f64>,
}

impl Row {
    /// Takes a node's row; the posteriors, one for each check, are of the same elimination.
    pub fn of(posteriors: &[Posterior], node: usize) -> Row {
        let checks = posteriors.len();
        let way = posteriors.first().map(|first| first.way(node)).unwrap_or_default();
        let mut values = vec![0.0; way.len() * checks];
        let mut rest = vec![0.0; posteriors.first().map_or(0, |posterior| posterior.means.len())];
        for (check, posterior) in posteriors.iter().enumerate() {
            posterior.walk(&way, &mut rest, |index, value| values[index * checks + check] = value);
        }
        Row { checks, way, values }
    }

    /// The covariance with another node, summed over the checks with weights.
    pub fn covariance(&self, other: &Row, weights: &[f64]) -> f64 {
        assert_eq!((weights.len(), other.checks), (self.checks, self.checks), "every check has a weight");
        if self.checks == 0 {
            return 0.0;
        }
        let shared = self.way.iter().zip(&other.way).take_while(|(a, b)| a == b).count() * self.checks;
        let mut sums = vec![0.0; self.checks];
        let places = self.values[..shared].chunks_exact(self.checks);
        for (ours, theirs) in places.zip(other.values[..shared].chunks_exact(self.checks)) {
            for ((sum, ours), theirs) in sums.iter_mut().zip(ours).zip(theirs) {
                *sum += ours * theirs;
            }
        }
        sums.iter().zip(weights).map(|(sum, weight)| sum * weight).sum()
    }
}
