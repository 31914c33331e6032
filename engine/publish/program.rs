//! The installed `git` program, for what needs the user's own set-up: pushing with their credentials and
//! signing with their keys. It is never allowed to ask questions or to run without end.

use super::fetch::origin_for_tokens;
use super::redact::{presentable, without};
use secrecy::{ExposeSecret, SecretString};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The most that is kept of what the program prints.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;
/// How often a running program is looked at.
const POLL_MS: u64 = 10;
/// How long to wait for the last words of a program that has ended.
const LAST_WORDS_MS: u64 = 1_000;

/// Variables that would point git at another repository, or make it print what it sends.
const NOT_INHERITED: [&str; 13] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE2",
    "GIT_CURL_VERBOSE",
];

/// What answers git when it asks for a password; it hears the token by a variable, so that no command line shows it.
const CREDENTIAL_HELPER: &str = "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \
    \"$PACKWRIGHT_GIT_USER\" \"$PACKWRIGHT_GIT_TOKEN\"; }; f";

/// The variable with the token for remotes over HTTPS, and the one with the user that it belongs to.
pub const TOKEN_VARIABLE: &str = "PACKWRIGHT_GIT_TOKEN";
pub const TOKEN_USER_VARIABLE: &str = "PACKWRIGHT_GIT_USER";

/// A token for remotes over HTTPS, in place of the user's credential helpers.
#[derive(Clone, Debug)]
pub struct GitToken {
    /// What the remote wants as user name; most take any beside a token.
    pub user: String,
    pub token: SecretString,
}

/// How the `git` program is run.
#[derive(Clone, Debug)]
pub struct GitProgram {
    pub program: PathBuf,
    /// Variables for the program, over those it inherits.
    pub variables: Vec<(OsString, OsString)>,
    /// How long one command may take.
    pub wait_ms_max: u64,
    /// None leaves it to the user's credential helpers.
    pub token: Option<GitToken>,
}

impl Default for GitProgram {
    fn default() -> GitProgram {
        GitProgram { program: "git".into(), variables: Vec::new(), wait_ms_max: 120_000, token: None }
    }
}

/// A command that ran to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finished {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Why a command did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProgramError {
    #[error("the program {program} is not installed, or may not be run")]
    Missing { program: String },
    #[error("git gave no answer within {} s", ms / 1000)]
    TimedOut { ms: u64 },
    #[error("failed to run git: {0}")]
    Io(String),
}

impl GitProgram {
    /// The version that the program tells, or why it cannot be run.
    pub fn version(&self) -> Result<String, String> {
        let told = self.run(Path::new("."), &["version"], &[]).map_err(|error| error.to_string())?;
        let version = presentable(&told.stdout);
        if told.success && !version.is_empty() { Ok(version) } else { Err(presentable(&told.stderr)) }
    }

    /// Runs a command that talks to a remote, with the token where there is one and the remote may see it.
    pub(super) fn run_with_remote(
        &self,
        folder: &Path,
        address: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Finished, ProgramError> {
        let of_token = self.token.as_ref().and_then(|token| Some((token, origin_for_tokens(address)?)));
        let Some((GitToken { user, token }, origin)) = of_token else {
            return self.run(folder, arguments, variables);
        };
        // The empty value takes other helpers away, which might answer first or store what they hear.
        let (key, token) = (format!("credential.{origin}.helper"), token.expose_secret());
        let (none, ours) = (format!("{key}="), format!("{key}={CREDENTIAL_HELPER}"));
        let arguments = [&["-c", &none, "-c", &ours][..], arguments].concat();
        let variables = [variables, &[(TOKEN_USER_VARIABLE, user), (TOKEN_VARIABLE, token)]].concat();
        let finished = self.run(folder, &arguments, &variables)?;
        Ok(Finished {
            stdout: without(token, &finished.stdout),
            stderr: without(token, &finished.stderr),
            ..finished
        })
    }

    /// Runs a git command in a repository, with further variables.
    pub(super) fn run(
        &self,
        folder: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Finished, ProgramError> {
        let mut command = self.command(folder, arguments);
        command.envs(variables.iter().copied());
        let mut child = command.spawn().map_err(|e| self.spawn_error(&e))?;
        let stdout = read_aside(child.stdout.take());
        let stderr = read_aside(child.stderr.take());
        let status = self.wait(&mut child)?;
        let text = |pipe: Receiver<Vec<u8>>| {
            let bytes = pipe.recv_timeout(Duration::from_millis(LAST_WORDS_MS)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ok(Finished { success: status.success(), stdout: text(stdout), stderr: text(stderr) })
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-C").arg(folder);
        // A connection that has died must not keep a helper process alive.
        command.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"]);
        command.args(arguments);
        NOT_INHERITED.iter().chain(&[TOKEN_VARIABLE]).for_each(|name| {
            command.env_remove(name);
        });
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env("LANGUAGE", "C");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn spawn_error(&self, error: &std::io::Error) -> ProgramError {
        match error.kind() {
            // A search path with an unreadable folder gives the second one.
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                ProgramError::Missing { program: self.program.display().to_string() }
            }
            _ => ProgramError::Io(error.to_string()),
        }
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, ProgramError> {
        let deadline = Instant::now() + Duration::from_millis(self.wait_ms_max);
        loop {
            if let Some(status) = child.try_wait().map_err(|e| ProgramError::Io(e.to_string()))? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                // It may have ended just now; either way nothing of it must stay behind.
                let _ = child.kill();
                let _ = child.wait();
                return Err(ProgramError::TimedOut { ms: self.wait_ms_max });
            }
            thread::sleep(Duration::from_millis(POLL_MS));
        }
    }
}

/// Reads a pipe on a thread of its own, since a full pipe would stop the program. The thread is not joined:
/// a helper that outlives git may hold the pipe open.
fn read_aside(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
            if read.is_ok() {
                let _ = std::io::copy(&mut pipe, &mut std::io::sink());
            }
            let _ = sender.send(bytes);
        });
    }
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let git = GitProgram { program: "no-such-git".into(), ..GitProgram::default() };
        let error = git.run(Path::new("."), &["version"], &[]).unwrap_err();
        assert_eq!(error.to_string(), "the program no-such-git is not installed, or may not be run");
    }

    #[test]
    #[cfg(unix)]
    fn a_program_without_end_is_ended() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("git");
        std::fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let git = GitProgram { program, wait_ms_max: 50, ..GitProgram::default() };
        assert_eq!(git.run(folder.path(), &["version"], &[]), Err(ProgramError::TimedOut { ms: 50 }));
    }
}
