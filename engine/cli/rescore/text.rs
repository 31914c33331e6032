//! What grading again came to, as text for a terminal: the conclusion first, then what it rests on.

use crate::runs::verdict_words;
use comfy_table::{CellAlignment, Table, presets};
use packwright::event::{Condition, Verdict};
use packwright::report::plain;
use packwright::rescore::{CheckRow, Conclusion, Encounters, Flip, Mark, Rescored, SuiteChange};
use packwright::units::PackHash;
use packwright::workspace::SuiteSource;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// So many lost episodes are named before the rest is counted.
const LOST_MAX: usize = 5;
/// So many candidates are ranked.
const RANKED: usize = 5;

/// What the text names besides.
pub struct Shown<'a> {
    pub folder: &'a Path,
    pub suite: &'a SuiteSource,
    /// Whether every candidate has rows of its own.
    pub all: bool,
    pub took: Duration,
}

/// All of it, without a last line break.
pub fn render(rescored: &Rescored, shown: &Shown<'_>) -> String {
    let mut out = opening(rescored, shown);
    out += &conclusion(rescored);
    out += &change(&rescored.suite);
    out += &episodes(rescored);
    out += &flips(rescored, shown.all);
    out += &checks(rescored);
    out += &ranks(rescored);
    out.trim_end().to_owned()
}

fn opening(rescored: &Rescored, shown: &Shown<'_>) -> String {
    let suite = match shown.suite {
        SuiteSource::Embedded => "the built-in suite".to_owned(),
        SuiteSource::Folder(path) => path.display().to_string(),
    };
    let graded = rescored.episodes.graded;
    let seconds = shown.took.as_secs_f64();
    let offline = match rescored.is_offline {
        true => "Offline model: a rule-based stand-in; this says nothing about a real model.\n",
        false => "",
    };
    format!("{offline}{}: {graded} episodes graded by {suite} in {seconds:.1} s\n", shown.folder.display())
}

fn conclusion(rescored: &Rescored) -> String {
    let (before, after) = (&rescored.before, &rescored.after);
    let [was, is] = rescored.winners();
    let mut out = match was == is {
        true => format!("Winner     the same: {}\n", name(rescored, is)),
        false => format!("Winner     another: {} before, {} now\n", name(rescored, was), name(rescored, is)),
    };
    if before.verdict == after.verdict {
        let _ = writeln!(out, "Verdict    the same: {}", words(&after.verdict));
    } else {
        let _ = writeln!(out, "Verdict    before  {}", words(&before.verdict));
        let _ = writeln!(out, "           now     {}", words(&after.verdict));
    }
    out += &other_finalist(rescored);
    if rescored.recorded_otherwise {
        out +=
            "           The run recorded another verdict: it was made by another version of this program.\n";
    }
    out
}

fn words(verdict: &Verdict) -> String {
    let told = plain(&verdict_words(verdict));
    match verdict {
        Verdict::NotShownBetter(comparison) | Verdict::Worse(comparison) if !comparison.unmet.is_empty() => {
            let unmet: Vec<&str> = comparison.unmet.iter().map(|condition| lacking(*condition)).collect();
            format!("{told}; not met: {}", unmet.join(", "))
        }
        _ => told,
    }
}

fn lacking(condition: Condition) -> &'static str {
    match condition {
        Condition::Margin => "margin",
        Condition::Interval => "interval",
        Condition::Posterior => "probability of a gain by all episodes",
        Condition::Fresh => "fresh episodes",
        Condition::Sealed => "held-out scenarios",
        Condition::Safety => "safety",
        Condition::Coverage => "coverage",
    }
}

