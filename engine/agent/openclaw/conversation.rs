//! One episode as the proxy sees it: requests come from the gateway, go to the model in the form in which the
//! built-in agent would ask, and are counted and limited on the way.

use crate::agent::Task;
use crate::agent::builtin::{SESSION_STATUS, is_hanging, without_reply};
use crate::agent::openclaw::Settings;
use crate::agent::openclaw::config::gateway_limit;
use crate::agent::openclaw::ending::{Ending, InFlight, Trouble};
use crate::agent::openclaw::pin::Pin;
use crate::agent::prompt::PromptProfile;
use crate::endpoint::chat;
use crate::endpoint::world::Sessions;
use crate::episode::{AssistantTurn, FailureClass, Message, Outcome, ToolRequest, ToolResult, Usage};
use crate::llm::{FailedAttempts, Finish, Llm, LlmError, Reply, Request, ToolSchema};
use crate::units::Seed;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// With this begins what the gateway's own `session_status` answers.
const STATUS_MARK: &str = "🦞 OpenClaw";

/// An episode that is under way.
pub(super) struct Conversation {
    llm: Arc<dyn Llm>,
    prompt: PromptProfile,
    model_calls_max: u32,
    limit: Duration,
    /// When the gateway gives up, which is earlier.
    gateway_limit: Duration,
    start: Instant,
    seed: Seed,
    pin: Pin,
    /// What the model may be offered, in this order.
    tools: Vec<ToolSchema>,
    sessions: Arc<Sessions>,
    session: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    model_calls: u32,
    usage: Usage,
    resolved_model: Option<String>,
    /// The turns of the model as it gave them.
    turns: Vec<AssistantTurn>,
    last_finish: Option<Finish>,
    /// The messages of the newest request, as the model got them, and the turn that answered it.
    messages: Vec<Message>,
    trouble: Option<Trouble>,
    /// The call that is under way.
    asked: Option<Asked>,
    waited: Duration,
    /// What `session_status` answered, by the call's id on the wire.
    statuses: HashMap<String, String>,
    /// How many calls the world had answered when the newest turn began.
    answered: usize,
}

/// A call of the model.
struct Asked {
    at: Instant,
    failed_attempts: FailedAttempts,
}

/// The gateway gets no reply; why, the conversation knows.
#[derive(Debug)]
pub(super) struct Refused;

/// What was heard of an episode.
pub(super) struct Heard {
    pub ending: Ending,
    pub usage: Usage,
    pub resolved_model: Option<String>,
    pub texts: Vec<String>,
    pub transcript: Vec<Message>,
}

impl State {
    /// Ends the episode for a request that cannot be answered, which the same attempt would make again.
    fn refuse(&mut self, problem: &str) -> Refused {
        let reason = format!("the gateway asked for what cannot be answered: {problem}");
        let outcome = Outcome::Errored { reason, class: FailureClass::Request };
        self.trouble.get_or_insert(Trouble::NoReply(outcome));
        Refused
    }
}

impl Conversation {
    pub fn new(
        llm: Arc<dyn Llm>,
        settings: &Settings,
        task: &Task,
        pin: Pin,
        sessions: Arc<Sessions>,
        session: &str,
    ) -> Conversation {
        Conversation {
            llm,
            prompt: settings.prompt.clone(),
            model_calls_max: settings.limits.model_calls_max,
            limit: Duration::from_millis(settings.limits.episode_ms_max),
            gateway_limit: gateway_limit(&settings.limits),
            start: Instant::now(),
            seed: task.seed,
            pin,
            tools: settings.prompt.tools_for(&task.scenario.tools),
            sessions,
            session: session.to_owned(),
            state: Mutex::default(),
        }
    }

