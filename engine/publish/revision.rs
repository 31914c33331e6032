//! A revision of somebody's repository, fetched into a new one that has nothing else.

use super::program::{Finished, GitProgram};
use super::redact::{presentable, redact};
use crate::agent::held::HeldFolder;

const FOLDER_PREFIX: &str = "packwright-fetch-";

/// A revision that was fetched; gone again when this is dropped.
pub(super) struct Revision<'a> {
    git: &'a GitProgram,
    folder: HeldFolder,
}

impl<'a> Revision<'a> {
    /// Fetches a branch, a tag or a whole commit id of a repository, with further variables for git.
    pub fn fetch(
        git: &'a GitProgram,
        repository: &str,
        name: &str,
        variables: &[(&str, &str)],
    ) -> Result<Revision<'a>, String> {
        let folder =
            HeldFolder::new(&std::env::temp_dir(), FOLDER_PREFIX).map_err(|error| error.to_string())?;
        let revision = Revision { git, folder };
        revision.done(&["init", "--quiet", "--bare", "."])?;
        let arguments = ["fetch", "--quiet", "--depth", "1", "--no-tags", repository, name];
        let fetched = git.run_with_remote(revision.folder.path(), repository, &arguments, variables);
        output(fetched.map_err(|error| error.to_string())?)?;
        Ok(revision)
    }

    /// The id of the commit.
    pub fn commit(&self) -> Result<String, String> {
        Ok(self.done(&["rev-parse", "FETCH_HEAD"])?.trim().to_owned())
    }

    /// How many bytes a file at the root has; none where it is not there.
    pub fn size(&self, file: &str) -> Result<Option<usize>, String> {
        let told = self.run(&["cat-file", "-s", &format!("FETCH_HEAD:{file}")])?;
        let size = || told.stdout.trim().parse().map_err(|error| format!("the size of {file}: {error}"));
        told.success.then(size).transpose()
    }

    /// What a file at the root holds.
    pub fn file(&self, file: &str) -> Result<Vec<u8>, String> {
        Ok(self.done(&["cat-file", "blob", &format!("FETCH_HEAD:{file}")])?.into_bytes())
    }

    fn done(&self, arguments: &[&str]) -> Result<String, String> {
        output(self.run(arguments)?)
    }

    fn run(&self, arguments: &[&str]) -> Result<Finished, String> {
        self.git.run(self.folder.path(), arguments, &[]).map_err(|error| error.to_string())
    }
}

fn output(finished: Finished) -> Result<String, String> {
    match finished.success {
        true => Ok(finished.stdout),
        false => Err(redact(&presentable(&finished.stderr)).replace('\n', "; ")),
    }
}
