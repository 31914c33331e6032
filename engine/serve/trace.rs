//! A run that somebody watches: its episodes, candidates and best so far, read from its store as far as they are there,
//! and then only what is new. The search itself is told the records, so that its beliefs are shown and no second opinion.

mod leading;
mod rows;

use super::catalog::{Stamp, lock, name_of};
use super::view::Measure;
use crate::episode::Outcome;
use crate::event::{Candidate, EpisodeScored, EpisodeUnmeasured, Event, Phase, RunFinished, RunStarted};
use crate::report::BestPoint;
use crate::score::ScoreRule;
use crate::search::{Search, Standing};
use crate::stats::interval::{Estimate, Group, Interval};
use crate::store::{Record, Store};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

pub use rows::{CandidateRow, CheckRow, EpisodeRow, ScenarioBar, Tally};

/// So many estimates are made of a run that was not watched from its beginning.
const POINTS_MAX: u32 = 60;
/// A point takes an estimate of all candidates, and so many of them are estimated in all.
const ESTIMATES_MAX: u32 = 10_000;
/// So many runs are kept at once; who watches another one has the one forgotten that was not looked at for longest.
const TRACES_MAX: usize = 8;

/// The runs that are watched.
#[derive(Default)]
pub(super) struct Traces {
    kept: Mutex<HashMap<String, Used>>,
    begun: Mutex<u64>,
}

/// A trace with when it was looked at last.
type Used = (Instant, Arc<Mutex<Trace>>);

impl Traces {
    /// The trace of a run as it is now.
    pub fn of(&self, folder: &Path, epoch: u64) -> anyhow::Result<Arc<Mutex<Trace>>> {
        let trace = {
            let mut kept = lock(&self.kept);
            let id = name_of(folder);
            if !kept.contains_key(&id) && kept.len() >= TRACES_MAX {
                let oldest = kept.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| id.clone());
                oldest.map(|id| kept.remove(&id));
            }
            let entry = kept.entry(id).or_insert_with(|| {
                let mut begun = lock(&self.begun);
                *begun += 1;
                let epoch = format!("{epoch:x}-{begun}");
                (Instant::now(), Arc::new(Mutex::new(Trace::new(folder.to_owned(), epoch))))
            });
            entry.0 = Instant::now();
            entry.1.clone()
        };
        lock(&trace).refresh()?;
        Ok(trace)
    }
}

/// What is known of a run, in the order in which it came.
pub(super) struct Trace {
    folder: PathBuf,
    /// Places in the lists below mean something for this trace alone.
    pub epoch: String,
    stamp: Option<Stamp>,
    /// All events before it have been read.
    next: u32,
    /// Events that are not told yet: some step of their plan is under way.
    untold: BTreeMap<u32, Record>,
    told_next: u32,
    /// Later events that were read already, since steps end in any order.
    ahead: BTreeSet<u32>,
    phases: BTreeMap<u32, Phase>,
    search: Search,
    pub started: Option<RunStarted>,
    pub finished: Option<RunFinished>,
    pub episodes: Vec<EpisodeRow>,
    /// The places of episodes by their ordinals.
    pub by_ordinal: BTreeMap<u32, usize>,
    pub candidates: Vec<CandidateRow>,
    places: HashMap<String, usize>,
    pub best: Vec<BestPoint>,
    told_episodes: u32,
    scores: HashMap<(usize, String), Vec<f64>>,
    /// By candidate and scenario, then check.
    tallies: HashMap<(usize, String), BTreeMap<String, Tally>>,
    standings: Option<(u32, Vec<Standing>)>,
}

impl Trace {
    fn new(folder: PathBuf, epoch: String) -> Trace {
        Trace {
            folder,
            epoch,
            stamp: None,
            next: 0,
            untold: BTreeMap::new(),
            told_next: 0,
            ahead: BTreeSet::new(),
            phases: BTreeMap::new(),
            search: Search::new(),
            started: None,
            finished: None,
            episodes: Vec::new(),
            by_ordinal: BTreeMap::new(),
            candidates: Vec::new(),
            places: HashMap::new(),
            best: Vec::new(),
            told_episodes: 0,
            scores: HashMap::new(),
            tallies: HashMap::new(),
            standings: None,
        }
    }

    /// Reads what is new.
    fn refresh(&mut self) -> anyhow::Result<()> {
        let stamp = Stamp::of(&self.folder);
        if self.stamp == Some(stamp) {
            return Ok(());
        }
        let records = Store::open_to_read(&self.folder)?.records_from(self.next)?;
        for record in records {
            if self.ahead.insert(record.ordinal) {
                self.take(record);
            }
        }
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
        self.tell();
        self.stamp = stamp.is_settled().then_some(stamp);
        Ok(())
    }

