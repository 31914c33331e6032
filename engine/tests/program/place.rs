//! A temporary folder in which the program runs, with a home and a git configuration of its own.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use tempfile::TempDir;

/// Ends before its folder does.
pub struct Place {
    folder: TempDir,
}

/// What the program printed and how it ended; -1 when a signal ended it.
#[derive(Debug)]
pub struct Printed {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = "[user]\n\tname = Somebody\n\temail = somebody@example.com\n[safe]\n\tdirectory = *\n";
        std::fs::write(folder.path().join(".gitconfig"), config).expect("a writable folder");
        Place { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, and nothing of the caller's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.clean(env!("CARGO_BIN_EXE_optimize"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn optimize(&self, arguments: &[&str]) -> Printed {
        Printed::of(self.command(arguments).output().expect("the program starts"))
    }

    /// Starts the program and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_command(&mut self.command(arguments))
    }

    /// The same for a command that was changed.
    pub fn start_command(&self, command: &mut Command) -> Running {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let err = BufReader::new(child.stderr.take().expect("a pipe"));
        Running { child, out, err }
    }

    /// Runs git in a folder and returns what it printed.
    pub fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output =
            self.clean("git").current_dir(self.path(folder)).args(arguments).output().expect("git starts");
        let printed = Printed::of(output);
        assert_eq!(printed.code, 0, "git {arguments:?}: {printed:?}");
        printed.out
    }

    /// The runs, oldest first.
    pub fn run_ids(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("runs")) else { return Vec::new() };
        let mut ids: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('.'))
            .collect();
        ids.sort();
        ids
    }

    pub fn run_id(&self) -> String {
        let ids = self.run_ids();
        assert_eq!(ids.len(), 1, "{ids:?}");
        ids.into_iter().next().expect("one run")
    }

    /// A program with nothing of the caller's environment but the path.
    pub fn clean(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }
}

impl Printed {
    pub fn of(output: Output) -> Printed {
        Printed {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The program while it runs; it is killed when a test forgets it.
pub struct Running {
    pub child: Child,
    pub out: BufReader<ChildStdout>,
    pub err: BufReader<ChildStderr>,
}

impl Running {
    /// Waits for so many lines of output. Fewer when the program ended before.
    pub fn lines(&mut self, wanted: usize) -> usize {
        let mut line = String::new();
        (0..wanted).take_while(|_| self.out.read_line(&mut line).is_ok_and(|length| length > 0)).count()
    }

    /// Waits for so many records; fewer when the program ended before. A line that a kill cut off is none.
    pub fn records(&mut self, wanted: usize) -> Vec<serde_json::Value> {
        let mut records = Vec::new();
        let mut line = String::new();
        while records.len() < wanted && self.out.read_line(&mut line).is_ok_and(|length| length > 0) {
            records.extend(serde_json::from_str(&line).ok().filter(|_| line.ends_with('\n')));
            line.clear();
        }
        records
    }

    /// Waits for a line on standard error that has these words.
    pub fn line_with(&mut self, words: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let length = self.err.read_line(&mut line).expect("text");
            assert!(length > 0, "the program ended without {words:?}: {all}");
            if line.contains(words) {
                return line;
            }
            all += &line;
        }
    }

    /// The exit code; -1 when a signal ended it.
    pub fn end(&mut self) -> i32 {
        // Both are read to their ends side by side, or the program would wait for a reader.
        std::thread::scope(|scope| {
            scope.spawn(|| std::io::copy(&mut self.err, &mut std::io::sink()).expect("output"));
            std::io::copy(&mut self.out, &mut std::io::sink()).expect("output");
        });
        self.child.wait().expect("an end").code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The events of an export without the clock readings.
pub fn without_wall_clock(export: &str) -> Vec<serde_json::Value> {
    let event = |line: &str| {
        let mut event: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        event
            .as_object_mut()
            .expect("an object")
            .remove("wall_clock")
            .expect("clock readings under a key of their own");
        event
    };
    export.lines().map(event).collect()
}

/// Serves these answers on the loopback interface, one for each request, and gives the address of a pack there.
pub fn served(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/pack.json", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// An answer that has this text.
pub fn found(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
}
