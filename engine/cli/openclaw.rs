//! `optimize openclaw`: sets up the real OpenClaw, captures its wording, and compares it with the built-in agent.

mod compare;

use crate::agents::profile_place;
use crate::cache_folder::cache_folder;
use crate::exit::{BadInput, Exit};
use crate::out;
use crate::signals::asked_to_stop;
use anyhow::Context;
use clap::{Args, Subcommand};
use packwright::agent::builtin::Limits;
use packwright::agent::openclaw::{self, OPENCLAW_VERSION};
use packwright::score::Profile;
use packwright::workspace::{SuiteSource, load_suite};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = "\
The built-in agent imitates the runtime that the benchmark uses; this is that runtime. In the usual order:
  optimize openclaw install       fetch it (about 500 MB, half a minute)
  optimize openclaw capture       learn its exact wording
  optimize --prompt-profile openclaw-2026.2.17 ...
                                  the built-in agent asks in these words: fast, and without a gateway
  optimize openclaw compare       check that both do the same
  optimize --agent openclaw ...   every episode through real gateways: slow, and beyond doubt")]
pub struct OpenClawArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand, Debug)]
enum Act {
    /// Fetch the pinned OpenClaw and Node from npm into the cache folder, and verify them
    Install,
    /// Run episodes with a scripted model through a gateway, and keep its wording as a prompt profile
    Capture {
        /// Where to write the profile; in the cache folder when absent, where --prompt-profile finds it by name
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Run the same scripted models through a gateway and the built-in agent, and show every difference
    Compare(compare::CompareArgs),
}

/// Runs the command.
pub fn run(args: OpenClawArgs) -> anyhow::Result<ExitCode> {
    match args.act {
        Act::Install => install(),
        Act::Capture { to } => capture(to),
        Act::Compare(args) => compare::run(&args),
    }
}

fn install() -> anyhow::Result<ExitCode> {
    let installed = openclaw::install(&cache_folder()?)?;
    out::line(format!(
        "OpenClaw {OPENCLAW_VERSION} is in {}: every package is the one that is pinned, and the place for the tool hook is there",
        installed.folder.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn capture(to: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let cache = cache_folder()?;
    let installed = openclaw::find(&cache).map_err(|error| BadInput(error.to_string()))?;
    let suite = load_suite(&SuiteSource::Embedded)?.suite;
    let scenario = suite.scenarios.first().context("the suite is empty")?;
    let limits = Limits::of(&Profile::named("clawbench-2026-02").context("a built-in profile")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let profile = runtime.block_on(async {
        let stop = asked_to_stop().context("listen to signals")?;
        // What is dropped here ends its gateways and removes their folders.
        tokio::select! {
            profile = openclaw::capture(installed, limits, scenario) => profile.map(Some),
            () = stop => anyhow::Ok(None),
        }
    })?;
    let Some(profile) = profile else { return Ok(Exit::Interrupted.into()) };
    let place = to.unwrap_or_else(|| profile_place(&cache, &profile.name));
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let text = serde_json::to_string_pretty(&profile)? + "\n";
    std::fs::write(&place, text).with_context(|| format!("write {}", place.display()))?;
    out::line(format!("{} is in {}", profile.name, place.display()));
    Ok(ExitCode::SUCCESS)
}
