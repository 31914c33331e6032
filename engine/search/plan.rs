//! The strategy: which plan comes next.

use super::descent::path;
use super::member::Member;
use super::state::State;
use super::{confirmation, round};
use crate::budget::Limit;
use crate::episode::EpisodeKey;
use crate::event::{Operator, Phase, Planned, Step, Stop, Target};
use crate::stats::top_two;
use crate::units::PackHash;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;

/// Episodes of a new candidate before it is built upon, each in another scenario as long as there are some.
const LOOKS: usize = 1;
/// As many as there are so many candidates, where that is more: what is left to gain by one more edit shrinks, and a longer
/// run so knows its candidates better instead of having ever more of them. Their number grows with the root of the budget.
const MEMBERS_PER_LOOK: usize = 128;
/// The same where the mean of all edits seems to be below nothing, by so many standard errors, over so many edits.
const LOOKS_IF_HARMFUL: usize = 3;
const DRIFT_MIN: f64 = -1.0;
const EDITS_MIN: usize = 8;
/// Of so many proposals made side by side, one is looked at before the next is built upon it; where there are so many
/// candidates, two and more.
const PROPOSALS_PER_LOOK: u32 = 8;
/// So many of the best are contenders at the end.
const REPEATED: usize = 4;
/// Joint draws of their objectives.
const DRAWS: usize = 300;
/// The same for the incumbent, without which there is nothing to compare with.
const INCUMBENT_ATTEMPTS_MAX: u32 = 8;
/// Rounds of proposals without any candidate before the search gives up on the writer.
const BARREN_ROUNDS_MAX: u32 = 5;

/// The next plan; none when nothing is left to do.
pub(super) fn next(state: &State) -> Option<Planned> {
    if state.frozen.is_some() {
        return confirmation::plan(state).or_else(|| held_out(state));
    }
    if !state.allotment.can_confirm() {
        return None;
    }
    let calibration = calibrate(state);
    if calibration.is_some() || unmeasured_scenario(state).is_some() {
        return calibration;
    }
    search(state).or_else(|| confirmation::plan(state))
}

/// Why nothing is left to do.
pub(super) fn stop(state: &State) -> Stop {
    let limit = state.limited.as_ref().filter(|_| state.is_limited()).map(|limited| limited.limit);
    if let Some(limit) = limit.or(state.writer_limit) {
        if limit == Limit::STOPPED { Stop::Asked } else { Stop::LimitReached(limit) }
    } else if state.allotment.can_confirm() && unmeasured_scenario(state).is_some() {
        Stop::Unmeasurable
    } else if is_exhausted(state) {
        Stop::Exhausted
    } else {
        Stop::BudgetSpent
    }
}

/// The candidate to be confirmed: the frozen one, or the best rival of the incumbent now.
pub(super) fn finalist(state: &State) -> Option<PackHash> {
    state.frozen.as_ref().or_else(|| state.best_rival()).cloned()
}

/// A scenario that the incumbent could not be measured on.
pub(super) fn unmeasured_scenario(state: &State) -> Option<&str> {
    let incumbent = &state.members[state.incumbent()];
    state.scenarios.iter().map(String::as_str).find(|scenario| incumbent.measured(scenario) == 0)
}

fn is_exhausted(state: &State) -> bool {
    state.barren_rounds >= BARREN_ROUNDS_MAX || state.writer_limit.is_some()
}

fn search(state: &State) -> Option<Planned> {
    if state.left() == 0 {
        return None;
    }
    screen(state)
        .or_else(|| round::combine(state))
        .or_else(|| verify(state))
        .or_else(|| advance(state))
        .or_else(|| if is_exhausted(state) { None } else { round::propose(state) })
        .or_else(|| if is_exhausted(state) { None } else { repeat(state) })
}

/// Measures the incumbent, and again what could not be measured.
fn calibrate(state: &State) -> Option<Planned> {
    let passes = state.allotment.calibration_passes;
    let incumbent = &state.members[state.incumbent()];
    let mut runs = Vec::new();
    for pass in 0..passes {
        for scenario in &state.scenarios {
            let missing = passes.saturating_sub(incumbent.measured(scenario));
            let attempts_left =
                (passes + INCUMBENT_ATTEMPTS_MAX - 1).saturating_sub(incumbent.repeat(scenario));
            if pass < missing.min(attempts_left) {
                runs.push((incumbent, scenario.clone()));
            }
        }
    }
    // Once candidates exist, the incumbent is as measured as it will get.
    if state.plans(Phase::Propose) > 0 { None } else { episodes(state, Phase::Calibrate, runs) }
}

