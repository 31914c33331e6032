//! A night of a batch in which its own process and those of its runs are killed at any moment: every finished episode is
//! kept, none is run twice, and the results are those of a night that nobody disturbed.
//!
//! The whole night, beside that of separate runs: `cargo test --release -- --ignored kills --nocapture`.

use super::place::{Place, without_wall_clock};
use packwright::event::Event;
use packwright::store::{Record, Store, holder, run_folders};
use packwright::units::Seed;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

/// Who never comes to an end has lost something.
const PASSES_MAX: u32 = 2_000;

#[test]
fn a_batch_that_is_killed_again_and_again_ends_the_same() {
    let night = Night::pass(3, 9);
    println!("{night}");
    assert!(night.of_batch + night.of_runs >= 9 && night.kept > 0, "{night}");
}

#[test]
#[ignore = "a batch of 20 runs, and 200 of its processes killed"]
fn kills_all_night_of_a_batch_change_nothing() {
    let night = Night::pass(20, 200);
    println!("{night}");
    assert!(night.of_batch + night.of_runs >= 200 && night.kept > 0, "{night}");
}

/// What was seen of a night.
#[derive(Default)]
struct Night {
    runs: u32,
    /// Kills of the batch's process, and of processes of its runs.
    of_batch: u32,
    of_runs: u32,
    /// Episodes that were on disk at a kill, and were found unchanged at the end.
    kept: usize,
    episodes: usize,
    /// Runs that had begun when the batch was killed before it could note whose they were.
    orphans: usize,
}

impl std::fmt::Display for Night {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Night { runs, of_batch, of_runs, kept, episodes, orphans } = self;
        write!(
            f,
            "a batch of {runs} runs, {of_batch} kills of its process and {of_runs} of its runs' processes: all {episodes} \
             episodes as in an undisturbed night; {kept} were on disk at a kill, and none of these was lost or made again; \
             {orphans} runs had begun unnoted, and had no episode"
        )
    }
}

/// Records by run and ordinal, as they were seen on disk.
type Seen = BTreeMap<(String, u32), Record>;

impl Night {
    fn pass(runs: u32, kills: u32) -> Night {
        let (whole, place) = (Place::new(), Place::new());
        for place in [&whole, &place] {
            std::fs::write(place.path("night.yaml"), file(runs)).expect("a file");
        }
        assert_eq!(whole.optimize(&["batch", "night.yaml"]).code, 0);

        let mut night = Night { runs, ..Night::default() };
        // Where the batch ends before all kills were made, it is not killed more often.
        let step = (recorded(&whole) / kills as usize).max(1);
        let (mut seen, mut rng) = (Seen::new(), Seed(5).child("batch kills", &[]).rng());
        for _ in 0..PASSES_MAX {
            if night.of_batch + night.of_runs >= kills
                || night.disturb(&place, (kills, step), &mut seen, &mut rng)
            {
                break;
            }
        }
        let mut code = -1;
        for _ in 0..PASSES_MAX {
            code = place.optimize(&["batch", "night.yaml"]).code;
            if code == 0 {
                break;
            }
        }
        assert_eq!(code, 0, "the batch comes to its end when it is let alone");
        night.compare(&whole, &place, &seen);
        night
    }

