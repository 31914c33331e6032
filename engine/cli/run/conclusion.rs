//! The end of a run: the report, the commit of a winner, and what to do next.

use super::{DEFAULT_RUNS, RunArgs, Session};
use crate::exit::Exit;
use crate::out;
use crate::publish::steps::{Published, act, chain_words, fetch_words, push_words, receipt};
use crate::publish::won::{PUBLIC_WAIT_S, Ways, Won};
use crate::report::gather;
use anyhow::Context;
use packwright::event::{RunFinished, Verdict};
use packwright::optimize::Ending;
use packwright::publish::Receipt;
use packwright::report::{Report, render, write};
use packwright::shell::path_in_shell;
use packwright::store::RunEntry;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Tells how the run ended, and commits the winner if there is one.
pub(super) fn conclude(session: &Session, ending: &Ending, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let id = session.id();
    match ending {
        Ending::Interrupted => {
            out::note(format_args!(
                "interrupted; nothing that was measured is lost. Go on with: {}",
                resume(&args.runs, &id)
            ));
            Ok(Exit::Interrupted.into())
        }
        Ending::Outage { reason } => {
            out::note(format_args!("stopped: {reason}"));
            out::note(format_args!(
                "The open episodes cost nothing of the budget. When the model answers again, go on with: {}",
                resume(&args.runs, &id)
            ));
            out::note("A run keeps its models and endpoints; to name others, start a new run.");
            Ok(Exit::Infrastructure.into())
        }
        Ending::Finished(finished) => {
            let report = Report::of(&session.store.records()?, &session.store.calls()?)
                .context("the run has no records")?;
            if !args.json {
                out::line(format!("\n{}", render(&report)));
            }
            write_report(session, args);
            match &finished.verdict {
                Verdict::Better(_) => publish(session, finished, args),
                Verdict::NotShownBetter(_) | Verdict::Worse(_) | Verdict::NotMeasured { .. } => {
                    tell(args, "Nothing was committed: there is no better pack.");
                    tell(
                        args,
                        &format!(
                            "Next: {}, or another run with a larger --budget.",
                            show_again(&args.runs, &id)
                        ),
                    );
                    Ok(Exit::NoImprovement.into())
                }
            }
        }
    }
}

/// Writes the report into the run's folder. What cannot be written can be made again.
fn write_report(session: &Session, args: &RunArgs) {
    let folder = session.store.folder();
    let written = gather(&session.store).and_then(|(dossier, archive)| write(folder, &dossier, &archive));
    match written {
        Ok(written) => tell(args, &format!("Report     {} (and .md, .json)", written.page.display())),
        Err(error) => out::note(format_args!("warning: the report was not written: {error:#}")),
    }
}

/// Writes the report of a run that has come to its end once more, with what has happened since.
pub(super) fn write_report_again(session: &Session) {
    let folder = session.store.folder();
    let written = gather(&session.store).and_then(|(dossier, archive)| {
        dossier.report.finished.is_some().then(|| write(folder, &dossier, &archive)).transpose()
    });
    if let Err(error) = written {
        out::note(format_args!("warning: the report was not written again: {error:#}"));
    }
}

/// Results go to standard output, unless that is for machines.
fn tell(args: &RunArgs, line: &str) {
    if args.json {
        out::note(line);
    } else {
        out::line(line);
    }
}

