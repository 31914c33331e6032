//! The journal of a run under way: what is recorded, how far the search has been told, and which steps of
//! the last plan are still open.

use super::{Engine, Heard};
use crate::budget::{Limit, RunCaps};
use crate::control::Pace;
use crate::episode::{Episode, FailureClass, Usage};
use crate::event::{
    EpisodeUnmeasured, Event, Limited, Phase, Planned, ProposalFailed, ProposalFault, RunFinished, Step,
};
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
    caps: RunCaps,
    /// Episodes that were scored, and those that were not measured.
    episodes: (u32, u32),
    /// The pace that the listener knows of.
    pace: Pace,
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
        let (mut caps, mut episodes) = (RunCaps::default(), (0, 0));
        for record in store.records()? {
            paid.hear(&record);
            caps = record.event.caps_after(caps);
            episodes = counted(episodes, &record.event);
            listener(Heard::Recorded { record: &record, resumed: true });
            untold.insert(record.ordinal, record);
        }
        Ok(Journal {
            store,
            listener,
            untold,
            next: 0,
            plan: None,
            turns: Turns::default(),
            paid,
            caps,
            episodes,
            pace: Pace::Run,
            finished: None,
        })
    }

    /// The limits as the records have them: those of the beginning, or what was changed last.
    pub(super) fn caps(&self) -> RunCaps {
        self.caps
    }

    pub(super) fn has_plan(&self) -> bool {
        self.plan.is_some()
    }

    /// The run's time stands still until it works again.
    pub(super) fn rest(&mut self, rests: bool) -> anyhow::Result<()> {
        self.store.keep_paused(rests)?;
        match rests {
            true => self.store.rest(),
            false => {
                self.store.work();
                Ok(())
            }
        }
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

    /// Records an event that is no step's, after all others. Steps of the last plan may still be open: it is told
    /// after them.
    pub(super) fn record_next(&mut self, event: Event) -> anyhow::Result<()> {
        let record = Record { ordinal: self.free_ordinal(), event, wall_clock: now(None) };
        self.write(vec![(record, None)])
    }

    /// Records that a limit cuts off all open steps and leaves no more, all or nothing.
    pub(super) fn cut(&mut self, limit: Limit) -> anyhow::Result<()> {
        let limited = Limited { limit, episodes: 0, ends_proposals: false };
        let wall_clock = now(None);
        let cut = |(ordinal, step): (u32, &Step)| {
            let event = step_cut(step.clone(), limit);
            (Record { ordinal, event, wall_clock: now(Some(0)) }, None)
        };
        let mut records: Vec<(Record, Option<Episode>)> = self.open_steps().map(cut).collect();
        let ordinal = self.free_ordinal();
        records.push((Record { ordinal, event: Event::Limited(limited), wall_clock }, None));
        self.write(records)
    }

    /// The first ordinal that neither a record nor a step of the last plan has.
    fn free_ordinal(&self) -> u32 {
        let recorded = self.untold.keys().next_back().map_or(0, |ordinal| ordinal + 1);
        self.next.max(self.after_plan()).max(recorded)
    }

    /// The first ordinal after the steps of the last plan.
    fn after_plan(&self) -> u32 {
        self.plan.as_ref().map_or(0, |(ordinal, planned)| ordinal + 1 + planned.steps.len() as u32)
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

    /// Tells the listener of the pace, where it is another one.
    pub(super) fn hear_pace(&mut self, pace: Pace) {
        if self.pace != pace {
            self.pace = pace;
            self.hear(Heard::Paced(pace));
        }
    }

    /// Tells who asks how far the run is.
    pub(super) fn note(&self, engine: &Engine, under_way: usize) {
        let worked_ms = self.store.worked_ms();
        engine.control.note(|status| {
            (status.scored, status.unmeasured) = self.episodes;
            (status.under_way, status.worked_ms) = (under_way as u32, worked_ms);
        });
    }

    fn write(&mut self, records: Vec<(Record, Option<Episode>)>) -> anyhow::Result<()> {
        self.store.record(&records)?;
        for (record, _) in records {
            self.paid.hear(&record);
            self.caps = record.event.caps_after(self.caps);
            self.episodes = counted(self.episodes, &record.event);
            (self.listener)(Heard::Recorded { record: &record, resumed: false });
            self.untold.insert(record.ordinal, record);
        }
        Ok(())
    }

    /// What is left untold must be steps of the last plan, or what the user changed meanwhile.
    fn check_order(&self) -> anyhow::Result<()> {
        let after = self.next.max(self.after_plan());
        let is_in_place = |(place, record): &(u32, &Record)| {
            record.ordinal == *place && matches!(record.event, Event::Tuned(_))
        };
        let mut beyond = (after..).zip(self.untold.range(after..).map(|(_, record)| record));
        match beyond.find(|entry| !is_in_place(entry)) {
            Some((_, record)) => bail!(
                "the run's records are incomplete: event {} is missing before {}; `optimize runs doctor` says what is \
                 left of it",
                self.open_steps().next().map_or(self.next, |(ordinal, _)| ordinal),
                record.ordinal
            ),
            None => Ok(()),
        }
    }
}

fn counted((scored, unmeasured): (u32, u32), event: &Event) -> (u32, u32) {
    match event {
        Event::EpisodeScored(_) => (scored + 1, unmeasured),
        Event::EpisodeUnmeasured(_) => (scored, unmeasured + 1),
        _ => (scored, unmeasured),
    }
}

/// What becomes of a step that a limit cuts off.
pub(super) fn step_cut(step: Step, limit: Limit) -> Event {
    let usage = Usage::default();
    match step {
        Step::Run(key) => {
            let (reason, class) = (limit.to_string(), FailureClass::Limit);
            Event::EpisodeUnmeasured(EpisodeUnmeasured { key, reason, class, usage })
        }
        Step::Propose(plan) => {
            let (operator, reason) = (plan.operator, ProposalFault::LimitReached { limit });
            Event::ProposalFailed(ProposalFailed { operator, reason, usage })
        }
    }
}

fn now(took_ms: Option<u64>) -> WallClock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallClock { recorded_ms: since.as_millis() as u64, took_ms }
}
