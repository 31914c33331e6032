//! Disks that are full, power cuts, stores of older versions and damaged ones: what was recorded is kept, and a run ends
//! as if nothing had happened.

use super::place::{Place, Printed, without_wall_clock};
use packwright::store::Store;
use rusqlite::Connection;
use std::path::PathBuf;
use std::process::Stdio;

const SMALL: &[&str] = &["--budget", "60", "--seed", "5", "--json"];

fn store(place: &Place) -> PathBuf {
    place.path("runs").join(place.run_id()).join("run.sqlite")
}

/// A run that was killed after so many records.
fn killed(records: usize) -> Place {
    let place = Place::new();
    let mut running = place.start(SMALL);
    running.lines(records);
    running.child.kill().expect("a kill");
    running.end();
    place
}

/// Goes on with a run, and finds it as it would have been.
fn check_end(place: &Place, whole: &Place) {
    let resumed = place.optimize(&["resume", &place.run_id()]);
    assert!([0, 4].contains(&resumed.code), "{resumed:?}");
    let export = |place: &Place| without_wall_clock(&place.optimize(&["runs", "export"]).out);
    assert_eq!(export(place), export(whole));
}

fn whole() -> Place {
    let whole = Place::new();
    whole.optimize(SMALL);
    whole
}

/// The program with files that cannot grow beyond so many blocks: what a full disk does, without one.
#[cfg(unix)]
fn with_small_files(place: &Place, blocks: u32, arguments: &[&str]) -> Printed {
    let mut shell = place.clean("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    shell.current_dir(place.path(".")).args(["-c", &script, env!("CARGO_BIN_EXE_optimize")]).args(arguments);
    Printed::of(shell.stdin(Stdio::null()).output().expect("a shell"))
}

#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_run_and_loses_nothing() {
    let whole = whole();
    let place = Place::new();
    let mut stops = 0;
    for blocks in [8, 200, 300, 500, 800] {
        let arguments = match place.run_ids().pop() {
            Some(id) => vec!["resume".to_owned(), id],
            None => SMALL.iter().map(|word| (*word).to_owned()).collect(),
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let stopped = with_small_files(&place, blocks, &arguments);
        assert!(!stopped.err.contains("panicked"), "{stopped:?}");
        // Where there is no room even to begin or to open the run, it stays what it was.
        assert!([0, 1, 4, 5].contains(&stopped.code), "{stopped:?}");
        if stopped.code == 5 {
            let words = "what was recorded is kept; when that is mended, go on with";
            assert!(stopped.err.contains(words), "{stopped:?}");
            stops += 1;
        }
    }
    assert!(stops > 0, "no limit was small enough");
    check_end(&place, &whole);
}

/// What was not synced is lost: the end of SQLite's log, at any byte.
#[test]
fn a_power_cut_loses_no_more_than_what_was_under_way() {
    let whole = whole();
    let cut = killed(40);
    let log = |place: &Place| store(place).with_extension("sqlite-wal");
    let length = std::fs::metadata(log(&cut)).expect("a log").len();
    let id = cut.run_id();
    for eighths in 0..8 {
        let place = Place::new();
        std::fs::create_dir_all(place.path("runs").join(&id)).expect("a folder");
        for file in ["run.sqlite", "run.sqlite-wal"] {
            let from = cut.path("runs").join(&id).join(file);
            std::fs::copy(from, place.path("runs").join(&id).join(file)).expect("a copy");
        }
        let file = std::fs::File::options().write(true).open(log(&place)).expect("a log");
        file.set_len(length * eighths / 8 + eighths).expect("a cut");
        drop(file);
        let read = Store::open_to_read(&place.path("runs").join(&id)).and_then(|store| store.records());
        match read {
            Ok(records) if !records.is_empty() => check_end(&place, &whole),
            // So early that the run had not begun.
            read => assert!(eighths == 0, "{eighths}: {:?}", read.map(|records| records.len())),
        }
    }
}

#[test]
fn a_store_of_an_older_version_is_brought_up_and_a_copy_kept() {
    let whole = whole();
    let place = killed(30);
    let connection = Connection::open(store(&place)).expect("a store");
    connection.execute_batch("DROP TABLE calls; PRAGMA user_version = 1;").expect("an older store");
    drop(connection);
    let looked = place.optimize(&["runs", "doctor"]);
    assert_eq!(looked.code, 0, "{looked:?}");
    assert!(looked.out.contains("of version 1; it is brought to 2"), "{looked:?}");
    assert!(!store(&place).with_extension("sqlite.v1").exists(), "looking changes nothing");
    check_end(&place, &whole);
    let version = |path: PathBuf| -> u32 {
        let connection = Connection::open(path).expect("a store");
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
    };
    assert_eq!(version(store(&place)), 2);
    assert_eq!(version(store(&place).with_extension("sqlite.v1")), 1);
}

fn check_repair(damage: impl FnOnce(&Place), words: &str, whole: &Place) {
    let place = killed(40);
    damage(&place);
    let looked = place.optimize(&["runs", "doctor"]);
    assert_eq!(looked.code, 5, "{looked:?}");
    assert!(looked.out.contains(words) && looked.out.contains("--repair"), "{looked:?}");
    let repaired = place.optimize(&["runs", "doctor", &place.run_id(), "--repair"]);
    assert_eq!(repaired.code, 0, "{repaired:?}");
    assert!(repaired.out.contains("the run is sound"), "{repaired:?}");
    assert!(store(&place).with_extension("sqlite.damaged-1").is_file());
    assert_eq!(place.optimize(&["runs", "doctor", "--json"]).code, 0);
    check_end(&place, whole);
}

#[test]
fn what_is_damaged_is_repaired_and_the_run_goes_on() {
    let whole = whole();
    let change = |sql: &'static str| {
        move |place: &Place| {
            let connection = Connection::open(store(place)).expect("a store");
            let triggers = "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted;";
            connection
                .execute_batch(&format!("PRAGMA foreign_keys = OFF; {triggers} {sql}"))
                .expect("damage");
        }
    };
    check_repair(change("DELETE FROM events WHERE ordinal = 12"), "event 12 is missing or broken", &whole);
    check_repair(
        change("UPDATE events SET body = '{' WHERE ordinal = 9"),
        "event 9 is missing or broken",
        &whole,
    );
    let broken = "UPDATE transcripts SET body = x'00ff' WHERE ordinal = 3";
    let place = killed(40);
    change(broken)(&place);
    assert!(place.optimize(&["runs", "doctor"]).out.contains("1 of "));
    assert_eq!(place.optimize(&["runs", "doctor", "--repair"]).code, 0);
    let overwrite = |place: &Place| {
        let connection = Connection::open(store(place)).expect("a store");
        connection.pragma_update(None, "journal_mode", "DELETE").expect("one file");
        drop(connection);
        let mut bytes = std::fs::read(store(place)).expect("a store");
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(store(place), bytes).expect("damage");
    };
    check_repair(overwrite, "DAMAGED   store", &whole);
}

#[test]
fn what_nobody_can_repair_is_said() {
    let place = killed(30);
    std::fs::write(store(&place), "this was a store").expect("damage");
    let lost = place.optimize(&["runs", "doctor", &place.run_id(), "--repair"]);
    assert_eq!(lost.code, 5, "{lost:?}");
    assert!(lost.out.contains("LOST") && lost.out.contains("from a backup"), "{lost:?}");
    assert!(place.optimize(&["resume", &place.run_id()]).code != 0);
}
