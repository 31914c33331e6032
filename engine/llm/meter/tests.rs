//! What the meter promises: calls are charged by what was counted, and never made against a limit.

use super::*;
use crate::budget::Caps;
use crate::episode::Message;
use crate::llm::scripted::Scripted;
use crate::units::{Seed, Usd};

fn request() -> Request {
    Request {
        system: "Be brief.".into(),
        messages: vec![Message::User("Hello".into())],
        tools: [].into(),
        output_tokens_max: Some(100),
        seed: Seed(1),
        attempt_ms_max: None,
        failed_attempts: Default::default(),
    }
}

fn says(input: u64, output: u64) -> Result<Reply, LlmError> {
    let usage = Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
    Ok(Reply { usage, ..Reply::says("Hi.") })
}

fn metered(caps: RunCaps, answers: Vec<Result<Reply, LlmError>>) -> (Metered, Arc<Ledger>) {
    let ledger = Arc::new(Ledger::new(caps, &[], 0, None));
    let inner = Arc::new(Scripted::in_turn(answers));
    let price = Price::per_million("2".parse().unwrap(), "10".parse().unwrap());
    (Metered::new(inner, Role::Agent, Some(price), ledger.clone()), ledger)
}

#[tokio::test]
async fn calls_are_charged_by_what_the_provider_counted() {
    let (model, problem) = ("a/b".to_owned(), "broken".to_owned());
    let refused =
        LlmError::Transient { model: model.clone(), problem: problem.clone(), retry_after_ms: None };
    let lost = LlmError::Lost { model, problem, usage: Box::default() };
    let check = async |answer: Result<Reply, LlmError>, expected: u64| {
        let (model, ledger) = metered(RunCaps::default(), vec![answer]);
        let _ = model.complete(&request()).await;
        assert_eq!(ledger.spent().usd, Usd::of_pico(expected));
    };
    let bound = request().bytes() * 2_000_000 + 100 * 10_000_000;
    check(says(20, 10), 20 * 2_000_000 + 10 * 10_000_000).await;
    check(Err(refused), 0).await;
    check(Err(lost), bound).await;
    check(Ok(Reply::says("Nobody counted.")), bound).await;
    check(says(1_000_000, 10), bound).await;
    check(says(600, 10), 600 * 2_000_000 + 10 * 10_000_000).await;
    check(says(0, 10), bound).await;
}

#[tokio::test]
async fn bounds_learn_from_a_provider_that_counts_more() {
    let (model, _) = metered(RunCaps::default(), vec![says(600, 10)]);
    let before = model.bound(&request());
    model.complete(&request()).await.unwrap();
    let after = model.bound(&request());
    assert!(before.tokens < Some(610) && after.tokens >= Some(610), "{before:?} {after:?}");
}

#[tokio::test]
async fn what_a_limit_refuses_is_never_asked() {
    let run = Caps { calls: Some(1), ..Caps::default() };
    let (model, _) = metered(RunCaps { run, ..RunCaps::default() }, vec![says(5, 5)]);
    assert!(model.complete(&request()).await.is_ok());
    let refused = model.complete(&request()).await.unwrap_err();
    assert!(matches!(refused, LlmError::CapReached { .. }), "{refused}");
    assert!(refused.to_string().contains("--max-calls"), "{refused}");
}

#[tokio::test]
async fn a_call_that_is_not_on_disk_is_not_made() {
    let (book, entries) = mpsc::unbounded_channel();
    drop(entries);
    let ledger = Arc::new(Ledger::new(RunCaps::default(), &[], 0, Some(book)));
    let inner = Arc::new(Scripted::in_turn([says(5, 5)]));
    let model = Metered::new(inner.clone(), Role::Agent, None, ledger);
    let refused = model.complete(&request()).await.unwrap_err();
    assert!(matches!(refused, LlmError::SetupRefused { .. }), "{refused}");
    assert!(inner.complete(&request()).await.is_ok(), "the scripted answer is still there");
}
