//! Conversations without a gateway: requests as it makes them, and what is heard in the end.

use super::*;
use crate::agent::builtin::Limits;
use crate::agent::openclaw::Installed;
use crate::llm::retry::{RetryPolicy, Retrying};
use crate::llm::scripted::Scripted;
use crate::pack::{Pack, PackMetadata};
use crate::score::Profile;
use crate::value::parse;
use crate::workspace::{SuiteSource, load_suite};
use serde_json::json;
use std::path::Path;

/// A conversation with a model, and the tools of its requests.
fn conversation(llm: Arc<dyn Llm>) -> Conversation {
    let suite = load_suite(&SuiteSource::Embedded).unwrap().suite;
    let pack = Arc::new(Pack::of_policy("Be brief.", &PackMetadata::default()));
    let task = Task { scenario: suite.scenarios[0].clone(), pack, persona: None, seed: Seed(0), repeat: 0 };
    let settings = Settings {
        installed: Installed { folder: "openclaw".into(), node: "node".into() },
        workers: 1,
        limits: Limits::of(&Profile::default()),
        prompt: PromptProfile::default(),
    };
    let pin = Pin::new(Path::new("workspace"), Path::new("openclaw"));
    Conversation::new(llm, &settings, &task, pin, Arc::default(), "session")
}

/// A request as a gateway makes it, with these messages after the first and these tools.
fn document(more: &[serde_json::Value], tools: &[ToolSchema]) -> Value {
    let mut messages =
        vec![json!({"role": "system", "content": "x"}), json!({"role": "user", "content": "Hi"})];
    messages.extend(more.iter().cloned());
    let function = |tool: &ToolSchema| {
        let parameters: serde_json::Value = serde_json::from_str(&tool.parameters.dumps()).unwrap();
        json!({"function": {"name": tool.name, "description": tool.description, "parameters": parameters}})
    };
    let tools: Vec<_> = tools.iter().map(function).collect();
    parse(json!({"messages": messages, "tools": tools}).to_string().as_bytes()).unwrap()
}

fn look() -> Reply {
    Reply::calls("I look.", &[("exec", r#"{"command": "ls"}"#)])
}

/// What a gateway adds after the first turn.
fn looked() -> [serde_json::Value; 2] {
    let call = json!({"id": "t1c0", "function": {"name": "exec", "arguments": "{}"}});
    [
        json!({"role": "assistant", "content": "I look.", "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": "t1c0", "content": "nothing"}),
    ]
}

fn outcome(conversation: &Conversation) -> String {
    format!("{:?}", conversation.ended().ending.outcome(&Ok("The gateway's own words.".into())))
}

#[tokio::test]
async fn an_episode_is_heard_to_its_end() {
    let model = Arc::new(Scripted::in_turn([Ok(look()), Ok(Reply::says("Done."))]));
    let conversation = conversation(model.clone());
    let tools = conversation.tools.clone();
    conversation.answer(&document(&[], &tools)).await.unwrap();
    assert!(outcome(&conversation).contains("did not go on after a turn with tool calls"));
    conversation.answer(&document(&looked(), &tools)).await.unwrap();
    assert_eq!(outcome(&conversation), "Finished");
    let heard = conversation.ended();
    assert_eq!(heard.transcript.len(), 4, "each turn once: {:?}", heard.transcript);
    assert_eq!((heard.ending.model_calls, heard.ending.replies), (2, 2));
}

#[tokio::test]
async fn a_provider_that_fails_while_it_is_asked_is_seen() {
    let busy =
        LlmError::Transient { model: "a/b".into(), problem: "busy".into(), retry_after_ms: Some(60_000) };
    let model = Arc::new(Scripted::in_turn([Ok(look()), Err(busy)]));
    let policy = RetryPolicy { retries: 1, first_wait_ms: 60_000, wait_ms_max: 60_000 };
    let conversation = conversation(Arc::new(Retrying::with_policy(model, policy)));
    let tools = conversation.tools.clone();
    conversation.answer(&document(&[], &tools)).await.unwrap();
    let request = document(&looked(), &tools);
    let asked = conversation.answer(&request);
    let failed = async {
        while conversation.ended().ending.in_flight.is_none_or(|call| call.failed_attempts == 0) {
            tokio::task::yield_now().await;
        }
    };
    // The gateway hangs up as soon as that has happened.
    tokio::select! {
        _ = asked => panic!("there is nothing to answer"),
        () = failed => {}
    }
    let mut ending = conversation.ended().ending;
    assert_eq!(ending.in_flight.map(|call| call.failed_attempts), Some(1));
    ending.elapsed = ending.limit;
    let outcome = format!("{:?}", ending.outcome(&Err("timed out".into())));
    assert!(outcome.contains("1 attempts failed") && outcome.contains("Transient"), "{outcome}");
}

#[tokio::test]
async fn what_the_gateway_may_not_ask_is_no_answer_of_the_agent() {
    let check = async |first: &dyn Fn(&[ToolSchema]) -> Value, part: &str| {
        let conversation = conversation(Arc::new(Scripted::in_turn([Ok(look()), Ok(Reply::says("Done."))])));
        let tools = conversation.tools.clone();
        conversation.answer(&document(&[], &tools)).await.unwrap();
        assert!(conversation.answer(&first(&tools)).await.is_err());
        assert!(outcome(&conversation).contains(part), "{}", outcome(&conversation));
    };
    check(&|_| parse(b"{}").unwrap(), "must be a list").await;
    check(&|tools| document(&looked(), &tools[1..]), "a turn with the tools").await;
    let stranger = |tools: &[ToolSchema]| {
        let mut tools = tools.to_vec();
        tools[0].parameters = Value::object([]);
        document(&looked(), &tools)
    };
    check(&stranger, "is not ours").await;
}

#[test]
fn only_our_own_tools_may_be_offered() {
    let own = PromptProfile::default().tools_for(&[]);
    let check = |change: &dyn Fn(&mut Vec<ToolSchema>), expected: bool| {
        let mut offered = own.clone();
        change(&mut offered);
        assert_eq!(stranger(&offered, &own).is_none(), expected);
    };
    check(&|_| {}, true);
    check(&|tools| tools.push(tools[1].clone()), false);
    check(&|tools| tools.push(tools[2].clone()), false);
    check(&|tools| tools.truncate(3), true);
    check(&|tools| tools[1].description = "Run shell commands".into(), false);
    check(&|tools| tools[1].parameters = Value::object([]), false);
    check(&|tools| tools[2].description = "The runtime's own".into(), true);
}

#[test]
fn ids_on_the_wire_lead_back() {
    assert_eq!(wire_place(&wire_id(12, 3)), Some((12, 3)));
    for id in ["", "call_1", "t1", "tc", "t1c"] {
        assert_eq!(wire_place(id), None, "{id}");
    }
}
