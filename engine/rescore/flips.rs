//! What grading again changed: verdicts of checks that flip, and episodes that have a score no more or now.

use super::Episodes;
use crate::episode::EpisodeKey;
use crate::event::Event;
use crate::score::Scorecard;
use crate::store::Record;
use crate::units::PackHash;
use serde::Serialize;
use std::collections::BTreeMap;

/// A verdict of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Passed,
    Failed,
}

/// A verdict that is another, in so many episodes of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flip {
    pub scenario: String,
    pub check: String,
    pub candidate: PackHash,
    pub from: Mark,
    pub to: Mark,
    pub episodes: u32,
}

/// A check over all episodes, as passed of episodes; none where the rubric has no such check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    pub scenario: String,
    pub check: String,
    pub before: Option<(u32, u32)>,
    pub after: Option<(u32, u32)>,
}

/// An episode that had a score and has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LostEpisode {
    pub ordinal: u32,
    #[serde(flatten)]
    pub key: EpisodeKey,
    pub reason: String,
}

#[derive(Default)]
pub(super) struct Tally {
    pub episodes: Episodes,
    pub flips: Vec<Flip>,
    pub checks: Vec<CheckRow>,
    pub lost: Vec<LostEpisode>,
}

type FlipKey = (String, String, PackHash, Mark, Mark);
type Count = Option<(u32, u32)>;

/// Compares records with the same records graded again.
pub(super) fn tally(before: &[Record], after: &[Record]) -> Tally {
    let mut tally = Tally::default();
    let mut flips: BTreeMap<FlipKey, u32> = BTreeMap::new();
    let mut checks: BTreeMap<(String, String), (Count, Count)> = BTreeMap::new();
    for (record, graded) in before.iter().zip(after) {
        match (&record.event, &graded.event) {
            (Event::EpisodeScored(was), Event::EpisodeScored(is)) => {
                count(&mut checks, &was.key, &was.scorecard, |(before, _)| before);
                count(&mut checks, &was.key, &is.scorecard, |(_, after)| after);
                let flipped = flipped(&was.scorecard, &is.scorecard);
                tally.episodes.flips += flipped.len() as u32;
                tally.episodes.flipped += u32::from(!flipped.is_empty());
                for (check, from, to) in flipped {
                    let (scenario, candidate) = (was.key.scenario.clone(), was.key.candidate.clone());
                    *flips.entry((scenario, check, candidate, from, to)).or_default() += 1;
                }
            }
            (Event::EpisodeScored(was), Event::EpisodeUnmeasured(is)) => {
                count(&mut checks, &was.key, &was.scorecard, |(before, _)| before);
                tally.episodes.lost += 1;
                let (ordinal, key, reason) = (record.ordinal, was.key.clone(), is.reason.clone());
                tally.lost.push(LostEpisode { ordinal, key, reason });
            }
            (Event::EpisodeUnmeasured(was), Event::EpisodeScored(is)) => {
                count(&mut checks, &was.key, &is.scorecard, |(_, after)| after);
                tally.episodes.found += 1;
            }
            (Event::EpisodeUnmeasured(_), _) => tally.episodes.unmeasured += 1,
            _ => {}
        }
    }
    let row = |((scenario, check), (before, after))| CheckRow { scenario, check, before, after };
    tally.checks = checks.into_iter().map(row).collect();
    let flip = |((scenario, check, candidate, from, to), episodes)| Flip {
        scenario,
        check,
        candidate,
        from,
        to,
        episodes,
    };
    tally.flips = flips.into_iter().map(flip).collect();
    tally
}

fn count(
    checks: &mut BTreeMap<(String, String), (Count, Count)>,
    key: &EpisodeKey,
    card: &Scorecard,
    side: fn(&mut (Count, Count)) -> &mut Count,
) {
    for verdict in &card.checks {
        let row = checks.entry((key.scenario.clone(), verdict.id.clone())).or_default();
        let (passed, episodes) = side(row).get_or_insert((0, 0));
        *passed += u32::from(verdict.passed);
        *episodes += 1;
    }
}

/// The checks that both scorecards have and judge differently.
fn flipped(was: &Scorecard, is: &Scorecard) -> Vec<(String, Mark, Mark)> {
    let mark = |passed: bool| if passed { Mark::Passed } else { Mark::Failed };
    let both = was.checks.iter().filter_map(|old| {
        let new = is.checks.iter().find(|new| new.id == old.id)?;
        (new.passed != old.passed).then(|| (old.id.clone(), mark(old.passed), mark(new.passed)))
    });
    both.collect()
}
