//! The OpenAI chat-completions dialect, as OpenAI, OpenRouter, vLLM, Ollama, llama.cpp, Zhipu and Chutes
//! speak it.

use super::connect::ModelOptions;
use super::http::{Http, KeyHeader};
use super::{Finish, Llm, LlmError, Reply, Request, ToolSchema};
use crate::episode::{AssistantTurn, Message, ToolRequest, Usage};
use crate::value::Value;
use futures_util::future::BoxFuture;

/// A client of a chat-completions endpoint.
pub struct OpenAi {
    http: Http,
    options: ModelOptions,
    name: String,
    /// OpenAI itself renamed `max_tokens`; the others keep the old name.
    is_openai_itself: bool,
}

impl OpenAi {
    pub fn new(http: Http, options: ModelOptions, is_openai_itself: bool) -> OpenAi {
        let name = http.model().to_string();
        OpenAi { http, options, name, is_openai_itself }
    }

    fn body(&self, request: &Request) -> Value {
        let mut messages = vec![message("system", Value::from(request.system.as_str()))];
        messages.extend(request.messages.iter().map(message_value));
        let mut body = vec![
            ("model", Value::from(self.http.model().name.as_str())),
            ("messages", Value::List(messages)),
        ];
        if !request.tools.is_empty() {
            body.push(("tools", Value::List(request.tools.iter().map(tool_value).collect())));
        }
        if let Some(limit) = request.output_tokens_max.or(self.options.output_tokens_max) {
            let key = if self.is_openai_itself { "max_completion_tokens" } else { "max_tokens" };
            body.push((key, Value::Int(i64::from(limit))));
        }
        if let Some(temperature) = request.temperature.or(self.options.temperature) {
            body.push(("temperature", Value::Float(temperature)));
        }
        Value::Map(body.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn reply(&self, document: &Value) -> Result<Reply, LlmError> {
        if let Some(error) = document.get("error").filter(|error| error.is_truthy()) {
            let problem =
                format!("an error in place of a reply: {}", self.http.excerpt(error.compact().as_bytes()));
            return Err(self.http.transient(problem, None));
        }
        let choice = document.get("choices").and_then(Value::as_list).and_then(<[Value]>::first);
        let Some((choice, message)) = choice.and_then(|choice| Some((choice, choice.get("message")?))) else {
            let problem =
                format!("a reply without a choice: {}", self.http.excerpt(document.compact().as_bytes()));
            return Err(self.http.transient(problem, None));
        };
        let tool_calls = message.get("tool_calls").and_then(Value::as_list).unwrap_or_default();
        let tool_calls: Vec<ToolRequest> = tool_calls.iter().enumerate().map(tool_request).collect();
        let reasoning = ["reasoning_content", "reasoning"].iter().find_map(|key| {
            let text = message.get(key).filter(|text| text.is_truthy())?;
            Some(Value::object([(key, text.clone())]))
        });
        let finish = match choice.get("finish_reason").and_then(Value::as_str) {
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::Refused,
            _ if !tool_calls.is_empty() => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        Ok(Reply {
            turn: AssistantTurn { text: text_of(message.get("content")), tool_calls, reasoning },
            finish,
            usage: usage(document.get("usage")),
            resolved_model: document.get("model").and_then(Value::as_str).map(str::to_owned),
            waited_ms: 0,
        })
    }
}

impl Llm for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let body = self.body(request);
            let limit = request.attempt_ms_max;
            let document = self.http.post("chat/completions", KeyHeader::Bearer, &[], &body, limit).await?;
            self.reply(&document)
        })
    }
}

fn message(role: &str, content: Value) -> Value {
    Value::object([("role", Value::from(role)), ("content", content)])
}

fn message_value(entry: &Message) -> Value {
    match entry {
        Message::User(text) => message("user", Value::from(text.as_str())),
        Message::Assistant(turn) => assistant_value(turn),
        Message::ToolResult(result) => Value::object([
            ("role", Value::from("tool")),
            ("tool_call_id", Value::from(result.id.as_str())),
            ("content", Value::from(result.content.as_str())),
        ]),
    }
}

fn assistant_value(turn: &AssistantTurn) -> Value {
    let content = if turn.text.is_empty() { Value::Null } else { Value::from(turn.text.as_str()) };
    let Value::Map(mut map) = message("assistant", content) else { return Value::Null };
    if let Some(Value::Map(reasoning)) = &turn.reasoning {
        map.extend(reasoning.clone());
    }
    if !turn.tool_calls.is_empty() {
        let calls = turn.tool_calls.iter().map(|call| {
            let function = Value::object([
                ("name", Value::from(call.tool.as_str())),
                ("arguments", Value::from(call.arguments.as_str())),
            ]);
            Value::object([
                ("id", Value::from(call.id.as_str())),
                ("type", Value::from("function")),
                ("function", function),
            ])
        });
        map.insert("tool_calls".into(), Value::List(calls.collect()));
    }
    Value::Map(map)
}

fn tool_value(tool: &ToolSchema) -> Value {
    let function = Value::object([
        ("name", Value::from(tool.name.as_str())),
        ("description", Value::from(tool.description.as_str())),
        ("parameters", tool.parameters.clone()),
    ]);
    Value::object([("type", Value::from("function")), ("function", function)])
}

/// Some servers leave out the id, and some write the arguments as an object.
fn tool_request((index, call): (usize, &Value)) -> ToolRequest {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let function = call.get("function");
    let id = text(call.get("id"));
    ToolRequest {
        id: if id.is_empty() { format!("call_{index}") } else { id },
        tool: text(function.and_then(|function| function.get("name"))),
        arguments: match function.and_then(|function| function.get("arguments")) {
            Some(Value::Str(text)) => text.clone(),
            Some(Value::Null) | None => "{}".into(),
            Some(other) => other.compact(),
        },
    }
}

/// The text of a content: a string, or the text parts of a list.
fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::List(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

fn usage(usage: Option<&Value>) -> Usage {
    let count = |value: Option<&Value>| match value {
        Some(Value::Int(count)) => u64::try_from(*count).ok(),
        _ => None,
    };
    let field = |key: &str| count(usage.and_then(|usage| usage.get(key)));
    let cached = usage
        .and_then(|usage| usage.get("prompt_tokens_details"))
        .and_then(|details| details.get("cached_tokens"));
    Usage {
        input_tokens: field("prompt_tokens"),
        output_tokens: field("completion_tokens"),
        cache_read_tokens: count(cached),
        cache_write_tokens: None,
    }
}
