//! The suite, whether the budget is enough for it, the pack repository, and the pack to be beaten.

use super::row::{Fault, Found, Row};
use crate::run::start::{Start, baseline, best_so_far, named_beside};
use crate::run::{Prepared, RunArgs};
use packwright::pack::Pack;
use packwright::scenario::Suite;
use packwright::score::Profile;
use packwright::search::shortage_of_budget;
use packwright::shell::{in_shell, path_in_shell};
use packwright::workspace::{SuiteSource, load_pack, load_suite};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether the suite can be read.
pub fn suite(folder: Option<PathBuf>) -> Found<Arc<Suite>> {
    let place = folder.as_ref().map_or(String::new(), |folder| format!(" {}", path_in_shell(folder)));
    let see_all = match &folder {
        Some(folder) if !folder.exists() => "name a folder that holds `scenarios` with --suite".to_owned(),
        _ => format!("`optimize check{place}` shows all of it"),
    };
    match load_suite(&folder.map_or(SuiteSource::Embedded, SuiteSource::Folder)) {
        Err(error) => {
            let first = first_of(error.problems.iter().map(ToString::to_string));
            (Row::failed("suite", Fault::Setup, first, see_all), None)
        }
        Ok(loaded) => {
            let checks: usize = loaded.suite.scenarios.iter().map(|one| one.rubric.checks.len()).sum();
            let scenarios = loaded.suite.scenarios.len();
            let finding = format!("{}: {scenarios} scenarios, {checks} checks", loaded.suite.name);
            let row = if loaded.warnings.is_empty() {
                Row::passed("suite", finding)
            } else {
                let first = first_of(loaded.warnings.iter().map(ToString::to_string));
                Row::warning("suite", format!("{finding}; {first}"), see_all)
            };
            (row, Some(Arc::new(loaded.suite)))
        }
    }
}

/// Whether the budget and the limits can decide anything on the suite.
pub fn budget(run: &RunArgs, suite: &Suite) -> Found<()> {
    let budget = run.budget;
    let held_out = suite.scenarios.iter().filter(|scenario| scenario.held_out).count() as u32;
    let searched = suite.scenarios.len() as u32 - held_out;
    let row = match shortage_of_budget(budget, searched, held_out) {
        None => {
            let finding = format!("{budget} episodes for {searched} scenarios, {held_out} more held out");
            // What keeps a run from being settled has a row of its own.
            match Prepared::of(run).ok().filter(|_| !run.force).and_then(|prepared| prepared.too_little()) {
                None => Row::passed("budget", finding),
                Some(problem) => {
                    Row::failed("budget", Fault::Setup, problem, "see `optimize estimate` with these options")
                }
            }
        }
        Some(shortage) => {
            let fix = if searched == 0 {
                "remove `held_out: true` from at least one scenario".to_owned()
            } else {
                format!("give a larger --budget, for example --budget {}", 20 * searched)
            };
            Row::failed("budget", Fault::Setup, shortage, fix)
        }
    };
    (row, None)
}

/// Whether a winner could be committed; gives the best pack so far, if there is one.
pub fn packs(folder: &Path) -> Found<Option<Pack>> {
    let shown = folder.display();
    match best_so_far(folder) {
        Ok(None) if !folder.join(".git").exists() => {
            (Row::passed("packs", format!("the first winner makes a git repository of {shown}")), Some(None))
        }
        Ok(None) => (Row::passed("packs", format!("{shown} is a git repository without a pack")), Some(None)),
        Ok(Some(best)) => {
            let finding =
                format!("{shown} has pack {}, and a winner could be committed", best.hash().short());
            (Row::passed("packs", finding), Some(Some(best)))
        }
        Err(error) => {
            let fix = if folder.join(".git").exists() {
                format!(
                    "see `git -C {} status`, and commit or restore what it shows; or name another folder with \
                     --packs",
                    path_in_shell(folder)
                )
            } else {
                "name another folder with --packs, or move the file away".to_owned()
            };
            (Row::failed("packs", Fault::Setup, format!("{error:#}"), fix), None)
        }
    }
}

/// The pack that a run would have to beat.
pub fn start(name: Option<&str>, best: Option<Pack>, packs: &Path, profile: &Profile) -> Found<Arc<Pack>> {
    let chosen = match (name, best) {
        (Some(name), best) => named_beside(name, best.as_ref(), packs),
        (None, Some(best)) => Ok(Start::new(best, "the best so far")),
        (None, None) => Ok(baseline()),
    };
    match chosen {
        Ok(Start { pack, description }) if pack.brings_user_md() => {
            let finding = format!("{description}: it brings a USER.md, and no run begins with such a pack");
            let fix = "remove USER.md from the pack: who the user is comes from the scenario";
            (Row::failed("start pack", Fault::Setup, finding, fix), None)
        }
        Ok(Start { pack, description }) => {
            let warnings = pack.warnings(profile.file_utf16_max, profile.total_utf16_max);
            let row = if warnings.is_empty() {
                Row::passed("start pack", description)
            } else {
                let first = first_of(warnings.iter().map(ToString::to_string));
                let fix = "shorten or correct the pack; a run would begin with it as it is";
                Row::warning("start pack", format!("{description}: {first}"), fix)
            };
            (row, Some(Arc::new(pack)))
        }
        Err(error) => (no_start(name.unwrap_or_default(), &error), None),
    }
}

/// Why the named pack is no start, and what would be one.
fn no_start(name: &str, error: &anyhow::Error) -> Row {
    let refused = |finding, fix| Row::failed("start pack", Fault::Setup, finding, fix);
    match load_pack(Path::new(name)) {
        Err(problems) if name != "baseline" => {
            let fix = if Path::new(name).exists() {
                format!("see `optimize check {}`, or leave --start away", in_shell(name))
            } else {
                "name an AGENTS.md, a pack.json, a folder with either, or `baseline`".to_owned()
            };
            refused(first_of(problems.problems.iter().map(ToString::to_string)), fix)
        }
        _ => refused(
            format!("{error:#}"),
            "leave --start away to improve the best so far, or name another pack repository with --packs"
                .into(),
        ),
    }
}

/// The first of several problems, and how many there are.
fn first_of(problems: impl Iterator<Item = String>) -> String {
    let problems: Vec<String> = problems.collect();
    let first = problems.first().map(String::as_str).unwrap_or_default();
    let first = first.replace("\n  help: ", "; ");
    match problems.len() {
        0 | 1 => first,
        several => format!("{first} (and {} more)", several - 1),
    }
}
