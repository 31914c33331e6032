//! Doing the open steps of a plan, several at once.

use super::Engine;
use super::breaker::Breaker;
use super::examination::{Finding, examine};
use super::journal::{Journal, Outcome, step_cut};
use super::orders::{carry_out, rest};
use crate::budget::Limit;
use crate::control::Pace;
use crate::event::{Event, Step};
use crate::pack::Pack;
use crate::propose::propose;
use crate::search::Search;
use crate::units::PackHash;
use anyhow::Context;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Results that are ready at the same moment are written to disk together, up to this many.
const BATCH_MAX: usize = 64;

/// Why steps stayed open.
pub(super) enum Stopped {
    Interrupted,
    /// The user asked for the end.
    Asked,
    Outage {
        reason: String,
    },
}

/// Does the open steps of the journal's last plan and records what they lead to.
pub(super) async fn do_steps(
    engine: &Engine,
    search: &Search,
    journal: &mut Journal<'_>,
    breaker: &mut Breaker,
) -> anyhow::Result<Option<Stopped>> {
    let mut waiting: VecDeque<(u32, Step)> =
        journal.open_steps().map(|(ordinal, step)| (ordinal, step.clone())).collect();
    loop {
        do_waiting(engine, search, journal, breaker, &mut waiting).await?;
        match engine.control.pace() {
            Pace::Halt => return Ok(Some(Stopped::Interrupted)),
            Pace::Conclude => return Ok(Some(Stopped::Asked)),
            Pace::Pause => {
                rest(engine, search, journal).await?;
                continue;
            }
            Pace::Run => {}
        }
        if waiting.is_empty() && breaker.is_clear() {
            return Ok(None);
        }
        if !waiting.is_empty() && !breaker.is_open() {
            continue;
        }
        match examine(engine, search, breaker, journal).await? {
            Finding::Works => {
                let last = breaker.last_problem().unwrap_or_default().to_owned();
                let released = breaker.release();
                waiting.extend(released.redo);
                journal.record(released.record)?;
                if breaker.is_hopeless() {
                    let reason =
                        format!("models answer short questions, but nothing else works; last: {last}");
                    return Ok(Some(Stopped::Outage { reason }));
                }
            }
            Finding::Recovered => waiting.extend(breaker.reopen()),
            Finding::Down { reason } => return Ok(Some(Stopped::Outage { reason })),
            // What the user wants is looked at above.
            Finding::Interrupted => {}
        }
    }
}

/// Does what waits, several at once, until it is done, the breaker opens, or the user interrupts.
async fn do_waiting(
    engine: &Engine,
    search: &Search,
    journal: &mut Journal<'_>,
    breaker: &mut Breaker,
    waiting: &mut VecDeque<(u32, Step)>,
) -> anyhow::Result<()> {
    let mut desk = Desk { engine, search, packs: BTreeMap::new() };
    let mut under_way: FuturesUnordered<LocalBoxFuture<'_, anyhow::Result<(Step, Outcome)>>> =
        FuturesUnordered::new();
    let mut begun: BTreeMap<u32, Step> = BTreeMap::new();
    let mut changes = engine.control.changes();
    loop {
        journal.hear_pace(engine.control.pace());
        let is_ready = engine.control.pace() == Pace::Run && !breaker.is_open();
        while is_ready && under_way.len() < engine.control.parallel() {
            let Some((ordinal, step)) = waiting.pop_front() else { break };
            begun.insert(ordinal, step.clone());
            under_way.push(desk.begin(ordinal, journal, step)?);
        }
        journal.note(engine, begun.len());
        let first = tokio::select! {
            biased;
            () = engine.control.halted() => return Ok(()),
            order = engine.control.next_order() => {
                carry_out(engine, search, journal, order)?;
                continue;
            }
            // What has changed is looked at where this loop begins.
            Ok(()) = changes.changed() => continue,
            next = under_way.next() => next,
            () = until(engine.ledger.deadline()) => {
                engine.ledger.refuse(Limit::RUN_TIME);
                let open = begun.into_iter().chain(waiting.drain(..));
                let cut = |(ordinal, step)| {
                    let event = step_cut(step, Limit::RUN_TIME);
                    Outcome { ordinal, event, episode: None, took_ms: 0 }
                };
                return journal.record(open.map(cut).collect());
            }
        };
        let Some(first) = first else { return Ok(()) };
        let mut ready = Vec::new();
        let mut taken = 0;
        let mut next = Some(first);
        while let Some(done) = next {
            let (step, outcome) = done?;
            begun.remove(&outcome.ordinal);
            let released = breaker.take(step, outcome);
            ready.extend(released.record);
            waiting.extend(released.redo);
            taken += 1;
            next = if taken < BATCH_MAX { under_way.next().now_or_never().flatten() } else { None };
        }
        journal.record(ready)?;
    }
}

pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Begins steps.
struct Desk<'a> {
    engine: &'a Engine,
    search: &'a Search,
    packs: BTreeMap<PackHash, Arc<Pack>>,
}

impl<'a> Desk<'a> {
    /// Begins a step of the journal's last plan; a proposal is for the writer whose turn it is.
    fn begin(
        &mut self,
        ordinal: u32,
        journal: &Journal<'_>,
        step: Step,
    ) -> anyhow::Result<LocalBoxFuture<'a, anyhow::Result<(Step, Outcome)>>> {
        let began = Instant::now();
        let origin = step.clone();
        let done = move |event: Event, episode| {
            let took_ms = began.elapsed().as_millis() as u64;
            Ok((origin, Outcome { ordinal, event, episode, took_ms }))
        };
        match step {
            Step::Run(key) => {
                let pack = self.pack(&key.candidate)?;
                let (evaluator, phase) = (self.engine.evaluator.clone(), journal.phase());
                // A task of its own, so that all cores share the work of models that run in this process.
                let episode = async move { evaluator.episode(key, pack, phase).await };
                let task = AbortOnDropHandle::new(tokio::spawn(episode));
                Ok(async move {
                    let (event, episode) =
                        task.await.context("an episode ended by a fault of this program")?;
                    done(event, episode)
                }
                .boxed_local())
            }
            Step::Propose(plan) => {
                let (engine, search) = (self.engine, self.search);
                let writer = engine.writers.asked(plan.writer.as_deref(), journal.turn(ordinal));
                let seed = engine.evaluator.seed.child("propose", &[&ordinal.to_string()]);
                Ok(async move {
                    let suite = &engine.evaluator.suite;
                    let (style, base) = (engine.writers.style(), &engine.base);
                    let event = propose(style, &plan, suite, search, base, writer.as_ref(), seed).await;
                    done(event, None)
                }
                .boxed_local())
            }
        }
    }

    fn pack(&mut self, id: &PackHash) -> anyhow::Result<Arc<Pack>> {
        if let Some(pack) = self.packs.get(id) {
            return Ok(pack.clone());
        }
        let candidate =
            self.search.candidate(id).with_context(|| format!("the plan names an unknown pack {id}"))?;
        let pack = Arc::new(self.engine.base.with_policy(&candidate.agents_md));
        self.packs.insert(id.clone(), pack.clone());
        Ok(pack)
    }
}
