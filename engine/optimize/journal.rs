//! The journal of a run under way: what is recorded, how far the search has been told, and which steps of
//! the last plan are still open.

use super::Heard;
use crate::episode::{Episode, FailureClass};
use crate::event::{Event, Phase, Planned, RunFinished, Step};
use crate::propose::Turns;
use crate::search::Search;
use crate::store::{Record, Store, WallClock};
use anyhow::bail;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) struct Journal<'a> {
    store: &'a mut Store,
    listener: &'a mut dyn FnMut(Heard<'_>),
    /// Records that the search has not been told.
    untold: BTreeMap<u32, Record>,
    /// The ordinal of the next record to be told.
    next: u32,
    /// The last plan that was told, with its ordinal.
    plan: Option<(u32, Planned)>,
    turns: Turns,
    paid: Paid,
    finished: Option<RunFinished>,
}

/// The episodes that were attempted, whatever came of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paid {
    pub episodes: u32,
    took_ms: u64,
}

impl Paid {
    /// How long one took.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.episodes > 0).then(|| self.took_ms as f64 / f64::from(self.episodes))
    }

    fn hear(&mut self, record: &Record) {
        let is_paid = match &record.event {
            Event::EpisodeScored(scored) => !scored.cached,
            Event::EpisodeUnmeasured(unmeasured) => unmeasured.class != FailureClass::Limit,
            _ => false,
        };
        if is_paid {
            self.episodes += 1;
            self.took_ms += record.wall_clock.took_ms.unwrap_or(0);
        }
    }
}

/// What a step led to.
pub(super) struct Outcome {
    pub(super) ordinal: u32,
    pub(super) event: Event,
    pub(super) episode: Option<Episode>,
    pub(super) took_ms: u64,
}

impl<'a> Journal<'a> {
    pub(super) fn read(
        store: &'a mut Store,
        listener: &'a mut dyn FnMut(Heard<'_>),
    ) -> anyhow::Result<Journal<'a>> {
        let mut untold = BTreeMap::new();
        let mut paid = Paid::default();
        for record in store.records()? {
            paid.hear(&record);
            listener(Heard::Recorded { record: &record, resumed: true });
            untold.insert(record.ordinal, record);
        }
        let (plan, turns, finished) = (None, Turns::default(), None);
        Ok(Journal { store, listener, untold, next: 0, plan, turns, paid, finished })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.untold.is_empty() && self.next == 0
    }

    pub(super) fn finished(&self) -> Option<&RunFinished> {
        self.finished.as_ref()
    }

    /// Tells the search what it has not heard, in the order of the ordinals. The steps of a plan are told
    /// together when the last of them is recorded, so that proposals of one plan do not see each other,
    /// however the run was interrupted.
    pub(super) fn tell(&mut self, search: &mut Search) -> anyhow::Result<()> {
        while self.open_steps().next().is_none() {
            let Some(record) = self.untold.remove(&self.next) else { break };
            self.next += 1;
            search.tell(&record.event);
            self.turns.hear(record.ordinal, &record.event);
            match record.event {
                Event::Planned(planned) => self.plan = Some((record.ordinal, planned)),
                Event::RunFinished(finished) => self.finished = Some(finished),
                _ => {}
            }
        }
        self.check_order()
    }

    /// The steps of the last plan that have led to nothing yet, with their ordinals.
    pub(super) fn open_steps(&self) -> impl Iterator<Item = (u32, &Step)> {
        let steps = self.plan.iter().flat_map(|(ordinal, planned)| (ordinal + 1..).zip(&planned.steps));
        steps.filter(|(ordinal, _)| *ordinal >= self.next && !self.untold.contains_key(ordinal))
    }

    /// The phase of the last plan. Before the first plan there are no steps that could have one.
    pub(super) fn phase(&self) -> Phase {
        self.plan.as_ref().map_or(Phase::Calibrate, |(_, planned)| planned.phase)
    }

    pub(super) fn paid(&self) -> Paid {
        self.paid
    }

    /// The number of the proposal at the ordinal of an open step, which says who is to write it.
    pub(super) fn turn(&self, ordinal: u32) -> u32 {
        self.turns.number(ordinal)
    }

    /// Records an event that is no step's, after all others.
    pub(super) fn record_next(&mut self, event: Event) -> anyhow::Result<()> {
        let record = Record { ordinal: self.next, event, wall_clock: now(None) };
        self.write(vec![(record, None)])
    }

    /// Records what steps led to, all or none.
    pub(super) fn record(&mut self, outcomes: Vec<Outcome>) -> anyhow::Result<()> {
        let records = outcomes.into_iter().map(|outcome| {
            let Outcome { ordinal, event, episode, took_ms } = outcome;
            (Record { ordinal, event, wall_clock: now(Some(took_ms)) }, episode)
        });
        self.write(records.collect())
    }

    /// Tells the listener what is no record.
    pub(super) fn hear(&mut self, heard: Heard<'_>) {
        (self.listener)(heard);
    }

    fn write(&mut self, records: Vec<(Record, Option<Episode>)>) -> anyhow::Result<()> {
        self.store.record(&records)?;
        for (record, _) in records {
            self.paid.hear(&record);
            (self.listener)(Heard::Recorded { record: &record, resumed: false });
            self.untold.insert(record.ordinal, record);
        }
        Ok(())
    }

    /// What is left untold must be steps of the last plan.
    fn check_order(&self) -> anyhow::Result<()> {
        let end = self.plan.as_ref().map_or(0, |(ordinal, planned)| ordinal + planned.steps.len() as u32);
        match self.untold.keys().find(|ordinal| **ordinal > end) {
            Some(ordinal) => {
                bail!("the run's records are incomplete: event {} is missing before {ordinal}", self.next)
            }
            None => Ok(()),
        }
    }
}

fn now(took_ms: Option<u64>) -> WallClock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallClock { recorded_ms: since.as_millis() as u64, took_ms }
}
