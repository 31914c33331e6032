//! Puts a suite together from the files of a folder that has been read into memory: scenarios, the rubrics
//! that lie over them, and their fixtures.

use crate::scenario::node::Node;
use crate::scenario::problem::{Problem, Report, Severity, Strictness, did_you_mean};
use crate::scenario::raw::{RawScenario, read_rubric, read_scenario};
use crate::scenario::raw_check::RawCheck;
use crate::scenario::yaml;
use crate::scenario::{Entry, Folder, Rubric, Scenario, Suite};
use crate::units::{SuiteHash, sha256_hex};
use crate::value::{Value, parse};
use crate::workspace::fixtures::check_fixtures;
use crate::workspace::idle;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A suite's files, and how to name them to the user.
pub(super) struct Source<'a> {
    pub name: String,
    pub folder: &'a Folder,
    /// What stands before every path in messages.
    pub prefix: String,
}

/// Where the parts of a suite are, and how strictly they are read.
#[derive(Clone, Copy)]
struct Layout {
    fixtures: &'static str,
    strictness: Strictness,
}

const OWN: Layout = Layout { fixtures: "scenarios/fixtures", strictness: Strictness::Own };
const CLAWBENCH: Layout = Layout { fixtures: "fixtures", strictness: Strictness::Foreign };

/// A scenario file that could be read, at least in parts.
struct Read {
    raw: RawScenario,
    /// Its file, relative to the suite.
    file: String,
    /// Whether all its checks could be read, those of its rubric file too.
    has_all_checks: bool,
}

/// Builds the suite, none where it has errors, together with all problems.
pub(super) fn assemble(source: &Source<'_>) -> (Option<Suite>, Vec<Problem>) {
    let mut work = Work { source, layout: layout(source.folder), problems: Vec::new() };
    let mut reads = work.scenarios();
    work.lay_rubrics(&mut reads);
    work.refuse_equal_names(&reads);
    let scenarios: Vec<Arc<Scenario>> = reads.into_iter().map(|read| Arc::new(work.complete(read))).collect();
    work.refuse_strangers(&scenarios);
    work.warn_of_edition(&scenarios);
    if !scenarios.is_empty() && scenarios.iter().all(|scenario| scenario.weight == 0.0) {
        work.suite_error("all scenarios have weight 0, so there is nothing to score");
    }
    let sound = work.problems.iter().all(|problem| problem.severity != Severity::Error);
    let suite = sound.then(|| suite(&source.name, scenarios));
    work.problems.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
    (suite, work.problems)
}

fn suite(name: &str, mut scenarios: Vec<Arc<Scenario>>) -> Suite {
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    Suite { name: name.to_owned(), hash: hash(&scenarios), scenarios }
}

fn layout(folder: &Folder) -> Layout {
    let own = folder.get(OWN.fixtures).is_some() || folder.get("rubrics").is_some();
    if !own && folder.get(CLAWBENCH.fixtures).is_some() { CLAWBENCH } else { OWN }
}

/// The hash of what a suite says: independent of where it lies and of how its YAML is formatted.
fn hash(scenarios: &[Arc<Scenario>]) -> SuiteHash {
    let mut content = Vec::new();
    let mut put = |part: &[u8]| {
        content.extend((part.len() as u64).to_le_bytes());
        content.extend(part);
    };
    for scenario in scenarios {
        put(scenario.name.as_bytes());
        put(scenario.document.dumps_sorted().as_bytes());
        for (path, entry) in scenario.fixtures.iter() {
            if let Entry::File(bytes) = entry {
                put(path.as_bytes());
                put(bytes);
            }
        }
        put(b"");
    }
    SuiteHash(sha256_hex(&content))
}

/// The hash that a suite would have with the rubrics that `Rubrics::kept` wrote; none where they cannot be read.
///
/// Where a run kept nothing else of its suite, it tells whether more than rubrics has changed since.
pub fn hash_with_rubrics(suite: &Suite, kept: &str) -> Option<SuiteHash> {
    let kept = parse(kept.as_bytes()).ok()?;
    let kept = kept.as_map()?;
    let restored = suite.scenarios.iter().map(|scenario| {
        let mut scenario = Scenario::clone(scenario);
        if let Value::Map(document) = &mut scenario.document {
            match kept.get(&scenario.name) {
                Some(scoring) => document.insert("scoring".to_owned(), scoring.clone()),
                None => document.shift_remove("scoring"),
            };
        }
        Arc::new(scenario)
    });
    Some(hash(&restored.collect::<Vec<_>>()))
}

struct Work<'a> {
    source: &'a Source<'a>,
    layout: Layout,
    problems: Vec<Problem>,
}

