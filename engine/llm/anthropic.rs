//! The Anthropic messages API: system and tools as cached blocks, tool results as blocks of user messages,
//! thinking off unless it is asked for.

use super::http::{Http, KeyHeader};
use super::options::{ModelOptions, Thinking};
use super::{Finish, Llm, LlmError, Reply, Request, ToolSchema, usage};
use crate::episode::{AssistantTurn, Message, ToolRequest};
use crate::value::{Value, parse};
use futures_util::future::BoxFuture;

/// The API wants a limit; this one is far above what an episode's turn needs.
const OUTPUT_TOKENS_MAX: u32 = 8_192;
/// With one on the tools and one on the system prompt, these are the four that the API takes.
const MESSAGE_MARKS: usize = 2;
const API_VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// A client of the messages endpoint.
pub struct Anthropic {
    http: Http,
    options: ModelOptions,
    name: String,
}

impl Anthropic {
    pub fn new(http: Http, options: ModelOptions) -> Anthropic {
        let name = http.model().to_string();
        Anthropic { http, options, name }
    }

    fn output_limit(&self, request: &Request) -> u32 {
        let limit = self.options.output_limit(request).unwrap_or(OUTPUT_TOKENS_MAX);
        limit.saturating_add(self.options.thinking_room())
    }

    fn body(&self, request: &Request) -> Value {
        let mut body = vec![
            ("model", Value::from(self.http.model().name.as_str())),
            ("max_tokens", Value::Int(i64::from(self.output_limit(request)))),
        ];
        if !request.tools.is_empty() {
            body.push(("tools", Value::List(tools(&request.tools))));
        }
        if !request.system.is_empty() {
            // One block, as the gateway sends it. A mark within it, before the policy, would let candidates share
            // some more; but how the API joins blocks is not documented, and conditions are the validators'.
            body.push(("system", Value::List(vec![cached(text_block(&request.system))])));
        }
        // Without tools there is one question and one answer, and nobody asks for its prefix again.
        let marks = if request.tools.is_empty() { 0 } else { MESSAGE_MARKS };
        body.push(("messages", Value::List(messages(&request.messages, marks))));
        if let Some(effort) = self.options.effort {
            body.push(("output_config", Value::object([("effort", Value::from(effort.word()))])));
        }
        if let Some(thinking) = self.options.thinking.and_then(thinking_value) {
            body.push(("thinking", thinking));
        } else if let Some(temperature) = self.options.temperature {
            // With thinking on, the API refuses any other temperature than its own.
            body.push(("temperature", Value::Float(temperature)));
        }
        Value::Map(body.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn reply(&self, document: &Value) -> Result<Reply, LlmError> {
        if let Some(error) = document.get("error").filter(|error| error.is_truthy()) {
            return Err(self.http.error_in_reply(error, usage::anthropic(document.get("usage"))));
        }
        let Some(blocks) = document.get("content").and_then(Value::as_list) else {
            let problem =
                format!("a reply without content: {}", self.http.excerpt(document.compact().as_bytes()));
            return Err(self.http.lost(problem, usage::anthropic(document.get("usage"))));
        };
        let turn = self.http.without_secrets(turn(blocks));
        let usage = usage::anthropic(document.get("usage"));
        let reason = document.get("stop_reason").and_then(Value::as_str);
        let finish = finish(reason, &turn);
        let Some(finish) = finish.filter(|finish| !usage::is_hollow(&turn, *finish, &usage)) else {
            let reason = reason.unwrap_or("none");
            let problem = format!("the model stopped without an answer, for the reason {reason:?}");
            return Err(self.http.lost(problem, usage));
        };
        Ok(Reply {
            turn,
            finish,
            usage,
            resolved_model: self.http.resolved_model(document.get("model")),
            waited_ms: 0,
            recalled_ms: None,
        })
    }
}

impl Llm for Anthropic {
    fn name(&self) -> &str {
        &self.name
    }

    fn output_tokens_max(&self, request: &Request) -> Option<u32> {
        Some(self.output_limit(request))
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let body = self.body(request);
            let limit = request.attempt_ms_max;
            let document =
                self.http.post("v1/messages", KeyHeader::XApiKey, &[API_VERSION], &body, limit).await?;
            self.reply(&document)
        })
    }
}

fn thinking_value(thinking: Thinking) -> Option<Value> {
    match thinking {
        Thinking::Off => None,
        Thinking::Adaptive => Some(Value::object([("type", Value::from("adaptive"))])),
        Thinking::Tokens(tokens) => Some(Value::object([
            ("type", Value::from("enabled")),
            ("budget_tokens", Value::Int(i64::from(tokens))),
        ])),
    }
}

