//! Reads what people write: suites of scenarios, and policy packs. After reading, nothing about the input can
//! fail any more; until then every mistake is found, placed and explained, all of them at once.

mod disk;
mod embedded;
mod export;
mod fixtures;
mod idle;
mod inspect;
mod json_place;
mod pack;
mod suite;
mod yaml_text;

use crate::scenario::problem::{Problem, Report, Severity, Strictness};
use crate::scenario::{Folder, Suite};
use std::fmt;
use std::path::{Path, PathBuf};

pub use embedded::baseline_policy;
pub use export::{EXPORT_MARK, clawbench_document, clawbench_files};
pub use idle::{IDLE_SCORE_MAX, idle_scorecard};
pub use inspect::{Found, Inspection, inspect, inspect_embedded};
pub use pack::load_pack;
pub use suite::hash_with_rubrics;
pub use yaml_text::yaml_text;

/// Where a suite comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuiteSource {
    /// The suite inside the program.
    Embedded,
    /// A folder in our own layout, or a checkout of ClawBench.
    Folder(PathBuf),
}

/// A suite that can be used, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub suite: Suite,
    pub warnings: Vec<Problem>,
}

/// Why something cannot be used: at least one error, and the warnings beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    pub problems: Vec<Problem>,
}

impl std::error::Error for LoadError {}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        write!(f, "{errors} {}", if errors == 1 { "problem" } else { "problems" })
    }
}

/// Reads a suite; fails with everything that is wrong with it.
pub fn load_suite(source: &SuiteSource) -> Result<Loaded, LoadError> {
    let (suite, problems) = match source {
        SuiteSource::Embedded => {
            let (name, prefix) = ("packwright".to_owned(), "built-in/".to_owned());
            suite::assemble(&suite::Source { name, prefix, folder: &embedded::suite_files() })
        }
        SuiteSource::Folder(path) => from_folder(path)?,
    };
    match suite {
        Some(suite) => Ok(Loaded { suite, warnings: problems }),
        None => Err(LoadError { problems }),
    }
}

/// Reads a folder as it stands, without what begins with a dot; fails with everything that cannot be read.
pub fn load_folder(path: &Path) -> Result<Folder, LoadError> {
    let mut report = Report::new(&path.display().to_string(), Strictness::Own);
    let folder = disk::read_all(path, &mut report);
    if report.errors().next().is_some() { Err(LoadError { problems: report.problems }) } else { Ok(folder) }
}

fn from_folder(path: &Path) -> Result<(Option<Suite>, Vec<Problem>), LoadError> {
    let shown = path.display().to_string();
    let mut report = Report::new(&shown, Strictness::Own);
    let folder = suite_folder(path, &mut report);
    if report.errors().next().is_some() {
        return Err(LoadError { problems: report.problems });
    }
    let name = std::fs::canonicalize(path).ok();
    let name = name.as_deref().unwrap_or(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let prefix = format!("{}/", shown.trim_end_matches('/'));
    Ok(suite::assemble(&suite::Source {
        name: name.unwrap_or_else(|| "suite".to_owned()),
        prefix,
        folder: &folder,
    }))
}

fn suite_folder(path: &Path, report: &mut Report) -> Folder {
    if path.is_file() {
        report
            .error(None, "", "is a file; a suite is a folder")
            .help("name the folder that holds `scenarios`");
        return Folder::default();
    }
    if path.is_dir()
        && !path.join("scenarios").is_dir()
        && path.file_name().is_some_and(|name| name == "scenarios")
    {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.map_or_else(|| ".".to_owned(), |parent| parent.display().to_string());
        report.error(None, "", "is the scenarios of a suite, not the suite").help(format!("name {parent}"));
        return Folder::default();
    }
    disk::read_folder(path, &["scenarios", "fixtures", "rubrics"], report)
}
