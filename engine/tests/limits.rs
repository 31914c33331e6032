//! Limits of money, tokens, calls and time: never exceeded, and kept back from the search in time for a verdict.

use crate::trial::{Run, Trial, Watched};
use futures_util::future::BoxFuture;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::budget::{Caps, Limit, Resource, Role, RunCaps};
use packwright::episode::{FailureClass, Usage};
use packwright::event::{Event, Stop, Verdict};
use packwright::llm::meter::{Ledger, Metered};
use packwright::llm::offline::Offline;
use packwright::llm::pricing::Price;
use packwright::llm::{Llm, LlmError, Reply, Request};
use packwright::optimize::Ending;
use packwright::report::{Report, render};
use packwright::score::Profile;
use packwright::units::Usd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What a call of the test's provider is charged, in trillionths of a dollar.
fn charged(usage: Usage) -> u64 {
    2_000_000 * usage.input_tokens.unwrap_or(0) + 8_000_000 * usage.output_tokens.unwrap_or(0)
}

/// The offline model as a provider that counts tokens, and knows itself what it has charged.
struct Provider {
    model: Offline,
    calls: AtomicU64,
    pico: AtomicU64,
    tokens: AtomicU64,
}

impl Provider {
    fn new() -> Arc<Provider> {
        let [calls, pico, tokens] = std::array::from_fn(|_| AtomicU64::new(0));
        Arc::new(Provider { model: Offline::new(), calls, pico, tokens })
    }
}

impl Llm for Provider {
    fn name(&self) -> &str {
        "test/provider"
    }

    fn output_tokens_max(&self, _: &Request) -> Option<u32> {
        Some(4_000)
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let mut reply = self.model.complete(request).await?;
            let texts = request.messages.iter().map(|message| format!("{message:?}").len() / 2);
            let input = (request.system.len() + texts.sum::<usize>()) / 4;
            let output = 1 + format!("{:?}", reply.turn).len() / 4;
            reply.usage.input_tokens = Some(input as u64);
            reply.usage.output_tokens = Some(output as u64);
            self.calls.fetch_add(1, Ordering::SeqCst);
            self.pico.fetch_add(charged(reply.usage), Ordering::SeqCst);
            self.tokens.fetch_add((input + output) as u64, Ordering::SeqCst);
            Ok(reply)
        })
    }
}

/// A run with limits, and the providers that it asked.
struct Limited {
    run: Run,
    agent: Arc<Provider>,
    writer: Arc<Provider>,
}

fn limited(budget: u32, parallel: usize, caps: RunCaps) -> Limited {
    dear(1, budget, parallel, caps)
}

fn dear(dearer: u64, budget: u32, parallel: usize, caps: RunCaps) -> Limited {
    let (agent, writer) = (Provider::new(), Provider::new());
    let [input, output] = ["2", "8"].map(|usd| usd.parse::<Usd>().unwrap());
    let ledger = Arc::new(Ledger::new(caps, &[], 0, None));
    let metered = |role, provider: &Arc<Provider>| -> Arc<dyn Llm> {
        let times = if role == Role::Writer { dearer } else { 1 };
        let price = Price::per_million(input.times(times), output.times(times));
        Arc::new(Metered::new(provider.clone(), role, Some(price), ledger.clone()))
    };
    let (model, limits) = (metered(Role::Agent, &agent), Limits::of(&Profile::default()));
    let trial = Trial {
        agent: Arc::new(Watched::around(Arc::new(Builtin::new(model.clone(), limits)))),
        agent_model: model,
        writer: metered(Role::Writer, &writer),
        ledger: ledger.clone(),
        caps,
        parallel,
        ..Trial::new(budget)
    };
    Limited { run: trial.run(), agent, writer }
}

fn usd(dollars: f64) -> Caps {
    Caps { usd: Usd::of_dollars(dollars), ..Caps::default() }
}

fn total(of: impl Fn(&Provider) -> &AtomicU64, limited: &Limited) -> u64 {
    [&limited.agent, &limited.writer].iter().map(|provider| of(provider).load(Ordering::SeqCst)).sum()
}

