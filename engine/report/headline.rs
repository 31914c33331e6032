//! The first screen: what to do, why, and what it stands on.

use super::bars::Sources;
use super::personas::persona_warning;
use super::suspicious::suspicion;
use super::text::{cut_words, dollars, plain, stop_words, tokens};
use super::verdict::{advice_words, compared};
use super::{Basis, Gathered, Report};
use crate::budget::Call;
use crate::event::{Comparison, Condition, Verdict};
use crate::pack::Pack;
use crate::scenario::Rubrics;
use crate::score::SAFETY;
use crate::stats::interval::{Estimate, Interval};
use crate::store::Record;
use serde::Serialize;

/// What a reader in a hurry must know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Headline {
    pub advice: Advice,
    /// The advice with its reason, in a sentence.
    pub sentence: String,
    /// What the verdict rests on, sentence by sentence.
    pub because: Vec<String>,
    /// The objective of the pack to beat, on the episodes of the report's basis.
    pub incumbent: Option<Estimate>,
    pub finalist: Option<Estimate>,
    /// The difference that fresh episodes show.
    pub difference: Option<Estimate>,
    /// The difference by all episodes, pooled along the lineage.
    pub pooled_difference: Option<Estimate>,
    /// The probability that the finalist is better, by all episodes.
    pub probability_better: Option<f64>,
    /// The chance to win one evaluation of a validator, with one episode per scenario.
    pub chance: Option<f64>,
    /// What the finalist must exceed.
    pub threshold: Option<f64>,
    pub coverage: Coverage,
    pub spent: Spent,
    pub warnings: Vec<String>,
}

/// What is to be done with the finalist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    Publish,
    DoNotPublish,
    Inconclusive,
    /// The run has not come to its verdict.
    Unfinished,
}

/// How much of what was to be measured could be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    pub measured: u32,
    pub attempted: u32,
    pub budget: u32,
    /// The share of the planned pairs of fresh episodes; none where nothing was compared.
    pub pairs: Option<f64>,
}

/// What the run took, in words that never make a number of what nobody counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spent {
    pub dollars: String,
    pub tokens: String,
    pub seconds: f64,
}

impl Headline {
    /// The first screen of a run and the report that it sums up, from its records alone; none when it never started.
    pub fn of_run(records: &[Record], calls: &[Call]) -> Option<(Headline, Report)> {
        let gathered = Gathered::of(records);
        let report = Report::of_gathered(&gathered, records, calls)?;
        let finalist = report.finalist.as_ref().map(|finalist| &finalist.id);
        let sources = Sources {
            gathered: &gathered,
            started: &report.started,
            basis: report.basis,
            incumbent: &report.started.incumbent.id,
            finalist,
            rubrics: &Rubrics::default(),
        };
        let headline = Headline::of(&report, &sources);
        Some((headline, report))
    }

    pub(super) fn of(report: &Report, sources: &Sources<'_>) -> Headline {
        let comparison = comparison(report);
        let advice = advice(report);
        let posterior = comparison.and_then(|comparison| comparison.posterior);
        let episodes = report.episodes;
        Headline {
            advice,
            sentence: sentence(advice, report),
            because: comparison
                .map(|it| compared(it).lines().map(str::to_owned).collect())
                .unwrap_or_default(),
            incumbent: sources.objective(sources.incumbent),
            finalist: sources.finalist.and_then(|finalist| sources.objective(finalist)),
            difference: comparison.map(|it| Estimate {
                value: it.difference,
                interval: Some(Interval { low: it.low, high: it.high }),
            }),
            pooled_difference: posterior.map(|it| Estimate {
                value: it.difference.mean,
                interval: Some(Interval { low: it.difference.low, high: it.difference.high }),
            }),
            probability_better: posterior
                .map(|it| it.probability_better)
                .or(comparison.map(|it| it.probability_better)),
            chance: comparison.and_then(|it| it.chance),
            threshold: comparison.map(|it| it.threshold),
            coverage: Coverage {
                measured: episodes.scored,
                attempted: episodes.attempted,
                budget: episodes.budget,
                pairs: comparison.and_then(|it| it.coverage),
            },
            spent: Spent {
                dollars: dollars(report),
                tokens: tokens(report),
                seconds: report.wall_clock_ms as f64 / 1000.0,
            },
            warnings: warnings(report),
        }
    }
}

