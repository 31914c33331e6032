//! `optimize wallet sign-credentials`: the signed registration of a miner's API, as the documents of SN80 have it.

use super::choice::{WalletChoice, read, unlock};
use crate::exit::BadInput;
use crate::out;
use anyhow::Context as _;
use clap::Args;
use packwright::store::{utc_text, write_private};
use packwright::wallet::{Credentials, WalletPlace};
use secrecy::{ExposeSecret as _, SecretString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Args, Debug)]
#[command(after_help = "\
Writes what the miner documents of SN80 ask for: the address and the token, who signed them, the
signature, and the time. The file holds the token in clear, so only you can read it; send it to
nobody but who registers miners.

Exit codes: 0 done, or the file says so already; 3 the wallet, the password or an option is wrong.

Examples:
  PACKWRIGHT_API_TOKEN=… optimize wallet sign-credentials --name miner \\
      --api-url https://miner.example/v1 --output credentials.txt")]
pub struct SignCredentialsArgs {
    /// The wallet's name; it goes before --wallet
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    choice: WalletChoice,

    /// Where the miner's API answers
    #[arg(long, value_name = "URL")]
    api_url: String,

    /// The token that the API wants. Others on this machine can see what a command line says; the variable they cannot
    #[arg(long, env = "PACKWRIGHT_API_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: SecretString,

    /// The file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,

    /// Replace a file that says something else
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(args: &SignCredentialsArgs) -> anyhow::Result<ExitCode> {
    let place = place(args)?;
    let coldkey = read(&place.coldkey())?;
    let before = before(&args.output)?;
    let key = unlock(coldkey)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = utc_text(since.as_millis() as u64);
    let signed = Credentials::sign(&key, &args.api_url, &args.token, time);
    let signed = signed.map_err(|error| BadInput(error.to_string()))?;
    match before {
        Before::Credentials(old) if old.is_signed() && old.says_the_same(&signed) => {
            out::line(format!("{} is signed by {} already; nothing was changed", shown(args), old.signer));
            return Ok(ExitCode::SUCCESS);
        }
        Before::Nothing => {}
        _ if args.force => {}
        _ => {
            let problem = format!("{} is there and says something else; --force replaces it", shown(args));
            return Err(BadInput(problem).into());
        }
    }
    write_private(&args.output, signed.file().expose_secret())
        .with_context(|| format!("write {}", args.output.display()))?;
    out::line(format!("{}: signed by {} for {}", shown(args), signed.signer, signed.api_url));
    out::note(format_args!(
        "warning: {} holds the API's token in clear; keep it as you keep the token",
        shown(args)
    ));
    Ok(ExitCode::SUCCESS)
}

fn place(args: &SignCredentialsArgs) -> anyhow::Result<WalletPlace> {
    match &args.name {
        Some(name) => args.choice.named(name),
        None => args.choice.place(),
    }
}

/// What is at the place of the file.
enum Before {
    Nothing,
    Credentials(Credentials),
    SomethingElse,
}

fn before(path: &Path) -> anyhow::Result<Before> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok(Credentials::read(&text).map_or(Before::SomethingElse, Before::Credentials))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Before::Nothing),
        Err(error) => Err(BadInput(format!("cannot write {}: {error}", path.display())).into()),
    }
}

fn shown(args: &SignCredentialsArgs) -> String {
    args.output.display().to_string()
}
