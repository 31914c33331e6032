//! `optimize cache`: what is kept of earlier runs, what an entry depends on, and removing what is not wanted.

use crate::cache_folder::cache_folder;
use crate::exit::BadInput;
use crate::out;
use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use packwright::cache::{Catalog, Entry, FILE, Group, Kind, Selection};
use packwright::report::plain;
use packwright::store::utc_text;
use serde_json::json;
use std::process::ExitCode;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// So many digits of a key tell it from all others.
const KEY_SHOWN: usize = 12;

#[derive(Args, Debug)]
#[command(after_long_help = "\
Finished episodes are kept for later runs, and a model's replies for the run that got them, should it be interrupted. \
What is found costs nothing and is counted apart; a verdict never stands on episodes of earlier runs. Removing any of \
it, or the whole file, loses nothing but that.")]
pub struct CacheArgs {
    #[command(subcommand)]
    act: Option<Act>,

    /// The same as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum Act {
    /// List the newest entries with their keys
    List {
        /// Only those of this model
        #[arg(long, value_name = "PROVIDER/NAME")]
        model: Option<String>,

        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Show everything that an entry depends on: what differs in a run that does not find it
    Explain {
        /// A key, or its beginning
        key: String,
    },
    /// Remove entries
    Prune(PruneArgs),
}

#[derive(Args, Debug)]
struct PruneArgs {
    /// Those that were kept at least so many days ago
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,

    /// Those of this model
    #[arg(long, value_name = "PROVIDER/NAME")]
    model: Option<String>,

    /// All
    #[arg(long, conflicts_with_all = ["older_than", "model"])]
    all: bool,

    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(args: CacheArgs) -> anyhow::Result<ExitCode> {
    let folder = cache_folder()?;
    let Some(catalog) = Catalog::open(&folder).map_err(|error| BadInput(format!("{error:#}")))? else {
        return empty(&folder.join(FILE), &args);
    };
    match args.act {
        None => summary(&catalog, args.json)?,
        Some(Act::List { model, limit }) => list(&catalog, model, limit, args.json)?,
        Some(Act::Explain { key }) => explain(&catalog, &key, args.json)?,
        Some(Act::Prune(prune)) => self::prune(catalog, &prune, args.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn empty(file: &std::path::Path, args: &CacheArgs) -> anyhow::Result<ExitCode> {
    if let Some(Act::Explain { key }) = &args.act {
        return Err(BadInput(format!("no key begins with {key:?}: there is no cache yet")).into());
    }
    if args.json {
        out::line(json!({ "file": file, "groups": [] }));
    } else {
        out::line(format!(
            "{}\nnothing is kept yet; runs with real models keep their episodes here",
            file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(catalog: &Catalog, is_json: bool) -> anyhow::Result<()> {
    let groups = catalog.groups(&Selection::default())?;
    if is_json {
        out::line(json!({ "file": catalog.path(), "groups": groups }));
        return Ok(());
    }
    out::line(catalog.path().display());
    if groups.is_empty() {
        out::line("nothing is kept");
        return Ok(());
    }
    let mut table = table(["model", "kind", "entries", "size", "oldest", "newest", "last used"], &[2, 3]);
    for group in &groups {
        table.add_row([
            plain(&group.model),
            plural(group.kind).to_owned(),
            group.entries.to_string(),
            size(group.bytes),
            utc_text(group.oldest_ms),
            utc_text(group.newest_ms),
            utc_text(group.used_ms),
        ]);
    }
    out::line(table.trim_fmt());
    Ok(())
}

fn list(catalog: &Catalog, model: Option<String>, limit: u32, is_json: bool) -> anyhow::Result<()> {
    let entries = catalog.entries(&Selection { model, ..Selection::default() }, limit)?;
    if is_json {
        for entry in &entries {
            if !out::line(serde_json::to_string(entry)?) {
                break;
            }
        }
        return Ok(());
    }
    out::line(catalog.path().display());
    let mut table = table(["key", "kind", "model", "of", "size", "kept"], &[4]);
    for entry in &entries {
        table.add_row([
            entry.key[..entry.key.len().min(KEY_SHOWN)].to_owned(),
            entry.kind.word().to_owned(),
            plain(&entry.model),
            plain(&subject(entry)),
            size(entry.bytes),
            utc_text(entry.created_ms),
        ]);
    }
    out::line(table.trim_fmt());
    Ok(())
}

/// What an entry is about, in a few words.
fn subject(entry: &Entry) -> String {
    let text = |name: &str| entry.parts[name].as_str().unwrap_or("?");
    match entry.kind {
        Kind::Episode => {
            let pack = text("pack");
            format!(
                "{} on {}, repeat {}",
                pack.get(..8).unwrap_or(pack),
                text("scenario"),
                entry.parts["repeat"]
            )
        }
        Kind::Reply => format!("run {}", text("run")),
    }
}

fn explain(catalog: &Catalog, key: &str, is_json: bool) -> anyhow::Result<()> {
    let entry = catalog.entry(key).map_err(|error| BadInput(error.to_string()))?;
    if is_json {
        out::line(serde_json::to_string_pretty(&entry)?);
        return Ok(());
    }
    out::line(format!(
        "{} {}\nkept {} by run {}, last used {}, {}\nIt depends on:",
        entry.kind.word(),
        entry.key,
        utc_text(entry.created_ms),
        plain(&entry.run),
        utc_text(entry.used_ms),
        size(entry.bytes)
    ));
    out::line(serde_json::to_string_pretty(&entry.parts)?.lines().map(plain).collect::<Vec<_>>().join("\n"));
    Ok(())
}

fn prune(mut catalog: Catalog, args: &PruneArgs, is_json: bool) -> anyhow::Result<()> {
    if !args.all && args.older_than.is_none() && args.model.is_none() {
        let problem = "say what to remove: --older-than DAYS, --model PROVIDER/NAME, or --all";
        return Err(BadInput(problem.into()).into());
    }
    let age_ms_min = u64::from(args.older_than.unwrap_or(0)) * DAY_MS;
    let selection = Selection { model: args.model.clone(), age_ms_min };
    let removed = if args.dry_run { catalog.groups(&selection)? } else { catalog.remove(&selection)? };
    if is_json {
        out::line(json!({ "file": catalog.path(), "dry_run": args.dry_run, "removed": removed }));
        return Ok(());
    }
    let verb = if args.dry_run { "would remove" } else { "removed" };
    out::line(format!("{verb} {} from {}", counted(&removed), catalog.path().display()));
    Ok(())
}

fn counted(groups: &[Group]) -> String {
    let count =
        |kind: Kind| groups.iter().filter(|group| group.kind == kind).map(|group| group.entries).sum::<u64>();
    let bytes = groups.iter().map(|group| group.bytes).sum();
    let words = |kind: Kind| match count(kind) {
        1 => format!("1 {}", kind.word()),
        count => format!("{count} {}", plural(kind)),
    };
    format!("{} and {} ({})", words(Kind::Episode), words(Kind::Reply), size(bytes))
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Episode => "episodes",
        Kind::Reply => "replies",
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn table<const N: usize>(header: [&str; N], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
