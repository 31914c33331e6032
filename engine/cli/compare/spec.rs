//! Which packs are meant, and which stored runs are asked for their episodes.

use crate::exit::BadInput;
use crate::out;
use crate::run::start;
use packwright::budget::{Charge, Role};
use packwright::compare::{Side, StoredRun, conditions};
use packwright::event::{Candidate, Event, Verdict};
use packwright::store::{Store, run_entries};
use packwright::units::{PackHash, RunId, Usd};
use packwright::workspace::load_pack;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// A prefix of a hash has at least so many digits.
const PREFIX_MIN: usize = 4;

/// The runs of a folder, oldest first.
pub struct Shelf {
    runs: Vec<StoredRun>,
    folder: String,
}

impl Shelf {
    /// Reads all runs. What cannot be read is told and passed over.
    pub fn open(folder: &Path) -> anyhow::Result<Shelf> {
        let entries = run_entries(folder)?;
        let read: Vec<_> = entries
            .into_par_iter()
            .map(|entry| match entry {
                Ok(entry) => read(&entry.folder).map_err(|error| (entry.folder, error)),
                Err(unreadable) => Err(unreadable),
            })
            .collect();
        let mut runs = Vec::new();
        for result in read {
            match result {
                Ok(run) => runs.extend(run),
                Err((folder, error)) => out::note(format_args!(
                    "warning: {} cannot be read and is passed over: {error:#}",
                    folder.display()
                )),
            }
        }
        Ok(Shelf { runs, folder: folder.display().to_string() })
    }

    fn run(&self, id: &str) -> Option<&StoredRun> {
        self.runs.iter().find(|run| run.id.0 == id)
    }

    /// All candidates of all runs, each once.
    fn candidates(&self) -> BTreeMap<&PackHash, &Candidate> {
        self.runs.iter().flat_map(candidates).map(|candidate| (&candidate.id, candidate)).collect()
    }
}

/// None where the run never started.
fn read(folder: &Path) -> anyhow::Result<Option<StoredRun>> {
    let store = Store::open_to_read(folder)?;
    let records = store.records()?;
    let Some(Event::RunStarted(started)) = records.first().map(|record| &record.event) else {
        return Ok(None);
    };
    let usd = store
        .calls()?
        .iter()
        .filter(|call| matches!(call.role, Role::Agent | Role::Writer))
        .filter_map(|call| match call.settled?.charge {
            Charge::Counted { usd, .. } => usd,
            _ => None,
        })
        .reduce(Usd::plus);
    Ok(Some(StoredRun {
        id: RunId(folder.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        started: started.clone(),
        rubrics: store.rubrics()?,
        encounters: store.encounters()?,
        usd,
        records,
    }))
}

fn candidates(run: &StoredRun) -> impl Iterator<Item = &Candidate> {
    run.records.iter().filter_map(|record| match &record.event {
        Event::RunStarted(started) => Some(&started.incumbent),
        Event::Proposed(proposed) => Some(&proposed.candidate),
        _ => None,
    })
}

/// What a run ended with.
fn finished(run: &StoredRun) -> Option<&packwright::event::RunFinished> {
    run.records.iter().find_map(|record| match &record.event {
        Event::RunFinished(finished) => Some(finished),
        _ => None,
    })
}

fn bad<T>(problem: String) -> anyhow::Result<T> {
    Err(BadInput(problem).into())
}

/// Incumbent and finalist of a run, or of the newest.
pub fn sides_of_run<'a>(shelf: &'a Shelf, id: Option<&str>) -> anyhow::Result<[Side<'a>; 2]> {
    let run = match id {
        Some(id) => shelf.run(id),
        None => shelf.runs.last(),
    };
    let Some(run) = run else {
        return match id {
            Some(id) => bad(format!(
                "there is no run {id:?} in {}; a single name is that of a run, and two packs take two names",
                shelf.folder
            )),
            None => bad(format!("there are no runs in {}", shelf.folder)),
        };
    };
    Ok([picked(run, "incumbent")?, picked(run, "finalist")?])
}

/// What the user calls a pack; `other` is what the pack is compared with.
pub fn side<'a>(shelf: &'a Shelf, name: &str, other: &str) -> anyhow::Result<Side<'a>> {
    if let Some(run) = shelf.run(name) {
        return picked(run, "");
    }
    if let Some((id, pick)) = name.split_once(':')
        && let Some(run) = shelf.run(id)
    {
        return picked(run, pick);
    }
    let pack = pack_named(shelf, name)?;
    let holds = |run: &&StoredRun| candidates(run).any(|candidate| candidate.id == pack);
    let runs: Vec<&StoredRun> =
        shelf.runs.iter().filter(holds).filter(|run| has_episode(run, &pack)).collect();
    if runs.is_empty() {
        return bad(format!(
            "no run in {} has measured {name} (pack {}); a run that begins with it does: `optimize --start …`",
            shelf.folder,
            pack.short()
        ));
    }
    Ok(Side { name: name.to_owned(), runs: alike(shelf, runs, other), pack })
}

