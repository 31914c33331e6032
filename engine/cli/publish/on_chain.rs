//! The last step of a publication, for whom it is wanted: the commitment on chain. What it takes is settled, and looked at,
//! before anything is spent or pushed.

use crate::chain::{ENDPOINT_VARIABLE, NO_CHAIN, NodeArgs};
use crate::exit::{BadInput, Exit};
use crate::wallet::choice::HotkeyChoice;
use clap::Args;
use clap::builder::PossibleValuesParser;
use packwright::publish::{COMMITMENT_BYTES_MAX, Commitment, redact};
use packwright::score::Channel;
use packwright::shell::{in_shell, path_in_shell};
use packwright::units::PackHash;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Stands for a commit that is not made yet.
const COMMIT_DIGITS: usize = 40;

#[derive(Args, Debug, Clone)]
pub struct OnChainArgs {
    /// Then write the commitment on chain, as the last step: needs a node, a subnet and a wallet (docs/chain.md)
    #[arg(long)]
    on_chain: bool,

    /// The GitHub repository that the commitment names, at most 22 bytes; the remote's own when absent
    #[arg(long, value_name = "OWNER/REPO", requires = "on_chain")]
    repo: Option<String>,

    /// How validators are told of the pack, where it is not as the profile says
    #[arg(long, value_name = "CHANNEL", requires = "on_chain", value_parser = PossibleValuesParser::new(Channel::ALL.map(Channel::name)))]
    channel: Option<String>,

    #[command(flatten)]
    node: NodeArgs,

    #[command(flatten)]
    hotkey: HotkeyChoice,
}

/// Where and as whom the commitment is written. Stored with a run; it holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainChoice {
    /// None where it may hold a secret: then the environment has it.
    pub endpoint: Option<String>,
    pub genesis: Option<String>,
    pub netuid: u16,
    pub wallet: String,
    /// Absolute.
    pub wallets: PathBuf,
    pub hotkey: String,
    channel: Channel,
    repository: Option<String>,
}

/// Why the commitment cannot be written, and whose fault that is.
#[derive(Debug)]
pub struct Trouble {
    pub words: String,
    pub exit: Exit,
    /// It may be gone in some hours without anybody's doing.
    pub may_pass: bool,
}

impl OnChainArgs {
    pub fn is_wanted(&self) -> bool {
        self.on_chain
    }

    /// What the options come to; none where nothing is to go on chain. Everything that is missing is told at once.
    pub fn choice(&self, usual: Channel) -> anyhow::Result<Option<ChainChoice>> {
        if !self.on_chain {
            return Ok(None);
        }
        if !cfg!(feature = "chain") {
            return Err(BadInput(NO_CHAIN.into()).into());
        }
        match (&self.node.chain_endpoint, self.node.netuid, &self.hotkey.wallet.wallet) {
            (Some(address), Some(netuid), Some(wallet)) => Ok(Some(ChainChoice {
                endpoint: kept(address)?,
                genesis: self.node.chain_genesis.clone(),
                netuid,
                wallet: wallet.clone(),
                wallets: std::path::absolute(self.hotkey.wallet.folder()?)?,
                hotkey: self.hotkey.hotkey.clone(),
                channel: self.channel.as_deref().and_then(Channel::named).unwrap_or(usual),
                repository: self.repo.clone(),
            })),
            (address, netuid, wallet) => {
                let missing = [
                    address.is_none().then_some("--chain-endpoint ADDRESS"),
                    netuid.is_none().then_some("--netuid N"),
                    wallet.is_none().then_some("--wallet NAME"),
                ];
                let missing: Vec<&str> = missing.into_iter().flatten().collect();
                Err(BadInput(format!("--on-chain also needs {}", missing.join(" and "))).into())
            }
        }
    }
}

