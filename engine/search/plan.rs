//! The strategy: which plan comes next.

use super::allotment::SCREENED;
use super::front::draw_parent;
use super::state::{Member, State};
use super::target::{Aims, protected, targets};
use super::{confirmation, descent};
use crate::episode::EpisodeKey;
use crate::event::{Operator, Phase, Planned, ProposalPlan, Step, Stop, Target};
use crate::units::PackHash;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// Proposals that are written side by side.
const WIDTH_MAX: u32 = 4;
/// The most parents of a merge.
const MERGE_MAX: usize = 4;
/// Attempts at a scenario of which none could be measured.
const ATTEMPTS_MAX: u32 = 3;
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
        Stop::LimitReached(limit)
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
        .or_else(|| merge(state))
        .or_else(|| evaluate(state))
        .or_else(|| propose(state))
        .or_else(|| repeat(state))
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

/// Runs new candidates where their edits aimed.
fn screen(state: &State) -> Option<Planned> {
    let mut runs = Vec::new();
    for (id, member) in state.members.iter().skip(1).filter(|(_, member)| member.repeats.is_empty()) {
        let mut scenarios = aimed_scenarios(state, &member.targets);
        if scenarios.is_empty() {
            scenarios = state.scenarios.clone();
            scenarios.shuffle(&mut rng(state, "screen", &id.0));
        }
        scenarios.truncate(SCREENED as usize);
        runs.extend(scenarios.into_iter().map(|scenario| (member, scenario)));
    }
    episodes(state, Phase::Screen, runs)
}

/// Runs the candidate that is believed to be the best on the scenarios it has not met.
///
/// The others wait: what a child changed where its edit did not aim is known well enough from its parent,
/// and the episodes buy more as first looks at further candidates.
fn evaluate(state: &State) -> Option<Planned> {
    let best = &state.members[state.best()?];
    let is_missing =
        |scenario: &&String| best.measured(scenario) == 0 && best.repeat(scenario) < ATTEMPTS_MAX;
    let runs = state.scenarios.iter().filter(is_missing).map(|scenario| (best, scenario.clone()));
    episodes(state, Phase::Evaluate, runs.collect())
}

/// Puts together the siblings that are believed to be better than their parent, if the sum of their
/// changes promises more than the best has.
fn merge(state: &State) -> Option<Planned> {
    if state.merging || state.left() < state.scenarios.len() as u32 {
        return None;
    }
    let best = state.beliefs.estimate(state.best()?)?.value;
    let families = state.beliefs.live().filter_map(|parent| {
        let mut siblings: Vec<&PackHash> =
            state.beliefs.live().filter(|id| is_good_child(state, id, parent)).collect();
        siblings.sort_by(|a, b| state.beliefs.lead(b, parent).total_cmp(&state.beliefs.lead(a, parent)));
        siblings.truncate(MERGE_MAX);
        let siblings: Vec<PackHash> = siblings.into_iter().cloned().collect();
        if siblings.len() < 2 || state.merged.contains(&siblings) {
            return None;
        }
        let promise = state.beliefs.predict(&descent::origin(&state.members, Operator::Merge, &siblings))?;
        (promise > best).then_some((promise, siblings))
    });
    let (_, parents) = families.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let targets = parents.iter().flat_map(|parent| state.members[parent].targets.clone()).collect();
    let protected = protected(state, &parents[0], &[]);
    Some(proposals(vec![proposal(state, Operator::Merge, parents, targets, protected)]))
}

fn is_good_child(state: &State, id: &PackHash, parent: &PackHash) -> bool {
    let member = &state.members[id];
    let is_edit =
        member.candidate.operator == Operator::Patch && member.candidate.parents[..] == [parent.clone()];
    is_edit && member.is_measured() && state.is_safe(id) && state.beliefs.lead(id, parent) > 0.0
}

/// Asks the writer for several candidates at once.
fn propose(state: &State) -> Option<Planned> {
    let pass = state.scenarios.len() as u32;
    let has_candidate = state.members.len() > 1;
    if is_exhausted(state) || (state.left() < pass && has_candidate) {
        return None;
    }
    let width = (state.left() / (2 * pass)).clamp(1, WIDTH_MAX);
    let mut taken = Aims::new();
    let steps = (0..width).map(|index| {
        let rng = &mut rng(state, "proposal", &index.to_string());
        let parent = draw_parent(state, rng);
        let targets = targets(state, &parent, &mut taken, rng);
        let trims = targets.is_empty() || rng.random_bool(trim_share(state, &parent));
        let (operator, targets) =
            if trims { (Operator::Condense, Vec::new()) } else { (Operator::Patch, targets) };
        let protected = protected(state, &parent, &targets);
        proposal(state, operator, vec![parent], targets, protected)
    });
    Some(proposals(steps.collect()))
}

/// How often a policy is shortened rather than mended: the more of its limit it fills, the more often.
fn trim_share(state: &State, parent: &PackHash) -> f64 {
    let units = state.members[parent].candidate.agents_md.encode_utf16().count() as f64;
    let filled = units / f64::from(state.run.profile.policy_utf16_max().max(1));
    if filled > 0.7 { 0.4 } else { 0.03 + 0.1 * filled }
}

/// Spends what is too little for another candidate on the contenders.
fn repeat(state: &State) -> Option<Planned> {
    if is_exhausted(state) {
        return None;
    }
    let mut contenders: Vec<&PackHash> = state
        .beliefs
        .live()
        .filter(|id| *id != state.incumbent() && state.members[*id].is_measured())
        .collect();
    contenders.sort_by(|a, b| {
        let safe_first = state.is_safe(b).cmp(&state.is_safe(a));
        safe_first.then(state.value_of(b).total_cmp(&state.value_of(a)))
    });
    contenders.truncate(2);
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

fn proposals(steps: Vec<Step>) -> Planned {
    Planned { phase: Phase::Propose, steps }
}

fn proposal(
    state: &State,
    operator: Operator,
    parents: Vec<PackHash>,
    targets: Vec<Target>,
    protected: Vec<Target>,
) -> Step {
    let length_max = state.run.profile.policy_utf16_max();
    Step::Propose(ProposalPlan { targets, protected, ..ProposalPlan::of(operator, parents, length_max) })
}

/// The scenarios of some targets, those with the most of them first.
fn aimed_scenarios(state: &State, targets: &[Target]) -> Vec<String> {
    let points = |scenario: &String| -> f64 {
        targets.iter().filter(|target| target.scenario == *scenario).map(|target| target.points).sum()
    };
    let mut scenarios: Vec<String> =
        state.scenarios.iter().filter(|scenario| points(scenario) > 0.0).cloned().collect();
    scenarios.sort_by(|a, b| points(b).total_cmp(&points(a)));
    scenarios
}

fn rng(state: &State, purpose: &str, key: &str) -> ChaCha8Rng {
    state.run.seed.child(purpose, &[&state.told.to_string(), key]).rng()
}
