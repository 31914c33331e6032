//! A round of proposals: several side by side, each an edit of a parent by one operator; and what is put together of
//! edits that were tried.

use super::descent::{origin, parent_of, path};
use super::front::draw_parent;
use super::lessons::lessons;
use super::member::Member;
use super::plan::rng;
use super::portfolio::Portfolio;
use super::state::State;
use super::target::{Aims, protected, targets};
use crate::event::{Operator, Phase, Planned, ProposalPlan, Step, Target};
use crate::lineage::CombineError;
use crate::policy::Policy;
use crate::units::PackHash;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Proposals that are made side by side, where the run does not say.
pub const PROPOSALS: u32 = 2;
/// Then they are more, once there are more than twice so many candidates.
const MEMBERS_PER_PROPOSAL: u32 = 64;
/// The most siblings that are put together at once. Each was seen to help alone; of more, fewer help together.
const COMBINED_MAX: usize = 2;
/// Combinations in a row, before the next candidate is looked at.
const COMBINATIONS_MAX: u32 = 3;
/// A combination that promises less than this more than the best is not worth a candidate.
const PROMISE_MIN: f64 = 1e-4;
/// An edit is worth making elsewhere when it helped with this probability.
const GRAFT_MIN: f64 = 0.7;

/// Asks for several candidates at once.
pub(super) fn propose(state: &State) -> Option<Planned> {
    let width = width(state).clamp(1, state.left().max(1));
    let portfolio = Portfolio::of(state);
    let mut taken = Aims::new();
    let mut steps: Vec<Step> = Vec::new();
    for index in 0..width {
        let rng = &mut rng(state, "proposal", &index.to_string());
        let parent = draw_parent(state, rng);
        let operator = portfolio.operator(state, &parent, rng);
        let step = trial(state, operator, &parent, rng)
            .filter(|step| !steps.contains(step))
            .unwrap_or_else(|| written(state, operator, &parent, &portfolio, &mut taken, rng));
        steps.push(step);
    }
    Some(Planned { phase: Phase::Propose, steps })
}

/// How many proposals are made side by side: more where a long run has many candidates, of which each tells less.
pub(super) fn width(state: &State) -> u32 {
    let usual = || PROPOSALS.max(state.members.len() as u32 / MEMBERS_PER_PROPOSAL);
    state.run.width.unwrap_or_else(usual)
}

/// A proposal that the writer makes.
fn written(
    state: &State,
    operator: Operator,
    parent: &PackHash,
    portfolio: &Portfolio,
    taken: &mut Aims,
    rng: &mut ChaCha8Rng,
) -> Step {
    let operator = if operator.asks_writer() { operator } else { Operator::Patch };
    let (operator, targets) = match operator {
        Operator::Condense => (operator, Vec::new()),
        _ => match targets(state, parent, taken, rng) {
            // What never fails can only be said in fewer words.
            none if none.is_empty() => (Operator::Condense, none),
            targets => (operator, targets),
        },
    };
    let writer = Some(portfolio.writer(rng));
    proposal(state, ProposalPlan { operator, writer, targets, ..plan_of(state, vec![parent.clone()]) })
}

/// A proposal to do without an edit that may harm, tried out as any other edit.
fn trial(state: &State, operator: Operator, parent: &PackHash, rng: &mut ChaCha8Rng) -> Option<Step> {
    let edges = match operator {
        Operator::Revert => vec![worst_edge(state, parent, rng)?],
        _ => return None,
    };
    let plan = ProposalPlan { operator, edges, ..plan_of(state, vec![parent.clone()]) };
    is_new(state, &plan).then(|| proposal(state, plan))
}

/// The edit of a policy's history that seems to harm most, by one draw of what each did.
fn worst_edge(state: &State, id: &PackHash, rng: &mut ChaCha8Rng) -> Option<PackHash> {
    let mut drawn: Vec<(f64, &PackHash)> = path(&state.members, id)
        .into_iter()
        .filter(|edge| {
            let edges = vec![(*edge).clone()];
            let plan = ProposalPlan { operator: Operator::Revert, edges, ..plan_of(state, vec![id.clone()]) };
            is_new(state, &plan)
        })
        .filter_map(|edge| {
            let effect = effect(state, edge)?;
            let normal: f64 = StandardNormal.sample(rng);
            Some((effect.value + effect.se * normal, edge))
        })
        .collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    drawn.first().filter(|(effect, _)| *effect < 0.0).map(|(_, edge)| (*edge).clone())
}

