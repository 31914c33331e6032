//! What a page asks for is done by this same program, as if somebody had typed it: one way to begin, change and report a
//! run, with the same checks and the same words. Nothing passes through a shell.

use super::problem::Problem;
use axum::http::StatusCode;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tokio::process::Command;
use tokio::sync::Semaphore;

/// Commands at once; others wait.
const AT_ONCE: usize = 4;

/// This program, as it is started for others.
pub(super) struct Program {
    pub path: PathBuf,
    pub runs: PathBuf,
    /// What only this server knows.
    pub secret_variables: Vec<String>,
    turns: Semaphore,
}

impl Program {
    pub fn new(path: PathBuf, runs: PathBuf, secret_variables: Vec<String>) -> Program {
        Program { path, runs, secret_variables, turns: Semaphore::new(AT_ONCE) }
    }

    /// Runs a command and gives what it printed; `--runs` is added. Where nobody waits for it any more it is ended, unless
    /// it is to be brought to its end.
    pub async fn run(&self, words: Vec<OsString>, is_dropped: bool) -> Result<Output, Problem> {
        let _turn = self.turns.acquire().await.map_err(|error| Problem::failed(&error.into()))?;
        let mut command = Command::new(&self.path);
        command.args(words).arg("--runs").arg(&self.runs);
        for variable in &self.secret_variables {
            command.env_remove(variable);
        }
        command.env_remove("PACKWRIGHT_LOG_LEVEL");
        command.stdin(Stdio::null()).kill_on_drop(is_dropped);
        // Ctrl-C ends the server, and not what it has begun.
        #[cfg(unix)]
        command.process_group(0);
        command.output().await.map_err(|error| {
            let detail = format!("{} cannot be started: {error}", self.path.display());
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
        })
    }
}

/// The JSON that a command printed.
pub(super) fn parsed(output: &Output) -> Result<serde_json::Value, Problem> {
    serde_json::from_slice(&output.stdout).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the command's answer is no JSON: {error}"))
    })
}

/// Why a command did not do what it was asked for.
pub(super) fn refusal(output: &Output, refused: StatusCode) -> Problem {
    let words = error_words(&String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(2) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, words),
        Some(3) => Problem::new(refused, words),
        Some(5) => Problem::new(StatusCode::BAD_GATEWAY, words),
        Some(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, words),
        None => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the command was ended by a signal: {words}"),
        ),
    }
}

/// What a command says is wrong; all of what it says where nothing is called an error.
fn error_words(said: &str) -> String {
    let mut lines = said.lines().skip_while(|line| !line.starts_with("error: ")).peekable();
    if lines.peek().is_none() {
        return said.trim().to_owned();
    }
    // Behind an empty line a usage error tells how commands are typed.
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    lines.join("\n").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_error_is_told() {
        let check = |said: &str, expected: &str| assert_eq!(error_words(said), expected);
        check("warning: w\nerror: the key is missing\n", "the key is missing");
        check(
            "error: invalid value\n  [possible: a]\n\nFor more information, try '--help'.\n",
            "invalid value\n  [possible: a]",
        );
        check("stopped: an outage\n", "stopped: an outage");
    }
}
