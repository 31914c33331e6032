//! Batches: files that name several runs, each by the options of the command line, and what they share. What a file says is
//! read here, from YAML or TOML; what its options mean is the command line's to say.

mod toml;

use crate::scenario::fields::{Fields, Need, shown};
use crate::scenario::node::{Node, Tree};
use crate::scenario::problem::{Place, Problem, Report, Strictness};
use crate::scenario::yaml;
use crate::units::{Usd, sha256_hex};
use crate::value::Value;
use std::collections::BTreeMap;

const KEYS: [&str; 7] =
    ["runs", "defaults", "concurrency", "stop-after", "max-usd", "max-tokens", "continue-on-failure"];
/// Options that only say who is told of a run.
const NOT_OF_RESULTS: [&str; 3] = ["notify", "quiet-hours", "wake-me"];
const RUNS_MAX: usize = 1_000;
const CONCURRENCY_MAX: u16 = 64;

/// Several runs, in the order in which they are begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub entries: Vec<Entry>,
    /// Runs that go on side by side.
    pub concurrency: u16,
    /// After this time no run is begun, and those under way come to their ends; as the file has it.
    pub stop_after: Option<(String, Place)>,
    /// The most that all runs together may spend.
    pub max_usd: Option<Usd>,
    pub max_tokens: Option<u64>,
    /// Whether later runs are begun after one has failed.
    pub continues: bool,
}

/// A run of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its own among all entries.
    pub name: String,
    pub place: Place,
    /// Options of the command line without their dashes, with those that all entries share.
    pub options: BTreeMap<String, Setting>,
    /// Why it cannot be begun.
    pub problems: Vec<Problem>,
}

/// What an option is set to.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub place: Place,
    /// None where it is switched off, an empty list where it is a flag, and one or several values.
    pub values: Option<Vec<String>>,
}

impl Entry {
    /// The words of a command line that say the same.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (option, setting) in &self.options {
            match setting.values.as_deref() {
                None => {}
                Some([]) => words.push(format!("--{option}")),
                Some(values) => words.extend(values.iter().map(|value| format!("--{option}={value}"))),
            }
        }
        words
    }

    /// Another one for another run. Who is told of a run does not make it another one.
    pub fn fingerprint(&self) -> String {
        let is_of_results = |word: &String| {
            let option = word.trim_start_matches('-').split('=').next().unwrap_or_default();
            !NOT_OF_RESULTS.contains(&option)
        };
        let words: Vec<String> = self.words().into_iter().filter(is_of_results).collect();
        sha256_hex(words.join("\0").as_bytes())
    }
}

/// Reads a batch file, as TOML where its name ends so, else as YAML. `known` are the options that a run may have. A run that cannot be begun has the reasons with it, and
/// takes no other run with it; with an error among the problems of the file, nothing of it may be begun.
pub fn read(file: &str, text: &str, known: &[&str]) -> (Option<Batch>, Vec<Problem>) {
    let mut report = Report::new(file, Strictness::Own);
    let node = if is_toml(file) { toml::parse(text, &mut report) } else { yaml::parse(text, &mut report) };
    let batch = node.and_then(|node| batch_of(&node, known, &mut report));
    (batch, report.problems)
}

/// Whether a file is a batch, as far as one can tell without reading it: nothing else is TOML, and it names runs at its top.
pub fn is_batch(file: &str, text: &str) -> bool {
    is_toml(file)
        || text
            .lines()
            .any(|line| line.strip_prefix("runs").is_some_and(|rest| rest.trim_start().starts_with(':')))
}

fn is_toml(file: &str) -> bool {
    file.to_ascii_lowercase().ends_with(".toml")
}

