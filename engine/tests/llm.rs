//! The model clients against recorded exchanges in the providers' documented shapes, and the retries.

use packwright::episode::{AssistantTurn, FailureClass, Message, ToolRequest, ToolResult};
use packwright::llm::connect::{Connection, ModelOptions, connect};
use packwright::llm::http::Http;
use packwright::llm::openai::OpenAi;
use packwright::llm::retry::{RetryPolicy, Retrying};
use packwright::llm::{Finish, Llm, LlmError, Reply, Request, ToolSchema};
use packwright::units::Seed;
use packwright::value::{Value, parse};
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEY: &str = "test-key-that-must-not-show";

fn value(text: &str) -> Value {
    parse(text.as_bytes()).expect("JSON of the test")
}

fn request() -> Request {
    let tool = ToolSchema {
        name: "read".into(),
        description: "Read a file".into(),
        parameters: value(
            r#"{"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}"#,
        ),
    };
    Request {
        system: "be brief".into(),
        messages: vec![
            Message::User("what is in USER.md?".into()),
            Message::Assistant(AssistantTurn {
                text: "Looking.".into(),
                tool_calls: vec![ToolRequest {
                    id: "c1".into(),
                    tool: "read".into(),
                    arguments: r#"{"path": "USER.md"}"#.into(),
                }],
                reasoning: None,
            }),
            Message::ToolResult(ToolResult {
                id: "c1".into(),
                tool: "read".into(),
                content: "Kim".into(),
                is_error: false,
            }),
        ],
        tools: vec![tool].into(),
        output_tokens_max: Some(500),
        seed: Seed(1),
        attempt_ms_max: None,
    }
}

async fn answer(server: &MockServer, at: &str, template: ResponseTemplate) {
    Mock::given(method("POST")).and(path(at)).respond_with(template).mount(server).await;
}

fn client(model: &str, server: &MockServer, options: ModelOptions) -> Arc<dyn Llm> {
    connect(&Connection { options, ..connection(model, &server.uri()) }).expect("a client")
}

fn connection(model: &str, base_url: &str) -> Connection {
    let connection = Connection::to(model.parse().expect("a model name"), Some(base_url.to_owned()));
    Connection { key: Some(SecretString::from(KEY)), ..connection }
}

/// An OpenAI client without the patience of the real one.
fn impatient(server: &MockServer, retries: usize) -> Retrying {
    let http = Http::new(&connection("openai/m", &server.uri())).expect("a client");
    let inner = Arc::new(OpenAi::new(http, ModelOptions::default(), true));
    Retrying::with_policy(inner, RetryPolicy { retries, first_wait_ms: 1, wait_ms_max: 2 })
}

async fn sent(server: &MockServer) -> serde_json::Value {
    let requests = server.received_requests().await.expect("recorded requests");
    requests.last().expect("a request").body_json().expect("a JSON body")
}

fn openai_reply() -> serde_json::Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-2026-01-01",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Kim wrote it."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 5, "total_tokens": 125,
                  "prompt_tokens_details": {"cached_tokens": 100}}
    })
}

#[tokio::test]
async fn openai_sends_the_documented_request_and_reads_the_reply() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(openai_reply()))
        .mount(&server)
        .await;
    let reply =
        client("openai/m", &server, ModelOptions::default()).complete(&request()).await.expect("a reply");
    assert_eq!(reply.turn.text, "Kim wrote it.");
    assert_eq!(reply.finish, Finish::Stop);
    assert_eq!(reply.usage.input_tokens, Some(120));
    assert_eq!(reply.usage.cache_read_tokens, Some(100));
    assert_eq!(reply.resolved_model.as_deref(), Some("m-2026-01-01"));
    let expected = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "what is in USER.md?"},
            {"role": "assistant", "content": "Looking.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{\"path\": \"USER.md\"}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "Kim"}
        ],
        "tools": [{"type": "function", "function": {"name": "read", "description": "Read a file",
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}}],
        "max_completion_tokens": 500
    });
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn openai_compatible_servers_get_the_old_name_of_the_limit_and_the_temperature() {
    let server = MockServer::start().await;
    answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(openai_reply())).await;
    let options = ModelOptions { temperature: Some(0.5), ..ModelOptions::default() };
    client("vllm/qwen", &server, options).complete(&request()).await.expect("a reply");
    let body = sent(&server).await;
    assert_eq!((&body["max_tokens"], &body["temperature"]), (&json!(500), &json!(0.5)));
    assert_eq!(body["max_completion_tokens"], json!(null));
}