/// Says where the search would have confirmed another candidate, of which there are no fresh episodes.
fn other_finalist(rescored: &Rescored) -> String {
    let after = &rescored.after;
    match (&after.chosen, &after.confirmed) {
        (Some(chosen), Some(confirmed)) if chosen != confirmed => {
            let was_so_before = rescored.before.chosen.as_ref() == Some(chosen);
            if was_so_before {
                return String::new();
            }
            format!(
                "Finalist   another: the search would have confirmed {} and not {}. It has no fresh episodes, so whether \
                 it\n           would win is not measured: `optimize` with the new rubrics measures it\n",
                chosen.short(),
                confirmed.short()
            )
        }
        _ => String::new(),
    }
}

fn name(rescored: &Rescored, id: &PackHash) -> String {
    match *id == rescored.incumbent {
        true => format!("{} (the incumbent)", id.short()),
        false => id.short().to_owned(),
    }
}

fn change(change: &SuiteChange) -> String {
    if change.is_none() {
        return "Suite      as the run met it\n".to_owned();
    }
    let mut lines = Vec::new();
    for rubric in &change.rubrics {
        let listed = [("changed", &rubric.changed), ("new", &rubric.new), ("gone", &rubric.gone)];
        let listed = listed.iter().filter(|(_, ids)| !ids.is_empty());
        let listed: Vec<String> = listed.map(|(word, ids)| format!("{word} {}", ids.join(", "))).collect();
        lines.push(format!("{}: {}", rubric.scenario, listed.join("; ")));
    }
    let weights = change.weights.iter();
    lines.extend(weights.map(|it| format!("{}: weight {} -> {}", it.scenario, it.before, it.after)));
    let held_out = change.held_out.iter();
    lines.extend(held_out.map(|name| format!("{name}: held out otherwise; the run's own division is kept")));
    match &change.encounters {
        Encounters::Same => {}
        Encounters::Changed(names) => lines.extend(names.iter().map(|name| {
            format!("{name}: ANOTHER SCENARIO now (request, tools or fixtures); graded all the same")
        })),
        Encounters::Unknown => lines.push(
            "MORE THAN RUBRICS may have changed; the run kept too little to say what; graded all the same"
                .to_owned(),
        ),
    }
    lines.extend(change.missing.iter().map(|name| format!("{name}: not in the suite; not measured")));
    lines.extend(change.extra.iter().map(|name| format!("{name}: not in the run; not measured")));
    if !change.has_kept_rubrics {
        lines.push("this run kept no rubrics, so changed patterns show only in what flips".to_owned());
    }
    lines.iter().enumerate().fold(String::new(), |out, (index, line)| {
        out + &format!("{:<11}{}\n", if index == 0 { "Suite" } else { "" }, plain(line))
    })
}

fn episodes(rescored: &Rescored) -> String {
    let episodes = rescored.episodes;
    let mut out = format!(
        "Flips      {} verdicts of checks, in {} of {} episodes\n",
        episodes.flips, episodes.flipped, episodes.graded
    );
    if episodes.judged_outside > 0 {
        let _ = writeln!(
            out,
            "           {} episodes were judged by an evaluator outside of this program; its verdicts stand",
            episodes.judged_outside
        );
    }
    if episodes.unmeasured > 0 {
        let _ = writeln!(out, "           {} episodes failed and stay not measured", episodes.unmeasured);
    }
    if episodes.found > 0 {
        let _ = writeln!(
            out,
            "           {} episodes that no rubric could score have a score now",
            episodes.found
        );
    }
    if episodes.lost > 0 {
        let _ = writeln!(out, "           {} episodes with a score are not measured now:", episodes.lost);
        for lost in rescored.lost.iter().take(LOST_MAX) {
            let _ = writeln!(
                out,
                "             event {}, {} with {}: {}",
                lost.ordinal,
                plain(&lost.key.scenario),
                lost.key.candidate.short(),
                plain(&lost.reason)
            );
        }
        if rescored.lost.len() > LOST_MAX {
            let _ = writeln!(out, "             and {} more; --json has all", rescored.lost.len() - LOST_MAX);
        }
    }
    out
}

