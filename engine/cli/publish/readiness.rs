//! What a run that publishes without a person needs for it, looked at before anything is spent: a night's winner must not
//! fail for what was known in the evening.

use super::chain_step::{Ready, open};
use super::on_chain::{ChainChoice, Trouble};
use crate::exit::{BadInput, Exit, Unreachable};
use crate::run::Settings;
use packwright::publish::{PackRepo, Rehearsal};
use packwright::shell::path_in_shell;
use packwright::units::PackHash;
use std::path::Path;

/// Digits of a pack's hash.
const HASH_DIGITS: usize = 64;

/// Where a winner would go, in lines; or everything that stands against it, at once. Nothing is changed or signed.
pub fn check(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let (mut lines, mut troubles) = (Vec::new(), Vec::new());
    let mut take = |found: Result<Vec<String>, Trouble>| match found {
        Ok(told) => lines.extend(told),
        Err(trouble) => troubles.push(trouble),
    };
    take(remote(&settings.packs));
    if let Some(choice) = &settings.on_chain {
        take(chain(choice, &settings.packs, settings.public_url.as_deref()).map(|found| found.lines));
    }
    if troubles.is_empty() {
        return Ok(lines);
    }
    let told: Vec<String> = troubles.iter().map(|trouble| format!("\n  {}", trouble.words)).collect();
    let problem = format!("a winner could not be published without a person:{}", told.concat());
    match troubles.iter().all(|trouble| trouble.exit == Exit::Infrastructure) {
        true => Err(Unreachable(problem).into()),
        false => Err(BadInput(problem).into()),
    }
}

fn remote(packs: &Path) -> Result<Vec<String>, Trouble> {
    let none = || {
        let shown = path_in_shell(packs);
        let create =
            if packs.join(".git").exists() { String::new() } else { format!("git init {shown} && ") };
        Trouble::of_user(format!(
            "the pack repository has no remote that a winner could be pushed to: {create}git -C {shown} remote add origin \
             ADDRESS"
        ))
    };
    if !packs.join(".git").exists() {
        return Err(none());
    }
    let told = |error: anyhow::Error| Trouble::of_user(format!("{error:#}"));
    let mut repo = PackRepo::open_or_create(packs).map_err(|error| told(error.into()))?;
    repo.git.token = super::token().map_err(told)?;
    match repo.rehearse_push().map_err(|error| told(error.into()))? {
        Rehearsal::NoRemote => Err(none()),
        Rehearsal::WouldFail(rejection) => Err(Trouble {
            words: format!("a push would not arrive: {}; {}", rejection.reason, rejection.next_step),
            exit: Exit::Infrastructure,
            may_pass: true,
        }),
        Rehearsal::WouldArrive { remote, address, branch }
        | Rehearsal::NothingCommitted { remote, address, branch } => Ok(vec![format!(
            "a winner is published without a person: pushed to {branch} of {remote} ({address}), and fetched back"
        )]),
    }
}

/// Whether the hotkey's file opens without a person, and whose it is.
pub fn wallet(choice: &ChainChoice) -> Result<String, Trouble> {
    let address = open(choice, false)?.address();
    Ok(format!("hotkey {} of wallet {} is {address}", choice.hotkey, choice.wallet))
}

/// What a look at the chain has shown.
pub struct Outlook {
    pub lines: Vec<String>,
    /// Nothing stands against it now.
    pub passes: bool,
}

/// Whether a commitment could be written: the text fits, the key opens without a person, and the hotkey may commit. What
/// time will mend is no trouble yet.
pub fn chain(choice: &ChainChoice, packs: &Path, public_url: Option<&str>) -> Result<Outlook, Trouble> {
    let github = packs.join(".git").exists().then(|| PackRepo::open_or_create(packs).ok()?.github_name());
    let some_hash = PackHash("0".repeat(HASH_DIGITS));
    let commitment = choice.commitment(&some_hash, None, github.flatten().as_deref(), public_url)?;
    let ready = Ready::of(choice, &commitment, false)?;
    let words = format!("then its commitment is written on chain, which cannot be undone: {}", ready.words());
    match ready.obstacle() {
        Some(trouble) if !trouble.may_pass => Err(trouble),
        Some(trouble) => {
            Ok(Outlook { lines: vec![words, format!("warning: not now: {}", trouble.words)], passes: false })
        }
        None => Ok(Outlook { lines: vec![words], passes: true }),
    }
}
