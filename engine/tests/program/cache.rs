//! The cache of the program: a second night finds the episodes of the first, a killed run the replies that it
//! had, and `optimize cache` shows and removes them.

use super::place::{Place, Printed};
use futures_util::future::BoxFuture;
use packwright::budget::Call;
use packwright::cache::{Cache, FILE, Key, Kind};
use packwright::endpoint::model::ModelServer;
use packwright::event::{Event, Phase, Step};
use packwright::llm::offline::Offline;
use packwright::llm::{Llm, LlmError, Reply, Request};
use packwright::store::{Record, Store};
use packwright::units::Seed;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// The offline model behind an endpoint that counts what it answers, and that can stop answering.
struct Provider {
    counts: Arc<Counting>,
    url: String,
    /// A word for each request that it leaves without an answer.
    left: Receiver<()>,
    _runtime: tokio::runtime::Runtime,
}

struct Counting {
    model: Offline,
    /// Answers to agents, which have tools, and to writers.
    agents: AtomicU32,
    writers: AtomicU32,
    /// So many answers are given while it is limited.
    agents_max: u32,
    is_limited: AtomicBool,
    leaves: Sender<()>,
}

impl Llm for Counting {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, LlmError>> {
        let is_agent = !request.tools.is_empty();
        let is_limited = self.is_limited.load(Ordering::SeqCst);
        if is_limited && is_agent && self.agents.load(Ordering::SeqCst) >= self.agents_max {
            self.leaves.send(()).expect("a test that listens");
            return Box::pin(std::future::pending());
        }
        if is_agent { &self.agents } else { &self.writers }.fetch_add(1, Ordering::SeqCst);
        self.model.complete(request)
    }
}

