//! Replies kept: an `Llm` around an `Llm` that gives what the same run has been given before, so that an
//! episode or a proposal that was interrupted does not pay again for the turns it had.
//!
//! A reply serves the run that paid for it and the sample that it belongs to, never another: the run and the
//! request's seed are part of its key, so repeats stay independent and no verdict stands on an earlier run's.

use super::options::ModelOptions;
use super::{Finish, Llm, LlmError, Reply, Request};
use crate::cache::{Cache, Key, Kind};
use crate::episode::{AssistantTurn, Usage};
use crate::units::sha256_hex;
use crate::value::Value;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The version of the key and of what is kept.
const FORMAT: u32 = 1;
/// A cache that takes longer is waited for, which is no agent's slowness.
const DELAY_MIN: Duration = Duration::from_secs(1);

/// What a model's answers depend on besides the request. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelIdentity {
    /// `provider/model`.
    pub model: String,
    /// Where it answers.
    pub base_url: String,
    pub options: ModelOptions,
    /// Further headers; of those whose values may be secret, the names.
    pub headers: Vec<String>,
}

/// A model whose replies are kept. It stands around the retries: what they give is what is kept.
pub struct Cached {
    inner: Arc<dyn Llm>,
    identity: ModelIdentity,
    cache: Arc<Cache>,
}

impl Cached {
    pub fn new(inner: Arc<dyn Llm>, identity: ModelIdentity, cache: Arc<Cache>) -> Cached {
        Cached { inner, identity, cache }
    }

    async fn answer(&self, request: &Request) -> Result<Reply, LlmError> {
        let began = Instant::now();
        let key = self.key(request);
        if let Some(kept) = self.kept(key.as_ref()).await {
            return Ok(kept.recalled(began.elapsed()));
        }
        let asked = Instant::now();
        let mut reply = self.inner.complete(request).await?;
        let took = asked.elapsed();
        if let Some(key) = &key
            && let Ok(text) = serde_json::to_string(&Kept::of(&reply, took))
        {
            // Before anybody acts on it, so that a reply that was paid for is never lost.
            self.cache.keep(key, text).await;
        }
        reply.waited_ms += delay_ms(began.elapsed().saturating_sub(took));
        Ok(reply)
    }

    async fn kept(&self, key: Option<&Arc<Key>>) -> Option<Kept> {
        let key = key?;
        let found = self.cache.find(key).await?;
        let kept = serde_json::from_str(&found.text);
        kept.map_err(|error| self.cache.report_unreadable(key, &error)).ok()
    }

    /// None where a request cannot be written down; then it is simply asked.
    fn key(&self, request: &Request) -> Option<Arc<Key>> {
        let parts = Parts {
            format: FORMAT,
            model: &self.identity,
            run: self.cache.run(),
            seed: request.seed.0,
            request: digest(request).ok()?,
        };
        Key::of(Kind::Reply, &self.identity.model, &parts).ok().map(Arc::new)
    }
}

impl Llm for Cached {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn output_tokens_max(&self, request: &Request) -> Option<u32> {
        self.inner.output_tokens_max(request)
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(self.answer(request))
    }
}

/// What a reply depends on. How long an attempt may take is not among it.
#[derive(Serialize)]
struct Parts<'a> {
    format: u32,
    model: &'a ModelIdentity,
    run: &'a str,
    /// The sample: it follows from the run's seed, the candidate, the scenario and the repeat.
    seed: u64,
    /// The SHA-256 of everything that is sent.
    request: String,
}

fn digest(request: &Request) -> serde_json::Result<String> {
    let tool = |tool: &super::ToolSchema| -> (String, String, Value) {
        (tool.name.clone(), tool.description.clone(), tool.parameters.clone())
    };
    let tools: Vec<_> = request.tools.iter().map(tool).collect();
    let sent = (&request.system, &request.messages, tools, request.output_tokens_max);
    Ok(sha256_hex(serde_json::to_string(&sent)?.as_bytes()))
}

/// A reply as it is stored.
#[derive(Serialize, Deserialize)]
struct Kept {
    turn: AssistantTurn,
    finish: Finish,
    usage: Usage,
    resolved_model: Option<String>,
    /// The time that the model took, without waiting for retries.
    took_ms: u64,
}

impl Kept {
    fn of(reply: &Reply, took: Duration) -> Kept {
        Kept {
            turn: reply.turn.clone(),
            finish: reply.finish,
            usage: reply.usage,
            resolved_model: reply.resolved_model.clone(),
            took_ms: millis(took).saturating_sub(reply.waited_ms),
        }
    }

    fn recalled(self, looked: Duration) -> Reply {
        Reply {
            turn: self.turn,
            finish: self.finish,
            usage: self.usage,
            resolved_model: self.resolved_model,
            waited_ms: delay_ms(looked),
            recalled_ms: Some(self.took_ms),
        }
    }
}

fn delay_ms(delay: Duration) -> u64 {
    if delay < DELAY_MIN { 0 } else { millis(delay) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
