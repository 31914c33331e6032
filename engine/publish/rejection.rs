//! Why a push did not arrive, told from what git says, and what to do about each.

use super::program::{ProgramError, TOKEN_VARIABLE};
use super::redact::{presentable, redact_secrets_of};
use crate::shell::in_shell;
use serde::{Deserialize, Serialize};

/// A push that did not arrive. The commit stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    pub cause: RejectionCause,
    /// What git or the remote said, without credentials.
    pub reason: String,
    pub next_step: String,
}

/// Whose fault a rejection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCause {
    /// The remote has commits that are not here.
    NotFastForward,
    /// A hook or a branch rule declined the commit.
    HookDeclined,
    /// The remote is a work tree that has the branch checked out.
    CheckedOutThere,
    /// The remote does not let us in, or cannot write.
    Permission,
    /// ssh does not know the remote's host, or knows it by another key.
    UnknownHost,
    /// Nobody that is trusted here vouches for the remote's certificate.
    Certificate,
    /// There is no repository at the remote's address.
    NoRepository,
    /// The remote cannot be reached.
    Network,
    /// No answer within the time limit.
    TimedOut,
    /// No `git` program is installed.
    NoGitProgram,
    /// Several remotes, and nothing says which one.
    AmbiguousRemote,
    /// The push seemed to succeed, but the remote does not show our commit.
    Unconfirmed,
    /// Something else; the reason says it in git's words.
    Other,
}

/// Where a push goes, as messages need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// The folder of the pack repository.
    pub folder: String,
    /// The remote's name.
    pub remote: String,
    /// The remote's address, which may carry credentials.
    pub address: String,
    pub branch: String,
}

impl Destination {
    pub fn reject(&self, cause: RejectionCause, said: &str) -> Rejection {
        let reason = presentable(&redact_secrets_of(&self.address, said));
        Rejection { cause, reason, next_step: self.next_step(cause) }
    }

    pub fn reject_program(&self, error: &ProgramError) -> Rejection {
        let cause = match error {
            ProgramError::Missing { .. } => RejectionCause::NoGitProgram,
            ProgramError::TimedOut { .. } => RejectionCause::TimedOut,
            ProgramError::Io(_) => RejectionCause::Other,
        };
        self.reject(cause, &error.to_string())
    }

    fn next_step(&self, cause: RejectionCause) -> String {
        let Destination { folder, remote, branch, .. } = self;
        let git = format!("git -C {}", in_shell(folder));
        let again = format!("`{git} push {remote} HEAD:{branch}`");
        match cause {
            RejectionCause::NotFastForward => format!(
                "see what is there with `{git} fetch {remote}` and `{git} log HEAD..{remote}/{branch}`, \
                 merge it or choose another branch, then {again}; never force a push that others may have read"
            ),
            RejectionCause::HookDeclined => {
                format!("the commit stays here: satisfy the rule that the remote names, then {again}")
            }
            RejectionCause::CheckedOutThere => format!(
                "push to a bare repository (`git init --bare`), or check out another branch there, then {again}"
            ),
            RejectionCause::Permission => format!(
                "check that your key or token may write to {remote} (over ssh: `ssh-add -l` lists the keys; over https: \
                 {TOKEN_VARIABLE}, or a credential helper of git), then {again}"
            ),
            RejectionCause::UnknownHost => format!(
                "connect to {remote} once by hand with ssh and compare the key of its host with what the host publishes, \
                 then {again}"
            ),
            RejectionCause::Certificate => format!(
                "let git trust the authority that made the remote's certificate (`{git} config http.sslCAInfo FILE`), \
                 then {again}"
            ),
            RejectionCause::NoRepository => format!(
                "create the repository, or correct its address with `{git} remote set-url {remote} ADDRESS`, \
                 then {again}"
            ),
            RejectionCause::Network => format!("when the remote can be reached, {again}"),
            RejectionCause::TimedOut => format!(
                "try {again} by hand: it may be waiting for a password or a key, or the remote is slow"
            ),
            RejectionCause::NoGitProgram => format!("install git, then {again}"),
            RejectionCause::AmbiguousRemote => {
                format!("choose one with `{git} config remote.pushDefault NAME`, then try again")
            }
            RejectionCause::Unconfirmed => {
                format!("compare `{git} rev-parse HEAD` with `{git} ls-remote {remote} {branch}`")
            }
            RejectionCause::Other => format!("try {again} by hand"),
        }
    }
}