impl Work<'_> {
    fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.source.prefix)
    }

    fn report(&self, path: &str) -> Report {
        Report::new(&self.shown(path), self.layout.strictness)
    }

    fn suite_error(&mut self, message: &str) -> &mut Problem {
        self.suite_problem(|report| {
            report.error(None, "", message);
        })
    }

    fn suite_warning(&mut self, message: &str) -> &mut Problem {
        self.suite_problem(|report| {
            report.warning(None, "", message);
        })
    }

    fn suite_problem(&mut self, record: impl FnOnce(&mut Report)) -> &mut Problem {
        let file = self.source.prefix.trim_end_matches('/').to_owned();
        let mut report = Report::new(&file, self.layout.strictness);
        record(&mut report);
        self.problems.extend(report.problems);
        self.problems.last_mut().expect("a problem was recorded on the line above")
    }

    fn scenarios(&mut self) -> Vec<Read> {
        let files = self.yaml_files("scenarios");
        if files.is_empty() {
            let help = "a suite is a folder with scenarios/<name>.yaml and a folder of fixtures for each";
            self.suite_error("there are no scenarios here").help(help);
        }
        files.into_iter().filter_map(|file| self.scenario(file)).collect()
    }

    fn scenario(&mut self, file: String) -> Option<Read> {
        let mut report = self.report(&file);
        let root = self.document(&file, &mut report);
        let raw = root.and_then(|root| read_scenario(&root, &mut report));
        let read = raw.map(|mut raw| {
            if raw.name.is_empty() {
                raw.name = stem(&file).to_owned();
            }
            if stem(&file) != raw.name {
                let message = format!("the file is named {}, but the scenario {}", stem(&file), raw.name);
                report.objection(raw.name_place, "name", message).help("give both the same name");
            }
            let has_all_checks = !report.errors().any(|problem| problem.what.starts_with("scoring"));
            Read { raw, file, has_all_checks }
        });
        self.problems.extend(report.problems);
        read
    }

    fn document(&self, file: &str, report: &mut Report) -> Option<Node> {
        let text = report.text(self.source.folder.file(file)?)?;
        yaml::parse(text, report)
    }

    /// The YAML files directly inside a folder.
    fn yaml_files(&mut self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        for (name, entry) in self.source.folder.children(folder) {
            let path = format!("{folder}/{name}");
            if matches!(entry, Entry::File(_)) && name.ends_with(".yaml") {
                files.push(path);
            } else if name.ends_with(".yml") || name.ends_with(".json") {
                let mut report = self.report(&path);
                report.objection(None, "", "is not read").help(format!("name it {}.yaml", stem(&path)));
                self.problems.extend(report.problems);
            }
        }
        files
    }

    fn lay_rubrics(&mut self, reads: &mut [Read]) {
        for file in self.yaml_files("rubrics") {
            let mut report = self.report(&file);
            let rubric = self.document(&file, &mut report).and_then(|root| read_rubric(&root, &mut report));
            match reads.iter_mut().find(|read| stem(&read.file) == stem(&file)) {
                Some(read) if read.raw.is_scored_outside => {
                    let message = "the scenario has `checks: external`, so it may not have a rubric";
                    report.error(None, "", message).help("remove this file, or `checks: external`");
                }
                Some(read) => {
                    read.has_all_checks &= report.errors().next().is_none();
                    read.raw.lay_over(rubric.unwrap_or_default());
                }
                // A scenario file that could not be read is complained about already.
                None if self.source.folder.get(&format!("scenarios/{}.yaml", stem(&file))).is_some() => {}
                None => {
                    let message = format!("there is no scenario {} for this rubric", stem(&file));
                    let known = reads.iter().map(|read| stem(&read.file));
                    report.error(None, "", message).help_if(did_you_mean(stem(&file), known));
                }
            }
            self.problems.extend(report.problems);
        }
    }

    fn refuse_equal_names(&mut self, reads: &[Read]) {
        let mut first_file: BTreeMap<&str, &str> = BTreeMap::new();
        for read in reads {
            if let Some(other) = first_file.insert(&read.raw.name, &read.file) {
                let mut report = self.report(&read.file);
                let message = format!("{} has a scenario of the same name", self.shown(other));
                report.error(read.raw.name_place, "name", message);
                self.problems.extend(report.problems);
            }
        }
    }

    /// Checks a scenario against its rubric and fixtures, and builds it.
    fn complete(&mut self, read: Read) -> Scenario {
        let raw = read.raw;
        let mut report = self.report(&read.file);
        if read.has_all_checks && !raw.is_scored_outside {
            expect_points(&raw.checks, &mut report);
        }
        let at = format!("{}/{}", self.layout.fixtures, raw.name);
        let fixtures = below(self.source.folder, &at);
        if fixtures.iter().next().is_none() && !raw.is_scored_outside {
            let message = format!("there are no fixtures for {}", raw.name);
            report
                .objection(raw.name_place, "name", message)
                .help(format!("put its files into {}", self.shown(&at)));
        }
        expect_files(&raw, &fixtures, &mut report);
        self.problems.extend(report.problems);
        let shown = |path: &str| self.shown(&format!("{at}/{path}"));
        let found = check_fixtures(&raw, &fixtures, self.layout.strictness, &shown);
        self.problems.extend(found);
        let scenario = build(raw, fixtures);
        if read.has_all_checks {
            self.refuse_idlers(&scenario, &read.file);
        }
        scenario
    }

    /// Warns of a rubric of ours that pays for doing nothing. The rubrics of others are what they are.
    fn refuse_idlers(&mut self, scenario: &Scenario, file: &str) {
        if self.layout.strictness == Strictness::Own
            && let Some(complaint) = idle::complaint(scenario)
        {
            let mut report = self.report(file);
            let problem = report.warning(None, "scoring.checks", complaint);
            problem.help("give more points to what must be done than to what must not happen");
            self.problems.extend(report.problems);
        }
    }

    /// Objects to fixtures that belong to no scenario.
    fn refuse_strangers(&mut self, scenarios: &[Arc<Scenario>]) {
        let folders = self.source.folder.children(self.layout.fixtures);
        for (name, _) in folders.filter(|(_, entry)| **entry == Entry::Dir) {
            let has_file = self.source.folder.get(&format!("scenarios/{name}.yaml")).is_some();
            if !has_file && scenarios.iter().all(|scenario| scenario.name != name) {
                let mut report = self.report(&format!("{}/{name}", self.layout.fixtures));
                let known = scenarios.iter().map(|scenario| scenario.name.as_str());
                report.objection(None, "", "fixtures without a scenario").help_if(did_you_mean(name, known));
                self.problems.extend(report.problems);
            }
        }
    }
}

