//! A message as it is kept and sent: `docs/notify.md` tells the meaning of its fields to who receives them.

use super::wording::{compose, name, next};
use crate::event::Comparison;
use crate::units::{Usd, sha256_hex};
use serde::{Deserialize, Serialize};

/// The version of the form.
pub const FORMAT: u32 = 1;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run came to its end, and there is no better pack.
    Finished,
    /// A run came to its end with a better pack.
    NewChampion,
    /// A run waits or stopped, and somebody should look after it.
    NeedsYou,
    /// A run that waited goes on by itself.
    GoesOn,
    /// So much of what a run may spend is spent.
    Budget,
    BatchFinished,
    /// What was held back in quiet hours, together.
    Digest,
    Test,
}

/// Something that somebody is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub format: u32,
    /// The same for every attempt to deliver the same message, and for no other message.
    pub key: String,
    pub event: Kind,
    /// Whether nothing goes on until a person does something.
    pub needs_you: bool,
    pub run: Option<String>,
    /// The name of a batch file.
    pub batch: Option<String>,
    pub suite: Option<String>,
    /// When it happened, in UTC.
    pub at: String,
    pub title: String,
    /// The whole message for people, the title and what is to be done included.
    pub text: String,
    /// What is to be typed; none where there is nothing to do.
    pub action: Option<String>,
    /// None where nothing was compared.
    pub difference: Option<Difference>,
    pub progress: Option<Progress>,
}

/// By how much the new pack differs from the pack to beat on fresh episodes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    /// Of the interval.
    pub level: f64,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub episodes: u32,
    pub budget: u32,
    /// None where no provider was asked, or its prices are not known.
    pub usd: Option<Usd>,
}

/// The run that messages are about.
#[derive(Clone, Debug)]
pub struct Subject {
    pub run: String,
    pub suite: String,
    /// What a command for this run needs besides its id, such as ` --runs FOLDER`.
    pub option: String,
    /// Tells it from runs of the same id elsewhere.
    pub seal: String,
    /// The agent is the offline model.
    pub is_offline: bool,
}

/// What is said of a run, before it is worded.
pub(super) struct Said<'a> {
    pub kind: Kind,
    /// What tells it from other messages of the same kind.
    pub occasion: &'a str,
    pub needs_you: bool,
    pub title: &'a str,
    /// The most important first.
    pub facts: Vec<String>,
    /// A command without what the subject adds; none where there is nothing to do.
    pub action: Option<&'a str>,
    /// What stands before the command.
    pub before_action: &'a str,
}

impl Subject {
    pub(super) fn notice(&self, at: &str, said: Said<'_>) -> Notice {
        let (run, suite) = (name(&self.run), name(&self.suite));
        let head = format!("Packwright: {}\nRun {run} on suite {suite}.", said.title);
        let command = said.action.map(|command| self.command(command));
        let mut facts = said.facts;
        if self.is_offline {
            facts.push("Offline model: it says nothing about a real one.".to_owned());
        }
        let last = next(
            said.before_action,
            command.as_deref(),
            &format!("{} {run}", said.action.unwrap_or_default()),
        );
        Notice {
            format: FORMAT,
            key: sha256_hex(format!("{}\0{}\0{}", self.seal, self.run, said.occasion).as_bytes())[..32]
                .to_owned(),
            event: said.kind,
            needs_you: said.needs_you,
            run: Some(run),
            batch: None,
            suite: Some(suite),
            at: at.to_owned(),
            title: said.title.to_owned(),
            text: compose(&head, &facts, &last),
            action: command,
            difference: None,
            progress: None,
        }
    }

    /// A command for the run, as it is typed.
    fn command(&self, command: &str) -> String {
        format!("{command} {}{}", self.run, self.option)
    }
}

impl Difference {
    pub(super) fn of(comparison: &Comparison) -> Difference {
        let Comparison { difference, low, high, .. } = *comparison;
        Difference { value: difference, low, high, level: 0.9 }
    }

    pub(super) fn words(self) -> String {
        let Difference { value, low, high, .. } = self;
        format!("{value:+.3} (90 % interval {low:+.3} to {high:+.3})")
    }
}

impl Notice {
    /// A message that says nothing but that messages arrive.
    pub fn test(at: &str) -> Notice {
        let head = "Packwright: a test\nMessages about runs arrive here.";
        Notice {
            format: FORMAT,
            key: sha256_hex(format!("test\0{at}\0{}", std::process::id()).as_bytes())[..32].to_owned(),
            event: Kind::Test,
            needs_you: false,
            run: None,
            batch: None,
            suite: None,
            at: at.to_owned(),
            title: "a test".to_owned(),
            text: compose(head, &[], &next("", None, "")),
            action: None,
            difference: None,
            progress: None,
        }
    }

    /// Several messages in one; what a person must do comes last, the newest of it.
    pub(super) fn digest(held: &[Notice], at: &str) -> Option<Notice> {
        let newest = held.last()?;
        if held.len() == 1 {
            return Some(newest.clone());
        }
        let urgent = held.iter().rev().find(|notice| notice.needs_you).unwrap_or(newest);
        let keys: Vec<&str> = held.iter().map(|notice| notice.key.as_str()).collect();
        let head = format!("Packwright: {} messages from the quiet hours", held.len());
        let lines = held.iter().rev().map(|notice| {
            let time = notice.at.get(11..16).unwrap_or_default();
            format!("{time} UTC {}: {}.", notice.subject(), notice.title)
        });
        let shown = urgent.run.as_deref().or(urgent.batch.as_deref()).unwrap_or_default();
        let first_words =
            urgent.action.as_deref().unwrap_or_default().split(' ').take(2).collect::<Vec<_>>().join(" ");
        let last = next("", urgent.action.as_deref(), &format!("{first_words} {shown}"));
        Some(Notice {
            key: sha256_hex(keys.join("\0").as_bytes())[..32].to_owned(),
            event: Kind::Digest,
            needs_you: urgent.needs_you,
            at: at.to_owned(),
            title: format!("{} messages from the quiet hours", held.len()),
            text: compose(&head, &lines.collect::<Vec<_>>(), &last),
            action: urgent.action.clone(),
            difference: None,
            progress: None,
            ..urgent.clone()
        })
    }

    fn subject(&self) -> String {
        match (&self.run, &self.batch) {
            (Some(run), _) => format!("run {run}"),
            (None, Some(batch)) => format!("batch {batch}"),
            (None, None) => "all runs".to_owned(),
        }
    }

    /// Whether nobody needs to hear the other one any more once this is told.
    pub(super) fn outdates(&self, earlier: &Notice) -> bool {
        let is_passing = matches!(earlier.event, Kind::Budget | Kind::GoesOn | Kind::NeedsYou);
        self.run == earlier.run
            && match self.event {
                Kind::Finished | Kind::NewChampion => is_passing,
                Kind::NeedsYou => matches!(earlier.event, Kind::NeedsYou | Kind::GoesOn),
                Kind::GoesOn => earlier.event == Kind::NeedsYou,
                Kind::Budget => earlier.event == Kind::Budget,
                Kind::BatchFinished | Kind::Digest | Kind::Test => false,
            }
    }
}
