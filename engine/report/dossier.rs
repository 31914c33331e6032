//! All that is known of a run, as plain data: what the report says and what it rests on. `report.json` is this.

use super::archive::{Archive, Wanted};
use super::bars::{Bars, Sources};
use super::blame::{BlamedSentence, blame};
use super::cost::CostOverTime;
use super::failures::{Failure, failures};
use super::grid::{self, Cell, Grid, Places};
use super::headline::Headline;
use super::progress::{BestPoint, Progress, steps};
use super::repeat::Repeat;
use super::text::{dollars, tokens};
use super::{Gathered, Report, score};
use crate::budget::Call;
use crate::episode::{FailureClass, Outcome};
use crate::event::{Belief, Candidate, Event, Operator, Phase, Step};
use crate::scenario::Rubrics;
use crate::stats::interval::Estimate;
use crate::store::{Record, Transcripts};
use crate::units::{PackHash, RunId};
use serde::Serialize;
use std::collections::HashMap;

/// The version of `report.json`'s form.
const FORMAT: u32 = 1;

/// A run's report with all that it rests on.
///
/// Candidates and checks are named by their places in `candidates` and `grid.checks`.
#[derive(Clone, Debug, Serialize)]
pub struct Dossier {
    pub format: u32,
    pub run: RunId,
    pub headline: Headline,
    #[serde(flatten)]
    pub report: Report,
    pub bars: Bars,
    /// The best candidate over the episodes of the run.
    pub best: Vec<BestPoint>,
    pub cost: CostOverTime,
    /// In the order in which they came; the incumbent is the first.
    pub candidates: Vec<CandidateRow>,
    /// The places of the incumbent and of the finalist, if there is one.
    pub incumbent_place: usize,
    pub finalist_place: Option<usize>,
    pub grid: Grid,
    /// The checks that the finalist fails, or the incumbent where there is no finalist, the dearest first.
    pub failures: Vec<Failure>,
    /// The sentences of the finalist's policy, or of the incumbent's where there is no finalist.
    pub blame: Vec<BlamedSentence>,
    pub episode_rows: Vec<EpisodeRow>,
    pub repeat: Repeat,
    /// Why nothing is said of patterns and of doing nothing; none where the rubrics are known.
    pub no_rubrics: Option<String>,
}

/// A candidate with what is believed of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CandidateRow {
    pub id: PackHash,
    pub operator: Operator,
    /// The candidate that was edited, first.
    pub parents: Vec<PackHash>,
    /// The candidates whose edits were taken back or made here too.
    pub edges: Vec<PackHash>,
    pub writer: Option<String>,
    /// What the writer said that it changed.
    pub said: String,
    /// Episodes that had ended when it was written.
    pub born_after: u32,
    /// Its scored episodes.
    pub episodes: u32,
    /// Its objective, as the search believes at the end of the run; none where no episode of the run was measured.
    pub objective: Option<Estimate>,
    /// By how much its edit changed the objective of its first parent; none where it was not estimated.
    pub effect: Option<Belief>,
    pub policy: String,
}

/// An episode of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpisodeRow {
    pub ordinal: u32,
    /// The place of its candidate.
    pub candidate: usize,
    pub scenario: String,
    pub repeat: u32,
    pub phase: Option<Phase>,
    /// `finished`, `timed_out` and so on; `errored` where it could not be measured.
    pub outcome: &'static str,
    /// None where it could not be measured.
    pub score: Option<f64>,
    pub tool_calls: u32,
    pub cached: bool,
    pub took_ms: Option<u64>,
    /// The places of the checks that failed.
    pub failed: Vec<usize>,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
}

/// What a dossier is made of.
pub struct Source<'a> {
    pub run: RunId,
    pub records: &'a [Record],
    pub calls: &'a [Call],
    /// The rubrics of the run's suite, or why they are not known.
    pub rubrics: Result<&'a Rubrics, String>,
    /// What the run keeps of its command line.
    pub settings: &'a serde_json::Value,
    pub transcripts: &'a Transcripts,
}

