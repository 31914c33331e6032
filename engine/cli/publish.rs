//! `optimize publish`: the winner of a run goes where others fetch it, and on chain if that is wanted: first the plan, then,
//! with `--yes`, the steps.

#[cfg(feature = "chain")]
mod chain_step;
#[cfg(not(feature = "chain"))]
#[path = "publish/no_chain.rs"]
mod chain_step;
pub mod on_chain;
mod plan;
pub mod readiness;
pub mod steps;
pub mod won;

use crate::exit::{BadInput, Exit};
use crate::keys::Keys;
use crate::out::{self, LogArgs};
use crate::run::gate::Champion;
use crate::run::{DEFAULT_RUNS, conclusion, web_address};
use crate::runs::find;
use clap::Args;
use on_chain::{ChainChoice, OnChainArgs};
use packwright::event::Verdict;
use packwright::lint::Rule;
use packwright::publish::{GitToken, TOKEN_USER_VARIABLE, TOKEN_VARIABLE};
use packwright::store::{RunEntry, run_entries};
use plan::Plan;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use steps::{Published, act};
use won::{PUBLIC_WAIT_S, Ways, Won};

/// The user that a token belongs to where none is named: GitHub and GitLab take any.
const TOKEN_USER: &str = "x-access-token";

/// Publish the winner of a run: check, commit, push, fetch it back, and, if that is wanted, commit it on chain.
///
/// Without --yes only the plan is shown. A run does all this by itself when it has won; this command shows what is left
/// to be done, and does it: after a push that failed, or with other options. What is done already is not done again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  optimize publish
      the plan for the newest run that has won; nothing is done
  optimize publish --yes
      do it
  optimize publish 20260301-220000 --champion https://example.com/pack.json --yes
      unless it is too similar to that pack
  optimize publish --on-chain --chain-endpoint wss://… --netuid 11 --wallet miner
      the plan with the commitment on chain as the last step

Remotes are reached as git does it: over ssh with your keys, over https with your credential helper, or with a token in
PACKWRIGHT_GIT_TOKEN (and its user in PACKWRIGHT_GIT_USER, where the remote wants a certain one).")]
pub struct PublishArgs {
    /// The run: its id, or the newest that has won
    #[arg(value_name = "RUN")]
    run: Option<String>,

    /// Do what the plan shows
    #[arg(long)]
    yes: bool,

    /// Commit, but do not push
    #[arg(long, conflicts_with = "on_chain")]
    no_push: bool,

    /// Publish although the pack breaks this rule of the lint; may be given several times
    #[arg(long, value_name = "RULE")]
    allow_lint: Vec<Rule>,

    /// The champion's pack as it is now, in place of what the run began with; `none` where there is none
    #[arg(long, value_name = "PACK")]
    champion: Option<String>,

    /// Where others fetch pack.json: it is fetched from there after the push, and its hash compared
    #[arg(long, value_name = "URL", value_parser = web_address)]
    public_url: Option<String>,

    /// Seconds in which that address may still show another pack
    #[arg(long, value_name = "SECONDS", default_value_t = PUBLIC_WAIT_S)]
    public_wait: u64,

    #[command(flatten)]
    on_chain: OnChainArgs,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// Print the plan as JSON on standard output
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    log: LogArgs,
}

/// Runs the command.
pub fn run(args: PublishArgs) -> anyhow::Result<ExitCode> {
    args.log.apply();
    let folder = match &args.run {
        Some(id) => find(&args.runs, Some(id))?,
        None => newest_winner(&args.runs)?.folder,
    };
    let won = match Won::of_run(&folder)? {
        Ok(won) => won,
        Err(problem) => {
            out::note(format_args!("{problem}"));
            return Ok(Exit::NoImprovement.into());
        }
    };
    let ways = args.ways(&won)?;
    let again = args.again(&won.run.0, &ways);
    let plan = Plan::of(&won, &ways)?;
    if args.json {
        out::line(serde_json::to_string_pretty(&plan)?);
    } else {
        plan.lines().iter().for_each(|line| {
            out::line(line);
        });
    }
    if let Some(exit) = plan.refused() {
        out::note("Nothing was done: see what is refused above.");
        return Ok(exit.into());
    }
    if !plan.has_work() {
        out::note("Nothing is left to be done.");
    } else if !args.yes {
        out::note(format_args!("Nothing was done yet. To do it: {again}"));
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes {
        return Ok(ExitCode::SUCCESS);
    }
    let tell = |line: &str| {
        if args.json {
            out::note(line);
        } else {
            out::line(line);
        }
    };
    tell("");
    match act(&won, &ways, &again, &tell)? {
        Published::Done => Ok(ExitCode::SUCCESS),
        Published::Stuck(exit) => Ok(exit.into()),
        Published::Refused { lines, exit } => {
            lines.iter().for_each(|line| tell(line));
            Ok(exit.into())
        }
    }
}

impl PublishArgs {
    fn ways(&self, won: &Won) -> anyhow::Result<Ways> {
        let champion = match &self.champion {
            Some(name) => Champion::named(name, &self.runs)?,
            None => won.settings.champion.clone(),
        };
        let of_run = won.settings.on_chain.as_ref().filter(|_| !self.no_push);
        Ok(Ways {
            no_push: self.no_push,
            allowed: won.settings.allow_lint.iter().chain(&self.allow_lint).copied().collect(),
            champion,
            public_url: self.public_url.clone().or_else(|| won.settings.public_url.clone()),
            public_wait: Duration::from_secs(self.public_wait),
            on_chain: self.on_chain.choice(won.started.profile.channel)?.or_else(|| of_run.cloned()),
            is_attended: true,
        })
    }

    /// The command that does what was shown.
    fn again(&self, run: &str, ways: &Ways) -> String {
        use packwright::shell::in_shell;
        let mut words = vec![format!("optimize publish {run}")];
        let named = [("--champion", &self.champion), ("--public-url", &self.public_url)];
        for (option, value) in named {
            words.extend(value.iter().map(|value| format!("{option} {}", in_shell(value))));
        }
        words.extend(self.allow_lint.iter().map(|rule| format!("--allow-lint {rule}")));
        words.extend(
            ways.on_chain.iter().filter(|_| self.on_chain.is_wanted()).flat_map(ChainChoice::options),
        );
        words.extend(self.no_push.then(|| "--no-push".to_owned()));
        words.push("--yes".to_owned());
        words.join(" ") + &conclusion::option(&self.runs)
    }
}

/// The newest run that has won.
fn newest_winner(runs: &Path) -> anyhow::Result<RunEntry> {
    let has_won = |entry: &RunEntry| {
        entry.finished.as_ref().is_some_and(|finished| matches!(finished.verdict, Verdict::Better(_)))
    };
    let newest = run_entries(runs)?.into_iter().rev().flatten().find(has_won);
    let none = || BadInput(format!("no run in {} has won; `optimize runs` lists them", runs.display()));
    Ok(newest.ok_or_else(none)?)
}

/// The token for remotes over HTTPS, from the environment or `.env`.
pub fn token() -> anyhow::Result<Option<GitToken>> {
    let keys = Keys::read([TOKEN_VARIABLE, TOKEN_USER_VARIABLE])?;
    let user = keys.get(TOKEN_USER_VARIABLE).map(|user| user.expose_secret().to_owned());
    Ok(keys
        .get(TOKEN_VARIABLE)
        .map(|token| GitToken { user: user.unwrap_or_else(|| TOKEN_USER.to_owned()), token }))
}
