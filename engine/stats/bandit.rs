//! A bandit over ways of making candidates (operators, writer models): which one gains most for its cost?
//!
//! Discounted Thompson sampling: what an arm earned lately counts more, since what helps an early policy does
//! not help a late one. An arm's gain is normal with unknown mean and variance; its mean is drawn from what is
//! believed of it and divided by its mean cost, and the best draw is tried.

use super::values::argmax;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StudentT};

/// With every note, older ones count by this much less.
pub const DISCOUNT: f64 = 0.98;
/// Of an arm as much is believed before it was tried as if from so many notes that came out like those of all
/// arms together.
const PRIOR_NOTES: f64 = 1.0;
/// Twice the shape of the variance's prior: few degrees of freedom, hence wide draws, hence early trials.
const PRIOR_FREEDOM: f64 = 3.0;
/// The standard deviation of gains that is believed before there are any.
const PRIOR_DEVIATION: f64 = 0.05;
/// In this share of the choices any arm is taken, so that none is given up for ever.
const EXPLORED: f64 = 0.1;

/// What is known of the arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandit {
    arms: Vec<Arm>,
}

/// Discounted sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Arm {
    notes: f64,
    gain: f64,
    gain_squared: f64,
    cost: f64,
}

impl Bandit {
    /// Arms 0, 1, … of which nothing is known.
    pub fn new(arms: usize) -> Bandit {
        Bandit { arms: vec![Arm::default(); arms] }
    }

    /// Takes what an arm gained and what it cost. An unknown arm, or what is not a number, changes nothing.
    pub fn note(&mut self, arm: usize, gain: f64, cost: f64) {
        if arm >= self.arms.len() || !gain.is_finite() || !cost.is_finite() {
            return;
        }
        for arm in &mut self.arms {
            *arm = arm.times(DISCOUNT);
        }
        let noted = Arm { notes: 1.0, gain, gain_squared: gain * gain, cost: cost.max(0.0) };
        self.arms[arm] = self.arms[arm].plus(noted);
    }

    /// Chooses the arm to try; arm 0 where there is no other.
    pub fn choose(&self, rng: &mut ChaCha8Rng) -> usize {
        if self.arms.is_empty() || rng.random_bool(EXPLORED) {
            return rng.random_range(0..self.arms.len().max(1));
        }
        let together = self.arms.iter().fold(Arm::default(), |sum, arm| sum.plus(*arm));
        argmax(self.arms.iter().map(|arm| arm.draw(&together, rng))).unwrap_or(0)
    }

    /// An arm's believed gain for a cost of 1; NaN while nothing was noted at any cost.
    pub fn gain_per_cost(&self, arm: usize) -> f64 {
        let together = self.arms.iter().fold(Arm::default(), |sum, arm| sum.plus(*arm));
        self.arms[arm].mean_gain(&together) / self.arms[arm].mean_cost(&together)
    }
}

impl Arm {
    fn times(self, factor: f64) -> Arm {
        Arm {
            notes: self.notes * factor,
            gain: self.gain * factor,
            gain_squared: self.gain_squared * factor,
            cost: self.cost * factor,
        }
    }

    fn plus(self, other: Arm) -> Arm {
        Arm {
            notes: self.notes + other.notes,
            gain: self.gain + other.gain,
            gain_squared: self.gain_squared + other.gain_squared,
            cost: self.cost + other.cost,
        }
    }

    /// Draws what the arm may gain for its cost, from the normal-gamma posterior.
    fn draw(&self, together: &Arm, rng: &mut ChaCha8Rng) -> f64 {
        let prior = together.own_mean();
        let deviations = self.gain_squared - 2.0 * prior * self.gain + self.notes * prior * prior;
        let shift = (self.gain - self.notes * prior).powi(2) / (PRIOR_NOTES + self.notes);
        let freedom = PRIOR_FREEDOM + self.notes;
        let squares = PRIOR_FREEDOM * together.own_variance() + (deviations - shift).max(0.0);
        let scale = (squares / freedom / (PRIOR_NOTES + self.notes)).sqrt();
        // A positive number of degrees of freedom always makes a distribution.
        let drawn = StudentT::new(freedom).map_or(0.0, |student| student.sample(rng));
        let gain = self.mean_gain(together) + scale * drawn;
        // A loss is not the smaller for having been dear.
        if gain > 0.0 { gain / self.mean_cost(together) } else { gain }
    }

