//! `optimize pack similarity`: whether validators would take a pack for a copy of another one.

use super::{Rules, Shelf, source};
use crate::exit::Exit;
use crate::out;
use clap::Args;
use packwright::pack::Similarity;
use serde_json::json;
use std::process::ExitCode;

/// Say how similar two packs are, as validators measure it.
///
/// It is 1 minus the normalized compression distance of both AGENTS.md with zlib at level 9, after lower case, without
/// marks of headings, and with all white space as single spaces: about 0 for texts that share nothing, 0.97 for a copy.
/// Texts of a few words are always similar. Which one is first matters a little: name your own first.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 they differ enough, 6 validators would refuse A, 3 one cannot be read.\n\n\
    Examples:\n  optimize pack similarity mine.json theirs.json\n  \
    optimize pack similarity packs/best https://example.com/pack.json\n  \
    optimize pack similarity AGENTS.md git:https://github.com/owner/repo#main"
)]
pub struct SimilarityArgs {
    /// Your pack
    #[arg(value_name = "A")]
    challenger: String,

    /// The champion's
    #[arg(value_name = "B")]
    champion: String,

    #[command(flatten)]
    rules: Rules,

    #[command(flatten)]
    shelf: Shelf,

    /// Print an object of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &SimilarityArgs) -> anyhow::Result<ExitCode> {
    let challenger = source::open(&args.challenger, &args.shelf.runs)?;
    let champion = source::open(&args.champion, &args.shelf.runs)?;
    let Similarity { value, first, second, both } = Similarity::of(&challenger, &champion);
    let max = args.rules.profile().similarity_max;
    let is_refused = value >= max;
    if args.json {
        out::line(json!({
            "similarity": value,
            "threshold": max,
            "too_similar": is_refused,
            "compressed": {"a": first, "b": second, "both": both},
            "a": challenger.hash(),
            "b": champion.hash(),
        }));
    } else {
        let verdict = match is_refused {
            true => format!("too similar: validators refuse A from {max} on"),
            false => format!("below {max}, so validators take both"),
        };
        out::line(format!("similarity {value:.4}: {verdict}"));
    }
    Ok(if is_refused { Exit::Gate.into() } else { ExitCode::SUCCESS })
}
