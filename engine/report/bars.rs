//! Scores by scenario and by category: the incumbent, the finalist, and an agent that does nothing.

use super::grid::category_share;
use super::{Basis, Gathered, Scored, score};
use crate::episode::{Episode, Outcome};
use crate::event::{Phase, RunStarted, ScenarioEntry};
use crate::scenario::{CATEGORIES, Rubrics};
use crate::score::{Scorecard, scorecard};
use crate::stats::interval::{Estimate, Group};
use crate::units::PackHash;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Scores by scenario and by category.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bars {
    /// Held-out ones last.
    pub scenarios: Vec<Bar>,
    /// What the checks of a category earn of their points, over the scenarios that have such checks and are not held
    /// out, by the scenarios' weights.
    pub categories: Vec<Bar>,
}

/// A score before and after, on the episodes of the report's basis. What was not measured is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    pub name: String,
    pub held_out: bool,
    pub incumbent: Option<Estimate>,
    pub finalist: Option<Estimate>,
    /// Over pairs of the same repeat.
    pub difference: Option<Estimate>,
    /// What an agent earns that says nothing and does nothing: exact, by the rubric alone. None where the rubric is not
    /// known, or an evaluator outside of this program judges.
    pub idle: Option<f64>,
}

/// The scorecards of one pack on one scenario, by repeat.
type Cards<'a> = BTreeMap<u32, &'a Scorecard>;

pub(super) struct Sources<'a> {
    pub gathered: &'a Gathered<'a>,
    pub started: &'a RunStarted,
    pub basis: Basis,
    pub incumbent: &'a PackHash,
    pub finalist: Option<&'a PackHash>,
    pub rubrics: &'a Rubrics,
}

