//! The budget counts attempts, and is never exceeded by a single one; and what a run finds does not depend
//! on how many of them are under way at once.

use crate::trial::{Run, Trial, Watched};
use packwright::agent::Task;
use packwright::optimize::Ending;
use std::sync::Arc;

/// Runs with an agent of which a share of the attempts fails.
fn run(budget: u32, parallel: usize, failing_percent: u64) -> Run {
    let fails = move |_, task: &Task| task.seed.child("fails", &[]).0 % 100 < failing_percent;
    Trial { parallel, agent: Arc::new(Watched::failing(fails)), ..Trial::new(budget) }.run()
}

fn check(run: &Run, budget: u32) {
    let recorded = run.scored() + run.unmeasured();
    assert!(recorded <= budget, "{recorded} episodes recorded of {budget}");
    assert!(run.attempts <= budget, "{} attempts made of {budget}", run.attempts);
    if matches!(run.ending, Ending::Finished(_)) {
        assert_eq!(recorded, run.attempts, "every attempt is recorded");
    }
}

#[test]
fn no_small_budget_is_ever_exceeded() {
    let mut runs = 0;
    for budget in 1..=40_u32 {
        for parallel in [1, 7, 64] {
            let failing_percent = if budget.is_multiple_of(2) { 0 } else { 15 };
            check(&run(budget, parallel, failing_percent), budget);
            runs += 1;
        }
    }
    println!("{runs} runs");
}

#[test]
fn no_larger_budget_is_ever_exceeded() {
    for parallel in [1, 7, 64] {
        for failing_percent in [0, 15, 60] {
            check(&run(200, parallel, failing_percent), 200);
        }
    }
}

#[test]
fn what_the_provider_failed_is_made_again_and_counts_once() {
    let whole = Trial::new(60).run();
    let first_of_each = std::sync::Mutex::new(std::collections::HashSet::new());
    let fails = move |_, task: &Task| {
        let hit = task.seed.child("fails", &[]).0.is_multiple_of(3);
        hit && first_of_each.lock().expect("no test fails while it looks").insert(task.seed.0)
    };
    let run = Trial { agent: Arc::new(Watched::stumbling(fails)), parallel: 4, ..Trial::new(60) }.run();
    assert!(run.attempts > whole.attempts, "some were made again");
    assert_eq!((run.unmeasured(), run.events()), (0, whole.events()));
}

#[test]
fn what_never_passes_is_given_up_after_three_attempts() {
    let fails = |_, task: &Task| task.seed.child("fails", &[]).0.is_multiple_of(4);
    let run = Trial { agent: Arc::new(Watched::stumbling(fails)), parallel: 4, ..Trial::new(60) }.run();
    assert!(run.unmeasured() > 0, "{:?}", run.ending);
    assert!(matches!(run.ending, Ending::Finished(_)), "{:?}", run.ending);
    assert_eq!(run.attempts, run.scored() + 3 * run.unmeasured());
    assert!(run.scored() + run.unmeasured() <= 60);
}

#[test]
fn results_do_not_depend_on_how_many_are_under_way() {
    for (budget, failing_percent) in [(40, 0), (40, 10), (200, 0), (200, 10)] {
        let one = run(budget, 1, failing_percent);
        let many = run(budget, 64, failing_percent);
        assert_eq!(one.ending, many.ending);
        assert_eq!(one.events(), many.events());
        assert!(matches!(one.ending, Ending::Finished(_)));
    }
}
