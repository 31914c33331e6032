//! The built-in agent: asks a model, runs the tools that it calls one after the other, and asks again, under
//! the conditions that an agent has in ClawBench.

use crate::agent::bootstrap::{context_files, is_js_space, workspace, world};
use crate::agent::prompt::PromptProfile;
use crate::agent::response::{Failure, joined};
use crate::agent::tool_label::{label, normal_name};
use crate::agent::tool_use::{arguments, validated};
use crate::agent::{Agent, Task};
use crate::episode::{Episode, Message, Outcome, ToolRequest, ToolResult, Usage};
use crate::llm::{Finish, Llm, LlmError, Reply, Request, ToolSchema};
use crate::score::Profile;
use crate::value::Value;
use crate::world::World;
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The tool that the agent answers itself; the world never hears of it.
pub(super) const SESSION_STATUS: &str = "session_status";
/// Clients limit their attempts and retries themselves; this ends a call of one that does not.
const CALL_MAX: Duration = Duration::from_secs(45 * 60);

/// An agent that runs inside this program.
pub struct Builtin {
    pub llm: Arc<dyn Llm>,
    pub limits: Limits,
    pub prompt: PromptProfile,
}

/// How far an episode may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Wall-clock time in milliseconds.
    pub episode_ms_max: u64,
    /// How often the model may be asked.
    pub model_calls_max: u32,
    /// The longest workspace file that the prompt holds whole, in UTF-16 units.
    pub file_utf16_max: u32,
    /// The longest sum of all workspace files in the prompt, in UTF-16 units.
    pub total_utf16_max: u32,
}

impl Limits {
    /// The limits of a benchmark's profile.
    pub fn of(profile: &Profile) -> Limits {
        Limits {
            episode_ms_max: profile.episode_ms_max,
            model_calls_max: profile.model_calls_max,
            file_utf16_max: profile.file_utf16_max,
            total_utf16_max: profile.total_utf16_max,
        }
    }
}

impl Builtin {
    /// Builds an agent with the embedded wording.
    pub fn new(llm: Arc<dyn Llm>, limits: Limits) -> Builtin {
        Builtin { llm, limits, prompt: PromptProfile::default() }
    }

    /// What the model is asked first.
    pub fn first_request(&self, task: &Task) -> Request {
        Session::new(self, task).request
    }

    async fn converse(&self, session: &mut Session<'_>) -> Outcome {
        let start = Instant::now();
        let limit = Duration::from_millis(self.limits.episode_ms_max);
        // The provider's trouble does not count as the agent's time.
        let mut waited = Duration::ZERO;
        // What a kept reply took when it was given counts as it did then.
        let mut recalled = Duration::ZERO;
        while session.model_calls < self.limits.model_calls_max {
            let left = (limit + waited).saturating_sub(start.elapsed() + recalled);
            if left.is_zero() {
                return Outcome::TimedOut;
            }
            session.model_calls += 1;
            let reply = match self.ask(&mut session.request, left).await {
                Ok(reply) => reply,
                Err(error) => return without_reply(error, session.replies > 0, is_hanging(left, limit)),
            };
            session.replies += 1;
            waited += Duration::from_millis(reply.waited_ms);
            recalled += Duration::from_millis(reply.recalled_ms.unwrap_or(0));
            let calls = session.hear(reply);
            if calls.is_empty() {
                return Outcome::Finished;
            }
            calls.iter().for_each(|call| session.run(call));
        }
        Outcome::TurnLimit
    }

    /// Asks the model, each attempt within the time that is left.
    async fn ask(&self, request: &mut Request, left: Duration) -> Result<Reply, LlmError> {
        request.attempt_ms_max = Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1));
        match timeout(CALL_MAX, self.llm.complete(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(LlmError::Lost {
                model: self.llm.name().to_owned(),
                problem: format!("no answer after {} minutes of attempts", CALL_MAX.as_secs() / 60),
                usage: Box::default(),
            }),
        }
    }
}

/// Whether an attempt that the episode's end cut had been under way for so long that the provider hangs: at least
/// half of all the time that an episode has. No turn of an agent takes that long, and an attempt that hangs says
/// nothing about a policy. Such an episode stays unmeasured, and is made again a few times.
pub(super) fn is_hanging(attempt: Duration, limit: Duration) -> bool {
    attempt.saturating_mul(2) >= limit
}

/// How an episode ends when the model gives no reply, or none any more.
///
/// Who never got a reply has shown nothing of the policy: the provider hangs, or the model cannot read even
/// the prompt. Later on both are what a conversation came to, as they are for a validator, unless one attempt
/// alone took the time.
pub(super) fn without_reply(error: LlmError, had_replies: bool, is_hanging: bool) -> Outcome {
    match error {
        LlmError::DeadlineReached { .. } if had_replies && !is_hanging => Outcome::TimedOut,
        LlmError::ContextOverflow { .. } if had_replies => Outcome::ContextFull,
        error => Outcome::Errored { reason: error.to_string(), class: error.class() },
    }
}

impl Agent for Builtin {
    fn attempt<'a>(&'a self, task: &'a Task) -> BoxFuture<'a, Episode> {
        Box::pin(async move {
            let mut session = Session::new(self, task);
            let outcome = self.converse(&mut session).await;
            session.into_episode(outcome)
        })
    }
}

/// An episode that is under way.
struct Session<'a> {
    agent: &'a Builtin,
    world: World,
    /// Its messages are the transcript.
    request: Request,
    texts: Vec<String>,
    /// The last failure, unless it was made good.
    failure: Option<Failed>,
    model_calls: u32,
    /// The calls that the model answered.
    replies: u32,
    usage: Usage,
    resolved_model: Option<String>,
}

