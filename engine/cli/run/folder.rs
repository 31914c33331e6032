//! The folder of runs, looked at before anything is spent: a run that cannot be kept is none.

use crate::exit::BadInput;
use std::fs::File;
use std::path::Path;

/// Makes the folder where there is none, and refuses one in which nothing can be kept.
pub fn check_runs_folder(runs: &Path) -> anyhow::Result<()> {
    let probe = runs.join(format!(".probe-{}", std::process::id()));
    let keep = || {
        std::fs::create_dir_all(runs)?;
        File::create(&probe)?;
        std::fs::remove_file(&probe)
    };
    keep().map_err(|error| {
        let runs = runs.display();
        BadInput(format!(
            "no run can be kept in {runs}: {error}; name a folder that can be written to with --runs"
        ))
        .into()
    })
}
