//! What evaluators take, and that limits hold for them.

use super::{block_on, settings, task, unmeasured};
use packwright::agent::Agent;
use packwright::agent::external::{External, Settings};
use packwright::budget::{Caps, Charge, Role, RunCaps, Spending};
use packwright::episode::FailureClass;
use packwright::llm::meter::Ledger;
use packwright::store::Store;
use packwright::units::Usd;
use std::sync::Arc;
use std::time::Duration;

/// A program whose replies have this usage, with a ledger.
fn evaluator(usage: &str, place: &std::path::Path, ledger: &Arc<Ledger>) -> External {
    let reply = format!(r#"{{"version": 1, "checks": [{{"id": "a", "passed": true}}], "usage": {usage}}}"#);
    std::fs::write(place.join("reply.json"), reply).unwrap();
    let patient = Settings { grace: Duration::from_secs(30), ..settings("command:cat reply.json", place) };
    External::new(patient, ledger.clone()).unwrap()
}

#[test]
fn what_an_evaluator_reports_is_kept_and_what_it_does_not_is_not_nothing() {
    let check = |usage: &str, expected: fn(Charge) -> bool| {
        let place = tempfile::tempdir().unwrap();
        let store = Store::create(&place.path().join("run"), &serde_json::json!({})).unwrap();
        let book = store.keep_calls().unwrap();
        let ledger = Arc::new(Ledger::new(RunCaps::default(), &[], 0, Some(book.entries())));
        let external = evaluator(usage, place.path(), &ledger);
        assert!(block_on(external.attempt(&task("{}"))).outcome.is_scored());
        drop(book);
        let calls = store.calls().unwrap();
        let row = &Spending::of(&calls)[0];
        assert_eq!((row.role, row.model.as_str(), row.sum.calls), (Role::Agent, "command:cat reply.json", 1));
        let charge = calls[0].settled.unwrap().charge;
        assert!(expected(charge), "{usage}: {charge:?}");
    };
    check(r#"{"usd": 0.25, "input_tokens": 10}"#, |charge| match charge {
        Charge::Counted { usage, usd } => {
            usd == Usd::of_dollars(0.25) && (usage.input_tokens, usage.output_tokens) == (Some(10), None)
        }
        _ => false,
    });
    check(r#"{"input_tokens": 10, "output_tokens": 2}"#, |charge| {
        matches!(charge, Charge::Counted { usd: None, .. })
    });
    check("{}", |charge| charge == Charge::Uncounted);
    check("null", |charge| charge == Charge::Uncounted);
}

#[test]
fn a_limit_of_dollars_ends_the_episodes() {
    let place = tempfile::tempdir().unwrap();
    let run = Caps { usd: Usd::of_dollars(1.0), ..Caps::default() };
    let ledger = Arc::new(Ledger::new(RunCaps { run, ..RunCaps::default() }, &[], 0, None));
    let external = evaluator(r#"{"usd": 0.3}"#, place.path(), &ledger);
    block_on(async {
        for _ in 0..3 {
            assert!(external.attempt(&task("{}")).await.outcome.is_scored());
        }
        // A fourth may cost as much as the dearest.
        let cut = external.attempt(&task("{}")).await;
        unmeasured(&cut, FailureClass::Limit, &["--max-usd"]);
    });
    assert_eq!(ledger.spent().usd, Usd::of_dollars(0.9).unwrap());
}

#[test]
fn a_limit_of_time_ends_a_program() {
    let place = tempfile::tempdir().unwrap();
    let agent = Caps { time_ms: Some(300), ..Caps::default() };
    let ledger = Arc::new(Ledger::new(RunCaps { agent, ..RunCaps::default() }, &[], 0, None));
    let patient = Settings { grace: Duration::from_secs(600), ..settings("command:sleep 600", place.path()) };
    let external = External::new(patient, ledger).unwrap();
    let cut = block_on(external.attempt(&task("{}")));
    unmeasured(&cut, FailureClass::Limit, &["--agent-max-time"]);
}
