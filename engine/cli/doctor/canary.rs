//! The canary: one whole episode, to see that the model calls tools and that an answer comes to an end.

use super::row::{Fault, Found, Row};
use super::sheet::Spent;
use crate::agents::AgentSettings;
use packwright::agent::Task;
use packwright::agent::builtin::Limits;
use packwright::episode::{Episode, ExternalCheck, FailureClass, Outcome, Usage};
use packwright::llm::Llm;
use packwright::llm::meter::Ledger;
use packwright::pack::Pack;
use packwright::persona::Personas;
use packwright::scenario::Suite;
use packwright::score::scorecard;
use packwright::units::Seed;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const NAME: &str = "canary";

/// What a canary is sent with.
pub struct Canary {
    pub agent: AgentSettings,
    /// None where an evaluator has its own.
    pub llm: Option<Arc<dyn Llm>>,
    pub suite: Arc<Suite>,
    pub pack: Arc<Pack>,
    pub limits: Limits,
    pub personas: Option<Personas>,
    pub seed: Seed,
}

impl Canary {
    /// Runs the start pack on the suite's first scenario that a search may use.
    pub async fn fly(self) -> Found<Spent> {
        let mut scenarios = self.suite.scenarios.iter().enumerate();
        let first = scenarios.find(|(_, scenario)| !scenario.held_out);
        let Some((place, scenario)) = first else { return (Row::needs(NAME, "budget"), None) };
        let ledger = Arc::new(Ledger::unlimited());
        let agent = match self.agent.connect(self.llm.clone(), self.limits, &ledger).await {
            Ok(connected) => connected.agent,
            Err(error) => {
                let finding = format!("the agent cannot begin: {error:#}");
                return (Row::failed(NAME, Fault::Infrastructure, finding, TRY_AGAIN), None);
            }
        };
        let began = Instant::now();
        let persona = self.personas.map(|personas| personas.of_episode(place, 0));
        let task = Task { scenario: scenario.clone(), pack: self.pack, persona, seed: self.seed, repeat: 0 };
        let episode = agent.attempt(&task).await;
        let row = judged(&task, &episode, began.elapsed());
        let spends = self.llm.is_none_or(|llm| !llm.name().starts_with("offline/"));
        let spent = Spent { replies: replies(&episode), usage: episode.usage };
        (row, spends.then_some(spent))
    }
}

const TRY_AGAIN: &str = "run `optimize doctor` again; without the canary: --no-canary";

fn judged(task: &Task, episode: &Episode, took: Duration) -> Row {
    let took = format!("{}: {}", task.scenario.name, account(episode, took));
    if let Outcome::Errored { reason, class } = &episode.outcome {
        return broken_off(&format!("the episode broke off: {reason}; {took}"), *class);
    }
    if let Err(error) = scorecard(&task.scenario.rubric, episode) {
        let finding = format!("the rubric could not score it: {error}; {took}");
        return Row::failed(NAME, Fault::Setup, finding, "see the scenario's rubric with `optimize check`");
    }
    if let Some(checks) = &episode.external {
        return by_evaluator(task, episode, checks, took);
    }
    match episode.outcome {
        _ if episode.tool_calls.is_empty() => Row::warning(
            NAME,
            format!("the model called no tool, and hardly a scenario can be done without; {took}"),
            "name a model that can call tools, or switch that on at its server (vLLM: \
             --enable-auto-tool-choice with a --tool-call-parser, llama.cpp: --jinja)",
        ),
        Outcome::TimedOut => Row::warning(
            NAME,
            format!("out of time before an answer, as it would be in the benchmark; {took}"),
            "name a faster model, or a smaller thinking or effort",
        ),
        Outcome::TurnLimit => Row::warning(
            NAME,
            format!("out of turns before an answer, as it would be in the benchmark; {took}"),
            "name another model: this one does not come to an end",
        ),
        Outcome::ContextFull => Row::warning(
            NAME,
            format!("the conversation outgrew what the model can read; {took}"),
            "name a model with a longer context, or serve it with one (llama.cpp: -c, Ollama: num_ctx, vLLM: \
             --max-model-len)",
        ),
        _ => Row::passed(NAME, took),
    }
}

/// What an evaluator outside of this program said.
fn by_evaluator(task: &Task, episode: &Episode, checks: &[ExternalCheck], took: String) -> Row {
    let passed = checks.iter().filter(|check| check.passed).count();
    let finding = format!("{passed} of {} checks passed; {took}", checks.len());
    match episode.outcome {
        Outcome::TimedOut => {
            let fix = format!("give it more time with --evaluator-time, if {} needs it", task.scenario.name);
            Row::warning(NAME, format!("out of time: {finding}"), fix)
        }
        _ => Row::passed(NAME, finding),
    }
}

fn broken_off(finding: &str, class: FailureClass) -> Row {
    let (fault, fix) = match class {
        FailureClass::Setup | FailureClass::Request | FailureClass::Limit => {
            (Fault::Setup, "mend what the message names, then run `optimize doctor` again")
        }
        FailureClass::Transient => (
            Fault::Infrastructure,
            "try again when the provider is well; a run waits for that by itself (--outage-wait)",
        ),
    };
    Row::failed(NAME, fault, finding, fix)
}

/// What an episode took.
fn account(episode: &Episode, took: Duration) -> String {
    let counted = |number: u64, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let tool_calls = counted(episode.tool_calls.len() as u64, "tool call");
    let model_calls = counted(u64::from(episode.model_calls), "model call");
    let calls = match episode.external {
        Some(_) => String::new(),
        None => format!("{tool_calls}, {model_calls}, "),
    };
    let tokens = match episode.usage {
        Usage { input_tokens: None, output_tokens: None, .. } => "tokens not counted".to_owned(),
        Usage { input_tokens, output_tokens, .. } => {
            format!("{} tokens in, {} out", input_tokens.unwrap_or(0), output_tokens.unwrap_or(0))
        }
    };
    format!("{calls}{tokens}, {:.1} s", took.as_secs_f64())
}

/// The last call of an episode that broke off had no reply.
fn replies(episode: &Episode) -> u32 {
    match episode.outcome {
        _ if episode.external.is_some() => 1,
        Outcome::Finished | Outcome::TurnLimit => episode.model_calls,
        _ => episode.model_calls.saturating_sub(1),
    }
}