    fn take(&mut self, record: Record) {
        match &record.event {
            Event::RunStarted(started) => {
                self.started = Some(started.clone());
                self.add_candidate(&started.incumbent.clone(), "", true);
            }
            Event::Planned(planned) => {
                let steps = (record.ordinal + 1..).zip(&planned.steps);
                self.phases.extend(steps.map(|(ordinal, _)| (ordinal, planned.phase)));
            }
            Event::Proposed(proposed) => {
                self.add_candidate(&proposed.candidate.clone(), &proposed.rationale.clone(), false);
            }
            Event::EpisodeScored(scored) => self.add_scored(&record, &scored.clone()),
            Event::EpisodeUnmeasured(unmeasured) => self.add_unmeasured(&record, &unmeasured.clone()),
            Event::Tuned(tuned) => {
                if let (Some(started), Some(budget)) = (&mut self.started, tuned.budget) {
                    started.budget = budget;
                }
            }
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
            Event::ProposalFailed(_) | Event::Limited(_) => {}
        }
        self.phases.remove(&record.ordinal);
        self.untold.insert(record.ordinal, record);
    }

    fn add_candidate(&mut self, candidate: &Candidate, said: &str, is_incumbent: bool) {
        if self.places.contains_key(&candidate.id.0) {
            return;
        }
        self.places.insert(candidate.id.0.clone(), self.candidates.len());
        self.candidates.push(CandidateRow {
            id: candidate.id.0.clone(),
            is_incumbent,
            operator: candidate.operator.word().to_owned(),
            parents: candidate.parents.iter().map(|parent| parent.0.clone()).collect(),
            writer: candidate.writer.clone(),
            said: said.to_owned(),
            episodes: 0,
            objective: None,
        });
    }

    fn add_scored(&mut self, record: &Record, scored: &EpisodeScored) {
        let rule = self.started.as_ref().map(|started| started.profile.score);
        let score = match rule {
            Some(ScoreRule::Script) => scored.scorecard.script_score,
            _ => scored.scorecard.validator_score,
        };
        if let Some(place) = self.places.get(&scored.key.candidate.0).copied() {
            self.candidates[place].episodes += 1;
            self.scores.entry((place, scored.key.scenario.clone())).or_default().push(score);
            self.count(place, scored);
        }
        let outcome = match &scored.outcome {
            Outcome::Finished => "finished",
            Outcome::TimedOut => "timed_out",
            Outcome::TurnLimit => "turn_limit",
            Outcome::ContextFull => "context_full",
            Outcome::Errored { .. } => "errored",
        };
        let checks = &scored.scorecard.checks;
        self.add(EpisodeRow {
            ordinal: record.ordinal,
            recorded_ms: record.wall_clock.recorded_ms,
            candidate: scored.key.candidate.0.clone(),
            scenario: scored.key.scenario.clone(),
            repeat: scored.key.repeat,
            phase: self.phase(record.ordinal),
            outcome: outcome.to_owned(),
            score: Some(score),
            checks_passed: Some(checks.iter().filter(|check| check.passed).count() as u32),
            checks: Some(checks.len() as u32),
            tool_calls: Some(scored.tool_calls),
            cached: scored.cached,
            took_ms: record.wall_clock.took_ms,
            problem: None,
        });
    }

    fn add_unmeasured(&mut self, record: &Record, unmeasured: &EpisodeUnmeasured) {
        self.add(EpisodeRow {
            ordinal: record.ordinal,
            recorded_ms: record.wall_clock.recorded_ms,
            candidate: unmeasured.key.candidate.0.clone(),
            scenario: unmeasured.key.scenario.clone(),
            repeat: unmeasured.key.repeat,
            phase: self.phase(record.ordinal),
            outcome: "errored".to_owned(),
            score: None,
            checks_passed: None,
            checks: None,
            tool_calls: None,
            cached: false,
            took_ms: record.wall_clock.took_ms,
            problem: Some(unmeasured.reason.clone()),
        });
    }

    fn add(&mut self, row: EpisodeRow) {
        self.by_ordinal.insert(row.ordinal, self.episodes.len());
        self.episodes.push(row);
    }

    fn phase(&self, ordinal: u32) -> Option<String> {
        let phase = serde_json::to_value(self.phases.get(&ordinal)?).ok()?;
        phase.as_str().map(str::to_owned)
    }

