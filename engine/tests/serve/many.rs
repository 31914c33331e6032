//! Many runs and long ones: lists are paged, and what changes is all that is sent. `--ignored` measures 500 runs and a run
//! of 20,000 episodes, and prints what they took.

use super::client::Served;
use crate::program::place::Place;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// A place with so many copies of a finished run.
fn many(runs: u32, budget: &str) -> Place {
    let place = Place::new();
    let run = place.optimize(&["--budget", budget, "--seed", "7"]);
    assert!([0, 4].contains(&run.code), "{run:?}");
    let first = place.path("runs").join(place.run_id());
    for number in 1..runs {
        let folder = place.path(&format!("runs/20200101-{number:06}"));
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::copy(first.join("run.sqlite"), folder.join("run.sqlite")).expect("a copy");
    }
    place
}

#[test]
fn a_list_is_read_page_by_page_filtered_and_told_from_what_was_read() {
    let place = many(25, "36");
    let served = Served::start(&place, &[]);
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.read(&format!("/runs?limit=10{cursor}"));
        ids.extend(
            page["runs"]
                .as_array()
                .expect("rows")
                .iter()
                .map(|row| row["id"].as_str().expect("an id").to_owned()),
        );
        assert_eq!(
            (&page["total"], &page["matching"], &page["states"]["finished"]),
            (&25.into(), &25.into(), &25.into())
        );
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(ids.len(), 25);
    assert!(ids.is_sorted_by(|a, b| a > b), "newest first, each once: {ids:?}");
    assert_eq!(served.read("/runs?q=20200101-000007")["matching"], 1);
    assert_eq!(served.read("/runs?state=running")["matching"], 0);
    served.get("/api/v1/runs?state=odd").is_problem(400, "unknown variant `odd`");
    served.get("/api/v1/runs?limit=-1").is_problem(400, "invalid digit");

    let list = served.get("/api/v1/runs");
    let again = |tag: &str| {
        served.send(served.request(reqwest::Method::GET, "/api/v1/runs").header("if-none-match", tag)).status
    };
    let tag = list.headers["etag"].to_str().expect("text");
    assert_eq!((again(tag), again("\"another\"")), (304, 200));
    // A folder that is no run any more is told, and does not stop the others.
    let broken = place.path("runs/20200101-000003/run.sqlite");
    std::fs::write(&broken, "this is no database, though it is long enough to look like one")
        .expect("a file");
    let mut stream = served.stream("/events", list.json()["change"].as_str());
    stream.until(|change| {
        change["runs"][0]["state"] == "unreadable" && change["runs"].as_array().map(Vec::len) == Some(1)
    });
    std::fs::remove_dir_all(place.path("runs/20200101-000003")).expect("a folder");
    stream.until(|change| change["gone"] == json!(["20200101-000003"]));
}

/// Their checks and their parents.
fn the_leading_are_those_of_the_report(served: &Served, id: &str, report: &Value) {
    let all = report["candidates"].as_array().expect("rows");
    let place = |row: &Value| all.iter().position(|told| told["id"] == row["id"]).expect("a candidate");
    let table = served.read(&format!("/runs/{id}/checks?limit=500"));
    let leading: Vec<usize> = table["candidates"].as_array().expect("rows").iter().map(place).collect();
    assert_eq!(leading[0], 0, "the pack to beat is the first");
    assert_eq!(
        leading.len(),
        all.iter().filter(|row| row["episodes"] != 0 || row["id"] == all[0]["id"]).count()
    );
    let checks = report["grid"]["checks"].as_array().expect("checks");
    let shown = table["checks"].as_array().expect("checks");
    assert_eq!(shown.len(), checks.len());
    let mut counted = 0;
    for (at, (shown, told)) in shown.iter().zip(checks).enumerate() {
        assert_eq!((&shown["scenario"], &shown["check"]), (&told["scenario"], &told["check"]));
        for (tally, candidate) in shown["tallies"].as_array().expect("tallies").iter().zip(&leading) {
            let cells = report["grid"]["cells"][candidate].as_array().expect("cells");
            let cell = cells.iter().find(|cell| cell[0] == at);
            let told = cell.map_or(Value::Null, |cell| json!({"passed": cell[1], "episodes": cell[2]}));
            assert_eq!(*tally, told);
            counted += usize::from(!tally.is_null());
        }
    }
    let cells = report["grid"]["cells"].as_array().expect("rows").iter();
    assert_eq!(counted, cells.map(|row| row.as_array().map_or(0, Vec::len)).sum::<usize>());

    let family = served.read(&format!("/runs/{id}/lineage?limit=1"));
    let rows = family["candidates"].as_array().expect("rows");
    let places: Vec<usize> = rows.iter().map(place).collect();
    assert!(places[0] == 0 && places.is_sorted() && places.len() < all.len(), "{places:?}");
    for parent in rows.iter().flat_map(|row| row["parents"].as_array().expect("parents")) {
        assert!(rows.iter().any(|row| row["id"] == *parent), "{parent} is missing");
    }
    assert_eq!(family["total"], all.len());
    let best = report["best"].as_array().and_then(|points| points.last()).expect("a point");
    assert!(rows.iter().any(|row| row["id"] == best["candidate"]), "the best is among them");
}

