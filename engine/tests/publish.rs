//! The pack repository on disk: real repositories in temporary folders, and no configuration but their own.

mod push;
#[cfg(unix)]
mod remotes;

use packwright::event::Comparison;
use packwright::pack::{Pack, PackMetadata};
use packwright::publish::{CommitNote, PackRepo, PublishError};
use packwright::units::RunId;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A pack repository with an identity of its own, so that no test depends on the user's.
struct Place {
    folder: TempDir,
    repo: PackRepo,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("gitconfig"), "[safe]\n\tdirectory = *\n").expect("a writable folder");
        let mut repo = PackRepo::open_or_create(&folder.path().join("packs/best")).expect("a new repository");
        repo.git.variables = variables(folder.path());
        let place = Place { folder, repo };
        for (name, value) in [
            ("user.name", "Somebody"),
            ("user.email", "somebody@example.com"),
            ("commit.gpgsign", "false"),
            ("core.autocrlf", "false"),
        ] {
            place.git(&["config", name, value]);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.repo.folder().join(name)
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.folder.path(), self.repo.folder(), arguments)
    }

    fn refused(&self, pack: &Pack) -> String {
        let head = self.git(&["rev-parse", "--verify", "--quiet", "HEAD"]);
        let error = self.repo.commit_winner(pack, &note()).expect_err("a refusal");
        assert_eq!(self.git(&["rev-parse", "--verify", "--quiet", "HEAD"]), head);
        error.to_string().replace(&*self.folder.path().to_string_lossy(), "~")
    }
}

