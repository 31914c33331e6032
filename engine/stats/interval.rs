//! Means with the interval that nine tenths of such means lie in, by Student's distribution.

use super::normal::WITHIN_90;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A value with its 90 % interval; the interval is none where nothing shows how far the value may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub value: f64,
    pub interval: Option<Interval>,
}

/// Where a value lies with a probability of nine tenths.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Values with their weight in a weighted mean.
#[derive(Clone, Debug)]
pub struct Group {
    /// Normalised.
    pub weight: f64,
    pub values: Vec<f64>,
}

impl Interval {
    /// Around a value, by its standard error.
    pub fn around(value: f64, se: f64) -> Interval {
        Interval { low: value - WITHIN_90 * se, high: value + WITHIN_90 * se }
    }

    /// Around a mean of values that have so many degrees of freedom.
    fn by_student(mean: f64, se: f64, freedom: f64) -> Option<Interval> {
        let spread = se * StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.95);
        Some(Interval { low: mean - spread, high: mean + spread })
    }
}

impl Estimate {
    /// The mean of some values; none of no values.
    pub fn of_mean(values: &[f64]) -> Option<Estimate> {
        Estimate::of_groups(&[Group { weight: 1.0, values: values.to_vec() }])
    }

    /// The weighted mean of the groups' means, which vary as values do within their group; none where a group has no
    /// values.
    pub fn of_groups(groups: &[Group]) -> Option<Estimate> {
        let means: Vec<f64> = groups.iter().map(|group| mean(&group.values)).collect::<Option<_>>()?;
        let value = groups.iter().zip(&means).map(|(group, mean)| group.weight * mean).sum();
        let spread = spread(groups, &means);
        let interval = spread.and_then(|(se, freedom)| Interval::by_student(value, se, freedom));
        (!groups.is_empty()).then_some(Estimate { value, interval })
    }

    /// The mean of each group, all with the spread that they have together; none where a group has no values.
    pub fn of_each(groups: &[Group]) -> Vec<Option<Estimate>> {
        let filled: Vec<Group> = groups.iter().filter(|group| !group.values.is_empty()).cloned().collect();
        let means: Vec<f64> = filled.iter().filter_map(|group| mean(&group.values)).collect();
        let pooled = pooled(&filled, &means);
        let estimate = |group: &Group| {
            let value = mean(&group.values)?;
            let interval = pooled.and_then(|(variance, freedom)| {
                Interval::by_student(value, (variance / group.values.len() as f64).sqrt(), freedom)
            });
            Some(Estimate { value, interval })
        };
        groups.iter().map(estimate).collect()
    }

    /// The change of a pass rate over pairs, of which so many were gained and lost, after Agresti and Min (Statist. Med.
    /// 24, 2005): half a pair of each kind is added for the interval, so that a few pairs that all agree are not taken
    /// for certainty. None without pairs.
    pub fn of_flips(gained: u32, lost: u32, pairs: u32) -> Option<Estimate> {
        if pairs == 0 {
            return None;
        }
        let (gained, lost, pairs) = (f64::from(gained), f64::from(lost), f64::from(pairs));
        let (more, less, all) = (gained + 0.5, lost + 0.5, pairs + 2.0);
        let centre = (more - less) / all;
        let se = (more + less - (more - less).powi(2) / all).sqrt() / all;
        let Interval { low, high } = Interval::around(centre, se);
        let interval = Interval { low: low.max(-1.0), high: high.min(1.0) };
        Some(Estimate { value: (gained - lost) / pairs, interval: Some(interval) })
    }