#[test]
fn no_limit_is_ever_exceeded_however_many_calls_are_under_way() {
    let spent = Mutex::new((0.0_f64, 0));
    for parallel in [1, 8, 64] {
        for part in [0.05, 0.3, 0.6] {
            let whole = 0.55;
            let dollars = limited(60, parallel, RunCaps { run: usd(part * whole), ..RunCaps::default() });
            let pico = total(|provider| &provider.pico, &dollars);
            assert!(pico <= Usd::of_dollars(part * whole).unwrap().pico(), "{pico} at {part}, {parallel}");
            let calls = (part * 300.0) as u64;
            let caps = RunCaps { run: Caps { calls: Some(calls), ..Caps::default() }, ..RunCaps::default() };
            let made = total(|provider| &provider.calls, &limited(60, parallel, caps));
            assert!(made <= calls, "{made} calls of {calls}");
            let tokens = (part * 250_000.0) as u64;
            let caps =
                RunCaps { run: Caps { tokens: Some(tokens), ..Caps::default() }, ..RunCaps::default() };
            let counted = total(|provider| &provider.tokens, &limited(60, parallel, caps));
            assert!(counted <= tokens, "{counted} tokens of {tokens}");
            let mut spent = spent.lock().unwrap();
            *spent = (spent.0 + pico as f64 / (part * whole * 1e12), spent.1 + 1);
        }
    }
    let (shares, runs) = *spent.lock().unwrap();
    println!("of a limit in dollars, {:.0} % was spent on average", 100.0 * shares / f64::from(runs));
}

#[test]
fn the_search_ends_in_time_for_a_verdict() {
    for dearer in [1, 8, 100] {
        ends_in_time_for_a_verdict(dearer);
    }
}

/// The writer costs so many times what the agent does.
fn ends_in_time_for_a_verdict(dearer: u64) {
    let whole = dear(dearer, 120, 8, RunCaps::default());
    let pico = |provider: &Provider| provider.pico.load(Ordering::SeqCst) as f64;
    let spent = (pico(&whole.agent) + dearer as f64 * pico(&whole.writer)) / 1e12;
    let half = dear(dearer, 120, 8, RunCaps { run: usd(spent / 2.0), ..RunCaps::default() });
    let Ending::Finished(finished) = &half.run.ending else { panic!("{:?}", half.run.ending) };
    assert_eq!(finished.stop, Stop::LimitReached(Limit { role: None, resource: Resource::Usd }));
    let (Verdict::Better(comparison) | Verdict::NotShownBetter(comparison) | Verdict::Worse(comparison)) =
        &finished.verdict
    else {
        panic!("{:?}", finished.verdict)
    };
    assert_eq!(comparison.coverage, Some(1.0), "the verdict was paid for");
    assert!(half.run.events().iter().any(|(_, event)| matches!(event, Event::Limited(_))));
    let text = render(&Report::of(&half.run.records(), &[]).unwrap());
    assert!(text.contains("--max-usd"), "{text}");
}

#[test]
fn a_limit_that_affords_nothing_ends_the_run_and_is_named() {
    for caps in [usd(0.000_001), Caps { calls: Some(1), ..Caps::default() }] {
        let run = limited(60, 8, RunCaps { agent: caps, ..RunCaps::default() }).run;
        let Ending::Finished(finished) = &run.ending else { panic!("{:?}", run.ending) };
        assert!(matches!(finished.stop, Stop::LimitReached(Limit { role: Some(Role::Agent), .. })));
        let Verdict::NotMeasured { reason } = &finished.verdict else { panic!("{:?}", finished.verdict) };
        assert!(reason.contains("--agent-max-"), "{reason}");
        let cut = |event: &Event| match event {
            Event::EpisodeUnmeasured(unmeasured) => unmeasured.class == FailureClass::Limit,
            _ => false,
        };
        assert!(run.events().iter().any(|(_, event)| cut(event)));
    }
}

#[test]
fn without_money_for_the_writer_what_there_is_is_judged() {
    let caps = RunCaps { writer: Caps { calls: Some(4), ..Caps::default() }, ..RunCaps::default() };
    let limited = limited(80, 8, caps);
    assert_eq!(limited.writer.calls.load(Ordering::SeqCst), 4);
    let Ending::Finished(finished) = &limited.run.ending else { panic!("{:?}", limited.run.ending) };
    let limit = Limit { role: Some(Role::Writer), resource: Resource::Calls };
    assert_eq!(finished.stop, Stop::LimitReached(limit));
    assert!(!matches!(finished.verdict, Verdict::NotMeasured { .. }), "{:?}", finished.verdict);
}

#[test]
fn a_run_without_time_stops_at_once_with_what_it_has() {
    let caps = RunCaps { run: Caps { time_ms: Some(0), ..Caps::default() }, ..RunCaps::default() };
    let limited = limited(60, 8, caps);
    let Ending::Finished(finished) = &limited.run.ending else { panic!("{:?}", limited.run.ending) };
    assert_eq!(finished.stop, Stop::LimitReached(Limit::RUN_TIME));
    assert_eq!(total(|provider| &provider.calls, &limited), 0);
}
