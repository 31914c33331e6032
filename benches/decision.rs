//! Measures one decision of the search: `cargo bench --bench decision`.
//!
//! A lineage of so many candidates, one in seven made of two to four others; 61 checks in five scenarios as in
//! ClawBench; every candidate seen once or twice. A decision is the plan of the elimination, the posterior of
//! every check, the joint belief about the 48 best, 300 draws of every scenario's score, and the objective of
//! every draw. One thread; the best of several rounds counts. The limits: 20 ms at 100 candidates, 200 ms at 1,000.

use packwright::stats::values::{objective_draws, penalised};
use packwright::stats::{Elimination, Joint, Lineage, Normal, Posterior, ScenarioDraws, Seen};
use packwright::units::Seed;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
const SCENARIO_CHECKS: [usize; 5] = [17, 13, 8, 10, 13];
const BEST: usize = 48;
const DRAWS: usize = 300;

struct Check {
    share: f64,
    moved: Vec<f64>,
    seen: Vec<Seen>,
}

fn main() {
    println!("one thread, best of {ROUNDS} rounds, ms; command: cargo bench --bench decision\n");
    println!("candidates  parents    plan  posteriors   joint   draws  objective   total");
    for candidates in [60, 100, 300, 1_000] {
        for (name, reach) in [("recent", 12), ("any", usize::MAX)] {
            measure(candidates, name, reach);
        }
    }
}

fn measure(candidates: usize, name: &str, reach: usize) {
    let mut rng = Seed(1).child("decision", &[&candidates.to_string(), name]).rng();
    let lineage = lineage(candidates, reach, &mut rng);
    let scenarios: Vec<Vec<Check>> =
        SCENARIO_CHECKS.iter().map(|count| checks(*count, candidates, &mut rng)).collect();
    let rounds = (0..ROUNDS).map(|_| decide(&lineage, &scenarios));
    let best = rounds.min_by_key(|parts| parts.iter().sum::<Duration>()).unwrap_or_default();
    let total = best.iter().sum::<Duration>();
    let [plan, posteriors, joint, draws, objective, total] =
        [best[0], best[1], best[2], best[3], best[4], total].map(|part| part.as_secs_f64() * 1e3);
    println!(
        "{candidates:10}  {name:7} {plan:7.2}  {posteriors:10.2} {joint:7.2} {draws:7.2}  {objective:9.2} {total:7.2}"
    );
}

/// The times of the parts of a decision.
fn decide(lineage: &Lineage, scenarios: &[Vec<Check>]) -> [Duration; 5] {
    let mut rng = Seed(2).rng();
    let mut clock = Instant::now();
    let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed();
    let plan = lineage.plan();
    let planning = lap();
    let posteriors: Vec<Vec<Posterior>> = scenarios.iter().map(|checks| posteriors(&plan, checks)).collect();
    let posterior_time = lap();
    let best = best(scenarios, &posteriors);
    let joints: Vec<Vec<Joint>> =
        posteriors.iter().map(|checks| checks.iter().map(|check| check.joint(&best)).collect()).collect();
    let joint_time = lap();
    let drawn: Vec<ScenarioDraws> = scenarios
        .iter()
        .zip(&joints)
        .filter_map(|(checks, joints)| {
            let parts = checks.iter().zip(joints).map(|(check, joint)| (check.share, joint));
            ScenarioDraws::of(1.0, parts, DRAWS, &mut rng)
        })
        .collect();
    let draw_time = lap();
    let values = objective_draws(&drawn, penalised(0.1));
    black_box((values.probability_best(), values.best()));
    [planning, posterior_time, joint_time, draw_time, lap()]
}

fn posteriors(plan: &Elimination, checks: &[Check]) -> Vec<Posterior> {
    let root = Normal { mean: 0.5, variance: 0.05 };
    let mut solver = plan.solver();
    checks.iter().map(|check| solver.posterior(root, &check.moved, &check.seen)).collect()
}

/// The candidates with the highest mean scores.
fn best(scenarios: &[Vec<Check>], posteriors: &[Vec<Posterior>]) -> Vec<usize> {
    let mut scores = vec![0.0; scenarios[0][0].moved.len()];
    for (check, posterior) in scenarios.iter().flatten().zip(posteriors.iter().flatten()) {
        scores.iter_mut().zip(posterior.means()).for_each(|(score, mean)| *score += check.share * mean);
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(BEST);
    order
}

fn lineage(candidates: usize, reach: usize, rng: &mut ChaCha8Rng) -> Lineage {
    let mut lineage = Lineage::new();
    while lineage.len() < candidates {
        let oldest = lineage.len().saturating_sub(reach);
        let parents = if rng.random_bool(0.15) { rng.random_range(2..=4) } else { 1 };
        let signs = [1.0, 1.0, -1.0, 1.0];
        let parents = signs.into_iter().take(parents);
        let parents: Vec<(usize, f64)> =
            parents.map(|sign| (rng.random_range(oldest..lineage.len()), sign)).collect();
        lineage.add(&parents);
    }
    lineage
}

fn checks(count: usize, candidates: usize, rng: &mut ChaCha8Rng) -> Vec<Check> {
    let seen = |rng: &mut ChaCha8Rng| Seen {
        mean: f64::from(rng.random_range(0..=2)) / 2.0,
        precision: [2.0, 4.0][rng.random_range(0..2)],
    };
    let check = |_| Check {
        share: 1.0 / count as f64,
        moved: (0..candidates).map(|_| if rng.random_bool(0.1) { 0.03 } else { 0.0025 }).collect(),
        seen: (0..candidates).map(|_| seen(rng)).collect(),
    };
    (0..count).map(check).collect()
}
