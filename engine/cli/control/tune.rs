//! `optimize tune`: other limits for a run that goes on, or that was cut off. They are recorded in it.

use super::{Target, status};
use crate::exit::BadInput;
use crate::limits::{count, duration_ms};
use crate::run::control_at_rest;
use clap::Args;
use packwright::budget::RunCaps;
use packwright::control::{CapChanges, Reply, Request, Status, ask};
use packwright::event::Tuned;
use packwright::optimize::tune_at_rest;
use packwright::store::Store;
use packwright::units::Usd;
use std::path::Path;
use std::process::ExitCode;

/// The word that lifts a limit.
const NONE: &str = "none";

/// What a limit is from here on; none where it is lifted.
#[derive(Clone, Copy, Debug)]
struct Lifted<T>(Option<T>);

#[derive(Args, Debug)]
pub struct TuneArgs {
    #[command(flatten)]
    target: Target,

    /// Episodes in all, those that are done included
    #[arg(long, value_name = "EPISODES", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    budget: Option<u32>,

    /// Steps under way at once, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    parallel: Option<u16>,

    /// The most dollars in all, what is spent included; `none` lifts this limit, and so for all that follow
    #[arg(long, value_name = "USD", value_parser = lifted(str::parse::<Usd>))]
    max_usd: Option<Lifted<Usd>>,
    #[arg(long, value_name = "TOKENS", value_parser = lifted(count))]
    max_tokens: Option<Lifted<u64>>,
    #[arg(long, value_name = "CALLS", value_parser = lifted(count))]
    max_calls: Option<Lifted<u64>>,
    #[arg(long, value_name = "TIME", value_parser = lifted(duration_ms))]
    max_time: Option<Lifted<u64>>,

    #[arg(long, value_name = "USD", value_parser = lifted(str::parse::<Usd>), hide_short_help = true)]
    agent_max_usd: Option<Lifted<Usd>>,
    #[arg(long, value_name = "TOKENS", value_parser = lifted(count), hide_short_help = true)]
    agent_max_tokens: Option<Lifted<u64>>,
    #[arg(long, value_name = "CALLS", value_parser = lifted(count), hide_short_help = true)]
    agent_max_calls: Option<Lifted<u64>>,
    #[arg(long, value_name = "TIME", value_parser = lifted(duration_ms), hide_short_help = true)]
    agent_max_time: Option<Lifted<u64>>,

    #[arg(long, value_name = "USD", value_parser = lifted(str::parse::<Usd>), hide_short_help = true)]
    writer_max_usd: Option<Lifted<Usd>>,
    #[arg(long, value_name = "TOKENS", value_parser = lifted(count), hide_short_help = true)]
    writer_max_tokens: Option<Lifted<u64>>,
    #[arg(long, value_name = "CALLS", value_parser = lifted(count), hide_short_help = true)]
    writer_max_calls: Option<Lifted<u64>>,
    #[arg(long, value_name = "TIME", value_parser = lifted(duration_ms), hide_short_help = true)]
    writer_max_time: Option<Lifted<u64>>,
}

/// Runs the command.
pub fn run(args: TuneArgs) -> anyhow::Result<ExitCode> {
    let folder = args.target.folder()?;
    let before = match ask(&folder, &Request::Status, false)? {
        Some(Reply::Done(status)) => *status,
        _ => status::at_rest(&folder)?,
    };
    let tuned = args.tuned(before.caps)?;
    let after = match ask(&folder, &Request::Tune(tuned.clone()), false)? {
        Some(Reply::Done(status)) => *status,
        Some(Reply::Refused(reason)) => return Err(BadInput(reason).into()),
        None => at_rest(&folder, tuned)?,
    };
    let parallel = after.parallel.map_or(String::new(), |parallel| format!(", {parallel} at once"));
    let words = format!(
        "run {} goes by: {} episodes ({} done), {}{parallel}",
        after.run,
        after.budget,
        after.scored + after.unmeasured,
        after.caps
    );
    args.target.tell(&after, &words)?;
    Ok(ExitCode::SUCCESS)
}

fn at_rest(folder: &Path, tuned: Tuned) -> anyhow::Result<Status> {
    let mut store = Store::open(folder)?;
    let control = control_at_rest(&store)?;
    tune_at_rest(&mut store, &control, tuned)?.map_err(BadInput)?;
    drop(store);
    status::at_rest(folder)
}

impl TuneArgs {
    /// What is to be changed of these limits.
    fn tuned(&self, before: RunCaps) -> anyhow::Result<Tuned> {
        let changes = [
            caps(self.max_usd, self.max_tokens, self.max_calls, self.max_time),
            caps(self.agent_max_usd, self.agent_max_tokens, self.agent_max_calls, self.agent_max_time),
            caps(self.writer_max_usd, self.writer_max_tokens, self.writer_max_calls, self.writer_max_time),
        ];
        let names_caps = changes.iter().any(|changes| *changes != CapChanges::default());
        if self.budget.is_none() && self.parallel.is_none() && !names_caps {
            let problem = "nothing is to be changed: name --budget, --parallel, --max-usd or another limit";
            return Err(BadInput(problem.to_owned()).into());
        }
        let [run, agent, writer] = changes;
        let caps = RunCaps {
            run: run.of(before.run),
            agent: agent.of(before.agent),
            writer: writer.of(before.writer),
        };
        let caps = names_caps.then(|| Box::new(caps));
        Ok(Tuned { budget: self.budget, caps, parallel: self.parallel })
    }
}

fn caps(
    usd: Option<Lifted<Usd>>,
    tokens: Option<Lifted<u64>>,
    calls: Option<Lifted<u64>>,
    time: Option<Lifted<u64>>,
) -> CapChanges {
    fn of<T>(limit: Option<Lifted<T>>) -> Option<Option<T>> {
        limit.map(|lifted| lifted.0)
    }
    CapChanges { usd: of(usd), tokens: of(tokens), calls: of(calls), time_ms: of(time) }
}

fn lifted<T: 'static, E: ToString + 'static>(
    parse: fn(&str) -> Result<T, E>,
) -> impl Fn(&str) -> Result<Lifted<T>, String> + Clone + Send + Sync + 'static {
    move |text| match text {
        NONE => Ok(Lifted(None)),
        text => parse(text).map(|value| Lifted(Some(value))).map_err(|error| error.to_string()),
    }
}
