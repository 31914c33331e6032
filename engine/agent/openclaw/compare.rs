//! Whether the built-in agent does what a gateway does: both play the same scripts, and what the model was sent,
//! what reached the world, what was answered and how it scored must be equal.

use crate::agent::builtin::Builtin;
use crate::agent::openclaw::behaviour::{Behaviour, Policy};
use crate::agent::openclaw::{OpenClaw, Settings};
use crate::agent::{Agent, Task};
use crate::episode::{Episode, Message};
use crate::llm::scripted::Scripted;
use crate::llm::{Llm, LlmError, Reply, Request};
use crate::pack::{Pack, PackMetadata};
use crate::persona::{FIRST_EPOCH, NETUID, Persona};
use crate::scenario::Scenario;
use crate::score::scorecard;
use crate::units::Seed;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much of two texts is shown from where they part, in characters.
const SHOWN_CHARS: usize = 160;

/// A gateway and a built-in agent that ask the same model.
pub struct Comparison {
    stage: Arc<Stage>,
    gateway: OpenClaw,
    builtin: Builtin,
    pub gateway_time: Duration,
    pub builtin_time: Duration,
}

/// One way in which the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: String,
    pub gateway: String,
    pub builtin: String,
}

impl Comparison {
    pub async fn new(settings: Settings) -> anyhow::Result<Comparison> {
        let stage = Arc::new(Stage::default());
        let mut builtin = Builtin::new(stage.clone(), settings.limits);
        builtin.prompt = settings.prompt.clone();
        let gateway = OpenClaw::new(stage.clone(), settings).await?;
        Ok(Comparison { stage, gateway, builtin, gateway_time: Duration::ZERO, builtin_time: Duration::ZERO })
    }

    /// The resident memory of the gateway, in bytes.
    pub fn gateway_memory_bytes(&self) -> u64 {
        self.gateway.memory_bytes().into_iter().sum()
    }

    /// Starts the gateway, so that its start does not count as an episode's time.
    pub async fn warm_up(&mut self, scenario: &Arc<Scenario>) -> anyhow::Result<()> {
        let first = Behaviour { name: "", policy: Policy::Short, script: vec![Reply::says("Hello.")] };
        let task = Task {
            scenario: scenario.clone(),
            pack: Arc::new(pack(first.policy)),
            persona: None,
            seed: Seed(0),
            repeat: 0,
        };
        let (episode, _) = self.stage.play(&first.script, self.gateway.attempt(&task)).await;
        anyhow::ensure!(episode.outcome.is_scored(), "the gateway does not work: {:?}", episode.outcome);
        Ok(())
    }

    /// Plays a behaviour through both and tells where they differ.
    pub async fn compare(&mut self, scenario: &Arc<Scenario>, behaviour: &Behaviour) -> Vec<Difference> {
        let task = Task {
            scenario: scenario.clone(),
            pack: Arc::new(pack(behaviour.policy)),
            persona: persona(behaviour.policy),
            seed: Seed(0),
            repeat: 0,
        };
        let began = Instant::now();
        let gateway = self.stage.play(&behaviour.script, self.gateway.attempt(&task)).await;
        self.gateway_time += began.elapsed();
        let began = Instant::now();
        let builtin = self.stage.play(&behaviour.script, self.builtin.attempt(&task)).await;
        self.builtin_time += began.elapsed();
        let mut differences = Differences::default();
        differences.requests(&gateway.1, &builtin.1);
        differences.episodes(&gateway.0, &builtin.0, scenario);
        differences.0
    }
}

/// A model whose script can be changed.
#[derive(Default)]
struct Stage {
    script: Mutex<Option<Arc<Scripted>>>,
}

impl Stage {
    /// Plays an episode to a script, and returns what the model was asked.
    async fn play(&self, script: &[Reply], episode: BoxFuture<'_, Episode>) -> (Episode, Vec<Request>) {
        let script = Arc::new(Scripted::in_turn(script.iter().cloned().map(Ok)));
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Some(script.clone());
        let episode = episode.await;
        (episode, script.requests())
    }
}

