//! Paired differences by scenario and by check, with their intervals and flips.

use super::common::{Common, CommonScenario};
use super::{Match, Matches, Means};
use crate::score::CheckVerdict;
use crate::stats::interval::{Estimate, Group};
use serde::Serialize;

/// A scenario on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioRow {
    pub scenario: String,
    pub weight: f64,
    pub held_out: bool,
    pub pairs: u32,
    /// None without pairs. The interval (90 %) is Student's, with one spread for all scenarios.
    pub score: Option<Means>,
    /// Checks that flipped, over the pairs.
    pub gained: u32,
    pub lost: u32,
}

/// A check on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckRow {
    pub scenario: String,
    pub check: String,
    pub category: String,
    pub held_out: bool,
    pub pairs: u32,
    /// In so many of the pairs it passed.
    pub first: u32,
    pub second: u32,
    /// Pairs in which only the second passed, and only the first.
    pub gained: u32,
    pub lost: u32,
    /// Of the pass rate, with its 90 % interval.
    pub difference: Estimate,
    /// What that does to the weighted mean of the scores; 0 where the scenario is held out.
    pub effect: f64,
}

pub(super) fn scenarios(common: &Common, paired: &Matches<'_>) -> Vec<ScenarioRow> {
    let groups: Vec<Group> = common
        .scenarios
        .iter()
        .map(|scenario| Group {
            weight: scenario.entry.weight,
            values: of(paired, scenario).iter().map(|pair| pair.second.score - pair.first.score).collect(),
        })
        .collect();
    let mut rows: Vec<ScenarioRow> = common
        .scenarios
        .iter()
        .zip(Estimate::of_each(&groups))
        .map(|(scenario, difference)| scenario_row(scenario, of(paired, scenario), difference))
        .collect();
    rows.sort_by_key(|row| row.held_out);
    rows
}

fn of<'m, 'a>(paired: &'m Matches<'a>, scenario: &CommonScenario) -> &'m [Match<'a>] {
    paired.get(&scenario.entry.name).map_or(&[], Vec::as_slice)
}

fn scenario_row(scenario: &CommonScenario, pairs: &[Match<'_>], difference: Option<Estimate>) -> ScenarioRow {
    let mean = |score: fn(&Match<'_>) -> f64| pairs.iter().map(score).sum::<f64>() / pairs.len() as f64;
    let flips = pairs.iter().flat_map(flips);
    let (gained, lost) = flips.fold((0, 0), |(gained, lost), (_, is_gain)| {
        (gained + u32::from(is_gain), lost + u32::from(!is_gain))
    });
    ScenarioRow {
        scenario: scenario.entry.name.clone(),
        weight: scenario.entry.weight,
        held_out: scenario.entry.held_out,
        pairs: pairs.len() as u32,
        score: difference.map(|difference| Means {
            first: mean(|pair| pair.first.score),
            second: mean(|pair| pair.second.score),
            difference,
        }),
        gained,
        lost,
    }
}

/// The checks that both episodes of a pair have and that came out differently, with whether the second passed.
fn flips<'m>(pair: &'m Match<'_>) -> impl Iterator<Item = (&'m str, bool)> {
    both(pair)
        .filter(|(first, second)| first.passed != second.passed)
        .map(|(first, second)| (first.id.as_str(), second.passed))
}

fn both<'m>(pair: &'m Match<'_>) -> impl Iterator<Item = (&'m CheckVerdict, &'m CheckVerdict)> {
    let second = |id: &str| pair.second.verdicts.iter().find(|verdict| verdict.id == id);
    pair.first.verdicts.iter().filter_map(move |verdict| Some((*verdict, *second(&verdict.id)?)))
}

pub(super) fn checks(common: &Common, paired: &Matches<'_>) -> Vec<CheckRow> {
    let weights: f64 = common.searched().map(|scenario| scenario.entry.weight).sum();
    let mut rows: Vec<CheckRow> = Vec::new();
    for scenario in &common.scenarios {
        let mut own: Vec<CheckRow> = Vec::new();
        let mut possible = 0.0_f64;
        let mut points: Vec<f64> = Vec::new();
        for pair in of(paired, scenario) {
            possible = possible.max(pair.first.verdicts.iter().map(|verdict| verdict.max_points).sum());
            for (first, second) in both(pair) {
                let place = own.iter().position(|row| row.check == first.id).unwrap_or_else(|| {
                    own.push(empty(scenario, first));
                    points.push(first.max_points);
                    own.len() - 1
                });
                own[place].count(first.passed, second.passed);
            }
        }
        for (row, points) in own.iter_mut().zip(points) {
            let change = Estimate::of_flips(row.gained, row.lost, row.pairs);
            row.difference = change.unwrap_or(row.difference);
            let counts = !row.held_out && weights > 0.0 && possible > 0.0;
            let worth = if counts { scenario.entry.weight / weights * points / possible } else { 0.0 };
            row.effect = worth * row.difference.value;
        }
        rows.extend(own);
    }
    rows.sort_by(|a, b| a.held_out.cmp(&b.held_out).then(a.effect.total_cmp(&b.effect)));
    rows
}

fn empty(scenario: &CommonScenario, verdict: &CheckVerdict) -> CheckRow {
    CheckRow {
        scenario: scenario.entry.name.clone(),
        check: verdict.id.clone(),
        category: verdict.category.clone(),
        held_out: scenario.entry.held_out,
        pairs: 0,
        first: 0,
        second: 0,
        gained: 0,
        lost: 0,
        difference: Estimate { value: 0.0, interval: None },
        effect: 0.0,
    }
}

impl CheckRow {
    fn count(&mut self, first: bool, second: bool) {
        self.pairs += 1;
        self.first += u32::from(first);
        self.second += u32::from(second);
        self.gained += u32::from(second && !first);
        self.lost += u32::from(first && !second);
    }
}
