//! Nights in which processes are killed at any moment: every finished episode is kept, none is run twice, and the results
//! are those of nights that nobody disturbed.
//!
//! The whole night: `cargo test --release -- --ignored kills --nocapture`.

use super::place::{Place, without_wall_clock};
use super::trouble::events;
use packwright::units::Seed;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn a_run_that_is_killed_again_and_again_ends_the_same() {
    let night = Night::pass(1, 8);
    println!("{night}");
    assert!(night.kills > 3, "{night}");
}

#[test]
#[ignore = "20 runs, and 200 of their processes killed"]
fn kills_all_night_change_nothing() {
    let night = Night::pass(20, 200);
    println!("{night}");
    assert!(night.kills >= 200, "{night}");
}

/// What was seen of a night.
#[derive(Default)]
struct Night {
    runs: u32,
    kills: u32,
    /// Kills before the run had its first event.
    unborn: u32,
    /// Episodes that were seen to be recorded before a kill, and were found unchanged at the end.
    kept: usize,
    episodes: usize,
}

impl std::fmt::Display for Night {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Night { runs, kills, unborn, kept, episodes } = self;
        write!(
            f,
            "{runs} runs, {kills} kills ({unborn} before the first event): all {episodes} episodes as in undisturbed runs; \
             {kept} were recorded before a kill, and none of these was lost or made again"
        )
    }
}

impl Night {
    /// Passes a night of some runs with at least so many kills in all; panics where anything is lost.
    fn pass(runs: u32, kills: u32) -> Night {
        let mut night = Night { runs, ..Night::default() };
        for number in 0..runs {
            let wanted = (kills - night.kills).div_ceil(runs - number);
            night.pass_run(u64::from(number) + 5, wanted);
        }
        night
    }

    fn pass_run(&mut self, seed: u64, kills: u32) {
        let seed_text = seed.to_string();
        let arguments = ["--budget", "60", "--seed", &seed_text, "--json"];
        let whole = Place::new();
        let code = whole.optimize(&arguments).code;
        let expected = events(&whole);

        let place = Place::new();
        let mut seen = BTreeMap::new();
        let mut rng = Seed(seed).child("kills", &[]).rng();
        // Where the run ends before all kills were made, it is not killed more often.
        let step = (expected.len() as u32 / kills.max(1)).max(1);
        for _ in 0..kills {
            self.kill(&place, &arguments, &mut seen, step, &mut rng);
        }
        let last = match place.run_ids().pop() {
            Some(id) => place.optimize(&["resume", &id]).code,
            None => place.optimize(&arguments).code,
        };
        assert!(last == code || last == 3, "it ended with {last}, and with {code} undisturbed");
        assert_eq!(events(&place), expected, "seed {seed}");
        self.check_kept(&place, &seen);
    }

    /// Starts the run or goes on with it, and kills the process after some records.
    fn kill(
        &mut self,
        place: &Place,
        arguments: &[&str],
        seen: &mut BTreeMap<u64, Value>,
        step: u32,
        rng: &mut ChaCha8Rng,
    ) {
        let parallel = rng.random_range(1..9).to_string();
        let id = place.run_ids().pop();
        let process = match &id {
            Some(id) => vec!["resume", id, "--json", "--parallel", &parallel],
            // Killed before its first event, a run has never begun.
            None => [arguments, &["--parallel", &parallel]].concat(),
        };
        let mut running = place.start(&process);
        // What was recorded before is printed again.
        let wanted = if rng.random_bool(0.1) { 0 } else { seen.len() + rng.random_range(0..=step as usize) };
        let mut printed = running.records(wanted);
        // Kills come between records, too.
        std::thread::sleep(Duration::from_micros(rng.random_range(0..3_000)));
        running.child.kill().expect("a kill");
        printed.extend(running.records(usize::MAX));
        running.end();
        self.kills += 1;
        self.unborn += u32::from(place.run_ids().is_empty());
        for record in printed {
            let ordinal = record["ordinal"].as_u64().expect("an ordinal");
            let before = seen.insert(ordinal, record.clone());
            assert!(before.is_none_or(|before| before == record), "event {ordinal} was made again");
        }
    }

    /// What was recorded before a kill is at the end what it was, its time included: it was not made again.
    fn check_kept(&mut self, place: &Place, seen: &BTreeMap<u64, Value>) {
        let export = place.optimize(&["runs", "export", &place.run_id()]).out;
        let records: Vec<Value> =
            export.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        let is_episode = |record: &&Value| record["event"].get("episode_scored").is_some();
        for (ordinal, record) in seen {
            assert_eq!(&records[*ordinal as usize], record, "event {ordinal} was lost or made again");
        }
        self.kept += seen.values().filter(is_episode).count();
        self.episodes += without_wall_clock(&export).iter().filter(is_episode).count();
    }
}
