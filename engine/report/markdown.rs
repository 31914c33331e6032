//! The report as Markdown: the first screen, and tables of what the page draws.

use super::bars::Bar;
use super::dossier::{CandidateRow, Dossier};
use super::failures::Failure;
use super::page::probability;
use super::text::{change_text, plain};
use crate::event::Belief;
use crate::score::{Exhibit, ExhibitPlace};
use crate::stats::interval::Estimate;
use std::fmt::Write as _;

/// So many candidates and failed checks are listed; `report.json` has all.
const LISTED_MAX: usize = 30;
/// So many characters of a check's words are shown.
const WORDS_MAX: usize = 300;
const NONE: &str = "not measured";

/// The report as a Markdown document.
pub fn markdown(dossier: &Dossier) -> String {
    let mut out = format!("# Run {}\n\n", escaped(&dossier.run.0));
    out += &first_screen(dossier);
    out += &bars("Scores by scenario", "scenario", &dossier.bars.scenarios);
    out += &bars("Scores by category", "category", &dossier.bars.categories);
    out += &failures(dossier);
    out += &candidates(dossier);
    out += &blame(dossier);
    out += &repeat(dossier);
    out
}

fn first_screen(dossier: &Dossier) -> String {
    let headline = &dossier.headline;
    let mut out = format!("**{}**\n\n", escaped(&headline.sentence));
    for warning in &headline.warnings {
        out += &format!("> {}\n>\n", escaped(warning));
    }
    let ids =
        (dossier.report.started.incumbent.id.short(), finalist(dossier).map_or("none", |row| row.id.short()));
    let chance = headline.chance.map_or(NONE.to_owned(), probability);
    let better = headline.probability_better.map_or(NONE.to_owned(), probability);
    let coverage = &headline.coverage;
    let rows = [
        (format!("Pack to beat ({})", ids.0), estimate(headline.incumbent, false)),
        (format!("New pack ({})", ids.1), estimate(headline.finalist, false)),
        ("Difference on fresh episodes".into(), estimate(headline.difference, true)),
        ("Difference by all episodes".into(), estimate(headline.pooled_difference, true)),
        ("Probability that it is better".into(), better),
        ("Chance to win one validator evaluation".into(), chance),
        (
            "Episodes measured".into(),
            format!("{} of {} attempted, budget {}", coverage.measured, coverage.attempted, coverage.budget),
        ),
        ("Pairs measured".into(), coverage.pairs.map_or(NONE.to_owned(), share)),
        ("Dollars".into(), escaped(&headline.spent.dollars)),
        ("Tokens".into(), escaped(&headline.spent.tokens)),
        ("Time".into(), format!("{:.1} s", headline.spent.seconds)),
    ];
    out += "\n| | |\n|---|---|\n";
    for (name, value) in rows {
        out += &format!("| {name} | {value} |\n");
    }
    out += "\n";
    for line in &headline.because {
        out += &format!("- {}\n", escaped(line));
    }
    if let Some(finalist) = finalist(dossier) {
        let before = &dossier.report.started.incumbent.agents_md;
        let changed = change_text(before, &finalist.policy, usize::MAX);
        out += &format!("\n## What changed in AGENTS.md\n\n{}", indented(&changed));
    }
    out
}

fn finalist(dossier: &Dossier) -> Option<&CandidateRow> {
    dossier.finalist_place.map(|place| &dossier.candidates[place])
}

fn bars(title: &str, what: &str, bars: &[Bar]) -> String {
    let mut out = format!(
        "\n## {title}\n\n| {what} | pack to beat | new pack | difference | doing nothing |\n|---|---|---|---|---|\n"
    );
    for bar in bars {
        let held_out = if bar.held_out { " (held out)" } else { "" };
        writeln!(
            out,
            "| {}{held_out} | {} | {} | {} | {} |",
            escaped(&bar.name),
            estimate(bar.incumbent, false),
            estimate(bar.finalist, false),
            estimate(bar.difference, true),
            bar.idle.map_or(NONE.to_owned(), |value| format!("{value:.3}"))
        )
        .expect("writing to a string cannot fail");
    }
    out
}

fn failures(dossier: &Dossier) -> String {
    if dossier.failures.is_empty() {
        return String::new();
    }
    let shown = dossier.shown().id.short();
    let mut out = format!("\n## Checks that {shown} fails, the dearest first\n\n");
    for failure in dossier.failures.iter().take(LISTED_MAX) {
        out += &failure_text(dossier, failure);
    }
    out + &rest(dossier.failures.len())
}

fn failure_text(dossier: &Dossier, failure: &Failure) -> String {
    let check = &dossier.grid.checks[failure.check];
    let lost = check.lost.map_or(String::new(), |lost| format!(", costs {lost:.3}"));
    let mut out = format!(
        "- **{}/{}** ({}, {} points): {} of {} passed{lost}\n",
        escaped(&check.scenario),
        escaped(&check.check),
        escaped(&check.category),
        check.points,
        failure.passed,
        failure.episodes
    );
    for (what, said) in [("about", &check.description), ("asks", &check.explained)] {
        if let Some(said) = said {
            out += &format!("  - {what}: {}\n", escaped(&shortened(said)));
        }
    }
    out += &match &failure.exhibit {
        Some(exhibit) => format!("  - event {}: {}\n", failure.episode, exhibit_text(exhibit)),
        None => format!("  - event {}: {}\n", failure.episode, escaped(&failure.detail)),
    };
    out += &match failure.passed_by {
        Some(place) => format!("  - last passed with {}\n", dossier.candidates[place].id.short()),
        None => "  - passed with no ancestor\n".to_owned(),
    };
    out
}