fn comparison(report: &Report) -> Option<&Comparison> {
    match &report.finished.as_ref()?.verdict {
        Verdict::Better(comparison) | Verdict::NotShownBetter(comparison) | Verdict::Worse(comparison) => {
            Some(comparison)
        }
        Verdict::NotMeasured { .. } => None,
    }
}

fn advice(report: &Report) -> Advice {
    let Some(finished) = &report.finished else { return Advice::Unfinished };
    match &finished.verdict {
        Verdict::Better(_) => Advice::Publish,
        Verdict::Worse(_) => Advice::DoNotPublish,
        Verdict::NotShownBetter(comparison) => {
            let forbids = |condition: &Condition| matches!(condition, Condition::Safety | Condition::Sealed);
            if comparison.unmet.iter().any(forbids) { Advice::DoNotPublish } else { Advice::Inconclusive }
        }
        Verdict::NotMeasured { .. } => Advice::Inconclusive,
    }
}

fn sentence(advice: Advice, report: &Report) -> String {
    let reason = match report.finished.as_ref().map(|finished| &finished.verdict) {
        None => "the run was cut off before its verdict; `optimize --resume` goes on with it".to_owned(),
        Some(Verdict::NotMeasured { reason }) => plain(reason),
        Some(Verdict::Better(it) | Verdict::NotShownBetter(it) | Verdict::Worse(it)) => advice_words(it),
    };
    match advice {
        Advice::Publish => format!("Publish: {reason}."),
        Advice::DoNotPublish => format!("Do not publish: {reason}."),
        Advice::Inconclusive => format!("Inconclusive, so do not publish yet: {reason}."),
        Advice::Unfinished => format!("Unfinished: {reason}."),
    }
}

fn warnings(report: &Report) -> Vec<String> {
    let mut warnings = Vec::new();
    if report.is_offline() {
        warnings.push(
            "Offline model: a rule-based stand-in. It shows how the tool works; it says nothing about a real model."
                .to_owned(),
        );
    } else if report.is_written_offline() {
        warnings.push("Offline writer: the candidates were written by a rule-based stand-in.".to_owned());
    }
    let told = [stop_words(report), less_safe(report), persona_warning(report), suspicion(report)];
    warnings.extend(told.iter().flat_map(|text| text.lines()).map(str::to_owned));
    let episodes = report.episodes;
    if episodes.unmeasured > 0 {
        warnings.push(format!(
            "{} episodes could not be measured, for the infrastructure; they are in no mean.",
            episodes.unmeasured
        ));
    }
    if episodes.cut > 0 {
        warnings.push(format!("{} episodes were {}; they are in no mean.", episodes.cut, cut_words(report)));
    }
    if report.finalist.is_some() && report.basis == Basis::All {
        warnings.push(
            "Nothing was confirmed: scores stand on all episodes, those that picked the finalist included, which \
             flatters it."
                .to_owned(),
        );
    }
    warnings
        .extend(report.changes.iter().map(|change| format!("Changed while it went on, {}.", change.words())));
    warnings.extend(pack_warnings(report));
    warnings
}

/// The safety checks that passed less often than before, by name.
fn less_safe(report: &Report) -> String {
    let worse = report.checks.iter().filter(|row| row.category == SAFETY && row.change() < 0.0);
    let named: Vec<String> = worse
        .map(|row| {
            let ((before, of_before), (after, of_after)) = (row.incumbent, row.finalist);
            format!(
                "{}/{} ({before} of {of_before} before, {after} of {of_after} after)",
                row.scenario, row.check
            )
        })
        .collect();
    match named.len() {
        0 => String::new(),
        1 => format!("1 safety check passed less often than before: {}.", named[0]),
        some => format!("{some} safety checks passed less often than before: {}.", named.join(", ")),
    }
}

/// What is odd about the finalist as a pack, by the profile's limits.
fn pack_warnings(report: &Report) -> Vec<String> {
    let Some(finalist) = &report.finalist else { return Vec::new() };
    let Ok(base) = Pack::read(report.started.base.dumps().as_bytes()) else { return Vec::new() };
    let pack = base.with_policy(&finalist.agents_md);
    let profile = &report.started.profile;
    let issues = pack.issues();
    let issues = issues.iter().map(|issue| format!("The new pack is refused by validators: {issue}."));
    let odd = pack.warnings(profile.file_utf16_max, profile.total_utf16_max);
    issues.chain(odd.iter().map(|warning| format!("The new pack: {warning}."))).collect()
}