fn publish(session: &Session, finished: &RunFinished, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let Session { settings, store, started, suite, start, .. } = session;
    let won = Won::of(store, settings, started, suite.clone(), &start.pack, finished)?;
    let again = format!("optimize publish {} --yes{}", won.run.0, option(&args.runs));
    // Who has published already may be the champion by now.
    let is_seen = receipt(&won.folder).is_some_and(|receipt| receipt.is_pushed());
    let champion = settings.champion.as_ref().map(|champion| match settings.publish && !is_seen {
        true => champion.of_today(&args.runs),
        false => Ok(champion.clone()),
    });
    let champion = match champion.transpose() {
        Ok(champion) => champion,
        Err(error) => {
            tell(
                args,
                &format!("Nothing was committed: the champion's pack of today is not known: {error:#}"),
            );
            tell(args, &format!("Next: {again}"));
            return Ok(Exit::Infrastructure.into());
        }
    };
    let ways = Ways {
        no_push: args.process.no_push,
        allowed: settings.allow_lint.iter().chain(&args.process.allow_lint).copied().collect(),
        champion,
        public_url: settings.public_url.clone(),
        public_wait: Duration::from_secs(PUBLIC_WAIT_S),
        on_chain: settings.on_chain.clone(),
        is_attended: false,
    };
    match act(&won, &ways, &again, &|line| tell(args, line))? {
        Published::Done => Ok(next(args, &won.run.0, &settings.packs)),
        Published::Stuck(exit) => Ok(exit.into()),
        Published::Refused { lines, exit } => {
            lines.iter().for_each(|line| tell(args, line));
            Ok(exit.into())
        }
    }
}

fn next(args: &RunArgs, id: &str, packs: &Path) -> ExitCode {
    let (packs, again) = (path_in_shell(packs), show_again(&args.runs, id));
    tell(args, &format!("Next: `git -C {packs} show` has the pack; `{again}` shows this again."));
    ExitCode::SUCCESS
}

/// The command that goes on with a run.
pub fn resume(runs: &Path, id: &str) -> String {
    format!("optimize --resume {id}{}", option(runs))
}

fn show_again(runs: &Path, id: &str) -> String {
    format!("optimize report {id}{}", option(runs))
}

/// What a command needs besides a run's id where runs are kept elsewhere than usual.
pub fn option(runs: &Path) -> String {
    match runs.to_str() {
        Some(DEFAULT_RUNS) => String::new(),
        _ => format!(" --runs {}", path_in_shell(runs)),
    }
}

/// What became of a run's winner, or what is to be done, in lines for its report.
pub fn consequences(run: &RunEntry, runs: &Path) -> Vec<String> {
    let Some(finished) = &run.finished else {
        return vec![format!("Next: {}", resume(runs, &run.id.0))];
    };
    if !matches!(finished.verdict, Verdict::Better(_)) {
        return vec!["Nothing was committed: there is no better pack.".into()];
    }
    let receipt = receipt(&run.folder);
    let mut lines = match &receipt {
        None => vec!["Winner     not committed yet".to_owned()],
        Some(Receipt { committed: Some(committed), pack_hash, committed_at, .. }) => vec![format!(
            "Winner     pack {} committed as {} on {}, at {committed_at}",
            pack_hash.short(),
            committed.commit.get(..10).unwrap_or_default(),
            committed.branch
        )],
        Some(receipt) => {
            vec![format!("Nothing was committed: {}.", receipt.refused.as_deref().unwrap_or_default())]
        }
    };
    lines.extend(
        receipt
            .iter()
            .flat_map(|receipt| &receipt.push)
            .map(|push| format!("Push       {}", push_words(push))),
    );
    let fetched = receipt.iter().flat_map(|receipt| &receipt.fetched_back).filter_map(fetch_words);
    lines.extend(fetched.map(|words| format!("Fetched    {words}")));
    let on_chain = receipt.iter().flat_map(|receipt| &receipt.chain);
    lines.extend(on_chain.map(|state| format!("On chain   {}", chain_words(state))));
    lines.extend(packwright::notify::undelivered(&run.folder));
    if is_unpublished(run) {
        lines.push(format!("Next: optimize publish {}{}", run.id.0, option(runs)));
    }
    lines
}

/// Whether a run won, and was cut off before its winner was wherever it was to go.
pub fn is_unpublished(run: &RunEntry) -> bool {
    let won = run.finished.as_ref().is_some_and(|finished| matches!(finished.verdict, Verdict::Better(_)));
    won && !receipt(&run.folder).is_some_and(|receipt| receipt.is_settled())
}
