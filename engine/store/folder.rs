//! The runs folder: one folder per run, named so that names sort by time.

use super::{Store, schema};
use crate::event::{Event, RunFinished, RunStarted};
use crate::units::RunId;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// More runs than this in one second are a mistake.
const NAMES_MAX: u32 = 10_000;

/// A run in short.
pub struct RunEntry {
    pub id: RunId,
    pub folder: PathBuf,
    /// With the budget and the limits as they were changed since. None when the run was cut off before its first event.
    pub started: Option<RunStarted>,
    pub started_ms: Option<u64>,
    pub episodes_scored: u32,
    pub episodes_unmeasured: u32,
    /// None while the run is unfinished.
    pub finished: Option<RunFinished>,
}

impl RunEntry {
    /// Whether it has begun and not come to its end.
    pub fn is_unfinished(&self) -> bool {
        self.started.is_some() && self.finished.is_none()
    }
}

/// What the folders of runs begin with that have not begun.
const UNBORN: &str = ".new-";

/// The folder of a run that this process is about to begin.
pub fn unborn(runs: &Path) -> PathBuf {
    runs.join(format!("{UNBORN}{}", std::process::id()))
}

/// Removes what processes left that were killed before their run began.
pub fn remove_unborn(runs: &Path) -> anyhow::Result<()> {
    let listing = std::fs::read_dir(runs).with_context(|| format!("list {}", runs.display()))?;
    for entry in listing {
        let folder = entry.with_context(|| format!("list {}", runs.display()))?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Another process may hold it, or remove it at the same moment.
        if name.starts_with(UNBORN) && super::lock(&folder).is_ok() {
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

/// Gives a run its name: the time in UTC, with a number where that is taken, also by a run that begins at
/// the same moment.
pub fn give_name(unborn: &Path, runs: &Path, now_ms: u64) -> anyhow::Result<PathBuf> {
    let base = utc_name(now_ms / 1000);
    for number in 1..=NAMES_MAX {
        let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        let folder = runs.join(name);
        // A folder that is not empty is never replaced.
        match std::fs::rename(unborn, &folder) {
            Ok(()) => return Ok(folder),
            Err(_) if folder.exists() => {}
            Err(error) => return Err(error).with_context(|| format!("make {}", folder.display())),
        }
    }
    bail!("{} holds {NAMES_MAX} runs of the same second", runs.display())
}

/// The runs in the folder, oldest first. A folder that cannot be read as a run comes with the reason.
pub fn run_entries(runs: &Path) -> anyhow::Result<Vec<Result<RunEntry, (PathBuf, anyhow::Error)>>> {
    let folders = run_folders(runs)?.into_iter();
    Ok(folders.map(|folder| run_entry(&folder).map_err(|error| (folder, error))).collect())
}

/// The folders of all runs, oldest first.
pub fn run_folders(runs: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !runs.exists() {
        return Ok(Vec::new());
    }
    let listing = std::fs::read_dir(runs).with_context(|| format!("list {}", runs.display()))?;
    let mut folders: Vec<PathBuf> = listing
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(|| format!("list {}", runs.display()))?;
    let has_begun = |folder: &PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with(UNBORN) && folder.join(schema::FILE).is_file()
    };
    folders.retain(has_begun);
    folders.sort();
    Ok(folders)
}

/// Reads a run in short from its records.
pub fn run_entry(folder: &Path) -> anyhow::Result<RunEntry> {
    let store = Store::open_to_read(folder)?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (episodes_scored, episodes_unmeasured) = store.episodes_ended()?;
    let mut entry = RunEntry {
        id: RunId(name),
        folder: folder.to_owned(),
        started: None,
        started_ms: None,
        episodes_scored,
        episodes_unmeasured,
        finished: None,
    };
    for record in store.turning_points()? {
        match record.event {
            Event::RunStarted(started) => {
                entry.started = Some(started);
                entry.started_ms = Some(record.wall_clock.recorded_ms);
            }
            Event::RunFinished(finished) => entry.finished = Some(finished),
            Event::Tuned(tuned) => {
                if let Some(started) = &mut entry.started {
                    started.budget = tuned.budget.unwrap_or(started.budget);
                    *started.caps = tuned.caps.map_or(*started.caps, |caps| *caps);
                }
            }
            _ => {}
        }
    }
    Ok(entry)
}

/// `2026-03-02T17:45:01Z` for milliseconds since 1970.
pub fn utc_text(ms: u64) -> String {
    let [year, month, day, hour, minute, second] = civil(ms / 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `20260302-174501` for a second since 1970.
fn utc_name(seconds: u64) -> String {
    let [year, month, day, hour, minute, second] = civil(seconds);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
}

/// Year, month, day, hour, minute and second in UTC (days by Howard Hinnant's civil calendar algorithm).
fn civil(seconds: u64) -> [u64; 6] {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    [year, month, day, second / 3600, second / 60 % 60, second % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_time_in_utc() {
        let check = |seconds: u64, expected: &str| assert_eq!(utc_name(seconds), expected);
        check(0, "19700101-000000");
        check(951_782_399, "20000228-235959");
        check(951_782_400, "20000229-000000");
        check(1_772_323_200, "20260301-000000");
    }
}
