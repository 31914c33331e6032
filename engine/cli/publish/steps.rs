//! The steps from a winner to a published pack. Each is kept in the receipt as soon as it is done, and each may be done
//! again: what is done already is found to be so.

use super::chain_step::Ready;
use super::on_chain::{ChainChoice, Trouble};
use super::won::{Ways, Won};
use crate::exit::Exit;
use crate::run::{gate, now_ms};
use anyhow::Context;
use packwright::publish::{Committed, FetchedBack, OnChain, PackRepo, PushOutcome, Receipt, Source};
use packwright::report::plain;
use packwright::store::{utc_text, write_whole};
use std::path::{Path, PathBuf};

/// What became of a publication.
pub enum Published {
    Done,
    /// The pack is not fit, and nothing was done that others see.
    Refused {
        lines: Vec<String>,
        exit: Exit,
    },
    /// A step failed; the same again goes on from there.
    Stuck(Exit),
}

/// Goes through all steps, and tells each. `again` is the command that goes on.
///
/// What the commitment on chain takes is made sure of before the push: a pack that everybody can read and nobody has
/// committed can be committed by another.
pub fn act(won: &Won, ways: &Ways, again: &str, tell: &(dyn Fn(&str) + Sync)) -> anyhow::Result<Published> {
    let mut repo = PackRepo::open_or_create(&won.settings.packs)?;
    repo.git.token = super::token()?;
    if let Some(refused) = refused(won, ways, &repo, again)? {
        return Ok(refused);
    }
    let mut kept = Kept::open(won);
    let committed = commit(won, &repo, tell)?;
    kept.commit(won, &committed)?;
    let on_chain = ways.on_chain.as_ref().filter(|_| !ways.no_push);
    let ready = on_chain.map(|choice| {
        kept.want_chain()?;
        tell("On chain   looking whether the commitment could be written");
        anyhow::Ok(ready(choice, won, ways, &repo, &committed))
    });
    let ready = match ready.transpose()?.transpose() {
        Ok(ready) => ready,
        Err(trouble) => {
            kept.chain(OnChain::NotWritten { reason: trouble.words.clone() })?;
            tell(&format!("On chain   not possible now: {}", trouble.words));
            tell(&format!("Nothing was pushed, and the commit stays. When that is mended: {again}"));
            return Ok(Published::Stuck(trouble.exit));
        }
    };
    let pushed = if ways.no_push { PushOutcome::NotWanted } else { repo.push(&committed) };
    kept.push(&pushed)?;
    tell(&format!("Push       {}", push_words(&pushed)));
    if let PushOutcome::Rejected(rejection) = &pushed {
        tell(&format!("           {}", rejection.next_step));
        tell(&format!("The commit stays. When that is mended: {again}"));
        return Ok(Published::Stuck(Exit::Infrastructure));
    }
    let source = match &ways.public_url {
        Some(address) if matches!(pushed, PushOutcome::Pushed { .. } | PushOutcome::AlreadyThere { .. }) => {
            tell(&format!("Fetching   {address}, which may show the old pack for some minutes"));
            Source::Url { address, wait: ways.public_wait }
        }
        _ => Source::Remote { repo: &repo, commit: &committed.commit, push: &pushed },
    };
    let fetched = FetchedBack::of(source, won.winner.hash());
    kept.fetch(&fetched)?;
    fetch_words(&fetched).iter().for_each(|words| tell(&format!("Fetched    {words}")));
    match (fetched, ready) {
        (FetchedBack::Different { .. } | FetchedBack::Unreachable { .. }, _) => {
            tell(&format!("It is pushed, but not seen there. When that is mended: {again}"));
            Ok(Published::Stuck(Exit::Infrastructure))
        }
        (_, None) => Ok(Published::Done),
        (FetchedBack::NotWanted, Some(_)) => {
            let reason = "nothing was pushed, so nobody could fetch it".to_owned();
            tell(&format!("On chain   not written: {reason}"));
            kept.chain(OnChain::NotWritten { reason })?;
            Ok(Published::Stuck(Exit::BadInput))
        }
        (FetchedBack::Same { .. }, Some(ready)) => {
            let (state, exit) = ready.write(tell);
            tell(&format!("On chain   {}", chain_words(&state)));
            kept.chain(state)?;
            Ok(exit.map_or(Published::Done, |exit| {
                tell(&format!("It is pushed, but not committed on chain. To go on: {again}"));
                Published::Stuck(exit)
            }))
        }
    }
}

