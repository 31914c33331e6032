//! The cache: who finds what again, and that nothing that goes wrong with it stops anybody.

use crate::trial::{Watched, baseline};
use packwright::agent::Agent;
use packwright::agent::Task;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::cache::{Cache, Catalog, FILE, Key, Kind, Selection};
use packwright::episode::{Episode, EpisodeKey, Message, Outcome};
use packwright::evaluate::{AgentConditions, EpisodeCache, Evaluator};
use packwright::event::{EpisodeScored, Event, Phase};
use packwright::llm::cache::{Cached, ModelIdentity};
use packwright::llm::options::ModelOptions;
use packwright::llm::scripted::Scripted;
use packwright::llm::{Llm, LlmError, Reply, Request};
use packwright::pack::{Pack, PackMetadata};
use packwright::persona::Personas;
use packwright::scenario::{Scenario, Suite};
use packwright::score::Profile;
use packwright::units::Seed;
use packwright::workspace::{SuiteSource, load_suite};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const DAYS: u32 = 30;

fn identity() -> ModelIdentity {
    ModelIdentity {
        model: "openai/m".into(),
        base_url: "https://m.example/v1".into(),
        options: ModelOptions::default(),
        headers: Vec::new(),
    }
}

fn open(folder: &Path, run: &str) -> Arc<Cache> {
    Arc::new(Cache::open(folder, run, DAYS).expect("a cache"))
}

/// Changes a scenario on the way from one run to the next.
type Edit = fn(&mut Scenario);

/// A run that may use the cache: one scenario, one pack, and the conditions, each of which can be changed.
struct Night<'a> {
    folder: &'a TempDir,
    run: &'a str,
    conditions: AgentConditions,
    edit: Edit,
    pack: Pack,
    repeat: u32,
    personas: Option<Personas>,
    phase: Phase,
    fails: bool,
}

/// What came of it.
struct Morning {
    event: Event,
    episode: Episode,
    attempts: u32,
}

impl Night<'_> {
    fn new(folder: &TempDir) -> Night<'_> {
        let limits = Limits::of(&Profile::default());
        let conditions = AgentConditions { model: identity(), prompt: "p".into(), limits, evaluator: None };
        Night {
            folder,
            run: "first",
            conditions,
            edit: |_| {},
            pack: baseline(),
            repeat: 0,
            personas: None,
            phase: Phase::Screen,
            fails: false,
        }
    }

    fn spend(self) -> Morning {
        let mut suite = load_suite(&SuiteSource::Embedded).expect("the embedded suite").suite;
        suite.scenarios.truncate(1);
        (self.edit)(Arc::make_mut(&mut suite.scenarios[0]));
        let suite: Arc<Suite> = Arc::new(suite);
        let cache = open(self.folder.path(), self.run);
        let fails = self.fails;
        let agent = Arc::new(Watched::failing(move |_, _| fails));
        let evaluator = Evaluator {
            agent: agent.clone(),
            suite: suite.clone(),
            seed: Seed(1),
            personas: self.personas,
            kept: Some(Arc::new(EpisodeCache::new(cache, self.conditions, &suite))),
        };
        let key = EpisodeKey {
            candidate: self.pack.hash().clone(),
            scenario: suite.scenarios[0].name.clone(),
            repeat: self.repeat,
        };
        let spent = evaluator.episode(key, Arc::new(self.pack), self.phase);
        let (event, episode) = runtime().block_on(spent);
        Morning { event, episode: episode.expect("an attempt"), attempts: agent.attempts() }
    }
}

