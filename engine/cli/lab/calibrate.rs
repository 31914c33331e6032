//! `optimize lab --calibrate`: how often what the search states is right.

use crate::out;
use comfy_table::{CellAlignment, Table, presets};
use packwright::lab::{Cell, Counted, Night, Strategy, Tally, World, night};
use packwright::units::Seed;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Spends the nights of all cells, prints the tables, and returns all numbers.
pub fn calibrate(quick: bool, budget: Option<u32>, nights: u64, first_seed: u64) -> Value {
    let cells = Cell::all(quick, budget);
    let mut tallies = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        let tally = Tally::of(&spend(cell, nights, first_seed));
        // Some hours may lie between the first cell and the tables.
        out::note(format_args!("cell {} of {}: {}", at + 1, cells.len(), line(cell, &tally)));
        tallies.push(tally);
    }
    let mut sum = Tally::default();
    tallies.iter().for_each(|tally| sum.add(tally));
    out::line(table(&cells, &tallies));
    out::line(forecasts(&sum));
    let cells = cells.iter().zip(&tallies).map(|(cell, tally)| json!({ "cell": cell, "tally": tally }));
    json!({ "format": 1, "cells": cells.collect::<Vec<_>>(), "all": sum })
}

fn spend(cell: &Cell, nights: u64, first_seed: u64) -> Vec<Night> {
    let definition = cell.definition();
    let one = |at: u64| {
        let world = World::new(&definition, Seed(first_seed.wrapping_add(at)));
        night(&world, cell.budget, Strategy::SEARCH)
    };
    (0..nights).into_par_iter().map(one).collect()
}

/// What a cell counted, in one line.
fn line(cell: &Cell, tally: &Tally) -> String {
    let Cell { family, sigma, scenarios, budget } = cell;
    let statements = tally.statements.iter().map(|(what, counted)| format!("{what}: {}", right(counted)));
    let statements: Vec<String> = statements.collect();
    format!("{family}, σ {sigma}, {scenarios} scenarios, {budget} episodes; {}", statements.join("; "))
}

fn table(cells: &[Cell], tallies: &[Tally]) -> String {
    let kinds: BTreeSet<&str> = tallies.iter().flat_map(|tally| tally.statements.keys().copied()).collect();
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let fixed = ["worlds", "σ", "scenarios", "budget", "nights", "compared", "wins", "false wins"];
    let errors = ["overrated, in SE", "spread, in SE"];
    table.set_header(fixed.into_iter().chain(kinds.iter().copied()).chain(errors));
    for (cell, tally) in cells.iter().zip(tallies) {
        let share = |count: usize| percent(count, tally.nights);
        let fixed = [
            cell.family.to_owned(),
            cell.sigma.to_string(),
            cell.scenarios.to_string(),
            cell.budget.to_string(),
            tally.nights.to_string(),
            share(tally.compared),
            share(tally.wins),
            share(tally.false_wins),
        ];
        let right = |kind: &&str| tally.statements.get(kind).map_or(String::new(), right);
        let number = |number: Option<f64>| number.map_or(String::new(), |number| format!("{number:+.2}"));
        let errors = [number(tally.overrated.mean()), number(tally.overrated.sd())];
        table.add_row(fixed.into_iter().chain(kinds.iter().map(right)).chain(errors));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn forecasts(sum: &Tally) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["stated probability", "up to", "nights", "stated on average", "came true"]);
    for (what, bins) in &sum.forecasts {
        for (end, bin) in bins {
            let stated = format!("{:.1} %", 100.0 * bin.stated / bin.count.max(1) as f64);
            let came_true = percent(bin.right, bin.count);
            table.add_row([what.to_string(), format!("{end} %"), bin.count.to_string(), stated, came_true]);
        }
    }
    table.to_string()
}

fn right(counted: &Counted) -> String {
    format!("{} of {}", percent(counted.right, counted.stated), counted.stated)
}

fn percent(count: usize, of: usize) -> String {
    format!("{:.1} %", 100.0 * count as f64 / of.max(1) as f64)
}
