//! The pack repository: a git repository of its own that holds the best pack so far, as `pack.json` and
//! `AGENTS.md` at its root.
//!
//! What counts is what is committed. Nothing that is only in the work tree is ever overwritten, and a commit
//! either happens whole or leaves everything as it was.

use super::note::{CommitNote, WonWith};
use super::program::{GitProgram, ProgramError};
use super::redact::presentable;
use crate::pack::{AGENTS_MD, Pack, PackIssue};
use git2::{
    Commit, Config, ErrorCode, IndexEntry, IndexTime, Oid, Repository, RepositoryInitOptions,
    RepositoryState, Signature, Status, Tree,
};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file that validators fetch.
pub(super) const PACK_JSON: &str = "pack.json";
const FILE_MODE: u32 = 0o100_644;

/// The git repository of the best pack.
pub struct PackRepo {
    repository: Repository,
    folder: PathBuf,
    /// The program that pushes and signs.
    pub git: GitProgram,
}

/// A pack that is committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// The id of the commit.
    pub commit: String,
    pub branch: String,
    /// The pack was committed before, so nothing was done.
    pub unchanged: bool,
}

/// Who a commit names, and whether it is signed as git is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Author {
    pub name: String,
    pub email: String,
    pub is_signed: bool,
}

/// Why a pack could not be read or committed.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(
        "{} in {folder} holds changes that are not committed: keep them with `git add` and `git commit`, \
         or discard them with `git restore`, then try again",
        files.join(" and ")
    )]
    Uncommitted { folder: String, files: Vec<String> },
    #[error("{folder} is not ready for a commit: {why}")]
    NotReady { folder: String, why: String },
    #[error("the pack brings a USER.md, which would hide from the agent whom it works for; remove it")]
    UserMd,
    #[error("the pack breaks the rules of its format: {}", sentences(issues))]
    InvalidPack { issues: Vec<PackIssue> },
    #[error("{folder} holds no valid pack.json in commit {commit}: {}", sentences(issues))]
    InvalidCommitted { folder: String, commit: String, issues: Vec<PackIssue> },
    #[error("failed to sign the commit: {reason}; check user.signingKey, or set commit.gpgSign to false")]
    Signing { reason: String },
    #[error("failed to {attempt} in {folder}: {reason}")]
    Git { folder: String, attempt: &'static str, reason: String },
    #[error("failed to write {file}: {reason}")]
    Write { file: String, reason: String },
}

impl PackRepo {
    /// Opens the repository in this folder, or creates an empty one with the branch `main`.
    ///
    /// A repository further up, such as the project's own, is not touched.
    pub fn open_or_create(folder: &Path) -> Result<PackRepo, PublishError> {
        let failed = |attempt: &'static str| move |e: git2::Error| git_error(folder, attempt, &e);
        let repository = match Repository::open(folder) {
            Err(e) if e.code() == ErrorCode::NotFound => {
                create(folder).map_err(failed("create a repository"))?
            }
            opened => opened.map_err(failed("open the repository"))?,
        };
        let repo = PackRepo { repository, folder: folder.to_owned(), git: GitProgram::default() };
        if repo.repository.is_bare() {
            return Err(repo.not_ready("it is a bare repository; name one with a work tree".into()));
        }
        Ok(repo)
    }

    /// The pack that is committed at HEAD, whatever the work tree holds; none before the first commit.
    pub fn current(&self) -> Result<Option<Pack>, PublishError> {
        let Some(head) = self.head()? else { return Ok(None) };
        let Some(text) = self.committed_file(&head, PACK_JSON)? else { return Ok(None) };
        let pack = Pack::read(&text).map_err(|issues| PublishError::InvalidCommitted {
            folder: self.folder.display().to_string(),
            commit: head.id().to_string(),
            issues,
        })?;
        Ok(Some(pack))
    }

    /// What the last commit says of the model and the suite that its pack won with; none for a commit that is
    /// not ours.
    pub fn won_with(&self) -> Result<Option<WonWith>, PublishError> {
        let head = self.head()?;
        Ok(head.and_then(|head| WonWith::read(head.message().ok()?)))
    }

