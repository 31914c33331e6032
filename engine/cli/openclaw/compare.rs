//! `optimize openclaw compare`: scripted models through a gateway and through the built-in agent, side by side.

use crate::agents::read_profile;
use crate::cache_folder::cache_folder;
use crate::exit::{BadInput, Exit};
use crate::out;
use crate::signals::asked_to_stop;
use anyhow::Context;
use clap::Args;
use packwright::agent::builtin::Limits;
use packwright::agent::openclaw::{self, Behaviour, Comparison, Difference, OPENCLAW_VERSION, behaviours};
use packwright::scenario::Suite;
use packwright::score::Profile;
use packwright::workspace::{SuiteSource, load_suite};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args, Debug)]
pub struct CompareArgs {
    /// Folders of suites to compare on, besides the built-in one
    #[arg(long, value_name = "FOLDER")]
    suite: Vec<PathBuf>,

    /// Only this scenario
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,

    /// Only the behaviours whose name contains this
    #[arg(long, value_name = "TEXT")]
    behaviour: Option<String>,

    /// The captured wording with which the built-in agent asks
    #[arg(long, value_name = "NAME|FILE", default_value_t = format!("openclaw-{OPENCLAW_VERSION}"))]
    prompt_profile: String,

    /// The rules whose limits hold
    #[arg(long, default_value = "clawbench-2026-02", value_parser = clap::builder::PossibleValuesParser::new(Profile::names()))]
    profile: String,
}

/// What was compared so far.
#[derive(Default)]
struct Tally {
    episodes: u32,
    differing: u32,
    differences: usize,
}

/// Compares, and fails with the exit code of a failure where anything differs.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let wanted = |name: &str| args.behaviour.as_ref().is_none_or(|part| name.contains(part.as_str()));
    let behaviours: Vec<_> = behaviours().into_iter().filter(|behaviour| wanted(behaviour.name)).collect();
    if behaviours.is_empty() {
        let part = args.behaviour.as_deref().unwrap_or_default();
        return Err(BadInput(format!("no behaviour has {part:?} in its name")).into());
    }
    let installed = openclaw::find(&cache_folder()?).map_err(|error| BadInput(error.to_string()))?;
    let prompt = read_profile(&args.prompt_profile)?;
    let profile = Profile::named(&args.profile).expect("the command line admits only built-in names");
    let settings = openclaw::Settings { installed, workers: 1, limits: Limits::of(&profile), prompt };
    let mut suites = vec![SuiteSource::Embedded];
    suites.extend(args.suite.iter().cloned().map(SuiteSource::Folder));
    let mut loaded = Vec::new();
    for source in &suites {
        loaded.push(load_suite(source).map_err(|error| BadInput(error.to_string()))?.suite);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = asked_to_stop().context("listen to signals")?;
        tokio::select! {
            compared = compare(args, settings, &loaded, &behaviours) => compared,
            () = stop => Ok(Exit::Interrupted.into()),
        }
    })
}

async fn compare(
    args: &CompareArgs,
    settings: openclaw::Settings,
    suites: &[Suite],
    behaviours: &[Behaviour],
) -> anyhow::Result<ExitCode> {
    let scenarios: Vec<_> = suites.iter().flat_map(|suite| &suite.scenarios).collect();
    let scenarios: Vec<_> = scenarios
        .into_iter()
        .filter(|scenario| args.scenario.as_ref().is_none_or(|name| *name == scenario.name))
        .collect();
    let Some(first) = scenarios.first() else {
        return Err(BadInput("there is no scenario to compare on".into()).into());
    };
    let mut comparison = Comparison::new(settings).await?;
    comparison.warm_up(first).await?;
    let mut tally = Tally::default();
    for scenario in &scenarios {
        for behaviour in behaviours {
            let differences = comparison.compare(scenario, behaviour).await;
            tally.episodes += 1;
            tally.differing += u32::from(!differences.is_empty());
            tally.differences += differences.len();
            tell(&scenario.name, behaviour.name, &differences);
        }
    }
    conclude(&comparison, &tally, scenarios.len(), behaviours.len());
    Ok(if tally.differences == 0 { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

fn tell(scenario: &str, behaviour: &str, differences: &[Difference]) {
    for difference in differences {
        out::line(format!("{scenario}, {behaviour}: {}", difference.what));
        out::line(format!("  gateway  {:?}", difference.gateway));
        out::line(format!("  built-in {:?}", difference.builtin));
    }
}

fn conclude(comparison: &Comparison, tally: &Tally, scenarios: usize, behaviours: usize) {
    out::line(format!(
        "{} differences in {} of {} pairs of episodes ({scenarios} scenarios, {behaviours} behaviours)",
        tally.differences, tally.differing, tally.episodes
    ));
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / f64::from(tally.episodes.max(1));
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    out::line("           time per episode   memory");
    out::line(format!(
        "gateway    {:13.1} ms   {:.0} MB",
        each(comparison.gateway_time),
        megabytes(comparison.gateway_memory_bytes())
    ));
    out::line(format!(
        "built-in   {:13.1} ms   {:.0} MB (all of this program)",
        each(comparison.builtin_time),
        megabytes(own_memory_bytes())
    ));
}

/// The resident memory of this program; 0 where the system does not say.
fn own_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default() * 1024
}
