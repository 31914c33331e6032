//! `optimize pack diff`: what differs between two packs, file by file.

use super::{Shelf, source};
use crate::exit::Exit;
use crate::out;
use clap::Args;
use packwright::pack::Pack;
use packwright::report::plain;
use packwright::value::Value;
use serde_json::json;
use similar::TextDiff;
use std::collections::BTreeSet;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 done; with --exit-code, 6 where the packs differ; 3 one cannot be read.\n\n\
    Examples:\n  optimize pack diff baseline packs/best\n  optimize pack diff RUN:incumbent RUN:finalist"
)]
pub struct DiffArgs {
    /// The older pack
    #[arg(value_name = "A")]
    first: String,

    /// The newer pack
    #[arg(value_name = "B")]
    second: String,

    /// End with exit code 6 where they differ
    #[arg(long)]
    exit_code: bool,

    #[command(flatten)]
    shelf: Shelf,

    /// Print an object of JSON
    #[arg(long)]
    json: bool,
}

/// A part of two packs that differs.
struct Change {
    part: String,
    /// As `diff -u` writes it.
    text: String,
}

/// Runs the command.
pub fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let first = source::open(&args.first, &args.shelf.runs)?;
    let second = source::open(&args.second, &args.shelf.runs)?;
    let changes = changes(&first, &second);
    if args.json {
        let parts = changes.iter().map(|change| json!({"part": change.part, "diff": change.text}));
        out::line(json!({
            "same": changes.is_empty(),
            "a": first.hash(),
            "b": second.hash(),
            "changes": parts.collect::<Vec<_>>(),
        }));
    } else if changes.is_empty() {
        out::line(format!("the same pack, {}", first.hash().short()));
    } else {
        for line in changes.iter().flat_map(|change| change.text.lines()) {
            out::line(plain(line));
        }
    }
    Ok(if args.exit_code && !changes.is_empty() { Exit::Gate.into() } else { ExitCode::SUCCESS })
}

/// Files first, then what stands beside them.
fn changes(first: &Pack, second: &Pack) -> Vec<Change> {
    let names = |pack: &Pack| pack.files().map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>();
    let names: BTreeSet<String> = &names(first) | &names(second);
    let mut changes = Vec::new();
    for name in names {
        changes.extend(change(&name, first.file(&name), second.file(&name)));
    }
    let keys = |pack: &Pack| -> BTreeSet<String> {
        pack.document().as_map().into_iter().flat_map(|map| map.keys().cloned()).collect()
    };
    for key in (&keys(first) | &keys(second)).into_iter().filter(|key| key != "files") {
        let part = |pack: &Pack| pack.document().get(&key).map(Value::dumps_sorted_indented);
        changes.extend(change(&key, part(first).as_deref(), part(second).as_deref()));
    }
    changes
}

fn change(part: &str, old: Option<&str>, new: Option<&str>) -> Option<Change> {
    if old == new {
        return None;
    }
    let name = |side: &str, text: Option<&str>| match text {
        Some(_) => format!("{side}/{part}"),
        None => format!("{side}/(absent)"),
    };
    let diff = TextDiff::from_lines(old.unwrap_or_default(), new.unwrap_or_default());
    let text = diff.unified_diff().context_radius(2).header(&name("a", old), &name("b", new)).to_string();
    Some(Change { part: part.to_owned(), text })
}
