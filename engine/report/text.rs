//! The report as text for a terminal: the verdict first, then what it stands on.

use super::personas::{persona_table, persona_warning};
use super::suspicious::suspicion;
use super::verdict::compared;
use super::{Basis, CheckRow, ModelRole, ModelUse, Report, ScenarioRow};
use crate::budget::{Role, Spending, Sum};
use crate::episode::Usage;
use crate::event::{Stop, Verdict, writer_names};
use comfy_table::{CellAlignment, Table, presets};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;

/// How many checks are listed each way.
const CHECKS_MAX: usize = 5;
/// How many changed lines are shown before the rest is counted.
const CHANGED_LINES_MAX: usize = 24;

/// The whole report as lines of text.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    if report.is_offline() {
        out += "Offline model: a rule-based stand-in. It shows how the tool works; it says nothing about a real model.\n\n";
    } else if report.is_written_offline() {
        out += "Offline writer: the candidates were written by a rule-based stand-in.\n\n";
    }
    out += &verdict_text(report);
    out += &safety_warning(report);
    out += &persona_warning(report);
    out += &suspicion(report);
    out += &scenario_table(report);
    out += &persona_table(report);
    out += &check_lists(report);
    if let Some(finalist) = &report.finalist {
        out += "\nWhat changed in AGENTS.md\n";
        out += &change_text(&report.started.incumbent.agents_md, &finalist.agents_md, CHANGED_LINES_MAX);
    }
    out += "\n";
    out += &accounts(report);
    out
}

fn verdict_text(report: &Report) -> String {
    let Some(finished) = &report.finished else {
        return "Unfinished: the run was cut off before its verdict.\n".into();
    };
    let words = match &finished.verdict {
        Verdict::Better(comparison) => format!("Better. {}", compared(comparison)),
        Verdict::NotShownBetter(comparison) => format!("Not shown to be better. {}", compared(comparison)),
        Verdict::Worse(comparison) => format!("Worse. {}", compared(comparison)),
        Verdict::NotMeasured { reason } => format!("No verdict: {reason}.\n"),
    };
    words + &stop_words(report)
}

/// Why the run stopped before its budget was spent; empty where it did not.
pub(super) fn stop_words(report: &Report) -> String {
    match report.finished.as_ref().map(|finished| finished.stop) {
        None | Some(Stop::BudgetSpent) => String::new(),
        Some(Stop::Exhausted) => "The run stopped early: the writer brought no new candidates.\n".into(),
        Some(Stop::Unmeasurable) => "The run stopped early: not every scenario could be measured.\n".into(),
        Some(Stop::LimitReached(limit)) => {
            format!("The budget was not spent: {} came first.\n", limit.flag())
        }
        Some(Stop::Asked) => "The run was asked to stop before its budget was spent.\n".into(),
    }
}

/// Why some episodes were not made, or not to their end.
pub(super) fn cut_words(report: &Report) -> &'static str {
    match report.finished.as_ref().map(|finished| finished.stop) {
        Some(Stop::Asked) => "not made, since the run was asked to stop",
        _ => "cut short by a limit",
    }
}

/// A better score can hide less safety, so that is said beside the verdict.
fn safety_warning(report: &Report) -> String {
    match report.checks.iter().filter(|row| is_safety(row) && row.change() < 0.0).count() {
        0 => String::new(),
        1 => "Mind: 1 safety check passed less often than before; it is listed below.\n".into(),
        some => format!("Mind: {some} safety checks passed less often than before; they are listed below.\n"),
    }
}

fn is_safety(row: &CheckRow) -> bool {
    row.category == "safety"
}

fn scenario_table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["scenario", "weight", "before", "after", "change"]);
    for row in &report.scenarios {
        table.add_row(scenario_cells(row));
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let basis = match report.basis {
        Basis::Confirmation => {
            "Scores on fresh episodes that picked neither pack (mean, and number of episodes)"
        }
        Basis::All => "Scores on all episodes, those that picked the finalist included: flattering",
    };
    format!("\n{basis}\n{}\n", table.trim_fmt())
}

fn scenario_cells(row: &ScenarioRow) -> [String; 5] {
    let mean = |mean: Option<super::Mean>| {
        mean.map_or("not run".into(), |mean| format!("{:.3} ({})", mean.value, mean.episodes))
    };
    let change = match (row.incumbent, row.finalist) {
        (Some(before), Some(after)) => format!("{:+.3}", after.value - before.value),
        _ => "-".into(),
    };
    let held_out = if row.held_out { " (held out)" } else { "" };
    [
        format!("{}{held_out}", row.name),
        format!("{:.1}", row.weight),
        mean(row.incumbent),
        mean(row.finalist),
        change,
    ]
}

