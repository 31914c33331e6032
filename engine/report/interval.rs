//! Means with the interval that nine tenths of such means lie in, by Student's distribution.

use crate::stats::normal::WITHIN_90;
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
pub(super) struct Group {
    /// Normalised.
    pub weight: f64,
    pub values: Vec<f64>,
}

impl Interval {
    /// Around a value, by its standard error.
    pub(super) fn around(value: f64, se: f64) -> Interval {
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
    pub(super) fn of_mean(values: &[f64]) -> Option<Estimate> {
        Estimate::of_groups(&[Group { weight: 1.0, values: values.to_vec() }])
    }

    /// The weighted mean of the groups' means, which vary as values do within their group; none where a group has no
    /// values.
    pub(super) fn of_groups(groups: &[Group]) -> Option<Estimate> {
        let means: Vec<f64> = groups.iter().map(|group| mean(&group.values)).collect::<Option<_>>()?;
        let value = groups.iter().zip(&means).map(|(group, mean)| group.weight * mean).sum();
        let spread = spread(groups, &means);
        let interval = spread.and_then(|(se, freedom)| Interval::by_student(value, se, freedom));
        (!groups.is_empty()).then_some(Estimate { value, interval })
    }

    /// The same interval around another value: of what differs from the mean by a constant.
    pub(super) fn moved_to(self, value: f64) -> Estimate {
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
    let count: usize = groups.iter().map(|group| group.values.len()).sum();
    let freedom = count.checked_sub(groups.len()).filter(|freedom| *freedom > 0)? as f64;
    let deviations =
        groups.iter().zip(means).flat_map(|(group, mean)| group.values.iter().map(move |v| v - mean));
    let variance = deviations.map(|deviation| deviation * deviation).sum::<f64>() / freedom;
    let share: f64 = groups.iter().map(|group| group.weight.powi(2) / group.values.len() as f64).sum();
    Some(((variance * share).sqrt(), freedom))
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
}