    /// Starts the batch and kills some of its processes, each after some records; whether it came to its end all the same.
    fn disturb(
        &mut self,
        place: &Place,
        (kills, step): (u32, usize),
        seen: &mut Seen,
        rng: &mut ChaCha8Rng,
    ) -> bool {
        let mut batch = place.start(&["batch", "night.yaml", "--json", "--log-level", "error"]);
        loop {
            // Most kills come at once: records come several at a time, and else the night ends before all kills were made.
            let wanted = if rng.random_bool(0.65) { 0 } else { seen.len() + rng.random_range(0..=step) };
            while recorded(place) < wanted {
                if let Some(status) = batch.child.try_wait().expect("a status") {
                    return status.success();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // Kills come between records, too.
            std::thread::sleep(Duration::from_micros(rng.random_range(0..3_000)));
            let at_work: Vec<u32> =
                folders(place).iter().filter_map(|folder| holder(folder).ok().flatten()).collect();
            match at_work.get(rng.random_range(0..=at_work.len())) {
                Some(process) => {
                    let killed = Command::new("kill").args(["-KILL", &process.to_string()]).status();
                    self.of_runs += u32::from(killed.expect("kill").success());
                    note(place, seen);
                }
                None => {
                    batch.child.kill().expect("a kill");
                    batch.end();
                    self.of_batch += 1;
                    note(place, seen);
                    return false;
                }
            }
            if self.of_batch + self.of_runs >= kills {
                batch.child.kill().expect("a kill");
                batch.end();
                return false;
            }
        }
    }

    fn compare(&mut self, whole: &Place, place: &Place, seen: &Seen) {
        let (expected, got) = (begun(whole), begun(place));
        assert_eq!(expected.len(), self.runs as usize);
        for (name, run) in &expected {
            let export =
                |place: &Place, run: &str| without_wall_clock(&place.optimize(&["runs", "export", run]).out);
            let events = export(whole, run);
            assert_eq!(export(place, &got[name]), events, "{name}");
            self.episodes +=
                events.iter().filter(|record| record["event"].get("episode_scored").is_some()).count();
        }
        let now: BTreeMap<String, Vec<Record>> =
            folders(place).iter().map(|folder| (name_of(folder), records(folder))).collect();
        for ((run, ordinal), record) in seen {
            let found = now[run].iter().find(|record| record.ordinal == *ordinal);
            assert_eq!(found, Some(record), "event {ordinal} of {run} was lost or made again");
            self.kept += usize::from(is_episode(record));
        }
        let orphans = now.iter().filter(|(run, _)| !got.values().any(|known| known == *run));
        for (run, records) in orphans {
            assert!(!records.iter().any(is_episode), "{run} is nobody's, and has episodes");
            self.orphans += 1;
        }
    }
}

fn file(runs: u32) -> String {
    let run =
        |number: u32| format!("  - {{name: r{number}, seed: {}, packs: packs/p{number}}}\n", number + 5);
    format!("concurrency: 2\ndefaults: {{budget: 60}}\nruns:\n{}", (0..runs).map(run).collect::<String>())
}

/// Whose run is which, as the batch keeps it.
fn begun(place: &Place) -> BTreeMap<String, String> {
    let path =
        std::fs::read_dir(place.path("runs")).expect("runs").map(|entry| entry.expect("an entry").path());
    let record = path.into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("batch-night-") && name.ends_with(".json")
    });
    let text = std::fs::read_to_string(record.expect("a record of the batch")).expect("text");
    let kept: Value = serde_json::from_str(&text).expect("JSON");
    let run = |begun: &Value| begun["run"].as_str().expect("a run").to_owned();
    kept["begun"]
        .as_object()
        .expect("entries")
        .iter()
        .map(|(name, begun)| (name.clone(), run(begun)))
        .collect()
}

fn folders(place: &Place) -> Vec<std::path::PathBuf> {
    run_folders(&place.path("runs")).expect("a folder of runs")
}

fn name_of(folder: &std::path::Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn records(folder: &std::path::Path) -> Vec<Record> {
    Store::open_to_read(folder).and_then(|store| store.records()).expect("readable records")
}

fn recorded(place: &Place) -> usize {
    folders(place).iter().map(|folder| records(folder).len()).sum()
}

fn is_episode(record: &Record) -> bool {
    matches!(record.event, Event::EpisodeScored(_))
}

/// Takes down what is on disk; what was seen before is still the same.
fn note(place: &Place, seen: &mut Seen) {
    for folder in folders(place) {
        for record in records(&folder) {
            let before = seen.insert((name_of(&folder), record.ordinal), record.clone());
            assert!(before.is_none_or(|before| before == record), "event {} was made again", record.ordinal);
        }
    }
}
