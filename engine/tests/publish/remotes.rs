//! The same stories with real remotes over a folder, ssh and https: whatever goes wrong is told, and publishing again ends
//! with one commit.

mod https;
mod ssh;
mod wire;

use super::{Place, git, note, pack};
use https::{Https, TOKEN};
use packwright::pack::Pack;
use packwright::publish::{Committed, FetchedBack, GitToken, PushOutcome, Rejection, RejectionCause, Source};
use rand::RngExt;
use secrecy::SecretString;
use ssh::Ssh;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How the remote is reached.
enum Way {
    Folder,
    Ssh(Ssh),
    Https(Https),
}

/// A pack repository and its remote.
struct Story {
    place: Place,
    way: Way,
}

impl Story {
    /// One for each way that can be gone here.
    fn all() -> Vec<Story> {
        [Story::over_folder(), Story::over_https()].into_iter().chain(Story::over_ssh()).collect()
    }

    fn over_folder() -> Story {
        Story::new(|_| Some(Way::Folder)).expect("folders are everywhere")
    }

    fn over_https() -> Story {
        let mut story =
            Story::new(|place| Some(Way::Https(Https::new(place)))).expect("no more than loopback");
        let Way::Https(https) = &story.way else { unreachable!() };
        // As a variable, since one outside would win over the repository's configuration.
        let authority = ("GIT_SSL_CAINFO".into(), https.authority.clone().into_os_string());
        story.place.repo.git.variables.push(authority);
        story.token(TOKEN);
        story
    }

    fn over_ssh() -> Option<Story> {
        Story::new(|place| Ssh::new(place).map(Way::Ssh))
    }

    fn new(way: impl FnOnce(&Path) -> Option<Way>) -> Option<Story> {
        let place = Place::new();
        let home = place.folder.path().to_owned();
        git(&home, &home, &["init", "--bare", "-b", "main", "remote.git"]);
        let way = way(&home)?;
        let address = match &way {
            Way::Folder => place.path("remote.git").display().to_string(),
            Way::Ssh(ssh) => {
                place.git(&["config", "core.sshCommand", &ssh.command("user", "known")]);
                ssh.address(&place.path("remote.git"))
            }
            Way::Https(https) => https.address("remote.git"),
        };
        place.git(&["remote", "add", "origin", &address]);
        Some(Story { place, way })
    }

    fn token(&mut self, token: &str) {
        let token = GitToken { user: "x-access-token".into(), token: SecretString::from(token) };
        self.place.repo.git.token = Some(token);
    }