fn flips(rescored: &Rescored, all: bool) -> String {
    if rescored.flips.is_empty() {
        return String::new();
    }
    let mut table = table(&["scenario", "check", "candidate", "from", "to", "episodes"]);
    let mut others: BTreeMap<(&str, &str, Mark, Mark), (u32, usize)> = BTreeMap::new();
    for flip in &rescored.flips {
        match role(rescored, &flip.candidate) {
            Some(role) => drop(table.add_row(row(flip, role))),
            None if all => drop(table.add_row(row(flip, flip.candidate.short().to_owned()))),
            None => {
                let sum = others.entry((&flip.scenario, &flip.check, flip.from, flip.to)).or_default();
                sum.0 += flip.episodes;
                sum.1 += 1;
            }
        }
    }
    for ((scenario, check, from, to), (episodes, candidates)) in others {
        let who = if candidates == 1 { "1 other".to_owned() } else { format!("{candidates} others") };
        let cells =
            [plain(scenario), plain(check), who, mark(from).into(), mark(to).into(), episodes.to_string()];
        table.add_row(cells);
    }
    right(&mut table, &[5]);
    format!("\nWhat flips\n{}\n", table.trim_fmt())
}

fn row(flip: &Flip, who: String) -> [String; 6] {
    let (from, to) = (mark(flip.from).to_owned(), mark(flip.to).to_owned());
    [plain(&flip.scenario), plain(&flip.check), who, from, to, flip.episodes.to_string()]
}

/// The candidates that the conclusion is about.
fn role(rescored: &Rescored, id: &PackHash) -> Option<String> {
    let is =
        |conclusion: &Conclusion| [&conclusion.chosen, &conclusion.confirmed].contains(&&Some(id.clone()));
    if *id == rescored.incumbent {
        Some(format!("{} incumbent", id.short()))
    } else if is(&rescored.before) || is(&rescored.after) {
        Some(format!("{} finalist", id.short()))
    } else {
        None
    }
}

fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Passed => "passed",
        Mark::Failed => "failed",
    }
}

/// Checks that pass otherwise, that are new, and that are gone.
fn checks(rescored: &Rescored) -> String {
    let differs = |row: &&CheckRow| row.before != row.after;
    let rows: Vec<&CheckRow> = rescored.checks.iter().filter(differs).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut table = table(&["scenario", "check", "before", "now"]);
    for row in rows {
        let passed = |count: Option<(u32, u32)>, none: &str| {
            count.map_or(none.to_owned(), |(passed, episodes)| format!("{passed} of {episodes}"))
        };
        table.add_row([
            plain(&row.scenario),
            plain(&row.check),
            passed(row.before, "no such check"),
            passed(row.after, if is_gone(rescored, row) { "no such check" } else { "not measured" }),
        ]);
    }
    format!("\nPassed\n{}\n", table.trim_fmt())
}

fn is_gone(rescored: &Rescored, row: &CheckRow) -> bool {
    let rubrics = &rescored.suite.rubrics;
    rubrics.iter().any(|rubric| rubric.scenario == row.scenario && rubric.gone.contains(&row.check))
}

/// What the search believes of the first few candidates, where that is another.
fn ranks(rescored: &Rescored) -> String {
    if rescored.before.believed == rescored.after.believed {
        return String::new();
    }
    let mut table = table(&["candidate", "", "episodes", "before", "now"]);
    for now in rescored.after.believed.iter().take(RANKED) {
        let before = rescored.before.believed.iter().find(|then| then.candidate == now.candidate);
        let role = role(rescored, &now.candidate).unwrap_or_default();
        table.add_row([
            now.candidate.short().to_owned(),
            role.split(' ').nth(1).unwrap_or_default().to_owned(),
            now.episodes.to_string(),
            before.map_or("not measured".to_owned(), |then| format!("{:.3}", then.objective)),
            format!("{:.3}", now.objective),
        ]);
    }
    right(&mut table, &[2, 3, 4]);
    format!("\nThe best by the episodes of the search (believed objective)\n{}\n", table.trim_fmt())
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    table
}

fn right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
