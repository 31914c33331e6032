//! The real OpenClaw as an agent: each worker is a gateway process with its own state, workspace and port. Its
//! model calls come to a proxy of ours, which asks the model, counts and limits; its tools are those of a world
//! of ours.
//!
//! A gateway hides trouble: it answers 200 with a sentence where the model failed, and runs go on after their
//! client has given up. So what happened is read from the proxy, never from the gateway's words, and a gateway
//! is ended after every attempt that did not end in order.

mod behaviour;
mod capture;
mod compare;
mod config;
mod conversation;
mod documents;
mod ending;
mod gateway;
mod install;
mod pin;
mod proxy;

use crate::agent::bootstrap::world;
use crate::agent::builtin::Limits;
use crate::agent::held::HeldFolder;
use crate::agent::prompt::PromptProfile;
use crate::agent::response::joined;
use crate::agent::{Agent, Task};
use crate::endpoint::Access;
use crate::endpoint::world::{Scene, Sessions, WorldServer};
use crate::episode::{Episode, FailureClass, Outcome};
use crate::llm::Llm;
use anyhow::Context;
use conversation::Conversation;
use documents::Documents;
use ending::Trouble;
use futures_util::future::BoxFuture;
use gateway::{Gateway, Post};
use proxy::Proxy;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

pub use behaviour::{Behaviour, behaviours};
pub use capture::capture;
pub use compare::{Comparison, Difference};
pub use documents::{programs_in, refuse_programs};
pub use install::{InstallError, Installed, OPENCLAW_VERSION, find, install};

/// A gateway's memory grows with its sessions.
const EPISODES_PER_GATEWAY: u32 = 100;

/// What gateways are made with.
#[derive(Clone)]
pub struct Settings {
    pub installed: Installed,
    /// How many gateways run at once.
    pub workers: usize,
    pub limits: Limits,
    /// The tools as the model is told of them, and what `session_status` says.
    pub prompt: PromptProfile,
}

/// An agent of real gateways.
pub struct OpenClaw {
    llm: Arc<dyn Llm>,
    settings: Settings,
    sessions: Arc<Sessions>,
    world_url: String,
    proxy: Proxy,
    world_server: JoinHandle<anyhow::Result<()>>,
    /// Gateways that wait for an episode.
    free: Mutex<Vec<Worker>>,
    permits: Semaphore,
    next_number: AtomicU64,
    /// Why no episode may be run any more.
    unsafe_because: OnceLock<String>,
    /// It goes when the agent does, since it holds conversations.
    work: HeldFolder,
}

struct Worker {
    gateway: Gateway,
    episodes: u32,
}

impl Drop for OpenClaw {
    fn drop(&mut self) {
        // The gateways before their folder.
        self.free.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.world_server.abort();
    }
}

impl OpenClaw {
    /// Opens the endpoints that gateways will need. Gateways are started when episodes come.
    pub async fn new(llm: Arc<dyn Llm>, settings: Settings) -> anyhow::Result<OpenClaw> {
        let sessions = Arc::new(Sessions::default());
        let host = Ipv4Addr::LOCALHOST.into();
        let server = WorldServer::bind(sessions.clone(), host, 0, Access::default()).await?;
        let world_url = server.base_url()?;
        let work = config::work_folder().context("make a folder for the gateways")?;
        Ok(OpenClaw {
            llm,
            sessions,
            world_url,
            proxy: Proxy::start().await?,
            world_server: tokio::spawn(server.run()),
            free: Mutex::default(),
            permits: Semaphore::new(settings.workers.max(1)),
            next_number: AtomicU64::new(1),
            unsafe_because: OnceLock::new(),
            work,
            settings,
        })
    }

