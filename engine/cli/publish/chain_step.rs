//! Writing the commitment, and all that it takes.

use super::on_chain::{ChainChoice, Trouble};
use crate::chain::ENDPOINT_VARIABLE;
use crate::chain::node::{ask, exit};
use crate::chain::submit::in_progress;
use crate::exit::Exit;
use crate::wallet::choice::{read, unlock, unlock_unattended};
use packwright::publish::chain::{ChainError, ChainPlan, Endpoint, Submission, plan, submit};
use packwright::publish::{Commitment, OnChain};
use packwright::wallet::{Key, KeyFile, WalletPlace};

/// Everything that writing the commitment takes: the text fits, the key is open, and the network would take it.
pub struct Ready {
    submission: Submission,
    endpoint: Endpoint,
    key: Key,
    plan: ChainPlan,
}

impl Ready {
    /// Nothing is signed. Where nobody attends, nobody is asked for a password.
    pub fn of(choice: &ChainChoice, commitment: &Commitment, is_attended: bool) -> Result<Ready, Trouble> {
        let (submission, endpoint) = (submission(choice, commitment)?, endpoint(choice)?);
        let key = open(choice, is_attended)?;
        let plan = ask(plan(&submission, &endpoint, &key.address())).map_err(of_machine)?;
        let plan = plan.map_err(of_chain)?;
        Ok(Ready { submission, endpoint, key, plan })
    }

    /// Why it would certainly fail.
    pub fn obstacle(&self) -> Option<Trouble> {
        self.plan.obstacle().map(of_chain)
    }

    /// Who would write it, and where.
    pub fn words(&self) -> String {
        told(&self.plan, &self.endpoint)
    }

    /// Writes it, once, and reads it back. Gives what became of it, and the exit code where it is not written.
    pub fn write(&self, tell: &(dyn Fn(&str) + Sync)) -> (OnChain, Option<Exit>) {
        let mut say = |progress| tell(&format!("On chain   {}", in_progress(&progress)));
        match ask(submit(&self.submission, &self.endpoint, &self.key, &mut say)) {
            Ok(Ok(receipt)) => (OnChain::Written(receipt), None),
            Ok(Err(error)) => {
                let (reason, exit) = (error.to_string(), exit(&error));
                match error {
                    ChainError::Unknown { .. } => (OnChain::Unknown { reason }, Some(exit)),
                    _ => (OnChain::NotWritten { reason }, Some(exit)),
                }
            }
            Err(error) => (OnChain::Unknown { reason: format!("{error:#}") }, Some(Exit::Failed)),
        }
    }
}

/// The hotkey. Where nobody attends, nobody is asked for its password.
pub fn open(choice: &ChainChoice, is_attended: bool) -> Result<Key, Trouble> {
    let file = key_file(choice)?;
    if is_attended { unlock(file) } else { unlock_unattended(file) }.map_err(of_wallet)
}

/// What the chain says of a commitment: whether it is stored already, and what stands against it. Of the key no more
/// than its address is needed.
pub fn look(choice: &ChainChoice, commitment: &Commitment) -> Result<(bool, String), Trouble> {
    let (submission, endpoint) = (submission(choice, commitment)?, endpoint(choice)?);
    let file = key_file(choice)?;
    let address = match file.address() {
        Some(address) => address,
        None => unlock(file).map_err(of_wallet)?.address(),
    };
    let plan = ask(plan(&submission, &endpoint, &address)).map_err(of_machine)?.map_err(of_chain)?;
    match plan.obstacle() {
        Some(obstacle) => Err(of_chain(obstacle)),
        None => Ok((plan.is_stored(), told(&plan, &endpoint))),
    }
}

fn told(plan: &ChainPlan, endpoint: &Endpoint) -> String {
    let status = &plan.status;
    let uid = status.uid.map_or_else(String::new, |uid| format!(" (uid {uid})"));
    format!("to subnet {} by {}{uid}, through {endpoint}", status.netuid, status.hotkey)
}

fn submission(choice: &ChainChoice, commitment: &Commitment) -> Result<Submission, Trouble> {
    Submission::new(choice.netuid, commitment).map_err(|error| Trouble::of_user(error.to_string()))
}

fn endpoint(choice: &ChainChoice) -> Result<Endpoint, Trouble> {
    let set = || std::env::var(ENDPOINT_VARIABLE).ok();
    let address = choice.endpoint.clone().or_else(set).ok_or_else(|| {
        let variable = ENDPOINT_VARIABLE;
        Trouble::of_user(format!("the node's address was not kept with the run: set {variable}"))
    })?;
    Endpoint::new(&address, choice.genesis.as_deref()).map_err(|error| Trouble::of_user(error.to_string()))
}

fn key_file(choice: &ChainChoice) -> Result<KeyFile, Trouble> {
    let path = WalletPlace::new(&choice.wallets, &choice.wallet)
        .and_then(|place| place.hotkey(&choice.hotkey))
        .map_err(|error| Trouble::of_user(error.to_string()))?;
    read(&path).map_err(of_wallet)
}

fn of_wallet(error: anyhow::Error) -> Trouble {
    Trouble::of_user(format!("{error:#}"))
}

fn of_machine(error: anyhow::Error) -> Trouble {
    Trouble { words: format!("{error:#}"), exit: Exit::Failed, may_pass: false }
}

fn of_chain(error: ChainError) -> Trouble {
    let may_pass = matches!(error, ChainError::TooSoon { .. } | ChainError::NoSpace { .. });
    Trouble { words: error.to_string(), exit: exit(&error), may_pass }
}