impl Provider {
    fn start(agents_max: Option<u32>) -> Provider {
        let (leaves, left) = channel();
        let counts = Arc::new(Counting {
            model: Offline::new(),
            agents: AtomicU32::new(0),
            writers: AtomicU32::new(0),
            agents_max: agents_max.unwrap_or(0),
            is_limited: AtomicBool::new(agents_max.is_some()),
            leaves,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let server = runtime.block_on(ModelServer::bind(counts.clone(), 0, Seed(3))).expect("a port");
        let url = server.base_url().expect("an address");
        runtime.spawn(server.run());
        Provider { counts, url, left, _runtime: runtime }
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["--base-url", &self.url, "--budget", "60", "--seed", "7", "--start", "baseline"], more].concat()
    }

    fn answers_to_agents(&self) -> u32 {
        self.counts.agents.load(Ordering::SeqCst)
    }
}

fn report(place: &Place, id: &str) -> Value {
    serde_json::from_str(&place.optimize(&["report", id, "--json"]).out).expect("JSON")
}

fn records(place: &Place, id: &str) -> Vec<Record> {
    let store = Store::open_to_read(&place.path("runs").join(id)).expect("a run");
    store.records().expect("readable records")
}

/// Model calls of the episodes that a run attempted.
fn calls(records: &[Record]) -> u32 {
    let scored = records.iter().filter_map(|record| match &record.event {
        Event::EpisodeScored(scored) if !scored.cached => Some(scored.model_calls),
        _ => None,
    });
    scored.sum()
}

fn check_that_it_ended(run: &Printed) {
    assert!([0, 4].contains(&run.code), "{run:?}");
    assert!(!run.err.contains("warning"), "{}", run.err);
}

#[test]
fn the_episodes_of_last_night_serve_tonight() {
    let (place, provider) = (Place::new(), Provider::start(None));
    let nowhere = ["--packs", "nowhere", "--no-push"];
    let first = place.optimize(&provider.arguments(&nowhere));
    check_that_it_ended(&first);
    assert!(!(first.out + &first.err).contains("cache"));
    let asked = provider.answers_to_agents();
    assert_eq!(asked, calls(&records(&place, &place.run_ids()[0])));

    std::fs::remove_dir_all(place.path("nowhere")).ok();
    let second = place.optimize(&provider.arguments(&nowhere));
    check_that_it_ended(&second);
    let id = place.run_ids().pop().expect("a run");
    let (records, told) = (records(&place, &id), report(&place, &id));
    let cached = told["episodes"]["cached"].as_u64().expect("a number");
    assert!(cached > 0, "{told}");
    assert!(second.out.contains(&format!("measured, {cached} of them from the cache")), "{}", second.out);
    let asked_again = provider.answers_to_agents() - asked;
    assert_eq!(asked_again, calls(&records), "what was kept was not asked for");
    println!("the first night asked {asked} times, the second {asked_again} times");
    check_that_the_verdict_is_fresh(&records);
    assert_eq!(told["models"][0]["tasks"].as_u64().expect("a number") + cached, told["episodes"]["scored"]);

    std::fs::remove_dir_all(place.path("nowhere")).ok();
    let before = provider.answers_to_agents();
    check_that_it_ended(&place.optimize(&provider.arguments(&[&nowhere[..], &["--no-cache"]].concat())));
    let id = place.run_ids().pop().expect("a run");
    assert_eq!(report(&place, &id)["episodes"]["cached"], 0);
    assert_eq!(provider.answers_to_agents() - before, calls(&self::records(&place, &id)));

    let listed: Value = serde_json::from_str(&place.optimize(&["cache", "--json"]).out).expect("JSON");
    assert_eq!(listed["groups"].as_array().expect("a list").len(), 1, "runs that ended keep no replies");
}

fn check_that_the_verdict_is_fresh(records: &[Record]) {
    let mut phases = std::collections::BTreeMap::new();
    let mut fresh = 0;
    for record in records {
        match &record.event {
            Event::Planned(planned) => {
                let runs = planned.steps.iter().zip(record.ordinal + 1..);
                phases.extend(
                    runs.filter(|(step, _)| matches!(step, Step::Run(_)))
                        .map(|(_, ordinal)| (ordinal, planned.phase)),
                );
            }
            Event::EpisodeScored(scored)
                if matches!(phases[&record.ordinal], Phase::Confirm | Phase::HeldOut) =>
            {
                assert!(!scored.cached, "{record:?}");
                fresh += 1;
            }
            _ => {}
        }
    }
    assert!(fresh > 0, "the verdict stands on something");
}

#[test]
fn a_killed_run_pays_for_no_turn_twice() {
    // So few, and so early, that as many are under way whichever of the first ten episodes come along fastest.
    const PARALLEL: usize = 4;
    let (place, provider) = (Place::new(), Provider::start(Some(16)));
    let mut running = place.start(&provider.arguments(&["--parallel", "4"]));
    for _ in 0..PARALLEL {
        provider.left.recv().expect("requests");
    }
    // Whatever was answered is used by now, since all that is under way waits for more.
    running.child.kill().expect("a kill");
    running.end();
    let before = provider.answers_to_agents();
    let recorded = calls(&records(&place, &place.run_id()));
    assert!(recorded < before, "some episodes are under way: {recorded} of {before} calls are recorded");

    provider.counts.is_limited.store(false, Ordering::SeqCst);
    let resumed = place.optimize(&["--resume"]);
    check_that_it_ended(&resumed);
    assert!(resumed.err.contains("of what was interrupted came from the cache"), "{}", resumed.err);
    assert_eq!(provider.answers_to_agents(), calls(&records(&place, &place.run_id())));

    // Every request is on account, those that were under way at the kill at their bounds.
    let store = Store::open_to_read(&place.path("runs").join(place.run_id())).expect("a run");
    let account = store.calls().expect("an account");
    let is_open = |call: &&Call| call.settled.is_none();
    assert_eq!(account.iter().filter(is_open).count(), PARALLEL, "those that the kill cut off");
    let answers = provider.answers_to_agents() + provider.counts.writers.load(Ordering::SeqCst);
    assert_eq!(account.len(), answers as usize + PARALLEL);
    let told = report(&place, &place.run_id());
    let uncounted: u64 = told["spending"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["uncounted_calls"].as_u64())
        .sum();
    assert_eq!(uncounted, PARALLEL as u64);
}

#[test]
fn runs_share_the_cache_at_the_same_time() {
    let (place, provider) = (Place::new(), Provider::start(None));
    let run = |packs: &'static str| place.start(&provider.arguments(&["--packs", packs]));
    let mut running = [run("one"), run("two"), run("three")];
    for running in &mut running {
        let mut err = String::new();
        std::io::Read::read_to_string(&mut running.err, &mut err).expect("text");
        assert!([0, 4].contains(&running.end()) && !err.contains("warning"), "{err}");
    }
}

#[test]
fn a_broken_cache_is_a_warning() {
    let (place, provider) = (Place::new(), Provider::start(None));
    let folder = place.path(".cache/packwright");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(FILE), "not a database, only words").expect("a file");
    let run = place.optimize(&provider.arguments(&[]));
    assert!([0, 4].contains(&run.code), "{run:?}");
    let warnings = run.err.matches("warning: the run goes on without a cache: open ").count();
    assert_eq!(warnings, 1, "{}", run.err);