impl Sources<'_> {
    pub fn bars(&self) -> Bars {
        let (held_out, searched): (Vec<_>, Vec<_>) =
            self.started.scenarios.iter().partition(|scenario| scenario.held_out);
        Bars {
            scenarios: searched.iter().chain(&held_out).map(|scenario| self.scenario(scenario)).collect(),
            categories: self
                .categories(&searched)
                .iter()
                .map(|name| self.category(name, &searched))
                .collect(),
        }
    }

    /// The objective of a pack with the interval of its mean; none while a scenario has no episode.
    pub fn objective(&self, pack: &PackHash) -> Option<Estimate> {
        let searched: Vec<&ScenarioEntry> =
            self.started.scenarios.iter().filter(|scenario| !scenario.held_out).collect();
        let groups = self.groups(&searched, |_| 1.0, |scenario| self.scores(pack, scenario));
        let means: Vec<(f64, f64)> = searched
            .iter()
            .zip(&groups)
            .map(|(scenario, group)| {
                (scenario.weight, group.values.iter().sum::<f64>() / group.values.len() as f64)
            })
            .collect();
        let objective = self.started.profile.objective(&means)?;
        Some(Estimate::of_groups(&groups)?.moved_to(objective.value))
    }

    fn scenario(&self, scenario: &ScenarioEntry) -> Bar {
        let idle = self.idle(scenario).map(|card| score(&card, self.started.profile.score));
        self.bar(
            &scenario.name,
            scenario.held_out,
            idle,
            |pack| {
                let cards = self.cards(pack, scenario);
                cards
                    .into_iter()
                    .map(|(repeat, card)| ((0, repeat), score(card, self.started.profile.score)))
                    .collect()
            },
            |values| Estimate::of_mean(&values.values().copied().collect::<Vec<_>>()),
        )
    }

    fn category(&self, category: &str, searched: &[&ScenarioEntry]) -> Bar {
        let rule = self.started.profile.score;
        let with: Vec<&ScenarioEntry> =
            searched.iter().copied().filter(|scenario| self.points(scenario, category) > 0.0).collect();
        let idle: Option<Vec<f64>> = with
            .iter()
            .map(|scenario| category_share(&self.idle(scenario)?.checks, category, rule))
            .collect();
        let share = |scenario: &ScenarioEntry| self.points(scenario, category);
        let weights = self.groups(&with, share, |_| Vec::new());
        let idle = idle
            .filter(|idle| !idle.is_empty())
            .map(|idle| weights.iter().zip(idle).map(|(group, value)| group.weight * value).sum());
        self.bar(
            category,
            false,
            idle,
            |pack| {
                let values = with.iter().enumerate().flat_map(|(place, scenario)| {
                    let cards = self.cards(pack, scenario).into_iter();
                    cards.filter_map(move |(repeat, card)| {
                        Some(((place, repeat), category_share(&card.checks, category, rule)?))
                    })
                });
                values.collect()
            },
            |values| {
                let own = |place: usize| {
                    values.iter().filter(|((at, _), _)| *at == place).map(|(_, value)| *value).collect()
                };
                let groups = weights
                    .iter()
                    .enumerate()
                    .map(|(place, group)| Group { weight: group.weight, values: own(place) });
                Estimate::of_groups(&groups.collect::<Vec<_>>())
            },
        )
    }

    /// A bar of the values of each pack, by scenario and repeat.
    fn bar(
        &self,
        name: &str,
        held_out: bool,
        idle: Option<f64>,
        values: impl Fn(&PackHash) -> BTreeMap<(usize, u32), f64>,
        estimate: impl Fn(&BTreeMap<(usize, u32), f64>) -> Option<Estimate>,
    ) -> Bar {
        let incumbent = values(self.incumbent);
        let finalist = self.finalist.map(values).unwrap_or_default();
        let pairs =
            finalist.iter().filter_map(|(place, value)| Some((*place, value - incumbent.get(place)?)));
        Bar {
            name: name.to_owned(),
            held_out,
            incumbent: estimate(&incumbent),
            finalist: estimate(&finalist),
            difference: estimate(&pairs.collect()),
            idle,
        }
    }

    fn groups(
        &self,
        scenarios: &[&ScenarioEntry],
        share: impl Fn(&ScenarioEntry) -> f64,
        values: impl Fn(&ScenarioEntry) -> Vec<f64>,
    ) -> Vec<Group> {
        let weights: Vec<f64> = scenarios.iter().map(|scenario| scenario.weight * share(scenario)).collect();
        let sum = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let groups = scenarios.iter().zip(weights);
        groups.map(|(scenario, weight)| Group { weight: weight / sum, values: values(scenario) }).collect()
    }

    fn scores(&self, pack: &PackHash, scenario: &ScenarioEntry) -> Vec<f64> {
        let cards = self.cards(pack, scenario);
        cards.values().map(|card| score(card, self.started.profile.score)).collect()
    }

    fn cards(&self, pack: &PackHash, scenario: &ScenarioEntry) -> Cards<'_> {
        let admits = |scored: &&Scored<'_>| match self.basis {
            Basis::All => true,
            Basis::Confirmation => matches!(scored.phase, Some(Phase::Confirm | Phase::HeldOut)),
        };
        let own = self.gathered.scored.iter().filter(admits).filter(|scored| {
            let key = &scored.event.key;
            key.candidate == *pack && key.scenario == scenario.name
        });
        own.map(|scored| (scored.event.key.repeat, &scored.event.scorecard)).collect()
    }

    /// What doing nothing earns.
    fn idle(&self, scenario: &ScenarioEntry) -> Option<Scorecard> {
        let rubric = self.rubrics.get(&scenario.name).filter(|rubric| !rubric.checks.is_empty())?;
        scorecard(rubric, &Episode::empty(Outcome::Finished)).ok()
    }

    /// The share of a scenario's points that a category has.
    fn points(&self, scenario: &ScenarioEntry, category: &str) -> f64 {
        let known: Vec<(&str, f64)> = match scenario.checks.is_empty() {
            false => scenario.checks.iter().map(|check| (check.category.as_str(), check.points)).collect(),
            // An external evaluator names its checks with its results.
            true => self.cards_of_any(scenario).map_or(Vec::new(), |card| {
                card.checks.iter().map(|check| (check.category.as_str(), check.max_points)).collect()
            }),
        };
        let sum = |is_in: &dyn Fn(&str) -> bool| -> f64 {
            known.iter().filter(|(name, _)| is_in(name)).map(|(_, points)| points).sum()
        };
        let possible = sum(&|_| true);
        if possible > 0.0 { sum(&|name| name == category) / possible } else { 0.0 }
    }

    fn cards_of_any(&self, scenario: &ScenarioEntry) -> Option<&Scorecard> {
        let own = self.gathered.scored.iter().find(|scored| scored.event.key.scenario == scenario.name)?;
        Some(&own.event.scorecard)
    }

    /// The categories of the run: the usual ones in their order, then others by name.
    fn categories(&self, searched: &[&ScenarioEntry]) -> Vec<String> {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for scenario in searched {
            named.extend(scenario.checks.iter().map(|check| check.category.as_str()));
            let seen = self.cards_of_any(scenario).filter(|_| scenario.checks.is_empty());
            named.extend(seen.iter().flat_map(|card| &card.checks).map(|check| check.category.as_str()));
        }
        let usual = CATEGORIES.into_iter().filter(|name| named.contains(name));
        let others = named.iter().copied().filter(|name| !CATEGORIES.contains(name));
        usual.chain(others).map(str::to_owned).collect()
    }
}
