//! `optimize export otlp`: the episodes of runs to a collector of traces.

use super::{chosen, run_id};
use crate::exit::{BadInput, Exit};
use crate::out;
use clap::Args;
use packwright::export::otlp::spans;
use packwright::export::send::{Collector, send, traces_address};
use packwright::report::plain;
use packwright::store::Store;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all was taken; 3 no endpoint, or a wrong one; 5 the collector did not take all"
)]
pub struct OtlpArgs {
    /// Ids of runs; the newest one when absent
    run: Vec<String>,

    /// All runs of the folder
    #[arg(long, conflicts_with = "run")]
    all: bool,

    /// The collector, as http://127.0.0.1:4318; OTEL_EXPORTER_OTLP_ENDPOINT when absent
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,

    /// A header with its value from a variable of the environment, as authorization:$OTLP_AUTH; besides those of
    /// OTEL_EXPORTER_OTLP_HEADERS
    #[arg(long, value_name = "NAME:$VARIABLE")]
    header: Vec<String>,

    /// Send what agents, tools and servers said, too: conversations, details of checks, error messages
    #[arg(long)]
    content: bool,

    /// Say what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub fn run(runs: &Path, args: &OtlpArgs) -> anyhow::Result<ExitCode> {
    let collector = collector(args)?;
    let folders = chosen(runs, &args.run, args.all)?;
    let all = gathered(&folders, args.content)?;
    let (episodes, address) = (all.len(), collector.address.clone());
    let content = if args.content { "with" } else { "without" };
    if args.dry_run {
        out::line(format!("would send {episodes} traces, {content} what was said, to {address}"));
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(send(&collector, all)) {
        Ok(sent) if sent.rejected == 0 => {
            out::line(format!("{} traces, {content} what was said, sent to {address}", sent.spans));
            if !sent.complaint.is_empty() {
                out::note(format_args!("warning: the collector says: {}", plain(&sent.complaint)));
            }
            Ok(ExitCode::SUCCESS)
        }
        Ok(sent) => {
            let (rejected, why) = (sent.rejected, plain(&sent.complaint));
            out::note(format_args!("error: the collector dropped {rejected} of {episodes} traces: {why}"));
            Ok(Exit::Infrastructure.into())
        }
        Err(error) => {
            out::note(format_args!("error: {}", plain(&format!("{error:#}"))));
            out::note(
                "Sending again gives the same ids, so nothing is doubled where the collector knows them.",
            );
            Ok(Exit::Infrastructure.into())
        }
    }
}

fn gathered(
    folders: &[PathBuf],
    content: bool,
) -> anyhow::Result<Vec<packwright::export::otlp::proto::Span>> {
    let mut all = Vec::new();
    for folder in folders {
        let store = Store::open_to_read(folder)?;
        let transcripts = if content { Some(store.transcripts()?) } else { None };
        all.extend(spans(&run_id(folder), &store.records()?, transcripts.as_deref())?);
    }
    Ok(all)
}

fn collector(args: &OtlpArgs) -> anyhow::Result<Collector> {
    let of_environment = || ENDPOINTS.iter().find_map(|name| std::env::var(name).ok());
    let Some(endpoint) = args.endpoint.clone().or_else(of_environment) else {
        let problem =
            "name the collector with --endpoint, as http://127.0.0.1:4318; nothing is sent by itself";
        return Err(BadInput(problem.to_owned()).into());
    };
    let address = traces_address(&endpoint).map_err(|error| BadInput(format!("{error:#}")))?;
    Ok(Collector { address, headers: headers(args)?, first_wait: Duration::from_secs(1) })
}

fn headers(args: &OtlpArgs) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let listed = HEADERS.iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    for pair in listed.split(',').filter(|pair| !pair.trim().is_empty()) {
        // The value may be a key, so it is never shown.
        let wrong =
            || BadInput("OTEL_EXPORTER_OTLP_HEADERS is a list such as name=value,other=value".to_owned());
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let (name, value) = header(name, value).ok_or_else(wrong)?;
        headers.insert(name, value);
    }
    for given in &args.header {
        let wrong = || {
            let name = given.split(':').next().unwrap_or_default();
            BadInput(format!(
                "--header {name}: write NAME:$VARIABLE, so that its value is not in the history of the shell"
            ))
        };
        let (name, variable) = given.split_once(":$").ok_or_else(wrong)?;
        let value = std::env::var(variable)
            .map_err(|_| BadInput(format!("--header {name}: the variable {variable} is not set")))?;
        let (name, value) = header(name, &value).ok_or_else(wrong)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}
