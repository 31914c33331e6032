//! The story of a run: ask the search what to try, propose it, evaluate it, record it, tell the search.
//!
//! The same lines run a new run and go on with one that was cut off: what is recorded is told first, and
//! the open steps of the last plan are done before the search is asked again.

mod breaker;
mod examination;
mod journal;
mod orders;
mod steps;
mod thrift;

use crate::budget::{Amount, Limit};
use crate::control::{Best, Control, Pace, Spent};
use crate::evaluate::Evaluator;
use crate::event::{Event, RunFinished, RunStarted};
use crate::llm::Llm;
use crate::llm::meter::Ledger;
use crate::pack::Pack;
use crate::propose::Writers;
use crate::search::{Next, Search};
use crate::store::{Record, Store};
use breaker::Breaker;
use journal::Journal;
use std::sync::Arc;
use std::time::Duration;
use steps::{Stopped, do_steps};

pub use examination::Patience;
pub use orders::tune_at_rest;

/// What a run works with.
pub struct Engine {
    pub evaluator: Evaluator,
    /// The agent's model, to be asked whether it answers at all when episodes fail.
    pub agent_model: Arc<dyn Llm>,
    pub writers: Writers,
    /// What the models' calls are reserved and settled in.
    pub ledger: Arc<Ledger>,
    /// The incumbent, from which candidates take everything but the policy.
    pub base: Arc<Pack>,
    /// How long models that do not answer are waited for.
    pub patience: Patience,
    /// What the user wants while it goes on, and what is told of it.
    pub control: Arc<Control>,
}

/// What a listener hears.
pub enum Heard<'a> {
    /// A record is on disk; `resumed` when it was there before this process.
    Recorded { record: &'a Record, resumed: bool },
    /// The search was told all that is known, and so much is spent.
    Told { search: &'a Search, spent: Amount },
    /// A model does not answer; it is asked again after the wait.
    Waiting { problem: &'a str, wait: Duration },
    /// The user asked for another pace, and it is followed from here on.
    Paced(Pace),
}

/// How a run came to stop.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is moved twice")]
pub enum Ending {
    Finished(RunFinished),
    /// It was halted; it can be resumed.
    Interrupted,
    /// A model does not answer; the run can be resumed.
    Outage {
        reason: String,
    },
}

/// Runs to the end, from the beginning or from wherever the store's records stop. `started` is the first
/// event of a new run; a run that has one goes on with its own.
pub async fn run(
    engine: &Engine,
    started: RunStarted,
    store: &mut Store,
    listener: &mut dyn FnMut(Heard<'_>),
) -> anyhow::Result<Ending> {
    let mut journal = Journal::read(store, listener)?;
    if journal.is_empty() {
        journal.record_next(Event::RunStarted(started))?;
    }
    let mut search = Search::new();
    let mut breaker = Breaker::default();
    loop {
        journal.tell(&mut search)?;
        told(engine, &search, &mut journal);
        if let Some(finished) = journal.finished() {
            return Ok(Ending::Finished(finished.clone()));
        }
        match do_steps(engine, &search, &mut journal, &mut breaker).await? {
            Some(Stopped::Interrupted) => return Ok(Ending::Interrupted),
            Some(Stopped::Outage { reason }) => return Ok(Ending::Outage { reason }),
            Some(Stopped::Asked) => journal.cut(Limit::STOPPED)?,
            None => {}
        }
        journal.tell(&mut search)?;
        told(engine, &search, &mut journal);
        if !search.is_asked_to_stop()
            && let Some(limited) = thrift::limited(engine, &search, &journal)
        {
            journal.record_next(Event::Limited(limited))?;
            journal.tell(&mut search)?;
        }
        if engine.control.pace() == Pace::Conclude && !search.is_asked_to_stop() {
            journal.cut(Limit::STOPPED)?;
            journal.tell(&mut search)?;
        }
        journal.record_next(match search.ask() {
            Next::Work(planned) => Event::Planned(planned),
            Next::Done(finished) => Event::RunFinished(finished),
        })?;
    }
}

/// Lets everybody know how the search stands.
fn told(engine: &Engine, search: &Search, journal: &mut Journal<'_>) {
    let spent = engine.ledger.spent();
    journal.hear(Heard::Told { search, spent });
    let best = search.best().filter(|best| best.episodes > 0).map(|best| Best {
        is_incumbent: search.candidates().next().is_some_and(|incumbent| incumbent.id == best.candidate),
        candidate: best.candidate,
        objective: best.objective,
        se: best.se,
        episodes: best.episodes,
    });
    let Amount { usd, tokens, calls } = spent;
    let phase = journal.has_plan().then(|| journal.phase());
    journal.note(engine, 0);
    engine.control.note(|status| {
        (status.best, status.phase) = (best, phase);
        status.spent = Some(Spent { usd, tokens, calls });
    });
}
