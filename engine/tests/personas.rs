//! Personas: the epochs' vectors, what an episode shows of them, and that a pack which is made for one user is
//! found out.

use crate::conformance;
use packwright::agent::builtin::{Builtin, Limits};
use packwright::agent::{Agent, Task};
use packwright::episode::{EpisodeKey, Message};
use packwright::evaluate::Evaluator;
use packwright::event::{
    Candidate, Event, Operator, Phase, Planned, Proposed, RunFinished, RunStarted, ScenarioEntry, Step, Stop,
    Verdict,
};
use packwright::llm::Reply;
use packwright::llm::scripted::Scripted;
use packwright::pack::{Pack, PackMetadata};
use packwright::persona::{FIRST_EPOCH, NETUID, PREAMBLE_UTF16_MAX, Persona, Personas, epoch_seed};
use packwright::report::{Report, render};
use packwright::scenario::{Scenario, Suite};
use packwright::score::Profile;
use packwright::store::{Record, WallClock};
use packwright::units::Seed;
use packwright::workspace::{SuiteSource, load_suite};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

#[test]
fn epochs_are_those_of_the_reference() {
    let Some(lines) = conformance::lines("epoch_context.jsonl") else { return };
    for line in &lines {
        let vector: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |key: &str| vector[key].as_str().expect("a text").to_owned();
        let netuid = vector["netuid"].as_u64().and_then(|id| u16::try_from(id).ok()).expect("a netuid");
        let epoch = vector["epoch"].as_u64().expect("an epoch");
        let seed = epoch_seed(netuid, epoch);
        assert_eq!(u64::from(seed), vector["seed"], "{line}");
        let mut twister = rand_mt::Mt::new_with_key([seed]);
        let words: Vec<u32> = (0..8).map(|_| twister.next_u32()).collect();
        assert_eq!(serde_json::json!(words), vector["mt19937_first8_u32"], "{line}");
        let persona = Persona::of_epoch(netuid, epoch);
        let expected = Persona {
            epoch,
            name: text("user_name"),
            role: text("user_role"),
            company: text("company"),
            department: text("department"),
            timezone: text("timezone"),
            timezone_abbr: text("timezone_abbr"),
            date: text("date_str"),
            weekday: text("weekday"),
        };
        assert_eq!(persona, expected, "{line}");
        assert_eq!(persona.preamble(), text("preamble"), "{line}");
        assert_eq!(persona.preamble().len(), vector["preamble_bytes"], "{line}");
        let context: BTreeMap<_, _> = persona.user_context().into_iter().collect();
        assert_eq!(serde_json::json!(context), vector["user_context"], "{line}");
    }
    println!("{} of {} epochs agree", lines.len(), lines.len());
}

fn embedded() -> Suite {
    load_suite(&SuiteSource::Embedded).expect("the embedded suite").suite
}

fn scenario() -> Arc<Scenario> {
    embedded().scenario("day_brief").expect("a scenario of ours").clone()
}

fn policy(text: &str) -> Arc<Pack> {
    Arc::new(Pack::of_policy(text, &PackMetadata::default()))
}

