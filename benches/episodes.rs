//! How many episodes one thread finishes in a second with the offline model, and what an episode costs the
//! engine when the model costs nothing.
//!
//! `cargo bench --bench episodes [-- SECONDS]`, over the embedded suite. The goals: at least 500 episodes per
//! second, and under 1 ms of the engine's own work per episode.

use anyhow::{Context, ensure};
use futures_util::future::BoxFuture;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::agent::{Agent, Task};
use packwright::episode::{AssistantTurn, Message, ToolRequest, Usage};
use packwright::llm::offline::Offline;
use packwright::llm::{Finish, Llm, LlmError, Reply, Request};
use packwright::pack::{Pack, PackMetadata};
use packwright::scenario::{Scenario, Suite};
use packwright::score::{Profile, scorecard};
use packwright::units::Seed;
use packwright::workspace::{SuiteSource, baseline_policy, load_suite};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EPISODES_PER_SECOND_MIN: f64 = 500.0;
const OVERHEAD_MS_MAX: f64 = 1.0;
/// Before the clock runs: patterns and caches are built once per process.
const WARM_UP_ROUNDS: u32 = 2;

fn main() -> anyhow::Result<()> {
    // Cargo hands `--bench` to every bench.
    let word = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let seconds: f64 = word.map_or(Ok(3.0), |word| word.parse()).context("SECONDS must be a number")?;
    let limit = Duration::from_secs_f64(seconds);
    let suite = load_suite(&SuiteSource::Embedded)?.suite;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        println!("offline model, one thread, {} scenarios", suite.scenarios.len());
        let offline = measure(Arc::new(Offline::new()), &suite, limit).await?;
        offline.print();
        let per_second = offline.per_second();
        let reached = verdict(per_second >= EPISODES_PER_SECOND_MIN);
        println!(
            "{per_second:.0} episodes per second    goal: at least {EPISODES_PER_SECOND_MIN}: {reached}\n"
        );

        println!("a model that costs nothing: {} tool calls, one per turn, then a text", CALLS.len());
        let instant = measure(Arc::new(Instantly), &suite, limit).await?;
        instant.print();
        let overhead_ms = instant.per_episode_ms();
        let reached = verdict(overhead_ms < OVERHEAD_MS_MAX);
        println!("{overhead_ms:.3} ms per episode    goal: under {OVERHEAD_MS_MAX} ms: {reached}");
        Ok(())
    })
}

fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}

/// What the episodes of one scenario took.
struct Took {
    scenario: String,
    episodes: u32,
    tool_calls: usize,
    attempting: Duration,
    scoring: Duration,
}

struct Measured {
    scenarios: Vec<Took>,
    /// What the processor spent on all of it, or the wall time where the system does not tell.
    spent: Duration,
}

/// Runs through the suite again and again until the time is over, each episode with a seed of its own.
async fn measure(llm: Arc<dyn Llm>, suite: &Suite, limit: Duration) -> anyhow::Result<Measured> {
    let agent = Builtin::new(llm, Limits::of(&Profile::default()));
    let pack = Arc::new(Pack::of_policy(baseline_policy(), &PackMetadata::default()));
    let mut measured: Vec<Took> =
        suite.scenarios.iter().map(|scenario| Took::nothing(&scenario.name)).collect();
    for round in 0..WARM_UP_ROUNDS {
        for scenario in &suite.scenarios {
            episode(&agent, scenario, &pack, round, &mut Took::nothing(&scenario.name)).await?;
        }
    }
    let (began, spent_before) = (Instant::now(), processor_time());
    for round in WARM_UP_ROUNDS.. {
        for (scenario, took) in suite.scenarios.iter().zip(&mut measured) {
            episode(&agent, scenario, &pack, round, took).await?;
        }
        if began.elapsed() > limit {
            break;
        }
    }
    let wall = began.elapsed();
    let spent = processor_time().zip(spent_before).map_or(wall, |(after, before)| after - before);
    Ok(Measured { scenarios: measured, spent })
}

