//! `optimize wallet verify`: whether a file of credentials is signed by whom it names.

use crate::exit::{BadInput, Exit};
use crate::out;
use clap::Args;
use packwright::report::plain;
use packwright::wallet::{Address, Credentials};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 it is, 6 it is not, or by somebody else than --address; 3 the file cannot be read.\n\n\
    Examples:\n  optimize wallet verify credentials.txt --address 5F…"
)]
pub struct VerifyArgs {
    /// The file; its token is not printed
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Who must have signed it; without this, anybody may have
    #[arg(long, value_name = "SS58")]
    address: Option<Address>,

    /// Print an object of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let shown = args.file.display();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| BadInput(format!("cannot read {shown}: {error}")))?;
    let credentials = Credentials::read(&text).map_err(|error| BadInput(format!("{shown}: {error}")))?;
    let is_signed = credentials.is_signed();
    let is_expected = args.address.is_none_or(|address| address == credentials.signer);
    let Credentials { api_url, signer, timestamp, .. } = &credentials;
    if args.json {
        out::line(json!({
            "signed": is_signed, "expected_signer": is_expected, "signer": signer, "api_url": api_url,
            "timestamp": timestamp,
        }));
    } else {
        let verdict = match (is_signed, is_expected) {
            (false, _) => format!("NOT signed by {signer}, whom it names"),
            (true, false) => format!("signed by {signer}, and not by whom you expect"),
            (true, true) => format!("signed by {signer}"),
        };
        out::line(format!("{}: {verdict}, for {}", plain(&shown.to_string()), plain(api_url)));
        out::line(format!("its time, which is not signed: {}", plain(timestamp)));
    }
    Ok(if is_signed && is_expected { ExitCode::SUCCESS } else { Exit::Gate.into() })
}