fn batch_of(node: &Node, known: &[&str], report: &mut Report) -> Option<Batch> {
    let fields = Fields::of(node, "", report)?;
    fields.only(&KEYS, report);
    let concurrency =
        whole(&fields, "concurrency", f64::from(CONCURRENCY_MAX), report).map_or(1, |n| n as u16);
    let max_usd = fields.number("max-usd", Need::Optional, report).and_then(|dollars| {
        let parsed = dollars.to_string().parse::<Usd>();
        parsed.map_err(|problem| report.error(fields.value_place("max-usd"), "max-usd", problem)).ok()
    });
    let max_tokens = whole(&fields, "max-tokens", 1e15, report).map(|tokens| tokens as u64);
    let stop_after = fields.text("stop-after", Need::Optional, report);
    let stop_after = stop_after.map(|text| (text.to_owned(), fields.value_place("stop-after")));
    let continues = fields.flag("continue-on-failure", report).unwrap_or(true);
    let mut defaults = BTreeMap::new();
    if let Some(node) = fields.node("defaults", Need::Optional, report) {
        defaults = options(&Fields::of(node, "defaults", report)?, known, &[], report);
    }
    let runs = fields.node("runs", Need::Required, report)?;
    let Tree::List(items) = &runs.tree else {
        report.error(runs.place, "runs", format!("expected a list of runs, found {}", runs.kind()));
        return None;
    };
    if items.is_empty() || items.len() > RUNS_MAX {
        report.error(runs.place, "runs", format!("expected 1 to {RUNS_MAX} runs, found {}", items.len()));
    }
    let read = |(index, item)| entry(index, item, &defaults, known, report);
    let mut entries: Vec<Entry> = items.iter().enumerate().map(read).collect();
    refuse_twins(&mut entries, report);
    Some(Batch { entries, concurrency, stop_after, max_usd, max_tokens, continues })
}

/// Reads a run; its problems are its own.
fn entry(
    index: usize,
    node: &Node,
    defaults: &BTreeMap<String, Setting>,
    known: &[&str],
    outer: &mut Report,
) -> Entry {
    let mut report = Report::new(&outer.file, Strictness::Own);
    let prefix = format!("runs[{index}]");
    let (mut name, mut all) = (String::new(), defaults.clone());
    if let Some(fields) = Fields::of(node, &prefix, &mut report) {
        name = fields.text("name", Need::Optional, &mut report).unwrap_or_default().trim().to_owned();
        all.extend(options(&fields, known, &["name"], &mut report));
    }
    if name.is_empty() {
        name = format!("run {}", index + 1);
    }
    Entry { name, place: node.place, options: all, problems: report.problems }
}

fn options(
    fields: &Fields<'_>,
    known: &[&str],
    others: &[&str],
    report: &mut Report,
) -> BTreeMap<String, Setting> {
    fields.only(&[others, known].concat(), report);
    let mut found = BTreeMap::new();
    for key in fields.keys().filter(|key| known.contains(key)) {
        let Some(node) = fields.node(key, Need::Optional, report) else { continue };
        if let Some(values) = values(node, &fields.name(key), report) {
            found.insert(key.to_owned(), Setting { place: node.place, values });
        }
    }
    found
}

fn values(node: &Node, name: &str, report: &mut Report) -> Option<Option<Vec<String>>> {
    let text = |value: &Value| match value {
        Value::Str(text) => text.clone(),
        other => other.dumps(),
    };
    match &node.tree {
        Tree::Scalar(Value::Null | Value::Bool(false)) => Some(None),
        Tree::Scalar(Value::Bool(true)) => Some(Some(Vec::new())),
        Tree::Scalar(value) => Some(Some(vec![text(value)])),
        Tree::List(items) => {
            let scalars = items.iter().map(|item| match &item.tree {
                Tree::Scalar(value @ (Value::Str(_) | Value::Int(_) | Value::Float(_))) => Some(text(value)),
                _ => None,
            });
            let scalars: Option<Vec<String>> = scalars.collect();
            if scalars.as_ref().is_none_or(Vec::is_empty) {
                report.error(node.place, name, "expected a value, or a list of values");
            }
            scalars.map(Some)
        }
        Tree::Map(_) => {
            report.error(node.place, name, format!("expected a value, found {}", shown(node)));
            None
        }
    }
}

fn whole(fields: &Fields<'_>, key: &str, max: f64, report: &mut Report) -> Option<f64> {
    let number = fields.number(key, Need::Optional, report)?;
    if number.fract() != 0.0 || !(1.0..=max).contains(&number) {
        let message = format!("expected a whole number from 1 to {max}, found {number}");
        report.error(fields.value_place(key), key, message);
        return None;
    }
    Some(number)
}

