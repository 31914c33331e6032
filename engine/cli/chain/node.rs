//! The node that the options name, and how failures of the chain end the program.

use super::NodeArgs;
use crate::exit::{BadInput, Exit};
use crate::out;
use crate::wallet::choice::{HotkeyChoice, read};
use packwright::publish::chain::{Allowance, ChainError, ChainStatus, Endpoint};
use packwright::wallet::KeyFile;
use std::process::ExitCode;

impl NodeArgs {
    pub fn endpoint(&self) -> anyhow::Result<Endpoint> {
        let address = self.chain_endpoint.as_deref().expect("the command line demands it");
        let endpoint = Endpoint::new(address, self.chain_genesis.as_deref());
        Ok(endpoint.map_err(|error| BadInput(error.to_string()))?)
    }

    pub fn subnet(&self) -> u16 {
        self.netuid.expect("the command line demands it")
    }
}

/// The key file of the hotkey that the options name.
pub fn hotkey(choice: &HotkeyChoice) -> anyhow::Result<KeyFile> {
    let path = choice.wallet.place()?.hotkey(&choice.hotkey);
    read(&path.map_err(|error| BadInput(error.to_string()))?)
}

/// Asks the chain on a thread of its own.
pub fn ask<T>(answer: impl Future<Output = Result<T, ChainError>>) -> anyhow::Result<Result<T, ChainError>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let answer = runtime.block_on(answer);
    // A connection that hangs must not keep the program.
    runtime.shutdown_background();
    Ok(answer)
}

/// Tells a failure and gives the exit code.
pub fn fail(error: &ChainError) -> ExitCode {
    out::note(format_args!("error: {error}"));
    exit(error).into()
}

/// The exit code of a failure.
pub fn exit(error: &ChainError) -> Exit {
    match error {
        ChainError::Endpoint(_) | ChainError::OtherNetwork { .. } => Exit::BadInput,
        ChainError::NotRegistered { .. } | ChainError::TooSoon { .. } | ChainError::NoSpace { .. } => {
            Exit::Gate
        }
        _ => Exit::Infrastructure,
    }
}

/// How a hotkey stands, in lines for people.
pub fn in_words(status: &ChainStatus) -> Vec<String> {
    let ChainStatus { genesis, spec_version, block, netuid, hotkey, .. } = status;
    let registered = match status.uid {
        Some(uid) => format!("registered on subnet {netuid} as uid {uid}"),
        None => format!("NOT registered on subnet {netuid}"),
    };
    let stored = match &status.stored {
        Some(stored) => {
            format!("{} (since block {})", packwright::report::plain(&stored.told()), stored.block)
        }
        None => "nothing".to_owned(),
    };
    vec![
        format!("network     first block {genesis}, runtime {spec_version}, at block {block}"),
        format!("hotkey      {hotkey}, {registered}"),
        format!("stored      {stored}"),
        format!("allowance   {}", allowance(status)),
    ]
}

fn allowance(status: &ChainStatus) -> String {
    match status.allowance {
        Allowance::Space { used_bytes, max_bytes, is_of_this_epoch } => {
            let used = match is_of_this_epoch {
                Some(true) => format!("{used_bytes} used"),
                Some(false) => "none used".to_owned(),
                None => format!("at most {used_bytes} used"),
            };
            format!("{max_bytes} bytes in an epoch, {used}; a commitment counts at least 100")
        }
        Allowance::Blocks { last: Some(last), distance } => {
            format!("a commitment every {distance} blocks, the next from block {} on", last + distance)
        }
        Allowance::Blocks { last: None, distance } => {
            format!("a commitment every {distance} blocks, none yet")
        }
        Allowance::NotShown => "the network shows no limit that is known here".to_owned(),
    }
}
