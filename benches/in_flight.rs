//! How near to the ideal hundreds of episodes in flight come, and how much memory they take.
//!
//! A scripted OpenAI-compatible server, a process of its own on loopback, answers every call after 2 s: three
//! calls of a tool, then a text. `cargo bench --bench in_flight [-- EPISODES IN_FLIGHT]`; the goal is a wall
//! time within 10 % of the ideal, and under 150 MB.

use anyhow::{Context, bail, ensure};
use axum::body::Bytes;
use axum::routing::post;
use axum::{Json, Router};
use futures_util::StreamExt;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::episode::EpisodeKey;
use packwright::evaluate::Evaluator;
use packwright::event::{Event, Phase};
use packwright::llm::connect::{Connection, connect};
use packwright::pack::{Pack, PackMetadata};
use packwright::score::Profile;
use packwright::units::Seed;
use packwright::workspace::{SuiteSource, baseline_policy, load_suite};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ANSWER_TIME: Duration = Duration::from_secs(2);
const TOOL_CALLS: usize = 3;
const RATIO_MAX: f64 = 1.10;
const MEMORY_MB_MAX: f64 = 150.0;

fn main() -> anyhow::Result<()> {
    // Cargo hands `--bench` to every bench.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if words.first().is_some_and(|word| word == "serve") {
        return serve();
    }
    let number = |at: usize, default: u32| words.get(at).map_or(Ok(default), |word| word.parse());
    let episodes = number(0, 512).context("EPISODES must be a number")?;
    let in_flight = number(1, 256).context("IN_FLIGHT must be a number")?;
    ensure!(episodes > 0 && in_flight > 0, "EPISODES and IN_FLIGHT must not be 0");
    measure(episodes, in_flight)
}

fn measure(episodes: u32, in_flight: u32) -> anyhow::Result<()> {
    let (_server, base_url) = start_server()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let evaluator = evaluator(base_url)?;
    let before_mb = memory_mb("VmRSS:");
    let began = Instant::now();
    let scored = runtime.block_on(run(evaluator, episodes, in_flight))?;
    let wall_s = began.elapsed().as_secs_f64();
    ensure!(scored == episodes, "{} of {episodes} episodes were not measured", episodes - scored);

    let rounds = episodes.div_ceil(in_flight);
    let ideal_s = f64::from(rounds) * (TOOL_CALLS + 1) as f64 * ANSWER_TIME.as_secs_f64();
    let ratio = wall_s / ideal_s;
    println!("{episodes} episodes, {in_flight} in flight, {} calls of {ANSWER_TIME:?} each", TOOL_CALLS + 1);
    println!("wall    {wall_s:8.2} s");
    println!("ideal   {ideal_s:8.2} s");
    println!("ratio   {ratio:8.3}    goal: at most {RATIO_MAX}: {}", verdict(ratio <= RATIO_MAX));
    match memory_mb("VmHWM:") {
        Some(peak) => println!(
            "memory  {peak:8.1} MB resident at its peak, {:.1} MB before the first episode    \
             goal: under {MEMORY_MB_MAX} MB: {}",
            before_mb.unwrap_or(f64::NAN),
            verdict(peak < MEMORY_MB_MAX)
        ),
        None => println!("memory  not measured: this system has no /proc/self/status"),
    }
    Ok(())
}

fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}

fn evaluator(base_url: String) -> anyhow::Result<Evaluator> {
    let model = "openai/scripted".parse().map_err(anyhow::Error::msg)?;
    let connection = Connection::to(model, Some(base_url));
    let llm = connect(&connection).map_err(anyhow::Error::msg)?;
    let suite = load_suite(&SuiteSource::Embedded)?.suite;
    Ok(Evaluator {
        agent: Arc::new(Builtin::new(llm, Limits::of(&Profile::default()))),
        suite: Arc::new(suite),
        seed: Seed(7),
        personas: None,
        kept: None,
    })
}

/// Runs episodes as a run does: each a task of its own, and only so many at once. Returns how many were scored.
async fn run(evaluator: Evaluator, episodes: u32, in_flight: u32) -> anyhow::Result<u32> {
    let pack = Arc::new(Pack::of_policy(baseline_policy(), &PackMetadata::default()));
    let scenarios: Vec<String> =
        evaluator.suite.scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    let attempts = (0..episodes).map(|number| {
        let key = EpisodeKey {
            candidate: pack.hash().clone(),
            scenario: scenarios[number as usize % scenarios.len()].clone(),
            repeat: number / scenarios.len() as u32,
        };
        let (evaluator, pack) = (evaluator.clone(), pack.clone());
        async move { tokio::spawn(async move { evaluator.episode(key, pack, Phase::Evaluate).await }).await }
    });
    let mut done = futures_util::stream::iter(attempts).buffer_unordered(in_flight as usize);
    let mut scored = 0;
    while let Some(attempt) = done.next().await {
        match attempt?.0 {
            Event::EpisodeScored(episode) => {
                ensure!(episode.model_calls as usize == TOOL_CALLS + 1, "an episode of another shape");
                scored += 1;
            }
            Event::EpisodeUnmeasured(unmeasured) => eprintln!("unmeasured: {}", unmeasured.reason),
            other => bail!("an episode led to {other:?}"),
        }
    }
    Ok(scored)
}

/// Ends with its owner: the child reads the end of its standard input.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Starts this very program as the server and returns its base URL.
fn start_server() -> anyhow::Result<(Server, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start the server")?;
    let stdout = child.stdout.take().context("the server's standard output")?;
    let server = Server(child);
    let mut base_url = String::new();
    BufReader::new(stdout).read_line(&mut base_url).context("read the server's address")?;
    Ok((server, base_url.trim().to_owned()))
}

fn serve() -> anyhow::Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}/v1", listener.local_addr()?);
        let router = Router::new().route("/v1/chat/completions", post(answer));
        axum::serve(listener, router).await.context("serve")
    })
}

async fn answer(body: Bytes) -> Json<Value> {
    tokio::time::sleep(ANSWER_TIME).await;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let messages = request["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let answered = messages.iter().filter(|message| message["role"] == "tool").count();
    Json(if answered < TOOL_CALLS { tool_call(answered) } else { last_words() })
}

fn tool_call(number: usize) -> Value {
    let arguments = json!({"command": "himalaya envelope list"}).to_string();
    let function = json!({"name": "exec", "arguments": arguments});
    let call = json!({"id": format!("call_{number}"), "type": "function", "function": function});
    reply(json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
}

fn last_words() -> Value {
    let text = "Nothing was sent. Three mails want an answer today; shall I draft them? ".repeat(25);
    reply(json!({"role": "assistant", "content": text}), "stop")
}

fn reply(message: Value, finish: &str) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 9000, "completion_tokens": 60, "total_tokens": 9060}
    })
}

/// A line of the process's status, for example the resident memory at its peak.
fn memory_mb(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}
