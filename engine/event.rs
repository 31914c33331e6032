//! Events: what a run records. The state of a run is what telling its events in order gives.
//!
//! Every event has an ordinal. A `Planned` event gives the ordinals after its own to its steps, one each;
//! the event that a step leads to is recorded under that ordinal as soon as it is known, in whatever order
//! the steps end. So the order of events never depends on which worker finished first, and a run that was
//! cut off knows which steps of its last plan are still open. Times and paths are kept outside.

mod limits;
mod verdict;

use crate::budget::{Limit, RunCaps};
use crate::episode::{EpisodeKey, FailureClass, Outcome, Usage};
use crate::policy::Hunk;
use crate::scenario::Scenario;
use crate::score::{Profile, Scorecard};
use crate::units::{PackHash, Seed, SuiteHash};
use crate::value::Value;
use serde::{Deserialize, Serialize};

pub use limits::{Limited, Tuned};
pub use verdict::{Comparison, Condition, Posterior, SafetyChange, Sealed, Verdict};

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    RunStarted(RunStarted),
    Planned(Planned),
    Proposed(Proposed),
    ProposalFailed(ProposalFailed),
    EpisodeScored(EpisodeScored),
    EpisodeUnmeasured(EpisodeUnmeasured),
    Limited(Limited),
    Tuned(Tuned),
    RunFinished(RunFinished),
}

impl Event {
    /// The limits from this event on, given those before it.
    pub fn caps_after(&self, caps: RunCaps) -> RunCaps {
        match self {
            Event::RunStarted(started) => *started.caps,
            Event::Tuned(Tuned { caps: Some(caps), .. }) => **caps,
            _ => caps,
        }
    }
}

/// Everything that a run's results depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The version of the event format.
    pub format: u32,
    /// The version of the program.
    pub program: String,
    pub seed: Seed,
    /// Episodes that may be started. Those that failed for themselves count, those lost in an outage do not.
    pub budget: u32,
    pub suite: String,
    pub suite_hash: SuiteHash,
    /// The scenarios that the search may use, and those held out, with their weights.
    pub scenarios: Vec<ScenarioEntry>,
    pub profile: Box<Profile>,
    /// `provider/model` of the agent.
    pub model: String,
    /// `provider/model` of the writer; several are separated by `, `.
    pub writer: String,
    /// How many proposals are made side by side; none leaves it to the search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Limits besides the budget.
    #[serde(default)]
    pub caps: Box<RunCaps>,
    /// What else the models' answers depend on: endpoints and parameters, and the agent's prompt profile.
    #[serde(default)]
    pub conditions: Box<Conditions>,
    /// The pack to be beaten: the best so far, or the baseline.
    pub incumbent: Candidate,
    /// The incumbent's whole document, from which candidates take everything but the policy.
    pub base: Value,
}

impl RunStarted {
    /// The names of the writers.
    pub fn writers(&self) -> impl Iterator<Item = &str> {
        writer_names(&self.writer)
    }
}

/// The names of all writers of a run, from what the run keeps of them.
pub fn writer_names(names: &str) -> impl Iterator<Item = &str> {
    names.split(WRITERS_SEPARATOR)
}

/// Between the names of several writers; no model's name on the command line holds it.
pub const WRITERS_SEPARATOR: &str = ", ";

/// What answers depend on besides the models' names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// The settings of the models as the command line gave them, without keys.
    pub models: serde_json::Value,
    /// The SHA-256 of the prompt profile.
    pub prompt: String,
    /// Which prices dollars are counted by.
    #[serde(default)]
    pub prices: String,
}

/// A scenario as the search knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioEntry {
    pub name: String,
    pub weight: f64,
    pub held_out: bool,
    pub checks: Vec<CheckEntry>,
}

impl ScenarioEntry {
    /// The scenario as its suite has it.
    pub fn of(scenario: &Scenario) -> ScenarioEntry {
        let checks = scenario.rubric.checks.iter().map(|check| CheckEntry {
            id: check.id.clone(),
            category: check.category.clone(),
            points: check.points,
        });
        ScenarioEntry {
            name: scenario.name.clone(),
            weight: scenario.weight,
            held_out: scenario.held_out,
            checks: checks.collect(),
        }
    }
}

/// A check as the search knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckEntry {
    pub id: String,
    pub category: String,
    pub points: f64,
}

/// A pack with its place in the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub id: PackHash,
    pub parents: Vec<PackHash>,
    pub operator: Operator,
    /// The policy itself.
    pub agents_md: String,
    /// What the edit changed in the policy of the first parent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hunks: Vec<Hunk>,
    /// The model that wrote it; none where no model was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
}

impl Candidate {
    /// A policy that no edit of this run made.
    pub fn brought(id: PackHash, agents_md: &str) -> Candidate {
        Candidate {
            id,
            parents: Vec::new(),
            operator: Operator::Start,
            agents_md: agents_md.to_owned(),
            hunks: Vec::new(),
            writer: None,
        }
    }
}

/// How a candidate came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Brought by the user.
    Start,
    /// The writer adds, replaces and deletes items of a parent, to mend what failed.
    #[serde(alias = "reflect")]
    Patch,
    /// The writer words one section anew.
    Rewrite,
    /// The writer shortens a parent.
    #[serde(alias = "trim")]
    Condense,
    /// An earlier edit is taken back.
    Revert,
    /// An edit that was made elsewhere in the lineage is made here too.
    Graft,
    /// An edit that was not looked at yet is made in a candidate that has become the best since.
    Rebase,
    /// The edits of several siblings are made together.
    Merge,
    /// The same where they contradict each other, so that the writer must put them together.
    Reconcile,
}

