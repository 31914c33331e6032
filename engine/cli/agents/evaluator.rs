//! An evaluator of the user, with what it is started with: from the command line.

use crate::exit::BadInput;
use crate::keys::Keys;
use crate::limits::duration_ms;
use anyhow::Context;
use clap::Args;
use packwright::agent::builtin::Limits;
use packwright::agent::external::{Evaluator, GRACE, Settings};
use packwright::evaluate::EvaluatorIdentity;
use packwright::llm::variables::is_secret_variable;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Args, Debug, Clone)]
pub struct EvaluatorArgs {
    /// The longest that an evaluator may take for one episode, for example 20m; the profile's limit when absent. It is
    /// told so, and ended 10 s later
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    evaluator_time: Option<u64>,

    /// A variable with a key that an evaluator's program gets, from the environment or .env; all others with keys are
    /// withheld from it
    #[arg(long, value_name = "VARIABLE")]
    pass_env: Vec<String>,

    /// Any name for what the evaluator is now. With it, its episodes of earlier runs of the same version may be used
    /// again; without, none are
    #[arg(long, value_name = "NAME")]
    evaluator_version: Option<String>,
}

/// What is kept of the choice with the run. Secrets are never among it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluatorSettings {
    pub evaluator: Evaluator,
    /// Where the run was begun: its program is run there, also when the run goes on from elsewhere.
    folder: PathBuf,
    pub time_ms: Option<u64>,
    pass_env: Vec<String>,
    version: Option<String>,
}

impl EvaluatorArgs {
    pub fn settings(&self, evaluator: &Evaluator) -> anyhow::Result<EvaluatorSettings> {
        Ok(EvaluatorSettings {
            evaluator: evaluator.clone(),
            folder: std::env::current_dir().context("find the current folder")?,
            time_ms: self.evaluator_time,
            pass_env: self.pass_env.clone(),
            version: self.evaluator_version.clone(),
        })
    }

    /// Refuses these options where there is no evaluator.
    pub fn refuse(&self) -> Result<(), BadInput> {
        let given = [
            ("--evaluator-time", self.evaluator_time.is_some()),
            ("--pass-env", !self.pass_env.is_empty()),
            ("--evaluator-version", self.evaluator_version.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => Err(BadInput(format!(
                "{flag} is for an evaluator of yours: name it with --agent command:PROGRAM, tests:PROGRAM or http://…"
            ))),
            None => Ok(()),
        }
    }
}

impl EvaluatorSettings {
    /// As the user wrote it.
    pub fn name(&self) -> String {
        self.evaluator.to_string()
    }

    pub fn notice(&self) -> String {
        let version = self.version.as_ref().map_or(String::new(), |name| format!(", version {name}"));
        format!("the evaluator {}{version}", self.evaluator)
    }

    /// What makes its episodes those of another evaluator; none where nobody says which version it is.
    pub fn identity(&self) -> Option<EvaluatorIdentity> {
        let folder = match self.evaluator {
            Evaluator::Http(_) => String::new(),
            _ => self.folder.to_string_lossy().into_owned(),
        };
        Some(EvaluatorIdentity { name: self.name(), folder, version: self.version.clone()? })
    }

    /// What it is asked with.
    pub fn connection(&self, limits: Limits) -> anyhow::Result<Settings> {
        let named = || self.pass_env.iter().map(String::as_str);
        let keys = Keys::read(named())?;
        let value = |name: &str| -> anyhow::Result<(String, SecretString)> {
            let value = keys.get(name).ok_or_else(|| BadInput(format!("the variable {name} is not set")))?;
            Ok((name.to_owned(), value))
        };
        Ok(Settings {
            evaluator: self.evaluator.clone(),
            limits,
            grace: GRACE,
            folder: self.folder.clone(),
            withheld: std::env::vars_os()
                .map(|(name, _)| name)
                .filter(|name| is_secret_variable(name))
                .collect(),
            given: named().map(value).collect::<Result<_, _>>()?,
        })
    }
}