#[tokio::test]
async fn tool_calls_of_openai_dialects_are_read() {
    let server = MockServer::start().await;
    let body = json!({"choices": [{"finish_reason": "tool_calls", "message": {
    "content": null, "reasoning_content": "hm",
    "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "read", "arguments": "{\"path\":\"x\"}"}},
        {"function": {"name": "exec", "arguments": {"command": "ls", "n": 1.0}}},
        {"id": "c", "function": {"name": "slack", "arguments": "{\"unterminated"}}
    ]}}]});
    answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(body)).await;
    let reply =
        client("ollama/q", &server, ModelOptions::default()).complete(&request()).await.expect("a reply");
    let calls: Vec<_> = reply
        .turn
        .tool_calls
        .iter()
        .map(|c| (c.id.as_str(), c.tool.as_str(), c.arguments.as_str()))
        .collect();
    assert_eq!(
        calls,
        [
            ("a", "read", "{\"path\":\"x\"}"),
            ("call_1", "exec", r#"{"command":"ls","n":1.0}"#),
            ("c", "slack", "{\"unterminated"),
        ]
    );
    assert_eq!(reply.finish, Finish::ToolCalls);
    assert_eq!(reply.turn.reasoning, Some(value(r#"{"reasoning_content": "hm"}"#)));
    assert_eq!(reply.usage.input_tokens, None, "nobody counted");
    assert_eq!(reply.resolved_model, None);
}

/// What a client of this model makes of a reply body.
async fn openai_reads(body: serde_json::Value) -> Result<Reply, LlmError> {
    let server = MockServer::start().await;
    answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(body)).await;
    impatient(&server, 0).complete(&request()).await
}

#[tokio::test]
async fn a_provider_that_broke_off_gave_no_answer() {
    let choices = [
        json!({"finish_reason": "error", "message": {"content": null}}),
        json!({"finish_reason": "error", "message": {"content": "First, I"}}),
        json!({"finish_reason": "stop", "message": {"content": ""}, "error": {"code": 502, "message": "down"}}),
        json!({"finish_reason": "insufficient_system_resource", "message": {"content": "First, I"}}),
        json!({"finish_reason": "odd", "message": {"content": null}}),
        json!({"finish_reason": null, "message": {"content": ""}}),
    ];
    for choice in choices {
        let error = openai_reads(json!({"choices": [choice]})).await.expect_err("no answer");
        assert!(matches!(error, LlmError::Transient { .. }), "{choice}: {error:?}");
    }
    for (code, class) in [
        (402, FailureClass::Setup),
        (401, FailureClass::Setup),
        (400, FailureClass::Request),
        (503, FailureClass::Transient),
    ] {
        let error =
            openai_reads(json!({"error": {"code": code, "message": "no"}})).await.expect_err("an error");
        assert_eq!(error.class(), class, "{code}");
    }
    let too_long = json!({"choices": [{"message": {}, "error": {"code": "context_length_exceeded"}}]});
    let error = openai_reads(too_long).await.expect_err("an error");
    assert!(matches!(error, LlmError::ContextOverflow { .. }), "{error:?}");
}

#[tokio::test]
async fn whatever_was_said_is_an_answer() {
    let check = async |choice: serde_json::Value, text: &str, finish: Finish| {
        let reply = openai_reads(json!({"choices": [choice]})).await.expect("an answer");
        assert_eq!((reply.turn.text.as_str(), reply.finish), (text, finish), "{choice}");
    };
    let refused = json!({"finish_reason": "stop", "message": {"content": null, "refusal": "I cannot."}});
    check(refused, "I cannot.", Finish::Refused).await;
    let parts = json!([{"type": "text", "text": "No."}, {"type": "refusal", "refusal": " I cannot."}]);
    check(json!({"finish_reason": "stop", "message": {"content": parts}}), "No. I cannot.", Finish::Stop)
        .await;
    check(json!({"finish_reason": "odd", "message": {"content": "Done."}}), "Done.", Finish::Stop).await;
    check(json!({"finish_reason": "stop", "message": {"content": ""}}), "", Finish::Stop).await;
    check(json!({"finish_reason": "content_filter", "message": {"content": null}}), "", Finish::Refused)
        .await;
    check(json!({"finish_reason": "length", "message": {"content": "First"}}), "First", Finish::Length).await;
}

#[tokio::test]
async fn what_a_provider_thought_goes_back_unchanged() {
    let server = MockServer::start().await;
    let message = json!({
        "role": "assistant", "content": null, "refusal": null, "reasoning": "hm", "reasoning_content": "",
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "x", "id": "r1", "format": "google-gemini-v1"}],
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "read", "arguments": "{}"},
             "extra_content": {"google": {"thought_signature": "s"}}},
            {"id": "b", "type": "function", "function": {"name": "read", "arguments": "{}"}}]});
    let body = json!({"choices": [{"finish_reason": "tool_calls", "message": message}]});
    answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(body)).await;
    let client = impatient(&server, 0);
    let mut request = request();
    let reply = client.complete(&request).await.expect("a reply");
    request.messages.push(Message::Assistant(reply.turn));
    client.complete(&request).await.expect("a reply");
    let mut expected = message;
    expected.as_object_mut().expect("an object").remove("refusal");
    assert_eq!(sent(&server).await["messages"][4], expected);
}

