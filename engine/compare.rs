//! Comparing two packs by the episodes that stored runs hold of them: paired by scenario and repeat, only where both
//! met the same, with what does not match said beside the numbers.
//!
//! It runs nothing and decides nothing: whether a difference is a reason to stop is the caller's choice of a
//! probability. Whatever picked a candidate flatters it, so fresh episodes alone count where both packs have them.

mod attempts;
mod common;
mod cost;
mod rows;

use crate::event::RunStarted;
use crate::search::{Fresh, Pair, Paired, PairedDifference, paired_difference};
use crate::stats::interval::Estimate;
use crate::store::Record;
use crate::units::{PackHash, RunId, Seed, Usd};
use attempts::{Attempt, attempts, pairs};
use common::Common;
use serde::Serialize;
use std::collections::BTreeMap;

pub use common::{Mismatch, conditions};
pub use cost::{CostRow, Costs};
pub use rows::{CheckRow, ScenarioRow};

/// The version of the form of `optimize compare --json`.
const FORMAT: u32 = 1;
/// Results do not depend on when or where they are computed.
const SEED: Seed = Seed(0);

/// A stored run, as comparing reads it.
pub struct StoredRun {
    pub id: RunId,
    pub started: RunStarted,
    pub records: Vec<Record>,
    /// What the run kept of its rubrics and of what agents met; none in runs from before that was kept.
    pub rubrics: Option<String>,
    pub encounters: Option<BTreeMap<String, String>>,
    /// What its calls cost, as they were counted; none where nothing was counted.
    pub usd: Option<Usd>,
}

/// A pack with the runs that are asked for its episodes, all under the same conditions, the newest last.
#[derive(Clone)]
pub struct Side<'a> {
    /// What the user called it.
    pub name: String,
    pub pack: PackHash,
    pub runs: Vec<&'a StoredRun>,
}

/// Which episodes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Episodes {
    /// Those that picked nothing.
    Fresh,
    /// Those that picked a candidate too, which flatters it.
    All,
}

/// The second pack beside the first. Differences are what the second has more.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    pub format: u32,
    pub first: Named,
    pub second: Named,
    /// What is not the same on both sides, besides the packs.
    pub mismatches: Vec<Mismatch>,
    pub episodes: Episodes,
    /// Pairs of one repeat of one run, and pairs of what was left over.
    pub pairs_of_one_run: u32,
    pub pairs_across_runs: u32,
    /// Episodes that were left out since they are copies of an earlier run's.
    pub copies_left_out: u32,
    /// The objective over the scenarios that are not held out; none where the pairs are too few.
    pub objective: Option<PairedDifference>,
    /// Held-out scenarios last.
    pub scenarios: Vec<ScenarioRow>,
    /// In the order of their effect on the score, losses first.
    pub checks: Vec<CheckRow>,
    pub costs: Costs,
}

/// A pack with where its episodes come from.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    pub name: String,
    pub pack: PackHash,
    pub runs: Vec<RunId>,
    pub suite: String,
    pub model: String,
    pub profile: String,
    /// Scored episodes that count.
    pub episodes: u32,
    /// What the run cost, where it is one.
    pub run_usd: Option<Usd>,
}

impl Compared {
    /// Whether the second is worse with at least this probability; none where that is not measured.
    pub fn is_worse(&self, probability: f64) -> Option<bool> {
        Some(self.objective.as_ref()?.probability_worse >= probability)
    }
}

/// Compares the second pack with the first. `wants_all` counts episodes that picked a candidate as well.
pub fn compare(first: &Side<'_>, second: &Side<'_>, wants_all: bool) -> Compared {
    let common = Common::of(first, second);
    let many = first.runs.iter().chain(&second.runs).any(|run| run.id != first.runs[0].id);
    let all = [first, second].map(|side| attempts(side, &common, many));
    let copies_left_out = all.iter().map(|found| found.copies).sum();
    let all = all.map(|found| found.attempts);
    let episodes = if wants_all || !has_fresh(&common, &all) { Episodes::All } else { Episodes::Fresh };
    let counted = all.map(|attempts| -> Vec<Attempt<'_>> {
        attempts.into_iter().filter(|it| it.is_fresh || episodes == Episodes::All).collect()
    });
    let paired = pairs(&common, &counted);
    let objective = objective(&common, &paired);
    let count = |is_of_one_run: bool| {
        paired.values().flatten().filter(|pair| pair.is_of_one_run == is_of_one_run).count() as u32
    };
    let [of_first, of_second] = [&counted[0], &counted[1]].map(|attempts| attempts.len() as u32);
    Compared {
        format: FORMAT,
        first: named(first, of_first),
        second: named(second, of_second),
        episodes,
        pairs_of_one_run: count(true),
        pairs_across_runs: count(false),
        copies_left_out,
        objective,
        scenarios: rows::scenarios(&common, &paired),
        checks: rows::checks(&common, &paired),
        costs: cost::costs(&counted, &paired),
        mismatches: common.mismatches,
    }
}

/// An episode of each pack in the same scenario.
struct Match<'a> {
    first: &'a Attempt<'a>,
    second: &'a Attempt<'a>,
    is_of_one_run: bool,
}

/// The pairs by the names of their scenarios.
type Matches<'a> = BTreeMap<String, Vec<Match<'a>>>;

/// Whether both packs have a fresh episode in every scenario that is not held out.
fn has_fresh(common: &Common, sides: &[Vec<Attempt<'_>>; 2]) -> bool {
    common.searched().all(|scenario| {
        let has = |side: &Vec<Attempt<'_>>| {
            side.iter().any(|attempt| attempt.is_fresh && attempt.scenario == scenario.entry.name)
        };
        sides.iter().all(has)
    })
}

fn objective(common: &Common, paired: &Matches<'_>) -> Option<PairedDifference> {
    let scenarios: Vec<Paired> = common
        .searched()
        .map(|scenario| {
            let own = paired.get(&scenario.entry.name).map_or(&[][..], Vec::as_slice);
            let pair = |it: &Match<'_>| Pair::of(fresh(it.second), fresh(it.first));
            Paired { weight: scenario.entry.weight, pairs: own.iter().map(pair).collect() }
        })
        .collect();
    let has_safety = paired.values().flatten().any(|pair| pair.first.safety.is_some());
    paired_difference(&common.profile, &scenarios, has_safety, SEED)
}

fn fresh(attempt: &Attempt<'_>) -> Fresh {
    Fresh { score: attempt.score, safety: attempt.safety }
}

fn named(side: &Side<'_>, episodes: u32) -> Named {
    let newest = &side.runs[side.runs.len() - 1].started;
    Named {
        name: side.name.clone(),
        pack: side.pack.clone(),
        runs: side.runs.iter().map(|run| run.id.clone()).collect(),
        suite: newest.suite.clone(),
        model: newest.model.clone(),
        profile: newest.profile.name.clone(),
        episodes,
        run_usd: side.runs.first().filter(|_| side.runs.len() == 1).and_then(|run| run.usd),
    }
}

/// Values by scenario, as a bar has them: the mean of each pack over the pairs, and their difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Means {
    pub first: f64,
    pub second: f64,
    pub difference: Estimate,
}
