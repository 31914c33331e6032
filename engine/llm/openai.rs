//! The OpenAI chat-completions dialect, as OpenAI, OpenRouter, vLLM, Ollama, llama.cpp, Zhipu and Chutes
//! speak it.

use super::http::{Http, KeyHeader};
use super::options::{ModelOptions, Thinking};
use super::provider::{Provider, same_origin};
use super::{Finish, Llm, LlmError, Reply, Request, ToolSchema, usage};
use crate::episode::{AssistantTurn, Message, ToolRequest};
use crate::value::{Map, Value, parse};
use futures_util::future::BoxFuture;
use reqwest::Url;

/// Where servers put what the model thought. OpenRouter and litellm answer 400 where it does not come back.
const REASONING_KEYS: [&str; 4] = ["reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"];
/// Where servers put a signed thought beside a tool call: Gemini's OpenAI dialect, and litellm.
const CALL_KEYS: [&str; 2] = ["extra_content", "provider_specific_fields"];

/// A client of a chat-completions endpoint.
pub struct OpenAi {
    http: Http,
    options: ModelOptions,
    name: String,
}

impl OpenAi {
    pub fn new(http: Http, options: ModelOptions) -> OpenAi {
        let name = http.model().to_string();
        OpenAi { http, options, name }
    }

