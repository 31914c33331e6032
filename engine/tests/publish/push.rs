//! Pushing to real repositories on disk that accept, decline, diverge, or are not there.

use super::{Place, git, note, pack};
use packwright::publish::{
    Committed, GitProgram, PushOutcome, Receipt, Rehearsal, Rejection, RejectionCause,
};
use packwright::units::RunId;
use std::fs;
use std::path::{Path, PathBuf};

/// A pack repository with one commit and an empty bare remote.
fn with_remote() -> (Place, Committed) {
    let place = Place::new();
    git(place.folder.path(), place.folder.path(), &["init", "--bare", "-b", "main", "remote.git"]);
    place.git(&["remote", "add", "origin", &place.path("remote.git").to_string_lossy()]);
    let committed = place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    (place, committed)
}

fn remote_head(place: &Place, branch: &str) -> String {
    let name = format!("refs/heads/{branch}");
    git(place.folder.path(), &place.path("remote.git"), &["rev-parse", "--verify", "--quiet", &name])
}

fn rejection(outcome: PushOutcome) -> Rejection {
    match outcome {
        PushOutcome::Rejected(rejection) => rejection,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

fn check_rejected(place: &Place, committed: &Committed, cause: RejectionCause, said: &str) -> Rejection {
    let rejection = rejection(place.repo.push(committed));
    assert_eq!(rejection.cause, cause, "{rejection:?}");
    assert!(rejection.reason.contains(said), "{rejection:?}");
    assert_eq!(place.git(&["rev-parse", "HEAD"]), committed.commit, "the commit stays");
    rejection
}

#[cfg(unix)]
fn add_hook(repository: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let hook = repository.join("hooks").join(name);
    fs::create_dir_all(repository.join("hooks")).expect("a writable folder");
    fs::write(&hook, script).expect("a writable folder");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("an own file");
}

#[test]
fn without_a_remote_nothing_is_pushed() {
    let place = Place::new();
    let committed = place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    assert_eq!(place.repo.push(&committed), PushOutcome::NoRemote);
}

#[test]
fn pushes_arrive_and_pushing_twice_changes_nothing() {
    let (place, first) = with_remote();
    let address = place.path("remote.git").to_string_lossy().into_owned();
    let (remote, branch) = ("origin".to_owned(), "main".to_owned());
    let pushed = PushOutcome::Pushed { remote, address, branch };
    assert_eq!(place.repo.push(&first), pushed);
    assert_eq!(remote_head(&place, "main"), first.commit);
    assert!(matches!(place.repo.push(&first), PushOutcome::AlreadyThere { .. }));
    let second = place.repo.commit_winner(&pack("b"), &note()).expect("a commit");
    assert_eq!(place.repo.push(&second), pushed);
    assert_eq!(remote_head(&place, "main"), second.commit);
}

#[test]
#[cfg(unix)]
fn a_rehearsal_tells_and_changes_nothing() {
    let place = Place::new();
    assert_eq!(place.repo.rehearse_push().unwrap(), Rehearsal::NoRemote);
    git(place.folder.path(), place.folder.path(), &["init", "--bare", "-b", "main", "remote.git"]);
    place.git(&["remote", "add", "origin", &place.path("remote.git").to_string_lossy()]);
    assert!(matches!(place.repo.rehearse_push().unwrap(), Rehearsal::NothingCommitted { .. }));
    place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    add_hook(&place.path("packs/best/.git"), "pre-push", "#!/bin/sh\ntouch \"$(dirname \"$0\")/ran\"\n");
    assert!(matches!(place.repo.rehearse_push().unwrap(), Rehearsal::WouldArrive { .. }));
    assert!(!place.path("packs/best/.git/hooks/ran").exists(), "a hook may do more than look");
    let listed = git(place.folder.path(), place.folder.path(), &["ls-remote", "remote.git"]);
    assert_eq!(listed, "", "nothing was sent");
}

#[test]
fn a_push_goes_where_the_configuration_says() {
    let (place, committed) = with_remote();
    place.git(&["remote", "rename", "origin", "backup"]);
    assert!(matches!(place.repo.push(&committed), PushOutcome::Pushed { remote, .. } if remote == "backup"));
    place.git(&["remote", "add", "elsewhere", "/nowhere"]);
    let ambiguous = check_rejected(&place, &committed, RejectionCause::AmbiguousRemote, "backup, elsewhere");
    assert!(ambiguous.next_step.contains("remote.pushDefault"), "{ambiguous:?}");
    place.git(&["config", "branch.main.remote", "backup"]);
    place.git(&["config", "branch.main.merge", "refs/heads/best"]);
    assert!(matches!(place.repo.push(&committed), PushOutcome::Pushed { branch, .. } if branch == "best"));
    assert_eq!(remote_head(&place, "best"), committed.commit);
}

#[test]
#[cfg(unix)]
fn a_declining_hook_is_quoted() {
    let (place, committed) = with_remote();
    let script = "#!/bin/sh\nprintf '\\033[31mpacks need a review\\n' >&2\nexit 1\n";
    add_hook(&place.path("remote.git"), "pre-receive", script);
    let said = "[remote rejected] (pre-receive hook declined)";
    let declined = check_rejected(&place, &committed, RejectionCause::HookDeclined, said);
    assert!(declined.reason.contains("packs need a review"), "{declined:?}");
    assert!(!declined.reason.contains('\u{1b}'), "{declined:?}");
    assert_eq!(remote_head(&place, "main"), "");
    // The remote changes its mind.
    add_hook(&place.path("remote.git"), "pre-receive", "#!/bin/sh\nexit 0\n");
    assert!(matches!(place.repo.push(&committed), PushOutcome::Pushed { .. }));
}

#[test]
fn a_diverged_remote_keeps_what_it_has() {
    let (place, first) = with_remote();
    place.repo.push(&first);
    let home = place.folder.path();
    git(home, home, &["clone", "remote.git", "other"]);
    git(home, &place.path("other"), &["commit", "--allow-empty", "-m", "theirs"]);
    git(home, &place.path("other"), &["push", "origin", "HEAD:main"]);
    let theirs = remote_head(&place, "main");
    assert_ne!(theirs, first.commit);
    let second = place.repo.commit_winner(&pack("b"), &note()).expect("a commit");
    let rejected = check_rejected(&place, &second, RejectionCause::NotFastForward, "[rejected]");
    assert!(rejected.next_step.contains("fetch origin"), "{rejected:?}");
    assert_eq!(remote_head(&place, "main"), theirs);
    // A force that the user configured is not ours to use either.
    place.git(&["config", "remote.origin.push", "+refs/heads/*:refs/heads/*"]);
    check_rejected(&place, &second, RejectionCause::NotFastForward, "[rejected]");
    assert_eq!(remote_head(&place, "main"), theirs);
}

#[test]
#[cfg(unix)]
fn a_remote_that_cannot_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let (place, committed) = with_remote();
    let set_mode = |mode: u32| {
        for folder in ["remote.git/objects", "remote.git/refs/heads", "remote.git"] {
            fs::set_permissions(place.path(folder), fs::Permissions::from_mode(mode)).expect("an own folder");
        }
    };
    set_mode(0o555);
    if fs::write(place.path("remote.git/probe"), "").is_ok() {
        set_mode(0o755);
        eprintln!("SKIPPED: this user may write to read-only folders");
        return;
    }
    let outcome = rejection(place.repo.push(&committed));
    set_mode(0o755);
    assert_eq!(outcome.cause, RejectionCause::Permission, "{outcome:?}");
    assert_eq!(remote_head(&place, "main"), "");
}

#[test]
#[cfg(unix)]
fn a_remote_that_takes_the_commit_back_is_found_out() {
    let (place, committed) = with_remote();
    let script = "#!/bin/sh\ngit update-ref -d refs/heads/main\n";
    add_hook(&place.path("remote.git"), "post-receive", script);
    check_rejected(&place, &committed, RejectionCause::Unconfirmed, "the remote shows no branch main");
}

#[test]
#[cfg(unix)]
fn a_hook_of_our_own_can_stop_a_push() {
    let (place, committed) = with_remote();
    add_hook(&place.file(".git"), "pre-push", "#!/bin/sh\necho not today >&2\nexit 1\n");
    check_rejected(&place, &committed, RejectionCause::Other, "not today");
    add_hook(&place.file(".git"), "pre-push", "#!/bin/sh\nexit 1\n");
    check_rejected(&place, &committed, RejectionCause::Other, "git gave no reason");
}

#[test]
fn a_remote_that_is_a_work_tree_is_told() {
    let (place, committed) = with_remote();
    let home = place.folder.path();
    git(home, home, &["init", "-b", "main", "tree"]);
    place.git(&["remote", "set-url", "origin", &place.path("tree").to_string_lossy()]);
    let told = check_rejected(&place, &committed, RejectionCause::CheckedOutThere, "checked out");
    assert!(told.next_step.contains("bare"), "{told:?}");
}

#[test]
fn a_remote_that_is_not_there_is_told() {
    let (place, committed) = with_remote();
    place.git(&["remote", "set-url", "origin", &place.path("nowhere.git").to_string_lossy()]);
    let told = check_rejected(&place, &committed, RejectionCause::NoRepository, "nowhere.git");
    assert!(told.next_step.contains("remote set-url origin"), "{told:?}");
}

#[test]
fn without_the_git_program_the_commit_stays() {
    let (mut place, committed) = with_remote();
    place.repo.git = GitProgram { program: PathBuf::from("no-such-git"), ..GitProgram::default() };
    check_rejected(
        &place,
        &committed,
        RejectionCause::NoGitProgram,
        "the program no-such-git is not installed",
    );
}

#[test]
fn credentials_of_a_remote_never_leave_its_configuration() {
    let (place, committed) = with_remote();
    // Port 1 of this machine: nothing listens there, and nothing goes out.
    let address = "http://miner:s3cr%21t@127.0.0.1:1/packs.git";
    place.git(&["remote", "set-url", "origin", address]);
    let rejected = rejection(place.repo.push(&committed));
    let receipt = Receipt::of_commit(RunId("r1".into()), pack("a").hash().clone(), committed, "noon".into())
        .with_push(PushOutcome::Rejected(rejected.clone()), "one".into());
    let stored = serde_json::to_string_pretty(&receipt).expect("a receipt is JSON");
    for secret in ["s3cr", "miner"] {
        assert!(!stored.contains(secret), "{stored}");
    }
    assert_eq!(serde_json::from_str::<Receipt>(&stored).expect("our own form"), receipt);
    // A git without its http helper cannot even try.
    if !rejected.reason.contains("is not a git command") {
        assert_eq!(rejected.cause, RejectionCause::Network, "{rejected:?}");
    }
}