fn anthropic_reply() -> serde_json::Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-20260101",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "I will look."},
            {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "USER.md"}}
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000, "output_tokens": 7}
    })
}

#[tokio::test]
async fn anthropic_sends_the_documented_request_and_reads_the_reply() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/messages"))
        .and(header("x-api-key", KEY))
        .and(header("anthropic-version", "2023-06-01"))
        .respond_with(ResponseTemplate::new(200).set_body_json(anthropic_reply()))
        .mount(&server)
        .await;
    let reply = client("anthropic/claude-x", &server, ModelOptions::default())
        .complete(&request())
        .await
        .expect("a reply");
    assert_eq!(reply.turn.text, "I will look.");
    assert_eq!(reply.turn.tool_calls[0].arguments, r#"{"path":"USER.md"}"#);
    assert_eq!(reply.finish, Finish::ToolCalls);
    assert_eq!((reply.usage.input_tokens, reply.usage.cache_write_tokens), (Some(3210), Some(200)));
    let mark = json!({"type": "ephemeral"});
    let expected = json!({
        "model": "claude-x", "max_tokens": 500,
        "system": [{"type": "text", "text": "be brief", "cache_control": mark}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "what is in USER.md?"}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "c1", "name": "read", "input": {"path": "USER.md"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "Kim", "is_error": false, "cache_control": mark}]}
        ],
        "tools": [{"name": "read", "description": "Read a file", "cache_control": mark,
            "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}]
    });
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn anthropic_thinking_is_asked_for_and_sent_back_unchanged() {
    let server = MockServer::start().await;
    answer(&server, "/v1/messages", ResponseTemplate::new(200).set_body_json(anthropic_reply())).await;
    let options =
        ModelOptions { thinking_tokens: Some(2048), temperature: Some(0.3), ..ModelOptions::default() };
    let client = client("anthropic/claude-x", &server, options);
    let mut request = request();
    let reply = client.complete(&request).await.expect("a reply");
    request.messages.push(Message::Assistant(reply.turn));
    client.complete(&request).await.expect("a reply");
    let body = sent(&server).await;
    assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 2048}));
    assert_eq!(body["max_tokens"], json!(2548));
    assert_eq!(body["temperature"], json!(null), "the API refuses it beside thinking");
    assert_eq!(
        body["messages"][3]["content"][0],
        json!({"type": "thinking", "thinking": "hm", "signature": "s"})
    );
}

async fn fail_with(template: ResponseTemplate) -> LlmError {
    let server = MockServer::start().await;
    answer(&server, "/chat/completions", template).await;
    impatient(&server, 0).complete(&request()).await.expect_err("an error")
}

