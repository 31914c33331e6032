//! Pushing a committed pack to the remote of its repository, and making sure that it arrived.
//!
//! The installed `git` does it, since it knows the user's credential helpers, keys and proxies. Nothing is
//! ever forced: a remote that has something else keeps it.

use super::git::{Committed, PackRepo};
use super::program::Finished;
use super::redact::redact;
use super::rejection::{Destination, Rejection, RejectionCause, cause_of};
use git2::{Config, ConfigLevel};
use serde::{Deserialize, Serialize};

/// Without it, ssh would ask for passwords and unknown hosts on the terminal.
const SSH_COMMAND: &str = "ssh -oBatchMode=yes -oConnectTimeout=30";
/// The settings of git that say how remotes are reached.
const WAYS: [&str; 5] = ["core.sshcommand", "credential.", "http.", "ssh.", "url."];

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushOutcome {
    /// The user wants no push.
    NotWanted,
    /// The repository has no remote; there is nothing to do.
    NoRemote,
    /// The remote's branch is our commit now, and the remote says so itself.
    Pushed { remote: String, address: String, branch: String },
    /// The remote's branch was our commit before.
    AlreadyThere { remote: String, address: String, branch: String },
    /// The commit is here but not there.
    Rejected(Rejection),
}

impl PackRepo {
    /// Pushes a commit to the branch's remote: its push remote or upstream, else `origin`, else the only one.
    pub fn push(&self, committed: &Committed) -> PushOutcome {
        match self.destination(&committed.branch) {
            Ok(None) => PushOutcome::NoRemote,
            Ok(Some(destination)) => {
                self.push_to(&destination, &committed.commit).unwrap_or_else(PushOutcome::Rejected)
            }
            Err(rejection) => PushOutcome::Rejected(rejection),
        }
    }

    /// Whether the remote's branch is this commit; none where it is not, or cannot be asked.
    pub fn is_at_remote(&self, committed: &Committed) -> Option<PushOutcome> {
        let destination = self.destination(&committed.branch).ok().flatten()?;
        self.confirm(&destination, &committed.commit).ok()?;
        let Destination { remote, address, branch, .. } = destination;
        Some(PushOutcome::AlreadyThere { remote, address: redact(&address), branch })
    }

    fn push_to(&self, destination: &Destination, commit: &str) -> Result<PushOutcome, Rejection> {
        let refspec = format!("{commit}:refs/heads/{}", destination.branch);
        let pushed = self.run_git(destination, &["push", "--porcelain", &destination.remote, &refspec])?;
        let status = branch_status(&pushed.stdout);
        if !pushed.success {
            let cause = cause_of(status.map(|status| status.text), &pushed.stderr);
            let is_refused = status.is_some_and(|status| status.flag == '!');
            // Where only the answer was lost, the commit is there.
            let is_lost = !is_refused && cause == RejectionCause::Network;
            if !is_lost || self.confirm(destination, commit).is_err() {
                return Err(destination.reject(cause, &complaint(status, &pushed)));
            }
        }
        self.confirm(destination, commit)?;
        let Destination { remote, address, branch, .. } = destination;
        let (remote, address, branch) = (remote.clone(), redact(address), branch.clone());
        Ok(match status {
            Some(BranchStatus { flag: '=', .. }) => PushOutcome::AlreadyThere { remote, address, branch },
            _ => PushOutcome::Pushed { remote, address, branch },
        })
    }

    /// Asks the remote whether its branch is our commit.
    fn confirm(&self, destination: &Destination, commit: &str) -> Result<(), Rejection> {
        let name = format!("refs/heads/{}", destination.branch);
        let listed = self.run_git(destination, &["ls-remote", &destination.address, &name])?;
        let head = listed.stdout.lines().find_map(|line| line.strip_suffix(&name)).map(str::trim);
        let said = match head {
            Some(head) if head == commit => return Ok(()),
            Some(head) => format!("the remote's {} is {head}, not {commit}", destination.branch),
            None if listed.success => format!("the remote shows no branch {}", destination.branch),
            None => listed.stderr,
        };
        Err(destination.reject(RejectionCause::Unconfirmed, &said))
    }

    pub(super) fn run_git(
        &self,
        destination: &Destination,
        arguments: &[&str],
    ) -> Result<Finished, Rejection> {
        let variables: &[(&str, &str)] =
            if self.ssh_is_chosen() { &[] } else { &[("GIT_SSH_COMMAND", SSH_COMMAND)] };
        self.git
            .run_with_remote(self.folder(), &destination.address, arguments, variables)
            .map_err(|error| destination.reject_program(&error))
    }

