//! `optimize pack lint`: what in a pack was made for the scenarios of a suite.

use super::{Rules, Shelf, source};
use crate::exit::{BadInput, Exit};
use crate::out;
use clap::Args;
use packwright::lint::{Finding, Lint, Reference, Rule};
use packwright::pack::Pack;
use packwright::report::plain;
use packwright::scenario::problem::Severity;
use packwright::workspace::{SuiteSource, load_suite};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Find what in a pack was made for the scenarios of a suite, or for whoever scores the answer.
///
/// Facts of the fixtures (names, addresses, ids, days, amounts, passages), names of scenarios, pieces of rubric patterns
/// and lists of their words, orders not to use tools or to read the files behind them, text for a judge, near copies of
/// other packs, and more than agents read. Each finding has its line, the words, and how to say it generally. The
/// search refuses such policies, and a run does not publish a winner with errors. `docs/packs.md` explains the rules.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 no errors, 6 errors, 3 a pack or the suite cannot be read. Warnings do not change \
    the exit code.\n\nExamples:\n  optimize pack lint packs/best\n  \
    optimize pack lint AGENTS.md --suite ../clawbench --reference https://example.com/champion.json\n  \
    optimize pack lint AGENTS.md --allow amount"
)]
pub struct LintArgs {
    /// Packs
    #[arg(required = true, value_name = "PACK")]
    packs: Vec<String>,

    /// Folder of the suite whose facts must not stand in the policy; the built-in suite when absent
    #[arg(long, value_name = "FOLDER")]
    suite: Option<PathBuf>,

    /// A pack that must not be copied; may be given several times
    #[arg(long, value_name = "PACK")]
    reference: Vec<String>,

    /// Tell breaches of this rule, but do not count them as errors; may be given several times
    #[arg(long, value_name = "RULE")]
    allow: Vec<Rule>,

    #[command(flatten)]
    rules: Rules,

    #[command(flatten)]
    shelf: Shelf,

    /// Print an object of JSON for each finding, and a last one that sums up
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &LintArgs) -> anyhow::Result<ExitCode> {
    let source = args.suite.clone().map_or(SuiteSource::Embedded, SuiteSource::Folder);
    let suite = load_suite(&source).map_err(|error| BadInput(error.to_string()))?.suite;
    let lint = Lint::of(&suite);
    let profile = args.rules.profile();
    let references: Vec<Reference> = args
        .reference
        .iter()
        .map(|name| Ok(Reference { name: plain(name), pack: source::open(name, &args.shelf.runs)? }))
        .collect::<anyhow::Result<_>>()?;
    let (mut errors, mut warnings) = (0, 0);
    for name in &args.packs {
        let pack = source::open(name, &args.shelf.runs)?;
        for mut finding in lint.pack(&pack, &profile, &references) {
            if args.allow.contains(&finding.rule) {
                finding.severity = Severity::Warning;
            }
            match finding.severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
            }
            tell(name, &pack, &finding, args.json)?;
        }
    }
    let count = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let packs = args.packs.len();
    out::line(match args.json {
        true => {
            json!({"packs": packs, "suite": suite.name, "errors": errors, "warnings": warnings}).to_string()
        }
        false => format!(
            "{} against suite {}: {}, {}",
            count(packs, "pack"),
            plain(&suite.name),
            count(errors, "error"),
            count(warnings, "warning")
        ),
    });
    Ok(if errors > 0 { Exit::Gate.into() } else { ExitCode::SUCCESS })
}

fn tell(name: &str, pack: &Pack, finding: &Finding, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        let mut object = serde_json::to_value(finding)?;
        object["pack"] = name.into();
        out::line(object);
    } else {
        out::line(finding.problem(&place(name, pack, &finding.file)));
    }
    Ok(())
}

/// A file of a pack as the user finds it: the file itself where it lies on disk, else the pack with the file's name.
fn place(name: &str, pack: &Pack, file: &str) -> String {
    let path = Path::new(name);
    let holds = |path: &Path| {
        std::fs::read(path).is_ok_and(|bytes| Some(bytes.as_slice()) == pack.file(file).map(str::as_bytes))
    };
    if holds(path) {
        return name.to_owned();
    }
    match Some(path.join(file)).filter(|path| holds(path)) {
        Some(path) => path.display().to_string(),
        None => format!("{name}[{file}]"),
    }
}
