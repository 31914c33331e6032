//! `optimize notify`, and the options that say where messages go: `docs/notify.md`.

mod deliver;
mod test;

pub use deliver::{leave_to_another, outbox_route};

use crate::exit::BadInput;
use crate::keys::Keys;
use clap::{Args, Subcommand};
use packwright::notify::{Channel, Clock, Patience, QuietHours, Route, Spec};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use std::sync::Arc;

/// Channels where none are named on the command line, separated by semicolons.
const CHANNELS_VARIABLE: &str = "PACKWRIGHT_NOTIFY";
/// Quiet hours where none are named on the command line.
const QUIET_VARIABLE: &str = "PACKWRIGHT_QUIET_HOURS";
/// Says that nothing is to be told.
const NONE: &str = "none";

/// Where messages go, and when.
#[derive(Args, Debug, Clone, Default)]
pub struct NotifyArgs {
    /// Tell somebody of the run's end, of a new champion, of 80 and 95 % of the budget, and when it needs you:
    /// webhook:URL, webhook:env:VARIABLE, telegram:CHAT_ID, command:PROGRAM, or none; several may be given
    #[arg(long, value_name = "CHANNEL")]
    pub notify: Vec<String>,

    /// Hold messages back in these hours of every day, by local time, and send them as one afterwards: 23:00-07:00
    #[arg(long, value_name = "FROM-TO")]
    pub quiet_hours: Option<String>,

    /// Messages that need you come in quiet hours, too
    #[arg(long)]
    pub wake_me: bool,

    /// Stay until the quiet hours end where messages wait for that, instead of leaving them to a process in the
    /// background; for services
    #[arg(long, hide_short_help = true)]
    pub stay: bool,

    /// Channels are read from standard input, so that no list of processes shows them.
    #[arg(long, hide = true)]
    pub notify_from_stdin: bool,
}

/// What a run keeps of this. Addresses are not among it, since they may be secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotifySettings {
    pub channels: Vec<String>,
    pub quiet_hours: Option<String>,
    pub wake_me: bool,
}

/// What is wanted, with all that is wrong with it.
#[derive(Debug, Default)]
pub struct Wanted {
    pub specs: Vec<Spec>,
    pub channels: Vec<Channel>,
    pub quiet: Option<QuietHours>,
    pub wake_me: bool,
    pub problems: Vec<String>,
}

impl NotifyArgs {
    /// What the options say, else what the run kept, else what the environment or `.env` says.
    pub fn wanted(&self, kept: Option<&NotifySettings>) -> anyhow::Result<Wanted> {
        let of_environment = Keys::read([CHANNELS_VARIABLE, QUIET_VARIABLE])?;
        let value =
            |variable: &str| of_environment.get(variable).map(|value| value.expose_secret().to_owned());
        let listed = value(CHANNELS_VARIABLE).unwrap_or_default();
        let usual: Vec<String> =
            listed.split(';').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect();
        let texts = match (&self.notify[..], kept) {
            ([], Some(kept)) if !kept.channels.is_empty() => kept.channels.clone(),
            ([], _) => usual.clone(),
            (given, _) => given.to_vec(),
        };
        let mut wanted = Wanted::default();
        for text in texts.iter().filter(|text| text.trim() != NONE) {
            match Spec::read(text) {
                Ok(spec) => wanted.specs.push(found_again(spec, &usual)),
                Err(problem) => wanted.problems.push(format!("--notify: {problem}")),
            }
        }
        let hours = self.quiet_hours.clone().or_else(|| kept.and_then(|kept| kept.quiet_hours.clone()));
        if let Some(hours) = hours.or_else(|| value(QUIET_VARIABLE)) {
            match hours.parse() {
                Ok(quiet) => wanted.quiet = Some(quiet),
                Err(problem) => wanted.problems.push(format!("--quiet-hours: {problem}")),
            }
        }
        wanted.wake_me = self.wake_me || kept.is_some_and(|kept| kept.wake_me);
        let variables = wanted.specs.iter().flat_map(Spec::variables);
        let keys = Keys::read(variables)?;
        wanted.connect(&|variable| keys.get(variable));
        Ok(wanted)
    }

    /// The same with the channels that stand on standard input, a line each.
    pub fn with_stdin(self) -> NotifyArgs {
        if !self.notify_from_stdin {
            return self;
        }
        let lines = std::io::stdin().lines().map_while(Result::ok);
        NotifyArgs { notify: lines.filter(|line| !line.is_empty()).collect(), ..self }
    }
}

impl Wanted {
    fn connect(&mut self, value: &dyn Fn(&str) -> Option<SecretString>) {
        for spec in &self.specs {
            match spec.channel(value) {
                Ok(channel) => {
                    // Receipts are kept by label.
                    let twins = self.channels.iter().filter(|other| other.is_like(&channel)).count();
                    self.channels.push(if twins == 0 { channel } else { channel.numbered(twins + 1) });
                }
                Err(problem) => self.problems.push(format!("--notify {}: {problem}", spec.kept())),
            }
        }
    }

    /// Everything that is wrong, as an error of the input.
    pub fn checked(self) -> anyhow::Result<Wanted> {
        match self.problems.is_empty() {
            true => Ok(self),
            false => Err(BadInput(self.problems.join("\n")).into()),
        }
    }

    pub fn kept(&self) -> NotifySettings {
        NotifySettings {
            channels: self.specs.iter().map(Spec::kept).collect(),
            quiet_hours: self.quiet.map(|quiet| quiet.to_string()),
            wake_me: self.wake_me,
        }
    }

    /// By the clock of this machine.
    pub fn route(&self) -> Route {
        let clock: Clock = Arc::new(jiff::Zoned::now);
        Route {
            channels: self.channels.clone(),
            quiet: self.quiet,
            wake_me: self.wake_me,
            patience: Patience::default(),
            clock,
        }
    }
}

/// An address that a run did not keep, where the environment has the same one.
fn found_again(spec: Spec, usual: &[String]) -> Spec {
    let Spec::WebhookLost(_) = &spec else { return spec };
    let known = usual.iter().filter_map(|text| Spec::read(text).ok());
    let mut same = known.filter(|known| matches!(known, Spec::Webhook(_)) && known.kept() == spec.kept());
    same.next().unwrap_or(spec)
}

#[derive(Args, Debug)]
pub struct NotifyCommandArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Subcommand, Debug)]
enum NotifyCommand {
    /// Send a test message to every channel, and say what happens
    Test(test::TestArgs),
    /// Send now what waits for the end of the quiet hours, or could not be delivered
    Deliver(deliver::DeliverArgs),
}

/// Runs the command.
pub fn run(args: NotifyCommandArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        NotifyCommand::Test(args) => test::run(args),
        NotifyCommand::Deliver(args) => deliver::run(args),
    }
}
