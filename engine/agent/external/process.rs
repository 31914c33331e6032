//! Running a program for one episode: it is told a text, what it prints is read up to a limit, and it ends, with all
//! that it has started, when its time is over or nobody waits for it any more.

use super::words::Tail;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

/// A reply that is longer is none.
pub(super) const OUTPUT_BYTES_MAX: usize = 16 << 20;
/// So much of what a program says on standard error is kept.
const STDERR_BYTES_MAX: usize = 1_000;

/// A program with what it is started with.
pub(crate) struct Program {
    pub words: Vec<String>,
    /// Where it is run.
    pub folder: PathBuf,
    /// Variables of the environment that it does not get.
    pub withheld: Vec<OsString>,
    /// Variables that it gets besides the environment.
    pub given: Vec<(String, SecretString)>,
}

/// A program that came to its end.
pub(crate) struct Ran {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    /// The end of it, on one line.
    pub stderr: String,
}

/// Why a program did not come to its end.
pub(crate) enum Trouble {
    NotStarted(io::Error),
    OutOfTime { stderr: String },
    TooMuch,
    Lost(io::Error),
}

impl Program {
    /// Runs the program.
    pub async fn run(&self, input: &[u8], limit: Duration) -> Result<Ran, Trouble> {
        let mut child = self.command().spawn().map_err(Trouble::NotStarted)?;
        let mut group = Group::of(child.id());
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Trouble::Lost(io::Error::other("its pipes are missing")));
        };
        let mut tail = Tail::new(STDERR_BYTES_MAX);
        let work = async {
            let feed = async move {
                // Who does not read its request may still know what to do.
                let _ = stdin.write_all(input).await;
                Ok(())
            };
            let listen = read_up_to(stdout, OUTPUT_BYTES_MAX);
            let overhear = overhear(stderr, &mut tail);
            let wait = async {
                let status = child.wait().await.map_err(Trouble::Lost)?;
                // What it has left behind would hold the pipes open.
                group.kill();
                Ok(status)
            };
            let ((), stdout, (), status) = tokio::try_join!(feed, listen, overhear, wait)?;
            Ok((status, stdout))
        };
        match timeout(limit, work).await {
            Ok(Ok((status, stdout))) => Ok(Ran { status, stdout, stderr: tail.text() }),
            Ok(Err(trouble)) => Err(trouble),
            Err(_) => Err(Trouble::OutOfTime { stderr: tail.text() }),
        }
    }

    fn command(&self) -> Command {
        let mut words = self.words.iter();
        let mut command = Command::new(words.next().map_or("", String::as_str));
        command.args(words).current_dir(&self.folder);
        for name in &self.withheld {
            command.env_remove(name);
        }
        command.envs(self.given.iter().map(|(name, value)| (name, value.expose_secret())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, which ends as a whole; Ctrl-C is for this program.
        command.process_group(0).kill_on_drop(true);
        command
    }
}

/// A program with its children, which end when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(id: Option<u32>) -> Group {
        Group(id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // A group that is gone needs no end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn read_up_to(mut stream: impl AsyncRead + Unpin, bytes_max: usize) -> Result<Vec<u8>, Trouble> {
    let (mut all, mut part) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        match stream.read(&mut part).await.map_err(Trouble::Lost)? {
            0 => return Ok(all),
            count if all.len() + count > bytes_max => return Err(Trouble::TooMuch),
            count => all.extend_from_slice(&part[..count]),
        }
    }
}

async fn overhear(mut stream: impl AsyncRead + Unpin, tail: &mut Tail) -> Result<(), Trouble> {
    let mut part = vec![0; 16 << 10];
    loop {
        match stream.read(&mut part).await.map_err(Trouble::Lost)? {
            0 => return Ok(()),
            count => tail.push(&part[..count]),
        }
    }
}

/// Where a program is that a word names: as it stands, or on the path; none where it is nowhere.
pub(super) fn found(word: &str, folder: &Path) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if word.contains('/') {
        return Some(folder.join(word)).filter(is_program);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|part| part.join(word)).find(is_program)
}