    /// Whether a winner could be committed here; to be asked before a long run.
    pub fn check_ready(&self) -> Result<(), PublishError> {
        self.branch()?;
        if self.repository.path().join("index.lock").exists() {
            return Err(self.not_ready("another git is at work, or left its index.lock behind".into()));
        }
        let files = self.uncommitted_beside(&[(PACK_JSON, None), (AGENTS_MD, None)])?;
        if files.is_empty() {
            return Ok(());
        }
        Err(PublishError::Uncommitted { folder: self.folder.display().to_string(), files })
    }

    /// Commits a pack as the best so far. A pack that is there already is left as it is.
    pub fn commit_winner(&self, pack: &Pack, note: &CommitNote) -> Result<Committed, PublishError> {
        let issues = pack.issues();
        if !issues.is_empty() {
            return Err(PublishError::InvalidPack { issues });
        }
        if pack.brings_user_md() {
            return Err(PublishError::UserMd);
        }
        let branch = self.branch()?;
        let head = self.head()?;
        if let Some(head) = &head
            && self.holds(head, pack)?
        {
            return Ok(Committed { commit: head.id().to_string(), branch, unchanged: true });
        }
        let pack_json = pack.pretty_json();
        let files = [(PACK_JSON, pack_json.as_bytes()), (AGENTS_MD, pack.agents_md().as_bytes())];
        self.refuse_to_overwrite(&files)?;
        let commit = self.create_commit(head.as_ref(), &files, &note.message(pack))?;
        self.move_to(head.as_ref(), &branch, commit, &files)?;
        Ok(Committed { commit: commit.to_string(), branch, unchanged: false })
    }

    /// The commit that holds this pack already; none where it is still to be made.
    pub fn committed(&self, pack: &Pack) -> Result<Option<Committed>, PublishError> {
        let Some(head) = self.head()? else { return Ok(None) };
        let branch = self.branch()?;
        let found = self.holds(&head, pack)?;
        Ok(found.then(|| Committed { commit: head.id().to_string(), branch, unchanged: true }))
    }

    /// Who a commit would name.
    pub fn author(&self) -> Result<Author, PublishError> {
        let signature = self.signature().map_err(self.failed("name an author"))?;
        Ok(Author {
            name: String::from_utf8_lossy(signature.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(signature.email_bytes()).into_owned(),
            is_signed: self.must_sign()?,
        })
    }

    /// The folder, as it was named.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn config(&self) -> Option<Config> {
        self.repository.config().ok()
    }

    pub(super) fn remote_names(&self) -> Vec<String> {
        let names = self.repository.remotes().ok();
        names.iter().flatten().filter_map(|name| name.ok().flatten().map(str::to_owned)).collect()
    }

    /// The branch that HEAD names, which need not have a commit yet.
    pub(super) fn branch(&self) -> Result<String, PublishError> {
        if self.repository.state() != RepositoryState::Clean {
            return Err(self.not_ready("a merge or rebase is in progress; finish or abort it".into()));
        }
        let head = self.repository.find_reference("HEAD").map_err(self.failed("read HEAD"))?;
        let target = head.symbolic_target().map_err(self.failed("read HEAD"))?;
        let name = target.and_then(|target| target.strip_prefix("refs/heads/"));
        let name = name.ok_or_else(|| self.not_ready("HEAD is detached; `git switch` to a branch".into()))?;
        Ok(name.to_owned())
    }

