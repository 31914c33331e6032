//! The laboratory: whole optimizations against simulated worlds whose truth is known, beside plain strategies
//! that get the same episodes and the same writer.
//!
//! A world says what every policy is worth, so it can be said what a search really gained, how often what it
//! reports is right, and how often it claims a win where there is none. Worlds say how selection behaves
//! under noise; how good a model's proposals are they do not say.

mod answer;
mod baseline;
mod calibration;
mod definition;
mod draft;
mod genesis;
mod night;
mod policy_text;
mod server;
mod summary;
mod survey;
mod world;

pub use baseline::Baseline;
pub use calibration::{Cell, Counted, Forecasts, Overrated, Tally};
pub use definition::Definition;
pub use night::{Forecast, Night, Statement, Strategy, night};
pub use server::LabServer;
pub use summary::{Difference, Interval, Row, difference, row};
pub use survey::{Survey, survey};
pub use world::{World, WorldCheck, WorldScenario};
