//! The report of a run: its numbers as plain data, gathered from the records alone, and their renderings. The same
//! numbers stand in every one of them.
//!
//! `Report` is what a run came to, and `render` tells it in a terminal. `Dossier` is that and all that it rests on:
//! `report.json` is the dossier, `report.md` and `report.html` are renderings of it, and an `Archive` holds the
//! transcripts beside.

mod archive;
mod bars;
mod blame;
mod change;
mod cost;
mod dossier;
mod failures;
mod files;
mod grid;
mod headline;
mod markdown;
mod models;
mod page;
mod personas;
mod progress;
mod repeat;
mod suspicious;
mod text;
mod verdict;

use crate::budget::{Call, Spending};
use crate::episode::{FailureClass, Usage};
use crate::event::{
    Candidate, EpisodeScored, Event, Phase, ProposalFault, RunFinished, RunStarted, ScenarioEntry, Step,
};
use crate::score::{CheckVerdict, ScoreRule, Scorecard};
use crate::store::Record;
use crate::units::PackHash;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub use crate::stats::interval::{Estimate, Interval};
pub use archive::Archive;
pub use bars::{Bar, Bars};
pub use blame::BlamedSentence;
pub use change::Change;
pub use cost::{CostOverTime, CostPoint};
pub use dossier::{CandidateRow, Dossier, EpisodeRow, Source};
pub use failures::Failure;
pub use files::{Written, write};
pub use grid::{Cell, Grid, GridCheck};
pub use headline::{Advice, Coverage, Headline, Spent};
pub use markdown::markdown;
pub use models::{ModelRole, ModelUse};
pub use page::{Page, page};
pub use personas::PersonaRow;
pub use progress::BestPoint;
pub use repeat::{Repeat, Setting};
pub use suspicious::SuspiciousEpisode;
pub use text::{change_text, plain, render};

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub started: RunStarted,
    /// None while the run is unfinished.
    pub finished: Option<RunFinished>,
    pub episodes: EpisodeCounts,
    pub proposals: ProposalCounts,
    pub agent_usage: Usage,
    pub writer_usage: Usage,
    /// The same for each model.
    pub models: Vec<ModelUse>,
    /// What calls to providers cost, by role and model; empty where none was made or none was kept.
    pub spending: Vec<Spending>,
    /// The models that answered, as their providers name them.
    pub resolved_models: Vec<String>,
    /// One row per scenario, held-out ones last.
    pub scenarios: Vec<ScenarioRow>,
    /// Which episodes the rows stand on.
    pub basis: Basis,
    /// One row per persona; empty where each scenario had its own user, or nothing was confirmed.
    pub personas: Vec<PersonaRow>,
    /// Checks whose pass rate differs between incumbent and finalist, in the order of their effect on the
    /// score; those of held-out scenarios last.
    pub checks: Vec<CheckRow>,
    pub finalist: Option<Candidate>,
    /// What the user changed while the run went on, in order.
    pub changes: Vec<Change>,
    /// Episodes that called no tool where others call several. A warning only: they are scored like all.
    pub suspicious: Vec<SuspiciousEpisode>,
    /// From the first record to the last, in milliseconds of the clock; pauses between resumptions count.
    pub wall_clock_ms: u64,
}

/// Episodes of a run. Those unmeasured were started, and failed for the infrastructure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EpisodeCounts {
    pub budget: u32,
    pub scored: u32,
    /// Scored or unmeasured: what was measured is a part of it.
    pub attempted: u32,
    pub timed_out: u32,
    /// Of those scored, taken from the cache: they count against the budget and cost nothing.
    pub cached: u32,
    pub unmeasured: u32,
    /// Cut short by a limit of money, tokens, calls or time.
    pub cut: u32,
}

/// Proposals of a run, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProposalCounts {
    /// New policies that writers made.
    pub written: u32,
    /// New policies that were made of writers' edits, without asking anybody.
    pub combined: u32,
    pub unreachable: u32,
    pub unusable: u32,
    pub duplicate: u32,
    pub too_long: u32,
    pub overfitted: u32,
    /// Not asked for any more, or cut short, by a limit.
    pub cut: u32,
}

