//! The Anthropic messages API.

use super::*;

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
            {"role": "user", "content": [{"type": "text", "text": "what is in USER.md?", "cache_control": mark}]},
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

/// The user messages of a request, and whether each ends with a mark.
fn marks(body: &serde_json::Value) -> Vec<bool> {
    let messages = body["messages"].as_array().expect("messages").iter();
    let users = messages.filter(|message| message["role"] == "user");
    users
        .map(|message| {
            let blocks = message["content"].as_array().expect("blocks");
            let (last, others) = blocks.split_last().expect("a block");
            assert!(others.iter().all(|block| block["cache_control"].is_null()), "{message}");
            !last["cache_control"].is_null()
        })
        .collect()
}

#[tokio::test]
async fn what_the_last_request_left_and_what_the_next_one_wants_is_marked() {
    let server = MockServer::start().await;
    answer(&server, "/v1/messages", ResponseTemplate::new(200).set_body_json(anthropic_reply())).await;
    let client = client("anthropic/claude-x", &server, ModelOptions::default());
    let mut request = request();
    let exchange: Vec<Message> = request.messages[1..].to_vec();
    for expected in [&[true, true][..], &[false, true, true], &[false, false, true, true]] {
        client.complete(&request).await.expect("a reply");
        let body = sent(&server).await;
        assert_eq!(marks(&body), expected);
        assert_eq!(body.to_string().matches("cache_control").count(), 4, "the API takes no more");
        request.messages.extend(exchange.clone());
    }
    // One question and one answer: what nobody reads again is not paid for as kept.
    let question = Request { messages: request.messages[..1].to_vec(), tools: [].into(), ..request };
    client.complete(&question).await.expect("a reply");
    assert_eq!(marks(&sent(&server).await), [false]);
}

#[tokio::test]
async fn anthropic_thinking_is_asked_for_and_sent_back_unchanged() {
    let server = MockServer::start().await;
    answer(&server, "/v1/messages", ResponseTemplate::new(200).set_body_json(anthropic_reply())).await;
    let options = ModelOptions {
        thinking: Some(Thinking::Tokens(2048)),
        temperature: Some(0.3),
        ..ModelOptions::default()
    };
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

async fn reads(content: serde_json::Value, stop_reason: Option<&str>) -> Result<Reply, LlmError> {
    let server = MockServer::start().await;
    let body = json!({"type": "message", "content": content, "stop_reason": stop_reason});
    answer(&server, "/v1/messages", ResponseTemplate::new(200).set_body_json(body)).await;
    client_without_patience("anthropic/m", &server).complete(&request()).await
}

#[tokio::test]
async fn what_anthropic_said_is_an_answer() {
    let check = async |content: serde_json::Value, reason: &str, text: &str, finish: Finish| {
        let reply = reads(content, Some(reason)).await.expect("an answer");
        assert_eq!((reply.turn.text.as_str(), reply.finish), (text, finish), "{reason}");
    };
    let said = |text: &str| json!([{"type": "text", "text": text}]);
    check(said("Done."), "end_turn", "Done.", Finish::Stop).await;
    check(json!([]), "end_turn", "", Finish::Stop).await;
    check(said("I cannot."), "refusal", "I cannot.", Finish::Refused).await;
    check(json!([]), "refusal", "", Finish::Refused).await;
    check(said("First"), "max_tokens", "First", Finish::Length).await;
    check(said("First"), "model_context_window_exceeded", "First", Finish::Length).await;
    let nothing = json!([]);
    for (content, reason) in [
        (&nothing, Some("pause_turn")),
        (&nothing, None),
        (&nothing, Some("tool_use")),
        (&said("First"), Some("novel")),
    ] {
        let error = reads(content.clone(), reason).await.expect_err("no answer");
        assert_eq!(error.class(), FailureClass::Transient, "{reason:?}");
    }
}

#[tokio::test]
async fn an_empty_turn_of_no_output_is_none() {
    let read = async |output_tokens: u64| {
        let server = MockServer::start().await;
        let usage = json!({"input_tokens": 9, "output_tokens": output_tokens});
        let body = json!({"type": "message", "content": [], "stop_reason": "end_turn", "usage": usage});
        answer(&server, "/v1/messages", ResponseTemplate::new(200).set_body_json(body)).await;
        client_without_patience("anthropic/m", &server).complete(&request()).await
    };
    assert!(read(3).await.is_ok());
    assert!(matches!(read(0).await, Err(LlmError::Lost { .. })));
}

#[tokio::test]
async fn thoughts_between_texts_come_back_in_their_places() {
    let server = MockServer::start().await;
    let content = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s1"},
        {"type": "text", "text": "I look."},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": ""},
        {"type": "thinking", "thinking": "of another server", "signature": null},
        {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "a"}},
        {"type": "tool_use", "id": "t2", "name": "read", "input": {"path": "b"}}
    ]);
    let body = json!({"content": content, "stop_reason": "tool_use"});
    answer(&server, "/v1/messages", ResponseTemplate::new(200).set_body_json(body)).await;
    let options = ModelOptions {
        thinking: Some(Thinking::Adaptive),
        effort: Some(Effort::Low),
        ..ModelOptions::default()
    };
    let client = client("anthropic/m", &server, options);
    let mut request = request();
    let reply = client.complete(&request).await.expect("a reply");
    assert_eq!((reply.turn.text.as_str(), reply.turn.tool_calls.len()), ("I look.", 2));
    request.messages.push(Message::Assistant(reply.turn));
    client.complete(&request).await.expect("a reply");
    let body = sent(&server).await;
    let mut expected = content;
    expected.as_array_mut().expect("a list").drain(3..5);
    assert_eq!(body["messages"][3]["content"], expected);
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(body["output_config"], json!({"effort": "low"}));
}