#[tokio::test]
async fn failures_are_told_apart_and_never_show_the_key() {
    let is_transient = |error: &LlmError| matches!(error, LlmError::Transient { .. });
    for (status, transient) in
        [(401, false), (400, false), (404, false), (402, false), (429, true), (500, true), (529, true)]
    {
        let body = format!("{{\"error\": \"no {KEY} \\u0007 here\"}}");
        let error = fail_with(ResponseTemplate::new(status).set_body_string(body)).await;
        assert_eq!(is_transient(&error), transient, "{status}: {error}");
        assert!(!error.to_string().contains(KEY), "{error}");
        assert!(error.to_string().contains("<key>"), "{error}");
    }
    let error = fail_with(ResponseTemplate::new(200).set_body_string("{\"choices\": [{\"mess")).await;
    assert!(is_transient(&error) && error.to_string().contains("not JSON"), "{error}");
    let error = fail_with(ResponseTemplate::new(200).set_body_json(json!({"choices": []}))).await;
    assert!(is_transient(&error) && error.to_string().contains("without a choice"), "{error}");
    let error =
        fail_with(ResponseTemplate::new(200).set_body_json(json!({"error": {"message": "upstream"}}))).await;
    assert!(is_transient(&error) && error.to_string().contains("upstream"), "{error}");
}

#[tokio::test]
async fn a_failure_that_passes_is_outlived() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after", "0"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(openai_reply())).await;
    let reply: Result<Reply, LlmError> = impatient(&server, 3).complete(&request()).await;
    assert_eq!(reply.expect("a reply").turn.text, "Kim wrote it.");
    assert_eq!(server.received_requests().await.expect("requests").len(), 3);
}

#[tokio::test]
async fn an_output_limit_that_is_too_high_says_how_to_lower_it() {
    let words =
        json!({"error": {"message": "max_tokens is too large: 16000. This model supports at most 8192"}});
    let error = fail_with(ResponseTemplate::new(400).set_body_json(words)).await;
    assert_eq!(error.class(), FailureClass::Request);
    assert!(error.to_string().contains("--writer-max-output"), "{error}");
}

#[tokio::test]
async fn the_lower_of_two_output_limits_is_sent() {
    for (may_write, sent_limit) in [(None, 500), (Some(8_000), 500), (Some(200), 200)] {
        let server = MockServer::start().await;
        answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(openai_reply())).await;
        let options = ModelOptions { output_tokens_max: may_write, ..ModelOptions::default() };
        client("vllm/q", &server, options).complete(&request()).await.expect("a reply");
        assert_eq!(sent(&server).await["max_tokens"], json!(sent_limit));
    }
}

#[tokio::test]
async fn retries_end() {
    let server = MockServer::start().await;
    answer(&server, "/chat/completions", ResponseTemplate::new(503)).await;
    impatient(&server, 2).complete(&request()).await.expect_err("an error");
    assert_eq!(server.received_requests().await.expect("requests").len(), 3);
}

#[tokio::test]
async fn a_provider_that_asks_for_too_much_patience_is_down() {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(429).insert_header("retry-after", "86400");
    answer(&server, "/chat/completions", template).await;
    let error = impatient(&server, 5).complete(&request()).await.expect_err("an error");
    assert!(matches!(error, LlmError::Transient { retry_after_ms: Some(86_400_000), .. }), "{error:?}");
    assert_eq!(server.received_requests().await.expect("requests").len(), 1);
}

#[tokio::test]
async fn a_permanent_failure_is_not_tried_again() {
    let server = MockServer::start().await;
    answer(&server, "/chat/completions", ResponseTemplate::new(401)).await;
    let error = impatient(&server, 5).complete(&request()).await.expect_err("an error");
    assert!(error.to_string().contains("PACKWRIGHT_API_KEY"), "{error}");
    assert_eq!(server.received_requests().await.expect("requests").len(), 1);
}

#[tokio::test]
async fn the_callers_time_limit_is_not_an_outage() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_body_json(openai_reply()).set_delay(Duration::from_secs(30));
    answer(&server, "/chat/completions", slow).await;
    let request = Request { attempt_ms_max: Some(30), ..request() };
    let error = impatient(&server, 5).complete(&request).await.expect_err("an error");
    assert!(matches!(error, LlmError::DeadlineReached { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_transient() {
    let http = Http::new(&connection("openai/m", "http://127.0.0.1:9")).expect("a client");
    let error =
        OpenAi::new(http, ModelOptions::default(), true).complete(&request()).await.expect_err("an error");
    assert!(matches!(error, LlmError::Transient { .. }), "{error:?}");
}
