//! A program whose tests are the checks: it runs in a folder of its own that holds the pack's files and the request,
//! and leaves a report of its tests there.

use super::Failure;
use super::process::{Program, Ran};
use super::report;
use crate::agent::held::HeldFolder;
use crate::episode::{Episode, FailureClass, Outcome};
use crate::pack::Pack;
use crate::scenario::Rubric;
use secrecy::SecretString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Component, Path};

/// How a folder of an episode begins.
const PREFIX: &str = "packwright-tests-";
const REQUEST_FILE: &str = "request.json";
/// Where reports are looked for, as the common runners name them.
pub(super) const REPORTS: [&str; 8] = [
    "ctrf-report.json",
    "ctrf/ctrf-report.json",
    "ctrf.json",
    "junit.xml",
    "report.xml",
    "results.xml",
    "test-results.xml",
    "reports/junit.xml",
];
const REPORT_BYTES_MAX: u64 = 16 << 20;
/// The variable that says where the run was begun.
const HOME_VARIABLE: &str = "PACKWRIGHT_FOLDER";

/// The folder of an episode; it goes when this is dropped.
pub(super) struct TestFolder(HeldFolder);

impl TestFolder {
    /// Lays out the pack's files and the request.
    pub fn new(pack: &Pack, request: &str) -> io::Result<TestFolder> {
        let folder = HeldFolder::new(&std::env::temp_dir(), PREFIX)?;
        for (name, text) in pack.files() {
            let path = Path::new(name);
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(io::Error::other(format!("the pack's file {name:?} leads out of its folder")));
            }
            if name == REQUEST_FILE || REPORTS.contains(&name) {
                return Err(io::Error::other(format!(
                    "the pack has a file {name:?}, which stands for something else here"
                )));
            }
            let path = folder.path().join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, text)?;
        }
        fs::write(folder.path().join(REQUEST_FILE), request)?;
        Ok(TestFolder(folder))
    }

    /// The program as it runs here. Words that name a file of the folder where the run was begun are given as they
    /// are found from everywhere.
    pub fn program(&self, from: Program) -> Program {
        let home = from.folder;
        let resolved = |(index, word): (usize, String)| {
            let path = home.join(&word);
            // A bare first word is a program on the path.
            let is_ours = (index > 0 || word.contains('/')) && !word.is_empty() && path.is_file();
            if is_ours { path.to_string_lossy().into_owned() } else { word }
        };
        let words = from.words.into_iter().enumerate().map(resolved).collect();
        let mut given = from.given;
        given.push((HOME_VARIABLE.to_owned(), SecretString::from(home.to_string_lossy().into_owned())));
        Program { words, folder: self.0.path().to_owned(), withheld: from.withheld, given }
    }

    /// What the tests came to: the report's, unless the exit code says otherwise.
    pub fn result(&self, ran: &Ran, rubric: &Rubric) -> Result<Episode, Failure> {
        if let Some(signal) = ran.status.signal() {
            let problem = format!("the tests were ended by signal {signal}");
            return Err(Failure::after(problem, &ran.stderr, FailureClass::Transient));
        }
        let code = ran.status.code().unwrap_or(-1);
        let found: Vec<&str> =
            REPORTS.into_iter().filter(|name| self.0.path().join(name).is_file()).collect();
        let name = match found[..] {
            [name] => name,
            [] => {
                let places = REPORTS.join(", ");
                let problem = format!("the tests left no report (exit code {code}); looked for {places}");
                return Err(Failure::after(problem, &ran.stderr, FailureClass::Request));
            }
            _ => {
                let problem = format!("the tests left several reports: {}", found.join(", "));
                return Err(Failure::after(problem, "", FailureClass::Setup));
            }
        };
        let checks = read_file(&self.0.path().join(name)).and_then(|bytes| report::read(&bytes, rubric));
        let checks = checks.map_err(|problem| {
            let problem = format!("the report {name} cannot be used: {problem}");
            Failure::after(problem, &ran.stderr, FailureClass::Request)
        })?;
        if code != 0 && checks.iter().all(|check| check.passed) {
            let problem = format!("the tests ended with exit code {code}, and no test of {name} failed");
            return Err(Failure::after(problem, &ran.stderr, FailureClass::Request));
        }
        Ok(Episode { external: Some(checks), ..Episode::empty(Outcome::Finished) })
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(REPORT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match bytes.len() as u64 > REPORT_BYTES_MAX {
        true => Err(format!("it is longer than {} MB", REPORT_BYTES_MAX >> 20)),
        false => Ok(bytes),
    }
}
