//! Exit codes, and how a failure is told.

use std::process::ExitCode;

/// What a caller can learn from the exit code. Clap itself ends with 2 on a usage error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed that has no code of its own.
    Failed = 1,
    /// The input is wrong: a suite, a pack, a setting.
    BadInput = 3,
    /// The run ended in order, and the finalist was not shown to be better.
    NoImprovement = 4,
    /// Models or disks failed; the run can be resumed.
    Infrastructure = 5,
    /// Interrupted by the user; the run can be resumed.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Tells an error on stderr, with what led to it, and gives the exit code.
pub fn explain(error: anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    Exit::Failed.into()
}
