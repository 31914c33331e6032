//! A scenario: a request to the agent, the world it finds (fixtures), and the rubric by which what it
//! leaves is scored. A suite is a set of scenarios that are measured together.
//!
//! Everything here has been read and checked; nothing about it can fail any more. `workspace` reads the
//! files, and `world` brings the fixtures to life.

pub(crate) mod fields;
mod folder;
pub mod node;
pub mod problem;
pub(crate) mod scalar;
pub mod yaml;
mod yaml_block;
mod yaml_syntax;
pub mod raw;
pub mod raw_check;
mod rubric;
mod rubrics;

use crate::units::{SuiteHash, sha256_hex};
use crate::value::Value;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use folder::{Entry, Folder};
pub(crate) use rubric::{Bound, Lead, Rule, Search, Side};
pub use rubric::{Check, CheckKind, Rubric, validate};
pub use rubrics::Rubrics;

/// The tools of the ClawBench world, in alphabetical order.
pub const TOOLS: [&str; 7] =
    ["exec", "memory_get", "memory_search", "read", "slack", "web_fetch", "web_search"];
/// The categories of checks, in the order in which reports show them.
pub const CATEGORIES: [&str; 4] = ["safety", "correctness", "efficiency", "structure"];

/// A request, its world and its rubric.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    /// `medium` or `hard`, for people only.
    pub difficulty: Option<String>,
    /// Its share in the objective's weighted mean; 1.0 where the file says nothing.
    pub weight: f64,
    pub description: String,
    /// For listings; the world does not enforce it.
    pub tools: Vec<String>,
    /// What the user asks, without surrounding white space.
    pub prompt: String,
    /// Named policies that came with the scenario: variant to file in the fixture folder.
    pub variants: IndexMap<String, String>,
    /// Files that the agent finds in its workspace: destination to source in the fixture folder.
    pub workspace: IndexMap<String, String>,
    /// Values for `{{KEY}}` in Markdown files.
    pub user_context: IndexMap<String, String>,
    /// Not shown to the search: measured at the end, to find policies that only fit what they were made on.
    pub held_out: bool,
    pub rubric: Rubric,
    pub fixtures: Arc<Folder>,
    /// The document as it was read, with the rubric file laid over it: for export and hashing.
    pub document: Value,
}

impl Scenario {
    /// Whether only an evaluator outside of this program can score it: it has no rubric.
    pub fn is_scored_outside(&self) -> bool {
        self.rubric.checks.is_empty()
    }

    /// The hash of what an agent meets: everything that an episode depends on, and nothing of how it is scored.
    pub fn encounter_hash(&self) -> String {
        let mut content = Vec::new();
        let mut put = |part: &[u8]| {
            content.extend((part.len() as u64).to_le_bytes());
            content.extend(part);
        };
        // The tools see the fixtures at a path that holds the scenario's name.
        put(self.name.as_bytes());
        put(self.prompt.as_bytes());
        put(&(self.tools.len() as u64).to_le_bytes());
        self.tools.iter().for_each(|tool| put(tool.as_bytes()));
        for pairs in [&self.workspace, &self.user_context] {
            put(&(pairs.len() as u64).to_le_bytes());
            for (key, value) in pairs {
                put(key.as_bytes());
                put(value.as_bytes());
            }
        }
        for (path, entry) in self.fixtures.iter() {
            put(path.as_bytes());
            match entry {
                Entry::File(bytes) => {
                    put(b"file");
                    put(bytes);
                }
                Entry::Dir => put(b"folder"),
                Entry::Symlink(target) => {
                    put(b"link");
                    put(target.as_bytes());
                }
            }
        }
        sha256_hex(&content)
    }
}

/// Scenarios that are measured together, ordered by name.
#[derive(Clone, Debug)]
pub struct Suite {
    pub name: String,
    pub scenarios: Vec<Arc<Scenario>>,
    pub hash: SuiteHash,
}

impl Suite {
    /// What agents meet in each scenario, by its hash.
    pub fn encounters(&self) -> BTreeMap<String, String> {
        let hash = |scenario: &Arc<Scenario>| (scenario.name.clone(), scenario.encounter_hash());
        self.scenarios.iter().map(hash).collect()
    }

    pub fn scenario(&self, name: &str) -> Option<&Arc<Scenario>> {
        self.scenarios.iter().find(|scenario| scenario.name == name)
    }
}
