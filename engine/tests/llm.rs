//! The model clients against recorded exchanges in the providers' documented shapes, and the retries.

mod anthropic;
mod gemini;
mod openai;

use packwright::episode::{AssistantTurn, FailureClass, Message, ToolRequest, ToolResult};
use packwright::llm::anthropic::Anthropic;
use packwright::llm::connect::{Connection, connect};
use packwright::llm::gemini::Gemini;
use packwright::llm::http::Http;
use packwright::llm::openai::OpenAi;
use packwright::llm::options::{Effort, ModelOptions, Thinking};
use packwright::llm::provider::Provider;
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
        failed_attempts: Default::default(),
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
    let inner = Arc::new(OpenAi::new(http, ModelOptions::default()));
    Retrying::with_policy(inner, RetryPolicy { retries, first_wait_ms: 1, wait_ms_max: 2 })
}

/// A client that asks once.
fn client_without_patience(model: &str, server: &MockServer) -> Box<dyn Llm> {
    let http = Http::new(&connection(model, &server.uri())).expect("a client");
    let options = ModelOptions::default();
    match http.model().provider {
        Provider::Anthropic => Box::new(Anthropic::new(http, options)),
        Provider::Gemini => Box::new(Gemini::new(http, options)),
        _ => Box::new(OpenAi::new(http, options)),
    }
}