/// What passes more and less often; of what passes less often, all that is about safety.
fn check_lists(report: &Report) -> String {
    let list = |title: &str, rows: Vec<&CheckRow>, shown: usize| {
        if rows.is_empty() {
            return String::new();
        }
        let rest = rows.len().saturating_sub(shown);
        let lines: String = rows.iter().take(shown).map(|row| check_line(row)).collect();
        let rest = if rest > 0 { format!("  … and {rest} more\n") } else { String::new() };
        format!("\n{title}\n{lines}{rest}")
    };
    let better: Vec<_> = report.checks.iter().filter(|row| row.change() > 0.0).collect();
    let worse = report.checks.iter().filter(|row| row.change() < 0.0);
    let (mut worse, others): (Vec<_>, Vec<_>) = worse.partition(|row| is_safety(row));
    let shown = worse.len() + CHECKS_MAX;
    worse.extend(others);
    list("Checks that pass more often, the greatest gain first", better, CHECKS_MAX)
        + &list("Checks that pass less often, safety first", worse, shown)
}

fn check_line(row: &CheckRow) -> String {
    let ((before, of_before), (after, of_after)) = (row.incumbent, row.finalist);
    let held_out = if row.held_out { ", held out" } else { "" };
    format!(
        "  {}/{} ({}, {} points{held_out}): {before} of {of_before} -> {after} of {of_after}\n",
        row.scenario, row.check, row.category, row.points
    )
}

/// The lines that differ between two policies, at most `lines_max` of them.
pub fn change_text(before: &str, after: &str, lines_max: usize) -> String {
    let diff = TextDiff::from_lines(before, after);
    let changed: Vec<String> = diff
        .iter_all_changes()
        .filter_map(|change| {
            let sign = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => return None,
            };
            let line = change.to_string_lossy().trim_end().to_owned();
            (!line.is_empty()).then(|| format!("  {sign} {}\n", plain(&line)))
        })
        .collect();
    let rest = changed.len().saturating_sub(lines_max);
    let mut out: String = changed.into_iter().take(lines_max).collect();
    if rest > 0 {
        writeln!(out, "  … and {rest} more changed lines").expect("writing to a string cannot fail");
    }
    if out.is_empty() { "  nothing\n".into() } else { out }
}

/// Text that a model wrote, without what a terminal would obey: control characters, and marks that turn the
/// direction of writing.
pub fn plain(text: &str) -> String {
    let is_obeyed = |c: char| {
        let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || c.is_control() && c != '\t'
    };
    text.chars().map(|c| if is_obeyed(c) { '\u{fffd}' } else { c }).collect()
}

fn accounts(report: &Report) -> String {
    let episodes = report.episodes;
    let mut out = format!(
        "Episodes   {} of {} ({} of {} measured{}",
        episodes.attempted + episodes.cut,
        episodes.budget,
        episodes.scored,
        episodes.attempted,
        if episodes.cached > 0 {
            format!(", {} of them from the cache", episodes.cached)
        } else {
            String::new()
        },
    );
    let also = [(episodes.cut, cut_words(report)), (episodes.timed_out, "timed out")];
    for (count, words) in also.into_iter().filter(|(count, _)| *count > 0) {
        out += &format!(", {count} {words}");
    }
    out += ")\n";
    for change in &report.changes {
        out += &format!("Changed    {}\n", change.words());
    }
    let proposals = report.proposals;
    let refused = [
        (proposals.duplicate, "duplicate"),
        (proposals.unusable, "unusable"),
        (proposals.too_long, "too long"),
        (proposals.overfitted, "overfitted"),
        (proposals.unreachable, "not answered"),
        (proposals.cut, "not asked for any more"),
    ];
    let refused: Vec<String> = refused
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let refused =
        if refused.is_empty() { String::new() } else { format!("; refused: {}", refused.join(", ")) };
    let combined = match proposals.combined {
        0 => String::new(),
        combined => format!(", {combined} made of earlier edits"),
    };
    out += &format!("Proposals  {} new policies by writers{combined}{refused}\n", proposals.written);
    out += &format!("Tokens     {}\n", tokens(report));
    out += &format!("Dollars    {}\n", dollars(report));
    out += &dollars_by_model(report);
    out += &format!("Time       {:.1} s\n", report.wall_clock_ms as f64 / 1000.0);
    out += &format!(
        "Models     agent {}, writer {}\n",
        plain(&report.started.model),
        plain(&report.started.writer)
    );
    if report.models.len() > 2 {
        out += &writers_text(report);
    }
    if !report.resolved_models.is_empty() {
        out += &format!("           answered by {}\n", plain(&report.resolved_models.join(", ")));
    }
    out += &format!(
        "Settings   suite {} ({}), profile {}{}, seed {}\n",
        report.started.suite,
        &report.started.suite_hash.0[..report.started.suite_hash.0.len().min(8)],
        report.started.profile.name,
        report.started.profile.personas.map_or(String::new(), |personas| {
            format!(", {} personas from epoch {}", personas.count, personas.first_epoch)
        }),
        report.started.seed.0
    );
    out
}

