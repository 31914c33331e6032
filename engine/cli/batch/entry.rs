//! A run of a batch as the command line reads it.

use crate::run::RunArgs;
use clap::{CommandFactory, FromArgMatches, Parser};
use packwright::batch::Entry;
use packwright::scenario::problem::{Place, Problem, Severity};

/// Options that say how a run is begun or shown, not what it is.
const NOT_A_RUNS: [&str; 11] = [
    "resume",
    "runs",
    "json",
    "detach",
    "background",
    "keep-paused",
    "stay",
    "notify-from-stdin",
    "log-level",
    "timestamps",
    "help",
];

#[derive(Parser)]
#[command(no_binary_name = true, name = "optimize")]
struct Shell {
    #[command(flatten)]
    run: RunArgs,
}

/// The options that a run of a batch may have, without dashes.
pub fn known_options() -> Vec<String> {
    let command = Shell::command();
    let options = command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned);
    options.filter(|option| !NOT_A_RUNS.contains(&option.as_str())).collect()
}

/// The run, or everything that is wrong with it.
pub fn read_entry(entry: &Entry, file: &str) -> Result<RunArgs, Vec<Problem>> {
    if !entry.problems.is_empty() {
        return Err(entry.problems.clone());
    }
    let matches = Shell::command().try_get_matches_from(entry.words());
    let read = matches.and_then(|matches| Ok(Shell::from_arg_matches(&matches)?.run.given_in(&matches)));
    read.map_err(|error| vec![told(entry, file, &error.to_string())])
}

/// What is wrong with where messages go.
pub fn problems_of_channels(entry: &Entry, args: &RunArgs, file: &str) -> Vec<Problem> {
    let problems = match args.process.notify.wanted(None) {
        Ok(wanted) => wanted.problems,
        Err(error) => vec![format!("{error:#}")],
    };
    let place = |problem: &str| {
        let option = if problem.starts_with("--quiet-hours") { "quiet-hours" } else { "notify" };
        (option, entry.options.get(option).map_or(entry.place, |setting| setting.place))
    };
    problems
        .into_iter()
        .map(|text| {
            let (option, place) = place(&text);
            let message = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest).to_owned();
            problem(file, place, option, message)
        })
        .collect()
}

/// What the command line says, at the place of the option that it is about.
fn told(entry: &Entry, file: &str, text: &str) -> Problem {
    let lines: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    let words = lines.join(" ");
    let message = words.strip_prefix("error: ").unwrap_or(&words);
    let about = |option: &&String| {
        message.contains(&format!("--{option} ")) || message.contains(&format!("--{option}'"))
    };
    let option = entry.options.keys().find(about);
    let place = option.map_or(entry.place, |option| entry.options[option].place);
    problem(file, place, option.map_or(entry.name.as_str(), String::as_str), message.to_owned())
}

/// A mistake in a batch file.
pub fn problem(file: &str, place: Place, what: &str, message: String) -> Problem {
    let (file, what) = (file.to_owned(), what.to_owned());
    Problem { severity: Severity::Error, file, place: Some(place), what, message, help: None }
}