/// Looks at what waits to be looked at, some of it at once; what was proposed for a candidate that is the best no
/// longer is first made in the one that is now.
///
/// So proposals that were made side by side are built upon each other like those that were made one by one.
fn advance(state: &State) -> Option<Planned> {
    let awaits = |member: &&Member| {
        let operator = member.candidate.operator;
        let is_edit = operator.asks_writer() || operator == Operator::Revert;
        is_edit && member.repeats.is_empty() && member.rebased_to.is_none()
    };
    let at_once = wave(round::width(state)).max((state.members.len() / MEMBERS_PER_LOOK) as u32);
    let waiting: Vec<&Member> =
        state.members.values().skip(1).filter(awaits).take(at_once as usize).collect();
    round::rebase(state, &waiting).or_else(|| look(state, waiting))
}

/// Looks at what was made in the best before it was looked at.
fn screen(state: &State) -> Option<Planned> {
    let is_new =
        |member: &&Member| member.candidate.operator == Operator::Rebase && member.repeats.is_empty();
    look(state, state.members.values().skip(1).filter(is_new).collect())
}

/// Runs new candidates where their edits aimed: one scenario each at first, for an episode buys more as the first look at
/// a further candidate than as another look at this one, and what it left unseen is seen in its descendants. Where most
/// edits harm, a second and a third look come before anything is built upon them; and more where there are hundreds of
/// candidates.
///
/// What was put together is looked at only where it is the best, see `verify`.
fn look(state: &State, members: Vec<&Member>) -> Option<Planned> {
    let looks = if drift(state).is_some_and(|drift| drift < DRIFT_MIN) { LOOKS_IF_HARMFUL } else { LOOKS };
    let looks = looks.max(state.members.len() / MEMBERS_PER_LOOK);
    let mut runs = Vec::new();
    for member in members {
        let mut scenarios = state.scenarios.clone();
        scenarios.shuffle(&mut rng(state, "screen", &member.candidate.id.0));
        let points = aimed_points(&member.targets);
        let points = |scenario: &String| points.get(scenario.as_str()).copied().unwrap_or(0.0);
        scenarios.sort_by(|a, b| points(b).total_cmp(&points(a)));
        runs.extend(scenarios.iter().cycle().take(looks).map(|scenario| (member, scenario.clone())));
    }
    episodes(state, Phase::Screen, runs)
}

/// How many candidates so many episodes are a look at, each with as many looks as its number asks for.
pub fn candidates_looked_at(mut episodes: u32) -> u32 {
    let (mut candidates, mut looks) = (0, LOOKS as u32);
    loop {
        let until = (looks + 1) * MEMBERS_PER_LOOK as u32;
        let affordable = episodes / looks;
        if candidates + affordable < until {
            return candidates + affordable;
        }
        episodes -= looks * (until - candidates);
        (candidates, looks) = (until, looks + 1);
    }
}

/// How many candidates of so many proposals that were made side by side are looked at before the next of them are built
/// upon these.
pub fn wave(width: u32) -> u32 {
    (width / PROPOSALS_PER_LOOK).max(1)
}

/// Runs what was put together, once it is the best, where its edits were seen least. It is believed to be the sum of
/// its parts; whether they get along shows nowhere else.
fn verify(state: &State) -> Option<Planned> {
    let best = state.best()?;
    let member = &state.members[best];
    if best == state.incumbent() || !member.repeats.is_empty() {
        return None;
    }
    let edits = path(&state.members, best);
    let seen =
        |scenario: &String| edits.iter().map(|edit| state.members[*edit].repeat(scenario)).sum::<u32>();
    let mut scenarios = state.scenarios.clone();
    scenarios.shuffle(&mut rng(state, "verify", &best.0));
    let scenario = scenarios.into_iter().min_by_key(seen)?;
    episodes(state, Phase::Evaluate, vec![(member, scenario)])
}

