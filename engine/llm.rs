//! Language models: the trait that every client implements, and the requests and replies it speaks.
//!
//! Cache, meter and retry are each an `Llm` around an `Llm`. Nothing here knows about scenarios or packs.

pub mod anthropic;
pub mod cache;
pub mod connect;
mod failure;
pub mod gemini;
pub mod http;
pub mod meter;
pub mod offline;
pub mod openai;
pub mod options;
pub mod pricing;
pub mod provider;
pub mod retry;
pub mod scripted;
pub mod secrets;
mod usage;
pub mod variables;

use crate::budget::Limit;
use crate::episode::{AssistantTurn, FailureClass, Message, ToolRequest, Usage};
use crate::units::Seed;
use crate::value::Value;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A language model that completes a conversation by one assistant turn.
pub trait Llm: Send + Sync {
    /// `provider/model`, as the user named it.
    fn name(&self) -> &str;

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>>;

    /// The most tokens that a reply can have, as the provider is told; none where nothing limits it.
    fn output_tokens_max(&self, request: &Request) -> Option<u32> {
        request.output_tokens_max
    }
}

/// A conversation to be continued.
#[derive(Clone, Debug)]
pub struct Request {
    pub system: String,
    pub messages: Vec<Message>,
    pub tools: Arc<[ToolSchema]>,
    /// More output than this is of no use to who asks; what the model can write may be less. None leaves the
    /// limit to the model's options.
    pub output_tokens_max: Option<u32>,
    /// Where the model draws its randomness from. Only models that run inside this program use it;
    /// it is never sent to a provider.
    pub seed: Seed,
    /// The longest that one attempt may take, in milliseconds; reaching it is `DeadlineReached`. Waiting
    /// between attempts does not count. None leaves it to the client.
    pub attempt_ms_max: Option<u64>,
    /// Raised with every attempt at this request that failed and is made again.
    pub failed_attempts: FailedAttempts,
}

/// A count that can be read while a call is under way, by those who may hang up before it ends. Clones count
/// together.
#[derive(Clone, Debug, Default)]
pub struct FailedAttempts(Arc<AtomicU32>);

impl FailedAttempts {
    pub fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Request {
    /// The bytes of all that the model reads, with room for what a provider's frame adds: no tokenizer makes
    /// more tokens of it.
    pub fn bytes(&self) -> u64 {
        const FRAME: usize = 64;
        /// What providers add when there are tools.
        const TOOLS_FRAME: usize = 1_024;
        let message = |message: &Message| match message {
            Message::User(text) => text.len(),
            Message::Assistant(turn) => {
                let call =
                    |call: &ToolRequest| FRAME + call.id.len() + call.tool.len() + call.arguments.len();
                let calls: usize = turn.tool_calls.iter().map(call).sum();
                let reasoning = turn.reasoning.as_ref().map_or(0, |value| value.dumps().len());
                turn.text.len() + calls + reasoning
            }
            Message::ToolResult(result) => result.content.len() + result.id.len() + result.tool.len(),
        };
        let messages: usize = self.messages.iter().map(|each| FRAME + message(each)).sum();
        let tool = |tool: &ToolSchema| {
            FRAME + tool.name.len() + tool.description.len() + tool.parameters.dumps().len()
        };
        let tools: usize = self.tools.iter().map(tool).sum();
        let frame = if self.tools.is_empty() { FRAME } else { TOOLS_FRAME };
        (frame + self.system.len() + messages + tools) as u64
    }
}

/// A tool as the model is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSchema {
    pub name: String,
    pub description: String,
    /// A JSON schema of type object.
    pub parameters: Value,
}

/// One assistant turn and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub turn: AssistantTurn,
    pub finish: Finish,
    pub usage: Usage,
    /// The model that answered, as its provider names it.
    pub resolved_model: Option<String>,
    /// What failed attempts and the waiting after them took before the one that gave this reply, in
    /// milliseconds: the provider's trouble, for which no agent is slow.
    pub waited_ms: u64,
    /// Some where the reply was kept from an interrupted attempt of the same sample and costs nothing now: what
    /// the model took then, which the agent's clock counts again.
    pub recalled_ms: Option<u64>,
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The turn is complete.
    Stop,
    /// The model wants tools to be called.
    ToolCalls,
    /// The output limit cut the turn.
    Length,
    /// The provider withheld the turn or the model refused.
    Refused,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LlmError {
    /// Refused unread, or never sent; trying again may help: overload, a rate limit, no connection.
    #[error("{model}: {problem}")]
    Transient {
        model: String,
        problem: String,
        /// How long the provider asks us to wait.
        retry_after_ms: Option<u64>,
    },
    /// The answer was lost or cannot be read, and may have been charged; trying again may help: a lost
    /// connection, a time-out, a cut-off body.
    #[error("{model}: {problem}")]
    Lost {
        model: String,
        problem: String,
        /// What the provider counted, if that came through.
        usage: Box<Usage>,
    },
    /// The model wrote a turn that its provider could not read and threw away, and charged. Another attempt mostly
    /// helps; where none does, that is what the model had to say, so retries end in a turn that was withheld.
    #[error("{model}: {problem}")]
    Garbled { model: String, problem: String, usage: Box<Usage> },
    /// This request would be refused again, others need not: a filtered text, a parameter out of range.
    #[error("{model}: {problem}")]
    RequestRefused {
        model: String,
        problem: String,
        /// What the provider counted all the same; nothing where it refused unread.
        usage: Box<Usage>,
    },
    /// The conversation is longer than the model can read. Within an episode that is the agent's doing.
    #[error("{model}: {problem}")]
    ContextOverflow { model: String, problem: String },
    /// No request is answered until the user mends something: a wrong key, an unknown model, no credit.
    #[error("{model}: {problem}")]
    SetupRefused { model: String, problem: String },
    /// The attempt took longer than the request allows.
    #[error("{model}: no answer within the time that was left")]
    DeadlineReached { model: String },
    /// A limit of the run came first.
    #[error("{model}: not asked any more: {limit}")]
    CapReached { model: String, limit: Limit },
}

impl LlmError {
    /// What the failure says about further attempts.
    pub fn class(&self) -> FailureClass {
        match self {
            LlmError::Transient { .. }
            | LlmError::Lost { .. }
            | LlmError::Garbled { .. }
            | LlmError::DeadlineReached { .. } => FailureClass::Transient,
            LlmError::RequestRefused { .. } | LlmError::ContextOverflow { .. } => FailureClass::Request,
            LlmError::SetupRefused { .. } => FailureClass::Setup,
            LlmError::CapReached { .. } => FailureClass::Limit,
        }
    }

    /// Whether the provider cannot have charged anything.
    pub fn is_free(&self) -> bool {
        match self {
            LlmError::Transient { .. }
            | LlmError::RequestRefused { .. }
            | LlmError::ContextOverflow { .. }
            | LlmError::SetupRefused { .. }
            | LlmError::CapReached { .. } => true,
            LlmError::Lost { .. } | LlmError::Garbled { .. } | LlmError::DeadlineReached { .. } => false,
        }
    }
}
