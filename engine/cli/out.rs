//! The two outputs: results on standard output, everything else on standard error. A reader that has gone
//! away (`optimize report | head`) is no failure, and no reason to stop a paid run.

use clap::{Args, ValueEnum};
use packwright::store::utc_text;
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much of what happens is told.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only what ends the run
    Error,
    /// Also what somebody should look at
    Warn,
    /// Also how the run goes
    Info,
    /// Also every episode
    Debug,
}

/// What is written to standard error, and how.
#[derive(Args, Debug, Clone, Copy)]
pub struct LogArgs {
    /// How much to tell on standard error
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        env = "PACKWRIGHT_LOG_LEVEL",
        default_value = "info",
        hide_short_help = true
    )]
    log_level: Level,

    /// Begin every line on standard error with the time, in UTC
    #[arg(long, hide_short_help = true)]
    timestamps: bool,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);
static IS_STAMPED: AtomicBool = AtomicBool::new(false);

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

impl LogArgs {
    pub fn level(&self) -> Level {
        self.log_level
    }

    /// Holds from here on for this process.
    pub fn apply(&self) {
        LEVEL.store(self.log_level as u8, Ordering::Relaxed);
        IS_STAMPED.store(self.timestamps, Ordering::Relaxed);
    }
}

/// Whether so much is to be told.
pub fn tells(level: Level) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

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
    let mut err = std::io::stderr().lock();
    let _ = match IS_STAMPED.load(Ordering::Relaxed) {
        true => writeln!(err, "{} {text}", now()),
        false => writeln!(err, "{text}"),
    };
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    utc_text(since.as_millis() as u64)
}
