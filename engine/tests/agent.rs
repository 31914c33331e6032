//! The built-in agent under a scripted model: what it sends, what its tools answer, and what it leaves behind.

use packwright::agent::builtin::{Builtin, Limits};
use packwright::agent::{AGENT_RUNTIME_VERSION, Agent, Task};
use packwright::episode::{Episode, FailureClass, Message, Outcome, Usage};
use packwright::llm::scripted::Scripted;
use packwright::llm::{Finish, LlmError, Reply, Request};
use packwright::pack::{Pack, PackMetadata};
use packwright::scenario::{Folder, Rubric, Scenario};
use packwright::score::Profile;
use packwright::units::{Seed, sha256_hex};
use packwright::value::Value;
use std::sync::Arc;
use std::time::Duration;

fn scenario() -> Scenario {
    let mut fixtures = Folder::default();
    fixtures.insert_text("USER.md", "# {{USER_NAME}} of {{COMPANY}}\n");
    fixtures.insert_text(
        "inbox.json",
        r#"[{"id": "m1", "sender": "Zoë", "received_ts": "2026-02-06T08:45:00Z"}]"#,
    );
    fixtures.insert_text("contacts.json", "{broken");
    fixtures.insert_text("memory/notes.md", "alpha\nbeta");
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    Scenario {
        name: "inbox".into(),
        difficulty: None,
        weight: 1.0,
        description: String::new(),
        tools: vec!["exec".into(), "slack".into()],
        prompt: "  Review my inbox.\n".into(),
        variants: pairs(&[]),
        workspace: pairs(&[("USER.md", "USER.md"), ("gone.md", "gone.md")]),
        user_context: pairs(&[("USER_NAME", "Alex Chen"), ("COMPANY", "TechCorp")]),
        held_out: false,
        rubric: Rubric::default(),
        fixtures: Arc::new(fixtures),
        document: Value::Null,
    }
}

fn task(scenario: Scenario) -> Task {
    let pack = Pack::of_policy("Be brief, {{USER_NAME}}.", &PackMetadata::default());
    Task { scenario: Arc::new(scenario), pack: Arc::new(pack), persona: None, seed: Seed(7), repeat: 0 }
}

fn limits() -> Limits {
    Limits::of(&Profile::default())
}

fn attempt(model: &Arc<Scripted>, limits: Limits, task: &Task) -> Episode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(Builtin::new(model.clone(), limits).attempt(task))
}

/// An episode over replies in turn, and what the model was asked.
fn play(replies: Vec<Result<Reply, LlmError>>) -> (Episode, Vec<Request>) {
    let model = Arc::new(Scripted::in_turn(replies));
    let episode = attempt(&model, limits(), &task(scenario()));
    (episode, model.requests())
}

/// What the model was answered to one tool call.
fn answer(tool: &str, args: &str) -> String {
    let (episode, _) = play(vec![Ok(Reply::calls("", &[(tool, args)])), Ok(Reply::says("Done."))]);
    results(&episode).remove(0)
}

fn results(episode: &Episode) -> Vec<String> {
    let contents = episode.transcript.iter().filter_map(|message| match message {
        Message::ToolResult(result) => Some(result.content.clone()),
        Message::User(_) | Message::Assistant(_) => None,
    });
    contents.collect()
}

fn response(replies: Vec<Reply>) -> String {
    play(replies.into_iter().map(Ok).collect()).0.response
}

#[test]
fn the_request_holds_the_policy_the_user_and_the_tools() {
    let (_, requests) = play(vec![Ok(Reply::says("Done."))]);
    let request = &requests[0];
    for (before, after) in [
        ("## Tooling", "## Tool Call Style"),
        ("## Safety", "## Memory Recall"),
        ("## Runtime", ""),
        ("# Project Context", "## /workspace/AGENTS.md\nBe brief, {{USER_NAME}}.\n## /workspace/SOUL.md\n"),
        (
            "## /workspace/IDENTITY.md",
            "## /workspace/USER.md\n# Alex Chen of TechCorp\n## /workspace/HEARTBEAT.md",
        ),
        ("/workspace/BOOTSTRAP.md\n[MISSING] Expected at: /workspace/BOOTSTRAP.md", "## Silent Replies"),
    ] {
        let (_, rest) = request.system.split_once(before).unwrap_or_else(|| panic!("{before}"));
        assert!(rest.contains(after), "{after} after {before} in {}", request.system);
    }
    assert_eq!(request.messages, [Message::User("Review my inbox.".into())]);
    let names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    let expected = ["read", "exec", "session_status", "slack", "memory_search", "memory_get", "web_search"];
    assert_eq!(names, expected);
    assert_eq!((request.seed, request.output_tokens_max), (Seed(7), None));
}

