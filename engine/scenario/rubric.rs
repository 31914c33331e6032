//! The rubric of a scenario: its checks, compiled once.

/// The checks of a scenario, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Rubric {
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    pub id: String,
    pub category: String,
    pub points: f64,
    pub description: String,
}
