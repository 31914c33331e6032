//! Exports: a run's episodes and checks in forms that other programs read. Tables for pandas and duckdb, JUnit XML for
//! CI, and OpenTelemetry traces.
//!
//! Every row stands for something that was recorded; what was not measured is empty or null, never a number.
//! Transcripts leave the run's folder only where the caller asks for them.

mod junit;
pub mod otlp;
mod rows;
pub mod send;
mod tables;

pub use junit::{Junit, junit};
pub use rows::{CheckRow, EpisodeRow, Tables, tables};
pub use tables::{Form, TableFile, files};