/// Which episodes a comparison stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Only episodes that picked nothing.
    Confirmation,
    /// All episodes, those that picked the finalist included: flattering.
    All,
}

/// A scenario before and after.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioRow {
    pub name: String,
    pub weight: f64,
    pub held_out: bool,
    pub incumbent: Option<Mean>,
    pub finalist: Option<Mean>,
}

/// A mean over episodes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    pub value: f64,
    pub episodes: u32,
}

/// A check before and after, as episodes passed of episodes.
#[derive(Clone, Debug, Serialize)]
pub struct CheckRow {
    pub scenario: String,
    pub check: String,
    pub category: String,
    pub points: f64,
    pub held_out: bool,
    /// What the change did to the weighted mean of the scores; 0 where the scenario is held out.
    pub effect: f64,
    pub incumbent: (u32, u32),
    pub finalist: (u32, u32),
}

impl CheckRow {
    /// The change of the pass rate.
    pub fn change(&self) -> f64 {
        rate(self.finalist) - rate(self.incumbent)
    }
}

/// The pass rate of episodes passed of episodes.
fn rate((passed, episodes): (u32, u32)) -> f64 {
    f64::from(passed) / f64::from(episodes.max(1))
}

impl Report {
    /// Gathers the report from a run's records and calls; none when the run never started.
    pub fn of(records: &[Record], calls: &[Call]) -> Option<Report> {
        let gathered = Gathered::of(records);
        Report::of_gathered(&gathered, records, calls)
    }

    fn of_gathered(gathered: &Gathered<'_>, records: &[Record], calls: &[Call]) -> Option<Report> {
        let Some(Event::RunStarted(started)) = records.first().map(|record| record.event.clone()) else {
            return None;
        };
        let finished = gathered.finished.clone();
        let finalist = finished.as_ref().and_then(|finished| finished.finalist.clone());
        let sides = Sides { incumbent: started.incumbent.id.clone(), finalist: finalist.clone() };
        let basis = gathered.basis();
        let wall_clock_ms = match (records.first(), records.last()) {
            (Some(first), Some(_)) => {
                let last = records.iter().map(|record| record.wall_clock.recorded_ms).max();
                last.unwrap_or_default().saturating_sub(first.wall_clock.recorded_ms)
            }
            _ => 0,
        };
        Some(Report {
            scenarios: gathered.scenario_rows(&started, &sides, basis),
            personas: personas::persona_rows(gathered, &started, &sides),
            checks: gathered.check_rows(&started, &sides, basis),
            suspicious: suspicious::suspicious(gathered),
            finalist: finalist.and_then(|id| gathered.candidates.get(&id).cloned()),
            basis,
            changes: gathered.changes.clone(),
            episodes: EpisodeCounts {
                budget: change::budget_after(started.budget, &gathered.changes),
                attempted: gathered.episodes.scored + gathered.episodes.unmeasured,
                ..gathered.episodes
            },
            proposals: gathered.proposals,
            agent_usage: gathered.agent_usage,
            writer_usage: gathered.writer_usage,
            models: models::model_uses(records),
            spending: Spending::of(calls),
            resolved_models: gathered.resolved_models.iter().cloned().collect(),
            finished,
            started,
            wall_clock_ms,
        })
    }

    /// Whether the numbers come from the offline model and so predict nothing about a real one, also when it
    /// answered as another program's endpoint.
    pub fn is_offline(&self) -> bool {
        names_offline(&self.started.model) || self.resolved_models.iter().any(|model| names_offline(model))
    }

    /// Whether the candidates were written by the offline model.
    pub fn is_written_offline(&self) -> bool {
        names_offline(&self.started.writer)
    }
}

fn names_offline(model: &str) -> bool {
    model.split('/').any(|part| part == "offline")
}

/// The two packs that a report compares.
struct Sides {
    incumbent: PackHash,
    finalist: Option<PackHash>,
}

