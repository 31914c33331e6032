//! The lint on policies that were written for it before it was: clean ones, and ones with a planted violation each, in
//! `tests/lint`. It was tuned on those with odd numbers; those in `fresh` and those with even numbers say what it is
//! worth.

use packwright::lint::{Finding, Lint, Reference, Rule};
use packwright::pack::{Pack, PackMetadata};
use packwright::scenario::problem::Severity;
use packwright::score::Profile;
use packwright::workspace::{SuiteSource, baseline_policy, load_suite};
use std::path::{Path, PathBuf};

fn embedded() -> Lint {
    Lint::of(&load_suite(&SuiteSource::Embedded).expect("the suite inside the program").suite)
}

/// A policy of the corpus, and which half it is in.
struct Policy {
    name: String,
    text: String,
}

impl Policy {
    fn is_tuned_on(&self) -> bool {
        let number: u32 = self.name.trim_end_matches(".md").parse().expect("a number");
        number % 2 == 1
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/tests/lint")
}

fn policies(folder: &Path) -> Vec<Policy> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let policy = |file: PathBuf| Policy {
        name: file.file_name().expect("a name").to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&file).expect("a text"),
    };
    files.into_iter().map(policy).collect()
}

/// The planted violations: file, line and rule.
fn planted(folder: &Path) -> Vec<(Policy, usize, Rule)> {
    let expected = std::fs::read_to_string(folder.join("planted.tsv")).expect("what is planted");
    let policies = policies(&folder.join("planted"));
    let lines = expected.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let planted = policies.into_iter().zip(lines).map(|(policy, fields)| {
        assert_eq!(policy.name, fields[0]);
        (policy, fields[1].parse().expect("a line"), fields[2].parse().expect("a rule"))
    });
    planted.collect()
}

/// How many of each half were found, and how many false alarms there were; each miss is printed.
struct Tally {
    found: [usize; 2],
    planted: [usize; 2],
    alarms: [usize; 2],
    clean: [usize; 2],
}

fn tally(lint: &Lint, folder: &Path) -> Tally {
    let mut tally = Tally { found: [0; 2], planted: [0; 2], alarms: [0; 2], clean: [0; 2] };
    for (policy, line, rule) in planted(folder) {
        let half = usize::from(!policy.is_tuned_on());
        let findings = lint.text("AGENTS.md", &policy.text);
        let is_it =
            |finding: &Finding| finding.rule == rule && finding.place.is_some_and(|place| place.line == line);
        let is_found = findings.iter().any(is_it);
        tally.planted[half] += 1;
        tally.found[half] += usize::from(is_found);
        let elsewhere =
            findings.iter().filter(|finding| finding.place.is_none_or(|place| place.line != line));
        elsewhere.for_each(|finding| println!("planted/{}: beside it {finding:?}", policy.name));
        if !is_found {
            println!("planted/{}:{line}: {rule} was not found; {findings:?}", policy.name);
        }
    }
    for policy in policies(&folder.join("clean")) {
        let half = usize::from(!policy.is_tuned_on());
        let findings = lint.text("AGENTS.md", &policy.text);
        tally.clean[half] += 1;
        tally.alarms[half] += usize::from(!findings.is_empty());
        findings.iter().for_each(|finding| println!("clean/{}: {finding:?}", policy.name));
    }
    tally
}

#[test]
fn planted_violations_are_found_and_clean_policies_pass() {
    let lint = embedded();
    let Tally { found, planted, alarms, clean } = tally(&lint, &corpus());
    for (half, name) in [(0, "tuned on"), (1, "held back")] {
        println!(
            "{name}: {} of {} violations found, {} of {} clean policies with a false alarm",
            found[half], planted[half], alarms[half], clean[half]
        );
    }
    assert_eq!(planted.iter().sum::<usize>(), 30);
    assert_eq!(clean.iter().sum::<usize>(), 30);
    assert!(found.iter().sum::<usize>() >= 28 && alarms.iter().sum::<usize>() <= 1);
}

#[test]
fn policies_that_nobody_tuned_on_are_judged_as_well() {
    let Tally { found, planted, alarms, clean } = tally(&embedded(), &corpus().join("fresh"));
    let sum = |halves: [usize; 2]| halves.iter().sum::<usize>();
    println!(
        "fresh: {} of {} violations found, {} of {} clean policies with a false alarm",
        sum(found),
        sum(planted),
        sum(alarms),
        sum(clean)
    );
    assert_eq!((sum(planted), sum(clean)), (10, 10));
    assert!(sum(found) >= 9 && sum(alarms) <= 1);
}

