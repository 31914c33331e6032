//! The design effect: how much more an episode's score varies than if its checks came out independently.
//!
//! Checks of one episode share its luck, so an episode says less than its number of checks suggests. How much
//! less depends on agent and scenarios; it is measured by repeating episodes, never assumed. A commit rule
//! with too small an effect claims gains that are luck.

/// What is believed before anything was repeated, and as if from how many degrees of freedom.
pub const PRIOR: f64 = 2.0;
pub const PRIOR_FREEDOM: f64 = 6.0;

/// The design effect as far as repeated episodes have shown it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DesignEffect {
    /// Squared deviations from the means of their groups.
    squares: f64,
    /// The same if checks were independent.
    modelled: f64,
    /// Σ degrees of freedom × (modelled variance)².
    modelled_squares: f64,
}

impl DesignEffect {
    /// Nothing repeated yet.
    pub fn new() -> DesignEffect {
        DesignEffect::default()
    }

    /// Takes the scores of one candidate's episodes in one scenario, and the variance that one such score
    /// would have if its checks were independent: Σ a² p (1 − p) over the checks, each with its share `a` of
    /// the points. A single episode, or a scenario where nothing can vary, shows nothing.
    pub fn note(&mut self, scores: &[f64], modelled_variance: f64) {
        if scores.len() < 2 || !modelled_variance.is_finite() || modelled_variance <= 0.0 {
            return;
        }
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let freedom = (scores.len() - 1) as f64;
        self.squares += scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>();
        self.modelled += freedom * modelled_variance;
        self.modelled_squares += freedom * modelled_variance.powi(2);
    }

    /// The measured ratio, drawn towards the prior as long as little was measured.
    pub fn value(&self) -> f64 {
        let freedom = self.freedom();
        let measured = if self.modelled > 0.0 { self.squares / self.modelled } else { PRIOR };
        (PRIOR * PRIOR_FREEDOM + measured * freedom) / (PRIOR_FREEDOM + freedom)
    }

    /// The degrees of freedom of the measurement, after Satterthwaite: groups that vary little add little.
    pub fn freedom(&self) -> f64 {
        if self.modelled > 0.0 { self.modelled.powi(2) / self.modelled_squares } else { 0.0 }
    }
}

