//! The words of the API: what it says of a run, apart from how the engine keeps it, so that version 1 stays what it is.
//! Whatever was not measured is null.

use crate::budget::RunCaps;
use crate::control::{RunState, Status};
use crate::event::Verdict;
use crate::stats::interval::Estimate;
use crate::store::RunEntry;
use serde::Serialize;
use utoipa::ToSchema;

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RunRow {
    pub id: String,
    pub state: State,
    /// What it waits for, what it came to, or why it cannot be read.
    pub note: Option<String>,
    /// In milliseconds since 1970.
    pub started_ms: Option<u64>,
    /// When the newest event of a run at rest was recorded.
    pub ended_ms: Option<u64>,
    pub suite: Option<String>,
    pub model: Option<String>,
    pub writer: Option<String>,
    /// A number of 64 bits, which many programs would round.
    pub seed: Option<String>,
    /// Episodes that may be started in all.
    pub budget: u32,
    pub scored: u32,
    /// Episodes that failed for the infrastructure or were cut short.
    pub unmeasured: u32,
    /// None while the run has no end.
    pub verdict: Option<VerdictRow>,
    /// What the search believes at this moment, or what stands after the verdict.
    pub best: Option<BestRow>,
    /// None where it is not known.
    pub spent: Option<SpentRow>,
    pub worked_ms: u64,
    /// How much longer it will take at the rate until now.
    pub left_ms: Option<u64>,
}

/// Whether and how a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Running,
    /// It is to pause; what is under way is finished first.
    Pausing,
    Paused,
    /// It is to stop; what is under way is finished first.
    Concluding,
    /// A model does not answer.
    Waiting,
    Finished,
    /// No process works at it; it can be resumed.
    CutOff,
    /// Its folder cannot be read as a run.
    Unreadable,
}

/// What a run concluded.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct VerdictRow {
    /// `better`, `not_shown_better`, `worse` or `not_measured`.
    pub kind: &'static str,
    pub words: String,
    /// New pack against the pack to beat on fresh episodes, with its 90 % interval; none where nothing was compared.
    pub difference: Option<Measure>,
}

/// A value with its 90 % interval; `low` and `high` are null where nothing shows how far it may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Measure {
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// A pack that stands, with its objective.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BestRow {
    /// The hash of the pack.
    pub candidate: String,
    pub is_incumbent: bool,
    pub objective: Measure,
    /// `search`: what the search believes; the best of many is flattered by that. `fresh`: measured on fresh episodes.
    pub basis: &'static str,
}

/// What calls to providers cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct SpentRow {
    /// Null where a model has no price, or a call no bound.
    pub usd: Option<f64>,
    /// Null where a call has no bound.
    pub tokens: Option<u64>,
    pub calls: u64,
}

/// Limits; null is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct LimitRow {
    pub usd: Option<f64>,
    pub tokens: Option<u64>,
    pub calls: Option<u64>,
    pub time_ms: Option<u64>,
}

impl From<RunState> for State {
    fn from(state: RunState) -> State {
        match state {
            RunState::Running => State::Running,
            RunState::Pausing => State::Pausing,
            RunState::Paused => State::Paused,
            RunState::Concluding => State::Concluding,
            RunState::Waiting => State::Waiting,
            RunState::Finished => State::Finished,
            RunState::CutOff => State::CutOff,
        }
    }
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Pausing => "pausing",
            State::Paused => "paused",
            State::Concluding => "concluding",
            State::Waiting => "waiting",
            State::Finished => "finished",
            State::CutOff => "cut_off",
            State::Unreadable => "unreadable",
        }
    }

    /// Whether a process works at it.
    pub fn is_live(self) -> bool {
        !matches!(self, State::Finished | State::CutOff | State::Unreadable)
    }
}

impl From<Estimate> for Measure {
    fn from(estimate: Estimate) -> Measure {
        let Estimate { value, interval } = estimate;
        Measure { value, low: interval.map(|it| it.low), high: interval.map(|it| it.high) }
    }
}

impl LimitRow {
    /// Those of the whole run.
    pub fn of(caps: &RunCaps) -> LimitRow {
        let caps = caps.run;
        let usd = caps.usd.map(|usd| usd.as_dollars());
        LimitRow { usd, tokens: caps.tokens, calls: caps.calls, time_ms: caps.time_ms }
    }
}

impl VerdictRow {
    pub fn of(verdict: &Verdict) -> VerdictRow {
        let (kind, comparison) = match verdict {
            Verdict::Better(comparison) => ("better", Some(comparison)),
            Verdict::NotShownBetter(comparison) => ("not_shown_better", Some(comparison)),
            Verdict::Worse(comparison) => ("worse", Some(comparison)),
            Verdict::NotMeasured { .. } => ("not_measured", None),
        };
        let words = match (verdict, comparison) {
            (Verdict::NotMeasured { reason }, _) => format!("no verdict: {reason}"),
            (Verdict::Better(it), _) => format!("better: {:.3} to {:.3}", it.incumbent, it.finalist),
            (_, Some(it)) => format!("{}: {:+.3}", kind.replace('_', " "), it.difference),
            (_, None) => kind.to_owned(),
        };
        let difference =
            comparison.map(|it| Measure { value: it.difference, low: Some(it.low), high: Some(it.high) });
        VerdictRow { kind, words, difference }
    }
}

impl BestRow {
    /// What stands after a verdict.
    pub fn after(entry: &RunEntry) -> Option<BestRow> {
        let (started, finished) = (entry.started.as_ref()?, entry.finished.as_ref()?);
        let (candidate, value) = match &finished.verdict {
            Verdict::Better(it) => (finished.finalist.as_ref()?, it.finalist),
            Verdict::NotShownBetter(it) | Verdict::Worse(it) => (&started.incumbent.id, it.incumbent),
            Verdict::NotMeasured { .. } => return None,
        };
        Some(BestRow {
            is_incumbent: *candidate == started.incumbent.id,
            candidate: candidate.0.clone(),
            objective: Measure { value, low: None, high: None },
            basis: "fresh",
        })
    }

    /// What the search believes at this moment.
    fn of_status(status: &Status) -> Option<BestRow> {
        let best = status.best.as_ref()?;
        let interval = best.se.map(|se| crate::stats::interval::Interval::around(best.objective, se));
        Some(BestRow {
            candidate: best.candidate.0.clone(),
            is_incumbent: best.is_incumbent,
            objective: Estimate { value: best.objective, interval }.into(),
            basis: "search",
        })
    }
}

impl RunRow {
    /// The same as its process tells it now.
    pub fn told_by(mut self, status: &Status, spent: SpentRow) -> RunRow {
        self.state = status.state.into();
        self.note = status.note.clone();
        (self.budget, self.scored, self.unmeasured) = (status.budget, status.scored, status.unmeasured);
        self.best = BestRow::of_status(status);
        self.spent = Some(spent);
        (self.worked_ms, self.left_ms, self.ended_ms) = (status.worked_ms, status.left_ms, None);
        self
    }
}