    fn mean_gain(&self, together: &Arm) -> f64 {
        (self.gain + PRIOR_NOTES * together.own_mean()) / (self.notes + PRIOR_NOTES)
    }

    /// The mean cost, of which a little is always shared with all arms: nothing is free of the time it takes.
    fn mean_cost(&self, together: &Arm) -> f64 {
        let shared = if together.cost > 0.0 { together.cost / together.notes } else { 1.0 };
        (self.cost + PRIOR_NOTES * shared) / (self.notes + PRIOR_NOTES)
    }

    /// The mean gain, drawn to 0 by one note.
    fn own_mean(&self) -> f64 {
        self.gain / (self.notes + 1.0)
    }

    /// The variance of gains, drawn to the prior's by one note.
    fn own_variance(&self) -> f64 {
        let mean = self.own_mean();
        let deviations = self.gain_squared - 2.0 * mean * self.gain + self.notes * mean * mean;
        (deviations.max(0.0) + PRIOR_DEVIATION * PRIOR_DEVIATION) / (self.notes + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;
    use rand_distr::StandardNormal;

    /// How often each arm was chosen, of so many choices in each of 40 runs. An arm is a mean gain and a cost.
    fn choices(arms: &[(f64, f64)], from: usize, until: usize) -> Vec<f64> {
        let mut shares = vec![0.0; arms.len()];
        for run in 0..40 {
            let (mut rng, mut bandit) = (Seed(run).rng(), Bandit::new(arms.len()));
            for at in 0..until {
                let arm = bandit.choose(&mut rng);
                let noise: f64 = StandardNormal.sample(&mut rng);
                bandit.note(arm, arms[arm].0 + 0.03 * noise, arms[arm].1);
                if at >= from {
                    shares[arm] += 1.0 / 40.0 / (until - from) as f64;
                }
            }
        }
        shares
    }

    #[test]
    fn the_better_arm_is_found() {
        let shares = choices(&[(0.0, 1.0), (0.03, 1.0), (-0.01, 1.0)], 60, 160);
        println!("{shares:.2?}");
        assert!(shares[1] > 0.6, "{shares:?}");
    }

    #[test]
    fn a_gain_counts_by_its_cost() {
        let shares = choices(&[(0.03, 4.0), (0.02, 1.0)], 60, 160);
        println!("{shares:.2?}");
        assert!(shares[1] > 0.65, "{shares:?}");
    }

    #[test]
    fn early_on_every_arm_is_tried() {
        let shares = choices(&[(0.0, 1.0), (0.04, 1.0), (-0.02, 1.0), (0.01, 1.0)], 0, 40);
        println!("{shares:.2?}");
        assert!(shares.iter().all(|share| *share >= 0.05), "{shares:?}");
    }

    #[test]
    fn an_arm_that_stops_gaining_is_left() {
        let (mut rng, mut bandit) = (Seed(1).rng(), Bandit::new(2));
        let mut late = 0;
        for at in 0..300 {
            let arm = bandit.choose(&mut rng);
            bandit.note(arm, if (at < 150) == (arm == 0) { 0.05 } else { 0.0 }, 1.0);
            late += u32::from(at >= 250 && arm == 1);
        }
        assert!(late > 35, "{late} of the last 50");
        assert!(bandit.gain_per_cost(1) > bandit.gain_per_cost(0));
    }

    #[test]
    fn absurd_notes_change_nothing() {
        let mut bandit = Bandit::new(2);
        bandit.note(7, 1.0, 1.0);
        bandit.note(0, f64::NAN, 1.0);
        bandit.note(0, 1.0, f64::INFINITY);
        assert_eq!(bandit, Bandit::new(2));
        assert_eq!(Bandit::new(0).choose(&mut Seed(1).rng()), 0);
    }
}
