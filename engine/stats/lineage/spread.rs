//! How several nodes vary together, for many posteriors of one elimination at once: a decision asks for differences
//! of sums over checks, of a few pairs, so no whole covariance is computed.

use super::Posterior;

/// The rows of the inverse factors of some nodes.
///
/// A row differs from zero only on the way from its node to the root of the elimination, the same way for every
/// check; the covariance of two nodes is the product of their rows from where their ways have met.
#[derive(Clone, Debug)]
pub struct Spread {
    checks: usize,
    /// By node: its way, the root first.
    ways: Vec<Vec<usize>>,
    /// By node: its row, for every place of the way the values of all checks.
    rows: Vec<Vec<f64>>,
}

impl Spread {
    /// Takes the rows of the wanted nodes; the posteriors, one for each check, are of the same elimination.
    pub fn of(posteriors: &[Posterior], wanted: &[usize]) -> Spread {
        let checks = posteriors.len();
        let ways: Vec<Vec<usize>> = match posteriors.first() {
            Some(first) => wanted.iter().map(|node| first.way(*node)).collect(),
            None => vec![Vec::new(); wanted.len()],
        };
        let mut rows: Vec<Vec<f64>> = ways.iter().map(|way| vec![0.0; way.len() * checks]).collect();
        let mut rest = vec![0.0; posteriors.first().map_or(0, |posterior| posterior.means.len())];
        for (check, posterior) in posteriors.iter().enumerate() {
            for (way, row) in ways.iter().zip(&mut rows) {
                posterior.walk(way, &mut rest, |index, value| row[index * checks + check] = value);
            }
        }
        Spread { checks, ways, rows }
    }

    /// The covariance of two of the wanted nodes, by their places in the list, summed over the checks with
    /// weights.
    pub fn covariance(&self, a: usize, b: usize, weights: &[f64]) -> f64 {
        assert_eq!(weights.len(), self.checks, "every check has a weight");
        if self.checks == 0 {
            return 0.0;
        }
        let shared = self.ways[a].iter().zip(&self.ways[b]).take_while(|(a, b)| a == b).count() * self.checks;
        let mut sums = vec![0.0; self.checks];
        let places = self.rows[a][..shared].chunks_exact(self.checks);
        for (ours, theirs) in places.zip(self.rows[b][..shared].chunks_exact(self.checks)) {
            for ((sum, ours), theirs) in sums.iter_mut().zip(ours).zip(theirs) {
                *sum += ours * theirs;
            }
        }
        sums.iter().zip(weights).map(|(sum, weight)| sum * weight).sum()
    }
}
