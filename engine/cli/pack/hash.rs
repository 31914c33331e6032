//! `optimize pack hash`: the hash over the canonical form, which is the same however the file is formatted.

use super::{Shelf, source};
use crate::out;
use clap::Args;
use packwright::report::plain;
use serde_json::json;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 done, 3 it is no valid pack.\n\nExamples:\n  optimize pack hash pack.json\n  \
    optimize pack hash packs/best git:packs/best#HEAD~1"
)]
pub struct HashArgs {
    /// Packs
    #[arg(required = true, value_name = "PACK")]
    packs: Vec<String>,

    #[command(flatten)]
    shelf: Shelf,

    /// Print an object of JSON for each pack
    #[arg(long)]
    json: bool,
}

/// Runs the command. The hash of a single pack stands alone, for scripts.
pub fn run(args: &HashArgs) -> anyhow::Result<ExitCode> {
    for name in &args.packs {
        let pack = source::open(name, &args.shelf.runs)?;
        let hash = &pack.hash().0;
        if args.json {
            out::line(json!({"pack": name, "hash": hash, "size": pack.size()}));
        } else if args.packs.len() == 1 {
            out::line(hash);
        } else {
            out::line(format!("{hash}  {}", plain(name)));
        }
    }
    Ok(ExitCode::SUCCESS)
}