/// The address if it may be kept with a run. One with more than a host and a port may hold a secret; then the environment
/// must have it, for the process that writes the commitment may be another one.
fn kept(address: &str) -> anyhow::Result<Option<String>> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    if !rest.trim_end_matches('/').contains(['/', '?', '#', '@']) {
        return Ok(Some(address.to_owned()));
    }
    if std::env::var(ENDPOINT_VARIABLE).is_ok_and(|set| set == address) {
        return Ok(None);
    }
    let shown = redact(address);
    let problem = format!(
        "{shown} has more than a host and a port, which may be a secret, and secrets are not kept with runs; set \
         {ENDPOINT_VARIABLE} to it in place of --chain-endpoint"
    );
    Err(BadInput(problem).into())
}

impl ChainChoice {
    /// The pack as validators are told of it. `commit` is none where it is not made yet; `github` is what the remote is
    /// called there, and `public_url` where `pack.json` is fetched from.
    pub fn commitment(
        &self,
        pack_hash: &PackHash,
        commit: Option<&str>,
        github: Option<&str>,
        public_url: Option<&str>,
    ) -> Result<Commitment, Trouble> {
        let pack_hash = pack_hash.clone();
        let commitment = match self.channel {
            Channel::GitCommitment => Commitment::Git {
                pack_hash,
                commit: commit.map_or_else(|| "0".repeat(COMMIT_DIGITS), str::to_owned),
                repository: self.repository_at(github)?,
            },
            Channel::UrlCommitment => Commitment::Url {
                pack_hash,
                url: public_url.map(str::to_owned).ok_or_else(|| {
                    Trouble::of_user("the commitment names an address: give --public-url URL".to_owned())
                })?,
            },
        };
        commitment.text().map_err(|error| Trouble::of_user(error.to_string()))?;
        Ok(commitment)
    }

    /// The options that say the same again. An address that may be a secret is not among them: the environment has it.
    pub fn options(&self) -> Vec<String> {
        let named = [
            ("--repo", self.repository.clone()),
            ("--channel", Some(self.channel.name().to_owned())),
            ("--chain-endpoint", self.endpoint.clone()),
            ("--chain-genesis", self.genesis.clone()),
            ("--netuid", Some(self.netuid.to_string())),
            ("--wallet", Some(self.wallet.clone())),
            ("--hotkey", Some(self.hotkey.clone())),
        ];
        let named =
            named.into_iter().filter_map(|(option, value)| Some(format!("{option} {}", in_shell(&value?))));
        let folder = format!("--wallet-path {}", path_in_shell(&self.wallets));
        std::iter::once("--on-chain".to_owned()).chain(named).chain([folder]).collect()
    }

    fn repository_at(&self, github: Option<&str>) -> Result<String, Trouble> {
        match (&self.repository, github) {
            (Some(named), Some(remote)) if !is_same_repository(named, remote) => {
                Err(Trouble::of_user(format!("--repo is {named}, and the remote is {remote} at GitHub")))
            }
            (Some(named), _) => Ok(named.clone()),
            (None, Some(remote)) => Ok(remote.to_owned()),
            (None, None) => Err(Trouble::of_user(
                "the commitment names a GitHub repository, and the remote is not at GitHub: give --repo OWNER/REPO"
                    .to_owned(),
            )),
        }
    }
}

fn is_same_repository(named: &str, remote: &str) -> bool {
    let short = named.strip_prefix("https://github.com/").unwrap_or(named).trim_end_matches('/');
    short.strip_suffix(".git").unwrap_or(short).eq_ignore_ascii_case(remote)
}

/// The text of a commitment for people; a commit that is not made yet is told as that.
pub fn shown(commitment: &Commitment) -> String {
    let text = commitment.text().unwrap_or_default();
    format!(
        "{} ({} of {COMMITMENT_BYTES_MAX} bytes)",
        text.replace(&"0".repeat(COMMIT_DIGITS), "COMMIT"),
        text.len()
    )
}

impl Trouble {
    pub fn of_user(words: String) -> Trouble {
        Trouble { words, exit: Exit::BadInput, may_pass: false }
    }
}
