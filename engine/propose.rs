//! Proposals: how a plan becomes a candidate. The writer model mends or shortens a parent's policy; merging
//! needs no model. Whatever comes back is checked before it costs an episode: whole, new, short enough, and
//! free of names and dates that only the fixtures know.

mod entity;
mod merge;
mod prompt;
mod reply;
mod writers;

use crate::episode::{AssistantTurn, Message, Usage};
use crate::event::{Candidate, Event, Operator, ProposalFailed, ProposalFault, ProposalPlan, Proposed};
use crate::llm::{Llm, LlmError, Reply, Request};
use crate::pack::{PACK_SIZE_MAX, Pack};
use crate::scenario::Suite;
use crate::search::Search;
use crate::units::Seed;
use entity::Entities;
use reply::Draft;
use std::sync::Arc;
pub use writers::{Turns, Writers, writer_names};

/// Enough for the longest policy that agents read, with room for a model that thinks aloud.
pub const OUTPUT_TOKENS_MAX: u32 = 16_000;
/// The first answer, and one more with the problem stated.
const ANSWERS_MAX: u32 = 2;

/// Carries out a proposal: `Event::Proposed` with a new candidate, or `Event::ProposalFailed` with the reason.
///
/// `base` is the incumbent's pack, from which a candidate takes everything but the policy.
pub async fn propose(
    plan: &ProposalPlan,
    suite: &Suite,
    search: &Search,
    base: &Pack,
    writer: &dyn Llm,
    seed: Seed,
) -> Event {
    let mut usage = Usage::default();
    let result = match plan.operator {
        Operator::Merge | Operator::Revert | Operator::Graft => merged(plan, search, base),
        Operator::Patch | Operator::Rewrite | Operator::Condense | Operator::Reconcile | Operator::Start => {
            let entities = Entities::of(suite, base.agents_md());
            let judge = Judge { plan, search, base, entities };
            written(&judge, suite, writer, seed, &mut usage).await
        }
    };
    match result {
        Ok((candidate, rationale)) => {
            Event::Proposed(Proposed { candidate, rationale, aims: Vec::new(), usage })
        }
        Err(reason) => Event::ProposalFailed(ProposalFailed { operator: plan.operator, reason, usage }),
    }
}

type Written = Result<(Candidate, String), ProposalFault>;

fn merged(plan: &ProposalPlan, search: &Search, base: &Pack) -> Written {
    let parents: Option<Vec<&str>> =
        plan.parents.iter().map(|id| Some(search.candidate(id)?.agents_md.as_str())).collect();
    let parents = parents.filter(|parents| !parents.is_empty()).ok_or_else(unknown_parent)?;
    let ancestor = search.common_ancestor(&plan.parents);
    let policy = merge::merge(ancestor.map_or("", |ancestor| &ancestor.agents_md), &parents);
    let names: Vec<&str> = plan.parents.iter().map(|id| id.short()).collect();
    let rationale = format!("puts together what {} changed", names.join(" and "));
    let judge = Judge { plan, search, base, entities: Entities::default() };
    judge.accept(Draft { policy, rationale })
}

/// Asks the writer, and once more when its answer has a fault that telling it may cure.
async fn written(
    judge: &Judge<'_>,
    suite: &Suite,
    writer: &dyn Llm,
    seed: Seed,
    usage: &mut Usage,
) -> Written {
    let parent =
        judge.plan.parents.first().and_then(|id| judge.search.candidate(id)).ok_or_else(unknown_parent)?;
    let question = prompt::question(judge.plan, parent, suite, judge.search.profile(), &judge.entities);
    let mut messages = vec![Message::User(question)];
    let mut answers = 0;
    loop {
        let request = Request {
            system: prompt::SYSTEM.to_owned(),
            messages: messages.clone(),
            tools: Arc::new([]),
            output_tokens_max: Some(OUTPUT_TOKENS_MAX),
            seed: seed.child("answer", &[&answers.to_string()]),
            attempt_ms_max: None,
            failed_attempts: Default::default(),
        };
        let answer = writer.complete(&request).await;
        let answer = answer.map_err(unanswered)?;
        *usage = usage.plus(answer.usage);
        answers += 1;
        match judge.read(&answer) {
            Err(fault)
                if answers < ANSWERS_MAX && prompt::complaint(&fault, judge.plan.length_max).is_some() =>
            {
                messages.extend(objection(&answer, &fault, judge.plan.length_max));
            }
            result => return result,
        }
    }
}

fn unanswered(error: LlmError) -> ProposalFault {
    match error {
        LlmError::CapReached { limit, .. } => ProposalFault::LimitReached { limit },
        error => ProposalFault::Unreachable { problem: error.to_string() },
    }
}

/// The answer and what is wrong with it, to go on from.
fn objection(answer: &Reply, fault: &ProposalFault, length_max: u32) -> [Message; 2] {
    let text = if answer.turn.text.trim().is_empty() { "(no answer)" } else { answer.turn.text.as_str() };
    let complaint = prompt::complaint(fault, length_max).unwrap_or_default();
    [
        Message::Assistant(AssistantTurn { text: text.to_owned(), ..AssistantTurn::default() }),
        Message::User(complaint),
    ]
}

/// What a policy must pass to become a candidate.
struct Judge<'a> {
    plan: &'a ProposalPlan,
    search: &'a Search,
    base: &'a Pack,
    entities: Entities,
}

impl Judge<'_> {
    fn read(&self, answer: &Reply) -> Written {
        let draft = reply::read(answer).map_err(|problem| ProposalFault::Unusable { problem })?;
        self.accept(draft)
    }

    fn accept(&self, draft: Draft) -> Written {
        let utf16_units = u32::try_from(draft.policy.encode_utf16().count()).unwrap_or(u32::MAX);
        let pack = self.base.with_policy(&draft.policy);
        if utf16_units > self.plan.length_max || pack.size() > PACK_SIZE_MAX {
            return Err(ProposalFault::TooLong { utf16_units });
        }
        let names = self.entities.named_in(&draft.policy);
        if !names.is_empty() {
            return Err(ProposalFault::Overfitted { names });
        }
        let id = pack.hash().clone();
        if self.search.candidate(&id).is_some() {
            return Err(ProposalFault::Duplicate { of: id });
        }
        let (parents, operator) = (self.plan.parents.clone(), self.plan.operator);
        let candidate =
            Candidate { id, parents, operator, agents_md: draft.policy, hunks: Vec::new(), writer: None };
        Ok((candidate, draft.rationale))
    }
}

fn unknown_parent() -> ProposalFault {
    ProposalFault::Unusable { problem: "a parent of the proposal is no candidate of this run".to_owned() }
}