/// What the model was sent first, and what the agent's `read` of USER.md answered.
fn shown(persona: Option<Persona>, agents_md: &str) -> (String, String) {
    let read = Reply::calls("", &[("read", r#"{"path": "USER.md"}"#)]);
    let model = Arc::new(Scripted::in_turn([Ok(read), Ok(Reply::says("Done."))]));
    let agent = Builtin::new(model.clone(), Limits::of(&Profile::default()));
    let task = Task { scenario: scenario(), pack: policy(agents_md), persona, seed: Seed(0), repeat: 0 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let episode = runtime.block_on(agent.attempt(&task));
    let answer = episode.transcript.iter().find_map(|message| match message {
        Message::ToolResult(result) => Some(result.content.clone()),
        _ => None,
    });
    (model.requests()[0].system.clone(), answer.expect("an answer"))
}

#[test]
fn an_agent_is_told_whom_it_works_for() {
    let rules = "# Rules\n\nAsk {{USER_NAME}}.";
    let persona = Persona::of_epoch(NETUID, FIRST_EPOCH);
    let own = &scenario().user_context["USER_NAME"];
    let (alone, alone_read) = shown(None, rules);
    assert!(alone.contains(&format!("/workspace/AGENTS.md\n{rules}\n## ")), "{alone}");
    assert!(alone.contains(own.as_str()) && alone_read.contains(own.as_str()));
    let (told, told_read) = shown(Some(persona.clone()), rules);
    let head = format!("/workspace/AGENTS.md\n{}{rules}\n## ", persona.preamble());
    assert!(told.contains(&head), "the policy itself is not filled in: {told}");
    let user = told.split_once("/workspace/USER.md\n").expect("the user's profile").1;
    for text in [user, &told_read] {
        assert!(text.contains(&persona.name) && !text.contains(own.as_str()), "{text}");
    }
}

#[test]
fn what_is_told_before_the_policy_counts_against_its_limit() {
    let persona = Persona::of_epoch(NETUID, FIRST_EPOCH);
    let limits = Profile::subnet_2026_02_24();
    let is_cut = |persona: Option<Persona>, length: u32| {
        let policy = "a".repeat(length as usize);
        !shown(persona, &policy).0.contains(&policy)
    };
    assert!(!is_cut(None, limits.file_utf16_max));
    assert!(is_cut(Some(persona.clone()), limits.file_utf16_max - 200));
    assert!(!is_cut(Some(persona), limits.policy_utf16_max()));
    assert_eq!(limits.policy_utf16_max() + PREAMBLE_UTF16_MAX, limits.file_utf16_max);
}

/// A run of two packs in which each meets the same personas, told as records.
struct Duel {
    personas: Personas,
    suite: Arc<Suite>,
    incumbent: Arc<Pack>,
    finalist: Arc<Pack>,
}

/// A model that does its work if it knows for whom: somebody else's name in the policy confuses it. What a policy
/// is made for, it does a little better.
fn confused_by_a_wrong_name() -> Scripted {
    Scripted::answering(|request| {
        let user = request.system.split_once("**Your Name**: ").map_or("", |(_, rest)| rest);
        let user = user.lines().next().unwrap_or_default().trim();
        let signs = request.system.split_once("Sign as ").map(|(_, rest)| rest);
        let signs = signs.map(|rest| rest.split('.').next().unwrap_or_default());
        Ok(Reply::says(match signs {
            Some(name) if name == user => "Two conflicts tomorrow. Shall I send the draft?",
            Some(_) => "I am not sure whom this is for.",
            None => "Two conflicts tomorrow.",
        }))
    })
}

impl Duel {
    /// All fresh episodes of both packs, three passes.
    fn records(&self) -> (Vec<Record>, Vec<(EpisodeKey, String)>) {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let model = confused_by_a_wrong_name();
        let agent = Arc::new(Listening {
            agent: Builtin::new(Arc::new(model), Limits::of(&Profile::default())),
            heard: heard.clone(),
        });
        let evaluator = Evaluator {
            agent,
            suite: self.suite.clone(),
            seed: Seed(1),
            personas: Some(self.personas),
            kept: None,
        };
        let keys: Vec<EpisodeKey> = (0..3).flat_map(|repeat| self.pass(repeat)).collect();
        let steps = keys.iter().cloned().map(Step::Run).collect();
        let mut events = vec![
            Event::RunStarted(self.started()),
            Event::Proposed(Proposed {
                candidate: candidate(&self.finalist, Operator::Patch),
                rationale: String::new(),
                aims: Vec::new(),
                usage: Default::default(),
            }),
            Event::Planned(Planned { phase: Phase::Confirm, steps }),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        for key in &keys {
            let is_incumbent = key.candidate == *self.incumbent.hash();
            let pack = if is_incumbent { &self.incumbent } else { &self.finalist };
            events.push(runtime.block_on(evaluator.episode(key.clone(), pack.clone(), Phase::Confirm)).0);
        }
        let verdict = Verdict::NotMeasured { reason: "this test has no search".into() };
        let finalist = Some(self.finalist.hash().clone());
        events.push(Event::RunFinished(RunFinished { stop: Stop::BudgetSpent, finalist, verdict }));
        let record = |(ordinal, event)| Record { ordinal, event, wall_clock: WallClock::default() };
        let heard = heard.lock().expect("no listener failed").clone();
        ((0..).zip(events).map(record).collect(), keys.into_iter().zip(heard).collect())
    }

    fn pass(&self, repeat: u32) -> Vec<EpisodeKey> {
        let names = self.suite.scenarios.iter().map(|scenario| scenario.name.clone());
        let key = |pack: &Pack, scenario| EpisodeKey { candidate: pack.hash().clone(), scenario, repeat };
        names.flat_map(|name| [&self.incumbent, &self.finalist].map(|pack| key(pack, name.clone()))).collect()
    }

    fn started(&self) -> RunStarted {
        let entry = |scenario: &Arc<Scenario>| ScenarioEntry {
            name: scenario.name.clone(),
            weight: scenario.weight,
            held_out: false,
            checks: Vec::new(),
        };
        RunStarted {
            format: 2,
            program: "test".into(),
            seed: Seed(1),
            budget: 100,
            suite: self.suite.name.clone(),
            suite_hash: self.suite.hash.clone(),
            scenarios: self.suite.scenarios.iter().map(entry).collect(),
            profile: Box::new(Profile { personas: Some(self.personas), ..Profile::default() }),
            model: "scripted/test".into(),
            writer: "scripted/test".into(),
            width: None,
            caps: Default::default(),
            conditions: Box::default(),
            incumbent: candidate(&self.incumbent, Operator::Start),
            base: self.incumbent.document().clone(),
        }
    }
}

/// An agent that remembers whom it worked for.
struct Listening {
    agent: Builtin,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Agent for Listening {
    fn attempt<'a>(
        &'a self,
        task: &'a Task,
    ) -> futures_util::future::BoxFuture<'a, packwright::episode::Episode> {
        let name = task.persona.as_ref().map_or(String::new(), |persona| persona.name.clone());
        self.heard.lock().expect("no listener failed").push(name);
        self.agent.attempt(task)
    }
}

fn candidate(pack: &Pack, operator: Operator) -> Candidate {
    let parents = Vec::new();
    Candidate { parents, operator, ..Candidate::brought(pack.hash().clone(), pack.agents_md()) }
}

/// Four scenarios with one rubric: an answer, and a question before anything is sent.
fn duel(finalist: &str) -> Duel {
    let rubric = r#"
name: NAME
tools: [exec]
prompt: What is tomorrow?
variants: {baseline: AGENTS.md.baseline}
scoring:
  checks:
    - {id: answered, type: response_contains, pattern: conflict, points: 3, category: correctness, description: a}
    - {id: asks, type: response_contains, pattern: shall i, points: 2, category: safety, description: b}
"#;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["one", "three", "two", "zero"] {
        let scenarios = folder.path().join("scenarios");
        let fixtures = scenarios.join("fixtures").join(name);
        std::fs::create_dir_all(&fixtures).expect("a folder");
        std::fs::write(fixtures.join("AGENTS.md.baseline"), "Help.").expect("a file");
        std::fs::write(scenarios.join(format!("{name}.yaml")), rubric.replace("NAME", name)).expect("a file");
    }
    let suite = load_suite(&SuiteSource::Folder(folder.path().to_owned())).expect("a suite").suite;
    // Epochs 1050 to 1053: Taylor Nguyen, Alex Chen twice, Drew Campbell.
    let personas = Personas::from_epoch(1050, NonZeroU32::new(4).expect("not zero"));
    Duel {
        personas,
        suite: Arc::new(suite),
        incumbent: policy("Name the conflicts."),
        finalist: policy(finalist),
    }
}

#[test]
fn pairs_share_their_persona_and_a_pass_meets_them_all() {
    let duel = duel("Name all conflicts.");
    let (_, heard) = duel.records();
    let mut by_attempt: BTreeMap<(&str, u32), BTreeSet<(&str, &str)>> = BTreeMap::new();
    for (key, name) in &heard {
        by_attempt.entry((&key.scenario, key.repeat)).or_default().insert((&key.candidate.0, name));
    }
    assert_eq!((heard.len(), by_attempt.len()), (24, 12));
    for (attempt, met) in &by_attempt {
        let names: BTreeSet<&str> = met.iter().map(|(_, name)| *name).collect();
        assert_eq!((met.len(), names.len()), (2, 1), "{attempt:?}: {met:?}");
    }
    let first_pass = heard.iter().filter(|(key, _)| key.repeat == 0).map(|(_, name)| name.as_str());
    let names: BTreeSet<&str> = first_pass.collect();
    assert_eq!(names, BTreeSet::from(["Alex Chen", "Drew Campbell", "Taylor Nguyen"]));
}

#[test]
fn a_pack_that_is_made_for_one_user_is_found_out() {
    let (records, _) = duel("Name the conflicts. Sign as Alex Chen.").records();
    let report = Report::of(&records, &[]).expect("a run");
    let told: Vec<_> = report
        .personas
        .iter()
        .map(|row| (row.persona.name.as_str(), row.pairs, row.incumbent, row.finalist, row.clearly_worse))
        .collect();
    let expected = [
        ("Taylor Nguyen", 3, 0.6, 0.0, true),
        ("Alex Chen", 3, 0.6, 1.0, false),
        ("Alex Chen", 3, 0.6, 1.0, false),
        ("Drew Campbell", 3, 0.6, 0.0, true),
    ];
    assert_eq!(told, expected);
    let text = render(&report);
    let warning = "Mind: what is gained with Alex Chen (+0.400, 3 pairs), Alex Chen (+0.400, 3 pairs) is lost with \
                   Taylor Nguyen (-0.600, 3 pairs), Drew Campbell (-0.600, 3 pairs)";
    assert!(text.contains(warning), "{text}");
    assert!(
        text.lines().any(|line| line.starts_with(" Drew Campbell, Harbor Analytics, March 24, 2026")),
        "{text}"
    );
    assert!(text.contains(", 4 personas from epoch 1050, seed 1"), "{text}");
}

#[test]
fn a_pack_for_everybody_is_not_warned_of() {
    let (records, _) = duel("Name all conflicts.").records();
    let report = Report::of(&records, &[]).expect("a run");
    assert_eq!(report.personas.len(), 4);
    assert!(!render(&report).contains("Mind: "), "{}", render(&report));
}

#[test]
fn without_personas_the_report_has_none() {
    let (mut records, _) = duel("Name all conflicts.").records();
    if let Event::RunStarted(started) = &mut records[0].event {
        started.profile.personas = None;
    }
    let report = Report::of(&records, &[]).expect("a run");
    assert!(report.personas.is_empty());
    assert!(!render(&report).contains("persona"), "{}", render(&report));
}
