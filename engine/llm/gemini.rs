//! The Gemini API (`generateContent`): a conversation of contents made of parts, several function calls in
//! one, and thoughts whose signatures must come back as they were.

use super::http::{Http, KeyHeader};
use super::options::{ModelOptions, Thinking};
use super::{Finish, Llm, LlmError, Reply, Request, ToolSchema, usage};
use crate::episode::{AssistantTurn, Message, ToolRequest, ToolResult};
use crate::value::{Value, parse};
use futures_util::future::BoxFuture;

/// Marks the ids that we make up, since the API need not give any, and knows none that it did not give.
const OWN_ID: &str = "gemini_call_";

/// A client of the `generateContent` endpoint.
pub struct Gemini {
    http: Http,
    options: ModelOptions,
    name: String,
}

impl Gemini {
    pub fn new(http: Http, options: ModelOptions) -> Gemini {
        let name = http.model().to_string();
        Gemini { http, options, name }
    }

    fn path(&self) -> String {
        let model = &self.http.model().name;
        let folder = if model.contains('/') { "" } else { "models/" };
        format!("{folder}{model}:generateContent")
    }

    fn body(&self, request: &Request) -> Value {
        // The order is that of the prefix which the provider's own cache compares.
        let mut body = Vec::new();
        if !request.system.is_empty() {
            body.push((
                "systemInstruction",
                Value::object([("parts", Value::List(vec![text_part(&request.system)]))]),
            ));
        }
        if !request.tools.is_empty() {
            let functions = Value::List(request.tools.iter().map(function).collect());
            body.push(("tools", Value::List(vec![Value::object([("functionDeclarations", functions)])])));
        }
        body.push(("contents", Value::List(contents(&request.messages))));
        let config = self.config(request);
        if config.is_truthy() {
            body.push(("generationConfig", config));
        }
        Value::Map(body.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn config(&self, request: &Request) -> Value {
        let budget = self.options.thinking.map(|thinking| match thinking {
            Thinking::Off => 0,
            Thinking::Adaptive => -1,
            Thinking::Tokens(tokens) => i64::from(tokens),
        });
        let thinking = [
            budget.map(|tokens| ("thinkingBudget", Value::Int(tokens))),
            self.options.effort.map(|effort| ("thinkingLevel", Value::from(effort.word()))),
        ];
        let thinking: Vec<_> = thinking.into_iter().flatten().collect();
        let config = [
            self.output_tokens_max(request).map(|limit| ("maxOutputTokens", Value::Int(i64::from(limit)))),
            self.options.temperature.map(|temperature| ("temperature", Value::Float(temperature))),
            (!thinking.is_empty()).then(|| ("thinkingConfig", map(thinking))),
        ];
        map(config.into_iter().flatten())
    }

    fn reply(&self, document: &Value) -> Result<Reply, LlmError> {
        if let Some(error) = document.get("error").filter(|error| error.is_truthy()) {
            return Err(self.http.error_in_reply(error, usage::gemini(document.get("usageMetadata"))));
        }
        let counted = || usage::gemini(document.get("usageMetadata"));
        let text = |of: Option<&Value>, key: &str| Some(of?.get(key)?.as_str()?.to_owned());
        if let Some(reason) = text(document.get("promptFeedback"), "blockReason") {
            let problem = format!("the provider blocked the prompt: {reason}");
            return Err(self.http.request_refused(problem, counted()));
        }
        let candidate =
            document.get("candidates").and_then(Value::as_list).and_then(<[Value]>::first).ok_or_else(
                || {
                    let excerpt = self.http.excerpt(document.compact().as_bytes());
                    self.http.lost(format!("a reply without a candidate: {excerpt}"), counted())
                },
            )?;
        let parts = candidate.get("content").and_then(|content| content.get("parts"));
        let turn = turn(parts.and_then(Value::as_list).unwrap_or_default());
        let turn = self.http.without_secrets(turn);
        let reason = text(Some(candidate), "finishReason");
        let finish = finish(reason.as_deref(), &turn);
        let Some(finish) = finish.filter(|finish| !usage::is_hollow(&turn, *finish, &counted())) else {
            let details = text(Some(candidate), "finishMessage").unwrap_or_default();
            let problem = format!(
                "the model stopped without an answer, for the reason {:?} {}",
                reason.as_deref().unwrap_or("none"),
                self.http.excerpt(details.as_bytes())
            );
            let model = self.name.clone();
            return Err(match reason.as_deref() {
                Some("MALFORMED_FUNCTION_CALL") => {
                    LlmError::Garbled { model, problem, usage: Box::new(counted()) }
                }
                _ => self.http.lost(problem, counted()),
            });
        };
        Ok(Reply {
            turn,
            finish,
            usage: counted(),
            resolved_model: self.http.resolved_model(document.get("modelVersion")),
            waited_ms: 0,
            recalled_ms: None,
        })
    }
}

impl Llm for Gemini {
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
            let document = self.http.post(&self.path(), KeyHeader::XGoogApiKey, &[], &body, limit).await?;
            self.reply(&document)
        })
    }
}

fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Why the model stopped; none where there is nothing to be scored, or nobody knows the reason: a call that the
/// provider could not read is thrown away with all that came before it, and another attempt mostly succeeds.
fn finish(reason: Option<&str>, turn: &AssistantTurn) -> Option<Finish> {
    let is_empty = turn.text.is_empty() && turn.tool_calls.is_empty();
    let done = if turn.tool_calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
    match reason {
        Some("MAX_TOKENS") => Some(Finish::Length),
        Some(
            "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
            | "IMAGE_SAFETY",
        ) => Some(Finish::Refused),
        Some("STOP") => Some(done),
        Some("FINISH_REASON_UNSPECIFIED") | None => (!is_empty).then_some(done),
        Some(_) => None,
    }
}

fn turn(parts: &[Value]) -> AssistantTurn {
    let is_thought = |part: &&Value| part.get("thought").is_some_and(Value::is_truthy);
    let texts = parts.iter().filter(|part| !is_thought(part));
    let calls = parts.iter().filter_map(|part| part.get("functionCall"));
    let is_signed = parts.iter().any(|part| is_thought(&part) || part.get("thoughtSignature").is_some());
    AssistantTurn {
        text: texts.filter_map(|part| part.get("text").and_then(Value::as_str)).collect(),
        tool_calls: calls.enumerate().map(tool_request).collect(),
        reasoning: is_signed.then(|| Value::List(parts.to_vec())),
    }
}

fn tool_request((index, call): (usize, &Value)) -> ToolRequest {
    let text = |key: &str| call.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = text("id");
    ToolRequest {
        id: if id.is_empty() { format!("{OWN_ID}{index}") } else { id },
        tool: text("name"),
        arguments: call.get("args").map_or("{}".into(), Value::compact),
    }
}

/// The conversation, with all results of a turn in one content.
fn contents(conversation: &[Message]) -> Vec<Value> {
    let mut contents: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in conversation {
        let (role, parts) = match message {
            Message::User(text) => ("user", vec![text_part(text)]),
            Message::Assistant(turn) => ("model", turn_parts(turn)),
            Message::ToolResult(result) => ("user", vec![result_part(result)]),
        };
        match contents.last_mut() {
            Some((last, all)) if *last == role => all.extend(parts),
            _ => contents.push((role, parts)),
        }
    }
    let contents = contents.into_iter().filter(|(_, parts)| !parts.is_empty());
    contents
        .map(|(role, parts)| Value::object([("role", Value::from(role)), ("parts", Value::List(parts))]))
        .collect()
}

/// A signed turn goes back as it came.
fn turn_parts(turn: &AssistantTurn) -> Vec<Value> {
    if let Some(Value::List(parts)) = &turn.reasoning {
        return parts.clone();
    }
    let text = (!turn.text.is_empty()).then(|| text_part(&turn.text));
    let calls = turn.tool_calls.iter().map(|call| {
        let args = parse(call.arguments.as_bytes()).ok().filter(|args| args.as_map().is_some());
        let args = args.unwrap_or_else(|| Value::object([]));
        let pairs = [("name", Value::from(call.tool.as_str())), ("args", args)];
        Value::object([("functionCall", map(known_id(&call.id).into_iter().chain(pairs)))])
    });
    text.into_iter().chain(calls).collect()
}

fn result_part(result: &ToolResult) -> Value {
    let key = if result.is_error { "error" } else { "output" };
    let response = Value::object([(key, Value::from(result.content.as_str()))]);
    let pairs = [("name", Value::from(result.tool.as_str())), ("response", response)];
    Value::object([("functionResponse", map(known_id(&result.id).into_iter().chain(pairs)))])
}

/// The id of a call, where the provider gave it.
fn known_id(id: &str) -> Option<(&'static str, Value)> {
    (!id.starts_with(OWN_ID)).then(|| ("id", Value::from(id)))
}

fn text_part(text: &str) -> Value {
    Value::object([("text", Value::from(text))])
}

fn function(tool: &ToolSchema) -> Value {
    Value::object([
        ("name", Value::from(tool.name.as_str())),
        ("description", Value::from(tool.description.as_str())),
        ("parameters", tool.parameters.clone()),
    ])
}
