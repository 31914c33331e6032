//! Proposals: how a plan becomes a candidate. The writer model edits a parent's policy by operations on its items;
//! taking edits back, making them elsewhere and putting them together needs no model. Whatever comes back is
//! checked before it costs an episode: whole, new, short enough, and as general as the lint wants it.

mod judge;
mod prompt;
mod reply;
mod resemblance;
mod writers;

use crate::episode::{AssistantTurn, Message, Usage};
use crate::event::{Aim, Candidate, Event, Operator, ProposalFailed, ProposalFault, ProposalPlan, Proposed};
use crate::lineage::{CombineError, Lineage};
use crate::lint::Lint;
use crate::llm::{Llm, LlmError, Reply, Request};
use crate::pack::Pack;
use crate::policy::{Hunk, Policy};
use crate::scenario::{Scenario, Suite};
use crate::search::Search;
use crate::units::Seed;
use judge::Judge;
use prompt::{Question, Shown};
use std::sync::{Arc, Mutex, PoisonError};
pub use writers::{Turns, Writers};

/// Enough for the longest policy that agents read, with room for a model that thinks aloud.
pub const OUTPUT_TOKENS_MAX: u32 = 16_000;
/// The first answer, and one more with the problem stated.
const ANSWERS_MAX: u32 = 2;

/// What writers are shown beyond what every writer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProposalStyle {
    /// The patterns that checks look for. A writer that sees them may write for the pattern instead of the user.
    pub shows_patterns: bool,
}

/// Carries out a proposal: `Event::Proposed` with a new candidate, or `Event::ProposalFailed` with the reason.
///
/// `base` is the incumbent's pack, from which a candidate takes everything but the policy.
pub async fn propose(
    style: ProposalStyle,
    plan: &ProposalPlan,
    suite: &Suite,
    search: &Search,
    base: &Pack,
    writer: &dyn Llm,
    seed: Seed,
) -> Event {
    let mut usage = Usage::default();
    let lineage = search.lineage();
    let result = if plan.operator.asks_writer() {
        let lint = lint_of(suite).knowing(base.agents_md());
        let judge = Judge { plan, search, base, lint };
        let shown = Shown::of(plan, suite, &judge.lint, style.shows_patterns);
        written(&Desk { judge: &judge, lineage, shown: &shown }, writer, seed, &mut usage).await
    } else {
        combined(plan, lineage, &Judge { plan, search, base, lint: Lint::default() })
    };
    match result {
        Ok(Written { candidate, rationale, aims }) => {
            Event::Proposed(Proposed { candidate, rationale, aims, usage })
        }
        Err(reason) => Event::ProposalFailed(ProposalFailed { operator: plan.operator, reason, usage }),
    }
}

/// The lint of the suite that was asked for last: learning a suite takes longer than all else about a proposal, and a
/// process has hardly ever more than one.
static LEARNED: Mutex<Option<(Vec<Arc<Scenario>>, Lint)>> = Mutex::new(None);

fn lint_of(suite: &Suite) -> Lint {
    let is_it = |scenarios: &[Arc<Scenario>]| {
        let pairs = scenarios.iter().zip(&suite.scenarios);
        scenarios.len() == suite.scenarios.len()
            && pairs.into_iter().all(|(one, other)| Arc::ptr_eq(one, other))
    };
    let mut learned = LEARNED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*learned {
        Some((scenarios, lint)) if is_it(scenarios) => lint.clone(),
        _ => {
            let lint = Lint::of(suite);
            *learned = Some((suite.scenarios.clone(), lint.clone()));
            lint
        }
    }
}

/// A candidate and what is said of it.
struct Written {
    candidate: Candidate,
    rationale: String,
    aims: Vec<Aim>,
}

/// A proposal that asks no writer.
fn combined(plan: &ProposalPlan, lineage: &Lineage, judge: &Judge<'_>) -> Result<Written, ProposalFault> {
    let (policy, hunks) = lineage.combine(plan).map_err(|error| match (error, plan.parents.first()) {
        (CombineError::Unchanged, Some(parent)) => ProposalFault::Duplicate { of: parent.clone() },
        (error, _) => ProposalFault::Unusable { problem: error.to_string() },
    })?;
    let made_of = if plan.edges.is_empty() { &plan.parents } else { &plan.edges };
    let names: Vec<&str> = made_of.iter().map(|id| id.short()).collect();
    let rationale = match plan.operator {
        Operator::Revert => format!("takes back what {} changed", names.join(" and ")),
        _ => format!("puts together what {} changed", names.join(" and ")),
    };
    let candidate = judge.accept(&policy, hunks)?;
    Ok(Written { candidate, rationale, aims: Vec::new() })
}

/// What a question is made of and an answer is read by.
struct Desk<'a> {
    judge: &'a Judge<'a>,
    lineage: &'a Lineage,
    shown: &'a Shown<'a>,
}

/// Asks the writer, and once more when its answer has a fault that telling it may cure.
async fn written(
    desk: &Desk<'_>,
    writer: &dyn Llm,
    seed: Seed,
    usage: &mut Usage,
) -> Result<Written, ProposalFault> {
    let plan = desk.judge.plan;
    let policy = plan.parents.first().and_then(|id| desk.lineage.policy(id)).ok_or_else(unknown_parent)?;
    let mut messages = vec![Message::User(desk.question(policy))];
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
        let answer = writer.complete(&request).await.map_err(unanswered)?;
        *usage = usage.plus(answer.usage);
        answers += 1;
        match desk.read(policy, &answer) {
            Err(fault) => {
                match prompt::complaint(&fault, plan.length_max).filter(|_| answers < ANSWERS_MAX) {
                    Some(complaint) => messages.extend(objection(&answer, complaint)),
                    None => return Err(fault),
                }
            }
            Ok(mut written) => {
                written.candidate.writer = Some(writer.name().to_owned());
                return Ok(written);
            }
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
fn objection(answer: &Reply, complaint: String) -> [Message; 2] {
    let text = prompt::shown_again(&answer.turn.text);
    [Message::Assistant(AssistantTurn { text, ..AssistantTurn::default() }), Message::User(complaint)]
}

impl Desk<'_> {
    fn question(&self, policy: &Policy) -> String {
        let (plan, profile) = (self.judge.plan, self.judge.search.profile());
        let made_of = if plan.edges.is_empty() { &plan.parents } else { &plan.edges };
        let edits: Vec<&[Hunk]> = match plan.operator {
            Operator::Reconcile => made_of.iter().filter_map(|id| self.lineage.hunks(id)).collect(),
            _ => Vec::new(),
        };
        Question { plan, policy, shown: self.shown, profile, edits: &edits }.text()
    }

    fn read(&self, policy: &Policy, answer: &Reply) -> Result<Written, ProposalFault> {
        let unusable = |problems: Vec<String>| ProposalFault::Unusable { problem: problems.join("; ") };
        let answer = reply::read(answer).map_err(unusable)?;
        let (edited, hunks) = policy
            .carry_out(&answer.operations)
            .map_err(|problems| unusable(problems.iter().map(ToString::to_string).collect()))?;
        let candidate = self.judge.accept(&edited, hunks)?;
        Ok(Written { candidate, rationale: answer.rationale, aims: self.shown.aims(&answer.checks) })
    }
}

fn unknown_parent() -> ProposalFault {
    ProposalFault::Unusable { problem: "a parent of the proposal is no candidate of this run".to_owned() }
}
