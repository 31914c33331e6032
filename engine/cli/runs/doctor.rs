//! `optimize runs doctor`: whether a run's store is sound, and a new one of what is sound.

use super::find;
use crate::control::command_for;
use crate::exit::Exit;
use crate::out;
use packwright::report::plain;
use packwright::store::{Finding, Soundness, examine, repair, run_folders};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
pub fn run(runs: &Path, id: Option<&str>, repairs: bool, json: bool) -> anyhow::Result<ExitCode> {
    let folder = match id {
        Some(_) => find(runs, id)?,
        // A run that cannot be read is a run all the same.
        None => match run_folders(runs)?.pop() {
            Some(newest) => newest,
            None => find(runs, None)?,
        },
    };
    let before = examine(&folder)?;
    let is_damaged = worst(&before) == Soundness::Damaged;
    let kept = if repairs && is_damaged { Some(repair(&folder)?) } else { None };
    let after = if kept.is_some() { examine(&folder)? } else { before.clone() };
    if json {
        out::line(
            json!({"run": folder, "findings": before, "repaired": kept.is_some(), "kept": kept, "now": after}),
        );
    } else {
        before.iter().for_each(tell);
        if let Some(kept) = &kept {
            out::line(format!("\nrepaired; the damaged store is kept as {}\n", kept.display()));
            after.iter().for_each(tell);
        }
        out::line(format!("\n{}", next(&folder, runs, worst(&after))));
    }
    Ok(match worst(&after) {
        Soundness::Sound | Soundness::Odd => ExitCode::SUCCESS,
        Soundness::Damaged | Soundness::Lost => Exit::Infrastructure.into(),
    })
}

fn worst(findings: &[Finding]) -> Soundness {
    findings.iter().map(|finding| finding.state).max().unwrap_or(Soundness::Lost)
}

fn tell(finding: &Finding) {
    let mark = match finding.state {
        Soundness::Sound => "ok",
        Soundness::Odd => "odd",
        Soundness::Damaged => "DAMAGED",
        Soundness::Lost => "LOST",
    };
    out::line(format!("{mark:<9} {:<12} {}", finding.part, plain(&finding.words)));
}

fn next(folder: &Path, runs: &Path, worst: Soundness) -> String {
    let id = crate::control::name_of(folder);
    match worst {
        Soundness::Sound | Soundness::Odd => "the run is sound".to_owned(),
        Soundness::Damaged => {
            format!("what is sound can be kept: {} --repair", command_for("runs doctor", runs, &id))
        }
        Soundness::Lost => {
            "what is lost cannot be repaired; take the run from a backup, or start another".to_owned()
        }
    }
}
