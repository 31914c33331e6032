//! `optimize lab --serve`: one world for other optimizers.

use crate::out;
use packwright::lab::{Definition, LabServer, World};
use packwright::units::Seed;
use serde_json::json;
use std::process::ExitCode;

/// Serves until interrupted. The first line on standard output says where, and the judge's token.
pub fn serve(definition: &Definition, seed: u64, budget: u32, port: u16) -> anyhow::Result<ExitCode> {
    let world = World::new(definition, Seed(seed));
    let token = format!("{:032x}", rand::random::<u128>());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = LabServer::bind(world, budget, port, token.clone().into()).await?;
        out::line(json!({ "url": server.base_url()?, "judge_token": token }));
        tokio::select! {
            served = server.run() => served.map(|()| ExitCode::SUCCESS),
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        }
    })
}