/// Tells the cause from the words of git: the status of the branch where there is one, else its complaints.
pub(super) fn cause_of(branch_status: Option<&str>, complaints: &str) -> RejectionCause {
    use RejectionCause::*;
    let has = |text: &str, words: &[&str]| {
        let text = text.to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let status = branch_status.unwrap_or("");
    let permission = [
        "permission denied",
        "insufficient permission",
        "unable to create temporary object directory",
        "unable to migrate objects",
        "read-only file system",
        "authentication failed",
        "could not read username",
        "could not read password",
        "access denied",
        "returned error: 401",
        "returned error: 403",
        "not authorized",
        "dubious ownership",
    ];
    let network = [
        "could not resolve host",
        "failed to connect",
        "couldn't connect",
        "connection refused",
        "connection timed out",
        "connection reset",
        "operation timed out",
        "operation too slow",
        "network is unreachable",
        "no route to host",
        "unable to look up",
        "returned error: 5",
        "ssl",
        "gnutls",
        "hung up unexpectedly",
        "unexpected disconnect",
        "early eof",
        "rpc failed",
        "broken pipe",
        "connection closed",
        "connection was closed",
        "empty reply from server",
    ];
    let no_repository =
        ["does not appear to be a git repository", "repository not found", "not found", "no such remote"];
    match () {
        _ if has(status, &["fetch first", "non-fast-forward", "stale info", "needs force"]) => NotFastForward,
        _ if has(status, &["checked out"]) => CheckedOutThere,
        _ if has(
            status,
            &["unpacker error", "unable to write", "failed to write", "failed to update ref"],
        ) =>
        {
            Permission
        }
        _ if has(status, &["hook declined", "declined", "protected", "prohibited"]) => HookDeclined,
        _ if has(complaints, &["host key verification failed", "host identification has changed"]) => {
            UnknownHost
        }
        _ if has(complaints, &["certificate"]) => Certificate,
        _ if has(complaints, &permission) => Permission,
        _ if has(complaints, &network) => Network,
        _ if has(complaints, &no_repository) => NoRepository,
        _ => Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RejectionCause::*;

    #[test]
    fn causes_are_told_from_what_git_says() {
        let check = |status: Option<&str>, complaints: &str, expected: RejectionCause| {
            assert_eq!(cause_of(status, complaints), expected, "{status:?} {complaints}");
        };
        check(Some("[rejected] (fetch first)"), "", NotFastForward);
        check(Some("[rejected] (non-fast-forward)"), "", NotFastForward);
        check(Some("[remote rejected] (pre-receive hook declined)"), "remote: no", HookDeclined);
        check(Some("[remote rejected] (protected branch hook declined)"), "", HookDeclined);
        check(Some("[remote rejected] (branch is currently checked out)"), "", CheckedOutThere);
        check(Some("[remote rejected] (unpacker error)"), "", Permission);
        check(None, "fatal: Authentication failed for 'https://h/x'", Permission);
        check(None, "git@h: Permission denied (publickey).\nfatal: Could not read from remote", Permission);
        check(None, "fatal: could not read Username for 'https://h': terminal prompts disabled", Permission);
        check(None, "fatal: unable to access 'https://h/x/': Could not resolve host: h", Network);
        check(None, "ssh: connect to host h port 22: Connection refused", Network);
        check(None, "fatal: '/x' does not appear to be a git repository", NoRepository);
        check(
            None,
            "remote: Repository not found.\nfatal: repository 'https://h/x/' not found",
            NoRepository,
        );
        check(None, "Host key verification failed.\nfatal: Could not read from remote", UnknownHost);
        check(None, "error: RPC failed; curl 52 Empty reply from server", Network);
        check(
            None,
            "client_loop: send disconnect: Broken pipe\nfatal: the remote end hung up unexpectedly",
            Network,
        );
        check(None, "fatal: something new", Other);
    }

    #[test]
    fn next_steps_can_be_pasted_into_a_shell() {
        let destination = Destination {
            folder: "my packs/best".into(),
            remote: "origin".into(),
            address: "https://u:secret@h/x".into(),
            branch: "main".into(),
        };
        let rejection = destination.reject(Network, "unable to access 'https://u:secret@h/x/': secret");
        assert_eq!(rejection.reason, "unable to access 'https://***@h/x/': ***");
        assert_eq!(
            rejection.next_step,
            "when the remote can be reached, `git -C 'my packs/best' push origin HEAD:main`"
        );
    }
}
