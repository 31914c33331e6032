//! The end of a run: the report, the commit of a winner, and what to do next.

use super::{DEFAULT_RUNS, RunArgs, Session, gate};
use crate::exit::Exit;
use crate::out;
use crate::report::gather;
use anyhow::Context;
use packwright::event::{Comparison, RunFinished, Verdict};
use packwright::optimize::Ending;
use packwright::publish::{CommitNote, PackRepo, PushOutcome, Receipt};
use packwright::report::{Report, render, write};
use packwright::shell::path_in_shell;
use packwright::store::write_whole;
use packwright::store::{RunEntry, utc_text};
use packwright::units::RunId;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

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
                Verdict::Better(comparison) => publish(session, finished, comparison, &id, args),
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

fn publish(
    session: &Session,
    finished: &RunFinished,
    comparison: &Comparison,
    id: &str,
    args: &RunArgs,
) -> anyhow::Result<ExitCode> {
    let packs = &session.settings.packs;
    let finalist = finished.finalist.as_ref().context("a verdict without a finalist")?;
    let records = session.store.records()?;
    let report = Report::of(&records, &session.store.calls()?).context("the run has no records")?;
    let candidate = report.finalist.as_ref().context("the finalist was never written")?;
    let winner = session.start.pack.with_policy(&candidate.agents_md);
    let repo = PackRepo::open_or_create(packs)?;
    let run = RunId(id.to_owned());
    if let Some(best) = repo.current()?
        && best.hash() != winner.hash()
        && best.hash() != session.start.pack.hash()
    {
        let why = format!(
            "{} got another pack ({}) while this run went on, which it did not measure",
            packs.display(),
            best.hash().short()
        );
        keep(session, &Receipt::of_refusal(run, finalist.clone(), why.clone(), utc_text(super::now_ms())))?;
        tell(args, &format!("Nothing was committed: {why}."));
        tell(args, "Next: another run compares with it.");
        return Ok(Exit::NoImprovement.into());
    }
    let findings = gate::findings(session, &winner);
    if let Some(refusal) = gate::refusal(&findings, &gate::allowed(session, args)) {
        keep(
            session,
            &Receipt::of_refusal(run, finalist.clone(), refusal.why.clone(), utc_text(super::now_ms())),
        )?;
        tell(args, &format!("Nothing was committed: {}.", refusal.why));
        refusal.lines.iter().for_each(|line| tell(args, line));
        tell(args, &refusal.next(&resume(&args.runs, id)));
        return Ok(Exit::Gate.into());
    }
    let note = CommitNote {
        comparison: comparison.clone(),
        run: run.clone(),
        suite: session.started.suite.clone(),
        model: session.started.model.clone(),
        profile: session.started.profile.name.clone(),
    };
    let committed = repo.commit_winner(&winner, &note)?;
    let place = packs.display();
    let short = finalist.short();
    tell(
        args,
        &if committed.unchanged {
            format!("Winner     pack {short} is the best in {place} already; nothing to commit")
        } else {
            format!(
                "Winner     pack {short} committed to {place} as {}",
                committed.commit.get(..10).unwrap_or_default()
            )
        },
    );
    let receipt = Receipt::of_commit(run, finalist.clone(), committed.clone(), utc_text(super::now_ms()));
    keep(session, &receipt)?;
    let outcome = if args.process.no_push { PushOutcome::NotWanted } else { repo.push(&committed) };
    keep(session, &receipt.with_push(outcome.clone(), utc_text(super::now_ms())))?;
    tell(args, &format!("Push       {}", push_words(&outcome)));
    if let PushOutcome::Rejected(rejection) = outcome {
        tell(args, &format!("           {}", rejection.next_step));
        tell(args, &format!("The commit stays. When that is mended: {}", resume(&args.runs, id)));
        return Ok(Exit::Infrastructure.into());
    }
    Ok(next(args, id, packs))
}

fn push_words(outcome: &PushOutcome) -> String {
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
    lines.extend(packwright::notify::undelivered(&run.folder));
    if is_unpublished(run) {
        lines.push(format!("Next: {}", resume(runs, &run.id.0)));
    }
    lines
}

/// Writes what was published beside the run, so that it is never in doubt.
fn keep(session: &Session, receipt: &Receipt) -> anyhow::Result<()> {
    let path = receipt_path(session.store.folder());
    let text = serde_json::to_string_pretty(receipt)? + "\n";
    write_whole(&path, text).with_context(|| format!("write the receipt {}", path.display()))
}

/// Whether a run won, and was cut off before its winner was wherever it was to go.
pub fn is_unpublished(run: &RunEntry) -> bool {
    let won = run.finished.as_ref().is_some_and(|finished| matches!(finished.verdict, Verdict::Better(_)));
    won && !receipt(&run.folder).is_some_and(|receipt| receipt.is_settled())
}

/// What was published of a run; none where nothing was kept of that.
pub fn receipt(run: &Path) -> Option<Receipt> {
    let text = std::fs::read(receipt_path(run)).ok()?;
    serde_json::from_slice(&text).ok()
}

fn receipt_path(run: &Path) -> PathBuf {
    run.join("receipts").join("publish.json")
}