/// Measurements of several scenarios together.
impl std::iter::Sum for DesignEffect {
    fn sum<I: Iterator<Item = DesignEffect>>(effects: I) -> DesignEffect {
        effects.fold(DesignEffect::new(), |sum, effect| DesignEffect {
            squares: sum.squares + effect.squares,
            modelled: sum.modelled + effect.modelled,
            modelled_squares: sum.modelled_squares + effect.modelled_squares,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;
    use rand::RngExt;
    use rand::rngs::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    /// A scenario of checks with these points and log-odds, whose episodes share a normal mood.
    struct World {
        checks: Vec<(f64, f64)>,
        sigma: f64,
    }

    impl World {
        fn new(sigma: f64) -> World {
            let odds = [-2.0, -1.0, -0.5, 0.0, 0.3, 0.8, 1.2, 1.5, 2.0, 2.5, 0.5, -0.2];
            let points = [2.0, 3.0, 4.0, 2.0, 3.0, 4.0, 5.0, 2.0, 3.0, 3.0, 2.0, 4.0];
            World { checks: points.into_iter().zip(odds).collect(), sigma }
        }

        fn rate(&self, odds: f64, mood: f64) -> f64 {
            1.0 / (1.0 + (-(odds + self.sigma * mood)).exp())
        }

        fn score(&self, rng: &mut ChaCha8Rng) -> f64 {
            let mood: f64 = StandardNormal.sample(rng);
            let possible: f64 = self.checks.iter().map(|check| check.0).sum();
            let earned = self
                .checks
                .iter()
                .map(|(points, odds)| points * f64::from(u8::from(rng.random_bool(self.rate(*odds, mood)))));
            earned.sum::<f64>() / possible
        }

        /// The mean of a function of the mood.
        fn mean(&self, f: impl Fn(f64) -> f64) -> f64 {
            let density = |mood: f64| (-mood * mood / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            (-800..=800).map(|step| f64::from(step) / 100.0).map(|mood| f(mood) * density(mood) / 100.0).sum()
        }

        fn over_checks(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
            let possible: f64 = self.checks.iter().map(|check| check.0).sum();
            self.checks.iter().map(|(points, odds)| f(points / possible, *odds)).sum()
        }

        /// The variance of a score if checks were independent, and as it is.
        fn variances(&self) -> (f64, f64) {
            let independent = self.over_checks(|share, odds| {
                let rate = self.mean(|mood| self.rate(odds, mood));
                share * share * rate * (1.0 - rate)
            });
            let score = |mood| self.over_checks(|share, odds| share * self.rate(odds, mood));
            let mean = self.mean(score);
            let between = self.mean(|mood| (score(mood) - mean).powi(2));
            let within = self.over_checks(|share, odds| {
                share * share * self.mean(|mood| self.rate(odds, mood) * (1.0 - self.rate(odds, mood)))
            });
            (independent, between + within)
        }

        fn measured(&self, groups: usize, repeats: usize, rng: &mut ChaCha8Rng) -> DesignEffect {
            let (mut effect, independent) = (DesignEffect::new(), self.variances().0);
            for _ in 0..groups {
                let scores: Vec<f64> = (0..repeats).map(|_| self.score(rng)).collect();
                effect.note(&scores, independent);
            }
            effect
        }
    }

    #[test]
    fn many_repeats_show_the_effect_of_a_known_mood() {
        for sigma in [0.0, 0.7, 1.0, 1.4] {
            let world = World::new(sigma);
            let (independent, real) = world.variances();
            let effect = world.measured(300, 5, &mut Seed(5).rng());
            println!("sigma {sigma}: {:.2} measured, {:.2} true", effect.value(), real / independent);
            assert!((effect.value() / (real / independent) - 1.0).abs() < 0.1);
            assert!((effect.freedom() - 1200.0).abs() < 1e-6);
        }
    }

    #[test]
    fn few_repeats_are_drawn_to_the_prior() {
        let world = World::new(0.0);
        let (mut rng, runs) = (Seed(6).rng(), 200);
        // Five scenarios, two passes: 5 degrees of freedom against the prior's 6.
        let values: Vec<f64> = (0..runs).map(|_| world.measured(5, 2, &mut rng).value()).collect();
        let mean = values.iter().sum::<f64>() / f64::from(runs);
        let expected = (PRIOR * PRIOR_FREEDOM + 5.0) / (PRIOR_FREEDOM + 5.0);
        assert!((mean - expected).abs() < 0.08, "{mean} {expected}");
        assert!(values.iter().all(|value| *value > 1.0));
    }

    #[test]
    fn what_shows_nothing_changes_nothing() {
        let check = |scores: &[f64], modelled: f64| {
            let mut effect = DesignEffect::new();
            effect.note(scores, modelled);
            assert_eq!((effect.value(), effect.freedom()), (PRIOR, 0.0));
        };
        check(&[], 0.1);
        check(&[0.5], 0.1);
        check(&[0.5, 0.9], 0.0);
        check(&[0.5, 0.9], f64::NAN);
    }

    #[test]
    fn groups_that_hardly_vary_add_little_freedom() {
        let mut effect = DesignEffect::new();
        effect.note(&[0.2, 0.4, 0.6], 0.04);
        assert!((effect.freedom() - 2.0).abs() < 1e-12);
        assert!((effect.value() - (12.0 + 2.0) / 8.0).abs() < 1e-12);
        effect.note(&[0.5; 40], 0.000_04);
        assert!(effect.freedom() < 2.2);
    }
}
