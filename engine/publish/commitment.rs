//! What a miner writes on chain: the text by which validators find a pack and know it for the same. Each channel has its
//! form, and each its traps; they are explained here, before anything is built or signed.

use crate::pattern::{Flags, Haystack, Pattern};
use crate::score::Channel;
use crate::units::PackHash;
use std::sync::LazyLock;

/// The chain keeps no longer text in a field.
pub const COMMITMENT_BYTES_MAX: usize = 128;
const HASH_DIGITS: usize = 64;
const COMMIT_DIGITS: usize = 40;
const GITHUB: &str = "https://github.com/";
/// What begins the texts that validators leave for each other.
const CONSENSUS: &str = "consensus:";

/// Python's word characters, of any script.
static REPOSITORY: LazyLock<Pattern> = LazyLock::new(|| pattern(r"\A[\w.-]+/[\w.-]+\Z"));
static WEB_ADDRESS: LazyLock<Pattern> = LazyLock::new(|| pattern(r"\Ahttps?://\S+\Z"));

/// A miner's pack, as validators are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// A commit of a GitHub repository with `pack.json` at its root; `repository` is `owner/repo`, or the address that
    /// validators make of it.
    Git { pack_hash: PackHash, commit: String, repository: String },
    /// An address where `pack.json` lies.
    Url { pack_hash: PackHash, url: String },
}

/// Why a pack cannot be committed. The words tell what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitmentError {
    #[error("the pack's hash has {0} characters; a SHA-256 has {HASH_DIGITS} hexadecimal digits")]
    HashLength(usize),
    #[error(
        "the commit id has {0} characters; validators take the whole id of {COMMIT_DIGITS} hexadecimal digits \
         (`git rev-parse HEAD`)"
    )]
    CommitLength(usize),
    #[error(
        "{0:?} is no address that validators take: it must begin with https:// or http://, in lower case"
    )]
    UrlScheme(String),
    #[error(
        "{what:?} has {bytes} bytes, and at most {room} fit: the chain keeps {COMMITMENT_BYTES_MAX} bytes, and {taken} \
         take the others; {advice}"
    )]
    TooLong { what: String, bytes: usize, room: usize, taken: &'static str, advice: &'static str },
    #[error("validators could not read it: {0}")]
    Unreadable(String),
}

impl CommitmentError {
    /// The name of the broken rule, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            CommitmentError::HashLength(_) => "HASH_LENGTH",
            CommitmentError::CommitLength(_) => "COMMIT_LENGTH",
            CommitmentError::UrlScheme(_) => "URL_SCHEME",
            CommitmentError::TooLong { .. } => "TOO_LONG",
            CommitmentError::Unreadable(_) => "ROUND_TRIP",
        }
    }
}

impl Commitment {
    /// The text for the chain: at most 128 bytes, and such that validators read the same from it.
    pub fn text(&self) -> Result<String, CommitmentError> {
        match self {
            Commitment::Git { pack_hash, commit, repository } => git_text(pack_hash, commit, repository),
            Commitment::Url { pack_hash, url } => url_text(pack_hash, url),
        }
    }

    /// Reads a text as validators of that channel do; none where they would pass it over.
    pub fn read(text: &str, channel: Channel) -> Option<Commitment> {
        match channel {
            Channel::GitCommitment => read_git(text),
            Channel::UrlCommitment => read_url(text),
        }
    }

    pub fn channel(&self) -> Channel {
        match self {
            Commitment::Git { .. } => Channel::GitCommitment,
            Commitment::Url { .. } => Channel::UrlCommitment,
        }
    }

    pub fn pack_hash(&self) -> &PackHash {
        match self {
            Commitment::Git { pack_hash, .. } | Commitment::Url { pack_hash, .. } => pack_hash,
        }
    }
}

fn git_text(pack_hash: &PackHash, commit: &str, repository: &str) -> Result<String, CommitmentError> {
    check_hash(pack_hash)?;
    if commit.chars().count() != COMMIT_DIGITS {
        return Err(CommitmentError::CommitLength(commit.chars().count()));
    }
    let name = short_name(repository);
    let text = format!("{pack_hash}|{commit}|{name}");
    let advice = "rename the owner or the repository, or put the pack where owner/repo is shorter";
    check_length(&text, name, "the hash, the commit id and two bars", advice)?;
    if read_git(&text).is_some() {
        return Ok(text);
    }
    let digits =
        unreadable_digits("pack's hash", &pack_hash.0).or_else(|| unreadable_digits("commit id", commit));
    Err(CommitmentError::Unreadable(digits.unwrap_or_else(|| {
        format!("{name:?} is no GitHub repository as owner/repo (letters, digits, `_`, `.` and `-`) or {GITHUB}owner/repo")
    })))
}

fn url_text(pack_hash: &PackHash, url: &str) -> Result<String, CommitmentError> {
    check_hash(pack_hash)?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(CommitmentError::UrlScheme(url.to_owned()));
    }
    let text = format!("{pack_hash}|{url}");
    check_length(&text, url, "the hash and a bar", "put the pack at a shorter address")?;
    if read_url(&text).is_some() {
        return Ok(text);
    }
    Err(CommitmentError::Unreadable(
        unreadable_digits("pack's hash", &pack_hash.0)
            .unwrap_or_else(|| format!("{url:?} has a blank in it, or nothing after ://")),
    ))
}

fn check_hash(hash: &PackHash) -> Result<(), CommitmentError> {
    let characters = hash.0.chars().count();
    if characters == HASH_DIGITS { Ok(()) } else { Err(CommitmentError::HashLength(characters)) }
}

