//! What is told when a run or a batch has ended: how, in one number with its interval, and what is to be done.

use super::notice::{Difference, FORMAT, Kind, Notice, Progress, Said, Subject};
use super::watch::status_words;
use super::wording::{compose, name, next};
use crate::event::{Comparison, RunFinished, Stop, Verdict};
use crate::publish::{FetchedBack, OnChain, PushOutcome, Receipt};
use crate::units::sha256_hex;

/// Why a run stopped before its end.
#[derive(Clone, Copy, Debug)]
pub enum Halt<'a> {
    /// A model does not answer; what it said last, of which no more than a status is told.
    Outage(&'a str),
    DiskFull,
    /// An error of another kind, which the log has.
    Error,
}

/// A run has come to its end. A better pack has a receipt, unless it could not be published at all.
pub fn finished(
    subject: &Subject,
    run: &RunFinished,
    receipt: Option<&Receipt>,
    progress: Progress,
    at: &str,
) -> Notice {
    let published = published(receipt);
    let mut facts = Vec::new();
    let (kind, title, comparison) = match &run.verdict {
        Verdict::Better(comparison) => (Kind::NewChampion, "a new champion", Some(comparison)),
        Verdict::NotShownBetter(comparison) => {
            (Kind::Finished, "finished, no better pack is shown", Some(comparison))
        }
        Verdict::Worse(comparison) => (Kind::Finished, "finished, the new pack is worse", Some(comparison)),
        Verdict::NotMeasured { .. } => (Kind::Finished, "finished, and there was nothing to compare", None),
    };
    let difference = comparison.map(Difference::of);
    facts.extend(difference.map(|difference| format!("Fresh episodes: {}.", difference.words())));
    let is_won = kind == Kind::NewChampion;
    if is_won {
        facts.push(published.words.to_owned());
    }
    facts.push(format!("{}{}.", progress.words(), stop_words(run.stop)));
    facts.extend(comparison.filter(|_| !is_won).and_then(to_decide));
    let needs_you = is_won && published.is_stuck || run.stop == Stop::Unmeasurable;
    let said = Said {
        kind,
        occasion: if is_won { published.occasion } else { "finished" },
        needs_you,
        title,
        facts,
        action: match (is_won && published.is_stuck, is_won || needs_you) {
            (true, _) => Some("optimize publish"),
            (false, true) => Some("optimize report"),
            (false, false) => None,
        },
        before_action: if is_won && published.is_stuck { "Mend what is in the way. " } else { "" },
    };
    Notice { difference, progress: Some(progress), ..subject.notice(at, said) }
}

/// A run stopped before its end. `records` tells one stop from the next.
pub fn stopped(subject: &Subject, halt: Halt<'_>, records: u32, progress: Progress, at: &str) -> Notice {
    let (why, mend) = match halt {
        Halt::Outage(problem) => {
            (format!("A model does not answer{}.", status_words(problem)), "See to key, credit and server. ")
        }
        Halt::DiskFull => ("The disk is full.".to_owned(), "Make room. "),
        Halt::Error => ("An error of this machine; the run's log has it.".to_owned(), "Mend it. "),
    };
    let said = Said {
        kind: Kind::NeedsYou,
        occasion: &format!("stopped-{records}"),
        needs_you: true,
        title: "stopped, and needs you",
        facts: vec![why, format!("{}; all that was measured is kept.", progress.words())],
        action: Some("optimize --resume"),
        before_action: mend,
    };
    Notice { progress: Some(progress), ..subject.notice(at, said) }
}

/// How the runs of a batch ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub better: u32,
    pub not_better: u32,
    pub refused: u32,
    pub cut_off: u32,
    pub not_begun: u32,
}

