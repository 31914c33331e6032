//! What becomes of a pack under each persona: so that one which only works for one user is found out.

use super::{Gathered, Report, Sides, score};
use crate::event::{EpisodeScored, Phase, RunStarted};
use crate::persona::{Persona, Personas};
use crate::score::Profile;
use crate::units::PackHash;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::collections::BTreeMap;

/// From so many pairs on a loss is told.
const PAIRS_MIN: usize = 2;
/// How many standard errors a loss must exceed, so that noise is seldom taken for one.
const ERRORS_MIN: f64 = 2.5;

/// A persona before and after, over pairs of fresh episodes: both packs on the same scenario and repeat.
///
/// A persona has met some of the scenarios only, so means compare within a row, not between rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PersonaRow {
    pub persona: Persona,
    pub pairs: u32,
    /// Plain means of the pairs' scores, whatever the scenarios weigh.
    pub incumbent: f64,
    pub finalist: f64,
    /// Worse by more than the margin and than the noise between pairs makes likely.
    pub clearly_worse: bool,
}

/// The scores of incumbent and finalist on the same scenario and repeat.
type Pair = (f64, f64);
/// Pairs by the number of the persona that they met.
type Groups = BTreeMap<u32, Vec<Pair>>;

/// One row per persona that a pair of fresh episodes has met; none where each scenario had its own user.
pub(super) fn persona_rows(gathered: &Gathered<'_>, started: &RunStarted, sides: &Sides) -> Vec<PersonaRow> {
    let Some(personas) = started.profile.personas else { return Vec::new() };
    let mut groups = Groups::new();
    for ((scenario, repeat), pair) in pairs(gathered, started, sides) {
        let place = started.scenarios.iter().position(|entry| entry.name == scenario);
        let Some(place) = place else { continue };
        groups.entry(personas.number(place, repeat)).or_default().push(pair);
    }
    rows(personas, &started.profile, &groups)
}

fn rows(personas: Personas, profile: &Profile, groups: &Groups) -> Vec<PersonaRow> {
    let noise = noise(groups.values());
    let row = |(number, pairs): (&u32, &Vec<Pair>)| {
        let (incumbent, finalist) = (mean(pairs, |pair| pair.0), mean(pairs, |pair| pair.1));
        let error = noise / (pairs.len() as f64).sqrt();
        let is_clear = pairs.len() >= PAIRS_MIN && incumbent - finalist > ERRORS_MIN * error;
        PersonaRow {
            persona: personas.persona(*number),
            pairs: pairs.len() as u32,
            incumbent,
            finalist,
            clearly_worse: is_clear && profile.beats(incumbent, finalist),
        }
    };
    groups.iter().map(row).collect()
}

/// The fresh episodes of which both packs' were measured, by scenario and repeat.
fn pairs<'a>(
    gathered: &'a Gathered<'a>,
    started: &RunStarted,
    sides: &Sides,
) -> BTreeMap<(&'a str, u32), Pair> {
    let is_fresh = |phase: Option<Phase>| matches!(phase, Some(Phase::Confirm | Phase::HeldOut));
    let scores = |pack: &PackHash| -> BTreeMap<(&'a str, u32), f64> {
        let episodes = gathered.scored.iter().filter(|scored| is_fresh(scored.phase));
        let own = episodes.map(|scored| &scored.event).filter(|scored| scored.key.candidate == *pack);
        let place = |scored: &'a EpisodeScored| (scored.key.scenario.as_str(), scored.key.repeat);
        own.map(|scored| (place(scored), score(&scored.scorecard, started.profile.score))).collect()
    };
    let incumbent = scores(&sides.incumbent);
    let finalist = sides.finalist.as_ref().map(scores).unwrap_or_default();
    finalist
        .into_iter()
        .filter_map(|(place, score)| Some((place, (*incumbent.get(&place)?, score))))
        .collect()
}

/// The standard deviation of the pairs' differences around their persona's mean.
fn noise<'a>(groups: impl Iterator<Item = &'a Vec<Pair>>) -> f64 {
    let (mut squares, mut freedom) = (0.0, 0.0);
    for pairs in groups {
        let centre = mean(pairs, difference);
        squares += pairs.iter().map(|pair| (difference(pair) - centre).powi(2)).sum::<f64>();
        freedom += pairs.len() as f64 - 1.0;
    }
    if freedom > 0.0 { (squares / freedom).sqrt() } else { f64::INFINITY }
}

