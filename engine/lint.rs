//! The lint for generality: what in a policy was made for the scenarios of a suite, or for whoever scores them, and so
//! will not help in any other. It knows the suite; what is measured elsewhere is not its business.
//!
//! The search refuses such policies before they cost an episode, and publishing refuses a winner with errors. Both ask
//! here, so that nothing wins that could not be published. `docs/packs.md` explains the rules.

mod copied;
mod facts;
mod orders;
mod rubric;
mod rule;
mod scenario_names;
mod statement;
mod vocabulary;

use crate::pack::{Pack, PackWarning, Similarity};
use crate::scenario::Suite;
use crate::scenario::problem::{Place, Problem, Severity};
use crate::score::Profile;
use copied::Passages;
use facts::Facts;
use rubric::Rubrics;
use scenario_names::ScenarioNames;
use serde::Serialize;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;

pub use rule::{RULES, Rule};

/// So much evidence is quoted.
const EVIDENCE_CHARS_MAX: usize = 80;
/// A pack that holds so much of another one is built on it, however long it is.
const HELD_MIN: f64 = 0.6;

/// A breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub rule: Rule,
    /// Errors keep a pack from being published.
    pub severity: Severity,
    /// The file of the pack.
    pub file: String,
    /// None where the whole file or pack is meant.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The words that break it, or the measure.
    pub evidence: String,
    /// What to write instead.
    pub help: String,
}

impl Finding {
    /// In the form in which all problems of files are told.
    pub fn problem(&self, file: &str) -> Problem {
        Problem {
            severity: self.severity,
            file: file.to_owned(),
            place: self.place,
            what: self.rule.word().to_owned(),
            message: format!("{}: {}", self.rule.problem(), self.quoted()),
            help: Some(self.help.clone()),
        }
    }

    /// In a few words, for the writer of a policy.
    pub fn in_short(&self) -> String {
        match self.rule {
            Rule::Name | Rule::Persona | Rule::Address | Rule::Id | Rule::Date | Rule::Amount => {
                self.evidence.clone()
            }
            rule => format!("{} ({})", rule.problem(), self.quoted()),
        }
    }

    fn quoted(&self) -> String {
        match self.rule {
            Rule::NearCopy | Rule::Length => self.evidence.clone(),
            _ => format!("“{}”", self.evidence),
        }
    }
}

/// A pack that must not be copied.
#[derive(Clone, Debug)]
pub struct Reference {
    /// How the user named it.
    pub name: String,
    pub pack: Pack,
}

/// What the policies for a suite must not hold. A clone shares what was learned of the suite.
#[derive(Clone, Debug, Default)]
pub struct Lint {
    learned: Arc<Learned>,
    /// What a policy held already, by rule and words.
    known: HashSet<(Rule, String)>,
    /// The facts among it, by their keys.
    known_facts: HashSet<String>,
}

/// What is known of a suite.
#[derive(Debug, Default)]
struct Learned {
    facts: Facts,
    passages: Passages,
    rubrics: Rubrics,
    scenarios: ScenarioNames,
    /// The names of the JSON files behind the mock tools.
    files: BTreeSet<String>,
}

impl Lint {
    /// Learns the facts of a suite.
    pub fn of(suite: &Suite) -> Lint {
        let paths = suite.scenarios.iter().flat_map(|scenario| scenario.fixtures.iter());
        let names =
            paths.filter_map(|(path, _)| path.rsplit('/').next()).filter(|name| name.ends_with(".json"));
        let learned = Learned {
            facts: Facts::of(suite),
            passages: Passages::of(suite),
            rubrics: Rubrics::of(suite),
            scenarios: ScenarioNames::of(suite),
            files: names.map(str::to_owned).collect(),
        };
        Lint { learned: Arc::new(learned), ..Lint::default() }
    }

    /// The same without what a policy holds already: an edit is not to blame for it.
    pub fn knowing(mut self, policy: &str) -> Lint {
        let known = self.hits(policy).into_iter().map(|hit| (hit.rule, normalized(&policy[hit.range])));
        self.known = known.collect();
        self.known_facts = self.learned.facts.keys_in(policy);
        self
    }

    /// The text with placeholders for the facts of the suite.
    pub fn mask(&self, text: &str) -> String {
        self.learned.facts.mask(text, &self.known_facts)
    }

