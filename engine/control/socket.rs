//! The socket in a run's folder, over which other processes of the same user ask what the run does and say what it is to
//! do: lines of JSON, one answer for each request. Only its owner can open it.
//!
//! The names of Unix sockets are short; where the folder's path is too long, it is reached through an open handle.

use super::{Control, Pace, Status};
use crate::event::Tuned;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The name of the socket in its run folder.
pub const SOCKET: &str = "control.sock";
/// The longest path that a Unix socket's address takes everywhere.
const PATH_MAX: usize = 103;
/// A longer request is no request.
const REQUEST_MAX: u64 = 64 * 1024;
/// The run answers as soon as it has thought to its end.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// What another process asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    Status,
    Pause,
    Resume,
    /// Comes to an end with what there is; with `now`, drops what is under way and can be resumed.
    Stop {
        #[serde(default)]
        now: bool,
    },
    Tune(Tuned),
}

/// What the run answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is done, and this is how the run is now.
    Done(Box<Status>),
    Refused(String),
}

/// A way to a socket, kept open as long as it is used.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

impl Address {
    fn of(folder: &Path) -> anyhow::Result<Address> {
        let path = folder.join(SOCKET);
        if path.as_os_str().len() <= PATH_MAX {
            return Ok(Address { path, _folder: None });
        }
        let opened = File::open(folder).with_context(|| format!("open {}", folder.display()))?;
        match handle_path(&opened) {
            Some(handle) => Ok(Address { path: handle.join(SOCKET), _folder: Some(opened) }),
            None => bail!(
                "the path {} has {} bytes, and a socket's name at most {PATH_MAX}: keep runs in a folder with a shorter path, \
                 or start in a folder nearer to them",
                path.display(),
                path.as_os_str().len()
            ),
        }
    }
}

/// A short path of an open folder, where the system has one.
fn handle_path(folder: &File) -> Option<PathBuf> {
    #[cfg(unix)]
    {
        let handle = Path::new("/proc/self/fd").join(std::os::fd::AsRawFd::as_raw_fd(folder).to_string());
        handle.is_dir().then_some(handle)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// Removes its socket at the end.
pub struct Listening {
    socket: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        // One that is gone already needs no removal.
        let _ = std::fs::remove_file(&self.socket);
    }
}

#[cfg(unix)]
pub use unix::{ask, listen};

#[cfg(unix)]
mod unix {
    use super::*;
    use std::io::{BufRead, BufReader, ErrorKind, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    /// Answers requests until the guard is dropped. Called by the one process that holds the run, so a socket that
    /// is there was left by a process that was killed.
    pub fn listen(folder: &Path, control: Arc<Control>) -> anyhow::Result<Listening> {
        let (address, socket) = (Address::of(folder)?, folder.join(SOCKET));
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove the old {}", socket.display()));
            }
            _ => {}
        }
        let listener =
            UnixListener::bind(&address.path).with_context(|| format!("make {}", socket.display()))?;
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&socket, owner_only)
            .with_context(|| format!("close {} to others", socket.display()))?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let control = control.clone();
                // Who goes away in the middle of a word wants no answer.
                tokio::spawn(async move { converse(stream, &control).await });
            }
        });
        Ok(Listening { socket, task })
    }

    async fn converse(stream: tokio::net::UnixStream, control: &Control) -> std::io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = tokio::io::BufReader::new(reader);
        loop {
            let mut line = Vec::new();
            if (&mut reader).take(REQUEST_MAX).read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let reply = match serde_json::from_slice(&line) {
                Ok(request) => answer(request, control).await,
                Err(error) => Reply::Refused(format!("this is no request: {error}")),
            };
            let mut text = serde_json::to_vec(&reply)?;
            text.push(b'\n');
            writer.write_all(&text).await?;
        }
    }

    async fn answer(request: Request, control: &Control) -> Reply {
        let result = match request {
            Request::Status => Ok(()),
            Request::Pause => control.ask(Pace::Pause).map_err(str::to_owned),
            Request::Resume => control.ask(Pace::Run).map_err(str::to_owned),
            Request::Stop { now: false } => control.ask(Pace::Conclude).map_err(str::to_owned),
            Request::Stop { now: true } => control.ask(Pace::Halt).map_err(str::to_owned),
            Request::Tune(tuned) => control.order(tuned).await,
        };
        match result {
            Ok(()) => Reply::Done(Box::new(control.status().with_time_left())),
            Err(reason) => Reply::Refused(reason),
        }
    }

    /// Asks the process that works at a run; none where no process listens. With `until_end`, waits after the answer
    /// until that process has ended.
    pub fn ask(folder: &Path, request: &Request, until_end: bool) -> anyhow::Result<Option<Reply>> {
        let shown = folder.join(SOCKET);
        let context = || format!("ask the run's process over {}", shown.display());
        if !shown.exists() {
            return Ok(None);
        }
        let address = Address::of(folder)?;
        let mut stream = match UnixStream::connect(&address.path) {
            Ok(stream) => stream,
            // The process was killed, and its socket is still there.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
                return Ok(None);
            }
            Err(error) => return Err(error).with_context(context),
        };
        stream.set_read_timeout(Some(ANSWER_MAX)).with_context(context)?;
        let mut text = serde_json::to_vec(request)?;
        text.push(b'\n');
        let sent = stream.write_all(&text);
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        let read = sent.and_then(|()| reader.read_line(&mut line));
        match read {
            // It ended at this moment.
            Ok(0) => return Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                return Ok(None);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                bail!("the run's process does not answer over {}", shown.display())
            }
            read => read.with_context(context)?,
        };
        let reply = serde_json::from_str(&line).with_context(context)?;
        if until_end && matches!(reply, Reply::Done(_)) {
            reader.get_ref().set_read_timeout(None).with_context(context)?;
            // However the connection ends, it ends with the process.
            let _ = reader.read_line(&mut line);
        }
        Ok(Some(reply))
    }
}

#[cfg(not(unix))]
pub fn listen(_: &Path, _: Arc<Control>) -> anyhow::Result<Listening> {
    bail!("this system has no Unix sockets, so the run can only be stopped with Ctrl-C")
}

#[cfg(not(unix))]
pub fn ask(_: &Path, _: &Request, _: bool) -> anyhow::Result<Option<Reply>> {
    Ok(None)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::control::{Metering, RunState};
    use std::os::unix::fs::PermissionsExt;

    fn talk(folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(SOCKET), "left by a process that was killed").unwrap();
        assert!(ask(folder, &Request::Status, false).unwrap().is_none(), "nobody listens");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let status = Status { run: "r".into(), state: RunState::Running, ..Status::default() };
        let control = Arc::new(Control::new(3, Metering::default(), status));
        let listening = runtime.block_on(async { listen(folder, control.clone()) }).unwrap();
        let mode = std::fs::metadata(folder.join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let answered = ask(folder, &Request::Pause, false).unwrap();
        assert!(matches!(answered, Some(Reply::Done(status)) if status.run == "r"));
        assert_eq!(control.pace(), Pace::Pause);
        control.ask(Pace::Conclude).unwrap();
        assert!(matches!(ask(folder, &Request::Resume, false).unwrap(), Some(Reply::Refused(_))));
        drop(listening);
        assert!(!folder.join(SOCKET).exists());
        assert!(ask(folder, &Request::Status, false).unwrap().is_none());
    }

    #[test]
    fn requests_are_answered_also_where_the_path_is_long() {
        let place = tempfile::tempdir().unwrap();
        talk(&place.path().join("run"));
        talk(&place.path().join("x".repeat(120)).join("y".repeat(200)));
    }
}
