//! `optimize chain`: what a chain holds of a miner, and writing a commitment to it.

#[cfg(feature = "chain")]
pub mod node;
#[cfg(feature = "chain")]
mod status;
#[cfg(feature = "chain")]
pub mod submit;

use crate::run::DEFAULT_RUNS;
use crate::wallet::choice::HotkeyChoice;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use packwright::score::{Channel, Profile};
use packwright::wallet::Address;
use std::path::PathBuf;
use std::process::ExitCode;

const EXIT_CODES: &str = "\
Exit codes: 0 done, already stored, or only planned; 3 the pack, the text, the wallet or an option
is wrong; 5 the node or the network failed, or what became of an extrinsic is unknown; 6 the hotkey
may not commit: it is not registered, or has committed as much as it may for now.";

const CHANNELS: &str = "\
A commitment is public, cannot be taken back, and is only replaced by the next. Subnet SN11 took
commitments as submissions from 2026-02-24 to 2026-06-23. Since 2026-06-24 its validators take
signed web requests only (web-submit), which this program does not make: a commitment alone enters
no pack there today. docs/chain.md says more.";

/// Look at a miner's commitment on a chain, and write one
#[derive(Args)]
#[command(after_help = format!("{CHANNELS}\n\n{EXIT_CODES}"))]
pub struct ChainArgs {
    #[command(subcommand)]
    command: ChainCommand,
}

#[derive(Subcommand)]
enum ChainCommand {
    /// Say whether a hotkey is registered, what it has committed, and what it still may
    Status(StatusArgs),
    /// Write the commitment of a pack; without --yes, only say what would be done
    Submit(Box<SubmitArgs>),
}

/// Where the node's address may stand.
pub const ENDPOINT_VARIABLE: &str = "PACKWRIGHT_CHAIN_ENDPOINT";

/// Which node is asked. There is no default for either.
#[derive(Args, Debug, Clone)]
pub struct NodeArgs {
    /// The node: wss://…, or ws:// on this machine
    #[arg(long, env = ENDPOINT_VARIABLE, hide_env_values = true, value_name = "ADDRESS")]
    pub chain_endpoint: Option<String>,

    /// The hash of the network's first block; nodes of other networks are then refused
    #[arg(long, env = "PACKWRIGHT_CHAIN_GENESIS", value_name = "HASH")]
    pub chain_genesis: Option<String>,

    /// The subnet's number
    #[arg(long, env = "PACKWRIGHT_NETUID", value_name = "N")]
    pub netuid: Option<u16>,
}

#[derive(Args, Debug)]
#[command(
    mut_arg("chain_endpoint", |arg| arg.required(true)),
    mut_arg("netuid", |arg| arg.required(true)),
    after_help = "Exit codes: 0 done, 3 an option or the wallet is wrong, 5 the node failed.\n\nExamples:\n  \
    optimize chain status --chain-endpoint wss://… --netuid 11 --wallet miner\n  \
    optimize chain status --chain-endpoint ws://127.0.0.1:9944 --netuid 11 --address 5F… --json"
)]
struct StatusArgs {
    #[command(flatten)]
    node: NodeArgs,

    #[command(flatten)]
    choice: HotkeyChoice,

    /// The hotkey's address; it goes before a wallet
    #[arg(long, value_name = "SS58")]
    address: Option<Address>,

    /// Print an object of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[command(
    mut_arg("chain_endpoint", |arg| arg.required(true)),
    mut_arg("netuid", |arg| arg.required(true)),
    after_help = format!("{CHANNELS}\n\n{EXIT_CODES}\n\n{EXAMPLES}"),
)]
pub struct SubmitArgs {
    /// The pack, as for `optimize pack hash`; its hash is committed
    #[arg(value_name = "PACK")]
    pack: String,

    /// The GitHub repository with pack.json at its root: owner/repo, at most 22 bytes
    #[arg(long, value_name = "OWNER/REPO", requires = "commit", conflicts_with = "url")]
    repo: Option<String>,

    /// The whole id of the commit, which must have been pushed already
    #[arg(long, value_name = "ID", requires = "repo")]
    commit: Option<String>,

    /// The address where pack.json lies, at most 63 bytes
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// The rules by which the benchmark counts; they name the channel
    #[arg(long, default_value = "clawbench-2026-02", value_parser = PossibleValuesParser::new(Profile::names()))]
    profile: String,

    /// How validators are told of the pack, where it is not as the profile says
    #[arg(long, value_name = "CHANNEL", value_parser = PossibleValuesParser::new(Channel::ALL.map(Channel::name)))]
    channel: Option<String>,

    #[command(flatten)]
    node: NodeArgs,

    #[command(flatten)]
    choice: HotkeyChoice,

    /// Where runs are kept, for packs of runs
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// Sign and send it; without this nothing is signed
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,

    /// Only say what would be done, which is also what is done without --yes
    #[arg(long)]
    dry_run: bool,

    /// Print the plan, or the receipt, as an object of JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  optimize chain submit packs/best --repo me/packs --commit $(git -C packs/best rev-parse HEAD) \\
      --chain-endpoint wss://… --netuid 11 --wallet miner
      what would be written, by whom, to which network
  optimize chain submit … --yes
      the same, written; again, it finds it there and does nothing";

/// Runs the command.
#[cfg(feature = "chain")]
pub fn run(args: ChainArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ChainCommand::Status(args) => status::run(&args),
        ChainCommand::Submit(args) => submit::run(&args),
    }
}

/// What a build without chains says.
pub const NO_CHAIN: &str = "this build has no chain: it was made without the feature `chain`, which is on by default \
                            (`cargo install --path .` has it)";

/// Says what is missing.
#[cfg(not(feature = "chain"))]
pub fn run(_: ChainArgs) -> anyhow::Result<ExitCode> {
    Err(crate::exit::BadInput(NO_CHAIN.into()).into())
}