async fn sent_text(server: &MockServer) -> String {
    let requests = server.received_requests().await.expect("recorded requests");
    String::from_utf8(requests.last().expect("a request").body.clone()).expect("text")
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

async fn fail_with(template: ResponseTemplate) -> LlmError {
    let server = MockServer::start().await;
    answer(&server, "/chat/completions", template).await;
    impatient(&server, 0).complete(&request()).await.expect_err("an error")
}

#[tokio::test]
async fn failures_are_told_apart_and_never_show_the_key() {
    let is_transient = |error: &LlmError| error.class() == FailureClass::Transient;
    for (status, transient) in
        [(401, false), (400, false), (404, false), (402, false), (429, true), (500, true), (529, true)]
    {
        let body = format!("{{\"error\": \"no {KEY} \\u0007 here\"}}");
        let error = fail_with(ResponseTemplate::new(status).set_body_string(body)).await;
        assert_eq!(is_transient(&error), transient, "{status}: {error}");
        assert!(error.is_free(), "refused unread: {error}");
        assert!(!error.to_string().contains(KEY), "{error}");
        assert!(error.to_string().contains("<key>"), "{error}");
    }
    let error = fail_with(ResponseTemplate::new(200).set_body_string("{\"choices\": [{\"mess")).await;
    assert!(is_transient(&error) && error.to_string().contains("not JSON"), "{error}");
    assert!(!error.is_free(), "it may be charged: {error}");
    let error = fail_with(ResponseTemplate::new(524)).await;
    assert!(is_transient(&error) && !error.is_free(), "the model may have gone on: {error}");
    let error = fail_with(ResponseTemplate::new(200).set_body_json(json!({"choices": []}))).await;
    assert!(is_transient(&error) && error.to_string().contains("without a choice"), "{error}");
    let error =
        fail_with(ResponseTemplate::new(200).set_body_json(json!({"error": {"message": "upstream"}}))).await;
    assert!(is_transient(&error) && error.to_string().contains("upstream"), "{error}");
}

#[tokio::test]
async fn what_a_model_says_never_shows_the_key() {
    let (one, two) = KEY.split_at(9);
    let blocks = json!([{"type": "text", "text": format!("a {one}")}, {"type": "text", "text": two},
        {"type": "tool_use", "id": KEY, "name": KEY, "input": {KEY: [KEY]}}]);
    let parts = json!([{"text": format!("a {one}")}, {"text": two}, {"functionCall": {"name": KEY, "args": {KEY: KEY}}},
        {"thought": true, "text": KEY}]);
    let content = json!([{"type": "text", "text": format!("a {one}")}, {"type": "text", "text": two}]);
    let function = json!({"name": KEY, "arguments": json!({ "a": KEY }).to_string()});
    let message =
        json!({"content": content, "reasoning": KEY, "tool_calls": [{"id": KEY, "function": function}]});
    for (model, at, body) in [
        (
            "openai/m",
            "/chat/completions",
            json!({"model": KEY, "choices": [{"message": message, "finish_reason": "tool_calls"}]}),
        ),
        ("anthropic/m", "/v1/messages", json!({"model": KEY, "content": blocks, "stop_reason": "tool_use"})),
        (
            "gemini/m",
            "/models/m:generateContent",
            json!({"modelVersion": KEY, "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}),
        ),
    ] {
        let server = MockServer::start().await;
        answer(&server, at, ResponseTemplate::new(200).set_body_json(body)).await;
        let reply = client_without_patience(model, &server).complete(&request()).await.expect("a reply");
        assert_eq!(reply.turn.text, "a <key>", "{model}");
        assert_eq!((reply.turn.tool_calls.len(), reply.resolved_model.as_deref()), (1, Some("<key>")));
        assert!(!format!("{reply:?}").contains(KEY), "{reply:?}");
    }
}

#[test]
fn a_connection_can_be_printed_without_its_key() {
    let value = SecretString::from(KEY);
    let (headers, secrets) = (vec![("X-Token".to_owned(), value.clone())], vec![value]);
    let connection = Connection { headers, secrets, ..connection("openai/m", "http://127.0.0.1:9") };
    assert!(!format!("{connection:?} {connection:#?}").contains(KEY), "{connection:?}");
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
async fn a_limit_leaves_room_for_thoughts_and_the_meter_knows_it() {
    let check = async |model: &str, thinking: Option<Thinking>, effort: Option<Effort>, expected: u32| {
        let server = MockServer::start().await;
        let nothing = ResponseTemplate::new(200).set_body_json(json!({}));
        Mock::given(method("POST")).respond_with(nothing).mount(&server).await;
        let options =
            ModelOptions { thinking, effort, output_tokens_max: Some(400), ..ModelOptions::default() };
        let connection = Connection { options, ..connection(model, &server.uri()) };
        let http = || Http::new(&connection).expect("a client");
        let client: Box<dyn Llm> = match connection.model.provider {
            Provider::Anthropic => Box::new(Anthropic::new(http(), options)),
            Provider::Gemini => Box::new(Gemini::new(http(), options)),
            _ => Box::new(OpenAi::new(http(), options)),
        };
        let _ = client.complete(&request()).await;
        let body = sent(&server).await;
        let limits = [&body["max_tokens"], &body["generationConfig"]["maxOutputTokens"]];
        let sent = limits.into_iter().find_map(|limit| limit.as_u64());
        assert_eq!(sent, Some(u64::from(expected)), "{model}");
        assert_eq!(client.output_tokens_max(&request()), Some(expected), "{model}");
    };
    let (adaptive, tokens) = (Some(Thinking::Adaptive), Some(Thinking::Tokens(2048)));
    check("openai/m", None, None, 400).await;
    check("openai/m", None, Some(Effort::None), 400).await;
    check("openai/m", None, Some(Effort::High), 400 + 16_384).await;
    check("openrouter/m", tokens, None, 400 + 2048).await;
    check("gemini/m", adaptive, None, 400 + 8192).await;
    check("gemini/m", None, Some(Effort::Low), 400 + 4096).await;
    check("gemini/m", Some(Thinking::Off), None, 400).await;
    check("anthropic/m", tokens, None, 400 + 2048).await;
    check("anthropic/m", adaptive, None, 400 + 8192).await;
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
    let error = OpenAi::new(http, ModelOptions::default()).complete(&request()).await.expect_err("an error");
    assert!(matches!(error, LlmError::Transient { .. }), "{error:?}");
}
