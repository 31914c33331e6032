//! The gateway backend against a real OpenClaw, where one is in the cache; elsewhere these tests say so and pass.

use packwright::agent::builtin::Limits;
use packwright::agent::openclaw::{self, Comparison, Installed, OpenClaw, Settings, behaviours};
use packwright::agent::prompt::PromptProfile;
use packwright::agent::{Agent, Task};
use packwright::episode::{Episode, FailureClass, Outcome, Usage};
use packwright::llm::Reply;
use packwright::llm::scripted::Scripted;
use packwright::pack::{Pack, PackMetadata};
use packwright::scenario::Scenario;
use packwright::score::Profile;
use packwright::units::Seed;
use packwright::workspace::{SuiteSource, load_suite};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn installed() -> Option<Installed> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = set("PACKWRIGHT_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("packwright")))
        .or_else(|| Some(set("HOME")?.join(".cache").join("packwright")))?;
    let found = openclaw::find(&cache);
    if let Err(error) = &found {
        eprintln!("SKIPPED: {error}");
    }
    found.ok()
}

fn limits() -> Limits {
    Limits::of(&Profile::named("clawbench-2026-02").expect("a built-in profile"))
}

fn settings(installed: Installed, limits: Limits) -> Settings {
    Settings { installed, workers: 1, limits, prompt: PromptProfile::default() }
}

fn scenario() -> Arc<Scenario> {
    let suite = load_suite(&SuiteSource::Embedded).expect("the embedded suite").suite;
    suite.scenario("day_brief").expect("a scenario of ours").clone()
}

async fn episode(agent: &OpenClaw) -> Episode {
    let pack = Arc::new(Pack::of_policy("Be brief.", &PackMetadata::default()));
    agent.attempt(&Task { scenario: scenario(), pack, persona: None, seed: Seed(0), repeat: 0 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_the_world_and_never_this_machine() {
    let Some(installed) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made-by-the-model");
    let command = serde_json::json!({"command": format!("touch {}", file.display())}).to_string();
    let mut asks = Reply::calls("I try.", &[("exec", &command), ("process", r#"{"action": "list"}"#)]);
    asks.usage = Usage { input_tokens: Some(100), output_tokens: Some(7), ..Usage::default() };
    let model = Arc::new(Scripted::in_turn([Ok(asks), Ok(Reply::says("Done."))]));
    let agent = OpenClaw::new(model.clone(), settings(installed, limits())).await.unwrap();
    let episode = episode(&agent).await;
    assert_eq!(episode.outcome, Outcome::Finished);
    assert_eq!(episode.response, "I try.\n\nDone.");
    assert!(!file.exists(), "the gateway ran the model's command on this machine");
    let tools: Vec<&str> = episode.tool_calls.iter().map(|call| call.tool.as_str()).collect();
    assert_eq!(tools, ["exec"]);
    assert_eq!((episode.model_calls, episode.usage.input_tokens), (2, Some(100)));
    let first = &model.requests()[0];
    assert!(first.system.contains("/workspace/AGENTS.md\nBe brief.\n"), "{}", first.system);
    assert!(!first.system.contains("packwright-gateways"), "a prompt must not name places of this machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_model_is_an_error_and_no_answer() {
    let Some(installed) = installed() else { return };
    let turn = Reply::calls("I look.", &[("exec", r#"{"command": "himalaya envelope list"}"#)]);
    let model = Arc::new(Scripted::in_turn([Ok(turn)]));
    let agent = OpenClaw::new(model, settings(installed, limits())).await.unwrap();
    let episode = episode(&agent).await;
    let Outcome::Errored { reason, .. } = &episode.outcome else { panic!("{:?}", episode.outcome) };
    assert!(reason.contains("the script has no more answers"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_and_time_have_limits() {
    let Some(installed) = installed() else { return };
    let again = || Reply::calls("Again.", &[("exec", r#"{"command": "gh pr list"}"#)]);
    let model = Arc::new(Scripted::answering(move |_| Ok(again())));
    let few = Limits { model_calls_max: 3, ..limits() };
    let agent = OpenClaw::new(model, settings(installed.clone(), few)).await.unwrap();
    let cut = episode(&agent).await;
    assert_eq!((cut.outcome, cut.model_calls, cut.tool_calls.len()), (Outcome::TurnLimit, 3, 3));
    assert_eq!(cut.response, "Again.\n\nAgain.\n\nAgain.");

    let slow = Scripted::answering(move |_| Ok(again())).with_latency(Duration::from_secs(5));
    // The gateway gives up ten seconds earlier: while the model is asked for the second time.
    let short = Limits { episode_ms_max: 18_000, ..limits() };
    let agent = OpenClaw::new(Arc::new(slow), settings(installed, short)).await.unwrap();
    let late = episode(&agent).await;
    assert_eq!((late.outcome, late.response.as_str()), (Outcome::TimedOut, "Again."));
    assert_eq!(late.transcript.len(), 3, "the request, one turn, and what its call answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_in_a_workspace_never_run() {
    let Some(installed) = installed() else { return };
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("made-by-the-pack");
    let extension = format!(
        "import {{ writeFileSync }} from 'node:fs';\nwriteFileSync({:?}, 'x');\nexport default function () {{}}\n",
        file.display().to_string()
    );
    let pack = Pack::of_policy("Be brief.", &PackMetadata::default());
    let pack = Arc::new(pack.with_file(".pi/extensions/evil.ts", &extension));
    let model = Arc::new(Scripted::in_turn([Ok(Reply::says("Done."))]));
    let agent = OpenClaw::new(model, settings(installed, limits())).await.unwrap();
    let episode =
        agent.attempt(&Task { scenario: scenario(), pack, persona: None, seed: Seed(0), repeat: 0 }).await;
    assert!(!file.exists(), "the gateway ran a program of the pack on this machine");
    let Outcome::Errored { reason, class } = &episode.outcome else { panic!("{:?}", episode.outcome) };
    assert!(reason.contains("\".pi/extensions/evil.ts\" is not a plain document"), "{reason}");
    assert_eq!(*class, FailureClass::Setup);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_builtin_agent_does_what_the_gateway_does() {
    let Some(installed) = installed() else { return };
    let scenario = scenario();
    let prompt = openclaw::capture(installed.clone(), limits(), &scenario).await.unwrap();
    let settings = Settings { prompt, ..settings(installed, limits()) };
    let mut comparison = Comparison::new(settings).await.unwrap();
    for behaviour in behaviours() {
        let differences = comparison.compare(&scenario, &behaviour).await;
        assert_eq!(differences, [], "{}", behaviour.name);
    }
}
