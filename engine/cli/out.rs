//! Standard output: results only. A reader that has gone away (`optimize report | head`) is no failure, and
//! no reason to stop a paid run.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

/// Writes a line; false when nobody reads any more.
pub fn line(text: impl Display) -> bool {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                eprintln!("warning: standard output cannot be written: {error}");
            }
            false
        }
    }
}
