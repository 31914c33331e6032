//! Checks by candidates: how often each passed, and what is worth looking at first.

use super::{Scored, earned};
use crate::event::{RunStarted, ScenarioEntry};
use crate::scenario::Rubrics;
use crate::score::CheckVerdict;
use crate::units::PackHash;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The checks of a run, and what each candidate made of them.
#[derive(Clone, Debug, Serialize)]
pub struct Grid {
    /// In the order of the suite.
    pub checks: Vec<GridCheck>,
    /// One row per candidate, in the order of `candidates`; a check that was not run has no cell.
    pub cells: Vec<Vec<Cell>>,
}

/// A check of a scenario, and how it fared.
#[derive(Clone, Debug, Serialize)]
pub struct GridCheck {
    pub scenario: String,
    pub check: String,
    pub category: String,
    pub points: f64,
    pub held_out: bool,
    /// What its author says of it; none where the rubric is not known or says nothing.
    pub description: Option<String>,
    /// What it asks for, in words; none where the rubric is not known.
    pub explained: Option<String>,
    pub pattern: Option<String>,
    /// How much of the objective's mean its failures cost the finalist, or the incumbent where there is no finalist;
    /// none where it was not run, and where the scenario is held out.
    pub lost: Option<f64>,
    /// The mean variance of its outcome within a candidate, from 0 (always the same) to 0.25; none where no candidate
    /// met it twice.
    pub flakiness: Option<f64>,
    /// By how much the finalist passes it less often than the incumbent; none where it does not.
    pub newly_broken: Option<f64>,
}

/// What a candidate made of a check; written as an array in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The place of the check in `checks`.
    pub check: usize,
    pub passed: u32,
    pub episodes: u32,
    /// The ordinal of the newest episode in which it failed.
    pub failed_at: Option<u32>,
    /// The place of the nearest candidate, this one or an ancestor, with which it has passed.
    pub passed_by: Option<usize>,
}

impl Serialize for Cell {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.check, self.passed, self.episodes, self.failed_at, self.passed_by).serialize(serializer)
    }
}

/// Where candidates and checks stand in the lists of a report.
pub(super) struct Places<'a> {
    pub candidates: HashMap<&'a PackHash, usize>,
    checks: HashMap<(&'a str, &'a str), usize>,
}

impl<'a> Places<'a> {
    pub fn of(candidates: impl Iterator<Item = &'a PackHash>, checks: &'a [GridCheck]) -> Places<'a> {
        let checks = checks.iter().enumerate();
        Places {
            candidates: candidates.enumerate().map(|(place, id)| (id, place)).collect(),
            checks: checks.map(|(place, it)| ((it.scenario.as_str(), it.check.as_str()), place)).collect(),
        }
    }

    pub fn check(&self, scenario: &str, id: &str) -> Option<usize> {
        self.checks.get(&(scenario, id)).copied()
    }
}

/// The checks of all scenarios; those of an external evaluator are known by what was scored.
pub(super) fn checks(started: &RunStarted, scored: &[Scored<'_>], rubrics: &Rubrics) -> Vec<GridCheck> {
    let mut checks = Vec::new();
    for scenario in &started.scenarios {
        let rubric = rubrics.get(&scenario.name);
        for entry in &scenario.checks {
            let known = rubric.and_then(|rubric| rubric.checks.iter().find(|check| check.id == entry.id));
            checks.push(GridCheck {
                description: known.map(|check| check.description.clone()).filter(|said| !said.is_empty()),
                explained: known.map(|check| check.explained()),
                pattern: known.and_then(|check| check.pattern()).map(|pattern| pattern.source().to_owned()),
                ..unknown(scenario, &entry.id, &entry.category, entry.points)
            });
        }
        if scenario.checks.is_empty() {
            let seen = scored.iter().filter(|scored| scored.event.key.scenario == scenario.name);
            let mut named: BTreeMap<&str, &CheckVerdict> = BTreeMap::new();
            for verdict in seen.flat_map(|scored| &scored.event.scorecard.checks) {
                named.entry(&verdict.id).or_insert(verdict);
            }
            checks
                .extend(named.into_values().map(|it| unknown(scenario, &it.id, &it.category, it.max_points)));
        }
    }
    checks
}

fn unknown(scenario: &ScenarioEntry, check: &str, category: &str, points: f64) -> GridCheck {
    GridCheck {
        scenario: scenario.name.clone(),
        check: check.to_owned(),
        category: category.to_owned(),
        points,
        held_out: scenario.held_out,
        description: None,
        explained: None,
        pattern: None,
        lost: None,
        flakiness: None,
        newly_broken: None,
    }
}

/// Counts every check of every candidate. `parents` gives the place of a candidate's first parent.
pub(super) fn cells(places: &Places<'_>, parents: &[Option<usize>], scored: &[Scored<'_>]) -> Vec<Vec<Cell>> {
    let mut cells: Vec<BTreeMap<usize, Cell>> = vec![BTreeMap::new(); parents.len()];
    for episode in scored {
        let Some(&candidate) = places.candidates.get(&episode.event.key.candidate) else { continue };
        for verdict in &episode.event.scorecard.checks {
            let Some(check) = places.check(&episode.event.key.scenario, &verdict.id) else { continue };
            let empty = Cell { check, passed: 0, episodes: 0, failed_at: None, passed_by: None };
            let cell = cells[candidate].entry(check).or_insert(empty);
            cell.episodes += 1;
            match verdict.passed {
                true => cell.passed += 1,
                false => cell.failed_at = cell.failed_at.max(Some(episode.ordinal)),
            }
        }
    }
    let passes =
        |candidate: usize, check: usize| cells[candidate].get(&check).is_some_and(|cell| cell.passed > 0);
    let passed_by = |candidate: usize, check: usize| {
        let ancestors = std::iter::successors(Some(candidate), |one| parents[*one]);
        // Parents come before their children; a broken record must not make a circle.
        ancestors.take(parents.len()).find(|one| passes(*one, check))
    };
    let filled = cells.iter().enumerate().map(|(candidate, row)| {
        let cell = |cell: &Cell| Cell { passed_by: passed_by(candidate, cell.check), ..*cell };
        row.values().map(cell).collect()
    });
    filled.collect()
}

