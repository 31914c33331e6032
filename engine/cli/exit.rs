//! Exit codes, and how a failure is told.

use crate::out;
use packwright::report::plain;
use std::fmt;
use std::process::ExitCode;

/// What a caller can learn from the exit code; 0 is success, and clap ends with 2 on a usage error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed that has no code of its own.
    Failed = 1,
    /// The input is wrong: a suite, a pack, a setting, a missing key.
    BadInput = 3,
    /// The run ended in order, and there is no better pack.
    NoImprovement = 4,
    /// Models, disks or remotes failed; the run can be resumed.
    Infrastructure = 5,
    /// What was to hold does not: a comparison found a pack worse, a verdict is another, or a pack is not fit to be
    /// published.
    Gate = 6,
    /// Interrupted by the user; the run can be resumed.
    Interrupted = 130,
}

/// The table of `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done; a run that ends with 0 has a better pack, and it is committed; after a doctor that
       ends with 0, a run can begin
  1    failed for another reason
  2    the command line is wrong
  3    the input is wrong: a suite, a pack, a setting, a missing key
  4    the run ended in order, and there is no better pack
  5    models, disks or remotes failed; `optimize resume` goes on
  6    a gate does not hold: `compare` found B worse, `rescore --expect-same` a difference,
       `pack lint` errors, `pack similarity` a copy; or a better pack was not published for these;
       `wallet verify` a false signature, `chain submit` a hotkey that may not commit
  130  stopped at once; `optimize resume` goes on";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error of the input, told as it is.
#[derive(Debug)]
pub struct BadInput(pub String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Something outside that does not answer as it must, before anything has begun.
#[derive(Debug)]
pub struct Unreachable(pub String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

/// Tells an error on stderr, with what led to it, and gives the exit code.
pub fn explain(error: anyhow::Error) -> ExitCode {
    let text: Vec<String> = format!("{error:#}").lines().map(plain).collect();
    out::note(format_args!("error: {}", text.join("\n")));
    let has = |is: fn(&(dyn std::error::Error + 'static)) -> bool| error.chain().any(is);
    let exit = match () {
        () if has(|cause| cause.is::<BadInput>()) => Exit::BadInput,
        () if has(|cause| cause.is::<Unreachable>()) => Exit::Infrastructure,
        () => Exit::Failed,
    };
    exit.into()
}