/// Why the model stopped; none where there is nothing to be scored, or nobody knows the reason. It pauses only
/// within tools of the provider's own, of which we offer none.
fn finish(reason: Option<&str>, turn: &AssistantTurn) -> Option<Finish> {
    let is_empty = turn.text.is_empty() && turn.tool_calls.is_empty();
    let done = if turn.tool_calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => Some(Finish::Length),
        Some("refusal") => Some(Finish::Refused),
        // An empty answer is one: the model has nothing to add.
        Some("end_turn" | "stop_sequence") => Some(done),
        Some("tool_use") | None => (!is_empty).then_some(done),
        Some(_) => None,
    }
}

fn turn(blocks: &[Value]) -> AssistantTurn {
    let kind = |block: &Value| block.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let texts = blocks.iter().filter(|block| kind(block) == "text");
    let thinks = blocks.iter().any(|block| kind(block).ends_with("thinking"));
    // Thoughts may stand between texts and calls, and must come back in their places. The API refuses empty
    // texts, though it writes some, and thoughts without a signature, which only other servers give.
    let kept = blocks.iter().filter(|block| match kind(block).as_str() {
        "text" => !is_blank(block),
        "thinking" => block.get("signature").and_then(Value::as_str).is_some(),
        _ => true,
    });
    AssistantTurn {
        text: texts.filter_map(|block| block.get("text").and_then(Value::as_str)).collect(),
        tool_calls: blocks.iter().filter(|block| kind(block) == "tool_use").map(tool_request).collect(),
        reasoning: thinks.then(|| Value::List(kept.cloned().collect())),
    }
}

fn is_blank(block: &Value) -> bool {
    block.get("text").and_then(Value::as_str).unwrap_or_default().trim().is_empty()
}

/// The conversation, with all results of a turn in one user message, and cache marks at the ends of the last user
/// messages: the last one for the next request, the one before since it is what the request before this one left.
fn messages(conversation: &[Message], marks: usize) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in conversation {
        let (role, blocks) = match message {
            Message::User(text) => ("user", vec![text_block(text)]),
            Message::Assistant(turn) => ("assistant", assistant_blocks(turn)),
            Message::ToolResult(result) => (
                "user",
                vec![Value::object([
                    ("type", Value::from("tool_result")),
                    ("tool_use_id", Value::from(result.id.as_str())),
                    ("content", Value::from(result.content.as_str())),
                    ("is_error", Value::Bool(result.is_error)),
                ])],
            ),
        };
        match turns.last_mut() {
            Some((last, all)) if *last == role => all.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    for (_, blocks) in turns.iter_mut().rev().filter(|(role, _)| *role == "user").take(marks) {
        let last = blocks.pop().map(cached);
        blocks.extend(last);
    }
    let turns = turns.into_iter().filter(|(_, blocks)| !blocks.is_empty());
    turns
        .map(|(role, blocks)| Value::object([("role", Value::from(role)), ("content", Value::List(blocks))]))
        .collect()
}

fn assistant_blocks(turn: &AssistantTurn) -> Vec<Value> {
    if let Some(Value::List(blocks)) = &turn.reasoning {
        return blocks.clone();
    }
    let mut blocks = Vec::new();
    if !turn.text.trim().is_empty() {
        blocks.push(text_block(&turn.text));
    }
    blocks.extend(turn.tool_calls.iter().map(|call| {
        let input = parse(call.arguments.as_bytes()).ok().filter(|input| input.as_map().is_some());
        Value::object([
            ("type", Value::from("tool_use")),
            ("id", Value::from(call.id.as_str())),
            ("name", Value::from(call.tool.as_str())),
            ("input", input.unwrap_or_else(|| Value::object([]))),
        ])
    }));
    blocks
}

fn text_block(text: &str) -> Value {
    Value::object([("type", Value::from("text")), ("text", Value::from(text))])
}

/// Marks a block as the end of a prefix worth caching; the API takes at most four marks.
fn cached(block: Value) -> Value {
    let Value::Map(mut map) = block else { return block };
    map.insert("cache_control".into(), Value::object([("type", Value::from("ephemeral"))]));
    Value::Map(map)
}

fn tools(tools: &[ToolSchema]) -> Vec<Value> {
    let mut values: Vec<Value> = tools
        .iter()
        .map(|tool| {
            Value::object([
                ("name", Value::from(tool.name.as_str())),
                ("description", Value::from(tool.description.as_str())),
                ("input_schema", tool.parameters.clone()),
            ])
        })
        .collect();
    if let Some(last) = values.pop() {
        values.push(cached(last));
    }
    values
}

fn tool_request(block: &Value) -> ToolRequest {
    let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let arguments = block.get("input").map_or("{}".into(), Value::compact);
    ToolRequest { id: text("id"), tool: text("name"), arguments }
}