impl Morning {
    fn scored(&self) -> &EpisodeScored {
        match &self.event {
            Event::EpisodeScored(scored) => scored,
            event => panic!("{event:?}"),
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

#[test]
fn an_episode_serves_the_same_sample_of_another_run_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Night::new(&folder).spend();
    assert_eq!((first.attempts, first.scored().cached), (1, false));

    let tonight = || Night { run: "second", ..Night::new(&folder) };
    let again = tonight().spend();
    assert_eq!((again.attempts, again.scored().cached), (0, true));
    assert_eq!((&again.episode, &again.scored().scorecard), (&first.episode, &first.scored().scorecard));

    let miss = |what: &str, change: fn(&mut Night<'_>)| {
        let mut night = tonight();
        change(&mut night);
        assert_eq!(night.spend().attempts, 1, "{what}");
    };
    miss("repeat", |night| night.repeat = 1);
    miss("pack", |night| night.pack = Pack::of_policy("another", &PackMetadata::default()));
    miss("model", |night| night.conditions.model.model += "-mini");
    miss("place", |night| night.conditions.model.base_url += "/v2");
    miss("parameters", |night| night.conditions.model.options.temperature = Some(0.5));
    miss("headers", |night| night.conditions.model.headers.push("X-Team".into()));
    miss("wording", |night| night.conditions.prompt = "q".into());
    miss("time", |night| night.conditions.limits.episode_ms_max += 1);
    miss("turns", |night| night.conditions.limits.model_calls_max += 1);
    miss("persona", |night| night.personas = personas(1));
    miss("another persona", |night| night.personas = personas(2));
    miss("request", |night| night.edit = |scenario| scenario.prompt.push('!'));
    miss("tools", |night| night.edit = |scenario| scenario.tools.push("web_fetch".into()));
    miss("user", |night| {
        night.edit = |scenario| drop(scenario.user_context.insert("USER_NAME".into(), "Kim".into()))
    });
    miss("fixtures", |night| {
        night.edit = |scenario| Arc::make_mut(&mut scenario.fixtures).insert_text("inbox.json", "[]")
    });
    miss("workspace", |night| {
        night.edit = |scenario| drop(scenario.workspace.insert("A.md".into(), "B.md".into()))
    });
}

fn personas(first_epoch: u64) -> Option<Personas> {
    Some(Personas::from_epoch(first_epoch, std::num::NonZeroU32::MIN))
}

#[test]
fn another_rubric_scores_the_same_episode_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Night::new(&folder).spend();
    let edit: Edit = |scenario| {
        scenario.rubric.checks.remove(0);
        scenario.weight = 0.5;
    };
    let again = Night { run: "second", edit, ..Night::new(&folder) }.spend();
    assert_eq!((again.attempts, &again.episode), (0, &first.episode));
    assert_eq!(again.scored().scorecard.checks, first.scored().scorecard.checks[1..]);
}

#[test]
fn what_the_infrastructure_cut_off_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let failed = Night { fails: true, ..Night::new(&folder) }.spend();
    assert!(matches!(failed.event, Event::EpisodeUnmeasured(_)));
    assert_eq!(Night { run: "second", ..Night::new(&folder) }.spend().attempts, 1);
}

#[test]
fn a_verdict_stands_on_fresh_episodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let spend = |run, phase| Night { run, phase, ..Night::new(&folder) }.spend();
    assert_eq!(spend("first", Phase::Confirm).attempts, 1);
    for phase in [Phase::Confirm, Phase::HeldOut] {
        let fresh = spend("second", phase);
        assert_eq!((fresh.attempts, fresh.scored().cached), (1, false), "{phase:?}");
    }
    for phase in [Phase::Calibrate, Phase::Screen, Phase::Evaluate] {
        assert_eq!(spend("third", phase).attempts, 0, "what confirmed once may guide a search: {phase:?}");
    }
}

#[test]
fn a_run_that_finds_its_own_episode_has_paid_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    Night::new(&folder).spend();
    let resumed = Night::new(&folder).spend();
    assert_eq!((resumed.attempts, resumed.scored().cached), (0, false));
}