impl Operator {
    /// The name in records and reports.
    pub fn word(self) -> &'static str {
        match self {
            Operator::Start => "start",
            Operator::Patch => "patch",
            Operator::Rewrite => "rewrite",
            Operator::Condense => "condense",
            Operator::Revert => "revert",
            Operator::Graft => "graft",
            Operator::Rebase => "rebase",
            Operator::Merge => "merge",
            Operator::Reconcile => "reconcile",
        }
    }

    /// Whether the writer is asked. The others are algebra on edits that were made before.
    pub fn asks_writer(self) -> bool {
        match self {
            Operator::Patch | Operator::Rewrite | Operator::Condense | Operator::Reconcile => true,
            Operator::Start | Operator::Revert | Operator::Graft | Operator::Rebase | Operator::Merge => {
                false
            }
        }
    }
}

/// Steps that may run side by side. Recording the plan reserves its episodes in the budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub phase: Phase,
    pub steps: Vec<Step>,
}

/// Which part of the search a plan belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Measuring the incumbent.
    Calibrate,
    /// New candidates are written.
    Propose,
    /// A few scenarios decide which candidates deserve more.
    Screen,
    /// The most promising one meets the scenarios that it has not met.
    Evaluate,
    /// Finalist against incumbent on episodes that picked neither.
    Confirm,
    /// The scenarios that the search has not seen.
    HeldOut,
}

impl Phase {
    /// Whether an episode of an earlier run may stand for a fresh one. Not where the verdict stands on it: what
    /// won last night won in part by its luck, which a kept episode repeats, and a provider's model may have
    /// changed since. Elsewhere episodes only guide the search.
    pub fn may_reuse(self) -> bool {
        match self {
            Phase::Calibrate | Phase::Propose | Phase::Screen | Phase::Evaluate => true,
            Phase::Confirm | Phase::HeldOut => false,
        }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Propose(ProposalPlan),
    Run(EpisodeKey),
}

/// What to ask the writer for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalPlan {
    pub operator: Operator,
    /// The candidate to be edited, first; for merging, all whose edits are put together.
    pub parents: Vec<PackHash>,
    /// The candidates whose edits are taken back or made here too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<PackHash>,
    /// The writer to be asked; none where no model is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
    /// The checks to mend, the most valuable first.
    pub targets: Vec<Target>,
    /// The checks that must not get worse.
    pub protected: Vec<Target>,
    /// What earlier edits did, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lessons: Vec<Lesson>,
    /// The policy's length limit in UTF-16 units.
    pub length_max: u32,
}

impl ProposalPlan {
    /// A plan that names nothing but what is to be edited and how.
    pub fn of(operator: Operator, parents: Vec<PackHash>, length_max: u32) -> ProposalPlan {
        ProposalPlan {
            operator,
            parents,
            edges: Vec::new(),
            writer: None,
            targets: Vec::new(),
            protected: Vec::new(),
            lessons: Vec::new(),
            length_max,
        }
    }
}

/// A check as evidence for the writer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub scenario: String,
    pub check: String,
    pub category: String,
    pub points: f64,
    /// In how many of the parent's episodes it passed, or its nearest ancestor's that has any.
    pub passed: u32,
    pub episodes: u32,
    /// The detail of its newest failure; empty when it never failed.
    pub detail: String,
    /// What the parent's pass rate is believed to be; none in records from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub belief: Option<Belief>,
}

/// A believed value with its 90 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// What an earlier edit is believed to have done, for the writer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    pub candidate: PackHash,
    /// What the writer said that it changed.
    pub said: String,
    /// By how much the edit changed the objective.
    pub effect: Belief,
}

/// A candidate was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    pub candidate: Candidate,
    /// What the writer says it changed.
    pub rationale: String,
    /// What the writer says it should move.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aims: Vec<Aim>,
    pub usage: Usage,
}

/// A check that an edit is meant to move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Aim {
    pub scenario: String,
    pub check: String,
}

/// No candidate came of a proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalFailed {
    pub operator: Operator,
    pub reason: ProposalFault,
    pub usage: Usage,
}

/// Why a proposal gave no candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalFault {
    /// The writer could not be reached: an outage, not a bad idea.
    Unreachable { problem: String },
    /// The reply is not a usable policy: empty, cut off, or broken.
    Unusable { problem: String },
    /// The policy repeats a candidate that was tried already.
    Duplicate { of: PackHash },
    /// The policy is longer than agents read.
    TooLong { utf16_units: u32 },
    /// The policy was made for the scenarios: what the lint found, in words.
    Overfitted { names: Vec<String> },
    /// The writer was not asked any more.
    LimitReached { limit: Limit },
}

/// An episode was finished and scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeScored {
    pub key: EpisodeKey,
    pub outcome: Outcome,
    pub scorecard: Scorecard,
    pub tool_calls: u32,
    pub model_calls: u32,
    pub usage: Usage,
    pub resolved_model: Option<String>,
    /// Attempted by an earlier run and taken from the cache: it cost nothing, and its usage is not this run's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
}

/// An episode was started and could not be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeUnmeasured {
    pub key: EpisodeKey,
    pub reason: String,
    /// Whose fault it was.
    #[serde(default)]
    pub class: FailureClass,
    pub usage: Usage,
}

/// The run came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    pub stop: Stop,
    /// None when nothing but the incumbent was measured.
    pub finalist: Option<PackHash>,
    pub verdict: Verdict,
}

/// Why no more work was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    BudgetSpent,
    /// The writer gave no new candidate several times in a row.
    Exhausted,
    /// A scenario of the incumbent could not be measured, however often it was tried.
    Unmeasurable,
    /// A limit of money, tokens, calls or time came before the budget was spent.
    LimitReached(Limit),
    /// The user asked for the end.
    Asked,
}