/// A failure, and the call by whose success it is made good.
struct Failed {
    failure: Failure,
    tool: String,
    arguments: Value,
}

/// What a tool call came to.
struct Answer {
    content: String,
    is_error: bool,
    /// Why the call failed, if it did.
    problem: Option<String>,
}

impl<'a> Session<'a> {
    fn new(agent: &'a Builtin, task: &Task) -> Session<'a> {
        let (prompt, limits, scenario) = (&agent.prompt, &agent.limits, &task.scenario);
        let workspace = workspace(task);
        let (file_max, total_max) = (limits.file_utf16_max as usize, limits.total_utf16_max as usize);
        let files = context_files(&workspace, prompt, file_max, total_max);
        let tools: Arc<[ToolSchema]> = prompt.tools_for(&scenario.tools).into();
        let request = Request {
            system: prompt.system_prompt(&tools, &files, agent.llm.name()),
            messages: vec![Message::User(scenario.prompt.trim().to_owned())],
            tools,
            output_tokens_max: None,
            seed: task.seed,
            attempt_ms_max: None,
            failed_attempts: Default::default(),
        };
        Session {
            agent,
            world: world(task, prompt),
            request,
            texts: Vec::new(),
            failure: None,
            model_calls: 0,
            replies: 0,
            usage: Usage::default(),
            resolved_model: None,
        }
    }

    /// Takes in a reply and returns the tool calls to run; none end the episode.
    fn hear(&mut self, reply: Reply) -> Vec<ToolRequest> {
        self.usage = self.usage.plus(reply.usage);
        self.resolved_model = reply.resolved_model.or(self.resolved_model.take());
        self.texts.push(reply.turn.text.clone());
        let calls = match reply.finish {
            // A withheld turn is over, whatever it had begun, and the runtime says so before everything else.
            Finish::Refused => {
                self.texts.insert(0, self.agent.prompt.withheld.clone());
                Vec::new()
            }
            // A turn that was cut off is taken as it is.
            Finish::Stop | Finish::ToolCalls | Finish::Length => reply.turn.tool_calls.clone(),
        };
        let mut turn = reply.turn;
        if turn.text.trim_matches(is_js_space).is_empty() {
            turn.text.clear();
        }
        for call in &mut turn.tool_calls {
            // The runtime keeps what it understood, not what the model wrote.
            call.arguments = arguments(&call.arguments).compact();
        }
        self.request.messages.push(Message::Assistant(turn));
        calls
    }

    fn run(&mut self, call: &ToolRequest) {
        let given = arguments(&call.arguments);
        let answer = self.answer(&call.tool, &given);
        self.remember_failure(&call.tool, given, answer.problem);
        self.request.messages.push(Message::ToolResult(ToolResult {
            id: call.id.clone(),
            tool: call.tool.clone(),
            content: answer.content,
            is_error: answer.is_error,
        }));
    }

    fn answer(&mut self, tool: &str, given: &Value) -> Answer {
        let Some(schema) = self.request.tools.iter().find(|schema| schema.name == tool) else {
            return Answer::refused(format!("Tool {tool} not found"));
        };
        let args = match validated(schema, given) {
            Ok(args) => args,
            Err(problem) => return Answer::refused(problem),
        };
        if tool == SESSION_STATUS {
            return Answer::given(self.agent.prompt.status(self.world.now(), self.agent.llm.name()));
        }
        match self.world.call(tool, &args) {
            Ok(response) => Answer::given(response.pretty()),
            Err(fault) => Answer::faulty(tool, &fault.to_string()),
        }
    }

    /// A failed change stays until the same call succeeds; another failure until anything does.
    fn remember_failure(&mut self, tool: &str, arguments: Value, problem: Option<String>) {
        match problem {
            Some(problem) => {
                let mutating = self.agent.prompt.is_mutating(&normal_name(tool));
                let failure = Failure { label: label(tool, &arguments), problem, mutating };
                self.failure = Some(Failed { failure, tool: tool.to_owned(), arguments });
            }
            None => {
                self.failure = self.failure.take().filter(|failed| {
                    let same = failed.tool == tool && failed.arguments == arguments;
                    failed.failure.mutating && !same
                });
            }
        }
    }

    fn into_episode(self, outcome: Outcome) -> Episode {
        // An attempt that was cut off leaves what was said; the runtime adds its own words only to an end.
        // It takes a conversation that outgrew the model for one.
        let is_end = matches!(outcome, Outcome::Finished | Outcome::ContextFull);
        let failure = self.failure.filter(|_| is_end);
        let mut response = joined(&self.texts, failure.as_ref().map(|failed| &failed.failure));
        if response.is_empty() && is_end {
            response = self.agent.prompt.no_response.clone();
        }
        Episode {
            outcome,
            response,
            tool_calls: self.world.into_calls(),
            model_calls: self.model_calls,
            usage: self.usage,
            resolved_model: self.resolved_model,
            transcript: self.request.messages,
            external: None,
        }
    }
}

impl Answer {
    fn given(content: String) -> Answer {
        Answer { content, is_error: false, problem: None }
    }

    /// A call that never reached the tool.
    fn refused(problem: String) -> Answer {
        Answer { content: problem.clone(), is_error: true, problem: Some(problem) }
    }

    /// A tool that broke down; the runtime gives that as an ordinary result.
    fn faulty(tool: &str, problem: &str) -> Answer {
        let content =
            Value::object([("status", "error".into()), ("tool", tool.into()), ("error", problem.into())]);
        Answer { content: content.pretty(), is_error: false, problem: Some(problem.to_owned()) }
    }
}