/// A batch has come to its end. `outcome` tells it from other passes of the same file, and `command` passes it again.
pub fn batch(file: &str, tally: Tally, outcome: &str, command: &str, at: &str) -> Notice {
    let Tally { better, not_better, refused, cut_off, not_begun } = tally;
    let (ended, left) = (better + not_better, refused + cut_off + not_begun);
    let title = match left {
        0 => format!("all {ended} runs of a batch came to their ends"),
        _ => format!("{ended} of {} runs of a batch came to their ends", ended + left),
    };
    let counted = |count: u32, words: &str| (count > 0).then(|| format!("{count} {words}."));
    let facts = [
        counted(better, "with a better pack"),
        counted(not_better, "without a better pack"),
        counted(refused, "could not be begun"),
        counted(cut_off, "cut off"),
        counted(not_begun, "not begun"),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let needs_you = refused + cut_off > 0;
    let action = match (left > 0, better > 0) {
        (true, _) => Some(command.to_owned()),
        (false, true) => Some("optimize history".to_owned()),
        (false, false) => None,
    };
    let shown = name(file);
    let last =
        next(if needs_you { "Mend what is in the way. " } else { "" }, action.as_deref(), "optimize batch");
    Notice {
        format: FORMAT,
        key: sha256_hex(format!("batch\0{outcome}").as_bytes())[..32].to_owned(),
        event: Kind::BatchFinished,
        needs_you,
        run: None,
        batch: Some(shown.clone()),
        suite: None,
        at: at.to_owned(),
        text: compose(&format!("Packwright: {title}\nBatch {shown}."), &facts, &last),
        title,
        action,
        difference: None,
        progress: None,
    }
}

/// What became of a winner.
struct Published {
    words: &'static str,
    /// Somebody must do something before it is where it was to go.
    is_stuck: bool,
    occasion: &'static str,
}

fn published(receipt: Option<&Receipt>) -> Published {
    let (words, is_stuck) = match receipt {
        None => ("It is not committed.", true),
        Some(Receipt { committed: None, .. }) => ("It is not committed: something stands against it.", true),
        Some(Receipt { push: Some(PushOutcome::Rejected(_)), .. }) => {
            ("It is committed, and the push was rejected.", true)
        }
        Some(receipt) if !receipt.is_settled() => (unsettled(receipt), true),
        Some(Receipt { chain: Some(_), .. }) => ("It is pushed, and the chain holds its commitment.", false),
        Some(receipt) if receipt.is_pushed() => ("It is committed and pushed.", false),
        Some(_) => ("It is committed.", false),
    };
    let occasion = if is_stuck { "champion-stuck" } else { "champion" };
    Published { words, is_stuck, occasion }
}

/// How far a publication came that is not at its end.
fn unsettled(receipt: &Receipt) -> &'static str {
    let is_fetched = receipt.fetched_back.as_ref().is_some_and(FetchedBack::is_same);
    match (&receipt.push, &receipt.chain) {
        (None, Some(_)) => "Nothing is pushed: its commitment could not be written on chain.",
        (_, Some(OnChain::Unknown { .. })) => {
            "It is pushed; whether the chain took its commitment is unknown."
        }
        (_, Some(_)) if is_fetched => "It is pushed, and its commitment is not on chain.",
        _ => "It is pushed, and could not be fetched back as it is.",
    }
}

fn stop_words(stop: Stop) -> String {
    match stop {
        Stop::BudgetSpent => String::new(),
        Stop::Exhausted => "; the writer had no new ideas".to_owned(),
        Stop::Unmeasurable => "; the pack to beat could not be measured".to_owned(),
        Stop::LimitReached(limit) => format!("; {limit}"),
        Stop::Asked => "; it was asked to stop".to_owned(),
    }
}

fn to_decide(comparison: &Comparison) -> Option<String> {
    comparison
        .episodes_to_decide
        .map(|episodes| format!("About {episodes} more episodes would probably decide."))
}

impl Progress {
    fn words(&self) -> String {
        let usd = self.usd.map_or(String::new(), |usd| format!(", {}", usd.rounded()));
        format!("{} of {} episodes{usd}", self.episodes, self.budget)
    }
}
