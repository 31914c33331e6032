//! `optimize pack build`: a pack.json of a policy and what goes with it.

use super::Rules;
use super::document::{Bump, Given, document, version_of};
use crate::exit::BadInput;
use crate::out;
use anyhow::Context;
use clap::Args;
use packwright::pack::{AGENTS_MD, Pack, PackMetadata};
use packwright::report::plain;
use packwright::store::write_whole;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make a pack.json of an AGENTS.md and other files.
///
/// The pack holds just the files that are named. Name, suite and tool policy stay as they were in the pack.json that is
/// there; a new one allows the tools of the benchmark and denies what is dangerous. Where anything changed, the last
/// part of the version goes up; the same input again changes nothing. A pack.json that this program did not write is
/// not overwritten without --force.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 done or unchanged; 3 validators would refuse it, a file cannot be read, or it \
    would overwrite what is not its own.\n\nExamples:\n  optimize pack build\n  \
    optimize pack build --agents policy.md --soul SOUL.md --name my-pack --output packs/mine/pack.json\n  \
    optimize pack build --file notes/rules.md=docs/rules.md --bump minor"
)]
pub struct BuildArgs {
    /// The policy
    #[arg(long, default_value = "AGENTS.md", value_name = "FILE")]
    agents: PathBuf,

    /// A SOUL.md, which agents see after the policy
    #[arg(long, value_name = "FILE")]
    soul: Option<PathBuf>,

    /// Another file: its name in the pack, and where it is; may be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = named_file)]
    file: Vec<(String, PathBuf)>,

    /// Tools that the agent may use, separated by commas
    #[arg(long, value_name = "TOOLS", value_delimiter = ',')]
    allow: Option<Vec<String>>,

    /// Tools that it may not use, separated by commas
    #[arg(long, value_name = "TOOLS", value_delimiter = ',')]
    deny: Option<Vec<String>>,

    /// The name of the pack; `packwright` for a new one
    #[arg(long)]
    name: Option<String>,

    /// The suite that it is for; `clawbench_v1` for a new one
    #[arg(long, value_name = "SUITE")]
    target_suite: Option<String>,

    /// The version, three numbers with dots between, instead of the next one
    #[arg(long, value_name = "VERSION", conflicts_with = "bump")]
    pack_version: Option<String>,

    /// The part of the version that goes up
    #[arg(long, value_enum, default_value = "patch")]
    bump: Bump,

    /// The file to write
    #[arg(long, short, default_value = "pack.json", value_name = "FILE")]
    output: PathBuf,

    /// Overwrite a file that this program did not write
    #[arg(long)]
    force: bool,

    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    rules: Rules,

    /// Print an object of JSON
    #[arg(long)]
    json: bool,
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("write NAME=FILE, such as notes.md=docs/notes.md".to_owned()),
    }
}

/// Runs the command.
pub fn run(args: &BuildArgs) -> anyhow::Result<ExitCode> {
    let given = given(args)?;
    let there = There::read(&args.output)?;
    if let Some(foreign) = there.foreign.as_ref().filter(|_| !args.force) {
        let output = args.output.display();
        let problem = format!("{output} {foreign}; --force overwrites it, --output names another file");
        return Err(BadInput(problem).into());
    }
    let template = Pack::of_policy("", &PackMetadata::default());
    let document = document(&given, &template, there.pack.as_ref())?;
    let pack = Pack::read(document.dumps().as_bytes()).map_err(|issues| {
        let issues: Vec<String> = issues.iter().map(ToString::to_string).collect();
        BadInput(format!("validators would refuse the pack; nothing was written\n{}", issues.join("\n")))
    })?;
    if pack.brings_user_md() {
        let problem =
            "the pack would bring a USER.md, which hides from the agent whom it works for; leave it out";
        return Err(BadInput(problem.to_owned()).into());
    }
    let text = pack.pretty_json();
    let is_unchanged = there.bytes.as_deref() == Some(text.as_bytes());
    if !is_unchanged && !args.dry_run {
        write_whole(&args.output, &text).with_context(|| format!("write {}", args.output.display()))?;
    }
    tell(args, &pack, &there, is_unchanged);
    Ok(ExitCode::SUCCESS)
}

