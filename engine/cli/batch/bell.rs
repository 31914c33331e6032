//! The message at the end of a batch: how many runs ended how. It goes wherever messages of the batch's runs go.

use super::entry::read_entry;
use super::summary::{Outcome, RunResult};
use crate::notify::{Wanted, leave_to_another, outbox_route};
use crate::out;
use crate::run::conclusion::option;
use packwright::batch::Batch;
use packwright::notify::ending::{Tally, batch};
use packwright::notify::{Outbox, Postman};
use packwright::shell::in_shell;
use packwright::store::utc_text;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long the end of a batch waits for its message.
const CLOSE_MAX: Duration = Duration::from_secs(20);

/// Tells how the batch ended, once for the same results. What does not arrive is said, and changes nothing.
pub fn ring(file: &Path, runs: &Path, outbox: PathBuf, (read, results): (&Batch, &[RunResult]), stay: bool) {
    let shown = file.display().to_string();
    let wanted = wanted(read, &shown);
    if wanted.channels.is_empty() {
        return;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let command = format!("optimize batch {}{}", in_shell(&shown), option(runs));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let notice = batch(
        &name,
        tally(results),
        &identity(&shown, results),
        &command,
        &utc_text(since.as_millis() as u64),
    );
    let log = outbox.with_extension("log");
    let told = Outbox::open(outbox.clone())
        .and_then(|kept| Postman::start(wanted.route(), kept, false))
        .and_then(|postman| {
            postman.send(notice);
            let closed = postman.close(CLOSE_MAX);
            closed.news.iter().for_each(out::note);
            if closed.held > 0 && stay {
                outbox_route(&outbox, &wanted, true)?;
            } else if closed.held > 0 {
                let process = leave_to_another(&outbox, &log, &wanted)?;
                out::note(format_args!(
                    "process {process} sends the message about this batch when the quiet hours end"
                ));
            }
            Ok(())
        });
    if let Err(error) = told {
        out::note(format_args!("warning: nobody is told of the end of this batch: {error:#}"));
    }
}

/// The channels of all runs, each once; quiet hours are those of the first run that has any.
fn wanted(read: &Batch, file: &str) -> Wanted {
    let mut all = Wanted::default();
    for entry in &read.entries {
        // What is wrong with a run was said when it could not be begun.
        let Some(args) = read_entry(entry, file).ok() else { continue };
        let Some(wanted) = args.process.notify.wanted(None).ok() else { continue };
        all.quiet = all.quiet.or(wanted.quiet);
        all.wake_me |= wanted.wake_me;
        for (spec, channel) in wanted.specs.into_iter().zip(wanted.channels) {
            let text = spec.in_full();
            if all.specs.iter().all(|known| known.in_full().expose_secret() != text.expose_secret()) {
                let twins = all.channels.iter().filter(|known| known.is_like(&channel)).count();
                all.channels.push(if twins == 0 { channel } else { channel.numbered(twins + 1) });
                all.specs.push(spec);
            }
        }
    }
    all
}

fn tally(results: &[RunResult]) -> Tally {
    let mut tally = Tally::default();
    for result in results {
        let count = match result.outcome {
            Outcome::Finished | Outcome::Kept if result.better == Some(true) => &mut tally.better,
            Outcome::Finished | Outcome::Kept => &mut tally.not_better,
            Outcome::Refused => &mut tally.refused,
            Outcome::CutOff => &mut tally.cut_off,
            Outcome::NotBegun => &mut tally.not_begun,
        };
        *count += 1;
    }
    tally
}

/// The same for the same results of the same file.
fn identity(file: &str, results: &[RunResult]) -> String {
    let ended = |outcome: Outcome| matches!(outcome, Outcome::Finished | Outcome::Kept);
    let words = results.iter().map(|result| {
        let outcome =
            if ended(result.outcome) { "ended".to_owned() } else { format!("{:?}", result.outcome) };
        format!(
            "{}\0{}\0{outcome}\0{}",
            result.name,
            result.run.as_deref().unwrap_or_default(),
            result.episodes
        )
    });
    std::iter::once(file.to_owned()).chain(words).collect::<Vec<_>>().join("\0")
}
