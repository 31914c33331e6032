//! `optimize pack validate`: every rule of the format at once.

use super::{Rules, Shelf, source};
use crate::exit::{BadInput, Exit};
use crate::out;
use clap::Args;
use packwright::pack::{PACK_SIZE_MAX, Pack, PackIssue};
use packwright::report::plain;
use packwright::scenario::problem::Severity;
use packwright::workspace::{Found, inspect};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 validators take all of them, 3 they refuse one or it cannot be read. Warnings do \
    not change the exit code.\n\nExamples:\n  optimize pack validate pack.json\n  optimize pack validate packs/best --json"
)]
pub struct ValidateArgs {
    /// Packs
    #[arg(required = true, value_name = "PACK")]
    packs: Vec<String>,

    #[command(flatten)]
    rules: Rules,

    #[command(flatten)]
    shelf: Shelf,

    /// Print an object of JSON for each pack
    #[arg(long)]
    json: bool,
}

/// What is wrong with a pack, told in lines and for programs.
struct Examined {
    pack: Option<Pack>,
    problems: Vec<String>,
    /// The names of the broken rules, in the order of validators; none where no document could be read.
    codes: Vec<String>,
}

/// Runs the command.
pub fn run(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    let mut all_valid = true;
    for name in &args.packs {
        let examined = examine(name, args)?;
        all_valid &= examined.pack.is_some();
        if args.json {
            out::line(in_json(name, &examined, args));
        } else {
            in_words(name, &examined, args);
        }
    }
    Ok(if all_valid { ExitCode::SUCCESS } else { Exit::BadInput.into() })
}

fn examine(name: &str, args: &ValidateArgs) -> anyhow::Result<Examined> {
    let path = Path::new(name);
    if name == "baseline" || !path.exists() {
        return Ok(match source::open(name, &args.shelf.runs) {
            Ok(pack) => Examined { pack: Some(pack), problems: Vec::new(), codes: Vec::new() },
            // Whatever is wrong with one pack, the others are looked at, too.
            Err(error) if error.is::<BadInput>() => {
                Examined { pack: None, problems: vec![error.to_string()], codes: Vec::new() }
            }
            Err(error) => return Err(error),
        });
    }
    let inspection = inspect(path);
    let errors = inspection.problems.iter().filter(|problem| problem.severity == Severity::Error);
    let mut problems: Vec<String> = errors.map(ToString::to_string).collect();
    let pack = match inspection.found {
        Some(Found::Pack(pack)) => Some(*pack),
        Some(_) => {
            problems.push(format!("{name} is no pack; `optimize check {name}` checks it"));
            None
        }
        None => None,
    };
    Ok(Examined { pack, problems, codes: codes(path) })
}

/// The codes of all broken rules of a file of JSON.
fn codes(path: &Path) -> Vec<String> {
    let file = if path.is_dir() { path.join("pack.json") } else { path.to_owned() };
    let is_json = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let bytes = std::fs::read(&file).ok().filter(|_| is_json);
    let issues = bytes.and_then(|bytes| Pack::read(&bytes).err());
    issues.into_iter().flatten().map(|issue| PackIssue::code(&issue)).collect()
}

fn warnings(pack: &Pack, args: &ValidateArgs) -> Vec<String> {
    let profile = args.rules.profile();
    let warnings = pack.warnings(profile.file_utf16_max, profile.total_utf16_max);
    warnings.iter().map(ToString::to_string).collect()
}

fn in_words(name: &str, examined: &Examined, args: &ValidateArgs) {
    for problem in &examined.problems {
        out::line(problem);
    }
    let name = plain(name);
    let Some(pack) = &examined.pack else {
        out::line(format!("{name}: validators refuse it"));
        return;
    };
    for warning in warnings(pack, args) {
        out::line(format!("{name}: warning: {warning}"));
    }
    out::line(format!("{name}: valid, {} of {PACK_SIZE_MAX} bytes, hash {}", pack.size(), pack.hash().0));
}

fn in_json(name: &str, examined: &Examined, args: &ValidateArgs) -> serde_json::Value {
    let pack = examined.pack.as_ref();
    json!({
        "pack": name,
        "valid": pack.is_some(),
        "codes": examined.codes,
        "problems": examined.problems,
        "warnings": pack.map(|pack| warnings(pack, args)).unwrap_or_default(),
        "hash": pack.map(|pack| pack.hash()),
        "size": pack.map(Pack::size),
    })
}
