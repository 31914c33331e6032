//! `optimize status`: what runs are doing, asked of their processes; and how those stand that no process works at.

use super::{Target, command_for, name_of, under_way};
use crate::runs::{find, verdict_words};
use clap::Args;
use packwright::budget::time_words;
use packwright::control::{Reply, Request, RunState, Status, ask};
use packwright::report::plain;
use packwright::store::{Store, holder, run_entry};
use packwright::units::Usd;
use std::path::Path;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let target = &args.target;
    let statuses = match &target.run {
        Some(id) => vec![of_run(&find(&target.runs, Some(id))?)?],
        None => match under_way(&target.runs)? {
            none if none.is_empty() => vec![at_rest(&find(&target.runs, None)?)?],
            live => live.into_iter().map(|(_, status)| status).collect(),
        },
    };
    for (place, status) in statuses.iter().enumerate() {
        let gap = if place > 0 { "\n" } else { "" };
        target.tell(status, &format!("{gap}{}", text(status, &target.runs)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of_run(folder: &Path) -> anyhow::Result<Status> {
    match ask(folder, &Request::Status, false)? {
        Some(Reply::Done(status)) => Ok(*status),
        Some(Reply::Refused(reason)) => anyhow::bail!("{reason}"),
        None => at_rest(folder),
    }
}

/// How a run stands by its records alone.
pub fn at_rest(folder: &Path) -> anyhow::Result<Status> {
    let entry = run_entry(folder)?;
    let store = Store::open_to_read(folder)?;
    let process = if entry.finished.is_none() { holder(folder)? } else { None };
    let state = match (&entry.finished, process) {
        (Some(_), _) => RunState::Finished,
        (None, None) => RunState::CutOff,
        (None, Some(_)) => RunState::Running,
    };
    let cut_off = match (state, store.is_paused()?) {
        (RunState::CutOff, true) => Some("it was paused when its process ended".to_owned()),
        (RunState::Running, _) => Some("its process does not listen to commands".to_owned()),
        _ => None,
    };
    let verdict = entry.finished.as_ref().map(|finished| verdict_words(&finished.verdict));
    let started = entry.started.as_ref();
    Ok(Status {
        run: name_of(folder),
        state,
        process,
        budget: started.map_or(0, |started| started.budget),
        scored: entry.episodes_scored,
        unmeasured: entry.episodes_unmeasured,
        caps: started.map(|started| *started.caps).unwrap_or_default(),
        worked_ms: store.worked_ms(),
        note: verdict.or(cut_off),
        ..Status::default()
    })
}

/// A status for people.
fn text(status: &Status, runs: &Path) -> String {
    let process = status.process.map_or(String::new(), |process| format!(" (process {process})"));
    let mut rows = vec![
        ("Run", format!("{}{process}", status.run)),
        ("State", state_words(status)),
        ("Episodes", episodes_words(status)),
    ];
    rows.extend(status.best.as_ref().map(|best| {
        let of = if best.is_incumbent { "the pack to beat" } else { best.candidate.short() };
        let se = best.se.map_or(String::new(), |se| format!(" ± {se:.3}"));
        let s = if best.episodes == 1 { "" } else { "s" };
        ("Best", format!("{of} at {:.3}{se} after {} episode{s}", best.objective, best.episodes))
    }));
    rows.extend(status.spent.filter(|spent| spent.calls > 0).map(|spent| {
        let dollars =
            if spent.usd == Usd::ZERO { String::new() } else { format!("{}, ", spent.usd.rounded()) };
        ("Spent", format!("{dollars}{} tokens, {} calls at most", spent.tokens, spent.calls))
    }));
    rows.push(("Limits", status.caps.to_string()));
    let left = status.left_ms.map_or(String::new(), |left| format!(", about {} left", time_words(left)));
    rows.push(("Time", format!("{} at work{left}", time_words(status.worked_ms))));
    rows.push(("Next", next_words(status, runs)));
    let lines: Vec<String> =
        rows.iter().map(|(name, value)| format!("{name:<10} {}", plain(value))).collect();
    lines.join("\n")
}

fn state_words(status: &Status) -> String {
    let mut words = status.state.word().to_owned();
    if let Some(phase) = status.phase.filter(|_| status.state == RunState::Running) {
        words += &format!(": {}", crate::progress::phase_word(phase));
    }
    if status.under_way > 0 {
        words += &format!(", {} under way", status.under_way);
        words += &status.parallel.map_or(String::new(), |parallel| format!(" of {parallel} at once"));
    }
    words + &status.note.as_ref().map_or(String::new(), |note| format!(": {note}"))
}

fn episodes_words(status: &Status) -> String {
    let (scored, unmeasured) = (status.scored, status.unmeasured);
    let not = if unmeasured > 0 { format!(", {unmeasured} not measured") } else { String::new() };
    format!("{} of {}{not}", scored + unmeasured, status.budget)
}

fn next_words(status: &Status, runs: &Path) -> String {
    let command = |name: &str| command_for(name, runs, &status.run);
    match status.state {
        RunState::Running | RunState::Waiting => format!("{}; or stop, or tune", command("pause")),
        RunState::Pausing | RunState::Paused | RunState::CutOff => command("resume"),
        RunState::Concluding | RunState::Finished => command("report"),
    }
}
