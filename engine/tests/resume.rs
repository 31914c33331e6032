//! A run that was cut off anywhere ends as if nothing had happened, and no recorded episode is attempted
//! again; an outage costs nothing of the budget.

use crate::trial::{Run, Trial, Watched};
use futures_util::future::BoxFuture;
use packwright::episode::Episode;
use packwright::event::{Event, Planned};
use packwright::llm::offline::Offline;
use packwright::llm::{Llm, LlmError, Reply, Request};
use packwright::optimize::Ending;
use packwright::store::Record;
use packwright::units::Seed;
use rand::RngExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const BUDGET: u32 = 30;

type Kept = Vec<(Record, Option<Episode>)>;

/// Resumes from these records, and compares with the run that was never cut off.
fn check(whole: &Run, kept: &[(Record, Option<Episode>)], parallel: usize) {
    let trial = Trial { parallel, ..Trial::new(BUDGET) };
    let resumed = trial.go_on(kept);
    assert_eq!(resumed.ending, whole.ending);
    assert_eq!(resumed.events(), whole.events());
    let episodes =
        |run: &Run| run.with_episodes().into_iter().map(|(_, episode)| episode).collect::<Vec<_>>();
    assert_eq!(episodes(&resumed), episodes(whole));
    let recorded = kept.iter().filter(|(_, episode)| episode.is_some()).count() as u32;
    assert_eq!(
        resumed.attempts,
        whole.attempts - recorded,
        "an episode that was recorded is not attempted again"
    );
}

#[test]
fn a_run_cut_at_any_record_ends_the_same() {
    let whole = Trial::new(BUDGET).run();
    assert!(matches!(whole.ending, Ending::Finished(_)));
    assert_eq!(whole.reasons(), [""; 0]);
    assert_eq!(whole.scored(), whole.attempts);
    let records = whole.with_episodes();
    for length in 0..=records.len() {
        check(&whole, &records[..length], 1);
    }
    println!("cut at each of {} records", records.len());
}

#[test]
fn a_run_whose_steps_ended_in_any_order_ends_the_same() {
    let whole = Trial::new(BUDGET).run();
    let records = whole.with_episodes();
    let mut rng = Seed(3).rng();
    for number in 0..60 {
        check(&whole, &what_a_kill_leaves(&records, &mut rng), 1 + number % 5);
    }
}

/// All records up to some plan, and any of its steps.
fn what_a_kill_leaves(records: &[(Record, Option<Episode>)], rng: &mut impl rand::Rng) -> Kept {
    let plans: Vec<(u32, &Planned)> = records
        .iter()
        .filter_map(|(record, _)| match &record.event {
            Event::Planned(planned) => Some((record.ordinal, planned)),
            _ => None,
        })
        .collect();
    let (plan, planned) = plans[rng.random_range(0..plans.len())];
    let share = rng.random_range(0.0..=1.0);
    let end = plan + planned.steps.len() as u32;
    let mut kept = records.to_vec();
    kept.retain(|(record, _)| record.ordinal <= plan || (record.ordinal <= end && rng.random_bool(share)));
    kept
}

#[test]
fn an_outage_costs_nothing_and_the_run_ends_the_same_after_it() {
    let whole = Trial::new(BUDGET).run();
    let mut free = 0;
    for (down_after, parallel) in
        (0..whole.attempts).map(|after| (after, 1)).chain([(0, 16), (7, 16), (20, 4)])
    {
        let down = Arc::new(Watched::failing(move |number, _| number >= down_after));
        let cut = Trial { agent: down.clone(), parallel, ..Trial::new(BUDGET) }.run();
        if !matches!(cut.ending, Ending::Outage { .. }) {
            // The last plan of all was under way and had succeeded in part.
            assert!(whole.attempts - down_after < 6, "down after {down_after}: {:?}", cut.ending);
            continue;
        }
        // Failures at the end of a plan that had succeeded in part are single ones.
        assert!(cut.unmeasured() < 6, "down after {down_after}: {:?}", cut.reasons());
        assert_eq!(cut.scored(), down_after);
        let resumed = Trial { agent: down, parallel, ..Trial::new(BUDGET) }.resume(cut);
        assert!(matches!(resumed.ending, Ending::Outage { .. }), "still down: {:?}", resumed.ending);

        let resumed = Trial { parallel, ..Trial::new(BUDGET) }.resume(resumed);
        assert!(matches!(resumed.ending, Ending::Finished(_)));
        if resumed.unmeasured() == 0 {
            assert_eq!(resumed.attempts, whole.attempts - down_after);
            assert_eq!(resumed.events(), whole.events());
            free += 1;
        }
    }
    println!("{free} of {} outages cost nothing", whole.attempts + 3);
}

