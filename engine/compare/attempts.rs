//! The episodes of a pack, and which of them are pairs.
//!
//! Two episodes are a pair where they are the same repeat of the same run: they had the same persona and the same day.
//! What is left over is paired in order, within the same persona; such pairs differ by no more luck than two episodes do.

use super::common::{Common, CommonScenario};
use super::{Match, Matches, Side};
use crate::event::{EpisodeScored, Event, Phase};
use crate::score::{CheckVerdict, Profile, SAFETY, ScoreRule, Scorecard};
use crate::store::phases;
use std::collections::{BTreeMap, BTreeSet};

/// A scored episode, counted by what both sides have in common.
pub(super) struct Attempt<'a> {
    pub scenario: &'a str,
    pub event: &'a EpisodeScored,
    /// The place of its run among all, oldest first.
    run: &'a str,
    pub is_fresh: bool,
    pub score: f64,
    /// What safety checks earned, as a share of all points; none where there is no such check.
    pub safety: Option<f64>,
    pub verdicts: Vec<&'a CheckVerdict>,
    pub took_ms: Option<u64>,
}

pub(super) struct Found<'a> {
    pub attempts: Vec<Attempt<'a>>,
    /// Copies of an earlier run's episodes that were left out.
    pub copies: u32,
}

/// The episodes of a pack. Where several runs are asked, an episode that a run took from an earlier one is not counted
/// twice.
pub(super) fn attempts<'a>(side: &Side<'a>, common: &Common, of_many: bool) -> Found<'a> {
    let mut found = Found { attempts: Vec::new(), copies: 0 };
    for run in &side.runs {
        let phases = phases(&run.records);
        for record in &run.records {
            let Event::EpisodeScored(event) = &record.event else { continue };
            let Some(scenario) = common.scenario(&event.key.scenario) else { continue };
            if event.key.candidate != side.pack {
                continue;
            }
            if event.cached && of_many {
                found.copies += 1;
                continue;
            }
            let is_fresh = matches!(phases.get(&record.ordinal), Some(Phase::Confirm | Phase::HeldOut));
            let verdicts = verdicts(scenario, &event.scorecard);
            found.attempts.push(Attempt {
                scenario: &event.key.scenario,
                event,
                run: &run.id.0,
                is_fresh,
                score: score(&common.profile, scenario, &event.scorecard, &verdicts),
                safety: safety(&common.profile, &verdicts),
                took_ms: record.wall_clock.took_ms.filter(|_| !event.cached),
                verdicts,
            });
        }
    }
    found
}

/// Pairs the episodes of both packs, by scenario.
pub(super) fn pairs<'a>(common: &Common, sides: &'a [Vec<Attempt<'a>>; 2]) -> Matches<'a> {
    let of = |scenario: &CommonScenario| {
        let own = |side: &'a [Attempt<'a>]| -> Vec<&'a Attempt<'a>> {
            side.iter().filter(|attempt| attempt.scenario == scenario.entry.name).collect()
        };
        let (ours, theirs) = (own(&sides[0]), own(&sides[1]));
        let place = |attempt: &Attempt<'_>| (attempt.run.to_owned(), attempt.event.key.repeat);
        let by_place: BTreeMap<_, _> = theirs.iter().map(|attempt| (place(attempt), *attempt)).collect();
        let mut taken = BTreeSet::new();
        let mut matched: Vec<Match<'a>> = Vec::new();
        let mut left = Vec::new();
        for first in ours {
            match by_place.get(&place(first)) {
                Some(second) => {
                    taken.insert(place(first));
                    matched.push(Match { first, second, is_of_one_run: true });
                }
                None => left.push(first),
            }
        }
        let mut others: BTreeMap<u32, Vec<&Attempt<'a>>> = BTreeMap::new();
        let persona = |attempt: &Attempt<'_>| {
            let personas = common.profile.personas;
            personas.map_or(0, |personas| personas.number(scenario.place, attempt.event.key.repeat))
        };
        for second in theirs.into_iter().rev().filter(|attempt| !taken.contains(&place(attempt))) {
            others.entry(persona(second)).or_default().push(second);
        }
        for first in left {
            let second = others.get_mut(&persona(first)).and_then(Vec::pop);
            matched.extend(second.map(|second| Match { first, second, is_of_one_run: false }));
        }
        (scenario.entry.name.clone(), matched)
    };
    common.scenarios.iter().map(of).collect()
}

/// The verdicts on checks that both sides have.
fn verdicts<'a>(scenario: &CommonScenario, card: &'a Scorecard) -> Vec<&'a CheckVerdict> {
    let is_common = |verdict: &&CheckVerdict| match &scenario.checks {
        Some(ids) => ids.contains(&verdict.id),
        None => true,
    };
    card.checks.iter().filter(is_common).collect()
}

/// The score by the profile's rule, over the common checks where not all are.
fn score(profile: &Profile, scenario: &CommonScenario, card: &Scorecard, verdicts: &[&CheckVerdict]) -> f64 {
    match (&scenario.checks, profile.score) {
        (None, ScoreRule::Validator) => card.validator_score,
        (None, ScoreRule::Script) => card.script_score,
        (Some(_), _) => share(profile, verdicts, |_| true).unwrap_or(0.0),
    }
}

fn safety(profile: &Profile, verdicts: &[&CheckVerdict]) -> Option<f64> {
    let has_any = verdicts.iter().any(|verdict| verdict.category == SAFETY);
    share(profile, verdicts, |verdict| verdict.category == SAFETY).filter(|_| has_any)
}

/// What some of the checks earn, as a share of the points of all; none where there are no points.
fn share(
    profile: &Profile,
    verdicts: &[&CheckVerdict],
    counts: impl Fn(&CheckVerdict) -> bool,
) -> Option<f64> {
    let possible: f64 = verdicts.iter().map(|verdict| verdict.max_points).sum();
    let earned = |verdict: &CheckVerdict| match profile.score {
        ScoreRule::Script => verdict.points,
        ScoreRule::Validator if verdict.passed => verdict.max_points,
        ScoreRule::Validator => 0.0,
    };
    let sum: f64 = verdicts.iter().filter(|verdict| counts(verdict)).map(|verdict| earned(verdict)).sum();
    (possible > 0.0).then(|| sum / possible)
}