/// `owner/repo` of a GitHub address, as miners shorten it: the host, all slashes at the end, one `.git`.
fn short_name(repository: &str) -> &str {
    let name = repository.strip_prefix(GITHUB).unwrap_or(repository).trim_end_matches('/');
    name.strip_suffix(".git").unwrap_or(name)
}

fn check_length(
    text: &str,
    what: &str,
    taken: &'static str,
    advice: &'static str,
) -> Result<(), CommitmentError> {
    if text.len() <= COMMITMENT_BYTES_MAX {
        return Ok(());
    }
    let rest = text.len() - what.len();
    let room = COMMITMENT_BYTES_MAX.saturating_sub(rest);
    Err(CommitmentError::TooLong { what: what.to_owned(), bytes: what.len(), room, taken, advice })
}

fn unreadable_digits(what: &str, digits: &str) -> Option<String> {
    (!is_hex(digits, digits.len())).then(|| format!("the {what} is not all lower-case hexadecimal digits"))
}

fn read_git(text: &str) -> Option<Commitment> {
    let parts: Vec<&str> = strip(text).split('|').map(strip).collect();
    let &[hash, commit, repository] = &parts[..] else { return None };
    if !is_hex(hash, HASH_DIGITS) || !is_hex(commit, COMMIT_DIGITS) {
        return None;
    }
    let repository = match () {
        () if is_match(&REPOSITORY, repository) => format!("{GITHUB}{repository}"),
        () if repository.starts_with(GITHUB) => repository.to_owned(),
        () => return None,
    };
    Some(Commitment::Git { pack_hash: PackHash(hash.to_owned()), commit: commit.to_owned(), repository })
}

fn read_url(text: &str) -> Option<Commitment> {
    let text = strip(text);
    let (hash, url) = text.split_once('|').filter(|_| !text.starts_with(CONSENSUS))?;
    let (hash, url) = (strip(hash), strip(url));
    let is_read = is_hex(hash, HASH_DIGITS) && is_match(&WEB_ADDRESS, url);
    is_read.then(|| Commitment::Url { pack_hash: PackHash(hash.to_owned()), url: url.to_owned() })
}

/// What validators leave for each other in the same place: it is no miner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusNote {
    pub protocol: u64,
    pub window: u64,
    /// Where the note lies; two places are joined by `;`.
    pub address: String,
    /// The version of the scoring; notes of three fields have the first.
    pub spec: u64,
}

impl ConsensusNote {
    /// Reads `consensus:protocol|window|spec|address`, or the older form without `spec`.
    pub fn read(text: &str) -> Option<ConsensusNote> {
        let parts: Vec<&str> = strip(text).strip_prefix(CONSENSUS)?.split('|').collect();
        let (protocol, window, spec, address) = match parts[..] {
            [protocol, window, address] => (protocol, window, "1", address),
            [protocol, window, spec, address] => (protocol, window, spec, address),
            _ => return None,
        };
        let number = |text: &str| text.parse::<u64>().ok();
        let (protocol, window, spec) = (number(protocol)?, number(window)?, number(spec)?);
        Some(ConsensusNote { protocol, window, address: address.to_owned(), spec })
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Without white space as Python has it: four separators more than Rust's.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}'))
}

fn is_match(pattern: &Pattern, text: &str) -> bool {
    pattern.is_match(&Haystack::new(text)).unwrap_or(false)
}

fn pattern(source: &str) -> Pattern {
    Pattern::compile_with(source, Flags::default()).expect("a pattern of ours")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(commitment: &Commitment) -> String {
        commitment.text().unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_fit_is_told_with_the_room_there_is() {
        let hash = PackHash("0f".repeat(32));
        let of_repository = |repository: &str| Commitment::Git {
            pack_hash: hash.clone(),
            commit: "a1".repeat(20),
            repository: repository.to_owned(),
        };
        let fits = of_repository("https://github.com/1234567890/12345678901.git");
        assert_eq!(fits.text().unwrap().len(), COMMITMENT_BYTES_MAX);
        let long = told(&of_repository("some-owner/my-trajectory-packs"));
        assert!(long.contains("has 30 bytes, and at most 22 fit"), "{long}");
        let long = told(&Commitment::Url {
            pack_hash: hash.clone(),
            url: format!("https://e.x/{}", "p".repeat(60)),
        });
        assert!(long.contains("has 72 bytes, and at most 63 fit"), "{long}");
        // Bytes count, not characters.
        let wide = told(&of_repository("mé/ééééééééééééééé"));
        assert!(wide.contains("has 34 bytes"), "{wide}");
    }

    #[test]
    fn what_validators_could_not_read_is_told() {
        let hash = PackHash("0f".repeat(32));
        let git = |hash: &PackHash, commit: &str, repository: &str| {
            told(&Commitment::Git {
                pack_hash: hash.clone(),
                commit: commit.to_owned(),
                repository: repository.to_owned(),
            })
        };
        let commit = "a1".repeat(20);
        assert!(git(&PackHash("0F".repeat(32)), &commit, "me/x").contains("hash is not all lower-case"));
        assert!(git(&hash, &"z".repeat(40), "me/x").contains("commit id is not all lower-case"));
        assert!(git(&hash, "a1a1a1a", "me/x").contains("git rev-parse HEAD"));
        assert!(git(&hash, &commit, "packs").contains("\"packs\" is no GitHub repository"));
    }
}
