//! What a run is doing, for people and programs that ask.

use crate::budget::RunCaps;
use crate::event::Phase;
use crate::units::{PackHash, Usd};
use serde::{Deserialize, Serialize};

/// A run at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub run: String,
    pub state: RunState,
    /// The process that works at it; none where there is none.
    pub process: Option<u32>,
    /// Episodes that may be started in all.
    pub budget: u32,
    pub scored: u32,
    /// Episodes that failed for the infrastructure or were cut short.
    pub unmeasured: u32,
    /// Steps under way: episodes and proposals.
    pub under_way: u32,
    /// Steps under way at once, at most; none where no process works.
    pub parallel: Option<u16>,
    pub phase: Option<Phase>,
    /// None before anything was measured, and where no process works.
    pub best: Option<Best>,
    pub caps: RunCaps,
    /// The most that calls to providers have cost; none where no process works.
    pub spent: Option<Spent>,
    pub worked_ms: u64,
    /// How much longer it will take at the rate until now; none where nothing says so.
    pub left_ms: Option<u64>,
    /// What it waits for, or what it came to.
    pub note: Option<String>,
}

/// What calls have cost at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub usd: Usd,
    pub tokens: u64,
    pub calls: u64,
}

/// The best pack until now, by what the search believes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    pub candidate: PackHash,
    /// It is the pack to beat.
    pub is_incumbent: bool,
    pub objective: f64,
    pub se: Option<f64>,
    pub episodes: u32,
}

/// Whether and how a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    #[default]
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
}

impl RunState {
    pub fn word(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Pausing => "pausing",
            RunState::Paused => "paused",
            RunState::Concluding => "concluding",
            RunState::Waiting => "waiting",
            RunState::Finished => "finished",
            RunState::CutOff => "cut off",
        }
    }
}

impl Status {
    /// Estimates how much longer it takes at the rate until now.
    pub fn with_time_left(mut self) -> Status {
        let done = u64::from(self.scored + self.unmeasured);
        let left = u64::from(self.budget).saturating_sub(done);
        let is_known = self.state == RunState::Running && done > 0;
        self.left_ms = is_known.then(|| self.worked_ms / done * left);
        self
    }
}
