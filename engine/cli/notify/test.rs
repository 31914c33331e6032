//! `optimize notify test`: a message to every channel, now, whatever the hour; and what came of each.

use super::NotifyArgs;
use crate::exit::{BadInput, Exit};
use crate::out;
use clap::Args;
use packwright::notify::{Channel, Notice, Patience, deliver};
use packwright::report::plain;
use packwright::store::utc_text;
use serde_json::json;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  optimize notify test --notify telegram:123456789
      with the bot's token in PACKWRIGHT_TELEGRAM_TOKEN
  optimize notify test --notify webhook:env:NIGHT_WEBHOOK --notify 'command:notify-send Packwright'

Exit codes: 0 all arrived, 3 a channel is configured wrongly, 5 one did not take the message.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TestArgs {
    #[command(flatten)]
    notify: NotifyArgs,

    /// Print one JSON object per channel
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: TestArgs) -> anyhow::Result<ExitCode> {
    let wanted = args.notify.wanted(None)?.checked()?;
    if wanted.channels.is_empty() {
        let problem = "no channel is named; give --notify telegram:CHAT_ID, --notify webhook:env:VARIABLE or --notify \
                       command:PROGRAM, or set PACKWRIGHT_NOTIFY";
        return Err(BadInput(problem.to_owned()).into());
    }
    let now = jiff::Zoned::now();
    if let Some(quiet) = wanted.quiet {
        let is = if quiet.until(&now).is_some() {
            "it is quiet now, and a run would wait"
        } else {
            "it is not quiet now"
        };
        let zone = now.time_zone().iana_name().unwrap_or("the local time zone").to_owned();
        out::note(format_args!(
            "quiet hours {quiet}: it is {:02}:{:02} in {zone}, {is}",
            now.hour(),
            now.minute()
        ));
    }
    let notice = Notice::test(&utc_text(u64::try_from(now.timestamp().as_millisecond()).unwrap_or(0)));
    let patience = Patience { tries: 2, wait_max: Duration::from_secs(10), ..Patience::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut has_failed = false;
    for channel in &wanted.channels {
        let began = Instant::now();
        let outcome = runtime.block_on(deliver(channel, &notice, patience));
        has_failed |= outcome.is_err();
        tell(channel, &outcome, began.elapsed(), args.json);
    }
    Ok(if has_failed { Exit::Infrastructure.into() } else { ExitCode::SUCCESS })
}

fn tell(channel: &Channel, outcome: &Result<(), String>, took: Duration, json: bool) {
    if json {
        let problem = outcome.as_ref().err();
        out::line(json!({"channel": channel.label(), "delivered": problem.is_none(), "problem": problem}));
        return;
    }
    let words = match outcome {
        Ok(()) => format!("delivered in {:.1} s", took.as_secs_f64()),
        Err(problem) => format!("NOT delivered: {problem}"),
    };
    out::line(format!("{}  {}", plain(channel.label()), plain(&words)));
}