/// The edit made elsewhere that helped most, if it probably helped at all and can be made here.
fn graft(state: &State, id: &PackHash) -> Option<ProposalPlan> {
    let here = path(&state.members, id);
    let mut edges: Vec<(f64, &PackHash)> = state
        .members
        .iter()
        .filter(|(edge, member)| member.is_tried_edit() && !here.contains(edge))
        .filter_map(|(edge, _)| {
            let effect = effect(state, edge)?;
            (effect.probability_above(0.0) > GRAFT_MIN).then_some((effect.value, edge))
        })
        .collect();
    edges.sort_by(|a, b| b.0.total_cmp(&a.0));
    let plan = |edge: &PackHash| ProposalPlan {
        operator: Operator::Graft,
        edges: vec![edge.clone()],
        ..plan_of(state, vec![id.clone()])
    };
    edges.into_iter().map(|(_, edge)| plan(edge)).find(|plan| is_new(state, plan))
}

/// Makes the edits of candidates that nobody looked at in the best one, where that grew out of the candidate that they
/// were made for; none where nothing can be moved.
pub(super) fn rebase(state: &State, waiting: &[&Member]) -> Option<Planned> {
    let best = state.best()?;
    let grown = path(&state.members, best);
    let is_behind =
        |parent: &PackHash| parent != best && (parent == state.incumbent() || grown.contains(&parent));
    let plan = |member: &&Member| {
        let (candidate, parent) = (&member.candidate, member.candidate.parents.first()?);
        let plan = ProposalPlan {
            operator: Operator::Rebase,
            edges: vec![candidate.id.clone()],
            ..plan_of(state, vec![best.clone()])
        };
        (candidate.operator.asks_writer() && is_behind(parent) && is_new(state, &plan)).then_some(plan)
    };
    let steps: Vec<Step> = waiting.iter().filter_map(plan).map(Step::Propose).collect();
    (!steps.is_empty()).then_some(Planned { phase: Phase::Propose, steps })
}

/// The best that can be put together of what was tried, if it promises more than the best candidate: two siblings of
/// the last round, an edit made elsewhere that probably helped, or the best without an edit that probably harmed.
///
/// It costs no episode, and a call of the writer only where edits contradict each other.
pub(super) fn combine(state: &State) -> Option<Planned> {
    if state.combinations >= COMBINATIONS_MAX || state.newest.is_empty() {
        return None;
    }
    let best = state.best()?;
    let value = state.value_of(best);
    let plans = siblings(state).into_iter().chain(graft(state, best)).chain(reverted(state, best));
    let mut promising: Vec<(f64, ProposalPlan)> = plans
        .filter_map(|plan| Some((promise(state, &plan)?, plan)))
        .filter(|(promise, _)| *promise > value + PROMISE_MIN)
        .collect();
    promising.sort_by(|a, b| b.0.total_cmp(&a.0));
    let plan = promising.into_iter().find_map(|(_, plan)| feasible(state, plan))?;
    Some(Planned { phase: Phase::Propose, steps: vec![proposal(state, plan)] })
}

