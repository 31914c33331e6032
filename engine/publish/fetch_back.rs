//! Fetching back what was published, as others see it, and hashing it again: nothing goes on chain on the word of the
//! program that sent it.

use super::fetch::{BYTES_MAX, body_of};
use super::git::{PACK_JSON, PackRepo};
use super::push::PushOutcome;
use super::redact::redact;
use super::revision::Revision;
use crate::pack::Pack;
use crate::units::PackHash;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Between two looks at an address that shows something else still: what serves it may keep it for minutes.
const LOOK: Duration = Duration::from_secs(10);

/// What was found where others fetch the pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchedBack {
    /// There is nothing to be fetched: nothing was pushed, and no address is known.
    NotWanted,
    /// The pack that was published.
    Same { from: String, hash: PackHash },
    /// Something else, which is told.
    Different { from: String, found: String },
    /// Nothing could be fetched.
    Unreachable { from: String, reason: String },
}

impl FetchedBack {
    pub fn is_same(&self) -> bool {
        matches!(self, FetchedBack::Same { .. })
    }
}

/// Where to fetch from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// The public address of `pack.json`, asked again for so long while it shows something else.
    Url { address: &'a str, wait: Duration },
    /// A fresh fetch of the branch that was pushed to.
    Remote { repo: &'a PackRepo, commit: &'a str, push: &'a PushOutcome },
}

impl FetchedBack {
    /// Fetches what is there, and compares its hash. Blocks; not to be called in a runtime.
    pub fn of(source: Source<'_>, expected: &PackHash) -> FetchedBack {
        match source {
            Source::Url { address, wait } => of_url(address, wait, expected),
            Source::Remote { repo, commit, push } => match push {
                PushOutcome::Pushed { branch, .. } | PushOutcome::AlreadyThere { branch, .. } => {
                    let (from, fetched) = of_remote(repo, commit, branch);
                    judged(from, fetched, expected)
                }
                PushOutcome::NotWanted | PushOutcome::NoRemote | PushOutcome::Rejected(_) => {
                    FetchedBack::NotWanted
                }
            },
        }
    }
}

fn of_url(address: &str, wait: Duration, expected: &PackHash) -> FetchedBack {
    let from = redact(address);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return FetchedBack::Unreachable { from, reason: error.to_string() },
    };
    let deadline = Instant::now() + wait;
    loop {
        let fetched = runtime.block_on(body_of(address)).map_err(|error| error.to_string());
        let found = judged(from.clone(), fetched, expected);
        let left = deadline.saturating_duration_since(Instant::now());
        if found.is_same() || left.is_zero() {
            return found;
        }
        std::thread::sleep(LOOK.min(left));
    }
}

fn judged(from: String, fetched: Result<Vec<u8>, String>, expected: &PackHash) -> FetchedBack {
    match fetched.map(|bytes| Pack::read(&bytes)) {
        Err(reason) => FetchedBack::Unreachable { from, reason },
        Ok(Ok(pack)) if pack.hash() == expected => FetchedBack::Same { from, hash: pack.hash().clone() },
        Ok(Ok(pack)) => FetchedBack::Different { from, found: format!("the pack {}", pack.hash()) },
        Ok(Err(issues)) => {
            let issues: Vec<String> = issues.iter().map(ToString::to_string).collect();
            FetchedBack::Different { from, found: format!("no pack: {}", issues.join("; ")) }
        }
    }
}

/// Fetches a branch into a new repository, which has nothing of ours but how to reach the remote.
fn of_remote(repo: &PackRepo, commit: &str, branch: &str) -> (String, Result<Vec<u8>, String>) {
    let destination = match repo.destination(branch) {
        Ok(Some(destination)) => destination,
        Ok(None) => {
            return ("the remote".to_owned(), Err("the repository has no remote any more".to_owned()));
        }
        Err(rejection) => return ("the remote".to_owned(), Err(rejection.reason)),
    };
    let from = format!("{branch} of {}", redact(&destination.address));
    let fetch = || -> Result<Vec<u8>, String> {
        let reach = repo.ways_to_remotes();
        let variables: Vec<(&str, &str)> =
            reach.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // A remote may be named relative to the pack repository.
        let beside = std::path::absolute(repo.folder().join(&destination.address)).ok();
        let beside = beside.filter(|path| path.exists()).map(|path| path.display().to_string());
        let address = beside.as_ref().unwrap_or(&destination.address);
        let fetched = Revision::fetch(&repo.git, address, &format!("refs/heads/{branch}"), &variables)?;
        let head = fetched.commit()?;
        if head != commit {
            return Err(format!("the branch is {head} there, not {commit}"));
        }
        match fetched.size(PACK_JSON)? {
            None => Err(format!("there is no {PACK_JSON} at its root")),
            Some(size) if size > BYTES_MAX => {
                Err(format!("{PACK_JSON} has more than {BYTES_MAX} bytes, which validators do not take"))
            }
            Some(_) => fetched.file(PACK_JSON),
        }
    };
    let fetched = fetch();
    (from, fetched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackMetadata;

    #[test]
    fn what_is_fetched_is_judged_by_its_hash() {
        let pack = Pack::of_policy("# Rules\n", &PackMetadata::default());
        let check = |fetched: Result<&str, &str>, expected: fn(&FetchedBack) -> bool| {
            let fetched = fetched.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned);
            let found = judged("there".to_owned(), fetched, pack.hash());
            assert!(expected(&found), "{found:?}");
        };
        check(Ok(&pack.pretty_json()), |found| matches!(found, FetchedBack::Same { .. }));
        let other = Pack::of_policy("# Other\n", &PackMetadata::default());
        check(Ok(&other.pretty_json()), |found| matches!(found, FetchedBack::Different { .. }));
        check(
            Ok("<html>"),
            |found| matches!(found, FetchedBack::Different { found, .. } if found.starts_with("no pack")),
        );
        check(Err("no route"), |found| matches!(found, FetchedBack::Unreachable { .. }));
    }
}
