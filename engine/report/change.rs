//! What the user changed while the run went on.

use crate::event::Tuned;
use serde::Serialize;

/// A change of the limits, and when it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Episodes that the records before it tell of.
    pub after_episodes: u32,
    #[serde(flatten)]
    pub tuned: Tuned,
}

impl Change {
    /// For people: what is what from then on.
    pub fn words(&self) -> String {
        let Tuned { budget, caps, parallel } = &self.tuned;
        let parts = [
            budget.map(|budget| format!("--budget {budget}")),
            caps.as_ref().map(|caps| caps.to_string()),
            parallel.map(|parallel| format!("--parallel {parallel}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let s = if self.after_episodes == 1 { "" } else { "s" };
        format!("after {} episode{s}: {}", self.after_episodes, parts.join(", "))
    }
}

/// The budget after all changes.
pub(super) fn budget_after(budget: u32, changes: &[Change]) -> u32 {
    changes.iter().filter_map(|change| change.tuned.budget).next_back().unwrap_or(budget)
}
