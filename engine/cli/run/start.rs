//! The pack to be beaten: which one it is, and why that one.

use super::RunArgs;
use super::settings::Settings;
use crate::exit::BadInput;
use anyhow::Context;
use packwright::event::{Candidate, RunStarted, Verdict};
use packwright::pack::{Pack, PackMetadata};
use packwright::publish::{PackRepo, PublishError};
use packwright::report::plain;
use packwright::store::run_entries;
use packwright::workspace::{baseline_policy, load_pack};
use std::path::Path;

/// The incumbent of a run.
pub struct Start {
    pub pack: Pack,
    /// For people: what it is and where it comes from.
    pub description: String,
}

impl Start {
    pub fn new(pack: Pack, origin: &str) -> Start {
        let description = format!("{origin}, pack {}", pack.hash().short());
        Start { pack, description }
    }

    /// The incumbent of a run that has begun.
    pub fn of_run(started: &RunStarted) -> anyhow::Result<Start> {
        let pack = Pack::read(started.base.dumps().as_bytes());
        let pack = pack.map_err(|issues| anyhow::anyhow!("the run's own pack is broken: {issues:?}"))?;
        Ok(Start::new(pack, "the pack this run began with"))
    }

    pub fn candidate(&self) -> Candidate {
        Candidate::brought(self.pack.hash().clone(), self.pack.agents_md())
    }
}

/// Chooses the incumbent of a new run: the pack that the user names, or the best so far, or the baseline.
///
/// A run of the offline model with a given seed that would only repeat a finished run with the same settings
/// begins where that one began, though its winner is the best by now: same inputs and seed, same result. A
/// provider's model gives other episodes every time, so there is nothing to repeat. `started` says what a run
/// with a certain start would record first.
pub fn choose(
    args: &RunArgs,
    settings: &Settings,
    started: &dyn Fn(&Start) -> RunStarted,
) -> anyhow::Result<Start> {
    let start = chosen(args, settings, started)?;
    if start.pack.brings_user_md() {
        let problem = format!(
            "{} brings a USER.md: validators would leave it in the place of the scenario's, and every candidate would \
             inherit it. Remove that file from the pack; who the user is comes from the scenario",
            start.description
        );
        return Err(BadInput(problem).into());
    }
    Ok(start)
}

fn chosen(
    args: &RunArgs,
    settings: &Settings,
    started: &dyn Fn(&Start) -> RunStarted,
) -> anyhow::Result<Start> {
    let best = best_so_far(&settings.packs)?;
    if let Some(name) = &args.start {
        return named_beside(name, best.as_ref(), &settings.packs);
    }
    let Some(best) = best else { return Ok(baseline()) };
    if args.seed.is_some()
        && settings.models.are_offline()
        && let Some(start) = start_of_repeated_run(&args.runs, &best, started)?
    {
        return Ok(start);
    }
    let mut start = Start::new(best, &format!("the best so far in {}", args.packs.display()));
    start.description.push_str(&other_conditions(&settings.packs, &started(&start))?);
    Ok(start)
}

/// A pack that won under other conditions need not be good under these.
fn other_conditions(packs: &Path, run: &RunStarted) -> anyhow::Result<String> {
    Ok(match PackRepo::open_or_create(packs)?.won_with()? {
        Some(won) if won.model != run.model || won.suite != run.suite => {
            let (model, suite) = (plain(&won.model), plain(&won.suite));
            format!(", which won with {model} on suite {suite}; --start and --packs take another")
        }
        _ => String::new(),
    })
}

/// The pack that the user names, unless the pack repository holds another one.
pub fn named_beside(name: &str, best: Option<&Pack>, packs: &Path) -> anyhow::Result<Start> {
    let start = named(name)?;
    match best {
        Some(best) if best.hash() != start.pack.hash() => Err(other_best(packs, best)),
        _ => Ok(start),
    }
}

fn named(name: &str) -> anyhow::Result<Start> {
    if name == "baseline" {
        return Ok(baseline());
    }
    let pack = load_pack(Path::new(name)).map_err(|error| BadInput(error.to_string()))?;
    Ok(Start::new(pack, name))
}

/// A winner over one pack must not replace another one that it was never compared with.
fn other_best(packs: &Path, best: &Pack) -> anyhow::Error {
    let packs = packs.display();
    let problem = format!(
        "{packs} holds another pack ({}), which a winner of this run would replace without having met it; leave \
         --start away to improve that one, or name another pack repository with --packs",
        best.hash().short()
    );
    BadInput(problem).into()
}

/// The pack of a first run.
pub fn baseline() -> Start {
    Start::new(Pack::of_policy(baseline_policy(), &PackMetadata::default()), "the built-in baseline")
}

/// The pack that is committed in the pack repository; none where there is no repository yet. Where a winner
/// could not be committed, that is said now, not after the run.
pub fn best_so_far(packs: &Path) -> anyhow::Result<Option<Pack>> {
    let bad = |error: PublishError| BadInput(error.to_string());
    if !packs.join(".git").exists() {
        if let Some(file) = ["pack.json", "AGENTS.md"].iter().find(|file| packs.join(file).exists()) {
            let packs = packs.display();
            let problem = format!(
                "{packs} holds {file} and is no git repository, so a winner would overwrite it; \
                         name another folder with --packs, or commit the file to a repository there"
            );
            return Err(BadInput(problem).into());
        }
        return Ok(None);
    }
    let repo = PackRepo::open_or_create(packs).map_err(bad)?;
    repo.check_ready().map_err(bad)?;
    repo.current().with_context(|| format!("read the best pack in {}", packs.display()))
}

fn start_of_repeated_run(
    runs: &Path,
    best: &Pack,
    started: &dyn Fn(&Start) -> RunStarted,
) -> anyhow::Result<Option<Start>> {
    for entry in run_entries(runs)?.into_iter().rev().flatten() {
        let (Some(earlier), Some(finished)) = (&entry.started, &entry.finished) else { continue };
        let won =
            matches!(finished.verdict, Verdict::Better(_)) && finished.finalist.as_ref() == Some(best.hash());
        if !won {
            continue;
        }
        let mut start = Start::of_run(earlier)?;
        if started(&start) == *earlier {
            start.description = format!("the start of run {}, which this run repeats", entry.id);
            return Ok(Some(start));
        }
    }
    Ok(None)
}
