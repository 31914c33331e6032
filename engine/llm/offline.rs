//! The model that needs no key and no network: a rule-based office assistant behind the trait of a real model.
//!
//! It sees what a real model sees (system prompt, request, tool schemas, tool answers) and nothing else. It is
//! good enough to try the program and to compare search strategies; it predicts nothing about a real model.
//! All randomness comes from the request's seed, keyed by purpose, so every turn of an episode agrees.

mod answer;
mod clause;
mod compose;
mod facts;
mod findings;
mod gather;
mod habits;
mod lines;
mod manners;
mod moment;
mod policy;
mod proposals;
mod request;
mod sections;
mod sense;
mod skills;
mod text;
mod trouble;
mod writer;

use crate::episode::{AssistantTurn, ToolRequest, Usage};
use crate::llm::{Finish, Llm, LlmError, Reply, Request};
use futures_util::future::BoxFuture;
use gather::{Call, Desk};
use policy::{Draws, Policy};
use request::Want;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// The offline model.
#[derive(Default)]
pub struct Offline {
    /// Policies already read. Only saves time: reading one again gives the same.
    readings: Mutex<HashMap<u64, Reading>>,
}

/// What the assistant was told: to be, and to do.
struct Brief {
    policy: Policy,
    want: Want,
}

/// A system prompt and request as they were read, with their texts to tell equal hashes apart.
struct Reading {
    system: String,
    user: String,
    brief: Arc<Brief>,
}

/// When this many policies have been read, the memory starts anew.
const READINGS_MAX: usize = 512;

impl Offline {
    pub fn new() -> Offline {
        Offline::default()
    }

    fn assist(&self, request: &Request) -> Reply {
        let user = facts::user_request(request);
        let brief = self.brief(&request.system, user);
        let done = facts::exchanges(request);
        let desk =
            Desk::new(&brief.policy, &brief.want, Draws::new(request.seed), &request.tools, &done, user);
        let calls = desk.next_calls();
        if calls.is_empty() {
            reply(compose::compose(&desk, request), Vec::new())
        } else {
            reply(String::new(), numbered(calls, done.len()))
        }
    }

    fn brief(&self, system: &str, user: &str) -> Arc<Brief> {
        let mut hasher = DefaultHasher::new();
        (system, user).hash(&mut hasher);
        let hash = hasher.finish();
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = readings.get(&hash).filter(|known| known.system == system && known.user == user)
        {
            return known.brief.clone();
        }
        let brief = Arc::new(Brief { policy: Policy::read(system, user), want: Want::read(user) });
        if readings.len() >= READINGS_MAX {
            readings.clear();
        }
        let reading = Reading { system: system.to_owned(), user: user.to_owned(), brief: brief.clone() };
        readings.insert(hash, reading);
        brief
    }
}

impl Llm for Offline {
    fn name(&self) -> &str {
        "offline/office"
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            Ok(if writer::is_asked(request) { writer::write(request) } else { self.assist(request) })
        })
    }
}

fn numbered(calls: Vec<Call>, made: usize) -> Vec<ToolRequest> {
    calls
        .into_iter()
        .enumerate()
        .map(|(at, call)| ToolRequest {
            id: format!("call_{}", made + at + 1),
            tool: call.tool.to_owned(),
            arguments: call.arguments,
        })
        .collect()
}

fn reply(text: String, tool_calls: Vec<ToolRequest>) -> Reply {
    let finish = if tool_calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
    Reply {
        turn: AssistantTurn { text, tool_calls, reasoning: None },
        finish,
        // Nobody counts tokens here, and nothing is paid for.
        usage: Usage::default(),
        resolved_model: Some("offline/office-1".to_owned()),
        waited_ms: 0,
        recalled_ms: None,
    }
}
