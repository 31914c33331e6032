//! The two outputs: results on standard output, everything else on standard error. A reader that has gone
//! away (`optimize report | head`) is no failure, and no reason to stop a paid run.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

/// Writes a line of a result; false when nobody reads any more.
pub fn line(text: impl Display) -> bool {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                note(format_args!("warning: standard output cannot be written: {error}"));
            }
            false
        }
    }
}

/// Writes a line about what happens to standard error. Where that is closed, there is nobody to tell.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