    /// Answers a request of the gateway.
    pub async fn answer(&self, document: &Value) -> Result<Reply, Refused> {
        let mut request = chat::request(document).map_err(|problem| self.refuse(&problem))?;
        if let Some(last_word) = self.begin(&mut request)? {
            return Ok(last_word);
        }
        let left = (self.limit + self.lock().waited).saturating_sub(self.start.elapsed());
        request.attempt_ms_max = Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1));
        let answer = self.llm.complete(&request).await;
        self.finish(answer, left)
    }

    /// Ends the episode for a request that cannot be answered.
    pub fn refuse(&self, problem: &str) -> Refused {
        self.lock().refuse(problem)
    }

    /// What was heard, once the gateway has answered or given up.
    pub fn ended(&self) -> Heard {
        let state = self.lock();
        Heard {
            ending: self.ending(&state),
            usage: state.usage,
            resolved_model: state.resolved_model.clone(),
            texts: state.turns.iter().map(|turn| turn.text.clone()).collect(),
            transcript: state.messages.clone(),
        }
    }

    fn ending(&self, state: &State) -> Ending {
        let in_flight = state.asked.as_ref().map(|asked| InFlight {
            took: asked.at.elapsed(),
            failed_attempts: asked.failed_attempts.count(),
        });
        let has_calls = state.turns.last().is_some_and(|turn| !turn.tool_calls.is_empty());
        Ending {
            trouble: state.trouble.clone(),
            in_flight,
            elapsed: self.start.elapsed(),
            limit: self.gateway_limit,
            waited: state.waited,
            model_calls: state.model_calls,
            replies: state.turns.len(),
            // The calls of a turn that was withheld are never made.
            is_open: has_calls && state.last_finish != Some(Finish::Refused),
        }
    }

    /// Checks the limits, and puts the request into the form in which the model gets it. Where the model is not
    /// to be asked any more, returns what ends the run.
    fn begin(&self, request: &mut Request) -> Result<Option<Reply>, Refused> {
        let mut state = self.lock();
        if let Some(problem) = stranger(&request.tools, &self.tools) {
            state.trouble = Some(Trouble::Unsafe(problem));
        }
        if state.trouble.is_some() {
            return Err(Refused);
        }
        if names(&request.tools) != names(&self.tools) {
            return Err(state.refuse(&format!("a turn with the tools {:?}", names(&request.tools))));
        }
        self.restore(&mut state, request);
        if state.model_calls >= self.model_calls_max {
            state.trouble = Some(Trouble::OutOfTurns);
            return Ok(Some(Reply::says("")));
        }
        state.model_calls += 1;
        let failed_attempts = request.failed_attempts.clone();
        state.asked = Some(Asked { at: Instant::now(), failed_attempts });
        Ok(None)
    }

    /// Takes in what the model gave within the time that was left.
    fn finish(&self, answer: Result<Reply, LlmError>, left: Duration) -> Result<Reply, Refused> {
        let mut state = self.lock();
        state.asked = None;
        let mut reply = answer.map_err(|error| {
            let outcome = without_reply(error, !state.turns.is_empty(), is_hanging(left, self.limit));
            state.trouble = Some(Trouble::NoReply(outcome));
            Refused
        })?;
        state.usage = state.usage.plus(reply.usage);
        state.waited += Duration::from_millis(reply.waited_ms);
        state.resolved_model = reply.resolved_model.take().or(state.resolved_model.take());
        state.last_finish = Some(reply.finish);
        state.turns.push(reply.turn.clone());
        state.messages.push(Message::Assistant(reply.turn.clone()));
        state.answered = self.answered();
        let turn = state.turns.len();
        for (index, call) in reply.turn.tool_calls.iter_mut().enumerate() {
            call.id = wire_id(turn, index);
        }
        Ok(reply)
    }

    /// Undoes what the wire and the gateway have changed: ids, what only our clients understand, and what
    /// differs from machine to machine.
    fn restore(&self, state: &mut State, request: &mut Request) {
        request.system = self.pin.prompt(&request.system, self.llm.name());
        request.seed = self.seed;
        let newest = state.turns.len();
        let mut moment = state.answered;
        for message in &mut request.messages {
            match message {
                Message::User(_) => {}
                Message::Assistant(turn) => restore_turn(&state.turns, turn),
                Message::ToolResult(result) => {
                    let Some((turn, index)) = wire_place(&result.id) else { continue };
                    if turn == newest {
                        self.restore_status(&mut state.statuses, result, &mut moment);
                    } else if let Some(status) = state.statuses.get(&result.id) {
                        result.content.clone_from(status);
                    }
                    if let Some(call) = call_at(&state.turns, turn, index) {
                        result.id.clone_from(&call.id);
                    }
                }
            }
        }
        state.messages.clone_from(&request.messages);
    }

    /// Puts the world's time in the place of the machine's, where the profile has words for that. `moment` counts
    /// the calls that the world had answered before this one.
    fn restore_status(
        &self,
        statuses: &mut HashMap<String, String>,
        result: &mut ToolResult,
        moment: &mut usize,
    ) {
        if result.content.starts_with(STATUS_MARK) {
            if self.prompt.session_status.is_empty() {
                return;
            }
            let now = self.sessions.with_world(&self.session, |world| world.start().after_s(*moment as i64));
            if let Some(now) = now {
                result.content = self.prompt.status(now, self.llm.name());
                statuses.insert(result.id.clone(), result.content.clone());
            }
            return;
        }
        let is_next = self.sessions.with_world(&self.session, |world| {
            world.calls().get(*moment).is_some_and(|call| call.response.pretty() == result.content)
        });
        *moment += usize::from(is_next == Some(true));
    }

    fn answered(&self) -> usize {
        self.sessions.with_world(&self.session, |world| world.calls().len()).unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of a call on the wire; models repeat theirs.
fn wire_id(turn: usize, index: usize) -> String {
    format!("t{turn}c{index}")
}

/// Which call of which turn an id on the wire means.
fn wire_place(id: &str) -> Option<(usize, usize)> {
    let (turn, index) = id.strip_prefix('t')?.split_once('c')?;
    Some((turn.parse().ok()?, index.parse().ok()?))
}

fn call_at(turns: &[AssistantTurn], turn: usize, index: usize) -> Option<&ToolRequest> {
    turns.get(turn.checked_sub(1)?)?.tool_calls.get(index)
}

/// Gives a turn back its ids, and the reasoning that the gateway never saw.
fn restore_turn(turns: &[AssistantTurn], turn: &mut AssistantTurn) {
    for call in &mut turn.tool_calls {
        let Some((number, index)) = wire_place(&call.id) else { continue };
        let Some(own) = call_at(turns, number, index) else { continue };
        call.id.clone_from(&own.id);
        turn.reasoning.clone_from(&turns[number - 1].reasoning);
    }
}

fn names(tools: &[ToolSchema]) -> Vec<&str> {
    tools.iter().map(|tool| tool.name.as_str()).collect()
}

/// What is offered and is not ours: the gateway's own `exec`, for one, runs commands on this machine.
fn stranger(offered: &[ToolSchema], own: &[ToolSchema]) -> Option<String> {
    let is_ours = |tool: &ToolSchema, own: &ToolSchema| {
        tool.description == own.description && tool.parameters == own.parameters || own.name == SESSION_STATUS
    };
    let mut left: Vec<&ToolSchema> = own.iter().collect();
    offered.iter().find_map(|tool| {
        let Some(at) = left.iter().position(|own| own.name == tool.name) else {
            return Some(format!(
                "it offers the tools {}, not {}",
                names(offered).join(", "),
                names(own).join(", ")
            ));
        };
        let own = left.remove(at);
        (!is_ours(tool, own)).then(|| format!("its tool {} is not ours", tool.name))
    })
}

#[cfg(test)]
mod tests;
