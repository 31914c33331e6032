//! Who wins among miners: how the subnet's validators made reward shares out of scores or costs.
//!
//! While few take part, the best three share. Later one takes all, and being first counts: a newcomer must be
//! better than an earlier one by a margin. How that was read changed with the rules; each reading is kept as it
//! was, oddities included, since it decides whether a pack that is better here wins there.

use super::margin::{Direction, Margin};

/// The shares of the best three while few take part.
const FEW: [f64; 3] = [0.7, 0.2, 0.1];

/// A miner as a validator sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contender {
    /// The final score, or the cost.
    pub value: f64,
    /// When it was first seen; none where the validator does not know, which counts as last.
    pub block: Option<u64>,
    /// Whether it passed the gates; without gates everyone does.
    pub is_qualified: bool,
}

/// How one succeeds another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Succession {
    /// 2026-02-24: the best wins unless someone was earlier and is within `delta`; the first such one wins,
    /// whether or not it is better than those before it. Those within `epsilon` of the best are equal to it,
    /// and the earliest of them wins.
    FirstWithin { delta: f64, epsilon: f64 },
    /// From 2026-03-03: from the earliest to the latest, each takes the place of the champion that it beats
    /// by the margin and by `epsilon`. The rule for scores, and with a lower direction that for costs.
    Challenge { margin: Margin, direction: Direction, epsilon: f64 },
}

/// Returns each contender's share of the reward, in their order: of the best three where fewer than `few` are
/// active, of the winner alone otherwise. All are 0 where nobody is qualified.
pub fn shares(succession: Succession, contenders: &[Contender], active: usize, few: usize) -> Vec<f64> {
    let mut shares = vec![0.0; contenders.len()];
    if active < few {
        let order = best_first(contenders, succession.direction());
        order.iter().zip(FEW).for_each(|(at, share)| shares[*at] = share);
        let sum = shares.iter().fold(0.0, |sum, share| sum + share);
        if sum > 0.0 {
            shares.iter_mut().for_each(|share| *share /= sum);
        }
    } else if let Some(winner) = winner(succession, contenders) {
        shares[winner] = 1.0;
    }
    shares
}

/// The one that takes all; none where nobody is qualified.
pub fn winner(succession: Succession, contenders: &[Contender]) -> Option<usize> {
    match succession {
        Succession::FirstWithin { delta, epsilon } => first_within(contenders, delta, epsilon),
        Succession::Challenge { margin, direction, epsilon } => {
            earliest_first(contenders).into_iter().reduce(|champion, at| {
                let (challenger, incumbent) = (contenders[at].value, contenders[champion].value);
                let beats = |margin: Margin| margin.is_exceeded(direction, challenger, incumbent);
                if beats(margin) && beats(Margin::Additive(epsilon)) { at } else { champion }
            })
        }
    }
}

fn first_within(contenders: &[Contender], delta: f64, epsilon: f64) -> Option<usize> {
    let (value, block) = (|at: usize| contenders[at].value, |at: usize| block(&contenders[at]));
    let best = *best_in_order(contenders).first()?;
    let order = earliest_first(contenders);
    let tied = || order.iter().copied().filter(|at| (value(*at) - value(best)).abs() <= epsilon);
    if tied().count() > 1
        && let Some(first) = tied().next().filter(|first| contenders[*first].block.is_some())
    {
        return Some(first);
    }
    let blocker = order.iter().find(|at| block(**at) < block(best) && value(best) <= value(**at) + delta);
    Some(blocker.copied().unwrap_or(best))
}

/// The highest score first; equals stay in order, whoever was earlier.
fn best_in_order(contenders: &[Contender]) -> Vec<usize> {
    let mut order = qualified(contenders);
    order.sort_by(|a, b| contenders[*b].value.total_cmp(&contenders[*a].value));
    order
}

/// The best first; of equals the earlier.
fn best_first(contenders: &[Contender], direction: Direction) -> Vec<usize> {
    let mut order = earliest_first(contenders);
    order.sort_by(|a, b| match direction {
        Direction::Higher => contenders[*b].value.total_cmp(&contenders[*a].value),
        Direction::Lower => contenders[*a].value.total_cmp(&contenders[*b].value),
    });
    order
}

fn earliest_first(contenders: &[Contender]) -> Vec<usize> {
    let mut order = qualified(contenders);
    order.sort_by_key(|at| block(&contenders[*at]));
    order
}

fn qualified(contenders: &[Contender]) -> Vec<usize> {
    (0..contenders.len())
        .filter(|at| contenders[*at].is_qualified && !contenders[*at].value.is_nan())
        .collect()
}

fn block(contender: &Contender) -> u64 {
    contender.block.unwrap_or(u64::MAX)
}

impl Succession {
    fn direction(self) -> Direction {
        match self {
            Succession::FirstWithin { .. } => Direction::Higher,
            Succession::Challenge { direction, .. } => direction,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contenders(values: &[f64]) -> Vec<Contender> {
        let contender = |(at, value): (usize, &f64)| Contender {
            value: *value,
            block: Some(at as u64),
            is_qualified: true,
        };
        values.iter().enumerate().map(contender).collect()
    }

    #[test]
    fn a_champion_that_is_dearer_by_no_more_than_the_margin_stays() {
        let by_cost = Succession::Challenge {
            margin: Margin::Multiplicative(0.1),
            direction: Direction::Lower,
            epsilon: 0.0,
        };
        let check = |costs: &[f64], expected| assert_eq!(winner(by_cost, &contenders(costs)), expected);
        check(&[], None);
        check(&[1.0, 0.9], Some(0));
        check(&[1.0, 0.89, 0.82], Some(1));
        check(&[0.0, 0.0], Some(0));
        let mut nobody = contenders(&[1.0, 0.5]);
        nobody.iter_mut().for_each(|contender| contender.is_qualified = false);
        assert_eq!(shares(by_cost, &nobody, 12, 10), [0.0, 0.0]);
        assert_eq!(shares(by_cost, &nobody, 2, 10), [0.0, 0.0]);
    }

    #[test]
    fn the_readings_of_february_and_march_differ() {
        let scores = contenders(&[0.85, 0.87, 0.91]);
        let february = Succession::FirstWithin { delta: 0.05, epsilon: 0.02 };
        let march = Succession::Challenge {
            margin: Margin::Additive(0.05),
            direction: Direction::Higher,
            epsilon: 0.02,
        };
        assert_eq!((winner(february, &scores), winner(march, &scores)), (Some(1), Some(2)));
    }
}
