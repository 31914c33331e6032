//! `optimize estimate`: what a run with these options would take, before anything is spent.

use crate::exit::{BadInput, Exit};
use crate::out;
use crate::run::{Prepared, RunArgs};
use clap::Args;
use packwright::estimate::{Estimate, Range, Share};
use packwright::report::plain;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(
    mut_arg("resume", |arg| arg.hide(true)),
    mut_arg("json", |arg| arg.help("Print the estimate as one JSON object")),
    after_help = "Exit codes: 0 the run can begin, 3 an option is wrong, or a limit affords too little.",
)]
pub struct EstimateArgs {
    #[command(flatten)]
    run: RunArgs,
}

/// Runs the command.
pub fn run(args: EstimateArgs) -> anyhow::Result<ExitCode> {
    if args.run.resume.is_some() {
        let problem = "estimate looks at a new run; leave --resume away, and give the options of that run";
        return Err(BadInput(problem.into()).into());
    }
    let prepared = Prepared::of(&args.run)?;
    if args.run.json {
        out::line(serde_json::to_string_pretty(&prepared.estimate)?);
    } else {
        out::line(text(&prepared));
    }
    match prepared.check(args.run.force) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(problem) => {
            out::note(format_args!("error: {problem}"));
            Ok(Exit::BadInput.into())
        }
    }
}

/// One line for the opening of a run.
pub fn in_short(estimate: &Estimate) -> String {
    let candidates = range(estimate.candidates, 0);
    let time = estimate.hours.map_or("time not known".to_owned(), hours);
    let is_offline = estimate.agent.is_offline && estimate.writer.is_offline;
    let money = match (is_offline, tokens_of(estimate), estimate.usd) {
        (true, ..) => "nothing is spent".to_owned(),
        (false, None, _) => "what the evaluator takes is not known".to_owned(),
        (false, Some(count), None) => format!("{} tokens, unpriced", tokens(count)),
        (false, Some(count), Some(usd)) => format!("{} ({} tokens)", dollars(usd), tokens(count)),
    };
    let limit = estimate.affordable.map_or(String::new(), |known| {
        let (flag, episodes) = (known.limit.flag(), range(known.episodes, 0));
        format!("; {flag} affords about {episodes} episodes")
    });
    format!(
        "estimate: {candidates} candidates, {:.1} full evaluations, about {} repeats to confirm, {money}, {time}{limit}",
        estimate.full_evaluations, estimate.repeats
    )
}

fn text(prepared: &Prepared) -> String {
    let (estimate, started) = (&prepared.estimate, &prepared.started);
    let division = estimate.division;
    let mut lines = vec![
        prepared.models.notice.clone(),
        format!("suite {}, to beat: {}", plain(&started.suite), prepared.start.description),
        format!(
            "Episodes    {}: {} measure the pack to beat, {} search, {} confirm the best{}",
            division.total(),
            division.calibration,
            division.search,
            division.confirmation,
            match division.held_out {
                0 => String::new(),
                episodes => format!(", {episodes} on held-out scenarios"),
            }
        ),
        format!(
            "Search      {} candidates; {:.1} times all its scenarios; a confirmation of about {} repeats of each pack",
            range(estimate.candidates, 0),
            estimate.full_evaluations,
            estimate.repeats,
        ),
        share("Agent", "episode", &estimate.agent),
        share("Writer", "proposal", &estimate.writer),
    ];
    let is_external = prepared.settings.models.agent.is_none();
    lines.push(match (estimate.agent.is_offline && estimate.writer.is_offline, estimate.usd) {
        (true, _) => "Dollars     none: nothing is asked of a provider".to_owned(),
        (false, Some(usd)) if is_external => {
            format!("Dollars     {}, as the evaluator reported", dollars(usd))
        }
        (false, Some(usd)) => format!("Dollars     {}, by {}", dollars(usd), prepared.settings.prices.note),
        (false, None) if is_external => {
            "Dollars     not known: the evaluator has reported none yet, which is not $0".to_owned()
        }
        (false, None) => "Dollars     unpriced: --prices takes the price of a model without one".to_owned(),
    });
    let time = estimate.hours.map_or("not known before the evaluator was measured".to_owned(), |time| {
        format!("{} with {} at once", hours(time), prepared.parallel)
    });
    lines.push(format!("Time        {time}"));
    if let Some(known) = estimate.affordable {
        lines.push(format!(
            "Limit       {} affords about {} episodes",
            known.limit.flag(),
            range(known.episodes, 0)
        ));
    }
    lines.join("\n")
}

fn share(title: &str, task: &str, share: &Share) -> String {
    if share.is_offline {
        return format!("{title:<11} offline: nothing is sent");
    }
    let Some(per) = &share.per_task else {
        return format!(
            "{title:<11} an evaluator of yours: what it takes is not known before it was measured"
        );
    };
    let basis = match per.measured {
        0 => "guessed from what is sent".to_owned(),
        tasks => format!("measured on {tasks} earlier"),
    };
    format!(
        "{title:<11} {} calls, {} tokens in and {} out per {task} ({basis})",
        range(per.calls, 0),
        tokens(per.input_tokens),
        tokens(per.output_tokens)
    )
}

fn tokens_of(estimate: &Estimate) -> Option<Range> {
    Some(estimate.agent.tokens?.plus(estimate.writer.tokens?))
}

fn range(range: Range, digits: usize) -> String {
    let (low, high) = (format!("{:.digits$}", range.low), format!("{:.digits$}", range.high));
    if low == high { low } else { format!("{low} to {high}") }
}

fn dollars(usd: Range) -> String {
    let digits = if usd.high < 1.0 { 4 } else { 2 };
    format!("${:.digits$} to ${:.digits$}", usd.low, usd.high)
}

fn tokens(count: Range) -> String {
    match count.high {
        high if high >= 1e6 => format!("{} million", range(count.times(1e-6), 1)),
        high if high >= 10_000.0 => format!("{} thousand", range(count.times(1e-3), 0)),
        _ => range(count, 0),
    }
}

fn hours(hours: Range) -> String {
    match hours.high {
        high if high < 2.0 / 60.0 => format!("{} s", range(hours.times(3600.0), 0)),
        high if high < 3.0 => format!("{} min", range(hours.times(60.0), 0)),
        _ => format!("{} hours", range(hours, 1)),
    }
}