fn difference(pair: &Pair) -> f64 {
    pair.1 - pair.0
}

fn mean(pairs: &[Pair], of: impl Fn(&Pair) -> f64) -> f64 {
    pairs.iter().map(of).sum::<f64>() / pairs.len() as f64
}

/// A gain that some users pay for is said beside the verdict.
pub(super) fn persona_warning(report: &Report) -> String {
    let named = |rows: Vec<&PersonaRow>| {
        let name = |row: &PersonaRow| {
            let (change, pairs) = (row.finalist - row.incumbent, row.pairs);
            format!("{} ({change:+.3}, {pairs} pairs)", row.persona.name)
        };
        rows.into_iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let (worse, others): (Vec<_>, Vec<_>) = report.personas.iter().partition(|row| row.clearly_worse);
    let better: Vec<_> = others.into_iter().filter(|row| row.finalist > row.incumbent).collect();
    if worse.is_empty() || better.is_empty() {
        return String::new();
    }
    format!(
        "Mind: what is gained with {} is lost with {}: does the policy suit one user only? So few pairs may also be \
         luck.\n",
        named(better),
        named(worse)
    )
}

/// The personas line by line; empty where there were none.
pub(super) fn persona_table(report: &Report) -> String {
    if report.personas.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["persona", "pairs", "before", "after", "change"]);
    for row in &report.personas {
        let Persona { name, company, date, .. } = &row.persona;
        table.add_row([
            format!("{name}, {company}, {date}"),
            row.pairs.to_string(),
            format!("{:.3}", row.incumbent),
            format!("{:.3}", row.finalist),
            format!("{:+.3}", row.finalist - row.incumbent),
        ]);
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!(
        "\nThe same episodes by persona, in pairs; each has met other scenarios, so compare within a line\n{}\n",
        table.trim_fmt()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;
    use rand::RngExt;

    fn worse(groups: &[&[Pair]]) -> Vec<u32> {
        let profile = Profile::subnet_2026_02_24();
        let groups: Groups = (0..).zip(groups.iter().map(|pairs| pairs.to_vec())).collect();
        let rows = rows(profile.personas.unwrap(), &profile, &groups);
        (0..).zip(rows).filter(|(_, row)| row.clearly_worse).map(|(number, _)| number).collect()
    }

    #[test]
    fn a_clear_loss_is_found_and_a_lonely_or_small_one_is_not() {
        let check = |groups: &[&[Pair]], expected: &[u32]| assert_eq!(worse(groups), expected, "{groups:?}");
        check(&[&[(0.6, 1.0), (0.6, 0.9)], &[(0.6, 0.1), (0.6, 0.2)]], &[1]);
        check(&[&[(0.6, 1.0), (0.6, 0.9)], &[(0.6, 0.1)]], &[]);
        check(&[&[(0.6, 0.56), (0.6, 0.56)]], &[]);
        check(&[&[(0.6, 0.54), (0.6, 0.54)]], &[0]);
        check(&[&[(0.6, 0.1), (0.6, 1.0)]], &[]);
        check(&[&[(0.6, 0.1)]], &[]);
        check(&[], &[]);
    }

    #[test]
    fn equal_packs_are_seldom_warned_of() {
        const RUNS: u32 = 1000;
        let is_warned = |run: &u32| {
            let mut rng = Seed(u64::from(*run)).child("noise", &[]).rng();
            let mut score = || 0.5 + (0..4).map(|_| rng.random_range(-0.1..0.1)).sum::<f64>();
            let groups: Vec<Vec<Pair>> =
                (0..5).map(|_| (0..6).map(|_| (score(), score())).collect()).collect();
            !worse(&groups.iter().map(Vec::as_slice).collect::<Vec<_>>()).is_empty()
        };
        let share = (0..RUNS).filter(is_warned).count() as f64 / f64::from(RUNS);
        println!("equal packs warned of: {share:.3}");
        assert!(share < 0.06, "{share}");
    }
}
