//! The gate before publishing: a better pack that was made for the scenarios, or that validators would take for a copy of
//! the champion's, stays where it is, and the user hears why.

use super::Session;
use crate::pack::source;
use packwright::lint::{Finding, Lint, Reference, Rule};
use packwright::pack::{Pack, PackMetadata, Similarity};
use packwright::publish::is_remote;
use packwright::report::plain;
use packwright::scenario::Suite;
use packwright::scenario::problem::Severity;
use packwright::score::Profile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// So many findings are told in full.
const SHOWN_MAX: usize = 10;

/// The pack that a winner must not be too similar to, as it was when the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Champion {
    /// How the user named it.
    pub name: String,
    pub agents_md: String,
}

/// What a user says who knows of no champion.
const NO_CHAMPION: &str = "none";

impl Champion {
    /// Opens or fetches the champion's pack; none where the user says that there is none.
    pub fn named(name: &str, runs: &Path) -> anyhow::Result<Option<Champion>> {
        if name == NO_CHAMPION {
            return Ok(None);
        }
        let agents_md = source::open(name, runs)?.agents_md().to_owned();
        Ok(Some(Champion { name: plain(name), agents_md }))
    }

    /// The champion of today: one that lies elsewhere may be another by now.
    pub fn of_today(&self, runs: &Path) -> anyhow::Result<Champion> {
        let found = is_remote(&self.name).then(|| Champion::named(&self.name, runs)).transpose()?;
        Ok(found.flatten().unwrap_or_else(|| self.clone()))
    }

    /// How similar a pack is to it, as validators measure that.
    pub fn similarity(&self, pack: &Pack) -> f64 {
        Similarity::of(pack, &self.pack()).value
    }

    fn pack(&self) -> Pack {
        Pack::of_policy(&self.agents_md, &PackMetadata::default())
    }
}

/// Why a winner is not published.
pub struct Refusal {
    pub why: String,
    /// What was found, for people.
    pub lines: Vec<String>,
    rules: Vec<Rule>,
}

impl Refusal {
    /// The options that would let it through.
    pub fn allow(&self) -> String {
        self.rules.iter().map(|rule| format!("--allow-lint {rule}")).collect::<Vec<_>>().join(" ")
    }

    /// What the user may do.
    pub fn next(&self, publish: &str) -> String {
        format!(
            "Next: mend the policy by hand, run again, or publish it all the same: {publish} {}",
            self.allow()
        )
    }
}

/// What the lint says of a pack.
pub fn findings(pack: &Pack, suite: &Suite, profile: &Profile, champion: Option<&Champion>) -> Vec<Finding> {
    let references: Vec<Reference> = champion
        .map(|champion| Reference { name: champion.name.clone(), pack: champion.pack() })
        .into_iter()
        .collect();
    Lint::of(suite).pack(pack, profile, &references)
}

/// Why a pack with these findings is not published; none where nothing but what is allowed stands against it.
pub fn refusal(findings: &[Finding], allowed: &[Rule]) -> Option<Refusal> {
    let is_against =
        |finding: &&Finding| finding.severity == Severity::Error && !allowed.contains(&finding.rule);
    let against: Vec<&Finding> = findings.iter().filter(is_against).collect();
    if against.is_empty() {
        return None;
    }
    let mut counts: BTreeMap<Rule, usize> = BTreeMap::new();
    against.iter().for_each(|finding| *counts.entry(finding.rule).or_default() += 1);
    let mut lines: Vec<String> =
        against.iter().take(SHOWN_MAX).map(|finding| finding.problem(&finding.file).to_string()).collect();
    if against.len() > SHOWN_MAX {
        lines.push(format!("and {} more", against.len() - SHOWN_MAX));
    }
    Some(Refusal {
        why: format!("the lint found {}", in_words(&counts)),
        lines,
        rules: counts.into_keys().collect(),
    })
}

fn in_words(counts: &BTreeMap<Rule, usize>) -> String {
    let told: Vec<String> = counts
        .iter()
        .map(|(rule, count)| match count {
            1 => format!("{} ({rule})", rule.problem()),
            count => format!("{} ({rule}, {count} times)", rule.problem()),
        })
        .collect();
    told.join(", ")
}

/// What the user should know before a night is spent: a winner inherits what is wrong with the pack it began with.
pub(super) fn notice(session: &Session) -> Vec<String> {
    let start = &session.start.pack;
    let mut lines = Vec::new();
    if let Some(champion) = &session.settings.champion {
        let similarity = champion.similarity(start);
        lines.push(format!(
            "champion {}: the pack to beat is similar to it by {similarity:.2}; a winner is published below {}",
            champion.name, session.started.profile.similarity_max
        ));
    }
    let found = findings(start, &session.suite, &session.started.profile, session.settings.champion.as_ref());
    if let Some(refusal) = refusal(&found, &session.settings.allow_lint) {
        lines.push(format!(
            "warning: {} in the pack to beat; a winner that keeps it is not published (`optimize pack lint`)",
            refusal.why
        ));
    }
    lines
}
