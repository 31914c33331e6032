//! `optimize chain status`: registration, what is stored, and what a hotkey still may.

use super::StatusArgs;
use super::node::{self, ask, fail, in_words};
use crate::exit::BadInput;
use crate::out;
use packwright::publish::chain;
use packwright::wallet::Address;
use std::process::ExitCode;

/// Runs the command.
pub fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let hotkey = hotkey(args)?;
    let endpoint = args.node.endpoint()?;
    let status = match ask(chain::status(&endpoint, args.node.subnet(), &hotkey))? {
        Ok(status) => status,
        Err(error) => return Ok(fail(&error)),
    };
    if args.json {
        out::line(serde_json::to_string(&status)?);
    } else {
        for line in in_words(&status) {
            out::line(line);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn hotkey(args: &StatusArgs) -> anyhow::Result<Address> {
    if let Some(address) = args.address {
        return Ok(address);
    }
    if args.choice.wallet.wallet.is_none() {
        return Err(BadInput("name a hotkey: --wallet NAME and --hotkey NAME, or --address".into()).into());
    }
    let problem = "the hotkey's file is encrypted and has no public file beside it; name its --address";
    Ok(node::hotkey(&args.choice)?.address().ok_or_else(|| BadInput(problem.into()))?)
}
