//! The Anthropic messages API: system and tools as cached blocks, tool results as blocks of user messages,
//! thinking off unless it is asked for.

use super::connect::ModelOptions;
use super::http::{Http, KeyHeader};
use super::{Finish, Llm, LlmError, Reply, Request, ToolSchema};
use crate::episode::{AssistantTurn, Message, ToolRequest, Usage};
use crate::value::{Value, parse};
use futures_util::future::BoxFuture;

/// The API wants a limit; this one is far above what an episode's turn needs.
const OUTPUT_TOKENS_MAX: u32 = 8_192;
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

    fn body(&self, request: &Request) -> Value {
        let thinking = self.options.thinking_tokens.unwrap_or(0);
        let limit = self.options.output_limit(request).unwrap_or(OUTPUT_TOKENS_MAX);
        // What is thought counts as output, so the limit must leave room for both.
        let limit = limit.saturating_add(thinking);
        let mut body = vec![
            ("model", Value::from(self.http.model().name.as_str())),
            ("max_tokens", Value::Int(i64::from(limit))),
            ("messages", Value::List(messages(&request.messages))),
        ];
        if !request.system.is_empty() {
            body.push(("system", Value::List(vec![cached(text_block(&request.system))])));
        }
        if !request.tools.is_empty() {
            body.push(("tools", Value::List(tools(&request.tools))));
        }
        if thinking > 0 {
            let kind = ("type", Value::from("enabled"));
            body.push((
                "thinking",
                Value::object([kind, ("budget_tokens", Value::Int(i64::from(thinking)))]),
            ));
        } else if let Some(temperature) = self.options.temperature {
            // With thinking on, the API refuses any other temperature than its own.
            body.push(("temperature", Value::Float(temperature)));
        }
        Value::Map(body.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn reply(&self, document: &Value) -> Result<Reply, LlmError> {
        let Some(blocks) = document.get("content").and_then(Value::as_list) else {
            let problem =
                format!("a reply without content: {}", self.http.excerpt(document.compact().as_bytes()));
            return Err(self.http.transient(problem, None));
        };
        let kind = |block: &Value| block.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let texts = blocks.iter().filter(|block| kind(block) == "text");
        let texts = texts.filter_map(|block| block.get("text").and_then(Value::as_str));
        let tool_calls = blocks.iter().filter(|block| kind(block) == "tool_use").map(tool_request).collect();
        let thoughts: Vec<Value> =
            blocks.iter().filter(|block| kind(block).ends_with("thinking")).cloned().collect();
        let finish = match document.get("stop_reason").and_then(Value::as_str) {
            Some("tool_use") => Finish::ToolCalls,
            Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
            Some("refusal") => Finish::Refused,
            _ => Finish::Stop,
        };
        Ok(Reply {
            turn: AssistantTurn {
                text: texts.collect(),
                tool_calls,
                reasoning: (!thoughts.is_empty()).then_some(Value::List(thoughts)),
            },
            finish,
            usage: usage(document.get("usage")),
            resolved_model: document.get("model").and_then(Value::as_str).map(str::to_owned),
            waited_ms: 0,
        })
    }
}

impl Llm for Anthropic {
    fn name(&self) -> &str {
        &self.name
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

/// The conversation, with all results of a turn in one user message and a cache mark on the last block.
fn messages(conversation: &[Message]) -> Vec<Value> {
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
    if let Some(last) = turns.iter_mut().rfind(|(role, _)| *role == "user")
        && let Some(block) = last.1.pop()
    {
        last.1.push(cached(block));
    }
    let turns = turns.into_iter().filter(|(_, blocks)| !blocks.is_empty());
    turns
        .map(|(role, blocks)| Value::object([("role", Value::from(role)), ("content", Value::List(blocks))]))
        .collect()
}

fn assistant_blocks(turn: &AssistantTurn) -> Vec<Value> {
    let mut blocks = match &turn.reasoning {
        Some(Value::List(thoughts)) => thoughts.clone(),
        _ => Vec::new(),
    };
    // The API refuses empty text blocks.
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

/// The API counts cached input apart; our input is all of it.
fn usage(usage: Option<&Value>) -> Usage {
    let field = |key: &str| match usage.and_then(|usage| usage.get(key)) {
        Some(Value::Int(count)) => u64::try_from(*count).ok(),
        _ => None,
    };
    let (read, written) = (field("cache_read_input_tokens"), field("cache_creation_input_tokens"));
    Usage {
        input_tokens: field("input_tokens").map(|fresh| fresh + read.unwrap_or(0) + written.unwrap_or(0)),
        output_tokens: field("output_tokens"),
        cache_read_tokens: read,
        cache_write_tokens: written,
    }
}