    /// What is wrong with the text of one file, from top to bottom.
    pub fn text(&self, file: &str, text: &str) -> Vec<Finding> {
        let hits = self.hits(text);
        hits.into_iter()
            .filter(|hit| !self.known.contains(&(hit.rule, normalized(&text[hit.range.clone()]))))
            .map(|hit| Finding {
                rule: hit.rule,
                severity: hit.severity,
                file: file.to_owned(),
                place: Some(Place::at(text, hit.range.start)),
                evidence: shown(&text[hit.range]),
                help: hit.rule.advice().to_owned(),
            })
            .collect()
    }

    /// Everything that is wrong with a pack: each of its files, their lengths, and what it copies.
    pub fn pack(&self, pack: &Pack, profile: &Profile, references: &[Reference]) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            pack.files().flat_map(|(name, text)| self.text(name, text)).collect();
        findings.extend(lengths(pack, profile));
        findings.extend(references.iter().filter_map(|reference| near_copy(pack, reference, profile)));
        findings
    }

    fn hits(&self, text: &str) -> Vec<Hit> {
        let error = |range, rule| Hit { range, rule, severity: Severity::Error };
        let Learned { facts, passages, rubrics, scenarios, files } = &*self.learned;
        let mut hits: Vec<Hit> =
            facts.find(text, &self.known_facts).into_iter().map(|hit| error(hit.range, hit.rule)).collect();
        hits.extend(passages.find(text).into_iter().map(|range| error(range, Rule::CopiedText)));
        hits.extend(rubrics.find(text).into_iter().map(|(range, rule)| error(range, rule)));
        hits.extend(orders::orders(text, files).into_iter().map(|(range, rule)| error(range, rule)));
        hits.extend(scenarios.find(text).into_iter().map(|(range, is_certain)| Hit {
            range,
            rule: Rule::Scenario,
            severity: if is_certain { Severity::Error } else { Severity::Warning },
        }));
        hits.sort_by_key(|hit| (hit.range.start, hit.rule));
        hits
    }
}

struct Hit {
    range: Range<usize>,
    rule: Rule,
    severity: Severity,
}

fn normalized(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A passage on one line, cut where it is long.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EVIDENCE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What agents would not see whole.
fn lengths(pack: &Pack, profile: &Profile) -> Vec<Finding> {
    let warnings = pack.warnings(profile.file_utf16_max, profile.total_utf16_max);
    let finding = |severity, file: &str, evidence| Finding {
        rule: Rule::Length,
        severity,
        file: file.to_owned(),
        place: None,
        evidence,
        help: Rule::Length.advice().to_owned(),
    };
    let lengths = warnings.into_iter().filter_map(|warning| match warning {
        PackWarning::FileNearlyCut { name, length, max } => {
            let evidence =
                format!("{length} of {max} UTF-16 units, and validators put up to 300 before AGENTS.md");
            Some(finding(Severity::Warning, name, evidence))
        }
        PackWarning::FileCut { name, length, max } => {
            Some(finding(Severity::Error, name, format!("{length} UTF-16 units, of which agents see {max}")))
        }
        PackWarning::TotalCut { length, max } => {
            let evidence = format!("all files have {length} UTF-16 units, of which agents see {max}");
            Some(finding(Severity::Error, "pack.json", evidence))
        }
        PackWarning::UserMd | PackWarning::UnsafeName { .. } | PackWarning::NotADocument { .. } => None,
    });
    lengths.collect()
}

/// Whether a pack says too much that another one says: by the validators' measure, or by holding most of it.
fn near_copy(pack: &Pack, reference: &Reference, profile: &Profile) -> Option<Finding> {
    let similarity = Similarity::of(pack, &reference.pack).value;
    let theirs = Passages::of_text(reference.pack.agents_md());
    let held = theirs.share_in(pack.agents_md());
    let is_copy = similarity >= profile.similarity_max;
    if !is_copy && held < HELD_MIN {
        return None;
    }
    let text = pack.agents_md();
    let longest = theirs.find(text).into_iter().max_by_key(Range::len);
    Some(Finding {
        rule: Rule::NearCopy,
        severity: if is_copy { Severity::Error } else { Severity::Warning },
        file: crate::pack::AGENTS_MD.to_owned(),
        place: longest.map(|range| Place::at(text, range.start)),
        evidence: format!(
            "{}: similarity {similarity:.3}, refused from {}; it holds {:.0} % of that pack's passages",
            reference.name,
            profile.similarity_max,
            held * 100.0
        ),
        help: Rule::NearCopy.advice().to_owned(),
    })
}