/// Everything that writing the commitment takes.
fn ready(
    choice: &ChainChoice,
    won: &Won,
    ways: &Ways,
    repo: &PackRepo,
    committed: &Committed,
) -> Result<Ready, Trouble> {
    let (hash, github) = (won.winner.hash(), repo.github_name());
    let commitment =
        choice.commitment(hash, Some(&committed.commit), github.as_deref(), ways.public_url.as_deref())?;
    let ready = Ready::of(choice, &commitment, ways.is_attended)?;
    ready.obstacle().map_or(Ok(ready), Err)
}

/// Why nothing is to be done; it is kept in the receipt.
fn refused(won: &Won, ways: &Ways, repo: &PackRepo, again: &str) -> anyhow::Result<Option<Published>> {
    if let Some(why) = won.stranger(repo.current())? {
        refuse(won, &why)?;
        let lines =
            vec![format!("Nothing was committed: {why}."), "Next: another run compares with it.".to_owned()];
        return Ok(Some(Published::Refused { lines, exit: Exit::NoImprovement }));
    }
    let findings = gate::findings(&won.winner, &won.suite, &won.started.profile, ways.champion.as_ref());
    let Some(refusal) = gate::refusal(&findings, &ways.allowed) else { return Ok(None) };
    refuse(won, &refusal.why)?;
    let mut lines = vec![format!("Nothing was committed: {}.", refusal.why)];
    lines.extend(refusal.lines.iter().cloned());
    lines.push(refusal.next(again));
    Ok(Some(Published::Refused { lines, exit: Exit::Gate }))
}

/// What others see already is not taken back by what stands against it now: its receipt stays.
fn refuse(won: &Won, why: &str) -> anyhow::Result<()> {
    let is_seen = |before: &Receipt| before.pack_hash == won.finalist && before.is_pushed();
    if receipt(&won.folder).as_ref().is_some_and(is_seen) {
        return Ok(());
    }
    let at = utc_text(now_ms());
    let receipt = Receipt::of_refusal(won.run.clone(), won.finalist.clone(), why.to_owned(), at);
    write(&receipt_path(&won.folder), &receipt)
}

fn commit(won: &Won, repo: &PackRepo, tell: &dyn Fn(&str)) -> anyhow::Result<Committed> {
    let committed = repo.commit_winner(&won.winner, &won.note())?;
    let (place, short) = (won.settings.packs.display(), won.finalist.short());
    tell(&if committed.unchanged {
        format!("Winner     pack {short} is the best in {place} already; nothing to commit")
    } else {
        let commit = committed.commit.get(..10).unwrap_or_default();
        format!("Winner     pack {short} committed to {place} as {commit}")
    });
    Ok(committed)
}

/// The receipt as it stands on disk. What was kept of a step that is found done again stays as it was.
struct Kept {
    path: PathBuf,
    before: Option<Receipt>,
    now: Option<Receipt>,
}

impl Kept {
    fn open(won: &Won) -> Kept {
        let before = receipt(&won.folder).filter(|before| before.pack_hash == won.finalist);
        Kept { path: receipt_path(&won.folder), before, now: None }
    }

    fn commit(&mut self, won: &Won, committed: &Committed) -> anyhow::Result<()> {
        let is_same = |before: &&Receipt| {
            before.committed.as_ref().is_some_and(|before| before.commit == committed.commit)
        };
        self.now = Some(match self.before.as_ref().filter(is_same) {
            Some(before) => before.clone(),
            None => {
                self.before = None;
                let at = utc_text(now_ms());
                Receipt::of_commit(won.run.clone(), won.finalist.clone(), committed.clone(), at)
            }
        });
        self.write()
    }

