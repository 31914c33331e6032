//! A comparison as text for a terminal: what does not match, the difference, then scenarios, checks and cost.

use comfy_table::{CellAlignment, Table, presets};
use packwright::compare::{CheckRow, Compared, CostRow, Costs, Episodes, Named};
use packwright::report::{Estimate, plain};
use packwright::search::PairedDifference;

/// So many checks are listed each way.
const CHECKS_MAX: usize = 8;

/// All of it, without a last line break.
pub fn render(compared: &Compared, worse_at: f64) -> String {
    let mut out = String::new();
    let is_offline = |side: &Named| side.model.split('/').any(|part| part == "offline");
    if is_offline(&compared.first) || is_offline(&compared.second) {
        out += "Offline model: a rule-based stand-in; this says nothing about a real model.\n";
    }
    out += &format!("A          {}\nB          {}\n", named(&compared.first), named(&compared.second));
    for mismatch in &compared.mismatches {
        out += &format!("NOT ALIKE  {}: {}\n", mismatch.what, plain(&mismatch.told));
    }
    out += &pairs(compared);
    out += &match &compared.objective {
        Some(objective) => objective_words(objective, worse_at),
        None => "Objective  not measured: too few pairs, or a scenario without one\n".to_owned(),
    };
    out += &scenarios(compared);
    out += &checks(compared);
    out += &costs(compared);
    out.trim_end().to_owned()
}

fn named(side: &Named) -> String {
    let runs = match &side.runs[..] {
        [one] => format!("run {one}"),
        runs => format!("{} runs", runs.len()),
    };
    let (suite, model, profile) = (plain(&side.suite), plain(&side.model), plain(&side.profile));
    let name = plain(&side.name);
    format!("{name}: pack {}, {runs}, {model} on {suite} by {profile}", side.pack.short())
}

fn pairs(compared: &Compared) -> String {
    let (own, across) = (compared.pairs_of_one_run, compared.pairs_across_runs);
    let kind = match compared.episodes {
        Episodes::Fresh => "fresh episodes",
        Episodes::All => "episodes, those of the search included, which flatter whatever they picked",
    };
    let how = match (own, across) {
        (_, 0) => "of the same run and repeat".to_owned(),
        (0, _) => "across runs".to_owned(),
        _ => format!("{own} of the same run and repeat, {across} across runs"),
    };
    let copies = match compared.copies_left_out {
        0 => String::new(),
        some => format!("\n           {some} copies of an earlier run's episodes are left out"),
    };
    format!("Pairs      {} ({how}) of {kind}{copies}\n", own + across)
}

fn objective_words(it: &PairedDifference, worse_at: f64) -> String {
    let verdict = match it.probability_worse >= worse_at {
        true => "B IS WORSE",
        false if it.probability_better >= worse_at => "B is better",
        false => "B is not shown to be worse or better",
    };
    let safety = it.safety.map_or(String::new(), |safety| {
        format!(
            "Safety     {:+.1} % of all points; B less safe with probability {}\n",
            100.0 * safety.difference,
            probability(safety.probability_worse)
        )
    });
    format!(
        "Objective  A {:.3}, B {:.3}: {:+.3}, 90 % interval {:+.3} to {:+.3}\n           worse with probability {}, \
         better with {}; equal packs show as much of a loss in {},\n           and as much of a gain in {} of \
         comparisons\n{safety}Verdict    {verdict}, at a probability of {worse_at}\n",
        it.first,
        it.second,
        it.difference,
        it.low,
        it.high,
        probability(it.probability_worse),
        probability(it.probability_better),
        percent(it.p_worse),
        percent(it.p_better),
    )
}

/// A probability in words that never round to certainty.
fn probability(value: f64) -> String {
    match value {
        value if value > 0.995 => "over 0.99".into(),
        value if value < 0.005 => "under 0.01".into(),
        value => format!("{value:.2}"),
    }
}

fn percent(share: f64) -> String {
    if share < 0.001 { "under 0.1 %".into() } else { format!("{:.1} %", 100.0 * share) }
}

