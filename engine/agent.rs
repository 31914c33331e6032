//! Agents: what carries a policy pack through a scenario and leaves an episode.

pub mod prompt;
pub mod builtin;
pub mod openclaw;

mod bootstrap;
mod command_summary;
mod response;
mod tool_label;
mod tool_use;

use crate::episode::Episode;
use crate::pack::Pack;
use crate::scenario::Scenario;
use crate::units::Seed;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// The version of what agents and worlds do. To be raised with every change by which an attempt may go another
/// way than before: episodes that were kept before it are not used any more. A test notices most such changes.
pub const AGENT_RUNTIME_VERSION: u32 = 1;

/// Something that attempts a scenario under a policy pack.
///
/// A failure of the infrastructure is an episode too, with the outcome `Errored`.
pub trait Agent: Send + Sync {
    fn attempt<'a>(&'a self, task: &'a Task) -> BoxFuture<'a, Episode>;
}

/// One attempt to be made.
#[derive(Clone, Debug)]
pub struct Task {
    pub scenario: Arc<Scenario>,
    pub pack: Arc<Pack>,
    /// The randomness of this attempt, for models that run inside this program.
    pub seed: Seed,
}