#[test]
fn old_episodes_are_not_found_and_give_way_to_new_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    Night::new(&folder).spend();
    let age = |days: i64| {
        let file = rusqlite::Connection::open(folder.path().join(FILE)).expect("the cache");
        let sql = "UPDATE entries SET created_ms = unixepoch() * 1000 - ?1";
        assert_eq!(file.execute(sql, [days * 24 * 60 * 60 * 1000]).expect("an entry"), 1);
    };
    let attempts = |run| Night { run, ..Night::new(&folder) }.spend().attempts;
    age(i64::from(DAYS) - 1);
    assert_eq!(attempts("second"), 0);
    age(i64::from(DAYS) + 1);
    assert_eq!((attempts("third"), attempts("fourth")), (1, 0));
}

fn scripted(replies: Vec<Result<Reply, LlmError>>) -> Arc<Scripted> {
    Arc::new(Scripted::in_turn(replies).named("openai/m"))
}

fn look() -> Result<Reply, LlmError> {
    Ok(Reply::calls("I look.", &[("exec", r#"{"command": "ls"}"#)]))
}

fn down() -> Result<Reply, LlmError> {
    let (model, problem) = ("openai/m".to_owned(), "down".to_owned());
    Err(LlmError::Transient { model, problem, retry_after_ms: None })
}

/// Attempts an episode with a model whose replies are kept, and returns how often the model was asked.
fn attempt(cache: Arc<Cache>, seed: u64, replies: Vec<Result<Reply, LlmError>>) -> (Episode, usize) {
    let model = scripted(replies);
    let kept = Arc::new(Cached::new(model.clone(), identity(), cache));
    let scenario = load_suite(&SuiteSource::Embedded).expect("the embedded suite").suite.scenarios[0].clone();
    let task = Task { scenario, pack: Arc::new(baseline()), persona: None, seed: Seed(seed), repeat: 0 };
    let agent = Builtin::new(kept, Limits::of(&Profile::default()));
    (runtime().block_on(agent.attempt(&task)), model.requests().len())
}

#[test]
fn an_interrupted_episode_does_not_pay_twice_for_its_turns() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cut, asked) = attempt(open(folder.path(), "run"), 1, vec![look(), look(), down()]);
    assert!(matches!(cut.outcome, Outcome::Errored { .. }));
    assert_eq!(asked, 3);

    let cache = open(folder.path(), "run");
    let (whole, asked) = attempt(cache.clone(), 1, vec![Ok(Reply::says("Done."))]);
    assert_eq!((whole.outcome, asked, cache.replies_found()), (Outcome::Finished, 1, 2));
    assert_eq!((whole.model_calls, whole.response.as_str()), (3, "I look.\n\nI look.\n\nDone."));

    let fresh = || vec![look(), Ok(Reply::says("Done."))];
    let (_, asked) = attempt(open(folder.path(), "run"), 2, fresh());
    assert_eq!(asked, 2, "another repeat is another sample");
    let (_, asked) = attempt(open(folder.path(), "another run"), 1, fresh());
    assert_eq!(asked, 2, "so is another run");

    cache.forget_replies();
    let (_, asked) = attempt(open(folder.path(), "run"), 1, fresh());
    assert_eq!(asked, 2, "a run at its end keeps no replies");
    let (_, asked) = attempt(open(folder.path(), "another run"), 1, vec![]);
    assert_eq!(asked, 0, "of others nothing was removed");
}

#[test]
fn only_the_very_request_finds_a_reply() {
    let folder = tempfile::tempdir().expect("a folder");
    let request = || Request {
        system: "s".into(),
        messages: vec![Message::User("u".into())],
        tools: [].into(),
        output_tokens_max: Some(10),
        seed: Seed(1),
        attempt_ms_max: Some(1),
        failed_attempts: Default::default(),
    };
    let asked = |request: Request, identity: ModelIdentity| {
        let model = scripted(vec![Ok(Reply::says("Yes."))]);
        let kept = Cached::new(model.clone(), identity, open(folder.path(), "run"));
        let reply = runtime().block_on(kept.complete(&request)).expect("a reply");
        assert_eq!((reply.turn.text.as_str(), reply.waited_ms), ("Yes.", 0));
        assert_eq!(reply.recalled_ms.is_some(), model.requests().is_empty());
        model.requests().len()
    };
    assert_eq!(asked(request(), identity()), 1);
    let hurried = Request { attempt_ms_max: Some(2), ..request() };
    assert_eq!(asked(hurried, identity()), 0);
    assert_eq!(asked(Request { system: "t".into(), ..request() }, identity()), 1);
    assert_eq!(asked(Request { messages: vec![Message::User("v".into())], ..request() }, identity()), 1);
    assert_eq!(asked(Request { output_tokens_max: None, ..request() }, identity()), 1);
    assert_eq!(asked(Request { seed: Seed(2), ..request() }, identity()), 1);
    assert_eq!(asked(request(), ModelIdentity { model: "openai/n".into(), ..identity() }), 1);
}

#[test]
fn many_may_write_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            scope.spawn(move || {
                let cache = open(place, &format!("run {writer}"));
                for entry in 0..30 {
                    let key = Arc::new(Key::of(Kind::Episode, "m", &(entry, writer % 2)).expect("a key"));
                    runtime().block_on(cache.keep(&key, format!("text {entry}")));
                    let found = runtime().block_on(cache.find(&key)).expect("an entry");
                    assert_eq!(found.text, format!("text {entry}"));
                }
                assert_eq!(cache.problem(), None);
            });
        }
    });
    let catalog = Catalog::open(place).expect("a cache").expect("a file");
    let groups = catalog.groups(&Selection::default()).expect("groups");
    assert_eq!((groups.len(), groups[0].entries), (1, 60));
}

