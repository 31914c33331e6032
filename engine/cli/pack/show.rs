//! `optimize pack show`: what is in a pack, and how much of each file agents see.

use super::{Rules, Shelf, source};
use crate::exit::BadInput;
use crate::out;
use clap::Args;
use packwright::pack::{PACK_SIZE_MAX, Pack};
use packwright::report::plain;
use packwright::value::Value;
use serde_json::json;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 done, 3 it is no valid pack, or has no such file.\n\nExamples:\n  \
    optimize pack show packs/best\n  optimize pack show packs/best --file AGENTS.md")]
pub struct ShowArgs {
    /// The pack
    pack: String,

    /// Print this file of the pack instead
    #[arg(long, value_name = "NAME")]
    file: Option<String>,

    #[command(flatten)]
    rules: Rules,

    #[command(flatten)]
    shelf: Shelf,

    /// Print an object of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let pack = source::open(&args.pack, &args.shelf.runs)?;
    if let Some(name) = &args.file {
        return file(&pack, name, args.json);
    }
    let profile = args.rules.profile();
    let warnings = pack.warnings(profile.file_utf16_max, profile.total_utf16_max);
    if args.json {
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        out::line(in_json(&pack, &warnings)?);
        return Ok(ExitCode::SUCCESS);
    }
    let field =
        |name: &str| pack.document().get("metadata").and_then(|m| m.get(name)).map(word).unwrap_or_default();
    out::line(format!(
        "Pack       {} {}, for {}",
        field("pack_name"),
        field("pack_version"),
        field("target_suite")
    ));
    out::line(format!("Hash       {}", pack.hash().0));
    out::line(format!("Size       {} of {PACK_SIZE_MAX} bytes in canonical form", pack.size()));
    for (list, label) in [("allow", "Allowed"), ("deny", "Denied")] {
        let names = pack.document().get("tool_policy").and_then(|policy| policy.get(list));
        let names = names.and_then(Value::as_list).unwrap_or_default();
        let names: Vec<String> = names.iter().map(word).collect();
        out::line(format!(
            "{label:<10} {}",
            if names.is_empty() { "-".to_owned() } else { names.join(", ") }
        ));
    }
    for (name, text) in pack.files() {
        let (length, lines) = (text.encode_utf16().count(), text.lines().count());
        out::line(format!(
            "File       {}: {lines} lines, {length} of {} UTF-16 units",
            plain(name),
            profile.file_utf16_max
        ));
    }
    for warning in &warnings {
        out::line(format!("warning: {warning}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// A value as a word of a line, whatever somebody put there.
fn word(value: &Value) -> String {
    plain(value.as_str().map(str::to_owned).unwrap_or_else(|| value.dumps()).as_str())
}

/// A file as it is for programs, and without what a terminal would obey for people.
fn file(pack: &Pack, name: &str, is_json: bool) -> anyhow::Result<ExitCode> {
    let Some(text) = pack.file(name) else {
        let names: Vec<&str> = pack.files().map(|(name, _)| name).collect();
        return Err(BadInput(format!("the pack has no file {name:?}; it has {}", names.join(", "))).into());
    };
    if is_json {
        out::line(json!({"file": name, "text": text}));
    } else {
        for line in text.lines() {
            out::line(plain(line));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_json(pack: &Pack, warnings: &[String]) -> anyhow::Result<serde_json::Value> {
    let files = pack.files().map(|(name, text)| {
        json!({"file": name, "utf16_units": text.encode_utf16().count(), "lines": text.lines().count()})
    });
    let part = |name: &str| -> anyhow::Result<serde_json::Value> {
        let part = pack.document().get(name).map(Value::dumps);
        Ok(part.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
    };
    Ok(json!({
        "hash": pack.hash(),
        "size": pack.size(),
        "size_max": PACK_SIZE_MAX,
        "metadata": part("metadata")?,
        "tool_policy": part("tool_policy")?,
        "files": files.collect::<Vec<_>>(),
        "warnings": warnings,
    }))
}