#[test]
fn web_fetch_is_offered_where_the_scenario_names_it() {
    let mut scenario = scenario();
    scenario.tools.push("web_fetch".into());
    let model = Arc::new(Scripted::in_turn([Ok(Reply::says("Done."))]));
    attempt(&model, limits(), &task(scenario));
    let requests = model.requests();
    assert_eq!(requests[0].tools.last().map(|tool| tool.name.as_str()), Some("web_fetch"));
    assert!(requests[0].system.contains("- web_fetch: "));
}

#[test]
fn a_file_of_the_pack_wins_over_that_of_the_scenario() {
    let document = r#"{"schema_version": 1, "files": {"AGENTS.md": "x", "USER.md": "Own {{COMPANY}}", "../out.md": "y"},
        "tool_policy": {"allow": ["exec"], "deny": ["admin_*", "shell"]},
        "metadata": {"pack_name": "own", "pack_version": "1.0.0", "target_suite": "clawbench_v1"}}"#;
    let pack = Pack::read(document.as_bytes()).expect("a valid pack");
    let task = Task { pack: Arc::new(pack), ..task(scenario()) };
    let read = Reply::calls("", &[("read", r#"{"path": "USER.md"}"#)]);
    let model = Arc::new(Scripted::in_turn([Ok(read), Ok(Reply::says("Done."))]));
    let episode = attempt(&model, limits(), &task);
    assert!(model.requests()[0].system.contains("## /workspace/USER.md\nOwn TechCorp\n"));
    assert!(results(&episode)[0].contains("Own TechCorp"));
}

#[test]
fn calls_of_a_turn_run_in_order_and_are_recorded() {
    let calls =
        [("exec", r#"{"command": "himalaya list"}"#), ("memory_get", r#"{"path": "notes.md", "from": "2"}"#)];
    let (episode, requests) = play(vec![Ok(Reply::calls("I look.", &calls)), Ok(Reply::says("One mail."))]);
    assert_eq!(episode.outcome, Outcome::Finished);
    assert_eq!(episode.response, "I look.\n\nOne mail.");
    assert_eq!(episode.model_calls, 2);
    let called: Vec<(&str, String)> =
        episode.tool_calls.iter().map(|call| (call.tool.as_str(), call.args.compact())).collect();
    assert_eq!(
        called,
        [
            ("exec", r#"{"command":"himalaya list"}"#.into()),
            ("memory_get", r#"{"path":"notes.md","from":2}"#.into())
        ]
    );
    let pretty = "{\n  \"path\": \"notes.md\",\n  \"text\": \"beta\"\n}";
    assert_eq!(results(&episode)[1], pretty);
    assert!(results(&episode)[0].contains(r"Zo\\u00eb"), "the mock escapes inside its text");
    assert_eq!(requests[1].messages, episode.transcript[..4]);
    assert!(matches!(&episode.transcript[4], Message::Assistant(turn) if turn.text == "One mail."));
}

#[test]
fn the_agent_answers_session_status_itself() {
    let (episode, _) = play(vec![Ok(Reply::calls("", &[("session_status", "")])), Ok(Reply::says("Done."))]);
    assert!(results(&episode)[0].starts_with("Time: 2026-02-06 08:45:00 (UTC)\nModel: scripted/test\n"));
    assert!(episode.tool_calls.is_empty());
}

#[test]
fn wrong_calls_never_reach_the_world() {
    for (tool, args, expected) in [
        ("Exec", "{}", "Tool Exec not found"),
        ("web_fetch", r#"{"url": "x"}"#, "Tool web_fetch not found"),
        (
            "read",
            "{}",
            "Validation failed for tool \"read\":\n  - path: must have required property 'path'\n",
        ),
        (
            "slack",
            r#"{"action": "listChannels"}"#,
            "Validation failed for tool \"slack\":\n  - action: must be equal",
        ),
    ] {
        let (episode, _) = play(vec![Ok(Reply::calls("", &[(tool, args)])), Ok(Reply::says("Done."))]);
        assert!(results(&episode)[0].starts_with(expected), "{}", results(&episode)[0]);
        assert!(episode.tool_calls.is_empty());
    }
}

#[test]
fn a_fault_of_the_world_is_an_answer_but_no_recorded_call() {
    let (episode, _) = play(vec![
        Ok(Reply::calls("", &[("slack", r#"{"action": "memberInfo", "userId": "U1"}"#)])),
        Ok(Reply::says("Done.")),
    ]);
    let expected = "{\n  \"status\": \"error\",\n  \"tool\": \"slack\",\n  \"error\": \"cannot use fixture contacts.json: ";
    assert!(results(&episode)[0].starts_with(expected), "{}", results(&episode)[0]);
    assert!(episode.tool_calls.is_empty());
    assert_eq!(episode.response, "Done.", "slack changes nothing, so its failure is not reported");
}

#[test]
fn unfinished_arguments_are_run_as_far_as_they_go() {
    assert!(answer("exec", r#"{"command": "echo hel"#).contains("(mock output for: echo hel)"));
}

#[test]
fn a_failed_command_is_reported_until_the_same_one_succeeds() {
    let bad = || Reply::calls("", &[("exec", "{}")]);
    let good = || Reply::calls("", &[("exec", r#"{"command": "ls"}"#)]);
    let read = || Reply::calls("", &[("read", "{}")]);
    let done = || Reply::says("Done.");
    let warning = "⚠️ 🛠️ Exec failed: Validation failed for tool \"exec\":";
    assert_eq!(response(vec![bad(), done()]), format!("Done.\n\n{warning}"));
    assert_eq!(response(vec![bad(), good(), done()]), format!("Done.\n\n{warning}"));
    assert_eq!(response(vec![bad(), read(), done()]), "Done.", "only the last failure counts");
    assert_eq!(response(vec![good(), done()]), "Done.");
    assert_eq!(response(vec![read(), good(), Reply::says("")]), "No response from OpenClaw.");
    assert!(response(vec![read(), Reply::says("")]).starts_with("⚠️ 📖 Read failed:"));
}

#[test]
fn an_agent_that_says_nothing_gets_the_runtimes_words() {
    assert_eq!(response(vec![Reply::says("")]), "No response from OpenClaw.");
    assert_eq!(response(vec![Reply::says("NO_REPLY")]), "No response from OpenClaw.");
    assert_eq!(
        response(vec![Reply::calls("Looking.", &[("exec", r#"{"command": "ls"}"#)]), Reply::says("")]),
        "Looking."
    );
}

#[test]
fn a_cut_off_turn_ends_the_episode_as_it_is() {
    let cut = Reply { finish: Finish::Length, ..Reply::says("First, I will") };
    let (episode, _) = play(vec![Ok(cut)]);
    assert_eq!((episode.outcome, episode.response.as_str()), (Outcome::Finished, "First, I will"));
}

#[test]
fn a_withheld_turn_ends_the_episode_without_its_calls() {
    let refused =
        Reply { finish: Finish::Refused, ..Reply::calls("I cannot.", &[("exec", r#"{"command": "ls"}"#)]) };
    let (episode, _) = play(vec![Ok(refused)]);
    assert_eq!(
        (episode.outcome, episode.response.as_str()),
        (Outcome::Finished, "An unknown error occurred\n\nI cannot.")
    );
    assert!(episode.tool_calls.is_empty());
}

#[test]
fn a_failing_model_leaves_the_episode_unmeasured() {
    let down = LlmError::SetupRefused { model: "a/b".into(), problem: "wrong key".into() };
    let look = Reply::calls("I look.", &[("exec", r#"{"command": "ls"}"#)]);
    let (episode, _) = play(vec![Ok(look), Err(down)]);
    assert_eq!(episode.outcome, errored("a/b: wrong key", FailureClass::Setup));
    assert!(!episode.outcome.is_scored());
    assert_eq!((episode.model_calls, episode.tool_calls.len()), (2, 1));
}

fn errored(reason: &str, class: FailureClass) -> Outcome {
    Outcome::Errored { reason: reason.into(), class }
}

#[test]
fn a_conversation_that_outgrows_the_model_is_scored_as_it_is() {
    let full = || Err(LlmError::ContextOverflow { model: "a/b".into(), problem: "too long".into() });
    let look = |text: &str| Ok(Reply::calls(text, &[("exec", r#"{"command": "ls"}"#)]));
    let ending = |replies| {
        let (episode, _) = play(replies);
        (episode.outcome, episode.response)
    };
    assert_eq!(ending(vec![look("I look."), full()]), (Outcome::ContextFull, "I look.".into()));
    let nothing_said = (Outcome::ContextFull, "No response from OpenClaw.".into());
    assert_eq!(ending(vec![look(""), full()]), nothing_said);
    // Where not even the prompt fits, the model is too small for any pack of this length.
    let too_small = (errored("a/b: too long", FailureClass::Request), String::new());
    assert_eq!(ending(vec![full()]), too_small);
}

#[test]
fn an_endless_loop_meets_the_limit_of_model_calls() {
    let again = |_: &Request| Ok(Reply::calls("Again.", &[("exec", r#"{"command": "ls"}"#)]));
    let model = Arc::new(Scripted::answering(again));
    let episode = attempt(&model, Limits { model_calls_max: 3, ..limits() }, &task(scenario()));
    assert_eq!(episode.outcome, Outcome::TurnLimit);
    assert_eq!((episode.model_calls, episode.tool_calls.len()), (3, 3));
    assert_eq!(episode.response, "Again.\n\nAgain.\n\nAgain.");
}

#[test]
fn a_slow_model_meets_the_time_limit_and_what_was_said_stays() {
    let late = |request: &Request| match request.messages.len() {
        1 => {
            std::thread::sleep(Duration::from_millis(60));
            Ok(Reply::calls("I look.", &[("exec", r#"{"command": "ls"}"#)]))
        }
        _ => Err(LlmError::DeadlineReached { model: "a/b".into() }),
    };
    let limits = Limits { episode_ms_max: 100, ..limits() };
    let episode = attempt(&Arc::new(Scripted::answering(late)), limits, &task(scenario()));
    assert_eq!((episode.outcome, episode.response.as_str()), (Outcome::TimedOut, "I look."));
}

#[test]
fn an_attempt_that_takes_half_of_the_episode_is_the_providers_doing() {
    let hangs = |request: &Request| match request.messages.len() {
        1 => Ok(Reply::calls("I look.", &[("exec", r#"{"command": "ls"}"#)])),
        _ => Err(LlmError::DeadlineReached { model: "a/b".into() }),
    };
    let episode = attempt(&Arc::new(Scripted::answering(hangs)), limits(), &task(scenario()));
    let reason = "a/b: no answer within the time that was left";
    assert_eq!(episode.outcome, errored(reason, FailureClass::Transient));
}

#[test]
fn a_provider_that_never_answers_is_not_a_slow_agent() {
    let never = Arc::new(Scripted::in_turn([]).with_latency(Duration::from_secs(3600)));
    let episode = attempt(&never, Limits { episode_ms_max: 5, ..limits() }, &task(scenario()));
    let reason = "scripted/test: no answer within the time that was left";
    assert_eq!(episode.outcome, errored(reason, FailureClass::Transient));
}

#[test]
fn waiting_for_an_overloaded_provider_does_not_count() {
    let waits = |_: &Request| {
        std::thread::sleep(Duration::from_millis(10));
        Ok(Reply { waited_ms: 3_600_000, ..Reply::calls("", &[("exec", r#"{"command": "ls"}"#)]) })
    };
    let limits = Limits { episode_ms_max: 5, model_calls_max: 3, ..limits() };
    let episode = attempt(&Arc::new(Scripted::answering(waits)), limits, &task(scenario()));
    assert_eq!(
        episode.outcome,
        Outcome::TurnLimit,
        "the time limit was passed in every call, but only by waiting"
    );
}

#[test]
fn usage_and_model_are_kept() {
    let usage = |tokens| Usage { input_tokens: Some(tokens), ..Usage::default() };
    let named = |name: &str| Some(name.to_owned());
    let look = Reply::calls("", &[("exec", r#"{"command": "ls"}"#)]);
    let first = Reply { usage: usage(10), resolved_model: named("m-1"), ..look };
    let second = Reply { usage: usage(30), ..Reply::says("Done.") };
    let (episode, _) = play(vec![Ok(first), Ok(second)]);
    assert_eq!(episode.usage, usage(40));
    assert_eq!(episode.resolved_model, named("m-1"));
}

#[test]
fn the_same_replies_leave_the_same_episode() {
    let play = || {
        let send = r#"{"action": "sendMessage", "to": "C1", "content": "hi"}"#;
        let calls = [
            ("slack", send),
            ("exec", r#"{"command": "himalaya message write x"}"#),
            ("session_status", "{}"),
        ];
        let (episode, requests) = play(vec![Ok(Reply::calls("On it.", &calls)), Ok(Reply::says("Done."))]);
        (serde_json::to_string(&episode).expect("JSON"), requests[1].system.clone())
    };
    let first = play();
    assert!(first.0.contains("slack_msg_20260206084500") && first.0.contains("draft_20260206084501"));
    assert_eq!(first, play());
}

#[test]
fn a_kept_reply_takes_as_long_as_it_took() {
    let slow = |_: &Request| {
        let look = Reply::calls("I look.", &[("exec", r#"{"command": "ls"}"#)]);
        Ok(Reply { recalled_ms: Some(limits().episode_ms_max), ..look })
    };
    let episode = attempt(&Arc::new(Scripted::answering(slow)), limits(), &task(scenario()));
    assert_eq!((episode.outcome, episode.model_calls), (Outcome::TimedOut, 1));
}

/// What an agent sends, sees and leaves in an attempt that uses most of what there is.
#[test]
fn another_behaviour_is_another_runtime_version() {
    let calls = [
        ("exec", r#"{"command": "himalaya envelope list"}"#),
        ("exec", r#"{"command": "himalaya message read m1"}"#),
        ("exec", r#"{"command": "curl -s https://api.notion.com/v1/databases/tasks/query"}"#),
        ("exec", r#"{"command": "gcalcli agenda"}"#),
        ("exec", r#"{"command": "cat USER.md; rm -r x"}"#),
        ("exec", r#"{"command": 5}"#),
        ("read", r#"{"path": "USER.md"}"#),
        ("read", r#"{"path": "nowhere.md"}"#),
        ("slack", r#"{"action": "sendMessage", "to": "C1", "content": "hi"}"#),
        ("slack", r#"{"action": "readMessages", "channelId": "C1"}"#),
        ("memory_search", r#"{"query": "alpha"}"#),
        ("memory_get", r#"{"path": "memory/notes.md"}"#),
        ("web_search", r#"{"query": "alpha"}"#),
        ("session_status", "{}"),
        ("no_such_tool", "{broken"),
    ];
    let (episode, requests) = play(vec![Ok(Reply::calls("On it.", &calls)), Ok(Reply::says("Done."))]);
    let sent = requests.iter().map(|request| {
        let tools: Vec<_> = request.tools.iter().map(|tool| (&tool.name, &tool.parameters)).collect();
        serde_json::to_string(&(&request.system, &request.messages, tools)).expect("JSON")
    });
    let all = sent.collect::<String>() + &serde_json::to_string(&episode).expect("JSON");
    let known = (1, "ad0aa8c5aaab81da41a2a83d45d19cb887562fd455cdfb3de85383cf6f142d84");
    assert_eq!(
        (AGENT_RUNTIME_VERSION, sha256_hex(all.as_bytes()).as_str()),
        known,
        "agents or worlds behave in another way: raise AGENT_RUNTIME_VERSION, so that no episode of before is \
         used again, and put both here"
    );
}
