//! A joint normal belief about several candidates, and draws from it. Decisions are made on joint draws: what
//! two candidates share cancels in their difference, which means and standard errors alone do not show.

use nalgebra::DMatrix;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A variance below this share of the largest is none: the rest of a sum that should be zero.
const ROUNDING: f64 = 1e-12;

/// Means and covariance of what is believed of several candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    pub means: Vec<f64>,
    pub covariance: DMatrix<f64>,
}

/// Joint draws: as many rows as draws, as many columns as candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    pub draws: usize,
    pub candidates: usize,
    /// Draw by draw.
    pub values: Vec<f64>,
}

impl Joint {
    /// Returns the belief about a sum of independent parts, each with its coefficient: a scenario's score is
    /// the sum of its checks' rates by their shares. None of no parts.
    pub fn sum<'j>(parts: impl IntoIterator<Item = (f64, &'j Joint)>) -> Option<Joint> {
        let mut parts = parts.into_iter();
        let (share, first) = parts.next()?;
        let means = first.means.iter().map(|mean| share * mean).collect();
        let mut sum = Joint { means, covariance: &first.covariance * (share * share) };
        for (share, part) in parts {
            assert_eq!(part.means.len(), sum.means.len(), "the parts are about the same candidates");
            sum.means.iter_mut().zip(&part.means).for_each(|(sum, mean)| *sum += share * mean);
            sum.covariance.zip_apply(&part.covariance, |sum, covariance| *sum += share * share * covariance);
        }
        Some(sum)
    }

    /// The number of candidates.
    pub fn candidates(&self) -> usize {
        self.means.len()
    }

    /// The belief about the difference between two candidates: its mean and variance.
    pub fn difference(&self, a: usize, b: usize) -> (f64, f64) {
        let covariance = &self.covariance;
        let variance = covariance[(a, a)] + covariance[(b, b)] - 2.0 * covariance[(a, b)];
        (self.means[a] - self.means[b], variance.max(0.0))
    }

    /// Draws once.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        self.draws(1, rng).values
    }

    /// Draws so many times.
    pub fn draws(&self, count: usize, rng: &mut ChaCha8Rng) -> Draws {
        let (root, candidates) = (square_root(&self.covariance), self.means.len());
        let mut values = Vec::with_capacity(count * candidates);
        let mut normals = vec![0.0; candidates];
        for _ in 0..count {
            normals.fill_with(|| StandardNormal.sample(rng));
            let start = values.len();
            values.extend_from_slice(&self.means);
            for (column, normal) in root.iter().zip(&normals) {
                let drawn = values[start + column.from..].iter_mut().zip(&column.entries);
                drawn.for_each(|(value, entry)| *value += entry * normal);
            }
        }
        Draws { draws: count, candidates, values }
    }
}

impl Draws {
    /// One draw of all candidates.
    pub fn row(&self, draw: usize) -> &[f64] {
        &self.values[draw * self.candidates..][..self.candidates]
    }
}

/// A column of the square root of a covariance, from its diagonal on.
struct Column {
    from: usize,
    entries: Vec<f64>,
}

/// The lower triangular L with L Lᵀ = K. Unlike a library's Cholesky decomposition it takes a singular K, as
/// it is where a candidate is known exactly or is the sum of others: what has no variance left gets no column.
fn square_root(covariance: &DMatrix<f64>) -> Vec<Column> {
    let count = covariance.nrows();
    let largest = (0..count).map(|at| covariance[(at, at)]).fold(0.0, f64::max);
    let mut rest = covariance.clone();
    let mut root = Vec::with_capacity(count);
    for at in 0..count {
        let variance = rest[(at, at)];
        if variance <= ROUNDING * largest || variance.is_nan() {
            continue;
        }
        let deviation = variance.sqrt();
        let entries: Vec<f64> = (at..count).map(|row| rest[(row, at)] / deviation).collect();
        for column in at + 1..count {
            let factor = entries[column - at];
            let below = rest.as_mut_slice()[column * count + column..].iter_mut();
            below.zip(&entries[column - at..]).for_each(|(rest, entry)| *rest -= entry * factor);
        }
        root.push(Column { from: at, entries });
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    fn joint(means: &[f64], covariance: &[f64]) -> Joint {
        Joint {
            means: means.into(),
            covariance: DMatrix::from_row_slice(means.len(), means.len(), covariance),
        }
    }

    /// L Lᵀ, which must be the covariance again.
    fn squared(covariance: &DMatrix<f64>) -> DMatrix<f64> {
        let mut product = DMatrix::zeros(covariance.nrows(), covariance.nrows());
        for column in square_root(covariance) {
            for (a, left) in column.entries.iter().enumerate() {
                for (b, right) in column.entries.iter().enumerate() {
                    product[(column.from + a, column.from + b)] += left * right;
                }
            }
        }
        product
    }

    #[test]
    fn roots_of_regular_and_singular_covariances_square_to_them() {
        let check = |covariance: &[f64]| {
            let covariance = joint(&vec![0.0; covariance.len().isqrt()], covariance).covariance;
            let error = (squared(&covariance) - &covariance).amax();
            assert!(error < 1e-14, "{covariance}: {error}");
        };
        check(&[4.0, 2.0, 2.0, 3.0]);
        check(&[0.0, 0.0, 0.0, 1.0]);
        check(&[1.0, 0.0, 0.0, 0.0]);
        check(&[0.0; 9]);
        // The third is the sum of the others.
        check(&[1.0, 0.5, 1.5, 0.5, 2.0, 2.5, 1.5, 2.5, 4.0]);
        check(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn draws_have_the_moments_they_should() {
        let joint = joint(&[0.2, 0.7, 0.5], &[0.04, 0.03, 0.0, 0.03, 0.09, 0.0, 0.0, 0.0, 0.0]);
        let draws = joint.draws(20_000, &mut Seed(3).rng());
        let mean = |f: &dyn Fn(&[f64]) -> f64| (0..20_000).map(|at| f(draws.row(at))).sum::<f64>() / 20_000.0;
        for at in 0..3 {
            assert!((mean(&|row| row[at]) - joint.means[at]).abs() < 0.01);
        }
        assert!((mean(&|row| (row[0] - 0.2) * (row[1] - 0.7)) - 0.03).abs() < 0.002);
        assert!((mean(&|row| (row[1] - 0.7).powi(2)) - 0.09).abs() < 0.004);
        assert!((0..20_000).all(|at| draws.row(at)[2] == 0.5));
    }

    #[test]
    fn one_seed_gives_the_same_draws_on_every_machine() {
        let drawn = joint(&[0.0], &[1.0]).draws(4, &mut Seed(7).rng());
        let text: Vec<String> = drawn.values.iter().map(f64::to_string).collect();
        assert_eq!(
            text.join(" "),
            "-0.7753719332177971 -1.3834217200084091 0.8897130187430372 0.3597790583440233"
        );
    }

    #[test]
    fn a_sum_of_parts_weighs_means_once_and_variances_twice() {
        let a = joint(&[1.0, 2.0], &[1.0, 0.5, 0.5, 1.0]);
        let b = joint(&[0.0, 1.0], &[4.0, 0.0, 0.0, 4.0]);
        let sum = Joint::sum([(0.5, &a), (0.25, &b)]).unwrap();
        assert_eq!(sum, joint(&[0.5, 1.25], &[0.5, 0.125, 0.125, 0.5]));
        assert_eq!(sum.difference(1, 0), (0.75, 0.75));
        assert_eq!(Joint::sum([]), None);
    }
}