    /// The resident memory of the gateways that wait, in bytes.
    pub fn memory_bytes(&self) -> Vec<u64> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.iter().filter_map(|worker| worker.gateway.memory_bytes()).collect()
    }

    async fn run(&self, task: &Task) -> Episode {
        let documents = match Documents::of(task) {
            Ok(documents) => documents,
            Err(problem) => return Episode::errored(problem, FailureClass::Setup),
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return Episode::errored("the gateways are closed".into(), FailureClass::Transient);
        };
        // Asked only now, since another episode may have found out while this one waited.
        if let Some(reason) = self.unsafe_because.get() {
            return Episode::errored(reason.clone(), FailureClass::Setup);
        }
        let mut worker = match self.worker().await {
            Ok(worker) => worker,
            Err(error) => return Episode::errored(format!("no gateway: {error:#}"), FailureClass::Transient),
        };
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let attempt = self.attempt_with(&mut worker, task, &documents, number).await;
        let ended_in_order = matches!(attempt.outcome, Outcome::Finished | Outcome::TurnLimit);
        worker.episodes += 1;
        if ended_in_order && worker.episodes < EPISODES_PER_GATEWAY {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        attempt
    }

    /// A gateway that waits, or a new one.
    async fn worker(&self) -> anyhow::Result<Worker> {
        let waiting = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut worker) = waiting
            && worker.gateway.is_running()
        {
            return Ok(worker);
        }
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let plan = config::Plan {
            folder: self.work.path().join(format!("gateway-{number}")),
            number,
            model_url: self.proxy.url_of(number),
            model_key: self.proxy.key().to_owned(),
            world_url: self.world_url.clone(),
            limits: self.settings.limits,
        };
        let gateway = Gateway::start(&self.settings.installed, &plan, &self.settings.prompt).await?;
        Ok(Worker { gateway, episodes: 0 })
    }

    async fn attempt_with(
        &self,
        worker: &mut Worker,
        task: &Task,
        documents: &Documents,
        number: u64,
    ) -> Episode {
        let wants_web =
            self.settings.prompt.optional_tools.iter().any(|tool| task.scenario.tools.contains(tool));
        // Nobody else on this machine can guess the key, which is all that leads to the world. By its end the
        // plugin knows whether to offer the tools that only some scenarios name.
        let secret: u128 = rand::random();
        let key = format!("agent:main:e{number}-{secret:032x}{}", if wants_web { ":web" } else { "" });
        let conversation = Arc::new(Conversation::new(
            self.llm.clone(),
            &self.settings,
            task,
            worker.gateway.pin(),
            self.sessions.clone(),
            &key,
        ));
        self.sessions.open(
            &key,
            Scene { scenario: task.scenario.name.clone(), world: world(task, &self.settings.prompt) },
        );
        let guard = self.proxy.listen(worker.gateway.number(), conversation.clone());
        let answer = self.ask(worker, documents, task, &key).await;
        drop(guard);
        let calls = self.sessions.take(&key).map(|session| session.into_world().into_calls());
        let heard = conversation.ended();
        if let Some(Trouble::Unsafe(reason)) = &heard.ending.trouble {
            let _ = self.unsafe_because.set(format!("the gateway was stopped: {reason}"));
        }
        let outcome = match &calls {
            Some(_) => heard.ending.outcome(&answer),
            None => Outcome::Errored {
                reason: "the episode's world was taken away".into(),
                class: FailureClass::Transient,
            },
        };
        // The gateway's words about a cut are not the agent's.
        let said = joined(&heard.texts, None);
        let response = match (&outcome, answer) {
            (Outcome::Finished, Ok(text)) => text,
            (Outcome::ContextFull, _) if said.is_empty() => self.settings.prompt.no_response.clone(),
            _ => said,
        };
        Episode {
            outcome,
            response,
            tool_calls: calls.unwrap_or_default(),
            model_calls: heard.ending.model_calls,
            usage: heard.usage,
            resolved_model: heard.resolved_model,
            transcript: heard.transcript,
            external: None,
        }
    }

    async fn ask(
        &self,
        worker: &mut Worker,
        documents: &Documents,
        task: &Task,
        key: &str,
    ) -> Result<String, String> {
        worker.gateway.lay_out(documents).map_err(|error| format!("prepare the workspace: {error}"))?;
        worker.gateway.post(&Post { session_key: key, text: task.scenario.prompt.trim() }).await
    }
}

impl Agent for OpenClaw {
    fn attempt<'a>(&'a self, task: &'a Task) -> BoxFuture<'a, Episode> {
        Box::pin(self.run(task))
    }
}
