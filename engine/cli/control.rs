//! Commands to a run that goes on in another process: which run is meant, and what it answers.

pub mod pause;
pub mod resume;
pub mod status;
pub mod stop;
pub mod tune;

use crate::exit::BadInput;
use crate::out;
use crate::run::DEFAULT_RUNS;
use crate::runs::find;
use clap::Args;
use packwright::control::{Reply, Request, SOCKET, Status, ask};
use packwright::shell::path_in_shell;
use packwright::store::run_folders;
use std::path::{Path, PathBuf};

/// Which run a command is for.
#[derive(Args, Debug, Clone)]
pub struct Target {
    /// The run's id; the one that is under way when absent
    pub run: Option<String>,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    pub runs: PathBuf,

    /// Print what the run is doing as a line of JSON
    #[arg(long)]
    pub json: bool,
}

impl Target {
    /// The folder of the run, which need not be under way where it is named.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.run {
            Some(id) => find(&self.runs, Some(id)),
            None => self.only_one_under_way(),
        }
    }

    fn only_one_under_way(&self) -> anyhow::Result<PathBuf> {
        let live = under_way(&self.runs)?;
        let runs = self.runs.display();
        match live.as_slice() {
            [(folder, _)] => Ok(folder.clone()),
            [] => {
                Err(BadInput(format!("no run is under way in {runs}; `optimize runs` lists them all")).into())
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|(_, status)| status.run.as_str()).collect();
                let problem =
                    format!("{} runs are under way in {runs}: name one of {}", several.len(), ids.join(", "));
                Err(BadInput(problem).into())
            }
        }
    }

    /// Asks the run's process to do something, and tells what it says.
    pub fn command(&self, request: &Request, until_end: bool) -> anyhow::Result<(PathBuf, Status)> {
        let folder = self.folder()?;
        match ask(&folder, request, until_end)? {
            Some(Reply::Done(status)) => Ok((folder, *status)),
            Some(Reply::Refused(reason)) => Err(BadInput(reason).into()),
            None => {
                let run = name_of(&folder);
                let problem = format!(
                    "no process works at run {run}, so there is nothing to be told; `{}` shows how it stands",
                    command_for("status", &self.runs, &run)
                );
                Err(BadInput(problem).into())
            }
        }
    }

    /// Tells what was done, and how the run is now.
    pub fn tell(&self, status: &Status, words: &str) -> anyhow::Result<()> {
        if self.json {
            out::line(serde_json::to_string(status)?);
        } else {
            out::line(words);
        }
        Ok(())
    }
}

/// The runs that processes work at, with what they do, oldest first.
pub fn under_way(runs: &Path) -> anyhow::Result<Vec<(PathBuf, Status)>> {
    let mut live = Vec::new();
    for folder in run_folders(runs)?.into_iter().filter(|folder| folder.join(SOCKET).exists()) {
        if let Some(Reply::Done(status)) = ask(&folder, &Request::Status, false)? {
            live.push((folder, *status));
        }
    }
    Ok(live)
}

/// A command for a run, as it is typed.
pub fn command_for(command: &str, runs: &Path, id: &str) -> String {
    match runs.to_str() {
        Some(DEFAULT_RUNS) => format!("optimize {command} {id}"),
        _ => format!("optimize {command} {id} --runs {}", path_in_shell(runs)),
    }
}

pub fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
