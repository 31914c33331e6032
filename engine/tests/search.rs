//! The search against simulated worlds: hidden rules with effects on checks, noisy episodes, a writer of
//! mixed quality. It spends no more than its budget, ends under any failures, finds gains where there are
//! some, and rarely claims one where there is none.

mod simulated;

use packwright::event::{Aim, Event, Operator, Phase, Step, Stop, Verdict};
use packwright::search::{Next, Search};
use packwright::units::Seed;
use proptest::prelude::*;
use simulated::{Kind, Trouble, World, carry_out, simulate};
use std::collections::{HashMap, HashSet};

/// What a set of simulated runs came to.
#[derive(Debug, Default)]
struct Tally {
    runs: u32,
    better: u32,
    worse: u32,
    gain: f64,
    gated: f64,
    below: u32,
    /// Wins of what is worse.
    false_wins: u32,
    candidates: usize,
}

fn tally(kind: Kind, seeds: std::ops::Range<u64>, budget: u32) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let world = World::new(seed, kind);
        let outcomes = simulate(&world, world.start(budget, 0), Trouble::default());
        let finalist = outcomes.finished.finalist.clone().unwrap();
        let gain = world.value(&outcomes.search.candidate(&finalist).unwrap().agents_md) - world.value("");
        tally.runs += 1;
        tally.gain += gain;
        tally.below += u32::from(gain < 0.0);
        tally.candidates +=
            outcomes.events.iter().filter(|event| matches!(event, Event::Proposed(_))).count();
        match &outcomes.finished.verdict {
            Verdict::Better(_) => {
                tally.better += 1;
                tally.gated += gain;
                tally.false_wins += u32::from(gain < 0.0);
            }
            Verdict::Worse(_) => tally.worse += 1,
            Verdict::NotShownBetter(_) | Verdict::NotMeasured { .. } => {}
        }
    }
    tally.gain /= f64::from(tally.runs);
    tally.gated /= f64::from(tally.runs);
    println!("{kind:?} at {budget}: {tally:.3?}");
    tally
}

#[test]
fn gains_are_found_where_there_are_some() {
    let benign = tally(Kind::Benign, 400..432, 200);
    assert!(benign.gain > 0.08, "{benign:?}");
    assert!(benign.better * 2 >= benign.runs, "{benign:?}");
    // Where most edits harm, what is found may be worse; of what is deployed no more than one in twenty is.
    let hard = tally(Kind::Hard, 400..460, 200);
    assert!(hard.gain > -0.03 && hard.false_wins * 20 <= hard.runs && hard.gated > -0.001, "{hard:?}");
}

#[test]
fn a_win_is_rarely_claimed_where_there_is_none() {
    // A true rate of one in twenty, which is what is stated, gives more than 11 in 120 in one test of 50. The
    // comparison's own tests hold it to that more closely.
    for (kind, budget, seeds) in [(Kind::Same, 60, 500..620), (Kind::Null, 200, 500..560)] {
        let tally = tally(kind, seeds, budget);
        assert!(tally.better * 120 <= tally.runs * 11, "{tally:?}");
    }
}

#[test]
#[ignore = "prints the whole table; slow"]
fn table() {
    for kind in [Kind::Benign, Kind::Hard, Kind::NonLocal, Kind::Null, Kind::Same] {
        for budget in [60, 200, 400] {
            tally(kind, 400..500, budget);
        }
    }
}

#[test]
fn telling_the_recorded_events_gives_the_same_answers() {
    let world = World::new(3, Kind::Benign);
    let outcomes = simulate(&world, world.start(120, 1), Trouble { unmeasured: 10, ..Trouble::default() });
    let mut again = Search::new();
    let mut open = 0;
    for event in &outcomes.events {
        if let Event::Planned(plan) = event {
            assert_eq!(again.ask(), Next::Work(plan.clone()));
            open = plan.steps.len() + 1;
        }
        again.tell(event);
        open = usize::saturating_sub(open, 1);
    }
    assert_eq!(open, 0);
    assert_eq!(again.ask(), Next::Done(outcomes.finished));
}

