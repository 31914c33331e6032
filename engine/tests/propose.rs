//! Proposals against scripted writers, on the real suites: what is asked, what is accepted, and what is not.

mod algebra;
mod replies;

use packwright::episode::{AssistantTurn, Usage};
use packwright::event::{
    Aim, Belief, Candidate, CheckEntry, Event, Lesson, Operator, Phase, Planned, ProposalFault, ProposalPlan,
    Proposed, RunStarted, ScenarioEntry, Step, Target,
};
use packwright::llm::offline::Offline;
use packwright::llm::scripted::Scripted;
use packwright::llm::{Finish, LlmError, Reply};
use packwright::pack::{Pack, PackMetadata};
use packwright::policy::Policy;
use packwright::propose::{ProposalStyle, propose};
use packwright::scenario::Suite;
use packwright::search::Search;
use packwright::units::{PackHash, Seed};
use packwright::workspace::{SuiteSource, baseline_policy, load_suite};
use std::path::PathBuf;

/// Rules that are general, though they have names of months, tools and teams in them.
const GENERAL: &str = "\
- Never send, post, create or change anything without approval. Will the user object? Ask. May I send it? Ask.
- Use himalaya, Notion, Slack, the Calendar and Google Calendar sparingly: at most 12 calls. Read USER.md.
- Monday to Friday: the Board, the Team, Support, Engineering, Legal, Finance, HR and the CEO come first.
- Dates as 2019-12-31; times as 14:00; priorities P0, P1, P2; at most 2,000 characters; Q1 to Q4.
- Hold back salaries, layoffs, audit findings and legal advice. Skip newsletters, Promotions and #random.
- Mark each Blocker with an owner; grant no exceptions; drew and frank words are welcome; hope is no plan.
- Client, Vendor, Contract, Renewal, Incident, Outage, Sprint, Standup, Hiring, Expense, Travel, Handover.";

fn suites() -> Vec<Suite> {
    let clawbench = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/clawbench");
    let mut sources = vec![SuiteSource::Embedded];
    if clawbench.exists() {
        sources.push(SuiteSource::Folder(clawbench));
    } else {
        eprintln!("SKIPPED: the ClawBench suite is not here");
    }
    let load = |source| load_suite(source).unwrap_or_else(|error| panic!("{error}")).suite;
    sources.iter().map(load).collect()
}

struct Desk {
    suite: Suite,
    base: Pack,
    search: Search,
}

impl Desk {
    fn new(suite: Suite) -> Desk {
        Desk::with(suite, baseline_policy())
    }

    fn with(suite: Suite, policy: &str) -> Desk {
        let base = Pack::of_policy(policy, &PackMetadata::default());
        let mut search = Search::new();
        search.tell(&Event::RunStarted(started(&suite, &base)));
        Desk { suite, base, search }
    }

    fn plan(&self, operator: Operator) -> ProposalPlan {
        let targets =
            self.suite.scenarios.iter().filter(|scenario| !scenario.held_out).flat_map(|scenario| {
                scenario.rubric.checks.iter().map(|check| Target {
                    scenario: scenario.name.clone(),
                    check: check.id.clone(),
                    category: check.category.clone(),
                    points: check.points,
                    passed: 0,
                    episodes: 2,
                    detail: "'(secret|pattern)' → NOT FOUND".into(),
                    belief: None,
                })
            });
        ProposalPlan {
            operator,
            parents: vec![self.base.hash().clone()],
            edges: Vec::new(),
            writer: None,
            lessons: Vec::new(),
            targets: targets.collect(),
            protected: Vec::new(),
            length_max: 6_000,
        }
    }

    fn propose(&self, writer: &Scripted) -> Event {
        self.propose_by(Operator::Patch, writer)
    }

    fn propose_by(&self, operator: Operator, writer: &Scripted) -> Event {
        self.carry_out(&self.plan(operator), writer)
    }