impl Work<'_> {
    /// Warns of a suite that was made for later tools than those here.
    fn warn_of_edition(&mut self, scenarios: &[Arc<Scenario>]) {
        let signs: BTreeSet<&str> = scenarios.iter().flat_map(|scenario| signs_of_april(scenario)).collect();
        if signs.is_empty() {
            return;
        }
        let signs: Vec<&str> = signs.into_iter().collect();
        let message = format!("was made for the ClawBench of April 2026 ({})", signs.join(", "));
        self.suite_warning(&message).help(
            "the tools here answer as those of 2026-02-28 (commit 0f2bf47): they take api.notion.com for an unknown \
             command and listChannels for an unknown action, and no criteria are scored",
        );
    }
}

/// What in a scenario only the edition of April 2026 has.
fn signs_of_april(scenario: &Scenario) -> Vec<&'static str> {
    let criteria = scenario.document.get("scoring").and_then(|scoring| scoring.get("criteria"));
    let document = scenario.document.compact();
    let named = ["api.notion.com", "listChannels"].into_iter().filter(|word| {
        let files = scenario.fixtures.iter().filter_map(|(path, _)| scenario.fixtures.file(path));
        let mut texts = files.filter_map(|bytes| std::str::from_utf8(bytes).ok());
        document.contains(word) || texts.any(|text| text.contains(word))
    });
    criteria.map(|_| "scoring.criteria").into_iter().chain(named).collect()
}

fn build(raw: RawScenario, fixtures: Folder) -> Scenario {
    let plain = |map: indexmap::IndexMap<String, (String, _)>| {
        map.into_iter().map(|(key, (value, _))| (key, value)).collect()
    };
    Scenario {
        rubric: Rubric::compile(raw.document.get("scoring").unwrap_or(&Value::Null)),
        name: raw.name,
        difficulty: raw.difficulty,
        weight: raw.weight,
        description: raw.description,
        tools: raw.tools,
        prompt: raw.prompt,
        variants: plain(raw.variants),
        workspace: plain(raw.workspace),
        user_context: raw.user_context,
        held_out: raw.held_out,
        fixtures: Arc::new(fixtures),
        document: raw.document,
    }
}

fn expect_points(checks: &[RawCheck], report: &mut Report) {
    if checks.is_empty() {
        let help = "list them under scoring.checks, or in rubrics/<name>.yaml under checks; or write \
                    `checks: external` where an evaluator outside of this program brings them";
        report.error(None, "scoring.checks", "there are no checks, so nothing can be scored").help(help);
    }
}

/// Checks that the files which the scenario names are in its fixture folder.
fn expect_files(raw: &RawScenario, fixtures: &Folder, report: &mut Report) {
    for (part, files) in [("variants", &raw.variants), ("workspace", &raw.workspace)] {
        for (name, (source, place)) in files {
            let what = format!("{part}.{name}");
            if leaves(source) || part == "workspace" && leaves(name) {
                let message = "a path may not be absolute and may not contain `..`";
                report.error(*place, &what, message).help("name a file below the fixture folder");
            } else if fixtures.file(source).is_none() {
                let problem =
                    report.objection(*place, &what, format!("there is no file {source} in the fixtures"));
                let known = fixtures
                    .iter()
                    .filter(|(_, entry)| matches!(entry, Entry::File(_)))
                    .map(|(path, _)| path);
                problem.help_if(did_you_mean(source, known));
            }
        }
    }
}

fn leaves(path: &str) -> bool {
    path.is_empty()
        || path.starts_with('/')
        || path.contains('\\')
        || path.split('/').any(|part| part == "..")
}

/// The part of a folder below a path, as a folder of its own.
fn below(folder: &Folder, path: &str) -> Folder {
    let mut part = Folder::default();
    for (full, entry) in folder.iter() {
        if let Some(relative) = full.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) {
            part.insert(relative, entry.clone());
        }
    }
    part
}

/// A file's name without its folder and ending.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