impl Llm for Stage {
    fn name(&self) -> &str {
        "scripted/compare"
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        let script = self.script.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            match script {
                Some(script) => script.complete(request).await,
                None => Scripted::in_turn([]).complete(request).await,
            }
        })
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn requests(&mut self, gateway: &[Request], builtin: &[Request]) {
        self.text("number of requests", &gateway.len().to_string(), &builtin.len().to_string());
        for (number, (one, other)) in gateway.iter().zip(builtin).enumerate() {
            let what = |part: &str| format!("request {}, {part}", number + 1);
            self.text(&what("system prompt"), &one.system, &other.system);
            self.text(&what("tools"), &tools_text(one), &tools_text(other));
            let count = one.messages.len().max(other.messages.len());
            for at in 0..count {
                let [one, other] = [one, other].map(|request| request.messages.get(at).map(message_text));
                let part = format!("message {}", at + 1);
                self.text(&what(&part), &one.unwrap_or_default(), &other.unwrap_or_default());
            }
        }
    }

    fn episodes(&mut self, gateway: &Episode, builtin: &Episode, scenario: &Scenario) {
        self.text("outcome", &format!("{:?}", gateway.outcome), &format!("{:?}", builtin.outcome));
        if !gateway.outcome.is_scored() {
            // Two failures are not an agreement.
            self.text("failure", &format!("{:?}", gateway.outcome), "");
        }
        self.text("tool calls", &calls_text(gateway), &calls_text(builtin));
        self.text("final text", &gateway.response, &builtin.response);
        let score = |episode| match scorecard(&scenario.rubric, episode) {
            Ok(card) => format!("{card:?}"),
            Err(error) => error.to_string(),
        };
        self.text("scorecard", &score(gateway), &score(builtin));
    }

    fn text(&mut self, what: &str, gateway: &str, builtin: &str) {
        if gateway != builtin {
            let parting = gateway.chars().zip(builtin.chars()).take_while(|(a, b)| a == b).count();
            let shown =
                |text: &str| text.chars().skip(parting.saturating_sub(30)).take(SHOWN_CHARS).collect();
            self.0.push(Difference {
                what: what.to_owned(),
                gateway: shown(gateway),
                builtin: shown(builtin),
            });
        }
    }
}

fn tools_text(request: &Request) -> String {
    let tools = request
        .tools
        .iter()
        .map(|tool| format!("{} {} {}", tool.name, tool.description, tool.parameters.compact()));
    tools.collect::<Vec<_>>().join("\n")
}

/// A message without what the wire does not carry: whether a result is an error, and reasoning.
fn message_text(message: &Message) -> String {
    match message {
        Message::User(text) => format!("user {text}"),
        Message::Assistant(turn) => {
            let calls =
                turn.tool_calls.iter().map(|call| format!("\n{} {} {}", call.id, call.tool, call.arguments));
            format!("assistant {}{}", turn.text, calls.collect::<String>())
        }
        Message::ToolResult(result) => format!("result {} {} {}", result.id, result.tool, result.content),
    }
}

fn calls_text(episode: &Episode) -> String {
    let calls = episode
        .tool_calls
        .iter()
        .map(|call| format!("{} {} {}", call.tool, call.args.compact(), call.response.compact()));
    calls.collect::<Vec<_>>().join("\n")
}

fn pack(policy: Policy) -> Pack {
    const RULES: &str = "# Rules\n\nBe brief. Ask before you send.";
    let files: Vec<(&str, String)> = match policy {
        Policy::Short => vec![("AGENTS.md", RULES.to_owned())],
        Policy::Long(length) | Policy::ForPersona(length) => vec![("AGENTS.md", numbered_lines(length))],
        Policy::Odd => {
            let text = "---\ntitle: x\n---\n\n  Grüße 🚀\r\nzwei\r\n\r\n{{USER_NAME}} {workspace} \u{a0}\u{feff} \n\n";
            vec![("AGENTS.md", text.to_owned())]
        }
        Policy::OwnFiles => ["AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md", "HEARTBEAT.md"]
            .map(|name| (name, format!("Our own {name}.\n")))
            .into(),
        Policy::EmptyFile => vec![("AGENTS.md", RULES.to_owned()), ("SOUL.md", " \n\n".to_owned())],
        Policy::Memory => vec![("AGENTS.md", RULES.to_owned()), ("MEMORY.md", "A note.\n".to_owned())],
    };
    let pack = Pack::of_policy("", &PackMetadata::default());
    files.iter().fold(pack, |pack, (name, text)| pack.with_file(name, text))
}

/// Whom the agent works for.
fn persona(policy: Policy) -> Option<Persona> {
    matches!(policy, Policy::ForPersona(_)).then(|| Persona::of_epoch(NETUID, FIRST_EPOCH))
}

fn numbered_lines(length: usize) -> String {
    let mut text = String::with_capacity(length + 40);
    let mut number = 0;
    while text.len() < length {
        number += 1;
        text.push_str(&format!("{number}. A rule that says little and takes its place.\n"));
    }
    text.truncate(length - 1);
    text.push('.');
    text
}