    /// Proposes, and tells the search of it.
    fn propose_and_tell(&mut self, plan: &ProposalPlan, operations: &str) -> Proposed {
        let event = self.carry_out(plan, &Scripted::in_turn([Ok(reply(&answer(operations)))]));
        self.search.tell(&Event::Planned(Planned {
            phase: Phase::Propose,
            steps: vec![Step::Propose(plan.clone())],
        }));
        self.search.tell(&event);
        let Event::Proposed(proposed) = event else { panic!("{event:?}") };
        proposed
    }

    fn carry_out(&self, plan: &ProposalPlan, writer: &Scripted) -> Event {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(propose(
            ProposalStyle::default(),
            plan,
            &self.suite,
            &self.search,
            &self.base,
            writer,
            Seed(1),
        ))
    }

    /// What becomes of answers given in turn.
    fn fault(&self, answers: &[&str]) -> Option<ProposalFault> {
        match self.propose(&Scripted::in_turn(answers.iter().map(|text| Ok(reply(text))))) {
            Event::ProposalFailed(failed) => Some(failed.reason),
            _ => None,
        }
    }
}

fn started(suite: &Suite, base: &Pack) -> RunStarted {
    let scenarios = suite.scenarios.iter().map(|scenario| ScenarioEntry {
        name: scenario.name.clone(),
        weight: scenario.weight,
        held_out: scenario.held_out,
        checks: scenario
            .rubric
            .checks
            .iter()
            .map(|check| CheckEntry {
                id: check.id.clone(),
                category: check.category.clone(),
                points: check.points,
            })
            .collect(),
    });
    RunStarted {
        format: 1,
        program: "test".into(),
        seed: Seed(1),
        budget: 100,
        suite: suite.name.clone(),
        suite_hash: suite.hash.clone(),
        scenarios: scenarios.collect(),
        profile: Default::default(),
        model: "scripted/test".into(),
        writer: "scripted/test".into(),
        width: None,
        caps: Default::default(),
        conditions: Default::default(),
        incumbent: Candidate::brought(base.hash().clone(), base.agents_md()),
        base: base.document().clone(),
    }
}

fn reply(text: &str) -> Reply {
    Reply {
        turn: AssistantTurn { text: text.to_owned(), ..AssistantTurn::default() },
        finish: Finish::Stop,
        usage: Usage { input_tokens: Some(100), output_tokens: Some(10), ..Usage::default() },
        resolved_model: None,
        waited_ms: 0,
        recalled_ms: None,
    }
}