/// The runs that share the conditions of one of them: of the newest that holds the other pack as well or is the other
/// run, else of the newest. How many are left out is told.
fn alike<'a>(shelf: &'a Shelf, runs: Vec<&'a StoredRun>, other: &str) -> Vec<&'a StoredRun> {
    let id = other.split(':').next().unwrap_or(other);
    let wanted = shelf.run(id).map(conditions).or_else(|| {
        let other = pack_named(shelf, other).ok()?;
        runs.iter().rev().find(|run| has_episode(run, &other)).map(|run| conditions(run))
    });
    let newest = conditions(runs[runs.len() - 1]);
    let is_there = |wanted: &_| runs.iter().any(|run| conditions(run) == *wanted);
    let wanted = wanted.filter(is_there).unwrap_or(newest);
    let (kept, left_out): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| conditions(run) == wanted);
    if !left_out.is_empty() {
        let ids: Vec<&str> = left_out.iter().map(|run| run.id.0.as_str()).collect();
        out::note(format_args!(
            "note: {} left out, under another suite, profile or model: {}",
            if ids.len() == 1 { "a run is".to_owned() } else { format!("{} runs are", ids.len()) },
            ids.join(", ")
        ));
    }
    kept
}

fn has_episode(run: &StoredRun, pack: &PackHash) -> bool {
    run.records.iter().any(|record| match &record.event {
        Event::EpisodeScored(scored) => scored.key.candidate == *pack,
        _ => false,
    })
}

/// A candidate of the run in a folder, as `picked` takes it.
pub fn candidate_of(folder: &Path, pick: &str) -> anyhow::Result<PackHash> {
    match read(folder)? {
        Some(run) => Ok(picked(&run, pick)?.pack),
        None => bad(format!("{} has no first event: it is no whole run", folder.display())),
    }
}

/// A candidate of one run; without a word the pack that stands after it.
fn picked<'a>(run: &'a StoredRun, pick: &str) -> anyhow::Result<Side<'a>> {
    let incumbent = &run.started.incumbent.id;
    let finalist = finished(run).and_then(|finished| finished.finalist.as_ref());
    let id = &run.id;
    let (pack, role) = match pick {
        "" => match finished(run).map(|finished| &finished.verdict) {
            Some(Verdict::Better(_)) => (finalist.unwrap_or(incumbent).clone(), "winner".to_owned()),
            _ => (incumbent.clone(), "incumbent, which stands".to_owned()),
        },
        "incumbent" => (incumbent.clone(), pick.to_owned()),
        "finalist" => match finalist {
            Some(finalist) => (finalist.clone(), pick.to_owned()),
            None => return bad(format!("run {id} has no finalist: it did not come to a candidate")),
        },
        prefix => {
            let found = candidates(run).map(|candidate| (&candidate.id, candidate)).collect();
            (by_prefix(&found, prefix, &format!("run {id}"))?, "candidate".to_owned())
        }
    };
    if !has_episode(run, &pack) {
        return bad(format!("run {id} has no scored episode of pack {}", pack.short()));
    }
    Ok(Side { name: format!("{id} ({role})"), pack, runs: vec![run] })
}

/// A pack by its file or folder, as the built-in baseline, or by the first digits of its hash.
fn pack_named(shelf: &Shelf, name: &str) -> anyhow::Result<PackHash> {
    let known = shelf.candidates();
    let path = Path::new(name);
    let pack = if name == "baseline" {
        start::baseline().pack
    } else if path.exists() {
        load_pack(path).map_err(|error| BadInput(error.to_string()))?
    } else if name.len() >= PREFIX_MIN && name.chars().all(|c| c.is_ascii_hexdigit()) {
        return by_prefix(&known, name, &shelf.folder);
    } else {
        return bad(format!(
            "{name:?} is no run in {}, no pack's file or folder, and no hash of at least {PREFIX_MIN} digits; \
             `optimize runs` lists the runs",
            shelf.folder
        ));
    };
    // A policy alone has not the name and version that a run's packs have.
    let same = || known.values().find(|candidate| candidate.agents_md == pack.agents_md());
    Ok(match known.contains_key(pack.hash()) {
        true => pack.hash().clone(),
        false => same().map_or_else(|| pack.hash().clone(), |candidate| candidate.id.clone()),
    })
}

fn by_prefix(known: &BTreeMap<&PackHash, &Candidate>, prefix: &str, place: &str) -> anyhow::Result<PackHash> {
    let prefix = prefix.to_ascii_lowercase();
    let found: Vec<&PackHash> =
        known.keys().copied().filter(|id| id.0.starts_with(&prefix) && !prefix.is_empty()).collect();
    match found[..] {
        [only] => Ok(only.clone()),
        [] => bad(format!("{place} has no pack whose hash begins with {prefix:?}")),
        _ => {
            let named: Vec<&str> = found.iter().map(|id| &id.0[..id.0.len().min(16)]).collect();
            bad(format!("{prefix:?} begins the hashes of several packs: {}", named.join(", ")))
        }
    }
}
