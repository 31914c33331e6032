//! The same for a build without chains, of a run of one that had them.

use super::on_chain::{ChainChoice, Trouble};
use crate::chain::NO_CHAIN;
use crate::exit::Exit;
use packwright::publish::{Commitment, OnChain};
use packwright::wallet::Key;

/// There is none.
pub enum Ready {}

impl Ready {
    pub fn of(_: &ChainChoice, _: &Commitment, _: bool) -> Result<Ready, Trouble> {
        Err(Trouble::of_user(NO_CHAIN.to_owned()))
    }

    pub fn obstacle(&self) -> Option<Trouble> {
        match *self {}
    }

    pub fn words(&self) -> String {
        match *self {}
    }

    pub fn write(&self, _: &(dyn Fn(&str) + Sync)) -> (OnChain, Option<Exit>) {
        match *self {}
    }
}

pub fn open(_: &ChainChoice, _: bool) -> Result<Key, Trouble> {
    Err(Trouble::of_user(NO_CHAIN.to_owned()))
}

pub fn look(_: &ChainChoice, _: &Commitment) -> Result<(bool, String), Trouble> {
    Err(Trouble::of_user(NO_CHAIN.to_owned()))
}