    /// What the repository's own configuration says of how remotes are reached, as variables that tell it to git in another
    /// folder.
    pub(super) fn ways_to_remotes(&self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        if !self.ssh_is_chosen() {
            variables.push(("GIT_SSH_COMMAND".to_owned(), SSH_COMMAND.to_owned()));
        }
        let Some(local) = self.config().and_then(|config| config.open_level(ConfigLevel::Local).ok()) else {
            return variables;
        };
        let mut entries = Vec::new();
        if let Ok(mut found) = local.entries(None) {
            while let Some(Ok(entry)) = found.next() {
                if let (Ok(name), Ok(value)) = (entry.name(), entry.value())
                    && WAYS.iter().any(|way| name.starts_with(way))
                {
                    entries.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        variables.push(("GIT_CONFIG_COUNT".to_owned(), entries.len().to_string()));
        for (number, (name, value)) in entries.into_iter().enumerate() {
            variables.push((format!("GIT_CONFIG_KEY_{number}"), name));
            variables.push((format!("GIT_CONFIG_VALUE_{number}"), value));
        }
        variables
    }

    fn ssh_is_chosen(&self) -> bool {
        let is_set = |name: &str| {
            std::env::var_os(name).is_some() || self.git.variables.iter().any(|(key, _)| key == name)
        };
        is_set("GIT_SSH_COMMAND")
            || is_set("GIT_SSH")
            || self.config().is_some_and(|config| text(&config, "core.sshCommand").is_some())
    }

    pub(super) fn destination(&self, branch: &str) -> Result<Option<Destination>, Rejection> {
        let folder = self.folder().display().to_string();
        let remotes = self.remote_names();
        let chosen = self.config().and_then(|config| chosen_remote(&config, branch, &remotes));
        let (remote, target) = match (chosen, &remotes[..]) {
            (Some(chosen), _) => chosen,
            (None, []) => return Ok(None),
            (None, [only]) => (only.clone(), branch.to_owned()),
            (None, several) => {
                let said = format!("there are several remotes: {}", several.join(", "));
                let nowhere = Destination {
                    folder,
                    remote: "NAME".into(),
                    address: String::new(),
                    branch: branch.to_owned(),
                };
                return Err(nowhere.reject(RejectionCause::AmbiguousRemote, &said));
            }
        };
        // Until git has told where the remote really is, its name stands for the address.
        let mut destination = Destination { folder, address: remote.clone(), remote, branch: target };
        let told = self.run_git(&destination, &["remote", "get-url", "--push", &destination.remote])?;
        match told.stdout.lines().next() {
            Some(address) if told.success => destination.address = address.to_owned(),
            _ => return Err(destination.reject(cause_of(None, &told.stderr), &told.stderr)),
        }
        Ok(Some(destination))
    }
}

/// The remote that the configuration names for a branch, and the branch there.
fn chosen_remote(config: &Config, branch: &str, remotes: &[String]) -> Option<(String, String)> {
    let upstream = text(config, &format!("branch.{branch}.remote"));
    let candidates = [
        text(config, &format!("branch.{branch}.pushRemote")),
        text(config, "remote.pushDefault"),
        upstream.clone(),
        Some("origin".to_owned()),
    ];
    let remote = candidates.into_iter().flatten().find(|name| remotes.contains(name))?;
    let upstream_branch = text(config, &format!("branch.{branch}.merge"))
        .filter(|_| upstream.as_ref() == Some(&remote))
        .and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned));
    Some((remote, upstream_branch.unwrap_or_else(|| branch.to_owned())))
}

fn text(config: &Config, name: &str) -> Option<String> {
    config.get_string(name).ok().filter(|value| !value.is_empty())
}

/// What `git push --porcelain` says about the one branch that was pushed.
#[derive(Clone, Copy)]
pub(super) struct BranchStatus<'a> {
    /// `!` rejected, `=` up to date, `*` new, blank for a fast-forward.
    pub flag: char,
    pub text: &'a str,
}

pub(super) fn branch_status(stdout: &str) -> Option<BranchStatus<'_>> {
    stdout.lines().find_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (flag, _refs, text) = (parts.next()?, parts.next()?, parts.next()?);
        let flag = flag.chars().next()?;
        "!=*+- ".contains(flag).then_some(BranchStatus { flag, text })
    })
}

/// The status of the branch and what the remote said, without git's own hints.
pub(super) fn complaint(status: Option<BranchStatus<'_>>, pushed: &Finished) -> String {
    let said = pushed.stderr.lines().filter(|line| !line.starts_with("hint:"));
    let said = said.filter(|line| !line.starts_with("error: failed to push some refs"));
    let lines: Vec<&str> = status.map(|status| status.text).into_iter().chain(said).collect();
    if lines.is_empty() { "git gave no reason".into() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_is_found_among_the_others() {
        let check = |stdout: &str, expected: Option<(char, &str)>| {
            assert_eq!(branch_status(stdout).map(|status| (status.flag, status.text)), expected);
        };
        check(
            "To /x\n!\tabc:refs/heads/main\t[rejected] (fetch first)\nDone\n",
            Some(('!', "[rejected] (fetch first)")),
        );
        check("To /x\n \tabc:refs/heads/main\t1..2\nDone\n", Some((' ', "1..2")));
        check("To /x\nDone\n", None);
    }
}