impl Dossier {
    /// Gathers all that is known of a run, and its transcripts; none when the run never started.
    pub fn of(source: &Source<'_>) -> anyhow::Result<Option<(Dossier, Archive)>> {
        let (facts, progress) =
            rayon::join(|| Dossier::without_beliefs(source), || Progress::of(source.records));
        Ok(facts?.map(|(dossier, archive)| (dossier.with_beliefs(progress), archive)))
    }

    /// All but what the search believed.
    fn without_beliefs(source: &Source<'_>) -> anyhow::Result<Option<(Dossier, Archive)>> {
        let (records, calls) = (source.records, source.calls);
        let gathered = Gathered::of(records);
        let Some(report) = Report::of_gathered(&gathered, records, calls) else { return Ok(None) };
        let nothing = Rubrics::default();
        let rubrics = source.rubrics.as_ref().copied().unwrap_or(&nothing);
        let candidates = candidate_rows(records);
        let finalist = report.finalist.as_ref().map(|finalist| finalist.id.clone());
        let sources = Sources {
            gathered: &gathered,
            started: &report.started,
            basis: report.basis,
            incumbent: &report.started.incumbent.id,
            finalist: finalist.as_ref(),
            rubrics,
        };
        let (headline, bars) = (Headline::of(&report, &sources), sources.bars());
        let mut checks = grid::checks(&report.started, &gathered.scored, rubrics);
        let places = Places::of(candidates.iter().map(|row| &row.id), &checks);
        let parents: Vec<Option<usize>> = candidates
            .iter()
            .enumerate()
            .map(|(place, row)| {
                let parent = row.parents.first().and_then(|id| places.candidates.get(id).copied());
                parent.filter(|parent| *parent < place)
            })
            .collect();
        let cells = grid::cells(&places, &parents, &gathered.scored);
        let episode_rows = episode_rows(records, &gathered, &places, &report);
        let finalist_place = finalist.and_then(|id| places.candidates.get(&id).copied());
        let incumbent_place = places.candidates[&report.started.incumbent.id];
        grid::rank(&mut checks, &cells, &report.started, incumbent_place, finalist_place);
        let shown = finalist_place.unwrap_or(incumbent_place);
        let archive = Archive::of(source.transcripts, &newest_failures(&cells, shown), &checks, rubrics)?;
        let failures = failures(&checks, &cells[shown], &gathered, &archive);
        let dossier = Dossier {
            format: FORMAT,
            run: source.run.clone(),
            headline,
            bars,
            best: Vec::new(),
            cost: CostOverTime::of(records, calls, dollars(&report), tokens(&report)),
            blame: Vec::new(),
            candidates,
            incumbent_place,
            finalist_place,
            grid: Grid { checks, cells },
            failures,
            episode_rows,
            repeat: Repeat::of(&report, source.settings),
            no_rubrics: source.rubrics.as_ref().err().cloned(),
            report,
        };
        Ok(Some((dossier, archive)))
    }

    /// Adds what the search believed, and what rests on that.
    fn with_beliefs(mut self, progress: Progress) -> Dossier {
        for row in &mut self.candidates {
            row.objective = progress.objectives.get(&row.id).copied();
            row.effect = progress.effects.get(&row.id).copied();
        }
        self.best = progress.best;
        self.blame = blame(&self.candidates, self.finalist_place.unwrap_or(self.incumbent_place));
        self
    }

    /// The candidate that the report is about: the finalist, or the incumbent where there is none.
    pub fn shown(&self) -> &CandidateRow {
        &self.candidates[self.finalist_place.unwrap_or(self.incumbent_place)]
    }
}

/// The checks of which something is shown in each episode: its candidate's newest failure.
fn newest_failures(cells: &[Vec<Cell>], shown: usize) -> HashMap<u32, Wanted> {
    let mut all: HashMap<u32, Wanted> = HashMap::new();
    for (candidate, row) in cells.iter().enumerate() {
        for cell in row {
            let Some(ordinal) = cell.failed_at else { continue };
            let wanted = all.entry(ordinal).or_default();
            wanted.checks.push(cell.check);
            wanted.is_told = candidate == shown;
        }
    }
    all
}

