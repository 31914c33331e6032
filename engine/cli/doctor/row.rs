//! What a check found: a row of the table, and an object of the JSON. The words of both are stable.

use crate::exit::Exit;
use serde::{Serialize, Serializer};

/// What a check found, and what the later ones can use of it.
pub type Found<T> = (Row, Option<T>);

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub status: Status,
    pub finding: String,
    /// What to do; none where there is nothing to mend.
    pub fix: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Passed,
    /// A run can begin, and may disappoint.
    Warning,
    /// A run cannot begin, or would be for nothing.
    Failed(Fault),
    /// It was not looked at, and the finding says why.
    Skipped,
    /// There is nothing to look at.
    NotConfigured,
}

/// Whose a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The user's: a setting, a file, a key.
    Setup,
    /// The world's: a model, a disk, a remote.
    Infrastructure,
}

impl Status {
    /// The word of the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Warning => "warning",
            Status::Failed(_) => "failed",
            Status::Skipped => "skipped",
            Status::NotConfigured => "not_configured",
        }
    }

    /// The word of the table.
    pub fn mark(self) -> &'static str {
        match self {
            Status::Passed => "ok",
            Status::Warning => "warning",
            Status::Failed(_) => "FAILED",
            Status::Skipped => "skipped",
            Status::NotConfigured => "not configured",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl From<Fault> for Exit {
    fn from(fault: Fault) -> Exit {
        match fault {
            Fault::Setup => Exit::BadInput,
            Fault::Infrastructure => Exit::Infrastructure,
        }
    }
}

impl Row {
    pub fn passed(name: &'static str, finding: impl Into<String>) -> Row {
        Row { name, status: Status::Passed, finding: finding.into(), fix: None }
    }

    pub fn warning(name: &'static str, finding: impl Into<String>, fix: impl Into<String>) -> Row {
        Row { name, status: Status::Warning, finding: finding.into(), fix: Some(fix.into()) }
    }

    pub fn failed(
        name: &'static str,
        fault: Fault,
        finding: impl Into<String>,
        fix: impl Into<String>,
    ) -> Row {
        Row { name, status: Status::Failed(fault), finding: finding.into(), fix: Some(fix.into()) }
    }

    /// A check that another one had to precede.
    pub fn needs(name: &'static str, other: &str) -> Row {
        let finding = format!("not looked at, since {other} failed");
        Row { name, status: Status::Skipped, finding, fix: Some(format!("mend {other} first")) }
    }

    /// A check that there is no reason to make.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Row {
        Row { name, status: Status::Skipped, finding: why.into(), fix: None }
    }

    pub fn not_configured(name: &'static str, finding: impl Into<String>) -> Row {
        Row { name, status: Status::NotConfigured, finding: finding.into(), fix: None }
    }
}

/// The exit code of all rows together. What the user must mend comes before what may pass by itself.
pub fn exit(rows: &[Row]) -> Option<Exit> {
    let faults = rows.iter().filter_map(|row| match row.status {
        Status::Failed(fault) => Some(fault),
        _ => None,
    });
    let faults: Vec<Fault> = faults.collect();
    faults.iter().find(|fault| **fault == Fault::Setup).or(faults.first()).map(|fault| Exit::from(*fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_of_what_must_be_mended_first() {
        let row = |status| Row { status, ..Row::passed("x", "y") };
        let check = |statuses: &[Status], expected: Option<Exit>| {
            let rows: Vec<Row> = statuses.iter().map(|status| row(*status)).collect();
            assert_eq!(exit(&rows), expected);
        };
        let (setup, infrastructure) = (Status::Failed(Fault::Setup), Status::Failed(Fault::Infrastructure));
        check(&[Status::Passed, Status::Warning, Status::Skipped, Status::NotConfigured], None);
        check(&[Status::Passed, infrastructure], Some(Exit::Infrastructure));
        check(&[infrastructure, setup, infrastructure], Some(Exit::BadInput));
    }

    #[test]
    fn every_status_has_words_of_its_own() {
        use std::collections::BTreeSet;
        let all = [
            Status::Passed,
            Status::Warning,
            Status::Failed(Fault::Setup),
            Status::Skipped,
            Status::NotConfigured,
        ];
        assert_eq!(all.iter().map(|status| status.word()).collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(|status| status.mark()).collect::<BTreeSet<_>>().len(), all.len());
    }
}