#[test]
fn what_cannot_be_measured_or_written_ends_the_search() {
    let world = World::new(4, Kind::Benign);
    let trouble = Trouble { unmeasured: 100, ..Trouble::default() };
    let outcomes = simulate(&world, world.start(200, 0), trouble);
    assert_eq!(outcomes.finished.stop, Stop::Unmeasurable);
    assert!(matches!(outcomes.finished.verdict, Verdict::NotMeasured { .. }));
    let trouble = Trouble { unreachable: 100, ..Trouble::default() };
    let outcomes = simulate(&world, world.start(200, 0), trouble);
    assert_eq!(outcomes.finished.stop, Stop::Exhausted);
    assert_eq!(outcomes.search.episodes_started(), 12, "only calibration was paid for");
}

#[test]
fn a_writer_without_ideas_ends_the_search() {
    let world = World::new(5, Kind::Benign);
    let trouble = Trouble { unusable: 100, ..Trouble::default() };
    let outcomes = simulate(&world, world.start(200, 0), trouble);
    assert_eq!(outcomes.finished.stop, Stop::Exhausted);
    assert_eq!(outcomes.finished.finalist, None);
}

#[test]
fn checks_that_only_results_name_are_aimed_at() {
    let world = World::new(7, Kind::Benign);
    let mut start = world.start(120, 1);
    start.scenarios.iter_mut().for_each(|scenario| scenario.checks.clear());
    let outcomes = simulate(&world, start, Trouble::default());
    let proposals: Vec<_> = outcomes
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Planned(plan) => Some(&plan.steps),
            _ => None,
        })
        .flatten()
        .filter_map(|step| match step {
            Step::Propose(proposal) if proposal.operator.asks_writer() => Some(proposal),
            _ => None,
        })
        .collect();
    let aimed = proposals.iter().filter(|proposal| !proposal.targets.is_empty()).count();
    assert!(aimed > 3 && aimed * 2 > proposals.len(), "{aimed} of {}", proposals.len());
    assert!(outcomes.finished.finalist.is_some());
}

#[test]
fn a_candidate_is_first_looked_at_where_its_writer_says_that_it_aims() {
    let world = World::new(6, Kind::Benign);
    let mut search = Search::new();
    search.tell(&Event::RunStarted(world.start(200, 0)));
    let mut said = None;
    let looked_at = loop {
        let Next::Work(plan) = search.ask() else { panic!("the search ended before its first look") };
        search.tell(&Event::Planned(plan.clone()));
        for (index, step) in plan.steps.iter().enumerate() {
            let seed = Seed(index as u64).child(&format!("{:?}", plan.phase), &[]);
            let mut event = carry_out(&world, &search, step, Trouble::default(), seed);
            if let (Event::Proposed(proposed), Step::Propose(proposal), None) = (&mut event, step, &said) {
                // The least of what it was shown.
                let target = proposal.targets.last().expect("checks that fail");
                proposed.aims = vec![Aim { scenario: target.scenario.clone(), check: target.check.clone() }];
                said = Some((proposed.candidate.id.clone(), target.scenario.clone()));
            }
            search.tell(&event);
        }
        if let (Phase::Screen, Some(Step::Run(key))) = (plan.phase, plan.steps.first()) {
            break (key.candidate.clone(), key.scenario.clone());
        }
    };
    assert_eq!(Some(looked_at), said);
}

#[test]
fn what_is_put_together_is_looked_at_once_and_only_as_the_best() {
    let looks: usize = (8..12).map(looks_at_what_was_put_together).sum();
    assert!(looks > 0, "nothing that was put together was ever the best");
}