#[test]
fn a_run_that_is_only_read_shows_what_its_report_says() {
    let place = many(1, "120");
    let served = Served::start(&place, &[]);
    let id = place.run_id();
    let (detail, report) =
        (served.read(&format!("/runs/{id}")), served.read(&format!("/runs/{id}/report.json")));
    let shown = detail["best"]["points"].as_array().expect("points").last().expect("one");
    let told = report["best"].as_array().expect("points").last().expect("one");
    assert_eq!(shown["candidate"], told["candidate"]);
    assert_eq!(shown["objective"]["value"], told["objective"]["value"]);
    assert_eq!(shown["objective"]["low"], told["objective"]["interval"]["low"]);
    let rows = served.read(&format!("/runs/{id}/candidates?limit=500"));
    assert_eq!(rows["total"], report["candidates"].as_array().map(Vec::len).expect("a list"));
    for row in rows["candidates"].as_array().expect("rows") {
        let all = report["candidates"].as_array().expect("rows");
        let told = all.iter().find(|told| told["id"] == row["id"]).expect("the same candidate");
        assert_eq!(
            (&row["episodes"], &row["objective"]["value"]),
            (&told["episodes"], &told["objective"]["value"])
        );
    }
    the_leading_are_those_of_the_report(&served, &id, &report);
    let listed = &served.read("/runs")["runs"][0];
    assert_eq!(listed, &detail["run"]);
    let episodes = served.read(&format!("/runs/{id}/episodes?limit=500&order=oldest"));
    let told: Vec<(&Value, &Value)> = report["episode_rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (&row["ordinal"], &row["score"]))
        .collect();
    let shown: Vec<(&Value, &Value)> = episodes["episodes"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (&row["ordinal"], &row["score"]))
        .collect();
    assert_eq!(shown, told);
}

#[test]
#[ignore = "a measurement, not a test: cargo test --release -- --ignored five_hundred --nocapture"]
fn five_hundred_runs_and_twenty_thousand_episodes() {
    let place = many(500, "200");
    let id = place.run_ids().pop().expect("a run");
    make_long(&place.path("runs").join(&id).join("run.sqlite"), 20_000);
    let served = Served::start(&place, &["--rate", "10000"]);
    let timed = |what: &str, path: &str| {
        let began = Instant::now();
        let answer = served.get(&format!("/api/v1{path}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        println!("{what}: {:.0} ms, {} bytes", began.elapsed().as_secs_f64() * 1e3, answer.text.len());
    };
    timed("list, first time", "/runs");
    std::thread::sleep(std::time::Duration::from_millis(600));
    timed("list, again", "/runs");
    timed("list, within half a second", "/runs");
    timed("list, all at once", "/runs?limit=500");
    timed("long run, first time", &format!("/runs/{id}"));
    timed("long run, again", &format!("/runs/{id}"));
    timed("its newest episodes", &format!("/runs/{id}/episodes"));
    timed("its episodes in the middle", &format!("/runs/{id}/episodes?cursor=10000"));
    timed("its candidates", &format!("/runs/{id}/candidates"));
    timed("all of them as CSV", &format!("/runs/{id}/episodes.csv?limit=20000"));
    let detail = served.read(&format!("/runs/{id}"));
    println!(
        "episodes {}, points {} of {}",
        detail["episodes"],
        detail["best"]["points"].as_array().map_or(0, Vec::len),
        detail["best"]["of"]
    );
    let mut stream = served.stream(&format!("/runs/{id}/events"), detail["cursor"].as_str());
    stream.next();
    let began = Instant::now();
    make_long(&place.path("runs").join(&id).join("run.sqlite"), 20_010);
    let (_, change) = stream.next();
    println!(
        "ten more episodes: {} bytes after {:.0} ms",
        change.to_string().len(),
        began.elapsed().as_secs_f64() * 1e3
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.process())).unwrap_or_default();
    status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"))
        .for_each(|line| println!("{line}"));
}

/// Has a run go on with more episodes of its own candidates, ten in a plan, until it has so many.
fn make_long(run: &Path, wanted: u64) {
    let mut connection = Connection::open(run).expect("the run");
    connection.execute_batch("DROP TRIGGER IF EXISTS events_are_never_deleted; DELETE FROM events WHERE body GLOB '{\"run_finished\":*';").expect("a run without an end");
    let transaction = connection.transaction().expect("a transaction");
    let read = |sql: &str| {
        let mut statement = transaction.prepare(sql).expect("a query");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        rows.map(|row| serde_json::from_str::<Value>(&row.expect("a text")).expect("JSON"))
            .collect::<Vec<_>>()
    };
    let count = |sql: &str| {
        transaction.query_row(sql, [], |row| row.get::<_, u32>(0)).map(u64::from).expect("a count")
    };
    let scored =
        read("SELECT body FROM events WHERE body GLOB '{\"episode_scored\":*' ORDER BY ordinal LIMIT 200");
    let mut done = count("SELECT count(*) FROM events WHERE body GLOB '{\"episode_*'");
    let mut ordinal = count("SELECT max(ordinal) + 1 FROM events");
    let add = |ordinal: u64, body: &Value| {
        let clock = json!({"recorded_ms": 1_770_000_000_000_u64 + ordinal, "took_ms": 5}).to_string();
        let sql = "INSERT INTO events (ordinal, body, wall_clock) VALUES (?1, ?2, ?3)";
        transaction
            .prepare_cached(sql)
            .expect("a statement")
            .execute(params![ordinal as u32, body.to_string(), clock])
            .expect("an event");
    };
    while done < wanted {
        let episodes: Vec<Value> = (0..10)
            .map(|at| {
                let mut event = scored[((done + at) % scored.len() as u64) as usize].clone();
                event["episode_scored"]["key"]["repeat"] = (1_000 + done + at).into();
                event
            })
            .collect();
        let steps: Vec<Value> =
            episodes.iter().map(|event| json!({"run": event["episode_scored"]["key"]})).collect();
        add(ordinal, &json!({"planned": {"phase": "evaluate", "steps": steps}}));
        episodes.iter().zip(ordinal + 1..).for_each(|(event, ordinal)| add(ordinal, event));
        (done, ordinal) = (done + 10, ordinal + 11);
    }
    transaction.commit().expect("a longer run");
}
