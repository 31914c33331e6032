//! The Gemini API.

use super::*;

const PATH: &str = "/models/gemini-x:generateContent";

fn gemini_reply() -> serde_json::Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": [
            {"text": "let me think", "thought": true},
            {"text": "I look. ", "thoughtSignature": "s0"},
            {"functionCall": {"name": "read", "args": {"path": "a"}, "id": "f1"}, "thoughtSignature": "s1"},
            {"functionCall": {"name": "read", "args": {"path": "b"}}}
        ]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 5, "thoughtsTokenCount": 30,
            "cachedContentTokenCount": 60, "totalTokenCount": 125},
        "modelVersion": "gemini-x-001", "responseId": "r"
    })
}

#[tokio::test]
async fn gemini_sends_the_documented_request_and_reads_the_reply() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(PATH))
        .and(header("x-goog-api-key", KEY))
        .respond_with(ResponseTemplate::new(200).set_body_json(gemini_reply()))
        .mount(&server)
        .await;
    let options = ModelOptions {
        temperature: Some(0.5),
        thinking: Some(Thinking::Tokens(2048)),
        ..ModelOptions::default()
    };
    let client = client("gemini/gemini-x", &server, options);
    let reply = client.complete(&request()).await.expect("a reply");
    assert_eq!((reply.turn.text.as_str(), reply.finish), ("I look. ", Finish::ToolCalls));
    let calls = reply.turn.tool_calls.iter().map(|call| (call.id.as_str(), call.arguments.as_str()));
    assert_eq!(calls.collect::<Vec<_>>(), [("f1", r#"{"path":"a"}"#), ("gemini_call_1", r#"{"path":"b"}"#)]);
    assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens), (Some(90), Some(35)));
    assert_eq!((reply.usage.cache_read_tokens, reply.usage.reasoning_tokens), (Some(60), Some(30)));
    assert_eq!(reply.resolved_model.as_deref(), Some("gemini-x-001"));
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "tools": [{"functionDeclarations": [{"name": "read", "description": "Read a file", "parameters":
            {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}]}],
        "contents": [
            {"role": "user", "parts": [{"text": "what is in USER.md?"}]},
            {"role": "model", "parts": [
                {"text": "Looking."},
                {"functionCall": {"id": "c1", "name": "read", "args": {"path": "USER.md"}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "c1", "name": "read", "response": {"output": "Kim"}}}]}
        ],
        "generationConfig": {"maxOutputTokens": 2548, "temperature": 0.5,
            "thinkingConfig": {"thinkingBudget": 2048}}
    });
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn a_signed_turn_goes_back_as_it_came_with_all_results_in_one_content() {
    let server = MockServer::start().await;
    answer(&server, PATH, ResponseTemplate::new(200).set_body_json(gemini_reply())).await;
    let client = client("gemini/gemini-x", &server, ModelOptions::default());
    let mut request = request();
    let reply = client.complete(&request).await.expect("a reply");
    let results = reply.turn.tool_calls.iter().map(|call| {
        Message::ToolResult(ToolResult {
            id: call.id.clone(),
            tool: call.tool.clone(),
            content: "no such file".into(),
            is_error: true,
        })
    });
    let results: Vec<Message> = results.collect();
    request.messages.push(Message::Assistant(reply.turn));
    request.messages.extend(results);
    client.complete(&request).await.expect("a reply");
    let contents = &sent(&server).await["contents"];
    assert_eq!(contents[3]["parts"], gemini_reply()["candidates"][0]["content"]["parts"]);
    let response = json!({"error": "no such file"});
    let expected = json!({"role": "user", "parts": [
        {"functionResponse": {"id": "f1", "name": "read", "response": response}},
        {"functionResponse": {"name": "read", "response": response}}
    ]});
    assert_eq!(contents[4], expected);
}

async fn reads(body: serde_json::Value) -> Result<Reply, LlmError> {
    let server = MockServer::start().await;
    answer(&server, PATH, ResponseTemplate::new(200).set_body_json(body)).await;
    client_without_patience("gemini/gemini-x", &server).complete(&request()).await
}

#[tokio::test]
async fn what_gemini_said_is_an_answer() {
    let check = async |parts: serde_json::Value, reason: &str, text: &str, finish: Finish| {
        let candidate = json!({"content": {"parts": parts}, "finishReason": reason});
        let reply = reads(json!({"candidates": [candidate]})).await.expect("an answer");
        assert_eq!((reply.turn.text.as_str(), reply.finish), (text, finish), "{reason}");
    };
    let said = |text: &str| json!([{"text": text}]);
    check(said("Done."), "STOP", "Done.", Finish::Stop).await;
    check(json!([]), "STOP", "", Finish::Stop).await;
    check(said("First"), "MAX_TOKENS", "First", Finish::Length).await;
    check(json!([]), "SAFETY", "", Finish::Refused).await;
    check(said("Said"), "RECITATION", "Said", Finish::Refused).await;
    check(said("Done."), "FINISH_REASON_UNSPECIFIED", "Done.", Finish::Stop).await;
}

#[tokio::test]
async fn what_gemini_did_not_say_is_told_apart() {
    let check = async |body: serde_json::Value, class: FailureClass, part: &str| {
        let error = reads(body).await.expect_err("no answer");
        assert_eq!(error.class(), class, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    let stopped =
        |reason: &str| json!({"candidates": [{"finishReason": reason, "finishMessage": "bad call"}]});
    check(stopped("MALFORMED_FUNCTION_CALL"), FailureClass::Transient, "bad call").await;
    let garbled = reads(stopped("MALFORMED_FUNCTION_CALL")).await;
    assert!(matches!(garbled, Err(LlmError::Garbled { .. })), "{garbled:?}");
    check(stopped("OTHER"), FailureClass::Transient, "OTHER").await;
    let half = json!({"parts": [{"text": "First"}, {"functionCall": {"name": "exec"}}]});
    let novel = json!({"candidates": [{"content": half, "finishReason": "NOVEL"}]});
    check(novel, FailureClass::Transient, "NOVEL").await;
    // What Gemini leaves out is zero: it counted the prompt, and no output.
    let hollow = json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 90}});
    check(hollow, FailureClass::Transient, "STOP").await;
    check(json!({"candidates": []}), FailureClass::Transient, "without a candidate").await;
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}});
    check(blocked, FailureClass::Request, "PROHIBITED_CONTENT").await;
}

#[tokio::test]
async fn gemini_says_in_the_body_how_long_to_wait() {
    let server = MockServer::start().await;
    let body = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "700s"}]}});
    answer(&server, PATH, ResponseTemplate::new(429).set_body_json(body)).await;
    let error = client_without_patience("gemini/gemini-x", &server).complete(&request()).await;
    let error = error.expect_err("an error");
    assert!(matches!(error, LlmError::Transient { retry_after_ms: Some(700_000), .. }), "{error:?}");
}