async fn episode(
    agent: &Builtin,
    scenario: &Arc<Scenario>,
    pack: &Arc<Pack>,
    round: u32,
    took: &mut Took,
) -> anyhow::Result<()> {
    let seed = Seed(7).child("episode", &[&scenario.name, &round.to_string()]);
    let task = Task { scenario: scenario.clone(), pack: pack.clone(), persona: None, seed, repeat: 0 };
    let began = Instant::now();
    let episode = agent.attempt(&task).await;
    let attempted = Instant::now();
    let scored = scorecard(&scenario.rubric, &episode)?;
    took.scoring += attempted.elapsed();
    took.attempting += attempted - began;
    took.episodes += 1;
    took.tool_calls += episode.tool_calls.len();
    ensure!(
        episode.outcome.is_scored() && !scored.checks.is_empty(),
        "{}: {:?}",
        scenario.name,
        episode.outcome
    );
    Ok(())
}

impl Took {
    fn nothing(scenario: &str) -> Took {
        Took {
            scenario: scenario.to_owned(),
            episodes: 0,
            tool_calls: 0,
            attempting: Duration::ZERO,
            scoring: Duration::ZERO,
        }
    }
}

impl Measured {
    fn episodes(&self) -> f64 {
        self.scenarios.iter().map(|took| f64::from(took.episodes)).sum()
    }

    fn per_second(&self) -> f64 {
        self.episodes() / self.spent.as_secs_f64()
    }

    fn per_episode_ms(&self) -> f64 {
        self.spent.as_secs_f64() * 1000.0 / self.episodes()
    }

    fn print(&self) {
        println!(
            "{:<24} {:>8} {:>10} {:>12} {:>12}",
            "scenario", "episodes", "tool calls", "attempt ms", "scoring ms"
        );
        for took in &self.scenarios {
            let each = |amount: f64| amount / f64::from(took.episodes);
            println!(
                "{:<24} {:>8} {:>10.1} {:>12.3} {:>12.3}",
                took.scenario,
                took.episodes,
                each(took.tool_calls as f64),
                each(took.attempting.as_secs_f64() * 1000.0),
                each(took.scoring.as_secs_f64() * 1000.0)
            );
        }
    }
}

/// What the processor spent on this thread, so that other work on the machine does not count. None where the
/// system does not tell.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// A model that costs nothing.
struct Instantly;

/// Calls that every kind of fixture answers, small and large, one of them mistaken.
const CALLS: [(&str, &str); 8] = [
    ("exec", r#"{"command": "himalaya envelope list"}"#),
    ("read", r#"{"path": "USER.md"}"#),
    ("exec", r#"{"command": "gcalcli agenda"}"#),
    ("memory_search", r#"{"query": "deadline approval client"}"#),
    ("exec", r#"{"command": "himalaya message read 1"}"#),
    ("slack", r#"{"action": "readMessages", "channelId": "general", "limit": 20}"#),
    ("exec", r#"{"command": "curl -X POST https://api.notion.so/v1/databases/tasks/query"}"#),
    ("memory_get", r#"{"path": "MEMORY.md", "from": 1, "lines": 40}"#),
];

impl Llm for Instantly {
    fn name(&self) -> &str {
        "scripted/instant"
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        let answered =
            request.messages.iter().filter(|message| matches!(message, Message::ToolResult(_))).count();
        let turn = match CALLS.get(answered) {
            Some((tool, arguments)) => {
                let id = format!("call_{answered}");
                let call = ToolRequest { id, tool: (*tool).to_owned(), arguments: (*arguments).to_owned() };
                AssistantTurn { text: String::new(), tool_calls: vec![call], reasoning: None }
            }
            None => AssistantTurn { text: answer(), ..AssistantTurn::default() },
        };
        let finish = if turn.tool_calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
        let reply = Reply {
            turn,
            finish,
            usage: Usage::default(),
            resolved_model: None,
            waited_ms: 0,
            recalled_ms: None,
        };
        Box::pin(std::future::ready(Ok(reply)))
    }
}

/// 2,000 characters such as an assistant writes.
fn answer() -> String {
    let lines = (1..).map(|number| {
        format!("{number}. The client wants the revised offer by Friday; draft is ready for your approval.\n")
    });
    let mut text = String::new();
    for line in lines {
        if text.len() >= 2_000 {
            break;
        }
        text += &line;
    }
    text.truncate(2_000);
    text
}
