//! Nights with a bad provider: whatever fails on the way, every episode and every dollar is accounted for, no limit
//! is exceeded, and the winner is the one of a good provider.
//!
//! The whole series takes minutes: `cargo test --release -- --ignored faults --nocapture`.

mod account;
mod books;
mod fault;
mod night;
mod provider;
mod series;

use crate::trial::Run;
use fault::{Fault, Weather};
use night::{Night, metered};
use packwright::budget::{Charge, Role, RunCaps};
use packwright::episode::{FailureClass, Message};
use packwright::llm::meter::Ledger;
use packwright::llm::{Request, ToolSchema};
use packwright::units::Seed;
use packwright::value::parse;
use provider::{Model, Provider};
use series::Series;
use std::sync::Arc;

#[test]
fn some_nights_with_faults_end_as_they_would_without() {
    let series = Series::pass(0..4, 60);
    println!("{series}");
    assert!(series.exceeded().is_empty() && series.reached > series.limited / 2, "{series}");
    assert!(series.same_winner + 1 >= series.nights, "{series}");
}

#[test]
#[ignore = "500 runs of up to 200 episodes"]
fn a_hundred_nights_with_faults_end_as_they_would_without() {
    let series = Series::pass(0..100, 200);
    println!("{series}");
    assert!(series.exceeded().is_empty() && series.reached > series.limited / 2, "{series}");
    assert!(series.same_winner >= 95, "{series}");
}

#[test]
fn what_could_not_be_measured_is_told() {
    let model = Model::new();
    let weather = Weather::stormy(Seed(2), 0.9);
    let morning = Night { seed: Seed(1), budget: 60, weather, caps: RunCaps::default() }.pass(&model);
    assert!(morning.run.unmeasured() > 0, "the weather was not bad enough");
    morning.check_coverage();
    morning.check_spend();
}

/// What a call is charged on our side.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Charged {
    Nothing,
    AsCounted,
    AtMost,
}

#[test]
fn every_fault_is_charged_as_it_may_cost() {
    let model = Model::new();
    let check = |fault: Fault, gives: Option<FailureClass>, charged: Charged| {
        let provider = Provider::start(&model, Weather::always(fault));
        let run = Run::unbegun();
        let book = run.store.keep_calls().expect("a store that can be written");
        let ledger = Arc::new(Ledger::new(RunCaps::default(), &[], 0, Some(book.entries())));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let llm = metered(Role::Agent, &provider, &ledger);
        let answer = runtime.block_on(llm.complete(&question(fault)));
        drop((llm, book, runtime));
        assert_eq!(answer.err().map(|error| error.class()), gives, "{fault:?}");
        let calls = run.store.calls().expect("readable calls");
        let books = provider.close();
        let bill = books.bill(|_| true);
        let [call] = &calls[..] else { panic!("{fault:?}: {calls:?}") };
        match (call.settled.expect("settled").charge, charged) {
            (Charge::Free, Charged::Nothing) => assert_eq!(bill.tokens(), 0, "{fault:?}"),
            (Charge::Counted { usage, usd }, Charged::AsCounted) => {
                assert_eq!((usage.input_tokens, usage.output_tokens), (Some(bill.input), Some(bill.output)));
                assert_eq!(usd, Some(bill.usd), "{fault:?}");
            }
            (Charge::Uncounted, Charged::AtMost) => assert!(Some(bill.usd) <= call.bound.usd, "{fault:?}"),
            (got, expected) => panic!("{fault:?}: {got:?}, not {expected:?}"),
        }
    };
    let transient = Some(FailureClass::Transient);
    for fault in [Fault::RateLimitWithWait, Fault::RateLimit, Fault::ServerError, Fault::Overload] {
        check(fault, transient, Charged::Nothing);
    }
    for fault in [Fault::DroppedUnanswered, Fault::DroppedHalfWay, Fault::TruncatedJson, Fault::Stalled] {
        check(fault, transient, Charged::AtMost);
    }
    check(Fault::EmptyCompletion, transient, Charged::AsCounted);
    check(Fault::SlowDrip, None, Charged::AsCounted);
    check(Fault::MalformedArguments, None, Charged::AsCounted);
    for fault in [Fault::UsageAbsent, Fault::UsageWithoutInput, Fault::UsageAbsurd, Fault::UsageNegative] {
        check(fault, None, Charged::AtMost);
    }
}

/// A request that the model answers by calling a tool.
fn question(fault: Fault) -> Request {
    let parameters = br#"{"type": "object", "properties": {"command": {"type": "string"}}}"#;
    let parameters = parse(parameters).expect("JSON of the test");
    let tool = ToolSchema { name: "exec".into(), description: "Runs a command".into(), parameters };
    Request {
        system: "Check the inbox.".into(),
        messages: vec![Message::User("What is in my inbox today?".into())],
        tools: [tool].into(),
        output_tokens_max: None,
        seed: Seed(1),
        attempt_ms_max: (fault == Fault::Stalled).then_some(200),
        failed_attempts: Default::default(),
    }
}