/// Two runs of one name could not be told apart when the file is started again.
fn refuse_twins(entries: &mut [Entry], report: &Report) {
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    for (index, entry) in entries.iter_mut().enumerate() {
        if names[..index].contains(&entry.name) {
            let mut own = Report::new(&report.file, Strictness::Own);
            own.error(
                entry.place,
                &format!("runs[{index}].name"),
                format!("another run is named {:?}", entry.name),
            )
            .help("give every run a name of its own");
            entry.problems.extend(own.problems);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["budget", "seed", "writer", "no-push"];

    #[test]
    fn runs_are_read_with_what_they_share() {
        let text = "concurrency: 2\nmax-usd: 12.5\nstop-after: 8h\ncontinue-on-failure: false\ndefaults:\n  budget: 200\n  \
                    no-push: true\nruns:\n  - name: a\n    seed: 7\n  - budget: 300\n    no-push: false\n    writer: [x/y, z]\n";
        let (batch, problems) = read("night.yaml", text, &KNOWN);
        let batch = batch.unwrap_or_else(|| panic!("{problems:?}"));
        assert!(problems.is_empty() && !batch.continues && batch.concurrency == 2, "{batch:?}");
        assert_eq!(batch.max_usd, Some("12.5".parse().unwrap()));
        let [a, b] = &batch.entries[..] else { panic!("{batch:?}") };
        assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "run 2"));
        assert_eq!(a.words(), ["--budget=200", "--no-push", "--seed=7"]);
        assert_eq!(b.words(), ["--budget=300", "--writer=x/y", "--writer=z"]);
        assert_ne!(a.fingerprint(), b.fingerprint());
        let mut told = a.clone();
        let setting = Setting { place: a.place, values: Some(vec!["telegram:1".into()]) };
        told.options.insert("notify".into(), setting);
        assert_eq!(told.fingerprint(), a.fingerprint(), "it is the same run, whoever is told of it");
        assert!(is_batch("n.yaml", text) && !is_batch("n.yaml", "name: x\nprompt: runs: no"));
    }

    #[test]
    fn toml_says_the_same_with_its_own_places() {
        let text = "concurrency = 2\nstop-after = \"8h\"\n[defaults]\nbudget = 200\n\n[[runs]]\nname = \"a\"\nsed = 7\n\n[[runs]]\n\
                    no-push = true\n";
        let (batch, problems) = read("night.toml", text, &KNOWN);
        let batch = batch.unwrap_or_else(|| panic!("{problems:?}"));
        assert!(problems.is_empty() && batch.concurrency == 2, "{problems:?}");
        let told: Vec<String> = batch.entries[0].problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["night.toml:8:1: runs[0].sed: unknown key\n  help: did you mean `seed`?"]);
        assert_eq!(batch.entries[1].words(), ["--budget=200", "--no-push"]);
        let yaml = "defaults: {budget: 200}\nruns: [{}, {no-push: true}]";
        let same = read("night.yaml", yaml, &KNOWN).0.expect("a batch");
        assert_eq!(
            same.entries[1].fingerprint(),
            batch.entries[1].fingerprint(),
            "in TOML it is the same run"
        );
    }

    #[test]
    fn a_mistake_in_a_run_is_that_runs_alone() {
        let text = "runs:\n  - {name: a, sed: 7}\n  - {name: a}\n  - {budget: {x: 1}}\n  - 5\n";
        let (batch, problems) = read("night.yaml", text, &KNOWN);
        let batch = batch.unwrap_or_else(|| panic!("{problems:?}"));
        let told = |index: usize| {
            let problems = &batch.entries[index].problems;
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert!(
            told(0).starts_with("night.yaml:2:15: runs[0].sed: unknown key\n  help: did you mean `seed`?")
        );
        assert!(told(1).contains("another run is named \"a\""));
        assert!(told(2).contains("runs[2].budget: expected a value") && told(3).contains("expected a map"));
    }

    #[test]
    fn a_mistake_in_what_is_shared_is_the_files() {
        let check = |text: &str, expected: &str| {
            let (batch, problems) = read("n.yaml", text, &KNOWN);
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(told.join("\n").contains(expected), "{told:?} {batch:?}");
        };
        check("", "the file is empty");
        check("runs: []", "expected 1 to 1000 runs");
        check("runs: 5", "expected a list of runs");
        check("rnus: [{}]", "did you mean `runs`?");
        check("runs: [{}]\nconcurrency: 0", "whole number from 1 to 64");
        check("runs: [{}]\ndefaults: {sede: 1}", "did you mean `seed`?");
        check("runs: [{}]\nmax-usd: -1", "max-usd");
    }
}
