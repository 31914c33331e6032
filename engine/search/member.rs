//! A candidate of the search with what became of it, and the proposals that were made.

use super::comparison::Fresh;
use crate::event::{Candidate, Operator, Target};
use crate::units::PackHash;
use std::collections::BTreeMap;

/// A candidate and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub candidate: Candidate,
    /// What the writer said that it changed.
    pub said: String,
    /// At what its edit aimed.
    pub targets: Vec<Target>,
    /// Where its edit was made again before it was looked at.
    pub rebased_to: Option<PackHash>,
    /// The next repeat that was never used, by scenario.
    pub repeats: BTreeMap<String, u32>,
    /// What the search's episodes scored, by scenario.
    pub scores: BTreeMap<String, Vec<f64>>,
    /// How checks failed most recently, by scenario and id.
    pub failures: BTreeMap<(String, String), String>,
    /// What confirmation scored, by scenario and repeat.
    pub confirmed: BTreeMap<String, BTreeMap<u32, Fresh>>,
    /// What the held-out scenarios scored.
    pub sealed: BTreeMap<String, f64>,
}

impl Member {
    pub fn new(candidate: Candidate) -> Member {
        Member {
            candidate,
            said: String::new(),
            targets: Vec::new(),
            rebased_to: None,
            repeats: BTreeMap::new(),
            scores: BTreeMap::new(),
            failures: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            sealed: BTreeMap::new(),
        }
    }

    pub fn repeat(&self, scenario: &str) -> u32 {
        self.repeats.get(scenario).copied().unwrap_or(0)
    }

    pub fn measured(&self, scenario: &str) -> u32 {
        self.scores.get(scenario).map_or(0, |scores| scores.len() as u32)
    }

    /// Whether it is an edit by the writer, made where it is looked at.
    pub fn is_tried_edit(&self) -> bool {
        let operator = self.candidate.operator;
        self.rebased_to.is_none() && (operator.asks_writer() || operator == Operator::Rebase)
    }

    pub fn is_measured(&self) -> bool {
        !self.scores.is_empty()
    }
}

/// A proposal that was made, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub operator: Operator,
    /// None where no model was asked.
    pub writer: Option<String>,
    /// None where it gave no new candidate.
    pub candidate: Option<PackHash>,
}
