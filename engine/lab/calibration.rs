//! Whether what the search states with a certainty is right as often as it says: over luck, sizes of suites, and
//! budgets, in worlds where gains can be had and in worlds where none can.

use super::definition::Definition;
use super::night::Night;
use serde::Serialize;
use std::collections::BTreeMap;

const SIGMAS: [f64; 4] = [0.4, 0.7, 1.0, 1.4];
const SCENARIOS: [usize; 4] = [3, 5, 8, 12];
const BUDGETS: [u32; 5] = [60, 100, 200, 400, 800];
/// The part that a quick look takes: the ends of what is covered, where what is wrong anywhere is wrong first.
const QUICK_SIGMAS: [f64; 2] = [0.4, 1.4];
const QUICK_SCENARIOS: [usize; 2] = [3, 12];
const QUICK_BUDGETS: [u32; 3] = [60, 200, 800];
/// In one where most edits help, and in one where none can.
const FAMILIES: [&str; 2] = ["default", "null"];
const CHECKS_PER_SCENARIO: usize = 12;
/// Where the stated probabilities are divided.
const BINS: [f64; 6] = [0.05, 0.2, 0.5, 0.8, 0.95, 1.0];

/// Nights of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    pub family: &'static str,
    pub sigma: f64,
    pub scenarios: usize,
    pub budget: u32,
}

impl Cell {
    /// All cells, or those of a quick look; with one budget alone where it is given.
    pub fn all(quick: bool, budget: Option<u32>) -> Vec<Cell> {
        let (sigmas, scenarios, budgets): (&[f64], &[usize], &[u32]) = match quick {
            true => (&QUICK_SIGMAS, &QUICK_SCENARIOS, &QUICK_BUDGETS),
            false => (&SIGMAS, &SCENARIOS, &BUDGETS),
        };
        let budgets = budget.as_ref().map_or(budgets, std::slice::from_ref);
        let mut cells = Vec::new();
        for family in FAMILIES {
            for &sigma in sigmas {
                for &scenarios in scenarios {
                    cells.extend(budgets.iter().map(|&budget| Cell { family, sigma, scenarios, budget }));
                }
            }
        }
        cells
    }

    /// The worlds of the cell: the family's with other luck and another size.
    pub fn definition(&self) -> Definition {
        let family = Definition::named(self.family).expect("the families of cells are built in");
        Definition {
            sigma: self.sigma,
            scenarios: self.scenarios,
            checks: CHECKS_PER_SCENARIO * self.scenarios,
            budget: self.budget,
            ..family
        }
    }
}

/// How often what was stated is true.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    pub nights: usize,
    /// Nights that ended with a comparison.
    pub compared: usize,
    pub wins: usize,
    /// Wins whose policy is no better.
    pub false_wins: usize,
    /// By statement.
    pub statements: BTreeMap<&'static str, Counted>,
    /// By what they are of and the upper end of their bin in percent.
    pub forecasts: BTreeMap<&'static str, BTreeMap<u32, Forecasts>>,
    pub overrated: Overrated,
}

/// How often something was true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Counted {
    pub stated: usize,
    pub right: usize,
}

/// By how many of their standard errors gains were overrated: sums over the nights that say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Overrated {
    pub count: usize,
    pub sum: f64,
    pub squares: f64,
}

impl Overrated {
    /// The mean, which is 0 where nothing is overrated; none where nothing was said.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The standard deviation, which is 1 where standard errors are right.
    pub fn sd(&self) -> Option<f64> {
        let mean = self.mean()?;
        Some((self.squares / self.count as f64 - mean * mean).max(0.0).sqrt())
    }
}

/// Probabilities of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Forecasts {
    pub count: usize,
    /// The sum of what was stated.
    pub stated: f64,
    /// How often it came true.
    pub right: usize,
}

impl Tally {
    /// Counts the nights of a cell.
    pub fn of(nights: &[Night]) -> Tally {
        let mut tally = Tally { nights: nights.len(), ..Tally::default() };
        for night in nights {
            tally.compared += usize::from(!night.forecasts.is_empty());
            tally.wins += usize::from(night.won);
            tally.false_wins += usize::from(night.is_false_win());
            for statement in &night.statements {
                let counted = tally.statements.entry(statement.what).or_default();
                counted.stated += 1;
                counted.right += usize::from(statement.is_true);
            }
            for forecast in &night.forecasts {
                let end = BINS.into_iter().find(|end| forecast.stated <= *end).unwrap_or(1.0);
                let bins = tally.forecasts.entry(forecast.what).or_default();
                let bin = bins.entry((100.0 * end).round() as u32).or_default();
                bin.count += 1;
                bin.stated += forecast.stated;
                bin.right += usize::from(forecast.is_true);
            }
            if let Some(overrated) = night.overrated {
                tally.overrated.count += 1;
                tally.overrated.sum += overrated;
                tally.overrated.squares += overrated * overrated;
            }
        }
        tally
    }

    /// Adds what other cells counted.
    pub fn add(&mut self, other: &Tally) {
        self.nights += other.nights;
        self.compared += other.compared;
        self.wins += other.wins;
        self.false_wins += other.false_wins;
        for (what, counted) in &other.statements {
            let sum = self.statements.entry(what).or_default();
            sum.stated += counted.stated;
            sum.right += counted.right;
        }
        for (what, bins) in &other.forecasts {
            for (end, forecasts) in bins {
                let sum = self.forecasts.entry(what).or_default().entry(*end).or_default();
                sum.count += forecasts.count;
                sum.stated += forecasts.stated;
                sum.right += forecasts.right;
            }
        }
        self.overrated.count += other.overrated.count;
        self.overrated.sum += other.overrated.sum;
        self.overrated.squares += other.overrated.squares;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Forecast, Statement, World};
    use crate::units::Seed;

    #[test]
    fn every_cell_has_worlds() {
        for cell in Cell::all(false, None) {
            let world = World::new(&cell.definition(), Seed(1));
            assert_eq!((world.scenarios.len(), world.checks.len()), (cell.scenarios, 12 * cell.scenarios));
        }
        let all = Cell::all(false, None);
        assert!(Cell::all(true, None).iter().all(|cell| all.contains(cell)));
        let of_one_budget = Cell::all(false, Some(60));
        assert_eq!(of_one_budget.len(), FAMILIES.len() * SIGMAS.len() * SCENARIOS.len());
        assert!(of_one_budget.iter().all(|cell| cell.budget == 60 && all.contains(cell)));
    }

    #[test]
    fn statements_are_counted() {
        let night = |deployed: f64, is_true: bool, stated: f64| Night {
            seed: 0,
            gain: deployed,
            deployed,
            optimism: None,
            won: true,
            episodes: 1,
            statements: vec![Statement { what: "x", is_true }],
            forecasts: vec![Forecast { what: "y", stated, is_true }],
            overrated: Some(stated),
        };
        let mut tally = Tally::of(&[night(0.1, true, 0.9), night(0.0, false, 1.0)]);
        tally.add(&tally.clone());
        assert_eq!((tally.nights, tally.wins, tally.false_wins), (4, 4, 2));
        assert_eq!(tally.statements["x"], Counted { stated: 4, right: 2 });
        assert_eq!(tally.forecasts["y"][&95], Forecasts { count: 2, stated: 1.8, right: 2 });
        assert_eq!(tally.forecasts["y"][&100], Forecasts { count: 2, stated: 2.0, right: 0 });
    }
}
