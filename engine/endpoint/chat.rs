//! The OpenAI chat-completions dialect from the server's side: a request that came becomes ours, and a reply
//! becomes a completion, whole or streamed.

use crate::episode::{AssistantTurn, Message, ToolRequest, ToolResult, Usage};
use crate::llm::{Finish, Reply, Request, ToolSchema};
use crate::units::Seed;
use crate::value::Value;

/// Reads a request. The protocol names no seed that a model of ours could use, so it is zero here.
pub fn request(document: &Value) -> Result<Request, String> {
    let entries = document.get("messages").and_then(Value::as_list).ok_or("\"messages\" must be a list")?;
    let mut system = Vec::new();
    let mut messages = Vec::new();
    for entry in entries {
        match entry.get("role").and_then(Value::as_str) {
            Some("system" | "developer") => system.push(text(entry.get("content"))),
            Some("user") => messages.push(Message::User(text(entry.get("content")))),
            Some("assistant") => messages.push(Message::Assistant(assistant_turn(entry))),
            Some("tool") => messages.push(Message::ToolResult(ToolResult {
                id: text(entry.get("tool_call_id")),
                tool: String::new(),
                content: text(entry.get("content")),
                is_error: false,
            })),
            other => return Err(format!("unknown role {other:?} in \"messages\"")),
        }
    }
    name_results(&mut messages);
    let tools = document.get("tools").and_then(Value::as_list).unwrap_or_default();
    Ok(Request {
        system: system.join("\n\n"),
        messages,
        tools: tools.iter().filter_map(tool_schema).collect(),
        output_tokens_max: None,
        seed: Seed(0),
        attempt_ms_max: None,
        failed_attempts: Default::default(),
    })
}

/// A reply as the document of a completion.
pub fn completion(model: &str, reply: &Reply) -> Value {
    let mut message =
        vec![("role", Value::from("assistant")), ("content", Value::from(reply.turn.text.as_str()))];
    if !reply.turn.tool_calls.is_empty() {
        message.push(("tool_calls", Value::List(reply.turn.tool_calls.iter().map(tool_call).collect())));
    }
    let choice = Value::object([
        ("index", Value::Int(0)),
        ("message", object(message)),
        ("finish_reason", finish_reason(reply.finish).into()),
    ]);
    document(model, "chat.completion", choice, usage(reply.usage))
}

/// A reply as the events of a stream: all of the turn at once, then how it ended.
pub(crate) fn streamed(model: &str, reply: &Reply) -> String {
    let mut delta = vec![("role", Value::from("assistant"))];
    if !reply.turn.text.is_empty() {
        delta.push(("content", reply.turn.text.as_str().into()));
    }
    if !reply.turn.tool_calls.is_empty() {
        let calls = reply.turn.tool_calls.iter().enumerate().map(|(index, call)| match tool_call(call) {
            Value::Map(mut fields) => {
                fields.insert("index".into(), Value::Int(index as i64));
                Value::Map(fields)
            }
            other => other,
        });
        delta.push(("tool_calls", Value::List(calls.collect())));
    }
    let event = |delta: Value, finish: Value| {
        let choice = Value::object([("index", Value::Int(0)), ("delta", delta), ("finish_reason", finish)]);
        format!("data: {}\n\n", document(model, "chat.completion.chunk", choice, None).compact())
    };
    let turn = event(object(delta), Value::Null);
    let end = event(Value::Map(Default::default()), finish_reason(reply.finish).into());
    format!("{turn}{end}data: [DONE]\n\n")
}

fn document(model: &str, kind: &str, choice: Value, usage: Option<Value>) -> Value {
    let mut fields = vec![
        ("id", "chatcmpl-packwright".into()),
        ("object", kind.into()),
        ("created", Value::Int(0)),
        ("model", model.into()),
        ("choices", Value::List(vec![choice])),
    ];
    fields.extend(usage.map(|usage| ("usage", usage)));
    object(fields)
}

fn usage(usage: Usage) -> Option<Value> {
    let (input, output) = (usage.input_tokens?, usage.output_tokens?);
    let count = |tokens: u64| Value::Int(i64::try_from(tokens).unwrap_or(i64::MAX));
    Some(Value::object([
        ("prompt_tokens", count(input)),
        ("completion_tokens", count(output)),
        ("total_tokens", count(input.saturating_add(output))),
    ]))
}

fn tool_call(call: &ToolRequest) -> Value {
    let function = Value::object([
        ("name", Value::from(call.tool.as_str())),
        ("arguments", Value::from(call.arguments.as_str())),
    ]);
    Value::object([("id", call.id.as_str().into()), ("type", "function".into()), ("function", function)])
}

fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::ToolCalls => "tool_calls",
        Finish::Length => "length",
        Finish::Refused => "content_filter",
    }
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Map(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn assistant_turn(entry: &Value) -> AssistantTurn {
    let calls = entry.get("tool_calls").and_then(Value::as_list).unwrap_or_default();
    let tool_calls = calls.iter().map(|call| ToolRequest {
        id: text(call.get("id")),
        tool: text(call.get("function").and_then(|function| function.get("name"))),
        arguments: text(call.get("function").and_then(|function| function.get("arguments"))),
    });
    AssistantTurn { text: text(entry.get("content")), tool_calls: tool_calls.collect(), reasoning: None }
}

/// Tool messages do not say which tool they come from; the calls that they answer do.
fn name_results(messages: &mut [Message]) {
    let calls: Vec<(String, String)> = messages
        .iter()
        .filter_map(|message| match message {
            Message::Assistant(turn) => {
                Some(turn.tool_calls.iter().map(|call| (call.id.clone(), call.tool.clone())))
            }
            _ => None,
        })
        .flatten()
        .collect();
    for message in messages {
        if let Message::ToolResult(result) = message
            && let Some((_, tool)) = calls.iter().find(|(id, _)| *id == result.id)
        {
            result.tool.clone_from(tool);
        }
    }
}

fn tool_schema(tool: &Value) -> Option<ToolSchema> {
    let function = tool.get("function")?;
    Some(ToolSchema {
        name: function.get("name")?.as_str()?.to_owned(),
        description: text(function.get("description")),
        parameters: function.get("parameters").cloned().unwrap_or(Value::Null),
    })
}

/// A content: a string, or the text parts of a list.
fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::List(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}
