//! `optimize wallet show`: the address and the format of wallet files.

use super::choice::{HotkeyChoice, read};
use crate::out;
use clap::Args;
use packwright::report::plain;
use packwright::wallet::{Form, KeyFile};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 done, 3 a file cannot be used.\n\nExamples:\n  optimize wallet show --wallet miner\n  \
    optimize wallet show ~/.bittensor/wallets/miner/hotkeys/default"
)]
pub struct ShowArgs {
    /// Files; without them, the coldkey and the hotkey of the wallet
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    choice: HotkeyChoice,

    /// Print an object of JSON for each file
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let files = match args.files.is_empty() {
        true => of_wallet(args)?,
        false => args.files.clone(),
    };
    for path in &files {
        show(path, &read(path)?, args.json);
    }
    Ok(ExitCode::SUCCESS)
}

/// The files of the wallet that are there. A hotkey often lies on another machine than its coldkey.
fn of_wallet(args: &ShowArgs) -> anyhow::Result<Vec<PathBuf>> {
    let place = args.choice.wallet.place()?;
    let hotkey =
        place.hotkey(&args.choice.hotkey).map_err(|error| crate::exit::BadInput(error.to_string()))?;
    let mut files = vec![hotkey];
    let coldkey = place.coldkey();
    if coldkey.exists() {
        files.insert(0, coldkey);
    }
    Ok(files)
}

fn show(path: &Path, file: &KeyFile, is_json: bool) {
    let address = file.address().map(|address| address.to_string());
    let (word, words) = match file.form() {
        Form::Plain => ("plain", "not encrypted"),
        Form::Locked => ("encrypted", "encrypted with a password"),
        Form::Public => ("public", "the address alone"),
    };
    if is_json {
        let private = !file.is_readable_by_others;
        out::line(json!({"file": path, "format": word, "address": address, "private": private}));
        return;
    }
    let address = address.unwrap_or_else(|| "address unknown without the password".into());
    out::line(format!("{}: {address}, {words}", plain(&path.display().to_string())));
}
