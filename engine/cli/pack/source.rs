//! Which pack is meant: one on disk, of a run, or somewhere else.

use crate::exit::BadInput;
use crate::run::start::{Start, baseline};
use crate::runs::find;
use packwright::event::{Candidate, Event, RunFinished, Verdict};
use packwright::pack::Pack;
use packwright::publish::{GitProgram, fetch_pack, is_remote};
use packwright::store::Store;
use packwright::workspace::load_pack;
use std::path::Path;

/// A prefix of a hash has at least so many digits.
const PREFIX_MIN: usize = 4;

/// Opens the pack that a user names.
pub fn open(name: &str, runs: &Path) -> anyhow::Result<Pack> {
    let path = Path::new(name);
    if name == "baseline" {
        return Ok(baseline().pack);
    }
    if is_remote(name) {
        return fetched(name);
    }
    if path.exists() {
        return Ok(load_pack(path).map_err(|error| BadInput(error.to_string()))?);
    }
    let (run, pick) = name.split_once(':').unwrap_or((name, ""));
    if is_run(runs, run) {
        return of_run(&find(runs, Some(run))?, pick);
    }
    bad(format!(
        "{name:?} is no pack: name a pack.json, an AGENTS.md, a folder with either, a run in {}, `baseline`, an https \
         address, or git:REPOSITORY#REVISION",
        runs.display()
    ))
}

/// Fetches a pack; whatever goes wrong is told as it is.
fn fetched(name: &str) -> anyhow::Result<Pack> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let pack = runtime.block_on(fetch_pack(name, &GitProgram::default()));
    Ok(pack.map_err(|error| BadInput(error.to_string()))?)
}

fn is_run(runs: &Path, name: &str) -> bool {
    let is_name = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    is_name && runs.join(name).is_dir()
}

/// The pack of a run: what stands after it, or the one that is picked.
fn of_run(folder: &Path, pick: &str) -> anyhow::Result<Pack> {
    let records = Store::open_to_read(folder)?.records()?;
    let events = || records.iter().map(|record| &record.event);
    let shown = folder.display();
    let Some(Event::RunStarted(started)) = events().next() else {
        return bad(format!("{shown} has no first event: it is no whole run"));
    };
    let proposed = events().filter_map(|event| match event {
        Event::Proposed(proposed) => Some(&proposed.candidate),
        _ => None,
    });
    let candidates: Vec<&Candidate> = std::iter::once(&started.incumbent).chain(proposed).collect();
    let finished = events().find_map(|event| match event {
        Event::RunFinished(finished) => Some(finished),
        _ => None,
    });
    let candidate = match pick {
        "" => standing(&candidates, finished),
        "incumbent" => &started.incumbent,
        "finalist" => match finished.and_then(|finished| finished.finalist.as_ref()) {
            Some(id) => candidates.iter().find(|candidate| candidate.id == *id).unwrap_or(&candidates[0]),
            None => return bad(format!("{shown} has no finalist: it did not come to a candidate")),
        },
        prefix => by_prefix(&candidates, prefix, &shown.to_string())?,
    };
    Ok(Start::of_run(started)?.pack.with_policy(&candidate.agents_md))
}

/// What stands after a run: its winner, or what it began with.
fn standing<'a>(candidates: &[&'a Candidate], finished: Option<&RunFinished>) -> &'a Candidate {
    let winner = finished.filter(|finished| matches!(finished.verdict, Verdict::Better(_)));
    let id = winner.and_then(|finished| finished.finalist.as_ref());
    let found = id.and_then(|id| candidates.iter().find(|candidate| candidate.id == *id));
    found.unwrap_or(&candidates[0])
}

fn by_prefix<'a>(candidates: &[&'a Candidate], prefix: &str, run: &str) -> anyhow::Result<&'a Candidate> {
    let prefix = prefix.to_ascii_lowercase();
    let found: Vec<&&Candidate> =
        candidates.iter().filter(|candidate| candidate.id.0.starts_with(&prefix)).collect();
    match found[..] {
        [only] if prefix.len() >= PREFIX_MIN => Ok(only),
        _ if prefix.len() < PREFIX_MIN => {
            bad(format!("{prefix:?} is no pick: write incumbent, finalist, or {PREFIX_MIN} digits of a hash"))
        }
        [] => bad(format!("{run} has no pack whose hash begins with {prefix:?}")),
        _ => bad(format!("{prefix:?} begins the hashes of several packs of {run}")),
    }
}

fn bad<T>(problem: String) -> anyhow::Result<T> {
    Err(BadInput(problem).into())
}
