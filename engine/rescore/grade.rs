//! Grading recorded episodes again: the records of a run with new scorecards in the place of the old ones.

use super::Source;
use crate::episode::{Episode, EpisodeKey, FailureClass};
use crate::event::{EpisodeScored, EpisodeUnmeasured, Event, RunStarted, ScenarioEntry};
use crate::scenario::{Rubrics, Suite};
use crate::score::{Scorecard, scorecard};
use crate::store::{Record, Transcript};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};

/// The records of a run, graded again.
pub(super) struct Graded {
    pub records: Vec<Record>,
    pub graded: u32,
    pub judged_outside: u32,
}

/// What grading made of a record.
enum Step {
    Graded,
    JudgedOutside,
    /// It is no episode, or none that can be graded.
    Other,
}

pub(super) fn grade(source: &Source<'_>) -> Graded {
    let rubrics = &Rubrics::of(source.suite);
    let transcripts: HashMap<u32, &Transcript> =
        source.transcripts.iter().map(|transcript| (transcript.ordinal, transcript)).collect();
    let graded: Vec<(Event, Step)> = source
        .records
        .par_iter()
        .map(|record| event(record, transcripts.get(&record.ordinal).copied(), rubrics))
        .collect();
    let count = |is: fn(&Step) -> bool| graded.iter().filter(|(_, step)| is(step)).count() as u32;
    let (of_rubrics, outside) =
        (count(|step| matches!(step, Step::Graded)), count(|step| matches!(step, Step::JudgedOutside)));
    let judged_outside = names_judged_outside(source.records, &graded);
    let records = source.records.iter().zip(graded).map(|(record, (event, _))| {
        let event = match event {
            Event::RunStarted(started) => {
                Event::RunStarted(begun_anew(started, source.suite, &judged_outside))
            }
            event => event,
        };
        Record { event, wall_clock: record.wall_clock.clone(), ordinal: record.ordinal }
    });
    Graded { records: records.collect(), graded: of_rubrics, judged_outside: outside }
}

/// The scenarios of which an evaluator outside of this program judged an episode.
fn names_judged_outside(records: &[Record], graded: &[(Event, Step)]) -> BTreeSet<String> {
    let judged = records.iter().zip(graded).filter(|(_, (_, step))| matches!(step, Step::JudgedOutside));
    let names = judged.filter_map(|(record, _)| match &record.event {
        Event::EpisodeScored(scored) => Some(scored.key.scenario.clone()),
        _ => None,
    });
    names.collect()
}

/// The run's beginning with the checks and weights that the suite has now; where an evaluator outside judges, checks
/// stay its own. Which scenarios are held out stays as it was: the search has seen the others.
fn begun_anew(started: RunStarted, suite: &Suite, judged_outside: &BTreeSet<String>) -> RunStarted {
    let entry = |old: ScenarioEntry| {
        let now = ScenarioEntry::of(suite.scenario(&old.name)?);
        let checks = if judged_outside.contains(&old.name) { old.checks } else { now.checks };
        Some(ScenarioEntry { held_out: old.held_out, checks, ..now })
    };
    let scenarios = started.scenarios.into_iter().filter_map(entry).collect();
    RunStarted { scenarios, suite: suite.name.clone(), suite_hash: suite.hash.clone(), ..started }
}

fn event(record: &Record, transcript: Option<&Transcript>, rubrics: &Rubrics) -> (Event, Step) {
    match (&record.event, transcript) {
        (Event::EpisodeScored(scored), transcript) => {
            let episode = match transcript.map(read) {
                Some(Ok(episode)) => episode,
                Some(Err(problem)) => return (lost(scored, problem), Step::Other),
                None => return (lost(scored, "the run keeps no transcript of it".to_owned()), Step::Other),
            };
            if episode.external.is_some() {
                return (record.event.clone(), Step::JudgedOutside);
            }
            match card(&scored.key, &episode, rubrics) {
                Ok(scorecard) => {
                    (Event::EpisodeScored(EpisodeScored { scorecard, ..scored.clone() }), Step::Graded)
                }
                Err(problem) => (lost(scored, problem), Step::Other),
            }
        }
        // An episode that the old rubric could not score.
        (Event::EpisodeUnmeasured(unmeasured), Some(transcript)) => {
            let found = read(transcript).ok().filter(|episode| episode.outcome.is_scored());
            let found = found.filter(|episode| episode.external.is_none());
            let graded = found
                .and_then(|episode| Some((card(&unmeasured.key, &episode, rubrics).ok()?, episode)))
                .map(|(scorecard, episode)| EpisodeScored {
                    key: unmeasured.key.clone(),
                    tool_calls: episode.tool_calls.len() as u32,
                    model_calls: episode.model_calls,
                    usage: episode.usage,
                    resolved_model: episode.resolved_model,
                    outcome: episode.outcome,
                    scorecard,
                    cached: false,
                });
            match graded {
                Some(scored) => (Event::EpisodeScored(scored), Step::Graded),
                None => (record.event.clone(), Step::Other),
            }
        }
        (event, _) => ((*event).clone(), Step::Other),
    }
}

fn card(key: &EpisodeKey, episode: &Episode, rubrics: &Rubrics) -> Result<Scorecard, String> {
    let rubric = rubrics.get(&key.scenario);
    let rubric = rubric.ok_or_else(|| format!("the suite has no scenario `{}`", key.scenario))?;
    scorecard(rubric, episode).map_err(|error| format!("the rubric cannot score it: {error}"))
}

fn read(transcript: &Transcript) -> Result<Episode, String> {
    let read = transcript.json().and_then(|json| Ok(serde_json::from_str(&json)?));
    read.map_err(|error| format!("its transcript cannot be read: {error:#}"))
}

fn lost(scored: &EpisodeScored, reason: String) -> Event {
    let (key, class, usage) = (scored.key.clone(), FailureClass::Request, scored.usage);
    Event::EpisodeUnmeasured(EpisodeUnmeasured { key, reason, class, usage })
}
