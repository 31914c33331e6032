//! The normal distribution: its shares and quantiles.

use statrs::distribution::{ContinuousCDF, Normal as Standard};

/// The middle nine tenths of a normal distribution lie within so many standard deviations.
pub const WITHIN_90: f64 = 1.645;

/// The share of the standard normal distribution below `z`.
pub fn below(z: f64) -> f64 {
    Standard::standard().cdf(z)
}

/// The standard normal's quantile: a share `share` lies below it.
pub fn quantile(share: f64) -> f64 {
    Standard::standard().inverse_cdf(share.clamp(0.0, 1.0))
}

/// The share of a normal distribution at or above a bound; without variance all or nothing of it.
pub fn above(mean: f64, variance: f64, bound: f64) -> f64 {
    if variance > 0.0 { below((mean - bound) / variance.sqrt()) } else { f64::from(u8::from(mean >= bound)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_quantiles_are_those_of_the_tables() {
        let check = |share: f64, z: f64| {
            assert!((quantile(share) - z).abs() < 1e-6 && (below(z) - share).abs() < 1e-6, "{share} {z}");
        };
        check(0.5, 0.0);
        check(0.95, 1.644_853_6);
        check(0.025, -1.959_964);
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((above(1.0, 0.0, 1.0), above(1.0, 0.0, 1.1)), (1.0, 0.0));
    }
}