/// Adds what is worth looking at first. `incumbent` and `finalist` are places of candidates.
pub(super) fn rank(
    checks: &mut [GridCheck],
    cells: &[Vec<Cell>],
    started: &RunStarted,
    incumbent: usize,
    finalist: Option<usize>,
) {
    let worth = worth(checks, started);
    let cell = |candidate: usize, check: usize| cells[candidate].iter().find(|cell| cell.check == check);
    let rate = |candidate: usize, check: usize| cell(candidate, check).map(Cell::rate);
    for (place, check) in checks.iter_mut().enumerate() {
        let shown = rate(finalist.unwrap_or(incumbent), place);
        check.lost = worth[place].zip(shown).map(|(worth, rate)| worth * (1.0 - rate));
        let broken = finalist.and_then(|finalist| rate(finalist, place)).zip(rate(incumbent, place));
        check.newly_broken = broken.map(|(after, before)| before - after).filter(|less| *less > 0.0);
    }
    let mut spread = vec![(0.0, 0.0); checks.len()];
    for cell in cells.iter().flatten().filter(|cell| cell.episodes > 1) {
        let (n, rate) = (f64::from(cell.episodes), cell.rate());
        let (sum, freedom) = &mut spread[cell.check];
        *sum += n * rate * (1.0 - rate);
        *freedom += n - 1.0;
    }
    for (check, (sum, freedom)) in checks.iter_mut().zip(spread) {
        check.flakiness = (freedom > 0.0).then(|| sum / freedom);
    }
}

impl Cell {
    pub(super) fn rate(&self) -> f64 {
        f64::from(self.passed) / f64::from(self.episodes.max(1))
    }
}

/// What each check is worth of the objective's mean; none where the scenario is held out or has no weight.
fn worth(checks: &[GridCheck], started: &RunStarted) -> Vec<Option<f64>> {
    let weights: f64 =
        started.scenarios.iter().filter(|scenario| !scenario.held_out).map(|scenario| scenario.weight).sum();
    let weight_of = |name: &str| {
        let scenario = started.scenarios.iter().find(|scenario| scenario.name == name)?;
        (!scenario.held_out && weights > 0.0).then(|| scenario.weight / weights)
    };
    let possible = |name: &str| -> f64 {
        checks.iter().filter(|check| check.scenario == name).map(|check| check.points).sum()
    };
    let worth = |check: &GridCheck| {
        let possible = possible(&check.scenario);
        weight_of(&check.scenario).filter(|_| possible > 0.0).map(|weight| weight * check.points / possible)
    };
    checks.iter().map(worth).collect()
}

/// The share of a category's points that an episode earned; none where it has no such points.
pub(super) fn category_share(
    verdicts: &[CheckVerdict],
    category: &str,
    rule: crate::score::ScoreRule,
) -> Option<f64> {
    let own = || verdicts.iter().filter(|verdict| verdict.category == category);
    let possible: f64 = own().map(|verdict| verdict.max_points).sum();
    (possible > 0.0).then(|| own().map(|verdict| earned(verdict, rule)).sum::<f64>() / possible)
}