fn scenarios(compared: &Compared) -> String {
    let mut table = table(&["scenario", "pairs", "A", "B", "difference", "90 % interval", "lost", "gained"]);
    for row in &compared.scenarios {
        let held_out = if row.held_out { " (held out)" } else { "" };
        let name = format!("{}{held_out}", plain(&row.scenario));
        let [first, second, difference, interval] = match &row.score {
            Some(it) => [
                format!("{:.3}", it.first),
                format!("{:.3}", it.second),
                format!("{:+.3}", it.difference.value),
                interval(&it.difference),
            ],
            None => ["not measured", "", "", ""].map(str::to_owned),
        };
        let counts = [row.lost, row.gained].map(|count| count.to_string());
        let [lost, gained] = counts;
        table.add_row([name, row.pairs.to_string(), first, second, difference, interval, lost, gained]);
    }
    right(&mut table, &[1, 2, 3, 4, 5, 6, 7]);
    format!("\nScenarios (checks lost and gained, over the pairs)\n{}\n", table.trim_fmt())
}

fn interval(estimate: &Estimate) -> String {
    estimate.interval.map_or("not measured".to_owned(), |it| format!("{:+.3} to {:+.3}", it.low, it.high))
}

fn checks(compared: &Compared) -> String {
    let differs = |row: &&CheckRow| row.gained != row.lost && !row.held_out;
    let (lost, gained): (Vec<_>, Vec<_>) =
        compared.checks.iter().filter(differs).partition(|row| row.difference.value < 0.0);
    if lost.is_empty() && gained.is_empty() {
        return "\nNo check of the scenarios that count passes more or less often.\n".to_owned();
    }
    let mut table = table(&["scenario", "check", "A", "B", "difference", "90 % interval", "effect"]);
    let shown = lost.iter().take(CHECKS_MAX).chain(gained.iter().rev().take(CHECKS_MAX));
    for row in shown {
        table.add_row([
            plain(&row.scenario),
            plain(&row.check),
            format!("{}/{}", row.first, row.pairs),
            format!("{}/{}", row.second, row.pairs),
            format!("{:+.2}", row.difference.value),
            interval(&row.difference),
            format!("{:+.4}", row.effect),
        ]);
    }
    right(&mut table, &[2, 3, 4, 5, 6]);
    let more = lost.len().saturating_sub(CHECKS_MAX) + gained.len().saturating_sub(CHECKS_MAX);
    let rest = if more > 0 { format!("and {more} more; --json has all\n") } else { String::new() };
    format!("\nChecks by what they do to the score, losses first\n{}\n{rest}", table.trim_fmt())
}

fn costs(compared: &Compared) -> String {
    let Costs { input_tokens, output_tokens, model_calls, tool_calls, seconds } = &compared.costs;
    let rows = [
        ("tokens read", input_tokens),
        ("tokens written", output_tokens),
        ("model calls", model_calls),
        ("tool calls", tool_calls),
        ("seconds", seconds),
    ];
    let mut table = table(&["an episode takes", "A", "B", "difference", "90 % interval"]);
    for (name, CostRow { first, second, difference }) in rows {
        let mean =
            |value: &Option<f64>| value.map_or("not measured".to_owned(), |value| format!("{value:.1}"));
        let (change, interval) = match difference {
            Some(it) => (
                format!("{:+.1}", it.value),
                it.interval
                    .map_or("not measured".to_owned(), |it| format!("{:+.1} to {:+.1}", it.low, it.high)),
            ),
            None => ("not measured".to_owned(), String::new()),
        };
        table.add_row([name.to_owned(), mean(first), mean(second), change, interval]);
    }
    right(&mut table, &[1, 2, 3, 4]);
    format!("\n{}\n{}", table.trim_fmt(), dollars(compared))
}

/// Dollars are counted by run.
fn dollars(compared: &Compared) -> String {
    let (first, second) = (&compared.first, &compared.second);
    if first.runs == second.runs {
        return "Dollars are counted by run, not by pack, so what each pack costs is not measured.\n"
            .to_owned();
    }
    let told = |side: &Named| side.run_usd.map_or("not measured".to_owned(), |usd| usd.rounded());
    format!("Whole runs cost, as far as it was counted: A {}, B {}.\n", told(first), told(second))
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
