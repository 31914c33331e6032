//! A run that was cut off anywhere ends as if nothing had happened, and no recorded episode is attempted
//! again; an outage costs nothing of the budget.

use crate::trial::{Run, Trial, Watched, baseline};
use futures_util::future::BoxFuture;
use packwright::agent::Task;
use packwright::control::Pace;
use packwright::episode::Episode;
use packwright::event::{Event, Planned, Stop, Verdict};
use packwright::llm::offline::Offline;
use packwright::llm::{Llm, LlmError, Reply, Request};
use packwright::optimize::{Ending, Patience};
use packwright::store::Record;
use packwright::units::Seed;
use rand::RngExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

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
    let cases = (0..whole.attempts).map(|after| (after, 1)).chain([(0, 16), (7, 16), (20, 4)]);
    for (down_after, parallel) in cases {
        let down = Trial {
            agent: Arc::new(Watched::failing(move |number, _| number >= down_after)),
            agent_model: down_for(u32::MAX),
            parallel,
            ..Trial::new(BUDGET)
        };
        let cut = down.run();
        assert!(matches!(cut.ending, Ending::Outage { .. }), "down after {down_after}: {:?}", cut.ending);
        // An attempt that failed while an earlier one was still on its way to success counts as its own fault.
        let lost = cut.unmeasured();
        assert!(lost == 0 || parallel > 1, "down after {down_after}: {:?}", cut.reasons());
        assert_eq!(cut.scored(), down_after);
        let resumed = down.resume(cut);
        assert!(matches!(resumed.ending, Ending::Outage { .. }), "still down: {:?}", resumed.ending);

        let resumed = Trial { parallel, ..Trial::new(BUDGET) }.resume(resumed);
        assert!(matches!(resumed.ending, Ending::Finished(_)));
        if lost == 0 {
            assert_eq!(resumed.attempts, whole.attempts - down_after);
            assert_eq!(resumed.events(), whole.events());
        }
    }
}

#[test]
fn an_outage_that_ends_in_time_is_waited_out() {
    let whole = Trial::new(BUDGET).run();
    for parallel in [1, 5] {
        let model = Arc::new(Down { calls: AtomicU32::new(0), down_for: 3, up: Offline::new() });
        let asked = model.clone();
        let is_down = move |number, _: &Task| number >= 8 && asked.calls.load(Ordering::SeqCst) <= 3;
        let run = Trial {
            agent: Arc::new(Watched::failing(is_down)),
            agent_model: model,
            parallel,
            patience: Patience { wait: Duration::from_millis(1), total: Duration::from_secs(60) },
            ..Trial::new(BUDGET)
        }
        .run();
        assert!(matches!(run.ending, Ending::Finished(_)), "{:?}", run.ending);
        assert!(run.attempts > whole.attempts, "some were made during the outage");
        if run.unmeasured() == 0 {
            assert_eq!(run.events(), whole.events());
        }
        assert!(run.unmeasured() == 0 || parallel > 1, "{:?}", run.reasons());
    }
}

#[test]
fn a_scenario_that_always_fails_ends_the_run_and_not_the_patience() {
    let fails = |task: &Task| task.scenario.name == "day_brief";
    let run =
        Trial { agent: Arc::new(Watched::failing(move |_, task| fails(task))), ..Trial::new(BUDGET) }.run();
    let Ending::Finished(finished) = &run.ending else { panic!("{:?}", run.ending) };
    assert_eq!(finished.stop, Stop::Unmeasurable);
    let Verdict::NotMeasured { reason } = &finished.verdict else { panic!("{:?}", finished.verdict) };
    assert!(reason.contains("day_brief"), "{reason}");
    assert!(run.attempts <= BUDGET);
    assert_eq!(run.unmeasured() + run.scored(), run.attempts);

    // Where only candidates fail there, the run goes on without those episodes.
    let base = baseline();
    let fails = move |_, task: &Task| fails(task) && task.pack.hash() != base.hash();
    let run = Trial { agent: Arc::new(Watched::failing(fails)), ..Trial::new(60) }.run();
    let Ending::Finished(finished) = &run.ending else { panic!("{:?}", run.ending) };
    assert_eq!(finished.stop, Stop::BudgetSpent);
    assert!(run.unmeasured() > 0 && run.scored() > run.unmeasured());
}

#[test]
fn what_fails_without_end_stops_the_run_though_the_model_answers() {
    let run = Trial { agent: Arc::new(Watched::failing(|number, _| number >= 20)), ..Trial::new(200) }.run();
    let Ending::Outage { reason } = &run.ending else { panic!("{:?}", run.ending) };
    assert!(reason.contains("the test's provider is down"), "{reason}");
    assert!((20..40).contains(&run.unmeasured()), "{}", run.unmeasured());
}

#[test]
fn a_single_failure_is_an_episode_that_was_not_measured() {
    let fails = |_, task: &Task| task.seed.0.is_multiple_of(4);
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

/// A model that is down for its first calls.
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
        let (model, problem) = ("test/model".to_owned(), "the model is down".to_owned());
        Box::pin(std::future::ready(Err(LlmError::Transient { model, problem, retry_after_ms: None })))
    }
}

fn down_for(down_for: u32) -> Arc<dyn Llm> {
    Arc::new(Down { calls: AtomicU32::new(0), down_for, up: Offline::new() })
}

#[test]
fn a_writer_that_is_down_is_an_outage_too() {
    let cut = Trial { writer: down_for(u32::MAX), ..Trial::new(BUDGET) }.run();
    let Ending::Outage { reason } = &cut.ending else { panic!("{:?}", cut.ending) };
    assert!(reason.contains("the model is down"), "{reason}");

    let still_down = Trial { writer: down_for(u32::MAX), ..Trial::new(BUDGET) }.resume(cut);
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
        let control = trial.control.clone();
        trial.agent = Arc::new(Watched::failing(move |number, _| {
            if number >= interrupted_at {
                control.ask(Pace::Halt).expect("a run that can be halted");
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
