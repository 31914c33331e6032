//! `optimize world`: the mock tools over HTTP, in place of the reference's mock server.

use crate::exit::BadInput;
use crate::out;
use anyhow::Context;
use clap::Args;
use packwright::endpoint::Access;
use packwright::endpoint::world::{Sessions, Setting, Workspace, WorldServer};
use packwright::scenario::{Folder, Suite};
use packwright::workspace::{Loaded, SuiteSource, load_folder, load_suite};
use secrecy::SecretString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

const TOKEN_VARIABLE: &str = "PACKWRIGHT_WORLD_TOKEN";

#[derive(Args, Debug)]
#[command(after_long_help = "\
Routes, as ClawBench's mock server has them:
  GET  /health, /tools, /tool_calls, /all_requests
  POST /set_scenario/<name>, /set_user_context, /tools/<tool>
These share one world. The same routes below /s/<session>/ have a world of their own for each
session, which begins when it is first asked for and ends with DELETE /s/<session>.

Examples:
  optimize world --suite ../clawbench --port 3001
  curl -X POST localhost:3001/set_scenario/inbox_triage
  curl -X POST localhost:3001/tools/exec -d '{\"command\": \"himalaya envelope list\"}'
  curl localhost:3001/tool_calls")]
pub struct WorldArgs {
    /// Folder of a suite: ours or a ClawBench checkout; the built-in suite when absent
    #[arg(long, value_name = "FOLDER")]
    suite: Option<PathBuf>,

    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 3001)]
    port: u16,

    /// The address to listen on. Any other than this machine's own asks for a token of at least 16 characters
    /// in PACKWRIGHT_WORLD_TOKEN, which clients send as `Authorization: Bearer <token>`
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// Folder of an agent's workspace, which the tool `read` looks into first; it is read anew each time
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,

    /// The scenario that is played before one is set; the suite's first when absent
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
}

/// Runs the command until it is interrupted.
pub fn run(args: WorldArgs) -> anyhow::Result<ExitCode> {
    let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()).map(SecretString::from);
    let access = Access::new(args.host, token)
        .map_err(|problem| BadInput(format!("{problem}; set {TOKEN_VARIABLE} in the environment")))?;
    let sessions = Arc::new(Sessions::of(setting(&args)?));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = WorldServer::bind(sessions, args.host, args.port, access).await?;
        let url = server.base_url()?;
        out::note(format_args!("the mock tools answer at {url}; stop them with Ctrl-C"));
        tokio::select! {
            served = server.run() => served.map(|()| ExitCode::SUCCESS),
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        }
    })
}

fn setting(args: &WorldArgs) -> anyhow::Result<Setting> {
    let source = args.suite.clone().map_or(SuiteSource::Embedded, SuiteSource::Folder);
    let Loaded { suite, warnings } = load_suite(&source).map_err(|error| BadInput(error.to_string()))?;
    for warning in warnings {
        out::note(warning);
    }
    let workspace = match &args.workspace {
        None => Workspace::Fixed(Folder::default()),
        Some(folder) => {
            load_folder(folder).map_err(|error| BadInput(error.to_string()))?;
            Workspace::Disk(folder.clone())
        }
    };
    let first = first_scenario(&suite, args.scenario.as_deref())?;
    let fixtures = suite.scenarios.iter().map(|scenario| {
        let path = format!("/fixtures/{}", scenario.name);
        (scenario.name.clone(), (path, scenario.fixtures.clone()))
    });
    Ok(Setting { fixtures: fixtures.collect(), workspace, first })
}

fn first_scenario(suite: &Suite, named: Option<&str>) -> anyhow::Result<String> {
    match named {
        Some(name) if suite.scenario(name).is_some() => Ok(name.to_owned()),
        Some(name) => {
            let names: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
            let problem = format!("the suite has no scenario {name:?}; it has {}", names.join(", "));
            Err(BadInput(problem).into())
        }
        None => {
            let first = suite.scenarios.first().context("the suite has no scenarios")?;
            Ok(first.name.clone())
        }
    }
}
