//! The OpenAI dialect, as its many servers speak it.

use super::*;

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
        "max_tokens": 500
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
    let half_a_call =
        json!([{"id": "a", "function": {"name": "exec", "arguments": "{\"command\": \"rm -r"}}]);
    let choices = [
        json!({"finish_reason": "error", "message": {"content": null}}),
        json!({"finish_reason": "error", "message": {"content": "First, I"}}),
        json!({"finish_reason": "stop", "message": {"content": ""}, "error": {"code": 502, "message": "down"}}),
        json!({"finish_reason": "insufficient_system_resource", "message": {"content": "First, I"}}),
        json!({"finish_reason": "odd", "message": {"content": null}}),
        json!({"finish_reason": "odd", "message": {"content": "First, I"}}),
        json!({"finish_reason": "network_error", "message": {"content": "First, I"}}),
        json!({"finish_reason": "abort", "message": {"content": "First", "tool_calls": half_a_call}}),
        json!({"finish_reason": null, "message": {"content": "First", "tool_calls": half_a_call}}),
        json!({"finish_reason": "tool_calls", "message": {"content": ""}}),
        json!({"finish_reason": null, "message": {"content": ""}}),
    ];
    for choice in choices {
        let error = openai_reads(json!({"choices": [choice]})).await.expect_err("no answer");
        assert!(matches!(error, LlmError::Lost { .. }), "{choice}: {error:?}");
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
async fn an_empty_turn_is_an_answer_unless_the_provider_counts_no_output() {
    let read = async |usage: serde_json::Value| {
        let choice = json!({"finish_reason": "stop", "message": {"content": " "}});
        openai_reads(json!({"choices": [choice], "usage": usage})).await
    };
    assert!(read(json!({"prompt_tokens": 90, "completion_tokens": 2})).await.is_ok());
    assert!(read(json!(null)).await.is_ok(), "nobody counted");
    let error = read(json!({"prompt_tokens": 90, "completion_tokens": 0})).await.expect_err("no answer");
    let LlmError::Lost { usage, .. } = error else { panic!("{error:?}") };
    assert_eq!((usage.input_tokens, usage.output_tokens), (Some(90), Some(0)));
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
    for reason in [json!("eos"), json!("END_TURN"), json!("tool_calls"), json!(""), json!(null)] {
        check(json!({"finish_reason": reason, "message": {"content": "Done."}}), "Done.", Finish::Stop).await;
    }
    let sensitive = json!({"finish_reason": "sensitive", "message": {"content": "No"}});
    check(sensitive, "No", Finish::Refused).await;
    let full = json!({"finish_reason": "model_context_window_exceeded", "message": {"content": "First"}});
    check(full, "First", Finish::Length).await;
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

#[tokio::test]
async fn thinking_and_effort_are_said_in_each_servers_words() {
    let check = async |model: &str,
                       thinking: Option<Thinking>,
                       effort: Option<Effort>,
                       expected: serde_json::Value| {
        let server = MockServer::start().await;
        answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(openai_reply())).await;
        let options = ModelOptions { thinking, effort, ..ModelOptions::default() };
        client(model, &server, options).complete(&request()).await.expect("a reply");
        let body = sent(&server).await;
        let keys = ["reasoning", "reasoning_effort", "thinking", "chat_template_kwargs"];
        let got: serde_json::Map<_, _> =
            keys.iter().filter_map(|key| Some(((*key).to_owned(), body.get(*key)?.clone()))).collect();
        assert_eq!(serde_json::Value::Object(got), expected, "{model}");
    };
    let tokens = Some(Thinking::Tokens(2048));
    check("openai/m", None, None, json!({})).await;
    check("openai/m", None, Some(Effort::Low), json!({"reasoning_effort": "low"})).await;
    check("openrouter/a/m", tokens, None, json!({"reasoning": {"max_tokens": 2048}})).await;
    check("openrouter/a/m", Some(Thinking::Off), None, json!({"reasoning": {"enabled": false}})).await;
    check("openrouter/a/m", None, Some(Effort::High), json!({"reasoning": {"effort": "high"}})).await;
    check("zhipu/glm", Some(Thinking::Off), None, json!({"thinking": {"type": "disabled"}})).await;
    let off = json!({"chat_template_kwargs": {"enable_thinking": false}});
    check("vllm/q", Some(Thinking::Off), None, off).await;
}

#[tokio::test]
async fn the_prefix_of_a_conversation_never_changes() {
    let server = MockServer::start().await;
    answer(&server, "/chat/completions", ResponseTemplate::new(200).set_body_json(openai_reply())).await;
    let client = client("openai/m", &server, ModelOptions::default());
    let mut request = request();
    let mut before: Option<String> = None;
    for _ in 0..3 {
        let reply = client.complete(&request).await.expect("a reply");
        let body = sent_text(&server).await;
        let end = body.rfind("],\"max_tokens\"").expect("the end of the messages");
        let prefix = body[..end].to_owned();
        if let Some(before) = before.replace(prefix.clone()) {
            assert!(prefix.starts_with(&before), "{before} is no beginning of {prefix}");
        }
        request.messages.push(Message::Assistant(reply.turn));
        request.messages.push(Message::User("go on".into()));
    }
}

#[tokio::test]
async fn secret_headers_are_sent_and_never_shown() {
    let server = MockServer::start().await;
    Mock::given(header("x-team", "secret-team"))
        .respond_with(ResponseTemplate::new(400).set_body_string("no secret-team here"))
        .mount(&server)
        .await;
    let value = SecretString::from("secret-team");
    let (headers, secrets) = (vec![("X-Team".to_owned(), value.clone())], vec![value]);
    let connection = Connection { headers, secrets, ..connection("openai/m", &server.uri()) };
    let error = connect(&connection).expect("a client").complete(&request()).await.expect_err("an error");
    assert!(error.to_string().contains("no <key> here"), "{error}");
    let headers = vec![("no header".to_owned(), SecretString::from("x"))];
    let wrong = connect(&Connection { headers, ..connection }).err().expect("a problem");
    assert!(wrong.contains("no name of a header"), "{wrong}");
}
