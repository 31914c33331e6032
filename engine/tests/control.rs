//! Control of a run under way: a pause loses nothing, a stop comes to an honest end, and what was changed is part of the
//! run, wherever it is cut off.

use crate::trial::{Run, Trial, Watched};
use packwright::agent::Task;
use packwright::budget::{Caps, RunCaps};
use packwright::control::{Control, Pace, RunState};
use packwright::event::{Event, Limited, Stop, Tuned, Verdict};
use packwright::optimize::{Ending, tune_at_rest};
use std::sync::Arc;

const BUDGET: u32 = 40;

/// Does something when a certain attempt begins, and waits until it is done.
fn at_attempt(trial: &mut Trial, wanted: u32, act: impl Fn(Arc<Control>) + Send + Sync + 'static) {
    let control = trial.control.clone();
    trial.agent = Arc::new(Watched::failing(move |number, _: &Task| {
        if number == wanted {
            act(control.clone());
        }
        false
    }));
}

/// Gives an order from within an attempt; the run carries it out meanwhile.
fn order(control: Arc<Control>, tuned: Tuned) -> Result<(), String> {
    // On a thread of its own, since the attempt blocks the one that it is made on.
    let given = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(control.order(tuned))
    });
    given.join().expect("an answer")
}

fn finished(run: &Run) -> &packwright::event::RunFinished {
    let Ending::Finished(finished) = &run.ending else { panic!("{:?}", run.ending) };
    finished
}

#[test]
fn a_run_that_rested_ends_the_same() {
    let whole = Trial::new(BUDGET).run();
    for (wanted, parallel) in [(0, 1), (9, 1), (14, 8)] {
        let mut trial = Trial { parallel, ..Trial::new(BUDGET) };
        at_attempt(&mut trial, wanted, |control| {
            control.ask(Pace::Pause).expect("a run that can be paused");
            let rested = control.clone();
            tokio::spawn(async move {
                while rested.status().state != RunState::Paused {
                    tokio::task::yield_now().await;
                }
                assert_eq!(rested.status().under_way, 0);
                rested.ask(Pace::Run).expect("a run that can go on");
            });
        });
        let run = trial.run();
        assert_eq!(run.events(), whole.events());
        assert!(!run.store.is_paused().expect("a readable store"));
    }
}

#[test]
fn a_stop_finishes_what_is_under_way_and_comes_to_an_honest_end() {
    let whole = Trial::new(BUDGET).run();
    let last = whole.attempts - 1;
    for (wanted, parallel) in [(0, 1), (9, 1), (9, 5), (last - 3, 1), (last, 1)] {
        let mut trial = Trial { parallel, ..Trial::new(BUDGET) };
        at_attempt(&mut trial, wanted, |control| {
            control.ask(Pace::Conclude).expect("a run that can be stopped")
        });
        let run = trial.run();
        let finished = finished(&run);
        assert_eq!(finished.stop, Stop::Asked, "stopped at attempt {wanted}");
        assert!(
            (wanted + 1..=wanted + parallel as u32).contains(&run.scored()),
            "what is under way is finished"
        );
        if let Verdict::NotMeasured { reason } = &finished.verdict {
            assert_eq!(reason, "the run was asked to stop before a candidate could be confirmed");
        } else {
            assert!(wanted > 9, "{:?}", finished.verdict);
        }
        check_every_cut(&run, |kept| is_stopped(&kept.0.event));
    }
}

fn is_stopped(event: &Event) -> bool {
    matches!(event, Event::Limited(Limited { limit, .. }) if *limit == packwright::budget::Limit::STOPPED)
}

type Kept = (packwright::store::Record, Option<packwright::episode::Episode>);

/// Cuts a run at every few records from a certain one on, and resumes it.
fn check_every_cut(whole: &Run, is_first: impl Fn(&Kept) -> bool) {
    let records = whole.with_episodes();
    let first = records.iter().position(is_first).expect("such a record");
    for length in (first + 1..=records.len()).step_by(4) {
        let resumed = Trial::new(BUDGET).go_on(&records[..length]);
        assert_eq!(resumed.events(), whole.events(), "cut after {length} records");
    }
}

#[test]
fn what_was_changed_is_part_of_the_run() {
    let plain = Trial::new(BUDGET).run();
    for (wanted, budget) in [(2, 60), (12, 60), (12, 34)] {
        let mut trial = Trial::new(BUDGET);
        let caps = RunCaps { run: Caps { calls: Some(100_000), ..Caps::default() }, ..RunCaps::default() };
        at_attempt(&mut trial, wanted, move |control| {
            let tuned = Tuned { budget: Some(budget), caps: Some(Box::new(caps)), parallel: Some(3) };
            order(control, tuned).expect("limits that can be kept");
        });
        let run = trial.run();
        assert_eq!((trial.control.parallel(), trial.control.status().caps), (3, caps));
        let started = run.scored() + run.unmeasured();
        assert!(started <= budget && (budget < BUDGET || started > BUDGET), "{started} of {budget}");
        assert_ne!(run.events(), plain.events());
        check_every_cut(&run, |kept| matches!(kept.0.event, Event::Tuned(_)));
        check_that_it_may_come_before_open_steps(&run);
    }
}

/// It is recorded while steps of the plan before it are open.
fn check_that_it_may_come_before_open_steps(run: &Run) {
    let records = run.with_episodes();
    let tuned =
        records.iter().position(|(record, _)| matches!(record.event, Event::Tuned(_))).expect("a change");
    let mut kept = records[..=tuned].to_vec();
    while !matches!(kept[kept.len() - 2].0.event, Event::Planned(_)) {
        kept.remove(kept.len() - 2);
        let resumed = Trial::new(BUDGET).go_on(&kept);
        assert_eq!(resumed.events(), run.events(), "with {} records", kept.len());
    }
}

#[test]
fn changes_that_cannot_hold_are_refused() {
    let mut trial = Trial::new(BUDGET);
    at_attempt(&mut trial, 9, |control| {
        let budget = |budget| Tuned { budget: Some(budget), ..Tuned::default() };
        let refused = order(control.clone(), budget(2)).expect_err("fewer than were begun");
        assert!(refused.contains("are begun already"), "{refused}");
        let dollars = Caps { usd: Some("5".parse().expect("dollars")), ..Caps::default() };
        let caps = Some(Box::new(RunCaps { run: dollars, ..RunCaps::default() }));
        let refused = order(control, Tuned { caps, ..Tuned::default() }).expect_err("no prices");
        assert!(refused.contains("no greatest length"), "{refused}");
    });
    assert_eq!(trial.run().events(), Trial::new(BUDGET).run().events());
}

#[test]
fn a_run_at_rest_can_be_changed_until_its_end() {
    let trial = Trial::new(BUDGET);
    let records = Trial::new(BUDGET).run().with_episodes();
    let mut run = Run::unbegun();
    run.store.record(&records[..9]).expect("the kept records");
    let tuned = Tuned { budget: Some(50), ..Tuned::default() };
    tune_at_rest(&mut run.store, &trial.control, tuned.clone()).expect("a store").expect("a change");
    let mut run = trial.resume(run);
    assert!(run.scored() > BUDGET);
    let refused = tune_at_rest(&mut run.store, &trial.control, tuned).expect("a store").expect_err("its end");
    assert!(refused.contains("has come to its end"), "{refused}");
}