#[test]
fn a_single_failure_is_an_episode_that_was_not_measured() {
    // Seldom enough that no two small plans in a row fail whole, which would be an outage.
    let fails = |_, seed: Seed| seed.0.is_multiple_of(11);
    let runs = [1, 16].map(|parallel| {
        let agent = Arc::new(Watched::failing(fails));
        Trial { agent, parallel, ..Trial::new(BUDGET) }.run()
    });
    let [run, other] = &runs;
    assert!(matches!(run.ending, Ending::Finished(_)), "{:?}", run.ending);
    assert!(run.unmeasured() > 0);
    assert_eq!(run.scored() + run.unmeasured(), run.attempts);
    assert_eq!(run.events(), other.events());
}

/// A writer that is down for its first calls.
struct Down {
    calls: AtomicU32,
    down_for: u32,
    up: Offline,
}

impl Llm for Down {
    fn name(&self) -> &str {
        self.up.name()
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        if self.calls.fetch_add(1, Ordering::SeqCst) >= self.down_for {
            return self.up.complete(request);
        }
        let (model, problem) = ("test/writer".to_owned(), "the writer is down".to_owned());
        Box::pin(std::future::ready(Err(LlmError::Transient { model, problem, retry_after_ms: None })))
    }
}

#[test]
fn a_writer_that_is_down_is_an_outage_too() {
    let writer = |down_for| Arc::new(Down { calls: AtomicU32::new(0), down_for, up: Offline::new() });
    let cut = Trial { writer: writer(u32::MAX), ..Trial::new(BUDGET) }.run();
    let Ending::Outage { reason } = &cut.ending else { panic!("{:?}", cut.ending) };
    assert!(reason.contains("the writer is down"), "{reason}");

    let still_down = Trial { writer: writer(u32::MAX), ..Trial::new(BUDGET) }.resume(cut);
    assert!(matches!(still_down.ending, Ending::Outage { .. }), "{:?}", still_down.ending);

    let resumed = Trial::new(BUDGET).resume(still_down);
    assert!(matches!(resumed.ending, Ending::Finished(_)), "{:?}", resumed.ending);
    assert!(resumed.events().iter().any(|(_, event)| matches!(event, Event::Proposed(_))));
}

#[test]
fn an_interrupted_run_goes_on() {
    let whole = Trial::new(BUDGET).run();
    for (interrupted_at, parallel) in [(0, 1), (9, 1), (9, 16), (21, 3)] {
        let mut trial = Trial { parallel, ..Trial::new(BUDGET) };
        let stop = trial.stop.clone();
        trial.agent = Arc::new(Watched::failing(move |number, _| {
            if number >= interrupted_at {
                stop.cancel();
            }
            false
        }));
        let cut = trial.run();
        assert_eq!(cut.ending, Ending::Interrupted);
        assert!(cut.scored() <= interrupted_at + parallel as u32);
        let recorded = cut.scored();

        let resumed = Trial::new(BUDGET).resume(cut);
        assert_eq!(resumed.attempts, whole.attempts - recorded);
        assert_eq!(resumed.events(), whole.events());
    }
}