/// Variables that keep the user's and the machine's configuration out of `git`.
fn variables(home: &Path) -> Vec<(OsString, OsString)> {
    let config = home.join("gitconfig");
    [
        ("HOME", home.as_os_str()),
        ("XDG_CONFIG_HOME", home.as_os_str()),
        ("GIT_CONFIG_GLOBAL", config.as_os_str()),
        ("GIT_CONFIG_NOSYSTEM", "1".as_ref()),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .to_vec()
}

/// Runs git as another program would, and returns what it prints.
fn git(home: &Path, folder: &Path, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=Other", "-c", "user.email=other@example.com"];
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(identity).args(arguments).envs(variables(home));
    let output = command.output().expect("these tests need the git program");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn pack(policy: &str) -> Pack {
    Pack::of_policy(policy, &PackMetadata::default())
}

fn note() -> CommitNote {
    CommitNote {
        comparison: Comparison {
            passes: 3,
            finalist: 0.9,
            incumbent: 0.7,
            difference: 0.2,
            low: 0.15,
            high: 0.24,
            probability_better: 1.0,
            threshold: 0.75,
            safety: None,
            coverage: Some(1.0),
            p_value: Some(0.01),
            p_value_max: Some(0.05),
            posterior: None,
            sealed: None,
            chance: None,
            episodes_to_decide: None,
            unmet: Vec::new(),
        },
        run: RunId("r1".into()),
        suite: "office".into(),
        model: "offline".into(),
        profile: "clawbench-2026-02".into(),
    }
}

#[test]
fn a_winner_is_committed_and_read_back() {
    let place = Place::new();
    assert_eq!(place.repo.current().expect("an empty repository"), None);
    let winner = pack("# Rules\n\"é\" 🚀\r\n");
    let committed = place.repo.commit_winner(&winner, &note()).expect("a commit");
    assert_eq!((committed.branch.as_str(), committed.unchanged), ("main", false));
    assert_eq!(place.git(&["rev-parse", "HEAD"]), committed.commit);
    assert_eq!(place.repo.current().expect("a pack"), Some(winner.clone()));
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert_eq!(place.git(&["fsck", "--strict"]), "");
    assert_eq!(place.git(&["ls-files"]), "AGENTS.md\npack.json");
    assert_eq!(fs::read(place.file("AGENTS.md")).expect("a file"), winner.agents_md().as_bytes());
    assert_eq!(fs::read_to_string(place.file("pack.json")).expect("a file"), winner.pretty_json());
    assert_eq!(place.git(&["log", "-1", "--format=%an <%ae>"]), "Somebody <somebody@example.com>");
    let hash = place.git(&["log", "-1", "--format=%(trailers:key=Pack-Hash,valueonly)"]);
    assert_eq!(hash, winner.hash().0);
    assert_eq!(fs::read_dir(place.repo.folder()).expect("a folder").count(), 3);
}

#[test]
fn committing_twice_changes_nothing() {
    let place = Place::new();
    let first = place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    fs::write(place.file("AGENTS.md"), "edited").expect("a writable file");
    let again = place.repo.commit_winner(&pack("a"), &note()).expect("nothing to do");
    assert_eq!((again.commit, again.unchanged), (first.commit, true));
    assert_eq!(fs::read_to_string(place.file("AGENTS.md")).expect("a file"), "edited");
}

#[test]
fn a_pack_that_was_committed_by_hand_in_another_format_is_the_same_pack() {
    let place = Place::new();
    fs::write(place.file("pack.json"), pack("a").document().compact()).expect("a writable file");
    fs::write(place.file("AGENTS.md"), "a").expect("a writable file");
    place.git(&["add", "."]);
    place.git(&["commit", "-m", "by hand"]);
    assert!(place.repo.commit_winner(&pack("a"), &note()).expect("nothing to do").unchanged);
}

#[test]
fn winners_follow_each_other_and_leave_other_files_alone() {
    let place = Place::new();
    let first = place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    fs::write(place.file("README.md"), "ours").expect("a writable file");
    place.git(&["add", "README.md"]);
    place.git(&["commit", "-m", "a readme"]);
    fs::write(place.file("README.md"), "ours, edited").expect("a writable file");
    fs::write(place.file("staged.txt"), "staged").expect("a writable file");
    place.git(&["add", "staged.txt"]);
    let second = place.repo.commit_winner(&pack("b"), &note()).expect("a commit");
    assert_eq!(place.git(&["rev-list", "--count", "HEAD"]), "3");
    assert_eq!(place.git(&["rev-parse", "HEAD~2"]), first.commit);
    assert_eq!(place.git(&["diff", "--name-only", "HEAD~1", "HEAD"]), "AGENTS.md\npack.json");
    assert_eq!(place.git(&["status", "--porcelain"]), "M README.md\nA  staged.txt");
    assert_eq!(place.repo.current().expect("a pack"), Some(pack("b")));
    assert_ne!(first.commit, second.commit);
}

#[test]
fn edits_by_hand_are_never_overwritten() {
    let place = Place::new();
    place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    fs::write(place.file("AGENTS.md"), "edited").expect("a writable file");
    assert!(matches!(place.repo.check_ready(), Err(PublishError::Uncommitted { .. })));
    assert_eq!(place.repo.current().expect("a pack"), Some(pack("a")));
    let message = "AGENTS.md in ~/packs/best holds changes that are not committed: \
        keep them with `git add` and `git commit`, or discard them with `git restore`, then try again";
    assert_eq!(place.refused(&pack("b")), message);
    place.git(&["add", "AGENTS.md"]);
    assert_eq!(place.refused(&pack("b")), message);
    assert_eq!(fs::read_to_string(place.file("AGENTS.md")).expect("a file"), "edited");
    place.git(&["restore", "--staged", "--worktree", "AGENTS.md"]);
    place.repo.commit_winner(&pack("b"), &note()).expect("a commit");
    place.repo.check_ready().expect("all is committed");
    fs::write(place.file(".git/index.lock"), "").expect("a writable file");
    let locked = place.repo.check_ready().expect_err("another git is there").to_string();
    assert!(locked.contains("index.lock"), "{locked}");
}

#[test]
fn files_that_were_there_first_are_never_overwritten() {
    let place = Place::new();
    fs::write(place.file("pack.json"), "{}").expect("a writable file");
    fs::write(place.file(".git/info/exclude"), "pack.json\n").expect("a writable file");
    assert!(place.refused(&pack("a")).starts_with("pack.json in ~/packs/best holds changes"));
    assert_eq!(fs::read_to_string(place.file("pack.json")).expect("a file"), "{}");
}

#[test]
fn a_commit_that_was_cut_short_can_be_made_again() {
    let place = Place::new();
    place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    // As left by a program that was killed after writing one file, both, or the index too.
    let steps: [&[&str]; 3] = [&["pack.json"], &["pack.json", "AGENTS.md"], &["pack.json", "AGENTS.md"]];
    for (index, written) in steps.into_iter().enumerate() {
        let next = pack(&format!("next {index}"));
        for name in written {
            let content = if *name == "AGENTS.md" { next.agents_md().to_owned() } else { next.pretty_json() };
            fs::write(place.file(name), content).expect("a writable file");
        }
        if index == 2 {
            place.git(&["add", "."]);
        }
        place.repo.commit_winner(&next, &note()).expect("a commit");
        assert_eq!(place.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn a_repository_in_the_middle_of_something_is_left_alone() {
    let place = Place::new();
    place.repo.commit_winner(&pack("a"), &note()).expect("a commit");
    place.git(&["switch", "--detach"]);
    assert_eq!(
        place.refused(&pack("b")),
        "~/packs/best is not ready for a commit: HEAD is detached; `git switch` to a branch"
    );
    place.git(&["switch", "main"]);
    fs::write(place.file(".git/MERGE_HEAD"), place.git(&["rev-parse", "HEAD"]) + "\n").expect("a file");
    assert!(place.refused(&pack("b")).ends_with("a merge or rebase is in progress; finish or abort it"));
    fs::remove_file(place.file(".git/MERGE_HEAD")).expect("a file");
    fs::write(place.file(".git/index.lock"), "").expect("a writable file");
    let message = place.refused(&pack("b"));
    assert!(message.contains("another git may be at work there"), "{message}");
    assert_eq!(fs::read_to_string(place.file("AGENTS.md")).expect("a file"), "a");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_bare_repository_is_refused() {
    let place = Place::new();
    git(place.folder.path(), place.folder.path(), &["init", "--bare", "bare.git"]);
    let error = PackRepo::open_or_create(&place.path("bare.git")).err().expect("a refusal");
    assert!(matches!(error, PublishError::NotReady { .. }), "{error}");
}

#[test]
fn a_repository_inside_another_is_its_own() {
    let place = Place::new();
    let inner = PackRepo::open_or_create(&place.file("inner")).expect("a new repository");
    assert_eq!(inner.current().expect("an empty repository"), None);
    assert!(place.file("inner/.git").is_dir());
}

#[test]
fn packs_that_break_the_rules_are_neither_committed_nor_read() {
    let place = Place::new();
    let message = place.refused(&pack(&"x".repeat(40_000)));
    assert!(
        message.starts_with("the pack breaks the rules of its format: the canonical form has"),
        "{message}"
    );
    fs::write(place.file("pack.json"), "{\"schema_version\": 2}").expect("a writable file");
    place.git(&["add", "."]);
    place.git(&["commit", "-m", "by hand"]);
    let error = place.repo.current().expect_err("an invalid pack").to_string();
    assert!(error.contains("holds no valid pack.json in commit"), "{error}");
    assert!(
        error.contains("schema_version is 2: it must be the number 1; the field files is missing"),
        "{error}"
    );
}

#[test]
fn a_pack_with_a_user_of_its_own_is_not_committed() {
    let place = Place::new();
    let message = place.refused(&pack("a").with_file("USER.md", "me"));
    assert!(message.contains("brings a USER.md"), "{message}");
    assert_eq!(place.repo.current().expect("a repository"), None);
}

#[test]
fn a_commit_is_signed_where_the_user_signs() {
    let place = Place::new();
    place.git(&["config", "commit.gpgsign", "true"]);
    place.git(&["config", "gpg.format", "ssh"]);
    place.git(&["config", "user.signingkey", &place.path("key").to_string_lossy()]);
    let message = place.refused(&pack("a"));
    assert!(message.starts_with("failed to sign the commit: "), "{message}");
    assert!(!place.file("AGENTS.md").exists());

    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(place.path("key"));
    if !keygen.status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: signing needs ssh-keygen");
        return;
    }
    place.repo.commit_winner(&pack("a"), &note()).expect("a signed commit");
    let second = place.repo.commit_winner(&pack("b"), &note()).expect("a signed commit");
    assert_eq!(place.git(&["rev-parse", "HEAD"]), second.commit);
    let raw = place.git(&["cat-file", "commit", "HEAD"]);
    assert!(raw.contains("gpgsig -----BEGIN SSH SIGNATURE-----"), "{raw}");
    assert!(raw.contains("author Somebody <somebody@example.com>"), "{raw}");
    let key = fs::read_to_string(place.path("key.pub")).expect("a public key");
    fs::write(place.path("signers"), format!("somebody@example.com {key}")).expect("a writable file");
    place.git(&["config", "gpg.ssh.allowedSignersFile", &place.path("signers").to_string_lossy()]);
    assert_eq!(place.git(&["log", "-2", "--format=%G?"]), "G\nG");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

/// libgit2 looks for the user's configuration once per process, so this claim needs a process of its own.
#[test]
fn without_an_identity_the_author_is_neutral() {
    const INNER: &str = "PACKWRIGHT_TEST_WITHOUT_IDENTITY";
    if let Some(folder) = std::env::var_os(INNER) {
        let repo = PackRepo::open_or_create(Path::new(&folder)).expect("a new repository");
        repo.commit_winner(&pack("a"), &note()).expect("a commit");
        return;
    }
    let place = Place::new();
    let folder = place.path("nobody");
    let mut inner = Command::new(std::env::current_exe().expect("a test binary"));
    inner.args(["--exact", "publish::without_an_identity_the_author_is_neutral"]);
    inner.envs(variables(place.folder.path())).env(INNER, &folder);
    assert!(inner.output().expect("the same test again").status.success());
    let author = git(place.folder.path(), &folder, &["log", "-1", "--format=%an <%ae>"]);
    assert_eq!(author, "packwright <packwright@localhost>");
}
