//! Looks at whatever a path names (a suite, one of its files, or a pack) and tells all that is wrong with it.

use crate::pack::Pack;
use crate::scenario::Suite;
use crate::scenario::node::{Node, Tree};
use crate::scenario::problem::{Problem, Report, Strictness};
use crate::scenario::raw::{RawScenario, read_rubric, read_scenario};
use crate::scenario::yaml;
use crate::workspace::disk::read_file;
use crate::workspace::pack::is_pack_folder;
use crate::workspace::{Loaded, SuiteSource, load_pack, load_suite};
use std::path::{Path, PathBuf};

/// What was found at a path, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// None where the errors forbid its use.
    pub found: Option<Found>,
    /// Errors and warnings.
    pub problems: Vec<Problem>,
}

/// What a path can name.
#[derive(Clone, Debug)]
pub enum Found {
    Suite(Suite),
    /// A scenario file with this many checks.
    Scenario {
        checks: usize,
    },
    /// A scenario file whose checks an evaluator outside of this program brings.
    ScenarioScoredOutside,
    /// A rubric file with this many checks.
    Rubric {
        checks: usize,
    },
    Pack(Box<Pack>),
}

/// Inspects the embedded suite.
pub fn inspect_embedded() -> Inspection {
    of_suite(&SuiteSource::Embedded)
}

/// Inspects a suite folder, a scenario or rubric file, or a pack.
pub fn inspect(path: &Path) -> Inspection {
    if path.is_dir() {
        if path.join("scenarios").is_dir() || !is_pack_folder(path) {
            return of_suite(&SuiteSource::Folder(path.to_owned()));
        }
        return of_pack(path);
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("yaml" | "yml") => of_yaml(path),
        _ => of_pack(path),
    }
}

fn of_suite(source: &SuiteSource) -> Inspection {
    match load_suite(source) {
        Ok(Loaded { suite, warnings }) => Inspection { found: Some(Found::Suite(suite)), problems: warnings },
        Err(error) => Inspection { found: None, problems: error.problems },
    }
}

fn of_pack(path: &Path) -> Inspection {
    match load_pack(path) {
        Ok(pack) => Inspection { found: Some(Found::Pack(Box::new(pack))), problems: Vec::new() },
        Err(error) => Inspection { found: None, problems: error.problems },
    }
}

/// A file that belongs to a suite is read with the suite's other files; any other one alone.
fn of_yaml(path: &Path) -> Inspection {
    let mut report = Report::new(&path.display().to_string(), Strictness::Own);
    let found = read_alone(path, &mut report);
    match suite_of(path) {
        Some(suite) if found.is_some() => {
            let problems = match load_suite(&SuiteSource::Folder(suite)) {
                Ok(loaded) => loaded.warnings,
                Err(error) => error.problems,
            };
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let problems: Vec<Problem> =
                problems.into_iter().filter(|problem| concerns(problem, &stem)).collect();
            let sound = problems.iter().all(|problem| !problem.is_error());
            Inspection { found: found.filter(|_| sound), problems }
        }
        _ => {
            if let Some(Found::Scenario { checks: 0 }) = found
                && report.errors().next().is_none()
            {
                report.warning(
                    None,
                    "",
                    "has no checks of its own, and lies in no suite with a rubric for it",
                );
            }
            Inspection {
                found: found.filter(|_| report.errors().next().is_none()),
                problems: report.problems,
            }
        }
    }
}

fn read_alone(path: &Path, report: &mut Report) -> Option<Found> {
    let bytes = read_file(path, report)?;
    let text = report.text(&bytes)?;
    let root = yaml::parse(text, report)?;
    if is_rubric(&root) {
        read_rubric(&root, report).map(|checks| Found::Rubric { checks: checks.len() })
    } else {
        let found = |raw: RawScenario| match raw.is_scored_outside {
            true => Found::ScenarioScoredOutside,
            false => Found::Scenario { checks: raw.checks.len() },
        };
        read_scenario(&root, report).map(found)
    }
}

/// Scenarios have many keys, but never `checks` at the top.
fn is_rubric(root: &Node) -> bool {
    matches!(&root.tree, Tree::Map(members) if members.contains_key("checks") && !members.contains_key("name"))
}

/// The suite folder that a file belongs to by its place.
fn suite_of(file: &Path) -> Option<PathBuf> {
    let file = if file.is_absolute() { file.to_owned() } else { Path::new(".").join(file) };
    let part = file.parent()?;
    let is_part = part.file_name().is_some_and(|name| name == "scenarios" || name == "rubrics");
    let suite = part.parent()?;
    let suite = suite.strip_prefix(".").unwrap_or(suite);
    let suite = if suite.as_os_str().is_empty() { Path::new(".") } else { suite };
    (is_part && suite.join("scenarios").is_dir()).then(|| suite.to_owned())
}

/// Whether a problem is about one scenario of a suite.
fn concerns(problem: &Problem, stem: &str) -> bool {
    let file = problem.file.replace('\\', "/");
    let files = [format!("scenarios/{stem}.yaml"), format!("rubrics/{stem}.yaml")];
    files.iter().any(|name| file.ends_with(name.as_str())) || file.contains(&format!("fixtures/{stem}/"))
}
