//! Top-two Thompson sampling: which two candidates the next pair of episodes should tell apart.
//!
//! The leader is the best of one joint draw, the challenger the best of another draw in which the leader is
//! not. Episodes then go where they may still change the choice: neither to the hopeless nor all to the
//! leader. (Russo, "Simple Bayesian algorithms for best-arm identification", 2016.)

use super::values::{Values, argmax};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Returns leader and challenger; none with fewer than two candidates or without draws.
///
/// Where the leader is the best of every draw, the challenger is the one that comes nearest to it on average.
pub fn top_two(values: &Values, rng: &mut ChaCha8Rng) -> Option<(usize, usize)> {
    if values.candidates < 2 || values.draws == 0 {
        return None;
    }
    let mut best_of_a_draw = || argmax(values.row(rng.random_range(0..values.draws)).iter().copied());
    let leader = best_of_a_draw()?;
    let challenger = (0..values.draws).find_map(|_| best_of_a_draw().filter(|best| *best != leader));
    let mean = |candidate| if candidate == leader { f64::NAN } else { values.mean(candidate) };
    let nearest = || argmax((0..values.candidates).map(mean));
    Some((leader, challenger.or_else(nearest)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    fn shares(values: &Values) -> Vec<f64> {
        let mut rng = Seed(2).rng();
        let mut shares = vec![0.0; values.candidates];
        for _ in 0..2_000 {
            let (leader, challenger) = top_two(values, &mut rng).unwrap();
            assert_ne!(leader, challenger);
            shares[leader] += 1.0 / 4_000.0;
            shares[challenger] += 1.0 / 4_000.0;
        }
        shares
    }

    #[test]
    fn the_leader_gets_half_and_the_rest_by_their_chances() {
        // Best in 80, 15 and 5 of 100 draws, and never.
        let best = |draw: usize| usize::from(draw >= 80) + usize::from(draw >= 95);
        let row = |draw: usize| (0..4).map(move |at| f64::from(u8::from(at == best(draw))));
        let values = Values { draws: 100, candidates: 4, values: (0..100).flat_map(row).collect() };
        let shares = shares(&values);
        // First as leader in 0.8, and as challenger whenever another leads.
        let expected = [0.5, 0.5 * (0.15 + 0.8 * 0.75 + 0.05 * 0.158), 0.0, 0.0];
        assert!((shares[0] - expected[0]).abs() < 0.03, "{shares:?}");
        assert!(shares[1] > 0.3 && shares[2] > 0.08 && shares[3] == 0.0, "{shares:?}");
    }

    #[test]
    fn a_certain_leader_is_challenged_by_the_nearest() {
        let values = Values { draws: 2, candidates: 3, values: vec![3.0, 1.0, 2.0, 3.0, 2.5, 2.0] };
        assert_eq!(top_two(&Values { draws: 2, ..values.clone() }, &mut Seed(1).rng()), Some((0, 2)));
        assert_eq!(top_two(&Values { candidates: 1, draws: 6, ..values }, &mut Seed(1).rng()), None);
    }
}
