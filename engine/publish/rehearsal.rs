//! Whether a push would arrive, asked before there is anything to push. Nothing is changed, here or there; what
//! only the remote's own hooks and branch rules know shows itself at a real push.

use super::git::{PackRepo, PublishError};
use super::push::{branch_status, complaint};
use super::redact::redact;
use super::rejection::{Destination, Rejection, RejectionCause, cause_of};

/// What a push would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// The repository has no remote; there is nothing to do.
    NoRemote,
    /// The remote would take the last commit, or has it.
    WouldArrive { remote: String, address: String, branch: String },
    /// The remote answers, and nothing is committed that could be offered to it.
    NothingCommitted { remote: String, address: String, branch: String },
    /// A push would not arrive.
    WouldFail(Rejection),
}

impl PackRepo {
    /// Goes through a push of the last commit without sending it.
    pub fn rehearse_push(&self) -> Result<Rehearsal, PublishError> {
        let head = self.head()?.map(|head| head.id().to_string());
        let destination = match self.destination(&self.branch()?) {
            Ok(None) => return Ok(Rehearsal::NoRemote),
            Ok(Some(destination)) => destination,
            Err(rejection) => return Ok(Rehearsal::WouldFail(rejection)),
        };
        let problem = match &head {
            Some(commit) => self.refusal(&destination, commit),
            None => self.stranger(&destination),
        };
        let Destination { remote, address, branch, .. } = destination;
        let address = redact(&address);
        Ok(match (problem, head) {
            (Err(rejection), _) => Rehearsal::WouldFail(rejection),
            (Ok(()), Some(_)) => Rehearsal::WouldArrive { remote, address, branch },
            (Ok(()), None) => Rehearsal::NothingCommitted { remote, address, branch },
        })
    }

    /// Why the remote would not take a commit.
    fn refusal(&self, destination: &Destination, commit: &str) -> Result<(), Rejection> {
        let refspec = format!("{commit}:refs/heads/{}", destination.branch);
        // The user's own hook is left out: it may do more than look.
        let arguments = ["push", "--dry-run", "--no-verify", "--porcelain", &destination.remote, &refspec];
        let tried = self.run_git(destination, &arguments)?;
        if tried.success {
            return Ok(());
        }
        let status = branch_status(&tried.stdout);
        let cause = cause_of(status.map(|status| status.text), &tried.stderr);
        Err(destination.reject(cause, &complaint(status, &tried)))
    }

    /// Why a first commit would be refused: the remote cannot be read, or has a history of its own.
    fn stranger(&self, destination: &Destination) -> Result<(), Rejection> {
        let name = format!("refs/heads/{}", destination.branch);
        let listed = self.run_git(destination, &["ls-remote", &destination.address, &name])?;
        if !listed.success {
            return Err(destination.reject(cause_of(None, &listed.stderr), &listed.stderr));
        }
        if listed.stdout.trim().is_empty() {
            return Ok(());
        }
        let said = format!("the remote has a branch {} with commits that are not here", destination.branch);
        Err(destination.reject(RejectionCause::NotFastForward, &said))
    }
}
