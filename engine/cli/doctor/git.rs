//! Whether a winner could be pushed: the `git` program, and a push that is gone through without being sent.

use super::row::{Fault, Found, Row};
use packwright::publish::{GitProgram, PackRepo, PublishError, Rehearsal};
use packwright::shell::path_in_shell;
use std::path::Path;
use std::time::Duration;

const NAME: &str = "remote";

/// Whether the `git` program can be run.
pub fn git(wait: Duration) -> Found<()> {
    let git = GitProgram { wait_ms_max: wait.as_millis() as u64, ..GitProgram::default() };
    match git.version() {
        Ok(version) => (Row::passed("git", version), None),
        Err(problem) => {
            let finding = format!("{problem}; commits need none, but pushing and signing do");
            (Row::warning("git", finding, "install git, or see that it is on the PATH"), None)
        }
    }
}

/// Whether the remote of the pack repository would take a winner.
pub fn remote(packs: &Path, no_push: bool, wait: Duration) -> Found<()> {
    let row = if no_push {
        Row::skipped(NAME, "--no-push: a winner stays here")
    } else if !packs.join(".git").exists() {
        Row::not_configured(NAME, format!("{} is no git repository yet, so it has none", packs.display()))
    } else {
        rehearsed(packs, wait).unwrap_or_else(|error| {
            let fix = format!("see `git -C {} status`", path_in_shell(packs));
            Row::failed(NAME, Fault::Setup, error.to_string(), fix)
        })
    };
    (row, None)
}

fn rehearsed(packs: &Path, wait: Duration) -> Result<Row, PublishError> {
    let mut repo = PackRepo::open_or_create(packs)?;
    repo.git.wait_ms_max = wait.as_millis() as u64;
    Ok(match repo.rehearse_push()? {
        Rehearsal::NoRemote => {
            let fix = format!(
                "if winners are to be pushed: git -C {} remote add origin ADDRESS",
                path_in_shell(packs)
            );
            let row = Row::not_configured(NAME, format!("{} has none: a winner stays here", packs.display()));
            Row { fix: Some(fix), ..row }
        }
        Rehearsal::WouldArrive { remote, address, branch } => Row::passed(
            NAME,
            format!("{remote} ({address}) would take branch {branch}; tried without sending anything"),
        ),
        Rehearsal::NothingCommitted { remote, address, branch } => Row::passed(
            NAME,
            format!(
                "{remote} ({address}) answers and has no branch {branch}; whether it takes one shows with the \
                 first winner"
            ),
        ),
        Rehearsal::WouldFail(rejection) => {
            let finding = format!("a push would not arrive: {}", rejection.reason);
            Row::failed(NAME, Fault::Infrastructure, finding, rejection.next_step)
        }
    })
}