    fn push(&mut self, pushed: &PushOutcome) -> anyhow::Result<()> {
        let arrived = |outcome: &PushOutcome| match outcome {
            PushOutcome::Pushed { address, branch, .. }
            | PushOutcome::AlreadyThere { address, branch, .. } => Some((address.clone(), branch.clone())),
            _ => None,
        };
        let before = self.before.as_ref().and_then(|before| before.push.as_ref());
        let is_known = before.is_some_and(|before| match (arrived(before), pushed) {
            // What arrived has not gone because nobody wants to push it again.
            (Some(_), PushOutcome::NotWanted) => true,
            (Some(place), pushed) => Some(place) == arrived(pushed),
            (None, pushed) => before == pushed,
        });
        if !is_known {
            self.now = self.now.take().map(|now| now.with_push(pushed.clone(), utc_text(now_ms())));
        }
        self.write()
    }

    fn fetch(&mut self, fetched: &FetchedBack) -> anyhow::Result<()> {
        let before = self.before.as_ref().and_then(|before| before.fetched_back.as_ref());
        let is_known = before.is_some_and(|before| {
            before == fetched || before.is_same() && *fetched == FetchedBack::NotWanted
        });
        if !is_known {
            self.now = self.now.take().map(|now| now.with_fetched(fetched.clone(), utc_text(now_ms())));
        }
        self.write()
    }

    /// Keeps that there is a further step, so that it is not forgotten whatever happens before.
    fn want_chain(&mut self) -> anyhow::Result<()> {
        if self.now.as_ref().is_some_and(|now| now.chain.is_none()) {
            self.chain(OnChain::Wanted)?;
        }
        Ok(())
    }

    /// What was written once stays written, also where the chain cannot be asked about it now.
    fn chain(&mut self, state: OnChain) -> anyhow::Result<()> {
        let before = self.before.as_ref().and_then(|before| before.chain.as_ref());
        let is_known =
            before.is_some_and(|before| before.is_same(&state) || before.is_written() && !state.is_written());
        if !is_known {
            self.now = self.now.take().map(|now| now.with_chain(state, utc_text(now_ms())));
        }
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        match &self.now {
            Some(now) if receipt_of(&self.path).as_ref() != Some(now) => write(&self.path, now),
            _ => Ok(()),
        }
    }
}

/// Writes what was published beside the run, so that it is never in doubt.
fn write(path: &Path, receipt: &Receipt) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(receipt)? + "\n";
    write_whole(path, text).with_context(|| format!("write the receipt {}", path.display()))
}

/// What was published of a run; none where nothing was kept of that.
pub fn receipt(run: &Path) -> Option<Receipt> {
    receipt_of(&receipt_path(run))
}

fn receipt_of(path: &Path) -> Option<Receipt> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn receipt_path(run: &Path) -> PathBuf {
    run.join("receipts").join("publish.json")
}

/// What became of a push, in words.
pub fn push_words(outcome: &PushOutcome) -> String {
    match outcome {
        PushOutcome::NotWanted => "skipped: --no-push".into(),
        PushOutcome::NoRemote => "none: the pack repository has no remote".into(),
        PushOutcome::Pushed { remote, address, branch } => {
            format!("to {branch} of {remote} ({address}), and seen there")
        }
        PushOutcome::AlreadyThere { remote, address, branch } => {
            format!("not needed: {branch} of {remote} ({address}) is this commit already")
        }
        PushOutcome::Rejected(rejection) => format!("failed: {}", rejection.reason),
    }
}

/// What was fetched back, in words; none where nothing was to be.
pub fn fetch_words(fetched: &FetchedBack) -> Option<String> {
    match fetched {
        FetchedBack::NotWanted => None,
        FetchedBack::Same { from, hash } => {
            Some(format!("from {from}: the pack {}, as it should be", hash.short()))
        }
        FetchedBack::Different { from, found } => Some(format!("from {from}, and it is another: {found}")),
        FetchedBack::Unreachable { from, reason } => Some(format!("nothing from {from}: {reason}")),
    }
}

/// How a commitment on chain stands, in words.
pub fn chain_words(state: &OnChain) -> String {
    match state {
        OnChain::Wanted => "not tried yet".to_owned(),
        OnChain::Written(receipt) => {
            let payload = plain(&receipt.payload);
            format!("subnet {} holds {payload} since block {}", receipt.netuid, receipt.block)
        }
        OnChain::NotWritten { reason } => format!("not written: {}", plain(reason)),
        OnChain::Unknown { reason } => format!("unknown: {}", plain(reason)),
    }
}
