//! `optimize wallet`: wallet files as they lie on disk, and what is signed with them without a chain.

pub mod choice;
mod show;
mod sign_credentials;
mod verify;

use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Show wallet files, and sign and verify credentials with them
#[derive(Args)]
#[command(after_help = "\
Wallets are read as Bittensor's programs leave them. A password is asked for on the terminal, or read
from PACKWRIGHT_WALLET_PASSWORD; no option takes one, and no secret is ever printed.")]
pub struct WalletArgs {
    #[command(subcommand)]
    command: WalletCommand,
}

#[derive(Subcommand)]
enum WalletCommand {
    /// Print the address and the format of wallet files, never a secret
    Show(show::ShowArgs),
    /// Sign the address and the token of a miner's API with the coldkey (SN80)
    SignCredentials(sign_credentials::SignCredentialsArgs),
    /// Say whether a file of credentials is signed by whom it names
    Verify(verify::VerifyArgs),
}

/// Runs the command.
pub fn run(args: WalletArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        WalletCommand::Show(args) => show::run(&args),
        WalletCommand::SignCredentials(args) => sign_credentials::run(&args),
        WalletCommand::Verify(args) => verify::run(&args),
    }
}
