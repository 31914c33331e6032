//! `optimize offline-llm`: the offline model behind an OpenAI-compatible endpoint.

use crate::out;
use clap::Args;
use packwright::endpoint::model::ModelServer;
use packwright::llm::offline::Offline;
use packwright::units::Seed;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Args, Debug)]
pub struct OfflineLlmArgs {
    /// The loopback port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,

    /// Seed of the model's randomness; requests may bring a `seed` of their own
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs the command until it is interrupted.
pub fn run(args: OfflineLlmArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = ModelServer::bind(Arc::new(Offline::new()), args.port, Seed(args.seed)).await?;
        out::note(format_args!("the offline model answers at {}; stop it with Ctrl-C", server.base_url()?));
        tokio::select! {
            served = server.run() => served.map(|()| ExitCode::SUCCESS),
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        }
    })
}