    pub(super) fn head(&self) -> Result<Option<Commit<'_>>, PublishError> {
        match self.repository.head() {
            Ok(head) => head.peel_to_commit().map(Some).map_err(self.failed("read the last commit")),
            Err(e) if e.code() == ErrorCode::UnbornBranch => Ok(None),
            Err(e) => Err(self.failed("read HEAD")(e)),
        }
    }

    fn committed_file(&self, commit: &Commit<'_>, name: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let tree = commit.tree().map_err(self.failed("read the last commit"))?;
        let Some(entry) = tree.get_name(name) else { return Ok(None) };
        let object = entry.to_object(&self.repository).map_err(self.failed("read the last commit"))?;
        Ok(object.as_blob().map(|blob| blob.content().to_vec()))
    }

    /// Whether the commit holds the pack, however its `pack.json` is formatted.
    fn holds(&self, commit: &Commit<'_>, pack: &Pack) -> Result<bool, PublishError> {
        let text = self.committed_file(commit, PACK_JSON)?.unwrap_or_default();
        let policy = self.committed_file(commit, AGENTS_MD)?;
        Ok(policy.as_deref() == Some(pack.agents_md().as_bytes())
            && Pack::read(&text).is_ok_and(|committed| committed == *pack))
    }

    fn refuse_to_overwrite(&self, files: &[(&str, &[u8])]) -> Result<(), PublishError> {
        let files: Vec<_> = files.iter().map(|(name, content)| (*name, Some(*content))).collect();
        let uncommitted = self.uncommitted_beside(&files)?;
        if uncommitted.is_empty() {
            return Ok(());
        }
        Err(PublishError::Uncommitted { folder: self.folder.display().to_string(), files: uncommitted })
    }

    /// The files whose content in the work tree is neither committed nor what is about to be written. The
    /// latter is what a program that was killed between writing and committing leaves behind.
    fn uncommitted_beside(&self, files: &[(&str, Option<&[u8]>)]) -> Result<Vec<String>, PublishError> {
        let head = self.head()?;
        let mut uncommitted = Vec::new();
        for (name, planned) in files {
            let status = match self.repository.status_file(Path::new(name)) {
                Err(e) if e.code() == ErrorCode::NotFound => continue,
                status => status.map_err(self.failed("compare the files with the last commit"))?,
            };
            let content = match std::fs::read(self.folder.join(name)) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                content => content.ok(),
            };
            let committed = head.as_ref().map(|head| self.committed_file(head, name)).transpose()?.flatten();
            let is_safe = |content: &Vec<u8>| {
                Some(content.as_slice()) == *planned || Some(content) == committed.as_ref()
            };
            if status != Status::CURRENT && !content.as_ref().is_some_and(is_safe) {
                uncommitted.push((*name).to_owned());
            }
        }
        Ok(uncommitted)
    }

    /// Makes the commit without letting anything point at it.
    fn create_commit(
        &self,
        head: Option<&Commit<'_>>,
        files: &[(&str, &[u8])],
        message: &str,
    ) -> Result<Oid, PublishError> {
        let tree = self.tree_with(head, files).map_err(self.failed("store the files"))?;
        let signature = self.signature().map_err(self.failed("name an author"))?;
        if self.must_sign()? {
            return self.create_signed_commit(head, &tree, &signature, message);
        }
        let parents: Vec<&Commit<'_>> = head.into_iter().collect();
        self.repository
            .commit(None, &signature, &signature, message, &tree, &parents)
            .map_err(self.failed("create the commit"))
    }

    fn tree_with(&self, head: Option<&Commit<'_>>, files: &[(&str, &[u8])]) -> Result<Tree<'_>, git2::Error> {
        let base = head.map(Commit::tree).transpose()?;
        let mut builder = self.repository.treebuilder(base.as_ref())?;
        for (name, content) in files {
            builder.insert(name, self.repository.blob(content)?, FILE_MODE as i32)?;
        }
        self.repository.find_tree(builder.write()?)
    }

    /// The user's identity, else a neutral one.
    fn signature(&self) -> Result<Signature<'static>, git2::Error> {
        self.repository.signature().or_else(|_| Signature::now("packwright", "packwright@localhost"))
    }

    fn must_sign(&self) -> Result<bool, PublishError> {
        let config = self.repository.config().map_err(self.failed("read the configuration"))?;
        match config.get_bool("commit.gpgsign") {
            Err(e) if e.code() == ErrorCode::NotFound => Ok(false),
            set => set.map_err(self.failed("read commit.gpgSign")),
        }
    }

    /// Signing needs the user's keys and agents, which the `git` program knows.
    fn create_signed_commit(
        &self,
        head: Option<&Commit<'_>>,
        tree: &Tree<'_>,
        signature: &Signature<'_>,
        message: &str,
    ) -> Result<Oid, PublishError> {
        let signing =
            |reason: &str| PublishError::Signing { reason: presentable(reason).replace('\n', "; ") };
        let (tree, parent) = (tree.id().to_string(), head.map(|head| head.id().to_string()));
        let mut arguments = vec!["commit-tree", &tree, "-S", "-m", message];
        if let Some(parent) = &parent {
            arguments.extend(["-p", parent]);
        }
        let name = String::from_utf8_lossy(signature.name_bytes());
        let email = String::from_utf8_lossy(signature.email_bytes());
        let who = [
            ("GIT_AUTHOR_NAME", name.as_ref()),
            ("GIT_AUTHOR_EMAIL", email.as_ref()),
            ("GIT_COMMITTER_NAME", name.as_ref()),
            ("GIT_COMMITTER_EMAIL", email.as_ref()),
        ];
        let done = self
            .git
            .run(&self.folder, &arguments, &who)
            .map_err(|e: ProgramError| signing(&e.to_string()))?;
        if !done.success {
            return Err(signing(&done.stderr));
        }
        Oid::from_str(done.stdout.trim()).map_err(|_| signing(&done.stdout))
    }

    /// Brings index, work tree and branch to a commit. The branch comes last: whoever is killed before that
    /// has lost nothing, and finds only planned content in the way.
    fn move_to(
        &self,
        head: Option<&Commit<'_>>,
        branch: &str,
        commit: Oid,
        files: &[(&str, &[u8])],
    ) -> Result<(), PublishError> {
        let staged = files
            .iter()
            .map(|(name, content)| stage(&self.folder.join(name), content))
            .collect::<Result<Vec<_>, _>>()?;
        self.write_index(files).map_err(self.failed("write the index"))?;
        for (temporary, (name, _)) in staged.into_iter().zip(files) {
            temporary.rename_to(&self.folder.join(name))?;
        }
        let reference = format!("refs/heads/{branch}");
        let log = "commit: pack published by packwright";
        let moved = match head {
            Some(head) => self.repository.reference_matching(&reference, commit, true, head.id(), log),
            None => self.repository.reference(&reference, commit, false, log),
        };
        moved.map(|_| ()).map_err(self.failed("move the branch"))
    }

    fn write_index(&self, files: &[(&str, &[u8])]) -> Result<(), git2::Error> {
        let mut index = self.repository.index()?;
        index.read(false)?;
        for (name, content) in files {
            index.add(&index_entry(name, self.repository.blob(content)?))?;
        }
        index.write()
    }

    fn failed(&self, attempt: &'static str) -> impl Fn(git2::Error) -> PublishError {
        move |e| git_error(&self.folder, attempt, &e)
    }

    fn not_ready(&self, why: String) -> PublishError {
        PublishError::NotReady { folder: self.folder.display().to_string(), why }
    }
}

