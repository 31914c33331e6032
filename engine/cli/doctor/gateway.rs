//! Whether the real OpenClaw is there, where episodes are to run through it.

use super::row::{Fault, Found, Row};
use crate::agents::AgentSettings;
use crate::cache_folder::cache_folder;
use packwright::agent::openclaw::{InstallError, OPENCLAW_VERSION, find};
use std::process::{Command, Stdio};

const NAME: &str = "gateway";

/// Whether the pinned versions are installed and whole.
pub fn gateway(agent: &AgentSettings) -> Found<()> {
    if !agent.needs_gateway() {
        let agent = if agent.evaluator().is_some() { "an evaluator" } else { "the built-in agent" };
        return (Row::not_configured(NAME, format!("{agent} needs none")), Some(()));
    }
    let cache = match cache_folder() {
        Ok(cache) => cache,
        Err(error) => {
            let fix = "export PACKWRIGHT_CACHE=FOLDER, then `optimize openclaw install`";
            return (Row::failed(NAME, Fault::Setup, format!("{error:#}"), fix), None);
        }
    };
    match find(&cache) {
        Ok(installed) => {
            let finding = format!(
                "OpenClaw {OPENCLAW_VERSION} in {}: its versions and its own node are right",
                installed.folder.display()
            );
            (Row::passed(NAME, finding), Some(()))
        }
        Err(error) => (Row::failed(NAME, Fault::Setup, error.to_string(), fix(&error)), None),
    }
}

fn fix(error: &InstallError) -> String {
    match error {
        InstallError::Absent(_) if npm_is_there() => "`optimize openclaw install`".into(),
        InstallError::Absent(_) | InstallError::NoNpm(_) => {
            "install Node.js with npm, then `optimize openclaw install`".into()
        }
        InstallError::Broken { folder, .. } => {
            format!("remove {}, then `optimize openclaw install`", folder.display())
        }
        InstallError::Platform(_) => {
            "leave --agent openclaw away: the built-in agent behaves as it does".into()
        }
        InstallError::Npm(_) | InstallError::Disk { .. } => "try `optimize openclaw install` again".into(),
    }
}

fn npm_is_there() -> bool {
    let mut command = Command::new("npm");
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