#[test]
fn files_that_are_no_cache_are_refused_with_the_reason() {
    let check = |make: &dyn Fn(&Path), words: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(FILE);
        make(&file);
        let before = std::fs::read(&file).expect("the file");
        let Err(error) = Cache::open(folder.path(), "run", DAYS) else { panic!("{words}") };
        assert!(format!("{error:#}").contains(words), "{error:#}");
        let Err(error) = Catalog::open(folder.path()) else { panic!("{words}") };
        assert!(format!("{error:#}").contains(words), "{error:#}");
        assert_eq!(std::fs::read(&file).expect("the file"), before, "nobody changes it");
    };
    let sql = |statements: &'static str| {
        move |file: &Path| {
            rusqlite::Connection::open(file).expect("a file").execute_batch(statements).expect("SQL")
        }
    };
    check(&|file| std::fs::write(file, "no database at all, only words").expect("a file"), "not a database");
    check(&sql("CREATE TABLE notes (text TEXT)"), "another program");
    check(&sql("PRAGMA application_id = 7; CREATE TABLE t (x)"), "another program");
    check(
        &|file| {
            drop(Cache::open(file.parent().expect("a folder"), "run", DAYS).expect("a cache"));
            sql("PRAGMA journal_mode = DELETE; PRAGMA user_version = 99")(file);
        },
        "version 99",
    );
}

#[test]
fn a_cache_that_breaks_is_told_once_and_done_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = open(folder.path(), "run");
    let key = Arc::new(Key::of(Kind::Episode, "m", &1).expect("a key"));
    let file = rusqlite::Connection::open(folder.path().join(FILE)).expect("the cache");
    file.execute_batch("DROP TABLE entries").expect("a table");
    runtime().block_on(async {
        cache.keep(&key, "text".into()).await;
        assert!(cache.problem().is_some_and(|problem| problem.contains("no such table")));
        cache.keep(&key, "text".into()).await;
        assert_eq!(cache.find(&key).await, None);
    });
    assert_eq!(cache.problem(), None);
}

#[test]
fn an_entry_that_is_no_episode_is_as_good_as_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    Night::new(&folder).spend();
    let file = rusqlite::Connection::open(folder.path().join(FILE)).expect("the cache");
    // Deflated: {}
    file.execute("UPDATE entries SET body = x'abae0500'", []).expect("an entry");
    let night = || Night { run: "second", ..Night::new(&folder) };
    assert_eq!(night().spend().attempts, 1);
    assert_eq!(Night { run: "third", ..night() }.spend().attempts, 0, "it was replaced");
}