/// How many candidates that were put together were looked at in a night.
fn looks_at_what_was_put_together(seed: u64) -> usize {
    let world = World::new(seed, Kind::Benign);
    let outcomes = simulate(&world, world.start(200, 0), Trouble::default());
    let algebra: HashSet<_> = outcomes
        .search
        .candidates()
        .filter(|candidate| matches!(candidate.operator, Operator::Merge | Operator::Graft))
        .map(|candidate| candidate.id.clone())
        .collect();
    let mut looks: HashMap<_, u32> = HashMap::new();
    let (mut screened, mut search) = (0, Search::new());
    for event in &outcomes.events {
        search.tell(event);
        let Event::Planned(plan) = event else { continue };
        for step in &plan.steps {
            let Step::Run(key) = step else { continue };
            screened += usize::from(plan.phase == Phase::Screen);
            assert!(plan.phase != Phase::Screen || !algebra.contains(&key.candidate), "{key:?}");
            if plan.phase == Phase::Evaluate && algebra.contains(&key.candidate) {
                *looks.entry(key.candidate.clone()).or_default() += 1;
                let best = search.best().expect("there is an incumbent");
                assert_eq!(best.candidate, key.candidate, "only the best is looked at again");
            }
        }
    }
    assert!(looks.values().all(|looks| *looks == 1), "{looks:?}");
    assert!(screened > 50, "{screened} first looks");
    looks.len()
}

#[test]
fn how_much_luck_there_is_is_known_before_a_candidate_is_paid_for() {
    let noise = |budget| {
        let world = World::new(9, Kind::Benign);
        let outcomes = simulate(&world, world.start(budget, 0), Trouble::default());
        let mut search = Search::new();
        for event in &outcomes.events {
            let is_proposal = matches!(event, Event::Planned(plan) if plan.steps.iter().any(|s| matches!(s, Step::Propose(_))));
            if is_proposal {
                return search.noise().expect("the incumbent was measured");
            }
            search.tell(event);
            if matches!(event, Event::RunStarted(_)) {
                assert_eq!(search.noise(), None);
            }
        }
        panic!("nothing was proposed");
    };
    let (small, large) = (noise(60), noise(800));
    assert!(small.detectable > 2.0 * large.detectable, "{small:?} {large:?}");
    assert!(large.pass_sd < large.episode_sd, "{large:?}");
}

#[test]
fn a_budget_too_small_to_decide_says_so() {
    let world = World::new(6, Kind::Benign);
    for budget in 0..19 {
        let outcomes = simulate(&world, world.start(budget, 0), Trouble::default());
        let Verdict::NotMeasured { reason } = outcomes.finished.verdict else { panic!("budget {budget}") };
        assert!(reason.contains("at least 19"), "{reason}");
        assert_eq!(outcomes.search.episodes_started(), 0, "nothing is spent on what cannot be decided");
    }
    let outcomes = simulate(&world, world.start(19, 0), Trouble::default());
    assert!(!matches!(outcomes.finished.verdict, Verdict::NotMeasured { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_run_spends_more_than_its_budget(
        seed in 0_u64..1_000,
        budget in 0_u32..160,
        held_out in 0_usize..7,
        unmeasured in 0_u32..70,
        unreachable in 0_u32..50,
        unusable in 0_u32..50,
    ) {
        let world = World::new(seed, Kind::Benign);
        let outcomes =
            simulate(&world, world.start(budget, held_out), Trouble { unmeasured, unreachable, unusable });
        let (mut started, mut keys) = (0, HashSet::new());
        let mut confirmation: HashMap<(String, u32), u32> = HashMap::new();
        for event in &outcomes.events {
            let Event::Planned(plan) = event else { continue };
            for step in &plan.steps {
                let Step::Run(key) = step else { continue };
                started += 1;
                prop_assert!(keys.insert(key.clone()), "{key:?} is run twice");
                if plan.phase == Phase::Confirm {
                    *confirmation.entry((key.scenario.clone(), key.repeat)).or_default() += 1;
                }
            }
            prop_assert!(started <= budget);
        }
        prop_assert_eq!(started, outcomes.search.episodes_started());
        prop_assert!(confirmation.values().all(|packs| *packs == 2), "both packs get the same repeats");
    }
}
