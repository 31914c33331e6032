//! Agents: what carries a policy pack through a scenario and leaves an episode.

pub mod prompt;
pub mod builtin;
pub mod openclaw;
pub mod external;

mod bootstrap;
mod command_summary;
pub(crate) mod held;
mod response;
mod tool_label;
mod tool_use;

use crate::episode::Episode;
use crate::pack::Pack;
use crate::persona::Persona;
use crate::scenario::Scenario;
use crate::units::Seed;
use futures_util::future::BoxFuture;
use indexmap::IndexMap;
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
    /// Whom the agent works for; none is the scenario's own user, who is not told before the policy.
    pub persona: Option<Persona>,
    /// The randomness of this attempt, for models that run inside this program.
    pub seed: Seed,
    /// Which attempt of the same pack at the same scenario it is, from 0 on.
    pub repeat: u32,
}

impl Task {
    /// The values for `{{KEY}}` in Markdown files: the scenario's, and the persona's over them.
    pub fn user_context(&self) -> IndexMap<String, String> {
        let mut context = self.scenario.user_context.clone();
        let own = self.persona.iter().flat_map(Persona::user_context);
        context.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
        context
    }
}