    let looked = place.optimize(&["cache"]);
    assert_eq!(looked.code, 3, "{looked:?}");
    assert!(looked.err.contains("nothing but what it spares is lost with it"), "{}", looked.err);
}

#[test]
fn the_offline_model_needs_no_cache() {
    let place = Place::new();
    assert!([0, 4].contains(&place.optimize(&["--budget", "36", "--seed", "4"]).code));
    assert!(!place.path(".cache").exists());
    let empty = place.optimize(&["cache"]);
    assert_eq!(empty.code, 0);
    assert!(empty.out.contains("nothing is kept yet"), "{}", empty.out);
    assert!(!place.path(".cache").exists(), "looking makes nothing");
}

/// A cache with three entries of known age.
fn filled(place: &Place) {
    let folder = place.path(".cache/packwright");
    let cache = Arc::new(Cache::open(&folder, "20260301T220000Z 1772402400000", 30).expect("a cache"));
    let model = |model: &str| json!({ "model": model, "base_url": "https://m.example/v1" });
    let episode = |model_name: &str, repeat: u32| {
        let parts = json!({
            "pack": "0123456789abcdef", "scenario": "inbox", "repeat": repeat,
            "conditions": { "model": model(model_name) },
        });
        Key::of(Kind::Episode, model_name, &parts).expect("a key")
    };
    let reply = json!({ "model": model("openai/b"), "run": "20260301T220000Z 1772402400000", "seed": 5 });
    let keys = [
        episode("openai/a", 0),
        episode("openai/b", 1),
        Key::of(Kind::Reply, "openai/b", &reply).expect("a key"),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let file = rusqlite::Connection::open(folder.join(FILE)).expect("the cache");
    for (day, key) in (0_i64..).zip(keys) {
        let key = Arc::new(key);
        runtime.block_on(cache.keep(&key, "{\"text\": 1}".repeat(40)));
        let sql = "UPDATE entries SET created_ms = ?2, used_ms = ?2 WHERE key = ?1";
        let time = 1_772_402_400_000 + day * 86_400_000;
        file.execute(sql, rusqlite::params![key.hash(), time]).expect("an entry");
    }
}

#[test]
fn the_cache_can_be_looked_at_and_pruned() {
    let place = Place::new();
    filled(&place);
    let mut shown = String::new();
    for arguments in [
        &["cache"][..],
        &["cache", "list", "--model", "openai/b"],
        &["cache", "explain", "7A2a"],
        &["cache", "explain", ""],
        &["cache", "explain", "zzz"],
        &["cache", "prune"],
        &["cache", "prune", "--model", "openai/b", "--dry-run"],
        &["cache", "prune", "--older-than", "100000"],
        &["cache", "prune", "--model", "openai/a"],
        &["cache"],
        &["cache", "prune", "--all"],
        &["cache"],
    ] {
        let printed = place.optimize(arguments);
        let text = printed.out + &printed.err;
        let text = text.replace(&place.path("").display().to_string(), "HOME/");
        shown += &format!("$ optimize {}\n{text}exit code {}\n\n", arguments.join(" "), printed.code);
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn keys_and_header_values_are_not_in_the_cache() {
    let (place, provider) = (Place::new(), Provider::start(None));
    let secret = "k3y-that-must-not-show";
    std::fs::write(place.path(".env"), format!("PACKWRIGHT_API_KEY={secret}\nTEAM={secret}\n"))
        .expect("a file");
    let model = format!("openai/offline/office,header=X-Team:$TEAM,base-url={}", provider.url);
    check_that_it_ended(&place.optimize(&["--model", &model, "--budget", "36", "--seed", "4"]));
    let list = place.optimize(&["cache", "list", "--json"]).out;
    let first: Value = serde_json::from_str(list.lines().next().expect("an entry")).expect("JSON");
    let key = first["key"].as_str().expect("a key");
    let explained = place.optimize(&["cache", "explain", &key[..20]]).out;
    assert!(explained.contains("X-Team") && explained.contains(&provider.url), "{explained}");
    assert!(!explained.contains(secret) && !list.contains(secret), "{explained}");
    for entry in std::fs::read_dir(place.path(".cache/packwright")).expect("the cache") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}