    /// The same interval around another value: of what differs from the mean by a constant.
    pub fn moved_to(self, value: f64) -> Estimate {
        let by = value - self.value;
        let moved = |interval: Interval| Interval { low: interval.low + by, high: interval.high + by };
        Estimate { value, interval: self.interval.map(moved) }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard error of the weighted mean and its degrees of freedom, with one spread for all groups; none where no
/// group has two values.
fn spread(groups: &[Group], means: &[f64]) -> Option<(f64, f64)> {
    let (variance, freedom) = pooled(groups, means)?;
    let share: f64 = groups.iter().map(|group| group.weight.powi(2) / group.values.len() as f64).sum();
    Some(((variance * share).sqrt(), freedom))
}

/// The variance of values about the mean of their group, and its degrees of freedom.
fn pooled(groups: &[Group], means: &[f64]) -> Option<(f64, f64)> {
    let count: usize = groups.iter().map(|group| group.values.len()).sum();
    let freedom = count.checked_sub(groups.len()).filter(|freedom| *freedom > 0)? as f64;
    let deviations =
        groups.iter().zip(means).flat_map(|(group, mean)| group.values.iter().map(move |v| v - mean));
    Some((deviations.map(|deviation| deviation * deviation).sum::<f64>() / freedom, freedom))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_tables() {
        let one = Estimate::of_mean(&[0.4, 0.6]).unwrap();
        // The standard error is 0.1, and Student's 95 % point at one degree of freedom 6.314.
        let interval = one.interval.unwrap();
        assert!((one.value - 0.5).abs() < 1e-12);
        assert!(
            (interval.high - 1.1314).abs() < 1e-3 && (interval.low + 0.1314).abs() < 1e-3,
            "{interval:?}"
        );
        let group = |weight, values: &[f64]| Group { weight, values: values.to_vec() };
        let two = Estimate::of_groups(&[group(0.75, &[0.0, 0.2]), group(0.25, &[0.5, 0.7])]).unwrap();
        // One spread of 0.02 for both, times 0.75² / 2 + 0.25² / 2; at two degrees of freedom 2.920.
        let width = 2.920 * (0.02_f64 * (0.5625 / 2.0 + 0.0625 / 2.0)).sqrt();
        assert!((two.value - 0.225).abs() < 1e-12);
        assert!((two.interval.unwrap().high - 0.225 - width).abs() < 1e-3);
    }

    #[test]
    fn what_was_measured_once_has_no_interval_and_what_was_not_has_no_value() {
        assert_eq!(Estimate::of_mean(&[0.4]), Some(Estimate { value: 0.4, interval: None }));
        assert_eq!(Estimate::of_mean(&[]), None);
        assert_eq!(Estimate::of_groups(&[]), None);
    }

    /// How often the interval holds the true change, counted out over all that so many pairs may come to.
    fn coverage(pairs: u32, gain: f64, loss: f64) -> f64 {
        let binomial = |n: u32, k: u32| {
            (0..k).fold(1.0, |product, step| product * f64::from(n - step) / f64::from(step + 1))
        };
        let mut covered = 0.0;
        for gained in 0..=pairs {
            for lost in 0..=pairs - gained {
                let chance = binomial(pairs, gained)
                    * binomial(pairs - gained, lost)
                    * gain.powi(gained as i32)
                    * loss.powi(lost as i32)
                    * (1.0 - gain - loss).powi((pairs - gained - lost) as i32);
                let interval = Estimate::of_flips(gained, lost, pairs).unwrap().interval.unwrap();
                if (interval.low..=interval.high).contains(&(gain - loss)) {
                    covered += chance;
                }
            }
        }
        covered
    }

    #[test]
    fn changes_of_pass_rates_are_within_their_intervals_as_often_as_stated() {
        for pairs in [6, 12, 24] {
            let cases = [(0.0, 0.0), (0.1, 0.1), (0.3, 0.1), (0.5, 0.0), (0.2, 0.4), (0.45, 0.45)];
            let all = cases.map(|(gain, loss)| coverage(pairs, gain, loss));
            assert!(all.iter().all(|share| *share > 0.84), "{pairs}: {all:?}");
            assert!(all.iter().sum::<f64>() / all.len() as f64 > 0.9, "{pairs}: {all:?}");
        }
        assert_eq!(Estimate::of_flips(0, 0, 0), None);
        let none = Estimate::of_flips(0, 0, 4).unwrap();
        assert!(none.value == 0.0 && none.interval.unwrap().high > 0.2, "four pairs that agree are no proof");
    }

    #[test]
    fn groups_share_their_spread() {
        let group = |values: &[f64]| Group { weight: 1.0, values: values.to_vec() };
        let each = Estimate::of_each(&[group(&[0.4, 0.6]), group(&[0.3]), group(&[])]);
        assert_eq!(each[0], Estimate::of_mean(&[0.4, 0.6]));
        let alone = each[1].unwrap();
        assert!((alone.interval.unwrap().high - 0.3 - 6.314 * 0.02_f64.sqrt()).abs() < 1e-3);
        assert_eq!(each[2], None);
    }
}