/// Reads all files; each that cannot be read is told.
fn given(args: &BuildArgs) -> anyhow::Result<Given> {
    let soul = args.soul.iter().map(|file| ("SOUL.md".to_owned(), file.clone()));
    let named =
        std::iter::once((AGENTS_MD.to_owned(), args.agents.clone())).chain(soul).chain(args.file.clone());
    let (mut files, mut problems) = (Vec::<(String, String)>::new(), Vec::new());
    for (name, file) in named {
        match read_text(&file) {
            _ if files.iter().any(|(other, _)| *other == name) => {
                problems.push(format!("{name} is named twice"));
            }
            Ok(text) if name == AGENTS_MD && text.trim().is_empty() => {
                problems.push(format!("{}: the policy is empty", file.display()));
            }
            Ok(text) => files.push((name, text)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(BadInput(problems.join("\n")).into());
    }
    Ok(Given {
        files,
        allow: args.allow.clone(),
        deny: args.deny.clone(),
        name: args.name.clone(),
        target_suite: args.target_suite.clone(),
        version: args.pack_version.clone(),
        bump: args.bump,
    })
}

fn read_text(file: &Path) -> Result<String, String> {
    let shown = file.display();
    let bytes = std::fs::read(file).map_err(|error| format!("{shown}: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown}: it is not UTF-8"))?;
    match text.starts_with('\u{feff}') {
        true => Err(format!("{shown}: it begins with a byte order mark; save it as UTF-8 without one")),
        false => Ok(text),
    }
}

/// What is at the place where the pack goes.
struct There {
    bytes: Option<Vec<u8>>,
    pack: Option<Pack>,
    /// Why it is not this program's.
    foreign: Option<&'static str>,
}

impl There {
    fn read(output: &Path) -> anyhow::Result<There> {
        let bytes = match std::fs::read(output) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(There { bytes: None, pack: None, foreign: None });
            }
            Err(error) => {
                return Err(BadInput(format!("{}: {error}", output.display())).into());
            }
        };
        let pack = Pack::read(&bytes).ok();
        let foreign = match &pack {
            None => Some("is there and is no valid pack"),
            Some(pack) if pack.pretty_json().as_bytes() != bytes => Some("was not written by this program"),
            Some(_) => None,
        };
        Ok(There { bytes: Some(bytes), pack, foreign })
    }
}

fn tell(args: &BuildArgs, pack: &Pack, there: &There, is_unchanged: bool) {
    let profile = args.rules.profile();
    let warnings = pack.warnings(profile.file_utf16_max, profile.total_utf16_max);
    let before = there.pack.as_ref().map(version_of);
    let version = version_of(pack);
    if args.json {
        out::line(json!({
            "output": args.output,
            "changed": !is_unchanged,
            "written": !is_unchanged && !args.dry_run,
            "version": version,
            "version_before": before,
            "hash": pack.hash(),
            "size": pack.size(),
            "warnings": warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
        return;
    }
    warnings.iter().for_each(|warning| out::note(format_args!("warning: {warning}")));
    let dropped = there.pack.iter().flat_map(Pack::files).filter(|(name, _)| pack.file(name).is_none());
    for (name, _) in dropped {
        out::note(format_args!("note: {} is no longer in the pack, since it was not named", plain(name)));
    }
    let beside = args.agents.with_file_name("SOUL.md");
    if args.soul.is_none() && beside.exists() && pack.file("SOUL.md").is_none() {
        let soul = beside.display();
        out::note(format_args!("note: {soul} is not in the pack; `--soul {soul}` puts it there"));
    }
    let verb = match (is_unchanged, args.dry_run) {
        (true, _) => "unchanged",
        (false, true) => "would be written",
        (false, false) => "written",
    };
    let version = match before.filter(|before| *before != version) {
        Some(before) => format!("version {} (was {})", plain(&version), plain(&before)),
        None => format!("version {}", plain(&version)),
    };
    out::line(format!(
        "{}: {verb}, {version}, {} bytes, hash {}",
        args.output.display(),
        pack.size(),
        pack.hash().0
    ));
}