/// The candidates without what is believed of them.
fn candidate_rows(records: &[Record]) -> Vec<CandidateRow> {
    let steps = steps(records);
    let mut rows: Vec<CandidateRow> = Vec::new();
    let mut ended = 0;
    let mut places = HashMap::new();
    for record in records {
        match &record.event {
            Event::RunStarted(started) => {
                places.insert(started.incumbent.id.clone(), 0);
                rows.push(candidate_row(&started.incumbent, "", &[], 0));
            }
            Event::Proposed(proposed) if !places.contains_key(&proposed.candidate.id) => {
                let edges = match steps.get(&record.ordinal) {
                    Some(Step::Propose(plan)) => plan.edges.as_slice(),
                    _ => &[],
                };
                places.insert(proposed.candidate.id.clone(), rows.len());
                rows.push(candidate_row(&proposed.candidate, &proposed.rationale, edges, ended));
            }
            Event::EpisodeScored(scored) => {
                ended += 1;
                if let Some(place) = places.get(&scored.key.candidate) {
                    rows[*place].episodes += 1;
                }
            }
            Event::EpisodeUnmeasured(_) => ended += 1,
            _ => {}
        }
    }
    rows
}

fn candidate_row(candidate: &Candidate, said: &str, edges: &[PackHash], born_after: u32) -> CandidateRow {
    CandidateRow {
        id: candidate.id.clone(),
        operator: candidate.operator,
        parents: candidate.parents.clone(),
        edges: edges.to_vec(),
        writer: candidate.writer.clone(),
        said: said.to_owned(),
        born_after,
        episodes: 0,
        objective: None,
        effect: None,
        policy: candidate.agents_md.clone(),
    }
}

fn episode_rows(
    records: &[Record],
    gathered: &Gathered<'_>,
    places: &Places<'_>,
    report: &Report,
) -> Vec<EpisodeRow> {
    let row = |record: &Record| {
        let phase = gathered.phases.get(&record.ordinal).copied();
        match &record.event {
            Event::EpisodeScored(scored) => {
                let key = &scored.key;
                let failed = scored.scorecard.checks.iter().filter(|verdict| !verdict.passed);
                Some(EpisodeRow {
                    ordinal: record.ordinal,
                    candidate: *places.candidates.get(&key.candidate)?,
                    scenario: key.scenario.clone(),
                    repeat: key.repeat,
                    phase,
                    outcome: outcome_word(&scored.outcome),
                    score: Some(score(&scored.scorecard, report.started.profile.score)),
                    tool_calls: scored.tool_calls,
                    cached: scored.cached,
                    took_ms: record.wall_clock.took_ms,
                    failed: failed.filter_map(|verdict| places.check(&key.scenario, &verdict.id)).collect(),
                    problem: None,
                    class: None,
                })
            }
            Event::EpisodeUnmeasured(unmeasured) => Some(EpisodeRow {
                ordinal: record.ordinal,
                candidate: *places.candidates.get(&unmeasured.key.candidate)?,
                scenario: unmeasured.key.scenario.clone(),
                repeat: unmeasured.key.repeat,
                phase,
                outcome: "errored",
                score: None,
                tool_calls: 0,
                cached: false,
                took_ms: record.wall_clock.took_ms,
                failed: Vec::new(),
                problem: Some(unmeasured.reason.clone()),
                class: Some(unmeasured.class),
            }),
            _ => None,
        }
    };
    records.iter().filter_map(row).collect()
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Finished => "finished",
        Outcome::TimedOut => "timed_out",
        Outcome::TurnLimit => "turn_limit",
        Outcome::ContextFull => "context_full",
        Outcome::Errored { .. } => "errored",
    }
}

#[cfg(test)]
impl CandidateRow {
    pub(super) fn sample(name: &str, operator: Operator, policy: &str) -> CandidateRow {
        let candidate = Candidate { operator, ..Candidate::brought(PackHash(name.to_owned()), policy) };
        candidate_row(&candidate, "", &[], 0)
    }
}