    fn body(&self, request: &Request) -> Value {
        let mut messages = vec![message("system", Value::from(request.system.as_str()))];
        messages.extend(request.messages.iter().map(message_value));
        let mut body = vec![("model", Value::from(self.http.model().name.as_str()))];
        // Tools and system prompt begin the prefix that providers cache, so they never change their order.
        if !request.tools.is_empty() {
            body.push(("tools", Value::List(request.tools.iter().map(tool_value).collect())));
        }
        body.push(("messages", Value::List(messages)));
        let provider = self.http.model().provider;
        if let Some(limit) = self.output_tokens_max(request) {
            let key = limit_key(self.http.base_url());
            body.push((key, Value::Int(i64::from(limit))));
        }
        if let Some(temperature) = self.options.temperature {
            body.push(("temperature", Value::Float(temperature)));
        }
        body.extend(thought_parameters(provider, &self.options));
        Value::Map(body.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn reply(&self, document: &Value) -> Result<Reply, LlmError> {
        if let Some(error) = document.get("error").filter(|error| error.is_truthy()) {
            return Err(self.http.error_in_reply(error, usage::openai(document.get("usage"))));
        }
        let choice = document.get("choices").and_then(Value::as_list).and_then(<[Value]>::first);
        let Some((choice, message)) = choice.and_then(|choice| Some((choice, choice.get("message")?))) else {
            let problem =
                format!("a reply without a choice: {}", self.http.excerpt(document.compact().as_bytes()));
            return Err(self.http.lost(problem, usage::openai(document.get("usage"))));
        };
        if let Some(error) = choice.get("error").filter(|error| error.is_truthy()) {
            return Err(self.http.error_in_reply(error, usage::openai(document.get("usage"))));
        }
        let turn = self.http.without_secrets(turn(message));
        let usage = usage::openai(document.get("usage"));
        let reason = choice.get("finish_reason").and_then(Value::as_str);
        let finish = finish(reason, &turn, is_refusal(message));
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

impl Llm for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn output_tokens_max(&self, request: &Request) -> Option<u32> {
        self.options.limit_with_thoughts(request)
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

/// How the output limit is called. OpenAI has renamed it, on Azure too; other servers know the old name, and many
/// know no other, whatever the provider's word before the model's name.
fn limit_key(base_url: &Url) -> &'static str {
    let is_azure = base_url.host_str().is_some_and(|host| host.ends_with(".openai.azure.com"));
    let is_openai = is_azure || same_origin(base_url.as_str(), Provider::OpenAi.base_url());
    if is_openai { "max_completion_tokens" } else { "max_tokens" }
}

/// Thinking and effort, for which every server has words of its own.
fn thought_parameters(provider: Provider, options: &ModelOptions) -> Vec<(&'static str, Value)> {
    let effort = options.effort.map(|effort| Value::from(effort.word()));
    match (provider, options.thinking) {
        (Provider::OpenRouter, thinking) => {
            let thinking = thinking.map(|thinking| match thinking {
                Thinking::Tokens(tokens) => ("max_tokens", Value::Int(i64::from(tokens))),
                Thinking::Adaptive => ("enabled", Value::Bool(true)),
                Thinking::Off => ("enabled", Value::Bool(false)),
            });
            let reasoning = thinking.into_iter().chain(effort.map(|effort| ("effort", effort)));
            let reasoning: Map = reasoning.map(|(key, value)| (key.to_owned(), value)).collect();
            if reasoning.is_empty() { Vec::new() } else { vec![("reasoning", Value::Map(reasoning))] }
        }
        (Provider::Zhipu, Some(thinking)) => {
            let kind = if thinking == Thinking::Off { "disabled" } else { "enabled" };
            vec![("thinking", Value::object([("type", Value::from(kind))]))]
        }
        (_, thinking) => {
            // The servers of open models pass this on to the model's template.
            let off = (thinking == Some(Thinking::Off))
                .then(|| ("chat_template_kwargs", Value::object([("enable_thinking", Value::Bool(false))])));
            off.into_iter().chain(effort.map(|effort| ("reasoning_effort", effort))).collect()
        }
    }
}

/// Why the model stopped; none where the provider failed at it, so that there is no answer to be scored: whatever
/// text there is broke off, and its tool calls may be halves. Reasons that nobody knows are taken for failures,
/// since those are what servers invent words for.
fn finish(reason: Option<&str>, turn: &AssistantTurn, is_refusal: bool) -> Option<Finish> {
    let is_empty = turn.text.is_empty() && turn.tool_calls.is_empty();
    let done = if turn.tool_calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
    let finish = match reason.unwrap_or_default().to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "content_filter" | "sensitive" | "safety" | "refusal" => Finish::Refused,
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" => done,
        "tool_calls" | "tool_use" | "function_call" if !is_empty => done,
        // Some servers never say.
        "" if !is_empty && turn.tool_calls.iter().all(is_whole) => done,
        _ => return None,
    };
    Some(if is_refusal && finish == done { Finish::Refused } else { finish })
}

/// Whether a call was written to its end.
fn is_whole(call: &ToolRequest) -> bool {
    parse(call.arguments.as_bytes()).is_ok_and(|arguments| arguments.as_map().is_some())
}

fn is_refusal(message: &Value) -> bool {
    message.get("refusal").is_some_and(Value::is_truthy)
}

fn turn(message: &Value) -> AssistantTurn {
    let calls = message.get("tool_calls").and_then(Value::as_list).unwrap_or_default();
    // A refusal is what the assistant says, though it stands in a place of its own.
    let texts = [text_of(message.get("content")), text_of(message.get("refusal"))];
    AssistantTurn {
        text: texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n"),
        tool_calls: calls.iter().enumerate().map(tool_request).collect(),
        reasoning: reasoning(message, calls),
    }
}

/// Everything of a turn that its provider wants to see again, unchanged: its own keys, and under `tool_calls`
/// those of each call.
fn reasoning(message: &Value, calls: &[Value]) -> Option<Value> {
    let mut kept = kept(message, &REASONING_KEYS);
    let of_calls: Vec<Value> = calls.iter().map(|call| Value::Map(self::kept(call, &CALL_KEYS))).collect();
    if of_calls.iter().any(Value::is_truthy) {
        kept.insert("tool_calls".into(), Value::List(of_calls));
    }
    (!kept.is_empty()).then_some(Value::Map(kept))
}

fn kept(of: &Value, keys: &[&str]) -> Map {
    let found = keys.iter().filter_map(|key| Some((*key, of.get(key)?)));
    found
        .filter(|(_, value)| **value != Value::Null)
        .map(|(key, value)| (key.into(), value.clone()))
        .collect()
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
    let reasoning = turn.reasoning.as_ref().and_then(Value::as_map).cloned().unwrap_or_default();
    map.extend(reasoning);
    // What is kept of the calls goes back into them.
    let kept = map.shift_remove("tool_calls");
    let kept = kept.as_ref().and_then(Value::as_list).unwrap_or_default();
    if !turn.tool_calls.is_empty() {
        let calls = turn.tool_calls.iter().enumerate().map(|(at, call)| call_value(call, kept.get(at)));
        map.insert("tool_calls".into(), Value::List(calls.collect()));
    }
    Value::Map(map)
}

fn call_value(call: &ToolRequest, kept: Option<&Value>) -> Value {
    let function = Value::object([
        ("name", Value::from(call.tool.as_str())),
        ("arguments", Value::from(call.arguments.as_str())),
    ]);
    let own =
        [("id", Value::from(call.id.as_str())), ("type", Value::from("function")), ("function", function)];
    let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
    Value::Map(own.chain(kept.and_then(Value::as_map).cloned().unwrap_or_default()).collect())
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
            let texts = parts.iter().filter_map(|part| part.get("text").or_else(|| part.get("refusal")));
            texts.filter_map(Value::as_str).collect()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_openai_itself_gets_the_new_name_of_the_limit() {
        let check =
            |url: &str, expected: &str| assert_eq!(limit_key(&url.parse().unwrap()), expected, "{url}");
        check("https://api.openai.com/v1", "max_completion_tokens");
        check("https://mine.openai.azure.com/openai/v1", "max_completion_tokens");
        check("http://127.0.0.1:8080/v1", "max_tokens");
        check("https://api.openai.com.example.net/v1", "max_tokens");
        check("https://openai.azure.com.example.net/v1", "max_tokens");
    }
}
