//! `optimize lab`: whole optimizations against simulated worlds whose truth is known.

mod calibrate;
mod serve;
mod tables;

use crate::exit::BadInput;
use crate::out;
use anyhow::Context;
use clap::Args;
use packwright::lab::{Definition, Night, Strategy, World, night, survey};
use packwright::units::Seed;
use rayon::prelude::*;
use serde_json::Value;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tables::Family;

#[derive(Args, Debug)]
#[command(after_long_help = "\
Families: default, noisy, rugged, non-local, neutral, harmful, null, long. Strategies: search (this program's),
hill-climb-1, hill-climb-3, blind-5, blind-10, blind-20, blind-40, no-pooling.

Examples:
  optimize lab
      all families and strategies, 30 nights each
  optimize lab --worlds default,null --strategies search,hill-climb-3 --seeds 100
  optimize lab --world ./mine.yaml --json mine.json
  optimize lab --calibrate --quick
  optimize lab --serve 8099 --world noisy --seed 7

--serve answers on this machine, until it is stopped, for other optimizers:
  GET  /world                 scenarios, checks, the policy to beat, the budget
  POST /episode               one episode, as external evaluators answer it; 403 when the budget is spent
  POST /v1/chat/completions   the writer, in the OpenAI dialect
  POST /judge, GET /ledger    the truth, for who sends the token of the first line
docs/lab.md says more.")]
pub struct LabArgs {
    /// The families of worlds, by name [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "world")]
    worlds: Vec<String>,

    /// One family, by name or by the file of a definition of your own
    #[arg(long, value_name = "NAME|FILE")]
    world: Option<String>,

    /// Nights for each family and strategy, each in a world of its own
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,

    /// The seed of the first world
    #[arg(long, value_name = "SEED", default_value_t = 1000)]
    first_seed: u64,

    /// Episodes of a night [default: what the definition says; with --calibrate, several]
    #[arg(long, value_name = "EPISODES")]
    budget: Option<u32>,

    /// What spends the nights: names separated by commas, or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all")]
    strategies: Vec<String>,

    /// Compare the search with itself, with so many proposals side by side, instead of the strategies
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', conflicts_with = "strategies", value_parser = clap::value_parser!(u32).range(1..=1000))]
    parallel_proposals: Vec<u32>,

    /// Nights at once [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// Write all numbers to a file, those of each night included
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Spend no nights: say what the worlds are like by their truth
    #[arg(long, conflicts_with = "json")]
    survey: bool,

    /// Count how often what the search states is right, over luck, sizes of suites and budgets
    #[arg(long, conflicts_with_all = ["worlds", "world", "seeds", "strategies", "survey"])]
    calibrate: bool,

    /// Nights for each cell of --calibrate
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "calibrate", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    nights: u64,

    /// Only some cells of --calibrate: luck 0.4 and 1.4, 3 and 12 scenarios, budgets 60, 200 and 800
    #[arg(long, requires = "calibrate")]
    quick: bool,

    /// Serve one world on this loopback port; 0 takes a free one
    #[arg(long, value_name = "PORT", conflicts_with_all = ["worlds", "seeds", "strategies", "survey", "calibrate", "json"])]
    serve: Option<u16>,

    /// The seed of the world that is served
    #[arg(long, value_name = "SEED", default_value_t = 1000, requires = "serve")]
    seed: u64,
}

/// Runs the command.
pub fn run(args: LabArgs) -> anyhow::Result<ExitCode> {
    if let Some(port) = args.serve {
        let definition = definition(args.world.as_deref().unwrap_or("default"))?;
        return serve::serve(&definition, args.seed, args.budget.unwrap_or(definition.budget), port);
    }
    let definitions = definitions(&args)?;
    if let Some(file) = &args.json {
        // Before the nights, not after them, which may be hours.
        File::options()
            .create(true)
            .append(true)
            .open(file)
            .map_err(|error| BadInput(format!("cannot write {}: {error}", file.display())))?;
    }
    if let Some(jobs) = args.jobs {
        rayon::ThreadPoolBuilder::new().num_threads(jobs.max(1)).build_global().context("begin the work")?;
    }
    if args.calibrate {
        write(&args, &calibrate::calibrate(args.quick, args.budget, args.nights, args.first_seed))?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.survey {
        for definition in &definitions {
            let surveys = seeds(&args).map(|seed| survey(&World::new(definition, seed))).collect::<Vec<_>>();
            out::line(tables::survey(definition, &surveys));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let widths = args.parallel_proposals.iter().map(|width| Strategy::Search { width: Some(*width) });
    let strategies =
        if args.parallel_proposals.is_empty() { strategies(&args.strategies)? } else { widths.collect() };
    let mut families = Vec::new();
    for definition in &definitions {
        let family = family(&args, definition, &strategies);
        out::line(tables::text(&family));
        families.push(family);
    }
    write(&args, &tables::document(&families))?;
    Ok(ExitCode::SUCCESS)
}

fn write(args: &LabArgs, document: &Value) -> anyhow::Result<()> {
    let Some(file) = &args.json else { return Ok(()) };
    let text = serde_json::to_string_pretty(document)?;
    std::fs::write(file, text + "\n").with_context(|| format!("write {}", file.display()))
}

fn family(args: &LabArgs, definition: &Definition, strategies: &[Strategy]) -> Family {
    let budget = args.budget.unwrap_or(definition.budget);
    let began = Instant::now();
    let nights: Vec<Vec<Night>> = seeds(args)
        .map(|seed| {
            let world = World::new(definition, seed);
            strategies.iter().map(|strategy| night(&world, budget, *strategy)).collect()
        })
        .collect();
    let count = nights.len() * strategies.len();
    let seconds = began.elapsed().as_secs_f64();
    let name = &definition.name;
    out::note(format_args!(
        "{name}: {count} nights in {seconds:.1} s ({:.3} s each)",
        seconds / count as f64
    ));
    let of = |at: usize| nights.iter().map(|night| night[at].clone()).collect();
    let strategies = strategies.iter().enumerate().map(|(at, strategy)| (strategy.name(), of(at))).collect();
    Family { name: name.clone(), about: definition.about.clone(), budget, strategies }
}

fn seeds(args: &LabArgs) -> impl IndexedParallelIterator<Item = Seed> {
    let first = args.first_seed;
    (0..args.seeds as usize).into_par_iter().map(move |at| Seed(first.wrapping_add(at as u64)))
}

fn definitions(args: &LabArgs) -> anyhow::Result<Vec<Definition>> {
    match &args.world {
        Some(world) => Ok(vec![definition(world)?]),
        None if args.worlds.is_empty() => Ok(Definition::names().filter_map(Definition::named).collect()),
        None => args.worlds.iter().map(|name| Ok(named(name)?)).collect(),
    }
}

/// A built-in family, or what a file says.
fn definition(world: &str) -> anyhow::Result<Definition> {
    let is_file = world.contains(['/', '\\', '.']);
    if !is_file {
        return Ok(named(world)?);
    }
    let text = std::fs::read_to_string(world).map_err(|error| BadInput(format!("read {world}: {error}")))?;
    let (definition, problems) = Definition::read(&text, world);
    let Some(definition) = definition else {
        let problems = problems.iter().map(|problem| format!("\n{problem}")).collect::<String>();
        return Err(BadInput(format!(
            "{world} is no definition of a world (docs/lab.md has the keys){problems}"
        ))
        .into());
    };
    problems.iter().for_each(out::note);
    Ok(definition)
}

fn named(name: &str) -> Result<Definition, BadInput> {
    let names = || Definition::names().collect::<Vec<_>>().join(", ");
    Definition::named(name).ok_or_else(|| {
        BadInput(format!(
            "no family of worlds is called {name:?}; there are {}, and `--world ./FILE.yaml` reads one of yours",
            names()
        ))
    })
}

fn strategies(names: &[String]) -> Result<Vec<Strategy>, BadInput> {
    let mut chosen = Vec::new();
    for name in names {
        let found = match name.as_str() {
            "all" => Strategy::all(),
            name => vec![Strategy::named(name).ok_or_else(|| {
                let names: Vec<String> = Strategy::all().into_iter().map(Strategy::name).collect();
                BadInput(format!("no strategy is called {name:?}; there are {}, and all", names.join(", ")))
            })?],
        };
        chosen.extend(found.into_iter().filter(|strategy| !chosen.contains(strategy)).collect::<Vec<_>>());
    }
    Ok(chosen)
}
