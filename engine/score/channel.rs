//! How a subnet is told of a pack. It changed as the scoring rules did, so it is a part of a profile.

use serde::{Deserialize, Serialize};

/// What validators of a time read a miner's pack from.
///
/// Both are texts in the `Commitments` pallet. From 2026-06-24 on the subnet SN11 takes neither: its validators take
/// signed web requests only, which are not offered here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// `hash|commit|owner/repo`: a commit of a public GitHub repository, from 2026-02-24 to 2026-03-03.
    #[default]
    GitCommitment,
    /// `hash|url`: an address where the pack lies, from 2026-03-04 to 2026-06-23.
    UrlCommitment,
}

impl Channel {
    pub const ALL: [Channel; 2] = [Channel::GitCommitment, Channel::UrlCommitment];

    /// What a user calls it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::GitCommitment => "git-commitment",
            Channel::UrlCommitment => "url-commitment",
        }
    }

    /// The channel of that name.
    pub fn named(name: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The form of the text.
    pub fn form(self) -> &'static str {
        match self {
            Channel::GitCommitment => "hash|commit|owner/repo",
            Channel::UrlCommitment => "hash|url",
        }
    }

    /// When subnet SN11 took it.
    pub fn when(self) -> &'static str {
        match self {
            Channel::GitCommitment => "2026-02-24 to 2026-03-03",
            Channel::UrlCommitment => "2026-03-04 to 2026-06-23",
        }
    }
}
