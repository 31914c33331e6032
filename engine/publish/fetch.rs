//! Fetching a pack that somebody published: over HTTP as validators do, or from a git repository.
//!
//! What comes is foreign: it is limited in size and time, and read as any pack is.

use super::git::PACK_JSON;
use super::program::GitProgram;
use super::redact::redact;
use super::revision::Revision;
use crate::llm::http::{client_to, is_loopback};
use crate::pack::{AGENTS_MD, Pack, PackIssue, PackMetadata};
use reqwest::header::ACCEPT;
use std::time::Duration;

/// Validators wait so long for a pack, and take no more of it.
const WAIT: Duration = Duration::from_secs(30);
pub(super) const BYTES_MAX: usize = 65_536;
const REDIRECTS_MAX: usize = 10;

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{address}: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("{address} answers with {status}, not with 200")]
    Status { address: String, status: u16 },
    #[error("{address} sends more than {BYTES_MAX} bytes, which validators do not take")]
    TooLarge { address: String },
    #[error("{place} is no pack: {}", issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid { place: String, issues: Vec<PackIssue> },
    #[error("{place}: {reason}")]
    Git { place: String, reason: String },
}

/// Whether a name is one to be fetched.
pub fn is_remote(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://") || name.starts_with("git:")
}

/// Fetches the pack at `https://…` or `git:REPOSITORY[#REVISION]`; the repository is a folder or whatever `git fetch`
/// takes, and a revision is a branch, a tag or a whole commit id.
pub async fn fetch_pack(name: &str, git: &GitProgram) -> Result<Pack, FetchError> {
    match name.strip_prefix("git:") {
        Some(repository) => of_git(repository, git),
        None => of_url(name).await,
    }
}

async fn of_url(address: &str) -> Result<Pack, FetchError> {
    read(&body_of(address).await?, &redact(address))
}

/// What lies at an address.
pub(super) async fn body_of(address: &str) -> Result<Vec<u8>, FetchError> {
    let shown = redact(address);
    let unreachable = |error: reqwest::Error| {
        let reason = match error.is_timeout() {
            true => format!("no answer within {} s", WAIT.as_secs()),
            false => redact(&chain(&error.without_url())),
        };
        FetchError::Unreachable { address: shown.clone(), reason }
    };
    let url = reqwest::Url::parse(address)
        .map_err(|error| FetchError::Unreachable { address: shown.clone(), reason: error.to_string() })?;
    // Nothing secret goes along, so redirects may be followed as validators do.
    let client = client_to(&url)
        .timeout(WAIT)
        .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
        .build()
        .map_err(unreachable)?;
    let mut answer = client.get(url).header(ACCEPT, "application/json").send().await.map_err(unreachable)?;
    if answer.status().as_u16() != 200 {
        return Err(FetchError::Status { address: shown, status: answer.status().as_u16() });
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > BYTES_MAX {
            return Err(FetchError::TooLarge { address: shown });
        }
    }
    Ok(body)
}

/// A text that begins as JSON does is a pack, any other a policy.
fn read(bytes: &[u8], place: &str) -> Result<Pack, FetchError> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.trim_start().starts_with(['{', '[']));
    match text.filter(|text| !text.trim().is_empty() && !text.trim_start().starts_with('<')) {
        Some(policy) => Ok(Pack::of_policy(policy, &PackMetadata::default())),
        None => Pack::read(bytes).map_err(|issues| FetchError::Invalid { place: place.to_owned(), issues }),
    }
}

fn of_git(repository: &str, git: &GitProgram) -> Result<Pack, FetchError> {
    let (repository, revision) = repository.rsplit_once('#').unwrap_or((repository, "HEAD"));
    let place = redact(&format!("git:{repository}#{revision}"));
    let failed = |reason: String| FetchError::Git { place: place.clone(), reason };
    if repository.is_empty()
        || repository.starts_with('-')
        || revision.is_empty()
        || revision.starts_with('-')
    {
        return Err(failed("write git:REPOSITORY#REVISION, such as git:../champion#main".to_owned()));
    }
    let absolute = std::path::absolute(repository).ok().filter(|path| path.is_dir());
    let source = absolute.map_or_else(|| repository.to_owned(), |path| path.display().to_string());
    let fetched = Revision::fetch(git, &source, revision, &[]).map_err(failed)?;
    for name in [PACK_JSON, AGENTS_MD] {
        match fetched.size(name).map_err(failed)? {
            None => {}
            Some(size) if size > BYTES_MAX => return Err(FetchError::TooLarge { address: place }),
            Some(_) => return read(&fetched.file(name).map_err(failed)?, &place),
        }
    }
    Err(failed(format!("there is neither a pack.json nor an {AGENTS_MD} at its root")))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Scheme, host and port of a remote that a token may be sent to: over TLS, or to this machine itself.
pub(super) fn origin_for_tokens(address: &str) -> Option<String> {
    let url = reqwest::Url::parse(address).ok()?;
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    is_safe.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_nobody_who_could_be_overheard() {
        let check =
            |address: &str, origin: Option<&str>| assert_eq!(origin_for_tokens(address).as_deref(), origin);
        check("https://github.com/me/packs.git", Some("https://github.com"));
        check("https://user@git.example.com:8443/x", Some("https://git.example.com:8443"));
        check("http://127.0.0.1:3000/x", Some("http://127.0.0.1:3000"));
        check("http://git.example.com/x", None);
        check("git@github.com:me/packs.git", None);
        check("ssh://git@github.com/me/packs.git", None);
        check("../remote.git", None);
    }

    #[test]
    fn what_comes_is_a_pack_or_a_policy() {
        let pack = Pack::of_policy("# Rules\n", &PackMetadata::default());
        assert_eq!(read(pack.pretty_json().as_bytes(), "x").unwrap(), pack);
        assert_eq!(read(b"# Rules\n", "x").unwrap().agents_md(), "# Rules\n");
        for refused in ["<html></html>", "", "{}", "[1]"] {
            assert!(matches!(read(refused.as_bytes(), "x"), Err(FetchError::Invalid { .. })), "{refused}");
        }
    }
}