/// Long patterns make long words, which `report.json` has in full.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

fn exhibit_text(exhibit: &Exhibit) -> String {
    let place = match exhibit.place {
        ExhibitPlace::Answer => "the answer",
        ExhibitPlace::Arguments => "the arguments",
        ExhibitPlace::ToolAnswer => "the tool's answer",
    };
    let call = match (&exhibit.tool, exhibit.call) {
        (Some(tool), Some(call)) => format!(" of call {} ({})", call + 1, escaped(tool)),
        _ => String::new(),
    };
    let text = format!(
        "…{}**{}**{}…",
        one_line(&exhibit.before),
        one_line(&exhibit.found),
        one_line(&exhibit.after)
    );
    match &exhibit.lacking {
        Some(lacking) => format!("nearest miss in {place}{call}: {text}, lacking {}", escaped(lacking)),
        None => format!("found in {place}{call}: {text}"),
    }
}

fn candidates(dossier: &Dossier) -> String {
    let mut rows: Vec<&CandidateRow> = dossier.candidates.iter().collect();
    let value = |row: &CandidateRow| row.objective.map_or(f64::NEG_INFINITY, |objective| objective.value);
    rows.sort_by(|a, b| value(b).total_cmp(&value(a)));
    let mut out =
        "\n## Candidates, the best first\n\n| candidate | operator | parent | episodes | objective | effect \
                   of its edit |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for row in rows.iter().take(LISTED_MAX) {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            row.id.short(),
            row.operator.word(),
            row.parents.first().map_or("-", |parent| parent.short()),
            row.episodes,
            estimate(row.objective, false),
            effect(row.effect)
        )
        .expect("writing to a string cannot fail");
    }
    out + &rest(rows.len())
}

fn blame(dossier: &Dossier) -> String {
    let shown = dossier.shown().id.short();
    let mut out = format!(
        "\n## Where the sentences of {shown} come from\n\n| sentence | candidate | operator | effect of that edit \
         |\n|---|---|---|---|\n"
    );
    for sentence in &dossier.blame {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            one_line(&sentence.text),
            dossier.candidates[sentence.candidate].id.short(),
            sentence.operator.word(),
            effect(sentence.effect)
        )
        .expect("writing to a string cannot fail");
    }
    out
}

fn repeat(dossier: &Dossier) -> String {
    let repeat = &dossier.repeat;
    let listed = |names: &[String]| if names.is_empty() { "not reported".into() } else { names.join(", ") };
    let rows = [
        ("Program", repeat.program.clone()),
        ("Event format", repeat.event_format.to_string()),
        ("Seed", repeat.seed.to_string()),
        ("Budget", repeat.budget.to_string()),
        ("Suite", format!("{} {}", repeat.suite, repeat.suite_hash)),
        ("Profile", repeat.profile.clone()),
        ("Prompt", repeat.prompt_hash.clone()),
        ("Pack to beat", repeat.incumbent.clone()),
        ("Agent", repeat.agent_model.clone()),
        ("Writers", listed(&repeat.writer_models)),
        ("Answered by", listed(&repeat.resolved_models)),
        ("Prices", repeat.prices.clone()),
    ];
    let mut out = "\n## To repeat it\n\n| | |\n|---|---|\n".to_owned();
    for (name, value) in rows {
        out += &format!("| {name} | {} |\n", escaped(&value));
    }
    out += "\n| setting | value | from |\n|---|---|---|\n";
    for setting in &repeat.settings {
        let (name, value) = (escaped(&setting.name), escaped(&setting.value));
        out += &format!("| {name} | {value} | {} |\n", setting.source);
    }
    out
}

fn rest(count: usize) -> String {
    match count.saturating_sub(LISTED_MAX) {
        0 => String::new(),
        rest => format!("\n… and {rest} more in `report.json`.\n"),
    }
}

fn estimate(estimate: Option<Estimate>, is_difference: bool) -> String {
    let Some(estimate) = estimate else { return NONE.to_owned() };
    let number = |value: f64| if is_difference { format!("{value:+.3}") } else { format!("{value:.3}") };
    match estimate.interval {
        Some(interval) => {
            format!("{} ({} to {})", number(estimate.value), number(interval.low), number(interval.high))
        }
        None => format!("{} (measured once: no interval)", number(estimate.value)),
    }
}

fn effect(effect: Option<Belief>) -> String {
    effect.map_or("not measured".into(), |it| format!("{:+.3} ({:+.3} to {:+.3})", it.mean, it.low, it.high))
}

fn share(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Text of unknown origin, which must not become markup: neither Markdown's nor HTML's.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn one_line(text: &str) -> String {
    escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// As a block of code, whatever the lines hold.
fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_models_wrote_is_no_markup() {
        let check = |text: &str, expected: &str| assert_eq!(one_line(text), expected);
        check("<img onerror=x>\n| a", "&lt;img onerror=x> \\| a");
        check("[x](javascript:y) `z`", "\\[x\\](javascript:y) \\`z\\`");
        check("&lt;b>", "&amp;lt;b>");
    }
}