/// Siblings of the last round that are believed to be better than their parent.
fn siblings(state: &State) -> Vec<ProposalPlan> {
    let parent = |id: &PackHash| parent_of(&state.members, id).cloned();
    let mut bases: Vec<PackHash> = state.newest.iter().filter_map(parent).collect();
    bases.sort_unstable();
    bases.dedup();
    let family = |base: PackHash| {
        let mut siblings: Vec<(f64, &PackHash)> = state
            .newest
            .iter()
            .filter(|id| parent(id).as_ref() == Some(&base))
            .filter(|id| state.members[*id].is_tried_edit() && state.is_safe(id))
            .filter_map(|id| Some((effect(state, id)?.value, id)).filter(|(effect, _)| *effect > 0.0))
            .collect();
        siblings.sort_by(|a, b| b.0.total_cmp(&a.0));
        siblings.truncate(COMBINED_MAX);
        let parents: Vec<PackHash> = siblings.into_iter().map(|(_, id)| id.clone()).collect();
        let targets = parents.iter().flat_map(|parent| state.members[parent].targets.clone()).collect();
        let is_family = parents.len() > 1;
        is_family.then(|| ProposalPlan { operator: Operator::Merge, targets, ..plan_of(state, parents) })
    };
    bases.into_iter().filter_map(family).collect()
}

/// The best without the edit that is believed to have harmed most.
fn reverted(state: &State, best: &PackHash) -> Option<ProposalPlan> {
    let harm = |edge: &PackHash| Some((effect(state, edge)?.value, edge.clone()));
    let edges = path(&state.members, best).into_iter().filter_map(harm);
    let plan = |edge: PackHash| ProposalPlan {
        operator: Operator::Revert,
        edges: vec![edge],
        ..plan_of(state, vec![best.clone()])
    };
    let mut harmful: Vec<(f64, PackHash)> = edges.filter(|(effect, _)| *effect < 0.0).collect();
    harmful.sort_by(|a, b| a.0.total_cmp(&b.0));
    harmful.into_iter().map(|(_, edge)| plan(edge)).find(|plan| is_new(state, plan))
}

/// The plan, if it makes something new; by the writer where siblings contradict each other.
fn feasible(state: &State, plan: ProposalPlan) -> Option<ProposalPlan> {
    if is_new(state, &plan) {
        return Some(plan);
    }
    if plan.operator != Operator::Merge || is_known(state, &plan) || state.writer_limit.is_some() {
        return None;
    }
    let contradicts = matches!(state.lineage.combine(&plan), Err(CombineError::Conflict(_)));
    let writer = Some(Portfolio::of(state).writer(&mut rng(state, "reconcile", "")));
    let plan = ProposalPlan { operator: Operator::Reconcile, writer, ..plan };
    (contradicts && !is_known(state, &plan)).then_some(plan)
}

/// What an edit did to the objective.
pub(super) fn effect(state: &State, edge: &PackHash) -> Option<super::beliefs::Estimate> {
    let parent = parent_of(&state.members, edge)?;
    state.beliefs.view().difference(state.place(edge), state.place(parent))
}

/// The same without how uncertain it is.
pub(super) fn gain(state: &State, edge: &PackHash) -> Option<f64> {
    let parent = parent_of(&state.members, edge)?;
    state.beliefs.view().gain(state.place(edge), state.place(parent))
}

/// The objective that a combination is believed to have.
fn promise(state: &State, plan: &ProposalPlan) -> Option<f64> {
    state.beliefs.promise(&origin(&state.members, plan.operator, &plan.parents, &plan.edges))
}

/// Whether the plan's policy can be made without the writer, and is none that is known.
fn is_new(state: &State, plan: &ProposalPlan) -> bool {
    let is_member = |policy: &Policy| {
        let text = policy.text();
        state.members.values().any(|member| member.candidate.agents_md == text)
    };
    !is_known(state, plan) && state.lineage.combine(plan).is_ok_and(|(policy, _)| !is_member(&policy))
}

fn is_known(state: &State, plan: &ProposalPlan) -> bool {
    state.combined.contains(&(plan.operator, plan.parents.clone(), plan.edges.clone()))
}

fn plan_of(state: &State, parents: Vec<PackHash>) -> ProposalPlan {
    ProposalPlan::of(Operator::Patch, parents, state.run.profile.policy_utf16_max())
}

fn proposal(state: &State, plan: ProposalPlan) -> Step {
    let targets: &[Target] = &plan.targets;
    if !plan.operator.asks_writer() {
        return Step::Propose(plan);
    }
    let protected = protected(state, &plan.parents[0], targets);
    Step::Propose(ProposalPlan { protected, lessons: lessons(state), ..plan })
}
