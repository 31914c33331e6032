//! What follows from the evidence for the candidates that were there at the last of it.

use super::{AIMED_VARIANCE, ASIDE_VARIANCE, Beliefs, Node, ROOT_VARIANCE};
use crate::stats::lineage::{Elimination, Normal, Posterior, Spread};

/// The candidates whose covariance is known: all of them, up to so many, else the best and the newest.
const SHORT_MAX: usize = 64;
const NEWEST: usize = 24;
/// How much evidence the expected size of an edit's moves is worth, as a sum of expected squared moves.
const EXPECTED_PRIOR: f64 = 5.0;
/// By how much that size may be wrong.
const SCALE_MIN: f64 = 0.25;
const SCALE_MAX: f64 = 12.0;

/// The evidence, solved.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// How many candidates there were.
    pub count: usize,
    /// By check, then candidate.
    pub rates: Vec<Vec<f64>>,
    pub values: Vec<f64>,
    pub safeties: Vec<f64>,
    /// Candidates, in their order.
    pub short: Vec<usize>,
    pub spread: Spread,
    /// What a check adds to the variance of an objective's linear part, by the variance of its rate.
    pub pulls: Vec<f64>,
    /// The same for what safety checks earn.
    pub safety_pulls: Vec<f64>,
    /// The variances of an edit's moves, aimed and aside.
    pub moves: (f64, f64),
    /// The variance of one episode's score, by scenario.
    pub episode_variances: Vec<f64>,
}

impl Base {
    pub fn of(beliefs: &Beliefs, elimination: &Elimination) -> Base {
        let nodes = &beliefs.nodes[..elimination.len()];
        let variances: Vec<f64> =
            (0..beliefs.checks.len()).map(|check| beliefs.check_variance(check)).collect();
        let design_effect = beliefs.design_effect(&variances).value();
        let moves = moves(nodes, &variances);
        let posteriors: Vec<Posterior> = (0..beliefs.checks.len())
            .map(|check| {
                let root = Normal { mean: beliefs.pooled_rate(check), variance: ROOT_VARIANCE };
                let seen: Vec<_> =
                    nodes.iter().map(|node| node.seen(check, variances[check] * design_effect)).collect();
                let moved: Vec<f64> = nodes.iter().map(|node| node.moved(check, moves)).collect();
                elimination.posterior(root, &moved, &seen)
            })
            .collect();
        let rates: Vec<Vec<f64>> = posteriors.iter().map(|posterior| posterior.means().to_vec()).collect();
        let of_candidate = |candidate: usize| rates.iter().map(move |rates| rates[candidate]);
        let values: Vec<f64> =
            (0..nodes.len()).map(|candidate| beliefs.value(of_candidate(candidate))).collect();
        let safeties = (0..nodes.len()).map(|candidate| beliefs.safety(of_candidate(candidate))).collect();
        let short = short_list(&values);
        let pulls: Vec<f64> = beliefs.pulls().map(|pull| pull * pull).collect();
        let safe = beliefs.checks.iter().zip(&pulls);
        let safety_pulls = safe.map(|(check, pull)| if check.is_safety() { *pull } else { 0.0 }).collect();
        let mut episode_variances = vec![0.0; beliefs.weights.len()];
        for (check, variance) in beliefs.checks.iter().zip(&variances) {
            episode_variances[check.scenario] += check.share * check.share * variance * design_effect;
        }
        let spread = Spread::of(&posteriors, &short);
        Base {
            count: nodes.len(),
            rates,
            values,
            safeties,
            short,
            spread,
            pulls,
            safety_pulls,
            moves,
            episode_variances,
        }
    }
}

fn short_list(values: &[f64]) -> Vec<usize> {
    let mut short: Vec<usize> = (0..values.len()).collect();
    if short.len() > SHORT_MAX {
        let oldest_new = values.len() - NEWEST;
        let mut others: Vec<usize> = (1..oldest_new).collect();
        others.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        others.truncate(SHORT_MAX - NEWEST - 1);
        short = std::iter::once(0).chain(others).chain(oldest_new..values.len()).collect();
        short.sort_unstable();
    }
    short
}

/// The variances of an edit's moves, aimed and aside: as expected, times how much more candidates differ from the
/// incumbent than noise and the expected moves on the way to them explain. One rule for how to act may move checks
/// of all scenarios, and a writer may do much or little at once; what fits one benchmark misleads on another.
fn moves(nodes: &[Node], variances: &[f64]) -> (f64, f64) {
    let root = &nodes[0];
    let (mut excess, mut expected) = (EXPECTED_PRIOR, EXPECTED_PRIOR);
    for (check, variance) in variances.iter().enumerate() {
        let Some(theirs) = root.tallies.get(check).filter(|tally| tally.episodes > 0) else { continue };
        let mut moved = vec![0.0; nodes.len()];
        for (place, node) in nodes.iter().enumerate().skip(1) {
            let own = if node.aims.contains(&check) { AIMED_VARIANCE } else { ASIDE_VARIANCE };
            let before: f64 = node.origin.iter().map(|(parent, part)| part * moved[*parent]).sum();
            moved[place] = before.max(0.0) + own;
            let Some(ours) = node.tallies.get(check).filter(|tally| tally.episodes > 0) else { continue };
            let (n, m) = (f64::from(ours.episodes), f64::from(theirs.episodes));
            let difference = ours.earned / n - theirs.earned / m;
            excess += difference * difference - variance * (1.0 / n + 1.0 / m);
            expected += moved[place];
        }
    }
    let scale = (excess / expected).clamp(SCALE_MIN, SCALE_MAX);
    (AIMED_VARIANCE * scale, ASIDE_VARIANCE * scale)
}