    /// Tells the search every plan that is whole, and asks for the best not more often than can be waited for.
    fn tell(&mut self) {
        let points = (2 * ESTIMATES_MAX / self.candidates.len().max(1) as u32).clamp(12, POINTS_MAX);
        let apart = (self.episodes.len() as u32 - self.told_episodes).div_ceil(points).max(1);
        let mut due = self.told_episodes + apart;
        while let Some(last) = self.whole_plan() {
            while self.told_next <= last {
                let Some(record) = self.untold.remove(&self.told_next) else { return };
                self.search.tell(&record.event);
                let is_episode =
                    matches!(record.event, Event::EpisodeScored(_) | Event::EpisodeUnmeasured(_));
                self.told_episodes += u32::from(is_episode);
                self.told_next += 1;
            }
            let is_last = self.whole_plan().is_none();
            let seen = self.told_episodes;
            if seen >= due || (is_last && self.best.last().is_none_or(|point| point.episodes < seen)) {
                due = seen + apart;
                let best = self.search.best().filter(|best| best.episodes > 0);
                self.best.extend(best.map(|best| point(seen, &best)));
            }
        }
    }

    /// The last event of the next plan, if all of its steps are there; an event of its own is its own last.
    fn whole_plan(&self) -> Option<u32> {
        let steps = match &self.untold.get(&self.told_next)?.event {
            Event::Planned(planned) => planned.steps.len() as u32,
            _ => 0,
        };
        let last = self.told_next + steps;
        let is_whole = self.untold.range(self.told_next..=last).count() as u32 == steps + 1;
        is_whole.then_some(last)
    }

    /// The place of the best candidate so far; none before anything was measured.
    pub fn best_place(&self) -> Option<usize> {
        self.places.get(&self.best.last()?.candidate.0).copied()
    }

    /// All scenarios with the pack to beat and the best one.
    pub fn bars(&self) -> Vec<ScenarioBar> {
        let Some(started) = &self.started else { return Vec::new() };
        let best = self.best_place().filter(|place| *place != 0);
        let names = || started.scenarios.iter().map(|scenario| scenario.name.clone());
        let of = |place: usize| {
            let values = |name: String| self.scores.get(&(place, name)).cloned().unwrap_or_default();
            let groups: Vec<Group> =
                names().map(|name| Group { weight: 1.0, values: values(name) }).collect();
            let counts: Vec<u32> = groups.iter().map(|group| group.values.len() as u32).collect();
            Estimate::of_each(&groups).into_iter().map(|mean| mean.map(Measure::from)).zip(counts).collect()
        };
        let incumbent: Vec<(Option<Measure>, u32)> = of(0);
        let nothing = || vec![(None, 0); started.scenarios.len()];
        let best: Vec<(Option<Measure>, u32)> = best.map_or_else(nothing, of);
        let bars = started.scenarios.iter().zip(incumbent).zip(best).map(|((scenario, incumbent), best)| {
            ScenarioBar {
                name: scenario.name.clone(),
                held_out: scenario.held_out,
                incumbent: incumbent.0,
                incumbent_episodes: incumbent.1,
                best: best.0,
                best_episodes: best.1,
            }
        });
        bars.collect()
    }

    /// The candidates with what is believed of them, the highest estimate first.
    pub fn ranked(&mut self) -> Vec<CandidateRow> {
        if self.standings.as_ref().is_none_or(|(told, _)| *told != self.told_next) {
            let standings = if self.told_episodes == 0 { Vec::new() } else { self.search.standings() };
            self.standings = Some((self.told_next, standings));
        }
        let standings =
            self.standings.as_ref().map(|(_, standings)| standings.as_slice()).unwrap_or_default();
        let beliefs: HashMap<&str, Measure> = standings
            .iter()
            .map(|standing| (standing.candidate.0.as_str(), estimate(standing).into()))
            .collect();
        let mut rows: Vec<CandidateRow> = self.candidates.clone();
        for row in &mut rows {
            row.objective = beliefs.get(row.id.as_str()).copied();
        }
        let value = |row: &CandidateRow| row.objective.map_or(f64::NEG_INFINITY, |it| it.value);
        rows.sort_by(|a, b| value(b).total_cmp(&value(a)));
        rows
    }
}

fn point(episodes: u32, standing: &Standing) -> BestPoint {
    BestPoint { episodes, objective: estimate(standing), candidate: standing.candidate.clone() }
}

fn estimate(standing: &Standing) -> Estimate {
    Estimate {
        value: standing.objective,
        interval: standing.se.map(|se| Interval::around(standing.objective, se)),
    }
}