    fn name(&self) -> &'static str {
        match self.way {
            Way::Folder => "folder",
            Way::Ssh(_) => "ssh",
            Way::Https(_) => "https",
        }
    }

    fn commit(&self, pack: &Pack) -> Committed {
        self.place.repo.commit_winner(pack, &note()).expect("a commit")
    }

    fn rejected(&self, committed: &Committed, cause: RejectionCause) -> Rejection {
        match self.place.repo.push(committed) {
            PushOutcome::Rejected(rejection) => {
                assert_eq!(rejection.cause, cause, "{}: {rejection:?}", self.name());
                assert!(rejection.next_step.contains("push origin HEAD:main"), "{rejection:?}");
                rejection
            }
            other => panic!("{}: expected a rejection, got {other:?}", self.name()),
        }
    }

    /// Publishes again, twice: it arrives, is fetched back, and is one commit.
    fn arrives(&self, pack: &Pack, commits: usize) {
        let name = self.name();
        let committed = self.commit(pack);
        let pushed = self.place.repo.push(&committed);
        assert!(matches!(pushed, PushOutcome::Pushed { .. }), "{name}: {pushed:?}");
        let again = self.place.repo.push(&self.commit(pack));
        assert!(matches!(again, PushOutcome::AlreadyThere { .. }), "{name}: {again:?}");
        assert_eq!(self.remote(&["rev-parse", "main"]), committed.commit, "{name}");
        let of_pack = format!("--grep=Pack-Hash: {}", pack.hash());
        assert_eq!(self.remote(&["rev-list", "--count", &of_pack, "main"]), "1", "{name}");
        assert_eq!(self.remote(&["rev-list", "--count", "main"]), commits.to_string(), "{name}");
        let fetched = self.fetched(&committed, &again, pack);
        assert!(fetched.is_same(), "{name}: {fetched:?}");
    }

    fn fetched(&self, committed: &Committed, push: &PushOutcome, pack: &Pack) -> FetchedBack {
        FetchedBack::of(
            Source::Remote { repo: &self.place.repo, commit: &committed.commit, push },
            pack.hash(),
        )
    }

    fn remote(&self, arguments: &[&str]) -> String {
        git(self.place.folder.path(), &self.place.path("remote.git"), arguments)
    }

    fn hook(&self, name: &str, script: &str) {
        let file = self.place.path("remote.git/hooks").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// A pack that takes more than a moment to send.
fn large() -> Pack {
    let mut rng = packwright::units::Seed(3).child("noise", &[]).rng();
    let lines = (0..400).map(|_| format!("- {:016x}{:016x}\n", rng.random::<u64>(), rng.random::<u64>()));
    pack(&lines.collect::<String>())
}

#[test]
fn packs_arrive_and_are_fetched_back() {
    for story in Story::all() {
        story.arrives(&pack("a"), 1);
        story.arrives(&pack("b"), 2);
        // Somebody else's pack in its place is seen.
        let committed = story.commit(&pack("b"));
        let push = story.place.repo.push(&committed);
        let found = story.fetched(&committed, &push, &pack("c"));
        assert!(matches!(found, FetchedBack::Different { .. }), "{}: {found:?}", story.name());
    }
}

#[test]
fn a_wrong_key_is_told_and_mended() {
    let Some(story) = Story::over_ssh() else { return };
    let Way::Ssh(ssh) = &story.way else { unreachable!() };
    let committed = story.commit(&pack("a"));
    story.place.git(&["config", "core.sshCommand", &ssh.command("stranger", "known")]);
    let rejection = story.rejected(&committed, RejectionCause::Permission);
    assert!(rejection.reason.contains("Permission denied"), "{rejection:?}");
    story.place.git(&["config", "core.sshCommand", &ssh.command("user", "nobody")]);
    let rejection = story.rejected(&committed, RejectionCause::UnknownHost);
    assert!(rejection.next_step.contains("compare the key of its host"), "{rejection:?}");
    story.place.git(&["config", "core.sshCommand", &ssh.command("user", "known")]);
    story.arrives(&pack("a"), 1);
}

#[test]
fn a_wrong_token_is_told_and_mended_and_no_token_shows() {
    let mut story = Story::over_https();
    let committed = story.commit(&pack("a"));
    story.token("wr0ng-token");
    let rejection = story.rejected(&committed, RejectionCause::Permission);
    assert!(rejection.next_step.contains("PACKWRIGHT_GIT_TOKEN"), "{rejection:?}");
    assert!(!format!("{rejection:?} {:?}", story.place.repo.git).contains("wr0ng"), "{rejection:?}");
    story.place.repo.git.token = None;
    story.rejected(&committed, RejectionCause::Permission);
    // The user's own credential helper does as well.
    let helper = format!("!f() {{ echo username=x-access-token; echo password={TOKEN}; }}; f");
    story.place.git(&["config", "credential.helper", &helper]);
    story.arrives(&pack("a"), 1);
    story.place.git(&["config", "--unset", "credential.helper"]);
    story.token(TOKEN);
    story.arrives(&pack("b"), 2);
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_told() {
    let mut story = Story::over_https();
    story.place.repo.git.variables.retain(|(name, _)| name != "GIT_SSL_CAINFO");
    let rejection = story.rejected(&story.commit(&pack("a")), RejectionCause::Certificate);
    assert!(rejection.next_step.contains("http.sslCAInfo"), "{rejection:?}");
    assert_eq!(story.remote(&["rev-parse", "--verify", "--quiet", "main"]), "");
}

#[test]
fn a_diverged_remote_is_never_forced() {
    for story in Story::all() {
        story.arrives(&pack("a"), 1);
        let home = story.place.folder.path();
        git(home, home, &["clone", "remote.git", "other"]);
        git(home, &story.place.path("other"), &["commit", "--allow-empty", "-m", "theirs"]);
        git(home, &story.place.path("other"), &["push", "origin", "HEAD:main"]);
        let theirs = story.remote(&["rev-parse", "main"]);
        let rejection = story.rejected(&story.commit(&pack("b")), RejectionCause::NotFastForward);
        assert!(rejection.next_step.contains("never force"), "{rejection:?}");
        assert_eq!(story.remote(&["rev-parse", "main"]), theirs);
        // What the message says, done by hand; ours comes after theirs.
        git(home, home, &["clone", "remote.git", "mine"]);
        story.place.git(&["fetch", &story.place.path("remote.git").display().to_string(), "main"]);
        story.place.git(&["rebase", "FETCH_HEAD"]);
        story.arrives(&pack("b"), 3);
    }
}

#[test]
fn a_protected_branch_is_told() {
    for story in Story::all() {
        story.hook("pre-receive", "#!/bin/sh\necho 'main is protected: ask for a review' >&2\nexit 1\n");
        let rejection = story.rejected(&story.commit(&pack("a")), RejectionCause::HookDeclined);
        assert!(rejection.reason.contains("ask for a review"), "{}: {rejection:?}", story.name());
        assert_eq!(story.remote(&["rev-parse", "--verify", "--quiet", "main"]), "");
        story.hook("pre-receive", "#!/bin/sh\nexit 0\n");
        story.arrives(&pack("a"), 1);
    }
}

#[test]
fn a_connection_that_is_lost_in_the_middle_leaves_nothing_half_done() {
    for story in Story::all() {
        let committed = story.commit(&large());
        match &story.way {
            Way::Folder => story.hook("pre-receive", "#!/bin/sh\nkill -9 $PPID\n"),
            Way::Ssh(Ssh { wire, .. }) | Way::Https(Https { wire, .. }) => wire.cut_after(9_000),
        }
        story.rejected(&committed, RejectionCause::Network);
        assert_eq!(story.remote(&["rev-parse", "--verify", "--quiet", "main"]), "", "{}", story.name());
        match &story.way {
            Way::Folder => story.hook("pre-receive", "#!/bin/sh\nexit 0\n"),
            Way::Ssh(Ssh { wire, .. }) | Way::Https(Https { wire, .. }) => wire.mend(),
        }
        story.arrives(&large(), 1);
    }
}

#[test]
fn a_push_whose_answer_is_lost_is_looked_for() {
    let story = Story::over_folder();
    // The commit is there before the remote dies.
    story.hook("post-receive", "#!/bin/sh\nkill -9 $PPID\n");
    let committed = story.commit(&pack("a"));
    let pushed = story.place.repo.push(&committed);
    assert!(matches!(pushed, PushOutcome::Pushed { .. } | PushOutcome::AlreadyThere { .. }), "{pushed:?}");
    assert_eq!(story.remote(&["rev-parse", "main"]), committed.commit);
}
