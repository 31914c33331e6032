//! Orders: what the user changes while the run goes on. Each is recorded before anything follows it, so that a run that
//! is resumed goes on under the same limits.

use super::journal::Journal;
use super::steps::until;
use super::{Engine, Heard};
use crate::budget::RunCaps;
use crate::control::{Control, Order, Pace};
use crate::event::{Event, Tuned};
use crate::search::Search;
use crate::store::Store;

/// What became of something that was waited for.
pub(super) enum Attended<T> {
    Done(T),
    /// The run's limit of time came first.
    OutOfTime,
    /// The user wants something else first.
    Interrupted,
}

/// Waits for something while orders are carried out, until the user wants another pace.
pub(super) async fn attend<T>(
    engine: &Engine,
    search: &Search,
    journal: &mut Journal<'_>,
    awaited: impl Future<Output = T>,
) -> anyhow::Result<Attended<T>> {
    let mut changes = engine.control.changes();
    if engine.control.pace() != Pace::Run {
        return Ok(Attended::Interrupted);
    }
    tokio::pin!(awaited);
    loop {
        tokio::select! {
            biased;
            Ok(()) = changes.changed() => return Ok(Attended::Interrupted),
            order = engine.control.next_order() => carry_out(engine, search, journal, order)?,
            () = until(engine.ledger.deadline()) => return Ok(Attended::OutOfTime),
            done = &mut awaited => return Ok(Attended::Done(done)),
        }
    }
}

/// Does nothing until the run may go on or is to end; its time stands still.
pub(super) async fn rest(engine: &Engine, search: &Search, journal: &mut Journal<'_>) -> anyhow::Result<()> {
    let mut changes = engine.control.changes();
    journal.rest(true)?;
    engine.ledger.rest();
    engine.control.note_rest();
    while engine.control.pace() == Pace::Pause {
        tokio::select! {
            Ok(()) = changes.changed() => {}
            order = engine.control.next_order() => carry_out(engine, search, journal, order)?,
        }
    }
    journal.hear_pace(engine.control.pace());
    engine.ledger.work();
    // Who halts a run that rests finds it resting.
    if engine.control.pace() != Pace::Halt {
        journal.rest(false)?;
    }
    Ok(())
}

/// Records other limits and follows them, or says to who gave the order why not.
pub(super) fn carry_out(
    engine: &Engine,
    search: &Search,
    journal: &mut Journal<'_>,
    order: Order,
) -> anyhow::Result<()> {
    let Order { tuned, done } = order;
    let answer = match refusal(&engine.control, search, &tuned) {
        Some(reason) => Err(reason),
        None => {
            journal.record_next(Event::Tuned(tuned.clone()))?;
            follow(engine, journal.caps(), &tuned);
            Ok(())
        }
    };
    // Who does not wait for the answer any more needs none.
    let _ = done.send(answer);
    Ok(())
}

fn follow(engine: &Engine, caps: RunCaps, tuned: &Tuned) {
    engine.ledger.tune(caps);
    if let Some(parallel) = tuned.parallel {
        engine.control.set_parallel(parallel);
    }
    engine.control.note(|status| {
        status.caps = caps;
        status.budget = tuned.budget.unwrap_or(status.budget);
        status.parallel = tuned.parallel.or(status.parallel);
    });
}

/// Why limits cannot be changed like this; none where they can.
fn refusal(control: &Control, search: &Search, tuned: &Tuned) -> Option<String> {
    let (begun, left) = (search.episodes_started(), search.episodes_left());
    match tuned.budget {
        Some(budget) if budget < begun => {
            return Some(format!(
                "{begun} episodes are begun already, so the budget cannot be {budget}; `optimize stop` ends the run with what \
                 it has"
            ));
        }
        Some(budget) if budget > begun + left && search.is_confirming() => {
            return Some(
                "the verdict's own episodes are under way, and more of them would be another question than was asked; start \
                 another run with the larger budget"
                    .to_owned(),
            );
        }
        _ => {}
    }
    tuned.caps.as_ref().and_then(|caps| control.can_keep(caps).err())
}

/// Changes the limits of a run at which no process works. `control` knows what can be limited.
pub fn tune_at_rest(
    store: &mut Store,
    control: &Control,
    tuned: Tuned,
) -> anyhow::Result<Result<(), String>> {
    let mut listener = |_: Heard<'_>| {};
    let mut journal = Journal::read(store, &mut listener)?;
    let mut search = Search::new();
    journal.tell(&mut search)?;
    if journal.finished().is_some() {
        return Ok(Err("the run has come to its end; start another run with the other limits".to_owned()));
    }
    match refusal(control, &search, &tuned) {
        Some(reason) => Ok(Err(reason)),
        None => journal.record_next(Event::Tuned(tuned)).map(Ok),
    }
}