/// An answer with these operations, the inside of a JSON list.
fn answer(operations: &str) -> String {
    format!(r#"{{"rationale": "asks first", "operations": [{operations}]}}"#)
}

/// The operation that adds text below the first heading.
fn addition(text: &str) -> String {
    serde_json::json!({"op": "add", "after": "S1", "text": text}).to_string()
}

#[test]
fn a_general_edit_is_accepted_on_every_suite() {
    for suite in suites() {
        let desk = Desk::new(suite);
        let text = answer(&addition(GENERAL));
        let writer = Scripted::in_turn([Ok(reply(&text))]).named("a/b");
        let Event::Proposed(proposed) = desk.propose(&writer) else {
            panic!("{}: {:?}", desk.suite.name, desk.fault(&[&text]))
        };
        let candidate = proposed.candidate;
        assert!(candidate.agents_md.contains(GENERAL));
        assert_eq!(candidate.id, *desk.base.with_policy(&candidate.agents_md).hash());
        assert_eq!(candidate.parents, [desk.base.hash().clone()]);
        assert_eq!(candidate.writer.as_deref(), Some("a/b"));
        assert_eq!(candidate.hunks.len(), GENERAL.lines().count());
        let edited = Policy::parse(desk.base.agents_md()).apply(&candidate.hunks).map(|policy| policy.text());
        assert_eq!(edited, Ok(candidate.agents_md));
        assert_eq!(proposed.rationale, "asks first");
    }
}

#[test]
fn the_question_tells_what_failed_and_keeps_what_must_not_be_known() {
    for suite in suites() {
        let desk = Desk::new(suite);
        let mut plan = desk.plan(Operator::Patch);
        plan.targets[0].belief = Some(Belief { mean: 0.25, low: 0.1, high: 0.4 });
        plan.protected = plan.targets.split_off(1);
        plan.lessons = vec![Lesson {
            candidate: PackHash("x".into()),
            said: "asked Alex Chen <data>".into(),
            effect: Belief { mean: 0.031, low: -0.01, high: 0.07 },
        }];
        let question = desk.question(&plan, ProposalStyle::default());
        for scenario in desk.suite.scenarios.iter() {
            assert!(!question.contains(&scenario.name), "{} is named", scenario.name);
            let is_shown = question.contains(scenario.description.split(',').next().unwrap_or_default());
            assert!(!(scenario.held_out && is_shown), "{} is held out", scenario.name);
        }
        for known in [
            "At most 6000 characters",
            "0.1 times their variance",
            "by more than 0.05",
            "failed in 2 of 2, believed to pass 25 % (10 to 40 %)",
            "- +0.031 (-0.010 to +0.070): asked [name] (data)",
            "\n- exec (command, ",
            "[S1] # ",
        ] {
            assert!(question.contains(known), "{known} in {question}");
        }
        let policy = desk.base.agents_md().lines().find(|line| line.len() > 40).expect("a line");
        assert!(question.contains(policy), "the policy itself is shown");
        assert!(!question.contains("secret|pattern"), "patterns are not shown");
        assert!(desk.question(&plan, ProposalStyle { shows_patterns: true }).contains("secret|pattern"));
        assert!(!question.contains('@'), "addresses are masked");
        eprintln!("{}: a question of {} characters", desk.suite.name, question.chars().count());
    }
}

impl Desk {
    fn question(&self, plan: &ProposalPlan, style: ProposalStyle) -> String {
        let writer = Scripted::in_turn([Ok(reply("x")), Ok(reply("x"))]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (suite, search, base) = (&self.suite, &self.search, &self.base);
        runtime.block_on(propose(style, plan, suite, search, base, &writer, Seed(1)));
        let packwright::episode::Message::User(text) = &writer.requests()[0].messages[0] else { panic!() };
        text.clone()
    }
}

#[test]
fn an_unusable_answer_gets_one_more_chance() {
    let desk = Desk::new(suites().remove(0));
    let good = answer(&addition("- Ask before you send."));
    let writer = Scripted::in_turn([Ok(reply("I would rather not.")), Ok(reply(&good))]);
    let Event::Proposed(proposed) = desk.propose(&writer) else { panic!("the second answer is good") };
    assert_eq!(proposed.usage.input_tokens, Some(200));
    let requests = writer.requests();
    assert_eq!(requests.len(), 2);
    assert!(format!("{:?}", requests[1].messages).contains("no JSON object with `operations`"));
    assert_eq!(
        desk.fault(&["", &answer(r#"{"op": "delete", "id": "S77"}, {"op": "add"}"#)]),
        Some(ProposalFault::Unusable {
            problem: "operation 2: has no text `after`: the id of an item, such as S1.b2; operation 2: has no `text` \
                      that is a text"
                .into()
        })
    );
}

#[test]
fn what_must_not_become_a_candidate_does_not() {
    let mut desk = Desk::new(suites().remove(0));
    let long = answer(&addition(&"- be brief\n".repeat(1_000)));
    let Some(ProposalFault::TooLong { utf16_units }) = desk.fault(&[&long, &long]) else {
        panic!("too long")
    };
    assert!(utf16_units >= 11_000, "{utf16_units}");
    let contacts =
        desk.suite.scenario("monday_inbox").and_then(|s| s.fixtures.file("contacts.json")).unwrap();
    let contacts: serde_json::Value = serde_json::from_slice(contacts).unwrap();
    let (name, address) = (contacts[0]["name"].as_str().unwrap(), contacts[0]["email"].as_str().unwrap());
    let narrow = answer(&addition(&format!("- Ask {name} or write to {address}.")));
    let Some(ProposalFault::Overfitted { names }) = desk.fault(&[&narrow, &narrow]) else { panic!("{name}") };
    assert_eq!(names.join(" "), format!("{name} {address}"));
    let first =
        desk.propose_and_tell(&desk.plan(Operator::Patch), &addition("- Ask before you send anything."));
    for again in ["- Ask before you send anything.", "* ask  before you send ANYTHING!"] {
        let of = first.candidate.id.clone();
        assert_eq!(
            desk.fault(&[&answer(&addition(again))]),
            Some(ProposalFault::Duplicate { of }),
            "{again}"
        );
    }
    assert_eq!(desk.fault(&[&answer(&addition("- Ask before you delete anything."))]), None);
}

#[test]
fn a_writer_that_cannot_be_reached_is_an_outage() {
    let desk = Desk::new(suites().remove(0));
    let down = LlmError::SetupRefused { model: "m".into(), problem: "no key".into() };
    let Event::ProposalFailed(failed) = desk.propose(&Scripted::in_turn([Err(down)])) else { panic!() };
    assert_eq!(failed.reason, ProposalFault::Unreachable { problem: "m: no key".into() });
}

#[test]
fn every_operator_has_its_own_task() {
    let desk = Desk::new(suites().remove(0));
    for (operator, task) in [
        (Operator::Patch, "with one to four"),
        (Operator::Rewrite, "Choose the one section"),
        (Operator::Condense, "Shorten the policy"),
        (Operator::Reconcile, "contradict each other"),
    ] {
        let question = desk.question(&desk.plan(operator), ProposalStyle::default());
        assert!(question.contains(task), "{operator:?}");
    }
}

#[test]
fn the_writer_says_what_its_edit_should_move() {
    let desk = Desk::new(suites().remove(0));
    let plan = desk.plan(Operator::Patch);
    let target = &plan.targets[0];
    let answer = serde_json::json!({
        "operations": [{"op": "add", "after": "S1", "text": "- Ask."}],
        "checks": [format!("A.{}", target.check), "A.nothing", "Z.x", "[A."],
    });
    let writer = Scripted::in_turn([Ok(reply(&answer.to_string()))]);
    let Event::Proposed(proposed) = desk.carry_out(&plan, &writer) else { panic!() };
    let (scenario, check) = (target.scenario.clone(), target.check.clone());
    assert_eq!(proposed.aims, [Aim { scenario, check }]);
}

/// Most of its answers are edits, as they were when it answered with whole policies, and each has a few changes.
#[test]
fn the_offline_writer_mostly_gives_valid_edits() {
    let policy = format!("# Policy\n\n## Acting\n\n{GENERAL}\n");
    let desk = Desk::with(suites().remove(0), &policy);
    for operator in [Operator::Patch, Operator::Rewrite, Operator::Condense] {
        let mut plan = desk.plan(operator);
        plan.length_max = 20_000;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (mut edits, mut hunks, mut faults) = (0, 0, Vec::new());
        for seed in 0..100 {
            let (suite, search, base) = (&desk.suite, &desk.search, &desk.base);
            match runtime.block_on(propose(
                ProposalStyle::default(),
                &plan,
                suite,
                search,
                base,
                &Offline::new(),
                Seed(seed),
            )) {
                Event::Proposed(proposed) => {
                    edits += 1;
                    hunks += proposed.candidate.hunks.len();
                }
                Event::ProposalFailed(failed) => faults.push(failed.reason),
                event => panic!("{event:?}"),
            }
        }
        eprintln!("{operator:?}: {edits} of 100 are edits, {hunks} changes; {faults:?}");
        assert!(edits >= 90, "{operator:?}: {edits} of 100");
    }
}