#[test]
fn the_baseline_is_general() {
    assert_eq!(embedded().text("AGENTS.md", baseline_policy()), []);
}

#[test]
fn a_passage_of_a_mail_is_a_finding() {
    let suite = load_suite(&SuiteSource::Embedded).expect("the suite inside the program").suite;
    let scenario = suite.scenario("monday_inbox").expect("a scenario of ours");
    let prompt: Vec<&str> = scenario.prompt.split_whitespace().collect();
    let policy = format!("# Policy\n\nThe user asks: {}.\n", prompt[..14].join(" "));
    let findings = embedded().text("AGENTS.md", &policy);
    assert!(findings.iter().any(|finding| finding.rule == Rule::CopiedText), "{findings:?}");
}

#[test]
fn copies_and_lengths_are_findings_of_a_pack() {
    let lint = embedded();
    let profile = Profile::default();
    let pack = |policy: &str| Pack::of_policy(policy, &PackMetadata::default());
    let clean = policies(&corpus().join("clean"));
    let (mine, other) = (&clean[0].text, &clean[6].text);
    let reference = |policy: &str| [Reference { name: "theirs".into(), pack: pack(policy) }];
    let rules = |pack: &Pack, references: &[Reference]| -> Vec<(Rule, Severity)> {
        lint.pack(pack, &profile, references).iter().map(|finding| (finding.rule, finding.severity)).collect()
    };
    assert_eq!(rules(&pack(mine), &reference(other)), []);
    let copy = mine.replace("mail", "e-mail") + "- One rule more.\n";
    assert_eq!(rules(&pack(&copy), &reference(mine)), [(Rule::NearCopy, Severity::Error)]);
    // Validators take what hides a whole pack in as much other text; the lint warns.
    let wrapped = format!("{mine}\n{other}");
    assert_eq!(rules(&pack(&wrapped), &reference(mine)), [(Rule::NearCopy, Severity::Warning)]);
    assert_eq!(rules(&pack(&"- Ask first.\n".repeat(1_470)), &[]), [(Rule::Length, Severity::Warning)]);
    assert_eq!(rules(&pack(&"- Ask first.\n".repeat(1_600)), &[]), [(Rule::Length, Severity::Error)]);
    let both = pack(&"- Ask first.\n".repeat(1_400)).with_file("SOUL.md", &"calm\n".repeat(1_300));
    let findings = lint.pack(&both, &profile, &[]);
    assert_eq!(findings.iter().map(|finding| finding.file.as_str()).collect::<Vec<_>>(), ["pack.json"]);
}

#[test]
fn what_a_policy_held_already_is_not_the_edits_fault() {
    let before = "Tell Orla Fenwick. Do not call any tools.";
    let lint = embedded().knowing(before);
    assert_eq!(lint.text("AGENTS.md", before), []);
    let after = lint.text("AGENTS.md", &format!("{before} Skip QB-413."));
    assert_eq!(after.iter().map(|finding| finding.evidence.as_str()).collect::<Vec<_>>(), ["QB-413"]);
}

#[test]
fn another_suite_has_other_facts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/clawbench");
    if !path.is_dir() {
        eprintln!("SKIPPED: there is no ClawBench checkout beside this one");
        return;
    }
    let suite = load_suite(&SuiteSource::Folder(path)).expect("a ClawBench checkout").suite;
    let lint = Lint::of(&suite);
    let mut alarms = 0;
    for policy in policies(&corpus().join("clean")).iter().chain(&policies(&corpus().join("fresh/clean"))) {
        let findings = lint.text("AGENTS.md", &policy.text);
        alarms += usize::from(!findings.is_empty());
        findings.iter().for_each(|finding| println!("clean/{}: {finding:?}", policy.name));
    }
    println!("ClawBench: {alarms} of 40 clean policies with a false alarm");
    assert!(alarms <= 1);
    let findings = lint.text("AGENTS.md", "Tell Sarah Kim that Acme waits for TICKET-1234 (inbox_triage).");
    let rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    assert!(rules.contains(&Rule::Name) && rules.contains(&Rule::Scenario), "{findings:?}");
}
