//! What each model of a run was asked and what it took.

use crate::episode::Usage;
use crate::event::Event;
use crate::propose::Turns;
use crate::store::Record;
use serde::Serialize;

/// A model in a role, with its share of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelUse {
    pub role: ModelRole,
    pub model: String,
    /// Episodes that were attempted with it, or proposals that it was asked for.
    pub tasks: u32,
    /// Of them, episodes that were scored, or proposals that gave a candidate.
    pub fruitful: u32,
    pub usage: Usage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRole {
    Agent,
    Writer,
}

/// Accounts for every model: the agent's first, then the writers in the order of their turns.
pub(super) fn model_uses(records: &[Record]) -> Vec<ModelUse> {
    let mut uses: Vec<ModelUse> = Vec::new();
    let mut turns = Turns::default();
    let (mut agent, mut writers) = (String::new(), String::new());
    for record in records {
        turns.hear(record.ordinal, &record.event);
        let writer = || turns.name(record.ordinal, &writers).to_owned();
        let (role, model, is_fruitful, usage) = match &record.event {
            Event::RunStarted(started) => {
                (agent, writers) = (started.model.clone(), started.writer.clone());
                continue;
            }
            // Nobody was asked for it in this run.
            Event::EpisodeScored(scored) if scored.cached => continue,
            Event::EpisodeScored(scored) => (ModelRole::Agent, agent.clone(), true, scored.usage),
            Event::EpisodeUnmeasured(unmeasured) => {
                (ModelRole::Agent, agent.clone(), false, unmeasured.usage)
            }
            Event::Proposed(proposed) if proposed.candidate.operator.asks_writer() => {
                (ModelRole::Writer, writer(), true, proposed.usage)
            }
            Event::ProposalFailed(failed) if failed.operator.asks_writer() => {
                (ModelRole::Writer, writer(), false, failed.usage)
            }
            _ => continue,
        };
        let known = uses.iter().position(|known| known.role == role && known.model == model);
        let at = known.unwrap_or_else(|| {
            uses.push(ModelUse { role, model, tasks: 0, fruitful: 0, usage: Usage::default() });
            uses.len() - 1
        });
        uses[at].tasks += 1;
        uses[at].fruitful += u32::from(is_fruitful);
        uses[at].usage = uses[at].usage.plus(usage);
    }
    // Where all of the first episodes came from the cache, a writer was asked before the agent.
    uses.sort_by_key(|used| used.role == ModelRole::Writer);
    uses
}
