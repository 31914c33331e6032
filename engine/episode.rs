//! An episode: what one attempt of an agent at one scenario left behind. It says what happened, not how
//! good it was; scoring reads it later, and can read it again under another rubric.

use crate::units::PackHash;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// Which attempt: the r-th repeat of a candidate on a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EpisodeKey {
    pub candidate: PackHash,
    pub scenario: String,
    /// Counted from 0. A cached episode is the same sample, so the repeat is part of every cache key.
    pub repeat: u32,
}

/// One attempt, as it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub outcome: Outcome,
    /// All texts the assistant wrote, each trimmed, joined by a blank line.
    pub response: String,
    /// The calls that reached the world and were answered, in order.
    pub tool_calls: Vec<ToolCall>,
    /// How often the model was asked.
    pub model_calls: u32,
    pub usage: Usage,
    /// The model that answered, as its provider names it; none where the provider does not say.
    pub resolved_model: Option<String>,
    pub transcript: Vec<Message>,
    /// How an evaluator outside of this program judged it; none where our own rubric does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<Vec<ExternalCheck>>,
}

/// A check as an evaluator outside of this program judged it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExternalCheck {
    pub id: String,
    pub passed: bool,
    pub points: f64,
    pub max_points: f64,
    pub category: String,
    /// What was seen, in the evaluator's words.
    pub evidence: String,
}

impl Episode {
    /// An episode in which nothing was said or done.
    pub fn empty(outcome: Outcome) -> Episode {
        Episode {
            outcome,
            response: String::new(),
            tool_calls: Vec::new(),
            model_calls: 0,
            usage: Usage::default(),
            resolved_model: None,
            transcript: Vec::new(),
            external: None,
        }
    }

    /// An episode that never began.
    pub fn errored(reason: String, class: FailureClass) -> Episode {
        Episode::empty(Outcome::Errored { reason, class })
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The agent gave its final answer.
    Finished,
    /// The time limit came first; what was said until then counts.
    TimedOut,
    /// The limit of model calls came first; what was said until then counts.
    TurnLimit,
    /// The conversation outgrew what the model can read; what was said until then counts.
    ContextFull,
    /// The infrastructure failed. Such an episode is never scored: it stays unmeasured.
    Errored {
        reason: String,
        #[serde(default)]
        class: FailureClass,
    },
}

/// What a failure of the infrastructure says about further attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The same attempt may succeed later: overload, a rate limit, a lost connection.
    #[default]
    Transient,
    /// The same attempt would fail again, others need not: a filtered text, a prompt that is too long.
    Request,
    /// No attempt succeeds until the user mends something: a wrong key, an unknown model, no credit.
    Setup,
    /// A limit of the run came first.
    Limit,
}

impl Outcome {
    /// Whether the attempt says something about the policy.
    pub fn is_scored(&self) -> bool {
        !matches!(self, Outcome::Errored { .. })
    }
}

/// A call that the world answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub tool: String,
    pub args: Value,
    pub response: Value,
}

/// Tokens as the provider counted them. `None` means that nobody counted, which is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// Part of the input that was read from the provider's cache.
    pub cache_read_tokens: Option<u64>,
    /// Part of the input that was written to the provider's cache.
    pub cache_write_tokens: Option<u64>,
    /// Part of the output that the model thought and did not say.
    #[serde(default)]
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Adds two counts; a sum with an uncounted part keeps the counted one.
    pub fn plus(self, other: Usage) -> Usage {
        let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        };
        Usage {
            input_tokens: add(self.input_tokens, other.input_tokens),
            output_tokens: add(self.output_tokens, other.output_tokens),
            cache_read_tokens: add(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens: add(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens: add(self.reasoning_tokens, other.reasoning_tokens),
        }
    }
}

/// One message of the conversation between agent, model and tools. The system prompt stands apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    User(String),
    Assistant(AssistantTurn),
    ToolResult(ToolResult),
}

/// What the model said in one turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AssistantTurn {
    pub text: String,
    pub tool_calls: Vec<ToolRequest>,
    /// Provider-specific reasoning that must be sent back unchanged on the next turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Value>,
}

/// A tool call as the model asked for it: not yet validated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolRequest {
    pub id: String,
    pub tool: String,
    /// The arguments as the model wrote them, normally a JSON object.
    pub arguments: String,
}

/// The answer that the model gets to a tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    pub id: String,
    pub tool: String,
    pub content: String,
    pub is_error: bool,
}
