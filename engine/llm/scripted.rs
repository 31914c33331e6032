//! A model that says what it was told to say: for tests of everything that talks to a model, and for benches,
//! where it can take its time.

use crate::episode::{AssistantTurn, ToolRequest, Usage};
use crate::llm::{Finish, Llm, LlmError, Reply, Request};
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A model with a script.
pub struct Scripted {
    name: String,
    script: Script,
    latency: Duration,
    asked: Mutex<Vec<Request>>,
}

type Answer = Result<Reply, LlmError>;

enum Script {
    InTurn(Mutex<VecDeque<Answer>>),
    Answering(Box<dyn Fn(&Request) -> Answer + Send + Sync>),
}

impl Scripted {
    /// Gives the answers one after the other and keeps the requests; then fails for good.
    pub fn in_turn(answers: impl IntoIterator<Item = Answer>) -> Scripted {
        Scripted::with(Script::InTurn(Mutex::new(answers.into_iter().collect())))
    }

    /// Answers each request by a function, which may be asked from many episodes at once.
    pub fn answering(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Scripted {
        Scripted::with(Script::Answering(Box::new(answer)))
    }

    /// Waits before each answer, or until the request's limit is reached.
    pub fn with_latency(self, latency: Duration) -> Scripted {
        Scripted { latency, ..self }
    }

    /// Goes by another name than `scripted/test`.
    pub fn named(self, name: &str) -> Scripted {
        Scripted { name: name.to_owned(), ..self }
    }

    /// The requests that a script in turn was asked, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with(script: Script) -> Scripted {
        Scripted { name: "scripted/test".into(), script, latency: Duration::ZERO, asked: Mutex::default() }
    }

    fn answer(&self, request: &Request) -> Answer {
        match &self.script {
            Script::Answering(answer) => answer(request),
            Script::InTurn(answers) => {
                self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                let next = answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                next.unwrap_or_else(|| {
                    Err(LlmError::SetupRefused {
                        model: self.name.clone(),
                        problem: "the script has no more answers".into(),
                    })
                })
            }
        }
    }
}

impl Llm for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let limit = request.attempt_ms_max.map_or(Duration::MAX, Duration::from_millis);
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency.min(limit)).await;
            }
            if self.latency > limit {
                return Err(LlmError::DeadlineReached { model: self.name.clone() });
            }
            self.answer(request)
        })
    }
}

impl Reply {
    /// A reply of text alone.
    pub fn says(text: &str) -> Reply {
        Reply {
            turn: AssistantTurn { text: text.to_owned(), ..AssistantTurn::default() },
            finish: Finish::Stop,
            usage: Usage::default(),
            resolved_model: None,
            waited_ms: 0,
            recalled_ms: None,
        }
    }

    /// A reply that calls tools, each given by its name and its arguments as JSON text.
    pub fn calls(text: &str, calls: &[(&str, &str)]) -> Reply {
        let request = |(at, (tool, arguments)): (usize, &(&str, &str))| ToolRequest {
            id: format!("call_{}", at + 1),
            tool: (*tool).to_owned(),
            arguments: (*arguments).to_owned(),
        };
        let mut reply = Reply::says(text);
        reply.turn.tool_calls = calls.iter().enumerate().map(request).collect();
        reply.finish = Finish::ToolCalls;
        reply
    }
}