fn create(folder: &Path) -> Result<Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main").external_template(false);
    Repository::init_opts(folder, &options)
}

fn git_error(folder: &Path, attempt: &'static str, error: &git2::Error) -> PublishError {
    let hint = match error.code() {
        ErrorCode::Owner => {
            "; it belongs to another user: `git config --global --add safe.directory` allows it"
        }
        ErrorCode::Locked => "; another git may be at work there: wait for it, or remove its .lock file",
        _ => "",
    };
    let reason = format!("{}{hint}", error.message());
    PublishError::Git { folder: folder.display().to_string(), attempt, reason }
}

/// An entry without times or size, which git compares by content when it looks next.
fn index_entry(name: &str, id: Oid) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: FILE_MODE,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: name.as_bytes().to_vec(),
    }
}

/// New content beside its file, gone again if it is not renamed.
struct Staged(PathBuf);

fn stage(file: &Path, content: &[u8]) -> Result<Staged, PublishError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let staged = Staged(file.with_file_name(format!(".{name}.packwright")));
    let write = || {
        let mut output = std::fs::File::create(&staged.0)?;
        output.write_all(content)?;
        output.sync_all()
    };
    write().map_err(|e| write_error(file, &e))?;
    Ok(staged)
}

impl Staged {
    fn rename_to(self, file: &Path) -> Result<(), PublishError> {
        std::fs::rename(&self.0, file).map_err(|e| write_error(file, &e))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn write_error(file: &Path, error: &std::io::Error) -> PublishError {
    PublishError::Write { file: file.display().to_string(), reason: error.to_string() }
}

fn sentences(issues: &[PackIssue]) -> String {
    issues.iter().map(PackIssue::to_string).collect::<Vec<_>>().join("; ")
}
