//! The bell of a run: tells somebody far away what happens, as `--notify` wants it. It never stops or delays the run; what
//! is wrong with it is a warning.

use super::{RunArgs, Session, conclusion, now_ms, process};
use crate::notify::{Wanted, leave_to_another, outbox_route};
use crate::out;
use crate::publish::steps::receipt;
use packwright::budget::Amount;
use packwright::event::RunFinished;
use packwright::notify::ending::{Halt, finished, stopped};
use packwright::notify::{Outbox, Postman, Subject, Watch, undelivered};
use packwright::optimize::{Ending, Heard};
use packwright::store::utc_text;
use packwright::units::sha256_hex;
use std::path::PathBuf;
use std::time::Duration;

/// How long the end of a run waits for messages under way.
const CLOSE_MAX: Duration = Duration::from_secs(20);

pub struct Bell {
    watch: Watch,
    postman: Postman,
    wanted: Wanted,
    folder: PathBuf,
    spent: Amount,
    stay: bool,
}

impl Bell {
    /// None where nobody is to be told. What is wrong with channels that a run kept is a warning by now.
    pub(super) fn hang(session: &Session, args: &RunArgs) -> Option<Bell> {
        let kept = session.settings.notify.clone();
        let wanted = match args.process.notify.clone().with_stdin().wanted(Some(&kept)) {
            Ok(wanted) => wanted,
            Err(error) => {
                warn(&format!("nobody is told of this run: {error:#}"));
                return None;
            }
        };
        wanted.problems.iter().for_each(|problem| warn(problem));
        if wanted.channels.is_empty() {
            return None;
        }
        let folder = session.store.folder().to_owned();
        let outbox = Outbox::open(Outbox::of_run(&folder));
        match outbox.and_then(|outbox| Postman::start(wanted.route(), outbox, false)) {
            Ok(postman) => {
                let (watch, spent) = (Watch::new(subject(session, args)), Amount::default());
                Some(Bell { watch, postman, wanted, folder, spent, stay: args.process.notify.stay })
            }
            Err(error) => {
                warn(&format!("nobody is told of this run: {error:#}"));
                None
            }
        }
    }

    /// Hears what happens, and gives what somebody should look at.
    pub fn hear(&mut self, heard: &Heard<'_>, used: &dyn Fn() -> (Amount, u64)) -> Vec<String> {
        if let Heard::Told { spent, .. } = heard {
            self.spent = *spent;
        }
        if let Some(notice) = self.watch.hear(heard, used, &utc_text(now_ms())) {
            self.postman.send(notice);
        }
        self.postman.news()
    }

    /// Tells of the end, after what became of the winner is known.
    pub fn ended(&self, ending: &Ending) {
        match ending {
            Ending::Finished(run) => self.finished(run),
            Ending::Outage { reason } => self.stopped(Halt::Outage(reason)),
            // Who interrupts a run knows of it, and a machine that goes down says so elsewhere.
            Ending::Interrupted => {}
        }
    }

    /// Tells that the run stopped by an error.
    pub fn failed(&self, error: &anyhow::Error) {
        self.stopped(if is_disk_full(error) { Halt::DiskFull } else { Halt::Error });
    }

    fn finished(&self, run: &RunFinished) {
        let receipt = receipt(&self.folder);
        let progress = self.watch.progress(self.spent);
        self.postman.send(finished(
            self.watch.subject(),
            run,
            receipt.as_ref(),
            progress,
            &utc_text(now_ms()),
        ));
    }

    fn stopped(&self, halt: Halt<'_>) {
        let progress = self.watch.progress(self.spent);
        let notice = stopped(self.watch.subject(), halt, self.watch.records(), progress, &utc_text(now_ms()));
        self.postman.send(notice);
    }

    /// Waits for what is under way, and leaves what is held back to another process, or stays for it. Gives whether the
    /// run's report has to tell of messages that did not arrive.
    pub fn close(self) -> bool {
        let before = undelivered(&self.folder);
        let closed = self.postman.close(CLOSE_MAX);
        closed.news.iter().for_each(out::note);
        if closed.held > 0 {
            let path = Outbox::of_run(&self.folder);
            let left = match self.stay {
                true => {
                    out::note("staying until the quiet hours end, for what is to be told then");
                    outbox_route(&path, &self.wanted, true).map(|_| ())
                }
                false => leave_to_another(&path, &process::log_file(&self.folder), &self.wanted).map(|process| {
                    out::note(format_args!(
                        "{} for the end of the quiet hours, when process {process} sends what is held; `optimize notify \
                         deliver` does so at once",
                        if closed.held == 1 { "1 message waits".to_owned() } else { format!("{} messages wait", closed.held) }
                    ));
                }),
            };
            if let Err(error) = left {
                warn(&format!(
                    "messages of the quiet hours are not sent by themselves: {error:#}; `optimize notify deliver` sends them"
                ));
            }
        }
        undelivered(&self.folder) != before || !before.is_empty()
    }
}

fn subject(session: &Session, args: &RunArgs) -> Subject {
    let started = &session.started;
    Subject {
        run: session.id(),
        suite: started.suite.clone(),
        option: conclusion::option(&args.runs),
        seal: sha256_hex(
            format!("{}\0{}\0{}", started.suite_hash.0, started.seed.0, started.incumbent.id.0).as_bytes(),
        ),
        is_offline: session.settings.models.are_offline(),
    }
}

fn warn(problem: &str) {
    out::note(format_args!("warning: {problem}"));
}

fn is_disk_full(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_file = cause.downcast_ref::<std::io::Error>();
        let of_store = cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        of_file.is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull)
            || of_store == Some(rusqlite::ErrorCode::DiskFull)
    })
}