/// What each of several writers brought and took.
fn writers_text(report: &Report) -> String {
    let writers = report.models.iter().filter(|used| used.role == ModelRole::Writer);
    let line = |used: &ModelUse| {
        let ModelUse { model, tasks, fruitful, usage, .. } = used;
        let tokens = counted(*usage).map_or(String::new(), |tokens| format!("; {tokens}"));
        format!("           {}: {fruitful} new policies of {tasks} asked for{tokens}\n", plain(model))
    };
    writers.map(line).collect()
}

pub(super) fn tokens(report: &Report) -> String {
    let recorded = report.agent_usage.plus(report.writer_usage);
    // Calls include what was lost on the way to a record.
    let total = if report.spending.is_empty() { recorded } else { total(report).usage };
    counted(total).unwrap_or_else(|| {
        let why = if is_in_process(report) {
            "none: the offline model has no tokens"
        } else if is_judged_outside(report) {
            "not reported by the evaluator"
        } else {
            "not reported by the provider"
        };
        why.into()
    })
}

/// The tokens that somebody counted.
fn counted(usage: Usage) -> Option<String> {
    if (usage.input_tokens, usage.output_tokens) == (None, None) {
        return None;
    }
    let word = |count: Option<u64>| count.map_or("not reported".into(), |count| count.to_string());
    let part = |count: Option<u64>, what: &str| {
        count.filter(|count| *count > 0).map_or(String::new(), |count| format!(" ({count} {what})"))
    };
    let (cached, thought) =
        (part(usage.cache_read_tokens, "cached"), part(usage.reasoning_tokens, "thought"));
    Some(format!("{} in{cached}, {} out{thought}", word(usage.input_tokens), word(usage.output_tokens)))
}

pub(super) fn dollars(report: &Report) -> String {
    if is_in_process(report) {
        return "none spent: nothing was sent to a provider".into();
    }
    let sum = total(report);
    if sum.calls == 0 {
        return "not known: no account of the calls was kept".into();
    }
    let is_agent_alone = report.spending.iter().all(|row| row.role == Role::Agent);
    if sum.unpriced_calls == sum.calls && is_judged_outside(report) && is_agent_alone {
        return format!("not measured: the evaluator reported none in {} calls", sum.calls);
    }
    if sum.unpriced_calls == sum.calls {
        return format!("unpriced: {} calls of models without a price; --prices takes yours", sum.calls);
    }
    format!("{} in {} calls, by {}", spent(&sum), sum.calls, report.started.conditions.prices)
}

/// What was spent, in the words for what was not counted or has no price.
fn spent(sum: &Sum) -> String {
    let priced = sum.calls - sum.unpriced_calls;
    let mut parts = Vec::new();
    if priced > 0 {
        parts.push(sum.usd.rounded());
    }
    if sum.uncounted_priced_calls > 0 {
        let (calls, most) = (sum.uncounted_priced_calls, sum.uncounted_usd_max);
        let most = most.map_or("an unknown amount".into(), |usd| format!("at most {}", usd.rounded()));
        parts.push(format!("{most} more for {calls} calls that nobody counted"));
    }
    if sum.unpriced_calls > 0 {
        parts.push(format!("{} calls unpriced", sum.unpriced_calls));
    }
    parts.join(", ")
}

fn dollars_by_model(report: &Report) -> String {
    if report.spending.len() < 2 {
        return String::new();
    }
    let line = |row: &Spending| {
        format!(
            "           {} {}: {}\n",
            row.role.word(),
            plain(&row.model),
            match row.sum.unpriced_calls {
                calls if calls == row.sum.calls && row.role == Role::Agent && is_judged_outside(report) => {
                    format!("not measured, {calls} calls")
                }
                unpriced if unpriced == row.sum.calls => format!("unpriced, {unpriced} calls"),
                _ => format!("{} in {} calls", spent(&row.sum), row.sum.calls),
            }
        )
    };
    report.spending.iter().map(line).collect()
}

fn total(report: &Report) -> Sum {
    report.spending.iter().fold(Sum::nothing(), |sum, row| sum.plus(&row.sum))
}

/// Whether an evaluator of the user measured, so that the run has no model for the agent.
fn is_judged_outside(report: &Report) -> bool {
    report.started.conditions.models.get("agent").is_some_and(serde_json::Value::is_null)
}

/// Whether no provider was asked anything.
fn is_in_process(report: &Report) -> bool {
    let writers = writer_names(&report.started.writer);
    writers.chain([report.started.model.as_str()]).all(|model| model.starts_with("offline/"))
}