/// A scored episode with its place in the run.
struct Scored<'a> {
    ordinal: u32,
    phase: Option<Phase>,
    event: &'a EpisodeScored,
}

#[derive(Default)]
struct Gathered<'a> {
    phases: BTreeMap<u32, Phase>,
    scored: Vec<Scored<'a>>,
    candidates: BTreeMap<PackHash, Candidate>,
    episodes: EpisodeCounts,
    proposals: ProposalCounts,
    agent_usage: Usage,
    writer_usage: Usage,
    resolved_models: BTreeSet<String>,
    changes: Vec<Change>,
    finished: Option<RunFinished>,
}

impl<'a> Gathered<'a> {
    fn of(records: &'a [Record]) -> Gathered<'a> {
        let mut gathered = Gathered::default();
        records.iter().for_each(|record| gathered.take(record));
        gathered
    }

    fn take(&mut self, record: &'a Record) {
        match &record.event {
            Event::RunStarted(started) => {
                self.candidates.insert(started.incumbent.id.clone(), started.incumbent.clone());
            }
            Event::Planned(planned) => {
                let runs = planned.steps.iter().zip(record.ordinal + 1..);
                let runs = runs.filter(|(step, _)| matches!(step, Step::Run(_)));
                self.phases.extend(runs.map(|(_, ordinal)| (ordinal, planned.phase)));
            }
            Event::Proposed(proposed) => {
                match proposed.candidate.operator.asks_writer() {
                    true => self.proposals.written += 1,
                    false => self.proposals.combined += 1,
                }
                self.writer_usage = self.writer_usage.plus(proposed.usage);
                self.candidates.insert(proposed.candidate.id.clone(), proposed.candidate.clone());
            }
            Event::ProposalFailed(failed) => {
                self.writer_usage = self.writer_usage.plus(failed.usage);
                *match failed.reason {
                    ProposalFault::Unreachable { .. } => &mut self.proposals.unreachable,
                    ProposalFault::Unusable { .. } => &mut self.proposals.unusable,
                    ProposalFault::Duplicate { .. } => &mut self.proposals.duplicate,
                    ProposalFault::TooLong { .. } => &mut self.proposals.too_long,
                    ProposalFault::Overfitted { .. } => &mut self.proposals.overfitted,
                    ProposalFault::LimitReached { .. } => &mut self.proposals.cut,
                } += 1;
            }
            Event::EpisodeScored(scored) => {
                self.episodes.scored += 1;
                self.episodes.timed_out += u32::from(scored.outcome == crate::episode::Outcome::TimedOut);
                match scored.cached {
                    true => self.episodes.cached += 1,
                    false => self.agent_usage = self.agent_usage.plus(scored.usage),
                }
                self.resolved_models.extend(scored.resolved_model.clone());
                let phase = self.phases.get(&record.ordinal).copied();
                self.scored.push(Scored { ordinal: record.ordinal, phase, event: scored });
            }
            Event::EpisodeUnmeasured(unmeasured) => {
                match unmeasured.class {
                    FailureClass::Limit => self.episodes.cut += 1,
                    _ => self.episodes.unmeasured += 1,
                }
                self.agent_usage = self.agent_usage.plus(unmeasured.usage);
            }
            Event::Tuned(tuned) => {
                let episodes = self.episodes;
                let after_episodes = episodes.scored + episodes.unmeasured + episodes.cut;
                self.changes.push(Change { after_episodes, tuned: tuned.clone() });
            }
            Event::Limited(_) => {}
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
    }

    fn basis(&self) -> Basis {
        let confirmed = self.scored.iter().any(|scored| scored.phase == Some(Phase::Confirm));
        if confirmed { Basis::Confirmation } else { Basis::All }
    }

    /// The scorecards of a pack on a scenario that the basis admits.
    fn scorecards(
        &self,
        pack: &PackHash,
        scenario: &ScenarioEntry,
        basis: Basis,
    ) -> impl Iterator<Item = &'a Scorecard> {
        let admits = move |phase: Option<Phase>| match basis {
            Basis::All => true,
            Basis::Confirmation => matches!(phase, Some(Phase::Confirm | Phase::HeldOut)),
        };
        let of_pack = self.scored.iter().filter(move |scored| {
            let key = &scored.event.key;
            admits(scored.phase) && key.candidate == *pack && key.scenario == scenario.name
        });
        of_pack.map(|scored| &scored.event.scorecard)
    }

    fn scenario_rows(&self, started: &RunStarted, sides: &Sides, basis: Basis) -> Vec<ScenarioRow> {
        let row = |scenario: &ScenarioEntry| {
            let mean = |pack: &PackHash| mean(self.scorecards(pack, scenario, basis), started.profile.score);
            ScenarioRow {
                name: scenario.name.clone(),
                weight: scenario.weight,
                held_out: scenario.held_out,
                incumbent: mean(&sides.incumbent),
                finalist: sides.finalist.as_ref().and_then(mean),
            }
        };
        let (held_out, searched): (Vec<_>, Vec<_>) =
            started.scenarios.iter().map(row).partition(|row| row.held_out);
        searched.into_iter().chain(held_out).collect()
    }

    fn check_rows(&self, started: &RunStarted, sides: &Sides, basis: Basis) -> Vec<CheckRow> {
        let Some(finalist) = &sides.finalist else { return Vec::new() };
        let searched = started.scenarios.iter().filter(|scenario| !scenario.held_out);
        let weights: f64 = searched.map(|scenario| scenario.weight).sum();
        let mut rows: Vec<CheckRow> = Vec::new();
        for scenario in &started.scenarios {
            let points: f64 = scenario.checks.iter().map(|check| check.points).sum();
            let counts = !scenario.held_out && weights > 0.0 && points > 0.0;
            let point_worth = if counts { scenario.weight / weights / points } else { 0.0 };
            let passes = |pack: &PackHash, check: &str| {
                let verdicts = self.scorecards(pack, scenario, basis);
                let verdicts =
                    verdicts.filter_map(|card| card.checks.iter().find(|verdict| verdict.id == check));
                verdicts.fold((0, 0), |(passed, all), verdict| (passed + u32::from(verdict.passed), all + 1))
            };
            rows.extend(scenario.checks.iter().map(|check| {
                let (incumbent, finalist) =
                    (passes(&sides.incumbent, &check.id), passes(finalist, &check.id));
                CheckRow {
                    scenario: scenario.name.clone(),
                    check: check.id.clone(),
                    category: check.category.clone(),
                    points: check.points,
                    held_out: scenario.held_out,
                    effect: point_worth * check.points * (rate(finalist) - rate(incumbent)),
                    incumbent,
                    finalist,
                }
            }));
        }
        rows.retain(|row| row.incumbent.1 > 0 && row.finalist.1 > 0 && row.change() != 0.0);
        rows.sort_by(|a, b| {
            let held_out_last = a.held_out.cmp(&b.held_out);
            held_out_last.then(b.effect.abs().total_cmp(&a.effect.abs()))
        });
        rows
    }
}

fn mean<'a>(scorecards: impl Iterator<Item = &'a Scorecard>, rule: ScoreRule) -> Option<Mean> {
    let (sum, episodes) =
        scorecards.fold((0.0, 0), |(sum, count), card| (sum + score(card, rule), count + 1));
    (episodes > 0).then(|| Mean { value: sum / f64::from(episodes), episodes })
}

/// The points that a verdict earned, by the profile's rule.
fn earned(verdict: &CheckVerdict, rule: ScoreRule) -> f64 {
    match rule {
        ScoreRule::Script => verdict.points,
        ScoreRule::Validator if verdict.passed => verdict.max_points,
        ScoreRule::Validator => 0.0,
    }
}

fn score(card: &Scorecard, rule: ScoreRule) -> f64 {
    match rule {
        ScoreRule::Validator => card.validator_score,
        ScoreRule::Script => card.script_score,
    }
}