/// What the writers' edits did on average, by how many standard errors; none before there are enough of them.
fn drift(state: &State) -> Option<f64> {
    let effects: Vec<f64> = state
        .members
        .iter()
        .filter(|(id, member)| member.candidate.operator.asks_writer() && state.is_seen(id))
        .filter_map(|(id, _)| round::gain(state, id))
        .collect();
    let count = effects.len() as f64;
    let mean = effects.iter().sum::<f64>() / count;
    let variance = effects.iter().map(|effect| (effect - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (effects.len() >= EDITS_MIN && variance > 0.0).then(|| mean / (variance / count).sqrt())
}

/// How many points some targets are worth, by scenario.
fn aimed_points(targets: &[Target]) -> BTreeMap<&str, f64> {
    let mut points = BTreeMap::new();
    for target in targets {
        *points.entry(target.scenario.as_str()).or_insert(0.0) += target.points;
    }
    points
}

/// Spends what is too little for another candidate where it may change which candidate is the finalist: on the one
/// that seems best and on the one that may yet be.
fn repeat(state: &State) -> Option<Planned> {
    let view = state.beliefs.view();
    let mut contenders: Vec<&PackHash> =
        state.members.iter().skip(1).filter(|(_, member)| member.is_measured()).map(|(id, _)| id).collect();
    contenders.sort_by(|a, b| {
        let safe_first = state.is_safe(b).cmp(&state.is_safe(a));
        safe_first.then(state.value_of(b).total_cmp(&state.value_of(a)))
    });
    contenders.truncate(REPEATED);
    let places: Vec<usize> = contenders.iter().map(|id| state.place(id)).collect();
    let rng_of = |purpose: &str| rng(state, purpose, "");
    let drawn = view.objectives(&places, DRAWS, &mut rng_of("contenders"));
    let (leader, challenger) = top_two(&drawn, &mut rng_of("top two"))?;
    let contenders = [contenders[leader], contenders[challenger]];
    let mut scenarios = state.scenarios.clone();
    scenarios.shuffle(&mut rng(state, "repeat", ""));
    let members = || contenders.iter().map(|id| &state.members[*id]);
    let runs = scenarios.iter().flat_map(|scenario| members().map(|member| (member, scenario.clone())));
    episodes(state, Phase::Evaluate, runs.collect())
}

/// One pass of finalist and incumbent over the held-out scenarios.
fn held_out(state: &State) -> Option<Planned> {
    let affordable = state.run.budget.saturating_sub(state.started) >= state.allotment.held_out;
    if state.allotment.held_out == 0 || !affordable || state.plans(Phase::HeldOut) > 0 || state.is_cut {
        return None;
    }
    let packs = [state.frozen.as_ref()?, state.incumbent()];
    let scenarios = state.run.scenarios.iter().filter(|scenario| scenario.held_out);
    let steps = scenarios.flat_map(|scenario| {
        packs.map(|pack| run(pack, &scenario.name, state.members[pack].repeat(&scenario.name)))
    });
    Some(Planned { phase: Phase::HeldOut, steps: steps.collect() })
}

/// A plan of the search's own episodes, each a repeat that was never used, within what is left.
fn episodes(state: &State, phase: Phase, runs: Vec<(&Member, String)>) -> Option<Planned> {
    let mut steps: Vec<Step> = Vec::new();
    for (member, scenario) in runs.into_iter().take(state.left() as usize) {
        let mut repeat = member.repeat(&scenario);
        while steps.contains(&run(&member.candidate.id, &scenario, repeat)) {
            repeat += 1;
        }
        steps.push(run(&member.candidate.id, &scenario, repeat));
    }
    (!steps.is_empty()).then_some(Planned { phase, steps })
}

pub(super) fn run(candidate: &PackHash, scenario: &str, repeat: u32) -> Step {
    Step::Run(EpisodeKey { candidate: candidate.clone(), scenario: scenario.to_owned(), repeat })
}

pub(super) fn rng(state: &State, purpose: &str, key: &str) -> ChaCha8Rng {
    state.run.seed.child(purpose, &[&state.told.to_string(), key]).rng()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_candidates_grows_with_the_root_of_the_episodes() {
        let check = |episodes, expected| {
            assert_eq!(candidates_looked_at(episodes), expected, "{episodes} episodes");
        };
        check(0, 0);
        check(200, 200);
        check(256, 256);
        check(512, 384);
        check(896, 512);
        check(20_000, 2_320);
        assert!(candidates_looked_at(u32::MAX) < 2_000_000);
    }
}
