//! The laboratory's tables, as Markdown, and its document. No row is left out.

use comfy_table::{CellAlignment, Table, presets};
use packwright::lab::{Definition, Interval, Night, Strategy, Survey, difference, row};
use serde_json::{Value, json};

/// The nights of all strategies in the worlds of one definition.
pub struct Family {
    pub name: String,
    pub about: String,
    pub budget: u32,
    /// By name, each with one night for each world, in the same order.
    pub strategies: Vec<(String, Vec<Night>)>,
}

impl Family {
    /// The first search's name and nights.
    fn ours(&self) -> Option<&(String, Vec<Night>)> {
        let is_search = |name: &str| matches!(Strategy::named(name), Some(Strategy::Search { .. }));
        self.strategies.iter().find(|(name, _)| is_search(name))
    }
}

/// A family's table, with a heading.
pub fn text(family: &Family) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([
        "strategy",
        "gain",
        "deployed",
        "below",
        "deployed below",
        "wins",
        "false wins",
        "reported − true",
        "episodes",
        "ours − theirs",
        "ours − theirs, deployed",
    ]);
    for (name, nights) in &family.strategies {
        let Some(row) = row(nights) else { continue };
        let differs =
            family.ours().filter(|(ours, _)| name != ours).map(|(_, ours)| difference(ours, nights));
        table.add_row([
            name.clone(),
            interval(row.gain),
            interval(row.deployed),
            share(row.below),
            share(row.deployed_below),
            share(row.wins),
            share(row.false_wins),
            row.optimism.map_or("not measured".into(), |optimism| format!("{optimism:+.3}")),
            format!("{:.0}", row.episodes),
            differs.map_or(String::new(), |differs| interval(differs.gain)),
            differs.map_or(String::new(), |differs| interval(differs.deployed)),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let nights = family.strategies.first().map_or(0, |(_, nights)| nights.len());
    format!(
        "### {}\n\n{}. {nights} nights of {} episodes.\n\n{table}\n",
        family.name, family.about, family.budget
    )
}

/// All numbers.
pub fn document(families: &[Family]) -> Value {
    let families = families.iter().map(|family| {
        let strategies = family.strategies.iter().map(|(name, nights)| {
            let differs = family.ours().map(|(_, ours)| difference(ours, nights));
            json!({ "strategy": name, "summary": row(nights), "search_minus_this": differs, "nights": nights })
        });
        json!({
            "world": family.name,
            "budget": family.budget,
            "strategies": strategies.collect::<Vec<_>>(),
        })
    });
    json!({ "format": 1, "families": families.collect::<Vec<_>>() })
}

/// What a definition's worlds are like, on the average.
pub fn survey(definition: &Definition, surveys: &[Survey]) -> String {
    let mean = |pick: fn(&Survey) -> f64| surveys.iter().map(pick).sum::<f64>() / surveys.len().max(1) as f64;
    format!(
        "{:<10} start {:.3}, headroom {:.3}, average edit {:+.4} ({:.0} % gain), noise of a pass {:.3}",
        definition.name,
        mean(|survey| survey.start),
        mean(|survey| survey.headroom),
        mean(|survey| survey.edit),
        100.0 * mean(|survey| survey.helpful_edits),
        mean(|survey| survey.noise),
    )
}

fn interval(interval: Interval) -> String {
    format!("{:+.3} [{:+.3}, {:+.3}]", interval.mean, interval.low, interval.high)
}

fn share(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
